package moderation

import (
	"context"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

func sweepURL(id int64, more string) templ.SafeURL {
	return templ.SafeURL("/moderation/sweeps/" + ui.ID(id) + more)
}

func sweepTitle(ctx context.Context, s *db.Sweep) string {
	if s.Since == 0 {
		return ui.T(ctx, "Everything of @%s", s.Handle)
	}
	return ui.N(ctx, "Everything of %s member", "Everything of %s members", s.Members)
}

func sweepState(ctx context.Context, s *db.Sweep) string {
	switch s.State {
	case db.Hiding:
		return ui.T(ctx, "Being hidden")
	case db.Hidden:
		return ui.T(ctx, "Hidden")
	case db.Showing:
		return ui.T(ctx, "Being shown again")
	}
	return ui.T(ctx, "Shown again")
}

// texts is a number of posts and of comments.
func texts(ctx context.Context, posts, comments int) string {
	return ui.N(ctx, "%s post", "%s posts", posts) + ", " + ui.N(ctx, "%s comment", "%s comments", comments)
}
