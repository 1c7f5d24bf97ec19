package db

import (
	"context"
	"errors"
	"fmt"
)

const (
	// MaxSweep is the most members that one sweep takes: a wave that is larger takes another.
	MaxSweep = 20_000
	// sweepBatch is how many posts, comments and cases one transaction of a sweep moves at most, so that others write in
	// between; sweepMembers is how many members it looks at.
	sweepBatch   = 500
	sweepMembers = 100
)

// States of a sweep.
const (
	Hiding  = "hiding"
	Hidden  = "hidden"
	Showing = "showing"
	Shown   = "shown"
)

// Sweep is the hiding of everything of one member, or of all who registered since an instant. It can be undone.
type Sweep struct {
	ID          int64  `db:"id"`
	MadeBy      string `db:"made_by"` // handle
	Bans        bool   `db:"bans"`
	Since       Millis `db:"since"`  // 0: one member
	Handle      string `db:"handle"` // of the one member
	Reason      string `db:"reason"`
	State       string `db:"state"`
	Members     int    `db:"members"`
	MembersDone int    `db:"members_done"` // in the present direction
	Posts       int    `db:"posts"`        // hidden by it now
	Comments    int    `db:"comments"`
	StartedAt   Millis `db:"started_at"`
	DoneAt      Millis `db:"done_at"`
}

// Running reports that it has not come to its end.
func (s *Sweep) Running() bool { return s.State == Hiding || s.State == Showing }

// NewSweep says whose texts to hide.
type NewSweep struct {
	MemberID int64  // one member; or
	Since    Millis // all who registered themselves since, but staff and those trusted at Regular or above
	Ban      bool   // and let none of them in again
	Reason   string // as they are told
}

// StartSweep decides a sweep: who is swept is written, and who is banned is out, with this transaction. What they wrote
// is hidden by StepSweeps. For staff, of members whom they may judge. ErrNotFound: there is nobody to sweep.
func (d *DB) StartSweep(ctx context.Context, v Viewer, n NewSweep) (id int64, err error) {
	if n.Reason, err = cleanReason(n.Reason); err != nil {
		return 0, err
	}
	err = d.govern(ctx, v, "StartSweep", func(ctx context.Context, tx *tx, _ Role) error {
		if n.MemberID != 0 {
			if _, err := tx.governed(ctx, v, n.MemberID); err != nil {
				return err
			}
		}
		id, err = tx.logged(ctx, v, Entry{Action: "sweep", MemberID: n.MemberID, Reason: n.Reason, Public: true})
		if err != nil {
			return err
		}
		since := any(nil)
		if n.MemberID == 0 {
			since = n.Since
		}
		if _, err := tx.exec(ctx, "sweep", "INSERT INTO sweeps (id, made_by, bans, since, reason, state, members, started_at) VALUES (?, ?, ?, ?, ?, 'hiding', 0, ?)",
			id, v.ID, n.Ban, since, n.Reason, d.millis()); err != nil {
			return err
		}
		members, err := tx.sweepWhom(ctx, id, n)
		if err != nil {
			return err
		}
		if n.Ban {
			if err := tx.sweepOut(ctx, id, n.Reason); err != nil {
				return err
			}
		}
		if err := tx.one(ctx, "members", "UPDATE sweeps SET members = ? WHERE id = ?", members, id); err != nil {
			return err
		}
		return tx.one(ctx, "log", "UPDATE mod_log SET new_value = ? WHERE id = ?", fmt.Sprint(members), id)
	})
	return id, err
}

// isNewcomer is the condition of those whom a sweep of a wave takes.
const isNewcomer = "m.role = 'member' AND m.origin = 'registered' AND m.trust < 2 AND m.deleted_at IS NULL"

func (t *tx) sweepWhom(ctx context.Context, id int64, n NewSweep) (int64, error) {
	const into = "INSERT INTO sweep_members (sweep_id, member_id, suspended_until, banned_until, barred_for) SELECT ?, m.id, m.suspended_until, m.banned_until, m.barred_for FROM members m WHERE "
	query, args := into+"m.id = ?", []any{id, n.MemberID}
	if n.MemberID == 0 {
		query, args = into+"m.created_at >= ? AND "+isNewcomer+" ORDER BY m.created_at DESC, m.id DESC LIMIT ?", []any{id, n.Since, MaxSweep}
	}
	res, err := t.exec(ctx, "whom", query, args...)
	if err != nil {
		return 0, err
	}
	members, err := res.RowsAffected()
	if err == nil && members == 0 {
		err = fmt.Errorf("nobody to sweep: %w", ErrNotFound)
	}
	return members, err
}

