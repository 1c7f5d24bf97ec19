package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// doors is a database whose clock can be moved, and what is asked of its sessions.
type doors struct {
	*DB
	t     testing.TB
	later time.Duration
}

func newDoors(t testing.TB, path string) *doors {
	s := &doors{t: t}
	s.DB = migrated(t, Options{Path: path, Now: func() time.Time { return time.Now().Add(s.later) }})
	return s
}

// again opens the file anew, as a start after a kill does.
func (s *doors) again() *doors {
	s.t.Helper()
	d, err := Open(context.Background(), Options{Path: s.Path()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { d.Close(context.Background()) })
	return &doors{DB: d, t: s.t}
}

func (s *doors) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *doors) member(handle string, role Role) int64 {
	s.t.Helper()
	id, err := s.CreateMember(context.Background(), NewMember{Handle: handle, Role: role, Password: "old", Origin: "registered"})
	s.ok(err)
	return id
}

// signIn makes a session that is stored, wait one that waits.
func (s *doors) signIn(member int64, token string) {
	s.t.Helper()
	s.ok(s.CreateSession(context.Background(), member, []byte(token), "127.0.0.1", strings.Repeat("a", 300)))
}

func (s *doors) wait(member int64, token string) Viewer {
	s.t.Helper()
	s.ok(s.letWait(context.Background(), member, []byte(token), "127.0.0.1", "agent"))
	return s.viewer(token)
}

func (s *doors) viewer(token string) Viewer {
	s.t.Helper()
	v, _, err := s.ViewerBySession(context.Background(), []byte(token))
	if err != nil {
		s.t.Fatalf("the session %s: %v", token, err)
	}
	return v
}

func (s *doors) noneOpens(when string, tokens ...string) {
	s.t.Helper()
	for _, token := range tokens {
		if v, _, err := s.ViewerBySession(context.Background(), []byte(token)); !errors.Is(err, ErrNotFound) {
			s.t.Errorf("%s the session %s opens to member %d (%v)", when, token, v.ID, err)
		}
	}
}

func (s *doors) store() {
	s.t.Helper()
	_, err := s.StoreWaiting(context.Background())
	s.ok(err)
	if n := s.memory.n.Load(); n != 0 {
		s.t.Fatalf("%d wait still", n)
	}
}

func (s *doors) rows(token string) (n int) {
	s.t.Helper()
	s.ok(s.get(context.Background(), "rows", &n, "SELECT COUNT(*) FROM sessions WHERE token_hash = ?", []byte(token)))
	return n
}

func (s *doors) noted() bool {
	_, err := os.Stat(s.Path() + endedNoteSuffix)
	return err == nil
}

func TestASessionThatWaitsIsAsAStoredOne(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	plain, admin := s.member("plain", Plain), s.member("admin", Admin)
	v := s.wait(plain, "plain waits")
	if v.ID != plain || v.Handle != "plain" || v.SessionID == 0 {
		t.Errorf("it opens to %+v", v)
	}
	s.signIn(plain, "plain stored")
	list, err := s.Sessions(ctx, v)
	s.ok(err)
	if len(list) != 2 || list[0].Current == list[1].Current {
		t.Errorf("the list: %+v", list)
	}
	s.wait(admin, "admin waits")
	s.later = StaffSessionIdle + time.Minute
	s.noneOpens("idle,", "admin waits")
	s.viewer("plain waits")
	for s.later < SessionMax-SessionIdle {
		s.later += SessionIdle / 2
		v, touch, err := s.ViewerBySession(ctx, []byte("plain waits"))
		if err != nil || !touch {
			t.Fatalf("after %s: touch %v, %v", s.later, touch, err)
		}
		s.ok(s.TouchSession(ctx, v))
	}
	if _, touch, _ := s.ViewerBySession(ctx, []byte("plain waits")); touch {
		t.Error("a use that was written is to be written again")
	}
	s.later = SessionMax + time.Minute
	s.noneOpens("in use for its whole life,", "plain waits")
	s.store()
	if s.rows("plain waits")+s.rows("admin waits") > 0 {
		t.Error("sessions that are over were stored")
	}
}

