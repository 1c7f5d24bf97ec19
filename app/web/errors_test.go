package web_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/app/config"
	"codex/app/middleware"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

// anonymous is a page without what differs from request to request.
func anonymous(a apptest.Answer, path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(a.Body, a.Header.Get("X-Request-Id"), "ID"), path, "PATH")
}

func TestMissingAndForbiddenAreOnePage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, other := s.As("author", db.Plain), s.As("other", db.Plain)
	author.Channel("tides")
	post := author.Write("tides", "Secret", "Text")
	comment := author.Comment(post, "", "Also secret")
	want(t, author.Post(at(t, post, "delete")), 303)
	for _, c := range []*apptest.Client{s.Guest(), other} {
		missing := anonymous(want(t, c.Get("/nothing"), 404), "nothing")
		for _, path := range []string{post, "/comments/" + comment, "/p/999/x", "/c/none", "/u/none", "/t/none", "/comments/999", "/static/none.js", "/p/1/secret/more"} {
			a := want(t, c.Get(path), 404)
			escaped := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "%2F")
			if strings.HasPrefix(path, "/static/") {
				c = s.Guest() // files are served without asking who it is
				missing = anonymous(want(t, c.Get("/nothing"), 404), "nothing")
			}
			if got := anonymous(a, escaped); got != missing {
				t.Errorf("%s has a page of its own:\n%s", path, got)
			}
			if strings.Contains(a.Body, "Secret") {
				t.Errorf("%s tells the title", path)
			}
		}
	}
}

func TestEveryResponseBearsItsRequestID(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	c.Channel("tides")
	seen := map[string]bool{}
	css := attr(first(open(t, c, "/").root, func(n *html.Node) bool { return attr(n, "rel") == "stylesheet" }), "href")
	for _, r := range []*http.Request{
		c.Request("GET", "/"), c.Request("HEAD", "/"), c.Request("GET", "/nothing"), c.Request("GET", css), c.Request("GET", "/static/none"),
		c.Request("GET", "/healthz"), c.Request("GET", "/readyz"), c.Request("GET", "/robots.txt"), c.Request("GET", "/favicon.ico"),
		c.Request("POST", "/c/tides/posts"), c.Request("POST", "/c/tides/join"), apptest.AsHtmx(c.Request("POST", "/settings/theme", "theme", "dark")),
		apptest.AsHtmx(c.Request("GET", "/comments/999")), c.Request("DELETE", "/"), c.Request("PATCH", "/c/tides"), c.Request("GET", "//c"),
		s.Guest().Request("GET", "/settings"),
	} {
		r.Header.Set("X-Request-Id", "11111111-1111-4111-8111-111111111111") // a stranger's does not count
		a := c.Do(r)
		id := a.Header.Get("X-Request-Id")
		if parsed, err := uuid.Parse(id); err != nil || parsed.Version() != 4 || len(id) != 36 || seen[id] {
			t.Errorf("%s %s: id %q, %v", r.Method, r.URL, id, err)
		}
		seen[id] = true
		if a.Status >= 400 && a.Status != 422 && !strings.Contains(a.Body, id) {
			t.Errorf("%s %s: the page of the error %d does not show the id", r.Method, r.URL, a.Status)
		}
	}
}

func TestAnErrorForHtmxIsAToastAndThePageStays(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	for _, a := range []apptest.Answer{c.Htmx("POST", "/comments/999/react", "kind", "like"), c.Htmx("GET", "/comments/999")} {
		p := aPartial(t, want(t, a, 404))
		if a.Header.Get("HX-Retarget") != "#toasts" || a.Header.Get("HX-Reswap") != "innerHTML" {
			t.Errorf("it is put to %q with %q", a.Header.Get("HX-Retarget"), a.Header.Get("HX-Reswap"))
		}
		if n := first(p.root, class("toast")); n == nil || attr(n, "role") != "alert" || !strings.Contains(text(n), a.Header.Get("X-Request-Id")) {
			t.Errorf("the toast: %s", a.Body)
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Error("an error may be kept by a cache")
		}
	}
	// The back button asks for a whole page, and gets one.
	r := c.Request("GET", "/nothing")
	r.Header.Set("HX-Request-Type", "full")
	r.Header.Set("HX-History-Restore-Request", "true")
	if a := c.Do(r); a.Header.Get("HX-Retarget") != "" || !strings.Contains(a.Body, "<html") {
		t.Error("the back button got a part of a page")
	}
}

