package db

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"codex/app/markup"
)

// This file decides who is told of what. A row is written for each cause, in the transaction that causes it, for who may
// read it, and never for one's own act, nor between two of whom one blocked the other, nor of somebody or something muted.
// It is looked at again whenever it is shown: what is deleted, or may not be read any more, is not among the notifications,
// and the badge, which counts the same, cannot drift.

// Notice is a kind of notification, which a member chooses whether to get.
type Notice string

const (
	NoticeReply    Notice = "reply"    // to one's comment, or a comment below one's post
	NoticeMention  Notice = "mention"  //
	NoticeComment  Notice = "comment"  // in a discussion that one follows
	NoticeReaction Notice = "reaction" // somebody liked a post or comment
	NoticeAccepted Notice = "accepted" // one's answer
	NoticePost     Notice = "post"     // in a channel that one follows
	NoticeDecision Notice = "decision" // of a moderator, about one's text
	NoticeSystem   Notice = "system"   // an invitation
)

// Notices are all kinds, in the order in which a page shows them.
var Notices = [...]Notice{NoticeReply, NoticeMention, NoticeComment, NoticeReaction, NoticeAccepted, NoticePost, NoticeDecision, NoticeSystem}

// byLetter are the kinds that a member gets letters of, unless they choose otherwise: what is said to them in person.
func (k Notice) byLetter() bool { return k != NoticeComment && k != NoticeReaction && k != NoticePost }

// Choice is by which ways a member is told of a kind.
type Choice struct{ App, Mail bool }

// EventNotification is on the topic of a member: they were told of something, or have read it elsewhere. Its subject is
// the notification, or 0.
const EventNotification = "notification"

const (
	// NotificationsKept is how long a notification is kept.
	NotificationsKept    = 180 * 24 * time.Hour
	notificationsDropped = 1000 // at a call
)

// Notification is what a member was told, alike ones merged: the newest of them.
type Notification struct {
	ID          int64  `db:"id"`
	Kind        Notice `db:"kind"`
	Alike       string `db:"alike"`
	What        string `db:"what"`
	ActorID     int64  `db:"actor_id"` // 0: nobody in particular
	ActorHandle string `db:"actor_handle"`
	ActorName   string `db:"actor_name"`
	PostID      int64  `db:"post_id"`
	PostTitle   string `db:"post_title"`
	PostSlug    string `db:"post_slug"`
	CommentID   int64  `db:"comment_id"`
	Excerpt     string `db:"excerpt"`
	ChannelName string `db:"channel_name"`
	ChannelSlug string `db:"channel_slug"`
	CreatedAt   Millis `db:"created_at"`
	Unread      bool   `db:"unread"`

	Others int // how many more members did the same
	Times  int // how many were merged, this one too
}

// seen is the condition that the notification n may be shown to its member: what it is about is there for their eyes. An
// invitation to a private channel is, as long as it stands.
const (
	seen = `(n.post_id IS NULL AND (n.channel_id IS NULL OR EXISTS (SELECT 1 FROM channel_invitations ci WHERE ci.member_id = n.member_id AND ci.channel_id = n.channel_id)
			OR EXISTS (SELECT 1 FROM channels c WHERE c.id = n.channel_id AND ` + readableByN + `))
		OR EXISTS (SELECT 1 FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = n.post_id AND ` + readableByN + ` AND (n.kind = 'decision'
			OR p.deleted_at IS NULL AND (n.comment_id IS NULL OR EXISTS (SELECT 1 FROM comments k WHERE k.id = n.comment_id AND k.deleted_at IS NULL)))))`
	readableByN = visibleTo + "n.member_id" + visibleEnd
)

// unreadOf is the badge of the member m: it looks at the newest 100 of what is unread.
const unreadOf = `(SELECT COUNT(DISTINCT n.alike) FROM (SELECT u.alike, u.kind, u.member_id, u.post_id, u.comment_id, u.channel_id FROM notifications u
	WHERE u.member_id = m.id AND u.shown = 1 AND u.read_at IS NULL ORDER BY u.id DESC LIMIT 100) n WHERE ` + seen + `)`

