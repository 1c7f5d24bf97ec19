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

// LogEntry is a line of the moderation log.
type LogEntry struct {
	ID          int64  `db:"id"`
	At          Millis `db:"at"`
	Actor       string `db:"actor"` // handle; empty: nobody known
	Action      string `db:"action"`
	PostID      int64  `db:"post_id"`
	PostSlug    string `db:"slug"`
	PostTitle   string `db:"title"`
	CommentID   int64  `db:"comment_id"`
	Member      string `db:"handle"`
	ChannelSlug string `db:"channel_slug"`
	ChannelName string `db:"channel_name"`
	CaseID      int64  `db:"case_id"`
	Reason      string `db:"reason"`
	Old         string `db:"old_value"`
	New         string `db:"new_value"`
	Public      bool   `db:"public"`
	UndoneAt    Millis `db:"undone_at"`
}

// Cursor is the place after the entry.
func (e *LogEntry) Cursor() Cursor { return NewCursor(int64(e.At), e.ID) }

const logJoins = ` FROM mod_log l LEFT JOIN members a ON a.id = l.actor_id LEFT JOIN members m ON m.id = l.member_id
	LEFT JOIN posts p ON p.id = l.post_id`

// ModLog lists what moderators and admins did, the last first. For staff; empty for others. Changes of settings are in
// SettingChanges. What stands in a channel that was deleted nobody reads, so an entry about it names no post; the channel
// is named, without its address, for the entry of its end to say something.
func (d *DB) ModLog(ctx context.Context, v Viewer, after Cursor, limit int) ([]LogEntry, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []LogEntry
	at, id := after.start()
	err := d.list(ctx, "ModLog", &list, `SELECT l.id, l.at, COALESCE(a.handle, '') AS actor, l.action, COALESCE(l.post_id, 0) AS post_id, COALESCE(m.handle, '') AS handle,
			COALESCE(CASE WHEN c.id IS NULL THEN '' ELSE p.slug END, '') AS slug, COALESCE(CASE WHEN c.id IS NULL THEN '' ELSE p.title END, '') AS title,
			COALESCE(l.comment_id, 0) AS comment_id, COALESCE(c.slug, '') AS channel_slug, COALESCE(c.name, g.name, '') AS channel_name,
			COALESCE(l.case_id, 0) AS case_id, l.reason, l.old_value, l.new_value, l.public, COALESCE(l.undone_at, 0) AS undone_at`+logJoins+`
			LEFT JOIN channels c ON c.id = COALESCE(l.channel_id, p.channel_id) AND `+visible+` LEFT JOIN channels g ON g.id = l.channel_id
		WHERE (l.at, l.id) < (?, ?) AND l.action <> '`+ActionSetting+`' ORDER BY l.at DESC, l.id DESC LIMIT ?`, v.ID, at, id, limit)
	return list, err
}

// PublicLog lists the entries that everybody may read, the last first: who did what to what kind of thing, when and why.
// It tells nothing of a text that was removed but its channel, names a member only where the decision is about the member,
// and leaves out what concerns a channel that is not for everybody, now or when it was decided.
func (d *DB) PublicLog(ctx context.Context, after Cursor, limit int) ([]LogEntry, error) {
	var list []LogEntry
	at, id := after.start()
	err := d.list(ctx, "PublicLog", &list, `SELECT l.id, l.at, COALESCE(a.handle, '') AS actor, l.action, COALESCE(l.post_id, 0) AS post_id, COALESCE(l.comment_id, 0) AS comment_id,
			CASE WHEN l.post_id IS NULL THEN COALESCE(m.handle, '') ELSE '' END AS handle, COALESCE(c.slug, '') AS channel_slug, COALESCE(c.name, '') AS channel_name,
			l.reason, l.new_value, l.public, COALESCE(l.undone_at, 0) AS undone_at`+logJoins+`
			LEFT JOIN channels c ON c.id = l.channel_id
		WHERE l.public = 1 AND (l.at, l.id) < (?, ?) AND (l.channel_id IS NULL OR `+listed+`) ORDER BY l.at DESC, l.id DESC LIMIT ?`, at, id, limit)
	return list, err
}
