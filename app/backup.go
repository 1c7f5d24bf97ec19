package app

import (
	"bytes"
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

// Backup writes the site into one file while a server may be running on it, and verifies it by opening it: its
// integrity, its schema, its counts. Only then does it get its name, so that a file of that name is a sound backup; one
// that did not get so far ends in .unverified. The file must not be there yet.
func (s *Site) Backup(ctx context.Context, file string, migrations fs.FS) (Summary, error) {
	if _, err := os.Stat(file); err == nil {
		return Summary{}, &Refused{Reason: fmt.Sprintf("%s is there already; a backup overwrites nothing", file)}
	}
	part := file + ".unverified"
	if err := s.DB.Backup(ctx, part); err != nil {
		return Summary{}, err
	}
	sum, err := verify(ctx, part, migrations)
	if err != nil {
		return Summary{}, errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, file); err != nil {
		return Summary{}, fmt.Errorf("name the backup: %w", err)
	}
	return sum, syncDir(filepath.Dir(file))
}

// verify opens a copy that belongs to this command, and reads all of it.
func verify(ctx context.Context, file string, migrations fs.FS) (sum Summary, err error) {
	damaged := func(err error) error { return &Refused{Reason: file + " is not a sound backup", Err: err} }
	head, err := readHead(file)
	if err != nil {
		return sum, fmt.Errorf("verify %s: %w", file, err)
	}
	if !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) {
		return sum, damaged(nil)
	}
	d, err := db.Open(ctx, db.Options{Path: file, Readers: 1})
	if err != nil {
		return sum, damaged(err)
	}
	defer func() {
		err = errors.Join(err, d.Close(context.WithoutCancel(ctx)))
		if info, serr := os.Stat(file); serr == nil {
			sum.Bytes = info.Size()
		}
	}()
	found, err := d.IntegrityCheck(ctx)
	if err == nil && len(found) > 0 {
		err = errors.New(found[0])
	}
	if err != nil {
		return sum, damaged(err)
	}
	steps, err := d.Migrations(ctx, migrations)
	if err != nil {
		return sum, damaged(err)
	}
	if len(steps) == 0 || steps[0].Applied.IsZero() {
		return sum, &Refused{Reason: file + " is not a backup of a forum"}
	}
	if sum.Sums, err = d.Sums(ctx); err != nil {
		return sum, damaged(err)
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
// moved aside and kept; its path is the first answer, empty when there was nothing. It is refused while a server or
// another command has the database open.
func Restore(ctx context.Context, dir, file string, migrations fs.FS) (kept string, sum Summary, err error) {
	if err := restorable(dir, file); err != nil {
		return "", sum, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", sum, &Refused{Reason: fmt.Sprintf("the data directory %s cannot be made", dir), Err: err}
	}
	for _, name := range []string{lockFile, useFile} {
		held, err := lock(filepath.Join(dir, name), true)
		if errors.Is(err, ErrRunning) {
			return "", sum, &Refused{Reason: fmt.Sprintf("a server or another command is running on %s: stop it first", dir)}
		}
		if err != nil {
			return "", sum, &Refused{Reason: fmt.Sprintf("the data directory %s cannot be written to", dir), Err: err}
		}
		defer held.Close()
	}
	// The copy is whole, synced and verified beside its place before anything is moved.
	path := filepath.Join(dir, db.FileName)
	part := path + ".restoring"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(part + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", sum, fmt.Errorf("remove the rest of an earlier restore: %w", err)
		}
	}
	if _, err := copyFile(file, part); err != nil {
		return "", sum, err
	}
	if sum, err = verify(ctx, part, migrations); err != nil {
		return "", sum, errors.Join(err, os.Remove(part))
	}
	adopt(part)
	if kept, err = setAside(dir, path); err != nil {
		return "", sum, err
	}
	if err := db.EndSessionsAtStart(path); err != nil {
		return kept, sum, err
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

// restorable refuses a file that is no whole copy: a live database has a part of its content in the log beside it.
func restorable(dir, file string) error {
	inside, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("restore %s: %w", file, err)
	}
	own, err := filepath.Abs(filepath.Join(dir, db.FileName))
	if err != nil {
		return fmt.Errorf("restore %s: %w", file, err)
	}
	log, err := os.Stat(file + "-wal")
	if inside == own || err == nil && log.Size() > 0 {
		return &Refused{Reason: fmt.Sprintf("%s is a database in use and not a backup: what was written last is in the file %s-wal. Make a backup with: codex backup FILE", file, file)}
	}
	return nil
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
