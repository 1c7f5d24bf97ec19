package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

// town is a small forum with one of everything.
type town struct {
	*apptest.Site
	keeper, member, admin *apptest.Client
}

func build(t testing.TB) town {
	t.Helper()
	s := apptest.Start(t)
	w := town{s, s.As("keeper", db.Plain), s.As("member", db.Plain), s.As("admin", db.Admin)}
	w.keeper.Channel("tides")
	w.keeper.Channel("quiet")
	want(t, w.keeper.Post("/c/tides/settings", "name", "Tides", "description", "About tides", "rules", "Be *kind*"), 303)
	want(t, w.member.Post("/c/tides/join"), 303)
	want(t, w.member.Post("/settings/profile", "name", "A Member", "bio", "I *live* here"), 303)
	question := w.member.Write("tides", "Why is it low?", "Ask @keeper in #tides, `now`.[^1]\n\n[^1]: A note.\n\n| a | b |\n|---|---|\n| 1 | 2 |", "kind", "question", "tags", "moon sea")
	parent := ""
	for range db.MaxDepthShown + 3 {
		parent = w.keeper.Comment(question, parent, "Deeper and deeper")
	}
	for _, c := range []*apptest.Client{w.keeper, w.member, w.admin} {
		c.Comment(question, "1", "From "+c.Viewer.Handle)
	}
	answer := w.keeper.Comment(question, "", "Because of the moon")
	want(t, w.member.Post("/comments/"+answer+"/accept"), 303)
	want(t, w.member.Post("/comments/"+w.member.Comment(question, "1", "Gone")+"/delete"), 303)
	for _, act := range []string{"lock", "pin"} {
		want(t, w.keeper.Post(at(t, w.keeper.Write("tides", "To "+act, "Text"), act)), 303)
	}
	want(t, w.member.Post(at(t, w.member.Write("tides", "To delete", "Text"), "delete")), 303)
	for range 32 {
		w.keeper.Write("tides", "One of many", "Text", "tags", "many")
	}
	for _, c := range []*apptest.Client{w.keeper, w.member, w.admin} { // each is signed in elsewhere too
		s.Guest().SignIn(c.Viewer.ID)
		want(t, c.Post("/settings/theme", "theme", "dark"), 303)
	}
	return w
}

// crawl visits what can be reached from the home page, at most a few addresses of each shape, and answers the pages.
func crawl(t testing.TB, c *apptest.Client, visit func(path string, d doc)) {
	t.Helper()
	digits := regexp.MustCompile(`[0-9]+|after=[^&]*`)
	queue, seen, shapes := []string{"/", "/login?next=%2Fc", "/register", "/new", "/c/new", "/settings?done=profile", "/p/4/to-delete"}, map[string]bool{}, map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		path, _, _ = strings.Cut(path, "#")
		shape := digits.ReplaceAllString(path, "N")
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/static/") || seen[path] || shapes[shape] == 3 {
			continue
		}
		seen[path] = true
		shapes[shape]++
		a := c.Get(path)
		if a.Status == http.StatusSeeOther {
			queue = append(queue, a.Location)
			continue
		}
		d := parse(t, a)
		visit(path, d)
		for n := range d.root.Descendants() {
			for _, name := range []string{"href", "hx-get"} {
				if n.Type == html.ElementNode && has(n, name) {
					queue = append(queue, attr(n, name))
				}
			}
		}
	}
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func TestEveryPageHoldsTheRules(t *testing.T) {
	t.Parallel()
	w := build(t)
	for name, c := range map[string]*apptest.Client{"guest": w.Guest(), "member": w.member, "keeper": w.keeper, "admin": w.admin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := 0
			crawl(t, c, func(path string, d doc) {
				if d.Status != 200 && !(d.Status == 404 && path == "/p/4/to-delete" && (name == "guest" || name == "keeper")) {
					t.Errorf("%s is linked to, and answers %d", path, d.Status)
					return
				}
				pages++
				if d.Header.Get("Content-Type") == "text/html; charset=utf-8" {
					checkHeaders(t, path, d.Answer)
					checkMarkup(t, path, d)
				}
			})
			if pages < 30 && name != "guest" || pages < 20 {
				t.Errorf("only %d pages were found", pages)
			}
		})
	}
}

