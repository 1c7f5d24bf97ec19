package moderation

import (
	"context"
	"fmt"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

func logURL(e *db.LogEntry) templ.SafeURL {
	if e.CommentID != 0 {
		return ui.CommentURL(e.CommentID)
	}
	return ui.PostURL(e.PostID, e.PostSlug)
}

// AccessText is who reads and writes in a channel, as the log has it, in words.
func AccessText(ctx context.Context, stored string) string {
	var visibility string
	var slow int
	var archived bool
	if _, err := fmt.Sscanf(stored, "%s slow=%d archived=%t", &visibility, &slow, &archived); err != nil {
		return stored
	}
	text := ui.T(ctx, "public")
	switch db.Visibility(visibility) {
	case db.Restricted:
		text = ui.T(ctx, "members write")
	case db.Private:
		text = ui.T(ctx, "private")
	}
	switch {
	case slow >= 60 && slow%60 == 0:
		text += ", " + ui.N(ctx, "a text in %s minute", "a text in %s minutes", slow/60)
	case slow > 0:
		text += ", " + ui.N(ctx, "a text in %s second", "a text in %s seconds", slow)
	}
	if archived {
		text += ", " + ui.T(ctx, "archived")
	}
	return text
}

// deed is what was done, as the sentence goes on after who did it.
func deed(ctx context.Context, e *db.LogEntry) string {
	thing := ui.T(ctx, "a post")
	if e.CommentID != 0 {
		thing = ui.T(ctx, "a comment")
	} else if e.PostID == 0 {
		thing = ui.T(ctx, "a member")
	}
	switch e.Action {
	case db.Removed:
		return ui.T(ctx, "removed %s", thing)
	case db.Restored:
		return ui.T(ctx, "restored %s", thing)
	case db.Approved:
		return ui.T(ctx, "approved %s", thing)
	case db.Kept:
		return ui.T(ctx, "kept %s that was flagged", thing)
	case db.Noted:
		return ui.T(ctx, "dealt with a flag on")
	case "undo-" + db.Removed:
		return ui.T(ctx, "took back the removal of %s", thing)
	case "undo-" + db.Approved:
		return ui.T(ctx, "took back the approval of %s", thing)
	case "undo-" + db.Kept, "undo-" + db.Noted:
		return ui.T(ctx, "opened a case again: %s", thing)
	case "sweep":
		if e.Member != "" {
			return ui.T(ctx, "hid everything of")
		}
		return ui.T(ctx, "hid everything of a wave of newcomers (%s)", e.New)
	case "undo-sweep":
		return ui.T(ctx, "showed again what was hidden of members (%s)", e.New)
	case "lock":
		return ui.T(ctx, "locked a post")
	case "unlock":
		return ui.T(ctx, "opened a post again")
	case "pin":
		return ui.T(ctx, "pinned a post")
	case "unpin":
		return ui.T(ctx, "unpinned a post")
	case "suspend":
		return ui.T(ctx, "suspended")
	case "ban":
		return ui.T(ctx, "banned")
	case "lift":
		return ui.T(ctx, "lifted the bar on")
	case "ban-network", "ban-mail":
		return ui.T(ctx, "kept out %s", e.Old)
	case "lift-network", "lift-mail":
		return ui.T(ctx, "let %s back in", e.Old)
	case "role":
		return ui.T(ctx, "changed the role of")
	case "trust":
		return ui.T(ctx, "set the trust of")
	case "watch-add":
		return ui.T(ctx, "put “%s” on the watch list", e.New)
	case "watch-drop":
		return ui.T(ctx, "took “%s” off the watch list", e.Old)
	case "channel-access":
		return ui.T(ctx, "changed who reads and writes: %s, before that %s,", AccessText(ctx, e.New), AccessText(ctx, e.Old))
	case "channel-delete":
		return ui.T(ctx, "deleted a channel")
	case "channel-restore":
		return ui.T(ctx, "brought back a channel")
	case "channel-role":
		return ui.T(ctx, "changed who keeps a channel:")
	case "channel-remove":
		return ui.T(ctx, "took out of a channel")
	case "registration-accept":
		return ui.T(ctx, "let somebody join")
	case "registration-decline":
		return ui.T(ctx, "declined somebody who wanted to join")
	case "invite-end":
		return ui.T(ctx, "ended an invite")
	case "claim-taken":
		return ui.T(ctx, "took over a case from @%s, about", e.Old)
	case "factor-reset":
		return ui.T(ctx, "took off the second factor of")
	case "revision-hide":
		return ui.T(ctx, "hid an earlier version of %s", thing)
	case "revision-show":
		return ui.T(ctx, "showed an earlier version of %s again", thing)
	case "webhook-add":
		return ui.T(ctx, "added a webhook to %s", e.New)
	case "webhook-kinds":
		return ui.T(ctx, "changed what the webhook to %s is told of: %s", e.Old, e.New)
	case "webhook-on":
		return ui.T(ctx, "switched on the webhook to %s", e.Old)
	case "webhook-off":
		return ui.T(ctx, "switched off the webhook to %s", e.Old)
	case "webhook-drop":
		return ui.T(ctx, "deleted the webhook to %s", e.Old)
	case "webhook-failed":
		return ui.T(ctx, "switched off the webhook to %s, whose deliveries failed", e.Old)
	case "job-retry":
		return ui.T(ctx, "let a job be tried again that was given up (%s)", e.Old)
	case "job-drop":
		return ui.T(ctx, "dropped a job that was given up (%s)", e.Old)
	case "request-accept":
		return ui.T(ctx, "let in")
	case "request-decline":
		return ui.T(ctx, "did not let in")
	}
	return e.Action
}

// toText reports that the words of the deed end with the text of the member who is named behind them.
func toText(action string) bool {
	switch action {
	case db.Removed, db.Restored, db.Approved, "undo-" + db.Removed, "undo-" + db.Approved, "undo-" + db.Kept, "undo-" + db.Noted, "revision-hide":
		return true
	}
	return false
}

// toMember reports that the words of the deed are nothing without the member, who may have left since.
func toMember(action string) bool {
	switch action {
	case "suspend", "ban", "lift", "role", "trust", "factor-reset", "channel-role", "channel-remove", "request-accept", "request-decline":
		return true
	}
	return false
}
