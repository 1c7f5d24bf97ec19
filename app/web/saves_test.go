package web_test

import (
	"fmt"
	"testing"

	"golang.org/x/net/html"

	"codex/db"
)

func TestWhatIsSavedIsInTheList(t *testing.T) {
	t.Parallel()
	s, author, reader, post := thread(t)
	save := at(t, post, "save")
	if p := open(t, reader, "/saved"); !p.has(t, "Nothing saved yet") {
		t.Error("an empty list does not say so")
	}
	want(t, s.Guest().Post(save), 303)
	for range 2 { // twice is once
		want(t, reader.Post(save, "on", "true"), 303)
	}
	if got := open(t, reader, "/saved").titles(); len(got) != 1 || got[0] != "Low water" {
		t.Errorf("saved are %q", got)
	}
	if got := open(t, author, "/saved").titles(); len(got) != 0 {
		t.Errorf("another saved %q", got)
	}
	button := first(open(t, reader, post).id("save"), tag("button"))
	if attr(button, "aria-pressed") != "true" || attr(button, "value") != "false" {
		t.Errorf("the button of a saved post is %s", render(t, button))
	}
	a := want(t, reader.Htmx("POST", save, "on", "false"), 200)
	if b := first(aPartial(t, a).id("save"), tag("button")); attr(b, "aria-pressed") != "false" {
		t.Errorf("the button alone is %s", a.Body)
	}
	want(t, reader.Post(save, "on", "true"), 303)
	want(t, author.Post(at(t, post, "delete")), 303)
	if got := open(t, reader, "/saved").titles(); len(got) != 0 {
		t.Errorf("a deleted post is in the list: %q", got)
	}
	want(t, reader.Post(save, "on", "true"), 404)

	for i := range 30 {
		p := author.Write("tides", fmt.Sprintf("Post %d", i), "Text")
		want(t, reader.Post(at(t, p, "save"), "on", "true"), 303)
	}
	p := open(t, reader, "/saved")
	rest := open(t, reader, link(p.main(t), "More posts"))
	if got := p.titles(); got[0] != "Post 29" || len(got)+len(rest.titles()) != 30 {
		t.Errorf("%d and %d are in the list, the first is %s", len(got), len(rest.titles()), got[0])
	}
}

func TestAMemberSaysHowMuchToHear(t *testing.T) {
	t.Parallel()
	s, _, reader, post := thread(t)
	chosen := func(p doc) string {
		n := first(p.id("follow-menu"), func(n *html.Node) bool { return n.Data == "button" && attr(n, "aria-pressed") == "true" })
		return attr(n, "value")
	}
	for _, at := range [][2]string{{post, at(t, post, "follow")}, {"/c/tides", "/c/tides/follow"}} {
		page, address := at[0], at[1]
		for _, level := range []string{"all", "replies", "mute", ""} {
			want(t, reader.Post(address, "level", level), 303)
			if got := chosen(open(t, reader, page)); got != level {
				t.Errorf("%s: chosen is %q, want %q", address, got, level)
			}
		}
		if got := chosen(aPartial(t, want(t, reader.Htmx("POST", address, "level", "all"), 200))); got != "all" {
			t.Errorf("%s: the menu alone says %q", address, got)
		}
		want(t, reader.Post(address, "level", "everything"), 404)
		want(t, s.Guest().Post(address, "level", "all"), 303)
		if open(t, s.Guest(), page).id("follow") != nil {
			t.Error("a guest is offered to follow")
		}
	}
	// What one may not read cannot be noted either.
	owner := s.As("owner", db.Plain)
	want(t, owner.Post("/c", "slug", "closed", "name", "Closed", "description", "A closed room", "visibility", "private"), 303)
	secret := owner.Write("closed", "A secret thing here", "Text")
	for _, address := range []string{at(t, secret, "follow"), at(t, secret, "save"), "/c/closed/follow"} {
		want(t, reader.Post(address, "level", "all", "on", "true"), 404)
	}
	if p := parse(t, reader.Get("/similar?title=a+secret+thing")); p.has(t, "secret") {
		t.Error("a stranger sees the title of a private post")
	}
	if p := parse(t, owner.Get("/similar?title=a+secret+thing")); !p.has(t, "A secret thing here") {
		t.Error("its author does not see it")
	}
}
