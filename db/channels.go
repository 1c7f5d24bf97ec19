package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gosimple/slug"

	"codex/app/markup"
)

// Channel is a channel as its page and the lists show it.
type Channel struct {
	ID          int64       `db:"id"`
	Slug        string      `db:"slug"`
	Name        string      `db:"name"`
	Description string      `db:"description"`
	Rules       string      `db:"rules"`
	RulesHTML   markup.HTML `db:"rules_html"`
	Members     int         `db:"member_count"`
	Posts       int         `db:"post_count"`
	CreatedAt   Millis      `db:"created_at"`
	ActiveAt    Millis      `db:"active_at"`
	OwnerID     int64       `db:"owner_id"` // 0: nobody
	Joined      bool        `db:"joined"`   // by the viewer
	MyRole      string      `db:"my_role"`  // the viewer's role in it, empty when not joined
	Visibility  Visibility  `db:"visibility"`
	Slow        int64       `db:"slow_seconds"` // between two texts of one member; 0: none
	ArchivedAt  Millis      `db:"archived_at"`  // 0: not archived
	Level       Level       `db:"level"`        // how much of it the viewer wants to hear; of one channel alone, no list has it
	// The post that was active last, in the list of channels alone; LastID 0: none.
	LastID    int64  `db:"last_id"`
	LastSlug  string `db:"last_slug"`
	LastTitle string `db:"last_title"`
}

// RailChannel is a line of the rail: a channel that the viewer joined, or for a guest one of the busiest.
type RailChannel struct {
	ID     int64  `db:"id"`
	Slug   string `db:"slug"`
	Name   string `db:"name"`
	Keeps  bool   `db:"keeps"`  // the viewer is its owner or moderator
	Unread int    `db:"unread"` // posts that came or were answered since the member's last visit and that they have not read, of the newest 100
}

const channelColumns = `c.id, c.slug, c.name, c.description, c.rules, c.rules_html, c.member_count, c.post_count, c.created_at, c.active_at,
	COALESCE(c.owner_id, 0) AS owner_id, ms.member_id IS NOT NULL AS joined, COALESCE(ms.role, '') AS my_role,
	c.visibility, c.slow_seconds, COALESCE(c.archived_at, 0) AS archived_at`

var slugPattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)

// ValidSlug: 2 to 40 of a–z, 0–9 and - inside, and none of the words that are actions in the channels' paths.
func ValidSlug(slug string) bool {
	return len(slug) >= 2 && slug != "new" && slugPattern.MatchString(slug)
}

// ChannelSlugOf makes a channel's address of its name; empty when there are not enough letters in it.
func ChannelSlugOf(name string) string {
	if s := strings.Trim(truncate(slug.Make(name), 40), "-"); ValidSlug(s) {
		return s
	}
	return ""
}

// ChannelBySlug finds a channel that the viewer may read.
func (d *DB) ChannelBySlug(ctx context.Context, v Viewer, slug string) (Channel, error) {
	var c Channel
	err := d.get(ctx, "ChannelBySlug", &c, "SELECT "+channelColumns+`, COALESCE(cf.level, '') AS level FROM channels c
		LEFT JOIN memberships ms ON ms.channel_id = c.id AND ms.member_id = ? LEFT JOIN channel_follows cf ON cf.member_id = ? AND cf.channel_id = c.id
		WHERE c.slug = ? AND `+visible, v.ID, v.ID, slug, v.ID)
	return c, err
}

// ChannelByID is the same by id: what a stored #channel link points at.
func (d *DB) ChannelByID(ctx context.Context, v Viewer, id int64) (Channel, error) {
	var c Channel
	err := d.get(ctx, "ChannelByID", &c, "SELECT "+channelColumns+` FROM channels c
		LEFT JOIN memberships ms ON ms.channel_id = c.id AND ms.member_id = ?
		WHERE c.id = ? AND `+visible, v.ID, id, v.ID)
	return c, err
}

