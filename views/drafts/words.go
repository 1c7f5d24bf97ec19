package drafts

import (
	"context"
	"strings"

	"codex/db"
	"codex/views/ui"
)

// kind says what the draft will be.
func kind(ctx context.Context, place string) string {
	switch {
	case strings.HasPrefix(place, "/p/") && strings.HasSuffix(place, "/edit"):
		return ui.T(ctx, "A change to a post")
	case strings.HasPrefix(place, "/comments/"):
		return ui.T(ctx, "A change to a comment")
	case strings.Contains(place, "#"):
		return ui.T(ctx, "A reply")
	case strings.HasPrefix(place, "/p/"):
		return ui.T(ctx, "A comment")
	}
	return ui.T(ctx, "A post")
}

// heading is the draft's title, or how its text begins.
func heading(ctx context.Context, d db.Draft) string {
	if d.Title != "" {
		return d.Title
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(d.Body), "\n"); line != "" {
		return line
	}
	return ui.T(ctx, "Without words yet")
}
