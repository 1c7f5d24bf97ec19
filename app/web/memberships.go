package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/memberships"
	"codex/views/ui"
)

// channelSubject is a channel as auth.May looks at it.
func channelSubject(c *db.Channel) auth.Subject {
	return auth.Subject{Visibility: c.Visibility, ChannelRole: c.MyRole, Archived: c.ArchivedAt != 0}
}

// channelFor finds the channel of the path for a viewer who may do the action to it.
func (s *Server) channelFor(r *http.Request, a auth.Action) (db.Channel, error) {
	c, err := s.channel(r)
	if err == nil && !auth.May(middleware.Viewer(r.Context()), a, channelSubject(&c)) {
		err = db.ErrForbidden
	}
	return c, err
}

func (s *Server) listChannelMembers(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	return s.channelMembers(w, r, c, http.StatusOK, memberships.List{})
}

// channelMembers shows the list of a channel's members, with what came of an invitation.
func (s *Server) channelMembers(w http.ResponseWriter, r *http.Request, c db.Channel, status int, l memberships.List) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	l.Channel, l.ViewerID = c, v.ID
	if l.Members, err = s.db.ChannelMembers(ctx, v, c.ID, after, membersPerPage+1); err != nil {
		return err
	}
	l.Keeps, l.Owns = auth.May(v, auth.Govern, channelSubject(&c)), auth.May(v, auth.Own, channelSubject(&c))
	if l.Keeps {
		if l.Requests, err = s.db.Requests(ctx, v, c.ID); err != nil {
			return err
		}
		if l.Invited, err = s.db.Invited(ctx, v, c.ID); err != nil {
			return err
		}
	}
	page, err := s.page(r, "Members of "+c.Name)
	if err != nil {
		return err
	}
	page.Current, page.BackURL, page.BackName = "c/"+c.Slug, ui.ChannelURL(c.Slug), c.Name
	if len(l.Members) > membersPerPage {
		l.Members = l.Members[:membersPerPage]
		last := l.Members[membersPerPage-1]
		l.NextURL = with(string(ui.ChannelURL(c.Slug))+"/members", "after", db.NewCursor(int64(last.JoinedAt), last.ID).String())
	}
	return s.respond.Render(w, r, status, respond.Framed(page, memberships.Leaf(l)))
}

func membersURL(c db.Channel) string { return string(ui.ChannelURL(c.Slug)) + "/members" }

func (s *Server) askToJoin(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	note := note(r, "note")
	if utf8.RuneCountInString(note) > memberships.MaxNote {
		return s.shutChannel(w, r, &c, db.ErrNotMember, memberships.Asking{Note: note, Error: ui.T(r.Context(), "At most %d characters.", memberships.MaxNote)})
	}
	if err := s.db.AskToJoin(r.Context(), middleware.Viewer(r.Context()), c.ID, note); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}

func (s *Server) answerRequest(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	member, err := pathID(r, "member")
	if err != nil {
		return err
	}
	if err := s.db.AnswerRequest(r.Context(), middleware.Viewer(r.Context()), c.ID, member, r.PostFormValue("let") == "in"); err != nil {
		return err
	}
	return respond.Redirect(w, r, membersURL(c))
}

func (s *Server) inviteToChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	handle := strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("handle")), "@")
	err = s.db.InviteToChannel(r.Context(), middleware.Viewer(r.Context()), c.ID, handle)
	if errors.Is(err, db.ErrNotFound) {
		return s.channelMembers(w, r, c, http.StatusUnprocessableEntity, memberships.List{Handle: handle,
			Problem: ui.T(r.Context(), "Nobody here goes by that handle.")})
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, membersURL(c))
}

func (s *Server) dropInvitation(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	member, err := pathID(r, "member")
	if err != nil {
		return err
	}
	if err := s.db.DropInvitation(r.Context(), middleware.Viewer(r.Context()), c.ID, member); err != nil {
		return err
	}
	return respond.Redirect(w, r, membersURL(c))
}

func (s *Server) setChannelRole(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Own)
	if err != nil {
		return err
	}
	member, err := pathID(r, "member")
	if err != nil {
		return err
	}
	if r.PostFormValue("role") == "owner" {
		if ok, err := s.fresh(w, r, ""); !ok {
			return err
		}
	}
	if err := s.db.SetChannelRole(r.Context(), middleware.Viewer(r.Context()), c.ID, member, r.PostFormValue("role")); err != nil {
		return err
	}
	return respond.Redirect(w, r, membersURL(c))
}

func (s *Server) removeFromChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Govern)
	if err != nil {
		return err
	}
	member, err := pathID(r, "member")
	if err != nil {
		return err
	}
	if err := s.db.RemoveFromChannel(r.Context(), middleware.Viewer(r.Context()), c.ID, member); err != nil {
		return err
	}
	return respond.Redirect(w, r, membersURL(c))
}

func (s *Server) setAccess(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Own)
	if err != nil {
		return err
	}
	slow, err := strconv.ParseInt(r.PostFormValue("slow"), 10, 64)
	a := db.Access{Visibility: db.Visibility(r.PostFormValue("visibility")), Slow: slow, Archived: r.PostFormValue("archived") != ""}
	if err != nil || !a.Visibility.Valid() || a.Slow < 0 || a.Slow > db.MaxSlow {
		return &badForm{errors.New("access of a channel")}
	}
	if err := s.db.SetAccess(r.Context(), middleware.Viewer(r.Context()), c.ID, a); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}

func (s *Server) deleteChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channelFor(r, auth.Own)
	if err != nil {
		return err
	}
	if strings.TrimSpace(r.PostFormValue("confirm")) != c.Slug {
		return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug))+"/settings#end")
	}
	if err := s.db.DeleteChannel(r.Context(), middleware.Viewer(r.Context()), c.ID); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/c")
}

func (s *Server) listInvitations(w http.ResponseWriter, r *http.Request) error {
	list, err := s.db.Invitations(r.Context(), middleware.Viewer(r.Context()))
	if err != nil {
		return err
	}
	page, err := s.page(r, "Invitations")
	if err != nil {
		return err
	}
	return s.show(w, r, page, memberships.Invitations(list))
}

// answerInvitation takes or declines an invitation. Its channel is named by id: a private one has no address yet for
// who is not in it.
func (s *Server) answerInvitation(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	id, err := pathID(r, "channel")
	if err != nil {
		return err
	}
	if r.PostFormValue("answer") != "yes" {
		if err := s.db.DropInvitation(ctx, v, id, v.ID); err != nil {
			return err
		}
		return respond.Redirect(w, r, "/invitations")
	}
	if err := s.db.Join(ctx, v, id); err != nil {
		return err
	}
	c, err := s.db.ChannelByID(ctx, v, id)
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}
