package app

import (
	"context"
	"errors"
	"time"
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
		{name: "drop expired", every: 10 * time.Minute, do: d.DropExpired},
		// Statistics age with what is written; optimize looks at a bounded sample and often at nothing.
		{name: "optimize", every: 6 * time.Hour, do: d.Optimize},
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
