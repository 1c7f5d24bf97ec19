package web

import (
	"errors"
	"net/http"
	"strings"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/notify"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/sessions"
	"codex/views/settings"
	"codex/views/ui"
)

// The pages that letters lead to. Their address holds a secret, in the query, which is what no log of ours holds. A
// program that looks at every link of a letter changes nothing by it: what a link opens is opened by a form.

// secretPage keeps the address of such a page out of caches, and out of the Referer of what the page loads or leads to.
// Not no-referrer, with which browsers send "Origin: null" with our own forms.
func secretPage(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "strict-origin")
}

// letterTo counts a letter against the limits of who asks for it and of the account or address that it is for.
func (s *Server) letterTo(r *http.Request, account string) error {
	if err := s.limits.Allow(r.Context(), middleware.LetterAddress, ""); err != nil {
		return err
	}
	return s.limits.Allow(r.Context(), middleware.LetterAccount, account)
}

func (s *Server) forgotForm(w http.ResponseWriter, r *http.Request) error {
	f := sessions.Forgot{Off: !s.config.MailOn(), Sent: r.URL.Query().Get("sent") != ""}
	return s.respond.Render(w, r, http.StatusOK, sessions.ForgotPage(s.door("Forgot your password?"), f))
}

// forgot asks for a letter. Whether anybody has the address is found out later, by who writes the letter: the answer, its
// time and the limits are the same for those who have an account here and those who have not.
func (s *Server) forgot(w http.ResponseWriter, r *http.Request) error {
	if !s.config.MailOn() {
		return db.ErrNotFound
	}
	f := sessions.Forgot{Email: strings.TrimSpace(r.PostFormValue("email"))}
	if !db.ValidEmail(f.Email) {
		f.Error = ui.T(r.Context(), "This is not an e-mail address.")
		return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.ForgotPage(s.door("Forgot your password?"), f))
	}
	if err := s.letterTo(r, db.FoldLogin(f.Email)); err != nil {
		return err
	}
	if err := s.db.AskReset(r.Context(), f.Email); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/forgot?sent=1")
}

// linkEnded answers for a link that opens nothing: because it never did, was used, is too old, or because of a newer one.
func (s *Server) linkEnded(w http.ResponseWriter, r *http.Request, again string) error {
	return s.respond.Render(w, r, http.StatusNotFound, sessions.LinkEnded(s.door("This link has ended"), again))
}

func (s *Server) resetForm(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	token := r.URL.Query().Get("token")
	holder, err := s.db.LinkHolder(r.Context(), db.PurposeReset, auth.HashToken(token))
	if errors.Is(err, db.ErrNotFound) {
		return s.linkEnded(w, r, "/forgot")
	}
	if err != nil {
		return err
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.ResetPage(s.door("A new password"), sessions.Reset{Token: token, Handle: holder.Handle}))
}

func (s *Server) reset(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	ctx, token, password := r.Context(), r.PostFormValue("token"), r.PostFormValue("new")
	holder, err := s.db.LinkHolder(ctx, db.PurposeReset, auth.HashToken(token)) // first, so that nobody has passwords hashed without a link
	if errors.Is(err, db.ErrNotFound) {
		return s.linkEnded(w, r, "/forgot")
	}
	if err != nil {
		return err
	}
	f := sessions.Reset{Token: token, Handle: holder.Handle}
	if f.Error, err = passwordFault(ctx, password, holder.Handle, holder.Email); err != nil {
		return err
	}
	if f.Error != "" {
		return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.ResetPage(s.door("A new password"), f))
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.db.ResetPassword(ctx, auth.HashToken(token), hash); errors.Is(err, db.ErrNotFound) {
		return s.linkEnded(w, r, "/forgot")
	} else if err != nil {
		return err
	}
	// Not signed in by it: who has a second factor is still asked for it, and a letter alone opens no session.
	middleware.SetSessionCookie(w, s.cookie, "")
	return respond.Redirect(w, r, "/login?done=reset")
}

func (s *Server) verifyForm(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	token := r.URL.Query().Get("token")
	holder, err := s.db.LinkHolder(r.Context(), db.PurposeVerify, auth.HashToken(token))
	if errors.Is(err, db.ErrNotFound) {
		return s.linkEnded(w, r, "/settings/email")
	}
	if err != nil {
		return err
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.VerifyPage(s.door("Is this your address?"), sessions.Verify{Token: token, Handle: holder.Handle, Email: holder.Email}))
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	switch err := s.db.VerifyEmail(r.Context(), auth.HashToken(r.PostFormValue("token"))); {
	case errors.Is(err, db.ErrNotFound):
		return s.linkEnded(w, r, "/settings/email")
	case err != nil:
		return err
	case middleware.Viewer(r.Context()).SignedIn():
		return respond.Redirect(w, r, "/settings?done=verified")
	}
	return respond.Redirect(w, r, "/login?done=verified")
}

// askVerify sends the letter once more.
func (s *Server) askVerify(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if !s.config.MailOn() {
		return db.ErrNotFound
	}
	if err := s.letterTo(r, middleware.MemberKey(v.ID)); err != nil {
		return err
	}
	if err := s.db.AskVerify(r.Context(), v); err != nil && !errors.Is(err, db.ErrNotFound) { // proved meanwhile
		return err
	}
	return respond.Redirect(w, r, "/settings?done=letter")
}

// allowLetters lets the letters come again that a link stopped, or stops them.
func (s *Server) allowLetters(w http.ResponseWriter, r *http.Request) error {
	off := r.PostFormValue("on") == "false"
	if err := s.db.SetMailOff(r.Context(), middleware.Viewer(r.Context()).ID, off); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=letters")
}

// lettersOf is whose letters the address stops.
func (s *Server) lettersOf(r *http.Request) (int64, error) {
	secret, err := s.db.KnownMailSecret(r.Context())
	if err != nil {
		return 0, err
	}
	id, ok := notify.StopFor(secret, r.URL.Query())
	if !ok {
		return 0, db.ErrNotFound
	}
	return id, nil
}

func (s *Server) unsubscribeForm(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	done := r.URL.Query().Get("done") != ""
	if !done {
		if _, err := s.lettersOf(r); err != nil {
			return err
		}
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.UnsubscribePage(s.door("Letters"), r.URL.RequestURI(), done))
}

// unsubscribe stops the letters. A mailbox's own button sends List-Unsubscribe=One-Click, without a session and without
// following a redirect (RFC 8058); our page's form is answered like any other.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	secretPage(w)
	member, err := s.lettersOf(r)
	if err != nil {
		return err
	}
	if err := s.db.SetMailOff(r.Context(), member, true); err != nil {
		return err
	}
	if r.PostFormValue("List-Unsubscribe") == "One-Click" {
		return s.respond.Render(w, r, http.StatusOK, sessions.UnsubscribePage(s.door("Letters"), "", true))
	}
	return respond.Redirect(w, r, "/unsubscribe?done=1")
}

// mailOf is what the settings say of the viewer's address.
func (s *Server) mailOf(r *http.Request) (settings.Mail, error) {
	a, err := s.db.AddressOf(r.Context(), middleware.Viewer(r.Context()))
	return settings.Mail{Address: a.Email, Verified: a.Verified, Off: a.Off, Sends: s.config.MailOn()}, err
}
