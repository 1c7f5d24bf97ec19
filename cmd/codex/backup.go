package main

import (
	"context"
	"fmt"

	"codex/app"
)

type backupCmd struct {
	dataFlag `embed:""`
	File     string `arg:"" type:"path" help:"The file to write. It must not be there yet."`
}

func (b *backupCmd) Run(ctx context.Context, c *console) error {
	site, err := app.OpenSite(ctx, app.SiteOptions{Dir: b.Data, Migrations: migrations(), Pending: true, Existing: true})
	if err != nil {
		return err
	}
	sum, err := site.Backup(ctx, b.File, migrations())
	if err == nil {
		fmt.Fprintf(c.out, "Wrote and verified %s: %d members, %d posts, %d comments, %d bytes.\n", b.File, sum.Members, sum.Posts, sum.Comments, sum.Bytes)
	}
	return closing(ctx, site, err)
}

type restoreCmd struct {
	dataFlag `embed:""`
	File     string `arg:"" type:"existingfile" help:"A file that backup wrote."`
}

func (r *restoreCmd) Run(ctx context.Context, c *console) error {
	kept, sum, err := app.Restore(ctx, r.Data, r.File, migrations())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Restored %s: %d members, %d posts, %d comments.\n", r.Data, sum.Members, sum.Posts, sum.Comments)
	if kept != "" {
		fmt.Fprintf(c.out, "What was there before is kept in %s.\n", kept)
	}
	return nil
}
