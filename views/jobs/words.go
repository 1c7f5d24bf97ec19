package jobs

import (
	"context"

	"codex/db"
	"codex/views/ui"
)

// kindText is what a job does.
func kindText(ctx context.Context, kind string) string {
	switch kind {
	case db.JobVerify:
		return ui.T(ctx, "Letter that proves an address")
	case db.JobReset:
		return ui.T(ctx, "Letter for a forgotten password")
	case db.JobChanged:
		return ui.T(ctx, "Letter about a changed account")
	case db.JobNotification:
		return ui.T(ctx, "Letter of what happened")
	case db.JobDigest:
		return ui.T(ctx, "Digest of a day or a week")
	case db.JobWebhook:
		return ui.T(ctx, "Delivery of a webhook")
	}
	return kind
}

// idle is why nobody does the jobs of a kind; empty: somebody does.
func (s Show) idle(ctx context.Context, kind string) string {
	switch kind {
	case db.JobVerify, db.JobReset, db.JobChanged, db.JobNotification, db.JobDigest:
		if !s.Mail {
			return ui.T(ctx, "Nobody sends it: the forum has no mail server. Start it with CODEX_SMTP_URL.")
		}
	case db.JobWebhook:
		if !s.Based {
			return ui.T(ctx, "Nobody makes it: the forum does not know its own address. Start it with CODEX_BASE_URL.")
		}
	default:
		return ui.T(ctx, "This version of the forum does not know what that is.")
	}
	return ""
}

func many(n int) string {
	if n >= db.MostJobs {
		return ui.Number(n) + "+"
	}
	return ui.Number(n)
}