// Unread is the viewer's badge now.
func (d *DB) Unread(ctx context.Context, v Viewer) (n int, err error) {
	err = d.get(ctx, "Unread", &n, "SELECT "+unreadOf+" FROM members m WHERE m.id = ?", v.ID)
	return n, err
}

// NotificationFilter says which of a member's notifications to list.
type NotificationFilter struct {
	Unread   bool  // these alone
	Mentions bool  // these alone
	Before   int64 // ids below; 0: from the newest
	Limit    int   // rows, before alike ones are merged
}

// Notifications lists what the viewer was told, the newest first, alike ones of the same state merged. before is where the
// next page goes on, 0 at the end.
func (d *DB) Notifications(ctx context.Context, v Viewer, f NotificationFilter) (list []Notification, before int64, err error) {
	which := "n.shown = 1 AND n.id < ?"
	if f.Unread {
		which += " AND n.read_at IS NULL"
	}
	if f.Mentions {
		which += " AND n.kind = 'mention'"
	}
	if f.Before == 0 {
		f.Before = 1<<62 - 1
	}
	rows, err := d.notifications(ctx, "Notifications", v.ID, which+" AND "+seen+" ORDER BY n.id DESC LIMIT ?", f.Before, f.Limit)
	if err == nil && len(rows) == f.Limit {
		before = rows[len(rows)-1].ID
	}
	return mergeAlike(rows), before, err
}

// notifications are those of a member that the rest of a statement asks for, which has the condition seen.
func (d *DB) notifications(ctx context.Context, name string, member int64, which string, args ...any) (rows []Notification, err error) {
	err = d.list(ctx, name, &rows, `SELECT n.id, n.kind, n.alike, n.what, COALESCE(n.actor_id, 0) AS actor_id, COALESCE(a.handle, '') AS actor_handle, COALESCE(a.name, '') AS actor_name,
			COALESCE(n.post_id, 0) AS post_id, COALESCE(t.title, '') AS post_title, COALESCE(t.slug, '') AS post_slug, COALESCE(n.comment_id, 0) AS comment_id,
			COALESCE(s.excerpt, CASE WHEN n.kind IN ('mention', 'post') THEN t.excerpt END, '') AS excerpt,
			COALESCE(h.name, '') AS channel_name, COALESCE(h.slug, '') AS channel_slug, n.created_at, n.read_at IS NULL AS unread
		FROM notifications n LEFT JOIN members a ON a.id = n.actor_id LEFT JOIN posts t ON t.id = n.post_id LEFT JOIN comments s ON s.id = n.comment_id
		LEFT JOIN channels h ON h.id = COALESCE(t.channel_id, n.channel_id)
		WHERE n.member_id = ? AND `+which, append([]any{member}, args...)...)
	return rows, err
}

// mergeAlike makes one of alike notifications of the same state, in the place of the newest.
func mergeAlike(rows []Notification) (list []Notification) {
	type same struct {
		alike  string
		unread bool
	}
	at := map[same]int{}
	actors := map[same]map[int64]bool{}
	for _, n := range rows {
		key := same{n.Alike, n.Unread}
		i, known := at[key]
		if !known {
			i = len(list)
			at[key], actors[key] = i, map[int64]bool{n.ActorID: true}
			list = append(list, n)
		}
		one := &list[i]
		one.Times++
		if !actors[key][n.ActorID] {
			actors[key][n.ActorID] = true
			one.Others++
		}
		if n.Unread && n.CommentID != 0 { // what one has not read begins with the first of them
			one.CommentID = n.CommentID
		}
	}
	return list
}

