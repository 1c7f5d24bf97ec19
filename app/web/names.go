package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/settings"
	"codex/views/ui"
)

// handleFault says why a handle cannot be taken, as far as the handle itself tells; empty: it can. trusted is who may
// speak for the forum.
func handleFault(ctx context.Context, handle string, trusted bool) string {
	switch {
	case !db.OneScript(handle):
		return ui.T(ctx, "This mixes letters or digits of several scripts, as of the Latin and the Cyrillic one, which can look the same. Write it in one.")
	case !db.ValidHandle(handle):
		return ui.T(ctx, "3 to 30 letters of one script, digits, dots, hyphens and underscores; the first and last a letter or a digit.")
	case !trusted && db.ReservedHandle(handle):
		return ui.T(ctx, "This handle is kept for those who run the forum.")
	}
	return ""
}

// updateHandle gives a member another handle.
func (s *Server) updateHandle(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	show := settings.Show{Handle: strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("handle")), "@")}
	if show.HandleErr = handleFault(ctx, show.Handle, v.Staff() || show.Handle == v.Handle); show.HandleErr == "" {
		var soon *db.HandleTooSoon
		switch err := s.db.SetHandle(ctx, v, show.Handle); {
		case err == nil:
			return respond.Redirect(w, r, "/settings?done=handle")
		case errors.Is(err, db.ErrHandleTaken):
			show.HandleErr = ui.T(ctx, "Somebody signs or signed with this handle, or with one that looks like it.")
		case errors.Is(err, db.ErrHandleReserved):
			show.HandleErr = ui.T(ctx, "This handle is kept for those who run the forum.")
		case errors.As(err, &soon):
			show.HandleErr = ui.T(ctx, "You have changed it lately. From %s on you can again.", ui.Day(ctx, soon.Until))
		default:
			return err
		}
	}
	return s.settingsPage(w, r, http.StatusUnprocessableEntity, show)
}
