// Package dbtest makes a migrated database in a temporary folder, for tests. It is safe for parallel tests: each has
// its own file.
package dbtest

import (
	"context"
	"io/fs"
	"path/filepath"
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
	d, err := db.Open(context.Background(), db.Options{Path: filepath.Join(t.TempDir(), db.FileName), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	files, err := fs.Sub(codex.Migrations, "migrations/main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Migrate(context.Background(), files, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return d
}
