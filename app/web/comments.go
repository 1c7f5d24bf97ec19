package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/markup"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/comments"
	"codex/views/layout"
	"codex/views/ui"
)

// thread reads the page of a post's comments that the address asks for. firstNew is the first comment on it that the
// viewer has not read. With stopped, what stops the viewer from writing, it offers no forms.
func (s *Server) thread(r *http.Request, p *db.Post, stopped error) (t comments.Thread, firstNew int64, err error) {
	ctx, v, q := r.Context(), middleware.Viewer(r.Context()), r.URL.Query()
	ask := db.Thread{PostID: p.ID, ByTime: q.Get("sort") == "time"}
	if ask.After, err = db.ParseCommentCursor(q.Get("after")); err != nil {
		return t, 0, err
	}
	ask.Under, _ = strconv.ParseInt(q.Get("under"), 10, 64)
	found, err := s.db.Comments(ctx, v, ask)
	if err != nil {
		return t, 0, err
	}
	address := ui.PostURL(p.ID, p.Slug)
	t = comments.Thread{PostURL: address, Question: p.Kind == "question", Count: p.Comments, Sort: "best", Under: ask.Under, First: ask.After.Path == ""}
	sort, under := "", ""
	if ask.ByTime {
		t.Sort, sort = "time", "time"
	}
	if ask.Under != 0 {
		under = strconv.FormatInt(ask.Under, 10)
	}
	if found.Next.Path != "" {
		t.NextURL = with(string(address), "sort", sort, "under", under, "after", found.Next.String()) + "#thread"
	}
	t.Roots = nodes(v, p, found)
	if stopped != nil {
		still(t.Roots)
	}
	for i := range found.Comments {
		if isNew(v, p, &found.Comments[i]) {
			firstNew = found.Comments[i].ID
			break
		}
	}
	return t, firstNew, nil
}

// still takes the ways to a form away that could not be sent now.
func still(list []*comments.Node) {
	for _, n := range list {
		n.CanReply, n.CanEdit = false, false
		still(n.Children)
	}
}

func isNew(v db.Viewer, p *db.Post, c *db.Comment) bool {
	return p.ReadAt != 0 && c.CreatedAt > p.ReadAt && c.AuthorID != v.ID && !c.Deleted
}

// nodes makes the tree of a page: the comments come in the order in which they are read, each behind its parent. One
// whose parent is on another page stands at the root.
func nodes(v db.Viewer, p *db.Post, page db.CommentPage) []*comments.Node {
	all := make([]comments.Node, len(page.Comments))
	roots := make([]*comments.Node, 0, len(all))
	var line []*comments.Node // from a root down to the comment before
	for i := range page.Comments {
		n := &all[i]
		*n = node(v, p, page.Comments[i])
		for len(line) > 0 && line[len(line)-1].ID != n.ParentID {
			line = line[:len(line)-1]
		}
		if len(line) == 0 {
			roots = append(roots, n)
		} else {
			parent := line[len(line)-1]
			parent.Children = append(parent.Children, n)
			n.ToName = toName(&parent.Comment)
		}
		if n.Depth == page.Base+db.MaxDepthShown && n.Replies > 0 {
			n.More = n.Replies
			n.MoreURL = ui.PostURL(p.ID, p.Slug) + templ.SafeURL("?under="+ui.ID(n.ID)+"#c"+ui.ID(n.ID))
		}
		line = append(line, n)
	}
	return roots
}

// toName is whom a reply to the comment answers. Who wrote one that was deleted is not told.
func toName(parent *db.Comment) string {
	if parent.Deleted {
		return ""
	}
	first, _, _ := strings.Cut(parent.AuthorName, " ")
	return first
}

func commentSubject(p *db.Post, c *db.Comment) auth.Subject {
	return auth.Subject{AuthorID: c.AuthorID, PostAuthorID: p.AuthorID, Question: p.Kind == "question", ChannelRole: p.MyRole,
		Visibility: p.Visibility, Archived: p.Archived, Locked: p.Locked, Deleted: c.Deleted, DeletedBy: c.DeletedBy, Held: c.Held}
}

