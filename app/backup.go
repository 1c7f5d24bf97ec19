package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"codex/db"
)

// Summary is what a backup holds.
type Summary struct {
	db.Sums
	Bytes int64
}

// Backup writes the site into one file while a server may be running on it, and verifies the file by opening it: its
// integrity, its schema, its counts. A file that does not pass is removed. The file must not be there yet.
func (s *Site) Backup(ctx context.Context, file string, migrations fs.FS) (Summary, error) {
	if _, err := os.Stat(file); err == nil {
		return Summary{}, &Refused{Reason: fmt.Sprintf("%s is there already; a backup overwrites nothing", file)}
	}
	if err := s.DB.Backup(ctx, file); err != nil {
		return Summary{}, err
	}
	sum, err := verify(ctx, file, migrations)
	if err != nil {
		return Summary{}, errors.Join(err, os.Remove(file))
	}
	return sum, nil
}

// verify opens a copy of the file beside it, so that the file itself stays as it was written, and reads all of it.
func verify(ctx context.Context, file string, migrations fs.FS) (sum Summary, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".codex-verify-")
	if err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, db.FileName)
	if sum.Bytes, err = copyFile(file, copied); err != nil {
		return sum, err
	}
	d, err := db.Open(ctx, db.Options{Path: copied, Readers: 1})
	if err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, d.Close(context.WithoutCancel(ctx))) }()
	found, err := d.IntegrityCheck(ctx)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("damaged: %s", found[0])
	}
	if err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	steps, err := d.Migrations(ctx, migrations)
	if err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	if len(steps) == 0 || steps[0].Applied.IsZero() {
		return sum, &Refused{Reason: file + " is not a backup of a forum"}
	}
	if sum.Sums, err = d.Sums(ctx); err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	return sum, nil
}

// copyFile copies a file to a new one and syncs it.
func copyFile(from, to string) (int64, error) {
	src, err := os.Open(from)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	n, err := dst.ReadFrom(src)
	if err := errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return 0, fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return n, nil
}

// Restore puts a backup in the place of a data directory's database, whatever state that is in. What was there is
// moved aside and kept; its path is the first answer, empty when there was nothing. It is refused while a server runs.
func Restore(ctx context.Context, dir, file string, migrations fs.FS) (kept string, sum Summary, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", sum, &Refused{Reason: fmt.Sprintf("the data directory %s cannot be made", dir), Err: err}
	}
	held, err := lock(filepath.Join(dir, lockFile))
	if errors.Is(err, ErrRunning) {
		return "", sum, &Refused{Reason: fmt.Sprintf("a server is running on %s: stop it first", dir), Err: err}
	}
	if err != nil {
		return "", sum, &Refused{Reason: fmt.Sprintf("the data directory %s cannot be written to", dir), Err: err}
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	if sum, err = verify(ctx, file, migrations); err != nil {
		return "", sum, err
	}
	// The copy is whole and synced beside its place before anything is moved.
	path := filepath.Join(dir, db.FileName)
	part := path + ".restoring"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", sum, fmt.Errorf("remove the rest of an earlier restore: %w", err)
	}
	if _, err := copyFile(file, part); err != nil {
		return "", sum, err
	}
	if kept, err = setAside(dir, path); err != nil {
		return "", sum, err
	}
	if err := os.Rename(part, path); err != nil {
		return kept, sum, fmt.Errorf("put the backup in its place: %w", err)
	}
	for _, name := range []string{markerFile, runningFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, sum, fmt.Errorf("restore: %w", err)
		}
	}
	return kept, sum, syncDir(dir)
}

// setAside moves the database and what SQLite keeps beside it into a folder of its own: a WAL that met another
// database would damage it.
func setAside(dir, path string) (kept string, err error) {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if _, err := os.Stat(path + suffix); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if kept == "" {
			kept = filepath.Join(dir, "before-restore-"+time.Now().UTC().Format("20060102-150405.000"))
			if err := os.Mkdir(kept, 0o700); err != nil {
				return "", fmt.Errorf("keep what was there: %w", err)
			}
		}
		if err := os.Rename(path+suffix, filepath.Join(kept, filepath.Base(path)+suffix)); err != nil {
			return kept, fmt.Errorf("keep what was there: %w", err)
		}
	}
	return kept, nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