// sweepOut bans the members of a sweep and ends their sessions. It is the one ban that is not written member by member
// into the log: its entry is the sweep's.
func (t *tx) sweepOut(ctx context.Context, id int64, reason string) error {
	if _, err := t.exec(ctx, "ban", `UPDATE members SET suspended_until = NULL, banned_until = ?, barred_for = ?
		WHERE id IN (SELECT member_id FROM sweep_members WHERE sweep_id = ?)`, Forever, reason, id); err != nil {
		return err
	}
	var out []int64
	if err := t.list(ctx, "members", &out, "SELECT member_id FROM sweep_members WHERE sweep_id = ? ORDER BY member_id", id); err != nil {
		return err
	}
	for _, m := range out {
		if err := endSessions(ctx, t, m, 0, ""); err != nil {
			return err
		}
	}
	return nil
}

// UndoSweep shows again what a sweep hid, and takes its bans back. It may be asked for while the sweep still hides, and
// once more changes nothing: two moderators may be at it. For staff.
func (d *DB) UndoSweep(ctx context.Context, v Viewer, id int64) error {
	return d.govern(ctx, v, "UndoSweep", func(ctx context.Context, tx *tx, _ Role) error {
		var s struct {
			Bans    bool  `db:"bans"`
			Members int64 `db:"members"`
		}
		err := tx.get(ctx, "sweep", &s, "UPDATE sweeps SET state = 'showing', members_done = 0, done_at = NULL WHERE id = ? AND state IN ('hiding', 'hidden') RETURNING bans, members", id)
		if errors.Is(err, ErrNotFound) {
			return tx.get(ctx, "undone already", &id, "SELECT id FROM sweeps WHERE id = ?", id)
		}
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "members", "UPDATE sweep_members SET done = 0 WHERE sweep_id = ?", id); err != nil {
			return err
		}
		if s.Bans { // whoever was barred anew since then stays so
			if _, err := tx.exec(ctx, "bans", `UPDATE members SET suspended_until = sm.suspended_until, banned_until = sm.banned_until, barred_for = sm.barred_for
				FROM (SELECT x.member_id, x.suspended_until, x.banned_until, x.barred_for, s.reason FROM sweep_members x JOIN sweeps s ON s.id = x.sweep_id WHERE x.sweep_id = ?) sm
				WHERE members.id = sm.member_id AND members.banned_until = ? AND members.barred_for = sm.reason`, id, Forever); err != nil {
				return err
			}
		}
		if err := tx.one(ctx, "undone", "UPDATE mod_log SET undone_at = ? WHERE id = ?", d.millis(), id); err != nil {
			return err
		}
		_, err = tx.logged(ctx, v, Entry{Action: "undo-sweep", New: fmt.Sprint(s.Members), Public: true})
		return err
	})
}

