package db

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"codex/app/markup"
)

const (
	// MaxDrafts is how many drafts a member has at most; a further one takes the place of the oldest.
	MaxDrafts = 50
	// MaxDraftTitle bounds a draft's title and tags, each in bytes. They are longer than what a post takes, so that what
	// is still to be shortened is kept too.
	MaxDraftTitle = 4 << 10
	// draftDays is how long a draft that nobody touches is kept.
	draftDays = 90
)

// Draft is a text that is being written. Its Place is the address that its form is sent to, so that the form finds it
// again wherever it is opened.
type Draft struct {
	Place   string `db:"place"`
	Channel string `db:"channel"` // the slug that was chosen, in the form that asks for one
	Version Millis `db:"version"` // of the text that it changes; 0: a new one
	Title   string `db:"title"`
	Tags    string `db:"tags"`
	Kind    string `db:"kind"`
	Body    string `db:"body"`
	SavedAt Millis `db:"saved_at"`

	// Drafts alone tells these: the post that is changed, or that the comment stands below; none where the viewer may not
	// read it any more.
	PostID    int64  `db:"-"`
	PostTitle string `db:"-"`
}

// ReplyPlace is the Place of a comment below a post, which is also where its form is sent to. The query of a post finds
// the draft by the same two ends.
func ReplyPlace(postID int64) string {
	return replyFrom + strconv.FormatInt(postID, 10) + replyTo
}

const (
	replyFrom = "/p/"
	replyTo   = "/comments"
)

const draftColumns = "place, channel, version, title, tags, kind, body, saved_at"

// SaveDraft keeps the draft for the viewer's eyes alone, in place of an older one of the same form, and answers when it
// was saved: later than the one before, so that it names what was saved. A draft without a word in it is dropped, and
// the answer is 0. A *markup.LimitError: it is longer than the longest text.
func (d *DB) SaveDraft(ctx context.Context, v Viewer, n Draft) (at Millis, err error) {
	if most := markup.DefaultLimits.Body; len(n.Body) > most {
		return 0, &markup.LimitError{Limit: "body", Max: most, Got: len(n.Body)}
	}
	if len(n.Title) > MaxDraftTitle || len(n.Tags) > MaxDraftTitle {
		return 0, &markup.LimitError{Limit: "body", Max: MaxDraftTitle, Got: max(len(n.Title), len(n.Tags))}
	}
	if n.Title == "" && n.Body == "" && n.Tags == "" {
		return 0, d.DropDraft(ctx, v, n.Place)
	}
	err = d.change(ctx, "SaveDraft", func(ctx context.Context, tx *tx) error {
		if err := tx.get(ctx, "draft", &at, `INSERT INTO drafts (member_id, place, channel, version, title, tags, kind, body, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (member_id, place) DO UPDATE SET channel = excluded.channel, version = excluded.version, title = excluded.title, tags = excluded.tags,
				kind = excluded.kind, body = excluded.body, saved_at = max(excluded.saved_at, drafts.saved_at + 1)
			RETURNING saved_at`, v.ID, n.Place, n.Channel, n.Version, n.Title, n.Tags, n.Kind, n.Body, d.millis()); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "oldest draft", `DELETE FROM drafts WHERE member_id = ? AND place IN
			(SELECT place FROM drafts WHERE member_id = ? ORDER BY saved_at DESC LIMIT 10 OFFSET ?)`, v.ID, v.ID, MaxDrafts)
		return err
	})
	return at, err
}

// DraftAt finds the viewer's draft of a form; the zero Draft when there is none.
func (d *DB) DraftAt(ctx context.Context, v Viewer, place string) (Draft, error) {
	var n Draft
	if !v.SignedIn() {
		return n, nil
	}
	err := d.get(ctx, "DraftAt", &n, "SELECT "+draftColumns+" FROM drafts WHERE member_id = ? AND place = ?", v.ID, place)
	if errors.Is(err, ErrNotFound) {
		return Draft{}, nil
	}
	return n, err
}

// Drafts lists the viewer's drafts, the last touched first, each with its post; of their texts the first 300 characters.
func (d *DB) Drafts(ctx context.Context, v Viewer) ([]Draft, error) {
	var list []Draft
	if err := d.list(ctx, "Drafts", &list, `SELECT place, channel, version, title, tags, kind, substr(body, 1, 300) AS body, saved_at
		FROM drafts WHERE member_id = ? ORDER BY saved_at DESC LIMIT ?`, v.ID, MaxDrafts); err != nil {
		return nil, err
	}
	return list, d.draftPosts(ctx, v, list)
}

// draftPosts fills in the posts of drafts, as far as the viewer may read them now.
func (d *DB) draftPosts(ctx context.Context, v Viewer, list []Draft) error {
	posts, comments := []any{0}, []any{0} // 0 is none
	for i := range list {
		switch post, comment := list[i].below(); {
		case post != 0:
			posts = append(posts, post)
		case comment != 0:
			comments = append(comments, comment)
		}
	}
	if len(posts)+len(comments) == 2 {
		return nil
	}
	args := append(append(append(posts, v.ID), comments...), v.ID)
	var found []struct {
		Comment int64  `db:"comment_id"`
		Post    int64  `db:"post_id"`
		Title   string `db:"title"`
	}
	if err := d.list(ctx, "draftPosts", &found, `SELECT 0 AS comment_id, p.id AS post_id, p.title FROM posts p JOIN channels c ON c.id = p.channel_id
			WHERE p.id IN (?`+strings.Repeat(", ?", len(posts)-1)+`) AND p.deleted_at IS NULL AND `+visible+`
		UNION ALL SELECT k.id, p.id, p.title FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
			WHERE k.id IN (?`+strings.Repeat(", ?", len(comments)-1)+`) AND p.deleted_at IS NULL AND `+visible, args...); err != nil {
		return err
	}
	for i := range list {
		post, comment := list[i].below()
		for _, f := range found {
			if f.Comment == comment && (comment != 0 || f.Post == post) {
				list[i].PostID, list[i].PostTitle = f.Post, f.Title
			}
		}
	}
	return nil
}

// below is the post that a draft's place names, or the comment; 0 where it names none.
func (n Draft) below() (post, comment int64) {
	parts := strings.Split(n.Place, "/")
	if len(parts) < 4 {
		return 0, 0
	}
	id, _ := strconv.ParseInt(parts[2], 10, 64)
	switch parts[1] {
	case "p":
		return id, 0
	case "comments":
		return 0, id
	}
	return 0, 0
}

// DropDraft drops the viewer's draft of a form; without one it does nothing.
func (d *DB) DropDraft(ctx context.Context, v Viewer, place string) error {
	return d.change(ctx, "DropDraft", func(ctx context.Context, tx *tx) error { return tx.published(ctx, v, place) })
}

// published drops the draft of a text in the transaction that makes it public. An empty place is none.
func (t *tx) published(ctx context.Context, v Viewer, place string) error {
	if place == "" {
		return nil
	}
	_, err := t.exec(ctx, "draft", "DELETE FROM drafts WHERE member_id = ? AND place = ?", v.ID, place)
	return err
}

// DropOldDrafts drops drafts that nobody has touched for 90 days, at most 1,000 a call, so that no other write waits
// long for it.
func (d *DB) DropOldDrafts(ctx context.Context) error {
	return d.change(ctx, "DropOldDrafts", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "old drafts", `DELETE FROM drafts WHERE (member_id, place) IN
			(SELECT member_id, place FROM drafts WHERE saved_at < ? ORDER BY saved_at LIMIT 1000)`, d.millis()-draftDays*24*60*60*1000)
		return err
	})
}
