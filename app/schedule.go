package app

import (
	"context"
	"errors"
	"time"

	"codex/db"
)

// keepHouse does what the database needs now and then, one thing at a time, until ctx ends. A failure is logged, and
// tried again at the next turn.
func (a *App) keepHouse(ctx context.Context) {
	d := a.site.DB
	chores := []struct {
		name  string
		every time.Duration
		do    func(context.Context) error
		next  time.Time
	}{
		{name: "refresh ages", every: time.Minute, do: func(ctx context.Context) error {
			for {
				if moved, err := d.RefreshAges(ctx); err != nil || moved == 0 {
					return err
				}
			}
		}},
		{name: "render again what an older renderer rendered", every: 24 * time.Hour, do: func(ctx context.Context) error {
			for {
				if done, err := d.Rerender(ctx); err != nil || done == 0 {
					return err
				}
			}
		}},
		{name: "work out what handles look like", every: time.Hour, do: func(ctx context.Context) error {
			for {
				if done, err := d.FillSkeletons(ctx); err != nil || done == 0 {
					return err
				}
			}
		}},
		{name: "forget the addresses of registrations", every: time.Hour, do: func(ctx context.Context) error {
			for {
				if forgotten, err := d.ForgetAddresses(ctx); err != nil || forgotten == 0 {
					return err
				}
			}
		}},
		{name: "store the sessions that wait for room", every: 2 * time.Second, do: a.storeWaiting()},
		{name: "sweeps", every: time.Second, do: func(ctx context.Context) error {
			for begun := time.Now(); time.Since(begun) < 2*time.Second; { // then the other chores, and on at the next turn
				if more, err := d.StepSweeps(ctx); err != nil || !more {
					return err
				}
			}
			return nil
		}},
		{name: "erase what is left of deleted accounts", every: 5 * time.Second, do: d.EraseLeft},
		{name: "drop expired", every: 10 * time.Minute, do: d.DropExpired},
		{name: "drop old events", every: 10 * time.Minute, do: func(ctx context.Context) error {
			for {
				if dropped, err := d.DropOldEvents(ctx); err != nil || dropped == 0 {
					return err
				}
			}
		}},
		{name: "drop old notifications", every: time.Hour, do: func(ctx context.Context) error {
			for {
				if dropped, err := d.DropOldNotifications(ctx); err != nil || dropped == 0 {
					return err
				}
			}
		}},
		{name: "ask for digests", every: time.Minute, do: func(ctx context.Context) error {
			for {
				if looked, err := d.AskDigests(ctx); err != nil || looked == 0 {
					return err
				}
			}
		}},
		{name: "drop old deliveries", every: time.Hour, do: func(ctx context.Context) error {
			for {
				if dropped, err := d.DropOldDeliveries(ctx); err != nil || dropped == 0 {
					return err
				}
			}
		}},
		{name: "drop old jobs", every: 10 * time.Minute, do: func(ctx context.Context) error {
			for {
				if dropped, err := d.DropOldJobs(ctx); err != nil || dropped == 0 {
					return err
				}
			}
		}},
		{name: "drop old drafts", every: time.Hour, do: d.DropOldDrafts},
		{name: "work out trust levels", every: time.Minute, do: func(ctx context.Context) error {
			for {
				if looked, err := d.RefreshTrust(ctx); err != nil || looked == 0 {
					return err
				}
			}
		}},
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for i := range chores {
				c := &chores[i]
				if now.Before(c.next) {
					continue
				}
				c.next = now.Add(c.every)
				if err := c.do(ctx); err != nil && !errors.Is(err, context.Canceled) {
					a.log.Warn("housekeeping failed", "chore", c.name, "error", err)
				}
			}
		}
	}
}

// storeWaiting is the chore that stores the sessions which a full disk had no room for. It says once that they wait and
// once that they are stored: a line at every turn would fill what is left of the disk.
func (a *App) storeWaiting() func(context.Context) error {
	said := false
	return func(ctx context.Context) error {
		stored, err := a.site.DB.StoreWaiting(ctx)
		if errors.Is(err, db.ErrNoSpace) {
			if !said {
				a.log.Error("the disk is full: sign-ins and sign-outs wait in memory", "error", err)
			}
			said = true
			return nil
		}
		if err == nil && stored > 0 {
			said = false
			a.log.Info("there is room on the disk: sign-ins and sign-outs that waited are stored", "sessions", stored)
		}
		return err
	}
}
