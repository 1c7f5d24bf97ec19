package auth

import "codex/db"

// Action is something that a viewer may want to do to a post, a comment or a channel.
type Action int

const (
	Comment  Action = iota // write below a post
	Edit                   // change a post's or comment's text
	Delete                 // hide it
	Undelete               // show it again
	Pin                    // above its channel's feed
	Lock                   // against new comments
	Accept                 // a comment as the answer to a question
	Govern                 // change a channel's name, description and rules
)

// Subject is what the action is done to. Fields that the action does not look at may be left out.
type Subject struct {
	AuthorID     int64  // of the post or comment
	PostAuthorID int64  // of the question, for Accept
	Question     bool   // for Accept
	ChannelRole  string // the viewer's role in the channel: "owner", "moderator", "member" or ""
	Locked       bool
	Deleted      bool
	DeletedBy    int64
}

// May reports whether the viewer, who can read the subject, may do the action to it. What a viewer may read is not
// decided here but in the queries of db. The queries that write check the same conditions again.
func May(v db.Viewer, a Action, s Subject) bool {
	if !v.SignedIn() {
		return false
	}
	mine := s.AuthorID == v.ID
	keeper := v.Staff() || s.ChannelRole == "owner" || s.ChannelRole == "moderator"
	switch a {
	case Comment:
		return !s.Deleted && (!s.Locked || v.Staff())
	case Edit, Delete:
		return !s.Deleted && (mine || v.Staff())
	case Undelete:
		return s.Deleted && (v.Staff() || mine && s.DeletedBy == v.ID)
	case Pin, Lock:
		return !s.Deleted && keeper
	case Accept:
		return !s.Deleted && s.Question && (s.PostAuthorID == v.ID || v.Staff())
	case Govern:
		return keeper
	}
	return false
}
