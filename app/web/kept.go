package web

import (
	"net/http"

	"codex/app/web/respond"
	"codex/views/sessions"
)

// mustSignIn answers a guest who asks for what is for members: with the way to the sign-in page, or, when they had
// written something while their session ended, with that page itself and the text on it. A form of htmx goes the first
// way: its page's script keeps the text, and lays it into the form again that the sign-in leads back to.
func (s *Server) mustSignIn(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost && readForm(r) == nil {
		if at, err := place(r); err == nil && respond.Partial(r) {
			return respond.SignInFor(w, r, formOf(at))
		}
		if k := respond.Carry(r); k != nil {
			f := sessions.SignIn{Next: respond.CameFrom(r), Kept: k}
			return s.signInPage(w, r, http.StatusForbidden, f)
		}
	}
	return respond.SignIn(w, r)
}

// signedIn answers a sign-in that succeeded: with the way on, or with the text that the form carried.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request, f sessions.SignIn) error {
	if f.Kept == nil {
		return respond.Redirect(w, r, f.Next)
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.respond.Render(w, r, http.StatusOK, sessions.Kept(s.door("Sign in"), *f.Kept, f.Next))
}
