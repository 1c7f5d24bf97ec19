package web

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/staff"
	"codex/views/ui"
)

// What staff see at once of a member.
const (
	historyShown = 50
	notesShown   = 50
	writtenShown = 20
)

// dossier finds the member of the path for staff.
func (s *Server) dossier(r *http.Request) (db.Dossier, error) {
	return s.db.DossierByHandle(r.Context(), middleware.Viewer(r.Context()), r.PathValue("handle"))
}

func (s *Server) showDossier(w http.ResponseWriter, r *http.Request) error {
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	done := ""
	switch r.URL.Query().Get("done") {
	case "bar":
		done = ui.T(r.Context(), "Decided. The member is told why and until when.")
	case "lift":
		done = ui.T(r.Context(), "Lifted.")
	case "role":
		done = ui.T(r.Context(), "The role is changed, and their sessions have ended.")
	case "factor":
		done = ui.T(r.Context(), "The second factor is off, and their sessions have ended. They sign in with their password alone.")
	case "trust":
		done = ui.T(r.Context(), "The level is set.")
	case "note":
		done = ui.T(r.Context(), "The note is added.")
	}
	return s.dossierPage(w, r, http.StatusOK, staff.Show{Member: m, Done: done})
}

// dossierPage fills in what a form does not bring.
func (s *Server) dossierPage(w http.ResponseWriter, r *http.Request, status int, show staff.Show) error {
	ctx, v, id := r.Context(), middleware.Viewer(r.Context()), show.Member.ID
	show.Admin, show.Key = v.Role == db.Admin, newKey()
	var err error
	if show.Trust, err = s.db.TrustOf(ctx, v, id); err != nil {
		return err
	}
	if show.History, err = s.db.HistoryOf(ctx, v, id, historyShown); err != nil {
		return err
	}
	if show.Notes, err = s.db.StaffNotes(ctx, v, id, notesShown); err != nil {
		return err
	}
	if show.Sessions, err = s.db.SessionsOf(ctx, v, id); err != nil {
		return err
	}
	if show.Invited, err = s.db.InvitedBy(ctx, v, id); err != nil {
		return err
	}
	if show.Written, err = s.db.WrittenBy(ctx, v, id, writtenShown); err != nil {
		return err
	}
	page, err := s.page(r, show.Member.Name)
	if err != nil {
		return err
	}
	page.NoIndex = true
	page.BackURL, page.BackName = ui.MemberURL(show.Member.Handle), "@"+show.Member.Handle
	return s.respond.Render(w, r, status, respond.Framed(page, staff.Leaf(show)))
}

func dossierURL(m db.Dossier, done string) string {
	return "/moderation/members/" + m.Handle + "?done=" + done
}

// barMember suspends or bans.
func (s *Server) barMember(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	f := staff.Bar{Kind: r.PostFormValue("kind"), Span: r.PostFormValue("for"), Reason: note(r, "reason")}
	until := staff.Until(s.now(), f.Span)
	switch {
	case until == 0 || f.Kind != "suspend" && f.Kind != "ban":
		return &badForm{errNoSuchChoice}
	case f.Reason == "":
		f.Error = ui.T(ctx, "Tell them why. A sentence is enough.")
	case utf8.RuneCountInString(f.Reason) > db.MaxReason:
		f.Error = ui.T(ctx, "At most %d characters.", db.MaxReason)
	}
	if f.Error != "" {
		return s.dossierPage(w, r, http.StatusUnprocessableEntity, staff.Show{Member: m, Bar: f})
	}
	if f.Kind == "ban" {
		err = s.db.Ban(ctx, v, m.ID, until, f.Reason)
	} else {
		err = s.db.Suspend(ctx, v, m.ID, until, f.Reason)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "bar"))
}

func (s *Server) liftMember(w http.ResponseWriter, r *http.Request) error {
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	if err := s.db.Lift(r.Context(), middleware.Viewer(r.Context()), m.ID); err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "lift"))
}

func (s *Server) changeRole(w http.ResponseWriter, r *http.Request) error {
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	if ok, err := s.fresh(w, r, ""); !ok || err != nil {
		return err
	}
	if err := s.db.ChangeRole(r.Context(), middleware.Viewer(r.Context()), m.ID, db.Role(r.PostFormValue("role"))); err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "role"))
}

// resetFactor lets in who has lost their phone and their codes: with the password alone, from then on.
func (s *Server) resetFactor(w http.ResponseWriter, r *http.Request) error {
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	if ok, err := s.fresh(w, r, ""); !ok || err != nil {
		return err
	}
	if err := s.db.ResetFactor(r.Context(), middleware.Viewer(r.Context()), m.ID); err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "factor"))
}

func (s *Server) setTrust(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	standing, err := s.db.TrustOf(ctx, v, m.ID)
	if err != nil {
		return err
	}
	level, lock := standing.Level, false
	if chosen := r.PostFormValue("level"); chosen != "earned" {
		if level, err = strconv.Atoi(chosen); err != nil || level < db.Newcomer || level > db.Trusted {
			return &badForm{errNoSuchChoice}
		}
		lock = true
	}
	if err := s.db.SetTrust(ctx, v, m.ID, level, lock); err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "trust"))
}

func (s *Server) addStaffNote(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	m, err := s.dossier(r)
	if err != nil {
		return err
	}
	show := staff.Show{Member: m, Note: r.PostFormValue("note")}
	text := strings.TrimSpace(show.Note)
	switch {
	case text == "":
		show.NoteErr = ui.T(ctx, "Write something first.")
	case utf8.RuneCountInString(text) > db.MaxStaffNote:
		show.NoteErr = ui.T(ctx, "At most %d characters.", db.MaxStaffNote)
	}
	if show.NoteErr != "" {
		return s.dossierPage(w, r, http.StatusUnprocessableEntity, show)
	}
	if err := s.db.AddStaffNote(ctx, middleware.Viewer(ctx), m.ID, text, formKey(r)); err != nil {
		return err
	}
	return respond.Redirect(w, r, dossierURL(m, "note")+"#notes")
}
