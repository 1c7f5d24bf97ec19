package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/db"
)

// changes is what a history shows: of each version its author and what came in (+) and went out (-).
func changes(t *testing.T, p doc) (list []string) {
	t.Helper()
	for _, v := range all(p.main(t), class("version")) {
		var b strings.Builder
		b.WriteString(text(first(v, class("byline-name"))) + ":")
		for _, n := range all(v, func(n *html.Node) bool { return n.Data == "ins" || n.Data == "del" }) {
			b.WriteString(map[string]string{"ins": " +", "del": " -"}[n.Data] + strings.TrimSpace(text(n)))
		}
		list = append(list, b.String())
	}
	return list
}

func TestAHistoryTellsWhoChangedWhat(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	staff := s.As("staff", db.Moderator)
	edit, history := at(t, post, "edit"), at(t, post, "history")
	if p := open(t, s.Guest(), history); !p.has(t, "Nothing in it has been changed") {
		t.Error("a post that nobody edited has a history")
	}
	want(t, author.Post(edit, "title", "Low water", "body", "Text with more words", "tags", "sea"), 303)
	want(t, staff.Post(edit, "title", "High water", "body", "Text with other words"), 303)
	p := open(t, s.Guest(), history)
	got := strings.Join(changes(t, p), "\n")
	for _, want := range []string{"staff: -Low +High -more +other -sea", "author: -Text +Text with more words +sea", "author:"} {
		if !strings.Contains(got, want) {
			t.Errorf("the history says\n%s\nwithout %q", got, want)
		}
	}
	if p, _ := follow(t, s.Guest(), post); link(p.main(t), "edited") != history {
		t.Error("the mark of an edit does not lead to it")
	}

	comment := author.Comment(post, "", "One word")
	want(t, author.Post("/comments/"+comment+"/edit", "body", "Two words"), 303)
	if got := strings.Join(changes(t, open(t, s.Guest(), "/comments/"+comment+"/history")), "\n"); !strings.Contains(got, "author: -One word +Two words") && !strings.Contains(got, "author: -One +Two") {
		t.Errorf("the comment's history says %s", got)
	}
	// An edit that was not made leaves nothing.
	want(t, author.Post(edit, "title", "Lost", "body", "Lost", "version", "1"), 409)
	want(t, s.As("stranger", db.Plain).Post(edit, "title", "Lost", "body", "Lost"), 403)
	if p := open(t, s.Guest(), history); p.has(t, "Lost") || len(changes(t, p)) != 3 {
		t.Error("a refused edit stands in the history")
	}
}

func TestALongHistoryHasPages(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	for i := range 23 {
		want(t, author.Post(at(t, post, "edit"), "title", "T", "body", strings.Repeat("x", i+1)), 303)
	}
	seen := 0
	for next := at(t, post, "history"); next != ""; {
		p := open(t, s.Guest(), next)
		seen += len(changes(t, p))
		next = link(p.main(t), "Older versions")
	}
	if seen != 24 {
		t.Errorf("%d versions, want 24", seen)
	}
	want(t, s.Guest().Get(at(t, post, "history")+"?before=x"), 404)
}

func TestAHiddenVersionShowsInNoComparison(t *testing.T) {
	t.Parallel()
	const secret = "canary-4471"
	s, _, author, _ := thread(t) // who does not keep the channel
	post := author.Write("tides", "Springs", "Text")
	staff, history := s.As("staff", db.Moderator), at(t, post, "history")
	comment := author.Comment(post, "", "One")
	for _, body := range []string{"It says " + secret, "It says nothing"} {
		want(t, author.Post(at(t, post, "edit"), "title", body, "body", body, "tags", strings.Fields(body)[2]), 303)
		want(t, author.Post("/comments/"+comment+"/edit", "body", body), 303)
	}
	for _, history := range []string{history, "/comments/" + comment + "/history"} {
		if !open(t, s.Guest(), history).has(t, secret) {
			t.Fatal("the version is not there to be hidden")
		}
		hide := first(all(open(t, staff, history).main(t), class("version"))[1], tag("form"))
		address := attr(hide, "action")
		want(t, author.Post(address, "on", "true"), 403)
		want(t, s.Guest().Post(address, "on", "true"), 303)
		want(t, staff.Post(history+"/99", "on", "true"), 404)
		want(t, staff.Post(address, "on", "true"), 303)
		for name, c := range map[string]string{"guest": s.Guest().Get(history).Body, "author": author.Get(history).Body} {
			if strings.Contains(c, secret) {
				t.Errorf("the %s reads what was hidden in %s", name, history)
			}
			if !strings.Contains(c, "A moderator has hidden") {
				t.Errorf("the %s is not told", name)
			}
		}
		if !open(t, staff, history).has(t, secret) {
			t.Error("a moderator cannot read it")
		}
		want(t, staff.Post(address, "on", "false"), 303)
		if !open(t, s.Guest(), history).has(t, secret) {
			t.Error("it is not shown again")
		}
	}
	// What cannot be read has no history.
	want(t, author.Post(at(t, post, "delete")), 303)
	for _, path := range []string{history, "/comments/" + comment + "/history"} {
		want(t, s.Guest().Get(path), 404)
	}
	want(t, author.Get(history), 200)
	want(t, staff.Get(history), 200)
}
