// Package respond writes what the handlers answer: a page, a part of one, a way on, or an error.
//
// A page is rendered whole into a buffer and then written, so that an error in the middle of it can still become an
// error page, and the length is known. Buffers come from a pool; one that grew beyond 1 MiB is let go.
//
// Everything here may be used by any number of requests at once.
package respond

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"codex/app/trace"
	"codex/views/layout"
	"codex/views/ui"
)

// Responder is what answers have in common.
type Responder struct {
	Log   *slog.Logger
	Now   func() time.Time
	Asset func(name string) string
	Site  func() string                        // the forum's name
	Logo  func() *ui.Logo                      // the picture that stands for it; nil, and an answer of nil: none
	Zone  func(r *http.Request) *time.Location // of who asks; nil, and what it answers nil: UTC
	// Member is who asks, as a form names them; nil, and an empty answer: a guest.
	Member func(r *http.Request) string
	Frame  func(r *http.Request) layout.Page // the frame of an error page: it asks the database nothing
	// Look looks over what was rendered before it is sent to the viewer in ctx, and answers what of it is; nil: all of it.
	Look func(ctx context.Context, page []byte) ([]byte, error)
}

const biggestPooled = 1 << 20

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 64<<10)) }}

// Partial reports that htmx asks for a part of a page. The back button's request is for the whole one, and says so.
func Partial(r *http.Request) bool { return r.Header.Get("Hx-Request-Type") == "partial" }

// Render answers with a component. Status 200 unless another one is given.
func (p *Responder) Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= biggestPooled {
			buffers.Put(buf)
		}
	}()
	ctx := r.Context()
	span := trace.Start(ctx, trace.KindRender, "")
	err := c.Render(ui.With(templ.InitializeContext(ctx), &ui.Env{Now: p.Now(), Zone: p.zone(r), Site: p.Site(), Asset: p.Asset, Logo: p.logo(), Member: p.member(r)}), buf)
	span.End(0, err)
	if err != nil {
		return fmt.Errorf("render %s: %w", r.Pattern, err)
	}
	page := buf.Bytes()
	if p.Look != nil {
		if page, err = p.Look(ctx, page); err != nil {
			return fmt.Errorf("look over %s: %w", r.Pattern, err)
		}
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	if _, set := h["Cache-Control"]; !set {
		// What a page shows depends on who asks and changes at any moment.
		h["Cache-Control"] = []string{"private, no-cache"}
	}
	h.Add("Vary", "Cookie, HX-Request-Type")
	w.WriteHeader(status)
	_, err = w.Write(page)
	if err != nil {
		return fmt.Errorf("write the answer: %w", context.Canceled) // the client went away
	}
	return nil
}

func (p *Responder) logo() *ui.Logo {
	if p.Logo == nil {
		return nil
	}
	return p.Logo()
}

func (p *Responder) member(r *http.Request) string {
	if p.Member == nil {
		return ""
	}
	return p.Member(r)
}

func (p *Responder) zone(r *http.Request) *time.Location {
	if p.Zone == nil {
		return nil
	}
	return p.Zone(r)
}

// Redirect sends a plain form on with 303. For htmx, which would follow that unseen and take the page for a part of one,
// it is HX-Redirect: the browser goes there itself. path may hold letters of any script.
func Redirect(w http.ResponseWriter, r *http.Request, path string) error {
	path = ascii(path)
	if r.Header.Get("Hx-Request") != "" {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// ascii is an address as a header may hold it: a handle may have letters that are percent-encoded there.
func ascii(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// SignIn sends a guest to the sign-in page, and from there back to where they were: the page of a GET, and for a form
// the page that it stood on.
func SignIn(w http.ResponseWriter, r *http.Request) error {
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		next = CameFrom(r)
	}
	return SignInFor(w, r, next)
}

// SignInFor is the same with the page of this site that the sign-in leads to.
func SignInFor(w http.ResponseWriter, r *http.Request, next string) error {
	return Redirect(w, r, "/login?next="+url.QueryEscape(next))
}

// CameFrom is the page of this site that a form stood on, "/" when the browser does not say.
func CameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/"
	}
	return Local(from.RequestURI())
}

// Noted answers an action that changes nothing on the page it came from: htmx with nothing, a plain form with the way on.
func Noted(w http.ResponseWriter, r *http.Request, path string) error {
	if Partial(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return Redirect(w, r, path)
}

// Local is a path of this site, or "/" for anything else: where a form may send people on. A second slash or a
// backslash at the start would make a browser read a host.
func Local(path string) string {
	if len(path) == 0 || path[0] != '/' || len(path) > 1 && (path[1] == '/' || path[1] == '\\') || strings.ContainsAny(path, "\r\n\t\\") {
		return "/"
	}
	return path
}
