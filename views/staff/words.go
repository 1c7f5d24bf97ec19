package staff

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// Spans are the lengths of time that a form offers, by the name that it sends.
func Spans() []string { return []string{"1d", "3d", "1w", "1m", "ever"} }

// Until is the end of a span that begins now, 0 for a name that is none.
func Until(now time.Time, span string) db.Millis {
	const day = 24 * time.Hour
	switch span {
	case "1d":
		return db.MillisOf(now.Add(day))
	case "3d":
		return db.MillisOf(now.Add(3 * day))
	case "1w":
		return db.MillisOf(now.Add(7 * day))
	case "1m":
		return db.MillisOf(now.Add(30 * day))
	case "ever":
		return db.Forever
	}
	return 0
}

func spanText(ctx context.Context, span string) string {
	switch span {
	case "1d":
		return ui.T(ctx, "A day")
	case "3d":
		return ui.T(ctx, "Three days")
	case "1w":
		return ui.T(ctx, "A week")
	case "1m":
		return ui.T(ctx, "A month")
	}
	return ui.T(ctx, "For ever")
}

// TrustName is what a trust level is called.
func TrustName(ctx context.Context, level int) string {
	switch level {
	case db.Newcomer:
		return ui.T(ctx, "Newcomer")
	case db.Known:
		return ui.T(ctx, "Known here")
	case db.Regular:
		return ui.T(ctx, "Regular")
	}
	return ui.T(ctx, "Trusted")
}

func roleName(ctx context.Context, r db.Role) string {
	switch r {
	case db.Admin:
		return ui.T(ctx, "Administrator")
	case db.Moderator:
		return ui.T(ctx, "Moderator")
	}
	return ui.T(ctx, "Member")
}

// end is the last word of an entry about something that ends.
func end(ctx context.Context, millis string) string {
	n, err := strconv.ParseInt(millis, 10, 64)
	if err != nil {
		return ui.T(ctx, "for ever")
	}
	return ui.T(ctx, "until %s", ui.Instant(ctx, db.Millis(n)))
}

// deed says in words what an entry of the log tells of. What has no words here is shown as the code calls it.
func deed(ctx context.Context, l db.LogLine) string {
	switch l.Action {
	case "suspend":
		return ui.T(ctx, "Suspended %s", end(ctx, l.New))
	case "ban":
		return ui.T(ctx, "Banned %s", end(ctx, l.New))
	case "lift":
		if l.Old == "banned" {
			return ui.T(ctx, "Ban lifted")
		}
		return ui.T(ctx, "Suspension lifted")
	case "role":
		return ui.T(ctx, "Role: %s, before that %s", roleName(ctx, db.Role(l.New)), roleName(ctx, db.Role(l.Old)))
	case "trust":
		return ui.T(ctx, "Trust: %s, before that %s", trustText(ctx, l.New), trustText(ctx, l.Old))
	case db.Removed:
		return ui.T(ctx, "A text removed")
	case db.Restored:
		return ui.T(ctx, "A text restored")
	case db.Approved:
		return ui.T(ctx, "A text approved")
	case db.Kept:
		return ui.T(ctx, "Flagged, and kept")
	case db.Noted:
		return ui.T(ctx, "A flag dealt with")
	case "undo-" + db.Removed:
		return ui.T(ctx, "The removal of a text taken back")
	case "undo-" + db.Approved:
		return ui.T(ctx, "The approval of a text taken back")
	case "undo-" + db.Kept, "undo-" + db.Noted:
		return ui.T(ctx, "A case opened again")
	case "sweep":
		return ui.T(ctx, "Everything hidden")
	case "undo-sweep":
		return ui.T(ctx, "Everything shown again")
	case "revision-hide":
		return ui.T(ctx, "An earlier version of a text hidden")
	case "revision-show":
		return ui.T(ctx, "An earlier version of a text shown again")
	case "lock":
		return ui.T(ctx, "A post locked")
	case "unlock":
		return ui.T(ctx, "A post opened again")
	case "pin":
		return ui.T(ctx, "A post pinned")
	case "unpin":
		return ui.T(ctx, "A post unpinned")
	case "registration-accept":
		return ui.T(ctx, "Let into the forum")
	case "invite-end":
		return ui.T(ctx, "An invite of theirs ended")
	case "claim-taken":
		return ui.T(ctx, "A case about them taken over from @%s", l.Old)
	case "factor-reset":
		return ui.T(ctx, "Second factor taken off")
	case "channel-role":
		return ui.T(ctx, "Role in a channel: %s", l.New)
	case "channel-remove":
		return ui.T(ctx, "Removed from a channel")
	case "request-accept":
		return ui.T(ctx, "Let into a channel")
	case "request-decline":
		return ui.T(ctx, "Not let into a channel")
	}
	return l.Action
}

func trustText(ctx context.Context, stored string) string {
	level := 0
	n, err := fmt.Sscanf(stored, "%d", &level)
	if err != nil || n == 0 {
		return stored
	}
	return TrustName(ctx, level)
}

func memberURL(handle, more string) templ.SafeURL {
	return templ.SafeURL("/moderation/members/" + handle + more)
}

func writtenURL(w db.Written) templ.SafeURL {
	if w.CommentID != 0 {
		return ui.CommentURL(w.CommentID)
	}
	return ui.PostURL(w.PostID, w.Slug)
}

// until is the end of what holds now.
func until(ctx context.Context, t db.Millis) string {
	if t >= db.Forever {
		return ui.T(ctx, "for ever")
	}
	return ui.T(ctx, "until %s", ui.Instant(ctx, t))
}
