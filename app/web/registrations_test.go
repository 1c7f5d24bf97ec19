package web_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// mode is a forum on which one becomes a member so.
func mode(t testing.TB, s *apptest.Site, m db.RegistrationMode) {
	t.Helper()
	if err := s.DB.SetSetting(context.Background(), db.SettingRegistration, string(m)); err != nil {
		t.Fatal(err)
	}
}

// askIn sends the form to join.
func askIn(c *apptest.Client, handle string, more ...string) apptest.Answer {
	// What more says comes first, and the first value of a field counts.
	return c.Post("/register", append(more, "handle", handle, "email", handle+"@example.org", "password", apptest.Password)...)
}

func isMember(t testing.TB, s *apptest.Site, handle string) bool {
	t.Helper()
	return s.Guest().Get("/u/"+handle).Status == http.StatusOK
}

func TestAPausedForumTakesNobodyIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mode(t, s, db.RegistrationClosed)
	if p := open(t, s.Guest(), "/register"); p.hasForm("/register") {
		t.Error("the form is offered")
	}
	want(t, askIn(s.Guest(), "late"), 403)
	want(t, askIn(s.Guest(), "late", "invite", "something"), 403)
	if isMember(t, s, "late") {
		t.Error("somebody came in")
	}
	mode(t, s, db.RegistrationOpen)
	want(t, askIn(s.Guest(), "late"), 303)
}

func TestAGuestWhoAsksIsLetInByAModerator(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mode(t, s, db.RegistrationApproval)
	if err := s.DB.SetSetting(t.Context(), db.SettingQuestion, "Which bird is it?"); err != nil {
		t.Fatal(err)
	}
	g := s.Guest()
	f := open(t, g, "/register").form(t, "/register")
	p := parse(t, want(t, g.Post(f.action, f.with("handle", "asker", "email", "asker@example.org", "password", apptest.Password)...), 422))
	if attr(p.field(t, "answer"), "aria-invalid") != "true" || !p.has(t, "Which bird is it?") {
		t.Error("the question is not asked")
	}
	fields := f.with("handle", "asker", "email", "asker@example.org", "password", apptest.Password, "answer", "A <b>wren</b>, I think.")
	for range 2 { // the second is the same form again
		if a := want(t, g.Post(f.action, fields...), 303); a.Location != "/register/waiting" || len(a.Header["Set-Cookie"]) > 0 {
			t.Errorf("leads to %q, sets %q", a.Location, a.Header["Set-Cookie"])
		}
	}
	open(t, g, "/register/waiting")
	if isMember(t, s, "asker") {
		t.Error("who waits has a page")
	}
	if a := want(t, signIn(g, "asker", apptest.Password), 403); len(a.Header["Set-Cookie"]) > 0 || !parse(t, a).has(t, "Your request is with those") {
		t.Error("who waits is not told so")
	}
	want(t, signIn(g, "asker", "not the password"), 422)

	member, mod := s.As("plain", db.Plain), s.As("keeper", db.Moderator)
	want(t, member.Get("/moderation/registrations"), 403)
	p = open(t, mod, "/moderation/registrations")
	if !p.has(t, "A <b>wren</b>, I think.") || strings.Contains(mod.Get("/moderation/registrations").Body, "asker@example.org") {
		t.Error("the answer is not shown as it was written, or the address is")
	}
	id := p.form(t, "/moderation/registrations").get("member")
	want(t, member.Post("/moderation/registrations", "member", id, "let", "in"), 403)
	if isMember(t, s, "asker") {
		t.Fatal("a member let somebody in")
	}
	want(t, mod.Post("/moderation/registrations", "member", id, "let", "in"), 303)
	want(t, mod.Post("/moderation/registrations", "member", id, "let", "no"), 409)
	if a := signIn(g, "asker", apptest.Password); a.Status != 303 || isGuest(t, g) {
		t.Errorf("who was let in cannot sign in: %d", a.Status)
	}
}

func TestWhoIsDeclinedLeavesNothingButALineInTheLog(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mode(t, s, db.RegistrationApproval)
	for _, handle := range []string{"nobody1x", "nobody2x"} {
		want(t, askIn(s.Guest(), handle, "answer", "hello"), 303)
	}
	mod := s.As("keeper", db.Moderator)
	var decline []string
	for _, f := range open(t, mod, "/moderation/registrations").forms() {
		if f.action == "/moderation/registrations" && f.get("member") != "" {
			decline = append(decline, "member", f.get("member"))
		}
	}
	want(t, mod.Post("/moderation/registrations", append(slices.Clone(decline[:4]), "let", "no")...), 303)
	if p := open(t, mod, "/moderation/registrations"); p.hasForm("/moderation/registrations") {
		t.Error("somebody waits still")
	}
	want(t, signIn(s.Guest(), "nobody1x", apptest.Password), 422)
	mode(t, s, db.RegistrationOpen)
	want(t, askIn(s.Guest(), "nobody1x"), 303) // handle and address are free again
}

