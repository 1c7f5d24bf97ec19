package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// This file reads threads: the places of comments in their tree, and the pages of it.

const (
	// CommentsAPage is the most comments that one page of a post holds.
	CommentsAPage = 200
	// MaxDepthShown is the depth below which a page shows a link to the rest of the thread.
	MaxDepthShown = 8
)

// A path is the ordinals from the root down. An ordinal is its base 62 digits behind one digit that counts them, in
// an alphabet whose bytes ascend, so that text compares as numbers do: 61 is "1z", 62 is "210". No ordinal is the
// beginning of another, so a comment's subtree is exactly the paths that begin with its own.
const pathDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func pathStep(n int64) string {
	var b [12]byte
	i := len(b)
	for ; n > 0 || i == len(b); n /= 62 {
		i--
		b[i] = pathDigits[n%62]
	}
	return string(pathDigits[len(b)-i]) + string(b[i:])
}

// firstStep is the root's part of a path.
func firstStep(path string) string {
	if path == "" {
		return ""
	}
	return path[:min(len(path), 1+strings.IndexByte(pathDigits, path[0]))]
}

// afterSubtree is greater than every path in the subtree and less than every later one: '~' follows all digits.
func afterSubtree(path string) string { return path + "~" }

// Thread says which page of a post's comments to read.
type Thread struct {
	PostID int64
	ByTime bool          // roots in the order of time; else the accepted answer's, then the best first
	After  CommentCursor // the last comment of the page before
	Under  int64         // only this comment and what is below it
}

// CommentPage is a page of comments, in the order in which they are read.
type CommentPage struct {
	Comments []Comment
	Next     CommentCursor // zero on the last page
	Base     int           // the depth of the first comment: what Depth counts from on this page
}

// CommentCursor is the place after a comment: its root's rank and its own path.
type CommentCursor struct {
	Lead, Score int
	Path        string
}

// String is the form that stands in a URL; empty for the start.
func (c CommentCursor) String() string {
	if c.Path == "" {
		return ""
	}
	return fmt.Sprintf("%d.%d.%s", c.Lead, c.Score, c.Path)
}

// ParseCommentCursor reads what String wrote.
func ParseCommentCursor(s string) (CommentCursor, error) {
	if s == "" {
		return CommentCursor{}, nil
	}
	parts := strings.SplitN(s, ".", 3)
	if len(parts) == 3 {
		lead, err1 := strconv.Atoi(parts[0])
		score, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil && parts[2] != "" && strings.Trim(parts[2], pathDigits) == "" {
			return CommentCursor{lead, score, parts[2]}, nil
		}
	}
	return CommentCursor{}, fmt.Errorf("comment cursor %.40q: %w", s, ErrNotFound)
}

// Comments reads one page in one query; it is empty when the viewer may not read the post's channel. A deleted comment
// is in it as long as it has replies: the thread keeps its shape.
func (d *DB) Comments(ctx context.Context, v Viewer, t Thread) (CommentPage, error) {
	columns, joins := commentColumns, " LEFT JOIN members m ON m.id = k.author_id"
	var joinArgs, shownArgs []any
	more := ""
	if v.SignedIn() {
		columns += ", COALESCE(kr.value, 0) AS my_reaction" + privyColumns
		joins += " LEFT JOIN comment_reactions kr ON kr.comment_id = k.id AND kr.member_id = ?"
		of := privyArgs(v, t.PostID)
		joinArgs = append(slices.Concat(of, of), v.ID)
		more, shownArgs = privyShown, append(of, v.ID)
	}
	shown := " AND (k.deleted_at IS NULL OR k.reply_count > 0" + more + ") AND EXISTS (SELECT 1 FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ? AND " + visible + ")"
	limit := CommentsAPage + 1
	var page CommentPage
	var err error
	switch {
	case t.Under != 0:
		var top struct {
			Path  string `db:"path"`
			Depth int    `db:"depth"`
		}
		if err := d.get(ctx, "ThreadTop", &top, "SELECT path, depth FROM comments WHERE id = ? AND post_id = ?", t.Under, t.PostID); err != nil {
			return page, err
		}
		page.Base = top.Depth
		from := top.Path
		if t.After.Path > from {
			from = t.After.Path + " " // just after it: a space precedes all digits
		}
		err = d.list(ctx, "Comments", &page.Comments, "SELECT "+columns+" FROM comments k"+joins+`
			WHERE k.post_id = ? AND k.path >= ? AND k.path < ? AND k.depth <= ?`+shown+` ORDER BY k.path LIMIT ?`,
			slices.Concat(joinArgs, []any{t.PostID, from, afterSubtree(top.Path), top.Depth + MaxDepthShown}, shownArgs, []any{t.PostID, v.ID, limit})...)
	case t.ByTime:
		err = d.list(ctx, "Comments", &page.Comments, "SELECT "+columns+" FROM comments k"+joins+`
			WHERE k.post_id = ? AND k.path > ? AND k.depth <= ?`+shown+` ORDER BY k.path LIMIT ?`,
			slices.Concat(joinArgs, []any{t.PostID, t.After.Path, MaxDepthShown}, shownArgs, []any{t.PostID, v.ID, limit})...)
	default:
		// The roots in order, and below each its subtree: two nested ranges of indexes, no sort.
		args, after := append(joinArgs, t.PostID), ""
		if t.After.Path != "" {
			after = ` AND (r.lead, r.score) <= (?, ?) AND NOT (r.lead = ? AND r.score = ? AND (r.path < ? OR (r.path = ? AND k.path <= ?)))`
			root := firstStep(t.After.Path)
			args = append(args, t.After.Lead, t.After.Score, t.After.Lead, t.After.Score, root, root, t.After.Path)
		}
		err = d.list(ctx, "Comments", &page.Comments, "SELECT "+columns+`, r.score AS root_score, r.lead AS root_lead
			FROM comments r CROSS JOIN comments k ON k.root_id = r.id`+joins+`
			WHERE r.post_id = ? AND r.depth = 0`+after+` AND k.depth <= ?`+shown+`
			ORDER BY r.lead DESC, r.score DESC, r.path, k.path LIMIT ?`, slices.Concat(args, []any{MaxDepthShown}, shownArgs, []any{t.PostID, v.ID, limit})...)
	}
	if err != nil {
		return CommentPage{}, err
	}
	page.cut()
	set, err := d.muted(ctx, v)
	for i := range page.Comments {
		page.Comments[i].seal()
		page.Comments[i].Muted = set[page.Comments[i].AuthorID]
	}
	return page, err
}

