package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/middleware"
	"codex/app/notify"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

// may says who reads each private thing somewhere on the site. Whoever may must also find it: else the crawl, or a page,
// has lost its way. Nobody else sees it anywhere, and the log sees none.
var may = map[string]string{
	"channel's address":         "insider leaver author keeper owner moderator admin",
	"channel's name":            "invitee insider leaver author keeper owner moderator admin",
	"channel's description":     "invitee insider leaver author keeper owner moderator admin",
	"channel's rules":           "insider leaver author keeper owner moderator admin",
	"post's title":              "insider leaver author keeper owner moderator admin",
	"post's text":               "insider leaver author keeper owner moderator admin",
	"post's tag":                "insider leaver author keeper owner moderator admin",
	"comment":                   "insider leaver author keeper owner moderator admin",
	"deleted post's title":      "author keeper owner moderator admin",
	"deleted post's text":       "author keeper owner moderator admin",
	"deleted comment":           "author keeper owner moderator admin",
	"held post":                 "newcomer keeper owner moderator admin",
	"hidden revision":           "keeper owner moderator admin",
	"draft":                     "author",
	"staff note":                "moderator admin",
	"flag's note":               "stranger keeper owner moderator admin", // who wrote it, in their own data
	"wish to join":              "stranger keeper owner moderator admin",
	"answer at the door":        "moderator admin",
	"e-mail address":            "author",
	"note of an invite":         "moderator",
	"token of an invite":        "",
	"token of a session":        "",
	"secret of a second factor": "",
	"recovery code":             "",
	"hash of a password":        "",
	"address of a webhook":      "admin",
	"secret of a webhook":       "",
	"secret of a letter's link": "",
	"new name of a channel that is private since": "insider leaver author keeper owner moderator admin",
}

// birds are those who look for the canaries.
var birds = []string{"guest", "stranger", "newcomer", "invitee", "insider", "leaver", "author", "keeper", "owner", "moderator", "admin"}

// cage is a forum whose private things hold canaries: words that stand nowhere else.
type cage struct {
	*visit
	*builder
	log     *lockedBuffer
	news    *bridge.Bridge    // not running
	words   map[string]string // thing → canary
	ahead   atomic.Int64      // of the clock
	hidden  db.Channel
	open    db.Channel
	turned  db.Channel // private since it was named in a text
	post    int64      // in the hidden channel
	comment int64
	paths   []string
	also    []string // what is asked for beside the page
	linked  []string // where somebody saw a link to the channel that turned, who may not read it
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// canaryWord is a canary: small letters alone, so that a slug, a tag or a handle keeps it.
func canaryWord() string {
	const letters = "bcdfghjkmnpqrtvw"
	raw := make([]byte, 12)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = letters[b%16]
	}
	return "zq" + string(raw)
}

func newCage(t *testing.T) *cage {
	t.Helper()
	c := &cage{words: map[string]string{}, log: &lockedBuffer{}}
	for thing := range may {
		c.words[thing] = canaryWord()
	}
	dir := t.TempDir()
	dbtest.Lay(t, dir)
	file := filepath.Join(dir, db.FileName)
	d := take(db.Open(t.Context(), db.Options{Path: file, Readers: 2, Now: func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }}))
	t.Cleanup(func() { done(d.Close(context.Background())) })
	c.builder = &builder{DB: d, ctx: t.Context()}
	cfg := &config.Config{RateLimits: "off", SMTPURL: "smtp://localhost", RequestTimeout: 10 * time.Second}
	subscribers := hub.New(hub.Options{})
	c.news = take(bridge.New(t.Context(), d, subscribers, slog.New(slog.DiscardHandler)))
	h := take(web.New(web.Options{DB: d, Hub: subscribers, Bridge: c.news, Config: cfg, Static: hollow(t), Log: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Gate: middleware.NewGate(), Setup: new(auth.Setup), Site: "Cage", Version: "test"}))
	c.visit = &visit{&village{people: map[string]person{"guest": {}}}, h, file, cfg.CookieName()}
	c.people["moderator"], c.people["admin"] = c.person("moderator", db.Moderator), c.person("admin", db.Admin)
	c.admin = c.people["admin"].viewer
	for _, name := range []string{"stranger", "invitee", "insider", "leaver", "keeper", "owner"} {
		c.people[name] = c.person(name, db.Plain)
	}
	for name, p := range c.people { // letters of what happens go to a proved address
		if p.viewer.SignedIn() {
			take(c.IssueVerify(t.Context(), p.viewer.ID, auth.HashToken(name)))
			done(c.VerifyEmail(t.Context(), auth.HashToken(name)))
		}
	}
	c.fill()
	return c
}

