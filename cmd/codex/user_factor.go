package main

import (
	"context"
	"errors"
	"fmt"

	"codex/db"
)

// userResetFactor is for a member who has lost both phone and recovery codes. Whoever runs it can read the database
// anyway; who the member is, they have to make sure of themselves.
type userResetFactor struct {
	dataFlag `embed:""`
	Handle   string `arg:""`
}

func (u *userResetFactor) Run(ctx context.Context, c *console) error {
	return u.change(ctx, u.Handle, func(d *db.DB, m db.Member) error {
		err := d.DropFactor(ctx, m.ID, 0)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("%s has no second factor", m.Handle)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s signs in with the password alone now, and can set up a new second factor. Their sessions have ended.\n", m.Handle)
		return nil
	})
}
