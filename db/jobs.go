package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Job is work that must not be lost: a row, written by the transaction that causes the work, until somebody reports that
// it is done. It may be done twice where who did it was killed before they could say so, and never not at all.
//
// Whoever wants to do it claims it for a time. A claim that ends without a report, as after kill -9, makes it due again.
// Attempts is the claim's number: a report with an older one comes from somebody whose claim had ended, and changes
// nothing.
type Job struct {
	ID        string `db:"id"`
	Kind      string `db:"kind"`
	Subject   int64  `db:"subject_id"` // what it is about; 0: the payload says
	Payload   string `db:"payload"`    // JSON
	Attempts  int    `db:"attempts"`
	CreatedAt Millis `db:"created_at"`
	RunAt     Millis `db:"run_at"` // of a dead one: when it died
	ExpiresAt Millis `db:"expires_at"`
	LastError string `db:"last_error"`
}

const (
	// MaxAttempts is after how many failures a job is dead: about two days, as mail servers keep trying.
	MaxAttempts = 20
	// DeadKept is how long a dead job can be looked at and tried again.
	DeadKept = 30 * 24 * time.Hour

	firstRetry   = 15 * time.Second
	longestRetry = 4 * time.Hour
	retriedLasts = 24 * time.Hour // a dead job that is tried again
	jobsDropped  = 1000           // at a call
	maxJobError  = 500            // bytes
)

const jobColumns = "id, kind, COALESCE(subject_id, 0) AS subject_id, payload, attempts, created_at, run_at, COALESCE(expires_at, 0) AS expires_at, last_error"

// newJob is what enqueue writes.
type newJob struct {
	Kind    string
	Subject int64
	Payload any           // nil: none
	After   time.Duration // when it is due; 0: at once
	Lasts   time.Duration // after which nobody wants it any more; 0: for ever
}

// enqueue writes a job into the transaction that causes it. Queued is signalled once it is committed.
func (t *tx) enqueue(ctx context.Context, n newJob) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("id of a job: %w", err)
	}
	payload := []byte("{}")
	if n.Payload != nil {
		if payload, err = json.Marshal(n.Payload); err != nil {
			return fmt.Errorf("payload of a job: %w", err)
		}
	}
	now := t.d.now()
	var subject, expires any
	if n.Subject != 0 {
		subject = n.Subject
	}
	if n.Lasts != 0 {
		expires = MillisOf(now.Add(n.Lasts))
	}
	t.queued = true
	_, err = t.exec(ctx, "job", "INSERT INTO jobs (id, kind, subject_id, payload, run_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id.String(), n.Kind, subject, string(payload), MillisOf(now.Add(n.After)), expires, MillisOf(now))
	return err
}

// dropJobs takes back what was to be done about a subject.
func (t *tx) dropJobs(ctx context.Context, kind string, subject int64) error {
	_, err := t.exec(ctx, "drop jobs", "DELETE FROM jobs WHERE subject_id = ? AND kind = ?", subject, kind)
	return err
}

// Queued is signalled after a commit of this process that made a job due. Several commits may be one signal.
func (d *DB) Queued() <-chan struct{} { return d.queued }

