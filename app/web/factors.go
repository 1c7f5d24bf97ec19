package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/factors"
	"codex/views/sessions"
	"codex/views/ui"
)

const (
	halfwayFor     = 5 * time.Minute
	halfwayTries   = 5
	halfwayOfOne   = 5     // sign-ins of one member that wait at a time
	halfwayAtOnce  = 1_000 // of all; about 300 bytes each
	pendingUnknown = "That took too long, or came from another place. Sign in again."
)

// halfway holds the sign-ins whose password was right and whose code is still to come. Nobody gets in here without a
// right password. When there are too many, the oldest goes: that member signs in again. A restart forgets all.
type halfway struct {
	mu      sync.Mutex
	waiting map[string]*pending // by the token's hash
}

// pending is one of them. It counts only from the network that it began in, and while the password stays what it was.
type pending struct {
	member   int64
	password string // PHC
	network  string
	until    time.Time
	tries    int
}

// begin answers the token of a new one.
func (h *halfway) begin(p pending, now time.Time) string {
	token, hash := auth.NewToken()
	p.until = now.Add(halfwayFor)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]*pending{}
	}
	theirs, oldest, oldestTheirs := 0, "", ""
	for key, w := range h.waiting {
		if now.After(w.until) {
			delete(h.waiting, key)
			continue
		}
		if oldest == "" || w.until.Before(h.waiting[oldest].until) {
			oldest = key
		}
		if w.member == p.member {
			if theirs++; oldestTheirs == "" || w.until.Before(h.waiting[oldestTheirs].until) {
				oldestTheirs = key
			}
		}
	}
	switch {
	case theirs >= halfwayOfOne:
		delete(h.waiting, oldestTheirs)
	case len(h.waiting) >= halfwayAtOnce:
		delete(h.waiting, oldest)
	}
	h.waiting[string(hash)] = &p
	return token
}

// try counts a try, and answers the sign-in that the token belongs to; false when there is none any more.
func (h *halfway) try(token, network string, now time.Time) (pending, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.waiting[string(auth.HashToken(token))]
	if !ok || now.After(p.until) || p.network != network || p.tries >= halfwayTries {
		return pending{}, false
	}
	p.tries++
	return *p, true
}

// end answers whether the sign-in was still there: of several with one token, one goes on.
func (h *halfway) end(token string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := string(auth.HashToken(token))
	_, ok := h.waiting[key]
	delete(h.waiting, key)
	return ok
}

// askCode is the answer to a right password of a member with a second factor. There is no session yet.
func (s *Server) askCode(w http.ResponseWriter, r *http.Request, c db.Credentials, f sessions.SignIn) error {
	ctx := r.Context()
	token := s.halfway.begin(pending{member: c.ID, password: c.Password, network: middleware.LimitKey(middleware.ClientAddr(ctx))}, s.now())
	return s.codePage(w, r, http.StatusOK, sessions.Code{Pending: token, Next: f.Next, Kept: f.Kept})
}

func (s *Server) codePage(w http.ResponseWriter, r *http.Request, status int, c sessions.Code) error {
	w.Header().Set("Cache-Control", "no-store")
	return s.respond.Render(w, r, status, sessions.CodePage(s.door("Sign in"), c))
}

func (s *Server) signInWithCode(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f := sessions.SignIn{Next: respond.Local(r.PostFormValue("next")), Kept: respond.Carried(r)}
	token := r.PostFormValue("pending")
	p, ok := s.halfway.try(token, middleware.LimitKey(middleware.ClientAddr(ctx)), s.now())
	if !ok {
		return s.signInOver(w, r, f)
	}
	c, err := s.db.CredentialsByID(ctx, p.member)
	if errors.Is(err, db.ErrNotFound) || err == nil && c.Password != p.password {
		s.halfway.end(token)
		return s.signInOver(w, r, f)
	}
	if err != nil {
		return err
	}
	if err := s.limits.SignIn(ctx, db.FoldLogin(c.Handle)); err != nil {
		return err
	}
	switch err := s.spendCode(ctx, p.member, r.PostFormValue("code")); {
	case errors.Is(err, db.ErrNotFound):
		return s.codePage(w, r, http.StatusUnprocessableEntity, sessions.Code{Pending: token, Next: f.Next, Kept: f.Kept,
			Problem: ui.T(ctx, "This code is not right, or was used before. Wait for the next one.")})
	case err != nil:
		return err
	case !s.halfway.end(token):
		return s.signInOver(w, r, f)
	}
	if err := s.openSession(ctx, w, r, p.member); err != nil {
		return err
	}
	return s.signedIn(w, r, f)
}

func (s *Server) signInOver(w http.ResponseWriter, r *http.Request, f sessions.SignIn) error {
	f.Problem = ui.T(r.Context(), pendingUnknown)
	return s.signInPage(w, r, http.StatusUnprocessableEntity, f)
}

