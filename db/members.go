package db

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"codex/app/markup"
)

// Member is a member as their page shows them.
type Member struct {
	ID           int64       `db:"id"`
	Handle       string      `db:"handle"`
	Name         string      `db:"name"`
	Role         Role        `db:"role"`
	Origin       string      `db:"origin"`
	PostCount    int         `db:"post_count"`
	CommentCount int         `db:"comment_count"`
	CreatedAt    Millis      `db:"created_at"`
	SourceURL    string      `db:"source_url"`
	Bio          string      `db:"bio"`
	BioHTML      markup.HTML `db:"bio_html"`
}

// Credentials are what signing in compares; they never leave the handler.
type Credentials struct {
	ID       int64  `db:"id"`
	Handle   string `db:"handle"`
	Password string `db:"password"`
	Email    string `db:"email"` // of CredentialsByID
	Role     Role   `db:"role"`
	Pending  bool   `db:"pending"` // waits to be let in
	Factor   bool   `db:"factor"`  // a code is asked for too
}

const memberColumns = `m.id, m.handle, m.name, m.role, m.origin, m.post_count, m.comment_count, m.created_at, m.source_url, m.bio, m.bio_html`

var handlePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_.\-]{1,28}[\p{L}\p{N}_]$`)

// ValidHandle: 3 to 30 letters, digits, and _ . - inside.
func ValidHandle(handle string) bool {
	return handle == norm.NFKC.String(handle) && handlePattern.MatchString(handle) && !hasControl(handle) && OneScript(handle)
}

// ValidEmail: one bare address, as a mailbox may be named.
func ValidEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email && len(email) <= 254
}

func foldHandle(handle string) string { return strings.ToLower(norm.NFKC.String(handle)) }

// foldEmail is the form in which two addresses are compared.
func foldEmail(email string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(email)))
}

// FoldLogin is the form in which what was typed to sign in is looked up, and counted.
func FoldLogin(login string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(login)))
}

// MemberByHandle finds a member without regard to case.
func (d *DB) MemberByHandle(ctx context.Context, handle string) (Member, error) {
	var m Member
	err := d.get(ctx, "MemberByHandle", &m, "SELECT "+memberColumns+" FROM members m WHERE m.handle_key = ? AND m.deleted_at IS NULL AND m.state = 'active'", foldHandle(handle))
	return m, err
}

// MemberByID finds a member. It is the guide's GetUserWithContext.
func (d *DB) MemberByID(ctx context.Context, id int64) (Member, error) {
	var m Member
	err := d.get(ctx, "MemberByID", &m, "SELECT "+memberColumns+" FROM members m WHERE m.id = ? AND m.deleted_at IS NULL AND m.state = 'active'", id)
	return m, err
}

// CredentialsByLogin finds a member by handle or e-mail address, or by a handle that they had before and that nobody else
// can have; ErrNotFound for those who cannot sign in.
func (d *DB) CredentialsByLogin(ctx context.Context, login string) (Credentials, error) {
	column, key := "handle_key", foldHandle(login)
	if strings.Contains(login, "@") {
		column, key = "email_key", foldEmail(login)
	}
	var c Credentials
	err := d.get(ctx, "CredentialsByLogin", &c, "SELECT id, handle, password, role, state = 'pending' AS pending, totp_secret IS NOT NULL AS factor FROM members WHERE "+column+" = ? AND password <> '' AND deleted_at IS NULL", key)
	if errors.Is(err, ErrNotFound) && column == "handle_key" {
		err = d.get(ctx, "CredentialsByOldHandle", &c, `SELECT m.id, m.handle, m.password, m.role, m.state = 'pending' AS pending, m.totp_secret IS NOT NULL AS factor
			FROM old_handles o JOIN members m ON m.id = o.member_id WHERE o.handle_key = ? AND m.password <> '' AND m.deleted_at IS NULL`, key)
	}
	return c, err
}

// CredentialsByID is the same for a member who is signed in already and must show their password again.
func (d *DB) CredentialsByID(ctx context.Context, id int64) (Credentials, error) {
	var c Credentials
	err := d.get(ctx, "CredentialsByID", &c, "SELECT id, handle, COALESCE(email, '') AS email, password, role, state = 'pending' AS pending, totp_secret IS NOT NULL AS factor FROM members WHERE id = ? AND deleted_at IS NULL", id)
	return c, err
}

// HasAdmin reports whether the site has an owner.
func (d *DB) HasAdmin(ctx context.Context) (bool, error) {
	var n int
	err := d.get(ctx, "HasAdmin", &n, "SELECT EXISTS (SELECT 1 FROM members WHERE role = 'admin' AND deleted_at IS NULL)")
	return n == 1, err
}

// NewMember is what CreateMember writes. Password is a PHC string, empty for those who cannot sign in.
type NewMember struct {
	Handle, Name, Email, Password, Bio, SourceURL string
	Role                                          Role
	Origin                                        string // "registered", "command", "demo" or "import"
	Answer                                        string // to the question at registration
	Address                                       string // that they registered from, forgotten after AddressKept
	Invite                                        []byte // the hash of an invite's token, for Register
	CreatedAt                                     Millis // zero: now
	FirstAdmin                                    bool   // fail with ErrForbidden when the site has an admin

	// Register sets these two.
	Pending  bool  // waits to be let in
	InviteID int64 // that they came by
}

// ErrHandleTaken and ErrEmailTaken say which of the two unique values is in use. A handle is also taken by one that looks
// like it, and by who had it before.
var (
	ErrHandleTaken = &Error{text: "handle is taken", status: 409}
	ErrEmailTaken  = &Error{text: "e-mail address is in use", status: 409}
)

// CreateMember adds a member and answers their id.
func (d *DB) CreateMember(ctx context.Context, n NewMember) (id int64, err error) {
	bio, err := d.rendered(ctx, n.Bio)
	if err != nil {
		return 0, err
	}
	err = d.change(ctx, "CreateMember", func(ctx context.Context, tx *tx) error {
		if n.FirstAdmin {
			var admins int
			if err := tx.get(ctx, "admins", &admins, "SELECT COUNT(*) FROM members WHERE role = 'admin' AND deleted_at IS NULL"); err != nil {
				return err
			}
			if admins > 0 {
				return ErrForbidden
			}
		}
		id, err = insertMember(ctx, tx, n, bio)
		return err
	})
	return id, err
}

func insertMember(ctx context.Context, tx *tx, n NewMember, bio markup.Result) (int64, error) {
	now := tx.d.millis()
	if n.CreatedAt == 0 {
		n.CreatedAt = now
	}
	if n.Role == "" {
		n.Role = Plain
	}
	if n.Name == "" {
		n.Name = n.Handle
	}
	var email, emailKey any
	if n.Email != "" {
		if n.Origin == "registered" && !n.FirstAdmin {
			if err := tx.mailAllowed(ctx, n.Email); err != nil {
				return 0, err
			}
		}
		email, emailKey = n.Email, foldEmail(n.Email)
	}
	skeleton, err := tx.skeletonFor(ctx, n)
	if err != nil {
		return 0, err
	}
	state := "active"
	if n.Pending {
		state = "pending"
	}
	id, err := tx.insert(ctx, "member", `INSERT INTO members
		(handle, handle_key, name, email, email_key, password, role, origin, created_at, caught_up_at, source_url, bio, bio_html, bio_version, trust,
		skeleton, state, answer, address, invite_id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.Handle, foldHandle(n.Handle), n.Name, email, emailKey, n.Password, n.Role, n.Origin, n.CreatedAt, now, n.SourceURL, n.Bio, bio.HTML, markup.Version, firstTrust(n),
		skeleton, state, n.Answer, n.Address, orNull(n.InviteID))
	if errors.Is(err, ErrConflict) {
		if strings.Contains(err.Error(), "email_key") {
			return 0, fmt.Errorf("%w: %w", ErrEmailTaken, err)
		}
		return 0, fmt.Errorf("%w: %w", ErrHandleTaken, err)
	}
	if err != nil || n.Origin != "registered" {
		return id, err
	}
	if n.Email != "" {
		if err := tx.askVerify(ctx, id); err != nil {
			return 0, err
		}
	}
	if n.Role != Plain {
		return id, nil
	}
	hold, err := tx.holdFirst(ctx)
	if err != nil {
		return 0, err
	}
	return id, tx.one(ctx, "hold first", "UPDATE members SET hold_writes = ? WHERE id = ?", hold, id)
}

