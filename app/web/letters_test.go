package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/app/notify"
	"codex/db"
)

// posted is a forum that sends its letters to a mailbox.
func posted(t *testing.T, changes ...func(*config.Config)) (*apptest.Site, *apptest.Mailbox) {
	t.Helper()
	box := apptest.NewMailbox(t)
	return apptest.Start(t, append([]func(*config.Config){box.Send}, changes...)...), box
}

const (
	verifySubject = "Is this your address?"
	resetSubject  = "A new password"
	otherPassword = "quite another sentence"
)

// forgets asks for a link and answers its token.
func forgets(t *testing.T, s *apptest.Site, box *apptest.Mailbox, n int, email string) string {
	t.Helper()
	a := want(t, s.Guest().Post("/forgot", "email", email), 303)
	says(t, s.Guest().Get(a.Location), "a letter is on its way")
	link := box.Wait(n, email, resetSubject).Link("/reset")
	return strings.TrimPrefix(link, "/reset?token=")
}

func TestWhoForgotTheirPasswordSetsANewOneByALetter(t *testing.T) {
	t.Parallel()
	s, box := posted(t)
	c := joined(t, s, "ada")
	if !open(t, s.Guest(), "/login").has(t, "Forgot your password?") {
		t.Error("the sign-in page does not say how")
	}
	token := forgets(t, s, box, 1, "ada@example.org")
	g := s.Guest()
	page := want(t, g.Get("/reset?token="+token), 200)
	if page.Header.Get("Referrer-Policy") != "strict-origin" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page with the secret is sent with %v", page.Header)
	}
	form := parse(t, page).form(t, "/reset")
	if form.get("token") != token {
		t.Fatalf("the form holds %v", form)
	}
	for _, weak := range []string{"short", "password1", "ada@example.org"} {
		p := parse(t, want(t, g.Post("/reset", "token", token, "new", weak), 422))
		if attr(p.field(t, "new"), "aria-invalid") != "true" || value(p.field(t, "new")) != "" {
			t.Errorf("%q is taken, or comes back", weak)
		}
	}
	if isGuest(t, c) {
		t.Error("a look at the link has ended a session")
	}
	a := want(t, g.Post("/reset", "token", token, "new", otherPassword), 303)
	says(t, g.Get(a.Location), "Your password is changed. Sign in with it.")
	if !isGuest(t, c) || !isGuest(t, g) {
		t.Error("a session outlives the reset, or the letter alone opens one")
	}
	want(t, signIn(s.Guest(), "ada", apptest.Password), 422)
	want(t, signIn(s.Guest(), "ada", otherPassword), 303)
	says(t, want(t, g.Post("/reset", "token", token, "new", "a third sentence"), 404), "This link has ended")
	says(t, want(t, g.Get("/reset?token="+token), 404), "This link has ended")
	box.Wait(1, "ada@example.org", "Your password was changed")
}

func TestALinkSetsOnePasswordHoweverManyFollowIt(t *testing.T) {
	t.Parallel()
	s, box := posted(t)
	joined(t, s, "ada")
	token := forgets(t, s, box, 1, "ada@example.org")
	var done, other atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		g := s.Guest()
		all.Go(func() {
			switch a := g.Post("/reset", "token", token, "new", otherPassword); a.Status {
			case http.StatusSeeOther:
				done.Add(1)
			case http.StatusNotFound, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // it has ended; or a hundred passwords are too many for the machine
			default:
				other.Add(1)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || other.Load() != 0 {
		t.Errorf("%d of 100 set a password, %d got another answer", done.Load(), other.Load())
	}
}

func TestANewerLetterAndAChangeEndALink(t *testing.T) {
	t.Parallel()
	s, box := posted(t)
	c := joined(t, s, "ada")
	first := forgets(t, s, box, 1, "ada@example.org")
	second := forgets(t, s, box, 2, "ada@example.org")
	want(t, s.Guest().Get("/reset?token="+first), 404)
	want(t, s.Guest().Get("/reset?token="+second), 200)
	want(t, c.Post("/settings/password", "password", apptest.Password, "new", otherPassword), 303)
	want(t, s.Guest().Get("/reset?token="+second), 404)
	third := forgets(t, s, box, 3, "ada@example.org")
	want(t, c.Post("/settings/email", "email", "new@example.org"), 303)
	want(t, s.Guest().Get("/reset?token="+third), 404)
	want(t, s.Guest().Post("/reset", "token", third, "new", "a third sentence"), 404)
	says(t, apptest.Answer{Body: box.Wait(1, "ada@example.org", "Your address was changed").Text}, "@ada")
}

func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	s, box := posted(t)
	joined(t, s, "ada")
	ask := func(email string) (answers string) {
		g := s.Guest()
		a := want(t, g.Post("/forgot", "email", email), 303)
		b := want(t, g.Get(a.Location), 200)
		return uuids.ReplaceAllString(a.Location+a.Body+b.Body, "#")
	}
	if known, unknown := ask("ada@example.org"), ask("nobody@example.org"); known != unknown {
		t.Errorf("%s\ndiffers from %s", known, unknown)
	}
	// As many letters as there are accounts; the other job has been done too.
	box.Wait(1, "ada@example.org", resetSubject)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n, err := s.DB.WaitingJobs(t.Context(), db.JobReset)
		if err != nil || n == 0 || time.Now().After(end) {
			if n != 0 {
				t.Errorf("%d wait, %v", n, err)
			}
			break
		}
	}
	for _, l := range box.Letters() {
		if l.To != "ada@example.org" {
			t.Errorf("a letter to %s", l.To)
		}
	}
}

func TestLettersAreLimitedForAnAccountAndForWhoAsks(t *testing.T) {
	t.Parallel()
	s, _ := posted(t, func(c *config.Config) { c.RateLimits = "on" })
	g := s.Guest()
	for _, who := range []string{"nobody@example.org", "NOBODY@example.org", "nobody@Example.org"} {
		want(t, g.Post("/forgot", "email", who), 303)
	}
	if a := want(t, g.Post("/forgot", "email", "nobody@example.org"), 429); a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when")
	}
	for i := range 6 { // the refused one counted for the address that asked
		want(t, g.Post("/forgot", "email", string(rune('a'+i))+"@example.org"), 303)
	}
	want(t, g.Post("/forgot", "email", "other@example.org"), 429)
	want(t, g.Post("/forgot", "email", "no address"), 422)
}

