package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/app/webhooks"
	"codex/db"
)

// hookSite is a forum with a receiver that it may reach, and an admin.
func hookSite(t *testing.T) (s *apptest.Site, admin *apptest.Client, address string, came chan *http.Request) {
	t.Helper()
	came = make(chan *http.Request, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		came <- r
	}))
	t.Cleanup(receiver.Close)
	s = apptest.StartReaching(t, netip.MustParseAddrPort(receiver.Listener.Addr().String()), func(c *config.Config) { c.BaseURL = "http://127.0.0.1" })
	return s, s.As("admin", db.Admin), receiver.URL + "/hook", came
}

func next(t *testing.T, came chan *http.Request) (*http.Request, string) {
	t.Helper()
	select {
	case r := <-came:
		body, _ := io.ReadAll(r.Body)
		return r, string(body)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		return nil, ""
	}
}

func TestAnAdminAddsAWebhookThatIsToldAndSignedFor(t *testing.T) {
	t.Parallel()
	s, admin, address, came := hookSite(t)
	a := want(t, admin.Post("/admin/webhooks", "url", address, "kinds", "post.created", "kinds", "comment.created", "key", "6c1d9f5e-7d5c-4c58-9c1e-2f6f0a2f7a01"), 200)
	secret := strings.TrimSpace(visible(a.Body[strings.Index(a.Body, "<pre>"):strings.Index(a.Body, "</pre>")]))
	if len(secret) < 40 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("secret %q, %v", secret, a.Header)
	}
	for _, path := range []string{"/admin/webhooks", "/admin/webhooks/1", "/moderation/log", "/admin/settings"} {
		if strings.Contains(want(t, admin.Get(path), 200).Body, secret) {
			t.Errorf("%s shows the secret", path)
		}
	}
	if n := len(regexp.MustCompile(`name="kinds" value="[a-z.]+" checked`).FindAllString(a.Body, -1)); n != 4 {
		t.Errorf("the form for one more begins with %d kinds", n)
	}
	// Sent again, the form makes no second one.
	if again := want(t, admin.Post("/admin/webhooks", "url", address, "kinds", "post.created", "kinds", "comment.created", "key", "6c1d9f5e-7d5c-4c58-9c1e-2f6f0a2f7a01"), 303); again.Location != "/admin/webhooks?done=made" {
		t.Errorf("%q", again.Location)
	}
	member := s.As("member", db.Plain)
	member.Channel("tides")
	post := member.Write("tides", "Low tide", "text")
	r, body := next(t, came)
	sig := r.Header.Get(webhooks.HeaderSignature)
	seconds, _, _ := strings.Cut(strings.TrimPrefix(sig, "t="), ",")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if want := webhooks.Sign(secret, time.Unix(unix, 0), []byte(body)); sig != want {
		t.Errorf("signature %q, want %q (%v)", sig, want, err)
	}
	if !strings.Contains(body, `"url":"http://127.0.0.1`+post+`"`) || r.Header.Get(webhooks.HeaderEvent) != "post.created" {
		t.Errorf("%s %s, the post is at %s", r.Header, body, post)
	}
	id := r.Header.Get(webhooks.HeaderDelivery)
	page := waitFor(t, admin, "/admin/webhooks/1", id)
	action := "/admin/webhooks/1/replay/"
	i := strings.Index(page, action)
	if i < 0 {
		t.Fatalf("no way to send it again: %s", visible(page))
	}
	path, _, _ := strings.Cut(page[i:], `"`)
	want(t, admin.Post(path), 303)
	if r, again := next(t, came); r.Header.Get(webhooks.HeaderDelivery) != id || again != body {
		t.Errorf("replayed %v %s", r.Header, again)
	}
	want(t, admin.Post("/admin/webhooks/1/test"), 303)
	if r, _ := next(t, came); r.Header.Get(webhooks.HeaderEvent) != "ping" {
		t.Errorf("%v", r.Header)
	}

	want(t, admin.Post("/admin/webhooks/1", "kinds", "member.registered"), 303)
	member.Write("tides", "Not told", "text")
	want(t, admin.Post("/admin/webhooks/1/switch", "on", "false"), 303)
	if page := want(t, admin.Get("/admin/webhooks/1"), 200).Body; !strings.Contains(page, "switched off") {
		t.Error("the page does not say that it is off")
	}
	want(t, admin.Post("/admin/webhooks/1/switch", "on", "true"), 303)
	want(t, admin.Post("/admin/webhooks/1/test"), 303)
	if r, body := next(t, came); r.Header.Get(webhooks.HeaderEvent) != "ping" {
		t.Errorf("%s", body)
	}
	want(t, admin.Post("/admin/webhooks/1/delete"), 303)
	want(t, admin.Get("/admin/webhooks/1"), 404)
	log := visible(want(t, admin.Get("/moderation/log"), 200).Body)
	for _, line := range []string{"added a webhook to 127.0.0.1", "switched off the webhook to 127.0.0.1", "switched on the webhook", "changed what the webhook to 127.0.0.1 is told of: member.registered", "deleted the webhook to 127.0.0.1"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log does not say %q", line)
		}
	}
	if strings.Contains(log, "/hook") || strings.Contains(want(t, s.Guest().Get("/log"), 200).Body, "webhook") {
		t.Error("a log says more than the host, or to more than staff")
	}
}