func node(v db.Viewer, p *db.Post, c db.Comment) comments.Node {
	n := comments.Node{
		Comment: c, ByAuthor: c.AuthorID == p.AuthorID && c.AuthorID != 0, Accepted: c.ID == p.AcceptedID, New: isNew(v, p, &c),
	}
	if !v.SignedIn() || p.DeletedAt != 0 { // below a deleted post nothing can be done but to read
		return n
	}
	n.SignedIn = true
	subject := commentSubject(p, &c)
	n.CanReply = auth.May(v, auth.Comment, subject)
	n.CanEdit = auth.May(v, auth.Edit, subject)
	n.Mine = c.AuthorID == v.ID
	n.CanDelete = n.Mine && auth.May(v, auth.Delete, subject)
	n.CanRemove = auth.May(v, auth.Remove, subject)
	n.CanFlag = !n.Mine && !c.Deleted
	n.CanUndelete = auth.May(v, auth.Undelete, subject)
	// What answers a question is said to the question. A reply that was accepted, by an import perhaps, can be let go.
	n.CanAccept = (c.Depth == 0 || n.Accepted) && auth.May(v, auth.Accept, subject)
	return n
}

// comment finds the comment of the path with its source and its post.
func (s *Server) comment(r *http.Request) (db.Comment, string, db.Post, error) {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	id, err := pathID(r, "id")
	if err != nil {
		return db.Comment{}, "", db.Post{}, err
	}
	c, body, err := s.db.CommentByID(ctx, v, id)
	if err != nil {
		return c, "", db.Post{}, err
	}
	p, err := s.db.PostByID(ctx, v, c.PostID)
	return c, body, p, err
}

// commentTo is the same for a viewer who may do the action to it.
func (s *Server) commentTo(r *http.Request, a auth.Action) (db.Comment, string, db.Post, error) {
	c, body, p, err := s.comment(r)
	if err == nil {
		err = refusal(middleware.Viewer(r.Context()), a, commentSubject(&p, &c))
	}
	return c, body, p, err
}

