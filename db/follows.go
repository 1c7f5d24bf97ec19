package db

import (
	"context"
	"fmt"
)

// Level is how much of a post or channel a member wants to hear.
type Level string

const (
	FollowUsual   Level = ""        // what everybody hears: what is said to them
	FollowAll     Level = "all"     // everything new
	FollowReplies Level = "replies" // what answers their own words
	FollowMute    Level = "mute"    // nothing
)

// Valid reports one of the four.
func (l Level) Valid() bool {
	return l == FollowUsual || l == FollowAll || l == FollowReplies || l == FollowMute
}

// FollowPost sets how much the viewer wants to hear of a post. ErrNotFound: they may not read it.
func (d *DB) FollowPost(ctx context.Context, v Viewer, postID int64, l Level) error {
	return d.change(ctx, "FollowPost", func(ctx context.Context, tx *tx) error {
		if _, err := tx.readablePost(ctx, v, postID); err != nil {
			return err
		}
		return tx.follow(ctx, v, "post", postID, l)
	})
}

// FollowChannel is the same for a channel.
func (d *DB) FollowChannel(ctx context.Context, v Viewer, channelID int64, l Level) error {
	return d.change(ctx, "FollowChannel", func(ctx context.Context, tx *tx) error {
		if err := tx.readableChannel(ctx, v, channelID); err != nil {
			return err
		}
		return tx.follow(ctx, v, "channel", channelID, l)
	})
}

func (t *tx) follow(ctx context.Context, v Viewer, subject string, id int64, l Level) error {
	if !v.SignedIn() || !l.Valid() {
		return fmt.Errorf("follow %q: %w", l, ErrForbidden)
	}
	if l == FollowUsual {
		_, err := t.exec(ctx, "follow", "DELETE FROM "+subject+"_follows WHERE member_id = ? AND "+subject+"_id = ?", v.ID, id)
		return err
	}
	_, err := t.exec(ctx, "follow", "INSERT INTO "+subject+"_follows (member_id, "+subject+`_id, level, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (member_id, `+subject+"_id) DO UPDATE SET level = excluded.level", v.ID, id, l, t.d.millis())
	return err
}

// Own is what a member has noted of a post for themselves. PostByID finds it along with the post: every post page of a
// member shows it, and a query of its own costs such a page 2 % of its time.
type Own struct {
	Saved     bool   `db:"saved"`
	Level     Level  `db:"level"`
	DraftAt   Millis `db:"draft_at"` // of the comment that is begun below the post; 0: none
	DraftBody string `db:"draft"`
}

const (
	ownColumns = "sv.post_id IS NOT NULL AS saved, COALESCE(pf.level, '') AS level, COALESCE(dr.saved_at, 0) AS draft_at, COALESCE(dr.body, '') AS draft"
	// ownJoins takes the viewer's id thrice.
	ownJoins = ` LEFT JOIN saves sv ON sv.member_id = ? AND sv.post_id = p.id LEFT JOIN post_follows pf ON pf.member_id = ? AND pf.post_id = p.id
		LEFT JOIN drafts dr ON dr.member_id = ? AND dr.place = '` + replyFrom + `' || p.id || '` + replyTo + `'`
)
