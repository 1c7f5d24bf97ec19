package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FlagReasons are the reasons for which something can be flagged, as flags.reason has them.
func FlagReasons() []string { return []string{"spam", "abuse", "off-topic", "illegal", "other"} }

// MaxFlagNote is the longest note with a flag, in characters.
const MaxFlagNote = 500

// ErrManyFlags: the member has flagged as much as a day takes (Limits.Flags).
var ErrManyFlags = &Error{text: "as many flags as a day takes", status: http.StatusTooManyRequests, retry: time.Hour}

// NewFlag is what Flag writes. Exactly one of the ids is set.
type NewFlag struct {
	PostID, CommentID, MemberID int64
	Reason, Note                string
}

// Flag puts something before the moderators: into the case that is open for it, or into a new one. To flag the same thing
// again while its case is open changes nothing. ErrNotFound: the viewer cannot see it. ErrForbidden: it is their own.
func (d *DB) Flag(ctx context.Context, v Viewer, n NewFlag) error {
	note, err := cleanReason(n.Note)
	if err != nil {
		return err
	}
	n.Note = note
	if !slices.Contains(FlagReasons(), n.Reason) {
		return fmt.Errorf("Flag for %q: %w", n.Reason, ErrForbidden)
	}
	return d.act(ctx, v, "Flag", func(ctx context.Context, tx *tx) error {
		table, id, err := tx.flaggable(ctx, v, n)
		if err != nil {
			return err
		}
		var c int64
		err = tx.get(ctx, "open case", &c, "SELECT id FROM cases WHERE decision = '' AND "+openCaseOf(table), id)
		if errors.Is(err, ErrNotFound) {
			c, err = tx.insert(ctx, "case", caseOf(table), "flag", "", d.millis(), id)
		}
		if err != nil {
			return err
		}
		var had bool
		if err := tx.get(ctx, "flag before", &had, "SELECT EXISTS (SELECT 1 FROM flags WHERE case_id = ? AND reporter_id = ?)", c, v.ID); err != nil || had {
			return err
		}
		if err := tx.flagsLeft(ctx, v); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "flag", "INSERT INTO flags (case_id, reporter_id, reason, note, created_at) VALUES (?, ?, ?, ?, ?)", c, v.ID, n.Reason, n.Note, d.millis()); err != nil {
			return err
		}
		return tx.one(ctx, "flags", "UPDATE cases SET flags = flags + 1 WHERE id = ?", c)
	})
}

// flaggable finds what is flagged among what the viewer can see.
func (t *tx) flaggable(ctx context.Context, v Viewer, n NewFlag) (table string, id int64, err error) {
	var author int64
	switch {
	case n.CommentID != 0:
		table, id = "comments", n.CommentID
		_, _, err = t.readableComment(ctx, v, id)
		if err == nil {
			err = t.get(ctx, "author", &author, "SELECT COALESCE(author_id, 0) FROM comments WHERE id = ?", id)
		}
	case n.PostID != 0:
		table, id = "posts", n.PostID
		_, err = t.readablePost(ctx, v, id)
		if err == nil {
			err = t.get(ctx, "author", &author, "SELECT COALESCE(author_id, 0) FROM posts WHERE id = ?", id)
		}
	default:
		table, id, author = "members", n.MemberID, n.MemberID
		err = t.get(ctx, "member", &id, "SELECT id FROM members WHERE id = ? AND deleted_at IS NULL", id)
	}
	if err == nil && author == v.ID {
		err = fmt.Errorf("flag one's own: %w", ErrForbidden)
	}
	return table, id, err
}

func (t *tx) flagsLeft(ctx context.Context, v Viewer) error {
	var trust, today int
	if err := t.get(ctx, "trust", &trust, "SELECT trust FROM members WHERE id = ?", v.ID); err != nil {
		return err
	}
	most := TrustLimits(trust).Flags
	if err := t.get(ctx, "flags today", &today, "SELECT COUNT(*) FROM (SELECT 1 FROM flags WHERE reporter_id = ? AND created_at > ? LIMIT ?) f",
		v.ID, t.d.millis()-Millis(24*time.Hour/time.Millisecond), most); err != nil {
		return err
	}
	if today >= most && !v.Staff() {
		return ErrManyFlags
	}
	return nil
}

// Flag is a flag as a case shows it.
type Flag struct {
	CaseID    int64  `db:"case_id"`
	Reason    string `db:"reason"`
	Note      string `db:"note"`
	Handle    string `db:"handle"` // of who flagged; only staff are told
	CreatedAt Millis `db:"created_at"`
}

// flagsOf puts the flags of the cases into them, at most 20 a case's page can show of each.
func (d *DB) flagsOf(ctx context.Context, v Viewer, list []Case) error {
	at := map[int64]*Case{}
	args := make([]any, CasesAPage)
	for i := range args {
		args[i] = 0
	}
	for i := range list {
		if list[i].FlagCount > 0 && i < len(args) {
			at[list[i].ID] = &list[i]
			args[i] = list[i].ID
		}
	}
	if len(at) == 0 {
		return nil
	}
	who := "''"
	if v.Staff() {
		who = "m.handle"
	}
	var flags []Flag
	if err := d.list(ctx, "Flags", &flags, "SELECT f.case_id, f.reason, f.note, "+who+` AS handle, f.created_at
		FROM flags f JOIN members m ON m.id = f.reporter_id WHERE f.case_id IN (?`+strings.Repeat(", ?", len(args)-1)+`) ORDER BY f.case_id, f.reporter_id LIMIT 500`, args...); err != nil {
		return err
	}
	for _, f := range flags {
		if c := at[f.CaseID]; len(c.Flags) < 20 {
			c.Flags = append(c.Flags, f)
		}
	}
	return nil
}
