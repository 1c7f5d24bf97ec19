package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestAMembersPageShowsWhoTheyAreAndWhatTheyWrote(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("Wren", db.Plain)
	if p := open(t, c, "/u/Wren"); !p.has(t, "What you write will gather on this page") || link(p.main(t), "Change your page") != "/settings" {
		t.Errorf("one's own empty page: %s", text(p.main(t)))
	}
	c.Channel("tides")
	var made []string
	for i := range 35 {
		title := fmt.Sprintf("Post %02d", i)
		made = append([]string{title}, made...)
		c.Comment(c.Write("tides", title, "Text"), "", fmt.Sprintf("Comment %02d", i))
	}
	for _, handle := range []string{"Wren", "wren", "WREN"} {
		p := open(t, s.Guest(), "/u/"+handle)
		if !p.has(t, "@Wren") || !p.has(t, "Posts 35") || !p.has(t, "Comments 35") || link(p.main(t), "Change your page") != "" {
			t.Errorf("the page: %s", text(p.main(t)))
		}
		if first(p.main(t), class("initial")) == nil {
			t.Error("no initial")
		}
	}
	if got := walk(t, s.Guest(), "/u/Wren", "Older posts"); !slices.Equal(got, made) {
		t.Errorf("posts %q", got)
	}
	var snippets []string
	for path := "/u/Wren?tab=comments"; path != ""; {
		p := open(t, s.Guest(), path)
		for _, n := range all(p.main(t), class("snippet")) {
			snippets = append(snippets, text(n))
		}
		if path = link(p.main(t), "Older comments"); path != "" {
			part := aPartial(t, want(t, s.Guest().Htmx("GET", path), 200))
			if len(all(part.root, class("result"))) != len(all(open(t, s.Guest(), path).root, class("result"))) {
				t.Error("the part has other rows than the page")
			}
		}
	}
	if len(snippets) != 35 || snippets[0] != "Comment 34" || snippets[34] != "Comment 00" {
		t.Errorf("comments %q", snippets)
	}
}

func TestADisplayNameMayHaveSpacesAndBeSharedAndAHandleMayHaveAnyLetters(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, handle := range []string{"señor.é", "日本語人", "Ünï_1"} {
		c := joined(t, s, handle)
		want(t, c.Post("/settings/profile", "name", "The Same Name", "bio", ""), 303)
		path := attr(first(open(t, c, "/").root, func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/u/") }), "href")
		if p := open(t, s.Guest(), path); !p.has(t, "@"+handle) || !p.has(t, "The Same Name") {
			t.Errorf("%s: %s", path, text(p.main(t)))
		}
		m, err := s.DB.MemberByHandle(t.Context(), handle)
		if err != nil {
			t.Fatal(err)
		}
		a := want(t, c.Get(fmt.Sprintf("/u/~%d", m.ID)), 303)
		if strings.ContainsFunc(a.Location, func(r rune) bool { return r > '~' }) {
			t.Errorf("the header Location holds %q, which is not ASCII", a.Location)
		}
		if p, _ := follow(t, c, a.Location); p.Status != 200 || !p.has(t, "@"+handle) {
			t.Errorf("%q leads to %d", a.Location, p.Status)
		}
	}
}
