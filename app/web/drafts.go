package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/comments"
	"codex/views/drafts"
	"codex/views/posts"
	"codex/views/ui"
)

// draftSaved is the header that tells the script when its draft was saved, in milliseconds since 1970.
const draftSaved = "Draft-Saved"

// places are the forms that keep drafts, by the address that they are sent to: what may stand there is all that a draft
// can name, so that the way from the list of drafts leads to a form of this site.
var places = regexp.MustCompile(`^(?:/new|/c/[\pL\pN._~-]{1,80}/posts|/p/[1-9][0-9]{0,17}/(?:edit|comments(?:#[1-9][0-9]{0,17})?)|/comments/[1-9][0-9]{0,17}/edit)$`)

// formOf is the page with the form that a place names.
func formOf(place string) string {
	post, parent, reply := strings.Cut(place, "#")
	switch {
	case reply:
		return "/comments/" + parent + "/reply"
	case strings.HasSuffix(post, "/comments"):
		return strings.TrimSuffix(post, "/comments") + "#reply"
	case strings.HasSuffix(post, "/posts"):
		return strings.TrimSuffix(post, "/posts") + "/new"
	}
	return post
}

// place reads the form that a draft belongs to; what is none is not there.
func place(r *http.Request) (string, error) {
	p := r.PostFormValue("place")
	if !places.MatchString(p) {
		return "", db.ErrNotFound
	}
	return p, nil
}

// saveDraft keeps what a form holds. It asks for no permission to write there: a draft is seen by its writer alone, and
// somebody who lost the permission meanwhile shall not lose the text too.
func (s *Server) saveDraft(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	at, err := place(r)
	if err != nil {
		return err
	}
	if err := s.limits.Allow(ctx, middleware.MemberDraft, middleware.MemberKey(v.ID)); err != nil {
		return err
	}
	saved, err := s.db.SaveDraft(ctx, v, db.Draft{Place: at, Channel: r.PostFormValue("channel"), Version: formVersion(r), Title: r.PostFormValue("title"),
		Tags: r.PostFormValue("tags"), Kind: r.PostFormValue("kind"), Body: r.PostFormValue("body")})
	if err != nil {
		return err
	}
	w.Header().Set(draftSaved, strconv.FormatInt(int64(saved), 10))
	return respond.Noted(w, r, formOf(at))
}

func (s *Server) discardDraft(w http.ResponseWriter, r *http.Request) error {
	at, err := place(r)
	if err != nil {
		return err
	}
	if err := s.db.DropDraft(r.Context(), middleware.Viewer(r.Context()), at); err != nil {
		return err
	}
	if r.PostFormValue("from") == "list" {
		return respond.Redirect(w, r, "/drafts")
	}
	return respond.Noted(w, r, formOf(at))
}

func (s *Server) listDrafts(w http.ResponseWriter, r *http.Request) error {
	found, err := s.db.Drafts(r.Context(), middleware.Viewer(r.Context()))
	if err != nil {
		return err
	}
	list := make([]drafts.Item, len(found))
	for i, d := range found {
		list[i] = drafts.Item{Draft: d, URL: templ.SafeURL(formOf(d.Place))}
	}
	page, err := s.page(r, "Drafts")
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.show(w, r, page, drafts.Leaf(list))
}

// draftedPost puts the viewer's draft of the form into it.
func (s *Server) draftedPost(r *http.Request, f *posts.Form) error {
	at := "/new"
	if f.PostID != 0 || f.ChannelSlug != "" {
		at = f.Place()
	}
	d, err := s.db.DraftAt(r.Context(), middleware.Viewer(r.Context()), at)
	if err != nil || d.SavedAt == 0 {
		return err
	}
	f.Draft, f.BaseTitle, f.BaseTags = ui.Draft{At: d.SavedAt, Base: f.Body}, f.Title, f.Tags
	f.Title, f.Body, f.Tags = d.Title, d.Body, d.Tags
	if d.Kind != "" {
		f.Kind = d.Kind
	}
	if d.Channel != "" {
		f.ChannelSlug = d.Channel
	}
	if d.Version != 0 { // of the text that it began with: what was changed meanwhile is shown when it is sent
		f.Version = d.Version
	}
	return nil
}

// draftedReply puts the viewer's draft of the form into it. A quotation that the form came with stands below it.
func (s *Server) draftedReply(r *http.Request, f *comments.Reply) error {
	d, err := s.db.DraftAt(r.Context(), middleware.Viewer(r.Context()), f.Place())
	if err == nil {
		drafted(f, d.SavedAt, d.Body)
	}
	return err
}

// drafted puts a draft into the form, before what is quoted there; at 0 is none.
func drafted(f *comments.Reply, at db.Millis, body string) {
	if at == 0 {
		return
	}
	quoted := f.Body
	f.Draft, f.Body = ui.Draft{At: at}, body
	if quoted != "" && !strings.Contains(body, strings.TrimSpace(quoted)) {
		f.Body = below(body, quoted)
	}
}

// below puts a text below another, if there is one.
func below(body, text string) string {
	if body = strings.TrimRight(body, "\n"); body == "" {
		return text
	}
	return body + "\n\n" + text
}

// draftedEdit puts the viewer's draft of the form into it.
func (s *Server) draftedEdit(r *http.Request, f *comments.Edit) error {
	d, err := s.db.DraftAt(r.Context(), middleware.Viewer(r.Context()), f.Place())
	if err != nil || d.SavedAt == 0 {
		return err
	}
	f.Draft, f.Body = ui.Draft{At: d.SavedAt, Base: f.Body}, d.Body
	if d.Version != 0 {
		f.Version = d.Version
	}
	return nil
}
