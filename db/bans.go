package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxReason is the longest reason that a member can be told, in characters.
const MaxReason = 500

// MaxRemovalNote is the longest word to the author of what is removed, in characters. The reason that was chosen stands
// before it, and both together are a reason.
const MaxRemovalNote = 400

// govern is act for what staff decide about others. It goes on while the forum is read-only: a wave is met by closing the
// forum, and then by undoing the wave. Who asks is staff by their row and not by their session, and neither suspended
// nor banned.
func (d *DB) govern(ctx context.Context, v Viewer, name string, f func(ctx context.Context, tx *tx, role Role) error) error {
	if !v.SignedIn() {
		return fmt.Errorf("%s: %w", name, ErrForbidden)
	}
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		if err := tx.admitted(ctx, v); err != nil && !errors.Is(err, ErrReadOnly) {
			return err
		}
		var role Role
		if err := tx.get(ctx, "role", &role, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", v.ID); err != nil {
			return forbidden(err)
		}
		if role == Plain {
			return fmt.Errorf("%s: %w", name, ErrForbidden)
		}
		return f(ctx, tx, role)
	})
}

// governed is a member whom the viewer may judge: a moderator judges who is no staff, an admin everybody but themselves.
// So the last admin is never judged: whoever judges an admin is another one.
type governed struct {
	Role      Role   `db:"role"`
	Trust     int    `db:"trust"`
	Locked    bool   `db:"trust_locked"`
	Suspended Millis `db:"suspended_until"`
	Banned    Millis `db:"banned_until"`
}

func (t *tx) governed(ctx context.Context, v Viewer, memberID int64) (g governed, err error) {
	if err := t.get(ctx, "member", &g, `SELECT role, trust, trust_locked, COALESCE(suspended_until, 0) AS suspended_until, COALESCE(banned_until, 0) AS banned_until
		FROM members WHERE id = ? AND deleted_at IS NULL`, memberID); err != nil {
		return g, err
	}
	var actor Role
	if err := t.get(ctx, "judge", &actor, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", v.ID); err != nil {
		return g, forbidden(err)
	}
	if memberID == v.ID || actor == Plain || actor == Moderator && g.Role != Plain {
		return g, ErrForbidden
	}
	return g, nil
}

func (g governed) state(now Millis) string {
	switch {
	case g.Banned > now:
		return "banned"
	case g.Suspended > now:
		return "suspended"
	}
	return ""
}

// Suspend keeps a member from writing until an instant, or Forever; they read and sign in as before, and are told the
// reason. It takes the place of a ban.
func (d *DB) Suspend(ctx context.Context, v Viewer, memberID int64, until Millis, reason string) error {
	return d.govern(ctx, v, "Suspend", func(ctx context.Context, tx *tx, _ Role) error {
		return bar(ctx, tx, v, memberID, &Barred{false, until, reason})
	})
}

// Ban keeps a member from signing in until an instant, or Forever. Their sessions end with it. It takes the place of a
// suspension.
func (d *DB) Ban(ctx context.Context, v Viewer, memberID int64, until Millis, reason string) error {
	return d.govern(ctx, v, "Ban", func(ctx context.Context, tx *tx, _ Role) error {
		return ban(ctx, tx, v, memberID, until, reason)
	})
}

// Lift ends a suspension or a ban before its time. ErrNotFound: there is none.
func (d *DB) Lift(ctx context.Context, v Viewer, memberID int64) error {
	return d.govern(ctx, v, "Lift", func(ctx context.Context, tx *tx, _ Role) error {
		return lift(ctx, tx, v, memberID)
	})
}

// ban is Ban within a transaction. It asks again whether the viewer may.
func ban(ctx context.Context, tx *tx, v Viewer, memberID int64, until Millis, reason string) error {
	return bar(ctx, tx, v, memberID, &Barred{true, until, reason})
}