// ReadNotifications marks notifications of the viewer as read: one with all that is merged with it, or with id 0 all that
// there were up to upTo.
func (d *DB) ReadNotifications(ctx context.Context, v Viewer, id, upTo int64) error {
	return d.change(ctx, "ReadNotifications", func(ctx context.Context, tx *tx) error {
		if id != 0 {
			return tx.readNotifications(ctx, v, "shown = 1 AND alike = (SELECT x.alike FROM notifications x WHERE x.id = ? AND x.member_id = ?)", id, v.ID)
		}
		return tx.readNotifications(ctx, v, "shown = 1 AND id <= ?", upTo)
	})
}

// readNotifications tells the member's other windows when it changed any. What is told by letter alone is read with its
// post, which takes the letter back.
func (t *tx) readNotifications(ctx context.Context, v Viewer, which string, args ...any) error {
	res, err := t.exec(ctx, "read notifications", "UPDATE notifications SET read_at = ?, mail_due = NULL WHERE member_id = ? AND read_at IS NULL AND "+which, append([]any{t.d.millis(), v.ID}, args...)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return t.tell(ctx, MemberTopic(v.ID), EventNotification, 0)
}

// cause is what somebody may be told of.
type cause struct {
	kind                          Notice
	key, alike, what              string
	actor, post, comment, channel int64
	direct                        bool // it is said to them: one who wants to hear of replies alone hears it too
}

// notify tells one member of a cause, if they are to hear of it.
func (t *tx) notify(ctx context.Context, member int64, c cause) error {
	if member == 0 || member == c.actor {
		return nil
	}
	return t.notifyAll(ctx, c, "members m WHERE m.id = ?", member)
}

// notifyAll is the same for all members m of a FROM clause, with a WHERE. Who cannot sign in hears nothing.
func (t *tx) notifyAll(ctx context.Context, c cause, from string, args ...any) error {
	from, where, _ := strings.Cut(from, " WHERE ")
	level := "COALESCE(pf.level, cf.level, '') <> 'mute'"
	if !c.direct {
		level = "COALESCE(pf.level, cf.level, '') NOT IN ('mute', 'replies')"
	}
	readable := visibleToM
	if c.kind == NoticeSystem || c.kind == NoticeDecision { // of what is one's own, or is not yet
		readable, level = "1 = 1", "1 = 1"
	}
	var told []struct {
		ID     int64 `db:"id"`
		Member int64 `db:"member_id"`
		Mailed bool  `db:"mailed"`
	}
	const mailed = "(COALESCE(nc.mail, ?) = 1 AND m.email_verified_at IS NOT NULL AND m.mail_off = 0)"
	now := t.d.now()
	query := `INSERT INTO notifications (member_id, kind, cause, alike, what, actor_id, post_id, comment_id, channel_id, shown, created_at, mail_due)
		SELECT m.id, ?, ?, ?, ?, ?, ?, ?, c.id, COALESCE(nc.app, 1), ?, CASE WHEN ` + mailed + ` THEN ? END
		FROM ` + from + ` JOIN channels c ON c.id = ?
		LEFT JOIN notification_choices nc ON nc.member_id = m.id AND nc.kind = ?
		LEFT JOIN post_follows pf ON pf.member_id = m.id AND pf.post_id = ? LEFT JOIN channel_follows cf ON cf.member_id = m.id AND cf.channel_id = c.id
		WHERE ` + where + ` AND m.id <> ? AND m.deleted_at IS NULL AND m.state = 'active' AND m.origin <> 'import' AND (COALESCE(nc.app, 1) = 1 OR ` + mailed + `) AND ` + level + `
		AND NOT EXISTS (SELECT 1 FROM blocks b JOIN members o ON o.id = b.other_id WHERE b.member_id = m.id AND b.other_id = ? AND o.role = 'member')
		AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.member_id = ? AND b.other_id = m.id AND b.kind = 'block' AND m.role = 'member')
		AND ` + readable + ` ON CONFLICT (member_id, cause) DO NOTHING RETURNING id, member_id, mail_due IS NOT NULL AS mailed`
	usual, due := c.kind.byLetter(), MillisOf(now.Add(MailAfter))
	all := []any{c.kind, c.key, c.alike, c.what, orNull(c.actor), orNull(c.post), orNull(c.comment), MillisOf(now), usual, due, c.channel, c.kind, c.post}
	all = append(append(all, args...), c.actor, usual, c.actor, c.actor)
	if err := t.list(ctx, "notify of "+string(c.kind), &told, query, all...); err != nil {
		return err
	}
	for _, n := range told {
		if err := t.tell(ctx, MemberTopic(n.Member), EventNotification, n.ID); err != nil {
			return err
		}
		if n.Mailed {
			if err := t.mailLater(ctx, n.Member, MailAfter); err != nil {
				return err
			}
		}
	}
	return nil
}

// told is who may hear of a comment. Most comments have nobody to tell but one, and in an archive that was imported not
// even them: that is looked up first, so that what cannot tell anybody is not run.
type told struct {
	To       int64 `db:"to_id"`    // the author of what it answers; 0: nobody who could hear it
	Followed bool  `db:"followed"` // somebody follows its post
}

// toldColumns are the columns of told, for an answer below the post p to the comment parent; 0: to the post.
func toldColumns(parent string) string {
	return `COALESCE((SELECT a.id FROM members a WHERE a.id = CASE WHEN ` + parent + ` = 0 THEN p.author_id ELSE (SELECT o.author_id FROM comments o WHERE o.id = ` + parent + `) END
			AND a.origin <> 'import'), 0) AS to_id,
		EXISTS (SELECT 1 FROM post_follows f WHERE f.post_id = p.id AND f.level = 'all') AS followed`
}

// notifyComment tells of a comment that is there from now on: those whom it mentions, whom it answers, and who follow its
// post, each once. One that was edited tells those whom it mentions now.
func (t *tx) notifyComment(ctx context.Context, id int64, mentions []int64, edited bool) error {
	var k struct {
		Author  int64 `db:"author_id"`
		Post    int64 `db:"post_id"`
		Channel int64 `db:"channel_id"`
		Parent  int64 `db:"parent_id"`
		told
	}
	if err := t.get(ctx, "told comment", &k, "SELECT COALESCE(k.author_id, 0) AS author_id, k.post_id, p.channel_id, COALESCE(k.parent_id, 0) AS parent_id, "+
		toldColumns("COALESCE(k.parent_id, 0)")+" FROM comments k JOIN posts p ON p.id = k.post_id WHERE k.id = ?", id); err != nil {
		return err
	}
	c := cause{actor: k.Author, post: k.Post, comment: id, channel: k.Channel}
	if edited {
		return t.notifyMentioned(ctx, c, mentions)
	}
	return t.notifyAnswer(ctx, c, k.Parent, mentions, k.told)
}

// notifyMentioned tells those whom the comment of c mentions.
func (t *tx) notifyMentioned(ctx context.Context, c cause, mentions []int64) error {
	c.kind, c.key, c.direct = NoticeMention, fmt.Sprint("comment:", c.comment), true
	c.alike = c.key
	for _, member := range mentions {
		if err := t.notify(ctx, member, c); err != nil {
			return err
		}
	}
	return nil
}

// notifyAnswer is notifyComment for a new one, of which c says what and where it is, and by whom.
func (t *tx) notifyAnswer(ctx context.Context, c cause, parent int64, mentions []int64, k told) error {
	if err := t.notifyMentioned(ctx, c, mentions); err != nil {
		return err
	}
	c.kind, c.key, c.alike, c.direct = NoticeReply, fmt.Sprint("comment:", c.comment), fmt.Sprint("reply:post:", c.post), true
	if parent != 0 {
		c.alike = fmt.Sprint("reply:comment:", parent)
	}
	if err := t.notify(ctx, k.To, c); err != nil || !k.Followed {
		return err
	}
	c.kind, c.alike, c.direct = NoticeComment, fmt.Sprint("comment:post:", c.post), false
	return t.notifyAll(ctx, c, "post_follows f JOIN members m ON m.id = f.member_id WHERE f.post_id = ? AND f.level = 'all'", c.post)
}

// notifyPost is the same for a post.
func (t *tx) notifyPost(ctx context.Context, id int64, mentions []int64, edited bool) error {
	var p struct {
		Author  int64 `db:"author_id"`
		Channel int64 `db:"channel_id"`
	}
	if err := t.get(ctx, "told post", &p, "SELECT COALESCE(author_id, 0) AS author_id, channel_id FROM posts WHERE id = ?", id); err != nil {
		return err
	}
	c := cause{kind: NoticeMention, actor: p.Author, post: id, channel: p.Channel, key: fmt.Sprint("post:", id), direct: true}
	c.alike = c.key
	for _, member := range mentions {
		if err := t.notify(ctx, member, c); err != nil {
			return err
		}
	}
	if edited {
		return nil
	}
	c.kind, c.alike, c.direct = NoticePost, fmt.Sprint("post:channel:", p.Channel), false
	return t.notifyAll(ctx, c, "channel_follows f JOIN members m ON m.id = f.member_id WHERE f.channel_id = ? AND f.level = 'all'", p.Channel)
}

// notifyLike tells the author of a post or comment (0: none) that it was liked, or takes that back.
func (t *tx) notifyLike(ctx context.Context, v Viewer, post, comment int64, on bool) error {
	about := fmt.Sprint("post:", post)
	if comment != 0 {
		about = fmt.Sprint("comment:", comment)
	}
	key := fmt.Sprint("like:", about, ":", v.ID)
	var to struct {
		Author  int64 `db:"author_id"`
		Channel int64 `db:"channel_id"`
	}
	if err := t.get(ctx, "liked", &to, `SELECT COALESCE(CASE WHEN ? = 0 THEN p.author_id ELSE (SELECT k.author_id FROM comments k WHERE k.id = ?) END, 0) AS author_id, p.channel_id
		FROM posts p WHERE p.id = ?`, comment, comment, post); err != nil || to.Author == 0 || to.Author == v.ID {
		return err
	}
	if on {
		return t.notify(ctx, to.Author, cause{kind: NoticeReaction, key: key, alike: "like:" + about, actor: v.ID, post: post, comment: comment, channel: to.Channel, direct: true})
	}
	res, err := t.exec(ctx, "like taken back", "DELETE FROM notifications WHERE member_id = ? AND cause = ?", to.Author, key)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return t.tell(ctx, MemberTopic(to.Author), EventNotification, 0)
}

// notifyAccepted tells the author of a comment that it is the answer; with comment 0 nobody.
func (t *tx) notifyAccepted(ctx context.Context, v Viewer, post, comment, channel int64) error {
	if comment == 0 {
		return nil
	}
	var author int64
	if err := t.get(ctx, "who answered", &author, "SELECT COALESCE(author_id, 0) FROM comments WHERE id = ?", comment); err != nil {
		return err
	}
	key := fmt.Sprint("accepted:", comment)
	return t.notify(ctx, author, cause{kind: NoticeAccepted, key: key, alike: key, actor: v.ID, post: post, comment: comment, channel: channel, direct: true})
}

// notifyDecision tells the author of a post or comment what a moderator decided about it.
func (t *tx) notifyDecision(ctx context.Context, v Viewer, e Entry) error {
	about := fmt.Sprint("post:", e.PostID)
	if e.CommentID != 0 {
		about = fmt.Sprint("comment:", e.CommentID)
	}
	if e.MemberID == v.ID {
		return nil
	}
	// Who decided is not told: it was the place that did.
	return t.notify(ctx, e.MemberID, cause{kind: NoticeDecision, key: fmt.Sprint("decision:", about, ":", e.Action, ":", t.d.millis()), alike: "decision:" + about, what: e.Action,
		post: e.PostID, comment: e.CommentID, channel: e.ChannelID})
}

// notifyChannel tells a member of something about a channel: that they are invited, or were let in.
func (t *tx) notifyChannel(ctx context.Context, v Viewer, member, channel int64, what string) error {
	about := fmt.Sprint(what, ":", channel)
	return t.notify(ctx, member, cause{kind: NoticeSystem, key: fmt.Sprint(about, ":", t.d.millis()), alike: about, what: what, actor: v.ID, channel: channel})
}

// What a notification about a channel says.
const (
	ToldInvited = "invited"
	ToldLetIn   = "let-in"
)

var mentionPattern = regexp.MustCompile(`href="/u/~(\d+)"`)

// mentionsIn are the members whom a text that was rendered before names.
func mentionsIn(html markup.HTML) (ids []int64) {
	for _, m := range mentionPattern.FindAllStringSubmatch(string(html), -1) {
		if id, err := strconv.ParseInt(m[1], 10, 64); err == nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// NotificationSettings are how a member wants to be told of what.
type NotificationSettings struct {
	Choices map[Notice]Choice
	Digest  Digest
	Hidden  bool // not counted among those who are here
}

// NotificationSettings are the viewer's; what they never chose is as usual.
func (d *DB) NotificationSettings(ctx context.Context, v Viewer) (n NotificationSettings, err error) {
	var rows []struct {
		Kind Notice `db:"kind"`
		App  bool   `db:"app"`
		Mail *bool  `db:"mail"`
	}
	if err := d.list(ctx, "NotificationSettings", &rows, "SELECT kind, app, mail FROM notification_choices WHERE member_id = ?", v.ID); err != nil {
		return n, err
	}
	n.Choices = map[Notice]Choice{}
	for _, kind := range Notices {
		n.Choices[kind] = Choice{App: true, Mail: kind.byLetter()}
	}
	for _, r := range rows {
		c := n.Choices[r.Kind]
		c.App = r.App
		if r.Mail != nil {
			c.Mail = *r.Mail
		}
		n.Choices[r.Kind] = c
	}
	n.Hidden = v.Hidden
	return n, d.get(ctx, "DigestOf", &n.Digest, "SELECT digest FROM members WHERE id = ?", v.ID)
}

// SetNotificationSettings stores the viewer's. A kind that is not in Choices is told in no way. The first digest comes at
// the next hour for it after now, in the viewer's time zone.
func (d *DB) SetNotificationSettings(ctx context.Context, v Viewer, n NotificationSettings) error {
	next := n.Digest.next(d.now(), v.TimeZone)
	return d.change(ctx, "SetNotificationSettings", func(ctx context.Context, tx *tx) error {
		if err := tx.one(ctx, "settings", "UPDATE members SET unseen = ?, digest_next = CASE WHEN digest = ? THEN digest_next ELSE ? END, digest = ? WHERE id = ?",
			n.Hidden, n.Digest, MillisOf(next), n.Digest, v.ID); err != nil {
			return err
		}
		for _, kind := range Notices {
			if _, err := tx.exec(ctx, "choice", `INSERT INTO notification_choices (member_id, kind, app, mail) VALUES (?, ?, ?, ?)
				ON CONFLICT (member_id, kind) DO UPDATE SET app = excluded.app, mail = excluded.mail`, v.ID, kind, n.Choices[kind].App, n.Choices[kind].Mail); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropOldNotifications removes what is older than NotificationsKept, some at a call.
func (d *DB) DropOldNotifications(ctx context.Context) (dropped int64, err error) {
	err = d.change(ctx, "DropOldNotifications", func(ctx context.Context, tx *tx) error {
		res, err := tx.exec(ctx, "old notifications", "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE created_at < ? ORDER BY created_at LIMIT ?)",
			MillisOf(d.now().Add(-NotificationsKept)), notificationsDropped)
		if err != nil {
			return err
		}
		dropped, err = res.RowsAffected()
		return err
	})
	return dropped, err
}
