// Package dbtest makes a migrated database in a temporary folder, for tests. It is safe for parallel tests: each has
// its own file.
package dbtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"codex"
	"codex/db"
)

// Open opens a new forum and closes it when the test ends.
func Open(t testing.TB) *db.DB {
	t.Helper()
	return OpenAt(t, nil)
}

// OpenAt is Open with another clock; nil is the usual one.
func OpenAt(t testing.TB, now func() time.Time) *db.DB {
	t.Helper()
	dir := t.TempDir()
	Lay(t, dir)
	d, err := db.Open(context.Background(), db.Options{Path: filepath.Join(dir, db.FileName), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Lay puts the database of a new forum into a folder that has none. The migrations run once a process: to run them for
// each of some hundred tests took a third of the tests' time, nearly all of it goose's reading of the same files.
func Lay(t testing.TB, dir string) {
	t.Helper()
	file := filepath.Join(dir, db.FileName)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	bytes, err := migrated()
	if err == nil {
		err = os.WriteFile(file, bytes, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var migrated = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "codex-dbtest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, db.FileName)
	d, err := db.Open(context.Background(), db.Options{Path: path})
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(codex.Migrations, "migrations/main")
	if err == nil {
		_, err = d.Migrate(context.Background(), files, func(string) {})
	}
	if err := errors.Join(err, d.Close(context.Background())); err != nil { // which folds the log into the file
		return nil, err
	}
	return os.ReadFile(path)
})
