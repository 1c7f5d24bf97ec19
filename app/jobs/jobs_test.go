package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"codex/app/jobs"
	"codex/db"
	"codex/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is where jobs are done in a test: it notes each, and answers as the test says.
type desk struct {
	t    *testing.T
	db   *db.DB
	log  buffer
	seen chan db.Job
	do   func(ctx context.Context, n int, job db.Job) error // n counts from 1; nil: all goes well

	mu sync.Mutex
	n  int
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newDesk(t *testing.T) *desk {
	return &desk{t: t, db: dbtest.Open(t), seen: make(chan db.Job, 1000)}
}

func (d *desk) work(ctx context.Context, job db.Job) error {
	d.mu.Lock()
	d.n++
	n := d.n
	d.mu.Unlock()
	d.seen <- job
	if d.do == nil {
		return nil
	}
	return d.do(ctx, n, job)
}

// ask makes a job of the one kind that the tests do.
func (d *desk) ask(n int) {
	d.t.Helper()
	for i := range n {
		if err := d.db.AskReset(context.Background(), fmt.Sprint(i, "@example.org")); err != nil {
			d.t.Fatal(err)
		}
	}
}

// open runs a runner until the test or the function that it answers ends it.
func (d *desk) open(o jobs.Options) (r *jobs.Runner, stop func(within time.Duration)) {
	o.Kinds = map[string]jobs.Do{db.JobReset: d.work}
	r = jobs.New(context.Background(), d.db, slog.New(slog.NewTextHandler(&d.log, nil)), o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	stop = func(within time.Duration) {
		limit, end := context.WithTimeout(context.Background(), within)
		defer end()
		r.Shutdown(limit)
		cancel()
		<-done
	}
	d.t.Cleanup(func() { stop(5 * time.Second) })
	return r, stop
}

func (d *desk) next() db.Job {
	d.t.Helper()
	select {
	case job := <-d.seen:
		return job
	case <-time.After(10 * time.Second):
		d.t.Fatal("no job was done")
		return db.Job{}
	}
}

// left waits until so many jobs wait in the table.
func (d *desk) left(want int) {
	d.t.Helper()
	n := -1
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if n, err = d.db.WaitingJobs(context.Background(), db.JobReset); err != nil {
			d.t.Fatal(err)
		}
		if n == want {
			return
		}
	}
	d.t.Fatalf("%d jobs wait, want %d", n, want)
}

// logs waits until the log holds some words.
func (d *desk) logs(want string) {
	d.t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(d.log.String(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("the log does not hold %q:\n%s", want, d.log.String())
		}
	}
}

func TestAJobIsDoneAtOnceAfterTheCommitThatCausesIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.open(jobs.Options{Tick: time.Hour})
	began := time.Now()
	d.ask(1)
	if job := d.next(); job.Attempts != 1 || !strings.Contains(job.Payload, "0@example.org") {
		t.Errorf("%+v", job)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	d.left(0)
}

func TestMoreJobsThanThereIsRoomForWaitInTheTable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	gate := make(chan struct{})
	d.do = func(context.Context, int, db.Job) error { <-gate; return nil }
	d.ask(40)
	r, _ := d.open(jobs.Options{Workers: 2, Tick: time.Hour})
	d.next()
	d.next()
	if s := r.Stats(); s.Queued+s.Running > 4 || s.Refused != 0 {
		t.Errorf("%+v with two workers", s)
	}
	close(gate)
	for range 38 {
		d.next()
	}
	d.left(0)
	if s := r.Stats(); s.Refused != 0 {
		t.Errorf("%d jobs were claimed without room", s.Refused)
	}
}

func TestAJobOfAKilledServerIsDoneAfterItsClaim(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ask(1)
	// What a process does that is killed at once: it claims, and nobody hears of it again.
	list, err := d.db.ClaimJobs(t.Context(), []string{db.JobReset}, 1, 300*time.Millisecond)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	d.open(jobs.Options{Tick: 20 * time.Millisecond})
	if job := d.next(); job.ID != list[0].ID || job.Attempts != 2 {
		t.Errorf("%+v, want %+v once more", job, list[0])
	}
	d.left(0)
}

