package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/assets"
	"codex/app/auth"
	"codex/app/config"
	"codex/app/demo"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
)

// showcase is a site with the demonstration community, and what it has not: an empty channel, somebody who has just come,
// a thread without end, names and words without a space.
type showcase struct {
	*apptest.Site
	admin, member, fresh *apptest.Client
	deep, wide, gone     string // paths of posts
	part, mine           string // ids of comments: one deep in the thread, and one of the member's
	posts                []string
	errors, hurried      *apptest.Site // one that answers with any error, and one that gives no request any time
}

func arrange(t *testing.T) *showcase {
	t.Helper()
	x := &showcase{Site: apptest.Start(t)}
	hash, err := auth.NewHasher().Hash(t.Context(), demo.Password)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := demo.Load(t.Context(), x.DB, time.Now(), hash)
	if err != nil {
		t.Fatal(err)
	}
	enter := func(role db.Role) *apptest.Client {
		i := slices.IndexFunc(accounts, func(s demo.SignIn) bool { return s.Role == role })
		m, err := x.DB.MemberByHandle(t.Context(), accounts[i].Handle)
		if err != nil {
			t.Fatal(err)
		}
		c := x.Guest()
		c.SignIn(m.ID)
		c.Viewer = db.Viewer{ID: m.ID, Handle: m.Handle, Name: m.Name, Role: m.Role}
		return c
	}
	x.admin, x.member, x.fresh = enter(db.Admin), enter(db.Plain), x.As("just-arrived", db.Plain)
	long := x.As(strings.Repeat("w", 30), db.Plain)
	long.Post("/settings/profile", "name", strings.Repeat("Wolfeschlegelsteinhausen", 2), "bio", strings.Repeat("mile", 100))

	x.admin.Channel("quiet")
	x.deep = x.member.Write("quiet", "How deep does a thread go?", "As deep as *two* people have patience.")
	parent := ""
	for i, c := range []*apptest.Client{x.admin, x.member, long, x.admin, x.member, long, x.admin, x.member, long, x.admin, x.member, long} {
		parent = c.Comment(x.deep, parent, fmt.Sprintf("Step %d, and down it goes: ", i)+strings.Repeat("deeper and ", i)+"on.")
		if c == x.member {
			x.mine = parent
		}
		if i == 5 {
			x.part = parent
		}
	}
	id := x.member.Comment(x.deep, "", "A remark that will be regretted.")
	x.admin.Comment(x.deep, id, "Too late, it is answered.")
	x.member.Post("/comments/" + id + "/delete")
	x.wide = long.Write("quiet", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, and what else does not break", strings.Repeat("Unbreakable", 40)+
		"\n\n`"+strings.Repeat("code_without_a_space_", 12)+"`\n\n| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n| "+strings.Repeat("cell-without-a-space ", 5)+" | 2 | 3 | 4 | 5 | 6 |\n\n```go\n// "+
		strings.Repeat("a line of code that goes on ", 10)+"\nfunc main() {}\n```\n\n> "+strings.Repeat("Quote", 50)+"\n\n- [ ] a task\n- [x] done[^1]\n\n[^1]: A footnote.\n\nhttps://example.org/"+strings.Repeat("path/", 40),
		"tags", "a-tag-of-thirty-two-characters-x")
	long.Comment(x.wide, "", strings.Repeat("Unbreakable", 40))
	x.gone = x.member.Write("quiet", "A post that its author took back", "It was hasty.")
	x.member.Post(strings.Join(strings.Split(x.gone, "/")[:3], "/") + "/delete")
	for _, c := range []string{"front-desk", "reading", "mending", "computers", "maps", "bread"} {
		page := x.Guest().Get("/c/" + c + "?sort=new").Body
		for _, m := range regexp.MustCompile(`"(/p/\d+/[a-z0-9-]+)"`).FindAllStringSubmatch(page, -1) {
			x.posts = append(x.posts, m[1])
		}
	}
	x.errors, x.hurried = failing(t), apptest.Start(t, func(c *config.Config) { c.RequestTimeout = time.Nanosecond })
	return x
}

// post finds a post of the demonstration whose address holds the words.
func (x *showcase) post(t *testing.T, words string) string {
	t.Helper()
	i := slices.IndexFunc(x.posts, func(p string) bool { return strings.Contains(p, words) })
	if i < 0 {
		t.Fatalf("no post of the demonstration has %q in its address: %v", words, x.posts)
	}
	return x.posts[i]
}

// refusal is an error with the status that the path says.
type refusal struct{ status int }

func (e refusal) Error() string { return http.StatusText(e.status) }
func (e refusal) Status() int   { return e.status }
func (e refusal) RetryAfter() time.Duration {
	if e.status < http.StatusTooManyRequests {
		return 0
	}
	return 20 * time.Second
}

