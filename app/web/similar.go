package web

import (
	"net/http"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/views/posts"
)

// similar shows posts whose titles begin like the one that is being typed.
func (s *Server) similar(w http.ResponseWriter, r *http.Request) error {
	found, err := s.db.SimilarPosts(r.Context(), middleware.Viewer(r.Context()), r.URL.Query().Get("title"))
	if err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, posts.Similar(found))
	}
	page, err := s.page(r, "Similar posts")
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.show(w, r, page, posts.SimilarLeaf(found))
}
