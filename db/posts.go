package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gosimple/slug"

	"codex/app/markup"
)

// Post is a post as its page shows it.
type Post struct {
	PostRow
	Own
	HTML         markup.HTML `db:"html"`
	Opens        bool        `db:"opens"`
	Body         string      `db:"body"`
	Likes        int         `db:"likes"`
	Dislikes     int         `db:"dislikes"`
	AcceptedID   int64       `db:"accepted_id"`
	EditedAt     Millis      `db:"edited_at"`
	DeletedAt    Millis      `db:"deleted_at"`
	DeletedBy    int64       `db:"deleted_by"`
	Held         bool        `db:"held"`        // waits for a moderator; DeletedAt is set too
	RemovedFor   string      `db:"removed_for"` // why a moderator removed it
	SourceURL    string      `db:"source_url"`
	SourceAuthor string      `db:"source_author"`
	Licence      string      `db:"licence"`
	DuplicateOf  int64       `db:"duplicate_of"`
	MyReaction   int         `db:"my_reaction"` // 1, -1 or 0
	MyRole       string      `db:"my_role"`     // the viewer's role in the channel
	Visibility   Visibility  `db:"visibility"`  // of the channel
	Archived     bool        `db:"archived"`    // the channel
	Ruled        bool        `db:"ruled"`       // the channel has rules of its own
	Joined       bool        `db:"joined"`
}

// Version names the text that stands there: it rises with each edit.
func (p *Post) Version() Millis { return version(p.CreatedAt, p.EditedAt) }

func version(created, edited Millis) Millis {
	if edited != 0 {
		return edited
	}
	return created
}

// versionColumn is the same in SQL. An edit sets edited_at to at least one more, so that two edits within a millisecond,
// or under a clock that went back, have two versions.
const versionColumn = "COALESCE(edited_at, created_at)"

// postFound is the condition that a viewer may see a post or take its deletion back.
const postFound = "(p.deleted_at IS NULL OR p.author_id = ? OR ? = 1 OR ms.role IN ('owner', 'moderator')) AND " + visible

// PostByID finds a post that the viewer may read. A deleted one is found by its author and by staff, who may undo it.
func (d *DB) PostByID(ctx context.Context, v Viewer, id int64) (Post, error) {
	var p Post
	columns, joins, args := postRowSelect(v)
	args = append(args, v.ID, v.ID, v.ID, v.ID, v.ID, id, v.ID, v.Staff(), v.ID)
	err := d.get(ctx, "PostByID", &p, "SELECT "+columns+`, p.html, p.opens, p.body, p.likes, p.dislikes, COALESCE(p.accepted_id, 0) AS accepted_id,
			COALESCE(p.edited_at, 0) AS edited_at, COALESCE(p.deleted_at, 0) AS deleted_at, COALESCE(p.deleted_by, 0) AS deleted_by, `+isHeld("p")+` AS held, p.removed_for, p.source_url, p.source_author, p.licence,
			COALESCE(p.duplicate_of, 0) AS duplicate_of, COALESCE(pr.value, 0) AS my_reaction, COALESCE(ms.role, '') AS my_role, ms.role IS NOT NULL AS joined, c.visibility, c.archived_at IS NOT NULL AS archived, c.rules <> '' AS ruled, `+ownColumns+`
		FROM posts p`+joins+ownJoins+`
		LEFT JOIN post_reactions pr ON pr.post_id = p.id AND pr.member_id = ?
		LEFT JOIN memberships ms ON ms.channel_id = p.channel_id AND ms.member_id = ?
		WHERE p.id = ? AND `+postFound, args...)
	p.judge(v)
	return p, err
}

// PostHead is PostByID with nothing but where the post is and what decides who may do what to it: no texts, counts or
// names, and nothing of the viewer's own. It is for an answer that does not show the post, such as that to a comment.
func (d *DB) PostHead(ctx context.Context, v Viewer, id int64) (Post, error) {
	var p Post
	err := d.get(ctx, "PostHead", &p, `SELECT p.id, p.channel_id, c.slug AS channel_slug, c.name AS channel_name, COALESCE(p.author_id, 0) AS author_id, p.kind, p.title, p.slug,
			p.locked_at IS NOT NULL AS locked, COALESCE(p.deleted_at, 0) AS deleted_at, COALESCE(p.deleted_by, 0) AS deleted_by, p.deleted_at IS NOT NULL AND `+isHeld("p")+` AS held,
			COALESCE(ms.role, '') AS my_role, ms.role IS NOT NULL AS joined, c.visibility, c.archived_at IS NOT NULL AS archived, c.rules <> '' AS ruled
		FROM posts p CROSS JOIN channels c ON c.id = p.channel_id LEFT JOIN memberships ms ON ms.channel_id = p.channel_id AND ms.member_id = ?
		WHERE p.id = ? AND `+postFound, v.ID, id, v.ID, v.Staff(), v.ID)
	return p, err
}

