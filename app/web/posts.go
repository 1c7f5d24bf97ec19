package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/comments"
	faults "codex/views/errors"
	"codex/views/memberships"
	"codex/views/posts"
	"codex/views/ui"
)

// A title has at most this many characters.
const maxTitle = 200

func postSubject(p *db.Post) auth.Subject {
	return auth.Subject{AuthorID: p.AuthorID, PostAuthorID: p.AuthorID, Question: p.Kind == "question", ChannelRole: p.MyRole,
		Visibility: p.Visibility, Archived: p.Archived, Locked: p.Locked, Deleted: p.DeletedAt != 0, DeletedBy: p.DeletedBy, Held: p.Held}
}

// post finds the post of the path.
func (s *Server) post(r *http.Request) (db.Post, error) { return postOf(r, s.db.PostByID) }

// postHead finds it for an answer that does not show it.
func (s *Server) postHead(r *http.Request) (db.Post, error) { return postOf(r, s.db.PostHead) }

func postOf(r *http.Request, find func(context.Context, db.Viewer, int64) (db.Post, error)) (db.Post, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return db.Post{}, err
	}
	return find(r.Context(), middleware.Viewer(r.Context()), id)
}

// postTo finds the post of the path, with post or postHead, for a viewer who may do the action to it.
func (s *Server) postTo(r *http.Request, a auth.Action, find func(*http.Request) (db.Post, error)) (db.Post, error) {
	p, err := find(r)
	if err == nil {
		err = refusal(middleware.Viewer(r.Context()), a, postSubject(&p))
	}
	return p, err
}

