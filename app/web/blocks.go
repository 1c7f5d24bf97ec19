package web

import (
	"errors"
	"net/http"
	"strings"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/blocks"
	"codex/views/ui"
)

func (s *Server) listBlocks(w http.ResponseWriter, r *http.Request) error {
	done := ""
	if r.URL.Query().Get("done") != "" {
		done = ui.T(r.Context(), "Your list is changed.")
	}
	return s.blocksPage(w, r, http.StatusOK, blocks.Show{Done: done})
}

func (s *Server) blocksPage(w http.ResponseWriter, r *http.Request, status int, show blocks.Show) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	var err error
	if show.List, err = s.db.Blocks(ctx, v); err != nil {
		return err
	}
	page, err := s.page(r, "Muted and blocked")
	if err != nil {
		return err
	}
	page.NoIndex = true
	page.BackURL, page.BackName = "/settings", ui.T(ctx, "Settings")
	return s.respond.Render(w, r, status, respond.Framed(page, blocks.Leaf(show)))
}

// blockFromList mutes or blocks the member whose handle was typed, or whose line was pressed.
func (s *Server) blockFromList(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	handle := strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("handle")), "@")
	err := error(db.ErrNotFound)
	if handle != "" {
		err = s.block(r, handle)
	}
	show := blocks.Show{Handle: handle}
	switch {
	case errors.Is(err, db.ErrNotFound):
		show.Problem = ui.T(ctx, "Nobody here goes by that handle.")
	case errors.Is(err, db.ErrForbidden):
		show.Problem = ui.T(ctx, "Yourself and the staff you cannot mute or block.")
	case err != nil:
		return err
	default:
		return respond.Redirect(w, r, "/settings/blocks?done=1")
	}
	return s.blocksPage(w, r, http.StatusUnprocessableEntity, show)
}

// blockMember is the same from the member's own page.
func (s *Server) blockMember(w http.ResponseWriter, r *http.Request) error {
	handle := r.PathValue("handle")
	if err := s.block(r, handle); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.MemberURL(handle)))
}

func (s *Server) block(r *http.Request, handle string) error {
	kind := r.PostFormValue("kind")
	switch kind {
	case "": // no button was pressed
		return nil
	case "none":
		kind = ""
	case db.Mute, db.Block:
	default:
		return &badForm{errNoSuchChoice}
	}
	m, err := s.db.MemberByHandle(r.Context(), handle)
	if err != nil {
		return err
	}
	return s.db.SetBlock(r.Context(), middleware.Viewer(r.Context()), m.ID, kind)
}
