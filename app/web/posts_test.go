package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestAPostShowsWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	for _, kind := range []string{"discussion", "question"} {
		p := open(t, c, "/c/tides/new?kind="+kind)
		f := p.form(t, "/c/tides/posts")
		if f.get("kind") != kind {
			t.Errorf("the form for a %s begins with %q", kind, f.get("kind"))
		}
		if _, err := uuid.Parse(f.get("key")); err != nil {
			t.Errorf("the form's key %q: %v", f.get("key"), err)
		}
		a := want(t, c.Post(f.action, f.with("title", "Low water at noon", "body", "It was **low**.", "tags", "Moon, #sea  moon")...), 303)
		shown := open(t, s.Guest(), a.Location)
		main := shown.main(t)
		if h := first(main, tag("h1")); text(h) != "Low water at noon" {
			t.Errorf("title %q", text(h))
		}
		if n := first(main, tag("strong")); n == nil || text(n) != "low" {
			t.Error("the Markdown is not rendered")
		}
		var tags []string
		for _, n := range all(main, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/t/") }) {
			tags = append(tags, attr(n, "href"))
		}
		if !slices.Equal(tags, []string{"/t/moon", "/t/sea"}) {
			t.Errorf("tags %q", tags)
		}
		if shown.has(t, "Question") != (kind == "question") {
			t.Errorf("the mark of a question on a %s", kind)
		}
	}
}

func TestAPostThatIsNotAcceptedKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	for _, test := range []struct{ name, title, body, tags, field, says string }{
		{"no title", "  ", "Text", "sea", "title", "needs a title"},
		{"a long title", strings.Repeat("ü", 201), "Text", "sea", "title", "200 characters"},
		{"a title that turns around", "abc\u202edef", "Text", "sea", "title", "cannot be shown"},
		{"a title with a NUL", "abc\x00def", "Text", "sea", "title", "cannot be shown"},
		{"no text", "Title", " \r\n ", "sea", "body", "Write something"},
		{"six tags", "Title", "Text", "a b c d e f", "tags", "5 tags"},
		{"a tag with a slash", "Title", "Text", "a/b", "tags", "tags"},
		{"more links than a text may have", "Title", strings.Repeat("[a](b) ", 301), "sea", "body", "300 links"},
		{"a line that is too long", "Title", strings.Repeat("x", 9000), "sea", "body", "A line has at most"},
		{"quotes in quotes in quotes", "Title", strings.Repeat("> ", 40) + "x", "sea", "body", "nest at most 16"},
		{"too long a text", "Title", strings.Repeat("many words\n", 6000), "sea", "body", "65,536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, c, "/c/tides/new").form(t, "/c/tides/posts")
			p := parse(t, want(t, c.Post(f.action, f.with("title", test.title, "body", test.body, "tags", test.tags, "kind", "question")...), 422))
			if attr(p.field(t, test.field), "aria-invalid") != "true" {
				t.Errorf("the field %s is not marked", test.field)
			}
			if note := p.id(test.field + "-error"); note == nil || !strings.Contains(text(note), test.says) {
				t.Errorf("the page does not say %q: %s", test.says, text(p.main(t)))
			}
			back := p.form(t, f.action)
			for name, typed := range map[string]string{"body": test.body, "tags": test.tags, "kind": "question", "key": f.get("key")} {
				if got := back.get(name); strings.TrimSpace(got) != strings.TrimSpace(strings.ReplaceAll(typed, "\r", "")) {
					t.Errorf("%s is now %.60q, not %.60q", name, got, typed)
				}
			}
		})
	}
	if rows := open(t, s.Guest(), "/c/tides").titles(); len(rows) != 0 {
		t.Errorf("refused posts are there: %q", rows)
	}
}

