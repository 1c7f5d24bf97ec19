package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrLastAdmin: the forum would have nobody left who runs it.
var ErrLastAdmin = &Error{text: "the last admin stays", status: http.StatusConflict}

// SetEmail gives the viewer another address and ends their other sessions: somebody who sits in one of them must not be
// able to go on where letters lead elsewhere now. The new address is not proved, and the old one is told. ErrEmailTaken: another member has it. ErrMailBanned: addresses of its
// domain are not taken.
func (d *DB) SetEmail(ctx context.Context, v Viewer, email string) error {
	return d.change(ctx, "SetEmail", func(ctx context.Context, tx *tx) error {
		if err := tx.mailAllowed(ctx, email); err != nil {
			return err
		}
		var old Recipient
		if err := tx.get(ctx, "old e-mail", &old, "SELECT id, handle, COALESCE(email, '') AS email FROM members WHERE id = ? AND deleted_at IS NULL", v.ID); err != nil {
			return err
		}
		err := tx.one(ctx, "e-mail", `UPDATE members SET email = ?, email_key = ?, email_verified_at = CASE WHEN email_key = ? THEN email_verified_at END
			WHERE id = ? AND deleted_at IS NULL`, email, foldEmail(email), foldEmail(email), v.ID)
		if errors.Is(err, ErrConflict) {
			return fmt.Errorf("%w: %w", ErrEmailTaken, err)
		}
		if err != nil {
			return err
		}
		if err := tx.endLinks(ctx, v.ID); err != nil {
			return err
		}
		if foldEmail(old.Email) != foldEmail(email) {
			if err := tx.askVerify(ctx, v.ID); err != nil {
				return err
			}
			if err := tx.warn(ctx, old, ChangedEmail); err != nil {
				return err
			}
		}
		return endSessions(ctx, tx, v.ID, v.SessionID, "")
	})
}

// SetTimeZone stores the name of the zone in which the viewer's pages show days and hours; empty: UTC. Whether there is
// such a zone is the caller's to know.
func (d *DB) SetTimeZone(ctx context.Context, v Viewer, zone string) error {
	return d.change(ctx, "SetTimeZone", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "time zone", "UPDATE members SET time_zone = ? WHERE id = ?", zone, v.ID)
	})
}

// DeleteAccount ends the viewer's account: from its one transaction on nobody signs in to it, and name, address, password,
// second factor and page are gone. The row stays as what their texts hang on, without a name; it also keeps the handle
// from being taken by somebody else. What they kept for themselves follows in small transactions, and with texts also
// what they wrote: EraseLeft does that, and goes on with it after a restart. ErrLastAdmin: there is no other.
func (d *DB) DeleteAccount(ctx context.Context, v Viewer, texts bool) error {
	what := "traces"
	if texts {
		what = "texts"
	}
	return d.change(ctx, "DeleteAccount", func(ctx context.Context, tx *tx) error {
		var other bool
		if err := tx.get(ctx, "another admin", &other, `SELECT m.role <> 'admin' OR EXISTS (SELECT 1 FROM members o WHERE o.role = 'admin' AND o.id <> m.id AND o.deleted_at IS NULL)
			FROM members m WHERE m.id = ? AND m.deleted_at IS NULL`, v.ID); err != nil {
			return err
		}
		if !other {
			return ErrLastAdmin
		}
		if err := tx.one(ctx, "member", `UPDATE members SET deleted_at = ?, erase = ?, handle = '', name = '', email = NULL, email_key = NULL, email_verified_at = NULL, password = '', role = 'member',
			theme = '', time_zone = '', answer = '', address = '', totp_secret = NULL, totp_step = 0, source_url = '', bio = '', bio_html = '', bio_version = 0
			WHERE id = ?`, d.millis(), what, v.ID); err != nil {
			return err
		}
		if err := setCodes(ctx, tx, v.ID, nil); err != nil {
			return err
		}
		if err := tx.forgetLetters(ctx, v.ID); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "invites", "UPDATE invites SET ended_at = ? WHERE made_by = ? AND ended_at IS NULL", d.millis(), v.ID); err != nil {
			return err
		}
		return endSessions(ctx, tx, v.ID, 0, "")
	})
}

const (
	erasedAtOnce = 50  // texts in a transaction: each moves the counts of where it stood
	tracesAtOnce = 500 // rows of what a member kept for themselves
)

// traces are the tables of what a member kept for themselves, with the columns that find a row. What they said of
// others' texts, likes and flags, stays in the counts and in the queue, without a name.
var traces = [...]struct{ table, member, key string }{
	{"drafts", "member_id", "place"}, {"saves", "member_id", "post_id"}, {"post_follows", "member_id", "post_id"},
	{"channel_follows", "member_id", "channel_id"}, {"blocks", "member_id", "other_id"}, {"blocks", "other_id", "member_id"},
	{"reads", "member_id", "post_id"}, {"idempotency_keys", "member_id", "key"},
	{"notifications", "member_id", "cause"}, {"notification_choices", "member_id", "kind"},
	{"channel_requests", "member_id", "channel_id"}, {"channel_invitations", "member_id", "channel_id"},
}

// EraseLeft takes away what is left of deleted members, in transactions that never hold the write connection long. It
// returns when nothing is left, or with ctx; what it has done stays done.
func (d *DB) EraseLeft(ctx context.Context) error {
	for {
		var left []struct {
			ID    int64  `db:"id"`
			Erase string `db:"erase"`
		}
		if err := d.list(ctx, "EraseLeft", &left, "SELECT id, erase FROM members WHERE erase <> '' ORDER BY id LIMIT 20"); err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		for _, m := range left {
			if err := d.erase(ctx, m.ID, m.Erase == "texts"); err != nil {
				return fmt.Errorf("erase what is left of member %d: %w", m.ID, err)
			}
		}
	}
}

