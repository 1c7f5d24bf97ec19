package middleware_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"codex/app/middleware"
)

func TestTheDeadlineIsInTheContext(t *testing.T) {
	t.Parallel()
	s := serve(t, middleware.WithTimeout(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // as a query does
		fail(w, r, r.Context().Err())
	}), 5*time.Millisecond))
	if res, _ := get(t, s, "/"); res.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("status %d, want 504", res.StatusCode)
	}
	none := serve(t, middleware.WithTimeout(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, has := r.Context().Deadline(); has {
			t.Error("a timeout of 0 set a deadline")
		}
	}), 0))
	get(t, none, "/")
}

func TestSecurityHeadersAreOnEveryResponse(t *testing.T) {
	t.Parallel()
	refusing := middleware.Host(write("page"), []string{"forum.example"}, fail)
	s := serve(t, middleware.Headers(refusing, true))
	for _, host := range []string{"forum.example", "evil.example"} {
		res, _ := get(t, s, "/", "Host", host)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
				"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "max-age=31536000",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", host, name, got, want)
			}
		}
	}
	plain := serve(t, middleware.Headers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Content-Security-Policy", "sandbox")
	}), false))
	for range 2 { // what one response adds is not in the next
		res, _ := get(t, plain, "/")
		if n := len(res.Header.Values("Content-Security-Policy")); n != 2 {
			t.Errorf("%d policies, want 2", n)
		}
		if res.Header.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS over plain http")
		}
	}
}

func TestUnknownHostsAreMisdirected(t *testing.T) {
	t.Parallel()
	local := []string{"localhost", "127.0.0.1", "[::1]"}
	for _, test := range []struct {
		hosts []string
		host  string
		ok    bool
	}{
		{local, "localhost", true},
		{local, "LocalHost:8888", true},
		{local, "127.0.0.1:1", true},
		{local, "[::1]:8888", true},
		{local, "[::1]", true},
		{local, "localhost:x", false},
		{local, "localhost.evil.example", false},
		{local, "evil.example:8888", false},
		{local, "", false},
		{[]string{"forum.example"}, "forum.example", true},
		{[]string{"forum.example"}, "Forum.Example", true},
		{[]string{"forum.example"}, "forum.example:443", true},
		{[]string{"forum.example"}, "forum.example:8443", false},
		{[]string{"forum.example"}, "localhost", false},
		{[]string{"forum.example:8443"}, "forum.example:8443", true},
		{[]string{"forum.example:8443"}, "forum.example", false},
	} {
		err := refusal(t, func(f middleware.Fail) http.Handler { return middleware.Host(write(""), test.hosts, f) },
			func(r *http.Request) { r.Host = test.host })
		if test.ok != (err == nil) {
			t.Errorf("%v, host %q: %v", test.hosts, test.host, err)
		}
		var unknown *middleware.UnknownHost
		if err != nil && (!errors.As(err, &unknown) || unknown.Status() != 421) {
			t.Errorf("host %q: %v", test.host, err)
		}
	}
}

// refusal runs one request and returns what fail was called with.
func refusal(t *testing.T, build func(middleware.Fail) http.Handler, change func(*http.Request)) (failed error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://forum.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	build(func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err }).ServeHTTP(discard{http.Header{}}, r)
	return failed
}

func TestWritesFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method  string
		headers map[string]string
		ok      bool
	}{
		{"POST", nil, true}, // curl
		{"POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"POST", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"POST", map[string]string{"Origin": "https://evil.example"}, false},
		{"POST", map[string]string{"Origin": "https://forum.example"}, true},
		{"POST", map[string]string{"Origin": "null"}, false},
		{"DELETE", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
	} {
		err := refusal(t, func(f middleware.Fail) http.Handler { return middleware.CrossOrigin(write(""), f) }, func(r *http.Request) {
			r.Method = test.method
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
		})
		var refused *middleware.CrossOriginRequest
		if test.ok != (err == nil) || err != nil && (!errors.As(err, &refused) || refused.Status() != 403) {
			t.Errorf("%s %v: %v", test.method, test.headers, err)
		}
	}
}

func TestAClosedGateLetsRunningRequestsFinish(t *testing.T) {
	t.Parallel()
	gate := middleware.NewGate()
	inside, finish := make(chan struct{}), make(chan struct{})
	s := serve(t, gate.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(inside)
		<-finish
	}), fail))
	done := make(chan int)
	go func() {
		res, err := s.Client().Get(s.URL)
		if err != nil {
			t.Error(err)
			done <- 0
			return
		}
		res.Body.Close()
		done <- res.StatusCode
	}()
	<-inside
	if !gate.Ready() || gate.Running() != 1 {
		t.Errorf("ready %v, running %d", gate.Ready(), gate.Running())
	}
	gate.Close()
	gate.Close()
	if gate.Ready() {
		t.Error("a closed gate is ready")
	}
	res, _ := get(t, s, "/")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "5" || !res.Close {
		t.Errorf("a new request: %d, Retry-After %q, close %v", res.StatusCode, res.Header.Get("Retry-After"), res.Close)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := gate.Wait(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 running") {
		t.Errorf("Wait with one inside: %v", err)
	}
	close(finish)
	if err := gate.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if status := <-done; status != 200 {
		t.Errorf("the running request got %d", status)
	}
}

func TestAnIdleGateClosesAtOnce(t *testing.T) {
	t.Parallel()
	gate := middleware.NewGate()
	gate.Close()
	if err := gate.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
