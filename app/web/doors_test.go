package web_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

func TestGuestsAreToldHowOneJoins(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	admin.Channel("tides")
	post := admin.Write("tides", "Low water", "text")
	for mode, c := range map[string]struct {
		words, button string // of the header; empty: none
	}{
		"open":     {"whoever joins may write.", "Join"},
		"approval": {"who would like to write asks to be let in.", "Ask to join"},
		"invite":   {"new members come by invitation.", ""},
		"closed":   {"no new members are taken at present.", ""},
	} {
		want(t, admin.Post("/admin/settings", "registration", mode), 303)
		home := want(t, s.Guest().Get("/"), 200)
		says(t, home, c.words)
		_, top, _ := strings.Cut(home.Body, `<a class="button primary" href="/register">`)
		if !strings.HasPrefix(strings.TrimSpace(top), c.button) {
			t.Errorf("%s: the top does not say %q", mode, c.button)
		}
		for _, path := range []string{"/", post, "/login", "/tags"} {
			if got := strings.Contains(s.Guest().Get(path).Body, `href="/register"`); got != (c.button != "") {
				t.Errorf("%s: %s leads to the form to join: %v", mode, path, got)
			}
		}
	}
	want(t, admin.Post("/admin/settings", "registration", "open", "site_name", "Tide Tables"), 303)
	for _, path := range []string{"/login", "/register"} {
		if body := s.Guest().Get(path).Body; !strings.Contains(body, ">T</text>") || strings.Contains(body, ">C</text>") {
			t.Errorf("%s shows the initial of another forum", path)
		}
	}
}

func TestTheFirstAdminIsLedToWhatIsLeftToDo(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RateLimits = "on" })
	token, err := s.App.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := s.Guest()
	f := open(t, g, "/register").form(t, "/register")
	// At once, as a script or a password manager is: the token says more than the time.
	a := want(t, g.Post(f.action, f.with("handle", "owner", "email", "o@example.org", "password", apptest.Password, "token", token)...), 303)
	if a.Location != "/admin" {
		t.Errorf("leads to %q", a.Location)
	}
}

func TestWhoIsNewIsToldThatTheirFirstTextsWait(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	if err := s.DB.SetSetting(t.Context(), db.SettingHoldFirst, "2"); err != nil {
		t.Fatal(err)
	}
	c := s.Guest()
	a := want(t, askIn(c, "fresh"), 303)
	says(t, c.Get(a.Location), "Welcome!", "Your first 2 texts wait until a moderator has looked at them")
	if strings.Contains(c.Get("/").Body, "Welcome!") {
		t.Error("they are told each time")
	}
}

func TestTheFormToJoinSaysAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	joined(t, s, "taken")
	marked := func(fields ...string) map[string]bool {
		t.Helper()
		p := parse(t, want(t, s.Guest().Post("/register", fields...), 422))
		is := map[string]bool{}
		for _, name := range []string{"handle", "email", "password"} {
			is[name] = attr(p.field(t, name), "aria-invalid") == "true"
		}
		return is
	}
	for name, got := range map[string]map[string]bool{
		"all of it":               marked("handle", "a b", "email", "no", "password", "short"),
		"a handle that is taken":  marked("handle", "tAken", "email", "no", "password", "short"),
		"one that looks the same": marked("handle", "taken", "email", "no", "password", "short"),
	} {
		if !got["handle"] || !got["email"] || !got["password"] {
			t.Errorf("%s: only %v are marked", name, got)
		}
	}
	if got := marked("handle", "taken", "email", "taken@example.org", "password", apptest.Password); !got["handle"] || !got["email"] {
		t.Errorf("a handle and an address that are taken: only %v are marked", got)
	}
	// An address alone tells nothing where tries are not counted.
	if got := marked("handle", "other", "email", "taken@example.org", "password", "short"); got["email"] {
		t.Error("a form that makes no member tells who has an account")
	}
	says(t, askIn(s.Guest(), "\u0430dmin"), "several scripts")
	if strings.Contains(s.Guest().Get("/register").Body, "is all it takes") {
		t.Error("the form promises less than it asks")
	}
}

func TestAFormThatIsRefusedDoesNotBeginItsTimeAnew(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s := apptest.StartAt(t, func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, func(c *config.Config) { c.RateLimits = "on" })
	g := s.Guest()
	f := open(t, g, "/register").form(t, "/register")
	mu.Lock()
	now = now.Add(1100 * time.Millisecond) // a password manager's time
	mu.Unlock()
	p := parse(t, want(t, g.Post(f.action, f.with("handle", "quick", "email", "q@example.org", "password", "short")...), 422))
	again := p.form(t, f.action)
	want(t, g.Post(again.action, again.with("password", apptest.Password)...), 303)
}

func TestAChannelsAddressIsMadeOfItsName(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Plain)
	for name, address := range map[string]string{"Tide Tables & Charts": "/c/tide-tables-and-charts", "Über uns": "/c/uber-uns", strings.Repeat("long ", 12): "/c/long-long-long-long-long-long-long-long"} {
		if a := want(t, c.Post("/c", "name", name, "description", "about it"), 303); a.Location != address {
			t.Errorf("%q leads to %s", name, a.Location)
		}
	}
	p := parse(t, want(t, c.Post("/c", "name", "Tide tables & charts", "description", "d"), 422))
	if p.form(t, "/c").get("slug") != "tide-tables-and-charts" {
		t.Error("an address that is taken is not shown")
	}
	want(t, c.Post("/c", "name", "!!!", "description", "d"), 422)
}

func TestNothingWithoutALikeIsAmongWhatIsLiked(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, other := s.As("author", db.Plain), s.As("other", db.Plain)
	c.Channel("tides")
	c.Write("tides", "Nobody liked it", "text")
	if strings.Contains(visible(s.Guest().Get("/").Body), "Liked this week") {
		t.Error("a list of what is liked, and nothing is")
	}
	post := c.Write("tides", "Liked by one", "text")
	second := c.Write("tides", "Liked by one too", "text")
	for _, p := range []string{post, second} {
		want(t, other.Post("/p/"+idIn(p)+"/react", "kind", "like"), 303)
	}
	if body := visible(s.Guest().Get("/").Body); !strings.Contains(body, "Liked") || strings.Contains(body, "0 likes") {
		t.Error("the list is not there, or holds what nobody liked")
	}
}
