package db

import (
	"context"
	"errors"
	"fmt"

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
	err = d.actBelow(ctx, v, "CreateComment", n.PostID, n.ParentID, n.FormKey(), func(ctx context.Context, tx *tx, s below, refused error) error {
		if id = s.Repeated; id != 0 {
			return nil
		}
		if refused != nil {
			return refused
		}
		if err := tx.paced(ctx, v, s.Channel, s.standing); err != nil {
			return err
		}
		if s.Blocked && !s.keeper() { // who keeps the channel answers for it
			if err := tx.unblocked(ctx, v, n.PostID, n.ParentID); err != nil {
				return err
			}
		}
		why, err := tx.holds(ctx, v, s.standing, written{source: n.Body, body: n.Body, html: body.HTML})
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
		if err := tx.tell(ctx, PostTopic(n.PostID), EventComment, id); err != nil {
			return err
		}
		if why == "" {
			c := cause{actor: v.ID, post: n.PostID, comment: id, channel: s.Channel}
			if err := tx.notifyAnswer(ctx, c, n.ParentID, body.Mentions, s.told); err != nil {
				return err
			}
		}
		if why == "" && s.Hooked {
			if err := tx.hookComment(ctx, id); err != nil {
				return err
			}
		}
		if !s.Drafting {
			n.Draft = ""
		}
		return tx.sent(ctx, v, n.FormKey(), "comment", id, n.Draft)
	})
	return id, err
}

// nextComment is the id that the next comment gets, which is the root of its own thread: SQLite gives each row the id
// after the largest one.
const nextComment = "1 + COALESCE((SELECT id FROM comments ORDER BY id DESC LIMIT 1), 0)"

// ChannelBehind is how far a channel's activity may be behind that of its posts. Its row, and its place in the order of
// the channels, are not written anew with each comment of a lively talk.
const ChannelBehind = Millis(60_000)

// insertComment writes a comment of an author who may. past says that a locked post takes it too.
func insertComment(ctx context.Context, tx *tx, v Viewer, n NewComment, body markup.Result, past bool) (int64, error) {
	if n.CreatedAt == 0 {
		n.CreatedAt = tx.d.millis()
	}
	// The place: the next ordinal under the parent, or of the post's roots. The counters only grow, so that an ordinal
	// never comes back. That the post is locked is seen in the row that was changed, and takes the change back.
	var post struct {
		Channel int64 `db:"channel_id"`
		Locked  bool  `db:"locked"`
		Seq     int64 `db:"comment_seq"`
	}
	if err := tx.get(ctx, "post", &post, `UPDATE posts SET comment_seq = comment_seq + ?, comment_count = comment_count + 1, active_at = max(active_at, ?)
		WHERE id = ? AND deleted_at IS NULL RETURNING channel_id, locked_at IS NOT NULL AS locked, comment_seq`, n.ParentID == 0, n.CreatedAt, n.PostID); err != nil {
		return 0, err
	}
	if post.Locked && !past && !n.History {
		return 0, fmt.Errorf("comment on post %d: %w", n.PostID, ErrLocked)
	}
	parent := struct {
		Path  string `db:"path"`
		Depth int    `db:"depth"`
		Root  int64  `db:"root_id"`
		Seq   int64  `db:"reply_seq"`
	}{Depth: -1, Seq: post.Seq}
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
	}
	id, err := tx.insert(ctx, "comment", `INSERT INTO comments (post_id, parent_id, root_id, author_id, path, depth, base_score, score, created_at,
			source_url, source_author, licence, excerpt, html_version, html, body) VALUES (?, ?, COALESCE(?, `+nextComment+`), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.PostID, parentID, orNull(parent.Root), author, parent.Path+pathStep(parent.Seq), parent.Depth+1, n.BaseScore, n.BaseScore, n.CreatedAt,
		n.SourceURL, n.SourceAuthor, n.Licence, body.Excerpt, markup.Version, body.HTML, n.Body)
	if err != nil {
		return 0, err
	}
	if v.ID != 0 && !n.History {
		if err := tx.readOwn(ctx, v, n.PostID, n.CreatedAt); err != nil {
			return 0, err
		}
	}
	behind := ChannelBehind
	if n.History {
		behind = 0
	}
	if _, err := tx.exec(ctx, "channel", "UPDATE channels SET active_at = ? WHERE id = ? AND active_at < ?", n.CreatedAt, post.Channel, n.CreatedAt-behind); err != nil {
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
		post, channel, held, err := tx.openComment(ctx, v, id)
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
			} else if err := tx.notifyComment(ctx, id, body.Mentions, true); err != nil {
				return err
			}
		}
		if err := tx.tell(ctx, PostTopic(post), EventComment, id); err != nil {
			return err
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
		ID     int64 `db:"id"`
		Post   int64 `db:"post_id"`
		Author int64 `db:"author_id"`
	}
	if err := tx.get(ctx, "comment", &at, update+" RETURNING id, post_id, COALESCE(author_id, 0) AS author_id", args...); err != nil {
		return forbidden(err)
	}
	if err := tx.tellComment(ctx, at.ID, at.Post); err != nil {
		return err
	}
	if err := tx.one(ctx, "post", "UPDATE posts SET comment_count = comment_count + ? WHERE id = ?", by, at.Post); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "author", "UPDATE members SET comment_count = comment_count + ? * (SELECT CASE WHEN "+listed+" THEN 1 ELSE 0 END FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ?) WHERE id = ?", by, at.Post, at.Author); err != nil {
		return err
	}
	return settle(ctx, tx, at.Post)
}

// tellComment is for a comment that comes below its post, or goes.
func (t *tx) tellComment(ctx context.Context, id, post int64) error {
	if err := t.tell(ctx, PostTopic(post), EventComment, id); err != nil {
		return err
	}
	return t.hookComment(ctx, id)
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

// readOwn notes that the author of a post, or of the comment that was just counted, has read it, if they had read all
// before or never said: one's own words are not news.
func (t *tx) readOwn(ctx context.Context, v Viewer, post int64, at Millis) error {
	_, err := t.exec(ctx, "own comment", `INSERT INTO reads (member_id, post_id, comments_seen, read_at)
		SELECT ?, p.id, p.comment_count, ? FROM posts p WHERE p.id = ?
		ON CONFLICT (member_id, post_id) DO UPDATE SET comments_seen = excluded.comments_seen, read_at = excluded.read_at
		WHERE reads.comments_seen + 1 >= excluded.comments_seen AND reads.read_at < excluded.read_at`, v.ID, at, post)
	return err
}
