package db

import "context"

// Entry is something that a moderator or an admin did. The log only grows.
type Entry struct {
	Action    string // in words of the code, such as "channel-access"; views have the words for people
	PostID    int64
	CommentID int64
	MemberID  int64
	ChannelID int64
	CaseID    int64
	Reason    string
	Old, New  string
	Public    bool // stands in the log that everybody may read
}

// logged writes an entry in the transaction of what it tells of, and answers its id.
func (t *tx) logged(ctx context.Context, v Viewer, e Entry) (int64, error) {
	return t.insert(ctx, "log", `INSERT INTO mod_log (at, actor_id, action, post_id, comment_id, member_id, channel_id, case_id, reason, old_value, new_value, public)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.d.millis(), orNull(v.ID), e.Action, orNull(e.PostID), orNull(e.CommentID), orNull(e.MemberID),
		orNull(e.ChannelID), orNull(e.CaseID), e.Reason, e.Old, e.New, e.Public)
}

// orNull is the id, or NULL for 0.
func orNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
