package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
)

// What is asked of the sessions that sessions_memory.go holds, and how they come into the table.

// viewerInMemory is ViewerBySession for a token that memory knows.
func (d *DB) viewerInMemory(ctx context.Context, tokenHash []byte) (v Viewer, touch, known bool, err error) {
	now := d.millis()
	member, waits, ended := d.memory.look(tokenHash, now)
	if ended {
		return v, false, true, fmt.Errorf("ViewerBySession: ended: %w", ErrNotFound)
	}
	if !waits {
		return v, false, false, nil
	}
	var row struct {
		viewerRow
		Password string `db:"password"`
	}
	if err := d.get(ctx, "viewerInMemory", &row, "SELECT "+viewerColumns+countedColumns+", m.password FROM members m WHERE m.id = ? AND "+admissible, member, now); err != nil {
		return v, false, true, err
	}
	s, ok := d.memory.confirm(tokenHash, row.Role, row.Password)
	if !ok {
		return v, false, false, nil
	}
	v = row.viewer(s.id, s.proved)
	return v, now-s.used > Millis(sessionTouch.Milliseconds()), true, nil
}

// letWait keeps in memory a session that the database had no room for.
func (d *DB) letWait(ctx context.Context, memberID int64, tokenHash []byte, address, agent string) error {
	var m struct {
		Role     Role   `db:"role"`
		Password string `db:"password"`
		Banned   Millis `db:"banned_until"`
		Reason   string `db:"barred_for"`
	}
	if err := d.get(ctx, "letWait", &m, "SELECT role, password, COALESCE(banned_until, 0) AS banned_until, barred_for FROM members WHERE id = ? AND deleted_at IS NULL", memberID); err != nil {
		return err
	}
	if m.Banned > d.millis() {
		return &Barred{true, m.Banned, m.Reason}
	}
	idle, whole := sessionSpan(m.Role)
	now := d.now()
	// The id stays when the session is stored, so that a page which shows it stays true. It is far above those that
	// the table gives, and small enough for every reader of JSON.
	d.memory.add(&waitingSession{
		hash: string(tokenHash), id: 1<<51 + rand.Int64N(1<<51), member: memberID, role: m.Role, password: m.Password,
		created: MillisOf(now), proved: MillisOf(now), used: MillisOf(now), idle: MillisOf(now.Add(idle)), expires: MillisOf(now.Add(whole)),
		address: address, agent: truncate(agent, 300),
	})
	return nil
}

// endUnstored ends those of a member's sessions that which picks by their id, when the database has no room to delete
// them. It fails with ErrNoSpace where that would not outlast a restart; they are refused until then even so.
func (d *DB) endUnstored(ctx context.Context, memberID int64, which func(id int64) bool) (n int, err error) {
	m := &d.memory
	m.noting.Lock() // the file's, so that what is stored meanwhile does not take it away
	defer m.noting.Unlock()
	m.mu.Lock()
	full := false
	end := func(hash string) {
		if full = full || len(m.ended) >= maxEnded; !full {
			m.ended[hash] = true
		}
		n++
	}
	// Those that wait may be on their way into the table, so they are among the ended too. They come before the table
	// is read: what is not here any more is there.
	for _, s := range m.waiting {
		if s.member == memberID && which(s.id) {
			delete(m.waiting, s.hash)
			end(s.hash)
		}
	}
	m.count()
	m.mu.Unlock()
	var rows []struct {
		ID   int64  `db:"id"`
		Hash []byte `db:"token_hash"`
	}
	if err := d.list(ctx, "endUnstored", &rows, "SELECT id, token_hash FROM sessions WHERE member_id = ?", memberID); err != nil {
		return n, err
	}
	m.mu.Lock()
	for _, row := range rows {
		switch {
		case !which(row.ID):
		case m.ended[string(row.Hash)]: // by a call that could not promise it, it may be
			n++
		default:
			end(string(row.Hash))
		}
	}
	m.count()
	m.mu.Unlock()
	if full {
		return n, fmt.Errorf("end sessions: %d wait for room: %w", maxEnded, ErrNoSpace)
	}
	if n > 0 {
		err = m.writeNote()
	}
	return n, err
}

