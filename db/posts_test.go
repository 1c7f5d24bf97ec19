package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"codex/db"
	"codex/db/dbtest"
)

type site struct {
	*db.DB
	t       *testing.T
	ctx     context.Context
	author  db.Viewer
	channel db.Channel
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{DB: dbtest.Open(t), t: t, ctx: context.Background()}
	s.author = s.member("author", db.Plain)
	slug, err := s.CreateChannel(s.ctx, s.author, db.NewChannel{Slug: "mending", Name: "Mending"})
	if err != nil {
		t.Fatal(err)
	}
	if s.channel, err = s.ChannelBySlug(s.ctx, s.author, slug); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) member(handle string, role db.Role) db.Viewer {
	s.t.Helper()
	id, err := s.CreateMember(s.ctx, db.NewMember{Handle: handle, Role: role, Origin: "registered"})
	if err != nil {
		s.t.Fatal(err)
	}
	return db.Viewer{ID: id, Handle: handle, Name: handle, Role: role}
}

func (s *site) post(n db.NewPost) int64 {
	s.t.Helper()
	n.ChannelID = s.channel.ID
	if n.Kind == "" {
		n.Kind = "discussion"
	}
	id, err := s.CreatePost(s.ctx, s.author, n)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *site) comment(post, parent int64, body string) int64 {
	s.t.Helper()
	id, err := s.CreateComment(s.ctx, s.author, db.NewComment{PostID: post, ParentID: parent, Body: body})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func ids(page db.CommentPage) (list []int64) {
	for _, c := range page.Comments {
		list = append(list, c.ID)
	}
	return list
}

func TestADoubleSubmitMakesOnePost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var made sync.Map
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			id, err := s.CreatePost(s.ctx, s.author, db.NewPost{ChannelID: s.channel.ID, Kind: "discussion", Title: "Once", Body: "text", Key: "k1"})
			if err != nil {
				t.Error(err)
			}
			made.Store(id, true)
		})
	}
	wg.Wait()
	list, err := s.Posts(s.ctx, s.author, db.Feed{Sort: db.New, Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d posts, %v", len(list), err)
	}
	if _, ok := made.Load(list[0].ID); !ok {
		t.Error("the senders were told another id")
	}
}

func TestRepliesStandBelowTheirParentInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Tree", Body: "text"})
	a := s.comment(post, 0, "a")
	b := s.comment(post, 0, "b")
	a1 := s.comment(post, a, "a1")
	b1 := s.comment(post, b, "b1")
	a2 := s.comment(post, a, "a2")
	a11 := s.comment(post, a1, "a11")
	page, err := s.Comments(s.ctx, db.Viewer{}, db.Thread{PostID: post, ByTime: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{a, a1, a11, a2, b, b1}; !slices.Equal(ids(page), want) {
		t.Errorf("order %v, want %v", ids(page), want)
	}
	reader := s.member("reader", db.Plain)
	if _, err := s.ReactToComment(s.ctx, reader, b, 1); err != nil {
		t.Fatal(err)
	}
	if page, err = s.Comments(s.ctx, reader, db.Thread{PostID: post}); err != nil {
		t.Fatal(err)
	}
	if want := []int64{b, b1, a, a1, a11, a2}; !slices.Equal(ids(page), want) || page.Comments[0].MyReaction != 1 {
		t.Errorf("best first %v, want %v", ids(page), want)
	}
	if page, err = s.Comments(s.ctx, reader, db.Thread{PostID: post, Under: a1}); err != nil || !slices.Equal(ids(page), []int64{a1, a11}) {
		t.Errorf("under a1: %v, %v", ids(page), err)
	}
}

func TestEveryCommentIsOnExactlyOnePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Long", Body: "text"})
	var all []int64
	var parent int64
	for i := range 450 {
		if i%3 == 0 {
			parent = 0
		}
		id := s.comment(post, parent, fmt.Sprint("comment ", i))
		all = append(all, id)
		if parent == 0 {
			parent = id
		}
	}
	for _, byTime := range []bool{true, false} {
		var seen []int64
		th := db.Thread{PostID: post, ByTime: byTime}
		for {
			page, err := s.Comments(s.ctx, db.Viewer{}, th)
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, ids(page)...)
			if page.Next.String() == "" {
				break
			}
			if th.After, err = db.ParseCommentCursor(page.Next.String()); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(seen)
		if !slices.Equal(seen, all) {
			t.Errorf("by time %v: %d comments on the pages, want %d", byTime, len(seen), len(all))
		}
	}
	place, err := s.PlaceOf(s.ctx, db.Viewer{}, all[400])
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Comments(s.ctx, db.Viewer{}, db.Thread{PostID: post, ByTime: true, After: place.After, Under: place.Under})
	if err != nil || !slices.Contains(ids(page), all[400]) {
		t.Errorf("the permalink's page has not the comment (%v)", err)
	}
}

func TestADeletedCommentKeepsTheShapeAndComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Gone", Body: "text"})
	a := s.comment(post, 0, "secret words")
	b := s.comment(post, a, "reply")
	stranger := s.member("stranger", db.Plain)
	if err := s.DeleteComment(s.ctx, stranger, a); !errors.Is(err, db.ErrNotFound) {
		t.Fatalf("a stranger's delete answered %v", err)
	}
	if err := s.DeleteComment(s.ctx, s.author, a); err != nil {
		t.Fatal(err)
	}
	page, err := s.Comments(s.ctx, db.Viewer{}, db.Thread{PostID: post, ByTime: true})
	if err != nil || !slices.Equal(ids(page), []int64{a, b}) || page.Comments[0].HTML != "" {
		t.Errorf("%+v, %v", page.Comments, err)
	}
	if err := s.UndeleteComment(s.ctx, s.author, a); err != nil {
		t.Fatal(err)
	}
	if page, _ = s.Comments(s.ctx, db.Viewer{}, db.Thread{PostID: post, ByTime: true}); !strings.Contains(string(page.Comments[0].HTML), "secret words") {
		t.Error("the text did not come back")
	}
}

func TestALockedPostTakesNoComments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Locked", Body: "text", Locked: true})
	stranger := s.member("stranger", db.Plain)
	if _, err := s.CreateComment(s.ctx, stranger, db.NewComment{PostID: post, Body: "x"}); !errors.Is(err, db.ErrLocked) {
		t.Errorf("answered %v", err)
	}
	if err := s.SetLocked(s.ctx, stranger, post, false); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a stranger's unlock answered %v", err)
	}
}

func TestTheScoreIsTheBaseAndTheReactions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Scored", Body: "text", BaseScore: 10})
	for i, steps := range [][]int{{1}, {-1, 1}, {1, 0}, {-1}, {1, 1, -1, 0, 1}} {
		v := s.member(fmt.Sprint("voter", i), db.Plain)
		for _, value := range steps {
			if _, err := s.React(s.ctx, v, post, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := s.PostByID(s.ctx, s.author, post)
	if err != nil || p.Score != 12 || p.Likes != 3 || p.Dislikes != 1 {
		t.Errorf("score %d, likes %d, dislikes %d, %v", p.Score, p.Likes, p.Dislikes, err)
	}
}

func TestEveryFeedPagesWithoutGapsOrDoubles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.Join(s.ctx, s.author, s.channel.ID); err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		s.post(db.NewPost{Title: fmt.Sprint("Post ", i), Body: "text", BaseScore: i % 4, Tags: []string{"tag"}})
	}
	for _, f := range []db.Feed{
		{Sort: db.Active}, {Sort: db.New}, {Sort: db.Top, Window: db.Day}, {Sort: db.Top, Window: db.All},
		{Sort: db.Active, Joined: true}, {Sort: db.Top, Window: db.Week, Joined: true}, {Sort: db.New, Joined: true},
		{Sort: db.Active, ChannelID: s.channel.ID}, {Sort: db.Top, Window: db.Year, ChannelID: s.channel.ID},
	} {
		f.Limit = 7
		seen := map[int64]bool{}
		for {
			list, err := s.Posts(s.ctx, s.author, f)
			if err != nil {
				t.Fatalf("%+v: %v", f, err)
			}
			for _, p := range list {
				if seen[p.ID] {
					t.Errorf("%+v: post %d twice", f, p.ID)
				}
				seen[p.ID] = true
			}
			if len(list) < f.Limit {
				break
			}
			f.After = list[len(list)-1].Cursor()
		}
		if len(seen) != 25 {
			t.Errorf("%+v: %d posts, want 25", f, len(seen))
		}
	}
}