func checkHeaders(t *testing.T, path string, a apptest.Answer) {
	t.Helper()
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.Header[http.CanonicalHeaderKey(name)]; len(got) != 1 || got[0] != value {
			t.Errorf("%s: %s is %q", path, name, got)
		}
	}
	if a.Header.Get("Permissions-Policy") == "" {
		t.Errorf("%s has no Permissions-Policy", path)
	}
	if got := a.Header.Get("Cache-Control"); got != "private, no-cache" && got != "no-store" {
		t.Errorf("%s may be cached: %q", path, got)
	}
	vary := strings.Join(a.Header["Vary"], ", ")
	for _, name := range []string{"Cookie", "HX-Request-Type", "Accept-Encoding"} {
		if !strings.Contains(vary, name) {
			t.Errorf("%s: Vary is %q, without %s", path, vary, name)
		}
	}
}

func checkMarkup(t *testing.T, path string, d doc) {
	t.Helper()
	ids := map[string]int{}
	each(d.root, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
	})
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s has %d elements with the id %s", path, n, id)
		}
	}
	each(d.root, func(n *html.Node) {
		switch {
		case n.Data == "style", n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil), n.Data == "iframe", n.Data == "object", n.Data == "base":
			t.Errorf("%s has an element %s", path, render(t, n))
		case n.Data == "form" && attr(n, "method") != "dialog" && (attr(n, "method") != "post" && attr(n, "method") != "get" || attr(n, "action") == ""):
			t.Errorf("%s has a form that does not work without script: %s", path, n.Data)
		case n.Data == "label" && has(n, "for") && ids[attr(n, "for")] == 0:
			t.Errorf("%s has a label for %q, which is not there", path, attr(n, "for"))
		}
		for _, a := range n.Attr {
			value := strings.TrimSpace(a.Val)
			switch key := a.Key; {
			case key == "style", strings.HasPrefix(key, "on"), strings.HasPrefix(key, "hx-on"),
				(key == "href" || key == "src" || key == "action") && strings.HasPrefix(strings.ToLower(value), "javascript:"):
				t.Errorf("%s has %s=%q", path, key, a.Val)
			case key == "href" && len(value) > 1 && value[0] == '#' && n.Data == "a" && ids[value[1:]] == 0:
				t.Errorf("%s leads to %s, which is not there", path, value)
			case key == "hx-target" && len(value) > 1 && value[0] == '#' && ids[value[1:]] == 0:
				t.Errorf("%s would put something to %s, which is not there", path, value)
			case key == "aria-labelledby" || key == "aria-describedby" || key == "aria-controls":
				for _, id := range strings.Fields(value) {
					if ids[id] == 0 {
						t.Errorf("%s: %s names %q, which is not there", path, key, id)
					}
				}
			}
		}
	})
	if n := len(all(d.root, tag("h1"))); n != 1 {
		t.Errorf("%s has %d headings of the first order", path, n)
	}
	if title := first(d.root, tag("title")); title == nil || text(title) == "" {
		t.Errorf("%s has no title", path)
	}
}

func TestNoGetChangesAnything(t *testing.T) {
	t.Parallel()
	w := build(t)
	file := w.DB.Path()
	before := dbtest.Dump(t, file)
	for _, c := range []*apptest.Client{w.admin, w.member} {
		var paths []string
		crawl(t, c, func(path string, _ doc) { paths = append(paths, path) })
		for _, path := range paths {
			c.Htmx("GET", path)
			c.Do(c.Request("HEAD", path))
		}
	}
	for _, rt := range web.Routes() { // and what is a POST cannot be reached by GET
		if path, ok := strings.CutPrefix(rt.Pattern, "POST "); ok {
			w.admin.Get(fill(path))
		}
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, file)); diff != "" {
		t.Errorf("reading has changed the database:\n%s", diff)
	}
}

// fill puts names of the town into a pattern.
func fill(path string) string {
	return strings.NewReplacer("{slug}", "tides", "{id}", "1", "{handle}", "member", "{tag}", "moon", "{$}", "").Replace(path)
}

