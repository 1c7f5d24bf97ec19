package db

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Bounds of an invite.
const (
	MinInvite     = time.Hour // until it ends
	MaxInvite     = 30 * 24 * time.Hour
	MaxInviteUses = 100
	MaxInviteNote = 100 // characters
	MaxInvites    = 20  // of one member, that can be used at a time
)

// OpenInvites is how many invites of the viewer's can be open at a time, if they can make any: staff MaxInvites, others as
// many as their trust allows.
func OpenInvites(v Viewer) int {
	if v.Staff() {
		return MaxInvites
	}
	return min(TrustLimits(v.Trust).Open, MaxInvites)
}

// ErrTooManyInvites: the member has as many that can be used as OpenInvites allows.
var ErrTooManyInvites = &Error{text: "too many invites", status: http.StatusConflict}

// usable is the condition that an invite lets somebody in. It takes the present instant.
const usable = "invites.ended_at IS NULL AND invites.uses < invites.max_uses AND invites.expires_at > ?"

// NewInvite is what CreateInvite writes. Only the hash of the token comes here.
type NewInvite struct {
	TokenHash []byte
	Note      string        // for its maker
	Uses      int           // 1 to MaxInviteUses
	Lasts     time.Duration // MinInvite to MaxInvite
	Key       string
}

// FormKey is what a sent form is known by: its key and what it says; empty without a key.
func (n NewInvite) FormKey() string {
	return formKey(n.Key, "invite", n.Note, strconv.Itoa(n.Uses), n.Lasts.String())
}

// InviteMakers reads who can make invites: "moderators" or "members".
func (d *DB) InviteMakers(ctx context.Context) (string, error) {
	return d.Setting(ctx, SettingInviteMakers, "moderators")
}

// CreateInvite makes an invite. For those whom the settings let. made is false when the form was sent before: the invite
// is there, and its token is not known any more. ErrTooManyInvites: others have to end first.
func (d *DB) CreateInvite(ctx context.Context, v Viewer, n NewInvite) (made bool, err error) {
	key := n.FormKey()
	if n.Uses < 1 || n.Uses > MaxInviteUses || n.Lasts < MinInvite || n.Lasts > MaxInvite || len(n.TokenHash) != 32 {
		return false, ErrForbidden
	}
	err = d.act(ctx, v, "CreateInvite", func(ctx context.Context, tx *tx) error {
		if id, err := tx.repeated(ctx, v, key); err != nil || id != 0 {
			return err
		}
		var maker struct {
			May   bool `db:"may"`
			Role  Role `db:"role"`
			Trust int  `db:"trust"`
		}
		if err := tx.get(ctx, "maker", &maker, `SELECT role <> 'member' OR EXISTS (SELECT 1 FROM settings WHERE name = '`+SettingInviteMakers+`' AND value = 'members') AS may,
			role, trust FROM members WHERE id = ?`, v.ID); err != nil {
			return err
		}
		if !maker.May {
			return ErrForbidden
		}
		most := OpenInvites(Viewer{Role: maker.Role, Trust: maker.Trust})
		now := d.now()
		var live int
		if err := tx.get(ctx, "live invites", &live, "SELECT COUNT(*) FROM (SELECT 1 FROM invites WHERE made_by = ? AND created_at > ? AND "+usable+" LIMIT ?) x",
			v.ID, MillisOf(now.Add(-MaxInvite)), MillisOf(now), most); err != nil {
			return err
		}
		if live >= most {
			return ErrTooManyInvites
		}
		id, err := tx.insert(ctx, "invite", "INSERT INTO invites (token_hash, made_by, note, created_at, expires_at, max_uses) VALUES (?, ?, ?, ?, ?, ?)",
			n.TokenHash, v.ID, n.Note, MillisOf(now), MillisOf(now.Add(n.Lasts)), n.Uses)
		if err != nil {
			return err
		}
		made = true
		return tx.remember(ctx, v, key, "invite", id)
	})
	return made, err
}

// Invite is an invite as its maker sees it.
type Invite struct {
	ID        int64  `db:"id"`
	Note      string `db:"note"`
	CreatedAt Millis `db:"created_at"`
	ExpiresAt Millis `db:"expires_at"`
	MaxUses   int    `db:"max_uses"`
	Uses      int    `db:"uses"`
	EndedAt   Millis `db:"ended_at"` // 0: not taken back
	Usable    bool   `db:"usable"`
	Came      []Came // by it, the first MaxCame
}

// Came is somebody who came by an invite.
type Came struct {
	InviteID int64  `db:"invite_id"`
	Handle   string `db:"handle"`
	Name     string `db:"name"`
}

// MaxCame is how many of those who came by it stand with an invite.
const MaxCame = 12

// Invites lists the viewer's own, the newest first from after a place on: NewCursor(CreatedAt, ID). At most 20.
func (d *DB) Invites(ctx context.Context, v Viewer, after Cursor, limit int) ([]Invite, error) {
	key, id := after.start()
	var list []Invite
	if err := d.list(ctx, "Invites", &list, `SELECT id, note, created_at, expires_at, max_uses, uses, COALESCE(ended_at, 0) AS ended_at, `+usable+` AS usable
		FROM invites WHERE made_by = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
		d.millis(), v.ID, key, id, min(limit, 21)); err != nil || len(list) == 0 {
		return nil, err
	}
	for i := range list {
		if list[i].Uses == 0 {
			continue
		}
		// One look-up an invite: a page has 20, and one statement for all of them would read every member who came.
		if err := d.list(ctx, "who came", &list[i].Came, `SELECT invite_id, handle, name FROM members
			WHERE invite_id = ? AND deleted_at IS NULL AND state = 'active' ORDER BY id LIMIT ?`, list[i].ID, MaxCame); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// EndInvite takes an invite back: the viewer's own, or for staff anybody's, which stands in the log then. Who came by it
// stays. ErrNotFound: there is none that could be used.
func (d *DB) EndInvite(ctx context.Context, v Viewer, id int64) error {
	return d.change(ctx, "EndInvite", func(ctx context.Context, tx *tx) error {
		var maker int64
		err := tx.get(ctx, "end", &maker, `UPDATE invites SET ended_at = ? WHERE id = ? AND ended_at IS NULL
			AND (made_by = ? OR EXISTS (SELECT 1 FROM members m WHERE m.id = ? AND m.role <> 'member' AND (m.suspended_until IS NULL OR m.suspended_until <= ?) AND `+admissible+`))
			RETURNING COALESCE(made_by, 0)`, d.millis(), id, v.ID, v.ID, d.millis(), d.millis())
		if err != nil || maker == v.ID {
			return err
		}
		_, err = tx.logged(ctx, v, Entry{Action: "invite-end", MemberID: maker})
		return err
	})
}
