package db

import (
	"context"
	"errors"
	"fmt"
)

// Access says who may read and write in a channel, and how fast.
type Access struct {
	Visibility Visibility
	Slow       int64 // seconds between two texts of one member, 0 to MaxSlow
	Archived   bool
}

// MaxSlow is the longest time between two texts that a slow channel may ask for: a day.
const MaxSlow = 24 * 60 * 60

// SetAccess changes who may read and write in a channel. For its owner and admins. What was open and becomes private
// leaves every list, count and page of those who are not in the channel with this transaction.
func (d *DB) SetAccess(ctx context.Context, v Viewer, channelID int64, a Access) error {
	if !a.Visibility.Valid() || a.Slow < 0 || a.Slow > MaxSlow {
		return fmt.Errorf("SetAccess %+v: %w", a, ErrForbidden)
	}
	return d.act(ctx, v, "SetAccess", func(ctx context.Context, tx *tx) error {
		old, err := tx.owned(ctx, v, channelID)
		if err != nil {
			return err
		}
		archived := Millis(0)
		if a.Archived {
			archived = d.millis()
		}
		return tx.listing(ctx, channelID, func() error {
			if err := tx.one(ctx, "channel", `UPDATE channels SET visibility = ?, slow_seconds = ?,
				archived_at = CASE WHEN ? = 0 THEN NULL ELSE COALESCE(archived_at, ?) END WHERE id = ?`, a.Visibility, a.Slow, archived, archived, channelID); err != nil {
				return err
			}
			if a.Visibility == Public {
				if _, err := tx.exec(ctx, "requests", "DELETE FROM channel_requests WHERE channel_id = ?", channelID); err != nil {
					return err
				}
			}
			_, err := tx.logged(ctx, v, Entry{Action: "channel-access", ChannelID: channelID, Old: old.words(), New: fmt.Sprintf("%s slow=%d archived=%t", a.Visibility, a.Slow, a.Archived)})
			return err
		})
	})
}

func (s standing) words() string {
	return fmt.Sprintf("%s slow=%d archived=%t", s.Visibility, s.Slow, s.Archived)
}

// owned answers the viewer's standing in a channel that they own, or rule as an admin; else ErrNotFound or ErrForbidden.
func (t *tx) owned(ctx context.Context, v Viewer, channelID int64) (standing, error) {
	s, err := t.standing(ctx, v, channelID)
	if err == nil && s.Role != "owner" && s.SiteRole != Admin {
		err = ErrForbidden
	}
	return s, err
}

// kept is the same for a channel that the viewer keeps: as its owner, its moderator or as staff.
func (t *tx) kept(ctx context.Context, v Viewer, channelID int64) (standing, error) {
	s, err := t.standing(ctx, v, channelID)
	if err == nil && !s.keeper() {
		err = ErrForbidden
	}
	return s, err
}

// listing runs a change of who may read a channel, and when that moves what is in it into the public or out of it, moves
// the numbers of its authors and tags, which count what everybody may read. It reads what the channel holds: about a
// second for 100,000 posts.
func (t *tx) listing(ctx context.Context, channelID int64, change func() error) error {
	var before, after bool
	const is = "SELECT " + listed + " FROM channels c WHERE c.id = ?"
	if err := t.get(ctx, "listed before", &before, is, channelID); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if err := t.tell(ctx, ChannelAccess(channelID), EventChannel, channelID); err != nil {
		return err
	}
	if err := t.get(ctx, "listed after", &after, is, channelID); err != nil || before == after {
		return err
	}
	by := 1
	if before {
		by = -1
	}
	for name, query := range map[string]string{
		"posts of authors": `UPDATE members SET post_count = post_count + ? * x.n FROM
			(SELECT p.author_id, COUNT(*) AS n FROM posts p WHERE p.channel_id = ? AND p.deleted_at IS NULL GROUP BY p.author_id) x WHERE members.id = x.author_id`,
		"comments of authors": `UPDATE members SET comment_count = comment_count + ? * x.n FROM
			(SELECT k.author_id, COUNT(*) AS n FROM posts p CROSS JOIN comments k ON k.post_id = p.id WHERE p.channel_id = ? AND k.deleted_at IS NULL GROUP BY k.author_id) x WHERE members.id = x.author_id`,
		"posts of tags": `UPDATE tags SET post_count = post_count + ? * x.n FROM
			(SELECT y.tag_id, COUNT(*) AS n FROM posts p CROSS JOIN post_tags y ON y.post_id = p.id WHERE p.channel_id = ? AND p.deleted_at IS NULL GROUP BY y.tag_id) x WHERE tags.id = x.tag_id`,
	} {
		if _, err := t.exec(ctx, name, query, by, channelID); err != nil {
			return err
		}
	}
	return nil
}

