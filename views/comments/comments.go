// Package comments shows the tree of comments below a post, one comment, and the forms that write one.
package comments

import (
	"context"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// Node is a comment with its replies, and what the viewer may do to it.
type Node struct {
	db.Comment
	Children []*Node
	More     int // replies that stand on a page of their own, at MoreURL: they are too deep for this one
	MoreURL  templ.SafeURL
	ToName   string // whom it answers, when that is not plain from the place
	ByAuthor bool   // the post's author wrote it
	Accepted bool
	New      bool // came since the viewer read the post

	CanReply, CanEdit, CanDelete, CanUndelete, CanAccept bool
	CanRemove, CanFlag, Mine                             bool
	SignedIn                                             bool
}

// Thread is a page of comments.
type Thread struct {
	PostURL  templ.SafeURL
	Question bool
	Count    int // of the whole post
	Sort     string
	Under    int64 // only this comment's part of the tree is shown
	Roots    []*Node
	NextURL  templ.SafeURL // empty on the last page
	First    bool          // the first page
}

// Reply is the form that writes a comment.
type Reply struct {
	PostID   int64
	ParentID int64  // 0: to the post
	ToName   string // whom it answers
	Key      string
	Body     string
	Error    string
	Inline   bool // stands in the thread, below what it answers
	Back     templ.SafeURL
	Draft    ui.Draft // that is in the field

	RulesURL templ.SafeURL   // of the channel; empty: it has none of its own
	Channel  string          // its name
	Stopped  templ.Component // why it cannot be sent now; nil: it can
}

// Place is where the draft of the form is kept.
func (f Reply) Place() string {
	if f.ParentID != 0 {
		return string(f.action()) + "#" + ui.ID(f.ParentID)
	}
	return string(f.action())
}

func (f Reply) draft() ui.Draft {
	f.Draft.Place = f.Place()
	return f.Draft
}

// Place is where the draft of the form is kept.
func (f Edit) Place() string { return string(ui.CommentURL(f.ID)) + "/edit" }

func (f Edit) draft() ui.Draft {
	f.Draft.Place = f.Place()
	return f.Draft
}

func (f Reply) action() templ.SafeURL { return templ.SafeURL(db.ReplyPlace(f.PostID)) }

func (f Reply) id() string {
	if f.ParentID == 0 {
		return "reply-body"
	}
	return "reply-body-" + ui.ID(f.ParentID)
}

func (f Reply) label(ctx context.Context) string {
	if f.ToName == "" {
		return ui.T(ctx, "Your comment")
	}
	return ui.T(ctx, "Your reply to %s", f.ToName)
}

// Edit is the form that changes a comment.
type Edit struct {
	ID      int64
	Body    string
	Error   string
	Key     string
	Version db.Millis       // of the text that is changed; 0: whatever stands there
	Present *ui.Present     // somebody else has changed the comment meanwhile: what stands there now
	Draft   ui.Draft        // that is in the field
	Inline  bool            // stands in the thread, in the comment's place
	Stopped templ.Component // why it cannot be sent now; nil: it can
}

func formID(f Reply) string {
	if f.ParentID == 0 {
		return "reply"
	}
	return "reply-" + ui.ID(f.ParentID)
}
