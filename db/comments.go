package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex/app/markup"
)

// Comment is a comment as a post's page shows it.
type Comment struct {
	ID           int64       `db:"id"`
	PostID       int64       `db:"post_id"`
	ParentID     int64       `db:"parent_id"` // 0: a root
	RootID       int64       `db:"root_id"`
	AuthorID     int64       `db:"author_id"` // 0: deleted
	AuthorHandle string      `db:"author_handle"`
	AuthorName   string      `db:"author_name"`
	Path         string      `db:"path"`
	Depth        int         `db:"depth"`
	Replies      int         `db:"reply_count"`
	Score        int         `db:"score"`
	CreatedAt    Millis      `db:"created_at"`
	EditedAt     Millis      `db:"edited_at"`
	Deleted      bool        `db:"deleted"`
	DeletedBy    int64       `db:"deleted_by"`  // 0: not deleted, or by nobody known
	Held         bool        `db:"held"`        // waits for a moderator, and the viewer may see it; Deleted is set too
	RemovedFor   string      `db:"removed_for"` // why a moderator removed it; for its author and those who keep the channel
	MyReaction   int         `db:"my_reaction"`
	SourceURL    string      `db:"source_url"`
	Licence      string      `db:"licence"`
	HTML         markup.HTML `db:"html"` // empty when deleted
	Muted        bool        // the viewer muted its author
	RootScore    int         `db:"root_score"`
	RootLead     int         `db:"root_lead"`
}

// Version names the text that stands there: it rises with each edit.
func (c *Comment) Version() Millis { return version(c.CreatedAt, c.EditedAt) }

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

const commentColumns = `k.id, k.post_id, COALESCE(k.parent_id, 0) AS parent_id, k.root_id, COALESCE(k.author_id, 0) AS author_id,
	COALESCE(m.handle, '') AS author_handle, COALESCE(m.name, k.source_author) AS author_name, k.path, k.depth, k.reply_count, k.score,
	k.created_at, COALESCE(k.edited_at, 0) AS edited_at, k.deleted_at IS NOT NULL AS deleted, COALESCE(k.deleted_by, 0) AS deleted_by, k.source_url, k.licence,
	CASE WHEN k.deleted_at IS NULL OR k.held_at IS NOT NULL THEN k.html ELSE '' END AS html`

// privy is the condition that the viewer wrote the comment or keeps the channel of its post: they see what waits for a
// moderator, and why something was removed. privyArgs are its parameters. It is asked of what is deleted alone: the
// columns that it guards stand behind the text in their rows.
const privy = `(k.author_id = ? OR ? = 1 OR EXISTS (SELECT 1 FROM posts xp JOIN memberships xm ON xm.channel_id = xp.channel_id WHERE xp.id = ? AND xm.member_id = ? AND xm.role IN ('owner', 'moderator')))`

func privyArgs(v Viewer, post int64) []any { return []any{v.ID, v.Staff(), post, v.ID} }

// privyColumns have the parameters of privy twice.
var privyColumns = ", k.deleted_at IS NOT NULL AND " + isHeld("k") + " AND " + privy + " AS held, CASE WHEN k.deleted_at IS NOT NULL AND " + privy + " THEN k.removed_for ELSE '' END AS removed_for"

// privyShown is what the viewer sees of what is deleted, beside the gaps that replies keep open.
var privyShown = " OR " + isHeld("k") + " AND " + privy + " OR k.removed_for <> '' AND k.author_id = ?"

// seal takes the text of what waits for a moderator from those who are not to see it.
func (c *Comment) seal() {
	if c.Deleted && !c.Held {
		c.HTML = ""
	}
}

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

// CommentByID finds a comment that the viewer may read, with its source in Body.
func (d *DB) CommentByID(ctx context.Context, v Viewer, id int64) (Comment, string, error) {
	var row struct {
		Comment
		Body string `db:"body"`
	}
	err := d.get(ctx, "CommentByID", &row, "SELECT "+commentColumns+`, COALESCE(kr.value, 0) AS my_reaction, k.body, k.deleted_at IS NOT NULL AND `+isHeld("k")+` AS held, k.removed_for FROM comments k
		LEFT JOIN members m ON m.id = k.author_id LEFT JOIN comment_reactions kr ON kr.comment_id = k.id AND kr.member_id = ?
		JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
		WHERE k.id = ? AND p.deleted_at IS NULL AND (k.deleted_at IS NULL OR k.author_id = ? OR `+mayModerate("p.channel_id")+") AND "+visible, v.ID, id, v.ID, v.Staff(), v.ID, v.ID)
	row.seal() // who gets one that waits wrote it, or keeps the channel
	return row.Comment, row.Body, err
}

