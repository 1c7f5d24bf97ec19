package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
	"codex/views/registrations"
	"codex/views/sessions"
	"codex/views/ui"
)

// atLeast is how long a person needs for the form to join where a password manager fills in all of it. It counts from when
// the form was first shown: one that comes back with a fault is soon sent again.
const atLeast = time.Second

// shut answers that the door does not open now.
func (s *Server) shut(w http.ResponseWriter, r *http.Request, status int, why sessions.Shut) error {
	return s.respond.Render(w, r, status, sessions.ShutDoor(s.door("Join"), why))
}

// shutDoor is why nobody comes in with what they brought; ok is false when they may try.
func shutDoor(door db.Door, invite string) (why sessions.Shut, ok bool) {
	switch {
	case door.Mode == db.RegistrationClosed:
		return sessions.Paused, true
	case door.Mode == db.RegistrationInvite && invite == "":
		return sessions.ByInvite, true
	}
	return 0, false
}

// doorFor is how one becomes a member now, with the invite of a form.
func (s *Server) doorFor(ctx context.Context, invite string) (db.Door, error) {
	var hash []byte
	if invite != "" {
		hash = auth.HashToken(invite)
	}
	return s.db.Door(ctx, hash)
}

func (s *Server) registerForm(w http.ResponseWriter, r *http.Request) error {
	if middleware.Viewer(r.Context()).SignedIn() {
		return respond.Redirect(w, r, "/")
	}
	f := sessions.SignUp{Key: newKey(), FirstAdmin: s.setup.Open(), Invite: r.URL.Query().Get("invite"), Opened: strconv.FormatInt(s.now().UnixMilli(), 10)}
	door, err := s.doorFor(r.Context(), f.Invite)
	if err != nil {
		return err
	}
	f.Asks, f.Question = door.Mode == db.RegistrationApproval, door.Question
	if why, shut := shutDoor(door, f.Invite); shut && !f.FirstAdmin {
		return s.shut(w, r, http.StatusOK, why)
	}
	if s.readOnly() && !f.FirstAdmin {
		return s.shut(w, r, http.StatusOK, sessions.ReadOnly)
	}
	if f.Invite != "" && !door.Invite {
		if door.Mode == db.RegistrationInvite && !f.FirstAdmin {
			return s.shut(w, r, http.StatusOK, sessions.InviteEnd)
		}
		f.Invite, f.Lost = "", true
	}
	return s.respond.Render(w, r, http.StatusOK, sessions.Register(s.door("Join"), f))
}

// waiting is where those arrive whom a moderator has to let in.
func (s *Server) waiting(w http.ResponseWriter, r *http.Request) error {
	return s.shut(w, r, http.StatusOK, sessions.Waiting)
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f := sessions.SignUp{Handle: strings.TrimSpace(r.PostFormValue("handle")), Email: strings.TrimSpace(r.PostFormValue("email")),
		Token: strings.TrimSpace(r.PostFormValue("token")), Key: formKey(r), FirstAdmin: s.setup.Open(),
		Invite: r.PostFormValue("invite"), Answer: strings.TrimSpace(r.PostFormValue("answer")), Opened: r.PostFormValue("opened")}
	door, err := s.doorFor(ctx, f.Invite)
	if err != nil {
		return err
	}
	f.Asks, f.Question = door.Mode == db.RegistrationApproval, door.Question
	if why, shut := shutDoor(door, f.Invite); shut && f.Token == "" {
		return s.shut(w, r, http.StatusForbidden, why)
	}
	password := r.PostFormValue("password")
	if err := s.checkSignUp(ctx, &f, password); err != nil {
		return err
	}
	if !f.Right() {
		return s.registerAgain(w, r, f)
	}
	if f.Token == "" {
		if err := s.admitNetwork(ctx, db.Plain); err != nil {
			return err
		}
	}
	if f.Token == "" && s.hasty(f.Opened) { // the token says more than the time
		f.Problem = ui.T(ctx, "That was quicker than anybody types. Give your password once more and press the button again.")
		return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.Register(s.door("Join"), f))
	}
	if err := s.limits.Allow(ctx, middleware.Register, ""); err != nil {
		return err
	}
	// What fills in the field that nobody sees is a program. It is told what everybody is told and no member is made: one
	// that waited for a moderator would give it their time, which is what a wave of such programs is after.
	if r.PostFormValue("website") != "" {
		s.log.InfoContext(ctx, "a registration filled in the field that nobody sees", "address", middleware.ClientAddr(ctx))
		return s.arrived(w, r, f.Asks && f.Invite == "", false)
	}
	return s.join(w, r, f, password)
}