func TestASessionThatWaitedIsStoredAsItWas(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	v := s.wait(s.member("plain", Plain), "waits")
	before, err := s.Sessions(ctx, v)
	s.ok(err)
	s.store()
	if s.memory.n.Load() != 0 {
		t.Error("it is in memory still")
	}
	again := s.again()
	if got := again.viewer("waits"); got != v {
		t.Errorf("stored %+v, want %+v", got, v)
	}
	if after, err := again.Sessions(ctx, v); err != nil || len(after) != 1 || after[0] != before[0] {
		t.Errorf("listed as %+v, before as %+v (%v)", after, before, err)
	}
}

// Each way of ending is tried on the database that holds the session in memory and, as a command beside the server
// does it, on another one of the same file.
func TestWhatEndsStoredSessionsEndsThoseThatWait(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		end   func(d *DB, v Viewer, other int64) error
		keeps bool // the session that asks
		alien bool // a command does it too
	}{
		"sign out":         {func(d *DB, v Viewer, _ int64) error { return d.EndSession(ctx, v, v.SessionID) }, false, false},
		"sign out there":   {func(d *DB, v Viewer, other int64) error { return d.EndSession(ctx, v, other) }, true, false},
		"everywhere else":  {func(d *DB, v Viewer, _ int64) error { return d.EndOtherSessions(ctx, v) }, true, false},
		"new password":     {func(d *DB, v Viewer, _ int64) error { return d.SetPassword(ctx, v.ID, "new", v.SessionID) }, true, false},
		"password by name": {func(d *DB, v Viewer, _ int64) error { return d.SetPassword(ctx, v.ID, "new", 0) }, false, true},
		"same role":        {func(d *DB, v Viewer, _ int64) error { return d.SetRole(ctx, v.ID, Plain) }, false, false},
		"other role":       {func(d *DB, v Viewer, _ int64) error { return d.SetRole(ctx, v.ID, Moderator) }, false, true},
		"deletion": {func(d *DB, v Viewer, _ int64) error {
			_, err := d.write.ExecContext(ctx, "UPDATE members SET deleted_at = 1 WHERE id = ?", v.ID)
			return err
		}, false, true},
	} {
		for _, alien := range []bool{false, true} {
			if alien && !c.alien {
				continue
			}
			t.Run(fmt.Sprint(name, alien), func(t *testing.T) {
				t.Parallel()
				s := newDoors(t, "")
				member := s.member("plain", Plain)
				here, there := s.wait(member, "here"), s.wait(member, "there")
				s.wait(s.member("other", Plain), "other")
				d := s.DB
				if alien {
					d = s.again().DB
				}
				s.ok(c.end(d, here, there.SessionID))
				check := func(when string) {
					t.Helper()
					s.viewer("other")
					switch {
					case c.keeps:
						s.noneOpens(when, "there")
						s.viewer("here")
					case name == "sign out":
						s.noneOpens(when, "here")
						s.viewer("there")
					default:
						s.noneOpens(when, "here", "there")
					}
				}
				check("before it is stored")
				s.store()
				check("after")
			})
		}
	}
}

func TestNobodyEndsTheSessionOfAnotherThatWaits(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	v, stranger := s.wait(s.member("plain", Plain), "mine"), s.wait(s.member("other", Plain), "theirs")
	if err := s.EndSession(ctx, stranger, v.SessionID); !errors.Is(err, ErrNotFound) {
		t.Errorf("it answered %v", err)
	}
	if n, err := s.endUnstored(ctx, stranger.ID, func(id int64) bool { return id == v.SessionID }); n != 0 || err != nil {
		t.Errorf("on a full disk %d ended, %v", n, err)
	}
	s.viewer("mine")
}

func TestSessionsThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	s := newDoors(t, "")
	member := s.member("plain", Plain)
	for i := range maxMemberWaits + 1 {
		s.later += time.Second
		s.wait(member, fmt.Sprint("of one ", i))
	}
	s.noneOpens("when the member has too many", "of one 0")
	s.viewer("of one 1")
	for i := range maxWaiting {
		s.memory.add(&waitingSession{hash: fmt.Sprint(i), id: int64(i + 1), member: int64(1_000 + i), used: s.millis() + 1, expires: s.millis() * 2, idle: s.millis() * 2})
	}
	if n := s.memory.n.Load(); n != maxWaiting {
		t.Errorf("%d wait, want at most %d", n, maxWaiting)
	}
	s.noneOpens("when too many wait", "of one 1", fmt.Sprint("of one ", maxMemberWaits))
	if _, waits, _ := s.memory.look([]byte("0"), s.millis()); !waits {
		t.Error("the newest went")
	}
}

