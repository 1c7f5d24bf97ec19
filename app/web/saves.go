package web

import (
	"net/http"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/comments"
	faults "codex/views/errors"
	"codex/views/follows"
	"codex/views/posts"
	"codex/views/saves"
	"codex/views/ui"
)

// postTools fills in what a signed-in viewer does at a post for themselves: the form that answers it, where the page is to
// have one, and the buttons that save and follow it. why is what stops the viewer from writing anywhere, or nil.
func (s *Server) postTools(r *http.Request, p *db.Post, show *posts.Show, reply bool, why error) {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if !v.SignedIn() {
		return
	}
	f := replyTo(p)
	f.Key = newKey()
	if why != nil {
		show.CanEdit = false
	} else if p.DeletedAt == 0 {
		why = refusal(v, auth.Comment, postSubject(p))
	}
	drafted(&f, p.DraftAt, p.DraftBody)
	switch {
	case !reply || p.DeletedAt != 0:
	case why != nil:
		show.Why = faults.Because(why)
		if f.Draft.At != 0 { // what was begun here can be read and taken along
			f.Stopped, show.Why = show.Why, nil
			show.Reply = comments.Form(f)
		}
	default:
		show.Reply, show.QuoteAs = comments.Form(f), ui.QuoteAs(ctx, p.AuthorHandle, templ.SafeURL("/p/"+ui.ID(p.ID)))
	}
	if p.DeletedAt == 0 {
		show.Save, show.Follow = saves.Button(p.ID, p.Saved), follows.Menu(postFollowURL(p.ID), p.Level)
	}
}

func (s *Server) savePost(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postHead(r)
	if err != nil {
		return err
	}
	on := r.PostFormValue("on") != "false"
	if err := s.db.SetSaved(r.Context(), middleware.Viewer(r.Context()), p.ID, on); err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, saves.Button(p.ID, on))
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug)))
}

func (s *Server) listSaved(w http.ResponseWriter, r *http.Request) error {
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	rows, err := s.db.SavedPosts(r.Context(), middleware.Viewer(r.Context()), after, perPage+1)
	if err != nil {
		return err
	}
	list := posts.List{}
	list.Rows, list.NextURL = feedURL("/saved", db.Feed{Sort: db.Active}, rows)
	if respond.Partial(r) && !after.IsZero() {
		return s.respond.Render(w, r, http.StatusOK, posts.More(list))
	}
	page, err := s.page(r, "Saved")
	if err != nil {
		return err
	}
	page.NoIndex = true
	var shown templ.Component
	if len(rows) > 0 {
		shown = posts.Page(list)
	}
	return s.show(w, r, page, saves.Leaf(shown))
}
