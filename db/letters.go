package db

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Kinds of jobs that are letters, and what they are about.
const (
	JobVerify       = "verify-mail"       // a member, whose address is to be proved
	JobReset        = "reset-mail"        // an Asked: somebody forgot a password. Whether it is anybody's address is found out by who does the job
	JobChanged      = "changed-mail"      // a member and a Changed: that somebody, they or a thief, changed what opens the account
	JobNotification = "notification-mail" // a member, who is told of what they have not seen
	JobDigest       = "digest-mail"       // a member
)

// MailJobs are all of them.
func MailJobs() []string {
	return []string{JobVerify, JobReset, JobChanged, JobNotification, JobDigest}
}

// Asked is the payload of JobReset.
type Asked struct {
	Address string `json:"address"`
}

// Changed is the payload of JobChanged.
type Changed struct {
	What    string `json:"what"` // ChangedPassword or ChangedEmail
	Handle  string `json:"handle"`
	Address string `json:"address"` // where the letter goes: of a changed address, the old one
}

// What may have changed.
const (
	ChangedPassword = "password"
	ChangedEmail    = "email"
)

// LinkLasts is how long the link of a letter opens something: from when the letter is made, not from when it was asked
// for, so that a mail server that was away takes nothing of it.
const LinkLasts = 30 * time.Minute

const (
	resetWanted   = 24 * time.Hour      // who forgot their password has found another way by then, or asks again
	changedWanted = 24 * time.Hour      // a warning that comes later alarms without use
	toldWanted    = 3 * 24 * time.Hour  // of a notification
	verifyWanted  = 30 * 24 * time.Hour // a forum that sends no mail yet sends these when it begins to
)

// Purpose is what the link of a letter opens.
type Purpose string

// The purposes.
const (
	PurposeVerify Purpose = "verify"
	PurposeReset  Purpose = "reset"
)

// Recipient is whom a letter goes to.
type Recipient struct {
	ID     int64  `db:"id"`
	Handle string `db:"handle"`
	Email  string `db:"email"`
}

// AskVerify asks for a letter that proves the viewer's address. ErrNotFound: there is none, or it is proved.
func (d *DB) AskVerify(ctx context.Context, v Viewer) error {
	return d.change(ctx, "AskVerify", func(ctx context.Context, tx *tx) error {
		var id int64
		if err := tx.get(ctx, "unproved", &id, "SELECT id FROM members WHERE id = ? AND email_key IS NOT NULL AND email_verified_at IS NULL AND deleted_at IS NULL", v.ID); err != nil {
			return err
		}
		return tx.askVerify(ctx, id)
	})
}

// askVerify takes the place of what was asked before and not sent yet.
func (t *tx) askVerify(ctx context.Context, member int64) error {
	if err := t.dropJobs(ctx, JobVerify, member); err != nil {
		return err
	}
	return t.enqueue(ctx, newJob{Kind: JobVerify, Subject: member, Lasts: verifyWanted})
}

// AskReset asks for a letter with which a password can be set anew. It does not look whose address it is: the request of
// a stranger's takes the same time.
func (d *DB) AskReset(ctx context.Context, email string) error {
	return d.change(ctx, "AskReset", func(ctx context.Context, tx *tx) error {
		return tx.enqueue(ctx, newJob{Kind: JobReset, Payload: Asked{email}, Lasts: resetWanted})
	})
}

// warn asks for a letter that says what was changed. It is not taken back by anything that follows, the end of the
// account least of all: that is what a thief would do next.
func (t *tx) warn(ctx context.Context, r Recipient, what string) error {
	if r.Email == "" {
		return nil
	}
	return t.enqueue(ctx, newJob{Kind: JobChanged, Subject: r.ID, Payload: Changed{what, r.Handle, r.Email}, Lasts: changedWanted})
}

// IssueVerify stores the hash of the token that the letter of a JobVerify carries; an older letter's is dead from then
// on. ErrNotFound: there is nothing to prove any more.
func (d *DB) IssueVerify(ctx context.Context, member int64, tokenHash []byte) (r Recipient, err error) {
	err = d.change(ctx, "IssueVerify", func(ctx context.Context, tx *tx) error {
		if err := tx.get(ctx, "unproved", &r, `SELECT id, handle, email FROM members
			WHERE id = ? AND email_key IS NOT NULL AND email_verified_at IS NULL AND deleted_at IS NULL`, member); err != nil {
			return err
		}
		return tx.issue(ctx, r, PurposeVerify, tokenHash)
	})
	return r, err
}

// IssueReset is the same for a JobReset. ErrNotFound: nobody has the address.
func (d *DB) IssueReset(ctx context.Context, email string, tokenHash []byte) (r Recipient, err error) {
	err = d.change(ctx, "IssueReset", func(ctx context.Context, tx *tx) error {
		if err := tx.get(ctx, "whose address", &r, "SELECT id, handle, email FROM members WHERE email_key = ? AND deleted_at IS NULL", foldEmail(email)); err != nil {
			return err
		}
		return tx.issue(ctx, r, PurposeReset, tokenHash)
	})
	return r, err
}