func TestASessionThatCouldNotBeDeletedNeverOpensAgain(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	member, other := s.member("plain", Plain), s.member("other", Plain)
	for _, token := range []string{"one", "two", "kept"} {
		s.signIn(member, token)
	}
	s.signIn(other, "other")
	v := s.viewer("kept")
	if n, err := s.endUnstored(ctx, member, func(id int64) bool { return id != v.SessionID }); n != 2 || err != nil {
		t.Fatalf("%d ended, %v", n, err)
	}
	s.noneOpens("at once", "one", "two")
	s.viewer("kept")
	s.viewer("other")
	if list, err := s.Sessions(ctx, v); err != nil || len(list) != 1 {
		t.Errorf("listed: %+v, %v", list, err)
	}
	if s.rows("one") != 1 || !s.noted() {
		t.Fatal("this is not about a session that is stored")
	}

	after := s.again() // a kill: memory is gone
	after.noneOpens("after a restart", "one", "two", "kept", "other")
	if list, err := after.Sessions(ctx, v); err != nil || len(list) != 0 {
		t.Errorf("after a restart listed: %+v, %v", list, err)
	}
	s.again().noneOpens("after two restarts", "one", "two")
	after.signIn(member, "new")
	after.viewer("new")
	if after.noted() || after.rows("one") != 0 || after.memory.n.Load() != 0 {
		t.Error("with room again the old sessions are there still")
	}
	s.again().viewer("new")

	s.store() // of the first process: had it lived, it would have deleted them by now
	s.noneOpens("deleted,", "one", "two")
}

func TestAStartThatFindsTheFileHasStoredNothing(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	member := s.member("plain", Plain)
	s.signIn(member, "one")
	_, err := s.endUnstored(ctx, member, func(int64) bool { return true })
	s.ok(err)
	after := s.again()
	if n, err := after.StoreWaiting(ctx); n != 0 || err != nil || after.noted() {
		t.Errorf("%d are said to have waited for room, %v", n, err)
	}
	after.wait(member, "two")
	if n, err := after.StoreWaiting(ctx); n != 1 || err != nil {
		t.Errorf("one waited, and %d are stored, %v", n, err)
	}
}

func TestAnEndThatWouldNotOutlastARestartIsNotPromised(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	member := s.member("plain", Plain)
	s.signIn(member, "one")
	s.signIn(member, "two")
	one, two := s.viewer("one").SessionID, s.viewer("two").SessionID
	note := s.memory.note
	s.memory.note = filepath.Join(t.TempDir(), "none", "note")
	for range 2 { // asking again makes it no truer
		if _, err := s.endUnstored(ctx, member, func(id int64) bool { return id == one }); !errors.Is(err, ErrNoSpace) {
			t.Errorf("without the file it answered %v", err)
		}
	}
	s.noneOpens("even so", "one")
	s.memory.note = note
	for i := range maxEnded {
		s.memory.ended[fmt.Sprint(i)] = true
	}
	if _, err := s.endUnstored(ctx, member, func(id int64) bool { return id == two }); !errors.Is(err, ErrNoSpace) {
		t.Errorf("one too many answered %v", err)
	}
	if n := len(s.memory.ended); n > maxEnded+1 {
		t.Errorf("%d are remembered", n)
	}
}

// What is stored and what ends at the same moment: the end wins.
func TestNoSessionIsStoredAfterItsEnd(t *testing.T) {
	t.Parallel()
	s, ctx := newDoors(t, ""), context.Background()
	member := s.member("plain", Plain)
	for round := range 30 {
		var tokens []string
		for i := range 4 {
			tokens = append(tokens, fmt.Sprint(round, " ", i))
			s.wait(member, tokens[i])
		}
		v := Viewer{ID: member}
		var all sync.WaitGroup
		for _, do := range []func() error{
			func() error { _, err := s.StoreWaiting(ctx); return err },
			func() error {
				if round%2 == 0 {
					return s.EndOtherSessions(ctx, v)
				}
				_, err := s.endUnstored(ctx, member, func(int64) bool { return true })
				return err
			},
			func() error {
				if _, _, err := s.ViewerBySession(ctx, []byte(tokens[0])); !errors.Is(err, ErrNotFound) {
					return err
				}
				return nil
			},
		} {
			all.Go(func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s.noneOpens("at once", tokens...)
		s.store()
		s.noneOpens("when all is stored", tokens...)
	}
	if s.noted() || s.memory.n.Load() != 0 {
		t.Error("something is left in memory")
	}
}