func (s *Server) showPost(w http.ResponseWriter, r *http.Request) error {
	ctx, v, after, since := r.Context(), middleware.Viewer(r.Context()), s.live.bridge.Last(), db.MillisOf(s.now())
	p, err := s.post(r)
	if err != nil {
		return err
	}
	address := ui.PostURL(p.ID, p.Slug)
	if r.PathValue("slug") != p.Slug { // an older title, or none
		target := string(address)
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		return respond.Redirect(w, r, target)
	}
	if p.DeletedAt != 0 {
		p.Unread, p.New = false, 0 // there is nothing to keep up with
	}
	stopped, err := s.stopped(ctx, v)
	if err != nil {
		return err
	}
	thread, firstNew, err := s.thread(r, &p, stopped)
	if err != nil {
		return err
	}
	page, err := s.page(r, p.Title)
	if err != nil {
		return err
	}
	show := s.postView(v, &p)
	show.Thread, show.Unread, show.FirstNew = comments.Section(thread), p.New, firstNew
	show.Told = v.Unread > 0
	s.postTools(r, &p, &show, thread.Under == 0, stopped)
	if p.DuplicateOf != 0 {
		if other, err := s.db.PostByID(ctx, v, p.DuplicateOf); err == nil {
			show.Duplicate = &other.PostRow
		} else if !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	page.Current, page.Canonical, page.Description = "c/"+p.ChannelSlug, string(address), p.Excerpt
	page.Topic, page.After, page.Since = db.PostTopic(p.ID), after, since
	page.BackURL, page.BackName = ui.ChannelURL(p.ChannelSlug), p.ChannelName
	page.WriteURL = ui.ChannelURL(p.ChannelSlug) + "/new"
	show.CanJoin = page.Joins()
	page.Margin, page.Bar = posts.Margin(show), posts.ReadingBar(show)
	if err := s.offerUndo(r, &p, &page); err != nil {
		return err
	}
	return s.show(w, r, page, posts.Article(show))
}

func (s *Server) postView(v db.Viewer, p *db.Post) posts.Show {
	subject := postSubject(p)
	return posts.Show{
		Post: *p, URL: ui.PostURL(p.ID, p.Slug), SignedIn: v.SignedIn(),
		CanEdit: auth.May(v, auth.Edit, subject), CanDelete: auth.May(v, auth.Delete, subject) && p.AuthorID == v.ID, CanRemove: auth.May(v, auth.Remove, subject),
		CanFlag: v.SignedIn() && p.DeletedAt == 0 && p.AuthorID != v.ID, Mine: v.SignedIn() && p.AuthorID == v.ID, CanUndelete: auth.May(v, auth.Undelete, subject),
		CanPin: auth.May(v, auth.Pin, subject), CanLock: auth.May(v, auth.Lock, subject),
	}
}

func (s *Server) newPost(w http.ResponseWriter, r *http.Request) error {
	chosen := r.URL.Query().Get("channel")
	if chosen != "" && respond.Partial(r) { // another one was chosen in the form
		c, err := s.db.ChannelBySlug(r.Context(), middleware.Viewer(r.Context()), chosen)
		if err != nil {
			return err
		}
		return s.respond.Render(w, r, http.StatusOK, posts.Rules(&c))
	}
	f := posts.Form{ChannelSlug: r.PathValue("slug"), Key: newKey(), Kind: r.URL.Query().Get("kind")}
	if err := s.draftedPost(r, &f); err != nil {
		return err
	}
	if f.ChannelSlug == "" {
		f.ChannelSlug = chosen
	}
	return s.composePage(w, r, f, http.StatusOK)
}

// composePage shows the form, with a status that says whether it was sent and not accepted. Who may not send it now is
// told why instead, but for words that they have begun: those they can read, and take along.
func (s *Server) composePage(w http.ResponseWriter, r *http.Request, f posts.Form, status int) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	title := "Write a post"
	if f.PostID != 0 {
		title = "Change the post"
	}
	page, err := s.page(r, title)
	if err != nil {
		return err
	}
	page.Wide, page.NoIndex = true, true
	why, err := s.stopped(ctx, v)
	if err != nil {
		return err
	}
	unasked := r.Method == http.MethodGet && f.Draft.At == 0
	switch {
	case f.PostID != 0:
	case r.PathValue("slug") != "":
		c, err := s.db.ChannelBySlug(ctx, v, r.PathValue("slug"))
		if err != nil {
			return err
		}
		if why == nil {
			if why = refusal(v, auth.Write, channelSubject(&c)); why != nil && unasked {
				return s.shutChannel(w, r, &c, why, memberships.Asking{})
			}
		}
		f.Channel = &c
		page.BackURL, page.BackName = ui.ChannelURL(c.Slug), c.Name
	default:
		if f.Channels, err = s.writable(ctx, v); err != nil {
			return err
		}
		if len(f.Channels) == 0 { // nowhere to write yet: the list says what to do about it
			return respond.Redirect(w, r, "/c")
		}
	}
	if why != nil && unasked {
		return why
	}
	if why != nil {
		f.Stopped = faults.Because(why)
	}
	if v.Holds > 0 && !v.Staff() && f.PostID == 0 {
		return s.respond.Render(w, r, status, respond.Framed(page, posts.Waits(v.Holds), posts.Compose(f)))
	}
	return s.respond.Render(w, r, status, respond.Framed(page, posts.Compose(f)))
}

// writable are the channels that the viewer may write in, of the 100 that they can read and that were last active.
func (s *Server) writable(ctx context.Context, v db.Viewer) ([]db.Channel, error) {
	all, err := s.db.Channels(ctx, v, db.Cursor{}, 100)
	return slices.DeleteFunc(all, func(c db.Channel) bool { return !auth.May(v, auth.Write, channelSubject(&c)) }), err
}

