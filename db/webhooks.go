package db

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// This file decides which programs are told of what. A webhook is told of what everybody may read, and of nothing else,
// whatever its maker may read: what it is told leaves the forum, and no right that is taken away later takes it back. It
// is looked at when it happens and again when it is delivered (db/deliveries.go).

// HookKind is a kind of happening that a webhook is told of.
type HookKind string

const (
	HookPostCreated      HookKind = "post.created"      // it is there from now on: new, approved, or restored
	HookPostRemoved      HookKind = "post.removed"      // it was there, and is not: deleted by its author or a moderator, or held
	HookCommentCreated   HookKind = "comment.created"   // the same for a comment
	HookCommentRemoved   HookKind = "comment.removed"   //
	HookMemberRegistered HookKind = "member.registered" // somebody joined, or was let in
	HookPing             HookKind = "ping"              // an admin tries the webhook out
)

// HookKinds are those that a webhook can ask for, in the order in which a page shows them.
var HookKinds = [...]HookKind{HookPostCreated, HookPostRemoved, HookCommentCreated, HookCommentRemoved, HookMemberRegistered}

// JobWebhook is the kind of the jobs that deliver; the subject is the webhook.
const JobWebhook = "webhook"

const (
	// MaxWebhooks is how many a forum can have: each is a job for each happening.
	MaxWebhooks = 20
	hookLasts   = 3 * 24 * time.Hour // then a delivery that could not be made is old news
)

// ErrTooManyWebhooks: there are MaxWebhooks.
var ErrTooManyWebhooks = &Error{text: "too many webhooks", status: http.StatusConflict}

// Webhook is a webhook as admins see it. Its secret is not here: nothing shows it again.
type Webhook struct {
	ID        int64  `db:"id"`
	URL       string `db:"url"`
	Kinds     string `db:"kinds"` // Has reads it
	Active    bool   `db:"active"`
	OffFor    string `db:"off_for"` // why the forum switched it off: OffForFailures, OffForGone; empty: it did not
	Failures  int    `db:"failures"`
	CreatedAt Millis `db:"created_at"`
}

// Why the forum switches a webhook off by itself.
const (
	OffForFailures = "failures" // HookFailures attempts failed in a row, for at least HookPatience
	OffForGone     = "gone"     // the receiver answered 410: it wants no more
)

// Has says whether it is told of a kind.
func (h Webhook) Has(kind HookKind) bool { return strings.Contains(h.Kinds, ","+string(kind)+",") }

// hookKinds is a choice of kinds as it is stored; what is no kind is left out.
func hookKinds(chosen []HookKind) string {
	var known []string
	for _, kind := range HookKinds {
		if slices.Contains(chosen, kind) {
			known = append(known, string(kind))
		}
	}
	if known == nil {
		return ""
	}
	return "," + strings.Join(known, ",") + ","
}

// NewWebhook is what AddWebhook writes.
type NewWebhook struct {
	URL, Host string // the host is what the log says
	Secret    string
	Kinds     []HookKind
	Key       string
}

// FormKey is what a sent form is known by.
func (n NewWebhook) FormKey() string { return formKey(n.Key, "webhook", n.URL, hookKinds(n.Kinds)) }

// AddWebhook makes a webhook. For admins. made is false when the form was sent before: its secret is not known any more.
func (d *DB) AddWebhook(ctx context.Context, v Viewer, n NewWebhook) (id int64, made bool, err error) {
	err = d.change(ctx, "AddWebhook", func(ctx context.Context, tx *tx) error {
		if err := tx.admin(ctx, v); err != nil {
			return err
		}
		if id, err = tx.repeated(ctx, v, n.FormKey()); err != nil || id != 0 {
			return err
		}
		var there int
		if err := tx.get(ctx, "webhooks", &there, "SELECT COUNT(*) FROM (SELECT 1 FROM webhooks LIMIT ?) x", MaxWebhooks); err != nil {
			return err
		}
		if there >= MaxWebhooks {
			return ErrTooManyWebhooks
		}
		id, err = tx.insert(ctx, "webhook", "INSERT INTO webhooks (url, secret, kinds, created_at) VALUES (?, ?, ?, ?)", n.URL, n.Secret, hookKinds(n.Kinds), d.millis())
		if err != nil {
			return err
		}
		made = true
		if _, err := tx.logged(ctx, v, Entry{Action: "webhook-add", New: n.Host}); err != nil {
			return err
		}
		return tx.remember(ctx, v, n.FormKey(), "webhook", id)
	})
	return id, made, err
}