func TestAMemberProvesTheirAddress(t *testing.T) {
	t.Parallel()
	s, box := posted(t)
	c := joined(t, s, "ada")
	link := box.Wait(1, "ada@example.org", verifySubject).Link("/verify")
	says(t, c.Get("/settings"), "Not verified")
	g := s.Guest() // the letter is read on another device
	page := parse(t, want(t, g.Get(link), 200))
	want(t, g.Get(link), 200)
	says(t, c.Get("/settings"), "Not verified") // looks change nothing
	token := page.form(t, "/verify").get("token")
	want(t, c.Post("/settings/email/verify"), 303)
	second := box.Wait(2, "ada@example.org", verifySubject).Link("/verify")
	says(t, want(t, g.Post("/verify", "token", token), 404), "This link has ended")
	a := want(t, c.Post("/verify", "token", strings.TrimPrefix(second, "/verify?token=")), 303)
	says(t, c.Get(a.Location), "we know now that the address is yours")
	if strings.Contains(c.Get("/settings").Body, "Not verified") {
		t.Error("a verified address is called not verified")
	}
	want(t, c.Post("/settings/email", "email", "new@example.org"), 303)
	says(t, c.Get("/settings"), "Not verified")
	third := box.Wait(1, "new@example.org", verifySubject).Link("/verify")
	a = want(t, g.Post("/verify", "token", strings.TrimPrefix(third, "/verify?token=")), 303)
	says(t, g.Get(a.Location), "we know now that the address is yours")
}

func TestAForumWithoutMailSaysSoAndKeepsTheLetters(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "ada")
	if strings.Contains(s.Guest().Get("/login").Body, "/forgot") || strings.Contains(c.Get("/settings").Body, "Not verified") {
		t.Error("a forum without mail offers letters")
	}
	says(t, want(t, s.Guest().Get("/forgot"), 200), "This forum sends no mail")
	want(t, s.Guest().Post("/forgot", "email", "ada@example.org"), 404)
	want(t, c.Post("/settings/email/verify"), 404)
	if n, err := s.DB.WaitingJobs(t.Context(), db.JobVerify); err != nil || n != 1 {
		t.Errorf("%d letters wait for a mail server, %v", n, err)
	}
}

func TestALinkStopsLettersWithoutASignIn(t *testing.T) {
	t.Parallel()
	s, _ := posted(t)
	c := joined(t, s, "ada")
	ada, err := s.DB.MemberByHandle(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := s.DB.MailSecret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	off := func() bool {
		a, err := s.DB.AddressOf(t.Context(), db.Viewer{ID: ada.ID})
		if err != nil {
			t.Fatal(err)
		}
		return a.Off
	}
	path, g := notify.StopPath(secret, ada.ID), s.Guest()
	page := parse(t, want(t, g.Get(path), 200))
	if off() {
		t.Fatal("a look has stopped the letters")
	}
	page.form(t, path)
	says(t, g.Get(want(t, g.Post(path), 303).Location), "No more letters")
	if !off() {
		t.Fatal("they are not stopped")
	}
	want(t, c.Post("/settings/email/letters", "on", "true"), 303)
	if off() {
		t.Fatal("they do not come again")
	}
	// What a mailbox sends: no cookie, no Origin, no way on.
	says(t, want(t, g.Post(path, "List-Unsubscribe", "One-Click"), 200), "No more letters")
	if !off() {
		t.Error("one click does not stop them")
	}
	q, err := url.ParseQuery(strings.TrimPrefix(path, "/unsubscribe?"))
	if err != nil {
		t.Fatal(err)
	}
	q.Set("member", "999")
	want(t, g.Post("/unsubscribe?"+q.Encode()), 404)
	want(t, g.Get("/unsubscribe"), 404)
}
