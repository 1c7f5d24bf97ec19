package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Trust levels, earned by being here, reading and being liked.
const (
	Newcomer = iota
	Known
	Regular
	Trusted
)

// Limits are what a member of a trust level may do, and what it takes to come to the level.
type Limits struct {
	Links    int // in one text; a text with more waits for a moderator
	Texts    int // posts and comments in a day; 0: as many as the hour allows
	Flags    int // in a day
	Channels int // opened in a day
	Open     int // invites that may be open at once

	Days  int // visited, to come to the level
	Reads int // posts read
	Likes int // members who liked something
}

// TrustLimits answers the limits of a level. What is below or above the levels counts as the nearest.
func TrustLimits(level int) Limits {
	return trustTable()[min(max(level, Newcomer), Trusted)]
}

func trustTable() [Trusted + 1]Limits {
	return [...]Limits{
		Newcomer: {Links: 2, Texts: 20, Flags: 5, Channels: 2, Open: 0},
		Known:    {Links: 10, Texts: 100, Flags: 20, Channels: 5, Open: 2, Days: 2, Reads: 10},
		Regular:  {Links: 30, Texts: 300, Flags: 50, Channels: 10, Open: 5, Days: 10, Reads: 60, Likes: 5},
		Trusted:  {Links: 100, Flags: 100, Channels: 20, Open: 20, Days: 40, Reads: 300, Likes: 30},
	}
}

// Standing is how far a member has come.
type Standing struct {
	Level   int  `db:"trust"`
	Locked  bool `db:"trust_locked"` // staff set it
	Days    int  `db:"days_visited"`
	Reads   int  // counted no further than the highest level asks
	Likes   int  // members who liked something of theirs, the same
	Removed int  // texts that a moderator removed, among the newest and within removalSpan
}

const (
	removalSpan  = 30 * 24 * time.Hour
	textsLook    = 200 // newest posts, and comments
	likesLook    = 500 // likes of posts, and of comments
	visitSpan    = 6 * time.Hour
	trustsAtOnce = 50
)

// earned is the level that a standing amounts to. Levels are kept: who was made a level by staff, or brought it from
// before there were levels, does not fall for having read little. A text that a moderator removed lately keeps the level
// from rising, and three take it down to Known.
func (s Standing) earned() int {
	level := s.Level
	for next := level + 1; next <= Trusted && s.Removed == 0 && s.reaches(TrustLimits(next)); next++ {
		level = next
	}
	if s.Removed >= 3 {
		level = min(level, Known)
	}
	return level
}

func (s Standing) reaches(l Limits) bool {
	return s.Days >= l.Days && s.Reads >= l.Reads && s.Likes >= l.Likes
}

// visited notes that a member is here now. The first visit of a day counts the day, and the first for some hours lets
// their level be worked out anew.
func visited(ctx context.Context, tx *tx, memberID int64, now Millis) error {
	_, err := tx.exec(ctx, "member", `UPDATE members SET days_visited = days_visited + CASE WHEN last_seen_at / 86400000 < ? / 86400000 THEN 1 ELSE 0 END,
			trust_due = CASE WHEN trust_locked = 0 AND last_seen_at / ? < ? / ? THEN COALESCE(trust_due, ?) ELSE trust_due END, last_seen_at = ?
		WHERE id = ?`, now, visitSpan.Milliseconds(), now, visitSpan.Milliseconds(), now, now, memberID)
	return err
}

// TrustOf is where a member stands: for themselves and for staff, else ErrNotFound.
func (d *DB) TrustOf(ctx context.Context, v Viewer, memberID int64) (Standing, error) {
	if memberID != v.ID && !v.Staff() {
		return Standing{}, fmt.Errorf("TrustOf: %w", ErrNotFound)
	}
	return d.trustOf(ctx, memberID)
}