// StoreWaiting writes the sessions that wait for room and deletes those that have ended, and answers how many of both there
// were. That all had to end at a start which found the file is not counted: there nothing waited for room. With nothing to
// do it sends no statement. It fails with ErrNoSpace while there is no room.
func (d *DB) StoreWaiting(ctx context.Context) (int, error) {
	n := d.memory.n.Load()
	if n == 0 {
		return 0, nil
	}
	if d.memory.isStale() {
		n--
	}
	// Deleting comes first: it may make the room.
	for _, step := range []func(context.Context) error{d.deleteStale, d.deleteEnded, d.insertWaiting} {
		if err := step(ctx); err != nil {
			return 0, fmt.Errorf("store what waits of %d sessions: %w", n, err)
		}
	}
	return int(n), nil
}

// deleteStale ends every stored session after a start that found the file.
func (d *DB) deleteStale(ctx context.Context) error {
	m := &d.memory
	for m.isStale() {
		var deleted int64
		err := d.change(ctx, "deleteStale", func(ctx context.Context, tx *tx) error {
			if !m.isStale() { // another call has ended it, and new sessions may be stored by now
				return nil
			}
			res, err := tx.exec(ctx, "sessions", "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE id > 0 ORDER BY id LIMIT 1000)")
			if err == nil {
				deleted, err = res.RowsAffected()
			}
			return err
		})
		if err != nil {
			return err
		}
		if deleted == 0 {
			m.mu.Lock()
			m.stale = false
			m.count()
			m.mu.Unlock()
			return m.removeNote()
		}
	}
	return nil
}

func (d *DB) deleteEnded(ctx context.Context) error {
	m := &d.memory
	for {
		var batch []string
		m.mu.Lock()
		for hash := range m.ended {
			if batch = append(batch, hash); len(batch) == storedAtOnce {
				break
			}
		}
		m.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		err := d.change(ctx, "deleteEnded", func(ctx context.Context, tx *tx) error {
			for _, hash := range batch {
				if _, err := tx.exec(ctx, "session", "DELETE FROM sessions WHERE token_hash = ?", []byte(hash)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		m.mu.Lock()
		for _, hash := range batch {
			delete(m.ended, hash)
		}
		m.count()
		m.mu.Unlock()
		if err := m.removeNote(); err != nil {
			return err
		}
	}
}

// insertWaiting stores the sessions that wait. Each is looked for inside the transaction, so that one which ended
// while this waited for the write lock is not stored, and compared with its member's row.
func (d *DB) insertWaiting(ctx context.Context) error {
	m := &d.memory
	for {
		var batch []*waitingSession
		err := d.change(ctx, "insertWaiting", func(ctx context.Context, tx *tx) error {
			now := d.millis()
			m.dropWhich(func(s *waitingSession) bool { return s.over(now) })
			m.mu.Lock()
			batch = m.pick(func(*waitingSession) bool { return true })
			batch = batch[:min(len(batch), storedAtOnce)]
			m.mu.Unlock()
			for _, s := range batch {
				if err := d.insertOne(ctx, tx, s.hash); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		m.mu.Lock()
		for _, s := range batch {
			delete(m.waiting, s.hash)
		}
		m.count()
		m.mu.Unlock()
	}
}

func (d *DB) insertOne(ctx context.Context, tx *tx, hash string) error {
	m := &d.memory
	m.mu.Lock()
	held, ok := m.waiting[hash]
	if !ok {
		m.mu.Unlock()
		return nil
	}
	member := held.member
	m.mu.Unlock()
	var row struct {
		Role     Role   `db:"role"`
		Password string `db:"password"`
	}
	err := tx.get(ctx, "member", &row, "SELECT role, password FROM members WHERE id = ? AND deleted_at IS NULL", member)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s, ok := m.confirm([]byte(hash), row.Role, row.Password)
	if !ok {
		return nil
	}
	_, err = tx.exec(ctx, "session", `INSERT INTO sessions (id, token_hash, member_id, created_at, proved_at, used_at, idle_until, expires_at, address, agent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, s.id, []byte(s.hash), s.member, s.created, s.proved, s.used, s.idle, s.expires, s.address, s.agent)
	if err != nil {
		return err
	}
	return trimSessions(ctx, tx, s.member)
}