// findComment goes to the page and the place where a comment stands; for a part of a page, it is the comment itself.
func (s *Server) findComment(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if respond.Partial(r) {
		return s.own(w, r)
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	place, err := s.db.PlaceOf(ctx, v, id)
	if errors.Is(err, db.ErrNotFound) {
		// Its author, and those who keep the channel, get as far as its post.
		gone, _, lost := s.db.CommentByID(ctx, v, id)
		if lost != nil {
			return err
		}
		return respond.Redirect(w, r, string(ui.PostURL(gone.PostID, ""))+"#c"+ui.ID(id))
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(placeURL(place, id)))
}

func placeURL(p db.Place, id int64) templ.SafeURL {
	path := string(ui.PostURL(p.PostID, p.PostSlug))
	anchor := templ.SafeURL("#c" + ui.ID(id))
	switch {
	case p.Under != 0:
		return with(path, "under", ui.ID(p.Under)) + anchor
	case p.Whole:
		return templ.SafeURL(path) + anchor
	}
	return with(path, "sort", "time", "after", p.After.String()) + anchor
}

// offerUndo puts the way back to a comment that the viewer has just deleted into a toast, if the address names one
// that can be undone.
func (s *Server) offerUndo(r *http.Request, p *db.Post, page *layout.Page) error {
	v := middleware.Viewer(r.Context())
	id, err := strconv.ParseInt(r.URL.Query().Get("gone"), 10, 64)
	if err != nil || !v.SignedIn() {
		return nil // the address names none
	}
	c, _, err := s.db.CommentByID(r.Context(), v, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil && c.PostID == p.ID && auth.May(v, auth.Undelete, commentSubject(p, &c)) {
		page.Toast = comments.UndoToast(c.ID)
	}
	return err
}

// alone makes the node of one comment as the page shows it, without its replies.
func (s *Server) alone(r *http.Request, p *db.Post, c db.Comment) (comments.Node, error) {
	v := middleware.Viewer(r.Context())
	var err error
	if c.Muted, err = s.db.Mutes(r.Context(), v, c.AuthorID); err != nil {
		return comments.Node{}, err
	}
	n := node(v, p, c)
	if c.ParentID == 0 {
		return n, nil
	}
	parent, _, err := s.db.CommentByID(r.Context(), v, c.ParentID)
	if errors.Is(err, db.ErrNotFound) { // deleted
		return n, nil
	}
	n.ToName = toName(&parent)
	return n, err
}

// own answers with one comment as it is now.
func (s *Server) own(w http.ResponseWriter, r *http.Request) error {
	c, _, p, err := s.comment(r)
	if err != nil {
		return err
	}
	n, err := s.alone(r, &p, c)
	if err != nil {
		return err
	}
	return s.respond.Render(w, r, http.StatusOK, templ.Join(comments.Own(&n), comments.Count(threadText(r.Context(), &p))))
}

// threadText is what the heading of the post's comments says.
func threadText(ctx context.Context, p *db.Post) string {
	return ui.Thread(ctx, p.Kind == "question", p.Comments)
}

// replyTo is an empty form that writes a comment below the post.
func replyTo(p *db.Post) comments.Reply {
	f := comments.Reply{PostID: p.ID}
	if p.Ruled {
		f.Channel, f.RulesURL = p.ChannelName, ui.ChannelURL(p.ChannelSlug)+"#rules"
	}
	return f
}

func (s *Server) createComment(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	p, err := s.postTo(r, auth.Comment, s.postHead)
	if err != nil {
		return err
	}
	f := replyTo(&p)
	f.Key, f.Body = formKey(r), r.PostFormValue("body")
	f.ParentID, _ = strconv.ParseInt(r.PostFormValue("parent"), 10, 64)
	if r.PostFormValue("quote") != "" && f.ParentID != 0 {
		return s.replyWithQuote(w, r, &p, f)
	}
	if strings.TrimSpace(f.Body) == "" {
		f.Error = ui.T(ctx, "Write something first.")
		return s.replyAgain(w, r, &p, f)
	}
	n := db.NewComment{PostID: p.ID, ParentID: f.ParentID, Body: f.Body, Key: f.Key, Draft: f.Place()}
	if err := s.allowWrite(ctx, v, n.FormKey()); err != nil {
		return err
	}
	id, err := s.db.CreateComment(ctx, v, n)
	if f.Error = limitText(ctx, err); f.Error != "" {
		return s.replyAgain(w, r, &p, f)
	}
	if err != nil {
		return err
	}
	if !respond.Partial(r) {
		return respond.Redirect(w, r, string(ui.CommentURL(id)))
	}
	c, _, err := s.db.CommentByID(ctx, v, id)
	if err != nil {
		return err
	}
	// The count as it is now: the form may have been sent before, and others write too.
	if p, err = s.db.PostByID(ctx, v, p.ID); err != nil {
		return err
	}
	shown, err := s.alone(r, &p, c)
	if err != nil {
		return err
	}
	parts := []templ.Component{comments.Fresh(&shown, threadText(ctx, &p))}
	if c.ParentID == 0 {
		next := replyTo(&p)
		next.Key = newKey()
		parts = append(parts, comments.Renewed(next))
	}
	return s.respond.Render(w, r, http.StatusOK, templ.Join(parts...))
}

// replyAgain shows the form with what is wrong, in its place or on a page of its own.
func (s *Server) replyAgain(w http.ResponseWriter, r *http.Request, p *db.Post, f comments.Reply) error {
	if f.ParentID != 0 {
		c, _, err := s.db.CommentByID(r.Context(), middleware.Viewer(r.Context()), f.ParentID)
		if err != nil {
			return err
		}
		f.ToName, f.Back = ui.Name(r.Context(), c.AuthorName), ui.CommentURL(c.ID)
	}
	if respond.Partial(r) {
		f.Inline = f.ParentID != 0
		if !f.Inline {
			w.Header().Set("HX-Retarget", "#reply")
			w.Header().Set("HX-Reswap", "outerHTML")
		}
		return s.respond.Render(w, r, http.StatusUnprocessableEntity, comments.Form(f))
	}
	page, err := s.replyFrame(r, p, &f)
	if err != nil {
		return err
	}
	return s.again(w, r, page, comments.Title(ui.T(r.Context(), "Write a comment")), comments.Form(f))
}

func (s *Server) replyFrame(r *http.Request, p *db.Post, f *comments.Reply) (page layout.Page, err error) {
	page, err = s.page(r, p.Title)
	page.NoIndex = true
	page.BackURL, page.BackName = ui.PostURL(p.ID, p.Slug), p.Title
	f.Back = ui.PostURL(p.ID, p.Slug)
	if f.ParentID != 0 {
		f.Back = ui.CommentURL(f.ParentID)
	}
	return page, err
}

// replyWithQuote shows the form again with the comment that it answers below what was typed.
func (s *Server) replyWithQuote(w http.ResponseWriter, r *http.Request, p *db.Post, f comments.Reply) error {
	c, body, err := s.db.CommentByID(r.Context(), middleware.Viewer(r.Context()), f.ParentID)
	if err != nil {
		return err
	}
	if c.PostID != p.ID {
		return db.ErrNotFound
	}
	f.Body, f.ToName = below(f.Body, quotation(r, &c, body)), ui.Name(r.Context(), c.AuthorName)
	if f.Back = ui.CommentURL(c.ID); respond.Partial(r) {
		f.Inline = true
		return s.respond.Render(w, r, http.StatusOK, comments.Form(f))
	}
	page, err := s.replyFrame(r, p, &f)
	if err != nil {
		return err
	}
	return s.show(w, r, page, comments.Title(ui.T(r.Context(), "Reply to %s", f.ToName)), comments.Form(f))
}

// quotation is a comment as an answer quotes it.
func quotation(r *http.Request, c *db.Comment, body string) string {
	return ui.QuoteAs(r.Context(), c.AuthorHandle, ui.CommentURL(c.ID)) + "\n\n" + markup.Quote(body)
}

// replyToComment is the form below a comment, or on a page of its own with the comment above it.
func (s *Server) replyToComment(w http.ResponseWriter, r *http.Request) error {
	c, body, p, err := s.commentTo(r, auth.Comment)
	if err != nil {
		return err
	}
	f := replyTo(&p)
	f.ParentID, f.ToName, f.Key, f.Back = c.ID, ui.Name(r.Context(), c.AuthorName), newKey(), ui.CommentURL(c.ID)
	if r.URL.Query().Get("quote") != "" {
		f.Body = quotation(r, &c, body)
	}
	if err := s.draftedReply(r, &f); err != nil {
		return err
	}
	if f.Stopped, err = s.instead(r, f.Draft); err != nil {
		return err
	}
	if respond.Partial(r) {
		f.Inline = true
		return s.respond.Render(w, r, http.StatusOK, comments.Form(f))
	}
	page, err := s.replyFrame(r, &p, &f)
	if err != nil {
		return err
	}
	n := node(middleware.Viewer(r.Context()), &p, c)
	return s.show(w, r, page, comments.Title(ui.T(r.Context(), "Reply to %s", f.ToName)), comments.Quoted(&n), comments.Form(f))
}

func (s *Server) editComment(w http.ResponseWriter, r *http.Request) error {
	c, body, p, err := s.commentTo(r, auth.Edit)
	if err != nil {
		return err
	}
	f := comments.Edit{ID: c.ID, Body: body, Key: newKey(), Version: c.Version()}
	if err := s.draftedEdit(r, &f); err != nil {
		return err
	}
	if f.Stopped, err = s.instead(r, f.Draft); err != nil {
		return err
	}
	return s.editCommentForm(w, r, &p, f)
}

func (s *Server) editCommentForm(w http.ResponseWriter, r *http.Request, p *db.Post, f comments.Edit) error {
	status := http.StatusOK
	switch {
	case f.Error != "":
		status = http.StatusUnprocessableEntity
	case f.Present != nil:
		status = http.StatusConflict
	}
	if f.Inline = respond.Partial(r); f.Inline {
		return s.respond.Render(w, r, status, comments.EditForm(f))
	}
	page, err := s.replyFrame(r, p, &comments.Reply{})
	if err != nil {
		return err
	}
	title := comments.Title(ui.T(r.Context(), "Change the comment"))
	return s.respond.Render(w, r, status, respond.Framed(page, title, comments.EditForm(f)))
}

func (s *Server) updateComment(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, _, p, err := s.commentTo(r, auth.Edit)
	if err != nil {
		return err
	}
	f := comments.Edit{ID: c.ID, Body: r.PostFormValue("body"), Key: formKey(r), Version: formVersion(r)}
	if strings.TrimSpace(f.Body) == "" {
		f.Error = ui.T(ctx, "Write something first, or delete the comment.")
		return s.editCommentForm(w, r, &p, f)
	}
	err = s.db.EditComment(ctx, v, c.ID, db.CommentEdit{Body: f.Body, Of: f.Version, Key: f.Key, Draft: f.Place()})
	if errors.Is(err, db.ErrStale) {
		return s.editCommentAnew(w, r, f)
	}
	if f.Error = limitText(ctx, err); f.Error != "" {
		return s.editCommentForm(w, r, &p, f)
	}
	if err != nil {
		return err
	}
	return s.ownOrBack(w, r, ui.CommentURL(c.ID))
}

// editCommentAnew is editPostAnew for a comment.
func (s *Server) editCommentAnew(w http.ResponseWriter, r *http.Request, f comments.Edit) error {
	c, body, p, err := s.commentTo(r, auth.Edit)
	if err != nil {
		return err
	}
	f.Key, f.Version = newKey(), c.Version()
	f.Present = &ui.Present{HTML: c.HTML, Source: body, At: f.Version}
	return s.editCommentForm(w, r, &p, f)
}

// ownOrBack answers an action on a comment: with the comment, or with the way to it.
func (s *Server) ownOrBack(w http.ResponseWriter, r *http.Request, back templ.SafeURL) error {
	if respond.Partial(r) {
		return s.own(w, r)
	}
	return respond.Redirect(w, r, string(back))
}

func (s *Server) deleteComment(w http.ResponseWriter, r *http.Request) error {
	c, _, p, err := s.commentTo(r, auth.Delete)
	if err != nil {
		return err
	}
	if err := s.db.DeleteComment(r.Context(), middleware.Viewer(r.Context()), c.ID); err != nil {
		return err
	}
	// A comment without replies is not on the page any more: the way back is in the toast.
	return s.ownOrBack(w, r, with(string(ui.PostURL(p.ID, p.Slug)), "gone", ui.ID(c.ID)))
}

func (s *Server) undeleteComment(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.commentTo(r, auth.Undelete)
	if err != nil {
		return err
	}
	if err := s.db.UndeleteComment(r.Context(), middleware.Viewer(r.Context()), c.ID); err != nil {
		return err
	}
	return s.ownOrBack(w, r, ui.CommentURL(c.ID))
}

func (s *Server) reactToComment(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, _, p, err := s.comment(r)
	if err != nil {
		return err
	}
	c.MyReaction = reaction(r)
	if c.Score, err = s.db.ReactToComment(ctx, v, c.ID, c.MyReaction); err != nil {
		return err
	}
	if respond.Partial(r) {
		n := node(v, &p, c)
		return s.respond.Render(w, r, http.StatusOK, comments.Reactions(&n))
	}
	return respond.Redirect(w, r, string(ui.CommentURL(c.ID)))
}

func (s *Server) acceptComment(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	c, _, p, err := s.commentTo(r, auth.Accept)
	if err != nil {
		return err
	}
	accepted := c.ID
	if r.PostFormValue("accept") == "no" {
		accepted = 0
	}
	if err := s.db.Accept(ctx, v, p.ID, accepted); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.CommentURL(c.ID)))
}
