package notifications

import (
	"context"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// did is what happened, between who did it and where.
func did(ctx context.Context, n db.Notification) string {
	switch n.Kind {
	case db.NoticeReply:
		return ui.T(ctx, "replied to you in")
	case db.NoticeMention:
		return ui.T(ctx, "mentioned you in")
	case db.NoticeComment:
		return ui.T(ctx, "commented in")
	case db.NoticeReaction:
		if n.CommentID != 0 {
			return ui.T(ctx, "liked your comment in")
		}
		return ui.T(ctx, "liked your post")
	case db.NoticeAccepted:
		return ui.T(ctx, "accepted your answer to")
	case db.NoticePost:
		return ui.T(ctx, "posted")
	case db.NoticeSystem:
		if n.What == db.ToldInvited {
			return ui.T(ctx, "invited you to")
		}
		return ui.T(ctx, "let you into")
	}
	return ""
}

// decided is what a moderator decided about a text of the reader's.
func decided(ctx context.Context, n db.Notification) string {
	comment := n.CommentID != 0
	switch n.What {
	case db.Removed:
		if comment {
			return ui.T(ctx, "A moderator removed your comment in")
		}
		return ui.T(ctx, "A moderator removed your post")
	case db.Approved:
		if comment {
			return ui.T(ctx, "A moderator let your comment through in")
		}
		return ui.T(ctx, "A moderator let your post through:")
	}
	if comment {
		return ui.T(ctx, "A moderator put your comment back in")
	}
	return ui.T(ctx, "A moderator put your post back:")
}

func icon(k db.Notice) string {
	if k == db.NoticeDecision {
		return "shield"
	}
	return "mail"
}

func where(n db.Notification) string {
	if n.PostID == 0 {
		return n.ChannelName
	}
	return n.PostTitle
}

// Plain is a notification as one line of plain text, as a letter has it.
func Plain(ctx context.Context, n db.Notification) string {
	if n.Kind == db.NoticeDecision {
		return decided(ctx, n) + " " + where(n)
	}
	who := ui.Name(ctx, n.ActorName)
	if n.Others > 0 {
		who += " " + ui.N(ctx, "and %s other", "and %s others", n.Others)
	}
	if n.Kind == db.NoticePost && n.Times > 1 {
		return who + " " + did(ctx, n) + " " + ui.N(ctx, "%s post", "%s posts", n.Times) + " " + ui.T(ctx, "in") + " " + n.ChannelName
	}
	return who + " " + did(ctx, n) + " " + where(n)
}

// Address is where it leads.
func Address(n db.Notification) templ.SafeURL {
	switch {
	case n.What == db.ToldInvited:
		return "/invitations"
	case n.PostID == 0:
		return ui.ChannelURL(n.ChannelSlug)
	case n.Kind == db.NoticePost && n.Times > 1:
		return ui.ChannelURL(n.ChannelSlug)
	case n.CommentID != 0:
		return ui.CommentURL(n.CommentID)
	}
	return ui.PostURL(n.PostID, n.PostSlug)
}

// kindName and kindHint are a line of the grid.
func kindName(ctx context.Context, k db.Notice) string {
	return map[db.Notice]string{
		db.NoticeReply:    ui.T(ctx, "Replies to you"),
		db.NoticeMention:  ui.T(ctx, "Mentions"),
		db.NoticeComment:  ui.T(ctx, "Comments in discussions that you follow"),
		db.NoticeReaction: ui.T(ctx, "Likes"),
		db.NoticeAccepted: ui.T(ctx, "Your answer is accepted"),
		db.NoticePost:     ui.T(ctx, "Posts in channels that you follow"),
		db.NoticeDecision: ui.T(ctx, "What moderators decide about your texts"),
		db.NoticeSystem:   ui.T(ctx, "Invitations to channels"),
	}[k]
}
