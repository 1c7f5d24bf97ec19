package db

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The sizes of BenchmarkClientsThatLeave.
const (
	leavers, stayers = 16, 16
	leaveAfter       = 50 * time.Millisecond
	slowQuery        = 300 * time.Millisecond // how long the abandoned query would take alone
	leaveRound       = 3 * time.Second
	leaveRounds      = 3
)

// BenchmarkClientsThatLeave measures what it is worth that a query ends with its request: 16 clients ask for a slow
// query over HTTP and hang up after 50 ms, 16 others look members up. It alternates the request's context with
// context.WithoutCancel, and reports the medians of its rounds. One iteration is all rounds, so -benchtime 1x.
func BenchmarkClientsThatLeave(b *testing.B) {
	ctx := context.Background()
	d := migrated(b, Options{})
	id, err := d.CreateMember(ctx, NewMember{Handle: "reader", Origin: "command", Role: Plain})
	if err != nil {
		b.Fatal(err)
	}
	steps, alone := slowSteps(b, d)
	figures := map[string][]float64{}
	for b.Loop() {
		for range leaveRounds {
			for _, with := range []bool{true, false} {
				r := leaving{d: d, member: id, steps: steps, cancels: with}
				r.run(b)
				side := map[bool]string{true: "with", false: "without"}[with]
				for name, value := range r.figures() {
					figures[side+name] = append(figures[side+name], value)
				}
			}
		}
	}
	for name, values := range figures {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], name)
	}
	b.ReportMetric(float64(alone.Milliseconds()), "slow-ms")
	b.ReportMetric(float64(d.read.Stats().MaxOpenConnections), "readers")
	b.ReportMetric(leaveRound.Seconds(), "round-s")
	b.ReportMetric(0, "ns/op") // says nothing here
}

const countTo = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT COUNT(*) FROM n"

// slowSteps is how far the recursive query must count to take about slowQuery on this machine.
func slowSteps(b *testing.B, d *DB) (steps int64, took time.Duration) {
	steps = 200_000
	for range 4 {
		var n int64
		began := time.Now()
		if err := d.get(context.Background(), "Slow", &n, countTo, steps); err != nil {
			b.Fatal(err)
		}
		took = time.Since(began)
		if took > slowQuery*3/4 && took < slowQuery*5/4 {
			break
		}
		steps = int64(float64(steps) * float64(slowQuery) / float64(took))
	}
	return steps, took
}

// leaving is one round.
type leaving struct {
	d       *DB
	member  int64
	steps   int64
	cancels bool

	mu   sync.Mutex
	took []time.Duration // of the others' look-ups
	busy []int
}

// run puts the load on for leaveRound, and returns when no query of it runs any more.
func (l *leaving) run(b *testing.B) {
	// What WithoutCancel lets run on is ended with the round, or the next round would measure it.
	round, over := context.WithCancel(context.Background())
	queryContext := func(r *http.Request) (context.Context, func()) {
		ctx := r.Context()
		if l.cancels {
			return ctx, func() {}
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stop := context.AfterFunc(round, cancel)
		return ctx, func() { stop(); cancel() }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		ctx, done := queryContext(r)
		defer done()
		var n int64
		if err := l.d.get(ctx, "Slow", &n, countTo, l.steps); err == nil {
			fmt.Fprintln(w, n)
		}
	})
	mux.HandleFunc("/member", func(w http.ResponseWriter, r *http.Request) {
		ctx, done := queryContext(r)
		defer done()
		m, err := l.d.MemberByID(ctx, l.member)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, m.Handle)
	})
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(listen)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: leavers + stayers}}
	url := "http://" + listen.Addr().String()

	var ended atomic.Bool
	time.AfterFunc(leaveRound, func() { ended.Store(true); over() })
	var clients sync.WaitGroup
	for range leavers {
		clients.Go(func() {
			for !ended.Load() {
				ctx, cancel := context.WithTimeout(round, leaveAfter)
				ask(ctx, client, url+"/slow")
				cancel()
				pause(round, leaveAfter)
			}
		})
	}
	for range stayers {
		clients.Go(func() {
			for !ended.Load() {
				began := time.Now()
				ask(round, client, url+"/member") // the one that the end of the round cuts short counts with the time so far
				l.mu.Lock()
				l.took = append(l.took, time.Since(began))
				l.mu.Unlock()
				pause(round, 5*time.Millisecond)
			}
		})
	}
	clients.Go(func() {
		for !ended.Load() {
			l.busy = append(l.busy, l.d.BusyReaders())
			pause(round, 5*time.Millisecond)
		}
	})
	clients.Wait()
	over()
	server.Close()
	client.CloseIdleConnections()
	for l.d.InFlight() > 0 {
		time.Sleep(time.Millisecond)
	}
}

func ask(ctx context.Context, c *http.Client, url string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	res, err := c.Do(r)
	if err != nil {
		return
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// figures are what the round gave, named as the benchmark reports them behind the side's name.
func (l *leaving) figures() map[string]float64 {
	slices.Sort(l.took)
	at := func(q float64) float64 {
		return float64(l.took[min(len(l.took)-1, int(q*float64(len(l.took))))]) / float64(time.Millisecond)
	}
	busy := 0
	for _, n := range l.busy {
		busy += n
	}
	return map[string]float64{
		"-p50-ms": at(0.5), "-p99-ms": at(0.99), "-lookups/s": float64(len(l.took)) / leaveRound.Seconds(), "-busy": float64(busy) / float64(max(1, len(l.busy))),
	}
}
