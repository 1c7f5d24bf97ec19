package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// joined signs up over the form and answers a client that is signed in.
func joined(t testing.TB, s *apptest.Site, handle string) *apptest.Client {
	t.Helper()
	c := s.Guest()
	a := c.Post("/register", "handle", handle, "email", handle+"@example.org", "password", apptest.Password)
	if a.Status != http.StatusSeeOther || a.Location != "/" {
		t.Fatalf("sign up: %d to %q\n%s", a.Status, a.Location, visible(a.Body))
	}
	return c
}

func signIn(c *apptest.Client, login, password string) apptest.Answer {
	return c.Post("/login", "login", login, "password", password)
}

func isGuest(t testing.TB, c *apptest.Client) bool {
	t.Helper()
	a := c.Get("/settings")
	return a.Status == http.StatusSeeOther && strings.HasPrefix(a.Location, "/login")
}

func TestWhoSignsUpIsSignedIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "Ada.L")
	if isGuest(t, c) {
		t.Fatal("a guest after signing up")
	}
	if p := open(t, c, "/u/ada.l"); !p.has(t, "@Ada.L") {
		t.Error("no page of the new member")
	}
}

func TestSignUpIsCheckedFieldByField(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	joined(t, s, "taken")
	for _, test := range []struct{ name, handle, email, password, field string }{
		{"a handle that is too short", "ab", "a@example.org", apptest.Password, "handle"},
		{"a handle with a space", "a b c", "a@example.org", apptest.Password, "handle"},
		{"a handle with a slash", "a/b/c", "a@example.org", apptest.Password, "handle"},
		{"a handle that is taken in another case", "TAKEN", "a@example.org", apptest.Password, "handle"},
		{"no address", "somebody", "nothing", apptest.Password, "email"},
		{"an address that is taken in another case", "somebody", "Taken@Example.ORG", apptest.Password, "email"},
		{"a short password", "somebody", "a@example.org", "short", "password"},
		{"a password longer than 256 bytes", "somebody", "a@example.org", strings.Repeat("x", 257), "password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := want(t, s.Guest().Post("/register", "handle", test.handle, "email", test.email, "password", test.password), 422)
			p := parse(t, a)
			if attr(p.field(t, test.field), "aria-invalid") != "true" {
				t.Errorf("the field %s is not marked", test.field)
			}
			if p.id(test.field+"-error") == nil || text(p.id(test.field+"-error")) == "" {
				t.Error("nothing says what is wrong")
			}
			if got := value(p.field(t, "handle")); got != test.handle {
				t.Errorf("handle %q is now %q", test.handle, got)
			}
			if got := value(p.field(t, "email")); got != test.email {
				t.Errorf("address %q is now %q", test.email, got)
			}
			if value(p.field(t, "password")) != "" {
				t.Error("the password came back")
			}
		})
	}
}

func TestASignUpSentTwiceMakesOneMember(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.Guest()
	f := open(t, c, "/register").form(t, "/register")
	fields := f.with("handle", "Doubler", "email", "d@example.org", "password", apptest.Password)
	first, again := c.Post(f.action, fields...), s.Guest().Post(f.action, fields...)
	if first.Status != 303 || again.Status != 303 || again.Location != first.Location {
		t.Errorf("%d to %q, then %d to %q", first.Status, first.Location, again.Status, again.Location)
	}
	stranger := s.Guest()
	for _, change := range [][]string{{"password", "another password"}, {"email", "e@example.org"}, {"handle", "doubler"}, {"key", ""}} {
		want(t, stranger.Post(f.action, f.with(append(append([]string{}, fields...), change...)...)...), 422)
	}
	if !isGuest(t, stranger) {
		t.Error("a stranger was signed in")
	}
}

func TestOneSignsInByHandleOrAddressInAnyCase(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	joined(t, s, "Grace")
	for _, login := range []string{"Grace", "grace", "GRACE", " grace ", "Grace@example.org", "GRACE@EXAMPLE.ORG"} {
		c := s.Guest()
		if a := signIn(c, login, apptest.Password); a.Status != http.StatusSeeOther || a.Location != "/" {
			t.Errorf("%q: %d to %q", login, a.Status, a.Location)
		} else if isGuest(t, c) {
			t.Errorf("%q: still a guest", login)
		}
	}
}

