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

// unseenPost and unseenComment are the condition that a text waits, or that another than its author took it away. They say
// what the indexes posts_unseen and comments_unseen say, term by term.
const (
	unseenPost    = "p.deleted_at IS NOT NULL AND (p.held_at IS NOT NULL AND p.deleted_by IS NULL OR p.deleted_by <> p.author_id)"
	unseenComment = "k.deleted_at IS NOT NULL AND (k.held_at IS NOT NULL AND k.deleted_by IS NULL OR k.deleted_by <> k.author_id)"
)

// unseenOf counts what UnseenBy lists for the member m themselves, at most 9. Like invitedTo it is a column of the session's
// query: who has none pays a look into each of two indexes.
const unseenOf = `(SELECT COUNT(*) FROM (SELECT 1 FROM posts p CROSS JOIN channels c ON c.id = p.channel_id WHERE p.author_id = m.id AND ` + unseenPost + ` AND ` + visibleToM + `
	UNION ALL SELECT 1 FROM comments k CROSS JOIN posts p ON p.id = k.post_id CROSS JOIN channels c ON c.id = p.channel_id
		WHERE k.author_id = m.id AND ` + unseenComment + ` AND p.deleted_at IS NULL AND ` + visibleToM + ` LIMIT 9) x)`

// UnseenBy lists what a member wrote lately and others do not see, the newest first, at most unseenAtOnce of it. For the
// member and for staff; to others there is nothing. What stands in a channel or below a post that the viewer does not
// read is left out. It looks through the newest textsLook posts that are not shown, and as many comments.
func (d *DB) UnseenBy(ctx context.Context, v Viewer, memberID int64) ([]Unseen, error) {
	if v.ID != memberID && !v.Staff() {
		return nil, nil
	}
	var list []Unseen
	err := d.list(ctx, "UnseenBy", &list, `SELECT x.post_id, x.comment_id, x.slug, x.title, x.excerpt, x.created_at, x.held, x.removed_for FROM (
			SELECT p.id AS post_id, 0 AS comment_id, p.channel_id, p.slug, p.title, p.excerpt, p.created_at, `+isHeld("p")+` AS held, p.removed_for
				FROM (SELECT * FROM posts p WHERE p.author_id = ? AND `+unseenPost+` ORDER BY p.created_at DESC, p.id DESC LIMIT ?) p
			UNION ALL
			SELECT p.id, k.id, p.channel_id, p.slug, p.title, k.excerpt, k.created_at, `+isHeld("k")+`, k.removed_for
				FROM (SELECT * FROM comments k WHERE k.author_id = ? AND `+unseenComment+` ORDER BY k.created_at DESC, k.id DESC LIMIT ?) k CROSS JOIN posts p ON p.id = k.post_id
				WHERE p.deleted_at IS NULL) x
			CROSS JOIN channels c ON c.id = x.channel_id
		WHERE `+visible+` AND (? = ? OR `+isStaff+`) ORDER BY x.created_at DESC, x.post_id DESC, x.comment_id DESC LIMIT ?`,
		memberID, textsLook, memberID, textsLook, v.ID, memberID, v.ID, v.ID, unseenAtOnce)
	return list, err
}
