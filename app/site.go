package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"codex/db"
)

// The files of a data directory, beside the database.
const (
	lockFile    = "codex.lock"    // held by the one server, migration or restore that has the directory
	useFile     = "codex.use"     // held together by all that have the database open; alone to change its schema or replace it
	importFile  = "codex.import"  // held by the one import that runs
	markerFile  = "codex.id"      // which site this is: the same id stands in the database
	runningFile = "codex.running" // there while a server runs, and after one that was killed
)

// settingInstance is the setting that holds the site's id.
const settingInstance = "instance"

// checkedWhole is the size in bytes up to which a database is read whole at every start; a larger one only after a
// stop that was not clean (measured: 0.18 s for 329 MB in the page cache).
const checkedWhole = 1 << 30

// ErrRunning says that a server, or another command that needs the directory for itself, has it.
var ErrRunning = errors.New("a server is running on this data directory")

// Site is an open data directory.
type Site struct {
	Dir   string
	DB    *db.DB
	Alone bool // nobody else had the directory when it was opened
	locks []*os.File
	use   *os.File
}

// SiteOptions say how to open a data directory.
type SiteOptions struct {
	Dir        string
	Migrations fs.FS
	Alone      bool              // keep the directory for this process; fail with ErrRunning when another has it
	Existing   bool              // a forum must be there; none is made
	Migrate    bool              // apply what is pending, when nobody else has the directory
	Pending    bool              // open it too when something is pending
	Applied    func(name string) // for each migration; may be nil
	Snapshot   func(path string) // the copy that was taken before; may be nil
}

