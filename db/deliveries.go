package db

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// This file is what the delivery of webhooks (app/webhooks) asks and writes down.

const (
	// HookFailures and HookPatience are how often and how long a webhook fails before it is switched off: both, so that an
	// evening's outage of a busy forum's receiver does not, and neither does a month of silence between two failures.
	HookFailures = 20
	HookPatience = 24 * time.Hour
	// DeliveriesKept is how long an attempt is in the log, and can be replayed.
	DeliveriesKept = 14 * 24 * time.Hour

	// After hookPauses failures in a row nothing is tried for a while, which doubles: a receiver that hangs costs a worker
	// its 5 s once in a while, and not for each of a thousand deliveries.
	hookPauses        = 5
	firstPause        = 10 * time.Second
	longestPause      = 10 * time.Minute
	deliveriesDropped = 1000 // at a call
)

// Target is where a webhook's deliveries go, and with what they are signed.
type Target struct {
	ID          int64  `db:"id"`
	URL         string `db:"url"`
	Secret      string `db:"secret"`
	Active      bool   `db:"active"`
	PausedUntil Millis `db:"paused_until"`
}

// WebhookTarget finds it for the delivery. It is for no page.
func (d *DB) WebhookTarget(ctx context.Context, id int64) (t Target, err error) {
	err = d.get(ctx, "WebhookTarget", &t, "SELECT id, url, secret, active, paused_until FROM webhooks WHERE id = ?", id)
	return t, err
}

// News is what a webhook is told of a happening: ids, and what their addresses are made of.
type News struct {
	PostID      int64  `db:"post_id"`
	PostSlug    string `db:"post_slug"` // of one that is there
	CommentID   int64  `db:"comment_id"`
	ChannelID   int64  `db:"channel_id"`
	ChannelSlug string `db:"channel_slug"`
	MemberID    int64  `db:"member_id"` // who wrote it, or registered; 0: nobody that is known
	Handle      string `db:"handle"`
}

const (
	newsColumns = "p.id AS post_id, c.id AS channel_id, c.slug AS channel_slug"
	newsAuthor  = ", COALESCE(m.id, 0) AS member_id, COALESCE(m.handle, '') AS handle"
	newsMember  = " AND m.deleted_at IS NULL AND m.state = 'active'"
)

// NewsOf reads what there is to tell of a happening, as a guest would now. ErrNotFound: nothing any more. It is gone, or
// not for everybody; or what was removed is there again.
func (d *DB) NewsOf(ctx context.Context, h Happening) (n News, err error) {
	switch h.Event {
	case HookPostCreated:
		err = d.get(ctx, "NewsOf post", &n, "SELECT "+newsColumns+", p.slug AS post_slug"+newsAuthor+` FROM posts p JOIN channels c ON c.id = p.channel_id
			LEFT JOIN members m ON m.id = p.author_id`+newsMember+" WHERE p.id = ? AND p.deleted_at IS NULL AND "+visible, h.Subject, guest)
	case HookPostRemoved:
		err = d.get(ctx, "NewsOf removed post", &n, "SELECT "+newsColumns+" FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.id = ? AND p.deleted_at IS NOT NULL AND "+visible, h.Subject, guest)
	case HookCommentCreated:
		err = d.get(ctx, "NewsOf comment", &n, "SELECT "+newsColumns+", p.slug AS post_slug, k.id AS comment_id"+newsAuthor+` FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
			LEFT JOIN members m ON m.id = k.author_id`+newsMember+" WHERE k.id = ? AND k.deleted_at IS NULL AND p.deleted_at IS NULL AND "+visible, h.Subject, guest)
	case HookCommentRemoved:
		err = d.get(ctx, "NewsOf removed comment", &n, "SELECT "+newsColumns+`, k.id AS comment_id FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id
			WHERE k.id = ? AND k.deleted_at IS NOT NULL AND p.deleted_at IS NULL AND `+visible, h.Subject, guest)
	case HookMemberRegistered:
		err = d.get(ctx, "NewsOf member", &n, "SELECT m.id AS member_id, m.handle FROM members m WHERE m.id = ?"+newsMember, h.Subject)
	case HookPing:
	default:
		err = fmt.Errorf("happening %q: %w", h.Event, ErrNotFound)
	}
	return n, err
}

// Delivery is an attempt to deliver.
type Delivery struct {
	ID       int64    `db:"id"`
	Webhook  int64    `db:"webhook_id"`
	Delivery string   `db:"delivery"`
	Event    HookKind `db:"event"`
	Payload  string   `db:"payload"` // of the job
	Attempt  int      `db:"attempt"`
	Status   int      `db:"status"`   // 0: no answer
	Error    string   `db:"error"`    // why there was none: an outbound.Problem, or DeliveryGone
	Duration int64    `db:"duration"` // ms
	At       Millis   `db:"at"`
	Once     bool     `db:"-"` // an admin asked for it: its failure counts for nothing
}

// DeliveryGone is the error of what was not sent, because there was nothing to tell any more.
const DeliveryGone = "gone"

// Delivered says whether the receiver took it.
func (a Delivery) Delivered() bool { return a.Status >= 200 && a.Status < 300 }