// DeleteChannel takes a channel and all that is in it from everybody's eyes, however much that is. For its owner and
// admins; RestoreChannel, for admins, brings it back as it was. Its slug stays taken.
func (d *DB) DeleteChannel(ctx context.Context, v Viewer, channelID int64) error {
	return d.act(ctx, v, "DeleteChannel", func(ctx context.Context, tx *tx) error {
		if _, err := tx.owned(ctx, v, channelID); err != nil {
			return err
		}
		return tx.listing(ctx, channelID, func() error {
			if err := tx.one(ctx, "channel", "UPDATE channels SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", d.millis(), channelID); err != nil {
				return err
			}
			_, err := tx.logged(ctx, v, Entry{Action: "channel-delete", ChannelID: channelID})
			return err
		})
	})
}

// RestoreChannel undoes DeleteChannel.
func (d *DB) RestoreChannel(ctx context.Context, v Viewer, channelID int64) error {
	return d.act(ctx, v, "RestoreChannel", func(ctx context.Context, tx *tx) error {
		if v.Role != Admin {
			return ErrNotFound
		}
		return tx.listing(ctx, channelID, func() error {
			if err := tx.one(ctx, "channel", "UPDATE channels SET deleted_at = NULL WHERE id = ? AND deleted_at IS NOT NULL", channelID); err != nil {
				return err
			}
			_, err := tx.logged(ctx, v, Entry{Action: "channel-restore", ChannelID: channelID})
			return err
		})
	})
}

// DeletedChannels lists what RestoreChannel can bring back, the newest first, at most 100. For admins; empty for others.
func (d *DB) DeletedChannels(ctx context.Context, v Viewer) ([]Channel, error) {
	var list []Channel
	if v.Role != Admin {
		return nil, nil
	}
	err := d.list(ctx, "DeletedChannels", &list, "SELECT "+channelColumns+` FROM channels c
		LEFT JOIN memberships ms ON ms.channel_id = c.id AND ms.member_id = ? WHERE c.deleted_at IS NOT NULL ORDER BY c.deleted_at DESC, c.id DESC LIMIT 100`, v.ID)
	return list, err
}

// Join makes the viewer a member of a public channel, or of one that invited them, and staff of any; joining twice changes
// nothing. A restricted one that did not answers ErrNotMember: ask with AskToJoin.
func (d *DB) Join(ctx context.Context, v Viewer, channelID int64) error {
	return d.act(ctx, v, "Join", func(ctx context.Context, tx *tx) error {
		s, err := tx.standing(ctx, v, channelID)
		switch {
		case errors.Is(err, ErrNotFound): // a private channel that invited them is there for this alone
			err = tx.get(ctx, "private channel", &s.Visibility, "SELECT visibility FROM channels WHERE id = ? AND deleted_at IS NULL", channelID)
		case err == nil && s.Role != "":
			return nil
		}
		if err != nil {
			return err
		}
		res, err := tx.exec(ctx, "invitation", "DELETE FROM channel_invitations WHERE member_id = ? AND channel_id = ?", v.ID, channelID)
		if err != nil {
			return err
		}
		invited, err := res.RowsAffected()
		if err != nil {
			return err
		}
		switch {
		case s.Visibility == Public, invited == 1, s.keeper(): // staff could let themselves in
			return join(ctx, tx, v.ID, channelID, d.millis())
		case s.Visibility == Private && s.SiteRole == "":
			return ErrNotFound
		}
		return ErrNotMember
	})
}

// AskToJoin puts the viewer's wish to write in a restricted channel before those who keep it; asking again changes the
// note.
func (d *DB) AskToJoin(ctx context.Context, v Viewer, channelID int64, note string) error {
	return d.act(ctx, v, "AskToJoin", func(ctx context.Context, tx *tx) error {
		s, err := tx.standing(ctx, v, channelID)
		if err != nil {
			return err
		}
		if s.Visibility != Restricted || s.Role != "" {
			return ErrForbidden
		}
		_, err = tx.exec(ctx, "request", `INSERT INTO channel_requests (channel_id, member_id, note, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (channel_id, member_id) DO UPDATE SET note = excluded.note`, channelID, v.ID, note, d.millis())
		return err
	})
}

