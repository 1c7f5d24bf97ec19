package db

import (
	"context"
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

// CreateSession signs a member in. Only the hash of the token comes here.
func (d *DB) CreateSession(ctx context.Context, memberID int64, tokenHash []byte, address, agent string) error {
	return d.change(ctx, "CreateSession", func(ctx context.Context, tx *tx) error {
		var role Role
		if err := tx.get(ctx, "role", &role, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", memberID); err != nil {
			return err
		}
		idle, whole := sessionSpan(role)
		now := d.now()
		_, err := tx.exec(ctx, "session", `INSERT INTO sessions (token_hash, member_id, created_at, used_at, idle_until, expires_at, address, agent)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			tokenHash, memberID, MillisOf(now), MillisOf(now), MillisOf(now.Add(idle)), MillisOf(now.Add(whole)), address, truncate(agent, 300))
		if err != nil {
			return err
		}
		// A member keeps the 50 sessions they used last: a script that signs in for ever does not fill the table.
		_, err = tx.exec(ctx, "trim sessions", `DELETE FROM sessions WHERE member_id = ? AND id NOT IN
			(SELECT id FROM sessions WHERE member_id = ? ORDER BY used_at DESC, id DESC LIMIT 50)`, memberID, memberID)
		return err
	})
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
	var row struct {
		SessionID int64  `db:"session_id"`
		ID        int64  `db:"id"`
		Handle    string `db:"handle"`
		Name      string `db:"name"`
		Role      Role   `db:"role"`
		Theme     string `db:"theme"`
		CreatedAt Millis `db:"created_at"`
		CaughtUp  Millis `db:"caught_up_at"`
		UsedAt    Millis `db:"used_at"`
	}
	now := d.millis()
	err = d.get(ctx, "ViewerBySession", &row, `SELECT s.id AS session_id, s.used_at, m.id, m.handle, m.name, m.role, m.theme, m.created_at, m.caught_up_at
		FROM sessions s JOIN members m ON m.id = s.member_id
		WHERE s.token_hash = ? AND s.expires_at > ? AND s.idle_until > ? AND m.deleted_at IS NULL`, tokenHash, now, now)
	if err != nil {
		return Viewer{}, false, err
	}
	v = Viewer{ID: row.ID, Handle: row.Handle, Name: row.Name, Role: row.Role, Theme: row.Theme, SessionID: row.SessionID, CreatedAt: row.CreatedAt, CaughtUp: row.CaughtUp}
	return v, now-row.UsedAt > Millis(sessionTouch.Milliseconds()), nil
}

// TouchSession writes that the session was used now: the one thing that a GET changes.
func (d *DB) TouchSession(ctx context.Context, v Viewer) error {
	idle, _ := sessionSpan(v.Role)
	now := d.now()
	return d.change(ctx, "TouchSession", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "session", "UPDATE sessions SET used_at = ?, idle_until = ? WHERE id = ?", MillisOf(now), MillisOf(now.Add(idle)), v.SessionID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "member", "UPDATE members SET last_seen_at = ? WHERE id = ?", MillisOf(now), v.ID)
		return err
	})
}

// Sessions lists where the viewer is signed in, the last used first.
func (d *DB) Sessions(ctx context.Context, v Viewer) ([]Session, error) {
	var list []Session
	now := d.millis()
	err := d.list(ctx, "Sessions", &list, `SELECT id, created_at, used_at, address, agent, id = ? AS current FROM sessions
		WHERE member_id = ? AND expires_at > ? AND idle_until > ? ORDER BY used_at DESC, id DESC LIMIT 50`, v.SessionID, v.ID, now, now)
	return list, err
}

// EndSession ends one session of the viewer's own.
func (d *DB) EndSession(ctx context.Context, v Viewer, sessionID int64) error {
	return d.change(ctx, "EndSession", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "session", "DELETE FROM sessions WHERE id = ? AND member_id = ?", sessionID, v.ID)
	})
}

// EndOtherSessions ends every session of the viewer's but the present one.
func (d *DB) EndOtherSessions(ctx context.Context, v Viewer) error {
	return d.change(ctx, "EndOtherSessions", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "sessions", "DELETE FROM sessions WHERE member_id = ? AND id <> ?", v.ID, v.SessionID)
		return err
	})
}

// DropExpired removes ended sessions and idempotency keys older than a day, at most 1,000 of each at a call, so that
// the write connection is never held long.
func (d *DB) DropExpired(ctx context.Context) error {
	now := d.now()
	return d.change(ctx, "DropExpired", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "sessions", `DELETE FROM sessions WHERE id IN
			(SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT 1000)`, MillisOf(now)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "keys", `DELETE FROM idempotency_keys WHERE (member_id, key) IN
			(SELECT member_id, key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT 1000)`, MillisOf(now.Add(-24*time.Hour)))
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