// NewComment is what CreateComment writes. The viewer is its author.
type NewComment struct {
	PostID, ParentID int64 // ParentID 0: a root
	Body, Key        string
	Draft            string // the place of the draft that this was, to be dropped
	// Only for demonstrations and imports:
	CreatedAt                        Millis
	BaseScore                        int
	SourceURL, SourceAuthor, Licence string
	History                          bool // a locked post takes it too, and the post's activity is CreatedAt
}

// CreateComment writes a comment and answers its id; a form that was sent before answers that of its first sending.
// ErrLocked: the post takes none.
func (d *DB) CreateComment(ctx context.Context, v Viewer, n NewComment) (id int64, err error) {
	body, err := d.renderedBy(ctx, v.ID, n.Body)
	if err != nil {
		return 0, err
	}
	err = d.act(ctx, v, "CreateComment", func(ctx context.Context, tx *tx) error {
		if id, err = tx.repeated(ctx, v, n.FormKey()); err != nil || id != 0 {
			return err
		}
		channel, err := tx.readablePost(ctx, v, n.PostID)
		if err != nil {
			return err
		}
		s, err := tx.mayWrite(ctx, v, channel)
		if err != nil {
			return err
		}
		if err := tx.paced(ctx, v, channel, s); err != nil {
			return err
		}
		if !s.keeper() { // who keeps the channel answers for it
			if err := tx.unblocked(ctx, v, n.PostID, n.ParentID); err != nil {
				return err
			}
		}
		why, err := tx.holds(ctx, v, s, written{source: n.Body, body: n.Body, html: body.HTML})
		if err != nil {
			return err
		}
		if id, err = insertComment(ctx, tx, v, n, body, s.keeper()); err != nil {
			return err
		}
		if why != "" {
			if err := tx.holdComment(ctx, v, id, true, why); err != nil {
				return err
			}
		}
		return tx.sent(ctx, v, n.FormKey(), "comment", id, n.Draft)
	})
	return id, err
}