// ReadableChannels are those of some channels that the viewer may read.
func (d *DB) ReadableChannels(ctx context.Context, v Viewer, ids []int64) (map[int64]bool, error) {
	readable := map[int64]bool{}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxRefs) {
		args := make([]any, maxRefs, maxRefs+1) // always as many, so that there is one statement to prepare
		for i := range args {
			args[i] = 0
			if i < len(some) {
				args[i] = some[i]
			}
		}
		var found []int64
		if err := d.list(ctx, "ReadableChannels", &found, "SELECT c.id FROM channels c WHERE c.id IN (?"+strings.Repeat(", ?", maxRefs-1)+") AND "+visible, append(args, v.ID)...); err != nil {
			return nil, err
		}
		for _, id := range found {
			readable[id] = true
		}
	}
	return readable, nil
}

// Channels lists the channels that the viewer may read, the one with the newest activity first, after the cursor.
func (d *DB) Channels(ctx context.Context, v Viewer, after Cursor, limit int) ([]Channel, error) {
	var list []Channel
	key, id := after.start()
	err := d.list(ctx, "Channels", &list, "SELECT "+channelColumns+`, COALESCE(lp.id, 0) AS last_id, COALESCE(lp.slug, '') AS last_slug, COALESCE(lp.title, '') AS last_title
		FROM channels c
		LEFT JOIN memberships ms ON ms.channel_id = c.id AND ms.member_id = ?
		LEFT JOIN posts lp ON lp.id = (SELECT p.id FROM posts p WHERE p.channel_id = c.id AND p.deleted_at IS NULL ORDER BY p.active_at DESC, p.id DESC LIMIT 1)
		WHERE (c.active_at, c.id) < (?, ?) AND `+visible+`
		ORDER BY c.active_at DESC, c.id DESC LIMIT ?`, v.ID, key, id, v.ID, limit)
	return list, err
}

// Rail lists the channels for the rail: of those joined the 30 last visited, by name; for a guest the 12 most active.
func (d *DB) Rail(ctx context.Context, v Viewer) ([]RailChannel, error) {
	var list []RailChannel
	if !v.SignedIn() {
		err := d.list(ctx, "Rail", &list, `SELECT c.id, c.slug, c.name, 0 AS keeps, 0 AS unread FROM channels c
			WHERE `+visible+` ORDER BY c.active_at DESC, c.id DESC LIMIT 12`, v.ID)
		return list, err
	}
	err := d.list(ctx, "Rail", &list, `SELECT c.id, c.slug, c.name, ms.role <> 'member' AS keeps,
			(SELECT COUNT(*) FROM (SELECT p.id, p.active_at FROM posts p WHERE p.channel_id = c.id AND p.deleted_at IS NULL AND p.active_at > ms.seen_at
					ORDER BY p.active_at DESC LIMIT 100) u
				LEFT JOIN reads r ON r.member_id = ? AND r.post_id = u.id WHERE r.read_at IS NULL OR r.read_at < u.active_at) AS unread
		FROM (SELECT channel_id, seen_at, role FROM memberships WHERE member_id = ? ORDER BY seen_at DESC, channel_id LIMIT 30) ms
		CROSS JOIN channels c ON c.id = ms.channel_id
		WHERE `+visible+` ORDER BY c.name, c.id`, v.ID, v.ID, v.ID)
	return list, err
}

// NewChannel is what CreateChannel writes.
type NewChannel struct {
	Slug, Name, Description, Rules string
	Visibility                     Visibility // empty: Public
	Key                            string
}

