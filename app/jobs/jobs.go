// Package jobs does the work that must not be lost: it takes due rows of the jobs table (db/jobs.go) into a bounded pool,
// and reports what became of them.
//
// A Runner looks when a commit of this process made a job due, when a worker is free again, and every few seconds for what
// became due by time or came from a command beside the server. It never claims more than the pool has room for, so that
// the rest waits in the table, where another process could take it.
//
// Delivery is at least once. Who is killed between doing a job and reporting it does it again after the next start, when
// the claim has ended: a job must bear that. Jobs have no order among them.
//
// Stopping: Shutdown claims nothing more, gives back what was not begun, lets what runs finish within its context, and
// then cuts it off and gives it back too. Nothing is lost by it, so it is no error of the stop.
//
// Run is called once, Shutdown again does nothing more; Stats at any time by anybody.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"codex/app/worker"
	"codex/db"
)

// Do does a job. An error means that it is tried again later, up to db.MaxAttempts times; one that has a method ForGood
// which answers true means that trying again is no use. Its text is kept and logged: it must hold nothing secret.
type Do func(ctx context.Context, job db.Job) error

// Options are what a Runner is made of; the zero value of all but Kinds is right for a server.
type Options struct {
	Kinds   map[string]Do // what is not here stays in the table
	Workers int           // 0: 2
	Tick    time.Duration // how often it looks by itself; 0: 5 s
	Timeout time.Duration // of one job; 0: 30 s

	// Lease is how long a claim lasts. It has to outlast the wait for a worker and the job, or a slow one would be done
	// twice; 0: four times the timeout.
	Lease time.Duration
}

// reportWithin is how long it is tried to write down what became of a job.
const reportWithin = 5 * time.Second

// errLeft is why a job that was cut off, or not begun, has not been done.
var errLeft = errors.New("left for the next start")

// Runner is made with New.
type Runner struct {
	db      *db.DB
	log     *slog.Logger
	options Options
	kinds   []string
	pool    *worker.Pool[db.Job]
	base    context.Context // the values of a report's context
	free    chan struct{}   // signalled when a job has ended
	closing chan struct{}
	close   func()
}

// New makes a runner that does nothing until Run. Jobs inherit the values of ctx, but not its end.
func New(ctx context.Context, d *db.DB, log *slog.Logger, o Options) *Runner {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Tick == 0 {
		o.Tick = 5 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Lease == 0 {
		o.Lease = 4 * o.Timeout
	}
	r := &Runner{db: d, log: log, options: o, base: context.WithoutCancel(ctx), free: make(chan struct{}, 1), closing: make(chan struct{})}
	r.close = sync.OnceFunc(func() { close(r.closing) })
	for kind := range o.Kinds {
		r.kinds = append(r.kinds, kind)
	}
	// A queue as long as there are workers, so that none waits for the next claim.
	r.pool = worker.New(ctx, worker.Options[db.Job]{Name: "jobs", Workers: o.Workers, Queue: o.Workers, Do: r.do, Failed: r.failed})
	return r
}

// Run takes jobs until ctx ends or Shutdown is called.
func (r *Runner) Run(ctx context.Context) {
	r.pool.Start()
	tick := time.NewTicker(r.options.Tick)
	defer tick.Stop()
	failed := false
	for {
		err := r.take(ctx)
		if err != nil && !failed && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			r.log.Error("jobs cannot be taken", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-r.closing:
			return
		case <-r.db.Queued():
		case <-r.free:
		case <-tick.C:
		}
	}
}

// Stats counts what the pool did since the start.
func (r *Runner) Stats() worker.Stats { return r.pool.Stats() }

// Shutdown stops taking jobs and waits for those that run, until ctx ends.
func (r *Runner) Shutdown(ctx context.Context) {
	r.close()
	err := r.pool.Shutdown(ctx)
	if err == nil || errors.Is(err, worker.ErrNotStarted) {
		return
	}
	r.log.Info("jobs are cut off, and done after the next start", "running", r.pool.Stats().Running)
	// Their context has ended, so this is short; it keeps the database open until they are given back.
	last, cancel := context.WithTimeout(r.base, reportWithin)
	defer cancel()
	_ = r.pool.Shutdown(last)
}

func (r *Runner) stopping() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// take claims as many jobs as there is room for.
func (r *Runner) take(ctx context.Context) error {
	if r.stopping() || len(r.kinds) == 0 {
		return nil
	}
	s := r.pool.Stats()
	room := 2*r.options.Workers - s.Queued - s.Running
	list, err := r.db.ClaimJobs(ctx, r.kinds, room, r.options.Lease)
	if err != nil {
		return err
	}
	for _, job := range list {
		if err := r.pool.Submit(job); err != nil { // the pool was closed meanwhile
			r.report(job, errLeft)
		}
	}
	return nil
}

func (r *Runner) do(pool context.Context, job db.Job) error {
	if r.stopping() {
		return errLeft
	}
	ctx, cancel := context.WithTimeout(pool, r.options.Timeout)
	defer cancel()
	if err := r.options.Kinds[job.Kind](ctx, job); err != nil {
		if pool.Err() != nil {
			return fmt.Errorf("%w: %w", errLeft, err)
		}
		return err
	}
	r.report(job, nil)
	r.freed()
	return nil
}

// failed hears of what do answered, and of a panic in it.
func (r *Runner) failed(job db.Job, err error) {
	r.report(job, err)
	r.freed()
}

func (r *Runner) freed() {
	select {
	case r.free <- struct{}{}:
	default:
	}
}

// report writes down what became of a job. Its context is its own: the job's may have ended, and a letter that is
// delivered must not be sent again because of that. What cannot be reported is due again when its claim ends.
func (r *Runner) report(job db.Job, why error) {
	ctx, cancel := context.WithTimeout(r.base, reportWithin)
	defer cancel()
	log := r.log.With("job", job.ID, "kind", job.Kind, "attempt", job.Attempts)
	var err error
	switch {
	case why == nil:
		err = r.db.FinishJob(ctx, job)
	case errors.Is(why, errLeft):
		err = r.db.ReleaseJob(ctx, job)
	default:
		var dead bool
		if dead, err = r.db.FailJob(ctx, job, why.Error(), forGood(why)); dead {
			log.Error("a job is given up", "error", why)
		} else {
			log.Warn("a job failed and is tried again", "error", why)
		}
		if panicked, ok := errors.AsType[*worker.PanicError](why); ok {
			log.Error("a job panicked", "stack", string(panicked.Stack))
		}
	}
	if err != nil && !errors.Is(err, db.ErrClosed) {
		log.Warn("what became of a job is not written down", "error", err)
	}
}

func forGood(err error) bool {
	var hopeless interface{ ForGood() bool }
	return errors.As(err, &hopeless) && hopeless.ForGood()
}
