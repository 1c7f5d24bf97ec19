package middleware_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"codex/app/middleware"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// swallow reads the whole body and answers its length.
func swallow(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		fail(w, r, err)
		return
	}
	fmt.Fprint(w, n)
}

func TestABodyIsBounded(t *testing.T) {
	t.Parallel()
	var book logBook
	s := serve(t, logged(&book, time.Minute, middleware.MaxBody(http.HandlerFunc(swallow), 1000)))
	if res, text := send(t, s, "POST", "/", strings.NewReader(strings.Repeat("x", 1000))); res.StatusCode != 200 || text != "1000" {
		t.Errorf("1000 bytes: %d %s", res.StatusCode, text)
	}
	if res, _ := send(t, s, "POST", "/", strings.NewReader(strings.Repeat("x", 1001))); res.StatusCode != 413 || !res.Close {
		t.Errorf("1001 bytes: %d, close %v; want 413 and a closed connection", res.StatusCode, res.Close)
	}
	if res, _ := get(t, s, "/"); res.StatusCode != 200 {
		t.Errorf("no body: %d", res.StatusCode)
	}
}

// trickle sends a body in pieces with a pause after each and returns the
// status, and how long it took.
func trickle(t *testing.T, addr string, pieces int, pause time.Duration) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", pieces*10)
	answer := make(chan int, 1)
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answer <- 0
			return
		}
		res.Body.Close()
		answer <- res.StatusCode
	}()
	for range pieces {
		if _, err := conn.Write([]byte("0123456789")); err != nil {
			break
		}
		select {
		case status := <-answer:
			return status, time.Since(began)
		case <-time.After(pause):
		}
	}
	return <-answer, time.Since(began)
}

func TestABodyThatComesTooSlowlyEnds(t *testing.T) {
	t.Parallel()
	pace := middleware.Pace{Grace: 50 * time.Millisecond, BytesPerSecond: 1000}
	s := serve(t, middleware.SlowBody(http.HandlerFunc(swallow), pace))
	addr := s.Listener.Addr().String()

	// 10 bytes in 30 ms are 333 a second: too slow, and noticed soon after the grace.
	if status, took := trickle(t, addr, 1000, 30*time.Millisecond); status != 408 || took > 5*time.Second {
		t.Errorf("a slow body: %d after %v, want 408", status, took)
	}
	// 10 bytes in 1 ms are faster than asked, and last longer than the grace.
	if status, took := trickle(t, addr, 100, time.Millisecond); status != 200 || took < pace.Grace {
		t.Errorf("a long body at a fair pace: %d after %v, want 200", status, took)
	}
}

func TestABodyThatNobodyReadsHoldsNoConnection(t *testing.T) {
	t.Parallel()
	pace := middleware.Pace{Grace: 50 * time.Millisecond, BytesPerSecond: 1000}
	s := serve(t, middleware.SlowBody(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), pace))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A body is announced and none comes; without a deadline the server waits for it before it answers.
	if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open after %q: %v", answer, err)
	}
}

func TestAfterTheBodyNoDeadlineIsLeft(t *testing.T) {
	t.Parallel()
	pace := middleware.Pace{Grace: 20 * time.Millisecond, BytesPerSecond: 1 << 20}
	s := serve(t, middleware.SlowBody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		swallow(w, r)
		select {
		case <-r.Context().Done():
			t.Error("the deadline of the body ended the request")
		case <-time.After(3 * pace.Grace):
		}
	}), pace))
	if res, text := send(t, s, "POST", "/", strings.NewReader("body")); res.StatusCode != 200 || text != "4" {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	send(t, s, "POST", "/", strings.NewReader("body")) // the same connection goes on
}

func TestAReaderThatStopsReadingCannotHoldTheHandler(t *testing.T) {
	t.Parallel()
	result := make(chan error, 1)
	s := serve(t, middleware.WriteDeadline(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		page := bytes.Repeat([]byte("x"), 1<<20)
		for range 64 { // more than the buffers of a connection hold
			if _, err := w.Write(page); err != nil {
				result <- err
				return
			}
		}
		result <- nil
	}), 50*time.Millisecond))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing ended with %v, want the deadline", err)
	}
}

func compressed(t *testing.T, contentType, body string) http.Handler {
	t.Helper()
	h, err := middleware.Compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", `W/"1"`)
		_, _ = io.WriteString(w, body)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLongTextIsCompressed(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("<p>a paragraph</p>\n", 200)
	decoders := map[string]func(io.Reader) (io.Reader, error){
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
	}
	for _, test := range []struct{ contentType, body, accept, want string }{
		{"text/html; charset=utf-8", page, "gzip, deflate, br, zstd", "zstd"},
		{"text/html; charset=utf-8", page, "gzip, br", "gzip"},
		{"application/atom+xml", page, "gzip", "gzip"},
		{"application/json", page, "gzip", "gzip"},
		{"text/html", page, "identity", ""},
		{"text/html", page, "br", ""},
		{"text/html", "short", "gzip, zstd", ""},
		{"image/webp", page, "gzip, zstd", ""},
		{"text/event-stream", page, "gzip, zstd", ""},
	} {
		s := serve(t, compressed(t, test.contentType, test.body))
		res, raw := get(t, s, "/", "Accept-Encoding", test.accept)
		got := res.Header.Get("Content-Encoding")
		if got != test.want {
			t.Errorf("%s, accepting %s: encoding %q, want %q", test.contentType, test.accept, got, test.want)
			continue
		}
		reader, err := decoders[got](strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(reader); err != nil || string(body) != test.body {
			t.Errorf("%s as %q: the body changed (%v)", test.contentType, got, err)
		}
		if res.Header.Get("ETag") != `W/"1"` || !strings.Contains(res.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s as %q: headers %v", test.contentType, got, res.Header)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	// A page of 50 comments: markup that repeats around text that does not.
	var page strings.Builder
	for i := range 50 {
		fmt.Fprintf(&page, `<article class="comment" id="c%d"><header><a href="/u/member%d">Member %d</a> <time>%d minutes ago</time></header><p>`, i, i*7, i*7, i)
		for word := range 60 {
			fmt.Fprintf(&page, "%x ", uint32(i*7919+word*104729)*2654435761)
		}
		page.WriteString("</p></article>\n")
	}
	for _, accept := range []string{"identity", "gzip", "zstd"} {
		b.Run(accept, func(b *testing.B) {
			h, err := middleware.Compress(write(page.String()))
			if err != nil {
				b.Fatal(err)
			}
			r, err := http.NewRequestWithContext(b.Context(), "GET", "/", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", accept)
			b.ReportAllocs()
			b.SetBytes(int64(page.Len()))
			for b.Loop() {
				h.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}