func (d *DB) erase(ctx context.Context, memberID int64, texts bool) error {
	for _, t := range traces {
		query := "DELETE FROM " + t.table + " WHERE " + t.member + " = ? AND " + t.key + " IN (SELECT " + t.key + " FROM " + t.table + " WHERE " + t.member + " = ? LIMIT ?)"
		for n := int64(tracesAtOnce); n == tracesAtOnce; {
			if err := d.change(ctx, "EraseTraces", func(ctx context.Context, tx *tx) error {
				res, err := tx.exec(ctx, "traces", query, memberID, memberID, tracesAtOnce)
				if err == nil {
					n, err = res.RowsAffected()
				}
				return err
			}); err != nil {
				return err
			}
		}
	}
	if err := d.leaveAll(ctx, memberID); err != nil {
		return err
	}
	if texts {
		for _, step := range []func(context.Context, int64, Cursor) (Cursor, error){d.erasePosts, d.eraseComments} {
			for after := (Cursor{}); ; {
				var err error
				if after, err = step(ctx, memberID, after); err != nil {
					return err
				}
				if after.IsZero() {
					break
				}
			}
		}
	}
	return d.change(ctx, "Erased", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "erased", "UPDATE members SET erase = '' WHERE id = ?", memberID)
		return err
	})
}

// leaveAll takes a deleted member out of every channel. A channel that was theirs has no owner any more; staff keep it.
func (d *DB) leaveAll(ctx context.Context, memberID int64) error {
	for n := erasedAtOnce; n == erasedAtOnce; {
		if err := d.change(ctx, "LeaveAll", func(ctx context.Context, tx *tx) error {
			var channels []int64
			if err := tx.list(ctx, "memberships", &channels, "SELECT channel_id FROM memberships WHERE member_id = ? ORDER BY channel_id LIMIT ?", memberID, erasedAtOnce); err != nil {
				return err
			}
			n = len(channels)
			for _, channel := range channels {
				if err := tx.one(ctx, "membership", "DELETE FROM memberships WHERE member_id = ? AND channel_id = ?", memberID, channel); err != nil {
					return err
				}
				if _, err := tx.exec(ctx, "channel", "UPDATE channels SET member_count = member_count - 1, owner_id = CASE WHEN owner_id = ? THEN NULL ELSE owner_id END WHERE id = ?", memberID, channel); err != nil {
					return err
				}
			}
			return tx.tell(ctx, MemberTopic(memberID), EventMember, memberID)
		}); err != nil {
			return err
		}
	}
	return nil
}

// erased is a text that goes.
type erased struct {
	ID        int64  `db:"id"`
	CreatedAt Millis `db:"created_at"`
	Shown     bool   `db:"shown"`
	Held      bool   `db:"held"` // waits for a moderator
}

// erasePosts hides the next of a deleted member's posts, the newest first, and answers where it stopped; the zero Cursor
// at the end.
func (d *DB) erasePosts(ctx context.Context, memberID int64, after Cursor) (next Cursor, err error) {
	err = d.change(ctx, "ErasePosts", func(ctx context.Context, tx *tx) error {
		var list []erased
		key, id := after.start()
		if err := tx.list(ctx, "posts", &list, `SELECT id, created_at, deleted_at IS NULL AS shown, `+isHeld("posts")+` AS held FROM posts
			WHERE author_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`, memberID, key, id, erasedAtOnce); err != nil {
			return err
		}
		for _, p := range list {
			if p.Held {
				if err := tx.withdraw(ctx, Viewer{ID: memberID}, "posts", p.ID); err != nil {
					return err
				}
			}
			if !p.Shown {
				continue
			}
			if err := countPost(ctx, tx, p.ID, -1, "UPDATE posts SET deleted_at = ?, deleted_by = ? WHERE id = ? AND deleted_at IS NULL", d.millis(), memberID, p.ID); err != nil {
				return err
			}
		}
		next = endOf(list)
		return nil
	})
	return next, err
}

// eraseComments is the same for comments: the threads keep their shape.
func (d *DB) eraseComments(ctx context.Context, memberID int64, after Cursor) (next Cursor, err error) {
	err = d.change(ctx, "EraseComments", func(ctx context.Context, tx *tx) error {
		var list []erased
		key, id := after.start()
		if err := tx.list(ctx, "comments", &list, `SELECT id, created_at, deleted_at IS NULL AS shown, `+isHeld("comments")+` AS held FROM comments
			WHERE author_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`, memberID, key, id, erasedAtOnce); err != nil {
			return err
		}
		for _, c := range list {
			if c.Held {
				if err := tx.withdraw(ctx, Viewer{ID: memberID}, "comments", c.ID); err != nil {
					return err
				}
			}
			if !c.Shown {
				continue
			}
			if err := countComment(ctx, tx, -1, "UPDATE comments SET deleted_at = ?, deleted_by = ? WHERE id = ? AND deleted_at IS NULL", d.millis(), memberID, c.ID); err != nil {
				return err
			}
			if err := tx.letGoAnswer(ctx, c.ID); err != nil {
				return err
			}
		}
		next = endOf(list)
		return nil
	})
	return next, err
}

func endOf(list []erased) Cursor {
	if len(list) < erasedAtOnce {
		return Cursor{}
	}
	last := list[len(list)-1]
	return NewCursor(int64(last.CreatedAt), last.ID)
}

// SameHandle reports that what was typed is a handle, in any case and with or without the sign before it.
func SameHandle(typed, handle string) bool {
	return foldHandle(strings.TrimPrefix(strings.TrimSpace(typed), "@")) == foldHandle(handle)
}