func (t *tx) issue(ctx context.Context, r Recipient, p Purpose, tokenHash []byte) error {
	_, err := t.exec(ctx, "issue", `INSERT INTO mail_tokens (member_id, purpose, token_hash, email_key, expires_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (member_id, purpose) DO UPDATE SET token_hash = excluded.token_hash, email_key = excluded.email_key, expires_at = excluded.expires_at`,
		r.ID, p, tokenHash, foldEmail(r.Email), MillisOf(t.d.now().Add(LinkLasts)))
	return err
}

// LinkHolder is whose link it is, ErrNotFound for one that opens nothing any more. It changes nothing.
func (d *DB) LinkHolder(ctx context.Context, p Purpose, tokenHash []byte) (r Recipient, err error) {
	err = d.get(ctx, "LinkHolder", &r, `SELECT m.id, m.handle, m.email FROM mail_tokens t JOIN members m ON m.id = t.member_id
		WHERE t.token_hash = ? AND t.purpose = ? AND t.expires_at > ? AND m.email_key = t.email_key AND m.deleted_at IS NULL`, tokenHash, p, d.millis())
	return r, err
}

// spend uses up a link. Of any number who try it at once, one is answered whose it was, and the others ErrNotFound.
func (t *tx) spend(ctx context.Context, p Purpose, tokenHash []byte) (member int64, emailKey string, err error) {
	var row struct {
		Member int64  `db:"member_id"`
		Email  string `db:"email_key"`
	}
	err = t.get(ctx, "spend", &row, "DELETE FROM mail_tokens WHERE token_hash = ? AND purpose = ? AND expires_at > ? RETURNING member_id, email_key", tokenHash, p, t.d.millis())
	return row.Member, row.Email, err
}

// VerifyEmail proves the address that the letter went to. ErrNotFound: the link opens nothing any more.
func (d *DB) VerifyEmail(ctx context.Context, tokenHash []byte) error {
	return d.change(ctx, "VerifyEmail", func(ctx context.Context, tx *tx) error {
		member, email, err := tx.spend(ctx, PurposeVerify, tokenHash)
		if err != nil {
			return err
		}
		return tx.one(ctx, "proved", "UPDATE members SET email_verified_at = ? WHERE id = ? AND email_key = ? AND deleted_at IS NULL", d.millis(), member, email)
	})
}

// ResetPassword stores a new PHC string by the link of a letter, and ends all sessions. It proves the address too.
// ErrNotFound: the link opens nothing any more.
func (d *DB) ResetPassword(ctx context.Context, tokenHash []byte, phc string) error {
	return d.change(ctx, "ResetPassword", func(ctx context.Context, tx *tx) error {
		member, email, err := tx.spend(ctx, PurposeReset, tokenHash)
		if err != nil {
			return err
		}
		if err := tx.one(ctx, "proved", "UPDATE members SET email_verified_at = COALESCE(email_verified_at, ?) WHERE id = ? AND email_key = ? AND deleted_at IS NULL", d.millis(), member, email); err != nil {
			return err
		}
		return tx.setPassword(ctx, member, phc, 0)
	})
}

// setPassword is what every change of a password does: a link that was asked for before is dead, and so are the sessions
// but the one named.
func (t *tx) setPassword(ctx context.Context, member int64, phc string, keep int64) error {
	var r Recipient
	if err := t.get(ctx, "password", &r, "UPDATE members SET password = ? WHERE id = ? AND deleted_at IS NULL RETURNING id, handle, COALESCE(email, '') AS email", phc, member); err != nil {
		return err
	}
	if err := t.endLinks(ctx, member); err != nil {
		return err
	}
	if err := t.warn(ctx, r, ChangedPassword); err != nil {
		return err
	}
	return endSessions(ctx, t, member, keep, phc)
}

// endLinks makes what was sent to a member open nothing any more.
func (t *tx) endLinks(ctx context.Context, member int64) error {
	_, err := t.exec(ctx, "end links", "DELETE FROM mail_tokens WHERE member_id = ?", member)
	return err
}

// forgetLetters is what the end of an account does to its letters.
func (t *tx) forgetLetters(ctx context.Context, member int64) error {
	if err := t.dropJobs(ctx, JobVerify, member); err != nil {
		return err
	}
	return t.endLinks(ctx, member)
}

// Address is what a member's settings say of their address.
type Address struct {
	Email    string `db:"email"` // empty: there is none
	Verified bool   `db:"verified"`
	Off      bool   `db:"mail_off"` // no letters but those about the account itself
}

// AddressOf is the viewer's.
func (d *DB) AddressOf(ctx context.Context, v Viewer) (a Address, err error) {
	err = d.get(ctx, "AddressOf", &a, "SELECT COALESCE(email, '') AS email, email_verified_at IS NOT NULL AS verified, mail_off FROM members WHERE id = ? AND deleted_at IS NULL", v.ID)
	return a, err
}