// ClaimJobs claims up to limit due jobs of some kinds, the longest due first, until the lease ends. Those that have
// expired are dropped instead. With nothing due it only reads.
func (d *DB) ClaimJobs(ctx context.Context, kinds []string, limit int, lease time.Duration) ([]Job, error) {
	now := d.now()
	var due []string
	for _, kind := range kinds {
		var at Millis
		err := d.get(ctx, "DueJob", &at, "SELECT run_at FROM jobs WHERE kind = ? AND state = 'waiting' ORDER BY run_at LIMIT 1", kind)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil && at <= MillisOf(now) {
			due = append(due, kind)
		}
	}
	if len(due) == 0 || limit <= 0 {
		return nil, nil
	}
	// Each kind gets its share first: a thousand letters do not keep a webhook from being called.
	var list []Job
	err := d.change(ctx, "ClaimJobs", func(ctx context.Context, tx *tx) error {
		list = nil
		share := max(1, limit/len(due))
		for _, n := range []int{share, limit} {
			for _, kind := range due {
				some, err := tx.claim(ctx, kind, min(n, limit-len(list)), MillisOf(now), MillisOf(now.Add(lease)))
				if err != nil {
					return err
				}
				list = append(list, some...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Job) int { return strings.Compare(a.ID, b.ID) }) // by when they were made
	return list, nil
}

func (t *tx) claim(ctx context.Context, kind string, n int, now, until Millis) ([]Job, error) {
	if n <= 0 {
		return nil, nil
	}
	var list []Job
	if err := t.list(ctx, "claim", &list, `UPDATE jobs SET attempts = attempts + 1, run_at = ?, claimed_until = ? WHERE id IN
		(SELECT id FROM jobs WHERE kind = ? AND state = 'waiting' AND run_at <= ? ORDER BY run_at LIMIT ?) RETURNING `+jobColumns,
		until, until, kind, now, n); err != nil {
		return nil, err
	}
	wanted := list[:0]
	for _, j := range list {
		switch {
		case j.ExpiresAt != 0 && j.ExpiresAt <= now:
			if _, err := t.exec(ctx, "expired job", "DELETE FROM jobs WHERE id = ?", j.ID); err != nil {
				return nil, err
			}
		case j.Attempts > MaxAttempts: // nobody who began it came back: it may be what kills them
			if err := t.bury(ctx, j, "begun many times and never ended", now); err != nil {
				return nil, err
			}
		default:
			wanted = append(wanted, j)
		}
	}
	return wanted, nil
}

// FinishJob reports that a claimed job is done. ErrNotFound: the claim had ended, and somebody else has the job or has
// done it.
func (d *DB) FinishJob(ctx context.Context, j Job) error {
	return d.change(ctx, "FinishJob", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "done", "DELETE FROM jobs WHERE id = ? AND attempts = ?", j.ID, j.Attempts)
	})
}

// FailJob reports that a claimed job failed, and why. It is due again after a wait that doubles with each failure, or
// dead: after MaxAttempts, and at once where forGood says that trying again is no use. ErrNotFound as FinishJob.
func (d *DB) FailJob(ctx context.Context, j Job, why string, forGood bool) (dead bool, err error) {
	dead = forGood || j.Attempts >= MaxAttempts
	why = truncate(strings.ToValidUTF8(why, "\uFFFD"), maxJobError)
	now := d.now()
	return dead, d.change(ctx, "FailJob", func(ctx context.Context, tx *tx) error {
		if dead {
			return tx.bury(ctx, j, why, MillisOf(now))
		}
		return tx.one(ctx, "failed", "UPDATE jobs SET run_at = ?, claimed_until = NULL, last_error = ? WHERE id = ? AND attempts = ?",
			MillisOf(now.Add(retryAfter(j.Attempts))), why, j.ID, j.Attempts)
	})
}

func (t *tx) bury(ctx context.Context, j Job, why string, now Millis) error {
	return t.one(ctx, "dead", "UPDATE jobs SET state = 'dead', run_at = ?, claimed_until = NULL, last_error = ?, expires_at = ? WHERE id = ? AND attempts = ?",
		now, why, now+Millis(DeadKept.Milliseconds()), j.ID, j.Attempts)
}

// retryAfter doubles from firstRetry on, up to longestRetry, and a quarter more or less: what failed together, because a
// server was away, does not come back to it together.
func retryAfter(attempts int) time.Duration {
	wait := longestRetry
	if shift := max(attempts, 1) - 1; shift < 10 {
		wait = min(wait, firstRetry<<shift)
	}
	return wait*3/4 + rand.N(wait/2)
}

// ReleaseJob gives back a claimed job that was not begun, or was cut off because the forum stops: it is due at once, and
// this was no attempt. ErrNotFound as FinishJob.
func (d *DB) ReleaseJob(ctx context.Context, j Job) error {
	return d.change(ctx, "ReleaseJob", func(ctx context.Context, tx *tx) error {
		tx.queued = true
		return tx.one(ctx, "release", "UPDATE jobs SET run_at = ?, claimed_until = NULL, attempts = attempts - 1 WHERE id = ? AND attempts = ?",
			d.millis(), j.ID, j.Attempts)
	})
}

// DeadJobs lists what was given up, the last first, from behind one of them on; the zero Job: from the beginning. Without
// the payloads, which may hold addresses. Empty for who is no admin.
func (d *DB) DeadJobs(ctx context.Context, v Viewer, before Job, limit int) ([]Job, error) {
	if v.Role != Admin {
		return nil, nil
	}
	if before.RunAt == 0 {
		before = Job{ID: "g", RunAt: 1 << 60} // behind every hexadecimal digit
	}
	var list []Job
	err := d.list(ctx, "DeadJobs", &list, "SELECT "+strings.Replace(jobColumns, " payload,", " '' AS payload,", 1)+` FROM jobs
		WHERE state = 'dead' AND (run_at, id) < (?, ?) ORDER BY run_at DESC, id DESC LIMIT ?`, before.RunAt, before.ID, limit)
	return list, err
}

// RetryJob lets a dead job be tried again, as if it were new, for a day. For admins. ErrNotFound: it is not dead.
func (d *DB) RetryJob(ctx context.Context, v Viewer, id string) error {
	return d.overDead(ctx, v, "RetryJob", "job-retry", id, func(ctx context.Context, tx *tx) error {
		tx.queued = true
		now := d.now()
		return tx.one(ctx, "retry", "UPDATE jobs SET state = 'waiting', run_at = ?, attempts = 0, expires_at = ? WHERE id = ? AND state = 'dead'",
			MillisOf(now), MillisOf(now.Add(retriedLasts)), id)
	})
}

// DropJob removes a dead job: it is never done. For admins. ErrNotFound as RetryJob.
func (d *DB) DropJob(ctx context.Context, v Viewer, id string) error {
	return d.overDead(ctx, v, "DropJob", "job-drop", id, func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "drop", "DELETE FROM jobs WHERE id = ? AND state = 'dead'", id)
	})
}

