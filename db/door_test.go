package db

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// forever counts to a number that takes minutes. It is a recursive query and not a sleep function registered from Go,
// because SQLite looks at its interrupt flag between steps of its own program and cannot stop a call into Go.
const forever = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT COUNT(*) FROM n"

func empty(t *testing.T) *DB {
	t.Helper()
	d, err := Open(context.Background(), Options{Path: filepath.Join(t.TempDir(), FileName), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(context.Background()) })
	return d
}

// It measures, so it is not parallel: the others of this package wait for it.
func TestQueryCancellation(t *testing.T) {
	d := empty(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := make(chan time.Time, 1)
	time.AfterFunc(100*time.Millisecond, func() {
		cancelled <- time.Now()
		cancel()
	})
	var n int64
	err := d.get(ctx, "forever", &n, forever)
	if took := time.Since(<-cancelled); !errors.Is(err, context.Canceled) || took > 150*time.Millisecond {
		t.Fatalf("a query cancelled after 100 ms answered %v, %v later", err, took)
	}
	if d.InFlight() != 0 {
		t.Errorf("%d queries in flight after it", d.InFlight())
	}
	// There is one read connection, so this is the same one.
	if err := d.get(context.Background(), "after", &n, "SELECT 7"); err != nil || n != 7 {
		t.Errorf("the connection after the interrupt answers %d, %v", n, err)
	}
}

func TestAQueryPastItsDeadlineEnds(t *testing.T) {
	t.Parallel()
	d := empty(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var n int64
	if err := d.get(ctx, "forever", &n, forever); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("answered %v", err)
	}
}

func TestDrainWaitsForRunningQueriesAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	d := empty(t)
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() {
		var n int64
		running <- d.get(ctx, "forever", &n, forever)
	}()
	for d.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	short, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer stop()
	if err := d.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("draining beside a running query answered %v", err)
	}
	if err := d.Ping(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("a new query while draining answered %v", err)
	}
	cancel()
	if err := d.Drain(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-running; !errors.Is(err, context.Canceled) {
		t.Errorf("the running query answered %v", err)
	}
}

func TestATransactionThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	d := empty(t)
	ctx := context.Background()
	if err := d.change(ctx, "table", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "create", "CREATE TABLE x (i INTEGER)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	fault := errors.New("fault")
	if err := d.change(ctx, "write", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "insert", "INSERT INTO x VALUES (1)"); err != nil {
			return err
		}
		return fault
	}); !errors.Is(err, fault) {
		t.Fatal(err)
	}
	var n int
	if err := d.get(ctx, "count", &n, "SELECT COUNT(*) FROM x"); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestPathsSortAsNumbersDo(t *testing.T) {
	t.Parallel()
	last := ""
	for n := int64(0); n < 300_000; n += 1 + n/50 {
		if step := pathStep(n); step <= last {
			t.Fatalf("%d is %q, not after %q", n, step, last)
		} else if last = step; firstStep(step+"1a") != step {
			t.Fatalf("the first step of %q is %q", step+"1a", firstStep(step+"1a"))
		}
	}
}
