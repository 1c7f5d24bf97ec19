package db

import (
	"context"
	"errors"
	"fmt"
)

// Decide ends a case. Kept shows what was held and leaves what was flagged as it is; Removed hides the text and tells its
// author the reason; Noted is for flagged members. *Claimed, *Decided: another was first.
func (d *DB) Decide(ctx context.Context, v Viewer, id int64, decision, reason string) error {
	reason, err := cleanReason(reason)
	if err != nil {
		return err
	}
	return d.judge(ctx, v, "Decide", func(ctx context.Context, tx *tx) error {
		c, err := tx.caseFor(ctx, v, id)
		if err != nil {
			return err
		}
		if err := c.free(v, d.millis()); err != nil {
			return err
		}
		return tx.decide(ctx, v, c, decision, reason)
	})
}

func (t *tx) decide(ctx context.Context, v Viewer, c caseRow, decision, reason string) error {
	table, id := c.table()
	e := c.entry(decision, reason)
	switch {
	case decision == Kept && c.Kind == "hold":
		decision, e.Action = Approved, Approved
		shown, err := t.approve(ctx, table, id)
		if err != nil {
			return err
		}
		if shown {
			e.Old = "held"
			if e.New, err = t.trustOneMore(ctx, c.MemberID); err != nil {
				return err
			}
		}
	case decision == Removed && table != "members":
		old, err := t.removeText(ctx, v, table, id, reason)
		if err != nil {
			return err
		}
		e.Old, e.Public = old, c.Listed
	case decision == Kept, decision == Noted && table == "members":
	default:
		return fmt.Errorf("decide %q on one of %s: %w", decision, table, ErrForbidden)
	}
	if err := t.one(ctx, "decision", "UPDATE cases SET decision = ?, decided_by = ?, decided_at = ?, reason = ? WHERE id = ? AND decision = ''", decision, v.ID, t.d.millis(), reason, c.ID); err != nil {
		return err
	}
	if _, err := t.logged(ctx, v, e); err != nil || decision != Approved && decision != Removed {
		return err
	}
	return t.notifyDecision(ctx, v, e)
}

// approve shows a text that waits; what its author took back meanwhile stays so.
func (t *tx) approve(ctx context.Context, table string, id int64) (shown bool, err error) {
	if err := t.get(ctx, "waits", &shown, "SELECT "+isHeld("x")+" FROM "+table+" x WHERE x.id = ?", id); err != nil || !shown {
		return false, err
	}
	if table == "comments" {
		return true, t.publishComment(ctx, id)
	}
	return true, t.publishPost(ctx, id)
}