// postForm reads what was typed, with what is wrong with it.
func postForm(r *http.Request) (f posts.Form, tags []string, ok bool) {
	f = posts.Form{Kind: r.PostFormValue("kind"), Title: strings.TrimSpace(r.PostFormValue("title")), Body: r.PostFormValue("body"),
		Tags: r.PostFormValue("tags"), Key: formKey(r), Version: formVersion(r), ChannelSlug: r.PostFormValue("channel")}
	if slug := r.PathValue("slug"); slug != "" {
		f.ChannelSlug = slug
	}
	if f.Kind != "question" {
		f.Kind = "discussion"
	}
	ctx := r.Context()
	clean, fine := db.CleanTitle(f.Title)
	switch {
	case f.Title == "":
		f.TitleError = ui.T(ctx, "A post needs a title.")
	case utf8.RuneCountInString(f.Title) > maxTitle:
		f.TitleError = ui.T(ctx, "A title has at most %d characters.", maxTitle)
	case !fine:
		f.TitleError = ui.T(ctx, "There are characters in it that cannot be shown.")
	default:
		f.Title = clean
	}
	if strings.TrimSpace(f.Body) == "" {
		f.BodyError = ui.T(ctx, "Write something first.")
	}
	tags, fine = db.ParseTags(f.Tags)
	if !fine {
		f.TagsError = ui.T(ctx, "At most %d tags, of letters, digits and hyphens.", db.MaxTags)
	}
	return f, tags, f.TitleError == "" && f.BodyError == "" && f.TagsError == ""
}

func (s *Server) createPost(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	f, tags, ok := postForm(r)
	if r.PostFormValue("preview") != "" {
		return s.previewPage(w, r, f)
	}
	if !ok {
		return s.composePage(w, r, f, http.StatusUnprocessableEntity)
	}
	c, err := s.db.ChannelBySlug(ctx, v, f.ChannelSlug)
	if errors.Is(err, db.ErrNotFound) && r.PathValue("slug") == "" {
		f.ChannelError = ui.T(ctx, "Choose a channel.")
		return s.composePage(w, r, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	n := db.NewPost{ChannelID: c.ID, Kind: f.Kind, Title: f.Title, Body: f.Body, Tags: tags, Key: f.Key, Draft: r.URL.Path}
	if err := s.allowWrite(ctx, v, n.FormKey()); err != nil {
		return err
	}
	id, err := s.db.CreatePost(ctx, v, n)
	if f.BodyError = limitText(ctx, err); f.BodyError != "" {
		return s.composePage(w, r, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.PostURL(id, db.SlugOf(f.Title))))
}

// previewPage is the form with the text as it will be read, for a browser without script.
func (s *Server) previewPage(w http.ResponseWriter, r *http.Request, f posts.Form) error {
	result, err := s.render(r, f.Body)
	if err != nil {
		return err
	}
	f.TitleError, f.BodyError, f.TagsError, f.Preview = "", "", "", result
	return s.composePage(w, r, f, http.StatusOK)
}

// render renders a text for its preview, within the preview's limits; a text beyond the limits of markup says so.
func (s *Server) render(r *http.Request, body string) (templ.Component, error) {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	rule, key := middleware.GuestPreview, ""
	if v.SignedIn() {
		rule, key = middleware.MemberPreview, middleware.MemberKey(v.ID)
	}
	leave, err := s.limits.Enter(ctx, rule, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	result, err := s.db.Preview(ctx, v, body)
	if text := limitText(ctx, err); text != "" {
		return posts.PreviewProblem(text), nil
	}
	return result.HTML, err
}

func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	result, err := s.render(r, r.PostFormValue("body"))
	if err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, result)
	}
	page, err := s.page(r, "Preview")
	if err != nil {
		return err
	}
	return s.show(w, r, page, posts.PreviewLeaf(result))
}

func (s *Server) editPost(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postTo(r, auth.Edit, s.post)
	if err != nil {
		return err
	}
	f := posts.Form{PostID: p.ID, PostURL: ui.PostURL(p.ID, p.Slug), Title: p.Title, Body: p.Body, Tags: strings.TrimSpace(p.Tags),
		Key: newKey(), Version: p.Version()}
	if err := s.draftedPost(r, &f); err != nil {
		return err
	}
	return s.composePage(w, r, f, http.StatusOK)
}