// spendCode uses up a code of a member's authenticator, or one of their recovery codes; ErrNotFound for what is neither.
func (s *Server) spendCode(ctx context.Context, member int64, code string) error {
	if err := s.limits.Allow(ctx, middleware.SignInCode, middleware.MemberKey(member)); err != nil {
		return err
	}
	f, err := s.db.FactorOf(ctx, member)
	if err != nil {
		return err
	}
	if hash, ok := auth.RecoveryHash(code); ok {
		return s.db.SpendRecoveryCode(ctx, member, hash)
	}
	step, ok := auth.TOTPStep(f.Secret, code, s.now(), f.Step)
	if !ok {
		return db.ErrNotFound
	}
	return s.db.SpendStep(ctx, member, step)
}

// staffFactor reports whether staff need a second factor on this forum.
func (s *Server) staffFactor(ctx context.Context) (bool, error) {
	now, err := s.siteNow(ctx)
	return err == nil && now.or(db.SettingStaffFactor, "off") == "on", err
}

// mustSetFactor reports whether a request is of staff who lack the second factor that they need, and for anything but
// their own settings and what everybody may read about the forum. Their rights wait until they have it.
func (s *Server) mustSetFactor(ctx context.Context, v db.Viewer, pattern string) (bool, error) {
	if !v.Staff() || v.Factor {
		return false, nil
	}
	_, path, _ := strings.Cut(pattern, " ")
	switch path {
	case "/logout", "/about", "/rules", "/privacy", "/robots.txt", "/favicon.ico":
		return false, nil
	}
	if path == "/settings" || strings.HasPrefix(path, "/settings/") {
		return false, nil
	}
	return s.staffFactor(ctx)
}

func (s *Server) showFactor(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	show := factors.Show{On: v.Factor}
	if v.Factor {
		f, err := s.db.FactorOf(ctx, v.ID)
		if err != nil {
			return err
		}
		show.Codes = f.Codes
	}
	if v.Staff() {
		var err error
		if show.Required, err = s.staffFactor(ctx); err != nil {
			return err
		}
	}
	if r.URL.Query().Get("done") == "off" {
		show.Done = ui.T(ctx, "The second factor is off, and your other sessions have ended.")
	}
	page, err := s.ownPage(r, "Second factor")
	if err != nil {
		return err
	}
	return s.show(w, r, page, factors.Leaf(show))
}

// newFactor shows a new secret. Nothing of it is stored before a code of it comes back.
func (s *Server) newFactor(w http.ResponseWriter, r *http.Request) error {
	if middleware.Viewer(r.Context()).Factor {
		return respond.Redirect(w, r, "/settings/second-factor")
	}
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	return s.factorSetup(w, r, http.StatusOK, auth.NewTOTPSecret(), "")
}

func (s *Server) factorSetup(w http.ResponseWriter, r *http.Request, status int, secret []byte, problem string) error {
	address, err := auth.TOTPAddress(secret, s.siteName(), middleware.Viewer(r.Context()).Handle)
	if err != nil {
		return err
	}
	show := factors.Setup{Secret: auth.TOTPText(secret), Address: address, Error: problem}
	if show.Path, show.Size, err = auth.QR(address); err != nil {
		return err
	}
	page, err := s.ownPage(r, "Second factor")
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.respond.Render(w, r, status, respond.Framed(page, factors.SetupLeaf(show)))
}

func (s *Server) createFactor(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, "/settings/second-factor/new"); !ok {
		return err
	}
	secret, ok := auth.ParseTOTPText(r.PostFormValue("secret"))
	if !ok {
		return respond.Redirect(w, r, "/settings/second-factor/new")
	}
	step, ok := auth.TOTPStep(secret, r.PostFormValue("code"), s.now(), 0)
	if !ok {
		return s.factorSetup(w, r, http.StatusUnprocessableEntity, secret, ui.T(ctx, "This is not the code of the moment. Is the phone's clock right?"))
	}
	plain, hashes := auth.NewRecoveryCodes()
	if err := s.db.SetFactor(ctx, v, secret, step, hashes); err != nil {
		return err
	}
	if err := s.openSession(ctx, w, r, v.ID); err != nil {
		return err
	}
	return s.showCodes(w, r, plain, true)
}

func (s *Server) showCodes(w http.ResponseWriter, r *http.Request, plain []string, fresh bool) error {
	page, err := s.ownPage(r, "Recovery codes")
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.show(w, r, page, factors.CodesLeaf(plain, fresh))
}

func (s *Server) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	plain, hashes := auth.NewRecoveryCodes()
	if err := s.db.SetRecoveryCodes(r.Context(), middleware.Viewer(r.Context()), hashes); err != nil {
		return err
	}
	return s.showCodes(w, r, plain, false)
}

func (s *Server) dropFactor(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	if err := s.db.DropFactor(r.Context(), v.ID, v.SessionID); err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	return respond.Redirect(w, r, "/settings/second-factor?done=off")
}
