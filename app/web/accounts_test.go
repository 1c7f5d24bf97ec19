package web_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

func TestAStolenSessionChangesNoAddress(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	c, elsewhere := joined(t, s, "holder"), s.Guest()
	want(t, signIn(elsewhere, "holder", apptest.Password), 303)
	want(t, elsewhere.Get("/settings/email"), 200)
	at.pass(11 * time.Minute)
	if a := want(t, c.Get("/settings/email"), 303); a.Location != "/settings/prove?next=%2Fsettings%2Femail" {
		t.Errorf("the page leads to %q", a.Location)
	}
	page := parse(t, want(t, c.Post("/settings/email", "email", "thief@example.net", "password", "canary"), 403))
	f := page.form(t, "/settings/email")
	if f.get("email") != "thief@example.net" || strings.Contains(page.Body, "canary") {
		t.Errorf("the page that asks for the password has %q", f.fields)
	}
	want(t, c.Post(f.action, f.with("proof", "a wrong password")...), 422)
	want(t, c.Post(f.action, f.with("proof", "")...), 422)
	want(t, signIn(s.Guest(), "thief@example.net", apptest.Password), 422)

	want(t, c.Post(f.action, f.with("proof", apptest.Password)...), 303)
	if !isGuest(t, elsewhere) || isGuest(t, c) {
		t.Error("the other session lives on, or this one ended")
	}
	want(t, signIn(s.Guest(), "thief@example.net", apptest.Password), 303)
	want(t, signIn(s.Guest(), "holder@example.org", apptest.Password), 422)
}

func TestThePasswordIsAskedForAgain(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now, func(c *config.Config) { c.RateLimits = "on" })
	c := joined(t, s, "holder")
	at.pass(11 * time.Minute)
	for path, leads := range map[string]string{"/settings/second-factor/new": "", "/settings/second-factor": "/settings/second-factor/new"} {
		a := apptest.Answer{}
		if leads == "" {
			a, leads = c.Get(path), path
		} else {
			a = c.Post(path, "secret", "x", "code", "1")
		}
		if want(t, a, 303); a.Location != "/settings/prove?next="+url.QueryEscape(leads) {
			t.Errorf("%s leads to %q", path, a.Location)
		}
	}
	for _, path := range []string{"/settings/data/export", "/settings/second-factor/off", "/settings/second-factor/codes"} {
		want(t, c.Post(path), 403)
	}
	want(t, c.Post("/settings/data/delete", "handle", "holder"), 403)
	a := c.Htmx("POST", "/settings/data/export")
	if !strings.HasPrefix(a.Header.Get("HX-Redirect"), "/settings/prove?next=") {
		t.Errorf("a script is sent to %q", a.Header.Get("HX-Redirect"))
	}
	for next, leads := range map[string]string{"/settings/email": "/settings/email", "//evil.example": "/settings", "": "/settings"} {
		f := open(t, c, "/settings/prove?next="+url.QueryEscape(next)).form(t, "/settings/prove")
		if f.get("next") != leads {
			t.Errorf("%q would lead to %q", next, f.get("next"))
		}
	}
	for range 5 {
		want(t, c.Post("/settings/prove", "proof", "a wrong password", "next", "/settings/email"), 422)
	}
	want(t, c.Post("/settings/prove", "proof", apptest.Password), 429)
	at.pass(15 * time.Minute)
	if a := want(t, c.Post("/settings/prove", "proof", apptest.Password, "next", "//evil.example"), 303); a.Location != "/settings" {
		t.Errorf("it leads to %q", a.Location)
	}
}

func TestAnAddressIsCheckedAndUnique(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "one")
	joined(t, s, "two")
	for _, email := range []string{"", "nothing", "two@example.org", "TWO@EXAMPLE.org", "a@b.example, c@d.example"} {
		if p := parse(t, want(t, c.Post("/settings/email", "email", email), 422)); attr(p.field(t, "email"), "aria-invalid") != "true" || value(p.field(t, "email")) != email {
			t.Errorf("%q is not marked, or not kept", email)
		}
	}
	want(t, c.Post("/settings/email", "email", "One@example.org"), 303)
}

func TestOneSignsOutEverywhere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, elsewhere, other := joined(t, s, "one"), s.Guest(), joined(t, s, "other")
	want(t, signIn(elsewhere, "one", apptest.Password), 303)
	want(t, c.Post("/settings/sessions/end-all"), 303)
	if !isGuest(t, c) || !isGuest(t, elsewhere) || isGuest(t, other) {
		t.Error("somebody is signed in who should not be, or the other way round")
	}
}

