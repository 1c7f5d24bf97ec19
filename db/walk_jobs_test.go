package db

import (
	"context"
	"errors"
	"slices"
	"time"
)

// jobs walks a job's ways: done, failed, given up, tried again, expired.
func (w *walker) jobs() {
	d, ctx := w.d, w.ctx
	kinds := []string{"walk-one", "walk-two"}
	ask := func(kind string, subject int64, lasts time.Duration) {
		w.ok(d.change(ctx, "ask", func(ctx context.Context, tx *tx) error {
			w.ok(tx.dropJobs(ctx, kind, subject))
			return tx.enqueue(ctx, newJob{Kind: kind, Subject: subject, Payload: map[string]int{"n": 1}, Lasts: lasts})
		}))
	}
	one := func() Job {
		list := must(d.ClaimJobs(ctx, kinds, 10, time.Minute))(w)
		if len(list) != 1 {
			w.t.Fatalf("walk: %d jobs were due, want 1", len(list))
		}
		return list[0]
	}
	for range 2 { // the second takes the first one's place
		ask("walk-one", 1, time.Hour)
	}
	must(d.WaitingJobs(ctx, "walk-one"))(w)
	w.ok(d.ReleaseJob(ctx, one()))
	must(d.FailJob(ctx, one(), "no", true))(w)
	must(d.CountDeadJobs(ctx))(w)
	dead := must(d.DeadJobs(ctx, w.admin, Job{}, 10))(w)
	must(d.DeadJobs(ctx, w.admin, dead[0], 10))(w)
	w.ok(d.RetryJob(ctx, w.admin, dead[0].ID))
	if list := must(d.JobsByKind(ctx, w.admin))(w); !slices.ContainsFunc(list, func(of JobsOf) bool { return of.Kind == "walk-one" && of.Waiting == 1 && of.Failed == 1 }) {
		w.t.Fatalf("walk: %+v waits", list)
	}
	must(d.FailJob(ctx, one(), "not now", false))(w)
	ask("walk-two", 0, 0)
	w.ok(d.FinishJob(ctx, one()))

	must(d.write.ExecContext(ctx, "UPDATE jobs SET run_at = 1, attempts = ?", MaxAttempts))(w)
	if list := must(d.ClaimJobs(ctx, kinds, 10, time.Minute))(w); len(list) != 0 {
		w.t.Fatalf("walk: %+v is begun once more", list)
	}
	for _, j := range must(d.DeadJobs(ctx, w.admin, Job{}, 10))(w) {
		w.ok(d.DropJob(ctx, w.admin, j.ID))
	}
	ask("walk-two", 2, time.Nanosecond)
	time.Sleep(2 * time.Millisecond)
	if list := must(d.ClaimJobs(ctx, kinds, 10, time.Minute))(w); len(list) != 0 {
		w.t.Fatalf("walk: %+v is begun after it expired", list)
	}
	must(d.DropOldJobs(ctx))(w)
}

// letters walks what letters prove.
func (w *walker) letters() {
	d, ctx := w.d, w.ctx
	v := w.member("reachable", NewMember{Role: Plain, Email: "reachable@example.org", Password: "phc", Origin: "registered"})
	w.ok(d.AskVerify(ctx, v))
	w.ok(d.AskReset(ctx, "reachable@example.org"))
	must(d.IssueVerify(ctx, v.ID, []byte("first")))(w)
	must(d.IssueVerify(ctx, v.ID, []byte("second")))(w)
	if _, err := d.LinkHolder(ctx, PurposeVerify, []byte("first")); !errors.Is(err, ErrNotFound) {
		w.t.Fatalf("walk: an older letter's link: %v", err)
	}
	must(d.LinkHolder(ctx, PurposeVerify, []byte("second")))(w)
	w.ok(d.VerifyEmail(ctx, []byte("second")))
	must(d.IssueReset(ctx, "reachable@example.org", []byte("third")))(w)
	w.ok(d.ResetPassword(ctx, []byte("third"), "phc2"))
	must(d.Reachable(ctx, v.ID))(w)
	must(d.AddressOf(ctx, v))(w)
	w.ok(d.change(ctx, "letter", func(ctx context.Context, tx *tx) error { return tx.mailLater(ctx, v.ID, MailAfter) }))
	w.ok(d.SetMailOff(ctx, v.ID, true))
	for range 2 {
		must(d.MailSecret(ctx))(w)
	}
}
