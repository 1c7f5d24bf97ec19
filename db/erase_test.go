package db_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"codex/db"
	"codex/db/dbtest"
)

// An account of the size that hurts: go test -tags sqlite_fts5 ./db -run ErasingKeepsNobody -erase 10000 -v
var erasePosts = flag.Int("erase", 200, "posts, each with a comment, of the account in TestErasingKeepsNobodyFromWriting")

func TestErasingKeepsNobodyFromWriting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v, other := s.member("leaver", db.Plain), s.member("other", db.Plain)
	s.author = v
	for i := range *erasePosts {
		s.comment(s.post(db.NewPost{Title: fmt.Sprint("Mine ", i), Body: "text", Tags: []string{"mine", "more"}}), 0, "and a comment")
	}
	began := time.Now()
	if err := s.DeleteAccount(s.ctx, v, true); err != nil {
		t.Fatal(err)
	}
	deleted := time.Since(began)
	ctx, stop := context.WithCancel(s.ctx)
	var writer sync.WaitGroup
	longest, writes := time.Duration(0), 0
	writer.Go(func() {
		for ctx.Err() == nil {
			at := time.Now()
			if err := s.SetTheme(s.ctx, other, "dark"); err != nil {
				t.Error(err)
				return
			}
			longest, writes = max(longest, time.Since(at)), writes+1
			time.Sleep(2 * time.Millisecond)
		}
	})
	began = time.Now()
	if err := s.EraseLeft(s.ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	stop()
	writer.Wait()
	t.Logf("%d posts and as many comments: the account ends in %v, its texts in %v; of %d writes beside it the longest took %v",
		*erasePosts, deleted.Round(time.Millisecond), took.Round(time.Millisecond), writes, longest.Round(time.Millisecond))
	if longest > time.Second {
		t.Errorf("a write waited %v", longest)
	}
	if list, err := s.Posts(s.ctx, db.Viewer{}, db.Feed{Sort: db.New, Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("left: %d posts, %v", len(list), err)
	}
	dbtest.Recount(t, s.Path())
}