// hopeless is a failure that stays one.
type hopeless struct{}

func (hopeless) Error() string { return "no such mailbox" }
func (hopeless) ForGood() bool { return true }

func TestAFailureIsTriedAgainLaterAndAHopelessOneIsNot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.do = func(_ context.Context, _ int, job db.Job) error {
		switch {
		case strings.Contains(job.Payload, `"0@`):
			return errors.New("the server is away")
		case strings.Contains(job.Payload, `"1@`):
			return fmt.Errorf("send: %w", hopeless{})
		case strings.Contains(job.Payload, `"2@`):
			panic("a slip")
		}
		return nil
	}
	d.ask(4)
	d.open(jobs.Options{Tick: time.Hour})
	for range 4 {
		d.next()
	}
	for _, want := range []string{"the server is away", "a job is given up", "panic: a slip", "jobs_test.go"} {
		d.logs(want)
	}
	d.left(2)
	if n, err := d.db.CountDeadJobs(t.Context()); err != nil || n != 1 {
		t.Errorf("%d were given up, %v; want the hopeless one", n, err)
	}
}

func TestAJobThatTakesTooLongFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.do = func(ctx context.Context, _ int, _ db.Job) error { <-ctx.Done(); return ctx.Err() }
	d.ask(1)
	d.open(jobs.Options{Timeout: 30 * time.Millisecond})
	d.next()
	d.logs("deadline exceeded")
}

func TestAStopLetsWhatRunsFinishAndGivesBackTheRest(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	gate := make(chan struct{})
	d.do = func(context.Context, int, db.Job) error { <-gate; return nil }
	d.ask(10)
	_, stop := d.open(jobs.Options{Workers: 2, Tick: time.Hour})
	d.next()
	d.next()
	go func() {
		time.Sleep(50 * time.Millisecond)
		close(gate)
	}()
	stop(10 * time.Second)
	d.left(8)
	// All of them can be had at once, as if nobody had ever claimed them.
	list, err := d.db.ClaimJobs(t.Context(), []string{db.JobReset}, 20, time.Minute)
	if err != nil || len(list) != 8 {
		t.Fatalf("%d can be claimed, %v; want 8", len(list), err)
	}
	for _, j := range list {
		if j.Attempts != 1 {
			t.Errorf("a job that was given back has %d attempts", j.Attempts)
		}
	}
}

func TestAStopThatRunsOutOfTimeCutsJobsOffAndGivesThemBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.do = func(ctx context.Context, _ int, _ db.Job) error { <-ctx.Done(); return ctx.Err() }
	d.ask(1)
	_, stop := d.open(jobs.Options{})
	d.next()
	began := time.Now()
	stop(30 * time.Millisecond)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	list, err := d.db.ClaimJobs(t.Context(), []string{db.JobReset}, 1, time.Minute)
	if err != nil || len(list) != 1 || list[0].Attempts != 1 {
		t.Fatalf("%+v, %v; want the job as if it had not begun", list, err)
	}
}

func TestNothingIsDoneTwiceOrLostByManyStops(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const all = 60
	d.ask(all)
	d.do = func(context.Context, int, db.Job) error { time.Sleep(time.Millisecond); return nil }
	for range 6 {
		_, stop := d.open(jobs.Options{Workers: 3})
		time.Sleep(15 * time.Millisecond)
		stop(10 * time.Second)
	}
	d.open(jobs.Options{})
	d.left(0)
	times := map[string]int{}
	for len(d.seen) > 0 {
		times[(<-d.seen).ID]++
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("job %s was done %d times", id, n)
		}
	}
	if len(times) != all {
		t.Errorf("%d of %d jobs were done", len(times), all)
	}
}
