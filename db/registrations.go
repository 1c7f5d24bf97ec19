package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// RegistrationMode says how one becomes a member.
type RegistrationMode string

const (
	RegistrationOpen     RegistrationMode = "open"     // whoever likes
	RegistrationInvite   RegistrationMode = "invite"   // with an invite
	RegistrationApproval RegistrationMode = "approval" // with an invite, or when a moderator has read the answer to a question
	RegistrationClosed   RegistrationMode = "closed"   // nobody for now, invites or not
)

// Known is the stored setting as one of the four: one that is not known is closed, because a slip must not open the door.
func (m RegistrationMode) Known() RegistrationMode {
	switch m {
	case RegistrationOpen, RegistrationInvite, RegistrationApproval:
		return m
	case "":
		return RegistrationOpen
	}
	return RegistrationClosed
}

// MaxAnswer is the longest answer to the question at registration, in characters.
const MaxAnswer = 1000

var (
	// ErrRegistrationClosed: nobody becomes a member now.
	ErrRegistrationClosed = &Error{text: "registration is closed", status: http.StatusForbidden}
	// ErrInviteNeeded: one becomes a member with an invite alone.
	ErrInviteNeeded = &Error{text: "an invite is needed", status: http.StatusForbidden}
	// ErrInviteEnded: the invite is used up, too old, taken back, or there never was one.
	ErrInviteEnded = &Error{text: "the invite has ended", status: http.StatusForbidden}
	// ErrAnswerNeeded: the question at registration was not answered.
	ErrAnswerNeeded = &Error{text: "the question is not answered", status: http.StatusUnprocessableEntity}
)

// Door is what a guest finds who wants to become a member.
type Door struct {
	Mode     RegistrationMode
	Question string // that a moderator wants answered; empty: the usual one
	Invite   bool   // the token opens it
}

// Door reads how one becomes a member now, with the hash of an invite's token (nil: without one).
func (d *DB) Door(ctx context.Context, tokenHash []byte) (door Door, err error) {
	var row struct {
		Mode     RegistrationMode `db:"mode"`
		Question string           `db:"question"`
		Invite   bool             `db:"invite"`
	}
	err = d.get(ctx, "Door", &row, `SELECT COALESCE((SELECT value FROM settings WHERE name = '`+SettingRegistration+`'), '') AS mode,
		COALESCE((SELECT value FROM settings WHERE name = '`+SettingQuestion+`'), '') AS question,
		EXISTS (SELECT 1 FROM invites WHERE token_hash = ? AND `+usable+`) AS invite`, tokenHash, d.millis())
	return Door{row.Mode.Known(), row.Question, row.Invite}, err
}

// Registered is who has just come through the door.
type Registered struct {
	ID      int64
	Pending bool // a moderator decides whether they come in
}

// Register makes a member of somebody who asks for it themselves, if the settings and their invite let them: n.Invite is
// the hash of its token. A use of the invite is taken in the same transaction. The errors are those of CreateMember,
// ErrHandleReserved, ErrRegistrationClosed, ErrInviteNeeded, ErrInviteEnded, ErrAnswerNeeded, and ErrReadOnly.
//
// The first admin brings the setup token in place of all this.
func (d *DB) Register(ctx context.Context, n NewMember) (r Registered, err error) {
	n.Origin = "registered"
	if n.FirstAdmin {
		n.Role = Admin
		r.ID, err = d.CreateMember(ctx, n)
		return r, err
	}
	n.Role = Plain
	bio, err := d.rendered(ctx, n.Bio)
	if err != nil {
		return r, err
	}
	err = d.change(ctx, "Register", func(ctx context.Context, tx *tx) error {
		if err := tx.opened(ctx, &n); err != nil {
			return err
		}
		if ReservedHandle(n.Handle) {
			return ErrHandleReserved
		}
		if r.ID, err = insertMember(ctx, tx, n, bio); err != nil {
			return err
		}
		r.Pending = n.Pending
		if !r.Pending {
			if err := tx.hook(ctx, HookMemberRegistered, r.ID); err != nil {
				return err
			}
		}
		if n.InviteID == 0 {
			return nil
		}
		// Only now, so that a form that was sent twice is told that its handle is taken and not that its invite has ended.
		err := tx.one(ctx, "use", "UPDATE invites SET uses = uses + 1 WHERE id = ? AND "+usable, n.InviteID, d.millis())
		if errors.Is(err, ErrNotFound) {
			err = ErrInviteEnded
		}
		return err
	})
	return r, err
}