// OpenSite opens a data directory, or makes a new one. Before anything is written it looks whether this is the site
// that it was: an emptied or a foreign database file, and a damaged one, are refused.
func OpenSite(ctx context.Context, o SiteOptions) (*Site, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, &Refused{Reason: fmt.Sprintf("the data directory %s cannot be made", o.Dir), Err: err}
	}
	s := &Site{Dir: o.Dir}
	if err := s.enter(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// enter takes the locks and opens the database. A command that may run beside a server holds codex.lock only while it
// opens, so that a server can be started meanwhile.
func (s *Site) enter(ctx context.Context, o SiteOptions) error {
	unwritable := func(err error) error {
		return &Refused{Reason: fmt.Sprintf("the data directory %s cannot be written to", o.Dir), Err: err}
	}
	own, err := lock(s.path(lockFile), true)
	switch {
	case err == nil:
		s.Alone = true
		s.locks = append(s.locks, own)
	case errors.Is(err, ErrRunning) && !o.Alone:
	case errors.Is(err, ErrRunning):
		return &Refused{Reason: fmt.Sprintf("another codex is running on the data directory %s", o.Dir), Err: err}
	default:
		return unwritable(err)
	}
	if s.use, err = lock(s.path(useFile), false); errors.Is(err, ErrRunning) {
		return &Refused{Reason: fmt.Sprintf("a restore or a migration is running on the data directory %s", o.Dir), Err: err}
	} else if err != nil {
		return unwritable(err)
	}
	s.locks = append(s.locks, s.use)
	if err := s.open(ctx, o); err != nil {
		return err
	}
	if own != nil && !o.Alone {
		s.locks = s.locks[1:]
		return own.Close()
	}
	return nil
}

// Importing takes the lock of imports: only one runs at a time.
func (s *Site) Importing() error {
	held, err := lock(s.path(importFile), true)
	if errors.Is(err, ErrRunning) {
		return &Refused{Reason: "another import is running on the data directory " + s.Dir}
	}
	if err == nil {
		s.locks = append(s.locks, held)
	}
	return err
}

func (s *Site) path(name string) string { return filepath.Join(s.Dir, name) }

func (s *Site) open(ctx context.Context, o SiteOptions) error {
	path := s.path(db.FileName)
	id, err := s.inspect(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if o.Existing {
			return &Refused{Reason: "there is no forum in the data directory " + s.Dir}
		}
		// SQLite would make it readable for everybody.
		if err := writeWhole(path, nil); err != nil {
			return err
		}
	}
	if s.DB, err = db.Open(ctx, db.Options{Path: path}); err != nil {
		return s.unreadable(path, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		adopt(path + suffix)
	}
	if err := s.check(ctx, path); err != nil {
		return err
	}
	pending := s.current(ctx, o.Migrations)
	if s.Alone && o.Migrate && pending != nil {
		if err := relock(s.use, true); errors.Is(err, ErrRunning) {
			return &Refused{Reason: fmt.Sprintf("the database in %s waits for a migration, and another codex command has it open: try again when that has ended", s.Dir)}
		} else if err != nil {
			return err
		}
		applied := o.Applied
		if applied == nil {
			applied = func(string) {}
		}
		snapshot, err := s.DB.Migrate(ctx, o.Migrations, applied)
		if snapshot != "" && o.Snapshot != nil {
			o.Snapshot(snapshot)
		}
		if err != nil {
			return err
		}
		if err := relock(s.use, false); err != nil {
			return fmt.Errorf("after the migration: %w", err)
		}
	} else if o.Pending {
		return nil
	} else if pending != nil {
		return pending
	}
	return s.identify(ctx, id)
}

// inspect looks at the files without opening the database. It answers the site's id, empty for a new one.
func (s *Site) inspect(path string) (id string, err error) {
	marker, err := os.ReadFile(s.path(markerFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &Refused{Reason: fmt.Sprintf("the file %s cannot be read", s.path(markerFile)), Err: err}
	}
	id = strings.TrimSpace(string(marker))
	head, err := readHead(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(head) == 0:
		if id != "" {
			what := "is missing"
			if err == nil {
				what = "is empty"
			}
			return "", &Refused{Reason: fmt.Sprintf("the database %s %s, but this directory held a forum", path, what), Restore: true}
		}
		return "", nil
	case err != nil:
		return "", &Refused{Reason: fmt.Sprintf("the database %s cannot be read", path), Err: err}
	case !bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return "", &Refused{Reason: fmt.Sprintf("the file %s is damaged: it does not begin as a database does", path), Restore: true}
	}
	return id, nil
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := f.Read(head)
	if err != nil && n == 0 {
		return nil, nil //nolint:nilnil // an empty file
	}
	return head[:n], nil
}

// check reads the database whole where that is quick or where the last stop was not clean.
func (s *Site) check(ctx context.Context, path string) error {
	size, err := s.DB.Size()
	if err != nil {
		return err
	}
	_, err = os.Stat(s.path(runningFile))
	killed := err == nil && s.Alone
	if size > checkedWhole && !killed {
		return nil
	}
	found, err := s.DB.QuickCheck(ctx)
	if err != nil {
		return s.unreadable(path, err)
	}
	if len(found) > 0 {
		return &Refused{Reason: fmt.Sprintf("the database %s is damaged: %s", path, strings.ReplaceAll(found[0], "\n", "; ")), Restore: true}
	}
	return nil
}

func (s *Site) unreadable(path string, err error) error {
	if errors.Is(err, db.ErrDamaged) {
		return &Refused{Reason: fmt.Sprintf("the database %s is damaged", path), Err: err, Restore: true}
	}
	return &Refused{Reason: fmt.Sprintf("the database %s cannot be opened", path), Err: err}
}

// current refuses a database whose schema is not the program's.
func (s *Site) current(ctx context.Context, files fs.FS) error {
	steps, err := s.DB.Migrations(ctx, files)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.Applied.IsZero() {
			return &Refused{Reason: "the database waits for migration " + step.Name + ": run codex migrate"}
		}
	}
	return nil
}

// identify compares the marker with the database, and writes both for a new site. A database that was put into a
// directory without a marker is taken as what it is.
func (s *Site) identify(ctx context.Context, id string) error {
	inside, err := s.DB.Setting(ctx, settingInstance, "")
	if err != nil {
		return err
	}
	if id != "" && inside != "" && id != inside {
		return &Refused{Reason: fmt.Sprintf("the database in %s belongs to another site than the directory", s.Dir), Restore: true}
	}
	if id == inside && id != "" {
		return nil
	}
	if inside == "" {
		if inside = id; inside == "" {
			inside = uuid.NewString()
		}
		if err := s.DB.SetSetting(ctx, settingInstance, inside); err != nil {
			return err
		}
	}
	return writeWhole(s.path(markerFile), []byte(inside+"\n"))
}

// writeWhole writes a small file so that it is there whole or not at all.
func writeWhole(path string, content []byte) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("name %s: %w", path, err)
	}
	adopt(path)
	return nil
}

// begin notes that a server runs.
func (s *Site) begin() error {
	return writeWhole(s.path(runningFile), []byte("a server runs, or was killed\n"))
}

// end notes that it stopped cleanly.
func (s *Site) end() error {
	if err := os.Remove(s.path(runningFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("note the clean stop: %w", err)
	}
	return nil
}

// Close folds the WAL into the database, closes it and lets the directory go.
func (s *Site) Close(ctx context.Context) error {
	var err error
	if s.DB != nil {
		err = s.DB.Close(ctx)
	}
	for _, held := range s.locks {
		err = errors.Join(err, held.Close())
	}
	s.locks = nil
	return err
}

// Refused is why a command does not begin: one plain sentence for the person who runs the forum.
type Refused struct {
	Reason  string
	Err     error // what the system said; may be nil
	Restore bool  // a backup is the way on
}

func (e *Refused) Error() string {
	text := e.Reason
	if e.Err != nil {
		text += " (" + strings.ReplaceAll(e.Err.Error(), "\n", "; ") + ")"
	}
	if e.Restore {
		text += ". Nothing was written. Put a backup in its place with: codex restore FILE"
	}
	return text
}

func (e *Refused) Unwrap() error { return e.Err }
