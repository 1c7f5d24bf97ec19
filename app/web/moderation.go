package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/moderation"
	"codex/views/ui"
)

// duties finds what of moderation is the viewer's: ErrForbidden for who keeps nothing, and for who is suspended from it.
func (s *Server) duties(r *http.Request, current string) (moderation.Duties, []db.RailChannel, error) {
	v := middleware.Viewer(r.Context())
	if err := s.suspended(v); err != nil {
		return moderation.Duties{}, nil, err
	}
	kept, err := s.db.KeptChannels(r.Context(), v)
	if err == nil && len(kept) == 0 && !v.Staff() {
		err = db.ErrForbidden
	}
	return moderation.Duties{Staff: v.Staff(), Current: current}, kept, err
}

// suspended answers a *db.Barred for who is suspended: they read what everybody reads, and do not moderate meanwhile.
func (s *Server) suspended(v db.Viewer) error {
	if v.SuspendedUntil <= db.MillisOf(s.now()) {
		return nil
	}
	return &db.Barred{Until: v.SuspendedUntil}
}

// caseView is a case as the viewer sees it.
func (s *Server) caseView(v db.Viewer, c db.Case) moderation.Case {
	undone := c.Decision == db.Removed && !c.Hidden // restored otherwise
	decided := c.Decision == db.Approved || c.Decision == db.Kept || c.Decision == db.Removed || c.Decision == db.Noted
	return moderation.Case{Case: c, Viewer: v.ID, Until: c.ClaimedUntil(db.MillisOf(s.now())), CanTake: v.Staff(), CanUndo: decided && !undone && (v.Staff() || c.DecidedBy == v.ID)}
}

func (s *Server) queue(w http.ResponseWriter, r *http.Request) error {
	return s.queuePage(w, r, http.StatusOK, "")
}

func (s *Server) queuePage(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	ctx, v, ask := r.Context(), middleware.Viewer(r.Context()), r.URL.Query()
	tab := "queue"
	if ask.Get("tab") == "decided" {
		tab = "decided"
	}
	d, kept, err := s.duties(r, tab)
	if err != nil {
		return err
	}
	q := moderation.Queue{Duties: d, Kind: ask.Get("kind"), Channels: kept, Problem: problem, Done: bulkDone(r)}
	f := db.CaseFilter{Kind: q.Kind, Decided: tab == "decided"}
	if f.After, err = db.ParseCursor(ask.Get("after")); err != nil {
		return err
	}
	if slug := ask.Get("channel"); slug != "" {
		c, err := s.db.ChannelBySlug(ctx, v, slug)
		if err != nil {
			return err
		}
		f.ChannelID, q.Channel = c.ID, c.Slug
	}
	list, err := s.db.Cases(ctx, v, f)
	if err != nil {
		return err
	}
	for _, c := range list {
		q.Cases = append(q.Cases, s.caseView(v, c))
	}
	if len(list) == db.CasesAPage {
		decided := ""
		if f.Decided {
			decided = "decided"
		}
		q.NextURL = with("/moderation", "tab", decided, "kind", q.Kind, "channel", q.Channel, "after", list[len(list)-1].Cursor().String())
	}
	page, err := s.page(r, "Moderation")
	if err != nil {
		return err
	}
	page.NoIndex, page.Wide = true, true
	return s.respond.Render(w, r, status, respond.Framed(page, moderation.QueueLeaf(q)))
}

// bulkDone says how many of the cases that were ticked are decided.
func bulkDone(r *http.Request) string {
	done, err := strconv.Atoi(r.URL.Query().Get("done"))
	if err != nil || done < 0 {
		return ""
	}
	text := ui.N(r.Context(), "%s case is decided.", "%s cases are decided.", done)
	if lost, err := strconv.Atoi(r.URL.Query().Get("lost")); err == nil && lost > 0 {
		text += " " + ui.N(r.Context(), "%s was another's already.", "%s were others' already.", lost)
	}
	return text
}

// caseProblem is what to say of an action that failed on a case; 0 when that is not the case's to say.
func caseProblem(ctx context.Context, failed error) (status int, problem string) {
	var decided *db.Decided
	var claimed *db.Claimed
	switch {
	case failed == nil:
		return http.StatusOK, ""
	case errors.As(failed, &decided):
		if decided.Handle != "" {
			return http.StatusConflict, ui.T(ctx, "@%s was first.", decided.Handle)
		}
		return http.StatusConflict, ui.T(ctx, "Another was first.")
	case errors.Is(failed, db.ErrUndecided):
		return http.StatusConflict, ui.T(ctx, "There is nothing to undo: nobody has decided it.")
	case errors.As(failed, &claimed):
		return http.StatusConflict, ui.T(ctx, "@%s is at it.", claimed.Handle)
	case errors.Is(failed, db.ErrLongReason):
		return http.StatusUnprocessableEntity, ui.T(ctx, "At most %d characters.", db.MaxRemovalNote)
	}
	return 0, ""
}

