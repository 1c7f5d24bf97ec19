package web_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

// becomes signs the browser in as another member, as another tab of it does.
func becomes(c, other *apptest.Client) { c.SignIn(other.Viewer.ID) }

func TestAFormIsSentAsTheMemberWhomItWasMadeFor(t *testing.T) {
	t.Parallel()
	s, bob, dora, post := thread(t)
	own := bob.Comment(post, "", "My words")
	want(t, dora.Post("/c/tides/join"), 303)
	id := at(t, post, "")
	for _, x := range []struct{ page, action string }{
		{"/c/tides/new", "/c/tides/posts"}, {"/new", "/new"}, {post, id + "comments"}, {"/comments/" + own + "/reply", id + "comments"},
		{"/comments/" + own + "/edit", "/comments/" + own + "/edit"}, {id + "edit", id + "edit"}, {"/settings", "/settings/profile"},
	} {
		c := s.Guest()
		c.SignIn(bob.Viewer.ID)
		fields := open(t, c, x.page).form(t, x.action).with("title", "A title", "body", "canary of bob", "bio", "canary of bob", "name", "Bob")
		becomes(c, dora)
		a := want(t, fromPage(c, x.page, x.action, fields...), 409)
		p := parse(t, a)
		if !p.has(t, "You are signed in as @"+dora.Viewer.Handle+" now") {
			t.Errorf("%s: the page does not say as whom: %s", x.page, text(p.main(t)))
		}
		f := p.form(t, x.action)
		if f.get("body") != "canary of bob" && f.get("bio") != "canary of bob" || f.get("as") != fmt.Sprint(dora.Viewer.ID) {
			t.Errorf("%s: the page holds %q", x.page, f.fields)
		}
		if toast := want(t, c.Htmx("POST", x.action, fields...), 409); !strings.Contains(toast.Body, "signed in as @") {
			t.Errorf("%s: htmx gets %s", x.page, visible(toast.Body))
		}
		for _, path := range []string{post, "/c/tides", "/u/" + dora.Viewer.Handle} {
			if strings.Contains(s.Guest().Get(path).Body, "canary of bob") {
				t.Fatalf("%s: what bob wrote stands on %s as dora's", x.page, path)
			}
		}
	}
	// A draft is nobody else's either, and what names nobody is its sender's.
	c := s.Guest()
	c.SignIn(bob.Viewer.ID)
	fields := open(t, c, post).form(t, id+"comments").with("body", "half a thought")
	becomes(c, dora)
	want(t, c.Htmx("POST", "/drafts", fields...), 409)
	if strings.Contains(c.Get("/drafts").Body, "half a thought") {
		t.Error("dora has bob's draft")
	}
	want(t, c.Post(id+"comments", "body", "of a script"), 303)
	// Whoever sends it all the same does so knowingly.
	f := parse(t, want(t, fromPage(c, post, id+"comments", fields...), 409)).form(t, id+"comments")
	want(t, fromPage(c, post, id+"comments", f.fields...), 303)
}

func TestAPostBearsTheMembersMarkOnlyInFormsThatHoldWords(t *testing.T) {
	t.Parallel()
	_, author, other, post := thread(t)
	for range 5 {
		author.Comment(post, "", "A comment")
	}
	page := open(t, other, post)
	if n := len(all(page.root, func(n *html.Node) bool { return attr(n, "name") == "as" })); n != 1 {
		t.Errorf("%d forms of the page name the member", n)
	}
}

func TestACommentThatWasSentAfterTheSessionEndedIsNotAnsweredAsIfItWasWritten(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	own := author.Comment(post, "", "My words")
	id := at(t, post, "")
	for place, next := range map[string]string{
		id + "comments": strings.TrimSuffix(id, "/") + "#reply", id + "comments#" + own: "/comments/" + own + "/reply", "/comments/" + own + "/edit": "/comments/" + own + "/edit",
	} {
		action, _, _ := strings.Cut(place, "#")
		a := s.Guest().Htmx("POST", action, "body", "My words", "place", place)
		if to := a.Header.Get("HX-Redirect"); a.Status != 200 || a.Body != "" || !strings.HasPrefix(to, "/login?next=") || !strings.HasSuffix(to, strings.NewReplacer("/", "%2F", "#", "%23").Replace(next)) {
			t.Errorf("%s: %d to %q", place, a.Status, to)
		}
	}
}

