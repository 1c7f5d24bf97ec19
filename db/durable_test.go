package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mattn/go-sqlite3"
)

func TestAWriterThatCouldLoseAPostIsRefused(t *testing.T) {
	t.Parallel()
	d := empty(t)
	ctx := context.Background()
	if err := d.assertDurable(ctx); err != nil {
		t.Fatal(err)
	}
	for _, pragma := range []string{"synchronous=NORMAL", "foreign_keys=OFF"} {
		if _, err := d.write.Exec("PRAGMA " + pragma); err != nil {
			t.Fatal(err)
		}
		if err := d.assertDurable(ctx); err == nil || !strings.Contains(err.Error(), "want wal 2 1") {
			t.Errorf("with %s: %v", pragma, err)
		}
	}
}

func TestEveryReaderRefusesToWriteAndKeepsForeignKeys(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{Readers: 5})
	ctx := context.Background()
	for range 5 {
		conn, err := d.read.Connx(ctx) // held to the end, so that each is another one
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for pragma, want := range map[string]string{"foreign_keys": "1", "query_only": "1", "trusted_schema": "0", "journal_mode": "wal"} {
			var got string
			if err := conn.GetContext(ctx, &got, "PRAGMA "+pragma); err != nil || got != want {
				t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
			}
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES ('x', 'y')"); err == nil {
			t.Error("a reader wrote")
		}
		// A transaction of a reader must not take the write lock.
		tx, err := conn.BeginTxx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
	}
	if err := d.SetSetting(ctx, "x", "y"); err != nil {
		t.Errorf("a write beside readers in transactions: %v", err)
	}
}

func TestADamagedFileIsCalledDamagedAndNotTouched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	garbage := bytes.Repeat([]byte("no database "), 1000)
	if err := os.WriteFile(path, garbage, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(context.Background(), Options{Path: path}); !errors.Is(err, ErrDamaged) {
		t.Errorf("opening garbage answered %v", err)
		if err == nil {
			d.Close(context.Background())
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, garbage) {
		t.Errorf("the file was changed (%v)", err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

func TestAPageThatWasWrittenOverIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	ctx := context.Background()
	d := migrated(t, Options{Path: path})
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), 4096*4)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(ctx, Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	defer d.Close(ctx)
	if found, err := d.QuickCheck(ctx); err == nil && len(found) == 0 {
		t.Error("the quick check found nothing")
	} else if err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("the quick check answered %v", err)
	}
}

// A file of no bytes is a valid, empty database to SQLite. Only whoever knows that there was a forum can tell, so the
// site's marker stands beside the file; here is what that check rests on.
func TestAnEmptiedFileIsANewForum(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := migrated(t, Options{Path: path})
	if id, err := d.Setting(context.Background(), "instance", ""); err != nil || id != "" {
		t.Errorf("its instance is %q, %v", id, err)
	}
}

// locked is a connection that holds the write lock, as another process would.
func locked(t *testing.T, path string) *sql.Tx {
	t.Helper()
	other, err := sql.Open(driverName, "file:"+path+"?_txlock=immediate&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestAWriteWaitsForAnotherProcessAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	lock := locked(t, d.Path())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := d.SetSetting(ctx, "x", "1")
	// SQLite's own wait does not see the context: up to 250 ms are added.
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
		t.Errorf("a write past its deadline answered %v after %v", err, took)
	}
	if _, err := d.Setting(context.Background(), "x", ""); err != nil {
		t.Errorf("a read beside the lock: %v", err)
	}
	if err := func() error { _, err := d.write.Beginx(); return d.mapped(context.Background(), "begin", err) }(); !errors.Is(err, ErrBusy) {
		t.Errorf("the lock is called %v", err)
	}
	time.AfterFunc(400*time.Millisecond, func() { lock.Rollback() })
	if err := d.SetSetting(context.Background(), "x", "2"); err != nil {
		t.Errorf("a write that waited long enough: %v", err)
	}
	if d.InFlight() != 0 {
		t.Errorf("%d in flight", d.InFlight())
	}
}

// An fsync that fails cannot be forced from here without a file system of our own, so the driver's error is made.
func TestAfterAFailedFsyncNothingIsWritten(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := context.Background()
	err := d.mapped(ctx, "commit", sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync})
	if !errors.Is(err, ErrWritesStopped) {
		t.Errorf("the failure is called %v", err)
	}
	if err := d.SetSetting(ctx, "x", "1"); !errors.Is(err, ErrWritesStopped) {
		t.Errorf("the next write answered %v", err)
	}
	if value, err := d.Setting(ctx, "x", "unset"); err != nil || value != "unset" {
		t.Errorf("a read answered %q, %v", value, err)
	}
}