func TestDaysAndClocksAreThoseOfTheMembersZone(t *testing.T) {
	t.Parallel()
	night := time.Date(2026, 7, 1, 23, 30, 0, 0, time.UTC)
	s := apptest.StartAt(t, func() time.Time { return night })
	c := s.As("traveller", db.Plain)
	for zone, clock := range map[string]string{"Asia/Kathmandu": "05:15", "America/New_York": "19:30", "": "23:30", "Mars/Olympus": "23:30", "../../etc/passwd": "23:30", "Local": "23:30"} {
		want(t, c.Post("/settings/time-zone", "time_zone", zone), 303)
		if p := open(t, c, "/settings"); !p.has(t, "It is "+clock+" there now") {
			t.Errorf("%q: %s", zone, text(p.id("time_zone-hint")))
		}
	}
	want(t, c.Post("/settings/time-zone", "time_zone", "Asia/Kathmandu"), 303)
	post := c.Write(c.Channel("tides"), "A title", "Text")
	exact := func(c *apptest.Client) string {
		return attr(first(open(t, c, post).main(t), tag("time")), "title")
	}
	if mine, guests := exact(c), exact(s.Guest()); !strings.HasSuffix(mine, "+0545") || !strings.HasSuffix(guests, "UTC") {
		t.Errorf("the exact time is %q, and a guest's %q", mine, guests)
	}
}

func TestEverythingOfOnesOwnIsDownloaded(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, other := joined(t, s, "holder"), s.As("other", db.Plain)
	post := other.Write(other.Channel("tides"), "Canary of another", "canary text")
	c.Comment(post, "", "My own words \u2028 <b>& more")
	want(t, c.Post(at(t, post, "react"), "kind", "like"), 303)
	a := want(t, c.Post("/settings/data/export"), 200)
	if !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment;") || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("headers: %v", a.Header)
	}
	var got map[string][]map[string]any
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	if len(got["comments"]) != 1 || got["comments"][0]["body"] != "My own words \u2028 <b>& more" || got["profile"][0]["email"] != "holder@example.org" ||
		len(got["post_reactions"]) != 1 || len(got["sessions"]) != 1 {
		t.Errorf("it has %v", got)
	}
	if strings.Contains(strings.ToLower(a.Body), "canary") || strings.Contains(a.Body, "argon2") || strings.Contains(a.Body, "hash") {
		t.Errorf("it has what it must not have: %s", a.Body)
	}
}

func TestADeletedAccountLeavesNoName(t *testing.T) {
	t.Parallel()
	for choice, stays := range map[string]bool{"stay": true, "go": false} {
		t.Run(choice, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			other := s.As("other", db.Plain)
			channel := other.Channel("tides")
			c, elsewhere := s.As("leaver", db.Plain), s.Guest()
			elsewhere.SignIn(c.Viewer.ID)
			post := c.Write(channel, "What I leave", "My text")
			theirs := other.Write(channel, "Theirs", "text")
			id := c.Comment(theirs, "", "A remark")
			other.Comment(theirs, id, "An answer to it")
			f := open(t, c, "/settings/data").form(t, "/settings/data/delete")
			want(t, c.Post(f.action, f.with("texts", choice, "handle", "other")...), 422)
			page := parse(t, want(t, c.Post(f.action, f.with("texts", choice, "handle", " @Leaver ")...), 200))
			if !page.has(t, "Goodbye") || !isGuest(t, c) || !isGuest(t, elsewhere) {
				t.Error("a session lives on")
			}
			if err := s.DB.EraseLeft(t.Context()); err != nil {
				t.Fatal(err)
			}
			for path, status := range map[string]int{"/u/leaver": 404, post: map[bool]int{true: 200, false: 404}[stays], theirs: 200} {
				a := want(t, s.Guest().Get(path), status)
				if path != "/u/leaver" && strings.Contains(a.Body, "eaver") {
					t.Errorf("%s still names them", path)
				}
			}
			if p := open(t, s.Guest(), theirs); !p.has(t, "An answer to it") || p.has(t, "A remark") != stays {
				t.Errorf("the thread: %s", text(p.main(t)))
			}
			a := s.Guest().Post("/register", "handle", "LEAVER", "email", "new@example.org", "password", apptest.Password)
			if p := parse(t, want(t, a, 422)); attr(p.field(t, "handle"), "aria-invalid") != "true" {
				t.Error("the handle can be taken")
			}
			want(t, s.Guest().Post("/register", "handle", "another", "email", "leaver@example.org", "password", apptest.Password), 303)
		})
	}
}

func TestTheOnlyAdminIsTold(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("boss", db.Admin)
	if p := parse(t, want(t, admin.Post("/settings/data/delete", "handle", "boss", "texts", "stay"), 409)); !p.has(t, "only administrator") {
		t.Error("nothing says why")
	}
	s.As("second", db.Admin)
	want(t, admin.Post("/settings/data/delete", "handle", "boss", "texts", "stay"), 200)
}