func TestAPostIsNotChangedWhileItIsLocked(t *testing.T) {
	t.Parallel()
	s, _, _, _ := thread(t)
	writer, mod := s.As("writer", db.Plain), s.As("mod", db.Moderator)
	want(t, writer.Post("/c/tides/join"), 303)
	post := writer.Write("tides", "Of the writer", "Text")
	own := writer.Comment(post, "", "My words")
	edits := []string{at(t, post, "edit"), "/comments/" + own + "/edit"}
	forms := map[string]form{}
	for _, edit := range edits {
		forms[edit] = open(t, writer, edit).form(t, edit)
	}
	want(t, mod.Post(at(t, post, "lock"), "on", "true"), 303)
	for _, edit := range edits {
		p := parse(t, want(t, fromPage(writer, edit, edit, forms[edit].with("title", "T", "body", "canary, late")...), 403))
		if !p.has(t, "This conversation is closed") || p.form(t, edit).get("body") != "canary, late" {
			t.Errorf("%s: %s", edit, text(p.main(t)))
		}
		want(t, writer.Get(edit), 403)
		if page := writer.Get(post); strings.Contains(page.Body, `href="`+edit+`"`) || strings.Contains(page.Body, "canary") {
			t.Errorf("%s is offered, or has changed the text", edit)
		}
		want(t, mod.Post(edit, "title", "T", "body", "Of a moderator"), 303)
	}
	says(t, fromPage(writer, post, at(t, post, "comments"), "body", "a late comment"), "This conversation is closed")
	want(t, mod.Post(at(t, post, "lock"), "on", "false"), 303)
	want(t, writer.Post(edits[0], "title", "T", "body", "Mine again"), 303)
}

func TestAPostThatIsEditedWhileItIsBeingLocked(t *testing.T) {
	t.Parallel()
	s, _, _, _ := thread(t)
	writer, mod := s.As("writer", db.Plain), s.As("mod", db.Moderator)
	want(t, writer.Post("/c/tides/join"), 303)
	post := writer.Write("tides", "Of the writer", "Text")
	var sent sync.WaitGroup
	answers := make([]apptest.Answer, 8)
	for i := range answers {
		sent.Go(func() { answers[i] = writer.Post(at(t, post, "edit"), "title", "T", "body", fmt.Sprint("edit ", i)) })
	}
	want(t, mod.Post(at(t, post, "lock"), "on", "true"), 303)
	find := func() string {
		p, err := s.DB.PostByID(t.Context(), mod.Viewer, postID(t, post))
		if err != nil {
			t.Fatal(err)
		}
		return p.Body
	}
	locked := find()
	sent.Wait()
	for _, a := range answers {
		if a.Status != 303 && a.Status != 403 {
			t.Errorf("an edit answered %d", a.Status)
		}
	}
	if now := find(); now != locked {
		t.Errorf("locked with %q it says %q", locked, now)
	}
}

func TestTheRulesOfAChannelStandWhereOneWrites(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, c := s.As("owner", db.Plain), s.As("writer", db.Plain)
	owner.Channel("tides")
	post := owner.Write("tides", "Low water", "Text")
	link := `href="/c/tides#rules"`
	if strings.Contains(c.Get(post).Body, link) || strings.Contains(c.Get("/c/tides/new").Body, "Rules of") {
		t.Error("a channel without rules has some")
	}
	want(t, owner.Post("/c/tides/settings", "name", "Tides", "description", "About", "rules", "Bring *a date*"), 303)
	p := open(t, c, "/c/tides/new")
	rules := first(p.main(t), class("rules-note"))
	if rules == nil || !has(rules, "open") || !strings.Contains(text(rules), "Rules of Tides Bring a date") {
		t.Error("the form does not show the rules")
	}
	if place := first(p.main(t), class("compose-place")); place == nil || !strings.Contains(text(place), "Tides") {
		t.Error("the form does not name the channel")
	}
	if !strings.Contains(c.Get(post).Body, link) || open(t, c, "/c/tides").id("rules") == nil {
		t.Error("the form of a comment does not lead to the rules")
	}
	want(t, owner.Post("/c/tides/settings", "name", "Tides", "description", "About", "rules", strings.Repeat("Bring a date. ", 60)), 303)
	if rules := first(open(t, c, "/c/tides/new").main(t), class("rules-note")); rules == nil || has(rules, "open") {
		t.Error("long rules push the form down")
	}
}

