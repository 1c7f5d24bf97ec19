// Package moderation shows what moderators work with: flags, the queue of cases, the watch list, newcomers and sweeps, and
// the logs of what was decided. What the viewer may do is in the fields of what they are given.
package moderation

import (
	"context"
	"strings"

	"github.com/a-h/templ"

	"codex/db"
	"codex/views/ui"
)

// Duties say which page of moderation this is, and whether for staff or for who keeps a channel.
type Duties struct {
	Staff   bool
	Current string // "queue", "decided", "newcomers", "words", "log"
}

// ReasonText is a reason for a flag or a removal in words; empty for one that is none of db.FlagReasons.
func ReasonText(ctx context.Context, reason string) string {
	switch reason {
	case "spam":
		return ui.T(ctx, "Spam")
	case "abuse":
		return ui.T(ctx, "Hurtful or threatening")
	case "off-topic":
		return ui.T(ctx, "Off topic")
	case "illegal":
		return ui.T(ctx, "Against the law")
	case "other":
		return ui.T(ctx, "Something else")
	}
	return ""
}

func reasonHint(ctx context.Context, reason string) string {
	switch reason {
	case "spam":
		return ui.T(ctx, "It sells something, or is there for its links.")
	case "abuse":
		return ui.T(ctx, "It attacks somebody instead of what they said.")
	case "off-topic":
		return ui.T(ctx, "It has nothing to do with what it stands below.")
	case "illegal":
		return ui.T(ctx, "It should not be on the internet at all.")
	}
	return ui.T(ctx, "Say what in the note.")
}

func reasonIcon(reason string) string {
	switch reason {
	case "spam":
		return "mail"
	case "abuse":
		return "triangle-alert"
	case "off-topic":
		return "waypoints"
	case "illegal":
		return "shield"
	}
	return "ellipsis"
}

// whyText says why a text was held.
func whyText(ctx context.Context, why string) string {
	if word, ok := strings.CutPrefix(why, db.HeldWord); ok {
		return ui.T(ctx, "Has “%s” of the watch list in it", word)
	}
	switch why {
	case db.HeldNewcomer:
		return ui.T(ctx, "One of a new member's first texts")
	case db.HeldAll:
		return ui.T(ctx, "Everything waits at the moment")
	case db.HeldLinks:
		return ui.T(ctx, "More links than the member's trust allows")
	case db.HeldRepeat:
		return ui.T(ctx, "The same text as one shortly before")
	case db.HeldSpeed:
		return ui.T(ctx, "The fifth text within a minute")
	}
	return ui.T(ctx, "Waits for a moderator")
}

func decisionText(ctx context.Context, c *db.Case) string {
	who := ui.T(ctx, "somebody")
	if c.Decider != "" {
		who = "@" + c.Decider
	}
	switch c.Decision {
	case db.Approved:
		return ui.T(ctx, "Approved by %s", who)
	case db.Kept:
		return ui.T(ctx, "Kept by %s", who)
	case db.Removed:
		return ui.T(ctx, "Removed by %s", who)
	case db.Noted:
		return ui.T(ctx, "Dealt with by %s", who)
	case db.Withdrawn:
		return ui.T(ctx, "Taken back by its author")
	case db.Swept:
		return ui.T(ctx, "Hidden with everything of its author, by %s", who)
	}
	return ui.T(ctx, "Undone")
}

func trustText(ctx context.Context, level int) string {
	switch level {
	case db.Newcomer:
		return ui.T(ctx, "newcomer")
	case db.Known:
		return ui.T(ctx, "known")
	case db.Regular:
		return ui.T(ctx, "regular")
	}
	return ui.T(ctx, "trusted")
}

// hereFor is how long a member has been here.
func hereFor(ctx context.Context, since db.Millis) string {
	if ui.Now(ctx)-since < 60_000 {
		return ui.T(ctx, "came just now")
	}
	return ui.T(ctx, "here for %s", ui.Ago(ctx, since))
}

func caseURL(id int64, more string) templ.SafeURL {
	return templ.SafeURL("/moderation/cases/" + ui.ID(id) + more)
}

func caseID(id int64) string { return "case-" + ui.ID(id) }
