// Package apptest runs the real forum for tests: a temporary data directory, the real database, the real HTTP server
// on loopback, and clients that are signed in.
//
// A Site may be used by any number of goroutines; a Client by one. It ends with its test, and the test fails when it
// does not end cleanly.
package apptest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"codex"
	"codex/app"
	"codex/app/auth"
	"codex/app/config"
	"codex/app/outbound"
	"codex/app/trace"
	"codex/db"
	"codex/db/dbtest"
)

// Site is a running forum.
type Site struct {
	URL    string // without a slash at the end
	DB     *db.DB
	App    *app.App
	Config *config.Config
	t      testing.TB
	stop   context.CancelFunc
	ended  func() error
	judged bool // by Ended
}

// Static are the embedded files that browsers get.
func Static(t testing.TB) fs.FS { return sub(t, codex.Static, "static") }

// Migrations are the embedded steps of the main database.
func Migrations(t testing.TB) fs.FS { return sub(t, codex.Migrations, "migrations/main") }

func sub(t testing.TB, files fs.FS, dir string) fs.FS {
	t.Helper()
	s, err := fs.Sub(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Start runs a forum on an empty database, with rate limits off. Each change is made to its configuration before.
func Start(t testing.TB, changes ...func(*config.Config)) *Site {
	t.Helper()
	return StartAt(t, nil, changes...)
}

// StartAt is Start with another clock for the limits and for what pages say; nil is the usual one.
func StartAt(t testing.TB, now func() time.Time, changes ...func(*config.Config)) *Site {
	t.Helper()
	return start(t, app.Options{Now: now}, changes...)
}

// StartReaching is Start with a server of the test's on loopback that the forum may ask, without TLS too. It is the one
// address that is not the internet's that it reaches.
func StartReaching(t testing.TB, to netip.AddrPort, changes ...func(*config.Config)) *Site {
	t.Helper()
	return start(t, app.Options{Outbound: outbound.Options{Reach: func(a netip.AddrPort) bool { return a == to }}}, changes...)
}

// start opens the forum with the options, whose files and configuration it fills in.
func start(t testing.TB, o app.Options, changes ...func(*config.Config)) *Site {
	t.Helper()
	c := &config.Config{
		Addr: "127.0.0.1:0", Data: t.TempDir(), RateLimits: "off", LogLevel: "warn",
		RequestTimeout: 10 * time.Second, ShutdownTimeout: 10 * time.Second,
	}
	for _, change := range changes {
		change(c)
	}
	dbtest.Lay(t, c.Data)
	log := slog.New(trace.LogHandler(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: c.Level()})))
	ctx, stop := context.WithCancel(context.Background())
	o.Config, o.Log, o.Migrations, o.Static, o.Version, o.Migrate = c, log, Migrations(t), Static(t), "test", true
	a, err := app.Open(ctx, o)
	if err != nil {
		stop()
		t.Fatalf("open the forum: %v", err)
	}
	// Like the limits, the wait for a moderator is off for tests that are about something else.
	if err := a.DB().SetSetting(ctx, db.SettingHoldFirst, "0"); err != nil {
		t.Fatalf("let nobody wait: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, context.Background()) }()
	s := &Site{URL: "http://" + a.Addr(), DB: a.DB(), App: a, Config: c, t: t, stop: stop, ended: sync.OnceValue(func() error { return <-done })}
	t.Cleanup(func() {
		s.Stop()
		if err := s.ended(); err != nil && !s.judged {
			t.Errorf("stop the forum: %v", err)
		}
	})
	return s
}

// Stop asks the forum to stop and does not wait for it.
func (s *Site) Stop() { s.stop() }

// Ended waits for the end of a forum that was stopped and answers what Run said, for a test that expects an error.
func (s *Site) Ended() error {
	s.judged = true
	return s.ended()
}

// testLog writes what the server logs into the test's log.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// Guest is a client that is not signed in.
func (s *Site) Guest() *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Client{site: s, HTTP: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// Password is that of every member that As makes.
const Password = "a long enough password"

// As makes a member with the handle and role, and a client that is signed in as them. Nothing is hashed and no form is
// sent: what is about signing in goes through the pages.
func (s *Site) As(handle string, role db.Role) *Client {
	s.t.Helper()
	ctx := context.Background()
	id, err := s.DB.CreateMember(ctx, db.NewMember{Handle: handle, Email: handle + "@example.org", Role: role, Origin: "command",
		CreatedAt: db.MillisOf(time.Now().Add(-30 * 24 * time.Hour))})
	if err != nil {
		s.t.Fatalf("make member %s: %v", handle, err)
	}
	c := s.Guest()
	c.SignIn(id)
	c.Viewer = db.Viewer{ID: id, Handle: handle, Name: handle, Role: role}
	return c
}

// Client is a browser without script.
type Client struct {
	HTTP   *http.Client
	Viewer db.Viewer
	site   *Site
}

// SignIn gives the client a session of the member's.
func (c *Client) SignIn(member int64) {
	c.site.t.Helper()
	token, hash := auth.NewToken()
	if err := c.site.DB.CreateSession(context.Background(), member, hash, "127.0.0.1", "apptest"); err != nil {
		c.site.t.Fatalf("sign in: %v", err)
	}
	at, err := url.Parse(c.site.URL)
	if err != nil {
		c.site.t.Fatal(err)
	}
	c.HTTP.Jar.SetCookies(at, []*http.Cookie{{Name: c.site.Config.CookieName(), Value: token, Path: "/"}})
}

// Answer is a response that has been read.
type Answer struct {
	Status   int
	Header   http.Header
	Body     string
	Location string
}

// Get asks for a path.
func (c *Client) Get(path string) Answer {
	c.site.t.Helper()
	return c.Do(c.request(http.MethodGet, path, nil))
}

// Post sends a form: names and values in turn.
func (c *Client) Post(path string, form ...string) Answer {
	c.site.t.Helper()
	return c.Do(c.Request(http.MethodPost, path, form...))
}

// Htmx sends a form as htmx does, or asks for a part of a page when there is none.
func (c *Client) Htmx(method, path string, form ...string) Answer {
	c.site.t.Helper()
	return c.Do(AsHtmx(c.Request(method, path, form...)))
}

// AsHtmx marks a request as one of htmx for a part of a page.
func AsHtmx(r *http.Request) *http.Request {
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Request-Type", "partial")
	return r
}

// Request is a request that can still be changed before Do sends it; a form makes its body.
func (c *Client) Request(method, path string, form ...string) *http.Request {
	c.site.t.Helper()
	if len(form) == 0 && (method == http.MethodGet || method == http.MethodHead) {
		return c.request(method, path, nil)
	}
	r := c.request(method, path, strings.NewReader(Form(form...)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Form encodes names and values in turn.
func Form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func (c *Client) request(method, path string, body io.Reader) *http.Request {
	c.site.t.Helper()
	r, err := http.NewRequestWithContext(c.site.t.Context(), method, c.site.URL+path, body)
	if err != nil {
		c.site.t.Fatal(err)
	}
	if c.site.Config.BaseURL != "" {
		r.Host = c.site.Config.AllowedHosts()[0] // as behind a proxy
	}
	return r
}

// Do sends a request and reads the answer whole.
func (c *Client) Do(r *http.Request) Answer {
	c.site.t.Helper()
	res, err := c.HTTP.Do(r)
	if err != nil {
		c.site.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.site.t.Fatalf("%s %s: read: %v", r.Method, r.URL.Path, err)
	}
	return Answer{res.StatusCode, res.Header, string(body), res.Header.Get("Location")}
}

// Channel makes a channel and answers its slug.
func (c *Client) Channel(slug string) string {
	c.site.t.Helper()
	a := c.Post("/c", "slug", slug, "name", slug, "description", "About "+slug)
	if a.Status != http.StatusSeeOther {
		c.site.t.Fatalf("make channel %s: %d %s", slug, a.Status, a.Body)
	}
	return slug
}

// Write makes a post and answers its path.
func (c *Client) Write(channel, title, body string, more ...string) string {
	c.site.t.Helper()
	a := c.Post("/c/"+channel+"/posts", append([]string{"title", title, "body", body}, more...)...)
	if a.Status != http.StatusSeeOther {
		c.site.t.Fatalf("write %q: %d %s", title, a.Status, a.Body)
	}
	return a.Location
}

// Comment writes a comment below a post, or with a parent a reply, and answers its id.
func (c *Client) Comment(post, parent, body string) string {
	c.site.t.Helper()
	var id int64
	if _, err := fmt.Sscanf(post, "/p/%d/", &id); err != nil {
		c.site.t.Fatalf("%q is no post's path", post)
	}
	a := c.Post(fmt.Sprintf("/p/%d/comments", id), "parent", parent, "body", body)
	if a.Status != http.StatusSeeOther {
		c.site.t.Fatalf("comment on %s: %d %s", post, a.Status, a.Body)
	}
	return strings.TrimPrefix(a.Location, "/comments/")
}