// Asked reports whether the viewer waits for an answer to AskToJoin.
func (d *DB) Asked(ctx context.Context, v Viewer, channelID int64) (asked bool, err error) {
	err = d.get(ctx, "Asked", &asked, "SELECT EXISTS (SELECT 1 FROM channel_requests WHERE channel_id = ? AND member_id = ?)", channelID, v.ID)
	return asked, err
}

// AnswerRequest lets a member in who asked, or does not. For those who keep the channel. ErrNotFound: there is no such
// request any more, because another moderator answered it.
func (d *DB) AnswerRequest(ctx context.Context, v Viewer, channelID, memberID int64, let bool) error {
	return d.act(ctx, v, "AnswerRequest", func(ctx context.Context, tx *tx) error {
		if _, err := tx.kept(ctx, v, channelID); err != nil {
			return err
		}
		if err := tx.one(ctx, "request", "DELETE FROM channel_requests WHERE channel_id = ? AND member_id = ?", channelID, memberID); err != nil {
			return err
		}
		action := "request-decline"
		if let {
			action = "request-accept"
			if err := join(ctx, tx, memberID, channelID, d.millis()); err != nil {
				return err
			}
			if err := tx.notifyChannel(ctx, v, memberID, channelID, ToldLetIn); err != nil {
				return err
			}
		}
		_, err := tx.logged(ctx, v, Entry{Action: action, ChannelID: channelID, MemberID: memberID})
		return err
	})
}