func bar(ctx context.Context, tx *tx, v Viewer, memberID int64, b *Barred) error {
	now := tx.d.millis()
	if b.Until <= now {
		return fmt.Errorf("bar member %d until %d: %w", memberID, b.Until, ErrForbidden)
	}
	if _, err := cleanReason(b.Reason); err != nil {
		return err
	}
	g, err := tx.governed(ctx, v, memberID)
	if err != nil {
		return err
	}
	action, suspended, banned := "suspend", any(b.Until), any(nil)
	if b.Banned {
		action, suspended, banned = "ban", nil, b.Until
	}
	if err := tx.one(ctx, "bar", "UPDATE members SET suspended_until = ?, banned_until = ?, barred_for = ? WHERE id = ?", suspended, banned, b.Reason, memberID); err != nil {
		return err
	}
	if b.Banned {
		if err := endSessions(ctx, tx, memberID, 0, ""); err != nil {
			return err
		}
	}
	_, err = tx.logged(ctx, v, Entry{Action: action, MemberID: memberID, Reason: b.Reason, Old: g.state(now), New: untilWords(b.Until), Public: true})
	return err
}

// lift is Lift within a transaction.
func lift(ctx context.Context, tx *tx, v Viewer, memberID int64) error {
	g, err := tx.governed(ctx, v, memberID)
	if err != nil {
		return err
	}
	state := g.state(tx.d.millis())
	if state == "" {
		return ErrNotFound
	}
	if err := tx.one(ctx, "lift", "UPDATE members SET suspended_until = NULL, banned_until = NULL, barred_for = '' WHERE id = ?", memberID); err != nil {
		return err
	}
	_, err = tx.logged(ctx, v, Entry{Action: "lift", MemberID: memberID, Old: state, Public: true})
	return err
}

// untilWords is an end as the log has it: milliseconds, empty for none.
func untilWords(until Millis) string {
	if until >= Forever {
		return ""
	}
	return fmt.Sprint(int64(until))
}

// ResetFactor takes the second factor off a member who has lost it, with its recovery codes, and ends their sessions. For
// admins, and not for themselves. ErrNotFound: there is none.
func (d *DB) ResetFactor(ctx context.Context, v Viewer, memberID int64) error {
	return d.govern(ctx, v, "ResetFactor", func(ctx context.Context, tx *tx, actor Role) error {
		if _, err := tx.governed(ctx, v, memberID); err != nil {
			return err
		}
		if actor != Admin {
			return ErrForbidden
		}
		if err := dropFactor(ctx, tx, memberID, 0); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, Entry{Action: "factor-reset", MemberID: memberID})
		return err
	})
}

// ChangeRole gives a member another role on the site. For admins, and not to themselves. The member's sessions end: their
// rights are those of a new one.
func (d *DB) ChangeRole(ctx context.Context, v Viewer, memberID int64, role Role) error {
	if role != Plain && role != Moderator && role != Admin {
		return fmt.Errorf("ChangeRole %q: %w", role, ErrForbidden)
	}
	return d.govern(ctx, v, "ChangeRole", func(ctx context.Context, tx *tx, actor Role) error {
		g, err := tx.governed(ctx, v, memberID)
		switch {
		case err != nil:
			return err
		case actor != Admin:
			return ErrForbidden
		case g.Role == role:
			return nil
		}
		if err := tx.one(ctx, "role", "UPDATE members SET role = ? WHERE id = ?", role, memberID); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, memberID, 0, ""); err != nil {
			return err
		}
		_, err = tx.logged(ctx, v, Entry{Action: "role", MemberID: memberID, Old: string(g.Role), New: string(role)})
		return err
	})
}

// barred answers a *Barred for a member who is banned at the present, and nil for all others.
func (t *tx) barred(ctx context.Context, memberID int64) error {
	var m struct {
		Banned Millis `db:"banned_until"`
		Reason string `db:"barred_for"`
	}
	if err := t.get(ctx, "ban", &m, "SELECT COALESCE(banned_until, 0) AS banned_until, barred_for FROM members WHERE id = ?", memberID); err != nil {
		return err
	}
	if m.Banned > t.d.millis() {
		return &Barred{true, m.Banned, m.Reason}
	}
	return nil
}

// cleanReason is a reason as it is stored: trimmed. One that is too long is ErrLongReason and not cut: who is told it
// would read half of a sentence, and who wrote it would not know.
func cleanReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n > MaxReason {
		return "", fmt.Errorf("%d characters: %w", n, ErrLongReason)
	}
	return reason, nil
}
