// Package webhooks delivers what db decided that programs elsewhere are told (db/webhooks.go): it does the jobs of that
// kind, one POST each, through the one outbound client.
//
// What a delivery says is read when it is sent, as a guest would read it then: what was made private or deleted meanwhile
// is not sent. It says ids and addresses, and no words that a person wrote but those that stand in an address.
//
// Delivery is at least once and in no order: after a lost answer, or a kill, the same delivery comes again with the same
// X-Codex-Delivery, by which a receiver knows it. A redirect is not followed, and nothing of an answer is kept but its
// status: what a receiver's network answers is no business of who reads the log.
//
// A Deliverer is read only and may be used by any number of goroutines.
package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"codex/app/outbound"
	"codex/db"
)

// The headers of a delivery.
const (
	HeaderSignature = "X-Codex-Signature" // t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body" with the secret>
	HeaderEvent     = "X-Codex-Event"
	HeaderDelivery  = "X-Codex-Delivery" // UUID, the same for all attempts
)

// Options are what a Deliverer is made of.
type Options struct {
	DB     *db.DB
	Client *outbound.Client
	Log    *slog.Logger
	Base   string           // of the addresses that receivers are told
	Now    func() time.Time // nil: time.Now
}

// Deliverer is made with New.
type Deliverer struct {
	o    Options
	base string
}

// New makes a deliverer.
func New(o Options) *Deliverer {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Deliverer{o: o, base: strings.TrimSuffix(o.Base, "/")}
}

// Body is what a receiver is sent, as JSON. What is not about it is left out.
type Body struct {
	ID      string      `json:"id"` // of the happening: the same for all webhooks
	Event   db.HookKind `json:"event"`
	At      string      `json:"at"` // when it happened, RFC 3339
	Forum   string      `json:"forum"`
	Channel *Thing      `json:"channel,omitempty"`
	Post    *Thing      `json:"post,omitempty"`
	Comment *Thing      `json:"comment,omitempty"`
	Member  *Thing      `json:"member,omitempty"` // who wrote it, or registered
}

// Thing is something of the forum: where to look at it.
type Thing struct {
	ID  int64  `json:"id"`
	URL string `json:"url"`
}

// Do delivers. Its error means that it is tried again.
func (d *Deliverer) Do(ctx context.Context, job db.Job) error {
	var h db.Happening
	if err := json.Unmarshal([]byte(job.Payload), &h); err != nil {
		return &unreadable{err}
	}
	to, err := d.o.DB.WebhookTarget(ctx, job.Subject)
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && !to.Active && !h.Once: // nobody wants it any more
		return nil
	case err != nil:
		return err
	case !h.Once && d.o.Now().Before(to.PausedUntil.Time()):
		return errPaused
	}
	a := db.Delivery{Webhook: to.ID, Delivery: h.Delivery, Event: h.Event, Payload: job.Payload, Attempt: job.Attempts, Once: h.Once}
	body, err := d.body(ctx, h)
	if errors.Is(err, db.ErrNotFound) {
		a.Error = db.DeliveryGone
		return d.log(ctx, a)
	}
	if err != nil {
		return err
	}
	if err := d.send(ctx, &a, to, body); err != nil {
		return err
	}
	if err := d.log(ctx, a); err != nil {
		return err
	}
	if a.Delivered() || h.Once || a.Status == http.StatusGone {
		return nil
	}
	return &failed{a.Status, a.Error}
}

// send makes the attempt and notes in a what came of it. Its error is that of ctx alone: then nothing is known.
func (d *Deliverer) send(ctx context.Context, a *db.Delivery, to db.Target, body []byte) error {
	began := time.Now()
	res, err := d.o.Client.Do(ctx, outbound.Request{Method: http.MethodPost, URL: to.URL, Body: body, Header: http.Header{
		"Content-Type":  {"application/json"},
		HeaderEvent:     {string(a.Event)},
		HeaderDelivery:  {a.Delivery},
		HeaderSignature: {Sign(to.Secret, d.o.Now(), body)},
	}})
	a.Duration, a.Status = time.Since(began).Milliseconds(), res.Status
	if problem, ok := errors.AsType[*outbound.Error](err); ok {
		a.Error = string(problem.Problem)
		return nil
	}
	return err
}

// log writes the attempt down. What cannot be written down is tried again as a whole: a receiver knows it by its id.
func (d *Deliverer) log(ctx context.Context, a db.Delivery) error {
	off, err := d.o.DB.LogDelivery(ctx, a)
	if errors.Is(err, db.ErrNotFound) {
		return nil // the webhook went meanwhile
	}
	if off {
		d.o.Log.Warn("a webhook is switched off, because its deliveries fail", "webhook", a.Webhook, "status", a.Status, "problem", a.Error)
	}
	return err
}

// Sign is the signature of a body at a time. The time is in it so that a receiver can refuse one that somebody who
// overheard it sends again later.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (d *Deliverer) body(ctx context.Context, h db.Happening) ([]byte, error) {
	n, err := d.o.DB.NewsOf(ctx, h)
	if err != nil {
		return nil, err
	}
	b := Body{ID: h.ID, Event: h.Event, At: h.At.Time().UTC().Format("2006-01-02T15:04:05.000Z07:00"), Forum: d.base + "/",
		Channel: d.thing(n.ChannelID, "/c/", n.ChannelSlug),
		Post:    d.thing(n.PostID, "/p/", strconv.FormatInt(n.PostID, 10)),
		Comment: d.thing(n.CommentID, "/comments/", strconv.FormatInt(n.CommentID, 10)),
		Member:  d.thing(n.MemberID, "/u/", n.Handle),
	}
	if n.PostSlug != "" {
		b.Post.URL += "/" + url.PathEscape(n.PostSlug)
	}
	return json.Marshal(b)
}

func (d *Deliverer) thing(id int64, path, name string) *Thing {
	if id == 0 {
		return nil
	}
	return &Thing{id, d.base + path + url.PathEscape(name)}
}

// errPaused: the last deliveries to this webhook failed, and it is left alone for a while.
var errPaused = errors.New("the webhook is paused, because its last deliveries failed")

// failed says that the receiver did not take it.
type failed struct {
	status  int
	problem string
}

func (e *failed) Error() string {
	if e.status != 0 {
		return fmt.Sprintf("the receiver answered %d", e.status)
	}
	return "no answer of the receiver: " + e.problem
}

// unreadable is a payload that no version of this program wrote.
type unreadable struct{ err error }

func (e *unreadable) Error() string { return "payload of a webhook: " + e.err.Error() }
func (e *unreadable) Unwrap() error { return e.err }
func (e *unreadable) ForGood() bool { return true }
