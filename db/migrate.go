package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	p, err := d.provider(files)
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
			return snapshot, fmt.Errorf("migrate: %w", err)
		}
		applied(step.Source.Path)
	}
}

func (d *DB) provider(files fs.FS) (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectSQLite3, d.write.DB, files)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// copyTo writes the database as it is now into a new file. The copy is whole or not there.
func (d *DB) copyTo(ctx context.Context, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the rest of an earlier copy: %w", err)
	}
	if _, err := d.write.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return errors.Join(d.mapped(ctx, "copy database to "+path, err), os.Remove(part))
	}
	f, err := os.Open(part)
	if err != nil {
		return fmt.Errorf("open copy: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync copy %s: %w", part, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("name copy: %w", err)
	}
	return nil
}
