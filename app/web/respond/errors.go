package respond

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"codex/app/trace"
	views "codex/views/errors"
)

// statusOf finds the status that an error means. What does not say one is our own fault.
func statusOf(err error) int {
	var with interface{ Status() int }
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.As(err, &with):
		return with.Status()
	}
	return http.StatusInternalServerError
}

// Fail answers with an error: the one place where a person sees one. The error's own text goes to the log alone. When
// the client has gone, nothing is written. What was typed into a form that could not be stored stands on the page, to
// be sent again with the same key.
func (p *Responder) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		p.Log.DebugContext(r.Context(), "client went away", "error", err)
		return
	}
	f := views.Fault{Status: statusOf(err), RequestID: trace.ID(r.Context())}
	var retry interface{ RetryAfter() time.Duration }
	if errors.As(err, &retry) && retry.RetryAfter() > 0 {
		f.RetryIn = int((retry.RetryAfter() + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryIn))
	}
	level := slog.LevelDebug
	if f.Status >= 500 {
		level = slog.LevelError
	}
	p.Log.Log(r.Context(), level, "request failed", "status", f.Status, "error", err)

	w.Header().Set("Cache-Control", "no-store")
	if Partial(r) {
		// The page stays, and with it what was typed.
		w.Header().Set("HX-Retarget", "#toasts")
		w.Header().Set("HX-Reswap", "innerHTML")
		_ = p.Render(w, r, f.Status, views.Notice(f))
		return
	}
	f.Action, f.Kept = kept(r, f.Status)
	frame := p.Frame(r)
	frame.Title, frame.NoIndex = http.StatusText(f.Status), true
	_ = p.Render(w, r, f.Status, Framed(frame, views.Leaf(f)))
}

// kept is what the failed form held, where sending it again can help.
func kept(r *http.Request, status int) (action string, fields []views.KeptField) {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage, http.StatusInternalServerError:
	default:
		return "", nil
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil || !r.PostForm.Has("body") {
		return "", nil
	}
	for name, values := range r.PostForm {
		for _, v := range values {
			fields = append(fields, views.KeptField{Name: name, Value: v, Long: name == "body" || name == "title"})
		}
	}
	return r.URL.RequestURI(), fields
}
