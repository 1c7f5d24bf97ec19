// Package db holds every SQL statement of codex.db, and the two connection pools that run them.
//
// What it promises: a statement runs with its caller's context, and ends inside SQLite when that context ends.
// What a viewer may not read, no listing and no look-up returns (see visible.go). A write is one transaction, and
// when it has returned nil it is on the disk (WAL, synchronous=FULL, asserted at Open).
//
// Concurrency: a *DB is safe for use by many goroutines. Reads run side by side on a pool of read-only connections;
// writes queue for one connection, without order among those who wait, each for as long as its context lasts.
// After Close, and from the moment Drain is called, every method answers ErrClosed.
package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"codex/app/markup"
)

// FileName is the name of the database in the data directory.
const FileName = "codex.db"

// DB is the forum's database.
type DB struct {
	path   string
	read   *sqlx.DB
	write  *sqlx.DB
	reads  sync.Map // query text → *statement
	writes sync.Map
	markup *markup.Renderer
	now    func() time.Time

	mu       sync.Mutex
	inFlight int
	closed   bool
	idle     chan struct{} // closed when draining and inFlight has reached zero

	closing atomic.Bool

	memory sessionMemory // of sessions that a full disk had no room for
	spent  spentSteps    // of codes that a full disk had no room for

	outside outside // the banned networks, as last read

	told   chan struct{} // signalled after a commit that wrote events
	queued chan struct{} // the same for jobs

	watch func(name, query string, args []any) // is told each statement before it is sent; nil but in plan tests

	failedSync atomic.Bool // an fsync failed: nothing is written any more until a restart has checked the file
}

// Options say which database to open. Path is the file; the zero value of the rest is right for a server.
type Options struct {
	Path    string
	Readers int              // read connections; 0: twice the processors, at least 4
	Now     func() time.Time // the clock; nil: time.Now
}

// Open opens an existing or new file and asserts the settings that durability rests on. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Readers == 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &DB{path: o.Path, now: o.Now, idle: make(chan struct{}), told: make(chan struct{}, 1), queued: make(chan struct{}, 1), markup: markup.New(markup.Options{})}
	if err := d.memory.open(o.Path + endedNoteSuffix); err != nil {
		return nil, err
	}
	var err error
	// busy_timeout is short because a wait inside SQLite does not see the context: door.go tries again under it.
	if d.write, err = open(o.Path, 1, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"250"}, "_txlock": {"immediate"}, "_foreign_keys": {"1"},
	}); err != nil {
		return nil, err
	}
	// The writer connects first: it makes the file and turns it to WAL, which a query_only reader cannot.
	if err := d.assertDurable(ctx); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	if d.read, err = open(o.Path, o.Readers, url.Values{
		"_txlock": {"deferred"}, "_query_only": {"1"}, "_busy_timeout": {"250"}, "_foreign_keys": {"1"},
		"_mutex": {"no"}, // database/sql gives a connection to one goroutine at a time; an interrupt needs no mutex
	}); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	return d, nil
}

func open(path string, conns int, params url.Values) (*sqlx.DB, error) {
	if conns > 1 {
		// A page cache a connection: a busy page is then read without a system call. (Mapping the file was slower.)
		params.Set("_cache_size", "-16384")
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: params.Encode()}).String()
	register()
	pool, err := sqlx.Open(driverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

// assertDurable refuses a writer that would lose an acknowledged post at a power cut. It asks the connection
// itself, because the driver is compiled so that WAL alone means synchronous=NORMAL.
func (d *DB) assertDurable(ctx context.Context) error {
	var mode string
	var sync, keys int
	for _, q := range []struct {
		pragma string
		into   any
	}{{"journal_mode", &mode}, {"synchronous", &sync}, {"foreign_keys", &keys}} {
		if err := d.write.GetContext(ctx, q.into, "PRAGMA "+q.pragma); err != nil {
			return d.mapped(ctx, fmt.Sprintf("open %s: ask for %s", d.path, q.pragma), err)
		}
	}
	if mode != "wal" || sync != 2 || keys != 1 {
		return fmt.Errorf("open %s: journal_mode=%s synchronous=%d foreign_keys=%d, want wal 2 1", d.path, mode, sync, keys)
	}
	return nil
}

// Path is the database file.
func (d *DB) Path() string { return d.path }

// Ping runs the smallest query there is.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.get(ctx, "Ping", &one, "SELECT 1")
}

// InFlight is the number of statements and transactions that run or wait for a connection now.
func (d *DB) InFlight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight
}

// BusyReaders is the number of read connections in use now.
func (d *DB) BusyReaders() int { return d.read.Stats().InUse }

// Drain refuses new statements and waits for those in flight, or for the context.
func (d *DB) Drain(ctx context.Context) error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		if d.inFlight == 0 {
			close(d.idle)
		}
	}
	n := d.inFlight
	d.mu.Unlock()
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain database: %d of %d queries still run: %w", d.InFlight(), n, ctx.Err())
	}
}

// Close refuses new statements, gives those in flight until the context ends, folds the WAL into the database
// file and closes it. A file left by Close has no WAL beside it. Once closed, Close does nothing.
func (d *DB) Close(ctx context.Context) error {
	if !d.closing.CompareAndSwap(false, true) {
		return nil
	}
	err := d.Drain(ctx)
	if cerr := d.read.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close readers: %w", cerr))
	}
	if err == nil && !d.failedSync.Load() {
		var busy, frames, moved int
		row := d.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		if cerr := row.Scan(&busy, &frames, &moved); cerr != nil {
			err = fmt.Errorf("checkpoint: %w", cerr)
		}
	}
	if cerr := d.write.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close writer: %w", cerr))
	}
	return err
}

// Millis is a point in time as the database has it: milliseconds since 1970 UTC. Zero: never.
type Millis int64

// Time is the same instant for Go; the zero Time for zero.
func (m Millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// MillisOf is t for the database.
func MillisOf(t time.Time) Millis {
	if t.IsZero() {
		return 0
	}
	return Millis(t.UnixMilli())
}

func (d *DB) millis() Millis { return MillisOf(d.now()) }

// Size is the number of bytes on the disk: the database and its WAL.
func (d *DB) Size() (int64, error) {
	var sum int64
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(d.path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("size of database: %w", err)
		}
		sum += info.Size()
	}
	return sum, nil
}