// CreateChannel makes a channel with the viewer as its owner and first member. ErrConflict: the slug is taken.
// *ManyChannels: not today.
func (d *DB) CreateChannel(ctx context.Context, v Viewer, n NewChannel) (slug string, err error) {
	if n.Visibility == "" {
		n.Visibility = Public
	}
	if !n.Visibility.Valid() {
		return "", fmt.Errorf("CreateChannel: visibility %q: %w", n.Visibility, ErrForbidden)
	}
	rules, err := d.rendered(ctx, n.Rules)
	if err != nil {
		return "", err
	}
	err = d.act(ctx, v, "CreateChannel", func(ctx context.Context, tx *tx) error {
		if id, err := tx.repeated(ctx, v, n.FormKey()); err != nil || id != 0 {
			if err == nil {
				err = tx.get(ctx, "channel", &slug, "SELECT slug FROM channels WHERE id = ?", id)
			}
			return err
		}
		if !v.Staff() {
			var makers string
			err := tx.get(ctx, "channel makers", &makers, "SELECT value FROM settings WHERE name = ?", SettingChannelMakers)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if makers == "moderators" {
				return ErrForbidden
			}
			if err := tx.channelsLeft(ctx, v); err != nil {
				return err
			}
		}
		now := d.millis()
		id, err := tx.insert(ctx, "channel", `INSERT INTO channels (slug, name, description, owner_id, member_count, created_at, active_at, rules, rules_html, rules_version, visibility)
			VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`, n.Slug, n.Name, n.Description, v.ID, now, now, n.Rules, rules.HTML, markup.Version, n.Visibility)
		if err != nil {
			return err
		}
		slug = n.Slug
		if _, err := tx.exec(ctx, "owner", `INSERT INTO memberships (member_id, channel_id, role, joined_at, seen_at) VALUES (?, ?, 'owner', ?, ?)`, v.ID, id, now, now); err != nil {
			return err
		}
		return tx.remember(ctx, v, n.FormKey(), "channel", id)
	})
	return slug, err
}

// ManyChannels says that a member has opened as many channels as a day takes (Limits.Channels).
type ManyChannels struct {
	Most int
	At   Millis // when the next may come
	In   time.Duration
}

func (e *ManyChannels) Error() string             { return fmt.Sprintf("%d channels opened in a day", e.Most) }
func (e *ManyChannels) Status() int               { return http.StatusTooManyRequests }
func (e *ManyChannels) RetryAfter() time.Duration { return e.In }

