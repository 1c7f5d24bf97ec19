package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// SettingStaffFactor is "on" where moderators and admins need a second factor; "off" by default.
const SettingStaffFactor = "staff_second_factor"

// Factor is a member's second factor. Its secret never leaves the handler that compares a code.
type Factor struct {
	Secret []byte `db:"totp_secret"`
	Step   int64  `db:"totp_step"` // the last time step that was used: it and those before it are spent
	Codes  int    `db:"codes"`     // recovery codes that are left
}

// spentSteps are time steps that a full disk had no room for: a code works once all the same. A restart forgets them, and
// a code lives for 90 seconds. It holds a number for each member who signs in meanwhile with a second factor, at most
// maxSpent of them; the rest are refused until there is room.
type spentSteps struct {
	mu   sync.Mutex
	last map[int64]int64
}

const maxSpent = 10_000

func (s *spentSteps) spend(member, step int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch last, ok := s.last[member]; {
	case ok && step <= last:
		return fmt.Errorf("spend a time step: %w", ErrNotFound)
	case !ok && len(s.last) >= maxSpent:
		return fmt.Errorf("spend a time step: too many wait for room: %w", ErrNoSpace)
	}
	if s.last == nil {
		s.last = map[int64]int64{}
	}
	s.last[member] = step
	return nil
}

func (s *spentSteps) of(member int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[member]
}

// FactorOf reads a member's second factor, ErrNotFound when they have none.
func (d *DB) FactorOf(ctx context.Context, memberID int64) (Factor, error) {
	var f Factor
	err := d.get(ctx, "FactorOf", &f, `SELECT totp_secret, totp_step, (SELECT COUNT(*) FROM (SELECT 1 FROM recovery_codes WHERE member_id = members.id LIMIT 100) x) AS codes
		FROM members WHERE id = ? AND totp_secret IS NOT NULL AND deleted_at IS NULL`, memberID)
	f.Step = max(f.Step, d.spent.of(memberID))
	return f, err
}

// SpendStep marks a time step as used; ErrNotFound when it, or a later one, was used before. Of any number that try at
// once, one succeeds. It works on a full disk too.
func (d *DB) SpendStep(ctx context.Context, memberID, step int64) error {
	if step <= d.spent.of(memberID) {
		return fmt.Errorf("SpendStep: %w", ErrNotFound)
	}
	err := d.change(ctx, "SpendStep", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "step", "UPDATE members SET totp_step = ? WHERE id = ? AND totp_step < ? AND totp_secret IS NOT NULL AND deleted_at IS NULL", step, memberID, step)
	})
	if errors.Is(err, ErrNoSpace) {
		return d.spent.spend(memberID, step)
	}
	return err
}

// SpendRecoveryCode takes a recovery code, known by its hash, out of a member's; ErrNotFound when it is none of them. Of
// any number that try at once, one succeeds. On a full disk it answers ErrNoSpace: a code that stays would work again.
func (d *DB) SpendRecoveryCode(ctx context.Context, memberID int64, hash []byte) error {
	return d.change(ctx, "SpendRecoveryCode", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "code", "DELETE FROM recovery_codes WHERE member_id = ? AND code_hash = ?", memberID, hash)
	})
}

// SetFactor gives the viewer a second factor, with the step of the code that confirmed it and the hashes of their recovery
// codes. All their sessions end, the present one too: what comes after it is a session with more rights. ErrConflict:
// they have one already.
func (d *DB) SetFactor(ctx context.Context, v Viewer, secret []byte, step int64, codes [][]byte) error {
	return d.change(ctx, "SetFactor", func(ctx context.Context, tx *tx) error {
		err := tx.one(ctx, "factor", "UPDATE members SET totp_secret = ?, totp_step = ? WHERE id = ? AND totp_secret IS NULL AND deleted_at IS NULL", secret, step, v.ID)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("there is a second factor: %w", ErrConflict)
		}
		if err != nil {
			return err
		}
		if err := setCodes(ctx, tx, v.ID, codes); err != nil {
			return err
		}
		return endSessions(ctx, tx, v.ID, 0, "")
	})
}

// SetRecoveryCodes takes new recovery codes in the place of all that the viewer has. ErrNotFound: they have no second
// factor.
func (d *DB) SetRecoveryCodes(ctx context.Context, v Viewer, codes [][]byte) error {
	return d.change(ctx, "SetRecoveryCodes", func(ctx context.Context, tx *tx) error {
		var id int64
		if err := tx.get(ctx, "factor", &id, "SELECT id FROM members WHERE id = ? AND totp_secret IS NOT NULL AND deleted_at IS NULL", v.ID); err != nil {
			return err
		}
		return setCodes(ctx, tx, v.ID, codes)
	})
}

func setCodes(ctx context.Context, tx *tx, memberID int64, codes [][]byte) error {
	if _, err := tx.exec(ctx, "old codes", "DELETE FROM recovery_codes WHERE member_id = ?", memberID); err != nil {
		return err
	}
	for _, hash := range codes {
		if _, err := tx.exec(ctx, "code", "INSERT INTO recovery_codes (member_id, code_hash) VALUES (?, ?)", memberID, hash); err != nil {
			return err
		}
	}
	return nil
}

// DropFactor takes a member's second factor off, with its recovery codes, and ends their sessions but the one named
// (0: all). ErrNotFound: they have none.
func (d *DB) DropFactor(ctx context.Context, memberID, keepSession int64) error {
	return d.change(ctx, "DropFactor", func(ctx context.Context, tx *tx) error { return dropFactor(ctx, tx, memberID, keepSession) })
}

func dropFactor(ctx context.Context, tx *tx, memberID, keepSession int64) error {
	if err := tx.one(ctx, "factor", "UPDATE members SET totp_secret = NULL, totp_step = 0 WHERE id = ? AND totp_secret IS NOT NULL AND deleted_at IS NULL", memberID); err != nil {
		return err
	}
	if err := setCodes(ctx, tx, memberID, nil); err != nil {
		return err
	}
	return endSessions(ctx, tx, memberID, keepSession, "")
}