// revealing are words of an error's inside that no page may show.
func revealing(body string) string {
	for _, words := range []string{"context deadline", "context canceled", "ViewerBySession", "CreatePost", "CreateComment", "SQL", "sqlite", "goroutine", "codex/db", "database is"} {
		if strings.Contains(body, words) {
			return words
		}
	}
	return ""
}

func TestARequestPastItsDeadlineGetsAPage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RequestTimeout = time.Nanosecond })
	member := s.As("member", db.Plain)
	for name, c := range map[string]*apptest.Client{"guest": s.Guest(), "member": member} {
		for _, path := range []string{"/", "/c", "/tags", "/u/member", "/about"} {
			a := want(t, c.Get(path), http.StatusGatewayTimeout)
			if p := parse(t, a); !p.has(t, "That took too long") || !p.has(t, a.Header.Get("X-Request-Id")) {
				t.Errorf("%s at %s: %s", name, path, a.Body)
			}
			if words := revealing(a.Body); words != "" {
				t.Errorf("the page says %q", words)
			}
		}
	}
	a := want(t, member.Post("/c/tides/posts", "title", "Kept title", "body", "Kept <b>text</b>", "key", "k"), 504)
	f := parse(t, a).form(t, "/c/tides/posts")
	if f.get("title") != "Kept title" || f.get("body") != "Kept <b>text</b>" || f.get("key") != "k" {
		t.Errorf("the form is not kept: %q", f.fields)
	}
	if a := want(t, member.Htmx("POST", "/p/1/react", "kind", "like"), 504); a.Header.Get("HX-Retarget") != "#toasts" {
		t.Error("htmx gets no toast")
	}
}

// lock takes the write lock of the database from outside and answers how to let it go.
func lock(t *testing.T, s *apptest.Site) (release func()) {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+filepath.Join(s.Config.Data, db.FileName)+"?_txlock=immediate&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatalf("take the write lock: %v", err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), pool.Close()); err != nil {
			t.Errorf("let the write lock go: %v", err)
		}
	}
}

// until waits for something that happens soon.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for stop := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("still waiting until %s", what)
		}
	}
}

func TestAWriteThatWaitedTooLongCanBeSentAgain(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RequestTimeout = time.Second })
	c := s.As("member", db.Plain)
	c.Channel("tides")
	form := open(t, c, "/c/tides/new").form(t, "/c/tides/posts").with("title", "Patience", "body", "Text", "tags", "a b", "kind", "question")
	release := lock(t, s)
	a := want(t, c.Post("/c/tides/posts", form...), 504)
	release()
	again := parse(t, a).form(t, "/c/tides/posts")
	done := want(t, c.Post(again.action, again.fields...), 303)
	if p := open(t, c, done.Location); !p.has(t, "Patience") || !p.has(t, "Question") {
		t.Error("what was sent again is not what was written")
	}
	if once := want(t, c.Post(again.action, again.fields...), 303); once.Location != done.Location {
		t.Error("sending it a third time made another post")
	}
}

// TestQueryCancellation over HTTP: a client hangs up, the query ends, and the connection serves the next.
func TestQueryCancellation(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	c.Channel("tides")
	release := lock(t, s)
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	r := c.Request("POST", "/c/tides/posts", "title", "Abandoned", "body", "Text").WithContext(ctx)
	go func() {
		_, err := c.HTTP.Do(r)
		ended <- err
	}()
	until(t, "the query runs", func() bool { return s.DB.InFlight() > 0 })
	hangUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the client: %v", err)
	}
	until(t, "the query has ended", func() bool { return s.DB.InFlight() == 0 })
	release()
	post := c.Write("tides", "The next", "Text")
	if titles := open(t, c, "/c/tides").titles(); len(titles) != 1 || !strings.Contains(post, "the-next") {
		t.Errorf("posts %q: what was abandoned is there", titles)
	}
}

func TestAForcedStopAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.ShutdownTimeout = 50 * time.Millisecond })
	c := s.As("member", db.Plain)
	c.Channel("tides")
	release := lock(t, s)
	answered := make(chan string, 1)
	r := c.Request("POST", "/c/tides/posts", "title", "Never written", "body", "Text")
	go func() {
		res, err := c.HTTP.Do(r)
		if err != nil {
			answered <- ""
			return
		}
		res.Body.Close()
		answered <- res.Status
	}()
	until(t, "the query runs", func() bool { return s.DB.InFlight() > 0 })
	s.Stop()
	if status := <-answered; status != "" && status[0] != '5' {
		t.Errorf("the write was not done, and its answer is %s", status)
	}
	release()
	if err := s.Ended(); err == nil {
		t.Error("a stop that cut a request short says nothing of it")
	}
}

