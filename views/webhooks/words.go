package webhooks

import (
	"context"

	"codex/db"
	"codex/views/ui"
)

// kindText is what a webhook is told of.
func kindText(ctx context.Context, kind db.HookKind) string {
	switch kind {
	case db.HookPostCreated:
		return ui.T(ctx, "A post that is new, approved or restored")
	case db.HookPostRemoved:
		return ui.T(ctx, "A post that is gone")
	case db.HookCommentCreated:
		return ui.T(ctx, "A comment that is new, approved or restored")
	case db.HookCommentRemoved:
		return ui.T(ctx, "A comment that is gone")
	case db.HookMemberRegistered:
		return ui.T(ctx, "A new member")
	case db.HookPing:
		return ui.T(ctx, "A test")
	}
	return string(kind)
}

// URLProblem is what to say of an address that cannot be a webhook's.
func URLProblem(ctx context.Context, problem string) string {
	if problem == "address" {
		return ui.T(ctx, "This is an address of this machine or of a network of its own. The forum asks public addresses alone.")
	}
	return ui.T(ctx, "An address that begins with https:// and holds no name or password.")
}

// outcome is what became of an attempt.
func outcome(ctx context.Context, a db.Delivery) string {
	switch a.Error {
	case "":
		return ui.T(ctx, "Answered %d", a.Status)
	case db.DeliveryGone:
		return ui.T(ctx, "Not sent: there is nothing to tell any more")
	case "address":
		return ui.T(ctx, "Not sent: the address is not a public one")
	case "url":
		return ui.T(ctx, "Not sent: the address begins otherwise than with https://")
	case "name":
		return ui.T(ctx, "No such host")
	case "connect":
		return ui.T(ctx, "Nobody answers there")
	case "tls":
		return ui.T(ctx, "Its certificate is not in order")
	case "slow":
		return ui.T(ctx, "No answer in time")
	}
	return ui.T(ctx, "The answer cannot be read")
}

// offText is why a webhook is off.
func offText(ctx context.Context, h db.Webhook) string {
	switch h.OffFor {
	case db.OffForFailures:
		return ui.T(ctx, "The forum has switched it off, because its deliveries failed for more than a day. What happens is not told to it, and not told later.")
	case db.OffForGone:
		return ui.T(ctx, "The forum has switched it off, because the receiver answered 410: it wants no more.")
	}
	return ui.T(ctx, "It is switched off. What happens meanwhile is not told to it, and not told later.")
}
