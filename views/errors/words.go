package errors

import (
	"context"
	"net/http"

	"codex/views/ui"
)

// words are the title and the text of an error. The text says what was kept and what to do next.
func words(ctx context.Context, f Fault) (title, text string) {
	if title, text := special(ctx, f); title != "" {
		return title, text
	}
	switch f.Status {
	case http.StatusBadRequest:
		return ui.T(ctx, "That was not understood"),
			ui.T(ctx, "The address or the form did not arrive whole, so nothing was done with it.")
	case http.StatusForbidden:
		return ui.T(ctx, "Not yours to do"),
			ui.T(ctx, "You may read this, but not change it. If you think that you should, ask a moderator.")
	case http.StatusNotFound:
		return ui.T(ctx, "This leaf is missing"),
			ui.T(ctx, "There is no page at this address, or it is not open to you. If a link brought you here, whoever wrote it may have mistyped it, or the post may have been removed.")
	case http.StatusMethodNotAllowed:
		return ui.T(ctx, "Not like this"),
			ui.T(ctx, "This address answers, but not to that kind of request.")
	case http.StatusRequestTimeout:
		return ui.T(ctx, "Your connection is slow"),
			ui.T(ctx, "The form did not arrive in time, so nothing was stored. Try again when the line is better.")
	case http.StatusConflict:
		return ui.T(ctx, "Somebody was faster"),
			ui.T(ctx, "What you changed is no longer as it was. Go back and look at it as it is now.")
	case http.StatusRequestEntityTooLarge:
		return ui.T(ctx, "Too much at once"),
			ui.T(ctx, "A form may hold one megabyte. Nothing was stored; go back, and your text is still there.")
	case http.StatusMisdirectedRequest:
		return ui.T(ctx, "Another house"),
			ui.T(ctx, "This forum does not answer to that name. Whoever runs it sets the name with CODEX_BASE_URL.")
	case http.StatusTooManyRequests:
		if len(f.Kept) > 0 {
			return ui.T(ctx, "A little slower"),
				ui.T(ctx, "That was more than the forum takes in so short a time. Your text stands below; send it again in %s.", wait(ctx, f.RetryIn))
		}
		return ui.T(ctx, "A little slower"),
			ui.T(ctx, "That was more than the forum takes in so short a time. Come back in %s.", wait(ctx, f.RetryIn))
	case http.StatusInsufficientStorage:
		return ui.T(ctx, "The server has no space left"),
			ui.T(ctx, "Your text is kept here. Reading goes on as before; whoever runs the forum has to make room.")
	case http.StatusServiceUnavailable:
		if len(f.Kept) > 0 {
			return ui.T(ctx, "Your text is safe. The shelf is busy."),
				ui.T(ctx, "The forum is not answering just now, so this was not stored. Nothing is lost: it stands below, and it can be sent again without appearing twice.")
		}
		return ui.T(ctx, "The shelf is busy"),
			ui.T(ctx, "The forum is not answering just now. Nothing is lost; try again in a moment.")
	case http.StatusGatewayTimeout:
		if len(f.Kept) > 0 {
			return ui.T(ctx, "That took too long"),
				ui.T(ctx, "The forum gave up waiting. Your text stands below, and it can be sent again without appearing twice.")
		}
		return ui.T(ctx, "That took too long"),
			ui.T(ctx, "The forum gave up waiting for an answer, so that others need not wait too. Try again in a moment.")
	}
	return ui.T(ctx, "Something broke"),
		ui.T(ctx, "It is our fault and not yours. It is in the log under the number below; nothing that was stored before is lost.")
}

func wait(ctx context.Context, seconds int) string {
	switch {
	case seconds <= 1:
		return ui.T(ctx, "a moment")
	case seconds < 90:
		return ui.N(ctx, "%s second", "%s seconds", seconds)
	}
	return ui.N(ctx, "%s minute", "%s minutes", (seconds+59)/60)
}

// drawing is the miniature of an error.
func drawing(status int) ui.Drawing {
	switch status {
	case http.StatusNotFound:
		return ui.DrawLeaf
	case http.StatusForbidden, http.StatusMisdirectedRequest:
		return ui.DrawGate
	case http.StatusBadRequest, http.StatusMethodNotAllowed:
		return ui.DrawLetter
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return ui.DrawSnail
	case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		return ui.DrawInkwell
	case http.StatusServiceUnavailable:
		return ui.DrawCandle
	case http.StatusGatewayTimeout:
		return ui.DrawHourglass
	}
	return ui.DrawQuill
}

// reading are the errors of one address, after which all other pages are there as before.
func reading(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return true
	}
	return false
}

// passing are the errors that go by themselves, so that asking again for a page may bring it.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return true
	}
	return false
}