func TestWhileTheServerStopsTheTextIsKept(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	c.Channel("tides")
	// A request whose body is still on its way keeps the server from ending.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /preview HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nbody=")
	ready := func() bool { return c.Get("/readyz").Status == 200 }
	if !ready() {
		t.Fatal("not ready")
	}
	warm := c.Request("GET", "/")
	want(t, c.Do(warm), 200) // by now the other request is inside as well
	time.Sleep(20 * time.Millisecond)
	s.Stop()
	until(t, "the probe says so", func() bool { return !ready() })
	for path, fields := range map[string][]string{
		"/c/tides/posts":    {"title", "My title", "body", "My text", "key", "the key"},
		"/p/1/comments":     {"body", "My text", "parent", "7", "key", "the key"},
		"/c":                {"name", "N", "slug", "s", "description", "My description", "rules", "My rules", "key", "the key"},
		"/settings/profile": {"name", "N", "bio", "My life"},
	} {
		a := want(t, c.Post(path, fields...), http.StatusServiceUnavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
		f := parse(t, a).form(t, path)
		for i := 0; i < len(fields); i += 2 {
			if got := f.get(fields[i]); got != fields[i+1] {
				t.Errorf("%s: %s is %q, want %q", path, fields[i], got, fields[i+1])
			}
		}
	}
	if a := want(t, c.Post("/login", "login", "member", "password", "my secret"), 503); strings.Contains(a.Body, "my secret") {
		t.Error("a password stands on the page")
	}
	want(t, c.Get("/"), 503)
	fmt.Fprint(conn, "hello")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("the request that was inside: %v, %v", res, err)
	}
}

func TestTooOftenKeepsTheTextAndItCanBeSentAgain(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64 // beyond the real time
	s := apptest.StartAt(t, func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }, func(c *config.Config) { c.RateLimits = "on" })
	staff := s.As("staff", db.Moderator)
	staff.Channel("tides")
	c := s.As("member", db.Plain)
	form := func(title string) []string {
		return open(t, c, "/c/tides/new").form(t, "/c/tides/posts").with("title", title, "body", "Text of "+title, "tags", "a b")
	}
	one, two := form("One"), form("Two")
	first := want(t, c.Post("/c/tides/posts", one...), 303)
	a := want(t, c.Post("/c/tides/posts", two...), http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q, want 5", a.Header.Get("Retry-After"))
	}
	kept := parse(t, a).form(t, "/c/tides/posts")
	for i := 0; i < len(two); i += 2 {
		if got := kept.get(two[i]); got != two[i+1] {
			t.Errorf("%s is %q, want %q", two[i], got, two[i+1])
		}
	}
	// What was stored already is found, and costs nothing.
	if a := want(t, c.Post("/c/tides/posts", one...), 303); a.Location != first.Location {
		t.Error("the first form led elsewhere the second time")
	}
	if a := want(t, c.Htmx("POST", at(t, first.Location, "comments"), "body", "x"), 429); a.Header.Get("HX-Retarget") != "#toasts" {
		t.Error("htmx gets no toast, and what was typed is lost")
	}
	passed.Add(int64(6 * time.Second))
	second := want(t, c.Post(kept.action, kept.fields...), 303)
	if p := open(t, c, second.Location); !p.has(t, "Text of Two") {
		t.Error("what was sent again is not what was written")
	}
	for range 5 {
		staff.Write("tides", "Staff are exempt", "Text")
	}
}

func TestGuestsHaveALimitForAllTheirRequests(t *testing.T) {
	t.Parallel()
	still := time.Now()
	s := apptest.StartAt(t, func() time.Time { return still }, func(c *config.Config) { c.RateLimits = "on" })
	g := s.Guest()
	for i := range 50 {
		if a := g.Get("/robots.txt"); a.Status != 200 {
			t.Fatalf("request %d: %d", i+1, a.Status)
		}
	}
	if a := want(t, g.Get("/"), 429); a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	want(t, g.Get("/healthz"), 200)
	want(t, g.Get("/static/none"), 404)
}

