package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"codex/app/trace"
)

// This file is the one door that every statement passes. In order: refuse when draining, count in flight, (the
// breaker's place), span, run with the caller's context, map the driver's error, count out. No other file of this
// package calls sqlx, but for Open and Close, and for backup, which must read pages and not rows.

// enter counts a statement in. It fails once Drain was called.
func (d *DB) enter(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("%s: %w", name, ErrClosed)
	}
	d.inFlight++
	return nil
}

func (d *DB) leave() {
	d.mu.Lock()
	d.inFlight--
	if d.closed && d.inFlight == 0 {
		close(d.idle)
	}
	d.mu.Unlock()
}

// get reads one row into dest, or fails with ErrNotFound.
func (d *DB) get(ctx context.Context, name string, dest any, query string, args ...any) (err error) {
	if err := d.enter(name); err != nil {
		return err
	}
	defer d.leave()
	span := trace.Start(ctx, trace.KindQuery, name)
	defer func() { span.End(1, err) }()
	if d.watch != nil {
		d.watch(name, query, args)
	}
	stmt, err := prepared(ctx, d.read, &d.reads, query)
	if err == nil {
		err = stmt.get(ctx, stmt.Stmt, dest, args)
	}
	return d.mapped(ctx, name, err)
}

// list reads all rows into dest, a pointer to a slice.
func (d *DB) list(ctx context.Context, name string, dest any, query string, args ...any) (err error) {
	if err := d.enter(name); err != nil {
		return err
	}
	defer d.leave()
	span := trace.Start(ctx, trace.KindQuery, name)
	defer func() { span.End(lengthOf(dest), err) }()
	if d.watch != nil {
		d.watch(name, query, args)
	}
	stmt, err := prepared(ctx, d.read, &d.reads, query)
	if err == nil {
		err = stmt.list(ctx, stmt.Stmt, dest, args)
	}
	return d.mapped(ctx, name, err)
}

func lengthOf(slice any) int { return reflect.ValueOf(slice).Elem().Len() }

// tx is a write transaction. Its statements carry the names of what they do, for spans and errors.
type tx struct {
	d      *DB
	tx     *sqlx.Tx
	missed []string // texts that had to be prepared inside this transaction
	told   bool     // it wrote events
	queued bool     // it wrote jobs

	neverShown bool // the text that it hides was written by it: nobody outside is told that it is gone
}

// change runs f in one immediate transaction on the write connection and commits it. When f or the commit fails,
// or the context ends before the commit began, nothing was written. The commit itself does not see the context:
// a client that leaves during it finds its write done, and its idempotency key answers the repeat.
func (d *DB) change(ctx context.Context, name string, f func(ctx context.Context, tx *tx) error) (err error) {
	if err := d.enter(name); err != nil {
		return err
	}
	defer d.leave()
	if d.failedSync.Load() {
		return fmt.Errorf("%s: %w", name, ErrWritesStopped)
	}
	span := trace.Start(ctx, trace.KindQuery, name)
	defer func() { span.End(0, err) }()
	sqltx, err := d.begin(ctx)
	if err != nil {
		return d.mapped(ctx, name, err)
	}
	defer sqltx.Rollback()   // after a commit this does nothing
	if d.failedSync.Load() { // of the write that this one waited for
		return fmt.Errorf("%s: %w", name, ErrWritesStopped)
	}
	t := &tx{d: d, tx: sqltx}
	if err := f(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := d.mapped(ctx, name, sqltx.Commit()); err != nil {
		return err
	}
	if t.told {
		signal(d.told)
	}
	if t.queued {
		signal(d.queued)
	}
	t.keep(ctx)
	return nil
}

// begin takes the write lock. Another process that holds it makes SQLite say busy after 250 ms; we ask again for as
// long as the caller waits, and at most 5 s.
func (d *DB) begin(ctx context.Context) (*sqlx.Tx, error) {
	for stop := time.Now().Add(5 * time.Second); ; {
		sqltx, err := d.write.BeginTxx(ctx, nil)
		if err == nil || !errors.Is(d.mapped(ctx, "begin", err), ErrBusy) || time.Now().After(stop) {
			return sqltx, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond * time.Duration(2+rand.IntN(20))):
		}
	}
}

// stmt is a statement that is kept, and the same in this transaction.
func (t *tx) stmt(ctx context.Context, name, query string, args []any) (*statement, *sqlx.Stmt, error) {
	if t.d.watch != nil {
		t.d.watch(name, query, args)
	}
	if s, ok := t.d.writes.Load(query); ok {
		kept := s.(*statement)
		return kept, t.tx.StmtxContext(ctx, kept.Stmt), nil
	}
	t.missed = append(t.missed, query)
	stmt, err := t.tx.PreparexContext(ctx, query)
	return new(statement), stmt, err
}

// keep prepares for the next transaction what this one had to prepare for itself. It cannot happen earlier: the
// pool has one connection, and the transaction held it. A failure only means that the next one tries again.
func (t *tx) keep(ctx context.Context) {
	for _, query := range t.missed {
		if _, err := prepared(ctx, t.d.write, &t.d.writes, query); err != nil {
			return
		}
	}
}

func (t *tx) get(ctx context.Context, name string, dest any, query string, args ...any) error {
	kept, stmt, err := t.stmt(ctx, name, query, args)
	if err == nil {
		err = kept.get(ctx, stmt, dest, args)
	}
	return t.d.mapped(ctx, name, err)
}

func (t *tx) list(ctx context.Context, name string, dest any, query string, args ...any) error {
	kept, stmt, err := t.stmt(ctx, name, query, args)
	if err == nil {
		err = kept.list(ctx, stmt, dest, args)
	}
	return t.d.mapped(ctx, name, err)
}

func (t *tx) exec(ctx context.Context, name, query string, args ...any) (sql.Result, error) {
	_, stmt, err := t.stmt(ctx, name, query, args)
	if err != nil {
		return nil, t.d.mapped(ctx, name, err)
	}
	res, err := stmt.ExecContext(ctx, args...)
	return res, t.d.mapped(ctx, name, err)
}

// one runs a statement that must change exactly one row; when it changes none the answer is ErrNotFound.
func (t *tx) one(ctx context.Context, name, query string, args ...any) error {
	res, err := t.exec(ctx, name, query, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return t.d.mapped(ctx, name, err)
	}
	if n == 0 {
		return fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return nil
}

// insert runs an INSERT and answers the new row's id.
func (t *tx) insert(ctx context.Context, name, query string, args ...any) (int64, error) {
	var id int64
	err := t.get(ctx, name, &id, query+" RETURNING id", args...)
	return id, err
}

// prepared keeps one statement a query text for the life of the pool; database/sql prepares it again on each
// connection that it meets. Texts are constants of this package (a few hundred), so the map is bounded.
func prepared(ctx context.Context, pool *sqlx.DB, kept *sync.Map, query string) (*statement, error) {
	if s, ok := kept.Load(query); ok {
		return s.(*statement), nil
	}
	stmt, err := pool.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	other, taken := kept.LoadOrStore(query, &statement{Stmt: stmt})
	if taken {
		stmt.Close()
	}
	return other.(*statement), nil
}
