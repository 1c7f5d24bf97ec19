package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/sessions"
	"codex/views/ui"
)

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := respond.Local(r.URL.Query().Get("next"))
	if middleware.Viewer(r.Context()).SignedIn() {
		return respond.Redirect(w, r, next)
	}
	f := sessions.SignIn{Next: next}
	switch r.URL.Query().Get("done") {
	case "reset":
		f.Done = ui.T(r.Context(), "Your password is changed. Sign in with it.")
	case "verified":
		f.Done = ui.T(r.Context(), "Thank you: we know now that the address is yours.")
	}
	return s.signInPage(w, r, http.StatusOK, f)
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f := sessions.SignIn{Login: strings.TrimSpace(r.PostFormValue("login")), Next: respond.Local(r.PostFormValue("next")), Kept: respond.Carried(r)}
	if err := s.limits.SignIn(ctx, db.FoldLogin(f.Login)); err != nil {
		return err
	}
	password := r.PostFormValue("password")
	c, err := s.db.CredentialsByLogin(ctx, f.Login)
	if errors.Is(err, db.ErrNotFound) {
		// The same work as for a member, so that the time does not tell who has an account here.
		if err := s.hasher.VerifyUnknown(ctx, password); err != nil {
			return err
		}
		if err := s.admitNetwork(ctx, db.Plain); err != nil {
			return err
		}
		return s.signInAgain(w, r, f)
	}
	if err != nil {
		return err
	}
	if typed, name := db.FoldLogin(f.Login), db.FoldLogin(c.Handle); typed != name && !strings.Contains(typed, "@") {
		// An old handle. That it is theirs everybody may know, so it gets them no tries of its own; an address is not known to be
		// theirs, and must not become so by meeting the handle's limit.
		if err := s.limits.Allow(ctx, middleware.SignInAccount, name); err != nil {
			return err
		}
	}
	ok, _, err := s.hasher.Verify(ctx, c.Password, password)
	if err != nil {
		return err
	}
	role := c.Role
	if !ok {
		role = db.Plain
	}
	if err := s.admitNetwork(ctx, role); err != nil {
		return err
	}
	if !ok {
		return s.signInAgain(w, r, f)
	}
	if c.Pending {
		return s.shut(w, r, http.StatusForbidden, sessions.Waiting)
	}
	if c.Factor {
		return s.askCode(w, r, c, f)
	}
	if err := s.openSession(ctx, w, r, c.ID); err != nil {
		return err
	}
	return s.signedIn(w, r, f)
}

func (s *Server) signInAgain(w http.ResponseWriter, r *http.Request, f sessions.SignIn) error {
	f.Problem = ui.T(r.Context(), "The name or the password is not right.")
	return s.signInPage(w, r, http.StatusUnprocessableEntity, f)
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, status int, f sessions.SignIn) error {
	f.Forgot = s.config.MailOn()
	return s.respond.Render(w, r, status, sessions.Login(s.door("Sign in"), f))
}

// openSession makes a new session with a new token: never one that the browser brought.
func (s *Server) openSession(ctx context.Context, w http.ResponseWriter, r *http.Request, member int64) error {
	token, hash := auth.NewToken()
	if err := s.db.CreateSession(ctx, member, hash, middleware.ClientAddr(ctx).String(), r.UserAgent()); err != nil {
		return err
	}
	middleware.SetSessionCookie(w, s.cookie, token)
	return nil
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if v.SignedIn() {
		if err := s.db.EndSession(r.Context(), v, v.SessionID); err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	middleware.SetSessionCookie(w, s.cookie, "")
	return respond.Redirect(w, r, "/")
}