func TestACommentIsChangedOnAPageOfItsOwnByAPlainForm(t *testing.T) {
	t.Parallel()
	_, author, _, post := thread(t)
	edit := "/comments/" + author.Comment(post, "", "My words") + "/edit"
	page := want(t, author.Get(edit), 200)
	if strings.Contains(page.Body, `hx-post="`+edit) {
		t.Error("on a page of its own it is swapped for a bare comment")
	}
	if part := author.Htmx("GET", edit); !strings.Contains(part.Body, `hx-post="`+edit) {
		t.Error("in the thread it is a plain form")
	}
}

func TestAReadOnlyForumSaysSoOnEachPage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, mod, c := s.As("admin", db.Admin), s.As("mod", db.Moderator), s.As("plain", db.Plain)
	post := c.Write(c.Channel("tides"), "Low water", "Text")
	draft(t, c, at(t, post, "edit"), "title", "T", "body", "Half a thought")
	want(t, admin.Post("/admin/settings", "read_only", "on"), 303)
	const line = "read-only for now"
	for _, path := range []string{"/", "/c", post, "/tags", "/nothing-at-all", "/login", "/register"} {
		if a := s.Guest().Get(path); !strings.Contains(a.Body, line) {
			t.Errorf("%s does not say it", path)
		}
	}
	says(t, s.Guest().Get("/register"), "takes no new members")
	if s.Guest().Get("/register"); open(t, s.Guest(), "/register").hasForm("/register") {
		t.Error("one can still register")
	}
	p := open(t, c, post)
	if p.hasForm(at(t, post, "comments")) || !p.has(t, "Nobody writes here just now") || strings.Contains(want(t, c.Get("/"), 200).Body, `data-key="c"`) {
		t.Error("a member is offered to write")
	}
	for _, path := range []string{"/new", "/c/tides/new"} {
		says(t, want(t, c.Get(path), 503), "Nobody writes here just now")
	}
	if f := open(t, c, at(t, post, "edit")); !strings.Contains(f.form(t, at(t, post, "edit")).get("body"), "Half a thought") || first(f.main(t), class("primary")) != nil {
		t.Error("what was begun cannot be read, or is to be sent")
	}
	if a := want(t, c.Post(at(t, post, "comments"), "body", "Words"), 503); a.Header.Get("Retry-After") != "" || strings.Contains(a.Body, "worth trying") {
		t.Error("it knows when that ends")
	}
	// Staff decide, and write; their pages say for whom it holds.
	if !strings.Contains(mod.Get("/").Body, "only moderators and admins write") {
		t.Error("staff are not told for whom it holds")
	}
	mod.Comment(post, "", "Until tomorrow.")
	want(t, mod.Post(at(t, post, "remove"), "why", "spam"), 303)
	says(t, admin.Get("/admin/settings"), "Moderators and admins still write and decide")
	want(t, admin.Post("/admin/settings", "read_only", "off"), 303)
	if strings.Contains(c.Get("/").Body, line) {
		t.Error("it is said when it is over")
	}
}