// trustOf counts what is written in at most some hundred rows of each table, whoever it is.
func (d *DB) trustOf(ctx context.Context, memberID int64) (s Standing, err error) {
	if err := d.get(ctx, "TrustLevel", &s, "SELECT trust, trust_locked, days_visited FROM members WHERE id = ? AND deleted_at IS NULL", memberID); err != nil {
		return s, err
	}
	most := TrustLimits(Trusted)
	if err := d.get(ctx, "TrustReads", &s.Reads, "SELECT COUNT(*) FROM (SELECT 1 FROM reads WHERE member_id = ? LIMIT ?) x", memberID, most.Reads); err != nil {
		return s, err
	}
	if err := d.get(ctx, "TrustLikes", &s.Likes, `SELECT COUNT(DISTINCT x.member_id) FROM (
			SELECT * FROM (SELECT r.member_id FROM (SELECT id, deleted_at FROM posts WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) p
				CROSS JOIN post_reactions r ON r.post_id = p.id WHERE p.deleted_at IS NULL AND r.value = 1 LIMIT ?) a
			UNION ALL
			SELECT * FROM (SELECT r.member_id FROM (SELECT id, deleted_at FROM comments WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) k
				CROSS JOIN comment_reactions r ON r.comment_id = k.id WHERE k.deleted_at IS NULL AND r.value = 1 LIMIT ?) b) x WHERE x.member_id <> ?`,
		memberID, textsLook, likesLook, memberID, textsLook, likesLook, memberID); err != nil {
		return s, err
	}
	s.Likes = min(s.Likes, most.Likes)
	since := MillisOf(d.now().Add(-removalSpan))
	err = d.get(ctx, "TrustRemovals", &s.Removed, `SELECT COUNT(*) FROM (
			SELECT * FROM (SELECT deleted_at, deleted_by FROM posts WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) a
			UNION ALL
			SELECT * FROM (SELECT deleted_at, deleted_by FROM comments WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) b) x
		WHERE x.deleted_at > ? AND x.deleted_by <> ?`, memberID, textsLook, memberID, textsLook, since, memberID)
	return s, err
}

// RefreshTrust works out the levels of some members who were here since the last time, at most trustsAtOnce at a call,
// and answers how many it looked at.
func (d *DB) RefreshTrust(ctx context.Context) (looked int, err error) {
	var ids []int64
	if err := d.list(ctx, "TrustDue", &ids, "SELECT id FROM members WHERE trust_due IS NOT NULL ORDER BY trust_due, id LIMIT ?", trustsAtOnce); err != nil {
		return 0, err
	}
	levels := make(map[int64]int, len(ids))
	for _, id := range ids {
		s, err := d.trustOf(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) { // deleted since
			return 0, err
		}
		levels[id] = s.earned()
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return len(ids), d.change(ctx, "RefreshTrust", func(ctx context.Context, tx *tx) error {
		for _, id := range ids {
			if _, err := tx.exec(ctx, "level", "UPDATE members SET trust = CASE WHEN trust_locked = 1 THEN trust ELSE ? END, trust_due = NULL WHERE id = ?", levels[id], id); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetTrust gives a member a level and locks it there, or with lock false lets it be worked out from there on. For those
// who may judge the member.
func (d *DB) SetTrust(ctx context.Context, v Viewer, memberID int64, level int, lock bool) error {
	if level < Newcomer || level > Trusted {
		return fmt.Errorf("SetTrust %d: %w", level, ErrForbidden)
	}
	return d.govern(ctx, v, "SetTrust", func(ctx context.Context, tx *tx, _ Role) error {
		g, err := tx.governed(ctx, v, memberID)
		if err != nil {
			return err
		}
		if g.Trust == level && g.Locked == lock {
			return nil
		}
		if err := tx.one(ctx, "level", "UPDATE members SET trust = ?, trust_locked = ?, trust_due = NULL WHERE id = ?", level, lock, memberID); err != nil {
			return err
		}
		_, err = tx.logged(ctx, v, Entry{Action: "trust", MemberID: memberID, Old: trustWords(g.Trust, g.Locked), New: trustWords(level, lock)})
		return err
	})
}

func trustWords(level int, locked bool) string {
	if locked {
		return fmt.Sprintf("%d locked", level)
	}
	return fmt.Sprint(level)
}

// firstTrust is the level of a new member: who was let in by a command or belongs to a demonstration is no stranger.
func firstTrust(n NewMember) int {
	switch {
	case n.Role == Moderator || n.Role == Admin:
		return Trusted
	case n.Origin == "command" || n.Origin == "demo":
		return Regular
	case n.Origin == "import":
		return Known
	}
	return Newcomer
}