// join makes the member and signs them in.
func (s *Server) join(w http.ResponseWriter, r *http.Request, f sessions.SignUp, password string) error {
	ctx := r.Context()
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	n := db.NewMember{Handle: f.Handle, Email: f.Email, Password: hash, Answer: f.Answer, Address: middleware.ClientAddr(ctx).String(), FirstAdmin: f.Token != ""}
	if f.Invite != "" {
		n.Invite = auth.HashToken(f.Invite)
	}
	got, err := s.db.Register(ctx, n)
	if errors.Is(err, db.ErrHandleTaken) || errors.Is(err, db.ErrEmailTaken) {
		if first, lookErr := s.sentBefore(ctx, f, password); lookErr == nil {
			got, err = first, nil
		}
	}
	if err != nil {
		return s.notRegistered(w, r, f, err)
	}
	if n.FirstAdmin {
		s.setup.Close()
	}
	if !got.Pending {
		if err := s.openSession(ctx, w, r, got.ID); err != nil {
			return err
		}
	}
	return s.arrived(w, r, got.Pending, n.FirstAdmin)
}

// arrived leads to where a form to join ends: the first admin to what is left to do, and who is new and whose first texts
// will wait to where they are told so.
func (s *Server) arrived(w http.ResponseWriter, r *http.Request, pending, first bool) error {
	switch {
	case pending:
		return respond.Redirect(w, r, "/register/waiting")
	case first:
		return respond.Redirect(w, r, "/admin")
	}
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	if now.or(db.SettingHoldFirst, strconv.Itoa(db.HoldFirst)) != "0" {
		return respond.Redirect(w, r, "/?joined=1")
	}
	return respond.Redirect(w, r, "/")
}

// notRegistered says why somebody did not become a member.
func (s *Server) notRegistered(w http.ResponseWriter, r *http.Request, f sessions.SignUp, err error) error {
	ctx := r.Context()
	switch {
	case errors.Is(err, db.ErrHandleTaken):
		f.HandleError = handleTakenText(ctx)
		if _, err := s.db.CredentialsByLogin(ctx, f.Email); err == nil { // so that one does not hear of it only then
			f.EmailError = ui.T(ctx, "There is an account with this address. Sign in instead?")
		}
	case errors.Is(err, db.ErrEmailTaken):
		f.EmailError = ui.T(ctx, "There is an account with this address. Sign in instead?")
	case errors.Is(err, db.ErrMailBanned):
		f.EmailError = ui.T(ctx, "Addresses of this provider are not taken here.")
	case f.Token != "" && errors.Is(err, db.ErrForbidden):
		s.setup.Close()
		f.TokenError, f.FirstAdmin = ui.T(ctx, "There is an administrator already."), false
	case errors.Is(err, db.ErrRegistrationClosed):
		return s.shut(w, r, http.StatusForbidden, sessions.Paused)
	case errors.Is(err, db.ErrInviteNeeded):
		return s.shut(w, r, http.StatusForbidden, sessions.ByInvite)
	case errors.Is(err, db.ErrInviteEnded):
		return s.shut(w, r, http.StatusForbidden, sessions.InviteEnd)
	default:
		return err
	}
	return s.registerAgain(w, r, f)
}

// sentBefore finds the member that the same form has made already. Whoever sends it again has to know the account's
// address, handle and password, and is limited as at the sign-in: it is one.
func (s *Server) sentBefore(ctx context.Context, f sessions.SignUp, password string) (db.Registered, error) {
	if f.Key == "" {
		return db.Registered{}, db.ErrNotFound
	}
	if err := s.limits.SignIn(ctx, strings.ToLower(f.Handle)); err != nil {
		return db.Registered{}, err
	}
	c, err := s.db.CredentialsByLogin(ctx, f.Email)
	if err != nil {
		return db.Registered{}, err
	}
	ok, _, err := s.hasher.Verify(ctx, c.Password, password)
	if err == nil && (!ok || c.Handle != f.Handle || c.Factor) { // with a second factor the way in is the sign-in
		err = db.ErrNotFound
	}
	return db.Registered{ID: c.ID, Pending: c.Pending}, err
}

// hasty reports a form that came back faster than a person fills it in. One that does not say when it was shown, or was
// shown by a clock that is ahead, is taken for slow: this stops nobody who knows of it.
func (s *Server) hasty(opened string) bool {
	at, err := strconv.ParseInt(opened, 10, 64)
	if err != nil || !s.config.Limited() {
		return false
	}
	took := s.now().Sub(time.UnixMilli(at))
	return took >= 0 && took < atLeast
}

