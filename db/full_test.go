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
	var pages int
	if err := d.write.Get(&pages, "PRAGMA page_count"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.write.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages+20)); err != nil {
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

// limited runs a test that limits the size of files. The limit is the process's, so the test runs itself again as
// another one.
func limited(t *testing.T, run func(d *doors, limit func(bytes uint64))) {
	if dir := os.Getenv(childOf); dir != "" {
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
		run(newDoors(t, filepath.Join(dir, FileName)), func(bytes uint64) {
			now := was
			if bytes > 0 {
				now.Cur = bytes // Go leaves SIGXFSZ alone, so write answers EFBIG
			}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
				t.Fatal(err)
			}
		})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childOf+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAFileAtItsLimitIsReadAndHeals(t *testing.T) {
	t.Parallel()
	limited(t, func(d *doors, limit func(bytes uint64)) {
		limit(2 << 20)
		n, err := fill(d.DB, 0)
		d.ok(filled(d.DB, n, err))
		limit(0)
		if err := d.SetSetting(context.Background(), "healed", "yes"); err != nil {
			t.Fatalf("with space again: %v", err)
		}
		if found, err := d.IntegrityCheck(context.Background()); err != nil || len(found) > 0 {
			t.Fatalf("the file: %v, %v", found, err)
		}
	})
}

func TestSignInAndOutGoOnInAFullDatabase(t *testing.T) {
	t.Parallel()
	d := newDoors(t, "")
	pages := func(n int) {
		_, err := d.write.Exec(fmt.Sprint("PRAGMA max_page_count = ", n))
		d.ok(err)
	}
	signInAndOutGoOn(d, true, func() { pages(200) }, func() { pages(1_000_000) })
}

func TestSignInAndOutGoOnWithAFileAtItsLimit(t *testing.T) {
	t.Parallel()
	limited(t, func(d *doors, limit func(bytes uint64)) {
		signInAndOutGoOn(d, false, func() { limit(2 << 20) }, func() { limit(0) })
	})
}

// signInAndOutGoOn is the same on both faces of a full disk. In a full database a row can be deleted still; a file at
// its limit takes not even that, for a deletion is written too.
func signInAndOutGoOn(d *doors, deletes bool, full, room func()) {
	t, ctx := d.t, context.Background()
	member := d.member("plain", Plain)
	stored := []string{"stored 1", "stored 2", "stored 3"}
	for _, token := range stored {
		d.signIn(member, token)
	}
	other := d.member("other", Plain)
	d.signIn(other, "other")
	var fillers []int64
	for i := range 4 {
		fillers = append(fillers, d.member(fmt.Sprint("filler", i), Plain))
	}

	full()
	if _, err := fill(d.DB, 0); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("filling ended with %v", err)
	}
	for i := 0; d.memory.n.Load() == 0; i++ { // the last page has room for some
		if i == 160 {
			t.Fatal("every sign-in was stored")
		}
		d.signIn(fillers[i%len(fillers)], fmt.Sprint("filler ", i))
	}
	d.signIn(member, "waits 1")
	d.signIn(member, "waits 2")
	if d.rows("waits 1") != 0 {
		t.Fatal("a session was stored on a full disk")
	}
	v := d.viewer("waits 1")
	if list, err := d.Sessions(ctx, v); err != nil || len(list) != 5 {
		t.Errorf("%d sessions are listed, want 5 (%v)", len(list), err)
	}
	if _, err := d.StoreWaiting(ctx); !errors.Is(err, ErrNoSpace) {
		t.Errorf("storing without room answered %v", err)
	}
	d.ok(d.EndSession(ctx, d.viewer("waits 2"), d.viewer("waits 2").SessionID)) // signs out
	d.noneOpens("signed out,", "waits 2")
	d.ok(d.EndSession(ctx, v, d.viewer("stored 1").SessionID))
	d.noneOpens("signed out there,", "stored 1")
	d.ok(d.EndOtherSessions(ctx, v))
	d.noneOpens("signed out everywhere else,", stored...)
	if d.rows("stored 2") == 0 != deletes || d.noted() == deletes {
		t.Errorf("%d rows of a session that has ended, noted: %v", d.rows("stored 2"), d.noted())
	}
	d.again().noneOpens("after a kill,", stored...)
	d.viewer("other")
	if err := d.SetPassword(ctx, other, "new", 0); err != nil && !errors.Is(err, ErrNoSpace) {
		t.Errorf("a new password: %v", err)
	}

	room()
	d.store()
	if d.rows("waits 1") != 1 || d.rows("waits 2")+d.rows("stored 1")+d.rows("stored 2") != 0 || d.noted() {
		t.Error("with room again the table is not as it would have been")
	}
	after := d.again()
	after.noneOpens("after a restart", append(stored, "waits 2")...)
	if got := after.viewer("waits 1"); got != v {
		t.Errorf("stored %+v, want %+v", got, v)
	}
	d.signIn(member, "room")
	if d.rows("room") != 1 {
		t.Error("with room again a sign-in waits")
	}
}
