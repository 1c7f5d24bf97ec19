package trust

import (
	"context"
	"time"

	"codex/db"
	"codex/views/ui"
)

// Rate is a limit in time.
type Rate struct {
	What   string // "write", "preview", "page" or "sign in"
	Events int
	Per    time.Duration
}

func name(ctx context.Context, level int) string {
	switch level {
	case db.Newcomer:
		return ui.T(ctx, "Newcomer")
	case db.Known:
		return ui.T(ctx, "Known here")
	case db.Regular:
		return ui.T(ctx, "Regular")
	}
	return ui.T(ctx, "Trusted")
}

func orFree(ctx context.Context, n int) string {
	if n == 0 {
		return ui.T(ctx, "no limit")
	}
	return ui.Number(n)
}

func what(ctx context.Context, w string) string {
	switch w {
	case "write":
		return ui.T(ctx, "Posts and comments")
	case "preview":
		return ui.T(ctx, "Previews")
	case "page":
		return ui.T(ctx, "Pages and presses of a button")
	}
	return ui.T(ctx, "Tries to sign in")
}

func per(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return ui.N(ctx, "%s second", "%s seconds", int(d/time.Second))
	case d < time.Hour:
		return ui.N(ctx, "%s minute", "%s minutes", int(d/time.Minute))
	case d < 24*time.Hour:
		return ui.N(ctx, "%s hour", "%s hours", int(d/time.Hour))
	}
	return ui.N(ctx, "%s day", "%s days", int(d/(24*time.Hour)))
}