// cut ends a full page, at the beginning of its last root where it has several, so that a thread is seldom torn.
func (p *CommentPage) cut() {
	if len(p.Comments) <= CommentsAPage {
		return
	}
	end := CommentsAPage
	for i := end; i > 0; i-- {
		if p.Comments[i].Depth == 0 {
			end = i
			break
		}
	}
	last := p.Comments[end-1]
	p.Comments = p.Comments[:end]
	p.Next = CommentCursor{last.RootLead, last.RootScore, last.Path}
}

// Place is where a comment is read: the page of its post that begins with its thread.
type Place struct {
	PostID   int64         `db:"post_id"`
	PostSlug string        `db:"slug"`
	Whole    bool          // the post has one page: no cursor needed
	After    CommentCursor // by time
	Under    int64         // too deep, or too far down its root, for the page: the comment that a page begins with
}

// PlaceOf finds the page and the anchor of a permalink.
func (d *DB) PlaceOf(ctx context.Context, v Viewer, commentID int64) (Place, error) {
	var row struct {
		Place
		Path    string `db:"path"`
		Depth   int    `db:"depth"`
		RootID  int64  `db:"root_id"`
		Parent  int64  `db:"parent_id"`
		Count   int    `db:"comment_seq"`
		Before  int    `db:"before"`
		Below   int    `db:"below"`
		OnPost  int    `db:"on_post"`
		PrevTop string `db:"prev"`
	}
	err := d.get(ctx, "PlaceOf", &row, `SELECT k.post_id, p.slug, k.path, k.depth, k.root_id, COALESCE(k.parent_id, 0) AS parent_id, p.comment_seq,
			(SELECT COUNT(*) FROM (SELECT 1 FROM comments b WHERE b.root_id = k.root_id AND b.path < k.path LIMIT 200) x) AS before,
			(SELECT COUNT(*) FROM (SELECT 1 FROM comments b JOIN comments o ON o.id = k.parent_id WHERE b.post_id = k.post_id AND b.path >= o.path AND b.path < k.path LIMIT 200) x) AS below,
			(SELECT COUNT(*) FROM (SELECT 1 FROM comments b WHERE b.post_id = k.post_id LIMIT 201) x) AS on_post,
			COALESCE((SELECT b.path FROM comments b WHERE b.post_id = k.post_id AND b.path < (SELECT path FROM comments WHERE id = k.root_id) ORDER BY b.path DESC LIMIT 1), '') AS prev
		FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
		WHERE k.id = ? AND p.deleted_at IS NULL AND (k.deleted_at IS NULL OR k.reply_count > 0 OR (k.held_at IS NOT NULL AND k.deleted_by IS NULL OR k.removed_for <> '') AND `+mayRemove("k", "p.channel_id")+`) AND `+visible,
		commentID, v.ID, v.Staff(), v.ID, v.ID)
	if err != nil {
		return Place{}, err
	}
	switch {
	case row.Depth > MaxDepthShown || row.Before >= CommentsAPage-1:
		row.Under = commentID
		if row.Parent != 0 && row.Below < CommentsAPage {
			row.Under = row.Parent // with what it answers above it
		}
	case row.OnPost <= CommentsAPage:
		row.Whole = true
	default:
		row.After = CommentCursor{Path: row.PrevTop}
	}
	return row.Place, nil
}

// MostFresh is how many comments CommentsByID reads at most.
const MostFresh = 100

// CommentsByID reads some comments of a post that the viewer may read and that are shown, each behind its parent.
func (d *DB) CommentsByID(ctx context.Context, v Viewer, postID int64, ids []int64) ([]Comment, error) {
	args := []any{v.ID}
	for i := range MostFresh { // always as many, so that there is one statement to prepare
		id := int64(0)
		if i < len(ids) {
			id = ids[i]
		}
		args = append(args, id)
	}
	var list []Comment
	err := d.list(ctx, "CommentsByID", &list, "SELECT "+commentColumns+`, COALESCE(kr.value, 0) AS my_reaction
		FROM comments k LEFT JOIN members m ON m.id = k.author_id LEFT JOIN comment_reactions kr ON kr.comment_id = k.id AND kr.member_id = ?
		JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
		WHERE k.id IN (?`+strings.Repeat(", ?", MostFresh-1)+`) AND k.post_id = ? AND k.deleted_at IS NULL AND p.deleted_at IS NULL AND `+visible,
		append(args, postID, v.ID)...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Comment) int { return strings.Compare(a.Path, b.Path) })
	set, err := d.muted(ctx, v)
	for i := range list {
		list[i].Muted = set[list[i].AuthorID]
	}
	return list, err
}
