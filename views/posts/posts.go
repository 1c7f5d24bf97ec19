// Package posts shows lists of posts, a post, and the form that writes one.
package posts

import (
	"context"
	"strings"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// List is a page of a feed.
type List struct {
	Pinned    []db.PostRow
	Rows      []db.PostRow
	InChannel bool          // the channel is plain from the page
	Own       bool          // the author is plain from the page
	NextURL   templ.SafeURL // the next page; empty on the last
	ByCreated bool          // the time shown is that of the post, not of its last comment
	ByTime    bool          // the rows stand in the order of the time shown, and are parted by it
	After     db.Millis     // the time of the last row on the page before; 0: this is the first
}

// folds reports a row of somebody whom the viewer muted.
func (l *List) folds(r *db.PostRow) bool { return r.Muted && !l.Own }

// Show is a post's page.
type Show struct {
	Post      db.Post
	URL       templ.SafeURL
	Duplicate *db.PostRow // the post that this one is a duplicate of
	Unread    int         // comments that came since the viewer read it
	FirstNew  int64       // the first of them on this page; 0: none
	Told      bool        // the viewer has notifications that they have not read: they may be about this post
	Thread    templ.Component
	Reply     templ.Component // nil: the viewer cannot comment
	Why       templ.Component // says why not; nil: it is plain, or they can

	Save    templ.Component // the button that saves the post; nil: none
	Follow  templ.Component // the menu that says how much to hear of it; nil: none
	QuoteAs string          // what a quotation of it begins with; empty: the viewer cannot comment

	CanEdit, CanDelete, CanUndelete, CanPin, CanLock bool
	CanRemove, CanFlag, Mine, CanJoin                bool
	SignedIn                                         bool
}

// shortRules is the length, in bytes, up to which a channel's rules stand open above the form.
const shortRules = 300

// Form is the page that writes or changes a post.
type Form struct {
	PostID       int64 // 0: a new one
	PostURL      templ.SafeURL
	ChannelSlug  string
	Channels     []db.Channel // to choose from, for a new post outside a channel
	Kind         string
	Title, Body  string
	Tags         string
	Key          string
	Problem      string
	ChannelError string
	TitleError   string
	BodyError    string
	TagsError    string
	Preview      templ.Component
	Version      db.Millis   // of the text that is changed; 0: whatever stands there
	Present      *ui.Present // somebody else has changed the post meanwhile: what stands there now
	Draft        ui.Draft    // that is in the fields
	BaseTitle    string      // what the fields would say without it
	BaseTags     string
	Channel      *db.Channel     // that it is written in, for a new one; nil: one of Channels
	Stopped      templ.Component // why it cannot be sent now; nil: it can
}

// Place is where the draft of the form is kept.
func (f Form) Place() string { return string(f.action()) }

// chosen is the channel that the form is for as it is sent now: a browser chooses the first of a list of which none is
// marked.
func (f Form) chosen() *db.Channel {
	if f.Channel != nil || len(f.Channels) == 0 {
		return f.Channel
	}
	for i := range f.Channels {
		if f.Channels[i].Slug == f.ChannelSlug {
			return &f.Channels[i]
		}
	}
	return &f.Channels[0]
}

func (f Form) draft() ui.Draft {
	f.Draft.Place = f.Place()
	return f.Draft
}

func (f Form) action() templ.SafeURL {
	switch {
	case f.PostID != 0:
		return templ.SafeURL("/p/" + ui.ID(f.PostID) + "/edit")
	case len(f.Channels) > 0:
		return "/new"
	}
	return templ.SafeURL("/c/" + f.ChannelSlug + "/posts")
}

// Tags parts the stored column into names.
func Tags(stored string) []string { return strings.Fields(stored) }

func readMinutes(ctx context.Context, body string) string {
	words := 0
	for range strings.FieldsSeq(body) {
		words++
	}
	if words < 220 {
		return ""
	}
	return ui.N(ctx, "%s min to read", "%s min to read", (words+110)/220)
}

func listTime(l *List, r *db.PostRow) db.Millis {
	if l.ByCreated {
		return r.CreatedAt
	}
	return r.ActiveAt
}

// spans writes the headings of a list that is in the order of time.
type spans struct {
	ctx  context.Context // nil: no headings
	last string
}

// spans begins at what stood last on the page before. On the first page that is the present day, where that stands above
// the list already; a channel's list says it.
func (l List) spans(ctx context.Context) *spans {
	switch {
	case !l.ByTime:
		return &spans{}
	case l.After == 0 && l.InChannel:
		return &spans{ctx: ctx}
	case l.After == 0:
		return &spans{ctx, ui.Span(ctx, ui.Now(ctx))}
	}
	return &spans{ctx, ui.Span(ctx, l.After)}
}

// before is the heading before a row of time t; empty where the row before has the same.
func (s *spans) before(t db.Millis) string {
	if s.ctx == nil {
		return ""
	}
	span := ui.Span(s.ctx, t)
	if span == s.last {
		return ""
	}
	s.last = span
	return span
}

func action(s Show, name string) templ.SafeURL {
	return templ.SafeURL("/p/" + ui.ID(s.Post.ID) + "/" + name)
}