// NewPost is what CreatePost writes. The viewer is its author.
type NewPost struct {
	ChannelID         int64
	Kind, Title, Body string
	Tags              []string
	Key               string // the form's idempotency key
	Draft             string // the place of the draft that this was, to be dropped
	// Only for demonstrations and imports, which bring a history with them:
	CreatedAt                        Millis
	BaseScore                        int
	Pinned, Locked                   bool
	SourceURL, SourceAuthor, Licence string
}

// SlugOf is the readable part of a post's address; a word that is an action there is given another, and a title without
// a letter is "post".
func SlugOf(title string) string {
	s := strings.Trim(truncate(slug.Make(title), 60), "-")
	switch s {
	case "":
		return "post"
	case "edit", "history", "delete", "undelete", "remove", "comments", "react", "save", "follow", "lock", "pin", "read", "new":
		return "post-" + s
	}
	return s
}

// CreatePost writes a post and answers its id; a form that was sent before answers the id of its first sending.
// A *markup.LimitError is the text's own fault.
func (d *DB) CreatePost(ctx context.Context, v Viewer, n NewPost) (id int64, err error) {
	body, err := d.renderedBy(ctx, v.ID, n.Body)
	if err != nil {
		return 0, err
	}
	err = d.act(ctx, v, "CreatePost", func(ctx context.Context, tx *tx) error {
		if id, err = tx.repeated(ctx, v, n.FormKey()); err != nil || id != 0 {
			return err
		}
		s, err := tx.mayWrite(ctx, v, n.ChannelID)
		if err != nil {
			return err
		}
		if err := tx.paced(ctx, v, n.ChannelID, s); err != nil {
			return err
		}
		why, err := tx.holds(ctx, v, s, written{source: n.Title + "\n" + n.Body, body: n.Body, html: body.HTML})
		if err != nil {
			return err
		}
		if id, err = insertPost(ctx, tx, v, n, body); err != nil {
			return err
		}
		if why != "" {
			if err := tx.holdPost(ctx, id, true, why); err != nil {
				return err
			}
		} else if err := tx.tell(ctx, ChannelTopic(n.ChannelID), EventPost, id); err != nil {
			return err
		} else if err := tx.notifyPost(ctx, id, body.Mentions, false); err != nil {
			return err
		} else if err := tx.hookPost(ctx, id); err != nil {
			return err
		}
		return tx.sent(ctx, v, n.FormKey(), "post", id, n.Draft)
	})
	return id, err
}

