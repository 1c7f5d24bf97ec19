package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/moderation"
	"codex/views/ui"
)

// newcomersPer is how many newcomers a page lists.
const newcomersPer = 50

func (s *Server) newcomers(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	d, _, err := s.duties(r, "newcomers")
	if err != nil {
		return err
	}
	n := moderation.Newcomers{Duties: d, Since: r.URL.Query().Get("since"), Admin: v.Role == db.Admin}
	back, ok := map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour}[n.Since]
	if !ok {
		n.Since, back = "24h", 24*time.Hour
	}
	n.At = db.MillisOf(s.now().Add(-back))
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	if n.Members, err = s.db.Newcomers(ctx, v, n.At, after, newcomersPer); err != nil {
		return err
	}
	if len(n.Members) == newcomersPer {
		last := n.Members[newcomersPer-1]
		n.NextURL = with("/moderation/newcomers", "since", n.Since, "after", db.NewCursor(int64(last.CreatedAt), last.ID).String())
	}
	if n.Wave, err = s.db.WaveSince(ctx, v, n.At); err != nil {
		return err
	}
	if n.Sweeps, err = s.db.Sweeps(ctx, v, 10); err != nil {
		return err
	}
	return s.plainPage(w, r, http.StatusOK, "Newcomers", moderation.NewcomersLeaf(n))
}

// sweepWhom reads whom a sweep is about: a member by handle, or all since an instant.
func (s *Server) sweepWhom(r *http.Request, handle, since string) (n db.NewSweep, f moderation.SweepForm, err error) {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if handle != "" {
		m, err := s.db.MemberByHandle(ctx, handle)
		if err != nil {
			return n, f, err
		}
		if m.ID == v.ID || m.Role != db.Plain && v.Role != db.Admin {
			return n, f, db.ErrForbidden
		}
		n.MemberID, f.Handle = m.ID, m.Handle
		return n, f, nil
	}
	at, bad := strconv.ParseInt(since, 10, 64)
	if bad != nil || at <= 0 || at > s.now().UnixMilli() {
		return n, f, db.ErrNotFound
	}
	n.Since, f.Since, f.Ban = db.Millis(at), db.Millis(at), true
	return n, f, nil
}

func (s *Server) sweepForm(w http.ResponseWriter, r *http.Request) error {
	n, f, err := s.sweepWhom(r, r.URL.Query().Get("member"), r.URL.Query().Get("since"))
	if err != nil {
		return err
	}
	f.Reason = ui.T(r.Context(), "Spam")
	return s.sweepPage(w, r, http.StatusOK, n, f)
}

func (s *Server) sweepPage(w http.ResponseWriter, r *http.Request, status int, n db.NewSweep, f moderation.SweepForm) error {
	var err error
	if f.Extent, err = s.db.SweepExtent(r.Context(), middleware.Viewer(r.Context()), n); err != nil {
		return err
	}
	return s.plainPage(w, r, status, "Hide everything", moderation.Confirm(f))
}

func (s *Server) startSweep(w http.ResponseWriter, r *http.Request) error {
	n, f, err := s.sweepWhom(r, r.PostFormValue("member"), r.PostFormValue("since"))
	if err != nil {
		return err
	}
	n.Ban, n.Reason = r.PostFormValue("ban") != "", r.PostFormValue("reason")
	id, err := s.db.StartSweep(r.Context(), middleware.Viewer(r.Context()), n)
	if errors.Is(err, db.ErrLongReason) {
		f.Reason, f.Ban, f.ReasonError = n.Reason, n.Ban, ui.T(r.Context(), "At most %d characters.", db.MaxReason)
		return s.sweepPage(w, r, http.StatusUnprocessableEntity, n, f)
	}
	if err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/sweeps/"+ui.ID(id))
}

func (s *Server) showSweep(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	sweep, err := s.db.SweepByID(r.Context(), middleware.Viewer(r.Context()), id)
	if err != nil {
		return err
	}
	if respond.Partial(r) {
		return s.respond.Render(w, r, http.StatusOK, moderation.Progress(sweep))
	}
	d, _, err := s.duties(r, "")
	if err != nil {
		return err
	}
	return s.plainPage(w, r, http.StatusOK, "Everything hidden", moderation.SweepLeaf(d, sweep))
}

func (s *Server) undoSweep(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.UndoSweep(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/sweeps/"+ui.ID(id))
}

// logPer is how many entries a page of a log has.
const logPer = 50

func (s *Server) modLog(w http.ResponseWriter, r *http.Request) error {
	d, _, err := s.duties(r, "log")
	if err != nil {
		return err
	}
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	l := moderation.Log{Duties: d}
	if l.Entries, err = s.db.ModLog(r.Context(), middleware.Viewer(r.Context()), after, logPer); err != nil {
		return err
	}
	if len(l.Entries) == logPer {
		l.NextURL = with("/moderation/log", "after", l.Entries[logPer-1].Cursor().String())
	}
	return s.plainPage(w, r, http.StatusOK, "Moderation log", moderation.LogLeaf(l))
}

// publicLog is the log for everybody; turned off, it is not there.
func (s *Server) publicLog(w http.ResponseWriter, r *http.Request) error {
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	if now.or(db.SettingPublicLog, "on") == "off" {
		return db.ErrNotFound
	}
	after, err := db.ParseCursor(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	l := moderation.Log{Public: true}
	if l.Entries, err = s.db.PublicLog(r.Context(), after, logPer); err != nil {
		return err
	}
	if len(l.Entries) == logPer {
		l.NextURL = with("/log", "after", l.Entries[logPer-1].Cursor().String())
	}
	return s.plainPage(w, r, http.StatusOK, "Moderation log", moderation.LogLeaf(l))
}

func (s *Server) watchWords(w http.ResponseWriter, r *http.Request) error {
	return s.wordsPage(w, r, http.StatusOK, moderation.Words{})
}

func (s *Server) wordsPage(w http.ResponseWriter, r *http.Request, status int, words moderation.Words) error {
	var err error
	if words.Duties, _, err = s.duties(r, "words"); err != nil {
		return err
	}
	if words.List, err = s.db.WatchWords(r.Context(), middleware.Viewer(r.Context())); err != nil {
		return err
	}
	return s.plainPage(w, r, status, "Watch list", moderation.WordsLeaf(words))
}

func (s *Server) addWatchWord(w http.ResponseWriter, r *http.Request) error {
	ctx, word := r.Context(), r.PostFormValue("word")
	again := moderation.Words{Word: word}
	switch n := len([]rune(db.FoldWatched(word))); {
	case n == 0:
		again.Problem = ui.T(ctx, "It needs a letter or a digit.")
	case n > 100:
		again.Problem = ui.T(ctx, "At most %d characters.", 100)
	default:
		err := s.db.AddWatchWord(ctx, middleware.Viewer(ctx), word)
		if !errors.Is(err, db.ErrConflict) {
			if err != nil {
				return err
			}
			return respond.Redirect(w, r, "/moderation/words")
		}
		again.Problem = ui.T(ctx, "The list is full. Take something off first.")
	}
	return s.wordsPage(w, r, http.StatusUnprocessableEntity, again)
}

func (s *Server) dropWatchWord(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.db.DropWatchWord(r.Context(), middleware.Viewer(r.Context()), id); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/moderation/words")
}