// failing is a site that answers /500 with the page of that error, and so on: what one cannot bring about by asking.
func failing(t *testing.T) *apptest.Site {
	t.Helper()
	static, err := assets.New(apptest.Static(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	responder := respond.Responder{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Asset: static.URL, Site: func() string { return "Codex" },
		Frame: func(r *http.Request) layout.Page { return layout.Page{Path: r.URL.RequestURI()} },
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler(http.NotFoundHandler()))
	mux.HandleFunc("/form/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>form</title><main><form method="post" action="%s"><input name="title" value="A title"><textarea name="body">A text that must not be lost.

It has two paragraphs.</textarea><input type="hidden" name="key" value="k"><button>Send</button></form></main>`, strings.TrimPrefix(r.URL.Path, "/form"))
	})
	mux.HandleFunc("/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscan(r.PathValue("status"), &status); err != nil {
			status = http.StatusNotFound
		}
		responder.Fail(w, r, refusal{status})
	})
	server := httptest.NewServer(middleware.Tracing(mux, nil))
	t.Cleanup(server.Close)
	return &apptest.Site{URL: server.URL}
}

// place is a page as somebody finds it.
type place struct {
	name   string
	as     *apptest.Client // nil: a guest
	path   string
	status int           // of an error; 0: none
	on     *apptest.Site // nil: the showcase
	then   func(*tab)    // what is done on the page before it is looked at
	narrow bool          // exists on a phone alone
	like   bool          // is like another place but for a word: axe need not look again

	between bool // its picture is made between the sizes too
	first   bool // its picture ends where the screen does
}

// places are all pages of the forum, whole, empty, refused and with everything open that opens.
func (x *showcase) places(t *testing.T) []place {
	t.Helper()
	press := func(selector string, says ...string) func(*tab) {
		return func(tb *tab) { tb.t.Helper(); tb.follow(func() { tb.click(selector, says...) }) }
	}
	opened := func(selector, shown string) func(*tab) {
		return func(tb *tab) {
			tb.t.Helper()
			tb.click(selector)
			tb.wait("document.querySelector(" + quote(shown) + ")?.checkVisibility()")
		}
	}
	without := func(more func(*tab)) func(*tab) { // the browser's own checks of a form, so that ours answer
		return func(tb *tab) {
			tb.t.Helper()
			eval[bool](tb, "document.querySelectorAll('form').forEach((f) => f.noValidate = true), true")
			more(tb)
		}
	}
	deepID := strings.Split(x.deep, "/")[2]
	mentor := x.post(t, "everything-the-text-box")
	list := []place{
		{name: "home-guest", path: "/"},
		{name: "home-member", as: x.member, path: "/", between: true},
		{name: "home-all", as: x.member, path: "/?all=1"},
		{name: "home-new", as: x.member, path: "/?sort=new"},
		{name: "home-top", path: "/?sort=top&t=month"},
		{name: "home-no-channels", as: x.fresh, path: "/"},
		{name: "home-empty", path: "/", on: apptest.Start(t)},
		{name: "channels-guest", path: "/c"},
		{name: "channels-member", as: x.member, path: "/c"},
		{name: "channel-guest", path: "/c/bread"},
		{name: "channel-member", as: x.member, path: "/c/bread", between: true},
		{name: "channel-admin", as: x.admin, path: "/c/quiet"},
		{name: "channel-members", path: "/c/bread/members"},
		{name: "channel-settings", as: x.admin, path: "/c/quiet/settings"},
		{name: "channel-new", as: x.member, path: "/c/new"},
		{name: "channel-new-refused", as: x.member, path: "/c/new", status: 422, then: without(press(".form button.primary"))},
		{name: "post-guest", path: mentor},
		{name: "post-member", as: x.member, path: mentor, between: true},
		{name: "post-admin", as: x.admin, path: mentor},
		{name: "post-question", as: x.member, path: x.post(t, "nail-varnish")},
		{name: "post-locked", as: x.member, path: x.post(t, "biscuit")},
		{name: "post-code", path: x.post(t, "one-press-two")},
		{name: "post-rtl", as: x.member, path: x.rtl(t)},
		{name: "post-deep", as: x.member, path: x.deep, between: true},
		{name: "post-deep-part", path: x.deep + "?under=" + x.part},
		{name: "post-wide", as: x.member, path: x.wide},
		{name: "post-deleted", as: x.member, path: x.gone},
		{name: "post-reply-open", as: x.member, path: x.deep, then: opened(".comment-actions a[data-key=r]", "form textarea[id^=reply-]")},
		{name: "post-edit-open", as: x.member, path: x.deep, then: func(tb *tab) {
			tb.t.Helper()
			more(tb, ".comment-own:has(a[href$='/edit'])")
			opened(".comment-actions a[href$='/edit']", "form[action$='/edit'] textarea")(tb)
		}},
		{name: "post-more-open", as: x.member, path: x.deep, narrow: true, then: opened(".comment-actions .more-open", ".more:popover-open")},
		{name: "post-toast", as: x.member, path: x.deep + "?gone=1"},
		{name: "compose", as: x.member, path: "/new", between: true},
		{name: "compose-channel", as: x.member, path: "/c/maps/new"},
		{name: "compose-preview", as: x.member, path: "/c/maps/new", then: func(tb *tab) {
			tb.t.Helper()
			tb.fill("#title", "A scale bar in hours, once more")
			tb.fill("#body", "Distance is a **unit of time**.\n\n| sheet | hours |\n|---|---|\n| 12 | 3 |\n\n```\n2 h = 9 km\n```\n")
			tb.stay(func() { tb.click("button[name=preview]") }, "document.querySelector('#preview-text table')")
		}},
		{name: "compose-refused", as: x.member, path: "/c/maps/new", status: 422, then: without(press("#compose button.primary"))},
		{name: "edit", as: x.member, path: "/p/" + deepID + "/edit"},
		{name: "reply-page", as: x.member, path: "/comments/1/reply"},
		{name: "edit-comment-page", as: x.member, path: "/comments/" + x.mine + "/edit"},
		{name: "member", path: "/u/pilar"},
		{name: "member-other", as: x.member, path: "/u/" + x.admin.Viewer.Handle, between: true},
		{name: "member-self", as: x.member, path: "/u/pilar"},
		{name: "member-comments", path: "/u/pilar?tab=comments"},
		{name: "member-long", path: "/u/" + strings.Repeat("w", 30)},
		{name: "member-empty", path: "/u/just-arrived"},
		{name: "tags", path: "/tags", between: true},
		{name: "tag", path: "/t/a-tag-of-thirty-two-characters-x"},
		{name: "register", path: "/register"},
		{name: "register-refused", path: "/register", status: 422, then: without(press(".form button.primary"))},
		{name: "login", path: "/login"},
		{name: "login-refused", path: "/login", status: 422, then: without(press(".form button.primary"))},
		{name: "settings", as: x.member, path: "/settings", between: true},
		{name: "settings-refused", as: x.member, path: "/settings", status: 422, then: without(press("form[action='/settings/password'] .button-row button"))},
		{name: "about", path: "/about"},
		{name: "rules", path: "/rules"},
		{name: "privacy", path: "/privacy"},
		{name: "keys", as: x.member, path: "/", then: func(tb *tab) {
			tb.t.Helper()
			tb.keys("?")
			tb.wait("document.querySelector('#keys').open")
		}},
		{name: "account", as: x.member, path: "/", then: opened("[popovertarget=account]", "#account")},
		{name: "menu-channels", as: x.member, path: "/", narrow: true, then: opened(".bar [popovertarget=channels]", "#channels")},
		{name: "menu-margin", as: x.member, path: mentor, narrow: true, then: opened(".bar [popovertarget=margin]", "#margin")},
		{name: "error-404", path: "/nothing/here", status: 404},
		{name: "error-403", as: x.member, path: "/c/bread/settings", status: 403},
		{name: "error-413", as: x.member, path: "/c/maps/new", status: 413, then: func(tb *tab) {
			tb.t.Helper()
			tb.follow(func() {
				eval[bool](tb, "(() => { const much = document.createElement('input'); Object.assign(much, { type: 'hidden', name: 'much', value: 'x'.repeat(1.2e6) }); const form = document.querySelector('#compose'); form.append(much); form.noValidate = true; form.requestSubmit(); return true; })()")
			})
		}},
		{name: "error-504", path: "/", status: 504, on: x.hurried},
	}
	for _, status := range []int{400, 409, 421, 429, 500, 503, 507} {
		list = append(list, place{name: fmt.Sprintf("error-%d", status), path: fmt.Sprintf("/%d", status), status: status, on: x.errors})
	}
	for _, status := range []int{429, 503, 504, 507} {
		list = append(list, place{name: fmt.Sprintf("error-%d-kept", status), path: fmt.Sprintf("/form/%d", status), status: status, on: x.errors, then: press("button")})
	}
	return list
}

// rtl is the post in Arabic; its address has no letters, so it is found by its text.
func (x *showcase) rtl(t *testing.T) string {
	t.Helper()
	found, err := x.DB.Posts(t.Context(), db.Viewer{}, db.Feed{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if strings.Contains(p.Title, "الخبز") {
			return fmt.Sprintf("/p/%d/%s", p.ID, p.Slug)
		}
	}
	t.Fatal("the demonstration has no post in Arabic")
	return ""
}

// find goes to a place as the one who finds it.
func (tb *tab) find(x *showcase, p place) {
	tb.t.Helper()
	call(tb, clearCookies, struct{}{})
	tb.site = x.Site
	if p.as != nil {
		tb.signIn(p.as)
	}
	if p.on != nil {
		tb.site = p.on
	}
	if p.status != 0 {
		tb.announceStatus(p.status)
	}
	tb.visit(p.path)
	if eval[bool](tb, "(() => { const kept = localStorage.length > 0; localStorage.clear(); return kept })()") {
		tb.visit(p.path) // without the draft of the place before
	}
	if p.then != nil {
		p.then(tb)
	}
	tb.wait("document.fonts.status === 'loaded'")
}
