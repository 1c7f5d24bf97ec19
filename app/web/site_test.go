package web_test

import (
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

func TestAnAdminSaysWhatTheForumIs(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, plain := s.As("admin", db.Admin), s.As("plain", db.Plain)
	for _, c := range []*apptest.Client{plain, s.As("moderator", db.Moderator)} {
		for _, path := range []string{"/admin", "/admin/settings"} {
			want(t, c.Get(path), 403)
		}
		want(t, c.Post("/admin/settings", "site_name", "Mine"), 403)
	}
	f := open(t, admin, "/admin/settings").form(t, "/admin/settings")
	want(t, admin.Post(f.action, f.with("site_name", "Tide Tables", "welcome", "Come in, it is dry here", "contact", "keeper@example.org", "rules", "1. Be *kind*")...), 303)
	home := want(t, s.Guest().Get("/"), 200)
	for _, words := range []string{"ide Tables", "Come in, it is dry here"} {
		if !strings.Contains(home.Body, words) {
			t.Errorf("the front page does not say %q", words)
		}
	}
	if !strings.Contains(want(t, s.Guest().Get("/rules"), 200).Body, "<em>kind</em>") || !strings.Contains(want(t, s.Guest().Get("/about"), 200).Body, `href="mailto:keeper@example.org"`) {
		t.Error("the rules or the contact are not the forum's own")
	}
	p := open(t, admin, "/admin/settings")
	if !p.has(t, "Tide Tables") || !p.has(t, "@admin") {
		t.Error("the page does not tell what was changed and by whom")
	}
	// What is wrong is said at its field, and nothing of the form is stored.
	bad := f.with("site_name", " ", "welcome", "Kept", "contact", "javascript:alert(1)", "rules", strings.Repeat("[a](b) ", 301), "read_only", "sometimes")
	again := parse(t, want(t, admin.Post(f.action, bad...), 422))
	for _, name := range []string{"site_name", "contact", "rules"} {
		if attr(again.field(t, name), "aria-invalid") != "true" {
			t.Errorf("%s is not marked", name)
		}
	}
	if got := again.form(t, f.action).get("welcome"); got != "Kept" {
		t.Errorf("what was typed is not there again: %q", got)
	}
	if values, err := s.DB.Settings(t.Context()); err != nil || values["welcome"] != "Come in, it is dry here" || values["read_only"] == "sometimes" {
		t.Errorf("stored: %v, %v", values, err)
	}
}

func TestAReadOnlyForumIsReadAndNotWritten(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, plain := s.As("admin", db.Admin), s.As("plain", db.Plain)
	post := plain.Write(plain.Channel("tides"), "Low water", "Text")
	want(t, admin.Post("/admin/settings", "read_only", "on"), 303)
	for path, form := range map[string][]string{
		at(t, post, "comments"): {"body", "A comment that takes long to write"}, "/c/tides/posts": {"title", "T", "body", "B"},
		at(t, post, "react"): {"kind", "like"}, at(t, post, "edit"): {"title", "T", "body", "B"}, at(t, post, "delete"): nil, "/c": {"slug", "moon", "name", "Moon", "description", "M"},
	} {
		want(t, plain.Post(path, form...), 503)
	}
	want(t, s.Guest().Get(post), 200)
	want(t, admin.Post("/admin/settings", "read_only", "off"), 303)
	plain.Comment(post, "", "Now")
}