// insertComment writes a comment of an author who may. past says that a locked post takes it too.
func insertComment(ctx context.Context, tx *tx, v Viewer, n NewComment, body markup.Result, past bool) (int64, error) {
	var post struct {
		Channel int64 `db:"channel_id"`
		Locked  bool  `db:"locked"`
	}
	if err := tx.get(ctx, "post", &post, "SELECT channel_id, locked_at IS NOT NULL AS locked FROM posts WHERE id = ? AND deleted_at IS NULL", n.PostID); err != nil {
		return 0, err
	}
	if post.Locked && !past && !n.History {
		return 0, fmt.Errorf("comment on post %d: %w", n.PostID, ErrLocked)
	}
	now := tx.d.millis()
	if n.CreatedAt == 0 {
		n.CreatedAt = now
	}
	// The place: the next ordinal under the parent, or of the post's roots. The counters only grow, so that an ordinal
	// never comes back.
	parent := struct {
		Path  string `db:"path"`
		Depth int    `db:"depth"`
		Root  int64  `db:"root_id"`
		Seq   int64  `db:"reply_seq"`
	}{Depth: -1}
	var parentID, author any
	if v.ID != 0 {
		author = v.ID
	}
	if n.ParentID != 0 {
		parentID = n.ParentID
		if err := tx.get(ctx, "parent", &parent, `UPDATE comments SET reply_seq = reply_seq + 1, reply_count = reply_count + 1
			WHERE id = ? AND post_id = ? AND (deleted_at IS NULL OR ? = 1) RETURNING path, depth, root_id, reply_seq`, n.ParentID, n.PostID, n.History); err != nil {
			return 0, err
		}
	} else if err := tx.get(ctx, "ordinal", &parent.Seq, "UPDATE posts SET comment_seq = comment_seq + 1 WHERE id = ? RETURNING comment_seq", n.PostID); err != nil {
		return 0, err
	}
	id, err := tx.insert(ctx, "comment", `INSERT INTO comments (post_id, parent_id, root_id, author_id, path, depth, base_score, score, created_at,
			source_url, source_author, licence, excerpt, html_version, html, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.PostID, parentID, parent.Root, author, parent.Path+pathStep(parent.Seq), parent.Depth+1, n.BaseScore, n.BaseScore, n.CreatedAt,
		n.SourceURL, n.SourceAuthor, n.Licence, body.Excerpt, markup.Version, body.HTML, n.Body)
	if err != nil {
		return 0, err
	}
	if parent.Root == 0 {
		if err := tx.one(ctx, "root", "UPDATE comments SET root_id = id WHERE id = ?", id); err != nil {
			return 0, err
		}
	}
	if v.ID != 0 && !n.History {
		if err := tx.readOwn(ctx, v, n.PostID, 1, n.CreatedAt); err != nil {
			return 0, err
		}
	}
	if err := tx.one(ctx, "post", "UPDATE posts SET comment_count = comment_count + 1, active_at = max(active_at, ?) WHERE id = ?", n.CreatedAt, n.PostID); err != nil {
		return 0, err
	}
	if err := tx.one(ctx, "channel", "UPDATE channels SET active_at = max(active_at, ?) WHERE id = ?", n.CreatedAt, post.Channel); err != nil {
		return 0, err
	}
	if v.ID == 0 {
		return id, nil
	}
	return id, tx.one(ctx, "author", "UPDATE members SET comment_count = comment_count + "+inListed+" WHERE id = ?", post.Channel, v.ID)
}

// CommentEdit is what EditComment writes.
type CommentEdit struct {
	Body  string
	Of    Millis // the Version that was edited; 0: whatever stands there
	Key   string // the form's idempotency key
	Draft string // the place of the draft that this was, to be dropped
}

// inOpenPost is the condition that the post of the row of comments that a statement changes is not locked.
const inOpenPost = "EXISTS (SELECT 1 FROM posts WHERE posts.id = comments.post_id AND posts.locked_at IS NULL)"

// EditComment replaces a comment's text; its author and staff may, and below a locked post those who keep the channel
// alone (else ErrLocked). A form that was sent before changes nothing. ErrStale: the comment has another Version than the
// edited one.
func (d *DB) EditComment(ctx context.Context, v Viewer, id int64, e CommentEdit) error {
	body, err := d.renderedBy(ctx, v.ID, e.Body)
	if err != nil {
		return err
	}
	return d.act(ctx, v, "EditComment", func(ctx context.Context, tx *tx) error {
		_, channel, held, err := tx.openComment(ctx, v, id)
		if err != nil {
			return err
		}
		s, err := tx.mayWrite(ctx, v, channel)
		if err != nil {
			return err
		}
		if sent, err := tx.repeated(ctx, v, e.FormKey(id)); err != nil || sent != 0 {
			return err
		}
		if err := tx.keepRevision(ctx, v, "comment", id); err != nil {
			return err
		}
		if err := tx.one(ctx, "comment", "UPDATE comments SET body = ?, html = ?, html_version = ?, excerpt = ?, edited_at = max(?, "+versionColumn+` + 1)
			WHERE id = ? AND (deleted_at IS NULL OR `+isHeld("comments")+`) AND `+mayEdit("comments")+" AND "+isVersion+" AND ("+inOpenPost+" OR ? = 1)",
			e.Body, body.HTML, markup.Version, body.Excerpt, d.millis(), id, v.ID, v.Staff(), e.Of, e.Of, s.keeper()); err != nil {
			return tx.stale(ctx, "comments", id, v, s, err)
		}
		if !held {
			why, err := tx.holds(ctx, v, s, written{source: e.Body, body: e.Body, html: body.HTML, edit: true})
			if err != nil {
				return err
			}
			if why != "" {
				if err := tx.holdComment(ctx, v, id, false, why); err != nil {
					return err
				}
			}
		}
		return tx.sent(ctx, v, e.FormKey(id), "edit", id, e.Draft)
	})
}

// DeleteComment hides a comment's text; its replies stay where they are. For its author and those who keep the channel.
// One that waits for a moderator its author takes back.
func (d *DB) DeleteComment(ctx context.Context, v Viewer, id int64) error {
	return d.act(ctx, v, "DeleteComment", func(ctx context.Context, tx *tx) error {
		_, _, held, err := tx.openComment(ctx, v, id)
		if err != nil {
			return err
		}
		if held {
			return tx.withdraw(ctx, v, "comments", id)
		}
		if err := countComment(ctx, tx, -1, `UPDATE comments SET deleted_at = ?, deleted_by = ? WHERE id = ? AND deleted_at IS NULL AND `+mayRemove("comments", channelOfComment),
			d.millis(), v.ID, id, v.ID, v.Staff(), v.ID); err != nil {
			return err
		}
		if err := tx.letGoAnswer(ctx, id); err != nil {
			return err
		}
		return tx.othersText(ctx, v, "comments", id, Removed)
	})
}

// letGoAnswer is for a comment that is not shown any more: a question whose answer it was waits for one again, and
// remembers it until its author accepts another.
func (t *tx) letGoAnswer(ctx context.Context, id int64) error {
	var post int64
	err := t.get(ctx, "answer", &post, "UPDATE posts SET accepted_id = NULL, lost_answer_id = ? WHERE accepted_id = ? RETURNING id", id, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return lead(ctx, t, post, 0)
}

// regainAnswer is for one that is shown again: what was the accepted answer is it again, unless the question's author has
// decided anew meanwhile.
func (t *tx) regainAnswer(ctx context.Context, id int64) error {
	var post int64
	err := t.get(ctx, "answer", &post, "UPDATE posts SET accepted_id = ?, lost_answer_id = NULL WHERE lost_answer_id = ? AND accepted_id IS NULL RETURNING id", id, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return lead(ctx, t, post, id)
}

// UndeleteComment undoes DeleteComment. An author cannot undo what a moderator removed.
func (d *DB) UndeleteComment(ctx context.Context, v Viewer, id int64) error {
	return d.act(ctx, v, "UndeleteComment", func(ctx context.Context, tx *tx) error {
		var held bool
		if err := tx.get(ctx, "deleted comment", &held, `SELECT k.held_at IS NOT NULL FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
			WHERE k.id = ? AND k.deleted_at IS NOT NULL AND k.deleted_by IS NOT NULL AND `+mayRemove("k", "p.channel_id")+" AND p.deleted_at IS NULL AND "+visible, id, v.ID, v.Staff(), v.ID, v.ID); err != nil {
			return err
		}
		if held {
			return tx.waitAgain(ctx, v, "comments", id)
		}
		if err := countComment(ctx, tx, 1, `UPDATE comments SET deleted_at = NULL, deleted_by = NULL, removed_for = '', sweep_id = NULL
			WHERE id = ? AND deleted_at IS NOT NULL AND (deleted_by = ? OR ? = 1) AND `+mayRemove("comments", channelOfComment), id, v.ID, v.Staff(), v.ID, v.Staff(), v.ID); err != nil {
			return err
		}
		if err := tx.regainAnswer(ctx, id); err != nil {
			return err
		}
		return tx.othersText(ctx, v, "comments", id, Restored)
	})
}

// channelOfComment is the channel of the row of comments that a statement changes.
const channelOfComment = "(SELECT channel_id FROM posts WHERE posts.id = comments.post_id)"

// countComment runs the update that deletes (by -1) or restores (by 1) a comment, and moves what it is part of.
func countComment(ctx context.Context, tx *tx, by int, update string, args ...any) error {
	var at struct {
		Post   int64 `db:"post_id"`
		Author int64 `db:"author_id"`
	}
	if err := tx.get(ctx, "comment", &at, update+" RETURNING post_id, COALESCE(author_id, 0) AS author_id", args...); err != nil {
		return forbidden(err)
	}
	if err := tx.one(ctx, "post", "UPDATE posts SET comment_count = comment_count + ? WHERE id = ?", by, at.Post); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "author", "UPDATE members SET comment_count = comment_count + ? * (SELECT CASE WHEN "+listed+" THEN 1 ELSE 0 END FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ?) WHERE id = ?", by, at.Post, at.Author); err != nil {
		return err
	}
	return settle(ctx, tx, at.Post)
}

// MemberComment is a comment on its author's page.
type MemberComment struct {
	ID        int64  `db:"id"`
	PostID    int64  `db:"post_id"`
	PostTitle string `db:"title"`
	Excerpt   string `db:"excerpt"`
	Score     int    `db:"score"`
	CreatedAt Millis `db:"created_at"`
}

// CommentsByAuthor lists a member's comments, the newest first.
func (d *DB) CommentsByAuthor(ctx context.Context, v Viewer, authorID int64, after Cursor, limit int) ([]MemberComment, error) {
	var list []MemberComment
	key, id := after.start()
	err := d.list(ctx, "CommentsByAuthor", &list, `SELECT k.id, k.post_id, p.title, k.excerpt, k.score, k.created_at
		FROM comments k CROSS JOIN posts p ON p.id = k.post_id CROSS JOIN channels c ON c.id = p.channel_id
		WHERE k.author_id = ? AND k.deleted_at IS NULL AND (k.created_at, k.id) < (?, ?) AND p.deleted_at IS NULL AND `+visible+`
		ORDER BY k.created_at DESC, k.id DESC LIMIT ?`, authorID, key, id, v.ID, limit)
	return list, err
}

// readOwn notes that the author of a post, or of the comments (0 or 1) that are about to be counted, has read it, if they
// had read all before or never said: one's own words are not news.
func (t *tx) readOwn(ctx context.Context, v Viewer, post int64, comments int, at Millis) error {
	_, err := t.exec(ctx, "own comment", `INSERT INTO reads (member_id, post_id, comments_seen, read_at)
		SELECT ?, p.id, p.comment_count + ?, ? FROM posts p WHERE p.id = ?
		ON CONFLICT (member_id, post_id) DO UPDATE SET comments_seen = excluded.comments_seen, read_at = excluded.read_at
		WHERE reads.comments_seen + 1 >= excluded.comments_seen AND reads.read_at < excluded.read_at`, v.ID, comments, at, post)
	return err
}