// SetPassword stores a new PHC string and ends every session but the one named (0: ends all).
func (d *DB) SetPassword(ctx context.Context, memberID int64, phc string, keepSession int64) error {
	return d.change(ctx, "SetPassword", func(ctx context.Context, tx *tx) error {
		return tx.setPassword(ctx, memberID, phc, keepSession)
	})
}

// SetRole gives a member a role and ends their sessions: a session's identity changes when its rights rise.
func (d *DB) SetRole(ctx context.Context, memberID int64, role Role) error {
	return d.change(ctx, "SetRole", func(ctx context.Context, tx *tx) error {
		if err := tx.one(ctx, "role", "UPDATE members SET role = ? WHERE id = ? AND deleted_at IS NULL", role, memberID); err != nil {
			return err
		}
		return endSessions(ctx, tx, memberID, 0, "")
	})
}

// SetProfile stores what a member says of themselves, before everybody: who may not write may not change it either.
func (d *DB) SetProfile(ctx context.Context, v Viewer, name, bio string) error {
	res, err := d.rendered(ctx, bio)
	if err != nil {
		return err
	}
	return d.act(ctx, v, "SetProfile", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "profile", "UPDATE members SET name = ?, bio = ?, bio_html = ?, bio_version = ? WHERE id = ?", name, bio, res.HTML, markup.Version, v.ID)
	})
}

