package main

import (
	"context"
	"fmt"

	"codex/app"
)

// dataFlag is the data directory, for the commands that need nothing else of the configuration.
type dataFlag struct {
	Data string `name:"data" env:"CODEX_DATA" default:"./data" placeholder:"DIR" help:"Directory of the database and images."`
}

// open opens the site beside a server that may be running; with nobody else there it brings the schema up to date.
func (d dataFlag) open(ctx context.Context) (*app.Site, error) {
	return app.OpenSite(ctx, app.SiteOptions{Dir: d.Data, Migrations: migrations(), Migrate: true})
}

type migrateCmd struct {
	Up     migrateUp     `cmd:"" default:"withargs" help:"Apply what is pending (the default)."`
	Status migrateStatus `cmd:"" help:"List every migration."`
}

type migrateUp struct {
	dataFlag `embed:""`
}

func (m *migrateUp) Run(ctx context.Context, c *console) error {
	applied := 0
	site, err := app.OpenSite(ctx, app.SiteOptions{
		Dir: m.Data, Migrations: migrations(), Alone: true, Migrate: true,
		Applied: func(name string) {
			applied++
			fmt.Fprintln(c.out, "✓ Successfully applied migration: migrations/main/"+name)
		},
		Snapshot: func(path string) { fmt.Fprintln(c.out, "A copy of the database as it was before is", path) },
	})
	if err != nil {
		return err
	}
	if applied == 0 {
		fmt.Fprintln(c.out, "Nothing to do: the database is up to date.")
	}
	return site.Close(ctx)
}

type migrateStatus struct {
	dataFlag `embed:""`
}

func (m *migrateStatus) Run(ctx context.Context, c *console) error {
	site, err := app.OpenSite(ctx, app.SiteOptions{Dir: m.Data, Migrations: migrations(), Pending: true, Existing: true})
	if err != nil {
		return err
	}
	steps, err := site.DB.Migrations(ctx, migrations())
	for _, s := range steps {
		state := "pending"
		if !s.Applied.IsZero() {
			state = s.Applied.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		fmt.Fprintf(c.out, "%-24s migrations/main/%s\n", state, s.Name)
	}
	return closing(ctx, site, err)
}
