package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"codex/app/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken picture")

// sleep is a job that takes as long as it says, or until its context ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func submit[T any](t *testing.T, p *worker.Pool[T], jobs ...T) {
	t.Helper()
	for _, job := range jobs {
		if err := p.Submit(job); err != nil {
			t.Fatal(err)
		}
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantStats[T any](t *testing.T, p *worker.Pool[T], want worker.Stats) {
	t.Helper()
	if got := p.Stats(); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestAsManyJobsRunAtOnceAsThereAreWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(t.Context(), worker.Options[time.Duration]{Name: "images", Workers: 2, Queue: 3, Do: sleep})
		p.Start()
		p.Start()
		submit(t, p, time.Second, time.Second)
		synctest.Wait() // both are taken, the queue is free
		submit(t, p, time.Second, time.Second, time.Second)
		if err := p.Submit(time.Second); !errors.Is(err, worker.ErrFull) {
			t.Errorf("a sixth job: %v, want ErrFull", err)
		}
		wantStats(t, p, worker.Stats{Accepted: 5, Refused: 1, Queued: 3, Running: 2})
		began := time.Now()
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("five jobs of a second took two workers %v, want 3s", took)
		}
		if err := p.Submit(time.Second); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("a job after the end: %v, want ErrClosed", err)
		}
		wantStats(t, p, worker.Stats{Accepted: 5, Done: 5, Refused: 2})
		if err := p.Shutdown(t.Context()); err != nil {
			t.Errorf("a second stop: %v", err)
		}
	})
}

func TestJobsBeforeTheStartAreDoneInTheirOrder(t *testing.T) {
	t.Parallel()
	var done []int
	p := worker.New(t.Context(), worker.Options[int]{Workers: 1, Queue: 4, Do: func(_ context.Context, job int) error {
		done = append(done, job)
		return nil
	}})
	submit(t, p, 1, 2, 3, 4)
	wantStats(t, p, worker.Stats{Accepted: 4, Queued: 4})
	p.Start()
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(done, []int{1, 2, 3, 4}) {
		t.Errorf("done in the order %d", done)
	}
}

func TestAStopThatRunsOutOfTimeSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(t.Context(), worker.Options[time.Duration]{Name: "mail", Workers: 2, Queue: 9, Do: sleep})
		p.Start()
		submit(t, p, time.Second, time.Hour, time.Hour, time.Second)
		err := p.Shutdown(within(t, time.Minute))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "mail: stopped with 3 jobs left") {
			t.Errorf("%v; want mail, 3 left, and that the time was over", err)
		}
		synctest.Wait() // both heeded their context; the last job was not begun
		wantStats(t, p, worker.Stats{Accepted: 4, Done: 1, Failed: 2, Queued: 1})
		if err := p.Shutdown(t.Context()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 jobs left") {
			t.Errorf("the stop after it: %v; want that one was left, and the first reason", err)
		}
	})
}

func TestAJobThatHeedsNothingDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := worker.New(t.Context(), worker.Options[time.Duration]{Workers: 1, Do: func(_ context.Context, d time.Duration) error {
			time.Sleep(d)
			return nil
		}})
		p.Start()
		synctest.Wait() // a worker waits, so that a queue of 0 takes a job
		submit(t, p, time.Hour)
		began := time.Now()
		if err := p.Shutdown(within(t, time.Minute)); err == nil || time.Since(began) != time.Minute {
			t.Errorf("the stop took %v: %v", time.Since(began), err)
		}
		if err := p.Shutdown(t.Context()); err != nil || time.Since(began) != time.Hour {
			t.Errorf("a stop with time for it took %v: %v", time.Since(began), err)
		}
	})
}

func TestAPoolThatWasNeverStartedLeavesItsJobs(t *testing.T) {
	t.Parallel()
	do := func(context.Context, int) error { t.Error("a job was done"); return nil }
	idle := worker.New(t.Context(), worker.Options[int]{Workers: 1, Queue: 2, Do: do})
	if err := idle.Shutdown(t.Context()); err != nil {
		t.Errorf("without jobs: %v", err)
	}
	p := worker.New(t.Context(), worker.Options[int]{Workers: 1, Queue: 2, Do: do})
	submit(t, p, 1, 2)
	if err := p.Shutdown(t.Context()); !errors.Is(err, worker.ErrNotStarted) || !strings.Contains(err.Error(), "2 jobs left") {
		t.Errorf("%v; want 2 left, and why", err)
	}
	p.Start()
	wantStats(t, p, worker.Stats{Accepted: 2, Queued: 2})
}

