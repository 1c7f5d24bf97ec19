package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Visibility says who may read and write in a channel.
type Visibility string

const (
	Public     Visibility = "public"     // everybody reads, every member writes
	Restricted Visibility = "restricted" // everybody reads, the channel's members write
	Private    Visibility = "private"    // the channel's members read and write; to others it is not there
)

// Valid reports one of the three.
func (v Visibility) Valid() bool { return v == Public || v == Restricted || v == Private }

var (
	// ErrReadOnly: the forum takes no writes but those of its staff, because an admin said so. Nobody knows for how long.
	ErrReadOnly = &Error{text: "the forum is read-only", status: http.StatusServiceUnavailable, meant: true}
	// ErrArchived: the channel takes no writes any more.
	ErrArchived = &Error{text: "the channel is archived", status: http.StatusForbidden}
	// ErrNotMember: only members of the channel write in it.
	ErrNotMember = &Error{text: "not a member of the channel", status: http.StatusForbidden}
)

// Barred says that a member may not write, or not be here, for a time.
type Barred struct {
	Banned bool
	Until  Millis // Forever: until a moderator lifts it
	Reason string // as the member is told
}

func (b *Barred) Error() string {
	if b.Banned {
		return "the member is banned"
	}
	return "the member is suspended"
}
func (b *Barred) Status() int   { return http.StatusForbidden }
func (b *Barred) Unwrap() error { return ErrForbidden }

// Barring tells a viewer why they may not write: a *Barred as of now, nil for who may. It is for their own eyes.
func (d *DB) Barring(ctx context.Context, v Viewer) (*Barred, error) {
	var m struct {
		Until  Millis `db:"suspended_until"`
		Reason string `db:"barred_for"`
	}
	err := d.get(ctx, "Barring", &m, "SELECT suspended_until, barred_for FROM members WHERE id = ? AND suspended_until > ? AND deleted_at IS NULL", v.ID, d.millis())
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Barred{Until: m.Until, Reason: m.Reason}, nil
}

// Forever is the end of what has none.
const Forever Millis = 1<<62 - 1

// Slow says that the channel takes one text in so long a time of a member.
type Slow struct {
	Every time.Duration
	Wait  time.Duration // from now
}

func (s *Slow) Error() string             { return "the channel is slow" }
func (s *Slow) Status() int               { return http.StatusTooManyRequests }
func (s *Slow) RetryAfter() time.Duration { return s.Wait }

// act is change for what a member does among others: write, react, join. It fails with ErrForbidden for a guest, a
// *Barred for who is suspended or banned, and ErrReadOnly while the forum is read-only, whatever the handler thought.
//
// Moderators and admins of the site are exempt from the last: a forum that is shut because of a wave is one in which they
// have most to decide. Those who keep a channel write nothing either; their cases they decide, by judge.
func (d *DB) act(ctx context.Context, v Viewer, name string, f func(ctx context.Context, tx *tx) error) error {
	if !v.SignedIn() {
		return fmt.Errorf("%s: %w", name, ErrForbidden)
	}
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		if err := tx.admitted(ctx, v); err != nil {
			return err
		}
		return f(ctx, tx)
	})
}

// actBelow is act for what is written below a post, as the answer to its comment parent or to itself (0), with what the
// write asks about all that, in one look: each statement of a write costs more than what it reads. refused is why the
// viewer may not write there, and nil else; a form that was sent before, by its FormKey, has its answer nevertheless.
func (d *DB) actBelow(ctx context.Context, v Viewer, name string, post, parent int64, key string, f func(ctx context.Context, tx *tx, s below, refused error) error) error {
	if !v.SignedIn() {
		return fmt.Errorf("%s: %w", name, ErrForbidden)
	}
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		var s below
		refused := tx.get(ctx, "post", &s, standingColumns+belowColumns+"FROM posts p CROSS JOIN channels c ON c.id = p.channel_id"+standingJoins+
			" WHERE p.id = ? AND p.deleted_at IS NULL AND "+visible, key, parent, parent, v.ID, post, v.ID)
		if refused == nil {
			if err := s.refuses(tx.d.millis()); err != nil {
				return err
			}
			refused = s.open()
		} else if err := tx.admitted(ctx, v); err != nil {
			return err
		} else if s.Repeated, err = tx.repeated(ctx, v, key); err != nil {
			return err
		}
		return f(ctx, tx, s, refused)
	})
}

// admission is what decides whether a member may do anything among others.
type admission struct {
	Suspended Millis `db:"suspended_until"`
	Banned    Millis `db:"banned_until"`
	Reason    string `db:"barred_for"`
	State     string `db:"state"`
	SiteRole  Role   `db:"site_role"`
	ReadOnly  bool   `db:"read_only"`
}

const admissionColumns = `COALESCE(m.suspended_until, 0) AS suspended_until, COALESCE(m.banned_until, 0) AS banned_until, m.barred_for, m.state, m.role AS site_role,
	EXISTS (SELECT 1 FROM settings WHERE name = '` + SettingReadOnly + `' AND value = 'on') AS read_only`

func (a admission) refuses(now Millis) error {
	switch {
	case a.State != "active":
		return ErrForbidden
	case a.Banned > now:
		return &Barred{true, a.Banned, a.Reason}
	case a.Suspended > now:
		return &Barred{false, a.Suspended, a.Reason}
	case a.ReadOnly && a.SiteRole == Plain:
		return ErrReadOnly
	}
	return nil
}

