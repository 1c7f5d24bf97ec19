package db_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"codex/db"
	"codex/db/dbtest"
)

// newcomer is a member who registered themselves, with so many first texts that wait.
func (s *site) newcomer(handle string, hold int) db.Viewer {
	s.t.Helper()
	if err := s.SetSetting(s.ctx, db.SettingHoldFirst, fmt.Sprint(hold)); err != nil {
		s.t.Fatal(err)
	}
	id, err := s.CreateMember(s.ctx, db.NewMember{Handle: handle, Role: db.Plain, Origin: "registered"})
	if err != nil {
		s.t.Fatal(err)
	}
	return db.Viewer{ID: id, Handle: handle, Name: handle, Role: db.Plain}
}

func (s *site) write(v db.Viewer, title, body string) int64 {
	s.t.Helper()
	id, err := s.CreatePost(s.ctx, v, db.NewPost{ChannelID: s.channel.ID, Kind: "discussion", Title: title, Body: body, Tags: []string{"salt"}})
	if err != nil {
		s.t.Fatalf("write %q: %v", title, err)
	}
	return id
}

func (s *site) cases(v db.Viewer, f db.CaseFilter) []db.Case {
	s.t.Helper()
	list, err := s.Cases(s.ctx, v, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *site) sweepOut() {
	s.t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.StepSweeps(s.ctx); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestWhatIsHeldIsThereForItsAuthorAndThoseWhoDecide(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	moderator, reader, late := s.member("moderator", db.Moderator), s.member("reader", db.Plain), s.newcomer("late", 2)
	shown := s.write(s.author, "Shown", "text")
	held := s.write(late, "Held", "text")
	comment, err := s.CreateComment(s.ctx, late, db.NewComment{PostID: shown, Body: "held too"})
	if err != nil {
		t.Fatal(err)
	}
	for who, v := range map[string]db.Viewer{"its author": late, "the channel's owner": s.author, "a moderator": moderator} {
		if p, err := s.PostByID(s.ctx, v, held); err != nil || p.Title != "Held" {
			t.Errorf("%s: %v", who, err)
		}
	}
	for who, v := range map[string]db.Viewer{"a guest": {}, "a reader": reader} {
		if _, err := s.PostByID(s.ctx, v, held); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s finds what is held: %v", who, err)
		}
		if _, err := s.PlaceOf(s.ctx, v, comment); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s finds the place of a comment that is held: %v", who, err)
		}
		if rows, err := s.Posts(s.ctx, v, db.Feed{Limit: 10}); err != nil || len(rows) != 1 || rows[0].Comments != 0 {
			t.Errorf("%s is shown %v, %v", who, rows, err)
		}
	}
	dbtest.Recount(t, s.Path())
	for _, c := range s.cases(s.author, db.CaseFilter{}) {
		if err := s.Decide(s.ctx, s.author, c.ID, db.Kept, ""); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := s.PostByID(s.ctx, reader, held); err != nil || p.Title != "Held" {
		t.Errorf("what was approved: %v", err)
	}
	if p, err := s.PostByID(s.ctx, reader, shown); err != nil || p.Comments != 1 {
		t.Errorf("the approved comment is not counted: %v, %v", p.Comments, err)
	}
	dbtest.Recount(t, s.Path())
	if s.write(late, "Third", "text"); len(s.cases(moderator, db.CaseFilter{})) != 0 {
		t.Error("a member with two approved texts still waits")
	}
}

func TestWhatRulesHold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	moderator, late := s.member("moderator", db.Moderator), s.newcomer("late", 0)
	if err := s.AddWatchWord(s.ctx, moderator, "Miracle Pills"); err != nil {
		t.Fatal(err)
	}
	links := func(n int) (text string) {
		for i := range n {
			text += fmt.Sprintf("https://spam.example/%d ", i)
		}
		return text
	}
	same := strings.Repeat("The same words again and again. ", 5)
	for _, step := range []struct{ body, why string }{
		{"An ordinary text", ""}, {links(50), db.HeldLinks}, {"Buy our MIRACLE   pills now", db.HeldWord + "miracle pills"}, {same, ""}, {same, db.HeldRepeat},
	} {
		s.write(late, "Title", step.body)
		open := s.cases(moderator, db.CaseFilter{})
		why := ""
		if len(open) > 0 {
			why = open[0].Why
			if err := s.Decide(s.ctx, moderator, open[0].ID, db.Kept, ""); err != nil {
				t.Fatal(err)
			}
		}
		if why != step.why {
			t.Errorf("%.30q is held for %q, want %q", step.body, why, step.why)
		}
	}
	if s.write(s.author, "Title", links(20)); len(s.cases(moderator, db.CaseFilter{})) != 0 {
		t.Error("the owner of the channel was held")
	}
}

