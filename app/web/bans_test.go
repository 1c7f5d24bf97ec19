package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
	"codex/views/ui"
)

func says(t *testing.T, a apptest.Answer, words ...string) {
	t.Helper()
	body := visible(a.Body)
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("the page does not say %q:\n%.2000s", w, body)
		}
	}
}

func TestWhoIsSuspendedReadsAndIsToldWhyTheyCannotWrite(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, loud := s.As("mod", db.Moderator), s.As("loud", db.Plain)
	loud.Channel("tides")
	post := loud.Write("tides", "First", "Text")
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "3d", "reason", " "), 422)
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "soon", "reason", "x"), 400)
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "3d", "reason", "You shouted <at> everybody."), 303)
	want(t, loud.Get(post), 200)
	r := loud.Request("POST", "/c/tides/posts", "title", "Second", "body", "a text that took an hour")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a := want(t, loud.Do(r), 403)
	says(t, a, "suspended your account until", "You shouted <at> everybody.", "a text that took an hour")
	for path, form := range map[string][]string{
		at(t, post, "comments"): {"body", "x"}, at(t, post, "react"): {"kind", "like"}, at(t, post, "edit"): {"title", "x", "body", "x"}, at(t, post, "delete"): nil,
		"/c": {"slug", "more", "name", "more", "description", "x"},
	} {
		want(t, loud.Post(path, form...), 403)
	}
	want(t, loud.Post("/settings/theme", "theme", "dark"), 303)
	says(t, mod.Get("/moderation/members/loud"), "Suspended until", "You shouted <at> everybody.", "First")
	want(t, mod.Post("/moderation/members/loud/lift"), 303)
	want(t, mod.Post("/moderation/members/loud/lift"), 404)
	loud.Write("tides", "Third", "Text")
}

func TestWhoIsSuspendedChangesNeitherPageNorHandleAndMayLeave(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, member := s.As("mod", db.Moderator), joined(t, s, "heron")
	for _, action := range []string{"/settings/profile", "/settings/handle"} {
		if !open(t, member, "/settings").hasForm(action) {
			t.Errorf("%s is not offered to a member", action)
		}
	}
	want(t, mod.Post("/moderation/members/heron/bar", "kind", "suspend", "for", "1w", "reason", "Cool down"), 303)
	p := open(t, member, "/settings")
	says(t, p.Answer, "Cool down")
	for _, action := range []string{"/settings/profile", "/settings/handle"} {
		if p.hasForm(action) {
			t.Errorf("%s is offered to who is suspended", action)
		}
	}
	want(t, member.Post("/settings/profile", "name", "Another", "bio", "text"), 403)
	want(t, member.Post("/settings/handle", "handle", "another"), 403)
	want(t, member.Get("/u/heron"), 200)
	want(t, member.Get("/settings/data"), 200)
	want(t, member.Post("/settings/data/delete", "handle", "heron"), 200)
	want(t, s.Guest().Get("/u/heron"), 404)
}

func TestWhoIsBannedIsOutAtOnceAndIsToldOnlyWithTheRightPassword(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, c := s.As("mod", db.Moderator), joined(t, s, "spammer")
	want(t, mod.Post("/moderation/members/spammer/bar", "kind", "ban", "for", "ever", "reason", "Advertising."), 303)
	if !isGuest(t, c) {
		t.Error("the session lives on")
	}
	a := want(t, signIn(c, "spammer", apptest.Password), 403)
	says(t, a, "This account is closed", "Advertising.")
	if !isGuest(t, c) {
		t.Error("signed in all the same")
	}
	if a := signIn(c, "spammer", "not the password"); strings.Contains(a.Body, "Advertising") || a.Status != 422 {
		t.Errorf("with a wrong password: %d %s", a.Status, visible(a.Body))
	}
	want(t, mod.Post("/moderation/members/spammer/lift"), 303)
	want(t, signIn(c, "spammer", apptest.Password), 303)
}

