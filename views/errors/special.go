package errors

import (
	"context"
	"errors"
	"net/http"

	"codex/db"
	"codex/views/ui"
)

// special has words for errors that say more than their status; empty for all others.
func special(ctx context.Context, f Fault) (title, text string) {
	var barred *db.Barred
	var network *db.NetworkBanned
	var slow *db.Slow
	var other *OtherMember
	kept := ""
	if len(f.Kept) > 0 {
		kept = " " + ui.T(ctx, "Your text stands below, so that you can put it by.")
	}
	switch {
	case errors.As(f.Err, &barred) && barred.Banned:
		return ui.T(ctx, "This account is closed"), ended(barred.Until,
			ui.T(ctx, "A moderator has closed it, and nobody signs in with it until that is lifted."),
			ui.T(ctx, "A moderator has closed it until %s. From then on you can sign in as before.", ui.Instant(ctx, barred.Until))) + kept + because(ctx, barred)
	case errors.As(f.Err, &barred):
		return ui.T(ctx, "You may read, but not write"), ended(barred.Until,
			ui.T(ctx, "A moderator has suspended your account until further notice. You can read everything as before."),
			ui.T(ctx, "A moderator has suspended your account until %s. You can read everything as before.", ui.Instant(ctx, barred.Until))) + kept + because(ctx, barred)
	case errors.As(f.Err, &other) && len(f.Kept) > 0:
		return ui.T(ctx, "You are signed in as @%s now", other.Handle),
			ui.T(ctx, "This was written while another account was signed in here, so it was not sent. Your text stands below: send it as @%s, or sign out and in again first.", other.Handle)
	case errors.As(f.Err, &other):
		return ui.T(ctx, "You are signed in as @%s now", other.Handle),
			ui.T(ctx, "This page was opened with another account, so nothing was done. Load it again to go on as @%s.", other.Handle)
	case errors.As(f.Err, &network):
		return ui.T(ctx, "Not from this network"), ended(network.Until,
			ui.T(ctx, "Too much harm has come from the network that you are on, so this is closed to it. You can read everything; from another connection this works."),
			ui.T(ctx, "Too much harm has come from the network that you are on, so this is closed to it until %s. You can read everything; from another connection this works now.", ui.Instant(ctx, network.Until))) + kept
	case errors.As(f.Err, &slow) && len(f.Kept) > 0:
		return ui.T(ctx, "This channel is slow"),
			ui.T(ctx, "Everybody writes once in %s here. Your text stands below; send it again in %s.", wait(ctx, int(slow.Every.Seconds())), wait(ctx, f.RetryIn))
	case errors.As(f.Err, &slow):
		return ui.T(ctx, "This channel is slow"),
			ui.T(ctx, "Everybody writes once in %s here. Your turn comes again in %s.", wait(ctx, int(slow.Every.Seconds())), wait(ctx, f.RetryIn))
	case errors.Is(f.Err, db.ErrReadOnly):
		return ui.T(ctx, "Nobody writes here just now"),
			ui.T(ctx, "Those who run it have stopped all writing but their own for a while. You can read everything as before.") + kept
	case errors.Is(f.Err, db.ErrArchived):
		return ui.T(ctx, "This channel is archived"),
			ui.T(ctx, "All that is in it stays to be read, and nothing more is written.") + kept
	case errors.Is(f.Err, db.ErrNotMember):
		return ui.T(ctx, "Its members write here"),
			ui.T(ctx, "Everybody may read this channel, and those write in it whom its keepers have let in.") + kept
	case errors.Is(f.Err, db.ErrBlocked):
		return ui.T(ctx, "Not to this person"),
			ui.T(ctx, "Whoever wrote this would rather not hear from you. You can read on, and write everywhere else.") + kept
	case errors.Is(f.Err, db.ErrLocked):
		return ui.T(ctx, "This conversation is closed"),
			ui.T(ctx, "A moderator has locked the post: it takes no more comments, and what stands there is not changed.") + kept
	case errors.Is(f.Err, db.ErrTooManyBlocks):
		return ui.T(ctx, "That is a long list"),
			ui.T(ctx, "You have muted or blocked %d members, and no list holds more. Take some back first.", db.MaxBlocks)
	}
	return "", ""
}

// ended says until when something holds, or that nobody knows.
func ended(end db.Millis, forever, until string) string {
	if end >= db.Forever {
		return forever
	}
	return until
}

// because leads to the reason, which follows in a quotation.
func because(ctx context.Context, b *db.Barred) string {
	if b.Reason == "" {
		return ""
	}
	return " " + ui.T(ctx, "The reason they gave:")
}

// reason is what staff wrote to the member.
func (f Fault) reason() string {
	var barred *db.Barred
	if errors.As(f.Err, &barred) {
		return barred.Reason
	}
	return ""
}

// final reports an error that sending the same again does not mend.
func (f Fault) final() bool {
	var barred *db.Barred
	var network *db.NetworkBanned
	return errors.As(f.Err, &barred) || errors.As(f.Err, &network) || errors.Is(f.Err, db.ErrBlocked) || errors.Is(f.Err, db.ErrArchived) ||
		errors.Is(f.Err, db.ErrLocked) || errors.Is(f.Err, db.ErrReadOnly)
}

// OtherMember says that a form was made for another member than who sends it.
type OtherMember struct{ Handle string } // of who is signed in now

func (o *OtherMember) Error() string { return "the form was made for another member than @" + o.Handle }
func (o *OtherMember) Status() int   { return http.StatusConflict }

// again is what the button says that sends a kept text once more.
func (f Fault) again(ctx context.Context) string {
	var other *OtherMember
	if errors.As(f.Err, &other) {
		return ui.T(ctx, "Send as @%s", other.Handle)
	}
	return ui.T(ctx, "Send again")
}
