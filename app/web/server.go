// Package web is the HTTP surface: routes.go lists every route with its policy, and each feature has a file of
// handlers. A handler finds out who asks and what for, asks auth.May where it writes, calls a query, and renders a
// component; it returns its errors, and respond.Fail answers them.
//
// Handlers run side by side, one goroutine a request; what they share is read only or has its own lock. After the
// gate is closed, every request is answered with 503.
package web

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"codex/app/assets"
	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/markup"
	"codex/app/middleware"
	"codex/app/outbound"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/layout"
	"codex/views/ui"
)

// slow is the duration from which on a request is logged with its spans.
const slow = time.Second

// Options are what a Server is made of.
type Options struct {
	DB      *db.DB
	Config  *config.Config
	Static  fs.FS
	Log     *slog.Logger
	Gate    *middleware.Gate
	Setup   *auth.Setup
	Site    string // the forum's name
	Version string
	Now     func() time.Time // nil: time.Now
	Hub     *hub.Hub
	Bridge  *bridge.Bridge

	Outbound *outbound.Client // nil: one that is made for it
}

// Server answers requests.
type Server struct {
	db      *db.DB
	config  *config.Config
	assets  *assets.Assets
	log     *slog.Logger
	hasher  *auth.Hasher
	limits  *middleware.Limits
	gate    *middleware.Gate
	setup   *auth.Setup
	respond *respond.Responder
	version string
	now     func() time.Time
	cookie  string
	named   string                  // the forum, where no setting says otherwise
	settled atomic.Pointer[settled] // the settings; nil: to be read
	zones   zones
	halfway halfway // sign-ins that wait for a code
	live    listening

	outbound *outbound.Client
}

// New makes the handler of the whole site.
func New(o Options) (http.Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Outbound == nil {
		o.Outbound = outbound.New(outbound.Options{})
	}
	static, err := assets.New(o.Static, map[string][]byte{ui.ShapesFile: ui.Shapes()})
	if err != nil {
		return nil, err
	}
	s := &Server{
		db: o.DB, config: o.Config, assets: static, log: o.Log, hasher: auth.NewHasher(), gate: o.Gate, setup: o.Setup,
		limits: middleware.NewLimits(o.Config.Limited(), o.Now), version: o.Version, now: o.Now, cookie: o.Config.CookieName(),
	}
	s.named, s.outbound = o.Site, o.Outbound
	s.live.hub, s.live.bridge = o.Hub, o.Bridge
	if o.Hub != nil {
		o.Hub.Watch(s.live.may.heard)
	}
	s.respond = &respond.Responder{
		Log: o.Log, Now: o.Now, Asset: static.URL, Site: s.siteName, Logo: s.logo, Zone: s.zone, Look: s.unlinked,
		Member: func(r *http.Request) string { return memberMark(middleware.Viewer(r.Context())) },
		Frame: func(r *http.Request) layout.Page {
			v := middleware.Viewer(r.Context())
			if counted, err := s.db.Counted(r.Context(), v); err == nil { // an error of the database has a page without the badge
				v = counted
			}
			return layout.Page{Viewer: v, Path: r.URL.RequestURI(), ReadOnly: s.readOnly(), Suspended: s.suspended(v) != nil, Door: s.registration()}
		},
	}
	return s.chain()
}

// handler is what a feature's file holds: it answers, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// page is the frame of a page: one query, for the rail, one more for those who judge, and the settings
// when they were read too long ago.
func (s *Server) page(r *http.Request, title string) (layout.Page, error) {
	if _, err := s.siteNow(r.Context()); err != nil {
		return layout.Page{}, err
	}
	v, err := s.db.Counted(r.Context(), middleware.Viewer(r.Context()))
	if err != nil {
		return layout.Page{}, err
	}
	rail, err := s.db.Rail(r.Context(), v)
	page := layout.Page{Title: title, Viewer: v, Rail: rail, Path: r.URL.RequestURI(), ReadOnly: s.readOnly(), Suspended: s.suspended(v) != nil, Door: s.registration()}
	page.Moderates = v.Staff() || slices.ContainsFunc(rail, func(c db.RailChannel) bool { return c.Keeps })
	if err == nil && page.Moderates {
		page.Waiting, err = s.db.AwaitingOf(r.Context(), v, 100)
	}
	return page, err
}

// show answers with a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, page layout.Page, leaf ...templ.Component) error {
	return s.respond.Render(w, r, http.StatusOK, respond.Framed(page, leaf...))
}

// again answers a form that was not accepted with itself.
func (s *Server) again(w http.ResponseWriter, r *http.Request, page layout.Page, leaf ...templ.Component) error {
	return s.respond.Render(w, r, http.StatusUnprocessableEntity, respond.Framed(page, leaf...))
}

// pathID reads an integer of the path; what is none is not there.
func pathID(r *http.Request, name string) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, db.ErrNotFound
	}
	return id, nil
}

// stored reads the id of a link that a text holds: "/u/~12" and "/c/~7" stay true when the handle or slug changes.
func stored(name string) (id int64, ok bool) {
	digits, ok := strings.CutPrefix(name, "~")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id > 0
}

// newKey is an idempotency key for a form.
func newKey() string { return uuid.NewString() }

// formKey is the key that a form came with; what is no UUID counts as none.
func formKey(r *http.Request) string {
	key := r.PostFormValue("key")
	if _, err := uuid.Parse(key); err != nil || len(key) != 36 {
		return ""
	}
	return key
}

// formVersion is the version of the text that a form changes, 0 when it does not say.
func formVersion(r *http.Request) db.Millis {
	v, _ := strconv.ParseInt(r.PostFormValue("version"), 10, 64)
	return db.Millis(v)
}

// allowWrite counts a post or comment against the viewer's limit. A form that was sent before is let through: it
// makes nothing new.
func (s *Server) allowWrite(ctx context.Context, v db.Viewer, formKey string) error {
	if v.Staff() {
		return nil
	}
	if _, err := s.siteNow(ctx); err != nil { // which sets the limits that were changed elsewhere
		return err
	}
	err := error(nil)
	for _, rule := range writeRules(v.Trust) {
		if err = s.limits.Allow(ctx, rule, middleware.MemberKey(v.ID)); err != nil {
			break
		}
	}
	if err == nil {
		return nil
	}
	if id, lookErr := s.db.WasSent(ctx, v, formKey); lookErr == nil && id != 0 {
		return nil
	}
	return err
}

// writeRules are the limits of a member's posts and comments, by their trust level.
func writeRules(trust int) []middleware.Rule {
	switch trust {
	case db.Newcomer:
		return []middleware.Rule{middleware.NewcomerWrite}
	case db.Known:
		return []middleware.Rule{middleware.MemberWrite, middleware.KnownDay}
	case db.Regular:
		return []middleware.Rule{middleware.MemberWrite, middleware.RegularDay}
	}
	return []middleware.Rule{middleware.MemberWrite}
}

// with is the path with the query parameters that are not empty.
func with(path string, params ...string) templ.SafeURL {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	if len(q) == 0 {
		return templ.SafeURL(path)
	}
	return templ.SafeURL(path + "?" + q.Encode())
}

// limitText is what to say of a text that markup refuses; empty for any other error, and for none.
func limitText(ctx context.Context, err error) string {
	var limit *markup.LimitError
	if !errors.As(err, &limit) {
		return ""
	}
	return ui.LimitText(ctx, limit.Limit, limit.Max)
}
