package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Mute and block are what a member can put between themselves and another. What a muted member writes is shown folded
// up. A block mutes too, and the blocked cannot answer the other's posts and comments, react to them, or mention them;
// they read on, as everybody does who is not signed in. Staff answer for the place, so they are neither.
const (
	Mute  = "mute"
	Block = "block"
)

// MaxBlocks is how many others one member can have muted or blocked.
const MaxBlocks = 500

var (
	// ErrBlocked: who wrote it has blocked the viewer.
	ErrBlocked = &Error{text: "blocked by the author", status: http.StatusForbidden}
	// ErrTooManyBlocks: MaxBlocks are reached.
	ErrTooManyBlocks = &Error{text: "too many blocks", status: http.StatusConflict}
)

// hasBlocks is whether the member m muted or blocked anybody. It is a column of the session's query: who has none pays a
// look into one index, and no list asks any further.
const hasBlocks = "EXISTS (SELECT 1 FROM blocks WHERE member_id = m.id)"

// SetBlock mutes or blocks another member, or with an empty kind does neither any more. ErrForbidden: oneself, or staff.
func (d *DB) SetBlock(ctx context.Context, v Viewer, otherID int64, kind string) error {
	return d.change(ctx, "SetBlock", func(ctx context.Context, tx *tx) error {
		switch kind {
		case "":
			_, err := tx.exec(ctx, "unblock", "DELETE FROM blocks WHERE member_id = ? AND other_id = ?", v.ID, otherID)
			return err
		case Mute, Block:
		default:
			return fmt.Errorf("SetBlock %q: %w", kind, ErrForbidden)
		}
		var role Role
		if err := tx.get(ctx, "other", &role, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", otherID); err != nil {
			return err
		}
		if otherID == v.ID || role != Plain {
			return ErrForbidden
		}
		var n int
		if err := tx.get(ctx, "count", &n, "SELECT COUNT(*) FROM (SELECT 1 FROM blocks WHERE member_id = ? AND other_id <> ? LIMIT ?) x", v.ID, otherID, MaxBlocks); err != nil {
			return err
		}
		if n >= MaxBlocks {
			return ErrTooManyBlocks
		}
		_, err := tx.exec(ctx, "block", `INSERT INTO blocks (member_id, other_id, kind, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (member_id, other_id) DO UPDATE SET kind = excluded.kind`, v.ID, otherID, kind, d.millis())
		return err
	})
}

// Blocked is a member whom the viewer muted or blocked.
type Blocked struct {
	ID        int64  `db:"id"`
	Handle    string `db:"handle"`
	Name      string `db:"name"`
	Kind      string `db:"kind"`
	CreatedAt Millis `db:"created_at"`
}

// Blocks lists whom the viewer muted or blocked, those with the oldest account first; at most MaxBlocks.
func (d *DB) Blocks(ctx context.Context, v Viewer) ([]Blocked, error) {
	if !v.Blocks {
		return nil, nil
	}
	var list []Blocked
	err := d.list(ctx, "Blocks", &list, `SELECT m.id, m.handle, m.name, b.kind, b.created_at FROM blocks b CROSS JOIN members m ON m.id = b.other_id
		WHERE b.member_id = ? AND m.deleted_at IS NULL ORDER BY b.other_id LIMIT ?`, v.ID, MaxBlocks)
	return list, err
}

// BlockOf is how the viewer holds it with another member: Mute, Block, or empty.
func (d *DB) BlockOf(ctx context.Context, v Viewer, otherID int64) (kind string, err error) {
	if !v.Blocks {
		return "", nil
	}
	err = d.get(ctx, "BlockOf", &kind, "SELECT kind FROM blocks WHERE member_id = ? AND other_id = ?", v.ID, otherID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return kind, err
}

// muted is the set of those whom the viewer muted or blocked, and who have not become staff since; nil for most, without
// a query.
func (d *DB) muted(ctx context.Context, v Viewer) (map[int64]bool, error) {
	if !v.Blocks {
		return nil, nil
	}
	var ids []int64
	if err := d.list(ctx, "muted", &ids, `SELECT b.other_id FROM blocks b CROSS JOIN members m ON m.id = b.other_id
		WHERE b.member_id = ? AND m.role = 'member' LIMIT ?`, v.ID, MaxBlocks); err != nil {
		return nil, err
	}
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set, nil
}

// Mutes reports whether what that member writes is folded up for the viewer: one look-up of what muted is for a list.
func (d *DB) Mutes(ctx context.Context, v Viewer, otherID int64) (bool, error) {
	set, err := d.muted(ctx, v)
	return set[otherID], err
}

// muteRows marks the posts of those whom the viewer muted. They stay in the list, folded up: a page keeps its length.
func (d *DB) muteRows(ctx context.Context, v Viewer, list []PostRow) error {
	set, err := d.muted(ctx, v)
	for i := range list {
		list[i].Muted = set[list[i].AuthorID]
	}
	return err
}

// unblocked fails with ErrBlocked when who wrote the post, or the comment (0: none), has blocked the viewer. It is asked
// in the transaction of what the viewer does to them.
func (t *tx) unblocked(ctx context.Context, v Viewer, postID, commentID int64) error {
	var blocked bool
	if err := t.get(ctx, "blocked", &blocked, `SELECT EXISTS (SELECT 1 FROM blocks b WHERE b.other_id = ? AND b.kind = 'block'
			AND b.member_id IN ((SELECT author_id FROM posts WHERE id = ?), (SELECT author_id FROM comments WHERE id = ?))
			AND EXISTS (SELECT 1 FROM members m WHERE m.id = b.other_id AND m.role = 'member'))`, v.ID, postID, commentID); err != nil {
		return err
	}
	if blocked {
		return ErrBlocked
	}
	return nil
}

// unmentioned takes those out of the members whom a text of the author mentions who have blocked the author: their handle
// stays plain text.
func (d *DB) unmentioned(ctx context.Context, author int64, members map[string]int64) error {
	if author == 0 || len(members) == 0 {
		return nil
	}
	args := make([]any, 0, maxRefs+1)
	args = append(args, author)
	for _, id := range members {
		if len(args) <= maxRefs {
			args = append(args, id)
		}
	}
	for len(args) <= maxRefs {
		args = append(args, 0)
	}
	var ids []int64
	if err := d.list(ctx, "MentionBlocks", &ids, `SELECT b.member_id FROM blocks b CROSS JOIN members m ON m.id = b.other_id
		WHERE b.other_id = ? AND b.kind = 'block' AND m.role = 'member' AND b.member_id IN (?`+strings.Repeat(", ?", maxRefs-1)+")", args...); err != nil {
		return err
	}
	for _, id := range ids {
		for name, member := range members {
			if member == id {
				delete(members, name)
			}
		}
	}
	return nil
}