// overWebhook is a change to a webhook by an admin, with its entry in the log: the host of the webhook, which f answers
// from its address, is what moderators read there, for the rest of an address may be a secret.
func (d *DB) overWebhook(ctx context.Context, v Viewer, name string, id int64, e Entry, f func(ctx context.Context, tx *tx) error) error {
	return d.change(ctx, name, func(ctx context.Context, tx *tx) error {
		if err := tx.admin(ctx, v); err != nil {
			return err
		}
		if err := tx.get(ctx, "webhook", &e.Old, "SELECT url FROM webhooks WHERE id = ?", id); err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil || e.Action == "" {
			return err
		}
		e.Old = hostOf(e.Old)
		_, err := tx.logged(ctx, v, e)
		return err
	})
}

// hostOf is the host of an address that was checked when it was stored.
func hostOf(address string) string {
	if hosts := hostsOf([]string{address}); len(hosts) == 1 {
		return hosts[0]
	}
	return ""
}

// SetWebhookKinds chooses what a webhook is told of. For admins.
func (d *DB) SetWebhookKinds(ctx context.Context, v Viewer, id int64, kinds []HookKind) error {
	stored := hookKinds(kinds)
	e := Entry{Action: "webhook-kinds", New: strings.ReplaceAll(strings.Trim(stored, ","), ",", ", ")}
	return d.overWebhook(ctx, v, "SetWebhookKinds", id, e, func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "kinds", "UPDATE webhooks SET kinds = ? WHERE id = ?", stored, id)
	})
}

// SwitchWebhook switches a webhook on, as if it had never failed, or off. While it is off it misses what happens, and what
// waits to be delivered is dropped with either. For admins.
func (d *DB) SwitchWebhook(ctx context.Context, v Viewer, id int64, on bool) error {
	e := Entry{Action: "webhook-off"}
	if on {
		e.Action = "webhook-on"
	}
	return d.overWebhook(ctx, v, "SwitchWebhook", id, e, func(ctx context.Context, tx *tx) error {
		if err := tx.one(ctx, "switch", "UPDATE webhooks SET active = ?, off_for = '', failures = 0, failing_since = NULL, paused_until = 0 WHERE id = ?", on, id); err != nil {
			return err
		}
		return tx.dropJobs(ctx, JobWebhook, id)
	})
}

// DropWebhook removes a webhook, with its log and what waits. For admins.
func (d *DB) DropWebhook(ctx context.Context, v Viewer, id int64) error {
	return d.overWebhook(ctx, v, "DropWebhook", id, Entry{Action: "webhook-drop"}, func(ctx context.Context, tx *tx) error {
		if err := tx.dropJobs(ctx, JobWebhook, id); err != nil {
			return err
		}
		return tx.one(ctx, "webhook", "DELETE FROM webhooks WHERE id = ?", id)
	})
}

const webhookColumns = "id, url, kinds, active, off_for, failures, created_at"

// Webhooks lists all. Empty for who is no admin.
func (d *DB) Webhooks(ctx context.Context, v Viewer) ([]Webhook, error) {
	if v.Role != Admin {
		return nil, nil
	}
	var list []Webhook
	err := d.list(ctx, "Webhooks", &list, "SELECT "+webhookColumns+" FROM webhooks ORDER BY id LIMIT ?", MaxWebhooks)
	return list, err
}