func (t *tx) admitted(ctx context.Context, v Viewer) error {
	var a admission
	if err := t.get(ctx, "member", &a, "SELECT "+admissionColumns+" FROM members m WHERE m.id = ? AND m.deleted_at IS NULL", v.ID); err != nil {
		return forbidden(err)
	}
	return a.refuses(t.d.millis())
}

// standing is how a viewer stands in a channel that they can read.
type standing struct {
	admission
	Visibility Visibility `db:"visibility"`
	Archived   bool       `db:"archived"`
	Slow       int64      `db:"slow_seconds"`
	Role       string     `db:"channel_role"` // in the channel; empty: not joined
	Channel    int64      `db:"channel_id"`

	// What the rules that hold ask of whom.
	Origin  string `db:"origin"`
	Trust   int    `db:"trust"`
	Hold    int    `db:"hold_writes"`
	HoldAll bool   `db:"hold_all"`
	Links   string `db:"links"`   // the setting of the viewer's trust; empty: as usual
	Watched bool   `db:"watched"` // there is a watch list
	Blocked bool   `db:"blocked"` // by anybody
}

func (s standing) keeper() bool {
	return s.SiteRole == Moderator || s.SiteRole == Admin || s.Role == "owner" || s.Role == "moderator"
}

// standing fails with ErrNotFound where the viewer may not read.
func (t *tx) standing(ctx context.Context, v Viewer, channelID int64) (s standing, err error) {
	err = t.get(ctx, "standing", &s, standingColumns+"FROM channels c"+standingJoins+" WHERE c.id = ? AND "+visible, v.ID, channelID, v.ID)
	return s, err
}

const (
	standingColumns = `SELECT c.id AS channel_id, c.visibility, c.archived_at IS NOT NULL AS archived, c.slow_seconds, COALESCE(ms.role, '') AS channel_role, ` + admissionColumns + `,
		m.origin, m.trust, m.hold_writes, EXISTS (SELECT 1 FROM settings WHERE name = '` + SettingHoldAll + `' AND value = 'on') AS hold_all,
		COALESCE((SELECT value FROM settings WHERE name = '` + SettingLinks + `' || m.trust), '') AS links, EXISTS (SELECT 1 FROM watch_words WHERE word > '') AS watched,
		EXISTS (SELECT 1 FROM blocks b WHERE b.other_id = m.id AND b.kind = 'block') AS blocked `
	// standingJoins takes the viewer's id.
	standingJoins = " CROSS JOIN members m ON m.id = ? AND m.deleted_at IS NULL LEFT JOIN memberships ms ON ms.channel_id = c.id AND ms.member_id = m.id"
)

// below is how a viewer stands who answers a post or one of its comments.
type below struct {
	standing
	Drafting bool  `db:"drafting"` // there is a draft of the viewer's
	Hooked   bool  `db:"hooked"`   // there is a webhook
	Repeated int64 `db:"repeated"` // what the form made when it was sent before; 0: it was not
	told
}

// belowColumns take a FormKey and the comment that is answered, twice; 0: none.
var belowColumns = ", COALESCE((SELECT subject_id FROM idempotency_keys WHERE member_id = m.id AND key = ?), 0) AS repeated, EXISTS (SELECT 1 FROM drafts WHERE member_id = m.id) AS drafting, " + anyHook + " AS hooked, " + toldColumns("?") + " "

// mayWrite fails where the viewer may read the channel and may not write in it: auth.May says the same of Write.
func (t *tx) mayWrite(ctx context.Context, v Viewer, channelID int64) (s standing, err error) {
	if s, err = t.standing(ctx, v, channelID); err != nil {
		return s, err
	}
	return s, s.open()
}

// open fails where who stands there may not write.
func (s standing) open() error {
	switch {
	case s.Archived:
		return ErrArchived
	case s.Visibility != Public && s.Role == "" && !s.keeper():
		return ErrNotMember
	}
	return nil
}

// paced fails with a *Slow when the channel is slow and the viewer's last post or comment in it too fresh. Those who keep
// the channel are not held up. It looks at what the viewer wrote within the time, of which there is little.
func (t *tx) paced(ctx context.Context, v Viewer, channelID int64, s standing) error {
	if s.Slow == 0 || s.keeper() {
		return nil
	}
	now := t.d.millis()
	since := now - Millis(s.Slow*1000)
	var at struct {
		Post    Millis `db:"post"`
		Comment Millis `db:"comment"`
	}
	if err := t.get(ctx, "last words", &at, `SELECT
		COALESCE((SELECT created_at FROM posts WHERE author_id = ? AND created_at > ? AND channel_id = ? ORDER BY created_at DESC, id DESC LIMIT 1), 0) AS post,
		COALESCE((SELECT k.created_at FROM comments k CROSS JOIN posts p ON p.id = k.post_id WHERE k.author_id = ? AND k.created_at > ? AND p.channel_id = ?
			ORDER BY k.created_at DESC, k.id DESC LIMIT 1), 0) AS comment`, v.ID, since, channelID, v.ID, since, channelID); err != nil {
		return err
	}
	last := max(at.Post, at.Comment)
	if last == 0 {
		return nil
	}
	return &Slow{Every: time.Duration(s.Slow) * time.Second, Wait: time.Duration(last-since) * time.Millisecond}
}
