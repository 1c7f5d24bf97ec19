package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"codex/app/markup"
)

const (
	// CasesAPage is the most cases that Cases lists at a call.
	CasesAPage = 25
	// ClaimFor is how long a claim keeps others from deciding.
	ClaimFor = 15 * time.Minute
)

// Decisions, as cases.decision has them.
const (
	Approved  = "approve"   // a text that was held is shown
	Kept      = "keep"      // what was flagged stays
	Removed   = "remove"    // hidden, and its author told why
	Noted     = "noted"     // a flagged member was dealt with
	Withdrawn = "withdrawn" // its author took it back while it waited
	Swept     = "swept"     // hidden with everything of its author
	Restored  = "restore"   // no decision of a case, but the way back from a removal; in the log alone
)

// Case is a thing that a moderator has to look at, with what they need to judge it.
type Case struct {
	ID        int64  `db:"id"`
	Kind      string `db:"kind"` // "hold" or "flag"
	Why       string `db:"why"`  // of a hold: HeldNewcomer …
	FlagCount int    `db:"flags"`
	OpenedAt  Millis `db:"opened_at"`
	ClaimedBy int64  `db:"claimed_by"`
	Claimer   string `db:"claimer"` // handle
	ClaimedAt Millis `db:"claimed_at"`
	Decision  string `db:"decision"`
	DecidedBy int64  `db:"decided_by"`
	Decider   string `db:"decider"`
	DecidedAt Millis `db:"decided_at"`
	Reason    string `db:"reason"`

	PostID      int64       `db:"post_id"`    // 0: a member
	CommentID   int64       `db:"comment_id"` // 0: a post or a member
	ChannelID   int64       `db:"channel_id"`
	ChannelSlug string      `db:"channel_slug"`
	ChannelName string      `db:"channel_name"`
	Title       string      `db:"title"` // of the post, also of the one above a comment
	Slug        string      `db:"slug"`
	Above       string      `db:"above"` // excerpt of the post above a comment
	HTML        markup.HTML `db:"html"`  // of the text, or what a member says of themselves
	WrittenAt   Millis      `db:"written_at"`
	Held        bool        `db:"held"`
	Hidden      bool        `db:"hidden"`

	MemberID    int64  `db:"member_id"` // who wrote it, or who is flagged; 0: deleted
	Handle      string `db:"handle"`
	Name        string `db:"name"`
	MemberSince Millis `db:"member_since"`
	Trust       int    `db:"trust"`
	Posts       int    `db:"post_count"`
	Comments    int    `db:"comment_count"`
	Removals    int    `db:"removals"` // of theirs before, at most 99
	Banned      Millis `db:"banned_until"`

	Flags []Flag
}

// Open reports that nobody has decided yet.
func (c *Case) Open() bool { return c.Decision == "" }

// ClaimedUntil is when the claim ends, 0 without one that is in force.
func (c *Case) ClaimedUntil(now Millis) Millis {
	if until := c.ClaimedAt + Millis(ClaimFor/time.Millisecond); c.ClaimedBy != 0 && c.Open() && until > now {
		return until
	}
	return 0
}

const caseColumns = `q.id, q.kind, q.why, q.flags, q.opened_at, COALESCE(q.claimed_by, 0) AS claimed_by, COALESCE(cl.handle, '') AS claimer, COALESCE(q.claimed_at, 0) AS claimed_at,
	q.decision, COALESCE(q.decided_by, 0) AS decided_by, COALESCE(de.handle, '') AS decider, COALESCE(q.decided_at, 0) AS decided_at, q.reason,
	COALESCE(q.post_id, 0) AS post_id, COALESCE(q.comment_id, 0) AS comment_id, COALESCE(q.channel_id, 0) AS channel_id, COALESCE(c.slug, '') AS channel_slug, COALESCE(c.name, '') AS channel_name,
	COALESCE(p.title, '') AS title, COALESCE(p.slug, '') AS slug, CASE WHEN q.comment_id IS NULL THEN '' ELSE p.excerpt END AS above,
	COALESCE(k.html, p.html, m.bio_html, '') AS html, COALESCE(k.created_at, p.created_at, m.created_at, 0) AS written_at,
	CASE WHEN q.comment_id IS NOT NULL THEN k.held_at IS NOT NULL AND k.deleted_by IS NULL ELSE p.held_at IS NOT NULL AND p.deleted_by IS NULL END AS held,
	CASE WHEN q.comment_id IS NOT NULL THEN k.deleted_at IS NOT NULL ELSE p.deleted_at IS NOT NULL END AS hidden,
	COALESCE(m.id, 0) AS member_id, COALESCE(m.handle, '') AS handle, COALESCE(m.name, '') AS name, COALESCE(m.created_at, 0) AS member_since, COALESCE(m.trust, 0) AS trust,
	COALESCE(m.post_count, 0) AS post_count, COALESCE(m.comment_count, 0) AS comment_count, COALESCE(m.banned_until, 0) AS banned_until,
	(SELECT COUNT(*) FROM (SELECT 1 FROM mod_log l WHERE l.member_id = q.member_id AND l.action = 'remove' AND l.undone_at IS NULL LIMIT 99) x) AS removals`

