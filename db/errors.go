package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Error is what the door makes of a driver's error. It knows the HTTP status that it means, so that the page that
// renders it needs no table of this package's values.
type Error struct {
	text   string
	status int
	retry  time.Duration
	meant  bool
}

func (e *Error) Error() string             { return e.text }
func (e *Error) Status() int               { return e.status }
func (e *Error) RetryAfter() time.Duration { return e.retry }

// Meant reports that somebody who runs the forum wants it so: whatever its status says, nothing is broken.
func (e *Error) Meant() bool { return e.meant }

var (
	// ErrNotFound: no such row, or none that the viewer may see.
	ErrNotFound = &Error{text: "not found", status: http.StatusNotFound}
	// ErrForbidden: the viewer may read it and may not do this to it.
	ErrForbidden = &Error{text: "not allowed", status: http.StatusForbidden}
	// ErrConflict: a unique value is taken.
	ErrConflict = &Error{text: "conflict", status: http.StatusConflict}
	// ErrStale: the text is not the one any more that was edited.
	ErrStale = &Error{text: "edited meanwhile", status: http.StatusConflict}
	// ErrLongReason: what a moderator gives as a reason is longer than MaxReason.
	ErrLongReason = &Error{text: "reason too long", status: http.StatusUnprocessableEntity}
	// ErrLocked: the post takes no comments and no changes.
	ErrLocked = &Error{text: "locked", status: http.StatusForbidden}
	// ErrBusy: another process holds the write lock.
	ErrBusy = &Error{text: "database is busy", status: http.StatusServiceUnavailable, retry: 2 * time.Second}
	// ErrClosed: the site is shutting down.
	ErrClosed = &Error{text: "database is closed", status: http.StatusServiceUnavailable, retry: 5 * time.Second}
	// ErrNoSpace: the disk, or a limit on the file, is full. Reads go on.
	ErrNoSpace = &Error{text: "no space left", status: http.StatusInsufficientStorage}
	// ErrWritesStopped: an fsync failed, so what is on the disk is unknown. Nothing is written until a restart.
	ErrWritesStopped = &Error{text: "writes are stopped after a failed fsync", status: http.StatusServiceUnavailable, retry: time.Minute}
	// ErrDamaged: SQLite found the file malformed.
	ErrDamaged = &Error{text: "database is damaged", status: http.StatusInternalServerError}
)

// mapped gives a driver's error its name here and says what was attempted.
func (d *DB) mapped(ctx context.Context, name string, err error) error {
	if err == nil {
		return nil
	}
	var lite sqlite3.Error
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", name, ErrNotFound)
	case ctx.Err() != nil && (errors.Is(err, ctx.Err()) || isInterrupt(err)):
		// SQLITE_INTERRUPT and "transaction has been rolled back" are both how the end of the context looks from inside.
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone) && ctx.Err() == nil:
		return fmt.Errorf("%s: %w: %w", name, ErrClosed, err)
	case !errors.As(err, &lite):
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case lite.ExtendedCode == sqlite3.ErrConstraintUnique, lite.ExtendedCode == sqlite3.ErrConstraintPrimaryKey:
		return fmt.Errorf("%s: %w: %w", name, ErrConflict, err)
	case lite.ExtendedCode == sqlite3.ErrConstraintForeignKey:
		return fmt.Errorf("%s: %w: %w", name, ErrNotFound, err)
	case lite.Code == sqlite3.ErrBusy, lite.Code == sqlite3.ErrLocked:
		return fmt.Errorf("%s: %w: %w", name, ErrBusy, err)
	case lite.Code == sqlite3.ErrIoErr && (lite.ExtendedCode == sqlite3.ErrIoErrFsync || lite.ExtendedCode == sqlite3.ErrIoErrDirFsync):
		d.failedSync.Store(true)
		return fmt.Errorf("%s: %w: %w", name, ErrWritesStopped, err)
	case lite.Code == sqlite3.ErrFull,
		lite.ExtendedCode == sqlite3.ErrIoErrWrite && isNoSpace(lite.SystemErrno),
		isNoSpace(lite.SystemErrno):
		return fmt.Errorf("%s: %w: %w", name, ErrNoSpace, err)
	case lite.Code == sqlite3.ErrCorrupt, lite.Code == sqlite3.ErrNotADB:
		return fmt.Errorf("%s: %w: %w", name, ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// isNoSpace knows both faces of a full disk: the file system's, and a quota or a limit on the file's size.
func isNoSpace(errno syscall.Errno) bool {
	return errno == syscall.ENOSPC || errno == syscall.EDQUOT || errno == syscall.EFBIG
}

func isInterrupt(err error) bool {
	var lite sqlite3.Error
	return errors.As(err, &lite) && lite.Code == sqlite3.ErrInterrupt || errors.Is(err, sql.ErrTxDone)
}
