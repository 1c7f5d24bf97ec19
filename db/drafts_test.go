package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"codex/app/markup"
)

func TestADraftIsKeptForItsWriterWithinItsBounds(t *testing.T) {
	t.Parallel()
	now, ctx := time.Now(), context.Background()
	d := migrated(t, Options{Now: func() time.Time { return now }})
	who := func(handle string) Viewer {
		id, err := d.CreateMember(ctx, NewMember{Handle: handle, Role: Plain, Origin: "registered"})
		if err != nil {
			t.Fatal(err)
		}
		return Viewer{ID: id, Handle: handle, Role: Plain}
	}
	mine, other := who("ada"), who("bob")
	save := func(v Viewer, n Draft) Millis {
		t.Helper()
		at, err := d.SaveDraft(ctx, v, n)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := save(mine, Draft{Place: "/new", Title: "T", Tags: "a b", Kind: "question", Channel: "tides", Version: 7, Body: "begun"})
	if again := save(mine, Draft{Place: "/new", Body: "further"}); again <= first {
		t.Errorf("saved at %d, and then within the same millisecond at %d: the second cannot be told from the first", first, again)
	}
	if n, err := d.DraftAt(ctx, mine, "/new"); err != nil || n.Body != "further" || n.Title != "" {
		t.Errorf("found %+v, %v", n, err)
	}
	for _, v := range []Viewer{other, {}} {
		if n, err := d.DraftAt(ctx, v, "/new"); err != nil || n.SavedAt != 0 {
			t.Errorf("another found %+v, %v", n, err)
		}
	}
	if at := save(mine, Draft{Place: "/new"}); at != 0 {
		t.Errorf("a draft without words is there since %d", at)
	}

	for i := range MaxDrafts + 3 {
		now = now.Add(time.Second)
		save(mine, Draft{Place: fmt.Sprintf("/p/%d/comments", i+1), Body: "words"})
	}
	list, err := d.Drafts(ctx, mine)
	if err != nil || len(list) != MaxDrafts || list[0].Place != fmt.Sprintf("/p/%d/comments", MaxDrafts+3) || list[MaxDrafts-1].Place != "/p/4/comments" {
		t.Errorf("%d drafts are kept, %v", len(list), err)
	}

	for _, n := range []Draft{{Body: strings.Repeat("x", 64<<10+1)}, {Title: strings.Repeat("x", MaxDraftTitle+1)}, {Tags: strings.Repeat("x", MaxDraftTitle+1)}} {
		n.Place = "/new"
		var limit *markup.LimitError
		if _, err := d.SaveDraft(ctx, mine, n); !errors.As(err, &limit) {
			t.Errorf("a draft that is too long answered %v", err)
		}
	}
	save(mine, Draft{Place: "/new", Body: strings.Repeat("x", 64<<10)})

	now = now.Add(draftDays*24*time.Hour - time.Minute)
	save(other, Draft{Place: "/new", Body: "young"})
	now = now.Add(2 * time.Minute)
	if err := d.DropOldDrafts(ctx); err != nil {
		t.Fatal(err)
	}
	if list, _ := d.Drafts(ctx, mine); len(list) != 0 {
		t.Errorf("%d drafts of 90 days ago are still there", len(list))
	}
	if list, _ := d.Drafts(ctx, other); len(list) != 1 {
		t.Error("a young draft is gone")
	}
}

func TestSimilarTitlesBeginAlike(t *testing.T) {
	t.Parallel()
	d, author, _, _ := edited(t)
	ctx := context.Background()
	c, err := d.ChannelBySlug(ctx, author, "mending")
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"How do I mend a Zürich cup?", "How do I mend a plate?", "How do you do", "How now", "Another thing"} {
		if _, err := d.CreatePost(ctx, author, NewPost{ChannelID: c.ID, Kind: "question", Title: title, Body: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	for typed, want := range map[string][]string{
		"how do i mend a zu":       {"How do I mend a Zürich cup?", "How do I mend a plate?", "How do you do"},
		"How do they":              {"How do I mend a plate?", "How do I mend a Zürich cup?", "How do you do"},
		"How":                      nil,
		"":                         nil,
		"%_ ' --":                  nil,
		"another thing altogether": {"Another thing"},
	} {
		found, err := d.SimilarPosts(ctx, Viewer{}, typed)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range found {
			got = append(got, s.Title)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestAPostComesWithTheDraftOfItsReply(t *testing.T) {
	t.Parallel()
	w := &walker{d: migrated(t, Options{}), t: t, ctx: context.Background()}
	v := w.member("ada", NewMember{Role: Plain})
	must(w.d.CreateChannel(w.ctx, v, NewChannel{Slug: "tides", Name: "Tides"}))(w)
	post := must(w.d.CreatePost(w.ctx, v, NewPost{ChannelID: 1, Kind: "discussion", Title: "Answer me", Body: "Please."}))(w)
	must(w.d.SaveDraft(w.ctx, v, Draft{Place: ReplyPlace(post), Body: "begun"}))(w)
	if p := must(w.d.PostByID(w.ctx, v, post))(w); p.DraftBody != "begun" {
		t.Errorf("with it comes %q", p.DraftBody)
	}
}
