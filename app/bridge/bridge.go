// Package bridge carries events from the database, where they are written in the transaction that causes them, to the hub.
//
// It reads the table a few milliseconds after each commit of this process, and twice a second for what a command beside it
// wrote. So the hub hears everything, once, in the order of the commits, and a write never waits for those who listen:
// publishing inside the write would let 10,000 readers of a post hold up the next comment by 2 ms, and publishing after it
// would let two writers swap their events, of which a stream that resumes between them would miss one.
//
// Run is called once and ends with its context. Last and Policy may be asked by anybody at any time. When the database
// does not answer, nothing is lost: the next turn reads on from where the last one came to.
package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"codex/app/hub"
	"codex/db"
)

const (
	atOnce = 500
	// beside is how soon the events of another process are seen.
	beside = 500 * time.Millisecond
	// after is how long a commit is left alone before its events are carried: its writer has the answer first, which else
	// stands in line behind 10,000 readers (1.7 × the time of an answer without them; so it is 1.4 ×), and what is written
	// in close succession is carried together, which costs a busy forum less than a look for each.
	after = 4 * time.Millisecond
)

// Bridge is made with New.
type Bridge struct {
	db     *db.DB
	hub    *hub.Hub
	log    *slog.Logger
	last   atomic.Int64
	policy atomic.Int64
}

// New begins behind the last event that there is.
func New(ctx context.Context, d *db.DB, h *hub.Hub, log *slog.Logger) (*Bridge, error) {
	last, err := d.LastEvent(ctx)
	if err != nil {
		return nil, err
	}
	b := &Bridge{db: d, hub: h, log: log}
	b.last.Store(last)
	return b, nil
}

// Last is the id of the last event that the hub was told: the cursor of a page that is made from here on.
func (b *Bridge) Last() int64 { return b.last.Load() }

// Policy is a number that changes, before the event is published, with each that may change who may read what. What was
// found out under another number is to be asked again.
func (b *Bridge) Policy() int64 { return b.policy.Load() }

// Run carries events until ctx ends.
func (b *Bridge) Run(ctx context.Context) {
	tick := time.NewTicker(beside)
	defer tick.Stop()
	failed := false
	for {
		err := b.carry(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) && !failed {
			b.log.Error("events do not reach those who listen", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-b.db.Told():
			time.Sleep(after)
		case <-tick.C:
		}
	}
}

func (b *Bridge) carry(ctx context.Context) error {
	for {
		list, err := b.db.Events(ctx, b.last.Load(), atOnce)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Topic == db.AccessTopic {
				b.policy.Add(1)
			}
			// A stream that subscribes now and then reads Last gets this event twice, and none not at all.
			b.hub.Publish(hub.Event{Topic: e.Topic, Kind: e.Kind, ID: e.ID, Subject: e.Subject})
			b.last.Store(e.ID)
		}
		if len(list) < atOnce {
			return nil
		}
	}
}