// SetMailOff stops or allows the letters to a member that are not about the account itself.
func (d *DB) SetMailOff(ctx context.Context, member int64, off bool) error {
	return d.change(ctx, "SetMailOff", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "letters", "UPDATE members SET mail_off = ? WHERE id = ? AND deleted_at IS NULL", off, member)
	})
}

// Reachable is whom a letter that is not about the account itself may go to. ErrNotFound: they do not want any, their
// address is not proved, or they are barred or gone.
func (d *DB) Reachable(ctx context.Context, member int64) (r Recipient, err error) {
	err = d.get(ctx, "Reachable", &r, "SELECT m.id, m.handle, m.email FROM members m WHERE m.id = ? AND m.mail_off = 0 AND m.email_verified_at IS NOT NULL AND m.email IS NOT NULL AND "+admissible,
		member, d.millis())
	return r, err
}

// MailAfter is how long a notification waits to be seen before a letter tells of it.
const MailAfter = 10 * time.Minute

// mailLater asks for a letter with all that its member has not seen by then, unless one is asked for: it will tell of
// this too, or ask for the next.
func (t *tx) mailLater(ctx context.Context, member int64, after time.Duration) error {
	var asked bool
	if err := t.get(ctx, "asked letter", &asked, `SELECT EXISTS (SELECT 1 FROM jobs WHERE subject_id = ? AND kind = ? AND state = 'waiting'
		AND claimed_until IS NULL AND (expires_at IS NULL OR expires_at > ?))`, member, JobNotification, t.d.millis()); err != nil || asked {
		return err
	}
	return t.enqueue(ctx, newJob{Kind: JobNotification, Subject: member, After: after, Lasts: toldWanted})
}

// ToMail lists what a letter is to tell a member by now, merged as on the page, at most limit before that. Now is for
// Mailed.
func (d *DB) ToMail(ctx context.Context, member int64, limit int) (list []Notification, now time.Time, err error) {
	now = d.now()
	rows, err := d.notifications(ctx, "ToMail", member, "n.read_at IS NULL AND n.mail_due <= ? AND n.mail_due > ? AND "+seen+" ORDER BY n.mail_due DESC, n.id DESC LIMIT ?",
		MillisOf(now), MillisOf(now.Add(-toldWanted)), limit)
	return mergeAlike(rows), now, err
}

// Mailed reports that a member was told by letter of all that was to be told by an instant, or need not be. What becomes due
// later gets a letter of its own.
func (d *DB) Mailed(ctx context.Context, member int64, by time.Time) error {
	return d.change(ctx, "Mailed", func(ctx context.Context, tx *tx) error {
		if _, err := tx.exec(ctx, "told", "UPDATE notifications SET mail_due = NULL WHERE member_id = ? AND mail_due <= ?", member, MillisOf(by)); err != nil {
			return err
		}
		var next Millis
		err := tx.get(ctx, "next letter", &next, "SELECT mail_due FROM notifications WHERE member_id = ? AND mail_due IS NOT NULL ORDER BY mail_due LIMIT 1", member)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.mailLater(ctx, member, next.Time().Sub(d.now()))
	})
}

// settingMailSecret is the setting that holds what the links to stop letters are signed with.
const settingMailSecret = "mail_secret"

const mailSecretBytes = 32

// MailSecret is what the links are signed with that stop letters without a sign-in. It is made when a letter needs it for
// the first time, and stays with the site: such a link works for as long as its letter lies in a mailbox.
func (d *DB) MailSecret(ctx context.Context) ([]byte, error) {
	secret, err := d.KnownMailSecret(ctx)
	if !errors.Is(err, ErrNotFound) {
		return secret, err
	}
	made := make([]byte, mailSecretBytes)
	_, _ = rand.Read(made) // never fails: it ends the process rather than give weak bytes
	if err := d.change(ctx, "MailSecret", func(ctx context.Context, tx *tx) error {
		// Another process may have been faster; its secret stands then.
		_, err := tx.exec(ctx, "mail secret", "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", settingMailSecret, hex.EncodeToString(made))
		return err
	}); err != nil {
		return nil, err
	}
	return d.KnownMailSecret(ctx)
}

// KnownMailSecret is the same for who only looks at a link. ErrNotFound: no letter was ever signed.
func (d *DB) KnownMailSecret(ctx context.Context) ([]byte, error) {
	stored, err := d.Setting(ctx, settingMailSecret, "")
	if err != nil {
		return nil, err
	}
	if stored == "" {
		return nil, fmt.Errorf("mail secret: %w", ErrNotFound)
	}
	secret, err := hex.DecodeString(stored)
	if err != nil || len(secret) != mailSecretBytes {
		return nil, fmt.Errorf("the setting %s is no key of %d bytes", settingMailSecret, mailSecretBytes)
	}
	return secret, nil
}