func (s *Server) updatePost(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	p, err := s.postTo(r, auth.Edit, s.post)
	if err != nil {
		return err
	}
	f, tags, ok := postForm(r)
	f.PostID, f.PostURL = p.ID, ui.PostURL(p.ID, p.Slug)
	if r.PostFormValue("preview") != "" {
		return s.previewPage(w, r, f)
	}
	if !ok {
		return s.composePage(w, r, f, http.StatusUnprocessableEntity)
	}
	err = s.db.EditPost(ctx, v, p.ID, db.PostEdit{Title: f.Title, Body: f.Body, Tags: tags, Of: f.Version, Key: f.Key, Draft: r.URL.Path})
	if errors.Is(err, db.ErrStale) {
		return s.editPostAnew(w, r, f)
	}
	if f.BodyError = limitText(ctx, err); f.BodyError != "" {
		return s.composePage(w, r, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, db.SlugOf(f.Title))))
}

// editPostAnew shows the form to somebody whose post another one has changed meanwhile: with their text, and beside it
// what stands there now. Sent again it replaces that knowingly.
func (s *Server) editPostAnew(w http.ResponseWriter, r *http.Request, f posts.Form) error {
	p, err := s.postTo(r, auth.Edit, s.post)
	if err != nil {
		return err
	}
	f.Key, f.Version, f.PostURL = newKey(), p.Version(), ui.PostURL(p.ID, p.Slug)
	f.Present = &ui.Present{Title: p.Title, Tags: strings.TrimSpace(p.Tags), HTML: p.HTML, Source: p.Body, At: f.Version}
	return s.composePage(w, r, f, http.StatusConflict)
}

// change does one thing to a post and goes back to it.
func (s *Server) change(w http.ResponseWriter, r *http.Request, a auth.Action, do func(p db.Post) error) error {
	p, err := s.postTo(r, a, s.postHead)
	if err != nil {
		return err
	}
	if err := do(p); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug)))
}

func (s *Server) deletePost(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, auth.Delete, func(p db.Post) error {
		return s.db.DeletePost(r.Context(), middleware.Viewer(r.Context()), p.ID)
	})
}

func (s *Server) undeletePost(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, auth.Undelete, func(p db.Post) error {
		return s.db.UndeletePost(r.Context(), middleware.Viewer(r.Context()), p.ID)
	})
}

func (s *Server) pinPost(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, auth.Pin, func(p db.Post) error {
		return s.db.SetPinned(r.Context(), middleware.Viewer(r.Context()), p.ID, r.PostFormValue("on") != "false")
	})
}

func (s *Server) lockPost(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, auth.Lock, func(p db.Post) error {
		return s.db.SetLocked(r.Context(), middleware.Viewer(r.Context()), p.ID, r.PostFormValue("on") != "false")
	})
}

// reaction reads which reaction a form asks for.
func reaction(r *http.Request) int {
	switch r.PostFormValue("kind") {
	case "like":
		return 1
	case "dislike":
		return -1
	}
	return 0
}

func (s *Server) reactToPost(w http.ResponseWriter, r *http.Request) error {
	v := middleware.Viewer(r.Context())
	p, err := s.post(r)
	if err != nil {
		return err
	}
	p.MyReaction = reaction(r)
	if p.Score, err = s.db.React(r.Context(), v, p.ID, p.MyReaction); err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, posts.Reactions(s.postView(v, &p)))
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug)))
}

func (s *Server) readPost(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postHead(r)
	if err != nil {
		return err
	}
	at, _ := strconv.ParseInt(r.PostFormValue("at"), 10, 64)
	seen, _ := strconv.Atoi(r.PostFormValue("seen"))
	if err := s.db.MarkRead(r.Context(), middleware.Viewer(r.Context()), p.ID, db.Millis(at), max(0, seen)); err != nil {
		return err
	}
	return respond.Noted(w, r, string(ui.PostURL(p.ID, p.Slug)))
}