func TestThePagesOfStaffAreForStaff(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, mod, plain := s.As("admin", db.Admin), s.As("mod", db.Moderator), s.As("plain", db.Plain)
	want(t, mod.Post("/moderation/members/plain/notes", "note", "canary-of-a-note"), 303)
	want(t, mod.Post("/moderation/members/plain/notes", "note", " "), 422)
	for _, path := range []string{"/moderation/members/plain", "/moderation/members/nobody", "/moderation/bans"} {
		want(t, plain.Get(path), 403)
		want(t, s.Guest().Get(path), 303)
	}
	for path, form := range map[string][]string{"bar": {"kind", "ban", "for", "ever", "reason", "x"}, "lift": nil, "role": {"role", "admin"}, "trust": {"level", "3"}, "notes": {"note", "x"}} {
		want(t, plain.Post("/moderation/members/mod/"+path, form...), 403)
	}
	want(t, mod.Get("/moderation/members/nobody"), 404)
	for _, path := range []string{"/u/plain", "/settings", "/settings/trust", "/"} {
		if strings.Contains(plain.Get(path).Body, "canary-of-a-note") {
			t.Errorf("%s shows the note", path)
		}
	}
	says(t, mod.Get("/moderation/members/plain"), "canary-of-a-note")
	// Addresses are for admins, and so are roles.
	if strings.Contains(mod.Get("/moderation/members/plain").Body, "127.0.0.1") {
		t.Error("a moderator sees addresses")
	}
	says(t, admin.Get("/moderation/members/plain"), "127.0.0.1")
	want(t, mod.Post("/moderation/members/plain/role", "role", "moderator"), 403)
	want(t, mod.Post("/moderation/members/admin/bar", "kind", "ban", "for", "1d", "reason", "x"), 403)
	want(t, admin.Post("/moderation/members/admin/role", "role", "member"), 403)
}

func TestARoleBeginsWithANewSession(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, c := s.As("admin", db.Admin), s.As("helper", db.Plain)
	want(t, admin.Post("/moderation/members/helper/role", "role", "moderator"), 303)
	if !isGuest(t, c) {
		t.Error("the session of before has the new rights")
	}
	c.SignIn(c.Viewer.ID)
	want(t, c.Get("/moderation/bans"), 200)
	says(t, admin.Get("/moderation/members/helper"), "Role: Moderator, before that Member")
}

func TestABannedNetworkReadsAndDoesNotComeIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	admin, inside := s.As("admin", db.Admin), joined(t, s, "inside")
	admin.Channel("tides")
	ban := func(more ...string) {
		t.Helper()
		want(t, admin.Post("/moderation/bans", append([]string{"kind", "network", "value", "203.0.113.0/24", "sure", "203.0.113.0/24", "for", "1w"}, more...)...), 303)
	}
	from := func(c *apptest.Client, address, method, path string, form ...string) apptest.Answer {
		t.Helper()
		r := c.Request(method, path, form...)
		r.Header.Set("X-Forwarded-For", address)
		return c.Do(r)
	}
	ban()
	const bad, good = "203.0.113.5", "198.51.100.5"
	want(t, from(s.Guest(), bad, "GET", "/c/tides"), 200)
	says(t, want(t, from(s.Guest(), bad, "POST", "/register", "handle", "fresh", "email", "f@example.org", "password", apptest.Password), 403), "Not from this network")
	right := want(t, from(s.Guest(), bad, "POST", "/login", "login", "inside", "password", apptest.Password), 403)
	wrong := want(t, from(s.Guest(), bad, "POST", "/login", "login", "inside", "password", "wrong password"), 403)
	nobody := want(t, from(s.Guest(), bad, "POST", "/login", "login", "nobody-here", "password", "wrong password"), 403)
	for _, a := range []apptest.Answer{wrong, nobody} {
		if anonymous(a, "-") != anonymous(right, "-") {
			t.Error("the answer tells a right password from a wrong one")
		}
	}
	want(t, from(s.Guest(), good, "POST", "/login", "login", "inside", "password", apptest.Password), 303)
	want(t, from(inside, bad, "POST", "/c/tides/posts", "title", "t", "body", "b"), 303) // writing was not taken
	ban("writes", "1")
	says(t, want(t, from(inside, bad, "POST", "/c/tides/posts", "title", "t2", "body", "b"), 403), "Not from this network")
	want(t, from(inside, bad, "POST", "/settings/theme", "theme", "dark"), 303)
	want(t, from(inside, good, "POST", "/c/tides/posts", "title", "t3", "body", "b"), 303)
	want(t, from(admin, bad, "POST", "/c/tides/posts", "title", "t4", "body", "b"), 303) // staff lock nobody out, themselves least
	want(t, admin.Post("/moderation/bans", "kind", "network", "value", "0.0.0.0/0", "for", "1d"), 422)
	want(t, admin.Post("/moderation/bans", "kind", "network", "value", "127.0.0.1", "for", "1d"), 422) // their own
	want(t, admin.Post("/moderation/bans", "kind", "mail", "value", "no domain", "for", "1d"), 422)
	list, err := s.DB.OutsideBans(context.Background(), admin.Viewer, 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d bans, %v", len(list), err)
	}
	want(t, admin.Post("/moderation/bans/"+ui.ID(list[0].ID)+"/lift"), 303)
	want(t, from(s.Guest(), bad, "POST", "/login", "login", "inside", "password", apptest.Password), 303)
}

func TestAForgedAddressChangesNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t) // no proxy is trusted
	admin := s.As("admin", db.Admin)
	joined(t, s, "inside")
	want(t, admin.Post("/moderation/bans", "kind", "network", "value", "203.0.113.0/24", "sure", "203.0.113.0/24", "for", "ever"), 303)
	if err := s.DB.BanOutside(context.Background(), admin.Viewer, db.OutsideBan{Kind: "network", Value: "127.0.0.0/8", Until: db.Forever}); err != nil {
		t.Fatal(err)
	}
	for _, forged := range []http.Header{{}, {"X-Forwarded-For": {"198.51.100.1"}}, {"X-Forwarded-For": {"198.51.100.1, 10.0.0.1"}}, {"Forwarded": {"for=198.51.100.1"}}, {"X-Real-Ip": {"198.51.100.1"}}} {
		c := s.Guest()
		r := c.Request("POST", "/login", "login", "inside", "password", apptest.Password)
		for name, values := range forged {
			r.Header[name] = values
		}
		if a := c.Do(r); a.Status != 403 {
			t.Errorf("%v came in: %d", forged, a.Status)
		}
	}
	list, err := s.DB.OutsideBans(context.Background(), admin.Viewer, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	want(t, admin.Post("/moderation/bans/"+ui.ID(list[0].ID)+"/lift"), 303)
	c := s.Guest()
	r := c.Request("POST", "/login", "login", "inside", "password", apptest.Password)
	r.Header.Set("X-Forwarded-For", "203.0.113.9") // pretending to be in the banned network is no harm either
	want(t, c.Do(r), 303)
}

func TestABannedMailDomainDoesNotRegister(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	want(t, s.As("admin", db.Admin).Post("/moderation/bans", "kind", "mail", "value", "throwaway.example", "for", "ever"), 303)
	a := want(t, s.Guest().Post("/register", "handle", "fresh", "email", "f@mx.throwaway.example", "password", apptest.Password), 422)
	says(t, a, "not taken here")
	joined(t, s, "fresh")
}

func TestANetworkThatIsTypedIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	admin := s.As("admin", db.Admin)
	joined(t, s, "inside")
	there := s.Guest().Request("POST", "/login", "login", "inside", "password", apptest.Password)
	there.Header.Set("X-Forwarded-For", "203.0.113.5")
	want(t, s.Guest().Do(there), 303)
	bans := func() int {
		list, err := s.DB.OutsideBans(context.Background(), admin.Viewer, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	asked := func(network, canonical, words string) form {
		t.Helper()
		a := want(t, admin.Post("/moderation/bans", "kind", "network", "value", network, "for", "1w", "reason", "Spam", "writes", "1"), 422)
		says(t, a, canonical, words)
		p := parse(t, a)
		if value(p.field(t, "value")) != network || value(p.field(t, "reason")) != "Spam" {
			t.Errorf("%s: what was typed is not kept", network)
		}
		return p.form(t, "/moderation/bans")
	}
	f := asked("203.0.113.77/24", "203.0.113.0/24", "1 member is signed in from this network")
	asked("198.51.100.7", "198.51.100.7/32", "No member is signed in from this network")
	if bans() != 0 {
		t.Fatal("it is banned without an answer")
	}
	want(t, admin.Post(f.action, f.with("value", "203.0.0.0/16")...), 422) // another than was asked about
	want(t, admin.Post(f.action, f.with("value", "127.0.0.1", "sure", "127.0.0.1/32")...), 422)
	want(t, admin.Post(f.action, f.with("value", "203.0.113.77/24")...), 303)
	if bans() != 1 {
		t.Error("it is not banned")
	}
}
