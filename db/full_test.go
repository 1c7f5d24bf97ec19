//go:build unix

package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A full disk has two faces: SQLITE_FULL, which SQLite says when the file system is full or the database has reached
// its largest page, and SQLITE_IOERR_WRITE with EFBIG or EDQUOT, which a limit on the file or a quota gives.

// fill writes settings until a write fails. It answers how many were acknowledged and the failure.
func fill(d *DB, from int) (acknowledged int, failure error) {
	value := strings.Repeat("x", 20_000)
	for i := range 2_000 {
		if err := d.SetSetting(context.Background(), fmt.Sprint("fill ", from+i), value); err != nil {
			return i, err
		}
	}
	return 2_000, nil
}

// filled says what is wrong with a database that is full: the failure's name, lost rows, reads that do not go on.
func filled(d *DB, acknowledged int, failure error) error {
	if !errors.Is(failure, ErrNoSpace) {
		return fmt.Errorf("the write that found no space answered %v", failure)
	}
	if acknowledged == 0 {
		return errors.New("nothing could be written")
	}
	var n int
	if err := d.get(context.Background(), "count", &n, "SELECT COUNT(*) FROM settings WHERE name LIKE 'fill %'"); err != nil || n != acknowledged {
		return fmt.Errorf("%d rows, want the %d that were acknowledged (%v)", n, acknowledged, err)
	}
	if _, again := fill(d, 5_000); !errors.Is(again, ErrNoSpace) {
		return fmt.Errorf("the next write answered %v", again)
	}
	return nil
}

func TestAFullDatabaseIsReadAndHeals(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	if _, err := d.write.Exec("PRAGMA max_page_count = 200"); err != nil {
		t.Fatal(err)
	}
	n, err := fill(d, 0)
	if err := filled(d, n, err); err != nil {
		t.Fatal(err)
	}
	if _, err := d.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := d.SetSetting(context.Background(), "healed", "yes"); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

const childOf = "CODEX_TEST_FILE_LIMIT"

// The limit is the process's, so the test runs itself again as another one.
func TestAFileAtItsLimitIsReadAndHeals(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(childOf); dir != "" {
		if err := atLimit(t, dir); err != nil {
			t.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestAFileAtItsLimitIsReadAndHeals$")
	cmd.Env = append(os.Environ(), childOf+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func atLimit(t *testing.T, dir string) error {
	d := migrated(t, Options{Path: filepath.Join(dir, FileName)})
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	before := limit.Cur
	limit.Cur = 2 << 20 // Go leaves SIGXFSZ alone, so write answers EFBIG
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	n, err := fill(d, 0)
	if err := filled(d, n, err); err != nil {
		return err
	}
	limit.Cur = before
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := d.SetSetting(context.Background(), "healed", "yes"); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if found, err := d.IntegrityCheck(context.Background()); err != nil || len(found) > 0 {
		return fmt.Errorf("the file: %v, %w", found, err)
	}
	return nil
}
