// Package worker runs jobs of one kind in the background: a bounded queue, and a fixed number of workers that empty it.
//
// A pool is not durable: what it holds ends with the process. Work that must not be lost is a row in the database first
// and a job second, and what is left when a pool stops is found there at the next start.
//
// Concurrency: everything may be called from any goroutine. Jobs are taken in the order in which they were accepted, as
// many at once as there are workers. The pool owns its workers, and has no other goroutine.
//
// Full: Submit never waits. It refuses with ErrFull when Options.Queue jobs wait already; the caller decides whether that
// is a 503, a drop that is counted, or a row that waits for a quieter hour. Waiting would make the pool's backlog the
// request's.
//
// Stopping: Shutdown refuses what comes from then on with ErrClosed and lets everything that was accepted finish, so that
// after it returned nil Accepted is Done + Failed. Where its context ends first, the jobs' context ends too, what still
// waits is not begun, and the error says how many are left.
package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

var (
	// ErrFull says that the queue has no room; the job was not taken.
	ErrFull = errors.New("the queue is full")
	// ErrClosed says that the pool is stopping or has stopped; the job was not taken.
	ErrClosed = errors.New("the pool is closed")
	// ErrNotStarted is why jobs are left when a pool stops that was never started.
	ErrNotStarted = errors.New("the pool was never started")
)

// PanicError is what a job failed with that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Options are what a Pool is made of.
type Options[T any] struct {
	Name    string // "images"; for errors
	Workers int    // jobs at once, 1 or more
	Queue   int    // jobs that may wait; with 0 a job is taken only where a worker is free

	// Do is the job. Its context ends when a Shutdown runs out of time. A panic is a failure like any other; runtime.Goexit
	// is not allowed.
	Do func(ctx context.Context, job T) error

	// Failed hears of each job that failed, with a *PanicError when it panicked, before it is counted. It is called by the
	// workers, several at once, and must not panic. May be nil.
	Failed func(job T, err error)
}

// Stats is what a dashboard shows of a pool. The numbers are of one moment: Accepted is always Done + Failed + Running +
// Queued.
type Stats struct {
	Accepted, Done, Failed int64
	Panics                 int64 // of the Failed
	Refused                int64 // by Submit, full or closed
	Queued, Running        int   // now; what is Queued after the end was never begun
}

// Pool runs jobs of the type T. Make one with New, and stop it with Shutdown.
type Pool[T any] struct {
	options Options[T]
	queue   chan T
	done    chan struct{}   // closed when the last worker has gone
	jobs    context.Context // what Do gets
	cut     context.CancelCauseFunc

	mu      sync.Mutex // one lock, held for a few instructions, so that the numbers always add up
	stats   Stats      // all but Queued
	workers int        // that have not gone
	started bool
	closed  bool // then queue is closed too
}

// New returns a pool that accepts jobs and does none until it is started. Jobs inherit the values of ctx, but not its end:
// only Shutdown ends them, or the signal that begins a stop would cut off what is to be drained. It panics where
// o makes no pool: that is a mistake in the program.
func New[T any](ctx context.Context, o Options[T]) *Pool[T] {
	if o.Workers < 1 || o.Queue < 0 || o.Do == nil {
		panic(fmt.Sprintf("worker: %q with %d workers, a queue of %d, something to do: %t", o.Name, o.Workers, o.Queue, o.Do != nil))
	}
	p := &Pool[T]{options: o, queue: make(chan T, o.Queue), done: make(chan struct{})}
	p.jobs, p.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	return p
}

// Start starts the workers. Starting twice, or after Shutdown, does nothing.
func (p *Pool[T]) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started || p.closed {
		return
	}
	p.started, p.workers = true, p.options.Workers
	for range p.options.Workers {
		go p.work()
	}
}

// Submit hands over a job and returns at once: nil, ErrFull or ErrClosed. Before Start a job is queued.
func (p *Pool[T]) Submit(job T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.stats.Refused++
		return fmt.Errorf("%s: %w", p.options.Name, ErrClosed)
	}
	select {
	case p.queue <- job:
		p.stats.Accepted++
		return nil
	default:
		p.stats.Refused++
		return fmt.Errorf("%s: %w", p.options.Name, ErrFull)
	}
}

// Shutdown stops the pool and waits until all that was accepted is done, or ctx ends. Then it ends the jobs' context and
// returns at once, without waiting for jobs that may not heed it, with the number that is left and ctx.Err(). Whoever has
// to know that those have gone too calls it again, with time for it.
//
// A pool that was never started has nobody to do its jobs, and the program that is stopping because it could not start has
// not what they need: they are left, with ErrNotStarted.
func (p *Pool[T]) Shutdown(ctx context.Context) error {
	p.close()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.cut(ctx.Err())
	}
	if s := p.Stats(); s.Queued+s.Running > 0 {
		return fmt.Errorf("%s: stopped with %d jobs left: %w", p.options.Name, s.Queued+s.Running, context.Cause(p.jobs))
	}
	return nil
}

// Stats counts.
func (p *Pool[T]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Queued = int(s.Accepted-s.Done-s.Failed) - s.Running
	return s
}

func (p *Pool[T]) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	close(p.queue) // no Submit is between its look at closed and its send: both are under the lock
	if !p.started {
		p.cut(ErrNotStarted)
		close(p.done)
	}
}

func (p *Pool[T]) work() {
	defer p.leave()
	for job := range p.queue {
		if p.jobs.Err() != nil {
			return // what waits is left, and counted as that
		}
		p.begin()
		err := p.try(job)
		if err != nil && p.options.Failed != nil {
			p.options.Failed(job, err)
		}
		p.end(err)
	}
}

// leave is a worker's end. The last one tells Shutdown: a goroutine that waits for all would be nobody's when it is cut off.
func (p *Pool[T]) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers--; p.workers == 0 {
		close(p.done)
	}
}

func (p *Pool[T]) try(job T) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return p.options.Do(p.jobs, job)
}

func (p *Pool[T]) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Running++
}

func (p *Pool[T]) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Running--
	if err == nil {
		p.stats.Done++
		return
	}
	p.stats.Failed++
	if _, panicked := errors.AsType[*PanicError](err); panicked {
		p.stats.Panics++
	}
}