func (c *cage) who(name string) db.Viewer { return c.people[name].viewer }

// signIn makes a member with a session whose token is a canary too.
func (c *cage) signIn(n db.NewMember) db.Viewer {
	id := take(c.CreateMember(c.ctx, n))
	if n.Handle == "author" {
		done(c.SetFactor(c.ctx, db.Viewer{ID: id}, []byte(c.words["secret of a second factor"]), 0, [][]byte{auth.HashToken(c.words["recovery code"])}))
	}
	token := c.words["token of a session"] + n.Handle
	done(c.CreateSession(c.ctx, id, auth.HashToken(token), "127.0.0.1", "cage"))
	v, _, err := c.ViewerBySession(c.ctx, auth.HashToken(token))
	done(err)
	c.people[n.Handle] = person{viewer: v, token: token}
	return v
}

// fill puts a canary into each thing.
func (c *cage) fill() {
	ctx, w := c.ctx, c.words
	owner, keeper, stranger := c.who("owner"), c.who("keeper"), c.who("stranger")
	author := c.signIn(db.NewMember{Handle: "author", Email: w["e-mail address"] + "@example.org", Password: noPassword[:len(noPassword)-43] + (w["hash of a password"] + strings.Repeat("A", 43))[:43], Origin: "command"})
	for _, slug := range []string{w["channel's address"], "open", "door"} {
		n := db.NewChannel{Slug: slug, Name: slug, Description: "About", Visibility: db.Restricted}
		if slug == "open" {
			n.Visibility = db.Public
		}
		if slug == w["channel's address"] {
			n = db.NewChannel{Slug: slug, Name: w["channel's name"], Description: w["channel's description"], Rules: w["channel's rules"], Visibility: db.Private}
		}
		take(c.CreateChannel(ctx, owner, n))
		ch := take(c.ChannelBySlug(ctx, owner, slug))
		in := []string{"author", "keeper", "insider", "leaver"}
		for _, name := range in {
			done(c.InviteToChannel(ctx, owner, ch.ID, name))
			done(c.Join(ctx, c.who(name), ch.ID))
		}
		done(c.SetChannelRole(ctx, owner, ch.ID, keeper.ID, "moderator"))
		switch slug {
		case "open":
			c.open = ch
		case "door":
			done(c.AskToJoin(ctx, stranger, ch.ID, w["wish to join"]))
		default:
			c.hidden = ch
			done(c.InviteToChannel(ctx, owner, ch.ID, "invitee"))
		}
	}
	// A channel that was named, by a link, while everybody could read it.
	take(c.CreateChannel(ctx, owner, db.NewChannel{Slug: "turned", Name: "turned", Description: "About"}))
	c.turned = take(c.ChannelBySlug(ctx, owner, "turned"))
	for _, name := range []string{"author", "keeper", "insider", "leaver"} {
		done(c.Join(ctx, c.who(name), c.turned.ID))
	}
	linked := take(c.CreatePost(ctx, author, db.NewPost{ChannelID: c.open.ID, Kind: "discussion", Title: "Linked", Body: "All is in #turned"}))
	take(c.CreateComment(ctx, author, db.NewComment{PostID: linked, Body: "In #turned"}))
	done(c.SetProfile(ctx, author, "author", "Mostly in #turned"))
	done(c.SetAccess(ctx, owner, c.turned.ID, db.Access{Visibility: db.Private}))
	done(c.SetChannel(ctx, owner, c.turned.ID, w["new name of a channel that is private since"], "About", ""))
	c.post = take(c.CreatePost(ctx, author, db.NewPost{ChannelID: c.hidden.ID, Kind: "question", Title: "Zebra " + w["post's title"], Body: w["post's text"], Tags: []string{w["post's tag"], "shared"}}))
	c.comment = take(c.CreateComment(ctx, author, db.NewComment{PostID: c.post, Body: w["comment"] + " @stranger @invitee @insider @leaver @keeper @owner"}))
	seen := take(c.CreatePost(ctx, author, db.NewPost{ChannelID: c.open.ID, Kind: "question", Title: "Seen", Body: w["hidden revision"], Tags: []string{"shared"}}))
	done(c.EditPost(ctx, author, seen, db.PostEdit{Title: "Seen", Body: "Milder", Tags: []string{"shared"}}))
	done(c.EditPost(ctx, author, seen, db.PostEdit{Title: "Seen", Body: "Mild", Tags: []string{"shared"}}))
	for _, r := range take(c.PostRevisions(ctx, keeper, seen, 0)) {
		if r.ID != 0 {
			done(c.HidePostRevision(ctx, keeper, seen, r.ID, true))
		}
	}
	gone := take(c.CreateComment(ctx, author, db.NewComment{PostID: seen, Body: w["deleted comment"]}))
	take(c.CreateComment(ctx, author, db.NewComment{PostID: seen, ParentID: gone, Body: "A reply"}))
	done(c.DeleteComment(ctx, author, gone))
	deleted := take(c.CreatePost(ctx, author, db.NewPost{ChannelID: c.open.ID, Kind: "discussion", Title: "Zebra " + w["deleted post's title"], Body: w["deleted post's text"]}))
	done(c.DeletePost(ctx, author, deleted))
	done(c.Flag(ctx, stranger, db.NewFlag{PostID: seen, Reason: "other", Note: w["flag's note"]}))
	take(c.SaveDraft(ctx, author, db.Draft{Place: "/c/open/posts", Title: w["draft"], Body: w["draft"]}))
	_, _, err := c.AddWebhook(ctx, c.admin, db.NewWebhook{URL: "https://hooks.example.org/" + w["address of a webhook"], Host: "hooks.example.org", Secret: w["secret of a webhook"], Kinds: db.HookKinds[:]})
	done(err)
	newcomer := c.signIn(db.NewMember{Handle: "newcomer", Origin: "registered"})
	done(c.SetSetting(ctx, db.SettingHoldAll, "on"))
	take(c.CreatePost(ctx, newcomer, db.NewPost{ChannelID: c.open.ID, Kind: "discussion", Title: "Zebra held", Body: w["held post"]}))
	done(c.SetSetting(ctx, db.SettingHoldAll, "off"))
	done(c.AddStaffNote(ctx, c.admin, author.ID, w["staff note"], ""))
	take(c.CreateMember(ctx, db.NewMember{Handle: "pending", Origin: "registered", Pending: true, Answer: w["answer at the door"]}))
	take(c.IssueReset(ctx, w["e-mail address"]+"@example.org", auth.HashToken(w["secret of a letter's link"])))
	done(c.AskReset(ctx, w["e-mail address"]+"@example.org"))
	take(c.CreateInvite(ctx, c.who("moderator"), db.NewInvite{TokenHash: auth.HashToken(w["token of an invite"]), Note: w["note of an invite"], Uses: 5, Lasts: db.MaxInvite}))
}