// WebhookByID finds one. ErrNotFound for who is no admin.
func (d *DB) WebhookByID(ctx context.Context, v Viewer, id int64) (h Webhook, err error) {
	if v.Role != Admin {
		return h, ErrNotFound
	}
	err = d.get(ctx, "WebhookByID", &h, "SELECT "+webhookColumns+" FROM webhooks WHERE id = ?", id)
	return h, err
}

// Happening is what a job delivers: ids alone. What it says of them is read when it is delivered.
type Happening struct {
	ID       string   `json:"id"`       // UUID: the same for all webhooks that are told of it
	Delivery string   `json:"delivery"` // UUID: the same for all attempts, and when it is sent again
	Event    HookKind `json:"event"`
	Subject  int64    `json:"subject"` // the post, comment or member
	At       Millis   `json:"at"`
	Once     bool     `json:"once"` // an admin asked for it: tried once, also while the webhook is off
}

// hook tells the webhooks of a happening. It is for what was found to be for everybody in this transaction.
func (t *tx) hook(ctx context.Context, kind HookKind, subject int64) error {
	var told []int64
	if err := t.list(ctx, "webhooks", &told, "SELECT id FROM webhooks WHERE active = 1 AND kinds LIKE ? ORDER BY id LIMIT ?", "%,"+string(kind)+",%", MaxWebhooks); err != nil || len(told) == 0 {
		return err
	}
	id, err := newUUID()
	if err != nil {
		return err
	}
	for _, hook := range told {
		if err := t.deliver(ctx, hook, Happening{ID: id, Event: kind, Subject: subject, At: t.d.millis()}); err != nil {
			return err
		}
	}
	return nil
}

// deliver writes the job.
func (t *tx) deliver(ctx context.Context, hook int64, h Happening) error {
	if h.Delivery == "" {
		var err error
		if h.Delivery, err = newUUID(); err != nil {
			return err
		}
	}
	return t.enqueue(ctx, newJob{Kind: JobWebhook, Subject: hook, Payload: h, Lasts: hookLasts})
}

// hookPost tells of a post that this transaction shows or hides. Nobody is told of one that not everybody may read, nor
// of the hiding of one that was never shown.
func (t *tx) hookPost(ctx context.Context, id int64) error {
	return t.hookText(ctx, id, HookPostCreated, HookPostRemoved,
		"SELECT p.deleted_at IS NULL FROM posts p JOIN channels c ON c.id = p.channel_id WHERE "+anyHook+" AND p.id = ? AND "+visible)
}

// hookComment is the same for a comment.
func (t *tx) hookComment(ctx context.Context, id int64) error {
	return t.hookText(ctx, id, HookCommentCreated, HookCommentRemoved, `SELECT k.deleted_at IS NULL FROM comments k JOIN posts p ON p.id = k.post_id
		JOIN channels c ON c.id = p.channel_id WHERE `+anyHook+` AND k.id = ? AND p.deleted_at IS NULL AND `+visible)
}

// anyHook ends a look at a text at once in the forums that have no webhook, which are most.
const anyHook = "EXISTS (SELECT 1 FROM webhooks WHERE active = 1)"

func (t *tx) hookText(ctx context.Context, id int64, shown, hidden HookKind, query string) error {
	var listed []bool // one, or none
	if err := t.list(ctx, "for everybody", &listed, query, id, guest); err != nil || len(listed) == 0 {
		return err
	}
	switch {
	case listed[0]:
		return t.hook(ctx, shown, id)
	case t.neverShown:
		return nil
	}
	return t.hook(ctx, hidden, id)
}

// guest is the id of a viewer who is nobody: what they may read, everybody may.
const guest int64 = 0

func newUUID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("id of a delivery: %w", err)
	}
	return id.String(), nil
}
