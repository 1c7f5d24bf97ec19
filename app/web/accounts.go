package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
	"codex/views/settings"
	"codex/views/ui"
)

// freshFor is how long after the password was given dangerous acts go through without it.
const freshFor = 10 * time.Minute

// fresh is asked first by what changes who can get at an account, or takes much from it: somebody who sits down at a
// screen that was left open must not get further than the member who left it would want.
//
// It is asked for: the e-mail address, the second factor and its codes, the export, the deletion of the account; the
// role of a member on the site, the forum's settings (who gets in, whether staff need a second factor, read-only), a ban
// of a network or mail domain, which can shut out everybody at once; a channel's ownership. A change of the password
// asks for the present one itself.
//
// It is not asked for: what only takes away from the session's holder (to end sessions, to sign out); what another undoes
// with one click and the log names (sweeps, bans of a member, decisions, a channel's access, moderators and deletion,
// which also asks for its name); handles, which stay with their member; invites, which give nobody rights, are few, end
// by themselves and can be taken back, whoever came by them standing beside them.
//
// TestDangerousActsAskForThePassword holds the list.
//
// When the password was not given lately it answers the request itself, with the page that asks for it, and the handler
// returns what it returned. A form that was sent is sent again from that page, with all its fields but the secret ones;
// with back it leads to that page instead, for forms that hold something which has to be typed anew.
func (s *Server) fresh(w http.ResponseWriter, r *http.Request, back string) (bool, error) {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if s.now().Sub(v.ProvedAt.Time()) < freshFor {
		return true, nil
	}
	if r.Method != http.MethodPost {
		return false, respond.Redirect(w, r, "/settings/prove?next="+url.QueryEscape(r.URL.RequestURI()))
	}
	if back == "" && r.Header.Get("Hx-Request") != "" {
		back = respond.CameFrom(r)
	}
	if back != "" {
		return false, respond.Redirect(w, r, "/settings/prove?next="+url.QueryEscape(back))
	}
	show := settings.Prove{Action: r.URL.RequestURI()}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		if secretField(name) {
			continue
		}
		for _, value := range r.PostForm[name] {
			show.Fields = append(show.Fields, ui.KeptField{Name: name, Value: value})
		}
	}
	if _, given := r.PostForm["proof"]; !given {
		return false, s.provePage(w, r, http.StatusForbidden, show)
	}
	ok, err := s.proved(ctx, v, r.PostFormValue("proof"))
	if ok || err != nil {
		return ok, err
	}
	show.Error = ui.T(ctx, "This is not your password.")
	return false, s.provePage(w, r, http.StatusUnprocessableEntity, show)
}

// secretField is one whose value never comes back on a page.
func secretField(name string) bool {
	switch name {
	case "password", "new", "proof", "code", "secret":
		return true
	}
	return false
}

// proved compares a password with the viewer's, throttled as a sign-in is, and notes in their session that it was right.
func (s *Server) proved(ctx context.Context, v db.Viewer, password string) (bool, error) {
	c, err := s.db.CredentialsByID(ctx, v.ID)
	if err != nil {
		return false, err
	}
	if err := s.limits.SignIn(ctx, db.FoldLogin(c.Handle)); err != nil {
		return false, err
	}
	if c.Password == "" { // a member who was made without one
		return false, s.hasher.VerifyUnknown(ctx, password)
	}
	ok, _, err := s.hasher.Verify(ctx, c.Password, password)
	if err != nil || !ok {
		return false, err
	}
	return true, s.db.ProveSession(ctx, v)
}

// ownPage is the frame of a page about the viewer's own account.
func (s *Server) ownPage(r *http.Request, title string) (layout.Page, error) {
	page, err := s.page(r, title)
	page.NoIndex, page.BackURL, page.BackName = true, "/settings", ui.T(r.Context(), "Settings")
	return page, err
}

func (s *Server) provePage(w http.ResponseWriter, r *http.Request, status int, show settings.Prove) error {
	page, err := s.ownPage(r, "Is it you?")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		w.Header().Set("Cache-Control", "no-store")
	}
	return s.respond.Render(w, r, status, respond.Framed(page, settings.ProveLeaf(show)))
}

func (s *Server) proveForm(w http.ResponseWriter, r *http.Request) error {
	return s.provePage(w, r, http.StatusOK, settings.Prove{Action: "/settings/prove", Next: ownNext(r.URL.Query().Get("next"))})
}

// ownNext is where the page that asks for the password leads: "/settings" when it was not told.
func ownNext(next string) string {
	if next = respond.Local(next); next == "/" {
		return "/settings"
	}
	return next
}

func (s *Server) prove(w http.ResponseWriter, r *http.Request) error {
	ctx, next := r.Context(), ownNext(r.PostFormValue("next"))
	ok, err := s.proved(ctx, middleware.Viewer(ctx), r.PostFormValue("proof"))
	if err != nil {
		return err
	}
	if !ok {
		return s.provePage(w, r, http.StatusUnprocessableEntity, settings.Prove{Action: "/settings/prove", Next: next, Error: ui.T(ctx, "This is not your password.")})
	}
	return respond.Redirect(w, r, next)
}

func (s *Server) emailForm(w http.ResponseWriter, r *http.Request) error {
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	return s.emailPage(w, r, http.StatusOK, settings.Email{})
}

