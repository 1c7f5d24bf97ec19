package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxStaffNote is the longest staff note, in characters.
const MaxStaffNote = 2000

// StaffNote is what staff tell each other about a member. Nobody else ever reads it, and an export of what is stored about
// a member leaves it out.
type StaffNote struct {
	ID        int64  `db:"id"`
	Handle    string `db:"handle"` // who wrote it; empty: gone
	Text      string `db:"text"`
	CreatedAt Millis `db:"created_at"`
}

// AddStaffNote writes a note about a member. A form that was sent before adds nothing.
func (d *DB) AddStaffNote(ctx context.Context, v Viewer, memberID int64, text, key string) error {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > MaxStaffNote {
		return fmt.Errorf("staff note of %d bytes: %w", len(text), ErrForbidden)
	}
	form := formKey(key, "note", strconv.FormatInt(memberID, 10), text)
	return d.govern(ctx, v, "AddStaffNote", func(ctx context.Context, tx *tx, _ Role) error {
		if sent, err := tx.repeated(ctx, v, form); err != nil || sent != 0 {
			return err
		}
		if err := tx.get(ctx, "member", new(int64), "SELECT id FROM members WHERE id = ? AND deleted_at IS NULL", memberID); err != nil {
			return err
		}
		id, err := tx.insert(ctx, "note", "INSERT INTO staff_notes (member_id, author_id, text, created_at) VALUES (?, ?, ?, ?)", memberID, v.ID, text, d.millis())
		if err != nil {
			return err
		}
		return tx.remember(ctx, v, form, "note", id)
	})
}

// StaffNotes lists the newest notes about a member. Empty for who is no staff.
func (d *DB) StaffNotes(ctx context.Context, v Viewer, memberID int64, limit int) ([]StaffNote, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []StaffNote
	err := d.list(ctx, "StaffNotes", &list, `SELECT n.id, COALESCE(m.handle, '') AS handle, n.text, n.created_at FROM staff_notes n LEFT JOIN members m ON m.id = n.author_id
		WHERE n.member_id = ? AND `+isStaff+` ORDER BY n.created_at DESC, n.id DESC LIMIT ?`, memberID, v.ID, limit)
	return list, err
}

// isStaff is the condition that the viewer, its parameter, is staff by their row.
const isStaff = "EXISTS (SELECT 1 FROM members sv WHERE sv.id = ? AND sv.role <> 'member')"

// Dossier is a member as staff see them.
type Dossier struct {
	Member
	Suspended Millis `db:"suspended_until"` // 0, or over: not suspended
	Banned    Millis `db:"banned_until"`
	Reason    string `db:"barred_for"` // why, as the member is told
	Pending   bool   `db:"pending"`
	Factor    bool   `db:"factor"` // they have a second factor
	Held      int    `db:"hold_writes"`
	SeenAt    Millis `db:"last_seen_at"`
	InvitedBy string `db:"invited_by"` // handle; empty: nobody known
	Judged    bool   // the viewer may judge them
}

// DossierByHandle finds a member for staff; to others there is nothing.
func (d *DB) DossierByHandle(ctx context.Context, v Viewer, handle string) (Dossier, error) {
	var m Dossier
	if !v.Staff() {
		return m, fmt.Errorf("DossierByHandle: %w", ErrNotFound)
	}
	err := d.get(ctx, "DossierByHandle", &m, "SELECT "+memberColumns+`, COALESCE(m.suspended_until, 0) AS suspended_until, COALESCE(m.banned_until, 0) AS banned_until, m.barred_for,
			m.state = 'pending' AS pending, m.totp_secret IS NOT NULL AS factor, m.hold_writes, m.last_seen_at,
			COALESCE((SELECT b.handle FROM invites i JOIN members b ON b.id = i.made_by WHERE i.id = m.invite_id), '') AS invited_by
		FROM members m WHERE m.handle_key = ? AND m.deleted_at IS NULL AND `+isStaff, foldHandle(handle), v.ID)
	m.Judged = m.ID != v.ID && (v.Role == Admin || m.Role == Plain)
	return m, err
}

// LogLine is an entry of the log about a member.
type LogLine struct {
	At        Millis `db:"at"`
	Action    string `db:"action"`
	By        string `db:"handle"`
	PostID    int64  `db:"post_id"`
	CommentID int64  `db:"comment_id"`
	Reason    string `db:"reason"`
	Old       string `db:"old_value"`
	New       string `db:"new_value"`
}

