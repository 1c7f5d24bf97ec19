package db

import (
	"context"
	"time"
)

// PostRow is a post in a list.
type PostRow struct {
	ID           int64  `db:"id"`
	ChannelID    int64  `db:"channel_id"`
	ChannelSlug  string `db:"channel_slug"`
	ChannelName  string `db:"channel_name"`
	AuthorID     int64  `db:"author_id"` // 0: deleted
	AuthorHandle string `db:"author_handle"`
	AuthorName   string `db:"author_name"`
	Kind         string `db:"kind"`
	Title        string `db:"title"`
	Slug         string `db:"slug"`
	Tags         string `db:"tags"` // names, each followed by a space
	Excerpt      string `db:"excerpt"`
	Score        int    `db:"score"`
	Comments     int    `db:"comment_count"`
	Answered     bool   `db:"answered"`
	CreatedAt    Millis `db:"created_at"`
	ActiveAt     Millis `db:"active_at"`
	Pinned       bool   `db:"pinned"`
	Locked       bool   `db:"locked"`
	ReadAt       Millis `db:"read_at"`
	Seen         int    `db:"comments_seen"`
	Unread       bool   // something here is newer than the viewer's last look; never for a guest
	New          int    // comments that came since the viewer read it
	key          int64
}

// Sort is the order of a feed.
type Sort string

const (
	Active Sort = "active" // the last comment first
	New    Sort = "new"    // the last post first
	Top    Sort = "top"    // the best score within a window first
)

// Window is how far back a Top feed reaches.
type Window string

const (
	Day   Window = "day"
	Week  Window = "week"
	Month Window = "month"
	Year  Window = "year"
	All   Window = "all"
)

// windows in the order of their age class: a post of class n is younger than windows[n].span. The class is a column,
// so that the best of a window are at most five ranges of an index and no window is ever sorted whole.
var windows = []struct {
	name Window
	span time.Duration
}{
	{Day, 24 * time.Hour}, {Week, 7 * 24 * time.Hour}, {Month, 30 * 24 * time.Hour}, {Year, 365 * 24 * time.Hour},
	{All, 1<<63 - 1},
}

// ageClass is the class of a post that is this old.
func ageClass(age time.Duration) int {
	for n, w := range windows {
		if age < w.span {
			return n
		}
	}
	return len(windows) - 1
}

// Feed says which posts to list.
type Feed struct {
	ChannelID int64 // 0: all channels
	Joined    bool  // only channels that the viewer joined; ignored with a ChannelID
	Sort      Sort
	Window    Window // for Top
	After     Cursor
	Limit     int
}

const postRowColumns = `p.id, p.channel_id, c.slug AS channel_slug, c.name AS channel_name,
	COALESCE(p.author_id, 0) AS author_id, COALESCE(m.handle, '') AS author_handle, COALESCE(m.name, p.source_author) AS author_name,
	p.kind, p.title, p.slug, p.tags, p.excerpt, p.score, p.comment_count, p.accepted_id IS NOT NULL AS answered,
	p.created_at, p.active_at, p.pinned_at IS NOT NULL AS pinned, p.locked_at IS NOT NULL AS locked`

// postRowFrom joins what a row shows. CROSS JOIN keeps the order of the loops: with few channels and many posts the
// planner would else begin at the channels and sort all their posts.
func postRowSelect(v Viewer) (columns, joins string, args []any) {
	columns, joins = postRowColumns, ` CROSS JOIN channels c ON c.id = p.channel_id LEFT JOIN members m ON m.id = p.author_id`
	if v.SignedIn() {
		columns += `, COALESCE(r.read_at, 0) AS read_at, COALESCE(r.comments_seen, 0) AS comments_seen`
		joins += ` LEFT JOIN reads r ON r.member_id = ? AND r.post_id = p.id`
		args = []any{v.ID}
	}
	return columns, joins, args
}

// ageClasses is the relation of the classes up to the window's, for FROM.
func ageClasses(w Window) string {
	classes := "(SELECT 0 AS n"
	for i := 1; i < len(windows); i++ {
		if windows[i-1].name == w {
			break
		}
		classes += " UNION ALL SELECT " + string(rune('0'+i))
	}
	return classes + ") a"
}

