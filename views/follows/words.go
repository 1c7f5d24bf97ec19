package follows

import (
	"context"

	"codex/db"
	"codex/views/ui"
)

// state is how the menu is called while it is closed.
func state(ctx context.Context, level db.Level) string {
	switch level {
	case db.FollowAll:
		return ui.T(ctx, "Following")
	case db.FollowReplies:
		return ui.T(ctx, "Replies only")
	case db.FollowMute:
		return ui.T(ctx, "Muted")
	}
	return ui.T(ctx, "Follow")
}