// insertPost writes a post of an author who may.
func insertPost(ctx context.Context, tx *tx, v Viewer, n NewPost, body markup.Result) (int64, error) {
	now := tx.d.millis()
	if n.CreatedAt == 0 {
		n.CreatedAt = now
	}
	var author, pinned, locked any
	if v.ID != 0 {
		author = v.ID
	}
	if n.Pinned {
		pinned = n.CreatedAt
	}
	if n.Locked {
		locked = n.CreatedAt
	}
	id, err := tx.insert(ctx, "post", `INSERT INTO posts (channel_id, author_id, kind, title, slug, tags, base_score, score, age_class, created_at, active_at,
			pinned_at, locked_at, source_url, source_author, licence, excerpt, opens, html_version, html, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.ChannelID, author, n.Kind, n.Title, SlugOf(n.Title), joinTags(n.Tags), n.BaseScore, n.BaseScore, ageClass(now.Time().Sub(n.CreatedAt.Time())), n.CreatedAt, n.CreatedAt,
		pinned, locked, n.SourceURL, n.SourceAuthor, n.Licence, body.Excerpt, body.Opens, markup.Version, body.HTML, n.Body)
	if err != nil {
		return 0, err
	}
	if err := tx.setTags(ctx, id, n.ChannelID, n.CreatedAt, n.Tags); err != nil {
		return 0, err
	}
	if err := tx.one(ctx, "channel", "UPDATE channels SET post_count = post_count + 1, active_at = max(active_at, ?) WHERE id = ?", n.CreatedAt, n.ChannelID); err != nil {
		return 0, err
	}
	if v.ID == 0 {
		return id, nil
	}
	if n.CreatedAt == now {
		if err := tx.readOwn(ctx, v, id, now); err != nil {
			return 0, err
		}
	}
	return id, tx.one(ctx, "author", "UPDATE members SET post_count = post_count + "+inListed+" WHERE id = ?", n.ChannelID, v.ID)
}

// inListed is 1 for what stands in a channel that everybody may read, else 0: members' and tags' numbers count that alone.
// Its parameter is the channel.
const inListed = "COALESCE((SELECT CASE WHEN " + listed + " THEN 1 ELSE 0 END FROM channels c WHERE c.id = ?), 0)"

// mayEdit is the condition that the viewer wrote the post or comment named by the alias, or is staff. Its parameters
// are the viewer's id and whether they are staff.
func mayEdit(alias string) string { return "(" + alias + ".author_id = ? OR ? = 1)" }

// mayRemove is the condition that the viewer wrote it, or moderates the channel. Its parameters are the viewer's id,
// whether they are staff, and the id once more.
func mayRemove(alias, channel string) string {
	return "(" + alias + ".author_id = ? OR " + mayModerate(channel) + ")"
}

// PostEdit is what EditPost writes.
type PostEdit struct {
	Title, Body string
	Tags        []string
	Of          Millis // the Version that was edited; 0: whatever stands there
	Key         string // the form's idempotency key
	Draft       string // the place of the draft that this was, to be dropped
}

// EditPost replaces a post's title, text and tags; its author and staff may, and of a locked one those who keep the
// channel alone (else ErrLocked). A form that was sent before changes nothing. ErrStale: the post has another Version than
// the edited one.
func (d *DB) EditPost(ctx context.Context, v Viewer, id int64, e PostEdit) error {
	body, err := d.renderedBy(ctx, v.ID, e.Body)
	if err != nil {
		return err
	}
	return d.act(ctx, v, "EditPost", func(ctx context.Context, tx *tx) error {
		channel, held, err := tx.openPost(ctx, v, id)
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
		if err := tx.keepRevision(ctx, v, "post", id); err != nil {
			return err
		}
		var created Millis
		if err := tx.get(ctx, "post", &created, `UPDATE posts SET title = ?, slug = ?, tags = ?, body = ?, html = ?, html_version = ?, excerpt = ?, opens = ?,
				edited_at = max(?, `+versionColumn+` + 1)
			WHERE id = ? AND (deleted_at IS NULL OR `+isHeld("posts")+`) AND `+mayEdit("posts")+" AND "+isVersion+" AND (locked_at IS NULL OR ? = 1) RETURNING created_at",
			e.Title, SlugOf(e.Title), joinTags(e.Tags), e.Body, body.HTML, markup.Version, body.Excerpt, body.Opens, d.millis(), id, v.ID, v.Staff(), e.Of, e.Of, s.keeper()); err != nil {
			return tx.stale(ctx, "posts", id, v, s, err)
		}
		if held {
			channel = 0 // its tags do not count it
		}
		if err := tx.setTags(ctx, id, channel, created, e.Tags); err != nil {
			return err
		}
		if !held {
			why, err := tx.holds(ctx, v, s, written{source: e.Title + "\n" + e.Body, body: e.Body, html: body.HTML, edit: true})
			if err != nil {
				return err
			}
			if why != "" {
				if err := tx.holdPost(ctx, id, false, why); err != nil {
					return err
				}
			} else if err := tx.notifyPost(ctx, id, body.Mentions, true); err != nil {
				return err
			}
		}
		if err := tx.tell(ctx, PostTopic(id), EventPost, id); err != nil {
			return err
		}
		return tx.sent(ctx, v, e.FormKey(id), "edit", id, e.Draft)
	})
}

// isVersion is the condition that the version is the one that was edited, which is its parameter twice; 0 is any.
const isVersion = "(? = 0 OR " + versionColumn + " = ?)"

// stale tells why an edit changed no row that its viewer can read: they may not, the post is locked, or it has another
// version.
func (t *tx) stale(ctx context.Context, table string, id int64, v Viewer, s standing, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	locked := "locked_at IS NOT NULL"
	if table == "comments" {
		locked = "NOT " + inOpenPost
	}
	var shut bool
	if err := t.get(ctx, "edited", &shut, "SELECT "+locked+" FROM "+table+" WHERE id = ? AND "+mayEdit(table), id, v.ID, v.Staff()); err != nil {
		return forbidden(err)
	}
	if shut && !s.keeper() {
		return fmt.Errorf("edit %s %d: %w", table, id, ErrLocked)
	}
	return fmt.Errorf("%s %d: %w", table, id, ErrStale)
}

// DeletePost hides a post; UndeletePost shows it again. Both are for its author and those who keep the channel, and only
// once each. One that waits for a moderator its author takes back, and Undo lets it wait again.
func (d *DB) DeletePost(ctx context.Context, v Viewer, id int64) error {
	return d.act(ctx, v, "DeletePost", func(ctx context.Context, tx *tx) error {
		_, held, err := tx.openPost(ctx, v, id)
		if err != nil {
			return err
		}
		if held {
			return tx.withdraw(ctx, v, "posts", id)
		}
		if err := countPost(ctx, tx, id, -1, `UPDATE posts SET deleted_at = ?, deleted_by = ? WHERE id = ? AND deleted_at IS NULL AND `+mayRemove("posts", "posts.channel_id"),
			d.millis(), v.ID, id, v.ID, v.Staff(), v.ID); err != nil {
			return err
		}
		return tx.othersText(ctx, v, "posts", id, Removed)
	})
}

// UndeletePost undoes DeletePost, for who did that and for staff: an author cannot undo what a moderator removed.
func (d *DB) UndeletePost(ctx context.Context, v Viewer, id int64) error {
	return d.act(ctx, v, "UndeletePost", func(ctx context.Context, tx *tx) error {
		var held bool
		if err := tx.get(ctx, "deleted post", &held, `SELECT p.held_at IS NOT NULL FROM posts p JOIN channels c ON c.id = p.channel_id
			WHERE p.id = ? AND p.deleted_at IS NOT NULL AND p.deleted_by IS NOT NULL AND `+mayRemove("p", "p.channel_id")+" AND "+visible, id, v.ID, v.Staff(), v.ID, v.ID); err != nil {
			return err
		}
		if held {
			return tx.waitAgain(ctx, v, "posts", id)
		}
		if err := countPost(ctx, tx, id, 1, `UPDATE posts SET deleted_at = NULL, deleted_by = NULL, removed_for = '', sweep_id = NULL
			WHERE id = ? AND deleted_at IS NOT NULL AND (deleted_by = ? OR ? = 1) AND `+mayRemove("posts", "posts.channel_id"),
			id, v.ID, v.Staff(), v.ID, v.Staff(), v.ID); err != nil {
			return err
		}
		return tx.othersText(ctx, v, "posts", id, Restored)
	})
}

// countPost runs the update that deletes (by -1) or restores (by 1) a post, and moves the counts that it is part of.
func countPost(ctx context.Context, tx *tx, id int64, by int, update string, args ...any) error {
	var at struct {
		Channel int64 `db:"channel_id"`
		Author  int64 `db:"author_id"`
	}
	if err := tx.get(ctx, "post", &at, update+" RETURNING channel_id, COALESCE(author_id, 0) AS author_id", args...); err != nil {
		return forbidden(err)
	}
	if _, err := tx.exec(ctx, "channel", "UPDATE channels SET post_count = post_count + ? WHERE id = ?", by, at.Channel); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "author", "UPDATE members SET post_count = post_count + ? * "+inListed+" WHERE id = ?", by, at.Channel, at.Author); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "tags", "UPDATE tags SET post_count = post_count + ? * "+inListed+" WHERE id IN (SELECT tag_id FROM post_tags WHERE post_id = ?)", by, at.Channel, id); err != nil {
		return err
	}
	if err := tx.tellPost(ctx, id, at.Channel); err != nil {
		return err
	}
	return settleChannel(ctx, tx, at.Channel)
}

// tellPost is for a post that comes into its channel, or goes.
func (t *tx) tellPost(ctx context.Context, id, channel int64) error {
	if err := t.tell(ctx, PostTopic(id), EventPost, id); err != nil {
		return err
	}
	if err := t.tell(ctx, ChannelTopic(channel), EventPost, id); err != nil {
		return err
	}
	return t.hookPost(ctx, id)
}

// settle sets when the post was last active, and its channel: what was written last there and is not deleted. It comes
// after each deletion and each Undo; a write that adds needs no look at the others.
func settle(ctx context.Context, tx *tx, post int64) error {
	var channel int64
	if err := tx.get(ctx, "activity", &channel, `UPDATE posts SET active_at = max(created_at, COALESCE((SELECT k.created_at FROM comments k
			WHERE k.post_id = posts.id AND k.deleted_at IS NULL ORDER BY k.created_at DESC LIMIT 1), 0))
		WHERE id = ? RETURNING channel_id`, post); err != nil {
		return err
	}
	return settleChannel(ctx, tx, channel)
}

func settleChannel(ctx context.Context, tx *tx, channel int64) error {
	return tx.one(ctx, "channel's activity", `UPDATE channels SET active_at = max(created_at, COALESCE((SELECT p.active_at FROM posts p
			WHERE p.channel_id = channels.id AND p.deleted_at IS NULL ORDER BY p.active_at DESC, p.id DESC LIMIT 1), 0))
		WHERE id = ?`, channel)
}

// SetPinned pins a post above its channel's feed, or lets it go. For those who moderate the channel.
func (d *DB) SetPinned(ctx context.Context, v Viewer, id int64, on bool) error {
	return d.moderate(ctx, "SetPinned", "pinned_at", v, id, on)
}

// SetLocked closes a post to new comments and to changes of what stands there, or opens it. For those who moderate the
// channel, who go on writing in it.
func (d *DB) SetLocked(ctx context.Context, v Viewer, id int64, on bool) error {
	return d.moderate(ctx, "SetLocked", "locked_at", v, id, on)
}

func (d *DB) moderate(ctx context.Context, name, column string, v Viewer, id int64, on bool) error {
	var at any
	if on {
		at = d.millis()
	}
	return d.act(ctx, v, name, func(ctx context.Context, tx *tx) error {
		channel, err := tx.readablePost(ctx, v, id)
		if err != nil {
			return err
		}
		if err := forbidden(tx.one(ctx, "post", "UPDATE posts SET "+column+" = ? WHERE id = ? AND deleted_at IS NULL AND "+mayModerate("posts.channel_id"), at, id, v.Staff(), v.ID)); err != nil {
			return err
		}
		e := Entry{Action: "pin", PostID: id, ChannelID: channel}
		if column == "locked_at" { // which everybody sees; a pin is a matter of taste
			e.Action = "lock"
			if err := tx.get(ctx, "listed", &e.Public, "SELECT "+listed+" FROM channels c WHERE c.id = ?", channel); err != nil {
				return err
			}
		}
		if !on {
			e.Action = "un" + e.Action
		}
		if _, err = tx.logged(ctx, v, e); err != nil {
			return err
		}
		return tx.tell(ctx, PostTopic(id), EventPost, id)
	})
}

// Accept marks a comment as the answer to its question, or with commentID 0 takes the mark away. For the question's
// author and staff. The root whose thread holds the answer leads the comments from then on.
func (d *DB) Accept(ctx context.Context, v Viewer, postID, commentID int64) error {
	return d.act(ctx, v, "Accept", func(ctx context.Context, tx *tx) error {
		channel, err := tx.readablePost(ctx, v, postID)
		if err != nil {
			return err
		}
		if _, err := tx.mayWrite(ctx, v, channel); err != nil {
			return err
		}
		var answer any
		if commentID != 0 {
			answer = commentID
			var root int64
			if err := tx.get(ctx, "comment", &root, "SELECT root_id FROM comments WHERE id = ? AND post_id = ? AND deleted_at IS NULL", commentID, postID); err != nil {
				return err
			}
		}
		// Whoever decides anew has let go of an answer that was deleted.
		if err := tx.one(ctx, "post", "UPDATE posts SET accepted_id = ?, lost_answer_id = NULL WHERE id = ? AND kind = 'question' AND deleted_at IS NULL AND "+mayRemove("posts", "posts.channel_id"), answer, postID, v.ID, v.Staff(), v.ID); err != nil {
			return fmt.Errorf("accept comment %d: %w", commentID, forbidden(err))
		}
		if err := tx.tell(ctx, PostTopic(postID), EventPost, postID); err != nil {
			return err
		}
		if err := tx.notifyAccepted(ctx, v, postID, commentID, channel); err != nil {
			return err
		}
		return lead(ctx, tx, postID, commentID)
	})
}

func lead(ctx context.Context, tx *tx, postID, commentID int64) error {
	if _, err := tx.exec(ctx, "unlead", "UPDATE comments SET lead = 0 WHERE post_id = ? AND depth = 0 AND lead = 1", postID); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "lead", "UPDATE comments SET lead = 1 WHERE id = (SELECT root_id FROM comments WHERE id = ?)", commentID)
	return err
}

// MarkRead notes that the viewer has read the post as it was at an instant, with so many comments: what came since the
// page was rendered stays new. An instant of zero, or one that has not come, is now.
func (d *DB) MarkRead(ctx context.Context, v Viewer, postID int64, at Millis, comments int) error {
	if now := d.millis(); at <= 0 || at > now {
		at, comments = now, math.MaxInt32
	}
	return d.change(ctx, "MarkRead", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "read", `INSERT INTO reads (member_id, post_id, comments_seen, read_at)
			SELECT ?, p.id, CASE WHEN p.comment_count < ? THEN p.comment_count ELSE ? END, ? FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ? AND `+visible+`
			ON CONFLICT (member_id, post_id) DO UPDATE SET comments_seen = excluded.comments_seen, read_at = excluded.read_at
			WHERE reads.read_at < excluded.read_at`, v.ID, comments, comments, at, postID, v.ID)
		if err != nil {
			return err
		}
		return tx.readNotifications(ctx, v, "post_id = ? AND created_at <= ?", postID, at)
	})
}

// React sets the viewer's reaction to a post: 1 like, -1 dislike, 0 none. It answers the new score.
func (d *DB) React(ctx context.Context, v Viewer, postID int64, value int) (score int, err error) {
	err = d.act(ctx, v, "React", func(ctx context.Context, tx *tx) error {
		if _, err := tx.readablePost(ctx, v, postID); err != nil {
			return err
		}
		if err := tx.unblocked(ctx, v, postID, 0); err != nil {
			return err
		}
		if err := tx.react(ctx, "post", postID, postID, v, value); err != nil {
			return err
		}
		return tx.get(ctx, "score", &score, "SELECT score FROM posts WHERE id = ?", postID)
	})
	return score, err
}

// ReactToComment is the same for a comment.
func (d *DB) ReactToComment(ctx context.Context, v Viewer, commentID int64, value int) (score int, err error) {
	err = d.act(ctx, v, "ReactToComment", func(ctx context.Context, tx *tx) error {
		post, _, err := tx.readableComment(ctx, v, commentID)
		if err != nil {
			return err
		}
		if err := tx.unblocked(ctx, v, 0, commentID); err != nil {
			return err
		}
		if err := tx.react(ctx, "comment", commentID, post, v, value); err != nil {
			return err
		}
		return tx.get(ctx, "score", &score, "SELECT score FROM comments WHERE id = ?", commentID)
	})
	return score, err
}

// react writes the row and moves the counts by the difference, so that the score always equals base and reactions.
func (t *tx) react(ctx context.Context, subject string, id, postID int64, v Viewer, value int) error {
	table := subject + "_reactions"
	var old int
	if err := t.get(ctx, "reaction", &old, "SELECT COALESCE((SELECT value FROM "+table+" WHERE "+subject+"_id = ? AND member_id = ?), 0)", id, v.ID); err != nil {
		return err
	}
	if old == value {
		return nil
	}
	if old != 0 {
		if err := t.one(ctx, "reaction", "DELETE FROM "+table+" WHERE "+subject+"_id = ? AND member_id = ?", id, v.ID); err != nil {
			return err
		}
	}
	if value != 0 {
		columns, marks, args := subject+"_id, member_id, value, created_at", "?, ?, ?, ?", []any{id, v.ID, value, t.d.millis()}
		if subject == "comment" {
			columns, marks, args = columns+", post_id", marks+", ?", append(args, postID)
		}
		if _, err := t.exec(ctx, "reaction", "INSERT INTO "+table+" ("+columns+") VALUES ("+marks+")", args...); err != nil {
			return err
		}
	}
	is := func(v, want int) int {
		if v == want {
			return 1
		}
		return 0
	}
	if value == 1 || old == 1 {
		liked := int64(0)
		if subject == "comment" {
			liked = id
		}
		if err := t.notifyLike(ctx, v, postID, liked, value == 1); err != nil {
			return err
		}
	}
	scored := id
	if subject == "post" {
		scored = 0
	}
	if err := t.tell(ctx, PostTopic(postID), EventReaction, scored); err != nil {
		return err
	}
	return t.one(ctx, "score", "UPDATE "+subject+"s SET likes = likes + ?, dislikes = dislikes + ?, score = score + ? WHERE id = ?",
		is(value, 1)-is(old, 1), is(value, -1)-is(old, -1), value-old, id)
}
