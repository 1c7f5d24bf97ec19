package db

import (
	"context"
	"errors"
	"fmt"
)

// Viewer is who asks. The zero value is a guest.
type Viewer struct {
	ID        int64
	Handle    string
	Name      string
	Role      Role
	Theme     string
	SessionID int64
	CreatedAt Millis
	CaughtUp  Millis // what is older is never shown as unread
	Trust     int    // level
	Blocks    bool   // they muted or blocked somebody

	TimeZone       string // IANA name; empty: UTC
	SuspendedUntil Millis // reads, and may not write; what writes asks the row
	ProvedAt       Millis // when the password was last given in this session
	Factor         bool   // a code is asked for at the sign-in
	Holds          int    // how many of their next texts wait for a moderator
	Invited        int    // invitations to channels that they have not answered, at most 9
	Hidden         bool   // not counted among those who are here now
	Unread         int    // notifications, alike ones merged, at most 100
	Unseen         int    // texts of their own that wait or were removed, as UnseenBy lists them, at most 9

	uncounted bool // Invited, Unread and Unseen were not looked up
}

// SignedIn reports whether there is a member behind the request.
func (v Viewer) SignedIn() bool { return v.ID != 0 }

// Staff reports whether the viewer moderates the site.
func (v Viewer) Staff() bool { return v.Role == Moderator || v.Role == Admin }

// Role is what a member may do on the whole site.
type Role string

const (
	Plain     Role = "member"
	Moderator Role = "moderator"
	Admin     Role = "admin"
)

// visible is the one predicate that says which channels a viewer may read. Every listing and every look-up of a
// post or a comment joins its channel as "c" and has this in its WHERE; it takes one parameter, the viewer's id.
//
// Staff read everything, since they answer for the whole site; a private channel says so on its page. Whether somebody is
// staff is asked of the row and not of the Viewer, so that it ends with the transaction that takes the role away.
const visible = visibleTo + "?" + visibleEnd

const (
	visibleTo  = `(c.deleted_at IS NULL AND (c.visibility <> 'private' OR EXISTS (SELECT 1 FROM members vw WHERE vw.id = `
	visibleEnd = ` AND (vw.role <> 'member' OR EXISTS (
	SELECT 1 FROM memberships vm WHERE vm.channel_id = c.id AND vm.member_id = vw.id)))))`
	visibleToM = visibleTo + "m.id" + visibleEnd // the same where the viewer is a row, the member m
)

// unreadable lists the channels that a viewer, its one parameter, may not read. It says nothing that visible does not say,
// and is never asked alone: with it a listing of all channels passes over what stands in a large private one without
// reading it, by the indexes of posts, which hold the channel. 100,000 such posts above the first page cost a guest 284 ms
// before, 30 ms with the indexes alone, and 15 ms with both; a flag on each post would cost none, and 45 µs of the write
// connection for each post of a channel whenever its visibility changes, which is 4.5 s for the same channel.
const unreadable = "(SELECT c.id FROM channels c WHERE (c.visibility = 'private' OR c.deleted_at IS NOT NULL) AND NOT " + visible + ")"

// listed is the condition that what is in a channel counts for everybody: in members' and tags' numbers of posts.
const listed = `(c.deleted_at IS NULL AND c.visibility <> 'private')`

// A write first looks whether its viewer may read what it changes, in its own transaction: what is not there for their
// eyes answers ErrNotFound. The change then says in its own condition who may make it, and when it changes no row the
// answer is ErrForbidden.

// readableChannel fails with ErrNotFound when the viewer may not read the channel.
func (t *tx) readableChannel(ctx context.Context, v Viewer, id int64) error {
	return t.get(ctx, "channel", &id, "SELECT c.id FROM channels c WHERE c.id = ? AND "+visible, id, v.ID)
}

// readablePost is the same for a post that is not deleted, and answers its channel.
func (t *tx) readablePost(ctx context.Context, v Viewer, id int64) (channel int64, err error) {
	err = t.get(ctx, "post", &channel, "SELECT p.channel_id FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ? AND p.deleted_at IS NULL AND "+visible, id, v.ID)
	return channel, err
}

// readableComment is the same for a comment, and answers the post that it stands below and its channel.
func (t *tx) readableComment(ctx context.Context, v Viewer, id int64) (post, channel int64, err error) {
	var at struct {
		Post    int64 `db:"post_id"`
		Channel int64 `db:"channel_id"`
	}
	err = t.get(ctx, "comment", &at, `SELECT k.post_id, p.channel_id FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
		WHERE k.id = ? AND k.deleted_at IS NULL AND p.deleted_at IS NULL AND `+visible, id, v.ID)
	return at.Post, at.Channel, err
}

// forbidden makes of "no row changed" that the viewer, who can read the row, may not change it.
func forbidden(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: no row that the viewer may change", ErrForbidden)
	}
	return err
}
