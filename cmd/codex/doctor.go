package main

import (
	"context"
	"fmt"

	"codex/app"
	"codex/app/config"
)

type doctorCmd struct {
	config.Config `embed:""`
}

func (d *doctorCmd) Run(ctx context.Context, c *console) error {
	ill := 0
	for _, f := range app.Examine(ctx, &d.Config, migrations()) {
		sign := "✓"
		if f.Bad {
			sign = "✗"
			ill++
		} else if f.Advice != "" {
			sign = "!"
		}
		fmt.Fprintf(c.out, "%s %s\n", sign, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(c.out, "  %s\n", f.Advice)
		}
	}
	if ill > 0 {
		return fmt.Errorf("%d of these need you", ill)
	}
	return nil
}