func (s *Server) checkSignUp(ctx context.Context, f *sessions.SignUp, password string) error {
	f.HandleError = handleFault(ctx, f.Handle, f.Token != "")
	if !db.ValidEmail(f.Email) {
		f.EmailError = ui.T(ctx, "This is not an e-mail address.")
	}
	if f.Asks && f.Invite == "" && f.Token == "" && (f.Answer == "" || utf8.RuneCountInString(f.Answer) > db.MaxAnswer) {
		f.AnswerError = ui.T(ctx, "A moderator would like to read a few words, at most %d characters.", db.MaxAnswer)
	}
	if f.Token != "" && !s.setup.Accepts(f.Token) {
		f.TokenError = ui.T(ctx, "This is not the token that the server printed.")
	}
	var err error
	if f.PassError, err = passwordFault(ctx, password, f.Handle, f.Email); err != nil || f.HandleError != "" {
		return err
	}
	// All that is wrong is said at once. Whether an address has an account is said only where tries are counted.
	taken, err := s.db.HandleSpent(ctx, f.Handle)
	if taken && !f.Right() {
		f.HandleError = handleTakenText(ctx)
	}
	return err
}

func handleTakenText(ctx context.Context) string {
	return ui.T(ctx, "Somebody signs with this handle already, or with one that looks like it.")
}

// passwordFault says why a new password cannot be taken; empty: it can. own are the handle and the address.
func passwordFault(ctx context.Context, password string, own ...string) (string, error) {
	switch err := auth.NewPassword(password, own...); {
	case errors.Is(err, auth.ErrPasswordLength) && len(password) < auth.MinPassword:
		return ui.T(ctx, "At least %d characters.", auth.MinPassword), nil
	case errors.Is(err, auth.ErrPasswordLength):
		return ui.T(ctx, "At most %d bytes.", auth.MaxPassword), nil
	case errors.Is(err, auth.ErrCommonPassword):
		return ui.T(ctx, "Many people use this password, so it is among the first that are tried. A short sentence of your own is better."), nil
	case errors.Is(err, auth.ErrOwnPassword):
		return ui.T(ctx, "Everybody knows this about you. Choose something else."), nil
	default:
		return "", err
	}
}

func (s *Server) registerAgain(w http.ResponseWriter, r *http.Request, f sessions.SignUp) error {
	f.Problem = ui.T(r.Context(), "Something needs another look. What you typed is still here, but the password.")
	return s.respond.Render(w, r, http.StatusUnprocessableEntity, sessions.Register(s.door("Join"), f))
}

// pendingPerPage is how many of those who wait stand on a page, and how many one decision can be about.
const pendingPerPage = 50

func (s *Server) listRegistrations(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	show := registrations.List{}
	if show.Door, err = s.db.Door(ctx, nil); err != nil {
		return err
	}
	if show.Members, err = s.db.PendingMembers(ctx, v, after, pendingPerPage+1); err != nil {
		return err
	}
	if len(show.Members) > pendingPerPage {
		show.Members = show.Members[:pendingPerPage]
		last := show.Members[pendingPerPage-1]
		show.NextURL = with("/moderation/registrations", "after", db.NewCursor(int64(last.CreatedAt), last.ID).String())
	}
	switch r.URL.Query().Get("done") {
	case "in":
		show.Done = ui.T(ctx, "Let in. They can sign in now.")
	case "declined":
		show.Done = ui.T(ctx, "Declined. Nothing of it is kept but a line in the log.")
	}
	return s.showRegistrations(w, r, show)
}

func (s *Server) showRegistrations(w http.ResponseWriter, r *http.Request, show registrations.List) error {
	page, err := s.page(r, "Who waits to be let in")
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.show(w, r, page, registrations.Leaf(show))
}

func (s *Server) decideRegistrations(w http.ResponseWriter, r *http.Request) error {
	var ids []int64
	for _, text := range r.PostForm["member"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || len(ids) == pendingPerPage {
			return &badForm{errNoSuchChoice}
		}
		ids = append(ids, id)
	}
	let, done := r.PostFormValue("let") == "in", "declined"
	if let {
		done = "in"
	}
	if err := s.db.DecideRegistrations(r.Context(), middleware.Viewer(r.Context()), ids, let); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/registrations?done="+done)
}

// door is the frame of a page outside the forum's own.
func (s *Server) door(title string) layout.Page {
	return layout.Page{Title: title, NoIndex: true, ReadOnly: s.readOnly(), Door: s.registration()}
}