// InviteToChannel asks a member in. For those who keep the channel. ErrNotFound: no such member, or one who is not
// in yet.
func (d *DB) InviteToChannel(ctx context.Context, v Viewer, channelID int64, handle string) error {
	return d.act(ctx, v, "InviteToChannel", func(ctx context.Context, tx *tx) error {
		if _, err := tx.kept(ctx, v, channelID); err != nil {
			return err
		}
		var member int64
		if err := tx.get(ctx, "member", &member, "SELECT id FROM members WHERE handle_key = ? AND deleted_at IS NULL AND state = 'active' AND password <> ''", FoldLogin(handle)); err != nil {
			return err
		}
		res, err := tx.exec(ctx, "invitation", `INSERT INTO channel_invitations (member_id, channel_id, invited_by, created_at)
			SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE member_id = ? AND channel_id = ?)
			ON CONFLICT (member_id, channel_id) DO NOTHING`, member, channelID, v.ID, d.millis(), member, channelID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return tx.notifyChannel(ctx, v, member, channelID, ToldInvited)
	})
}

// DropInvitation takes an invitation back, or declines one's own.
func (d *DB) DropInvitation(ctx context.Context, v Viewer, channelID, memberID int64) error {
	return d.act(ctx, v, "DropInvitation", func(ctx context.Context, tx *tx) error {
		if memberID != v.ID {
			if _, err := tx.kept(ctx, v, channelID); err != nil {
				return err
			}
		}
		return tx.one(ctx, "invitation", "DELETE FROM channel_invitations WHERE member_id = ? AND channel_id = ?", memberID, channelID)
	})
}

// Invitation is a channel that asks the viewer in.
type Invitation struct {
	ChannelID   int64  `db:"channel_id"`
	Slug        string `db:"slug"`
	Name        string `db:"name"`
	Description string `db:"description"`
	Inviter     string `db:"inviter"` // handle, may be empty
	CreatedAt   Millis `db:"created_at"`
}

// Invitations lists the channels that ask the viewer in, the newest first, at most 50. An invitation is the one thing
// through which somebody outside may know of a private channel.
func (d *DB) Invitations(ctx context.Context, v Viewer) ([]Invitation, error) {
	var list []Invitation
	err := d.list(ctx, "Invitations", &list, `SELECT i.channel_id, c.slug, c.name, c.description, COALESCE(m.handle, '') AS inviter, i.created_at
		FROM channel_invitations i JOIN channels c ON c.id = i.channel_id LEFT JOIN members m ON m.id = i.invited_by
		WHERE i.member_id = ? AND c.deleted_at IS NULL ORDER BY i.created_at DESC, i.channel_id LIMIT 50`, v.ID)
	return list, err
}

// Waiting is somebody at a channel's door: who asked to be let in, or was invited.
type Waiting struct {
	MemberID  int64  `db:"member_id"`
	Handle    string `db:"handle"`
	Name      string `db:"name"`
	Note      string `db:"note"`
	CreatedAt Millis `db:"created_at"`
}

// invitedTo is how many invitations the member m has to answer, at most 9. Like hasBlocks it is a column of the session's
// query, so that no page asks once more.
const invitedTo = `(SELECT COUNT(*) FROM (SELECT 1 FROM channel_invitations i CROSS JOIN channels c ON c.id = i.channel_id
	WHERE i.member_id = m.id AND c.deleted_at IS NULL LIMIT 9) x)`

// Requests lists who asks to be let in, the longest wait first, at most 100. Empty for those who do not keep the channel.
func (d *DB) Requests(ctx context.Context, v Viewer, channelID int64) ([]Waiting, error) {
	var list []Waiting
	err := d.list(ctx, "Requests", &list, `SELECT r.member_id, m.handle, m.name, r.note, r.created_at
		FROM channel_requests r JOIN members m ON m.id = r.member_id WHERE r.channel_id = ? AND m.deleted_at IS NULL AND `+mayModerate("r.channel_id")+`
		ORDER BY r.created_at, r.member_id LIMIT 100`, channelID, v.Staff(), v.ID)
	return list, err
}

// Invited lists whom the channel asked in, the longest wait first, at most 100. Empty for those who do not keep it.
func (d *DB) Invited(ctx context.Context, v Viewer, channelID int64) ([]Waiting, error) {
	var list []Waiting
	err := d.list(ctx, "Invited", &list, `SELECT i.member_id, m.handle, m.name, '' AS note, i.created_at
		FROM channel_invitations i JOIN members m ON m.id = i.member_id WHERE i.channel_id = ? AND m.deleted_at IS NULL AND `+mayModerate("i.channel_id")+`
		ORDER BY i.created_at, i.member_id LIMIT 100`, channelID, v.Staff(), v.ID)
	return list, err
}

// SetChannelRole makes a member of the channel its moderator ("moderator"), an ordinary member again ("member"), or its
// owner ("owner"), who takes the place of the present one. For the channel's owner and admins.
func (d *DB) SetChannelRole(ctx context.Context, v Viewer, channelID, memberID int64, role string) error {
	return d.act(ctx, v, "SetChannelRole", func(ctx context.Context, tx *tx) error {
		if _, err := tx.owned(ctx, v, channelID); err != nil {
			return err
		}
		var old string
		if err := tx.get(ctx, "membership", &old, "SELECT role FROM memberships WHERE channel_id = ? AND member_id = ?", channelID, memberID); err != nil {
			return err
		}
		switch role {
		case "owner":
			if _, err := tx.exec(ctx, "old owner", "UPDATE memberships SET role = 'moderator' WHERE channel_id = ? AND role = 'owner' AND member_id <> ?", channelID, memberID); err != nil {
				return err
			}
			if err := tx.one(ctx, "owner", "UPDATE channels SET owner_id = ? WHERE id = ?", memberID, channelID); err != nil {
				return err
			}
		case "moderator", "member":
			if old == "owner" { // a channel without an owner could not be governed
				return ErrForbidden
			}
		default:
			return ErrForbidden
		}
		if err := tx.one(ctx, "membership", "UPDATE memberships SET role = ? WHERE channel_id = ? AND member_id = ?", role, channelID, memberID); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, Entry{Action: "channel-role", ChannelID: channelID, MemberID: memberID, Old: old, New: role})
		return err
	})
}

// RemoveFromChannel ends another's membership. For those who keep the channel; its owner stays, and a moderator of it is
// removed by its owner or an admin.
func (d *DB) RemoveFromChannel(ctx context.Context, v Viewer, channelID, memberID int64) error {
	return d.act(ctx, v, "RemoveFromChannel", func(ctx context.Context, tx *tx) error {
		s, err := tx.kept(ctx, v, channelID)
		if err != nil {
			return err
		}
		removable := "role = 'member'"
		if s.Role == "owner" || s.SiteRole == Admin {
			removable = "role <> 'owner'"
		}
		if err := forbidden(tx.one(ctx, "membership", "DELETE FROM memberships WHERE member_id = ? AND channel_id = ? AND "+removable, memberID, channelID)); err != nil {
			return err
		}
		if err := tx.one(ctx, "count", "UPDATE channels SET member_count = member_count - 1 WHERE id = ?", channelID); err != nil {
			return err
		}
		if _, err = tx.logged(ctx, v, Entry{Action: "channel-remove", ChannelID: channelID, MemberID: memberID}); err != nil {
			return err
		}
		return tx.tell(ctx, MemberTopic(memberID), EventMember, memberID)
	})
}