// seeds are addresses that are asked for whether a link leads there or not: every route with every id.
func (c *cage) seeds() (list []string) {
	ids := func(n int) (ids []string) {
		for i := 1; i <= n; i++ {
			ids = append(ids, fmt.Sprint(i))
		}
		return ids
	}
	slugs := []string{c.hidden.Slug, "open", "door", "turned", "~1", "~2", "~3", "~4"}
	values := map[string][]string{
		"c/{slug}": slugs, "p/{id}": ids(5), "comments/{id}": ids(4), "cases/{id}": ids(3), "t/{tag}": {c.words["post's tag"], "shared"},
		"u/{handle}": append([]string{"pending", "~1", "~9"}, birds[1:]...), "members/{handle}": append([]string{"pending"}, birds[1:]...), "sweeps/{id}": ids(1), "webhooks/{id}": ids(1),
	}
	for _, rt := range web.Routes() {
		path, ok := strings.CutPrefix(rt.Pattern, "GET ")
		if !ok {
			continue
		}
		paths := []string{strings.TrimSuffix(path, "{$}")}
		for key, with := range values {
			for i := len(paths) - 1; i >= 0; i-- {
				if before, after, found := strings.Cut(paths[i], key); found {
					paths = slices.Delete(paths, i, i+1)
					for _, value := range with {
						paths = append(paths, before+strings.Split(key, "{")[0]+value+after)
					}
				}
			}
		}
		for _, p := range paths {
			list = append(list, strings.ReplaceAll(p, "{slug}", "x"))
		}
	}
	for _, id := range ids(5) {
		list = append(list, "/flag?subject=post:"+id, "/flag?subject=comment:"+id, "/flag?subject=member:"+id)
	}
	list = append(list, "/reset?token="+c.words["secret of a letter's link"])
	return append(list, "/similar?title=Zebra", "/?all=1&sort=new", "/?all=1&sort=top&t=all", "/moderation?decided=1", "/u/author?tab=comments")
}