func TestAPanicIsAFailureWithItsStack(t *testing.T) {
	t.Parallel()
	var failed []int
	var last error
	p := worker.New(t.Context(), worker.Options[int]{
		Workers: 1, Queue: 3,
		Do: func(_ context.Context, job int) error {
			switch job {
			case 1:
				return errBroken
			case 2:
				panic(errBroken)
			}
			return nil
		},
		Failed: func(job int, err error) { failed, last = append(failed, job), err },
	})
	p.Start()
	submit(t, p, 1, 2, 3)
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStats(t, p, worker.Stats{Accepted: 3, Done: 1, Failed: 2, Panics: 1})
	if !slices.Equal(failed, []int{1, 2}) {
		t.Errorf("told of %d, want 1 and 2", failed)
	}
	var panicked *worker.PanicError
	if !errors.As(last, &panicked) || !strings.Contains(string(panicked.Stack), "TestAPanicIsAFailureWithItsStack") {
		t.Errorf("%v, and its stack does not name the job", last)
	}
}

func TestJobsHaveTheValuesOfTheirPoolsContextAndNotItsEnd(t *testing.T) {
	t.Parallel()
	type key struct{}
	signal, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	p := worker.New(signal, worker.Options[int]{Workers: 1, Queue: 1, Do: func(ctx context.Context, _ int) error {
		if ctx.Value(key{}) != "kept" {
			t.Error("the value is lost")
		}
		return ctx.Err()
	}})
	stop()
	p.Start()
	submit(t, p, 1)
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStats(t, p, worker.Stats{Accepted: 1, Done: 1})
}

// Whoever submits while others stop: each job that was accepted is done once, no other is, and the numbers add up.
func TestNoAcceptedJobIsLostWhenSubmitAndShutdownMeet(t *testing.T) {
	t.Parallel()
	for range 500 {
		const people, each = 4, 50
		var done [people * each]atomic.Int64
		p := worker.New(t.Context(), worker.Options[int]{
			Workers: 1 + rand.IntN(4),
			Queue:   rand.IntN(8),
			Do: func(_ context.Context, job int) error {
				switch done[job].Add(1); job % 7 {
				case 5:
					return errBroken
				case 6:
					panic(errBroken)
				}
				return nil
			},
		})
		p.Start()
		var accepted [people * each]bool
		var all sync.WaitGroup
		for person := range people {
			all.Go(func() {
				for job := person * each; job < (person+1)*each; job++ {
					accepted[job] = p.Submit(job) == nil
				}
			})
		}
		stopAt := rand.Int64N(people * each)
		for range 2 {
			all.Go(func() {
				for s := p.Stats(); s.Accepted+s.Refused < stopAt; s = p.Stats() {
					if s.Accepted != s.Done+s.Failed+int64(s.Queued+s.Running) || s.Queued < 0 {
						t.Errorf("the numbers do not add up: %+v", s)
					}
				}
				if err := p.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if s := p.Stats(); s.Accepted != s.Done+s.Failed {
					t.Errorf("accepted %d, done %d and failed %d", s.Accepted, s.Done, s.Failed)
				}
			})
		}
		all.Wait()
		var taken int64
		for job := range accepted {
			var want int64
			if accepted[job] {
				want, taken = 1, taken+1
			}
			if got := done[job].Load(); got != want {
				t.Errorf("job %d, accepted %t, was done %d times", job, accepted[job], got)
			}
		}
		if s := p.Stats(); s.Accepted != taken || s.Accepted+s.Refused != people*each {
			t.Errorf("of %d jobs %d were taken: %+v", people*each, taken, s)
		}
	}
}

func TestNewRefusesWhatMakesNoPool(t *testing.T) {
	t.Parallel()
	do := func(context.Context, int) error { return nil }
	for name, o := range map[string]worker.Options[int]{
		"no worker": {Do: do}, "a queue of less than nothing": {Workers: 1, Queue: -1, Do: do}, "nothing to do": {Workers: 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s made a pool", name)
				}
			}()
			worker.New(t.Context(), o)
		}()
	}
}

func BenchmarkSubmit(b *testing.B) {
	do := func(context.Context, int) error { return nil }
	submit := func(b *testing.B, p *worker.Pool[int], want error) {
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := p.Submit(1); !errors.Is(err, want) {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("taken", func(b *testing.B) { // beside workers that are busy with taking
		p := worker.New(b.Context(), worker.Options[int]{Workers: 2, Queue: b.N, Do: do})
		p.Start()
		submit(b, p, nil)
		if err := p.Shutdown(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("full", func(b *testing.B) {
		submit(b, worker.New(b.Context(), worker.Options[int]{Workers: 2, Do: do}), worker.ErrFull)
	})
}