// Posts lists a feed. Its cost is bounded by the page: each scope and order is a range of an index, or, for several
// channels or age classes, one such range of at most Limit rows from each, merged.
func (d *DB) Posts(ctx context.Context, v Viewer, f Feed) ([]PostRow, error) {
	key, order := "active_at", "active_at"
	switch f.Sort {
	case New:
		key, order = "created_at", "created_at"
	case Top:
		key, order = "score", "score"
	}
	columns, joins, args := postRowSelect(v)
	query := "SELECT " + columns + " FROM "
	k, id := f.After.start()
	// One range of an index: the newest or best of one channel (or all) in one age class (or any).
	inner := "q.deleted_at IS NULL AND (q." + key + ", q.id) < (?, ?)"
	innerArgs := []any{k, id}
	var outer []string
	var outerArgs []any
	switch {
	case f.ChannelID != 0:
		inner, innerArgs = inner+" AND q.channel_id = ?", append(innerArgs, f.ChannelID)
	case f.Joined:
		outer = append(outer, "(SELECT channel_id FROM memberships WHERE member_id = ?) ms")
		outerArgs = append(outerArgs, v.ID)
		inner += " AND q.channel_id = ms.channel_id"
	}
	if f.Sort == Top {
		outer = append(outer, ageClasses(f.Window))
		inner += " AND q.age_class = a.n"
	}
	for _, o := range outer {
		query += o + " CROSS JOIN "
	}
	query += "posts p" + joins + " WHERE "
	args = append(outerArgs, args...)
	if len(outer) == 0 {
		query += replaceAlias(inner) + " AND " + visible
	} else {
		query += "p.id IN (SELECT q.id FROM posts q WHERE " + inner + " ORDER BY q." + order + " DESC, q.id DESC LIMIT ?) AND " + visible
		innerArgs = append(innerArgs, f.Limit)
	}
	args = append(args, innerArgs...)
	args = append(args, v.ID, f.Limit)
	query += " ORDER BY p." + order + " DESC, p.id DESC LIMIT ?"
	var list []PostRow
	if err := d.list(ctx, "Posts", &list, query, args...); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].judge(v)
		switch f.Sort {
		case New:
			list[i].key = int64(list[i].CreatedAt)
		case Top:
			list[i].key = int64(list[i].Score)
		default:
			list[i].key = int64(list[i].ActiveAt)
		}
	}
	return list, nil
}

// replaceAlias turns the inner query's q into p: with a single range there is no inner query.
func replaceAlias(condition string) string {
	b := []byte(condition)
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 'q' && b[i+1] == '.' {
			b[i] = 'p'
		}
	}
	return string(b)
}

// Cursor is the place after this row in the feed that listed it.
func (r PostRow) Cursor() Cursor { return NewCursor(r.key, r.ID) }

func (r *PostRow) judge(v Viewer) {
	if !v.SignedIn() {
		return
	}
	r.Unread = r.ActiveAt > max(r.ReadAt, v.CaughtUp) && (r.ReadAt != 0 || r.AuthorID != v.ID || r.Comments > 0)
	if r.ReadAt != 0 && r.Unread {
		r.New = max(0, r.Comments-r.Seen)
	}
}

// PinnedPosts lists the pinned posts of a channel, at most 5; they stand above its feed.
func (d *DB) PinnedPosts(ctx context.Context, v Viewer, channelID int64) ([]PostRow, error) {
	columns, joins, args := postRowSelect(v)
	return d.postRows(ctx, "PinnedPosts", v, "SELECT "+columns+" FROM posts p"+joins+`
		WHERE p.channel_id = ? AND p.deleted_at IS NULL AND p.pinned_at IS NOT NULL AND `+visible+`
		ORDER BY p.pinned_at DESC, p.id DESC LIMIT 5`, append(args, channelID, v.ID)...)
}

// PostsByAuthor lists a member's posts, the newest first.
func (d *DB) PostsByAuthor(ctx context.Context, v Viewer, authorID int64, after Cursor, limit int) ([]PostRow, error) {
	columns, joins, args := postRowSelect(v)
	k, id := after.start()
	return d.postRows(ctx, "PostsByAuthor", v, "SELECT "+columns+" FROM posts p"+joins+`
		WHERE p.author_id = ? AND p.deleted_at IS NULL AND (p.created_at, p.id) < (?, ?) AND `+visible+`
		ORDER BY p.created_at DESC, p.id DESC LIMIT ?`, append(args, authorID, k, id, v.ID, limit)...)
}

// PostsByTag lists the posts that bear a tag, the newest first.
func (d *DB) PostsByTag(ctx context.Context, v Viewer, tagID int64, after Cursor, limit int) ([]PostRow, error) {
	columns, joins, args := postRowSelect(v)
	k, id := after.start()
	return d.postRows(ctx, "PostsByTag", v, "SELECT "+columns+" FROM post_tags pt CROSS JOIN posts p ON p.id = pt.post_id"+joins+`
		WHERE pt.tag_id = ? AND (pt.created_at, pt.post_id) < (?, ?) AND p.deleted_at IS NULL AND `+visible+`
		ORDER BY pt.created_at DESC, pt.post_id DESC LIMIT ?`, append(args, tagID, k, id, v.ID, limit)...)
}

func (d *DB) postRows(ctx context.Context, name string, v Viewer, query string, args ...any) ([]PostRow, error) {
	var list []PostRow
	if err := d.list(ctx, name, &list, query, args...); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].judge(v)
		list[i].key = int64(list[i].CreatedAt)
	}
	return list, nil
}

// RefreshAges moves posts whose age has passed the end of their class to the next, at most 500 at a call, so that
// the write connection is never held long. It answers how many it moved.
func (d *DB) RefreshAges(ctx context.Context) (moved int64, err error) {
	now := d.now()
	err = d.change(ctx, "RefreshAges", func(ctx context.Context, tx *tx) error {
		for n, w := range windows[:len(windows)-1] {
			res, err := tx.exec(ctx, "age", `UPDATE posts SET age_class = ? WHERE id IN
				(SELECT id FROM posts WHERE age_class = ? AND created_at <= ? ORDER BY created_at LIMIT 500)`, n+1, n, MillisOf(now.Add(-w.span)))
			if err != nil {
				return err
			}
			m, err := res.RowsAffected()
			if err != nil {
				return err
			}
			moved += m
		}
		return nil
	})
	return moved, err
}
