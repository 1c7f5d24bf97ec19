package db_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"codex/db"
	"codex/db/dbtest"
)

// A sweep of the size of a wave: go test -tags sqlite_fts5 ./db -run SweepMoves -wave 1000 -v
var waveMembers = flag.Int("wave", 40, "members in the wave of TestASweepMovesInSmallStepsWhileOthersRead, with ten posts each")

func TestASweepMovesInSmallStepsWhileOthersRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.Path()
	admin := s.member("admin", db.Admin)
	if err := s.SetSetting(s.ctx, db.SettingHoldFirst, "0"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for n := range *waveMembers {
		id, err := s.CreateMember(s.ctx, db.NewMember{Handle: fmt.Sprintf("wave%d", n), Origin: "registered"})
		if err != nil {
			t.Fatal(err)
		}
		v := db.Viewer{ID: id}
		for p := range 10 { // the fifth and later wait: too fast
			post, err := s.CreatePost(s.ctx, v, db.NewPost{ChannelID: s.channel.ID, Kind: "discussion", Title: fmt.Sprint("Spam ", p), Body: fmt.Sprint("Buy ", n, p), Tags: []string{"spam"}})
			if err != nil {
				t.Fatal(err)
			}
			if p < 2 {
				if _, err := s.CreateComment(s.ctx, v, db.NewComment{PostID: post, Body: fmt.Sprint("Yes, buy ", n, p)}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Logf("written in %v", time.Since(begun).Round(time.Millisecond))
	before := dbtest.Dump(t, path)

	ctx, stop := context.WithCancel(s.ctx)
	var readers sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	for range 8 {
		readers.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				if _, err := s.Posts(ctx, db.Viewer{}, db.Feed{Sort: db.New, Limit: 25}); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	run := func(what string) {
		begun, steps, longest := time.Now(), 0, time.Duration(0)
		for more := true; more; steps++ {
			at := time.Now()
			var err error
			if more, err = s.StepSweeps(s.ctx); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, time.Since(at))
		}
		t.Logf("%s in %v, %d transactions, the longest %v", what, time.Since(begun).Round(time.Millisecond), steps, longest.Round(time.Millisecond))
	}
	decided := time.Now()
	id, err := s.StartSweep(s.ctx, admin, db.NewSweep{Since: 1, Ban: true, Reason: "spam"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("decided in %v", time.Since(decided).Round(time.Millisecond))
	run("hidden")
	dbtest.Recount(t, path)
	if rows, err := s.Posts(s.ctx, db.Viewer{}, db.Feed{Sort: db.New, Limit: 25}); err != nil || slices.ContainsFunc(rows, func(r db.PostRow) bool { return r.AuthorHandle != s.author.Handle }) {
		t.Errorf("the feed still has %d posts, %v", len(rows), err)
	}
	if n, err := s.AwaitingOf(s.ctx, admin, 100); err != nil || n.Cases != 0 {
		t.Errorf("%+v cases wait, %v", n, err)
	}
	if err := s.UndoSweep(s.ctx, admin, id); err != nil {
		t.Fatal(err)
	}
	run("shown again")
	stop()
	readers.Wait()
	slices.Sort(took)
	t.Logf("%d reads beside it, the median %v, 99 %% under %v", len(took), took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
	dbtest.Recount(t, path)
	after := dbtest.Dump(t, path)
	// Only the log and the sweep's own rows are more than before.
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Fatalf("this row is not as it was: %.300s", line)
		}
		if *waveMembers > 100 { // comparing all would be quadratic
			break
		}
	}
}

func TestASweepGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.Path()
	admin := s.member("admin", db.Admin)
	v := s.member("spammer", db.Plain)
	for n := range 600 { // more than a step
		if _, err := s.CreatePost(s.ctx, v, db.NewPost{ChannelID: s.channel.ID, Kind: "discussion", Title: fmt.Sprint(n), Body: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	id, err := s.StartSweep(s.ctx, admin, db.NewSweep{MemberID: v.ID, Reason: "spam"})
	if err != nil {
		t.Fatal(err)
	}
	if more, err := s.StepSweeps(s.ctx); err != nil || !more {
		t.Fatalf("the first step: more is %v, %v", more, err)
	}
	again, err := db.Open(s.ctx, db.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(s.ctx)
	if w, err := again.SweepByID(s.ctx, admin, id); err != nil || w.Posts != 500 || !w.Running() {
		t.Fatalf("after the restart: %+v, %v", w, err)
	}
	for more := true; more; {
		if more, err = again.StepSweeps(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if w, err := again.SweepByID(s.ctx, admin, id); err != nil || w.Posts != 600 || w.State != db.Hidden {
		t.Errorf("at the end: %+v, %v", w, err)
	}
	dbtest.Recount(t, path)
}
