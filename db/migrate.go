package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// Migration is one step of the schema.
type Migration struct {
	Name    string
	Applied time.Time // zero: pending
}

// Migrations lists every step in order.
func (d *DB) Migrations(ctx context.Context, files fs.FS) ([]Migration, error) {
	p, err := d.provider(files)
	if err != nil {
		return nil, err
	}
	all, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	list := make([]Migration, 0, len(all))
	for _, s := range all {
		list = append(list, Migration{s.Source.Path, s.AppliedAt})
	}
	return list, nil
}

// Migrate applies what is pending, each step in a transaction of its own: a failing one changes nothing, and the error
// has its statement. Before it changes a database that holds a forum, it puts a copy beside it and answers its path.
func (d *DB) Migrate(ctx context.Context, files fs.FS, applied func(name string)) (snapshot string, err error) {
	var last lastStatement
	p, err := d.provider(files, goose.WithVerbose(true), goose.WithLogger(&last))
	if err != nil {
		return "", err
	}
	from, to, err := p.GetVersions(ctx)
	if err != nil {
		return "", fmt.Errorf("read schema version: %w", err)
	}
	if from > to {
		return "", fmt.Errorf("the database has schema %d and this program knows %d: use the newer program", from, to)
	}
	if from == to {
		return "", nil
	}
	if from > 0 {
		snapshot = fmt.Sprintf("%s.before-%03d", d.path, to)
		if err := d.copyTo(ctx, snapshot); err != nil {
			return "", fmt.Errorf("snapshot before migration: %w", err)
		}
	}
	for {
		step, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return snapshot, nil
		}
		if err != nil {
			return snapshot, last.explain(err)
		}
		applied(step.Source.Path)
	}
}

// lastStatement is a logger for goose, whose errors name neither the file nor the statement: it keeps the statement
// that goose told it last.
type lastStatement struct{ text string }

func (l *lastStatement) Printf(format string, args ...any) {
	if _, statement, ok := strings.Cut(fmt.Sprintf(format, args...), "Executing statement: "); ok {
		l.text = strings.Join(strings.Fields(statement), " ")
	}
}

// Fatalf is a part of goose's interface that its provider does not call.
func (l *lastStatement) Fatalf(format string, args ...any) { l.Printf(format, args...) }

func (l *lastStatement) explain(err error) error {
	var failed *goose.PartialError
	if !errors.As(err, &failed) {
		return fmt.Errorf("migrate: %w", err)
	}
	return fmt.Errorf("migration %s: %w; nothing of it was kept; the statement: %s", failed.Failed.Source.Path, failed.Err, l.text)
}

func (d *DB) provider(files fs.FS, options ...goose.ProviderOption) (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectSQLite3, d.write.DB, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// copyTo writes the database as it is now into a new file. The copy is whole or not there. It has a connection of its
// own: the writer's would keep everybody from writing until it is done, and a reader's may not write a copy either.
func (d *DB) copyTo(ctx context.Context, path string) (err error) {
	if err := d.enter("copy database"); err != nil {
		return err
	}
	defer d.leave()
	part := path + ".part"
	if err := removed(part); err != nil {
		return fmt.Errorf("remove the rest of an earlier copy: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removed(part))
		}
	}()
	// It is made here, for its owner's eyes alone: it holds password hashes and addresses. VACUUM INTO takes an empty file.
	made, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the copy: %w", err)
	}
	if err := made.Close(); err != nil {
		return fmt.Errorf("make the copy: %w", err)
	}
	pool, err := open(d.path, 1, url.Values{"_txlock": {"deferred"}, "_busy_timeout": {"250"}})
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return d.mapped(ctx, "copy database to "+path, err)
	}
	if err := synced(part); err != nil {
		return fmt.Errorf("sync copy %s: %w", part, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("name copy: %w", err)
	}
	if err := synced(filepath.Dir(path)); err != nil {
		return fmt.Errorf("sync folder of copy: %w", err)
	}
	return nil
}

// synced waits until a file, or a folder's names, are on the disk.
func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Backup writes the database as it is now into a new file, while others read and write. The file is whole or not there.
func (d *DB) Backup(ctx context.Context, path string) error { return d.copyTo(ctx, path) }

// Sums are the counts by which a copy is compared with what it was made from.
type Sums struct {
	Members  int `db:"members"`
	Posts    int `db:"posts"`
	Comments int `db:"comments"`
}

// Sums counts every row of the three large tables.
func (d *DB) Sums(ctx context.Context) (Sums, error) {
	var s Sums
	err := d.get(ctx, "Sums", &s, `SELECT (SELECT COUNT(*) FROM members) AS members, (SELECT COUNT(*) FROM posts) AS posts,
		(SELECT COUNT(*) FROM comments) AS comments`)
	return s, err
}
