package middleware

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// stopRetry is what a refused client is told: a restart takes about that long.
const stopRetry = 5 * time.Second

// Gate counts the requests that are running, and lets no new ones in once it
// is closed. Make one with NewGate.
type Gate struct {
	mu      sync.Mutex
	closed  bool
	running int
	idle    chan struct{} // closed when the gate is closed and nothing runs
}

// NewGate returns an open gate.
func NewGate() *Gate { return &Gate{idle: make(chan struct{})} }

// Handler passes requests on while the gate is open. Then it answers them with
// Stopping (503) and asks the client to close the connection. Probes are
// mounted outside of it, or nobody could ask whether the gate is open.
func (g *Gate) Handler(next http.Handler, fail Fail) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			w.Header().Set("Connection", "close")
			fail(w, r, &Stopping{After: stopRetry})
			return
		}
		defer g.leave() // also when the handler panics
		next.ServeHTTP(w, r)
	})
}

// Hold counts what outlives the handler that calls it, a stream, as a request that is running until release is called,
// once. It is for inside of a request, so the gate cannot be closed with nothing running.
func (g *Gate) Hold() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running++
	return g.leave
}

// Ready says whether the gate is open, for /readyz.
func (g *Gate) Ready() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.closed
}

// Running returns how many requests are inside, streams included.
func (g *Gate) Running() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running
}

// Close lets no new requests in. Those inside go on. It may be called again.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	if g.running == 0 {
		close(g.idle)
	}
}

// Wait returns nil when the gate is closed and the last request has left, or
// an error that wraps ctx.Err() and says how many are still inside.
func (g *Gate) Wait(ctx context.Context) error {
	select {
	case <-g.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %d running requests: %w", g.Running(), ctx.Err())
	}
}

func (g *Gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running++
	return true
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.closed && g.running == 0 {
		close(g.idle)
	}
}
