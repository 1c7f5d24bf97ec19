package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestAMemberChangesTheirPage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("wren", db.Plain)
	f := open(t, c, "/settings").form(t, "/settings/profile")
	if f.get("name") != "wren" || f.get("bio") != "" {
		t.Errorf("the form begins with %q", f.fields)
	}
	a := want(t, c.Post(f.action, f.with("name", "  Jenny   Wren ", "bio", "I *sing*. <script>x()</script>")...), 303)
	if p := open(t, c, a.Location); !p.has(t, "Your page is changed") || p.form(t, f.action).get("name") != "Jenny Wren" {
		t.Errorf("afterwards: %s", text(p.main(t)))
	}
	p := open(t, s.Guest(), "/u/wren")
	if h := first(p.main(t), tag("h1")); text(h) != "Jenny Wren" || first(p.main(t), tag("em")) == nil || first(p.main(t), tag("script")) != nil {
		t.Errorf("the page: %s", render(t, p.main(t)))
	}
	for _, test := range []struct{ name, bio, field string }{
		{"", "Kept", "name"}, {strings.Repeat("ü", 61), "Kept", "name"}, {"a\u202eb", "Kept", "name"}, {"a\x00b", "Kept", "name"},
		{"Kept", strings.Repeat("ü", 1001), "bio"}, {"Kept", strings.Repeat("> ", 40), "bio"},
	} {
		p := parse(t, want(t, c.Post(f.action, "name", test.name, "bio", test.bio), 422))
		if attr(p.field(t, test.field), "aria-invalid") != "true" {
			t.Errorf("%.20q, %.20q: the field %s is not marked", test.name, test.bio, test.field)
		}
		back := p.form(t, f.action)
		if test.field == "name" && back.get("bio") != "Kept" || test.field == "bio" && (back.get("name") != "Kept" || strings.TrimSpace(back.get("bio")) != strings.TrimSpace(test.bio)) {
			t.Errorf("%.20q, %.20q: what was typed is not kept: %.80q", test.name, test.bio, back.fields)
		}
	}
}

func TestTheThemeIsKeptForTheMember(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("owl", db.Plain)
	theme := func(c *apptest.Client) string {
		return attr(first(open(t, c, "/about").root, tag("html")), "data-theme")
	}
	for _, step := range [][2]string{{"dark", "dark"}, {"light", "light"}, {"", ""}, {"dark", "dark"}, {`"><script>`, ""}} {
		r := c.Request("POST", "/settings/theme", "theme", step[0])
		r.Header.Set("Referer", s.URL+"/c?x=1")
		if a := want(t, c.Do(r), 303); a.Location != "/c?x=1" {
			t.Errorf("leads to %q, not back", a.Location)
		}
		if got := theme(c); got != step[1] {
			t.Errorf("after %q: %q", step[0], got)
		}
	}
	want(t, c.Htmx("POST", "/settings/theme", "theme", "dark"), 204)
	checked := first(open(t, c, "/about").root, func(n *html.Node) bool { return attr(n, "name") == "theme" && has(n, "checked") })
	if theme(c) != "dark" || attr(checked, "value") != "dark" || theme(s.Guest()) != "" {
		t.Error("the choice is not shown, or a guest has it too")
	}
	for _, referer := range []string{"https://evil.example/x", s.URL + "//evil.example", ""} {
		r := c.Request("POST", "/settings/theme", "theme", "dark")
		r.Header.Set("Referer", referer)
		if a := want(t, c.Do(r), 303); a.Location != "/" {
			t.Errorf("from %q it leads to %q", referer, a.Location)
		}
	}
}

func TestOnesSessionsAreListedWithTheirBrowser(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.Guest()
	r := c.Request("POST", "/register", "handle", "surfer", "email", "s@example.org", "password", apptest.Password)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 <b>")
	want(t, c.Do(r), 303)
	p := open(t, c, "/settings")
	list := first(p.main(t), class("session-list"))
	if !strings.Contains(text(list), "Firefox") || !strings.Contains(text(list), "This one") || !strings.Contains(text(list), "127.0.0.1") {
		t.Errorf("the list says %q", text(list))
	}
	if p.hasForm("/settings/sessions/end") {
		t.Error("there is nothing else to sign out from")
	}
}
