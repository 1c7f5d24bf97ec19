package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long a session lives: idle, and in all. Staff sign in more often, because their cookie opens more.
const (
	SessionIdle      = 14 * 24 * time.Hour
	SessionMax       = 90 * 24 * time.Hour
	StaffSessionIdle = 12 * time.Hour
	StaffSessionMax  = 7 * 24 * time.Hour
	sessionTouch     = time.Minute // last use is written at most this often
)

// Session is a device on which a member is signed in.
type Session struct {
	ID        int64  `db:"id"`
	CreatedAt Millis `db:"created_at"`
	UsedAt    Millis `db:"used_at"`
	Address   string `db:"address"`
	Agent     string `db:"agent"`
	Current   bool   `db:"current"`
}

// storedSession is a session with what memory knows it by.
type storedSession struct {
	Session
	Hash []byte `db:"token_hash"`
}

// CreateSession signs a member in; who is banned gets a *Barred. Only the hash of the token comes here. When the disk is full the session waits in
// memory for room (sessions_memory.go): it works at once and as long as any, but a restart before there is room
// loses it, and the person signs in again.
func (d *DB) CreateSession(ctx context.Context, memberID int64, tokenHash []byte, address, agent string) error {
	err := d.storeSession(ctx, memberID, tokenHash, address, agent)
	if errors.Is(err, ErrNoSpace) {
		return d.letWait(ctx, memberID, tokenHash, address, agent)
	}
	return err
}

