package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a clock that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time        { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(by time.Duration) { c.ahead.Add(int64(by)) }

func queue(t *testing.T, d *DB, jobs ...newJob) {
	t.Helper()
	for _, n := range jobs {
		if err := d.change(t.Context(), "queue", func(ctx context.Context, tx *tx) error { return tx.enqueue(ctx, n) }); err != nil {
			t.Fatal(err)
		}
	}
}

func claimed(t *testing.T, d *DB, limit int, kinds ...string) []Job {
	t.Helper()
	list, err := d.ClaimJobs(t.Context(), kinds, limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAJobIsThereWithWhatCausedItOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	broken := errors.New("broken")
	err := d.change(t.Context(), "cause", func(ctx context.Context, tx *tx) error {
		if err := tx.enqueue(ctx, newJob{Kind: "letter"}); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	select {
	case <-d.Queued():
		t.Error("a transaction that failed has said that there is a job")
	default:
	}
	if list := claimed(t, d, 5, "letter"); len(list) != 0 {
		t.Errorf("%d jobs of a transaction that failed", len(list))
	}
	queue(t, d, newJob{Kind: "letter", Payload: map[string]string{"to": "ada"}})
	select {
	case <-d.Queued():
	default:
		t.Error("nobody is told of a job")
	}
	if list := claimed(t, d, 5, "letter"); len(list) != 1 || list[0].Payload != `{"to":"ada"}` || list[0].Attempts != 1 {
		t.Errorf("claimed %+v", list)
	}
}

func TestManyWhoClaimAtOnceGetEachJobOnce(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	const jobs = 60
	for i := range jobs {
		queue(t, d, newJob{Kind: []string{"letter", "call"}[i%2]})
	}
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for {
				list, err := d.ClaimJobs(context.Background(), []string{"letter", "call"}, 4, time.Minute)
				if err != nil || len(list) == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if len(list) > 4 {
					t.Errorf("%d jobs for who asked for 4", len(list))
				}
				mu.Lock()
				for _, j := range list {
					got[j.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for id, n := range got {
		if n != 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
	if len(got) != jobs {
		t.Errorf("%d of %d jobs were claimed", len(got), jobs)
	}
}

func TestAThousandJobsOfAKindDoNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	for range 50 {
		queue(t, d, newJob{Kind: "letter"})
	}
	queue(t, d, newJob{Kind: "call"})
	calls := 0
	for _, j := range claimed(t, d, 4, "letter", "call") {
		if j.Kind == "call" {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("%d calls among the first four jobs, want the one", calls)
	}
}

func TestAJobWhoseWorkerDiedIsDueAgainWhenItsClaimEnds(t *testing.T) {
	t.Parallel()
	c := &clock{}
	path := filepath.Join(t.TempDir(), FileName)
	d := migrated(t, Options{Path: path, Now: c.now})
	queue(t, d, newJob{Kind: "letter"})
	first := claimed(t, d, 1, "letter")[0]
	if err := d.Close(t.Context()); err != nil { // whoever claimed it is gone
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Options{Path: path, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	if list := claimed(t, d, 1, "letter"); len(list) != 0 {
		t.Fatalf("claimed twice within its time: %+v", list)
	}
	c.pass(time.Minute + time.Second)
	second := claimed(t, d, 1, "letter")
	if len(second) != 1 || second[0].ID != first.ID || second[0].Attempts != 2 {
		t.Fatalf("after the claim has ended: %+v", second)
	}
	// The one that was thought dead comes back late: what it says changes nothing.
	if err := d.FinishJob(t.Context(), first); !errors.Is(err, ErrNotFound) {
		t.Errorf("a report of an ended claim: %v", err)
	}
	if _, err := d.FailJob(t.Context(), first, "late", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("a failure of an ended claim: %v", err)
	}
	if err := d.FinishJob(t.Context(), second[0]); err != nil {
		t.Error(err)
	}
}

func TestAFailedJobWaitsLongerEachTimeAndIsGivenUpAtLast(t *testing.T) {
	t.Parallel()
	c := &clock{}
	d := migrated(t, Options{Now: c.now})
	queue(t, d, newJob{Kind: "letter"})
	waited := time.Duration(0)
	for n := 1; n <= MaxAttempts; n++ {
		list := claimed(t, d, 1, "letter")
		if len(list) != 1 || list[0].Attempts != n {
			t.Fatalf("attempt %d: %+v", n, list)
		}
		dead, err := d.FailJob(t.Context(), list[0], fmt.Sprint("failure ", n), false)
		if err != nil || dead != (n == MaxAttempts) {
			t.Fatalf("attempt %d: dead %t, %v", n, dead, err)
		}
		if dead {
			break
		}
		if list := claimed(t, d, 1, "letter"); len(list) != 0 {
			t.Fatalf("tried again at once after failure %d", n)
		}
		wait := min(longestRetry, firstRetry<<min(n-1, 20)) * 5 / 4 // with the most that chance adds
		c.pass(wait)
		waited += wait
	}
	if waited < 40*time.Hour || waited > 100*time.Hour {
		t.Errorf("given up after %v", waited)
	}
	c.pass(time.Hour)
	if list := claimed(t, d, 1, "letter"); len(list) != 0 {
		t.Fatalf("a dead job was claimed: %+v", list)
	}
}

func TestWhatWasGivenUpIsSeenAndTriedAgainByAdmins(t *testing.T) {
	t.Parallel()
	c := &clock{}
	d := migrated(t, Options{Now: c.now})
	ctx := t.Context()
	id, err := d.CreateMember(ctx, NewMember{Handle: "boss", Role: Admin, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	admin, plain := Viewer{ID: id, Role: Admin}, Viewer{ID: id + 1, Role: Plain}
	queue(t, d, newJob{Kind: "letter", Payload: "to a secret address"}, newJob{Kind: "letter", Lasts: time.Hour})
	for _, j := range claimed(t, d, 2, "letter") {
		if dead, err := d.FailJob(ctx, j, "no such mailbox", true); err != nil || !dead {
			t.Fatal(dead, err)
		}
		c.pass(time.Second)
	}
	if list, err := d.DeadJobs(ctx, plain, Job{}, 10); err != nil || len(list) != 0 {
		t.Errorf("a member sees %+v, %v", list, err)
	}
	first, err := d.DeadJobs(ctx, admin, Job{}, 1)
	if err != nil || len(first) != 1 || first[0].LastError != "no such mailbox" || first[0].Payload != "" {
		t.Fatalf("an admin sees %+v, %v", first, err)
	}
	rest, err := d.DeadJobs(ctx, admin, first[0], 10)
	if err != nil || len(rest) != 1 || rest[0].ID == first[0].ID {
		t.Fatalf("and behind it %+v, %v", rest, err)
	}
	if err := d.RetryJob(ctx, plain, rest[0].ID); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrForbidden) {
		t.Errorf("a member tries it again: %v", err)
	}
	if err := d.RetryJob(ctx, admin, rest[0].ID); err != nil {
		t.Fatal(err)
	}
	again := claimed(t, d, 5, "letter")
	if len(again) != 1 || again[0].ID != rest[0].ID || again[0].Attempts != 1 {
		t.Fatalf("tried again: %+v", again)
	}
	if err := d.RetryJob(ctx, admin, rest[0].ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a job that is at work: %v", err)
	}
	c.pass(DeadKept + 2*time.Second)
	if n, err := d.DropOldJobs(ctx); err != nil || n != 2 {
		t.Errorf("after a month %d jobs go, %v; want both", n, err)
	}
}

func TestWhatNobodyWantsAnyMoreIsNotDone(t *testing.T) {
	t.Parallel()
	c := &clock{}
	d := migrated(t, Options{Now: c.now})
	queue(t, d, newJob{Kind: "letter", Lasts: time.Hour}, newJob{Kind: "letter"}, newJob{Kind: "letter", After: 2 * time.Hour})
	c.pass(90 * time.Minute)
	if list := claimed(t, d, 5, "letter"); len(list) != 1 {
		t.Errorf("%d jobs are done, want the one that is due and never expires", len(list))
	}
	if n, err := d.DropOldJobs(t.Context()); err != nil || n != 0 {
		t.Errorf("%d are left to drop, %v", n, err)
	}
}

func TestAJobThatKillsWhoeverBeginsItIsGivenUp(t *testing.T) {
	t.Parallel()
	c := &clock{}
	d := migrated(t, Options{Now: c.now})
	queue(t, d, newJob{Kind: "letter"})
	for range MaxAttempts {
		if list := claimed(t, d, 1, "letter"); len(list) != 1 {
			t.Fatalf("claimed %+v", list)
		}
		c.pass(2 * time.Minute)
	}
	if list := claimed(t, d, 1, "letter"); len(list) != 0 {
		t.Fatalf("begun once more: %+v", list)
	}
	if n, err := d.CountDeadJobs(t.Context()); err != nil || n != 1 {
		t.Errorf("%d dead jobs, %v", n, err)
	}
}

func TestWhatIsGivenBackWasNoAttempt(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	queue(t, d, newJob{Kind: "letter"})
	<-d.Queued()
	for range 3 {
		j := claimed(t, d, 1, "letter")[0]
		if j.Attempts != 1 {
			t.Fatalf("attempt %d", j.Attempts)
		}
		if err := d.ReleaseJob(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		<-d.Queued()
	}
}