// channelsLeft counts those that the viewer owns, the deleted too: who hands one on may open another. That leaves no way
// round it but members who take them, and needs no column.
func (t *tx) channelsLeft(ctx context.Context, v Viewer) error {
	var trust int
	if err := t.get(ctx, "trust", &trust, "SELECT trust FROM members WHERE id = ?", v.ID); err != nil {
		return err
	}
	most, now, day := TrustLimits(trust).Channels, t.d.millis(), Millis(24*time.Hour/time.Millisecond)
	var first Millis // the oldest of the last so many
	err := t.get(ctx, "channels today", &first, "SELECT created_at FROM channels WHERE owner_id = ? AND created_at > ? ORDER BY created_at DESC LIMIT 1 OFFSET ?", v.ID, now-day, most-1)
	if err == nil {
		return &ManyChannels{most, first + day, time.Duration(first+day-now) * time.Millisecond}
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// SetChannel changes a channel's name, description and rules; only its owner, its moderators and staff may.
func (d *DB) SetChannel(ctx context.Context, v Viewer, id int64, name, description, rules string) error {
	res, err := d.rendered(ctx, rules)
	if err != nil {
		return err
	}
	return d.act(ctx, v, "SetChannel", func(ctx context.Context, tx *tx) error {
		if err := tx.readableChannel(ctx, v, id); err != nil {
			return err
		}
		return forbidden(tx.one(ctx, "channel", `UPDATE channels SET name = ?, description = ?, rules = ?, rules_html = ?, rules_version = ?
			WHERE id = ? AND `+mayModerate("channels.id"), name, description, rules, res.HTML, markup.Version, id, v.Staff(), v.ID))
	})
}

// mayModerate is the condition that the viewer moderates the channel named by the expression; its parameters are
// whether the viewer is staff, and the viewer's id.
func mayModerate(channel string) string {
	return `(? = 1 OR EXISTS (SELECT 1 FROM memberships mm WHERE mm.channel_id = ` + channel + ` AND mm.member_id = ? AND mm.role IN ('owner', 'moderator')))`
}

func join(ctx context.Context, tx *tx, memberID, channelID int64, now Millis) error {
	res, err := tx.exec(ctx, "membership", `INSERT INTO memberships (member_id, channel_id, joined_at, seen_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (member_id, channel_id) DO NOTHING`, memberID, channelID, now, now)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if err := tx.tell(ctx, MemberTopic(memberID), EventMember, memberID); err != nil {
		return err
	}
	return tx.one(ctx, "count", "UPDATE channels SET member_count = member_count + 1 WHERE id = ?", channelID)
}

// Leave ends the viewer's membership. An owner stays: a channel without one could not be governed.
func (d *DB) Leave(ctx context.Context, v Viewer, channelID int64) error {
	return d.change(ctx, "Leave", func(ctx context.Context, tx *tx) error {
		res, err := tx.exec(ctx, "membership", "DELETE FROM memberships WHERE member_id = ? AND channel_id = ? AND role <> 'owner'", v.ID, channelID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := tx.tell(ctx, MemberTopic(v.ID), EventMember, v.ID); err != nil {
			return err
		}
		return tx.one(ctx, "count", "UPDATE channels SET member_count = member_count - 1 WHERE id = ?", channelID)
	})
}

// SeenChannel marks the channel as visited now.
func (d *DB) SeenChannel(ctx context.Context, v Viewer, channelID int64) error {
	return d.change(ctx, "SeenChannel", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "membership", "UPDATE memberships SET seen_at = ? WHERE member_id = ? AND channel_id = ?", d.millis(), v.ID, channelID)
		return err
	})
}

// ChannelMember is a line of a channel's list of members.
type ChannelMember struct {
	ID       int64  `db:"id"`
	Handle   string `db:"handle"`
	Name     string `db:"name"`
	Role     string `db:"role"`
	JoinedAt Millis `db:"joined_at"`
}

// ChannelMembers lists members in the order in which they joined, after the cursor.
func (d *DB) ChannelMembers(ctx context.Context, v Viewer, channelID int64, after Cursor, limit int) ([]ChannelMember, error) {
	var list []ChannelMember
	err := d.list(ctx, "ChannelMembers", &list, `SELECT m.id, m.handle, m.name, ms.role, ms.joined_at
		FROM memberships ms JOIN members m ON m.id = ms.member_id JOIN channels c ON c.id = ms.channel_id
		WHERE ms.channel_id = ? AND (ms.joined_at, ms.member_id) > (?, ?) AND m.deleted_at IS NULL AND `+visible+`
		ORDER BY ms.joined_at, ms.member_id LIMIT ?`, channelID, after.Key, after.ID, v.ID, limit)
	return list, err
}

// MemberChannel is a channel that a member is in.
type MemberChannel struct {
	ID   int64  `db:"id"`
	Slug string `db:"slug"`
	Name string `db:"name"`
	Role string `db:"role"`
}

// ChannelsOf lists channels that a member joined and that the viewer may read, at most 8: those that the member keeps,
// then the most active. When they were last there is nobody else's business, so it does not order them. Of somebody who
// joined more than 200 it looks at that many.
func (d *DB) ChannelsOf(ctx context.Context, v Viewer, memberID int64) ([]MemberChannel, error) {
	var list []MemberChannel
	err := d.list(ctx, "ChannelsOf", &list, `SELECT c.id, c.slug, c.name, ms.role
		FROM (SELECT channel_id, role FROM memberships WHERE member_id = ? ORDER BY channel_id LIMIT 200) ms CROSS JOIN channels c ON c.id = ms.channel_id
		WHERE `+visible+` ORDER BY ms.role DESC, c.active_at DESC, c.id DESC LIMIT 8`, memberID, v.ID)
	return list, err
}

// ChannelKeepers lists who keeps a channel: its owner and moderators, at most 6.
func (d *DB) ChannelKeepers(ctx context.Context, v Viewer, channelID int64) ([]ChannelMember, error) {
	var list []ChannelMember
	err := d.list(ctx, "ChannelKeepers", &list, `SELECT m.id, m.handle, m.name, ms.role, ms.joined_at
		FROM memberships ms JOIN members m ON m.id = ms.member_id JOIN channels c ON c.id = ms.channel_id
		WHERE ms.channel_id = ? AND ms.role <> 'member' AND m.deleted_at IS NULL AND `+visible+` ORDER BY ms.role DESC, ms.member_id LIMIT 6`, channelID, v.ID)
	return list, err
}
