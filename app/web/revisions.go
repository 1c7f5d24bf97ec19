package web

import (
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
	"codex/views/revisions"
	"codex/views/ui"
)

func (s *Server) postHistory(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	p, err := s.post(r)
	if err != nil {
		return err
	}
	before, err := beforeRevision(r)
	if err != nil {
		return err
	}
	list, err := s.db.PostRevisions(ctx, v, p.ID, before)
	if err != nil {
		return err
	}
	page, err := s.page(r, "What it said before")
	if err != nil {
		return err
	}
	page.Current, page.BackURL, page.BackName = "c/"+p.ChannelSlug, ui.PostURL(p.ID, p.Slug), p.Title
	h := history(list, "/p/"+ui.ID(p.ID)+"/history", auth.May(v, auth.Govern, postSubject(&p)))
	h.Post, h.Lost = true, p.EditedAt != 0
	return s.showHistory(w, r, page, h)
}

func (s *Server) commentHistory(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, _, p, err := s.comment(r)
	if err != nil {
		return err
	}
	before, err := beforeRevision(r)
	if err != nil {
		return err
	}
	list, err := s.db.CommentRevisions(ctx, v, c.ID, before)
	if err != nil {
		return err
	}
	page, err := s.page(r, "What it said before")
	if err != nil {
		return err
	}
	page.Current, page.BackURL, page.BackName = "c/"+p.ChannelSlug, ui.CommentURL(c.ID), p.Title
	h := history(list, string(ui.CommentURL(c.ID))+"/history", auth.May(v, auth.Govern, commentSubject(&p, &c)))
	h.Lost = c.EditedAt != 0
	return s.showHistory(w, r, page, h)
}

func (s *Server) showHistory(w http.ResponseWriter, r *http.Request, page layout.Page, h revisions.History) error {
	if len(h.Versions) == 0 {
		return db.ErrNotFound
	}
	page.NoIndex = true
	h.OfURL, h.Of = page.BackURL, page.BackName
	return s.show(w, r, page, revisions.Leaf(h))
}

// beforeRevision reads where a page of a history begins; 0: at the present text.
func beforeRevision(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("before")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, db.ErrNotFound
	}
	return id, nil
}

// history compares each version with the one before it that the viewer may see: the difference to one that is hidden
// would tell what that said.
func history(list []db.Revision, address string, keeps bool) (h revisions.History) {
	budget := revisions.NewBudget() // of the whole page
	blind := func(r *db.Revision) bool { return r.Hidden && !keeps }
	for i := range min(len(list), db.RevisionsAPage) {
		now := revisions.Version{Revision: list[i], First: true, Blind: blind(&list[i])}
		if keeps && now.ID != 0 {
			now.HideURL = templ.SafeURL(address + "/" + ui.ID(now.ID))
		}
		var old *db.Revision
		for j := i + 1; j < len(list) && old == nil; j++ {
			if !blind(&list[j]) {
				old = &list[j]
			}
		}
		if !now.Blind {
			compareVersions(&now, old, budget)
		}
		h.Versions = append(h.Versions, now)
	}
	if len(list) > db.RevisionsAPage {
		h.NextURL = with(address, "before", ui.ID(list[db.RevisionsAPage-1].ID))
	}
	return h
}

// compareVersions fills in what a version changed; without an older one it is shown as it is.
func compareVersions(now *revisions.Version, old *db.Revision, budget *revisions.Budget) {
	if old == nil {
		now.Lines = revisions.Plain(now.Body)
		old = &now.Revision
	} else {
		now.First = false
		now.Lines = revisions.Diff(old.Body, now.Body, budget)
	}
	if title := now.Revision.Title; title != "" {
		now.Title = revisions.Words(old.Title, title, budget)
	}
	if now.Revision.Tags != old.Tags {
		now.Tags = revisions.Words(old.Tags, now.Revision.Tags, budget)
	}
	if n := len(now.Lines) - revisions.MaxLines; n > 0 {
		now.Lines, now.Cut = now.Lines[:revisions.MaxLines], n
	}
}

func (s *Server) hidePostRevision(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postTo(r, auth.Govern, s.postHead)
	if err != nil {
		return err
	}
	id, err := pathID(r, "revision")
	if err != nil {
		return err
	}
	if err := s.db.HidePostRevision(r.Context(), middleware.Viewer(r.Context()), p.ID, id, r.PostFormValue("on") != "false"); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/p/"+ui.ID(p.ID)+"/history")
}

func (s *Server) hideCommentRevision(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.commentTo(r, auth.Govern)
	if err != nil {
		return err
	}
	id, err := pathID(r, "revision")
	if err != nil {
		return err
	}
	if err := s.db.HideCommentRevision(r.Context(), middleware.Viewer(r.Context()), c.ID, id, r.PostFormValue("on") != "false"); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.CommentURL(c.ID))+"/history")
}