func TestWhatIsForMembersSendsGuestsToSignIn(t *testing.T) {
	t.Parallel()
	w := build(t)
	before := dbtest.Dump(t, w.DB.Path())
	open := []string{}
	for _, rt := range web.Routes() {
		method, path, ok := strings.Cut(rt.Pattern, " ")
		if !ok {
			continue
		}
		if method == "POST" && rt.Open {
			open = append(open, path)
		}
		if rt.Open {
			continue
		}
		path = fill(path)
		a := w.Guest().Do(w.Guest().Request(method, path, "title", "x", "body", "x", "name", "x", "slug", "xx", "description", "x", "kind", "like"))
		next := "/"
		if method == "GET" {
			next = path
		}
		if a.Status != 303 || a.Location != "/login?next="+url.QueryEscape(next) {
			t.Errorf("%s: %d to %q", rt.Pattern, a.Status, a.Location)
		}
		if a := w.Guest().Htmx(method, path); a.Header.Get("HX-Redirect") == "" || a.Body != "" {
			t.Errorf("%s by htmx: %d, %q", rt.Pattern, a.Status, a.Header)
		}
	}
	if want := []string{"/preview", "/register", "/login", "/login/code", "/logout", "/forgot", "/reset", "/verify", "/unsubscribe"}; !slices.Equal(open, want) {
		t.Errorf("a guest may POST to %q, want %q", open, want)
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, w.DB.Path())); diff != "" {
		t.Errorf("a guest has changed the database:\n%s", diff)
	}
}

func TestWritesFromAnotherSiteAreRefused(t *testing.T) {
	t.Parallel()
	w := build(t)
	before := dbtest.Dump(t, w.DB.Path())
	for _, rt := range web.Routes() {
		path, ok := strings.CutPrefix(rt.Pattern, "POST ")
		if !ok {
			continue
		}
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := w.admin.Request("POST", fill(path), "title", "x", "body", "x", "kind", "like", "name", "x", "slug", "xx", "description", "x")
			r.Header.Set(name, value)
			a := w.admin.Do(r)
			if a.Status != 403 {
				t.Errorf("%s with %s: %s: %d, want 403", rt.Pattern, name, value, a.Status)
			}
			if words := revealing(a.Body); words != "" || strings.Contains(a.Body, "cross-origin") {
				t.Errorf("the page says %q", words)
			}
		}
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, w.DB.Path())); diff != "" {
		t.Errorf("another site has changed the database:\n%s", diff)
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": w.URL} {
		r := w.admin.Request("POST", "/p/1/react", "kind", "like")
		r.Header.Set(name, value)
		want(t, w.admin.Do(r), 303)
	}
}

func TestAWrongMethodIsToldTheRightOnes(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	for request, allow := range map[string]string{
		"DELETE /": "GET, HEAD", "PUT /c": "GET, HEAD, POST", "OPTIONS /c": "GET, HEAD, POST", "POST /about": "GET, HEAD", "HEAD /c/tides/posts": "POST",
		"GET /c/tides/posts": "POST", "PATCH /p/1/edit": "GET, HEAD, POST", "GET /logout": "POST", "POST /u/member": "GET, HEAD", "DELETE /login": "GET, HEAD, POST",
		"POST /healthz": "GET, HEAD", "DELETE /readyz": "GET, HEAD", "QUERY /tags": "GET, HEAD",
		// Whether such a post is there, or a form whole, makes no difference.
		"DELETE /p/999/secret": "GET, HEAD", "POST /p/999": "GET, HEAD", "PUT /comments/999/edit": "GET, HEAD, POST",
	} {
		method, path, _ := strings.Cut(request, " ")
		for name, c := range map[string]*apptest.Client{"member": c, "guest": s.Guest()} {
			a := c.Do(c.Request(method, path))
			if a.Status != 405 || a.Header.Get("Allow") != allow {
				t.Errorf("%s by a %s: %d, Allow %q, want 405 and %q", request, name, a.Status, a.Header.Get("Allow"), allow)
			}
			if method != "HEAD" && !parse(t, a).has(t, a.Header.Get("X-Request-Id")) {
				t.Errorf("%s: not the usual page of an error: %s", request, visible(a.Body))
			}
		}
	}
	a := aPartial(t, want(t, c.Htmx("DELETE", "/p/1/react"), 405))
	if a.Header.Get("HX-Retarget") != "#toasts" || first(a.root, class("toast")) == nil {
		t.Error("htmx gets no toast")
	}
	for _, rt := range web.Routes() {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		if a := c.Do(c.Request("DELETE", fill(path))); a.Status != 405 || !slices.Contains(strings.Split(a.Header.Get("Allow"), ", "), method) {
			t.Errorf("DELETE %s: %d, Allow %q", path, a.Status, a.Header.Get("Allow"))
		}
	}
}

