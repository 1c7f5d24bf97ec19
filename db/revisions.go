package db

import (
	"context"
	"math"
)

// Revision is what a post or comment said at a time. The one that stands there now is one too.
type Revision struct {
	ID           int64  `db:"id"` // 0: the text that stands there now
	AuthorID     int64  `db:"author_id"`
	AuthorHandle string `db:"author_handle"`
	AuthorName   string `db:"author_name"` // of who wrote this version; empty: deleted, or not known
	WrittenAt    Millis `db:"written_at"`
	Hidden       bool   `db:"hidden"` // by a moderator: the texts are empty for who does not keep the channel
	Title        string `db:"title"`  // of a post
	Tags         string `db:"tags"`   // of a post
	Body         string `db:"body"`
}

// RevisionsAPage is how many versions a page of a history shows.
const RevisionsAPage = 10

// keepRevision stores what a post (subject "post") or comment ("comment") says now, in the transaction of the edit that
// is about to replace it. An edit that changes no row rolls it back.
func (t *tx) keepRevision(ctx context.Context, v Viewer, subject string, id int64) error {
	columns := "title, tags, body"
	if subject == "comment" {
		columns = "body"
	}
	_, err := t.exec(ctx, "revision", "INSERT INTO "+subject+"_revisions ("+subject+"_id, editor_id, written_at, "+columns+`)
		SELECT id, ?, `+versionColumn+", "+columns+" FROM "+subject+"s WHERE id = ?", v.ID, id)
	return err
}

// PostRevisions lists what a post has said, the newest first: from its present text, or from before the revision with the
// id before, RevisionsAPage of them and one more when there is one, to compare the last with. It is empty for who may not
// read the post.
func (d *DB) PostRevisions(ctx context.Context, v Viewer, id, before int64) ([]Revision, error) {
	return d.revisions(ctx, "PostRevisions", v, "post", id, before)
}

// CommentRevisions is the same for a comment.
func (d *DB) CommentRevisions(ctx context.Context, v Viewer, id, before int64) ([]Revision, error) {
	return d.revisions(ctx, "CommentRevisions", v, "comment", id, before)
}

func (d *DB) revisions(ctx context.Context, name string, v Viewer, subject string, id, before int64) ([]Revision, error) {
	head, older := "s.title, s.tags, s.body", "x.title, x.tags, x.body"
	if subject == "comment" {
		head, older = "'' AS title, '' AS tags, s.body", "'' AS title, '' AS tags, x.body"
	}
	from, channel := subjectOf(subject)
	var present []struct {
		Revision
		Keeps bool `db:"keeps"` // the channel: hidden texts are not hidden from the viewer
	}
	if err := d.list(ctx, name, &present, "SELECT 0 AS id, COALESCE(s.author_id, 0) AS author_id, COALESCE(m.handle, '') AS author_handle, COALESCE(m.name, s.source_author) AS author_name, "+
		"COALESCE(s.edited_at, s.created_at) AS written_at, 0 AS hidden, "+head+", "+mayModerate(channel)+" AS keeps FROM "+from+
		" LEFT JOIN members m ON m.id = s.author_id WHERE s.id = ?"+mayReadSubject(subject), v.Staff(), v.ID, id, v.ID, v.Staff(), v.ID, v.ID); err != nil || len(present) == 0 {
		return nil, err
	}
	author, keeps := present[0].Revision, present[0].Keeps
	var list []Revision
	if before == 0 {
		before, list = math.MaxInt64, append(list, author)
	}
	limit := RevisionsAPage + 1 - len(list)
	var found []Revision // each with who replaced it in the place of who wrote it
	if err := d.list(ctx, name, &found, `SELECT x.id, COALESCE(m.id, 0) AS author_id, COALESCE(m.handle, '') AS author_handle, COALESCE(m.name, '') AS author_name,
			x.written_at, x.hidden_at IS NOT NULL AS hidden, `+older+` FROM `+subject+`_revisions x LEFT JOIN members m ON m.id = x.editor_id
		WHERE x.`+subject+`_id = ? AND x.id < ? ORDER BY x.id DESC LIMIT ?`, id, before, limit); err != nil {
		return nil, err
	}
	list = append(list, found...)
	for i := range list {
		// Who wrote a version replaced the one before it. The first is the author's.
		switch {
		case i+1 < len(list):
			list[i].wroteBy(&list[i+1])
		case len(found) < limit:
			list[i].wroteBy(&author)
		}
		if list[i].Hidden && !keeps {
			list[i].Title, list[i].Tags, list[i].Body = "", "", ""
		}
	}
	return list, nil
}

func (r *Revision) wroteBy(other *Revision) {
	r.AuthorID, r.AuthorHandle, r.AuthorName = other.AuthorID, other.AuthorHandle, other.AuthorName
}

// subjectOf is the FROM of a post or comment as "s" with its channel as "c", and the column that names the channel.
func subjectOf(subject string) (from, channel string) {
	if subject == "comment" {
		return "comments s JOIN posts p ON p.id = s.post_id JOIN channels c ON c.id = p.channel_id", "p.channel_id"
	}
	return "posts s JOIN channels c ON c.id = s.channel_id", "s.channel_id"
}

// mayReadSubject is the condition that the viewer may read it: what is deleted, its author and those who keep the channel.
// Its parameters are the viewer's id, whether they are staff, and the id twice more.
func mayReadSubject(subject string) string {
	_, channel := subjectOf(subject)
	shown := ""
	if subject == "comment" {
		shown = " AND p.deleted_at IS NULL"
	}
	return " AND (s.deleted_at IS NULL OR s.author_id = ? OR " + mayModerate(channel) + ")" + shown + " AND " + visible
}

// HidePostRevision takes an older text of a post from the eyes of all who do not keep its channel, or shows it again. For
// those who keep it. The text that stands there now is no revision: it is edited or removed.
func (d *DB) HidePostRevision(ctx context.Context, v Viewer, postID, revision int64, hide bool) error {
	return d.hideRevision(ctx, "HidePostRevision", v, "post", postID, revision, hide)
}

// HideCommentRevision is the same for a comment.
func (d *DB) HideCommentRevision(ctx context.Context, v Viewer, commentID, revision int64, hide bool) error {
	return d.hideRevision(ctx, "HideCommentRevision", v, "comment", commentID, revision, hide)
}

func (d *DB) hideRevision(ctx context.Context, name string, v Viewer, subject string, id, revision int64, hide bool) error {
	return d.act(ctx, v, name, func(ctx context.Context, tx *tx) error {
		from, channel := subjectOf(subject)
		var at struct {
			Channel int64 `db:"channel_id"`
			Keeps   bool  `db:"keeps"`
		}
		if err := tx.get(ctx, "subject", &at, "SELECT "+channel+", "+mayModerate(channel)+" AS keeps FROM "+from+" WHERE s.id = ?"+mayReadSubject(subject),
			v.Staff(), v.ID, id, v.ID, v.Staff(), v.ID, v.ID); err != nil {
			return err
		}
		if !at.Keeps {
			return ErrForbidden
		}
		var hidden any
		e := Entry{Action: "revision-show", ChannelID: at.Channel}
		if hide {
			hidden, e.Action = d.millis(), "revision-hide"
		}
		if subject == "comment" {
			e.CommentID = id
		} else {
			e.PostID = id
		}
		if err := tx.one(ctx, "revision", "UPDATE "+subject+"_revisions SET hidden_at = ? WHERE id = ? AND "+subject+"_id = ?", hidden, revision, id); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, e)
		return err
	})
}
