package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/mattn/go-sqlite3"
)

// This file holds the SQL that PostgreSQL would refuse: pragmas, and the file's own checks.

const driverName = "codex-sqlite3"

// The driver registers once a process, however many databases are open: sql.Register panics at the second.
var register = sync.OnceFunc(func() {
	keepPlans()
	sql.Register(driverName, &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		for _, pragma := range []string{
			"trusted_schema=OFF",          // a restored file cannot run code through its schema
			"journal_size_limit=67108864", // a burst's WAL is cut back to 64 MiB at the next checkpoint
			"temp_store=MEMORY",
			// A page that each write changes, such as the end of an index, is copied back once in 4,000 frames and not once
			// in 1,000: 4 to 5 % more comments a second. The WAL's index stays in its first block (4,062 frames).
			"wal_autocheckpoint=4000",
		} {
			if _, err := c.Exec("PRAGMA "+pragma, nil); err != nil {
				return fmt.Errorf("PRAGMA %s: %w", pragma, err)
			}
		}
		return nil
	}})
})

// QuickCheck reads every page. It answers what SQLite finds wrong, nothing for a sound file.
func (d *DB) QuickCheck(ctx context.Context) ([]string, error) {
	return d.check(ctx, "QuickCheck", "PRAGMA quick_check(20)")
}

// IntegrityCheck also compares every index with its table: a quick check passes a damaged index page.
func (d *DB) IntegrityCheck(ctx context.Context) ([]string, error) {
	found, err := d.check(ctx, "IntegrityCheck", "PRAGMA integrity_check(20)")
	if err != nil {
		return nil, err
	}
	var orphans []struct {
		Table  string `db:"table"`
		RowID  *int64 `db:"rowid"`
		Parent string `db:"parent"`
		FK     int    `db:"fkid"`
	}
	if err := d.list(ctx, "ForeignKeyCheck", &orphans, "PRAGMA foreign_key_check"); err != nil {
		return nil, err
	}
	for _, o := range orphans[:min(len(orphans), 20)] {
		row := int64(0) // of a table without row ids
		if o.RowID != nil {
			row = *o.RowID
		}
		found = append(found, fmt.Sprintf("row %d of %s points at a row of %s that is not there", row, o.Table, o.Parent))
	}
	return found, nil
}

func (d *DB) check(ctx context.Context, name, pragma string) ([]string, error) {
	var found []string
	if err := d.list(ctx, name, &found, pragma); err != nil {
		return nil, err
	}
	if len(found) == 1 && strings.EqualFold(found[0], "ok") {
		return nil, nil
	}
	return found, nil
}

// SQLiteVersion is the version of the library that is compiled in.
func SQLiteVersion() string { v, _, _ := sqlite3.Version(); return v }
