package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/jobs"
	"codex/views/ui"
)

const (
	jobsPath    = "/admin/jobs"
	jobsPerPage = 30
)

// listJobs shows what waits, and what was given up, from behind a dead job on.
func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	ctx, v, asked := r.Context(), middleware.Viewer(r.Context()), r.URL.Query()
	show := jobs.Show{Mail: s.config.MailOn(), Based: s.config.BaseURL != "", Done: jobDone(ctx, asked.Get("done"))}
	var before db.Job // what is no place begins at the last
	if at, err := strconv.ParseInt(asked.Get("at"), 10, 64); err == nil && at > 0 && uuid.Validate(asked.Get("before")) == nil {
		before, show.Later = db.Job{ID: asked.Get("before"), RunAt: db.Millis(at)}, true
	}
	var err error
	if show.Waiting, err = s.db.JobsByKind(ctx, v); err != nil {
		return err
	}
	if show.Dead, err = s.db.DeadJobs(ctx, v, before, jobsPerPage+1); err != nil {
		return err
	}
	if len(show.Dead) > jobsPerPage {
		show.Dead = show.Dead[:jobsPerPage]
		last := show.Dead[jobsPerPage-1]
		show.NextURL = templ.SafeURL(jobsPath + "?" + url.Values{"at": {ui.ID(int64(last.RunAt))}, "before": {last.ID}}.Encode())
	}
	page, err := s.page(r, "Jobs")
	if err != nil {
		return err
	}
	page.NoIndex, page.BackURL, page.BackName = true, "/admin", "Admin"
	return s.show(w, r, page, jobs.Leaf(show))
}

func jobDone(ctx context.Context, done string) string {
	switch done {
	case "retried":
		return ui.T(ctx, "It is tried again. Load the page again in a moment to see what came of it.")
	case "dropped":
		return ui.T(ctx, "It is dropped.")
	case "gone":
		return ui.T(ctx, "It is not there any more: it was tried again or dropped already.")
	}
	return ""
}

func (s *Server) retryJob(w http.ResponseWriter, r *http.Request) error {
	return s.overJob(w, r, "retried", s.db.RetryJob)
}

func (s *Server) dropJob(w http.ResponseWriter, r *http.Request) error {
	return s.overJob(w, r, "dropped", s.db.DropJob)
}

// overJob runs what an admin does to the dead job of the path. That it is not dead any more is no mistake of theirs: two
// admins look at the same list.
func (s *Server) overJob(w http.ResponseWriter, r *http.Request, done string, do func(ctx context.Context, v db.Viewer, id string) error) error {
	err := do(r.Context(), middleware.Viewer(r.Context()), r.PathValue("id"))
	if errors.Is(err, db.ErrNotFound) {
		done = "gone"
	} else if err != nil {
		return err
	}
	return respond.Redirect(w, r, jobsPath+"?done="+done)
}
