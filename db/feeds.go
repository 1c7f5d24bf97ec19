package db

import (
	"context"
	"strings"
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
	Muted        bool   // the viewer muted its author
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

// postRowSelect joins what a row shows. CROSS JOIN keeps the order of the loops: with few channels and many posts the
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

// HomeChannels is how many of the joined channels a Joined feed draws from: those that the member visited last.
const HomeChannels = 100

// Posts lists a feed. One channel, or all, in the order of time is one range of an index. Several channels or age
// classes are such ranges, of at most Limit entries each, merged: at most HomeChannels times five of them.
func (d *DB) Posts(ctx context.Context, v Viewer, f Feed) ([]PostRow, error) {
	key := "active_at"
	switch f.Sort {
	case New:
		key = "created_at"
	case Top:
		key = "score"
	}
	columns, joins, args := postRowSelect(v)
	last, lastID := f.After.start()
	var query string
	if f.Sort == Top || f.Joined && f.ChannelID == 0 {
		ranges, rangeArgs := feedRanges(v, f, key)
		query = "SELECT " + columns + " FROM (" + ranges + ") top CROSS JOIN posts p ON p.id = top.id" + joins +
			" WHERE " + visible + " ORDER BY top.n DESC, top.id DESC"
		args = append(append(rangeArgs, args...), v.ID)
	} else {
		query = "SELECT " + columns + " FROM posts p" + joins + " WHERE p.deleted_at IS NULL AND (p." + key + ", p.id) < (?, ?)"
		args = append(args, last, lastID)
		if f.ChannelID != 0 {
			query += " AND p.channel_id = ?"
			args = append(args, f.ChannelID)
		} else {
			query += " AND p.channel_id NOT IN " + unreadable
			args = append(args, v.ID)
		}
		query += " AND " + visible + " ORDER BY p." + key + " DESC, p.id DESC LIMIT ?"
		args = append(args, v.ID, f.Limit)
	}
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
	return list, d.muteRows(ctx, v, list)
}

// feedRanges selects the ids of one page of a feed that several ranges make, with their key as n. Only the ids are
// merged and sorted; what a row shows is joined to the page alone.
func feedRanges(v Viewer, f Feed, key string) (query string, args []any) {
	last, lastID := f.After.start()
	var from []string
	one := "SELECT q.id FROM posts q" // one range; its LIMIT comes after its condition
	where := " WHERE q.deleted_at IS NULL AND (q." + key + ", q.id) < (?, ?)"
	whereArgs := []any{last, lastID}
	switch {
	case f.ChannelID != 0:
		where, whereArgs = where+" AND q.channel_id = ?", append(whereArgs, f.ChannelID)
	case f.Joined:
		from = append(from, "(SELECT channel_id FROM memberships WHERE member_id = ? ORDER BY seen_at DESC, channel_id LIMIT ?) ms")
		args = append(args, v.ID, HomeChannels)
		where += " AND q.channel_id = ms.channel_id"
	default:
		// What the viewer may not read must not use up a range's LIMIT.
		where, whereArgs = where+" AND q.channel_id NOT IN "+unreadable, append(whereArgs, v.ID)
	}
	if f.Sort == Top {
		from = append(from, ageClasses(f.Window))
		where += " AND q.age_class = a.n"
	}
	query = "SELECT p.id, p." + key + " AS n FROM " + strings.Join(append(from, "posts p"), " CROSS JOIN ") +
		" WHERE p.id IN (" + one + where + " ORDER BY q." + key + " DESC, q.id DESC LIMIT ?) ORDER BY p." + key + " DESC, p.id DESC LIMIT ?"
	return query, append(append(args, whereArgs...), f.Limit, f.Limit)
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
	return list, d.muteRows(ctx, v, list)
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
