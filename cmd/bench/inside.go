package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"codex"
	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/middleware"
	"codex/app/web"
	"codex/db"
)

// What can be seen only from inside: allocations, queries, and where the time goes. The handler chain is the real one,
// on the same data.

// inside is the handler chain in this process.
type inside struct {
	handler http.Handler
	lines   *requestLines
}

func newInside(ctx context.Context, d *db.DB) (*inside, error) {
	static, err := fs.Sub(codex.Static, "static")
	if err != nil {
		return nil, err
	}
	in := &inside{lines: new(requestLines)}
	log, news := slog.New(in.lines), hub.New(hub.Options{})
	carried, err := bridge.New(ctx, d, news, log)
	if err != nil {
		return nil, err
	}
	in.handler, err = web.New(web.Options{
		DB: d, Hub: news, Bridge: carried, Static: static, Log: log, Gate: middleware.NewGate(), Setup: new(auth.Setup), Site: "Codex", Version: "bench",
		Config: &config.Config{Addr: "127.0.0.1:8888", Data: "", RateLimits: "off", LogLevel: "warn", RequestTimeout: 10 * time.Second, ShutdownTimeout: 10 * time.Second},
	})
	return in, err
}

// requestLines is a log that counts the queries of the request log's lines while it listens. Otherwise it is a log at
// level warn, as the measured server's, so that what a line costs is not counted.
type requestLines struct {
	mu        sync.Mutex
	listening bool
	queries   int
}

func (l *requestLines) listen(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listening, l.queries = on, 0
}

func (l *requestLines) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queries
}

func (l *requestLines) Enabled(_ context.Context, level slog.Level) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return level >= slog.LevelWarn || l.listening && level >= slog.LevelInfo
}

func (l *requestLines) Handle(_ context.Context, line slog.Record) error {
	if line.Level >= slog.LevelWarn {
		say("the server says: %s", line.Message)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line.Attrs(func(a slog.Attr) bool {
		if a.Key == "queries" {
			l.queries += int(a.Value.Int64())
		}
		return true
	})
	return nil
}

func (l *requestLines) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *requestLines) WithGroup(string) slog.Handler      { return l }

// nowhere is a response that is thrown away.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header              { return w.header }
func (w *nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (w *nowhere) WriteHeader(status int)           { w.status = status }
func (w *nowhere) Flush()                           {}
func (w *nowhere) SetReadDeadline(time.Time) error  { return nil }
func (w *nowhere) SetWriteDeadline(time.Time) error { return nil }

func (in *inside) once(ctx context.Context, key answerKey) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, key.Path, nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", key.Path, err)
	}
	r.Host, r.RequestURI, r.RemoteAddr = "localhost", key.Path, "127.0.0.1:1"
	r.Header.Set("Accept-Encoding", key.Encoding)
	if key.Cookie != "" {
		r.Header.Set("Cookie", key.Cookie)
	}
	w := &nowhere{header: make(http.Header, 16)}
	in.handler.ServeHTTP(w, r)
	if w.status != 0 && w.status != http.StatusOK {
		return fmt.Errorf("ask for %s: the answer is %d", key.Path, w.status)
	}
	return nil
}

func (in *inside) queriesOf(ctx context.Context, key answerKey) (int, error) {
	in.lines.listen(true)
	defer in.lines.listen(false)
	err := in.once(ctx, key)
	return in.lines.seen(), err
}

// allocations of one request after the pools are warm, those of the goroutines that it starts included.
func (in *inside) allocations(ctx context.Context, key answerKey) (count, bytes float64, err error) {
	const warm, counted = 30, 200
	for range warm {
		if err := in.once(ctx, key); err != nil {
			return 0, 0, err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range counted {
		if err := in.once(ctx, key); err != nil {
			return 0, 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / counted, float64(after.TotalAlloc-before.TotalAlloc) / counted, nil
}

// queryFigure is how many queries a post's page makes.
type queryFigure struct {
	post          postRef
	guest, member int
}

// inProcess fills in what the cells lack.
func (b *bench) inProcess(ctx context.Context, cookie string) error {
	say("allocations and queries")
	return b.openDB(ctx, func(ctx context.Context, d *db.DB) error {
		in, err := newInside(ctx, d)
		if err != nil {
			return err
		}
		for _, c := range b.cells {
			if c.queries, err = in.queriesOf(ctx, c.key); err != nil {
				return err
			}
			if c.allocs, c.allocBytes, err = in.allocations(ctx, c.key); err != nil {
				return err
			}
		}
		for _, p := range b.chosen.growth {
			f := queryFigure{post: p}
			if f.guest, err = in.queriesOf(ctx, answerKey{p.path, "", asBrowser}); err != nil {
				return err
			}
			if f.member, err = in.queriesOf(ctx, answerKey{p.path, cookie, asBrowser}); err != nil {
				return err
			}
			b.queries = append(b.queries, f)
		}
		return nil
	})
}

// profile serves from this process and writes where the time goes while the pages are asked for.
func (b *bench) profile(ctx context.Context) error {
	return b.openDB(ctx, func(ctx context.Context, d *db.DB) error {
		in, err := newInside(ctx, d)
		if err != nil {
			return err
		}
		listen, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		addr := listen.Addr().String()
		var labels atomic.Pointer[pprof.LabelSet]
		labels.Store(new(pprof.Labels()))
		server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pprof.Do(r.Context(), *labels.Load(), func(ctx context.Context) { in.handler.ServeHTTP(w, r) })
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listen) }()
		defer func() {
			_ = server.Close()
			<-served
		}()
		cookie, err := signIn(ctx, addr, b.chosen.channels)
		if err != nil {
			return err
		}
		return b.profiled(func() error {
			for _, c := range b.cellsOf(addr, cookie, asBrowser) {
				labels.Store(new(pprof.Labels("page", c.page, "viewer", c.viewer)))
				l := load{addr: addr, conns: b.Connections, span: b.Duration, want: 200, next: func(int, int) []byte { return c.request }}
				t, err := l.run(ctx)
				if err != nil {
					return fmt.Errorf("%s as %s: %w", c.page, c.viewer, err)
				}
				say("%s as %s: %.0f a second, p99 %v", c.page, c.viewer, t.rate, t.p99)
			}
			labels.Store(new(pprof.Labels("page", "comment", "viewer", "member")))
			t, err := load{addr: addr, conns: writers, span: b.Duration, want: 303, next: b.commenting(addr, cookie)}.run(ctx)
			say("comments: %.0f a second, p99 %v", t.rate, t.p99)
			return err
		})
	})
}

func (b *bench) profiled(work func() error) error {
	out, err := os.Create(b.Cpuprofile)
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return errors.Join(fmt.Errorf("write the profile: %w", err), out.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	if err := errors.Join(err, out.Close()); err != nil || b.Memprofile == "" {
		return err
	}
	mem, err := os.Create(b.Memprofile)
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(mem, 0), mem.Close())
}
