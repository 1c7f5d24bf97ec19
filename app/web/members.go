package web

import (
	"errors"
	"net/http"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/members"
	"codex/views/posts"
	"codex/views/ui"
)

func (s *Server) showMember(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if id, ok := stored(r.PathValue("handle")); ok {
		m, err := s.db.MemberByID(ctx, id)
		if err != nil {
			return err
		}
		return respond.Redirect(w, r, string(ui.MemberURL(m.Handle)))
	}
	m, err := s.db.MemberByHandle(ctx, r.PathValue("handle"))
	if errors.Is(err, db.ErrNotFound) {
		// Not for good: they may take the old handle back, and a browser that learned the way would go in a circle.
		if m, err := s.db.MemberByOldHandle(ctx, r.PathValue("handle")); err == nil {
			return respond.Redirect(w, r, string(ui.MemberURL(m.Handle)))
		}
	}
	if err != nil {
		return err
	}
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	show := members.Show{Member: m, Tab: "posts", Own: v.ID == m.ID, SignedIn: v.SignedIn(), Staff: v.Staff()}
	if show.Kind, err = s.db.BlockOf(ctx, v, m.ID); err != nil {
		return err
	}
	if (show.Own || show.Staff) && after.IsZero() {
		if show.Unseen, err = s.db.UnseenBy(ctx, v, m.ID); err != nil {
			return err
		}
	}
	path := string(ui.MemberURL(m.Handle))
	if r.URL.Query().Get("tab") == "comments" {
		show.Tab = "comments"
		if show.Comments, err = s.db.CommentsByAuthor(ctx, v, m.ID, after, perPage+1); err != nil {
			return err
		}
		if len(show.Comments) > perPage {
			show.Comments = show.Comments[:perPage]
			last := show.Comments[perPage-1]
			show.NextURL = with(path, "tab", "comments", "after", db.NewCursor(int64(last.CreatedAt), last.ID).String())
		}
		if respond.Partial(r) && !after.IsZero() {
			return s.respond.Render(w, r, http.StatusOK, members.MoreComments(show))
		}
	} else {
		reader := v
		reader.Blocks = show.Kind != "" // all rows are of one author: with nothing between the two, none is folded up
		rows, err := s.db.PostsByAuthor(ctx, reader, m.ID, after, perPage+1)
		if err != nil {
			return err
		}
		list := posts.List{Own: true, ByCreated: true}
		list.Rows, list.NextURL = feedURL(path, db.Feed{Sort: db.Active}, rows)
		if respond.Partial(r) && !after.IsZero() {
			return s.respond.Render(w, r, http.StatusOK, posts.More(list))
		}
		if len(rows) > 0 {
			show.Posts = posts.Page(list)
		}
	}
	page, err := s.page(r, ui.Name(ctx, m.Name))
	if err != nil {
		return err
	}
	if !show.Own {
		in, err := s.db.ChannelsOf(ctx, v, m.ID)
		if err != nil {
			return err
		}
		page.Margin = members.Margin(m, in)
	}
	page.Canonical = path
	page.Current = "u/" + m.Handle
	return s.show(w, r, page, members.Leaf(show))
}