func TestAWrongPasswordAndAnUnknownNameLookTheSame(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	joined(t, s, "known")
	wrong := want(t, signIn(s.Guest(), "known", "not the password"), 422)
	unknown := want(t, signIn(s.Guest(), "nobody", "not the password"), 422)
	if len(wrong.Header["Set-Cookie"])+len(unknown.Header["Set-Cookie"]) > 0 {
		t.Error("a refusal sets a cookie")
	}
	if same(wrong.Body, "known") != same(unknown.Body, "nobody") {
		t.Errorf("the pages differ:\n%s\n%s", visible(wrong.Body), visible(unknown.Body))
	}
	if !strings.Contains(wrong.Body, `value="known"`) {
		t.Error("the name that was typed is lost")
	}
	if strings.Contains(wrong.Body, "not the password") {
		t.Error("the password that was typed came back")
	}
}

// same is a page with what was typed taken out.
func same(body, typed string) string { return strings.ReplaceAll(body, `"`+typed+`"`, `""`) }

func TestWhoWasMadeWithoutAPasswordCannotSignIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.As("imported", db.Plain)
	for _, password := range []string{"", "x", apptest.Password} {
		want(t, signIn(s.Guest(), "imported", password), 422)
	}
}

func TestSignOutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "leaver")
	site, _ := url.Parse(s.URL)
	old := c.HTTP.Jar.Cookies(site)
	a := c.Post("/logout")
	if a.Status != http.StatusSeeOther || a.Location != "/" {
		t.Fatalf("sign out: %d to %q", a.Status, a.Location)
	}
	if !isGuest(t, c) {
		t.Error("still signed in")
	}
	thief := s.Guest()
	thief.HTTP.Jar.SetCookies(site, old)
	if !isGuest(t, thief) {
		t.Error("the old cookie still opens the session")
	}
}

func TestSigningInLeadsBackOnlyIntoTheSite(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "walker")
	for next, lands := range map[string]string{
		"/c/x/new?kind=question": "/c/x/new?kind=question",
		"":                       "/",
		"//evil.example":         "/",
		`/\evil.example`:         "/",
		`\\evil.example`:         "/",
		"https://evil.example":   "/",
		"https:evil.example":     "/",
		"javascript:alert(1)":    "/",
		"evil":                   "/",
		"/\t/evil.example":       "/",
		"/ok\r\nX-Evil: 1":       "/",
		"/%0d%0aX-Evil:1":        "/%0d%0aX-Evil:1",
	} {
		if strings.HasPrefix(next, "/") { // the rest is seen without the work of a password
			a := s.Guest().Post("/login", "login", "walker", "password", apptest.Password, "next", next)
			if a.Status != http.StatusSeeOther || a.Location != lands || a.Header.Get("X-Evil") != "" {
				t.Errorf("after the form with next %q: %d to %q, want %q", next, a.Status, a.Location, lands)
			}
		}
		if a := c.Get("/login?next=" + url.QueryEscape(next)); a.Status != http.StatusSeeOther || a.Location != lands {
			t.Errorf("who is signed in, with next %q: %d to %q, want %q", next, a.Status, a.Location, lands)
		}
		p := open(t, s.Guest(), "/login?next="+url.QueryEscape(next))
		if got := p.form(t, "/login").get("next"); got != lands {
			t.Errorf("the form for next %q holds %q, want %q", next, got, lands)
		}
	}
}

func TestAGuestIsLedBackToWhereTheyWere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	g := s.Guest()
	if a := g.Get("/c/new?x=1&y=2"); a.Status != http.StatusSeeOther || a.Location != "/login?next=%2Fc%2Fnew%3Fx%3D1%26y%3D2" {
		t.Errorf("a page: %d to %q", a.Status, a.Location)
	}
	r := g.Request("POST", "/p/1/react", "kind", "like")
	r.Header.Set("Referer", s.URL+"/p/1/hello?sort=time")
	if a := g.Do(r); a.Status != http.StatusSeeOther || a.Location != "/login?next=%2Fp%2F1%2Fhello%3Fsort%3Dtime" {
		t.Errorf("a form: %d to %q", a.Status, a.Location)
	}
	r = g.Request("POST", "/p/1/react", "kind", "like")
	r.Header.Set("Referer", "https://evil.example/x")
	if a := g.Do(r); a.Location != "/login?next=%2F" {
		t.Errorf("a form on a foreign page leads back to %q", a.Location)
	}
	if a := g.Htmx("POST", "/p/1/react", "kind", "like"); a.Header.Get("HX-Redirect") != "/login?next=%2F" {
		t.Errorf("htmx is sent to %q", a.Header.Get("HX-Redirect"))
	}
}

