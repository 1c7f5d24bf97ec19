package web_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// clock is one that a test moves on. What the database writes goes by the real one.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time        { return time.Now().Add(time.Duration(c.passed.Load())) }
func (c *clock) pass(by time.Duration) { c.passed.Add(int64(by)) }

// authenticator is a member's authenticator.
type authenticator struct {
	t      testing.TB
	clock  *clock
	secret string
}

func (p authenticator) code() string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, p.clock.now())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// equip sets up a second factor over the pages and answers the authenticator and the recovery codes.
func equip(t testing.TB, c *apptest.Client, at *clock) (authenticator, []string) {
	t.Helper()
	f := open(t, c, "/settings/second-factor/new").form(t, "/settings/second-factor")
	p := authenticator{t, at, f.get("secret")}
	page := parse(t, want(t, c.Post(f.action, f.with("code", p.code())...), 200))
	var codes []string
	for _, n := range all(page.main(t), tag("code")) {
		codes = append(codes, text(n))
	}
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes: %s", len(codes), text(page.main(t)))
	}
	return p, codes
}

// halfway gives the password and answers the form that asks for the code.
func halfway(t testing.TB, c *apptest.Client, handle string) form {
	t.Helper()
	return parse(t, want(t, c.Post("/login", "login", handle, "password", apptest.Password, "next", "/tags"), 200)).form(t, "/login/code")
}

func TestASecondFactorStandsBetweenPasswordAndSession(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	c, elsewhere := joined(t, s, "careful"), s.Guest()
	want(t, signIn(elsewhere, "careful", apptest.Password), 303)
	f := open(t, c, "/settings/second-factor/new").form(t, "/settings/second-factor")
	again := parse(t, want(t, c.Post(f.action, f.with("code", "000000")...), 422)).form(t, f.action)
	if again.get("secret") != f.get("secret") {
		t.Error("a wrong code made another secret")
	}
	p, codes := equip(t, c, at)
	if isGuest(t, c) || !isGuest(t, elsewhere) {
		t.Error("the session here ended, or another did not")
	}
	want(t, c.Post("/settings/second-factor", "secret", p.secret, "code", p.code()), 409)
	if page := open(t, c, "/settings/second-factor"); !page.has(t, "10 codes are left") || strings.Contains(page.Body, p.secret) || strings.Contains(page.Body, codes[0]) {
		t.Error("the page says too much, or not how many codes are left")
	}

	g := s.Guest()
	ask := halfway(t, g, "careful")
	if !isGuest(t, g) {
		t.Fatal("the password alone opened a session")
	}
	want(t, g.Post(ask.action, ask.with("code", p.code())...), 422) // it confirmed the set-up
	at.pass(30 * time.Second)
	if a := want(t, g.Post(ask.action, ask.with("code", p.code())...), 303); a.Location != "/tags" || isGuest(t, g) {
		t.Errorf("with the code it leads to %q", a.Location)
	}
	other := s.Guest()
	ask = halfway(t, other, "careful")
	want(t, other.Post(ask.action, ask.with("code", p.code())...), 422)
	want(t, other.Post(ask.action, ask.with("code", strings.ToUpper(codes[3]))...), 303)
	other = s.Guest()
	ask = halfway(t, other, "careful")
	want(t, other.Post(ask.action, ask.with("code", codes[3])...), 422)
	if !isGuest(t, other) {
		t.Error("a recovery code worked twice")
	}

	want(t, c.Post("/settings/second-factor/off"), 303)
	if !isGuest(t, g) || isGuest(t, c) {
		t.Error("another session lives on without the factor that opened it, or this one ended")
	}
	want(t, signIn(s.Guest(), "careful", apptest.Password), 303)
}

func TestNewRecoveryCodesTakeThePlaceOfTheOld(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	c := joined(t, s, "careful")
	_, old := equip(t, c, at)
	page := parse(t, want(t, c.Post("/settings/second-factor/codes"), 200))
	codes := all(page.main(t), tag("code"))
	if page.Header.Get("Cache-Control") != "no-store" || len(codes) != 10 {
		t.Errorf("%d codes, cache %q", len(codes), page.Header.Get("Cache-Control"))
	}
	g := s.Guest()
	ask := halfway(t, g, "careful")
	want(t, g.Post(ask.action, ask.with("code", old[0])...), 422)
	want(t, g.Post(ask.action, ask.with("code", text(codes[0]))...), 303)
}

