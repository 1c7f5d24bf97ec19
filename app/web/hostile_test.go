package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

// hostile are texts that a name or a title may hold and that must show as they are.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`</textarea></title><svg onload=alert(1)>`,
	`{{.}} ${7*7} %s %d %!`,
	`&lt;b&gt; &amp; <b>bold</b>`,
	`javascript:alert(1)`,
	`<!-- comment --><![CDATA[x]]>`,
	strings.Repeat("W", 60),
	`👩‍👩‍👧‍👦 🏳️‍🌈 é`,
	`שלום עולם مرحبا`,
	`data-hx-get="/x" hx-on:click="x()"`,
}

func TestHostileTextShowsAsItIsEverywhere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("trickster", db.Plain)
	if err := s.DB.SetTrust(context.Background(), s.As("admin", db.Admin).Viewer, c.Viewer.ID, db.Trusted, true); err != nil { // who may open so many channels
		t.Fatal(err)
	}
	markdown := map[string]bool{"post": true, "member": true, "comments": true, "channel": true, "reply": true, "compose": true} // where <b> may be bold
	for i, words := range hostile {
		want(t, c.Post("/settings/profile", "name", words, "bio", words), 303)
		slug := want(t, c.Post("/c", "slug", fmt.Sprintf("x%d-%s", i, slugOf(words)), "name", words, "description", words, "rules", words), 303).Location
		post := want(t, c.Post(slug+"/posts", "title", words, "body", words+"\n\n<img src=x onerror=alert(1)><p id=toasts class=rail style=color:red hx-get=/x>", "tags", "tag"), 303).Location
		comment := c.Comment(post, "", words)
		plain := strings.Join(strings.Fields(words), " ")
		for path, d := range map[string]doc{
			"member": open(t, c, "/u/trickster"), "channel": open(t, s.Guest(), slug), "members": open(t, c, slug+"/members"), "post": open(t, s.Guest(), post),
			"tag": open(t, c, "/t/tag"), "home": open(t, c, "/?all=1"), "channels": open(t, c, "/c"), "edit": open(t, c, at(t, post, "edit")),
			"settings": open(t, c, "/settings"), "channel settings": open(t, c, slug+"/settings"), "compose": open(t, c, "/new"),
			"reply": open(t, c, "/comments/"+comment+"/reply?quote=1"), "comments": open(t, c, "/u/trickster?tab=comments"),
		} {
			checkMarkup(t, path, d)
			if !strings.Contains(everything(d.root), plain) {
				t.Errorf("%s does not show %q", path, words)
			}
			each(d.root, func(n *html.Node) {
				if n.Data == "img" && attr(n, "src") == "x" || n.Data == "b" && text(n) == "bold" && !markdown[path] {
					t.Errorf("%s: %q has become an element: %s", path, words, render(t, n))
				}
			})
			if inner := first(d.root, class("prose")); inner != nil {
				each(inner, func(n *html.Node) {
					if attr(n, "id") == "toasts" || has(n, "hx-get") || has(n, "style") || class("rail")(n) {
						t.Errorf("%s: the text's own attributes are there: %s", path, render(t, n))
					}
				})
			}
		}
		part := aPartial(t, want(t, c.Htmx("GET", "/comments/"+comment), 200))
		if !strings.Contains(everything(part.root), plain) {
			t.Errorf("the part of the comment does not show %q: %s", words, part.Body)
		}
	}
}

// slugOf makes some address of a text.
func slugOf(words string) string {
	slug := db.SlugOf(words)
	return strings.Trim(slug[:min(len(slug), 20)], "-")
}

// everything is all text and what the fields hold.
func everything(n *html.Node) string {
	var b strings.Builder
	each(n, func(d *html.Node) { b.WriteString(attr(d, "value") + " ") })
	return text(n) + " " + b.String()
}

func TestWhatCannotBeShownIsRefusedInNamesAndTitles(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("trickster", db.Plain)
	c.Channel("tides")
	for _, words := range []string{"a\u202eb", "a\u2066b", "a\u200fb", "a\x00b", "a\x1bb", "a\x7fb", "a\xffb", "a\xc3"} {
		want(t, c.Post("/c/tides/posts", "title", words, "body", "Text"), 422)
		want(t, c.Post("/settings/profile", "name", words), 422)
		want(t, c.Post("/c", "slug", "fine", "name", words, "description", "About"), 422)
		want(t, c.Post("/register", "handle", words+"x", "email", "x@example.org", "password", apptest.Password), 422)
	}
	// In a text such characters do no harm, and it is stored so that every browser can read it.
	post := c.Write("tides", "Bytes", "a\x00b \xff\xfe c\u202ed")
	if a := s.Guest().Get(post); a.Status != 200 || !utf8.ValidString(a.Body) || strings.Contains(a.Body, "\x00") {
		t.Errorf("a text of broken bytes: %d, valid: %v", a.Status, utf8.ValidString(a.Body))
	}
	if a := c.Get(at(t, post, "edit")); a.Status != 200 || !utf8.ValidString(a.Body) || strings.Contains(a.Body, "\x00") {
		t.Errorf("and its form: %d, valid: %v, NUL: %v", a.Status, utf8.ValidString(a.Body), strings.Contains(a.Body, "\x00"))
	}
	for _, path := range []string{"/u/%00", "/u/%ff", "/c/%00", "/t/%ff%fe", "/t/%00", "/c/tides?after=%00", "/?sort=%ff", "/login?next=%ff%00"} {
		if a := c.Get(path); a.Status >= 500 || !utf8.ValidString(a.Body) {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}
