package db

import "context"

// Unseen is a text that is not shown, as its author finds it: it waits for a moderator, or one removed it.
type Unseen struct {
	PostID    int64  `db:"post_id"`
	CommentID int64  `db:"comment_id"` // 0: the post itself
	Slug      string `db:"slug"`
	Title     string `db:"title"` // of the post, also above a comment
	Excerpt   string `db:"excerpt"`
	CreatedAt Millis `db:"created_at"`
	Held      bool   `db:"held"`
	Reason    string `db:"removed_for"` // of a removal, as the author is told
}

// unseenAtOnce is how many UnseenBy lists.
const unseenAtOnce = 20

// unseen is the condition that a row waits, or that another than its author took it away.
func unseen(alias string) string {
	return "(" + isHeld(alias) + " OR " + alias + ".deleted_by IS NOT NULL AND " + alias + ".deleted_by <> " + alias + ".author_id)"
}

// UnseenBy lists what a member wrote lately and others do not see, the newest first, at most unseenAtOnce of it. For the
// member and for staff; to others there is nothing. What stands in a channel or below a post that the viewer does not
// read is left out. It looks through the newest textsLook posts and as many comments.
func (d *DB) UnseenBy(ctx context.Context, v Viewer, memberID int64) ([]Unseen, error) {
	if v.ID != memberID && !v.Staff() {
		return nil, nil
	}
	var list []Unseen
	err := d.list(ctx, "UnseenBy", &list, `SELECT x.post_id, x.comment_id, x.slug, x.title, x.excerpt, x.created_at, x.held, x.removed_for FROM (
			SELECT p.id AS post_id, 0 AS comment_id, p.channel_id, p.slug, p.title, p.excerpt, p.created_at, `+isHeld("p")+` AS held, p.removed_for
				FROM (SELECT * FROM posts WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) p WHERE p.deleted_at IS NOT NULL AND `+unseen("p")+`
			UNION ALL
			SELECT p.id, k.id, p.channel_id, p.slug, p.title, k.excerpt, k.created_at, `+isHeld("k")+`, k.removed_for
				FROM (SELECT * FROM comments WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT ?) k CROSS JOIN posts p ON p.id = k.post_id
				WHERE k.deleted_at IS NOT NULL AND `+unseen("k")+` AND p.deleted_at IS NULL) x
			CROSS JOIN channels c ON c.id = x.channel_id
		WHERE `+visible+` AND (? = ? OR `+isStaff+`) ORDER BY x.created_at DESC, x.post_id DESC, x.comment_id DESC LIMIT ?`,
		memberID, textsLook, memberID, textsLook, v.ID, memberID, v.ID, v.ID, unseenAtOnce)
	return list, err
}