const caseJoins = ` FROM cases q LEFT JOIN channels c ON c.id = q.channel_id LEFT JOIN posts p ON p.id = q.post_id LEFT JOIN comments k ON k.id = q.comment_id
	LEFT JOIN members m ON m.id = q.member_id LEFT JOIN members cl ON cl.id = q.claimed_by LEFT JOIN members de ON de.id = q.decided_by`

// judges is the condition that the viewer decides the case q, whose channel is joined as c: staff any, those who keep a
// channel that one's. Its parameters are whether the viewer is staff, twice, and the viewer's id, twice.
var judges = "(q.channel_id IS NULL AND ? = 1 OR q.channel_id IS NOT NULL AND " + mayModerate("q.channel_id") + " AND " + visible + ")"

func judgesArgs(v Viewer) []any { return []any{v.Staff(), v.Staff(), v.ID, v.ID} }

// CaseFilter says which cases to list.
type CaseFilter struct {
	Kind      string // "hold"; "flag": flagged texts; "member": flagged members; empty: all
	ChannelID int64  // 0: all
	Decided   bool   // those that are decided, the last first; else those that are open, the oldest first
	After     Cursor
}

// suspended reports that the viewer reads on and does not moderate: there are no cases for them.
func (d *DB) suspended(v Viewer) bool { return v.SuspendedUntil > d.millis() }

// Cases lists the cases that the viewer may decide, CasesAPage at a call.
func (d *DB) Cases(ctx context.Context, v Viewer, f CaseFilter) ([]Case, error) {
	if d.suspended(v) {
		return nil, nil
	}
	query, args := "SELECT "+caseColumns+caseJoins, []any{}
	if f.Decided {
		key, id := f.After.start()
		query += " WHERE q.decision <> '' AND (q.decided_at, q.id) < (?, ?)"
		args = append(args, key, id)
	} else {
		query += " WHERE q.decision = '' AND (q.opened_at, q.id) > (?, ?)"
		args = append(args, f.After.Key, f.After.ID)
	}
	switch f.Kind {
	case "hold":
		query += " AND q.kind = 'hold'"
	case "flag":
		query += " AND q.kind = 'flag' AND q.post_id IS NOT NULL"
	case "member":
		query += " AND q.post_id IS NULL"
	}
	if f.ChannelID != 0 {
		query += " AND q.channel_id = ?"
		args = append(args, f.ChannelID)
	}
	query += " AND " + judges
	args = append(args, judgesArgs(v)...)
	if f.Decided {
		query += " ORDER BY q.decided_at DESC, q.id DESC LIMIT ?"
	} else {
		query += " ORDER BY q.opened_at, q.id LIMIT ?"
	}
	var list []Case
	if err := d.list(ctx, "Cases", &list, query, append(args, CasesAPage)...); err != nil {
		return nil, err
	}
	return list, d.flagsOf(ctx, v, list)
}

// Cursor is the place after the case in the list that has it.
func (c *Case) Cursor() Cursor {
	if c.Open() {
		return NewCursor(int64(c.OpenedAt), c.ID)
	}
	return NewCursor(int64(c.DecidedAt), c.ID)
}

// CaseByID finds a case that the viewer may decide.
func (d *DB) CaseByID(ctx context.Context, v Viewer, id int64) (Case, error) {
	if d.suspended(v) {
		return Case{}, fmt.Errorf("CaseByID: %w", ErrNotFound)
	}
	list := make([]Case, 1)
	if err := d.get(ctx, "CaseByID", &list[0], "SELECT "+caseColumns+caseJoins+" WHERE q.id = ? AND "+judges, append([]any{id}, judgesArgs(v)...)...); err != nil {
		return Case{}, err
	}
	return list[0], d.flagsOf(ctx, v, list)
}