func TestWhoIsSuspendedIsToldBeforeTheyWrite(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, c := s.As("mod", db.Moderator), joined(t, s, "loud")
	post := mod.Write(mod.Channel("tides"), "Low water", "Text")
	draft(t, c, "/c/tides/posts", "title", "T", "body", "Half a thought")
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "3d", "reason", "You shouted."), 303)
	for path, status := range map[string]int{post: 200, "/settings": 200, "/new": 403, "/c/tides/new": 200} {
		says(t, want(t, c.Get(path), status), "suspended your account until", "You shouted.")
	}
	p := open(t, c, post)
	if p.hasForm(at(t, post, "comments")) {
		t.Error("the form is still there")
	}
	f := open(t, c, "/c/tides/new")
	if f.form(t, "/c/tides/posts").get("body") != "Half a thought" || first(f.main(t), class("primary")) != nil {
		t.Error("what was begun cannot be read, or is to be sent")
	}
	if strings.Contains(s.Guest().Get(post).Body+mod.Get(post).Body, "You shouted.") {
		t.Error("others read why")
	}
}

func TestAChannelThatOneCannotWriteInSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, c := s.As("owner", db.Plain), s.As("writer", db.Plain)
	owner.Channel("tides")
	post := owner.Write("tides", "Low water", "Text")
	access(t, owner, "tides", "restricted")
	a := want(t, c.Get("/c/tides/new"), 403)
	if says(t, a, "Its members write here", "Ask to write here"); !parse(t, a).hasForm("/c/tides/ask") {
		t.Error("one cannot ask")
	}
	says(t, c.Get(post), "Its members write here")
	// A note that is too long is not cut.
	long := strings.Repeat("ä", 501)
	p := parse(t, want(t, c.Post("/c/tides/ask", "note", long), 422))
	if f := p.form(t, "/c/tides/ask"); f.get("note") != long || !p.has(t, "At most 500 characters") || attr(p.field(t, "note"), "maxlength") != "500" {
		t.Errorf("the form holds %d characters", len(f.get("note")))
	}
	if asked, err := s.DB.Asked(t.Context(), c.Viewer, channelOf(t, s, "tides")); err != nil || asked {
		t.Errorf("it was sent: %v, %v", asked, err)
	}
	want(t, c.Post("/c/tides/ask", "note", long[2:]), 303)
	says(t, want(t, c.Get("/c/tides/new"), 403), "You asked to be let in")
	access(t, owner, "tides", "public", "archived", "on")
	says(t, want(t, c.Get("/c/tides/new"), 403), "This channel is archived")
	if page := open(t, c, post); page.hasForm(at(t, post, "comments")) || !page.has(t, "This channel is archived") {
		t.Error("the post does not say why there is no form")
	}
}

func TestTheListOfDraftsNamesTheirPosts(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	own := other.Comment(post, "", "My words")
	id := at(t, post, "")
	for _, place := range []string{id + "comments", id + "comments#" + own, "/comments/" + own + "/edit"} {
		draft(t, other, place, "body", "Half a thought")
	}
	if n := strings.Count(other.Get("/drafts").Body, ">Low water</a>"); n != 3 {
		t.Errorf("%d drafts name their post", n)
	}
	access(t, author, "tides", "private")
	if page := want(t, other.Get("/drafts"), 200); strings.Contains(page.Body, "Low water") || !strings.Contains(page.Body, "Half a thought") {
		t.Error("a post that they may not read any more is named, or the draft is gone")
	}
	access(t, author, "tides", "public")
	want(t, author.Post(at(t, post, "delete")), 303)
	if page := want(t, s.Guest().Get("/login"), 200); page.Status != 200 || strings.Contains(other.Get("/drafts").Body, "Low water") {
		t.Error("a deleted post is named")
	}
}

func TestAKeptPostHasALabelForEachField(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	mod, c := s.As("mod", db.Moderator), joined(t, s, "loud")
	mod.Channel("tides")
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "3d", "reason", "A pause."), 303)
	p := parse(t, want(t, fromPage(c, "/c/tides/new", "/c/tides/posts", "title", "T", "body", "Words"), 403))
	var labels []string
	for _, n := range all(p.main(t), tag("label")) {
		labels = append(labels, text(n))
	}
	if strings.Join(labels, "|") != "The title|Your text" {
		t.Errorf("the fields are called %q", labels)
	}
}