func TestABodyThatIsTooLargeOrNoForm(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	c.Channel("tides")
	large := strings.Repeat("x", 1<<20+1)
	a := want(t, c.Post("/c/tides/posts", "title", "T", "body", large), http.StatusRequestEntityTooLarge)
	if !strings.Contains(visible(a.Body), "one megabyte") {
		t.Errorf("the limit is not told: %s", visible(a.Body))
	}
	send := func(kind, body string) apptest.Answer {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/c/tides/posts", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		return c.Do(r)
	}
	parts := func(text string) (kind, body string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = errors.Join(w.WriteField("title", "By curl -F"), w.WriteField("body", text), w.Close())
		return w.FormDataContentType(), b.String()
	}
	want(t, send(parts("Text")), 303)
	want(t, send(parts(large)), 413)
	want(t, send("application/x-www-form-urlencoded", "title=T&body=%zz"), 400)
	want(t, send("multipart/form-data; boundary=x", "nonsense"), 400)
	want(t, send("application/json", `{"title": "T"}`), 422)
}

func TestAnUnknownHostIsMisdirected(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.Guest()
	for host, status := range map[string]int{"evil.example": 421, "localhost": 200, "LOCALHOST:1234": 200, "127.0.0.1.evil.example": 421, "[::1]": 200} {
		r := c.Request("GET", "/about")
		r.Host = host
		if a := c.Do(r); a.Status != status {
			t.Errorf("%s: %d, want %d", host, a.Status, status)
		} else if status == 421 && (strings.Contains(a.Body, "evil") || a.Header.Get("Content-Security-Policy") == "") {
			t.Errorf("%s: the host is on the page, or the headers are not there", host)
		}
	}
}

func TestTheDatabaseThatIsClosedMakesAPageToo(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("member", db.Plain)
	if err := s.DB.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := want(t, c.Get("/"), 503)
	if words := revealing(a.Body); words != "" || !strings.Contains(a.Body, a.Header.Get("X-Request-Id")) {
		t.Errorf("the page says %q", words)
	}
	want(t, c.Get("/readyz"), 503)
	want(t, c.Get("/healthz"), 200)
}

func TestWhatAnotherSiteSentIsNotOfferedForSending(t *testing.T) {
	t.Parallel()
	site := apptest.Start(t)
	c := site.As("anna", db.Plain)
	c.Channel("room")
	post := c.Write("room", "Title", "Text")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := c.Request(http.MethodPost, post+"/comments", "body", "words of another site")
		r.Header.Set(name, value)
		if a := c.Do(r); a.Status != http.StatusForbidden || strings.Contains(a.Body, "words of another site") {
			t.Errorf("%s: %s: %d, kept %v", name, value, a.Status, strings.Contains(a.Body, "words of another site"))
		}
	}
}

func TestATextIsKeptWhenThePostWasLockedWhileOneWrote(t *testing.T) {
	t.Parallel()
	site := apptest.Start(t)
	staff, anna := site.As("mod", db.Moderator), site.As("anna", db.Plain)
	staff.Channel("room")
	post := staff.Write("room", "Title", "Text")
	id := strings.Split(post, "/")[2]
	if a := staff.Post("/p/"+id+"/lock", "on", "true"); a.Status != http.StatusSeeOther {
		t.Fatalf("lock: %d", a.Status)
	}
	if a := anna.Post("/p/"+id+"/comments", "body", "an hour of work"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "an hour of work") {
		t.Errorf("%d, kept %v", a.Status, strings.Contains(a.Body, "an hour of work"))
	}
}

func TestARefusalThatIsMeantIsNoErrorInTheLog(t *testing.T) {
	t.Parallel()
	d, log := dbtest.Open(t), new(bytes.Buffer)
	member := take(d.CreateMember(t.Context(), db.NewMember{Handle: "writer", Role: db.Plain, Origin: "command"}))
	take(d.CreateChannel(t.Context(), db.Viewer{ID: member, Role: db.Plain}, db.NewChannel{Slug: "tides", Name: "Tides"}))
	done(d.SetSetting(t.Context(), db.SettingReadOnly, "on"))
	token, hash := auth.NewToken()
	done(d.CreateSession(t.Context(), member, hash, "", ""))
	c := &config.Config{RateLimits: "off"}
	h := take(web.New(web.Options{DB: d, Config: c, Static: hollow(t), Log: slog.New(slog.NewTextHandler(log, nil)), Gate: middleware.NewGate(), Setup: new(auth.Setup), Site: "Quiet", Version: "test"}))
	r := httptest.NewRequest("GET", "http://localhost/new", nil)
	r.AddCookie(&http.Cookie{Name: c.CookieName(), Value: token})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(log.String(), `level=INFO msg="request failed" status=503`) || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("it is answered with %d, and logged as\n%s", w.Code, log)
	}
}
