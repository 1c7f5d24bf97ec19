package db_test

import (
	"context"
	"errors"
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
	id, err := s.CreateMember(s.ctx, db.NewMember{Handle: handle, Role: role, Origin: "command"})
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

// together runs f in 100 goroutines and answers the different values that they got.
func together[T comparable](t *testing.T, f func() (T, error)) (values []T) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for range 100 {
		wg.Go(func() {
			<-begin
			value, err := f()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if !slices.Contains(values, value) {
				values = append(values, value)
			}
		})
	}
	close(begin)
	wg.Wait()
	return values
}

func TestAHundredSubmitsOfOneFormMakeOneThing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.member("other", db.Plain)
	first := s.post(db.NewPost{Title: "First", Body: "text"})
	n := db.NewPost{ChannelID: s.channel.ID, Kind: "discussion", Title: "Once", Body: "text", Key: "post-key"}
	posts := together(t, func() (int64, error) { return s.CreatePost(s.ctx, s.author, n) })
	comments := together(t, func() (int64, error) {
		return s.CreateComment(s.ctx, s.author, db.NewComment{PostID: first, Body: "once", Key: "comment-key"})
	})
	channels := together(t, func() (string, error) {
		return s.CreateChannel(s.ctx, s.author, db.NewChannel{Slug: "once", Name: "Once", Key: "channel-key"})
	})
	if len(posts) != 1 || len(comments) != 1 || len(channels) != 1 {
		t.Errorf("the senders were told of posts %v, comments %v, channels %v", posts, comments, channels)
	}
	if list, err := s.Posts(s.ctx, s.author, db.Feed{Sort: db.New, Limit: 10}); err != nil || len(list) != 2 {
		t.Errorf("%d posts, want the first and one more (%v)", len(list), err)
	}
	if page, err := s.Comments(s.ctx, s.author, db.Thread{PostID: first}); err != nil || len(page.Comments) != 1 {
		t.Errorf("%d comments, %v", len(page.Comments), err)
	}
	if id, err := s.WasSent(s.ctx, s.author, n.FormKey()); err != nil || id != posts[0] {
		t.Errorf("WasSent answers %d, %v", id, err)
	}
	// The same key on another text, after the browser's back button, is another form: nothing that was written is lost.
	n.Title = "Twice"
	if id, err := s.CreatePost(s.ctx, s.author, n); err != nil || id == posts[0] {
		t.Errorf("another text under the same key made %d, %v", id, err)
	}
	// A key is a member's own: another's form with the same one is another form.
	if id, err := s.CreatePost(s.ctx, other, n); err != nil || id == posts[0] {
		t.Errorf("another member's form made %d, %v", id, err)
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

func TestADeletedCommentKeepsTheShapeAndComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Gone", Body: "text"})
	a := s.comment(post, 0, "secret words")
	b := s.comment(post, a, "reply")
	stranger := s.member("stranger", db.Plain)
	if err := s.DeleteComment(s.ctx, stranger, a); !errors.Is(err, db.ErrForbidden) {
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
	if err := s.SetLocked(s.ctx, stranger, post, false); !errors.Is(err, db.ErrForbidden) {
		t.Errorf("a stranger's unlock answered %v", err)
	}
}

func TestHandlesAndNamesShowAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	for handle, want := range map[string]bool{
		"wren": true, "ruth.ac": true, "a_b-c9": true, "Ελένη": true, "дмитро": true, "山田たろう": true, "김철수": true, "نور": true, "مینا٢": true,
		"wrеn": false /* Cyrillic е */, "аdmin": false, "1١١": false, "\u1160\u1160\u1160": false, "\u115f\u115fa": false, "ab": false, "-ab": false,
	} {
		if got := db.ValidHandle(handle); got != want {
			t.Errorf("ValidHandle(%q) is %v", handle, got)
		}
	}
	for name, want := range map[string]bool{
		"Maren Holt": true, "👩\u200d🚀 Ines": true, "می\u200cخواهم": true, "❤\ufe0f": true, "O’Malley": true,
		"\u200b": false, "\u2060": false, "\u3164": false, "\u00ad": false, "\ufeff": false, "\U000e0041": false, "wren\u200b": false,
		"a\u202eb": false, "a\x00b": false, "\u200dwren": false, "wren\u200c": false, "\u2800": false,
	} {
		if _, got := db.CleanName(name); got != want {
			t.Errorf("CleanName(%q) is %v", name, got)
		}
		if _, got := db.CleanTitle(name); got != want {
			t.Errorf("CleanTitle(%q) is %v", name, got)
		}
	}
}

func TestOnesOwnWordsAreNotNews(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.member("other", db.Plain)
	post := s.post(db.NewPost{Title: "Mine", Body: "text"})
	read := func(v db.Viewer) db.Post {
		t.Helper()
		p, err := s.PostByID(s.ctx, v, post)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	unread := func(v db.Viewer) bool { t.Helper(); return read(v).Unread }
	if unread(s.author) {
		t.Error("one's own post is unread")
	}
	s.comment(post, 0, "my own")
	if unread(s.author) {
		t.Error("a post is unread after one's own comment")
	}
	if _, err := s.CreateComment(s.ctx, other, db.NewComment{PostID: post, Body: "theirs"}); err != nil {
		t.Fatal(err)
	}
	if p := read(s.author); !p.Unread || p.New != 1 {
		t.Errorf("another's comment: unread %v, %d new, want 1", p.Unread, p.New)
	}
	s.comment(post, 0, "mine, written without having read theirs")
	if !unread(s.author) {
		t.Error("one's own comment hides another's")
	}
}

func TestTheFirstCommentBelowOnesPostIsNew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.member("other", db.Plain)
	post := s.post(db.NewPost{Title: "Mine", Body: "text"})
	if _, err := s.CreateComment(s.ctx, other, db.NewComment{PostID: post, Body: "theirs"}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.PostByID(s.ctx, s.author, post); err != nil || !p.Unread || p.New != 1 {
		t.Errorf("unread %v, %d new, want 1 (%v)", p.Unread, p.New, err)
	}
}