// LogDelivery writes an attempt down, and what it means for the webhook: one that went well ends what failed before it,
// and after too many that did not, or at the answer 410, it is switched off, with an entry in the log of moderation. off
// says that this one did that. ErrNotFound: the webhook is gone.
func (d *DB) LogDelivery(ctx context.Context, a Delivery) (off bool, err error) {
	now := d.now()
	err = d.change(ctx, "LogDelivery", func(ctx context.Context, tx *tx) error {
		off = false
		var h struct {
			URL      string `db:"url"`
			Active   bool   `db:"active"`
			Failures int    `db:"failures"`
			Since    Millis `db:"since"`
		}
		if err := tx.get(ctx, "webhook", &h, "SELECT url, active, failures, COALESCE(failing_since, 0) AS since FROM webhooks WHERE id = ?", a.Webhook); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "delivery", `INSERT INTO webhook_deliveries (webhook_id, delivery, event, payload, attempt, status, error, duration, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, a.Webhook, a.Delivery, a.Event, a.Payload, a.Attempt, a.Status, a.Error, a.Duration, MillisOf(now)); err != nil {
			return err
		}
		switch {
		case a.Delivered():
			if h.Failures == 0 {
				return nil
			}
			return tx.one(ctx, "went well", "UPDATE webhooks SET failures = 0, failing_since = NULL, paused_until = 0 WHERE id = ?", a.Webhook)
		case a.Error == DeliveryGone, a.Once:
			return nil
		}
		h.Failures++
		if h.Since == 0 {
			h.Since = MillisOf(now)
		}
		if err := tx.one(ctx, "failed", "UPDATE webhooks SET failures = ?, failing_since = ?, paused_until = ? WHERE id = ?",
			h.Failures, h.Since, MillisOf(now.Add(pauseAfter(h.Failures))), a.Webhook); err != nil {
			return err
		}
		why := ""
		switch {
		case a.Status == 410:
			why = OffForGone
		case h.Failures >= HookFailures && now.Sub(h.Since.Time()) >= HookPatience:
			why = OffForFailures
		}
		if why == "" || !h.Active {
			return nil
		}
		off = true
		return tx.switchOff(ctx, a.Webhook, h.URL, why)
	})
	return off, err
}

// switchOff is the forum's own doing: nobody stands beside it in the log. What waits is dropped when its turn comes: one of
// it is the job that calls this.
func (t *tx) switchOff(ctx context.Context, id int64, address, why string) error {
	if err := t.one(ctx, "switch off", "UPDATE webhooks SET active = 0, off_for = ? WHERE id = ?", why, id); err != nil {
		return err
	}
	_, err := t.logged(ctx, Viewer{}, Entry{Action: "webhook-failed", Old: hostOf(address), New: why})
	return err
}

func pauseAfter(failures int) time.Duration {
	if failures < hookPauses {
		return 0
	}
	return min(longestPause, firstPause<<min(failures-hookPauses, 10))
}

// Deliveries lists attempts of a webhook, the last first, from below an id on; 0: from the last. Empty for who is no admin.
func (d *DB) Deliveries(ctx context.Context, v Viewer, hook, before int64, limit int) ([]Delivery, error) {
	if v.Role != Admin {
		return nil, nil
	}
	if before == 0 {
		before = 1<<62 - 1
	}
	var list []Delivery
	err := d.list(ctx, "Deliveries", &list, `SELECT id, webhook_id, delivery, event, payload, attempt, status, error, duration, at
		FROM webhook_deliveries WHERE webhook_id = ? AND id < ? ORDER BY id DESC LIMIT ?`, hook, before, limit)
	return list, err
}

// PingWebhook delivers a happening that is none, once. For admins.
func (d *DB) PingWebhook(ctx context.Context, v Viewer, id int64) error {
	return d.overWebhook(ctx, v, "PingWebhook", id, Entry{}, func(ctx context.Context, tx *tx) error {
		event, err := newUUID()
		if err != nil {
			return err
		}
		return tx.deliver(ctx, id, Happening{ID: event, Event: HookPing, At: d.millis(), Once: true})
	})
}

// ReplayDelivery delivers again what an attempt was to deliver, once, under the id that it had: a receiver that has it
// already knows it by that. What it says is what there is to say now. For admins.
func (d *DB) ReplayDelivery(ctx context.Context, v Viewer, hook, id int64) error {
	return d.overWebhook(ctx, v, "ReplayDelivery", hook, Entry{}, func(ctx context.Context, tx *tx) error {
		var payload string
		if err := tx.get(ctx, "delivery", &payload, "SELECT payload FROM webhook_deliveries WHERE id = ? AND webhook_id = ?", id, hook); err != nil {
			return err
		}
		var h Happening
		if err := json.Unmarshal([]byte(payload), &h); err != nil {
			return fmt.Errorf("payload of delivery %d: %w", id, err)
		}
		h.Once = true
		return tx.deliver(ctx, hook, h)
	})
}

// DropOldDeliveries removes attempts that are too old, some at a call. It answers how many: call it again until it
// answers 0.
func (d *DB) DropOldDeliveries(ctx context.Context) (dropped int64, err error) {
	err = d.change(ctx, "DropOldDeliveries", func(ctx context.Context, tx *tx) error {
		res, err := tx.exec(ctx, "old deliveries", "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE at < ? ORDER BY at LIMIT ?)",
			MillisOf(d.now().Add(-DeliveriesKept)), deliveriesDropped)
		if err != nil {
			return err
		}
		dropped, err = res.RowsAffected()
		return err
	})
	return dropped, err
}