// StepSweeps does the next part of the oldest sweep that runs, in one transaction of bounded size; more says that there
// is a next one. It is called by the app's housekeeping, until the end; after a kill it goes on where it was.
func (d *DB) StepSweeps(ctx context.Context) (more bool, err error) {
	var s struct {
		ID    int64  `db:"id"`
		State string `db:"state"`
		By    int64  `db:"made_by"`
	}
	const next = "SELECT id, state, COALESCE(made_by, 0) AS made_by FROM sweeps WHERE state IN ('hiding', 'showing') ORDER BY id LIMIT 1"
	if err := d.get(ctx, "RunningSweep", &s, next); err != nil {
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	err = d.change(ctx, "StepSweeps", func(ctx context.Context, tx *tx) error {
		if err := tx.get(ctx, "running", &s, next); err != nil { // as it is now
			return err
		}
		var members []int64
		if err := tx.list(ctx, "members left", &members, "SELECT member_id FROM sweep_members WHERE sweep_id = ? AND done = 0 ORDER BY member_id LIMIT ?", s.ID, sweepMembers); err != nil {
			return err
		}
		b := &batch{tx: tx, sweep: s.ID, by: s.By, left: sweepBatch, posts: map[int64]int{}, comments: map[int64]int{}}
		done := 0
		for _, m := range members {
			if err := b.member(ctx, m, s.State == Hiding); err != nil {
				return err
			}
			if b.left <= 0 {
				break // perhaps there is more of this one
			}
			if err := tx.one(ctx, "done", "UPDATE sweep_members SET done = 1 WHERE sweep_id = ? AND member_id = ?", s.ID, m); err != nil {
				return err
			}
			done++
		}
		if err := b.count(ctx, s.State == Hiding, done); err != nil {
			return err
		}
		if more = len(members) > 0; more {
			return nil
		}
		return tx.one(ctx, "end", "UPDATE sweeps SET state = CASE state WHEN 'hiding' THEN 'hidden' ELSE 'shown' END, done_at = ? WHERE id = ?", d.millis(), s.ID)
	})
	if errors.Is(err, ErrNotFound) { // undone, and ended, meanwhile
		return true, nil
	}
	return more, err
}

// batch is one transaction of a sweep. The counts of channels and posts are moved once for all that it moved in them.
type batch struct {
	tx       *tx
	sweep    int64
	by       int64
	left     int           // what it may still move
	posts    map[int64]int // moved, by channel
	comments map[int64]int // moved, by post
}

type sweptRow struct {
	ID   int64 `db:"id"`
	Into int64 `db:"into_id"` // its channel, or its post
}

// member moves what is left of one member, as far as the batch goes.
func (b *batch) member(ctx context.Context, id int64, hide bool) error {
	t, now, sign := b.tx, b.tx.d.millis(), 1
	if hide {
		sign = -1
	}
	var rows []sweptRow
	var err error
	if hide {
		err = t.list(ctx, "hide posts", &rows, `UPDATE posts SET deleted_at = ?, deleted_by = ?, sweep_id = ?
			WHERE id IN (SELECT id FROM posts WHERE author_id = ? AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT ?) RETURNING id, channel_id AS into_id`, now, orNull(b.by), b.sweep, id, b.left)
	} else {
		err = t.list(ctx, "show posts", &rows, `UPDATE posts SET deleted_at = NULL, deleted_by = NULL, sweep_id = NULL
			WHERE id IN (SELECT id FROM posts WHERE author_id = ? AND sweep_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) RETURNING id, channel_id AS into_id`, id, b.sweep, b.left)
	}
	if err != nil {
		return err
	}
	b.left -= len(rows)
	for _, r := range rows {
		b.posts[r.Into]++
		if err := t.tellPost(ctx, r.ID, r.Into); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "tags", "UPDATE tags SET post_count = post_count + ? * "+inListed+" WHERE id IN (SELECT tag_id FROM post_tags WHERE post_id = ?)", sign, r.Into, r.ID); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "author", "UPDATE members SET post_count = post_count + ? * "+inListed+" WHERE id = ?", sign, r.Into, id); err != nil {
			return err
		}
	}
	if b.left <= 0 {
		return nil
	}
	rows = nil
	if hide {
		err = t.list(ctx, "hide comments", &rows, `UPDATE comments SET deleted_at = ?, deleted_by = ?, sweep_id = ?
			WHERE id IN (SELECT id FROM comments WHERE author_id = ? AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT ?) RETURNING id, post_id AS into_id`, now, orNull(b.by), b.sweep, id, b.left)
	} else {
		err = t.list(ctx, "show comments", &rows, `UPDATE comments SET deleted_at = NULL, deleted_by = NULL, sweep_id = NULL
			WHERE id IN (SELECT id FROM comments WHERE author_id = ? AND sweep_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) RETURNING id, post_id AS into_id`, id, b.sweep, b.left)
	}
	if err != nil {
		return err
	}
	b.left -= len(rows)
	for _, r := range rows {
		b.comments[r.Into]++
		if err := t.tellComment(ctx, r.ID, r.Into); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "author", `UPDATE members SET comment_count = comment_count + ? * (SELECT CASE WHEN `+listed+` THEN 1 ELSE 0 END
			FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ?) WHERE id = ?`, sign, r.Into, id); err != nil {
			return err
		}
		if hide {
			err = t.letGoAnswer(ctx, r.ID)
		} else {
			err = t.regainAnswer(ctx, r.ID)
		}
		if err != nil {
			return err
		}
	}
	if b.left <= 0 {
		return nil
	}
	return b.cases(ctx, id, hide)
}

