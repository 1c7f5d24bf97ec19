package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"codex/app/auth"
	"codex/app/middleware"
	"codex/app/outbound"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/ui"
	"codex/views/webhooks"
)

const (
	webhooksPath      = "/admin/webhooks"
	deliveriesPerPage = 30
)

func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	show := webhooks.Index{Form: blankHook()}
	switch r.URL.Query().Get("done") {
	case "made":
		show.Done = ui.T(r.Context(), "The webhook is there already, and its secret was shown when it was made. If you have lost it, delete the webhook and add another.")
	case "deleted":
		show.Done = ui.T(r.Context(), "The webhook is deleted. Nothing more goes there.")
	}
	return s.webhooksPage(w, r, http.StatusOK, show)
}

// blankHook is the form before anything is typed: it asks for texts, and not for who joins.
func blankHook() webhooks.Form {
	return webhooks.Form{Kinds: []db.HookKind{db.HookPostCreated, db.HookPostRemoved, db.HookCommentCreated, db.HookCommentRemoved}}
}

// webhooksPage fills in what a form does not bring.
func (s *Server) webhooksPage(w http.ResponseWriter, r *http.Request, status int, show webhooks.Index) error {
	ctx := r.Context()
	var err error
	if show.List, err = s.db.Webhooks(ctx, middleware.Viewer(ctx)); err != nil {
		return err
	}
	show.Based, show.Form.Key = s.config.BaseURL != "", newKey()
	page, err := s.page(r, "Webhooks")
	if err != nil {
		return err
	}
	page.NoIndex, page.BackURL, page.BackName = true, "/admin", "Admin"
	return s.respond.Render(w, r, status, respond.Framed(page, webhooks.IndexLeaf(show)))
}

// addWebhook makes one and shows its secret in the answer to the form: no page can show it again.
func (s *Server) addWebhook(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	f := webhooks.Form{URL: strings.TrimSpace(r.PostFormValue("url")), Kinds: chosenKinds(r)}
	f.URLError = s.hookFault(ctx, f.URL)
	if len(f.Kinds) == 0 {
		f.KindsError = ui.T(ctx, "Choose at least one.")
	}
	if f.URLError != "" || f.KindsError != "" {
		return s.webhooksPage(w, r, http.StatusUnprocessableEntity, webhooks.Index{Form: f})
	}
	secret, _ := auth.NewToken()
	_, made, err := s.db.AddWebhook(ctx, v, db.NewWebhook{URL: f.URL, Host: hookHost(f.URL), Secret: secret, Kinds: f.Kinds, Key: formKey(r)})
	switch {
	case errors.Is(err, db.ErrTooManyWebhooks):
		return s.webhooksPage(w, r, http.StatusConflict, webhooks.Index{Form: f, Problem: ui.T(ctx, "There are %d webhooks, and no room for more. Delete one first.", db.MaxWebhooks)})
	case err != nil:
		return err
	case !made:
		return respond.Redirect(w, r, webhooksPath+"?done=made")
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.webhooksPage(w, r, http.StatusOK, webhooks.Index{Secret: secret, Form: blankHook(), Done: ui.T(ctx, "The webhook is added. Send it a test, once the receiver knows the secret.")})
}

// hookFault says what is wrong with an address that was typed; empty: nothing. What its name leads to is only known, and
// looked at, when it is asked.
func (s *Server) hookFault(ctx context.Context, address string) string {
	err := s.outbound.Check(address)
	if err == nil {
		return ""
	}
	problem := outbound.BadURL
	if known, ok := errors.AsType[*outbound.Error](err); ok {
		problem = known.Problem
	}
	return webhooks.URLProblem(ctx, string(problem))
}

func hookHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func chosenKinds(r *http.Request) (kinds []db.HookKind) {
	for _, k := range r.PostForm["kinds"] {
		kinds = append(kinds, db.HookKind(k))
	}
	return kinds
}

func hookURL(id int64, done string) string {
	return webhooksPath + "/" + strconv.FormatInt(id, 10) + "?done=" + done
}

func (s *Server) showWebhook(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	var show webhooks.At
	if show.Hook, err = s.db.WebhookByID(ctx, v, id); err != nil {
		return err
	}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // what is no number begins at the last
	if show.Log, err = s.db.Deliveries(ctx, v, id, max(before, 0), deliveriesPerPage+1); err != nil {
		return err
	}
	if len(show.Log) > deliveriesPerPage {
		show.Log = show.Log[:deliveriesPerPage]
		show.NextURL = with(r.URL.Path, "before", strconv.FormatInt(show.Log[deliveriesPerPage-1].ID, 10))
	}
	show.Done = hookDone(ctx, r.URL.Query().Get("done"))
	page, err := s.page(r, "Webhook")
	if err != nil {
		return err
	}
	page.NoIndex, page.BackURL, page.BackName = true, webhooksPath, "Webhooks"
	return s.show(w, r, page, webhooks.AtLeaf(show))
}

func hookDone(ctx context.Context, done string) string {
	switch done {
	case "kinds":
		return ui.T(ctx, "Saved.")
	case "on":
		return ui.T(ctx, "It is switched on.")
	case "off":
		return ui.T(ctx, "It is switched off.")
	case "sent":
		return ui.T(ctx, "It is on its way. Load the page again in a moment to see what came of it.")
	}
	return ""
}

// overHook runs what an admin does to the webhook of the path, and leads back to its page.
func (s *Server) overHook(w http.ResponseWriter, r *http.Request, done string, do func(ctx context.Context, v db.Viewer, id int64) error) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := do(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, hookURL(id, done))
}

func (s *Server) setWebhookKinds(w http.ResponseWriter, r *http.Request) error {
	return s.overHook(w, r, "kinds", func(ctx context.Context, v db.Viewer, id int64) error {
		return s.db.SetWebhookKinds(ctx, v, id, chosenKinds(r))
	})
}

func (s *Server) switchWebhook(w http.ResponseWriter, r *http.Request) error {
	on, done := r.PostFormValue("on") == "true", "off"
	if on {
		done = "on"
	}
	return s.overHook(w, r, done, func(ctx context.Context, v db.Viewer, id int64) error {
		return s.db.SwitchWebhook(ctx, v, id, on)
	})
}

func (s *Server) testWebhook(w http.ResponseWriter, r *http.Request) error {
	return s.overHook(w, r, "sent", s.db.PingWebhook)
}

func (s *Server) replayDelivery(w http.ResponseWriter, r *http.Request) error {
	delivery, err := pathID(r, "delivery")
	if err != nil {
		return err
	}
	return s.overHook(w, r, "sent", func(ctx context.Context, v db.Viewer, id int64) error {
		return s.db.ReplayDelivery(ctx, v, id, delivery)
	})
}

func (s *Server) deleteWebhook(w http.ResponseWriter, r *http.Request) error {
	if ok, err := s.fresh(w, r, ""); !ok {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.DropWebhook(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, webhooksPath+"?done=deleted")
}