// Awaiting is what waits for somebody who judges.
type Awaiting struct {
	Cases    int    `db:"cases"`
	Requests int    `db:"requests"` // to be let into channels that they keep themselves
	Slug     string `db:"slug"`     // of such a channel
}

// AwaitingOf counts what waits for the viewer, of each as far as most.
func (d *DB) AwaitingOf(ctx context.Context, v Viewer, most int) (a Awaiting, err error) {
	if d.suspended(v) {
		return a, nil
	}
	const requests = `FROM memberships ms CROSS JOIN channels c ON c.id = ms.channel_id CROSS JOIN channel_requests r ON r.channel_id = ms.channel_id CROSS JOIN members m ON m.id = r.member_id
		WHERE ms.member_id = ? AND ms.role <> 'member' AND c.deleted_at IS NULL AND m.deleted_at IS NULL`
	// From their channels: of those there are few.
	cases, args := `FROM memberships ms CROSS JOIN channels c ON c.id = ms.channel_id CROSS JOIN cases q ON q.channel_id = ms.channel_id
		WHERE ms.member_id = ? AND ms.role <> 'member' AND c.deleted_at IS NULL AND q.decision = ''`, []any{v.ID}
	if v.Staff() {
		cases, args = "FROM cases q LEFT JOIN channels c ON c.id = q.channel_id WHERE q.decision = '' AND "+judges, judgesArgs(v)
	}
	err = d.get(ctx, "AwaitingOf", &a, "SELECT (SELECT COUNT(*) FROM (SELECT 1 "+cases+" LIMIT ?) x) AS cases, (SELECT COUNT(*) FROM (SELECT 1 "+requests+` LIMIT ?) y) AS requests,
		COALESCE((SELECT c.slug `+requests+" LIMIT 1), '') AS slug", append(args, most, v.ID, most, v.ID)...)
	return a, err
}

// KeptChannels lists the channels that the viewer keeps as their owner or moderator, at most 100: whose queue is theirs.
func (d *DB) KeptChannels(ctx context.Context, v Viewer) ([]RailChannel, error) {
	var list []RailChannel
	err := d.list(ctx, "KeptChannels", &list, `SELECT c.id, c.slug, c.name FROM memberships ms CROSS JOIN channels c ON c.id = ms.channel_id
		WHERE ms.member_id = ? AND ms.role IN ('owner', 'moderator') AND c.deleted_at IS NULL ORDER BY ms.seen_at DESC, ms.channel_id LIMIT 100`, v.ID)
	return list, err
}

// Decided says that another was first.
type Decided struct {
	Handle   string
	Decision string
	At       Millis
}

func (e *Decided) Error() string { return "decided by @" + e.Handle }
func (e *Decided) Status() int   { return http.StatusConflict }

// ErrUndecided: there is no decision of a case to undo.
var ErrUndecided = &Error{text: "nobody has decided the case", status: http.StatusConflict}

// Claimed says that another is at it.
type Claimed struct {
	Handle string
	Until  Millis
}

func (e *Claimed) Error() string { return "claimed by @" + e.Handle }
func (e *Claimed) Status() int   { return http.StatusConflict }

// judge is change for what those who keep a channel decide about what stands in it. Like govern it goes on while the forum
// is read-only.
func (d *DB) judge(ctx context.Context, v Viewer, name string, f func(ctx context.Context, tx *tx) error) error {
	if !v.SignedIn() {
		return fmt.Errorf("%s: %w", name, ErrForbidden)
	}
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		if err := tx.admitted(ctx, v); err != nil && !errors.Is(err, ErrReadOnly) {
			return err
		}
		return f(ctx, tx)
	})
}

// caseRow is what a decision needs of a case.
type caseRow struct {
	ID        int64  `db:"id"`
	Kind      string `db:"kind"`
	PostID    int64  `db:"post_id"`
	CommentID int64  `db:"comment_id"`
	MemberID  int64  `db:"member_id"`
	ChannelID int64  `db:"channel_id"`
	Listed    bool   `db:"listed"` // everybody reads the channel
	ClaimedBy int64  `db:"claimed_by"`
	Claimer   string `db:"claimer"`
	ClaimedAt Millis `db:"claimed_at"`
	Decision  string `db:"decision"`
	DecidedBy int64  `db:"decided_by"`
	Decider   string `db:"decider"`
	DecidedAt Millis `db:"decided_at"`
}

