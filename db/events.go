package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is something that happened, for those who listen to its topic. It names rows and holds nothing of them: what a
// listener is shown is read for them, when they may read it.
type Event struct {
	ID      int64  `db:"id"` // epoch<<32 | sequence: rises with each commit, without gaps within an epoch
	Topic   string `db:"topic"`
	Kind    string `db:"kind"`
	Subject int64  `db:"subject_id"`
}

// Kinds of events, and what their subject is.
const (
	EventComment  = "comment"  // a comment that came, changed, went or came back; on the topic of its post
	EventPost     = "post"     // a post that changed, on its own topic; one that came, on the topic of its channel
	EventReaction = "reaction" // a comment with another score; 0: the post itself. On the topic of the post
	EventMember   = "member"   // a member whose sessions or rights are others now; on the member's topic
	EventChannel  = "channel"  // a channel that others may read now; on its ChannelAccess
)

// AccessTopic begins the topics of who may read a channel.
const AccessTopic = "access"

// ChannelAccess is the topic of who may read a channel. Every stream of something in the channel listens to it. What
// changes for one member alone is told on the member's topic: 10,000 others have not to look because somebody left.
func ChannelAccess(id int64) string { return AccessTopic + ":" + strconv.FormatInt(id, 10) }

// PostTopic is the topic of what happens on a post's page.
func PostTopic(id int64) string { return "post:" + strconv.FormatInt(id, 10) }

// ChannelTopic is the topic of what happens in a channel's list.
func ChannelTopic(id int64) string { return "channel:" + strconv.FormatInt(id, 10) }

// MemberTopic is the topic of what concerns one member alone.
func MemberTopic(id int64) string { return "member:" + strconv.FormatInt(id, 10) }

// ParseTopic reads the topics that a page may ask for: a post's and a channel's.
func ParseTopic(topic string) (kind string, id int64, ok bool) {
	kind, digits, _ := strings.Cut(topic, ":")
	id, err := strconv.ParseInt(digits, 10, 64)
	return kind, id, err == nil && id > 0 && digits == strconv.FormatInt(id, 10) && (kind == "post" || kind == "channel")
}

const (
	// EventsKept is how long a stream may have been away and still be told all that it missed.
	EventsKept = 3 * 24 * time.Hour
	// EventsMissed is the most that a stream is told on its return; beyond it, the page is to be loaded again.
	EventsMissed = 500
	epochBits    = 32
	eventsPruned = 1000 // at a call
)

// tell writes an event into the transaction that causes it. Told is signalled once it is committed.
func (t *tx) tell(ctx context.Context, topic, kind string, subject int64) error {
	t.told = true
	_, err := t.exec(ctx, "event", "INSERT INTO events (topic, kind, subject_id, created_at) VALUES (?, ?, ?, ?)", topic, kind, subject, t.d.millis())
	return err
}

// Told is signalled after a commit of this process that wrote events. Several commits may be one signal.
func (d *DB) Told() <-chan struct{} { return d.told }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // one is waiting already, and whoever takes it reads all
	}
}

// Events lists what happened after an id, in the order of the commits.
func (d *DB) Events(ctx context.Context, after int64, limit int) ([]Event, error) {
	var list []Event
	err := d.list(ctx, "Events", &list, "SELECT id, topic, kind, subject_id FROM events WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	return list, err
}

// EventsOn lists what happened on some topics after an id and up to another, in order. complete says that it is all of it:
// not so when the first id is of another epoch or older than what is kept, or when more than EventsMissed happened.
func (d *DB) EventsOn(ctx context.Context, topics []string, after, upTo int64) (list []Event, complete bool, err error) {
	if after>>epochBits != upTo>>epochBits || after > upTo {
		return nil, false, nil
	}
	var oldest int64
	if err := d.get(ctx, "OldestEvent", &oldest, "SELECT COALESCE((SELECT id FROM events ORDER BY id LIMIT 1), ?)", upTo+1); err != nil {
		return nil, false, err
	}
	if after < oldest-1 {
		return nil, false, nil
	}
	for _, topic := range topics {
		var some []Event
		if err := d.list(ctx, "EventsOn", &some, "SELECT id, topic, kind, subject_id FROM events WHERE topic = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
			topic, after, upTo, EventsMissed+1-len(list)); err != nil {
			return nil, false, err
		}
		if list = append(list, some...); len(list) > EventsMissed {
			return nil, false, nil
		}
	}
	return list, true, nil
}

// LastEvent answers the id of the last event. A database that was restored begins a new epoch with it: the ids that were
// given out after the backup was made mean nothing any more. It is called once, before anybody listens.
func (d *DB) LastEvent(ctx context.Context) (last int64, err error) {
	if d.memory.isStale() {
		if err := d.newEpoch(ctx); err != nil && !errors.Is(err, ErrNoSpace) { // on a full disk nothing was restored
			return 0, err
		}
	}
	if err := d.get(ctx, "LastEvent", &last, lastEvent); err != nil {
		return 0, fmt.Errorf("look where the events are: %w", err)
	}
	return last, nil
}

// lastEvent is where the ids are: SQLite gives each row the id after the largest one, and the last row is never dropped.
const lastEvent = "SELECT id FROM events ORDER BY id DESC LIMIT 1"

// newEpoch lets the ids of events go on above all that were ever given, in this file or in one that it took the place of:
// an epoch is the second in which it began, counted from 2026. A row that is told to nobody holds its place.
func (d *DB) newEpoch(ctx context.Context) error {
	since := d.now().Unix() - 1_767_225_600
	return d.change(ctx, "NewEpoch", func(ctx context.Context, tx *tx) error {
		return tx.one(ctx, "epoch", "INSERT INTO events (id, topic, kind, subject_id, created_at) SELECT max((("+lastEvent+") >> 32) + 1, ?) << 32, '', 'epoch', 0, ?", since, d.millis())
	})
}

// DropOldEvents removes what no stream is told any more, some at a call. The last one stays: it says where the ids are.
func (d *DB) DropOldEvents(ctx context.Context) (dropped int64, err error) {
	err = d.change(ctx, "DropOldEvents", func(ctx context.Context, tx *tx) error {
		var oldest []struct {
			ID int64  `db:"id"`
			At Millis `db:"created_at"`
		}
		if err := tx.list(ctx, "oldest events", &oldest, "SELECT id, created_at FROM events ORDER BY id LIMIT ?", eventsPruned); err != nil {
			return err
		}
		upTo, before := int64(0), MillisOf(d.now().Add(-EventsKept))
		for _, e := range oldest {
			if e.At < before {
				upTo = e.ID
			}
		}
		res, err := tx.exec(ctx, "old events", "DELETE FROM events WHERE id <= ? AND id < ("+lastEvent+")", upTo)
		if err != nil {
			return err
		}
		dropped, err = res.RowsAffected()
		return err
	})
	return dropped, err
}
