package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/channels"
	faults "codex/views/errors"
	"codex/views/memberships"
	"codex/views/ui"
)

// refusal is why the viewer, who can read the subject, may not do the action to it: nil when they may, and the error with
// which the write would answer when the channel or the post is what hinders them.
func refusal(v db.Viewer, a auth.Action, u auth.Subject) error {
	if auth.May(v, a, u) {
		return nil
	}
	free := u
	free.Archived, free.Locked, free.Visibility = false, false, db.Public
	unlocked := u
	unlocked.Locked = false
	switch {
	case !auth.May(v, a, free):
		return db.ErrForbidden
	case u.Archived:
		return db.ErrArchived
	case auth.May(v, a, unlocked):
		return db.ErrLocked
	}
	return db.ErrNotMember
}

// stopped is why the viewer writes nothing anywhere now: a *db.Barred, or db.ErrReadOnly. nil: they write where they may,
// and a guest after signing in. A page asks it before it offers a form; what is written asks again.
func (s *Server) stopped(ctx context.Context, v db.Viewer) (why, err error) {
	if v.SignedIn() && v.SuspendedUntil > db.MillisOf(s.now()) {
		b, err := s.db.Barring(ctx, v)
		switch {
		case err != nil:
			return nil, err
		case b != nil:
			return b, nil
		}
	}
	if s.readOnly() && v.SignedIn() && !v.Staff() {
		return db.ErrReadOnly, nil
	}
	return nil, nil
}

// instead is what stands in the place of a form's button for who is stopped and has words in it: those they can read, and
// take along. nil: the button. Who has begun nothing gets the reason as the error.
func (s *Server) instead(r *http.Request, begun ui.Draft) (templ.Component, error) {
	why, err := s.stopped(r.Context(), middleware.Viewer(r.Context()))
	switch {
	case err != nil:
		return nil, err
	case why == nil:
		return nil, nil
	case begun.At == 0:
		return nil, why
	}
	return faults.Because(why), nil
}

// readOnly reports that the forum takes no writes but its staff's, as the settings of a moment ago have it.
func (s *Server) readOnly() bool {
	now := s.settled.Load()
	return now != nil && now.or(db.SettingReadOnly, "off") == "on"
}

// otherMember refuses a form that was made for another member than who is signed in now, in another tab perhaps. A form
// that names none, as a script sends it, is its sender's.
func otherMember(v db.Viewer, r *http.Request) error {
	if as := r.PostForm.Get("as"); as == "" || as == memberMark(v) {
		return nil
	}
	return &faults.OtherMember{Handle: v.Handle}
}

// memberMark is the member as a form names them; empty for a guest.
func memberMark(v db.Viewer) string {
	if !v.SignedIn() {
		return ""
	}
	return strconv.FormatInt(v.ID, 10)
}

// shutChannel is the page in place of the form to write in a channel: why it is not there, and what can be done about it.
func (s *Server) shutChannel(w http.ResponseWriter, r *http.Request, c *db.Channel, why error, ask memberships.Asking) error {
	status := http.StatusForbidden
	if ask.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	page, err := s.page(r, c.Name)
	if err != nil {
		return err
	}
	page.NoIndex, page.Current, page.BackURL, page.BackName = true, "c/"+c.Slug, ui.ChannelURL(c.Slug), c.Name
	leaf := faults.Instead(why, channels.Back(*c))
	if why == db.ErrNotMember {
		if ask.Asked, err = s.db.Asked(r.Context(), middleware.Viewer(r.Context()), c.ID); err != nil {
			return err
		}
		leaf = faults.Instead(why, memberships.Ask(*c, ask))
	}
	return s.respond.Render(w, r, status, respond.Framed(page, leaf))
}
