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
	"codex/views/moderation"
	"codex/views/ui"
)

// flagSubject finds what "post:12", "comment:12" or "member:12" names, among what the viewer can see, as the form shows it.
func (s *Server) flagSubject(ctx context.Context, v db.Viewer, subject string) (n db.NewFlag, f moderation.FlagForm, err error) {
	kind, digits, _ := strings.Cut(subject, ":")
	id, bad := strconv.ParseInt(digits, 10, 64)
	if bad != nil || id <= 0 {
		return n, f, db.ErrNotFound
	}
	f.Subject = kind + ":" + ui.ID(id)
	author := int64(0)
	switch kind {
	case "post":
		p, err := s.db.PostByID(ctx, v, id)
		if err != nil {
			return n, f, err
		}
		n.PostID, author, f.What, f.Excerpt, f.Back = id, p.AuthorID, p.Title, p.Excerpt, ui.PostURL(p.ID, p.Slug)
	case "comment":
		c, body, err := s.db.CommentByID(ctx, v, id)
		if err != nil {
			return n, f, err
		}
		n.CommentID, author, f.Back = id, c.AuthorID, ui.CommentURL(id)
		f.What, f.Excerpt = ui.T(ctx, "A comment by %s", ui.Name(ctx, c.AuthorName)), shortened(body)
	case "member":
		m, err := s.db.MemberByID(ctx, id)
		if err != nil {
			return n, f, err
		}
		n.MemberID, author, f.Back, f.Members = id, id, ui.MemberURL(m.Handle), true
		f.What, f.Excerpt = ui.Name(ctx, m.Name), "@"+m.Handle
	default:
		return n, f, db.ErrNotFound
	}
	if author == v.ID {
		err = db.ErrForbidden
	}
	return n, f, err
}

// shortened is the beginning of a text, as long as an excerpt.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= 200 {
		return text
	}
	return string([]rune(text)[:200]) + "…"
}

func (s *Server) flagForm(w http.ResponseWriter, r *http.Request) error {
	_, f, err := s.flagSubject(r.Context(), middleware.Viewer(r.Context()), r.URL.Query().Get("subject"))
	if err != nil {
		return err
	}
	if r.URL.Query().Get("done") != "" {
		return s.plainPage(w, r, http.StatusOK, "Thank you", moderation.Thanks(f.Back))
	}
	return s.plainPage(w, r, http.StatusOK, "Flag", moderation.Flag(f))
}

// plainPage is a page that search engines do not read.
func (s *Server) plainPage(w http.ResponseWriter, r *http.Request, status int, title string, leaf templ.Component) error {
	page, err := s.page(r, title)
	if err != nil {
		return err
	}
	page.NoIndex = true
	return s.respond.Render(w, r, status, respond.Framed(page, leaf))
}

func (s *Server) flag(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	n, f, err := s.flagSubject(ctx, v, r.PostFormValue("subject"))
	if err != nil {
		return err
	}
	n.Reason, n.Note = r.PostFormValue("reason"), note(r, "note")
	f.Reason, f.Note = n.Reason, n.Note
	switch {
	case !slices.Contains(db.FlagReasons(), n.Reason):
		f.Problem = ui.T(ctx, "Choose what is wrong with it.")
	case utf8.RuneCountInString(n.Note) > db.MaxFlagNote:
		f.NoteError = ui.T(ctx, "At most %d characters.", db.MaxFlagNote)
	}
	if f.Problem == "" && f.NoteError == "" {
		if err = s.db.Flag(ctx, v, n); errors.Is(err, db.ErrManyFlags) {
			f.Problem = ui.T(ctx, "You have flagged as much as your trust allows in a day. The moderators have your flags; this one waits until tomorrow.")
			return s.plainPage(w, r, http.StatusTooManyRequests, "Flag", moderation.Flag(f))
		}
	}
	if f.Problem != "" || f.NoteError != "" {
		return s.plainPage(w, r, http.StatusUnprocessableEntity, "Flag", moderation.Flag(f))
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, string(with("/flag", "subject", f.Subject, "done", "1")))
}