// sight is what a bird saw: canary → the first place.
type sight map[string]string

// look crawls all that can be reached as a bird, as a page and as what also says, and answers what it saw.
func (c *cage) look(role string) sight {
	found := sight{}
	seen := map[string]bool{}
	queue := append([]string{"/"}, c.paths...)
	for len(queue) > 0 {
		path, _, _ := strings.Cut(queue[0], "#")
		queue = queue[1:]
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/login?") || seen[path] {
			continue
		}
		seen[path] = true
		a := c.ask(role, http.MethodGet, path, "", "html")
		found.note(c.words, "GET "+path, path, a)
		if !strings.Contains(may["new name of a channel that is private since"], role) && strings.Contains(a.Body, fmt.Sprintf(`href="/c/~%d"`, c.turned.ID)) {
			c.linked = append(c.linked, role+": GET "+path)
		}
		for _, accept := range c.also {
			found.note(c.words, accept+" of "+path, path, c.ask(role, http.MethodGet, path, "", accept))
		}
		if a.Location != "" {
			queue = append(queue, a.Location)
		}
		for _, at := range []string{` href="`, ` hx-get="`} { // which is faster than to parse some thousand pages
			for _, rest := range strings.Split(a.Body, at)[1:] {
				to, _, _ := strings.Cut(rest, `"`)
				queue = append(queue, html.UnescapeString(to))
			}
		}
	}
	export := "POST /settings/data/export"
	found.note(c.words, export, "", c.ask(role, http.MethodPost, strings.TrimPrefix(export, "POST "), "", "html"))
	if role == "admin" {
		c.paths = slices.Sorted(maps.Keys(seen)) // who may see less finds the way to what they may not see
	}
	return found
}

// note looks for canaries in an answer. What the address itself said is not told by it.
func (s sight) note(words map[string]string, where, path string, a apptest.Answer) {
	text := a.Body
	for name, values := range a.Header {
		text += "\n" + name + ": " + strings.Join(values, "\n")
	}
	for thing, word := range words {
		if s[thing] == "" && strings.Contains(text, word) && !strings.Contains(path, word) {
			s[thing] = where
		}
	}
}

// judge compares what a bird saw with what it may.
func (c *cage) judge(t *testing.T, role string, saw sight) {
	t.Helper()
	for thing := range may {
		allowed := slices.Contains(strings.Fields(may[thing]), role)
		switch {
		case saw[thing] != "" && !allowed:
			t.Errorf("%s reads the %s: %s", role, thing, saw[thing])
		case saw[thing] == "" && allowed:
			t.Errorf("%s finds the %s nowhere", role, thing)
		}
	}
}

// hiddenFrom fails the test for each canary of the hidden channel that somebody sees.
func (c *cage) hiddenFrom(t *testing.T, role, when string) {
	t.Helper()
	for thing, where := range c.look(role) {
		if strings.HasPrefix(thing, "channel's") || strings.HasPrefix(thing, "post's") || thing == "comment" {
			t.Errorf("%s, %s reads the %s: %s", when, role, thing, where)
		}
	}
}

