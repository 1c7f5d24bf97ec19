package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

// shape is the tree of comments that a page shows: "1(2(3) 4) 5".
func (d doc) shape() string { return shapeOf(d.id("comments")) }

func shapeOf(list *html.Node) string {
	var parts []string
	for li := range list.ChildNodes() {
		if li.Type != html.ElementNode {
			continue
		}
		own := first(li, class("comment-own"))
		part := strings.TrimPrefix(attr(own, "id"), "c")
		if children := first(li, class("comment-list")); children != nil {
			part += "(" + shapeOf(children) + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// own is the comment itself on a page, without its replies.
func (d doc) own(id string) *html.Node { return d.id("c" + id) }

func thread(t testing.TB) (s *apptest.Site, author, other *apptest.Client, post string) {
	t.Helper()
	s = apptest.Start(t)
	author, other = s.As("author", db.Plain), s.As("other", db.Plain)
	author.Channel("tides")
	return s, author, other, author.Write("tides", "Low water", "Text", "kind", "question")
}

func TestCommentsMakeATree(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	for _, c := range [][2]string{{"", "one"}, {"1", "one.one"}, {"2", "one.one.one"}, {"", "two"}, {"1", "one.two"}, {"3", "deeper"}} {
		other.Comment(post, c[0], c[1])
	}
	if got := open(t, s.Guest(), post).shape(); got != "1(2(3(6)) 5) 4" {
		t.Errorf("the tree is %s", got)
	}
	want(t, author.Post("/comments/4/react", "kind", "like"), 303)
	if got := open(t, s.Guest(), post).shape(); got != "4 1(2(3(6)) 5)" {
		t.Errorf("the best first: %s", got)
	}
	if got := open(t, s.Guest(), post+"?sort=time").shape(); got != "1(2(3(6)) 5) 4" {
		t.Errorf("in the order of time: %s", got)
	}
	if got := open(t, s.Guest(), post+"?under=2").shape(); got != "2(3(6))" {
		t.Errorf("one part: %s", got)
	}
	for _, path := range []string{post + "?under=999", post + "?after=nonsense", post + "?after=1.2.!"} {
		want(t, author.Get(path), 404)
	}
	elsewhere := author.Write("tides", "Another", "Text")
	want(t, author.Post(at(t, elsewhere, "comments"), "parent", "1", "body", "x"), 404)
	want(t, author.Get(elsewhere+"?under=1"), 404)
	want(t, author.Post(at(t, post, "comments"), "parent", "999", "body", "x"), 404)
}

func TestACommentFormSentTwiceMakesOneComment(t *testing.T) {
	t.Parallel()
	_, author, _, post := thread(t)
	f := open(t, author, post).form(t, at(t, post, "comments"))
	if len(f.get("key")) != 36 {
		t.Fatalf("the form's key is %q", f.get("key"))
	}
	fields := f.with("body", "Once")
	places := make([]string, 8)
	var sent sync.WaitGroup
	for i := range places {
		sent.Go(func() { places[i] = author.Post(f.action, fields...).Location })
	}
	sent.Wait()
	if got := slices.Compact(places); len(got) != 1 || got[0] != "/comments/1" {
		t.Errorf("the sendings lead to %q", got)
	}
	if got := open(t, author, post).shape(); got != "1" {
		t.Errorf("comments %s", got)
	}
	part := author.Htmx("POST", f.action, fields...)
	if p := aPartial(t, want(t, part, 200)); p.own("1") == nil || !strings.Contains(part.Body, "1 comment<") {
		t.Errorf("the sending by htmx: %s", part.Body)
	}
}

func TestACommentThatIsNotAcceptedKeepsItsText(t *testing.T) {
	t.Parallel()
	_, author, _, post := thread(t)
	parent := author.Comment(post, "", "Parent")
	long := strings.Repeat("[a](b) ", 301)
	for _, body := range []string{"", "  \n ", long} {
		for _, to := range []string{"", parent} {
			p := parse(t, want(t, author.Post(at(t, post, "comments"), "body", body, "parent", to), 422))
			f := p.form(t, at(t, post, "comments"))
			if strings.TrimSpace(f.get("body")) != strings.TrimSpace(body) || f.get("parent") != to || attr(p.field(t, "body"), "aria-invalid") != "true" {
				t.Errorf("a text of %d bytes to %q: %.60q", len(body), to, f.fields)
			}
			part := aPartial(t, want(t, author.Htmx("POST", at(t, post, "comments"), "body", body, "parent", to), 422))
			if attr(part.field(t, "body"), "aria-invalid") != "true" || strings.TrimSpace(part.form(t, at(t, post, "comments")).get("body")) != strings.TrimSpace(body) {
				t.Errorf("htmx, a text of %d bytes to %q: %s", len(body), to, part.Body)
			}
			if retarget := part.Header.Get("HX-Retarget"); to == "" && retarget != "#reply" {
				t.Errorf("the form would be put to %q: among the comments", retarget)
			}
		}
		p := parse(t, want(t, author.Post("/comments/"+parent+"/edit", "body", body), 422))
		if got := p.form(t, "/comments/"+parent+"/edit").get("body"); strings.TrimSpace(got) != strings.TrimSpace(body) {
			t.Errorf("editing: %.60q", got)
		}
	}
}

func TestWhatHtmxGetsStandsOnThePageToo(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	root := author.Htmx("POST", at(t, post, "comments"), "body", "First")
	p := aPartial(t, want(t, root, 200))
	if p.own("1") == nil || !strings.Contains(root.Body, `hx-target="#thread"`) || p.id("reply") == nil {
		t.Errorf("a new comment brings itself, the new count and an empty form: %s", root.Body)
	}
	if key := p.form(t, at(t, post, "comments")).get("key"); len(key) != 36 {
		t.Errorf("the empty form's key is %q", key)
	}
	same := func(what string, c *apptest.Client, part doc, id string) {
		t.Helper()
		if got, on := render(t, part.own(id)), render(t, open(t, c, post).own(id)); got != on {
			t.Errorf("%s: the part\n%s\nand the page\n%s", what, got, on)
		}
	}
	same("a new comment", author, p, "1")
	reply := aPartial(t, want(t, other.Htmx("POST", at(t, post, "comments"), "body", "Second", "parent", "1"), 200))
	if reply.own("2") == nil || reply.own("1") != nil {
		t.Errorf("a reply brings itself alone: %s", reply.Body)
	}
	for _, step := range []struct{ path, field, value string }{
		{"/comments/1/edit", "body", "First, edited"}, {"/comments/1/delete", "", ""}, {"/comments/1/undelete", "", ""},
	} {
		same(step.path, author, aPartial(t, want(t, author.Htmx("POST", step.path, step.field, step.value), 200)), "1")
	}
	same("a reply", other, reply, "2")
	for _, act := range []string{"edit", "delete", "undelete"} {
		part := aPartial(t, want(t, other.Htmx("POST", "/comments/2/"+act, "body", "Second, edited"), 200))
		if act != "delete" { // one without replies is not on the page any more
			same("a reply after "+act, other, part, "2")
		}
	}
	same("a GET", s.Guest(), aPartial(t, want(t, s.Guest().Htmx("GET", "/comments/1"), 200)), "1")
	react := aPartial(t, want(t, other.Htmx("POST", "/comments/1/react", "kind", "like"), 200))
	onPage := first(open(t, other, post).own("1"), class("score"))
	if render(t, first(react.root, class("score"))) != render(t, onPage) {
		t.Errorf("reactions: %s", react.Body)
	}
	for _, path := range []string{"/comments/1/reply", "/comments/1/reply?quote=1"} {
		if f := aPartial(t, want(t, other.Htmx("GET", path), 200)).form(t, at(t, post, "comments")); f.get("parent") != "1" || len(f.get("key")) != 36 {
			t.Errorf("%s: %q", path, f.fields)
		}
	}
	if f := aPartial(t, want(t, author.Htmx("GET", "/comments/1/edit"), 200)).form(t, "/comments/1/edit"); f.get("body") != "First, edited" {
		t.Errorf("the form to edit: %q", f.fields)
	}
}

func TestAQuoteBringsTheTextAlong(t *testing.T) {
	t.Parallel()
	_, author, other, post := thread(t)
	author.Comment(post, "", "First line\nsecond **line**")
	p := open(t, other, "/comments/1/reply?quote=1")
	f := p.form(t, at(t, post, "comments"))
	if got := strings.TrimSpace(f.get("body")); got != "@author [wrote](/comments/1):\n\n> First line\n> second **line**" {
		t.Errorf("the quote is %q", got)
	}
	if !p.has(t, "second line") {
		t.Error("the page does not show what is answered")
	}
	a := want(t, other.Post(f.action, f.with("body", f.get("body")+"\n\nIndeed.")...), 303)
	shown, _ := follow(t, other, a.Location)
	if n := first(shown.own("2"), tag("blockquote")); n == nil || !strings.Contains(text(n), "second line") {
		t.Error("the quote is not one on the page")
	}
	plain := open(t, other, "/comments/1/reply").form(t, at(t, post, "comments"))
	for _, typed := range []string{"", "Typed before"} { // the button of the form brings it too, and keeps what is there
		quoted := strings.TrimSpace(typed + "\n\n@author [wrote](/comments/1):\n\n> First line\n> second **line**")
		again := parse(t, want(t, other.Post(plain.action, plain.with("body", typed, "quote", "1")...), 200)).form(t, at(t, post, "comments"))
		if got := strings.TrimSpace(again.get("body")); got != quoted || again.get("parent") != "1" {
			t.Errorf("asked for the quote below %q, the form holds %q", typed, again.fields)
		}
	}
	if got := plain.get("body"); got != "" {
		t.Errorf("a reply without quote begins with %q", got)
	}
}

func TestOnlyItsAuthorAndStaffChangeAComment(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	staff := s.As("staff", db.Moderator)
	id := author.Comment(post, "", "First")
	for _, act := range []string{"edit", "delete"} {
		want(t, other.Post("/comments/"+id+"/"+act, "body", "X"), 403)
		if open(t, other, post).hasForm("/comments/" + id + "/" + act) {
			t.Errorf("others are offered to %s", act)
		}
	}
	want(t, other.Get("/comments/"+id+"/edit"), 403)
	for _, c := range []*apptest.Client{author, staff} {
		f := open(t, c, "/comments/"+id+"/edit").form(t, "/comments/"+id+"/edit")
		a := want(t, c.Post(f.action, f.with("body", "By "+c.Viewer.Handle)...), 303)
		p, _ := follow(t, s.Guest(), a.Location)
		if got := text(p.own(id)); !strings.Contains(got, "By "+c.Viewer.Handle) || !strings.Contains(got, "edited") {
			t.Errorf("after %s: %s", c.Viewer.Handle, got)
		}
	}
}

func TestADeletedCommentKeepsItsPlaceWhenItHasReplies(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	staff := s.As("staff", db.Moderator)
	author.Comment(post, "", "Secret parent")
	other.Comment(post, "1", "Reply")
	a := want(t, author.Post("/comments/1/delete"), 303)
	p := open(t, author, post)
	if p.shape() != "1(2)" || !strings.Contains(text(p.own("1")), "deleted") || !p.hasForm("/comments/1/undelete") {
		t.Errorf("for its author: %s, %s", p.shape(), text(p.own("1")))
	}
	for _, c := range []*apptest.Client{s.Guest(), other} {
		p := open(t, c, post)
		if p.shape() != "1(2)" || strings.Contains(p.Body, "Secret parent") || p.hasForm("/comments/1/undelete") {
			t.Errorf("for others: %s, %s", p.shape(), text(p.own("1")))
		}
		if strings.Contains(text(p.id("comments")), "author") {
			t.Errorf("who wrote it is told: %s", text(p.id("comments")))
		}
		for _, path := range []string{"/u/author?tab=comments", "/comments/1/reply", "/comments/1/edit"} {
			if strings.Contains(c.Get(path).Body, "Secret parent") {
				t.Errorf("its text is on %s", path)
			}
		}
	}
	want(t, other.Post(at(t, post, "comments"), "parent", "1", "body", "x"), 404)
	want(t, other.Post("/comments/1/undelete"), 404)
	want(t, other.Post("/comments/1/react", "kind", "like"), 404)
	if to, _ := url.Parse(a.Location); to.Path != post {
		t.Errorf("leads to %s", a.Location)
	}
	want(t, author.Post("/comments/1/undelete"), 303)
	if !strings.Contains(text(open(t, s.Guest(), post).own("1")), "Secret parent") {
		t.Error("it did not come back")
	}
	want(t, staff.Post("/comments/1/delete"), 303)
	want(t, author.Post("/comments/1/undelete"), 403)
	if open(t, author, post).hasForm("/comments/1/undelete") {
		t.Error("its author is offered to undo what a moderator did")
	}
	want(t, staff.Post("/comments/1/undelete"), 303)
}

func TestADeletedCommentWithoutRepliesLeavesAToastWithTheWayBack(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	author.Comment(post, "", "Fleeting")
	a := want(t, author.Post("/comments/1/delete"), 303)
	p := open(t, author, a.Location)
	if p.own("1") != nil || p.has(t, "Fleeting") {
		t.Error("it is still on the page")
	}
	want(t, other.Get("/comments/1"), 404)
	toast := p.id("toasts")
	if !strings.Contains(text(toast), "Comment deleted") || !p.hasForm("/comments/1/undelete") {
		t.Fatalf("the toast says %q", text(toast))
	}
	for who, c := range map[string]*apptest.Client{"a guest": s.Guest(), "another": other} {
		if p := open(t, c, a.Location); strings.Contains(text(p.id("toasts")), "deleted") {
			t.Errorf("%s who gets the link sees the toast", who)
		}
	}
	back, _ := follow(t, author, want(t, author.Post("/comments/1/undelete"), 303).Location)
	if back.own("1") == nil {
		t.Error("it did not come back")
	}
	if p := open(t, author, a.Location); strings.Contains(text(p.id("toasts")), "deleted") {
		t.Error("the page says that it is deleted, and it is not")
	}
	if p := open(t, author, post+"?gone=999"); strings.Contains(text(p.id("toasts")), "deleted") {
		t.Error("the page says that a comment is deleted which never was")
	}
}

func TestTheAuthorOfAQuestionAcceptsAnAnswer(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	other.Comment(post, "", "Perhaps so")
	other.Comment(post, "", "It is so")
	other.Comment(post, "2", "Or so")
	want(t, other.Post("/comments/2/accept"), 403)
	if open(t, other, post).hasForm("/comments/2/accept") {
		t.Error("others are offered to accept")
	}
	if open(t, author, post).hasForm("/comments/3/accept") {
		t.Error("a reply to a comment can be accepted: what answers a question is said to the question")
	}
	accepted := func(p doc) (ids string) {
		for _, n := range all(p.root, class("comment-own")) {
			if strings.Contains(text(n), "The accepted answer") {
				ids += attr(n, "id")
			}
		}
		return ids
	}
	for _, step := range []struct{ id, accepted, shape string }{{"2", "c2", "2(3) 1"}, {"1", "c1", "1 2(3)"}, {"2", "c2", "2(3) 1"}, {"2", "", "1 2(3)"}} {
		f := open(t, author, post).form(t, "/comments/"+step.id+"/accept")
		want(t, author.Post(f.action, f.fields...), 303)
		p := open(t, s.Guest(), post)
		if accepted(p) != step.accepted || p.shape() != step.shape {
			t.Errorf("after the button of %s: accepted %q, want %q; the thread is %s, want %s", step.id, accepted(p), step.accepted, p.shape(), step.shape)
		}
		if strings.Contains(text(open(t, s.Guest(), "/c/tides").main(t)), "Answered") != (step.accepted != "") {
			t.Error("the list does not say whether it is answered")
		}
	}
	talk := author.Write("tides", "A discussion", "Text")
	id := other.Comment(talk, "", "A comment")
	want(t, author.Post("/comments/"+id+"/accept"), 403)
}

func TestAnAcceptedAnswerThatIsDeletedIsNoAnswer(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	id := other.Comment(post, "", "It is so")
	want(t, author.Post("/comments/"+id+"/accept"), 303)
	want(t, other.Post("/comments/"+id+"/delete"), 303)
	p := open(t, s.Guest(), post)
	if to := link(p.root, "Go to the accepted answer"); to != "" {
		if end, _ := follow(t, s.Guest(), to); end.Status != 200 {
			t.Errorf("the page leads to an answer that is not there: %d", end.Status)
		}
	}
	if strings.Contains(text(open(t, s.Guest(), "/c/tides").main(t)), "Answered") {
		t.Error("the list says that the question is answered")
	}
}

func TestUndoMakesADeletedAnswerTheAcceptedOneAgain(t *testing.T) {
	t.Parallel()
	s, author, other, post := thread(t)
	one, two := other.Comment(post, "", "It is so"), other.Comment(post, "", "Or so")
	accepted := func() string {
		p := open(t, s.Guest(), post)
		note := first(p.root, class("accepted-note"))
		if answered := strings.Contains(text(open(t, s.Guest(), "/c/tides").main(t)), "Answered"); answered != (note != nil) {
			t.Errorf("the list says answered: %v", answered)
		}
		if note == nil {
			return ""
		}
		if id := attr(note.Parent, "id"); id != "c"+strings.Split(p.shape(), " ")[0] {
			t.Errorf("the answer %s does not lead: %s", id, p.shape())
		}
		return strings.TrimPrefix(attr(note.Parent, "id"), "c")
	}
	act := func(c *apptest.Client, id, action string, form ...string) {
		t.Helper()
		want(t, c.Post("/comments/"+id+"/"+action, form...), 303)
	}
	is := func(id, after string) {
		t.Helper()
		if got := accepted(); got != id {
			t.Errorf("after %s the answer is %q, want %q", after, got, id)
		}
	}
	act(author, two, "accept")
	act(other, two, "delete")
	is("", "its deletion")
	act(other, two, "undelete")
	is(two, "its Undo")

	act(other, two, "delete")
	act(author, one, "accept")
	act(other, two, "undelete")
	is(one, "the Undo of an answer in whose place another was accepted")

	act(other, one, "delete")
	act(author, two, "accept")
	act(author, two, "accept", "accept", "no")
	act(other, one, "undelete")
	is("", "the Undo of an answer after its question's author wanted none")
}

func TestReactionsToACommentToggleAndCount(t *testing.T) {
	t.Parallel()
	_, author, other, post := thread(t)
	author.Comment(post, "", "Text")
	for i, step := range []struct{ kind, score string }{{"like", "1"}, {"like", "1"}, {"dislike", "-1"}, {"none", "0"}, {"like", "1"}} {
		want(t, other.Post("/comments/1/react", "kind", step.kind), 303)
		if got := text(first(open(t, other, post).own("1"), class("num"))); got != step.score {
			t.Errorf("step %d, %s: %s, want %s", i, step.kind, got, step.score)
		}
	}
	// The button that is down takes the reaction back.
	pressed := first(open(t, other, post).own("1"), func(n *html.Node) bool { return attr(n, "aria-pressed") == "true" })
	if pressed == nil || attr(pressed, "value") != "none" {
		t.Error("the button of a reaction does not take it back")
	}
}

// grow writes a random thread straight into the database and answers the ids of its comments.
func grow(t testing.TB, s *apptest.Site, v db.Viewer, post int64, parents []int) (ids []int64) {
	t.Helper()
	for i, parent := range parents {
		n := db.NewComment{PostID: post, Body: fmt.Sprintf("Comment %d", i)}
		if parent >= 0 {
			n.ParentID = ids[parent]
		}
		id, err := s.DB.CreateComment(t.Context(), v, n)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func TestPagesAndPermalinksOfALongThread(t *testing.T) {
	t.Parallel()
	s, author, other, _ := thread(t)
	// Three shapes: many roots, one root with many replies, and one long chain. A fixed sequence stands for chance.
	chance := uint32(1)
	draw := func(n int) int { chance = chance*1664525 + 1013904223; return int(chance>>8) % n }
	shapes := map[string]func(i int) int{
		"many roots": func(i int) int {
			if draw(3) > 0 {
				return -1
			}
			return draw(i+1) - 1
		},
		"one root": func(i int) int {
			switch {
			case i == 0:
				return -1
			case draw(4) > 0:
				return draw(min(i, 3))
			}
			return draw(i)
		},
		"a chain": func(i int) int {
			if draw(10) == 0 {
				return draw(i+1) - 1
			}
			return i - 1
		},
	}
	for name, parent := range shapes {
		t.Run(name, func(t *testing.T) {
			post := author.Write("tides", name, "Text")
			parents := make([]int, 260)
			for i := range parents {
				parents[i] = parent(i)
			}
			ids := grow(t, s, other.Viewer, postID(t, post), parents)
			for i, id := range ids {
				if i%9 == 0 {
					if _, err := s.DB.ReactToComment(t.Context(), author.Viewer, id, 1-2*(i%2)); err != nil {
						t.Fatal(err)
					}
				}
				if i%23 == 0 {
					if err := s.DB.DeleteComment(t.Context(), other.Viewer, id); err != nil {
						t.Fatal(err)
					}
				}
			}
			guest, pages := s.Guest(), map[string]doc{}
			page := func(path string) doc {
				path, _, _ = strings.Cut(path, "#")
				if _, ok := pages[path]; !ok {
					pages[path] = open(t, guest, path)
				}
				return pages[path]
			}
			for i, id := range ids {
				if i%12 != 0 && i < len(ids)-8 { // nearly each has a page of its own to be fetched: some of them, and the last
					continue
				}
				a := guest.Get(fmt.Sprintf("/comments/%d", id))
				if a.Status == 404 && i%23 == 0 {
					continue // deleted, and nobody answered it
				}
				want(t, a, 303)
				if _, anchor, _ := strings.Cut(a.Location, "#"); anchor != fmt.Sprintf("c%d", id) || page(a.Location).id(anchor) == nil {
					t.Fatalf("the permalink of comment %d leads to %s, and it is not there", id, a.Location)
				}
			}
			// Along "More comments" and "Continue this conversation", in both orders, everything is read once.
			for _, sort := range []string{"", "?sort=time"} {
				seen := map[string]int{}
				read(t, page, post+sort, seen, "")
				for i, id := range ids {
					if n := seen["c"+strconv.FormatInt(id, 10)]; n != 1 && !(n == 0 && i%23 == 0) {
						t.Errorf("order %q: comment %d is shown %d times", sort, id, n)
					}
				}
				if len(seen) > len(ids) {
					t.Errorf("order %q: %d comments, want %d", sort, len(seen), len(ids))
				}
			}
			for path, p := range pages {
				if n := len(all(p.root, class("comment-own"))); n > db.CommentsAPage {
					t.Errorf("%s has %d comments, at most %d may stand on a page", path, n, db.CommentsAPage)
				}
			}
		})
	}
}

// read counts the comments of a page and of all that it leads on to. The first of a continuation stood on the page
// before already.
func read(t testing.TB, page func(string) doc, path string, seen map[string]int, before string) {
	t.Helper()
	for path != "" {
		p := page(path)
		for _, n := range all(p.root, class("comment-own")) {
			if id := attr(n, "id"); id != before && id != "" {
				seen[id]++
			}
		}
		for _, n := range all(p.root, class("continue")) {
			_, anchor, _ := strings.Cut(attr(n, "href"), "#")
			read(t, page, attr(n, "href"), seen, anchor)
		}
		path = link(p.main(t), "More comments")
	}
}