func TestASignInThatWaitsForItsCodeIsBound(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	c := joined(t, s, "careful")
	p, codes := equip(t, c, at)
	g := s.Guest()
	over := func(when string, a apptest.Answer) {
		t.Helper()
		if page := parse(t, want(t, a, 422)); !page.hasForm("/login") || !isGuest(t, g) {
			t.Errorf("%s: the sign-in goes on", when)
		}
	}
	ask := halfway(t, g, "careful")
	r := g.Request("POST", ask.action, ask.with("code", codes[0])...)
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	over("from another network", g.Do(r))
	over("with a token that was guessed", g.Post(ask.action, ask.with("pending", "x", "code", codes[0])...))
	at.pass(5*time.Minute + time.Second)
	over("after five minutes", g.Post(ask.action, ask.with("code", p.code())...))

	ask = halfway(t, g, "careful")
	for range 5 {
		want(t, g.Post(ask.action, ask.with("code", "000000")...), 422)
	}
	over("after five wrong codes", g.Post(ask.action, ask.with("code", codes[0])...))

	ask = halfway(t, g, "careful")
	want(t, c.Post("/settings/password", "password", apptest.Password, "new", "another long password"), 303)
	over("with a password that has changed", g.Post(ask.action, ask.with("code", codes[0])...))
}

func TestCodesAreNotToBeGuessed(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now, func(c *config.Config) { c.RateLimits, c.TrustedProxies = "on", []string{"127.0.0.1"} })
	c := joined(t, s, "careful")
	equip(t, c, at)
	refused := 0
	for i := range 12 { // each from a network of its own: only the account is counted
		g, from := s.Guest(), "203.0."+string(rune('0'+i%10))+string(rune('0'+i/10))+".9"
		post := func(path string, pairs ...string) apptest.Answer {
			r := g.Request("POST", path, pairs...)
			r.Header.Set("X-Forwarded-For", from)
			return g.Do(r)
		}
		ask := parse(t, post("/login", "login", "careful", "password", apptest.Password)).form(t, "/login/code")
		if a := post(ask.action, ask.with("code", "000000")...); a.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 12 guesses were refused, want 2", refused)
	}
}

// The form to join, sent again, is a way in for who knows handle, address and password: not past the second factor.
func TestTheFormToJoinIsNoWayPastTheFactor(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	c := s.Guest()
	f := open(t, c, "/register").form(t, "/register")
	fields := f.with("handle", "careful", "email", "careful@example.org", "password", apptest.Password)
	want(t, c.Post(f.action, fields...), 303)
	equip(t, c, at)
	g := s.Guest()
	want(t, g.Post(f.action, fields...), 422)
	if !isGuest(t, g) {
		t.Error("the form to join opened a session")
	}
}

func TestOneRecoveryCodeOpensOneOfManySignIns(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	_, codes := equip(t, joined(t, s, "careful"), at)
	var opened atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		g := s.Guest()
		ask := halfway(t, g, "careful")
		all.Go(func() {
			if g.Post(ask.action, ask.with("code", codes[0])...).Status == 303 {
				opened.Add(1)
			}
		})
	}
	all.Wait()
	if opened.Load() != 1 {
		t.Errorf("%d sign-ins with one code", opened.Load())
	}
}

func TestStaffWithoutTheFactorThatTheyNeedDoNothingElse(t *testing.T) {
	t.Parallel()
	hour := new(clock)
	s := apptest.StartAt(t, hour.now)
	admin, moderator, member := s.As("boss", db.Admin), s.As("mod", db.Moderator), s.As("plain", db.Plain)
	channel := admin.Channel("tides")
	access := open(t, admin, "/c/"+channel+"/settings").form(t, "/c/"+channel+"/access")
	want(t, admin.Post(access.action, access.with("visibility", "private")...), 303)
	equip(t, admin, hour)
	form := open(t, admin, "/admin/settings").form(t, "/admin/settings")
	want(t, admin.Post(form.action, form.with(db.SettingStaffFactor, "on")...), 303)
	for _, path := range []string{"/", "/c/" + channel, "/u/plain", "/c", "/new"} {
		if a := want(t, moderator.Get(path), 303); a.Location != "/settings/second-factor" {
			t.Errorf("%s leads to %q", path, a.Location)
		}
	}
	post := member.Write(member.Channel("open"), "A title", "Text")
	if a := want(t, moderator.Post(at(t, post, "lock")), 303); a.Location != "/settings/second-factor" {
		t.Errorf("a decision leads to %q", a.Location)
	}
	want(t, member.Get(post), 200)
	if page := open(t, moderator, "/settings/second-factor"); !page.has(t, "needs a second factor") {
		t.Error("nothing says why")
	}
	for _, path := range []string{"/settings", "/about"} {
		want(t, moderator.Get(path), 200)
	}
	want(t, admin.Get("/admin"), 200)
	equip(t, moderator, hour)
	want(t, moderator.Get("/c/"+channel), 200)
	want(t, moderator.Post(at(t, post, "lock")), 303)
	want(t, member.Get("/settings/second-factor"), 200)
}