// letters sends all that waits to be sent, when it is due, and looks for canaries in it: a letter tells each of what they
// may read when it is sent, and those of out nothing of it any more.
func (c *cage) letters(t *testing.T, out ...string) {
	t.Helper()
	box := apptest.NewMailbox(t)
	cfg := &config.Config{}
	box.Send(cfg)
	m := take(notify.New(notify.Options{DB: c.DB, Config: cfg, Site: "Cage", Token: auth.NewToken}))
	c.ahead.Store(int64(db.MailAfter + time.Minute))
	for _, job := range take(c.ClaimJobs(c.ctx, db.MailJobs(), 1000, time.Minute)) {
		done(m.Kinds()[job.Kind](c.ctx, job))
	}
	c.ahead.Store(0)
	told := map[string]bool{}
	for _, l := range box.Letters() {
		name, _, _ := strings.Cut(l.To, "@")
		for thing, word := range c.words {
			if !strings.Contains(l.Raw+l.Text+l.HTML, word) || strings.Contains(l.To, word) {
				continue
			}
			if !slices.Contains(strings.Fields(may[thing]), name) || slices.Contains(out, name) {
				t.Errorf("a letter to %s holds the %s:\n%s", l.To, thing, l.Text)
			}
			told[name] = true
		}
	}
	if !told["keeper"] || !told["owner"] {
		t.Errorf("of those who were mentioned and may read it, letters told %v", told)
	}
}

func TestNobodySeesWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	c := newCage(t)
	c.paths = c.seeds()
	ctx, owner := t.Context(), c.who("owner")
	for i := len(birds) - 1; i >= 0; i-- { // the admin first, who finds the most addresses
		if c.also = []string{"htmx"}; birds[i] == "guest" || birds[i] == "stranger" {
			c.also = append(c.also, "json")
		}
		c.judge(t, birds[i], c.look(birds[i]))
	}

	for _, where := range c.linked {
		t.Errorf("a link tells of a private channel, %s", where)
	}
	c.also = nil // a part comes of the same queries as its page
	done(c.Leave(ctx, c.who("leaver"), c.hidden.ID))
	c.hiddenFrom(t, "leaver", "having left")
	done(c.RemoveFromChannel(ctx, owner, c.hidden.ID, c.who("insider").ID))
	c.hiddenFrom(t, "insider", "removed from the channel")
	c.letters(t, "leaver", "insider")
	done(c.DropInvitation(ctx, owner, c.hidden.ID, c.who("invitee").ID))
	c.hiddenFrom(t, "invitee", "with the invitation taken back")
	done(c.SetAccess(ctx, owner, c.hidden.ID, db.Access{Visibility: db.Public}))
	if c.look("guest")["post's text"] == "" {
		t.Error("a channel made public is still hidden")
	}
	done(c.SetAccess(ctx, owner, c.hidden.ID, db.Access{Visibility: db.Private}))
	c.hiddenFrom(t, "guest", "with the channel made private")
	c.hiddenFrom(t, "stranger", "with the channel made private")

	done(c.Suspend(ctx, c.admin, c.who("author").ID, db.Forever, "For a test"))
	if saw := c.look("author"); saw["post's text"] == "" || saw["staff note"] != "" || saw["hidden revision"] != "" {
		t.Errorf("suspended, the author sees %q", saw)
	}
	done(c.Ban(ctx, c.admin, c.who("author").ID, db.Forever, "For a test"))
	for thing, where := range c.look("author") {
		t.Errorf("banned, the author reads the %s: %s", thing, where)
	}
	done(c.SetChannelRole(ctx, owner, c.hidden.ID, c.who("keeper").ID, "member"))
	done(c.DeletePost(ctx, owner, c.post))
	if saw := c.look("keeper"); saw["post's text"] != "" || saw["comment"] != "" || saw["channel's rules"] == "" {
		t.Errorf("with the post deleted, a member of the channel sees %q", saw)
	}
	done(c.EndSessions(ctx, c.who("keeper")))
	c.hiddenFrom(t, "keeper", "with the session ended")
	done(c.UndeletePost(ctx, owner, c.post))
	done(c.DeleteChannel(ctx, owner, c.hidden.ID))
	c.hiddenFrom(t, "owner", "with the channel deleted")
	if saw := c.look("moderator"); saw["post's title"] != "" || saw["post's text"] != "" || saw["comment"] != "" || saw["channel's address"] != "" {
		t.Errorf("with the channel deleted, a moderator sees %q", saw)
	}

	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	for line := range strings.Lines(c.log.b.String()) {
		for thing, word := range c.words {
			if strings.Contains(line, word) || strings.Contains(line, hex.EncodeToString(auth.HashToken(word))) {
				if !strings.Contains(thing, "address") && !strings.Contains(thing, "title") && !strings.Contains(thing, "tag") { // which stand in addresses
					t.Errorf("the log holds the %s: %s", thing, line)
				}
			}
		}
	}
}