// trustOneMore counts an approved text against those that have to wait, and answers "counted" when it did.
func (t *tx) trustOneMore(ctx context.Context, memberID int64) (string, error) {
	err := t.one(ctx, "hold fewer", "UPDATE members SET hold_writes = hold_writes - 1 WHERE id = ? AND hold_writes > 0", memberID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return "counted", err
}

// removeText hides a text and says why. It answers how it stood before: "shown", "held", or "deleted" by its author.
func (t *tx) removeText(ctx context.Context, v Viewer, table string, id int64, reason string) (old string, err error) {
	if err := t.get(ctx, "state", &old, "SELECT CASE WHEN x.deleted_at IS NULL THEN 'shown' WHEN "+isHeld("x")+" THEN 'held' ELSE 'deleted' END FROM "+table+" x WHERE x.id = ?", id); err != nil {
		return "", err
	}
	switch {
	case old != "shown":
		return old, t.one(ctx, "removal", "UPDATE "+table+" SET deleted_by = ?, removed_for = ? WHERE id = ?", v.ID, reason, id)
	case table == "posts":
		return old, countPost(ctx, t, id, -1, "UPDATE posts SET deleted_at = ?, deleted_by = ?, removed_for = ? WHERE id = ? AND deleted_at IS NULL", t.d.millis(), v.ID, reason, id)
	}
	if err := countComment(ctx, t, -1, "UPDATE comments SET deleted_at = ?, deleted_by = ?, removed_for = ? WHERE id = ? AND deleted_at IS NULL", t.d.millis(), v.ID, reason, id); err != nil {
		return old, err
	}
	return old, t.letGoAnswer(ctx, id)
}

// restoreText undoes removeText: the text stands as it stood. What was shown and has meanwhile been shown again, or taken
// back by its author, stays as it is.
func (t *tx) restoreText(ctx context.Context, table string, id int64, old string) error {
	var err error
	switch {
	case old == "held":
		err = t.one(ctx, "restore", "UPDATE "+table+" SET deleted_by = NULL, removed_for = '' WHERE id = ? AND held_at IS NOT NULL", id)
	case old == "deleted":
		err = t.one(ctx, "restore", "UPDATE "+table+" SET deleted_by = author_id, removed_for = '' WHERE id = ? AND deleted_at IS NOT NULL", id)
	case table == "posts":
		err = countPost(ctx, t, id, 1, "UPDATE posts SET deleted_at = NULL, deleted_by = NULL, removed_for = '' WHERE id = ? AND deleted_at IS NOT NULL AND held_at IS NULL", id)
	default:
		if err = countComment(ctx, t, 1, "UPDATE comments SET deleted_at = NULL, deleted_by = NULL, removed_for = '' WHERE id = ? AND deleted_at IS NOT NULL AND held_at IS NULL", id); err == nil {
			err = t.regainAnswer(ctx, id)
		}
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) {
		return nil
	}
	return err
}

// UndoDecision opens a case again and puts everything back as it was before its decision. For who decided, and for staff.
// ErrUndecided: it is open, or ended without a decision: its author took the text back, or a sweep hid it.
func (d *DB) UndoDecision(ctx context.Context, v Viewer, id int64) error {
	return d.judge(ctx, v, "UndoDecision", func(ctx context.Context, tx *tx) error {
		c, err := tx.caseFor(ctx, v, id)
		if err != nil {
			return err
		}
		switch c.Decision {
		case Approved, Kept, Removed, Noted:
		default:
			return ErrUndecided
		}
		if c.DecidedBy != v.ID && !v.Staff() {
			return ErrForbidden
		}
		var was struct {
			ID     int64  `db:"id"`
			Action string `db:"action"`
			Old    string `db:"old_value"`
			New    string `db:"new_value"`
		}
		if err := tx.get(ctx, "entry", &was, `SELECT id, action, old_value, new_value FROM mod_log
			WHERE case_id = ? AND undone_at IS NULL AND action = ? ORDER BY id DESC LIMIT 1`, id, c.Decision); err != nil {
			return err
		}
		table, subject := c.table()
		switch {
		case was.Action == Removed:
			err = tx.restoreText(ctx, table, subject, was.Old)
		case was.Action == Approved && was.Old == "held":
			err = tx.holdAgain(ctx, table, subject, c.MemberID, was.New == "counted")
		}
		if err != nil {
			return err
		}
		if err := tx.one(ctx, "undone", "UPDATE mod_log SET undone_at = ? WHERE id = ?", d.millis(), was.ID); err != nil {
			return err
		}
		if err := tx.reopen(ctx, c); err != nil {
			return err
		}
		e := c.entry("undo-"+was.Action, "")
		e.Public = was.Action == Removed && c.Listed
		if _, err = tx.logged(ctx, v, e); err != nil || was.Action != Removed {
			return err
		}
		return tx.notifyDecision(ctx, v, e)
	})
}

// holdAgain lets a text wait that was approved, if it is still there.
func (t *tx) holdAgain(ctx context.Context, table string, id, memberID int64, counted bool) error {
	var err error
	if table == "posts" {
		err = countPost(ctx, t, id, -1, "UPDATE posts SET held_at = created_at, deleted_at = created_at WHERE id = ? AND deleted_at IS NULL", id)
	} else {
		// One that has replies by now keeps its place among those of its parent.
		err = countComment(ctx, t, -1, "UPDATE comments SET held_at = CASE WHEN reply_count > 0 THEN created_at + 1 ELSE created_at END, deleted_at = created_at WHERE id = ? AND deleted_at IS NULL", id)
		if err == nil {
			_, err = t.exec(ctx, "replies", "UPDATE comments SET reply_count = reply_count - 1 WHERE id = (SELECT k.parent_id FROM comments k WHERE k.id = ? AND k.held_at = k.created_at)", id)
		}
		if err == nil {
			err = t.letGoAnswer(ctx, id)
		}
	}
	if errors.Is(err, ErrForbidden) { // gone meanwhile
		err = nil
	}
	if err == nil && counted {
		_, err = t.exec(ctx, "hold one more", "UPDATE members SET hold_writes = hold_writes + 1 WHERE id = ?", memberID)
	}
	return err
}

// reopen opens a case again, unless a newer one is open for the same thing.
func (t *tx) reopen(ctx context.Context, c caseRow) error {
	table, id := c.table()
	var other bool
	if err := t.get(ctx, "newer case", &other, "SELECT EXISTS (SELECT 1 FROM cases WHERE decision = '' AND "+openCaseOf(table)+")", id); err != nil {
		return err
	}
	if other {
		return t.one(ctx, "case", "UPDATE cases SET decision = 'undone' WHERE id = ?", c.ID)
	}
	return t.one(ctx, "case", "UPDATE cases SET decision = '', decided_by = NULL, decided_at = NULL, reason = '', claimed_by = NULL, claimed_at = NULL WHERE id = ?", c.ID)
}

// RemovePost hides another's post and tells its author why; the case that is open for it ends with it. For those who keep
// the channel.
func (d *DB) RemovePost(ctx context.Context, v Viewer, id int64, reason string) error {
	return d.remove(ctx, v, "posts", id, reason)
}

// RemoveComment is the same for a comment.
func (d *DB) RemoveComment(ctx context.Context, v Viewer, id int64, reason string) error {
	return d.remove(ctx, v, "comments", id, reason)
}

func (d *DB) remove(ctx context.Context, v Viewer, table string, id int64, reason string) error {
	reason, err := cleanReason(reason)
	if err != nil {
		return err
	}
	return d.judge(ctx, v, "remove from "+table, func(ctx context.Context, tx *tx) error {
		var c caseRow
		from := "SELECT x.id AS post_id, 0 AS comment_id, x.channel_id, COALESCE(x.author_id, 0) AS member_id, " + listed + ` AS listed
			FROM posts x JOIN channels c ON c.id = x.channel_id`
		if table == "comments" {
			from = "SELECT x.post_id, x.id AS comment_id, p.channel_id, COALESCE(x.author_id, 0) AS member_id, " + listed + ` AS listed
				FROM comments x JOIN posts p ON p.id = x.post_id AND p.deleted_at IS NULL JOIN channels c ON c.id = p.channel_id`
		}
		if err := tx.get(ctx, "text", &c, from+" WHERE x.id = ? AND (x.deleted_at IS NULL OR "+isHeld("x")+") AND "+visible, id, v.ID); err != nil {
			return err
		}
		if s, err := tx.standing(ctx, v, c.ChannelID); err != nil {
			return err
		} else if !s.keeper() || c.MemberID == v.ID {
			return ErrForbidden
		}
		var open int64
		err := tx.get(ctx, "open case", &open, "SELECT id FROM cases WHERE decision = '' AND "+openCaseOf(table), id)
		if err == nil {
			c.ID = open
			return tx.decide(ctx, v, c, Removed, reason)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		e := c.entry(Removed, reason)
		if e.Old, err = tx.removeText(ctx, v, table, id, reason); err != nil {
			return err
		}
		e.Public = c.Listed
		if _, err = tx.logged(ctx, v, e); err != nil {
			return err
		}
		return tx.notifyDecision(ctx, v, e)
	})
}