func (s *Server) emailPage(w http.ResponseWriter, r *http.Request, status int, show settings.Email) error {
	var err error
	if show.Mail, err = s.mailOf(r); err != nil {
		return err
	}
	page, err := s.ownPage(r, "E-mail")
	if err != nil {
		return err
	}
	return s.respond.Render(w, r, status, respond.Framed(page, settings.EmailLeaf(show)))
}

func (s *Server) updateEmail(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	show := settings.Email{Value: strings.TrimSpace(r.PostFormValue("email"))}
	if !db.ValidEmail(show.Value) {
		show.Error = ui.T(ctx, "This is not an e-mail address.")
		return s.emailPage(w, r, http.StatusUnprocessableEntity, show)
	}
	v := middleware.Viewer(ctx)
	if s.config.MailOn() {
		if err := s.letterTo(r, middleware.MemberKey(v.ID)); err != nil {
			return err
		}
	}
	err := s.db.SetEmail(ctx, v, show.Value)
	switch {
	case errors.Is(err, db.ErrEmailTaken):
		show.Error = ui.T(ctx, "Another account has this address.")
		return s.emailPage(w, r, http.StatusUnprocessableEntity, show)
	case errors.Is(err, db.ErrMailBanned):
		show.Error = ui.T(ctx, "Addresses of this domain are not taken here.")
		return s.emailPage(w, r, http.StatusUnprocessableEntity, show)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=email")
}

func (s *Server) updateTimeZone(w http.ResponseWriter, r *http.Request) error {
	zone := r.PostFormValue("time_zone")
	if s.zones.of(zone) == nil {
		zone = "" // UTC, and what is no zone
	}
	if err := s.db.SetTimeZone(r.Context(), middleware.Viewer(r.Context()), zone); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/settings?done=time-zone")
}

func (s *Server) endSessions(w http.ResponseWriter, r *http.Request) error {
	if err := s.db.EndSessions(r.Context(), middleware.Viewer(r.Context())); err != nil {
		return err
	}
	middleware.SetSessionCookie(w, s.cookie, "")
	return respond.Redirect(w, r, "/")
}

func (s *Server) showData(w http.ResponseWriter, r *http.Request) error {
	return s.dataPage(w, r, http.StatusOK, settings.Data{})
}

func (s *Server) dataPage(w http.ResponseWriter, r *http.Request, status int, show settings.Data) error {
	m, err := s.db.MemberByID(r.Context(), middleware.Viewer(r.Context()).ID)
	if err != nil {
		return err
	}
	show.Handle, show.Posts, show.Comments = m.Handle, m.PostCount, m.CommentCount
	page, err := s.ownPage(r, "Your data")
	if err != nil {
		return err
	}
	return s.respond.Render(w, r, status, respond.Framed(page, settings.DataLeaf(show)))
}

// Exports last longer than pages, with the reader's line.
const (
	exportPath   = "/settings/data/export"
	exportBudget = 15 * time.Minute
)

// exportData streams the viewer's data as one JSON object: a section is a list. The answer begins with the first row, so
// an error after that can only cut the file off, which leaves it without its end and its reader knows. Its address is
// mounted with a budget of its own.
func (s *Server) exportData(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	out := bufio.NewWriterSize(w, 32<<10)
	begun, section := false, ""
	err := s.db.Export(r.Context(), v, func(name string, row any) error {
		text, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("write a row of %s: %w", name, err)
		}
		before := ","
		switch {
		case !begun:
			begun = true
			h := w.Header()
			h.Set("Content-Type", "application/json; charset=utf-8")
			h.Set("Content-Disposition", `attachment; filename="codex-`+v.CreatedAt.Time().Format("2006")+"-"+s.now().UTC().Format("2006-01-02")+`.json"`)
			h.Set("Cache-Control", "no-store")
			before = "{"
			fallthrough
		case section != name:
			if before == "," {
				before = "],"
			}
			before += "\n" + `"` + name + `":[`
			section = name
		}
		if _, err := out.WriteString(before + "\n"); err != nil {
			return fmt.Errorf("send an export: %w", context.Canceled)
		}
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("send an export: %w", context.Canceled)
		}
		return nil
	})
	switch {
	case err != nil && !begun:
		return err
	case err != nil:
		s.log.WarnContext(r.Context(), "an export was cut off", "error", err)
		panic(http.ErrAbortHandler)
	}
	_, _ = out.WriteString("\n]}\n")
	_ = out.Flush() // when it fails, the reader is gone
	return nil
}

func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	show := settings.Data{Texts: r.PostFormValue("texts") == "go"}
	if !db.SameHandle(r.PostFormValue("handle"), v.Handle) {
		show.HandleError = ui.T(ctx, "This is not your handle.")
		return s.dataPage(w, r, http.StatusUnprocessableEntity, show)
	}
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	err := s.db.DeleteAccount(ctx, v, show.Texts)
	if errors.Is(err, db.ErrLastAdmin) {
		show.Problem = ui.T(ctx, "You are the only administrator. Make somebody else one first, or nobody could run this forum.")
		return s.dataPage(w, r, http.StatusConflict, show)
	}
	if err != nil {
		return err
	}
	middleware.SetSessionCookie(w, s.cookie, "")
	w.Header().Set("Cache-Control", "no-store")
	return s.respond.Render(w, r, http.StatusOK, settings.Gone(s.door("Goodbye")))
}
