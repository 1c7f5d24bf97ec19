package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/invites"
	"codex/views/ui"
)

const invitesPerPage = 20

func (s *Server) listInvites(w http.ResponseWriter, r *http.Request) error {
	show := invites.Show{Uses: "1", Hours: 7 * 24}
	switch r.URL.Query().Get("done") {
	case "end":
		show.Done = ui.T(r.Context(), "Taken back. Who came by it stays.")
	case "made":
		show.Done = ui.T(r.Context(), "The link is made already, and was shown when it was. If you have lost it, take it back and make another.")
	}
	return s.invitesPage(w, r, http.StatusOK, show)
}

// invitesPage fills in what a form does not bring.
func (s *Server) invitesPage(w http.ResponseWriter, r *http.Request, status int, show invites.Show) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	makers, err := s.db.InviteMakers(ctx)
	if err != nil {
		return err
	}
	show.Makers, show.Most, show.Key = v.Staff() || makers == "members", db.OpenInvites(v), newKey()
	if show.List, err = s.db.Invites(ctx, v, after, invitesPerPage+1); err != nil {
		return err
	}
	if len(show.List) > invitesPerPage {
		show.List = show.List[:invitesPerPage]
		last := show.List[invitesPerPage-1]
		show.NextURL = with("/settings/invites", "after", db.NewCursor(int64(last.CreatedAt), last.ID).String())
	}
	page, err := s.page(r, "Invitations to the forum")
	if err != nil {
		return err
	}
	page.NoIndex, page.BackURL, page.BackName = true, "/settings", "Settings"
	return s.respond.Render(w, r, status, respond.Framed(page, invites.Leaf(show)))
}

// createInvite makes a link and shows it in the answer to the form: nothing that could show it again knows it.
func (s *Server) createInvite(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	show := invites.Show{Uses: strings.TrimSpace(r.PostFormValue("uses")), Note: strings.TrimSpace(r.PostFormValue("note"))}
	uses, err := strconv.Atoi(show.Uses)
	if err != nil || uses < 1 || uses > db.MaxInviteUses {
		show.UsesError = ui.T(ctx, "A number from 1 to %d.", db.MaxInviteUses)
	}
	if show.Hours, err = strconv.Atoi(r.PostFormValue("hours")); err != nil || show.Hours < 1 || show.Hours > int(db.MaxInvite/time.Hour) {
		return &badForm{errNoSuchChoice}
	}
	note, ok := db.CleanTitle(show.Note)
	if !ok || utf8.RuneCountInString(note) > db.MaxInviteNote {
		show.Problem = ui.T(ctx, "The note has too many characters, or some that cannot be shown.")
	}
	if show.UsesError != "" || show.Problem != "" {
		return s.invitesPage(w, r, http.StatusUnprocessableEntity, show)
	}
	token, hash := auth.NewToken()
	made, err := s.db.CreateInvite(ctx, v, db.NewInvite{TokenHash: hash, Note: note, Uses: uses, Lasts: time.Duration(show.Hours) * time.Hour, Key: formKey(r)})
	switch {
	case errors.Is(err, db.ErrTooManyInvites):
		show.Problem = ui.N(ctx, "You may have %s invitation that still works. Take it back, or wait until it ends.", "You may have %s invitations that still work. Take one back, or wait until one ends.", db.OpenInvites(v))
		return s.invitesPage(w, r, http.StatusConflict, show)
	case err != nil:
		return err
	case !made:
		return respond.Redirect(w, r, "/settings/invites?done=made")
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.invitesPage(w, r, http.StatusOK, invites.Show{Link: s.absolute(r, "/register?invite="+url.QueryEscape(token)), Uses: "1", Hours: 7 * 24})
}

// absolute is a path as a link for elsewhere. Without a base URL the forum answers to names of this machine alone, and
// to the one that was asked for.
func (s *Server) absolute(r *http.Request, path string) string {
	if s.config.BaseURL != "" {
		return strings.TrimSuffix(s.config.BaseURL, "/") + path
	}
	return "http://" + r.Host + path
}

func (s *Server) endInvite(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.EndInvite(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings/invites?done=end")
}