func TestAWriteThatWaitedBehindAFailedFsyncIsRefused(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := context.Background()
	second := make(chan error, 1)
	if err := d.change(ctx, "first", func(ctx context.Context, tx *tx) error {
		go func() { second <- d.SetSetting(ctx, "x", "1") }()
		for d.InFlight() < 2 {
			time.Sleep(time.Millisecond)
		}
		d.failedSync.Store(true)
		return errors.New("fault")
	}); err == nil {
		t.Fatal("no fault")
	}
	if err := <-second; !errors.Is(err, ErrWritesStopped) {
		t.Errorf("it answered %v", err)
	}
}

func TestCloseTwiceIsCloseOnce(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	for range 2 {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(d.Path() + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a WAL is left: %v", err)
	}
	if err := d.SetSetting(context.Background(), "x", "1"); !errors.Is(err, ErrClosed) {
		t.Errorf("a write after it answered %v", err)
	}
}

// later is the released schema with one more migration.
func later(t *testing.T, text string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names := []string{"001_init.sql"}
	for _, name := range names {
		f, err := mainMigrations(t).Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
		files[name] = &fstest.MapFile{Data: b.Bytes()}
	}
	files["900_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	return files
}

func TestAFailingMigrationChangesNothingAndSaysWhichStatement(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := context.Background()
	if err := d.SetSetting(ctx, "x", "before"); err != nil {
		t.Fatal(err)
	}
	_, err := d.Migrate(ctx, later(t, "CREATE TABLE extra (i INTEGER);\nUPDATE settings SET value = 'after';\nINSERT INTO nowhere VALUES (1);"), func(string) { t.Error("a step was called applied") })
	if err == nil || !strings.Contains(err.Error(), "900_later.sql") || !strings.Contains(err.Error(), "INSERT INTO nowhere") {
		t.Errorf("the error is %v; it should have the file and the statement", err)
	}
	var tables int
	if err := d.get(ctx, "tables", &tables, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'extra'"); err != nil || tables != 0 {
		t.Errorf("the table of the failed migration is there (%v)", err)
	}
	if value, err := d.Setting(ctx, "x", ""); err != nil || value != "before" {
		t.Errorf("a value of the failed migration is there: %q, %v", value, err)
	}
	var done []string
	if _, err := d.Migrate(ctx, later(t, "CREATE TABLE extra (i INTEGER);"), func(name string) { done = append(done, name) }); err != nil || len(done) != 1 {
		t.Errorf("the mended migration: %v, %v", done, err)
	}
	if _, err := d.Migrate(ctx, mainMigrations(t), func(string) {}); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("an older program answered %v", err)
	}
}

func TestAnUpgradeLeavesACopyOfWhatWas(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := context.Background()
	if left, err := filepath.Glob(d.Path() + ".before*"); err != nil || len(left) != 0 {
		t.Errorf("a new database left copies: %v, %v", left, err)
	}
	if err := d.SetSetting(ctx, "x", "before"); err != nil {
		t.Fatal(err)
	}
	snapshot, err := d.Migrate(ctx, later(t, "UPDATE settings SET value = 'after';"), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := Open(ctx, Options{Path: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close(ctx)
	if value, err := copied.Setting(ctx, "x", ""); err != nil || value != "before" {
		t.Errorf("the copy has %q, %v", value, err)
	}
	if found, err := copied.IntegrityCheck(ctx); err != nil || len(found) > 0 {
		t.Errorf("the copy: %v, %v", found, err)
	}
}

func TestABackupKeepsNobodyFromWriting(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := d.change(ctx, "held", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "setting", "INSERT INTO settings (name, value) VALUES ('half', 'done')"); err != nil {
			return err
		}
		return d.Backup(ctx, path) // would wait for ever if it needed the writer
	}); err != nil {
		t.Fatal(err)
	}
	copied, err := Open(ctx, Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close(ctx)
	if value, err := copied.Setting(ctx, "half", "none"); err != nil || value != "none" {
		t.Errorf("the copy has what was not committed: %q, %v", value, err)
	}
	if left, err := filepath.Glob(path + ".part*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestABackupThatIsCancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Backup(ctx, filepath.Join(dir, "backup.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("it answered %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