func TestAFormSentTwiceMakesOnePost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("clicker", db.Plain)
	c.Channel("tides")
	form := open(t, c, "/c/tides/new").form(t, "/c/tides/posts").with("title", "Once", "body", "Text", "as", "")
	one := want(t, c.Post("/c/tides/posts", form...), 303)
	two := want(t, c.Post("/c/tides/posts", form...), 303)
	if one.Location != two.Location {
		t.Errorf("%q and then %q", one.Location, two.Location)
	}
	if titles := open(t, c, "/c/tides").titles(); len(titles) != 1 {
		t.Errorf("posts %q", titles)
	}
	// The key is the member's own: another's form with the same one is another post.
	other := s.As("copycat", db.Plain)
	if a := want(t, other.Post("/c/tides/posts", form...), 303); a.Location == one.Location {
		t.Error("another member's form led to the first one's post")
	}
	// Without a key the write simply happens.
	if a, b := c.Write("tides", "Twice", "Text"), c.Write("tides", "Twice", "Text"); a == b {
		t.Error("two forms without a key made one post")
	}
}

func TestTwentyParallelSendingsMakeOnePost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("clicker", db.Plain)
	c.Channel("tides")
	form := open(t, c, "/c/tides/new").form(t, "/c/tides/posts").with("title", "Once", "body", "Text")
	answers := make([]apptest.Answer, 20)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = c.Post("/c/tides/posts", form...) })
	}
	all.Wait()
	for _, a := range answers {
		if a.Status != 303 || a.Location != answers[0].Location {
			t.Errorf("%d to %q, another %q", a.Status, a.Location, answers[0].Location)
		}
	}
	if titles := open(t, c, "/c/tides").titles(); len(titles) != 1 {
		t.Errorf("posts %q", titles)
	}
	if p := open(t, c, "/c/tides"); !strings.Contains(p.Body, "1 post,") {
		t.Error("the channel counts more than one post")
	}
}

func TestOnlyItsAuthorAndStaffChangeAPost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, other, staff := s.As("author", db.Plain), s.As("other", db.Plain), s.As("staff", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "First title", "First text", "tags", "one two")
	for _, path := range []string{at(t, post, "edit"), at(t, post, "delete")} {
		want(t, other.Post(path, "title", "X", "body", "X"), 403)
		if a := s.Guest().Post(path, "title", "X", "body", "X"); a.Status != 303 || !strings.HasPrefix(a.Location, "/login?next=") {
			t.Errorf("a guest at %s: %d to %q", path, a.Status, a.Location)
		}
	}
	want(t, other.Get(at(t, post, "edit")), 403)
	if p := open(t, other, post); p.hasForm(at(t, post, "delete")) || link(p.root, "Edit") != "" {
		t.Error("others are offered what they may not do")
	}

	for _, c := range []*apptest.Client{author, staff} {
		f := open(t, c, at(t, post, "edit")).form(t, at(t, post, "edit"))
		if !strings.HasSuffix(f.get("title"), " title") || !strings.HasSuffix(f.get("body"), " text") || f.get("tags") == "" {
			t.Fatalf("the form does not hold the post: %q", f.fields)
		}
		name := c.Viewer.Handle
		a := want(t, c.Post(f.action, f.with("title", name+" title", "body", name+" text", "tags", "two three")...), 303)
		p := open(t, s.Guest(), a.Location)
		if !p.has(t, name+" title") || !p.has(t, name+" text") || !p.has(t, "edited") || !p.has(t, "three") || p.has(t, "one") {
			t.Errorf("after %s: %s", name, text(p.main(t)))
		}
		post = a.Location
	}
	p := parse(t, want(t, author.Post(at(t, post, "edit"), "title", "", "body", "Kept"), 422))
	if f := p.form(t, at(t, post, "edit")); f.get("body") != "Kept" || attr(p.field(t, "title"), "aria-invalid") != "true" {
		t.Error("what was typed is not kept")
	}
}