func TestUnknownAddressesAreNotThere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	for _, r := range []*http.Request{
		c.Request("GET", "/p"), c.Request("GET", "/c/"), c.Request("GET", "/u/"), c.Request("GET", "/.env"), c.Request("POST", "/nothing"),
		c.Request("DELETE", "/p"), c.Request("OPTIONS", "/c/"), c.Request("PUT", "/static/none.js"), c.Request("POST", "/healthz/more"),
	} {
		if a := want(t, c.Do(r), 404); a.Header.Get("Allow") != "" {
			t.Errorf("%s %s: Allow %q", r.Method, r.URL.Path, a.Header.Get("Allow"))
		}
	}
	for _, path := range []string{"//evil.example/", "/c/../../etc/passwd", "/c/./new", "//"} {
		a := c.Get(path)
		if strings.HasPrefix(a.Location, "//") || strings.Contains(a.Location, "://") {
			t.Errorf("%s leads to %q", path, a.Location)
		}
	}
}

// TestEveryFormWorksWithoutScript sends each form of each page as a browser would, with each of its buttons. The page is
// opened again before each, since the form before may have taken it away.
func TestEveryFormWorksWithoutScript(t *testing.T) {
	t.Parallel()
	answer := []string{"/preview", "/settings/data/export", "/settings/invites"} // with what was asked for, and not with the way on
	creates := regexp.MustCompile(`^(/c|/new|/c/[a-z]+/posts|/p/[0-9]+/comments|/register)$`)
	last := func(action string) int { // what takes other forms away comes last
		for i, word := range []string{"delete", "/sessions/", "/logout"} {
			if strings.Contains(action, word) {
				return i + 1
			}
		}
		return 0
	}
	w := build(t)
	for _, who := range []string{"guest", "member", "keeper", "admin"} { // in turn: the next ones find what is left
		t.Run(who, func(t *testing.T) {
			c := map[string]*apptest.Client{"guest": w.Guest(), "member": w.member, "keeper": w.keeper, "admin": w.admin}[who]
			type found struct{ page, action, name, value string }
			var list []found
			shapes := map[string]int{}
			crawl(t, c, func(path string, d doc) {
				for _, f := range d.forms() {
					if f.method == "DIALOG" || f.method == "GET" || strings.HasSuffix(f.action, "/block") { // who is blocked may do less
						continue
					}
					if creates.MatchString(f.action) {
						if _, err := uuid.Parse(f.get("key")); err != nil {
							t.Errorf("%s: the form to %s has no key: %q", path, f.action, f.get("key"))
						}
					}
					shape := regexp.MustCompile(`[0-9]+`).ReplaceAllString(f.action, "N")
					if shapes[shape]++; shapes[shape] > 2 {
						continue
					}
					buttons := all(f.node, func(n *html.Node) bool { return n.Data == "button" && attr(n, "type") != "button" })
					if len(buttons) == 0 && !has(f.node, "hidden") {
						t.Errorf("%s: the form to %s has no button", path, f.action)
					}
					list = append(list, found{path, f.action, "", ""})
					for _, b := range buttons {
						if has(b, "name") {
							list = append(list, found{path, f.action, attr(b, "name"), attr(b, "value")})
						}
					}
				}
			})
			slices.SortStableFunc(list, func(a, b found) int { return last(a.action) - last(b.action) })
			sent := map[string]bool{}
			for _, one := range list {
				d := parse(t, c.Get(one.page))
				if !d.hasForm(one.action) {
					continue
				}
				f := d.form(t, one.action)
				fields := f.fields
				if one.name != "" {
					fields = f.with(one.name, one.value)
				}
				a := c.Post(one.action, fields...)
				if a.Status != 303 && a.Status != 422 && !(a.Status == 200 && (one.name == "preview" || slices.Contains(answer, one.action))) {
					t.Errorf("%s: the form to %s with %q: %d\n%s", one.page, one.action, fields, a.Status, visible(a.Body))
				}
				sent[regexp.MustCompile(`[0-9]+`).ReplaceAllString(one.action, "N")] = true
			}
			if who == "member" && len(sent) < 15 {
				t.Errorf("only %d kinds of forms were found: %v", len(sent), sent)
			}
		})
	}
}