func TestAFieldThatNobodySeesCatchesPrograms(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	p := open(t, s.Guest(), "/register")
	lure := p.field(t, "website")
	if attr(lure, "type") == "hidden" || attr(lure, "tabindex") != "-1" || attr(lure, "autocomplete") != "off" || attr(lure.Parent, "aria-hidden") != "true" {
		t.Errorf("the field can be met or filled in by a person: %s", render(t, lure))
	}
	caught, real := askIn(s.Guest(), "robot", "website", "https://spam.example"), askIn(s.Guest(), "person", "website", "")
	if caught.Status != real.Status || caught.Location != real.Location {
		t.Errorf("a program is told %d to %q, a person %d to %q", caught.Status, caught.Location, real.Status, real.Location)
	}
	if isMember(t, s, "robot") || !isMember(t, s, "person") {
		t.Error("the program became a member, or the person did not")
	}
	mode(t, s, db.RegistrationApproval)
	if a := askIn(s.Guest(), "robot2", "website", "x", "answer", "hello"); a.Location != "/register/waiting" {
		t.Errorf("leads to %q", a.Location)
	}
	if p := open(t, s.As("keeper", db.Moderator), "/moderation/registrations"); p.hasForm("/moderation/registrations") {
		t.Error("a program waits for a moderator's time")
	}
}

func TestAFormThatComesBackAtOnceIsShownAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s := apptest.StartAt(t, func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, func(c *config.Config) { c.RateLimits = "on" })
	g := s.Guest()
	f := open(t, g, "/register").form(t, "/register")
	fields := f.with("handle", "hasty", "email", "h@example.org", "password", apptest.Password)
	want(t, g.Post(f.action, fields...), 422)
	if isMember(t, s, "hasty") {
		t.Error("became a member at once")
	}
	mu.Lock()
	now = now.Add(3 * time.Second)
	mu.Unlock()
	want(t, g.Post(f.action, fields...), 303)
}

func TestCommonAndOwnPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, password := range []string{"Password123", "iloveyou", "clementine", "clementine@example.org"} {
		p := parse(t, want(t, askIn(s.Guest(), "Clementine", "password", password), 422))
		if attr(p.field(t, "password"), "aria-invalid") != "true" {
			t.Errorf("%q: the field is not marked", password)
		}
	}
	c := joined(t, s, "clementine")
	for _, next := range []string{"password1", "CLEMENTINE"} {
		want(t, c.Post("/settings/password", "password", apptest.Password, "new", next), 422)
	}
	want(t, c.Post("/settings/password", "password", apptest.Password, "new", "a better sentence"), 303)
}

func TestHandlesThatLookAlikeOrSpeakForTheForumAreRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	s.As("admin", db.Admin)
	joined(t, s, "barnaby")
	for _, handle := range []string{"аdmin", "Adm1n", "support", "everyone", "bamaby", "barnаby", "bаrnаbу", "mixedкир"} {
		p := parse(t, want(t, askIn(s.Guest(), handle, "email", "x@example.org"), 422))
		if attr(p.field(t, "handle"), "aria-invalid") != "true" || value(p.field(t, "handle")) != handle {
			t.Errorf("%q: the field is not marked, or what was typed is lost", handle)
		}
	}
}

func TestAboutSaysHowTheDoorStands(t *testing.T) {
	t.Parallel()
	for door, words := range map[db.RegistrationMode]string{
		db.RegistrationOpen: "Whoever joins may write", db.RegistrationInvite: "New members come by invitation",
		db.RegistrationApproval: "a moderator decides", db.RegistrationClosed: "New ones are not taken", "read-only": "the forum is read-only",
	} {
		t.Run(string(door), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			if door == "read-only" {
				if err := s.DB.SetSetting(context.Background(), db.SettingReadOnly, "on"); err != nil {
					t.Fatal(err)
				}
			} else {
				mode(t, s, door)
			}
			p := open(t, s.Guest(), "/about")
			if !p.has(t, words) || door != db.RegistrationOpen && p.has(t, "Whoever joins may write") {
				t.Errorf("it says: %s", text(p.main(t)))
			}
		})
	}
}

