package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve answers on loopback and says where.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listen)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return listen.Addr().String()
}

func TestAnAnswerIsReadToItsEndHoweverItsLengthIsTold(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long": // no length, so in chunks
			for range 3 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 50_000))
				w.(http.Flusher).Flush()
			}
		case "/short": // net/http adds the length
			_, _ = w.Write([]byte("hello"))
		case "/empty":
			w.WriteHeader(http.StatusSeeOther)
		case "/last":
			w.Header().Set("Connection", "close")
		}
	})
	for _, want := range []struct {
		path   string
		status int
		bytes  int64
		stays  bool
	}{{"/long", 200, 150_000, true}, {"/short", 200, 5, true}, {"/empty", 303, 0, true}, {"/last", 200, 0, false}} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c := loadClient{conn: conn, in: newReader(conn)}
		for range 2 { // the second answer is found only if the first was read to its end
			if _, err := conn.Write(request(addr, answerKey{want.path, "", unpacked})); err != nil {
				t.Fatal(err)
			}
			status, stays, err := c.answer()
			if err != nil || status != want.status || stays != want.stays || c.bytes != want.bytes {
				t.Errorf("%s: %d, stays %v, %d bytes, %v", want.path, status, stays, c.bytes, err)
			}
			if !want.stays {
				break
			}
		}
	}
}

func TestALoadCountsAnswersAndRefusesWrongOnes(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			http.Error(w, "no", http.StatusInternalServerError)
		}
	})
	ask := func(path string) load {
		r := request(addr, answerKey{path, "", unpacked})
		return load{addr: addr, conns: 2, span: 50 * time.Millisecond, want: 200, next: func(int, int) []byte { return r }}
	}
	got, err := ask("/").run(context.Background())
	if err != nil || got.rate <= 0 || got.p50 <= 0 || got.p99 < got.p50 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ask("/wrong").run(context.Background()); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("wrong answers gave %v", err)
	}
}

func TestTheSumsOfAnImportAreFound(t *testing.T) {
	t.Parallel()
	m := importSums.FindStringSubmatch("Badges.xml   4,467        0    4,467\n  badges are not a feature   4,467\nall      22,389    8,636   13,753\n")
	if m == nil || number(m[1]) != 22389 || number(m[2]) != 8636 {
		t.Errorf("found %q", m)
	}
}

func TestCountsHaveCommasBetweenThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%v is %q, not %q", n, got, want)
		}
	}
}