func (d *DB) storeSession(ctx context.Context, memberID int64, tokenHash []byte, address, agent string) error {
	// After a start at which no stored session counts, those have to go before another comes among them.
	if err := d.deleteStale(ctx); err != nil {
		return err
	}
	return d.change(ctx, "CreateSession", func(ctx context.Context, tx *tx) error {
		var role Role
		if err := tx.get(ctx, "role", &role, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", memberID); err != nil {
			return err
		}
		if err := tx.barred(ctx, memberID); err != nil {
			return err
		}
		idle, whole := sessionSpan(role)
		now := d.now()
		_, err := tx.exec(ctx, "session", `INSERT INTO sessions (token_hash, member_id, created_at, proved_at, used_at, idle_until, expires_at, address, agent)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			tokenHash, memberID, MillisOf(now), MillisOf(now), MillisOf(now), MillisOf(now.Add(idle)), MillisOf(now.Add(whole)), address, truncate(agent, 300))
		if err != nil {
			return err
		}
		return trimSessions(ctx, tx, memberID)
	})
}

// trimSessions: a member keeps the 50 sessions they used last. A script that signs in for ever does not fill the table.
func trimSessions(ctx context.Context, tx *tx, memberID int64) error {
	_, err := tx.exec(ctx, "trim sessions", `DELETE FROM sessions WHERE member_id = ? AND id NOT IN
		(SELECT id FROM sessions WHERE member_id = ? ORDER BY used_at DESC, id DESC LIMIT 50)`, memberID, memberID)
	return err
}

func sessionSpan(role Role) (idle, whole time.Duration) {
	if role != Plain {
		return StaffSessionIdle, StaffSessionMax
	}
	return SessionIdle, SessionMax
}

// ViewerBySession finds who a session's token belongs to, ErrNotFound for an ended one. touch says that its last
// use is old enough to be written again with TouchSession.
func (d *DB) ViewerBySession(ctx context.Context, tokenHash []byte) (v Viewer, touch bool, err error) {
	return d.viewerBySession(ctx, "ViewerBySession", viewerColumns+countedColumns, tokenHash)
}

// SenderBySession is the same without what the frame of a page counts for its viewer: most answers to what somebody sends
// are not pages. Counted fills it in.
func (d *DB) SenderBySession(ctx context.Context, tokenHash []byte) (v Viewer, touch bool, err error) {
	v, touch, err = d.viewerBySession(ctx, "SenderBySession", viewerColumns, tokenHash)
	v.uncounted = true
	return v, touch, err
}

// Counted is the viewer with what the frame of a page counts for them.
func (d *DB) Counted(ctx context.Context, v Viewer) (Viewer, error) {
	if !v.uncounted || !v.SignedIn() {
		return v, nil
	}
	var row viewerRow
	if err := d.get(ctx, "Counted", &row, "SELECT m.id"+countedColumns+" FROM members m WHERE m.id = ?", v.ID); err != nil {
		return v, err
	}
	v.Invited, v.Unseen, v.Unread, v.uncounted = row.Invited, row.Unseen, row.Unread, false
	return v, nil
}

func (d *DB) viewerBySession(ctx context.Context, name, columns string, tokenHash []byte) (v Viewer, touch bool, err error) {
	if d.memory.n.Load() > 0 {
		if v, touch, known, err := d.viewerInMemory(ctx, tokenHash); known || err != nil {
			return v, touch, err
		}
	}
	var row struct {
		viewerRow
		SessionID int64  `db:"session_id"`
		ProvedAt  Millis `db:"proved_at"`
		UsedAt    Millis `db:"used_at"`
	}
	now := d.millis()
	err = d.get(ctx, name, &row, "SELECT s.id AS session_id, s.proved_at, s.used_at, "+columns+`
		FROM sessions s JOIN members m ON m.id = s.member_id
		WHERE s.token_hash = ? AND s.expires_at > ? AND s.idle_until > ? AND `+admissible, tokenHash, now, now, now)
	if err != nil {
		return Viewer{}, false, err
	}
	return row.viewer(row.SessionID, row.ProvedAt), now-row.UsedAt > Millis(sessionTouch.Milliseconds()), nil
}

// viewerRow is what a session's query reads of its member.
type viewerRow struct {
	ID        int64  `db:"id"`
	Handle    string `db:"handle"`
	Name      string `db:"name"`
	Role      Role   `db:"role"`
	Theme     string `db:"theme"`
	TimeZone  string `db:"time_zone"`
	CreatedAt Millis `db:"created_at"`
	CaughtUp  Millis `db:"caught_up_at"`
	Suspended Millis `db:"suspended_until"`
	Trust     int    `db:"trust"`
	Factor    bool   `db:"factor"`
	Blocks    bool   `db:"blocks"`
	Holds     int    `db:"hold_writes"`
	Invited   int    `db:"invited"`
	Unread    int    `db:"unread"`
	Hidden    bool   `db:"hidden"`
	Unseen    int    `db:"unseen"`
}

const viewerColumns = `m.id, m.handle, m.name, m.role, m.theme, m.time_zone, m.created_at, m.caught_up_at, COALESCE(m.suspended_until, 0) AS suspended_until,
	m.trust, m.totp_secret IS NOT NULL AS factor, m.hold_writes, m.unseen AS hidden, ` + hasBlocks + ` AS blocks`

// countedColumns are what the frame of a page counts, of the member m.
const countedColumns = `, ` + invitedTo + ` AS invited, ` + unseenOf + ` AS unseen, ` + unreadOf + ` AS unread`

// admissible is the condition that a session of the member m opens anything. It takes the present instant.
const admissible = "m.deleted_at IS NULL AND m.state = 'active' AND (m.banned_until IS NULL OR m.banned_until <= ?)"

func (r viewerRow) viewer(session int64, proved Millis) Viewer {
	return Viewer{ID: r.ID, Handle: r.Handle, Name: r.Name, Role: r.Role, Theme: r.Theme, TimeZone: r.TimeZone, SessionID: session, CreatedAt: r.CreatedAt,
		CaughtUp: r.CaughtUp, SuspendedUntil: r.Suspended, ProvedAt: proved, Trust: r.Trust, Factor: r.Factor, Blocks: r.Blocks, Holds: r.Holds, Invited: r.Invited, Unseen: r.Unseen, Unread: r.Unread, Hidden: r.Hidden}
}

// TouchSession writes that the session was used now: the one thing that a GET changes.
func (d *DB) TouchSession(ctx context.Context, v Viewer) error {
	idle, _ := sessionSpan(v.Role)
	now := d.now()
	d.memory.touch(v.SessionID, MillisOf(now), MillisOf(now.Add(idle)))
	return d.change(ctx, "TouchSession", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "session", "UPDATE sessions SET used_at = ?, idle_until = ? WHERE id = ?", MillisOf(now), MillisOf(now.Add(idle)), v.SessionID); err != nil {
			return err
		}
		return visited(ctx, tx, v.ID, MillisOf(now))
	})
}

// Sessions lists where the viewer is signed in, the last used first.
func (d *DB) Sessions(ctx context.Context, v Viewer) ([]Session, error) {
	var stored []storedSession
	now := d.millis()
	err := d.list(ctx, "Sessions", &stored, `SELECT id, created_at, used_at, address, agent, id = ? AS current, token_hash FROM sessions
		WHERE member_id = ? AND expires_at > ? AND idle_until > ? ORDER BY used_at DESC, id DESC LIMIT 50`, v.SessionID, v.ID, now, now)
	if err != nil {
		return nil, err
	}
	return d.memory.merge(stored, v, now), nil
}

// EndSession ends one session of the viewer's own, also when the disk is full: it answers ErrNoSpace only where the
// end could not outlast a restart (sessions_memory.go).
func (d *DB) EndSession(ctx context.Context, v Viewer, sessionID int64) error {
	waited := 0
	err := d.change(ctx, "EndSession", func(ctx context.Context, tx *tx) error {
		waited = d.memory.dropWhich(func(s *waitingSession) bool { return s.member == v.ID && s.id == sessionID })
		err := tx.one(ctx, "session", "DELETE FROM sessions WHERE id = ? AND member_id = ?", sessionID, v.ID)
		if err != nil && (waited == 0 || !errors.Is(err, ErrNotFound)) {
			return err
		}
		return tx.tell(ctx, MemberTopic(v.ID), EventMember, v.ID)
	})
	if errors.Is(err, ErrNoSpace) {
		n, err := d.endUnstored(ctx, v.ID, func(id int64) bool { return id == sessionID })
		if err == nil && n+waited == 0 {
			err = fmt.Errorf("EndSession: %w", ErrNotFound)
		}
		return err
	}
	return err
}

// EndOtherSessions ends every session of the viewer's but the present one, as EndSession does.
func (d *DB) EndOtherSessions(ctx context.Context, v Viewer) error {
	err := d.change(ctx, "EndOtherSessions", func(ctx context.Context, tx *tx) error {
		return endSessions(ctx, tx, v.ID, v.SessionID, "")
	})
	if errors.Is(err, ErrNoSpace) {
		_, err = d.endUnstored(ctx, v.ID, func(id int64) bool { return id != v.SessionID })
	}
	return err
}

// EndSessions ends every session of the viewer's, the present one too, as EndSession does.
func (d *DB) EndSessions(ctx context.Context, v Viewer) error {
	return d.EndOtherSessions(ctx, Viewer{ID: v.ID})
}

// ProveSession notes that the password was given in the viewer's session now.
func (d *DB) ProveSession(ctx context.Context, v Viewer) error {
	now := d.millis()
	return d.change(ctx, "ProveSession", func(ctx context.Context, tx *tx) error {
		waits := d.memory.prove(v.SessionID, v.ID, now)
		err := tx.one(ctx, "session", "UPDATE sessions SET proved_at = ? WHERE id = ? AND member_id = ?", now, v.SessionID, v.ID)
		if waits && errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
}

// endSessions ends a member's sessions, stored and waiting, but the one named keep (0: all). password is the new one
// of a transaction that changes it, else empty. A transaction that fails later has ended those that wait: they sign in
// again.
func endSessions(ctx context.Context, tx *tx, memberID, keep int64, password string) error {
	_, err := tx.exec(ctx, "sessions", "DELETE FROM sessions WHERE member_id = ? AND id <> ?", memberID, keep)
	if err != nil {
		return err
	}
	tx.d.memory.drop(memberID, keep, password)
	return tx.tell(ctx, MemberTopic(memberID), EventMember, memberID)
}

// DropExpired removes ended sessions, links that open nothing any more, and idempotency keys older than a day, at most
// 1,000 of each at a call, so that the write connection is never held long. Keys are in the order in which they were made.
func (d *DB) DropExpired(ctx context.Context) error {
	now := d.now()
	return d.change(ctx, "DropExpired", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "sessions", `DELETE FROM sessions WHERE id IN
			(SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT 1000)`, MillisOf(now)); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "links", `DELETE FROM mail_tokens WHERE (member_id, purpose) IN
			(SELECT member_id, purpose FROM mail_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT 1000)`, MillisOf(now)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "keys", `DELETE FROM idempotency_keys WHERE id IN
			(SELECT id FROM idempotency_keys ORDER BY id LIMIT 1000) AND created_at < ?`, MillisOf(now.Add(-24*time.Hour)))
		return err
	})
}

func truncate(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	for bytes > 0 && s[bytes]&0xc0 == 0x80 {
		bytes--
	}
	return s[:bytes]
}