// removalReason reads why something is removed: the reason that was chosen, with the word that was added. It is stored and
// shown as it is here. Empty: none was chosen. ErrLongReason: the word is longer than MaxRemovalNote.
func removalReason(r *http.Request) (string, error) {
	why, note := moderation.ReasonText(r.Context(), r.PostFormValue("why")), note(r, "note")
	switch {
	case utf8.RuneCountInString(note) > db.MaxRemovalNote:
		return "", db.ErrLongReason
	case why == "" || note == "":
		return why, nil
	case r.PostFormValue("why") == "other":
		return note, nil
	}
	return why + ": " + note, nil
}

// note reads a field of several lines as it is stored and counted: a browser counts the end of a line as one character
// and sends two.
func note(r *http.Request, field string) string {
	return strings.TrimSpace(strings.ReplaceAll(r.PostFormValue(field), "\r\n", "\n"))
}

func (s *Server) removePostForm(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postTo(r, auth.Remove, s.post)
	if err != nil {
		return err
	}
	return s.plainPage(w, r, http.StatusOK, "Remove", moderation.Remove(removeForm(r, p.Title, p.Excerpt, "/p/"+ui.ID(p.ID), ui.PostURL(p.ID, p.Slug))))
}

func removeForm(r *http.Request, what, excerpt, at string, back templ.SafeURL) moderation.RemoveForm {
	return moderation.RemoveForm{Action: templ.SafeURL(at + "/remove"), What: what, Excerpt: excerpt, Back: back, Reason: r.PostFormValue("why"), Note: r.PostFormValue("note")}
}

// removeAgain is the form that was sent without a reason, or with a word that is too long.
func (s *Server) removeAgain(w http.ResponseWriter, r *http.Request, f moderation.RemoveForm, why error) error {
	if why != nil {
		f.NoteError = ui.T(r.Context(), "At most %d characters.", db.MaxRemovalNote)
	} else {
		f.Problem = ui.T(r.Context(), "Choose why. Its author is told.")
	}
	return s.plainPage(w, r, http.StatusUnprocessableEntity, "Remove", moderation.Remove(f))
}

func (s *Server) removePost(w http.ResponseWriter, r *http.Request) error {
	p, err := s.postTo(r, auth.Remove, s.post)
	if err != nil {
		return err
	}
	reason, err := removalReason(r)
	if reason == "" {
		return s.removeAgain(w, r, removeForm(r, p.Title, p.Excerpt, "/p/"+ui.ID(p.ID), ui.PostURL(p.ID, p.Slug)), err)
	}
	if err := s.db.RemovePost(r.Context(), middleware.Viewer(r.Context()), p.ID, reason); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(ui.PostURL(p.ID, p.Slug)))
}

func (s *Server) removeCommentForm(w http.ResponseWriter, r *http.Request) error {
	c, body, _, err := s.commentTo(r, auth.Remove)
	if err != nil {
		return err
	}
	what := ui.T(r.Context(), "A comment by %s", ui.Name(r.Context(), c.AuthorName))
	return s.plainPage(w, r, http.StatusOK, "Remove", moderation.Remove(removeForm(r, what, shortened(body), "/comments/"+ui.ID(c.ID), ui.CommentURL(c.ID))))
}

func (s *Server) removeComment(w http.ResponseWriter, r *http.Request) error {
	c, body, p, err := s.commentTo(r, auth.Remove)
	if err != nil {
		return err
	}
	reason, err := removalReason(r)
	if reason == "" {
		what := ui.T(r.Context(), "A comment by %s", ui.Name(r.Context(), c.AuthorName))
		return s.removeAgain(w, r, removeForm(r, what, shortened(body), "/comments/"+ui.ID(c.ID), ui.CommentURL(c.ID)), err)
	}
	if err := s.db.RemoveComment(r.Context(), middleware.Viewer(r.Context()), c.ID, reason); err != nil {
		return err
	}
	return respond.Redirect(w, r, string(with(string(ui.PostURL(p.ID, p.Slug)), "gone", ui.ID(c.ID))))
}