func TestAnInviteIsMadeSentUsedAndTakenBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mode(t, s, db.RegistrationInvite)
	if p := open(t, s.Guest(), "/register"); p.hasForm("/register") {
		t.Error("the form is offered without an invite")
	}
	want(t, askIn(s.Guest(), "stranger"), 403)
	mod, member := s.As("keeper", db.Moderator), s.As("plain", db.Plain)
	if open(t, member, "/settings/invites").hasForm("/settings/invites") {
		t.Error("a member is offered to invite")
	}
	want(t, member.Post("/settings/invites", "uses", "1", "hours", "24"), 403)
	for _, wrong := range [][2]string{{"0", "24"}, {"101", "24"}, {"x", "24"}, {"1", "0"}, {"1", "721"}} {
		if a := mod.Post("/settings/invites", "uses", wrong[0], "hours", wrong[1]); a.Status != 422 && a.Status != 400 {
			t.Errorf("%s uses in %s hours: %d", wrong[0], wrong[1], a.Status)
		}
	}
	f := open(t, mod, "/settings/invites").form(t, "/settings/invites")
	fields := f.with("uses", "2", "hours", "24", "note", "for the choir")
	a := want(t, mod.Post(f.action, fields...), 200)
	p := parse(t, a)
	link := text(first(p.main(t), tag("pre")))
	if !strings.HasPrefix(link, s.URL+"/register?invite=") || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the link is %q, Cache-Control %q", link, a.Header.Get("Cache-Control"))
	}
	want(t, mod.Post(f.action, fields...), 303) // the same form again makes no other
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(mod.Get("/settings/invites").Body, u.Query().Get("invite")) {
		t.Error("the link is shown again")
	}
	in := open(t, s.Guest(), u.RequestURI()).form(t, "/register")
	g := s.Guest()
	fields = in.with("handle", "singer", "email", "singer@example.org", "password", apptest.Password)
	want(t, g.Post(in.action, fields...), 303)
	want(t, s.Guest().Post(in.action, fields...), 303) // sent again: signs in, and takes no second use
	p = open(t, mod, "/settings/invites")
	if !p.has(t, "1 of 2 used") || !p.has(t, "@singer") || !p.has(t, "for the choir") {
		t.Errorf("the list does not tell: %s", text(p.main(t)))
	}
	end := ""
	for _, f := range p.forms() {
		if strings.HasSuffix(f.action, "/end") {
			end = f.action
		}
	}
	want(t, member.Post(end), 404)
	want(t, mod.Post(end), 303)
	if open(t, s.Guest(), u.RequestURI()).hasForm("/register") {
		t.Error("an invite that was taken back opens the form")
	}
	want(t, askIn(s.Guest(), "second", "invite", u.Query().Get("invite")), 403)
	mode(t, s, db.RegistrationOpen)
	if !open(t, s.Guest(), u.RequestURI()).hasForm("/register") {
		t.Error("no way in on an open forum")
	}
}

func TestMembersInviteWhereTheForumSaysSoAndNotWithoutEnd(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	if err := s.DB.SetSetting(t.Context(), db.SettingInviteMakers, "members"); err != nil {
		t.Fatal(err)
	}
	member := s.As("plain", db.Plain)
	for i := range db.TrustLimits(db.Regular).Open {
		want(t, member.Post("/settings/invites", "uses", "1", "hours", "24", "note", strconv.Itoa(i)), 200)
	}
	want(t, member.Post("/settings/invites", "uses", "1", "hours", "24"), 409)
	open(t, member, "/settings/invites")
}

func TestAChangedHandleLeadsOn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner := s.As("owner.x", db.Admin)
	owner.Channel("room")
	post := owner.Write("room", "Before", "Ask @magpie about it.")
	c := s.As("magpie", db.Plain)
	later := owner.Write("room", "Meanwhile", "Ask @magpie about it.")
	want(t, c.Post("/settings/handle", "handle", "support"), 422)
	want(t, c.Post("/settings/handle", "handle", "a b"), 422)
	want(t, c.Post("/settings/handle", "handle", "owner.x"), 422)
	want(t, c.Post("/settings/handle", "handle", "jackdaw"), 303)
	want(t, c.Post("/settings/handle", "handle", "rook.x"), 422)
	if a := want(t, s.Guest().Get("/u/Magpie"), 303); a.Location != "/u/jackdaw" {
		t.Errorf("the old address leads to %q", a.Location)
	}
	want(t, askIn(s.Guest(), "magpie"), 422)
	again := owner.Write("room", "After", "Ask @magpie about it.")
	for path, mentioned := range map[string]bool{post: false, later: true, again: true} {
		p := open(t, s.Guest(), path)
		to := link(p.main(t), "@magpie")
		if (to != "") != mentioned {
			t.Errorf("%s links to %q", path, to)
			continue
		}
		if mentioned {
			if _, at := follow(t, s.Guest(), to); at != "/u/jackdaw" {
				t.Errorf("the mention in %s leads to %s", path, at)
			}
		}
	}
}