// Two moderators decide at once: one of them does, and the other is told who.
func TestOneModeratorDecides(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.write(s.author, "Flagged", "text")
	if err := s.Flag(s.ctx, s.member("reader", db.Plain), db.NewFlag{PostID: post, Reason: "spam"}); err != nil {
		t.Fatal(err)
	}
	one := s.cases(s.member("first", db.Moderator), db.CaseFilter{})[0]
	var done sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		v := s.member(fmt.Sprintf("moderator%d", i), db.Moderator)
		done.Go(func() { errs[i] = s.Decide(s.ctx, v, one.ID, db.Removed, "spam") })
	}
	done.Wait()
	won := 0
	for _, err := range errs {
		var late *db.Decided
		switch {
		case err == nil:
			won++
		case !errors.As(err, &late) || !strings.HasPrefix(late.Handle, "moderator"):
			t.Errorf("a moderator who was late is told %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 decided", won)
	}
	dbtest.Recount(t, s.Path())
}

func TestACaseOfAnotherChannelIsNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.member("other", db.Plain)
	if _, err := s.CreateChannel(s.ctx, other, db.NewChannel{Slug: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flag(s.ctx, other, db.NewFlag{PostID: s.write(s.author, "Flagged", "text"), Reason: "abuse"}); err != nil {
		t.Fatal(err)
	}
	id := s.cases(s.author, db.CaseFilter{})[0].ID
	for who, v := range map[string]db.Viewer{"the owner of another channel": other, "a member": s.member("plain", db.Plain), "a guest": {}} {
		if list := s.cases(v, db.CaseFilter{}); len(list) != 0 {
			t.Errorf("%s is shown %d cases", who, len(list))
		}
		for what, err := range map[string]error{"decide": s.Decide(s.ctx, v, id, db.Kept, ""), "claim": s.Claim(s.ctx, v, id, true), "undo": s.UndoDecision(s.ctx, v, id)} {
			if !errors.Is(err, db.ErrNotFound) && !(v.ID == 0 && errors.Is(err, db.ErrForbidden)) {
				t.Errorf("%s may %s: %v", who, what, err)
			}
		}
	}
}

// A wave of members and what they wrote is gone with one decision, and back with another.
func TestASweepTakesAWaveAndBringsItBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	moderator := s.member("moderator", db.Moderator)
	post := s.write(s.author, "Stays", "text")
	const members, texts = 40, 5
	for i := range members {
		v := s.newcomer(fmt.Sprintf("wave%d", i), i%2) // of half of them the first text waits
		for n := range texts {
			s.write(v, "Wave", fmt.Sprintf("text %d of %d", n, i))
			if _, err := s.CreateComment(s.ctx, v, db.NewComment{PostID: post, Body: fmt.Sprintf("comment %d of %d", n, i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CreateSession(s.ctx, v.ID, fmt.Appendf(nil, "session %d", i), "", ""); err != nil {
			t.Fatal(err)
		}
	}
	count := func(table string) (n int) {
		for _, line := range dbtest.Dump(t, s.Path()) {
			if strings.HasPrefix(line, table+" ") && strings.Contains(line, "deleted_at=<nil>") {
				n++
			}
		}
		return n
	}
	posts, comments := count("posts"), count("comments")
	id, err := s.StartSweep(s.ctx, moderator, db.NewSweep{Since: 1, Ban: true, Reason: "a wave of spam"})
	if err != nil {
		t.Fatal(err)
	}
	// Who is out is out at once.
	if _, _, err := s.ViewerBySession(s.ctx, []byte("session 3")); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a session of the wave: %v", err)
	}
	s.sweepOut()
	if p, c := count("posts"), count("comments"); p != 1 || c != 0 {
		t.Errorf("%d posts and %d comments are left", p, c)
	}
	if open := s.cases(moderator, db.CaseFilter{}); len(open) != 0 {
		t.Errorf("%d cases are left", len(open))
	}
	dbtest.Recount(t, s.Path())
	if err := s.UndoSweep(s.ctx, moderator, id); err != nil {
		t.Fatal(err)
	}
	s.sweepOut()
	if p, c := count("posts"), count("comments"); p != posts || c != comments {
		t.Errorf("%d posts and %d comments are back, want %d and %d", p, c, posts, comments)
	}
	dbtest.Recount(t, s.Path())
}
