package app

import (
	"context"
	"fmt"
	"time"
)

// ErrForced says that a stop did not wait for all that was running.
type ErrForced struct{ Running int }

func (e *ErrForced) Error() string {
	return fmt.Sprintf("stopped with %d requests still running", e.Running)
}

// stop ends the server in order, each stage within what is left of the budget:
//
//  1. the gate closes: /readyz says 503, a new request gets 503 and when to come back
//  2. the hub closes: each stream tells its reader when to come back, and ends
//  3. running requests, and with them their queries, finish
//  4. the listener and the idle connections close
//  5. jobs that run finish, those that wait are given back: they are rows, and done after the next start
//
// and then Run lets the housekeeping end and Close folds the WAL into the database. The probes answer through stages
// 1 to 3, which is how a balancer in front learns of it. Requests do not inherit the signal's context: they would be
// cut off and not drained.
func (a *App) stop(force context.Context) error {
	a.log.Info("stopping", "running", a.gate.Running(), "budget", a.config.ShutdownTimeout)
	began := time.Now()
	budget, cancel := context.WithTimeout(force, a.config.ShutdownTimeout)
	defer cancel()
	a.gate.Close()
	a.hub.Close()
	if err := a.gate.Wait(budget); err != nil {
		running := a.gate.Running()
		a.cut() // ends their queries inside SQLite
		_ = a.server.Close()
		a.drainJobs(budget) // which has ended, so they are cut off
		a.log.Warn("stop forced", "running", running, "after", time.Since(began))
		return &ErrForced{running}
	}
	// Nothing runs any more but probes and idle connections.
	last, cancelLast := context.WithTimeout(force, 2*time.Second)
	defer cancelLast()
	if err := a.server.Shutdown(last); err != nil {
		_ = a.server.Close()
	}
	a.drainJobs(budget)
	a.log.Info("stopped", "after", time.Since(began))
	return nil
}

// jobsBudget is how long a stop waits for jobs: a mail server that does not answer must not use up what the requests left.
const jobsBudget = 5 * time.Second

// drainJobs ends the jobs. Again, or after they have ended, it does nothing.
func (a *App) drainJobs(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, jobsBudget)
	defer cancel()
	a.jobs.Shutdown(ctx)
}