// cases closes the member's cases with the sweep, or opens them again.
func (b *batch) cases(ctx context.Context, member int64, hide bool) error {
	query, args := `UPDATE cases SET decision = '`+Swept+`', decided_by = ?, decided_at = ?, sweep_id = ?
		WHERE id IN (SELECT id FROM cases WHERE member_id = ? AND decision = '' ORDER BY id DESC LIMIT ?)`, []any{orNull(b.by), b.tx.d.millis(), b.sweep, member, b.left}
	if !hide {
		query, args = `UPDATE cases SET decision = CASE WHEN EXISTS (SELECT 1 FROM cases o WHERE o.decision = '' AND o.member_id = cases.member_id
				AND COALESCE(o.post_id, 0) = COALESCE(cases.post_id, 0) AND COALESCE(o.comment_id, 0) = COALESCE(cases.comment_id, 0)) THEN 'undone' ELSE '' END,
			decided_by = NULL, decided_at = NULL, sweep_id = NULL
			WHERE id IN (SELECT id FROM cases WHERE member_id = ? AND sweep_id = ? ORDER BY id DESC LIMIT ?)`, []any{member, b.sweep, b.left}
	}
	res, err := b.tx.exec(ctx, "cases", query, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	b.left -= int(n)
	return err
}

// count moves the numbers of what the batch moved.
func (b *batch) count(ctx context.Context, hide bool, done int) error {
	t, sign := b.tx, 1
	if hide {
		sign = -1
	}
	posts, comments := 0, 0
	for post, n := range b.comments {
		comments += n
		if err := t.one(ctx, "post", "UPDATE posts SET comment_count = comment_count + ? WHERE id = ?", sign*n, post); err != nil {
			return err
		}
		if err := settle(ctx, t, post); err != nil {
			return err
		}
	}
	for channel, n := range b.posts {
		posts += n
		if err := t.one(ctx, "channel", "UPDATE channels SET post_count = post_count + ? WHERE id = ?", sign*n, channel); err != nil {
			return err
		}
		if err := settleChannel(ctx, t, channel); err != nil {
			return err
		}
	}
	return t.one(ctx, "progress", "UPDATE sweeps SET members_done = members_done + ?, posts = max(0, posts - ?), comments = max(0, comments - ?) WHERE id = ?",
		done, sign*posts, sign*comments, b.sweep)
}

const sweepColumns = `s.id, COALESCE(a.handle, '') AS made_by, s.bans, COALESCE(s.since, 0) AS since,
	CASE WHEN s.since IS NULL THEN COALESCE((SELECT m.handle FROM sweep_members x JOIN members m ON m.id = x.member_id WHERE x.sweep_id = s.id LIMIT 1), '') ELSE '' END AS handle,
	s.reason, s.state, s.members, s.members_done, s.posts, s.comments, s.started_at, COALESCE(s.done_at, 0) AS done_at
	FROM sweeps s LEFT JOIN members a ON a.id = s.made_by`

// SweepByID finds a sweep. For staff.
func (d *DB) SweepByID(ctx context.Context, v Viewer, id int64) (Sweep, error) {
	var s Sweep
	if !v.Staff() {
		return s, ErrNotFound
	}
	err := d.get(ctx, "SweepByID", &s, "SELECT "+sweepColumns+" WHERE s.id = ?", id)
	return s, err
}

// Sweeps lists the last sweeps, at most limit. For staff; empty for others.
func (d *DB) Sweeps(ctx context.Context, v Viewer, limit int) ([]Sweep, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []Sweep
	err := d.list(ctx, "Sweeps", &list, "SELECT "+sweepColumns+" ORDER BY s.id DESC LIMIT ?", limit)
	return list, err
}

// Recent is somebody who registered lately, as those see them who look for a wave.
type Recent struct {
	ID        int64  `db:"id"`
	Handle    string `db:"handle"`
	Name      string `db:"name"`
	CreatedAt Millis `db:"created_at"`
	Address   string `db:"address"` // that they registered from; only admins are told
	Posts     int    `db:"post_count"`
	Comments  int    `db:"comment_count"`
	Waiting   int    `db:"waiting"` // cases open about what they wrote, at most 99
	Banned    bool   `db:"banned"`
}

// Newcomers lists who registered themselves since an instant, the last first. For staff; empty for others.
func (d *DB) Newcomers(ctx context.Context, v Viewer, since Millis, after Cursor, limit int) ([]Recent, error) {
	if !v.Staff() {
		return nil, nil
	}
	address := "''"
	if v.Role == Admin {
		address = "m.address"
	}
	var list []Recent
	at, id := after.start()
	err := d.list(ctx, "Newcomers", &list, "SELECT m.id, m.handle, m.name, m.created_at, "+address+` AS address, m.post_count, m.comment_count, COALESCE(m.banned_until, 0) > ? AS banned,
			(SELECT COUNT(*) FROM (SELECT 1 FROM cases q WHERE q.member_id = m.id AND q.decision = '' LIMIT 99) x) AS waiting
		FROM members m WHERE m.created_at >= ? AND (m.created_at, m.id) < (?, ?) AND `+isNewcomer+` ORDER BY m.created_at DESC, m.id DESC LIMIT ?`, d.millis(), since, at, id, limit)
	return list, err
}

// Wave is how much a sweep of all who registered since an instant would take.
type Wave struct {
	Members  int `db:"members"`
	Posts    int `db:"posts"` // shown where everybody reads them
	Comments int `db:"comments"`
}

// MaxExtent is how many posts, and comments, SweepExtent counts: about a tenth of a second.
const MaxExtent = 50_000

// Extent is what a sweep would find.
type Extent struct {
	Members         int
	Posts, Comments Standings
	More            bool // there are more than MaxExtent posts or comments
}

// Standings are numbers of texts by how they stand: a sweep hides those that are shown, closes the cases of those that
// wait, which stay hidden, and leaves alone what was hidden before.
type Standings struct {
	Shown  int `db:"shown"`
	Held   int `db:"held"`
	Hidden int `db:"hidden"`
}

// SweepExtent counts what a sweep would find, in all channels. For staff.
func (d *DB) SweepExtent(ctx context.Context, v Viewer, n NewSweep) (e Extent, err error) {
	if !v.Staff() {
		return e, ErrForbidden
	}
	whom, args := "SELECT m.id FROM members m WHERE m.id = ?", []any{n.MemberID}
	e.Members = 1
	if n.MemberID == 0 {
		w, err := d.WaveSince(ctx, v, n.Since)
		if err != nil {
			return e, err
		}
		e.Members = w.Members
		whom, args = "SELECT m.id FROM members m WHERE m.created_at >= ? AND "+isNewcomer+" ORDER BY m.created_at DESC, m.id DESC LIMIT ?", []any{n.Since, MaxSweep}
	}
	for table, into := range map[string]*Standings{"posts": &e.Posts, "comments": &e.Comments} {
		if err := d.get(ctx, "SweepExtent", into, `SELECT COALESCE(SUM(CASE WHEN x.deleted_at IS NULL THEN 1 ELSE 0 END), 0) AS shown,
				COALESCE(SUM(CASE WHEN x.deleted_at IS NOT NULL AND x.waits THEN 1 ELSE 0 END), 0) AS held,
				COALESCE(SUM(CASE WHEN x.deleted_at IS NOT NULL AND NOT x.waits THEN 1 ELSE 0 END), 0) AS hidden
			FROM (SELECT t.deleted_at, `+isHeld("t")+" AS waits FROM ("+whom+") w CROSS JOIN "+table+` t ON t.author_id = w.id LIMIT ?) x`, append(args, MaxExtent)...); err != nil {
			return e, err
		}
		e.More = e.More || into.Shown+into.Held+into.Hidden == MaxExtent
	}
	return e, nil
}

// WaveSince counts a wave, as far as MaxSweep members. For staff.
func (d *DB) WaveSince(ctx context.Context, v Viewer, since Millis) (w Wave, err error) {
	if !v.Staff() {
		return w, ErrForbidden
	}
	err = d.get(ctx, "WaveSince", &w, `SELECT COUNT(*) AS members, COALESCE(SUM(x.post_count), 0) AS posts, COALESCE(SUM(x.comment_count), 0) AS comments
		FROM (SELECT m.post_count, m.comment_count FROM members m WHERE m.created_at >= ? AND `+isNewcomer+` ORDER BY m.created_at DESC, m.id DESC LIMIT ?) x`, since, MaxSweep)
	return w, err
}
