package respond

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"codex/app/trace"
	views "codex/views/errors"
	"codex/views/ui"
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

// levelOf is how loudly an error is logged: aloud what somebody should mend.
func levelOf(status int, err error) slog.Level {
	var meant interface{ Meant() bool }
	switch {
	case status < 500:
		return slog.LevelDebug
	case errors.As(err, &meant) && meant.Meant():
		return slog.LevelInfo
	}
	return slog.LevelError
}

// Fail answers with an error: the one place where a person sees one. The error's own text goes to the log alone. What
// was typed into a form that could not be stored stands on the page, to be sent again with the same key.
//
// When the request was cancelled, because its client has gone or because the server stops now, the connection is closed
// without an answer: returning would make net/http send an empty 200, which says that a write was done.
func (p *Responder) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		p.Log.DebugContext(r.Context(), "request was cancelled", "error", err)
		panic(http.ErrAbortHandler)
	}
	f := views.Fault{Status: statusOf(err), Err: err, RequestID: trace.ID(r.Context())}
	var retry interface{ RetryAfter() time.Duration }
	if errors.As(err, &retry) && retry.RetryAfter() > 0 {
		f.RetryIn = int((retry.RetryAfter() + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryIn))
	}
	p.Log.Log(r.Context(), levelOf(f.Status, err), "request failed", "status", f.Status, "error", err)

	w.Header().Set("Cache-Control", "no-store")
	// The request's deadline may be what failed; its page is rendered all the same.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	var shown templ.Component
	if Partial(r) {
		// The page stays, and with it what was typed.
		w.Header().Set("HX-Retarget", "#toasts")
		w.Header().Set("HX-Reswap", "innerHTML")
		shown = views.Notice(f)
	} else {
		f.Action, f.Kept = p.kept(r, f.Status, err)
		if r.Method == http.MethodGet {
			f.Again = r.URL.RequestURI()
		}
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && from.RequestURI() != r.URL.RequestURI() {
			f.Back = from.RequestURI()
		}
		frame := p.Frame(r)
		frame.Title, frame.NoIndex = http.StatusText(f.Status), true
		shown = Framed(frame, views.Leaf(f))
	}
	if err := p.Render(w, r, f.Status, shown); err != nil && !errors.Is(err, context.Canceled) {
		p.Log.ErrorContext(r.Context(), "error page not rendered", "error", err)
		http.Error(w, http.StatusText(f.Status), f.Status)
	}
}

// longField says which fields of a form hold a text that took time to write.
func longField(name string) bool {
	switch name {
	case "title", "body", "description", "rules", "bio":
		return true
	}
	return false
}

// kept is what the failed form held, where sending it again can help and a text would be lost.
func (p *Responder) kept(r *http.Request, status int, err error) (action string, fields []ui.KeptField) {
	var other *views.OtherMember
	switch status {
	case http.StatusConflict:
		if !errors.As(err, &other) {
			return "", nil
		}
	case http.StatusForbidden, http.StatusNotFound, // the post was locked, or what is answered deleted, while one wrote
		http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage, http.StatusInternalServerError:
	default:
		return "", nil
	}
	if r.Method != http.MethodPost || !ownForm(r) || r.ParseForm() != nil {
		return "", nil
	}
	if k := Carried(r); k != nil { // a sign-in that failed: what it carries, and never its own fields
		return k.Action, k.Fields
	}
	names := fieldNames(r.PostForm)
	if !slices.ContainsFunc(names, longField) {
		return "", nil
	}
	for _, name := range names {
		if name == "proof" { // a password
			continue
		}
		if name == "as" && other != nil { // who sends it now does so knowingly
			fields = append(fields, ui.KeptField{Name: name, Value: p.member(r)})
			continue
		}
		for _, v := range r.PostForm[name] {
			fields = append(fields, ui.KeptField{Name: name, Value: v, Long: longField(name)})
		}
	}
	return r.URL.RequestURI(), fields
}

// fieldNames are the names of a form in an order in which a title stands above its body.
func fieldNames(form url.Values) []string {
	names := slices.Sorted(maps.Keys(form))
	slices.Reverse(names)
	return names
}

// ownForm reports that a form of this site sent the request, as far as the browser says. What another site sent is
// never put on a page with a button that sends it in the visitor's name.
func ownForm(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin, err := url.Parse(r.Header.Get("Origin"))
		return err == nil && (origin.Host == "" && origin.Opaque == "" && origin.Path == "" || origin.Host == r.Host)
	}
	return false
}