func (c *caseRow) table() (string, int64) {
	switch {
	case c.CommentID != 0:
		return "comments", c.CommentID
	case c.PostID != 0:
		return "posts", c.PostID
	}
	return "members", c.MemberID
}

// entry is the log's entry for a decision about the case.
func (c *caseRow) entry(action, reason string) Entry {
	return Entry{Action: action, PostID: c.PostID, CommentID: c.CommentID, MemberID: c.MemberID, ChannelID: c.ChannelID, CaseID: c.ID, Reason: reason}
}

func (t *tx) caseFor(ctx context.Context, v Viewer, id int64) (c caseRow, err error) {
	err = t.get(ctx, "case", &c, `SELECT q.id, q.kind, COALESCE(q.post_id, 0) AS post_id, COALESCE(q.comment_id, 0) AS comment_id, COALESCE(q.member_id, 0) AS member_id,
			COALESCE(q.channel_id, 0) AS channel_id, q.channel_id IS NOT NULL AND `+listed+` AS listed, COALESCE(q.claimed_by, 0) AS claimed_by, COALESCE(cl.handle, '') AS claimer, COALESCE(q.claimed_at, 0) AS claimed_at,
			q.decision, COALESCE(q.decided_by, 0) AS decided_by, COALESCE(de.handle, '') AS decider, COALESCE(q.decided_at, 0) AS decided_at
		FROM cases q LEFT JOIN channels c ON c.id = q.channel_id LEFT JOIN members cl ON cl.id = q.claimed_by LEFT JOIN members de ON de.id = q.decided_by
		WHERE q.id = ? AND `+judges, append([]any{id}, judgesArgs(v)...)...)
	return c, err
}

// free fails with a *Decided or a *Claimed when the case is not the viewer's to decide now.
func (c *caseRow) free(v Viewer, now Millis) error {
	if c.Decision != "" {
		return &Decided{c.Decider, c.Decision, c.DecidedAt}
	}
	if until := c.ClaimedAt + Millis(ClaimFor/time.Millisecond); c.ClaimedBy != 0 && c.ClaimedBy != v.ID && until > now {
		return &Claimed{c.Claimer, until}
	}
	return nil
}

// TakeOver claims a case that another has claimed, and logs from whom. For staff: whoever says that they are at it may
// have closed their lid. *Decided: another was first.
func (d *DB) TakeOver(ctx context.Context, v Viewer, id int64) error {
	return d.judge(ctx, v, "TakeOver", func(ctx context.Context, tx *tx) error {
		var staff bool
		if err := tx.get(ctx, "staff", &staff, "SELECT "+isStaff, v.ID); err != nil {
			return err
		}
		c, err := tx.caseFor(ctx, v, id)
		if err != nil {
			return err
		}
		if !staff {
			return ErrForbidden
		}
		err = c.free(v, d.millis())
		held, ok := errors.AsType[*Claimed](err)
		if err != nil && !ok {
			return err
		}
		if err := tx.one(ctx, "take over", "UPDATE cases SET claimed_by = ?, claimed_at = ? WHERE id = ? AND decision = ''", v.ID, d.millis(), id); err != nil || !ok {
			return err
		}
		e := c.entry("claim-taken", "")
		e.Old = held.Handle
		_, err = tx.logged(ctx, v, e)
		return err
	})
}

// Claim says that the viewer is at a case, so that nobody else is, for ClaimFor; or with on false that they are not any
// more. *Claimed, *Decided: another was first.
func (d *DB) Claim(ctx context.Context, v Viewer, id int64, on bool) error {
	return d.judge(ctx, v, "Claim", func(ctx context.Context, tx *tx) error {
		c, err := tx.caseFor(ctx, v, id)
		if err != nil {
			return err
		}
		if err := c.free(v, d.millis()); err != nil {
			return err
		}
		by, at := any(v.ID), any(d.millis())
		if !on {
			by, at = nil, nil
		}
		return tx.one(ctx, "claim", "UPDATE cases SET claimed_by = ?, claimed_at = ? WHERE id = ? AND decision = ''", by, at, id)
	})
}
