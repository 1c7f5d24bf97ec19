package web

import (
	"net/http"
	"unicode/utf8"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	faults "codex/views/errors"
	"codex/views/settings"
	"codex/views/ui"
)

const maxBio = 1000

// settingsPage fills in what the form does not bring.
func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request, status int, show settings.Show) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	m, err := s.db.MemberByID(ctx, v.ID)
	if err != nil {
		return err
	}
	if show.NameError == "" && show.BioErr == "" {
		show.Name, show.Bio = m.Name, m.Bio
	}
	if show.HandleFrom, err = s.db.HandleFrom(ctx, v); err != nil {
		return err
	}
	if show.HandleErr == "" {
		show.Handle = m.Handle
	}
	if show.Mail, err = s.mailOf(r); err != nil {
		return err
	}
	show.TimeZone, show.Factor = v.TimeZone, v.Factor
	if show.Sessions, err = s.db.Sessions(ctx, v); err != nil {
		return err
	}
	why, err := s.stopped(ctx, v)
	if err != nil {
		return err
	}
	if why != nil {
		show.Stopped = faults.Because(why)
	}
	page, err := s.page(r, "Settings")
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.respond.Render(w, r, status, respond.Framed(page, settings.Leaf(show)))
}

func (s *Server) settings(w http.ResponseWriter, r *http.Request) error {
	done := ""
	switch r.URL.Query().Get("done") {
	case "profile":
		done = ui.T(r.Context(), "Your page is changed.")
	case "handle":
		done = ui.T(r.Context(), "Your handle is changed. Links to the old one lead to you.")
	case "password":
		done = ui.T(r.Context(), "Your password is changed, and your other sessions have ended.")
	case "email":
		done = ui.T(r.Context(), "Your address is changed, and your other sessions have ended.")
		if s.config.MailOn() {
			done = ui.T(r.Context(), "Your address is changed, and your other sessions have ended. A letter is on its way to it.")
		}
	case "verified":
		done = ui.T(r.Context(), "Thank you: we know now that the address is yours.")
	case "letter":
		done = ui.T(r.Context(), "A letter is on its way. Its link works for half an hour.")
	case "letters":
		done = ui.T(r.Context(), "That is noted.")
	case "time-zone":
		done = ui.T(r.Context(), "Your clock is set.")
	case "sessions":
		done = ui.T(r.Context(), "Signed out there.")
	}
	return s.settingsPage(w, r, http.StatusOK, settings.Show{Done: done})
}

func (s *Server) updateProfile(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	show := settings.Show{Name: r.PostFormValue("name"), Bio: r.PostFormValue("bio")}
	name, ok := db.CleanName(show.Name)
	if !ok || name == "" {
		show.NameError = ui.T(ctx, "A name has 1 to %d characters that can be shown.", 60)
	}
	if utf8.RuneCountInString(show.Bio) > maxBio {
		show.BioErr = ui.T(ctx, "At most %d characters.", maxBio)
	}
	if show.NameError == "" && show.BioErr == "" {
		err := s.db.SetProfile(ctx, v, name, show.Bio)
		if err == nil {
			return respond.Redirect(w, r, "/settings?done=profile")
		}
		if show.BioErr = limitText(ctx, err); show.BioErr == "" {
			return err
		}
	}
	return s.settingsPage(w, r, http.StatusUnprocessableEntity, show)
}

func (s *Server) updateTheme(w http.ResponseWriter, r *http.Request) error {
	theme := r.PostFormValue("theme")
	if theme != "light" && theme != "dark" {
		theme = ""
	}
	if err := s.db.SetTheme(r.Context(), middleware.Viewer(r.Context()), theme); err != nil {
		return err
	}
	return respond.Noted(w, r, respond.CameFrom(r))
}

func (s *Server) updatePassword(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	var show settings.Show
	c, err := s.db.CredentialsByID(ctx, v.ID)
	if err != nil {
		return err
	}
	if err := s.limits.SignIn(ctx, c.Handle); err != nil {
		return err
	}
	ok := false // as for a member who was made without one
	if c.Password != "" {
		if ok, _, err = s.hasher.Verify(ctx, c.Password, r.PostFormValue("password")); err != nil {
			return err
		}
	}
	next := r.PostFormValue("new")
	if !ok {
		show.PassError = ui.T(ctx, "This is not your present password.")
	}
	if show.NewErr, err = passwordFault(ctx, next, c.Handle, c.Email); err != nil {
		return err
	}
	if show.PassError != "" || show.NewErr != "" {
		return s.settingsPage(w, r, http.StatusUnprocessableEntity, show)
	}
	hash, err := s.hasher.Hash(ctx, next)
	if err != nil {
		return err
	}
	if err := s.db.SetPassword(ctx, v.ID, hash, v.SessionID); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=password")
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.EndSession(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=sessions")
}

func (s *Server) endOtherSessions(w http.ResponseWriter, r *http.Request) error {
	if err := s.db.EndOtherSessions(r.Context(), middleware.Viewer(r.Context())); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=sessions")
}
