package auth

import "codex/db"

// Action is something that a viewer may want to do to a post, a comment or a channel.
type Action int

const (
	Write    Action = iota // a post in a channel
	Comment                // write below a post
	Edit                   // change a post's or comment's text
	Delete                 // hide it
	Remove                 // hide another's, and say why
	Undelete               // show it again
	Pin                    // above its channel's feed
	Lock                   // against new comments and changes by those who do not keep the channel
	Accept                 // a comment as the answer to a question
	Govern                 // change a channel's name, description and rules, let people in and out
	Own                    // say who may read and write in a channel and who keeps it; delete it
)

// Subject is what the action is done to. Fields that the action does not look at may be left out; the channel's are
// always needed.
type Subject struct {
	AuthorID     int64         // of the post or comment
	PostAuthorID int64         // of the question, for Accept
	Question     bool          // for Accept
	Visibility   db.Visibility // of the channel; empty is public
	ChannelRole  string        // the viewer's role in the channel: "owner", "moderator", "member" or ""
	Archived     bool          // the channel takes no writes any more
	Locked       bool
	Deleted      bool
	DeletedBy    int64
	Held         bool // waits for a moderator; Deleted is set too
}

// May reports whether the viewer, who can read the subject, may do the action to it. What a viewer may read is not
// decided here but in the queries of db. The queries that write check the same conditions again, and those that no page
// asks beforehand: that the forum takes writes at all, and that the viewer is not suspended.
func May(v db.Viewer, a Action, s Subject) bool {
	if !v.SignedIn() {
		return false
	}
	mine := s.AuthorID == v.ID
	keeper := v.Staff() || s.ChannelRole == "owner" || s.ChannelRole == "moderator"
	open := s.Visibility == "" || s.Visibility == db.Public || s.ChannelRole != "" || keeper
	writable := !s.Archived && open
	switch a {
	case Write:
		return writable
	case Comment:
		return !s.Deleted && writable && (!s.Locked || keeper)
	case Edit:
		return (!s.Deleted || s.Held) && writable && (mine || v.Staff()) && (!s.Locked || keeper)
	case Delete:
		return !s.Deleted && (mine || keeper) || s.Held && mine
	case Remove:
		return (!s.Deleted || s.Held) && keeper && !mine
	case Undelete:
		return s.Deleted && !s.Held && (v.Staff() || (mine || keeper) && s.DeletedBy == v.ID)
	case Pin, Lock:
		return !s.Deleted && keeper
	case Accept:
		return !s.Deleted && writable && s.Question && (s.PostAuthorID == v.ID || keeper)
	case Govern:
		return keeper
	case Own:
		return s.ChannelRole == "owner" || v.Role == db.Admin
	}
	return false
}