// opened decides in the transaction whether somebody comes in, and how.
func (t *tx) opened(ctx context.Context, n *NewMember) error {
	var s struct {
		Mode     RegistrationMode `db:"mode"`
		ReadOnly bool             `db:"read_only"`
	}
	if err := t.get(ctx, "settings", &s, `SELECT COALESCE((SELECT value FROM settings WHERE name = '`+SettingRegistration+`'), '') AS mode,
		EXISTS (SELECT 1 FROM settings WHERE name = '`+SettingReadOnly+`' AND value = 'on') AS read_only`); err != nil {
		return err
	}
	mode := s.Mode.Known()
	switch {
	case mode == RegistrationClosed:
		return ErrRegistrationClosed
	case s.ReadOnly:
		return ErrReadOnly
	case len(n.Invite) > 0:
		// Also where none is needed: who was told that it opens the door should hear when it does not.
		err := t.get(ctx, "invite", &n.InviteID, "SELECT id FROM invites WHERE token_hash = ?", n.Invite)
		if errors.Is(err, ErrNotFound) {
			return ErrInviteEnded
		}
		return err
	case mode == RegistrationInvite:
		return ErrInviteNeeded
	case mode == RegistrationApproval:
		n.Pending = true
		if n.Answer == "" {
			return ErrAnswerNeeded
		}
	}
	return nil
}

// Pending is somebody who waits to be let in.
type Pending struct {
	ID        int64  `db:"id"`
	Handle    string `db:"handle"`
	Answer    string `db:"answer"`
	CreatedAt Millis `db:"created_at"`
}

// PendingMembers lists who waits to be let in, the longest wait first, from after a place on: NewCursor(CreatedAt, ID).
// Their addresses are nobody's business. Empty for who is no staff.
func (d *DB) PendingMembers(ctx context.Context, v Viewer, after Cursor, limit int) ([]Pending, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []Pending
	err := d.list(ctx, "PendingMembers", &list, `SELECT id, handle, answer, created_at FROM members
		WHERE state = 'pending' AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`, after.Key, after.ID, limit)
	return list, err
}

// DecideRegistrations lets in those of the members who wait, or deletes them, each with an entry in the log. For staff.
// Those about whom another moderator was faster are left out; ErrConflict: all were.
func (d *DB) DecideRegistrations(ctx context.Context, v Viewer, ids []int64, let bool) error {
	return d.govern(ctx, v, "DecideRegistrations", func(ctx context.Context, tx *tx, _ Role) error {
		decided := 0
		for _, id := range ids {
			err := tx.decideRegistration(ctx, v, id, let)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			decided++
		}
		if decided == 0 {
			return fmt.Errorf("DecideRegistrations: %w", ErrConflict)
		}
		return nil
	})
}

func (t *tx) decideRegistration(ctx context.Context, v Viewer, id int64, let bool) error {
	if let {
		if err := t.one(ctx, "let in", "UPDATE members SET state = 'active', caught_up_at = ? WHERE id = ? AND state = 'pending'", t.d.millis(), id); err != nil {
			return err
		}
		if _, err := t.logged(ctx, v, Entry{Action: "registration-accept", MemberID: id}); err != nil {
			return err
		}
		return t.hook(ctx, HookMemberRegistered, id)
	}
	var handle string
	if err := t.get(ctx, "declined", &handle, "DELETE FROM members WHERE id = ? AND state = 'pending' RETURNING handle", id); err != nil {
		return err
	}
	_, err := t.logged(ctx, v, Entry{Action: "registration-decline", Old: handle})
	return err
}

// AddressKept is how long the address is known that a member registered from: long enough to undo a wave.
const AddressKept = 30 * 24 * time.Hour

// ForgetAddresses removes the addresses that members registered from longer ago than AddressKept, at most 1,000 at a
// call, and answers how many: call it again until it answers 0.
func (d *DB) ForgetAddresses(ctx context.Context) (forgotten int64, err error) {
	err = d.change(ctx, "ForgetAddresses", func(ctx context.Context, tx *tx) error {
		res, err := tx.exec(ctx, "addresses", `UPDATE members SET address = '' WHERE id IN
			(SELECT id FROM members WHERE address <> '' AND created_at < ? ORDER BY created_at LIMIT 1000)`, MillisOf(d.now().Add(-AddressKept)))
		if err != nil {
			return err
		}
		forgotten, err = res.RowsAffected()
		return err
	})
	return forgotten, err
}
