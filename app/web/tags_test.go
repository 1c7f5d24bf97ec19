package web_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestTagsGatherTheirPosts(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	if p := open(t, c, "/tags"); !p.has(t, "No tags yet") {
		t.Errorf("the empty list: %s", text(p.main(t)))
	}
	c.Channel("tides")
	one := c.Write("tides", "One", "Text", "tags", "c++ moon größe v1.2 c#")
	c.Write("tides", "Two", "Text", "tags", "moon")
	links := func(d doc) (hrefs []string) {
		for _, n := range all(d.main(t), func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/t/") }) {
			hrefs = append(hrefs, attr(n, "href"))
		}
		return hrefs
	}
	hrefs := links(open(t, s.Guest(), "/tags"))
	if len(hrefs) == 0 || hrefs[0] != "/t/moon" {
		t.Fatalf("the most used is not the first: %q", hrefs)
	}
	for _, href := range append(hrefs, links(open(t, s.Guest(), one))...) {
		p := open(t, s.Guest(), href)
		titles := p.titles()
		if !slices.Contains(titles, "One") || slices.Contains(titles, "Two") != (href == "/t/moon") {
			t.Errorf("%s lists %q", href, titles)
		}
	}
	want(t, c.Post(at(t, one, "edit"), "title", "One", "body", "Text", "tags", "sea"), 303)
	if titles := open(t, c, "/t/moon").titles(); !slices.Equal(titles, []string{"Two"}) {
		t.Errorf("after the edit /t/moon lists %q", titles)
	}
	want(t, c.Get(hrefs[len(hrefs)-1]), 404) // a tag without posts is as one that never was
	if got := links(open(t, c, "/tags")); !slices.Equal(got, []string{"/t/moon", "/t/sea"}) {
		t.Errorf("the list has %q", got)
	}
	want(t, c.Post("/p/2/delete"), 303)
	if got := links(open(t, s.Guest(), "/tags")); !slices.Equal(got, []string{"/t/sea"}) {
		t.Errorf("the list has %q although the post was deleted", got)
	}
}