// HistoryOf lists what staff decided about a member, the newest first. Empty for who is no staff.
func (d *DB) HistoryOf(ctx context.Context, v Viewer, memberID int64, limit int) ([]LogLine, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []LogLine
	err := d.list(ctx, "HistoryOf", &list, `SELECT l.at, l.action, COALESCE(m.handle, '') AS handle, CASE WHEN c.id IS NULL THEN 0 ELSE COALESCE(l.post_id, 0) END AS post_id,
			CASE WHEN c.id IS NULL THEN 0 ELSE COALESCE(l.comment_id, 0) END AS comment_id, l.reason, l.old_value, l.new_value
		FROM mod_log l LEFT JOIN members m ON m.id = l.actor_id LEFT JOIN channels c ON c.id = l.channel_id AND `+visible+`
		WHERE l.member_id = ? AND `+isStaff+" ORDER BY l.at DESC, l.id DESC LIMIT ?", v.ID, memberID, v.ID, limit)
	return list, err
}

// SessionsOf lists where a member is signed in, the last used first, at most 20. For admins; empty for others.
func (d *DB) SessionsOf(ctx context.Context, v Viewer, memberID int64) ([]Session, error) {
	if v.Role != Admin {
		return nil, nil
	}
	var list []Session
	err := d.list(ctx, "SessionsOf", &list, `SELECT id, created_at, used_at, address, agent, 0 AS current FROM sessions
		WHERE member_id = ? AND EXISTS (SELECT 1 FROM members sv WHERE sv.id = ? AND sv.role = 'admin') ORDER BY used_at DESC, id DESC LIMIT 20`, memberID, v.ID)
	return list, err
}

// InvitedBy lists the handles of those who came by a member's invites, the newest first, at most 50. Empty for who is no
// staff.
func (d *DB) InvitedBy(ctx context.Context, v Viewer, memberID int64) ([]string, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []string
	err := d.list(ctx, "InvitedBy", &list, `SELECT m.handle FROM (SELECT id FROM invites WHERE made_by = ? ORDER BY created_at DESC LIMIT 50) i
		CROSS JOIN members m ON m.invite_id = i.id WHERE m.deleted_at IS NULL AND `+isStaff+" LIMIT 50", memberID, v.ID)
	return list, err
}

// Written is a post or comment as staff look over what a member wrote, also what was deleted or waits.
type Written struct {
	PostID    int64  `db:"post_id"`
	CommentID int64  `db:"comment_id"` // 0: the post itself
	Slug      string `db:"slug"`
	Title     string `db:"title"`
	Excerpt   string `db:"excerpt"`
	CreatedAt Millis `db:"created_at"`
	Deleted   bool   `db:"deleted"`
	Held      bool   `db:"held"`
	Shut      bool   `db:"shut"` // nobody reads its channel any more: it has no title and leads nowhere
}

// WrittenBy lists a member's newest texts, at most limit of them. For staff; empty for others.
func (d *DB) WrittenBy(ctx context.Context, v Viewer, memberID int64, limit int) ([]Written, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []Written
	err := d.list(ctx, "WrittenBy", &list, `SELECT x.post_id, x.comment_id, x.created_at, x.deleted, x.held, c.id IS NULL AS shut, CASE WHEN c.id IS NULL THEN '' ELSE x.slug END AS slug,
			CASE WHEN c.id IS NULL THEN '' ELSE x.title END AS title, CASE WHEN c.id IS NULL THEN '' ELSE x.excerpt END AS excerpt FROM (
			SELECT * FROM (SELECT p.id AS post_id, 0 AS comment_id, p.channel_id, p.slug, p.title, p.excerpt, p.created_at, p.deleted_at IS NOT NULL AS deleted, p.held_at IS NOT NULL AS held
				FROM posts p WHERE p.author_id = ? ORDER BY p.created_at DESC, p.id DESC LIMIT ?) a
			UNION ALL
			SELECT * FROM (SELECT p.id, k.id, p.channel_id, p.slug, p.title, k.excerpt, k.created_at, k.deleted_at IS NOT NULL, k.held_at IS NOT NULL
				FROM comments k CROSS JOIN posts p ON p.id = k.post_id WHERE k.author_id = ? ORDER BY k.created_at DESC, k.id DESC LIMIT ?) b) x
			LEFT JOIN channels c ON c.id = x.channel_id AND `+visible+`
		WHERE `+isStaff+" ORDER BY x.created_at DESC LIMIT ?", memberID, limit, memberID, limit, v.ID, v.ID, limit)
	return list, err
}