// SetTheme stores "light", "dark", or "" for the system's.
func (d *DB) SetTheme(ctx context.Context, v Viewer, theme string) error {
	return d.change(ctx, "SetTheme", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "theme", "UPDATE members SET theme = ? WHERE id = ?", theme, v.ID)
	})
}

// CaughtUp marks all that is on the site now as read for the viewer.
func (d *DB) CaughtUp(ctx context.Context, v Viewer) error {
	return d.change(ctx, "CaughtUp", func(ctx context.Context, tx *tx) error {
		if err := tx.one(ctx, "caught up", "UPDATE members SET caught_up_at = ? WHERE id = ?", d.millis(), v.ID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "channels", "UPDATE memberships SET seen_at = ? WHERE member_id = ?", d.millis(), v.ID)
		return err
	})
}

// CleanName folds a display name to one line of printable text, at most 60 characters. It fails for text that would
// show as something else, or as nothing: NUL, control and invisible characters, bidirectional overrides.
func CleanName(name string) (string, bool) {
	name, ok := CleanTitle(name)
	if !ok || utf8.RuneCountInString(name) > 60 {
		return "", false
	}
	return name, true
}

// hasControl finds control characters, the bidirectional ones that can make a line read as another, and those that
// show nothing at all. The two joiners are part of how some scripts are written, between letters.
func hasControl(s string) bool {
	before := rune(0)
	for i, r := range s {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return true
		case r == 0x200c || r == 0x200d:
			after, _ := utf8.DecodeRuneInString(s[i+3:])
			if before == 0 || before == ' ' || after == utf8.RuneError || after == ' ' || before == 0x200c || before == 0x200d {
				return true
			}
		case unicode.Is(unicode.Variation_Selector, r): // an emoji's, behind it
			if before == 0 || before == ' ' {
				return true
			}
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == 0x2800:
			return true
		}
		before = r
	}
	return false
}

// OneScript reports that the letters of a handle are of one script, so that it cannot be mistaken for another that
// looks the same, and its digits of one kind. Japanese and Korean are written in several at once.
func OneScript(handle string) bool {
	together := []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo}
	script, zero := "", rune(-1)
	for _, r := range handle {
		if unicode.IsDigit(r) {
			base := r - rune(digitValue(r))
			if zero >= 0 && base != zero {
				return false
			}
			zero = base
			continue
		}
		if !unicode.IsLetter(r) || unicode.Is(unicode.Common, r) || unicode.Is(unicode.Inherited, r) {
			continue
		}
		of := "east"
		if !unicode.In(r, together...) {
			for name, table := range unicode.Scripts {
				if unicode.Is(table, r) {
					of = name
					break
				}
			}
		}
		if script != "" && of != script {
			return false
		}
		script = of
	}
	return true
}

// digitValue is the value of a decimal digit: in every script they stand in tens, in order.
func digitValue(r rune) int {
	n := 0
	for n < 9 && unicode.IsDigit(r-rune(n)-1) {
		n++
	}
	return n % 10
}