func TestADeletedPostIsGoneForOthersAndCanBeBroughtBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, other, staff := s.As("author", db.Plain), s.As("other", db.Plain), s.As("staff", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "Fleeting", "Text", "tags", "gone")
	comment := other.Comment(post, "", "A comment")
	if a := want(t, author.Post(at(t, post, "delete")), 303); a.Location != post {
		t.Errorf("leads to %q", a.Location)
	}
	for _, c := range []*apptest.Client{s.Guest(), other} {
		for _, path := range []string{post, "/comments/" + comment} {
			want(t, c.Get(path), 404)
		}
	}
	for _, path := range []string{"/", "/c/tides", "/u/author", "/u/other?tab=comments", "/t/gone", "/?sort=new", "/?sort=top"} {
		if strings.Contains(s.Guest().Get(path).Body, "Fleeting") {
			t.Errorf("it is still on %s", path)
		}
	}
	for _, act := range []string{"react", "comments", "pin", "lock", "edit", "delete", "undelete"} {
		if a := other.Post(at(t, post, act), "body", "x", "title", "x", "kind", "like"); a.Status != 404 {
			t.Errorf("another's %s: %d, want 404", act, a.Status)
		}
	}
	p := open(t, author, post)
	if !p.has(t, "This post was deleted") || !p.hasForm(at(t, post, "undelete")) {
		t.Fatal("its author is not offered the way back")
	}
	for _, f := range p.forms() { // what the page offers works
		if strings.HasPrefix(f.action, "/p/") || strings.HasPrefix(f.action, "/comments/") {
			if f.action == at(t, post, "undelete") {
				continue
			}
			t.Errorf("the page of a deleted post offers %s", f.action)
		}
	}
	want(t, staff.Get(post), 200)
	want(t, author.Post(at(t, post, "undelete")), 303)
	if !open(t, other, post).has(t, "A comment") {
		t.Error("it did not come back whole")
	}

	want(t, staff.Post(at(t, post, "delete")), 303)
	want(t, author.Post(at(t, post, "undelete")), 403) // what a moderator removed, its author does not bring back
	if open(t, author, post).hasForm(at(t, post, "undelete")) {
		t.Error("the author is offered what they may not do")
	}
	want(t, staff.Post(at(t, post, "undelete")), 303)
	want(t, other.Get(post), 200)
}

func TestModeratorsPinAndLock(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, author, staff := s.As("keeper", db.Plain), s.As("author", db.Plain), s.As("staff", db.Moderator)
	keeper.Channel("tides")
	post := author.Write("tides", "Old news", "Text")
	author.Write("tides", "New news", "Text")
	for _, act := range []string{"pin", "lock"} {
		want(t, author.Post(at(t, post, act), "on", "true"), 403)
		if open(t, author, post).hasForm(at(t, post, act)) {
			t.Errorf("the author is offered to %s", act)
		}
	}
	for _, c := range []*apptest.Client{keeper, staff} {
		f := open(t, c, post).form(t, at(t, post, "pin"))
		want(t, c.Post(f.action, f.fields...), 303)
		if titles := open(t, s.Guest(), "/c/tides").titles(); !slices.Equal(titles, []string{"Old news", "New news"}) {
			t.Errorf("pinned: %q", titles)
		}
		f = open(t, c, post).form(t, at(t, post, "pin"))
		want(t, c.Post(f.action, f.fields...), 303)
		if titles := open(t, s.Guest(), "/c/tides").titles(); !slices.Equal(titles, []string{"New news", "Old news"}) {
			t.Errorf("not pinned any more: %q", titles)
		}
	}

	comment := author.Comment(post, "", "Before")
	f := open(t, keeper, post).form(t, at(t, post, "lock"))
	want(t, keeper.Post(f.action, f.fields...), 303)
	p := open(t, author, post)
	if p.hasForm(at(t, post, "comments")) || !p.has(t, "it takes no more comments") {
		t.Error("a locked post still has its form, or does not say why not")
	}
	want(t, author.Post(at(t, post, "comments"), "body", "After"), 403)
	want(t, author.Get("/comments/"+comment+"/reply"), 403)
	if open(t, author, post).has(t, "After") {
		t.Error("a locked post took a comment")
	}
	staff.Comment(post, "", "From the staff")
	f = open(t, keeper, post).form(t, at(t, post, "lock"))
	want(t, keeper.Post(f.action, f.fields...), 303)
	author.Comment(post, "", "After")
}

func TestPreviewShowsTheTextAndStoresNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	a := aPartial(t, want(t, c.Htmx("POST", "/preview", "body", "Some *text* <script>x()</script>"), 200))
	if first(a.root, tag("em")) == nil || first(a.root, tag("script")) != nil {
		t.Errorf("preview: %s", a.Body)
	}
	if p := parse(t, want(t, c.Post("/preview", "body", "Some *text*"), 200)); first(p.main(t), tag("em")) == nil {
		t.Error("the page of a preview does not show it")
	}
	want(t, s.Guest().Post("/preview", "body", "Some *text*"), 200)
	beyond := aPartial(t, want(t, c.Htmx("POST", "/preview", "body", strings.Repeat("[a](b) ", 301)), 200))
	if !strings.Contains(text(beyond.root), "at most 300 links") {
		t.Errorf("beyond a limit: %s", beyond.Body)
	}
	for _, path := range []string{"/c/tides/posts", "/new"} { // the button of a form without script
		p := parse(t, want(t, c.Post(path, "channel", "tides", "title", "Title", "body", "Some *text*", "tags", "a b", "kind", "question", "preview", "1"), 200))
		f := p.form(t, path)
		if first(p.id("preview-text"), tag("em")) == nil || f.get("title") != "Title" || f.get("tags") != "a b" || f.get("kind") != "question" || f.get("body") != "Some *text*" {
			t.Errorf("%s: the form with its preview lost something: %q", path, f.fields)
		}
		if attr(p.field(t, "title"), "aria-invalid") != "" {
			t.Error("a preview complains")
		}
	}
	if titles := open(t, c, "/c/tides").titles(); len(titles) != 0 {
		t.Errorf("previews became posts: %q", titles)
	}
}

func TestAPostsAddress(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	post := c.Write("tides", "The first title", "Text")
	id := postID(t, post)
	edited := want(t, c.Post(at(t, post, "edit"), "title", "A second one", "body", "Text"), 303).Location
	for _, old := range []string{post, fmt.Sprintf("/p/%d", id), fmt.Sprintf("/p/%d/nonsense", id)} {
		if a := c.Get(old + "?sort=time"); a.Status != 303 || a.Location != edited+"?sort=time" {
			t.Errorf("%s: %d to %q, want %q", old, a.Status, a.Location, edited)
		}
	}
	for _, word := range []string{"edit", "Delete", "history", "undelete", "comments", "react", "save", "follow", "lock", "pin", "read"} {
		post := c.Write("tides", word, "Text")
		if !strings.HasSuffix(post, "/post-"+strings.ToLower(word)) {
			t.Errorf("%q stands at %s, which is an action", word, post)
		}
		if p := open(t, s.Guest(), post); !p.has(t, word) {
			t.Errorf("%s does not show the post", post)
		}
	}
	for _, title := range []string{"日本語", "🦀🦀🦀", "…", "ÄÖÜ", strings.Repeat("w", 200)} {
		if p, _ := follow(t, s.Guest(), c.Write("tides", title, "Text")); p.Status != 200 || !p.has(t, title) {
			t.Errorf("a post called %q cannot be read: %d", title, p.Status)
		}
	}
	for _, path := range []string{"/p/0/x", "/p/-1/x", "/p/999999/x", "/p/abc", "/p/99999999999999999999/x", "/p/1e3"} {
		want(t, c.Get(path), 404)
	}
}

func TestReactionsToAPostToggleAndCount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader := s.As("author", db.Plain), s.As("reader", db.Plain)
	author.Channel("tides")
	post := author.Write("tides", "Liked", "Text")
	score := func(p doc) string { return text(first(p.id("score"), class("num"))) }
	for i, step := range []struct{ kind, score string }{
		{"like", "1"}, {"like", "1"}, {"dislike", "-1"}, {"none", "0"}, {"dislike", "-1"}, {"like", "1"}, {"nonsense", "0"},
	} {
		want(t, reader.Post(at(t, post, "react"), "kind", step.kind), 303)
		if got := score(open(t, reader, post)); got != step.score {
			t.Errorf("step %d, %s: %s, want %s", i, step.kind, got, step.score)
		}
	}
	want(t, author.Post(at(t, post, "react"), "kind", "like"), 303)
	a := aPartial(t, want(t, reader.Htmx("POST", at(t, post, "react"), "kind", "like"), 200))
	if score(a) != "2" {
		t.Errorf("the part says %s, want 2", score(a))
	}
	if render(t, a.id("score")) != render(t, open(t, reader, post).id("score")) {
		t.Error("the part is not what stands on the page")
	}
}