// overDead is what an admin does to a dead job, with its entry in the log. That says of what kind it was, and not whom it
// was about: moderators read it too.
func (d *DB) overDead(ctx context.Context, v Viewer, name, action, id string, f func(ctx context.Context, tx *tx) error) error {
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		if err := tx.admin(ctx, v); err != nil {
			return err
		}
		e := Entry{Action: action}
		if err := tx.get(ctx, "dead job", &e.Old, "SELECT kind FROM jobs WHERE id = ? AND state = 'dead'", id); err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, e)
		return err
	})
}

// JobsOf is what waits of a kind, as far as it is counted: MostJobs.
type JobsOf struct {
	Kind    string `db:"kind"`
	Waiting int    `db:"waiting"`
	Failed  int    `db:"failed"` // of these, how many have failed before and are tried again
	Since   Millis `db:"since"`  // when the oldest of these was made
}

const (
	// MostJobs is how many jobs of a kind a page counts.
	MostJobs     = 1000
	mostJobKinds = 50
)

// JobsByKind tells what waits of each kind, also of one that this program does not know. Empty for who is no admin.
func (d *DB) JobsByKind(ctx context.Context, v Viewer) (list []JobsOf, err error) {
	if v.Role != Admin {
		return nil, nil
	}
	last := ""
	for len(list) < mostJobKinds { // from kind to kind in the index: DISTINCT would read all of it
		if err := d.get(ctx, "JobKind", &last, "SELECT kind FROM jobs WHERE kind > ? AND state = 'waiting' ORDER BY kind LIMIT 1", last); errors.Is(err, ErrNotFound) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		of := JobsOf{Kind: last}
		if err := d.get(ctx, "JobsByKind", &of, `SELECT COUNT(*) AS waiting, COALESCE(SUM(CASE WHEN last_error <> '' THEN 1 ELSE 0 END), 0) AS failed, COALESCE(MIN(created_at), 0) AS since
			FROM (SELECT created_at, last_error FROM jobs WHERE kind = ? AND state = 'waiting' ORDER BY run_at LIMIT ?) x`, last, MostJobs); err != nil {
			return nil, err
		}
		if of.Waiting > 0 { // else they were done meanwhile
			list = append(list, of)
		}
	}
	return list, nil
}

// WaitingJobs counts the jobs of a kind that wait, up to a thousand.
func (d *DB) WaitingJobs(ctx context.Context, kind string) (n int, err error) {
	err = d.get(ctx, "WaitingJobs", &n, "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE kind = ? AND state = 'waiting' LIMIT 1000) x", kind)
	return n, err
}

// CountDeadJobs counts those that were given up, up to a thousand.
func (d *DB) CountDeadJobs(ctx context.Context) (n int, err error) {
	err = d.get(ctx, "CountDeadJobs", &n, "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'dead' LIMIT 1000) x")
	return n, err
}

// DropOldJobs removes what nobody wants any more: jobs that have expired and those that died long ago, some at a call. It
// answers how many: call it again until it answers 0.
func (d *DB) DropOldJobs(ctx context.Context) (dropped int64, err error) {
	err = d.change(ctx, "DropOldJobs", func(ctx context.Context, tx *tx) error {
		res, err := tx.exec(ctx, "old jobs", "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)", d.millis(), jobsDropped)
		if err != nil {
			return err
		}
		dropped, err = res.RowsAffected()
		return err
	})
	return dropped, err
}
