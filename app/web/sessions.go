package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
	"codex/views/sessions"
	"codex/views/ui"
)

func (s *Server) door(title string) layout.Page { return layout.Page{Title: title, NoIndex: true} }

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := respond.Local(r.URL.Query().Get("next"))
	if middleware.Viewer(r.Context()).SignedIn() {
		return respond.Redirect(w, r, next)
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.Login(s.door("Sign in"), sessions.SignIn{Next: next}))
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
		return s.signInAgain(w, r, f)
	}
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.Verify(ctx, c.Password, password)
	if err != nil {
		return err
	}
	if !ok {
		return s.signInAgain(w, r, f)
	}
	if err := s.openSession(ctx, w, r, c.ID); err != nil {
		return err
	}
	return s.signedIn(w, r, f)
}

func (s *Server) signInAgain(w http.ResponseWriter, r *http.Request, f sessions.SignIn) error {
	f.Problem = ui.T(r.Context(), "The name or the password is not right.")
	return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.Login(s.door("Sign in"), f))
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

func (s *Server) registerForm(w http.ResponseWriter, r *http.Request) error {
	if middleware.Viewer(r.Context()).SignedIn() {
		return respond.Redirect(w, r, "/")
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.Register(s.door("Join"), sessions.SignUp{Key: newKey(), FirstAdmin: s.setup.Open()}))
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f := sessions.SignUp{Handle: strings.TrimSpace(r.PostFormValue("handle")), Email: strings.TrimSpace(r.PostFormValue("email")),
		Token: strings.TrimSpace(r.PostFormValue("token")), Key: formKey(r), FirstAdmin: s.setup.Open()}
	password := r.PostFormValue("password")
	s.checkSignUp(ctx, &f, password)
	if f.HandleError != "" || f.EmailError != "" || f.PassError != "" || f.TokenError != "" {
		return s.registerAgain(w, r, f)
	}
	if err := s.limits.Allow(ctx, middleware.Register, ""); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	n := db.NewMember{Handle: f.Handle, Email: f.Email, Password: hash, Origin: "registered", Role: db.Plain}
	if f.Token != "" {
		n.Role, n.FirstAdmin = db.Admin, true
	}
	id, err := s.db.CreateMember(ctx, n)
	if errors.Is(err, db.ErrHandleTaken) || errors.Is(err, db.ErrEmailTaken) {
		if first, lookErr := s.sentBefore(ctx, f, password); lookErr == nil {
			id, err = first, nil
		}
	}
	switch {
	case errors.Is(err, db.ErrHandleTaken):
		f.HandleError = ui.T(ctx, "Somebody signs with this handle already.")
		return s.registerAgain(w, r, f)
	case errors.Is(err, db.ErrEmailTaken):
		f.EmailError = ui.T(ctx, "There is an account with this address. Sign in instead?")
		return s.registerAgain(w, r, f)
	case n.FirstAdmin && errors.Is(err, db.ErrForbidden):
		s.setup.Close()
		f.TokenError, f.FirstAdmin = ui.T(ctx, "There is an administrator already."), false
		return s.registerAgain(w, r, f)
	case err != nil:
		return err
	}
	if n.FirstAdmin {
		s.setup.Close()
	}
	if err := s.openSession(ctx, w, r, id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/")
}

// sentBefore finds the member that the same form has made already. Whoever sends it again has to know the account's
// address, handle and password, and is limited as at the sign-in: it is one.
func (s *Server) sentBefore(ctx context.Context, f sessions.SignUp, password string) (int64, error) {
	if f.Key == "" {
		return 0, db.ErrNotFound
	}
	if err := s.limits.SignIn(ctx, strings.ToLower(f.Handle)); err != nil {
		return 0, err
	}
	c, err := s.db.CredentialsByLogin(ctx, f.Email)
	if err != nil {
		return 0, err
	}
	ok, _, err := s.hasher.Verify(ctx, c.Password, password)
	if err == nil && (!ok || c.Handle != f.Handle) {
		err = db.ErrNotFound
	}
	return c.ID, err
}

func (s *Server) checkSignUp(ctx context.Context, f *sessions.SignUp, password string) {
	if !db.ValidHandle(f.Handle) {
		f.HandleError = ui.T(ctx, "3 to 30 letters, digits, dots, hyphens and underscores; the first and last a letter or a digit.")
	}
	if !db.ValidEmail(f.Email) {
		f.EmailError = ui.T(ctx, "This is not an e-mail address.")
	}
	switch err := auth.CheckPassword(password); {
	case err != nil && utf8.RuneCountInString(password) < auth.MinPassword:
		f.PassError = ui.T(ctx, "At least %d characters.", auth.MinPassword)
	case err != nil:
		f.PassError = ui.T(ctx, "At most %d bytes.", auth.MaxPassword)
	}
	if f.Token != "" && !s.setup.Accepts(f.Token) {
		f.TokenError = ui.T(ctx, "This is not the token that the server printed.")
	}
}

func (s *Server) registerAgain(w http.ResponseWriter, r *http.Request, f sessions.SignUp) error {
	f.Problem = ui.T(r.Context(), "Something needs another look. What you typed is still here, but the password.")
	return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.Register(s.door("Join"), f))
}
