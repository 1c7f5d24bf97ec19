package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"codex/app/middleware"
	"codex/app/trace"
)

// logged is the part of the chain that the log reads from.
func logged(book *logBook, slow time.Duration, h http.Handler) http.Handler {
	log := book.logger()
	h = middleware.RequestLog(h, log, slow)
	h = middleware.Recover(h, log, fail)
	return middleware.Tracing(middleware.Visitor(h, nil), nil)
}

func TestARequestIsOneLine(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Minute, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		middleware.SetMember(r.Context(), 42)
		trace.Start(r.Context(), trace.KindQuery, "Posts").End(3, nil)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	})))
	res, _ := get(t, s, "/c/rust?q=private+words")
	line := book.line(t, "request")
	for name, want := range map[string]any{
		"level": "INFO", "method": "GET", "path": "/c/rust", "status": 418.0, "bytes": 5.0, "queries": 1.0,
		"addr": "127.0.0.1", "member": 42.0, "request_id": res.Header.Get("X-Request-ID"),
	} {
		if line[name] != want {
			t.Errorf("%s = %v, want %v", name, line[name], want)
		}
	}
	if strings.Contains(fmt.Sprint(line), "private") {
		t.Errorf("the query is in the log: %v", line)
	}
}

func TestASlowRequestIsLoggedWithItsSpans(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Nanosecond, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		trace.Start(r.Context(), trace.KindQuery, "Posts").End(3, nil)
		time.Sleep(time.Millisecond)
	})))
	get(t, s, "/")
	line := book.line(t, "slow request")
	spans := fmt.Sprint(line["spans"])
	if line["level"] != "WARN" || !strings.Contains(spans, "query Posts (3 rows)") || !strings.Contains(spans, "handler /") {
		t.Errorf("line %v", line)
	}
}

func TestAStreamIsNotSlow(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Nanosecond, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": hello\n\n")
	})))
	get(t, s, "/events")
	if line := book.line(t, "request"); line["level"] != "INFO" {
		t.Errorf("line %v", line)
	}
}

func TestALongPathIsCut(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Minute, write("")))
	get(t, s, "/"+strings.Repeat("é", 2000))
	if path := fmt.Sprint(book.line(t, "request")["path"]); len(path) > 300 {
		t.Errorf("%d bytes of path in the log", len(path))
	}
}

func TestAClientThatWentAwayIs499AtDebug(t *testing.T) {
	t.Parallel()
	var book logBook
	started := make(chan struct{})
	s := serve(t, logged(&book, time.Minute, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
	})))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-started
		cancel()
	}()
	if res, err := s.Client().Do(req); err == nil {
		res.Body.Close()
		t.Fatal("the request was answered")
	}
	if line := book.line(t, "request"); line["status"] != 499.0 || line["level"] != "DEBUG" {
		t.Errorf("line %v", line)
	}
}

func TestAPanicIsA500WithAStackInTheLog(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Minute, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("no such luck")
	})))
	res, _ := get(t, s, "/")
	if res.StatusCode != 500 {
		t.Errorf("status %d", res.StatusCode)
	}
	line := book.line(t, "panic in a handler")
	if line["panic"] != "no such luck" || !strings.Contains(fmt.Sprint(line["stack"]), "requestlog_test.go") ||
		line["request_id"] != res.Header.Get("X-Request-ID") {
		t.Errorf("line %v", line)
	}
	if line := book.line(t, "request"); line["status"] != 500.0 || line["aborted"] != true {
		t.Errorf("line %v", line)
	}
	if res, _ := get(t, s, "/"); res.StatusCode != 500 {
		t.Error("the server did not survive")
	}
}

func TestAPanicAfterTheHeaderCutsTheConnection(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"a fault": "late", "on purpose": http.ErrAbortHandler} {
		var book logBook
		s := serve(t, logged(&book, time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half a page")
			w.(http.Flusher).Flush()
			panic(value)
		})))
		res, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil || string(text) != "half a page" {
			t.Errorf("%s: read %q, %v; want half a page and an error", name, text, err)
		}
		if line := book.line(t, "request"); line["status"] != 200.0 || line["aborted"] != true {
			t.Errorf("%s: line %v", name, line)
		}
	}
}

func TestErrAbortHandlerBeforeTheHeaderAnswersNothing(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Minute, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})))
	if res, err := s.Client().Get(s.URL); err == nil {
		res.Body.Close()
		t.Errorf("status %d, want a cut connection", res.StatusCode)
	}
}

// A stream has to get through the whole chain as it is written, and a handler
// has to reach the connection.
func TestTheWholeChainStreams(t *testing.T) {
	t.Parallel()
	var book logBook
	seen := make(chan struct{})
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("the connection is out of reach: %v", err)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush() // the header alone
		<-seen
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-seen
	})
	h, err := middleware.Compress(h)
	if err != nil {
		t.Fatal(err)
	}
	h = middleware.WithTimeout(middleware.WriteDeadline(middleware.SlowBody(h, middleware.DefaultPace()), time.Minute), time.Minute)
	h = middleware.CrossOrigin(middleware.NewGate().Handler(h, fail), fail)
	h = middleware.Headers(logged(&book, time.Minute, h), true)
	s := serve(t, h)

	for _, encoding := range []string{"zstd, gzip", "gzip", "identity"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding)
		res, err := s.Client().Do(req) // returns when the header is here
		if err != nil {
			t.Fatal(err)
		}
		seen <- struct{}{}
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		if err != nil || line != "data: 1\n" || res.Header.Get("Content-Encoding") != "" || res.Header.Get("No-Gzip-Compression") != "" {
			t.Errorf("%s: %q, %v, headers %v", encoding, line, err, res.Header)
		}
		seen <- struct{}{}
		res.Body.Close()
	}
}

func BenchmarkChain(b *testing.B) {
	log := slog.New(trace.LogHandler(slog.NewJSONHandler(io.Discard, nil)))
	page := []byte(strings.Repeat("<p>a page</p>\n", 200))
	var inner http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	limits := middleware.NewLimits(false, time.Now)
	h, err := middleware.Compress(middleware.SlowBody(middleware.WriteDeadline(middleware.WithTimeout(middleware.RateLimit(inner, limits, fail), time.Minute), time.Minute), middleware.DefaultPace()))
	if err != nil {
		b.Fatal(err)
	}
	h = middleware.CrossOrigin(h, fail)
	h = middleware.NewGate().Handler(h, fail)
	h = middleware.Host(h, []string{"forum.example"}, fail)
	h = middleware.RequestLog(h, log, time.Second)
	h = middleware.Recover(h, log, fail)
	h = middleware.Tracing(middleware.Visitor(h, nil), nil)
	h = middleware.Headers(h, true)
	for name, h := range map[string]http.Handler{"bare": inner, "chain": h} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), "GET", "/", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.RemoteAddr, r.Host = "203.0.113.9:1", "forum.example"
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header              { return d.header }
func (discard) Write(p []byte) (int, error)        { return len(p), nil }
func (discard) WriteHeader(int)                    {}
func (discard) SetWriteDeadline(_ time.Time) error { return nil }
