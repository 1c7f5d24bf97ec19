package web

import (
	"net/http"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/posts"
	"codex/views/tags"
	"codex/views/ui"
)

// tagsShown bounds the list of tags; the rest is found from the posts that bear them.
const tagsShown = 300

func (s *Server) listTags(w http.ResponseWriter, r *http.Request) error {
	list, err := s.db.Tags(r.Context(), tagsShown)
	if err != nil {
		return err
	}
	page, err := s.page(r, "Tags")
	if err != nil {
		return err
	}
	page.Current, page.Canonical = "tags", "/tags"
	return s.show(w, r, page, tags.All(list))
}

func (s *Server) showTag(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	t, err := s.db.TagPageByName(ctx, r.PathValue("tag"))
	if err != nil {
		return err
	}
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	rows, err := s.db.PostsByTag(ctx, v, t.ID, after, perPage+1)
	if err != nil {
		return err
	}
	if len(rows) == 0 && t.Posts == 0 && t.About == "" {
		return db.ErrNotFound // a tag that only stands where the viewer may not read is not there
	}
	list := posts.List{ByCreated: true}
	list.Rows, list.NextURL = feedURL(string(ui.TagURL(t.Name)), db.Feed{Sort: db.Active}, rows)
	if respond.Partial(r) && !after.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, posts.More(list))
	}
	page, err := s.page(r, t.Name)
	if err != nil {
		return err
	}
	page.Current, page.Canonical, page.Description = "tags", string(ui.TagURL(t.Name)), t.Description
	page.BackURL, page.BackName = "/tags", "Tags"
	if len(rows) == 0 {
		return s.show(w, r, page, tags.Top(t), tags.Nothing())
	}
	return s.show(w, r, page, tags.Top(t), posts.Page(list))
}
