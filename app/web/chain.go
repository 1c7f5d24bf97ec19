package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"codex/app/middleware"
)

// writeBudget is how long a reader may take for a page. Streams get none.
const writeBudget = time.Minute

// chain wraps the routes into the middleware, in the order that package middleware explains.
func (s *Server) chain() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		if rt.policy == 0 {
			return nil, fmt.Errorf("route %q has no policy", rt.pattern)
		}
		mux.Handle(rt.pattern, s.serve(rt))
	}
	mux.Handle("/", s.handle(nothing(mux)))
	proxies := s.config.Proxies()
	fail := s.respond.Fail

	var pages http.Handler = mux
	pages = middleware.RateLimit(pages, s.limits, fail)
	pages = middleware.Session(pages, s.db, s.cookie, s.log, fail)
	live := pages
	lasting := middleware.WriteDeadline(middleware.WithTimeout(pages, exportBudget), exportBudget)
	pages = middleware.WithTimeout(pages, s.config.RequestTimeout)
	pages = middleware.WriteDeadline(pages, writeBudget)
	pages = either(pages, exportPath, lasting)
	pages = either(pages, eventsPath, live)
	pages = middleware.MaxBody(pages, middleware.FormBytes)
	pages, err := middleware.Compress(pages)
	if err != nil {
		return nil, err
	}
	pages = middleware.CrossOrigin(pages, fail)

	site := http.NewServeMux()
	site.Handle("/static/", middleware.WriteDeadline(s.assets.Handler(s.handle(nothing(site))), writeBudget))
	site.Handle("/", pages)

	root := http.NewServeMux()
	root.HandleFunc("GET /healthz", s.healthy)
	root.HandleFunc("GET /readyz", s.ready)
	for _, path := range []string{"/healthz", "/readyz"} {
		root.HandleFunc(path, s.handle(nothing(root)))
	}
	root.Handle("/", middleware.Host(s.gate.Handler(site, fail), s.config.AllowedHosts(), fail))

	// Around everything that may answer without reading the body.
	paced := middleware.SlowBody(root, middleware.DefaultPace())
	var h http.Handler = middleware.RequestLog(paced, s.log, slow)
	h = middleware.Recover(h, s.log, fail)
	h = middleware.Visitor(h, proxies)
	h = middleware.Tracing(h, proxies)
	return middleware.Headers(h, s.config.Secure()), nil
}

// either sends what asks for one path to another handler.
func either(most http.Handler, path string, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			other.ServeHTTP(w, r)
			return
		}
		most.ServeHTTP(w, r)
	})
}

// healthy says that the process answers.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) { probe(w, http.StatusOK, "ok\n") }

// ready says that new requests are taken and that the database answers.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch err := s.db.Ping(ctx); {
	case !s.gate.Ready():
		probe(w, http.StatusServiceUnavailable, "stopping\n")
	case err != nil:
		s.log.WarnContext(r.Context(), "not ready", "error", err)
		probe(w, http.StatusServiceUnavailable, "database does not answer\n")
	default:
		probe(w, http.StatusOK, "ready\n")
	}
}

func probe(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
