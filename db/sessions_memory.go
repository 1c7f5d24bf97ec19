package db

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// On a full disk the sessions table takes no row and lets none go. People sign in and out all the same:
//
//   - A session that could not be stored waits in memory for room. It is valid for as long as a stored one, and ends
//     as one. StoreWaiting writes it when there is room. A restart before that loses it: the person signs in again.
//   - A stored session that could not be deleted is remembered as ended. Memory alone would let it live again after a
//     restart, so a file beside the database says that there are such. It is empty: a name needs no room where bytes
//     need some. A start that finds it trusts no stored session: all are ended, and everybody signs in again.
//
// Both are bounded. When too many sessions wait, the one that was used longest ago goes. When too many have ended, or
// the file cannot be made, ending one answers ErrNoSpace: a promise that a restart would break is not given.

const (
	maxWaiting      = 1_000  // about 1 KB each
	maxMemberWaits  = 50     // of one member: as many as the table keeps
	maxEnded        = 10_000 // hashes
	storedAtOnce    = 100    // rows a transaction, so that the write connection is never held long
	endedNoteSuffix = "-ended"
)

// waitingSession is a session that waits for room. It holds the role and the password (a PHC string) that the member
// signed in with, since what ends stored sessions may happen in another process: a command beside the server.
type waitingSession struct {
	hash                  string
	id, member            int64
	role                  Role
	password, next        string // next: of a change that may not be committed yet
	created, proved, used Millis
	idle, expires         Millis
	address, agent        string
}

func (s *waitingSession) over(now Millis) bool { return s.expires <= now || s.idle <= now }

// sessionMemory is what the database has no room for. Its lock is never held over a statement.
type sessionMemory struct {
	n       atomic.Int64 // how much is remembered; at zero a look-up does not take the lock
	mu      sync.Mutex
	waiting map[string]*waitingSession // by the token's hash, as in the table: what is compared is no secret
	ended   map[string]bool
	stale   bool // the file was there at the start

	noting sync.Mutex // taken before mu: the file is there while anything is in ended
	note   string
}

func (m *sessionMemory) open(note string) error {
	m.waiting, m.ended, m.note = map[string]*waitingSession{}, map[string]bool{}, note
	_, err := os.Stat(note)
	m.stale = err == nil
	m.count()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look whether sessions were ended: %w", err)
	}
	return nil
}

// count is called with the lock held after each change.
func (m *sessionMemory) count() {
	n := len(m.waiting) + len(m.ended)
	if m.stale {
		n++
	}
	m.n.Store(int64(n))
}

// look finds the member of a session that waits; ended says that the token opens nothing, wherever it is stored.
func (m *sessionMemory) look(hash []byte, now Millis) (member int64, waits, ended bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.waiting[string(hash)]; ok && !s.over(now) {
		return s.member, true, false
	}
	return 0, false, m.stale || m.ended[string(hash)]
}

// confirm compares a session that waits with its member's row, and forgets one that does not belong to it any more.
func (m *sessionMemory) confirm(hash []byte, role Role, password string) (s waitingSession, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held, ok := m.waiting[string(hash)]
	if !ok {
		return s, false // stored or ended meanwhile
	}
	if held.next != "" && held.next == password {
		held.password, held.next = held.next, ""
	}
	if held.role != role || held.password != password {
		delete(m.waiting, held.hash)
		m.count()
		return s, false
	}
	return *held, true
}

// add lets a session wait. The member's longest unused goes when they have too many, then anybody's.
func (m *sessionMemory) add(s *waitingSession) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting[s.hash] = s
	defer m.count()
	theirs := m.pick(func(w *waitingSession) bool { return w.member == s.member })
	switch {
	case len(theirs) > maxMemberWaits:
		delete(m.waiting, theirs[0].hash)
	case len(m.waiting) > maxWaiting:
		delete(m.waiting, m.pick(func(*waitingSession) bool { return true })[0].hash)
	}
}

// pick lists sessions that wait, the longest unused first. It is called with the lock held.
func (m *sessionMemory) pick(which func(*waitingSession) bool) (list []*waitingSession) {
	for _, s := range m.waiting {
		if which(s) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *waitingSession) int {
		return cmp.Or(cmp.Compare(a.used, b.used), cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id))
	})
	return list
}

// drop forgets the member's sessions that wait, but not their one named keep, which goes on with a new password when
// there is one. It is called inside the transaction that ends the stored ones: StoreWaiting, which needs the write
// lock too, has stored a session before or finds it gone.
func (m *sessionMemory) drop(member, keep int64, password string) (n int) {
	if m.n.Load() == 0 {
		return 0
	}
	return m.dropWhich(func(s *waitingSession) bool {
		if s.member == member && s.id == keep && password != "" {
			s.next = password
		}
		return s.member == member && s.id != keep
	})
}

func (m *sessionMemory) dropWhich(which func(*waitingSession) bool) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for hash, s := range m.waiting {
		if which(s) {
			delete(m.waiting, hash)
			n++
		}
	}
	m.count()
	return n
}

func (m *sessionMemory) touch(id int64, used, idle Millis) {
	if m.n.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.waiting {
		if s.id == id {
			s.used, s.idle = used, idle
		}
	}
}

// prove notes that the password was given in a session; false when it does not wait here.
func (m *sessionMemory) prove(id, member int64, at Millis) (waits bool) {
	if m.n.Load() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.waiting {
		if s.id == id && s.member == member {
			s.proved, waits = at, true
		}
	}
	return waits
}

// merge makes the list of a member's sessions from the stored ones.
func (m *sessionMemory) merge(stored []storedSession, v Viewer, now Millis) (list []Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range stored {
		if !m.stale && !m.ended[string(s.Hash)] && m.waiting[string(s.Hash)] == nil {
			list = append(list, s.Session)
		}
	}
	for _, s := range m.waiting {
		if s.member == v.ID && !s.over(now) {
			list = append(list, Session{ID: s.id, CreatedAt: s.created, UsedAt: s.used, Address: s.address, Agent: s.agent, Current: s.id == v.SessionID})
		}
	}
	slices.SortFunc(list, func(a, b Session) int { return cmp.Or(cmp.Compare(b.UsedAt, a.UsedAt), cmp.Compare(b.ID, a.ID)) })
	return list[:min(len(list), maxMemberWaits)]
}

func (m *sessionMemory) isStale() bool {
	if m.n.Load() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stale
}

// writeNote leaves the file, also through a power cut.
func (m *sessionMemory) writeNote() error {
	f, err := os.OpenFile(m.note, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		f, err = os.Open(filepath.Dir(m.note))
	}
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("note that sessions were ended: %w: %w", ErrNoSpace, err)
	}
	return nil
}

// EndSessionsAtStart lets the next start of the database at path trust no session that is stored in it: a backup holds
// those that have ended since it was made.
func EndSessionsAtStart(path string) error {
	return (&sessionMemory{note: path + endedNoteSuffix}).writeNote()
}

func (m *sessionMemory) removeNote() error {
	m.noting.Lock()
	defer m.noting.Unlock()
	m.mu.Lock()
	needed := m.stale || len(m.ended) > 0
	m.mu.Unlock()
	if needed {
		return nil
	}
	if err := os.Remove(m.note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take back the note that sessions were ended: %w", err)
	}
	return nil
}