// waitFor loads a page until it holds a text.
func waitFor(t *testing.T, c *apptest.Client, path, text string) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if page := want(t, c.Get(path), 200).Body; strings.Contains(page, text) {
			return page
		}
	}
	t.Fatalf("%s never shows %q", path, text)
	return ""
}

func TestAWebhookThatCannotBeIsRefusedWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.BaseURL = "http://127.0.0.1" })
	admin := s.As("admin", db.Admin)
	for address, says := range map[string]string{
		"http://hooks.example.org/": "begins with https://", "ftp://hooks.example.org/": "begins with https://", "": "begins with https://", "https://u:p@hooks.example.org/": "no name or password",
		"https://127.0.0.1/": "public addresses alone", "https://[::1]:8080/x": "public addresses alone", "https://169.254.169.254/latest/meta-data": "public addresses alone",
	} {
		a := want(t, admin.Post("/admin/webhooks", "url", address, "kinds", "post.removed"), 422)
		d := parse(t, a)
		if !strings.Contains(visible(a.Body), says) || attr(d.id("url"), "value") != address {
			t.Errorf("%q: %.300s", address, visible(a.Body))
		}
	}
	if a := want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/", "kinds", "no.such"), 200); strings.Contains(a.Body, "no.such") {
		t.Error("a kind that is none is kept")
	}
	want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/"), 422)
	for range db.MaxWebhooks - 1 {
		want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/", "kinds", "post.created"), 200)
	}
	want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/", "kinds", "post.created"), 409)
	if strings.Contains(want(t, admin.Get("/admin/webhooks"), 200).Body, `id="add"`) {
		t.Error("a form for one more is offered")
	}
}

func TestAForumWithoutAnAddressOfItsOwnOffersNoWebhook(t *testing.T) {
	t.Parallel()
	admin := apptest.Start(t).As("admin", db.Admin)
	if page := want(t, admin.Get("/admin/webhooks"), 200).Body; strings.Contains(page, `name="url"`) || !strings.Contains(page, "CODEX_BASE_URL") {
		t.Errorf("%s", visible(page))
	}
}

// Whoever finds an admin's computer unlocked does not get a copy of all that is written here sent to themselves.
func TestAWebhookAsksForThePasswordAgain(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now, func(c *config.Config) { c.BaseURL = "http://127.0.0.1" })
	admin := s.As("admin", db.Admin)
	want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/", "kinds", "post.created"), 200)
	at.pass(11 * time.Minute)
	a := want(t, admin.Post("/admin/webhooks", "url", "https://hooks.example.org/2", "kinds", "post.created", "kinds", "post.removed"), 403)
	if !strings.Contains(a.Body, "https://hooks.example.org/2") || strings.Count(a.Body, `name="kinds"`) != 2 {
		t.Errorf("what was typed is not carried along: %s", a.Body)
	}
	want(t, admin.Post("/admin/webhooks/1/delete"), 403)
	if list := take(s.DB.Webhooks(t.Context(), admin.Viewer)); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	for _, path := range []string{"/admin/webhooks/1/test", "/admin/webhooks/1/switch"} {
		want(t, admin.Post(path), 303)
	}
}
