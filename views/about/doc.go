// Package about shows the few pages that say what the forum is and what it asks of people.
package about

import (
	"context"

	"codex/db"
	"codex/views/ui"
)

// joining says who may write here and how one becomes somebody who may, as the door stands now.
func joining(ctx context.Context, door db.RegistrationMode, readOnly bool) string {
	if readOnly {
		return ui.T(ctx, "Just now the forum is read-only: nobody joins, and nobody writes but those who look after it.")
	}
	switch door {
	case db.RegistrationInvite:
		return ui.T(ctx, "New members come by invitation, with a link from somebody who writes here; they may write, like, and ask.")
	case db.RegistrationApproval:
		return ui.T(ctx, "Whoever wants to join asks, and a moderator decides; members may write, like, and ask.")
	case db.RegistrationClosed:
		return ui.T(ctx, "Members may write, like, and ask. New ones are not taken at the moment.")
	}
	return ui.T(ctx, "Whoever joins may write, like, and ask.")
}