func TestTheSessionCookieIsForTheServerAlone(t *testing.T) {
	t.Parallel()
	cookie := func(t *testing.T, a apptest.Answer) *http.Cookie {
		t.Helper()
		cookies := (&http.Response{Header: a.Header}).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%d cookies, want 1: %v", len(cookies), a.Header["Set-Cookie"])
		}
		return cookies[0]
	}
	t.Run("plain http", func(t *testing.T) {
		t.Parallel()
		s := apptest.Start(t)
		c := cookie(t, s.Guest().Post("/register", "handle", "plain", "email", "p@example.org", "password", apptest.Password))
		if c.Name != "codex" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure || c.MaxAge <= 0 {
			t.Errorf("cookie %s", c.Raw)
		}
		if len(c.Value) != 43 {
			t.Errorf("the token has %d characters, want 43 for 256 bits", len(c.Value))
		}
	})
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		s := apptest.Start(t, func(c *config.Config) { c.BaseURL = "https://forum.example" })
		g := s.Guest()
		r := g.Request("POST", "/register", "handle", "tls", "email", "t@example.org", "password", apptest.Password)
		r.Host = "forum.example"
		a := g.Do(r)
		c := cookie(t, a)
		if c.Name != "__Host-codex" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !c.Secure {
			t.Errorf("cookie %s", c.Raw)
		}
		if a.Header.Get("Strict-Transport-Security") == "" {
			t.Error("no HSTS under TLS")
		}
	})
}

func TestEachSignInIsANewSession(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "twice")
	site, _ := url.Parse(s.URL)
	before := c.HTTP.Jar.Cookies(site)[0].Value
	signIn(c, "twice", apptest.Password)
	if after := c.HTTP.Jar.Cookies(site)[0].Value; after == before {
		t.Error("the token that the browser brought is used again")
	}
	fixed := s.Guest()
	fixed.HTTP.Jar.SetCookies(site, []*http.Cookie{{Name: "codex", Value: strings.Repeat("A", 43), Path: "/"}})
	signIn(fixed, "twice", apptest.Password)
	if got := fixed.HTTP.Jar.Cookies(site)[0].Value; got == strings.Repeat("A", 43) {
		t.Error("a token that was planted became a session's")
	}
}

func TestACookieWithoutASessionMakesAGuestAndIsTakenBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.Guest()
	site, _ := url.Parse(s.URL)
	c.HTTP.Jar.SetCookies(site, []*http.Cookie{{Name: "codex", Value: "nonsense", Path: "/"}})
	a := want(t, c.Get("/"), 200)
	if !strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("Set-Cookie %q", a.Header.Get("Set-Cookie"))
	}
	if len(c.HTTP.Jar.Cookies(site)) != 0 {
		t.Error("the cookie is still there")
	}
}

func TestASessionCanBeEndedFromAnotherDevice(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	here, there := joined(t, s, "mobile"), s.Guest()
	signIn(there, "mobile", apptest.Password)
	other := joined(t, s, "other")

	p := open(t, here, "/settings")
	var ends []form
	for _, f := range p.forms() {
		if strings.HasPrefix(f.action, "/settings/sessions/") && !strings.HasPrefix(f.action, "/settings/sessions/end") {
			ends = append(ends, f)
		}
	}
	if len(ends) != 1 {
		t.Fatalf("%d sessions can be ended, want 1: the other one", len(ends))
	}
	want(t, other.Post(ends[0].action), 404)
	if isGuest(t, there) {
		t.Fatal("a stranger ended the session")
	}
	if a := want(t, here.Post(ends[0].action), 303); a.Location != "/settings?done=sessions" {
		t.Errorf("leads to %q", a.Location)
	}
	if !isGuest(t, there) {
		t.Error("the other device is still signed in")
	}
	if isGuest(t, here) {
		t.Error("this device is not signed in any more")
	}
	want(t, here.Post(ends[0].action), 404)
}

func TestAllOtherSessionsCanBeEndedAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	here := joined(t, s, "careful")
	others := []*apptest.Client{s.Guest(), s.Guest()}
	for _, c := range others {
		signIn(c, "careful", apptest.Password)
	}
	want(t, here.Post("/settings/sessions/end"), 303)
	if isGuest(t, here) || !isGuest(t, others[0]) || !isGuest(t, others[1]) {
		t.Error("not exactly the other sessions have ended")
	}
}

func TestANewPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	here, there := joined(t, s, "changer"), s.Guest()
	signIn(there, "changer", apptest.Password)

	a := want(t, here.Post("/settings/password", "password", "not mine", "new", "another long password"), 422)
	if p := parse(t, a); attr(p.field(t, "password"), "aria-invalid") != "true" {
		t.Error("the present password is not marked as wrong")
	}
	a = want(t, here.Post("/settings/password", "password", apptest.Password, "new", "short"), 422)
	if p := parse(t, a); attr(p.field(t, "new"), "aria-invalid") != "true" {
		t.Error("the new password is not marked as too short")
	}
	if isGuest(t, there) {
		t.Fatal("a refused change ended a session")
	}

	want(t, here.Post("/settings/password", "password", apptest.Password, "new", "another long password"), 303)
	if isGuest(t, here) || !isGuest(t, there) {
		t.Error("not exactly the other session has ended")
	}
	want(t, signIn(s.Guest(), "changer", apptest.Password), 422)
	want(t, signIn(s.Guest(), "changer", "another long password"), 303)
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RateLimits = "on" })
	var last apptest.Answer
	for i := range 6 {
		last = signIn(s.Guest(), []string{"victim", "VICTIM", " Victim"}[i%3], "a guess "+strconv.Itoa(i))
		if i < 5 && last.Status != 422 {
			t.Fatalf("try %d: %d", i+1, last.Status)
		}
	}
	want(t, last, http.StatusTooManyRequests)
	if after, err := strconv.Atoi(last.Header.Get("Retry-After")); err != nil || after < 1 || after > 15*60 {
		t.Errorf("Retry-After %q", last.Header.Get("Retry-After"))
	}
	if strings.Contains(last.Body, "a guess") {
		t.Error("the password stands on the page")
	}
	want(t, signIn(s.Guest(), "somebody.else", "a guess"), 422) // the others go on
}

func TestTheSetupTokenMakesOneAdministrator(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, err := s.App.SetupToken(context.Background())
	if err != nil || token == "" {
		t.Fatalf("no token: %v", err)
	}
	if open(t, s.Guest(), "/register").field(t, "token") == nil {
		t.Error("the form does not ask for it")
	}
	up := func(handle, token string) (apptest.Answer, *apptest.Client) {
		c := s.Guest()
		return c.Post("/register", "handle", handle, "email", handle+"@example.org", "password", apptest.Password, "token", token), c
	}
	a, _ := up("guesser", "not the token")
	if p := parse(t, want(t, a, 422)); attr(p.field(t, "token"), "aria-invalid") != "true" {
		t.Error("a wrong token is not marked")
	}
	a, c := up("owner", token)
	want(t, a, 303)
	if p := open(t, c, "/u/owner"); !p.has(t, "Administrator") {
		t.Error("the token did not make an administrator")
	}
	a, _ = up("second", token)
	want(t, a, 422)
	if again, err := s.App.SetupToken(context.Background()); again != "" || err != nil {
		t.Errorf("a token although there is an administrator: %v", err)
	}
	if strings.Contains(s.Guest().Get("/register").Body, `name="token"`) {
		t.Error("the form still asks for a token")
	}
}

func TestARoleChangeEndsTheSessions(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("promoted", db.Plain)
	if err := s.DB.SetRole(t.Context(), c.Viewer.ID, db.Moderator); err != nil {
		t.Fatal(err)
	}
	if !isGuest(t, c) {
		t.Error("the old session has the new rights")
	}
	c.SignIn(c.Viewer.ID)
	if p := open(t, c, "/u/promoted"); !p.has(t, "Moderator") {
		t.Error("the role does not show")
	}
}
