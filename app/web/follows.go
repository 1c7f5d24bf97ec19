package web

import (
	"net/http"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/follows"
	"codex/views/ui"
)

func postFollowURL(id int64) string         { return "/p/" + ui.ID(id) + "/follow" }
func channelFollowURL(c *db.Channel) string { return string(ui.ChannelURL(c.Slug)) + "/follow" }

// level reads how much a form wants to hear.
func level(r *http.Request) (db.Level, error) {
	l := db.Level(r.PostFormValue("level"))
	if !l.Valid() {
		return l, db.ErrNotFound
	}
	return l, nil
}

func (s *Server) followPost(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postHead(r)
	if err != nil {
		return err
	}
	l, err := level(r)
	if err != nil {
		return err
	}
	if err := s.db.FollowPost(r.Context(), middleware.Viewer(r.Context()), p.ID, l); err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, follows.Menu(postFollowURL(p.ID), l))
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug)))
}

func (s *Server) followChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	l, err := level(r)
	if err != nil {
		return err
	}
	if err := s.db.FollowChannel(r.Context(), middleware.Viewer(r.Context()), c.ID, l); err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, follows.Menu(channelFollowURL(&c), l))
	}
	return respond.Redirect(w, r, string(ui.ChannelURL(c.Slug)))
}