// caseAnswer answers an action on a case with the case as it is now: in its place in the list, or on its own page.
func (s *Server) caseAnswer(w http.ResponseWriter, r *http.Request, id int64, failed error) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	status, problem := caseProblem(ctx, failed)
	if status == 0 {
		return failed
	}
	if status == http.StatusOK && !respond.Partial(r) {
		return respond.Redirect(w, r, "/moderation/cases/"+ui.ID(id))
	}
	c, err := s.db.CaseByID(ctx, v, id)
	if err != nil {
		return err
	}
	view := s.caseView(v, c)
	view.Problem = problem
	if status == http.StatusUnprocessableEntity {
		view.Problem, view.NoteError = "", problem
		view.Why, view.Note = r.PostFormValue("why"), r.PostFormValue("note")
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, status, moderation.Row(view))
	}
	view.Alone = true
	d, _, err := s.duties(r, "")
	if err != nil {
		return err
	}
	return s.plainPage(w, r, status, "A case", moderation.CaseLeaf(d, view))
}

func (s *Server) showCase(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	c, err := s.db.CaseByID(r.Context(), middleware.Viewer(r.Context()), id)
	if err != nil {
		return err
	}
	view := s.caseView(middleware.Viewer(r.Context()), c)
	view.Alone = true
	d, _, err := s.duties(r, "")
	if err != nil {
		return err
	}
	return s.plainPage(w, r, http.StatusOK, "A case", moderation.CaseLeaf(d, view))
}

func (s *Server) claimCase(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	v := middleware.Viewer(r.Context())
	if r.PostFormValue("on") == "over" {
		err = s.db.TakeOver(r.Context(), v, id)
	} else {
		err = s.db.Claim(r.Context(), v, id, r.PostFormValue("on") != "false")
	}
	return s.caseAnswer(w, r, id, err)
}

func (s *Server) decideCase(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	decision, reason, err := decision(r)
	if err == nil {
		err = s.db.Decide(r.Context(), middleware.Viewer(r.Context()), id, decision, reason)
	}
	return s.caseAnswer(w, r, id, err)
}

// decision reads what is decided. A removal says why.
func decision(r *http.Request) (decision, reason string, err error) {
	switch decision = r.PostFormValue("decision"); decision {
	case db.Kept, db.Noted:
		return decision, "", nil
	case db.Removed:
		if reason, err = removalReason(r); reason != "" || err != nil {
			return decision, reason, err
		}
	}
	return "", "", &badForm{errors.New("a decision about a case")}
}

func (s *Server) undoCase(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	err = s.db.UndoDecision(r.Context(), middleware.Viewer(r.Context()), id)
	return s.caseAnswer(w, r, id, err)
}

// decideCases decides each case that is ticked by itself: what another was first at is counted and left.
func (s *Server) decideCases(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if _, _, err := s.duties(r, "queue"); err != nil {
		return err
	}
	what, reason, err := decision(r)
	if err != nil {
		return err
	}
	ticked := r.PostForm["case"]
	if len(ticked) == 0 {
		return s.queuePage(w, r, http.StatusUnprocessableEntity, ui.T(ctx, "Tick some cases first."))
	}
	if len(ticked) > db.CasesAPage {
		return &badForm{errors.New("more cases than a page has")}
	}
	done, lost := 0, 0
	var refused error // of what the viewer may decide nothing about
	for _, digits := range ticked {
		id, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return db.ErrNotFound
		}
		switch err = s.db.Decide(ctx, v, id, what, reason); {
		case err == nil:
			done++
		case errors.As(err, new(*db.Decided)), errors.As(err, new(*db.Claimed)):
			lost++
		case errors.Is(err, db.ErrNotFound), errors.Is(err, db.ErrForbidden):
			refused = err
		default:
			return err
		}
	}
	if done+lost == 0 {
		return refused
	}
	return respond.Redirect(w, r, string(with("/moderation", "done", strconv.Itoa(done), "lost", strconv.Itoa(lost))))
}