// render is a node as HTML.
func render(t testing.TB, n *html.Node) string {
	t.Helper()
	if n == nil {
		t.Fatal("there is nothing to render")
	}
	var b strings.Builder
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPostOutsideAChannelAsksForOne(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	if a := c.Get("/new"); a.Status != http.StatusSeeOther || a.Location != "/c" {
		t.Errorf("with no channel to write in: %d to %q, want the list of channels", a.Status, a.Location)
	}
	c.Channel("tides")
	f := open(t, c, "/new").form(t, "/new")
	p := parse(t, want(t, c.Post("/new", f.with("channel", "nowhere", "title", "T", "body", "B")...), 422))
	if !p.has(t, "Choose a channel") || p.form(t, "/new").get("body") != "B" {
		t.Error("a channel that is not there")
	}
	a := want(t, c.Post("/new", f.with("channel", "tides", "title", "T", "body", "B")...), 303)
	open(t, s.Guest(), a.Location)
	want(t, c.Get("/c/nowhere/new"), 404)
	want(t, c.Post("/c/nowhere/posts", "title", "T", "body", "B"), 404)
}

func TestTheRulesFollowTheChannelThatIsChosen(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	for _, slug := range []string{"tides", "reefs", "coves"} {
		rules := "Rules for the " + slug
		if slug == "coves" {
			rules = ""
		}
		want(t, c.Post("/c", "slug", slug, "name", slug, "description", "About it", "rules", rules), 303)
	}
	only := func(a apptest.Answer, slug string) {
		t.Helper()
		for _, other := range []string{"tides", "reefs", "coves"} {
			if shown := strings.Contains(a.Body, "Rules for the "+other); shown != (other == slug) {
				t.Errorf("the rules of %s are there: %v; chosen is %q", other, shown, slug)
			}
		}
	}
	p := open(t, c, "/new")
	f := p.form(t, "/new")
	first := f.get("channel")
	only(p.Answer, strings.ReplaceAll(first, "coves", ""))
	if n := p.field(t, "channel"); attr(n, "hx-get") != "/new" || attr(n, "hx-target") != "#rules" {
		t.Errorf("choosing another asks %q for %q", attr(n, "hx-get"), attr(n, "hx-target"))
	}
	only(want(t, c.Htmx("GET", "/new?channel=tides"), 200), "tides")
	only(want(t, c.Htmx("GET", "/new?channel=reefs"), 200), "reefs")
	only(want(t, c.Htmx("GET", "/new?channel=coves"), 200), "")
	want(t, c.Htmx("GET", "/new?channel=nowhere"), 404)
	// Without a script, by the button beside the list: what is typed stays.
	shown := want(t, c.Post("/new", f.with("channel", "reefs", "title", "Half a ti", "preview", "1")...), 200)
	only(shown, "reefs")
	if again := parse(t, shown).form(t, "/new"); again.get("title") != "Half a ti" || !strings.Contains(shown.Body, `value="reefs" selected`) {
		t.Errorf("the form comes back with %q, or has forgotten the channel", again.get("title"))
	}
	if a := want(t, c.Get("/new?channel=tides"), 200); !strings.Contains(a.Body, `value="tides" selected`) {
		t.Error("a link that names the channel does not choose it")
	} else {
		only(a, "tides")
	}
	only(want(t, c.Get("/c/tides/new"), 200), "tides")
	want(t, c.Post("/c/tides/access", "visibility", "private", "slow", "0"), 303)
	want(t, s.As("stranger", db.Plain).Htmx("GET", "/new?channel=tides"), 404)
}

func TestATitleThatIsNoAddressGetsAGoodOne(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	for title, slug := range map[string]string{
		"!!! ???": "post", "🌊🌊": "post", "Edit": "post-edit", "Remove": "post-remove", "History": "post-history",
		strings.Repeat("a", 59) + " sea": strings.Repeat("a", 59),
	} {
		post := c.Write("tides", title, "text")
		if post != "/p/"+idIn(post)+"/"+slug {
			t.Errorf("%q stands at %s", title, post)
			continue
		}
		want(t, s.Guest().Get(post), 200) // it is its canonical address, and leads nowhere on
		for _, other := range []string{"/p/" + idIn(post), "/p/" + idIn(post) + "/post-", post + "-"} {
			if a := want(t, s.Guest().Get(other), 303); a.Location != post {
				t.Errorf("%s leads to %s", other, a.Location)
			}
		}
		if p := open(t, s.Guest(), post); !p.has(t, title) {
			t.Errorf("%s is not the post %q", post, title)
		}
	}
}
