package web_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

func TestEveryPinnedPostIsOnItsChannelsPagesOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Plain)
	c.Channel("tides")
	var all []string
	for i := range 40 {
		title := fmt.Sprintf("Post %02d", i)
		post := c.Write("tides", title, "Text")
		if i%5 == 0 { // eight are pinned, and five of them stand above the feed
			want(t, c.Post(at(t, post, "pin"), "on", "true"), 303)
		}
		all = append(all, title)
	}
	got := walk(t, s.Guest(), "/c/tides", "Older posts")
	slices.Sort(got)
	if !slices.Equal(got, all) {
		t.Errorf("%d posts on the pages, want %d: %q", len(got), len(all), got)
	}
}

// walk goes through the pages of a feed and answers all titles in order.
func walk(t testing.TB, c *apptest.Client, path, next string) (titles []string) {
	t.Helper()
	for pages := 0; path != ""; pages++ {
		if pages == 20 {
			t.Fatal("the pages do not end")
		}
		p := open(t, c, path)
		titles = append(titles, p.titles()...)
		path = link(p.main(t), next)
	}
	return titles
}

func TestFeedsVisitEverythingOnceInTheirOrder(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("writer", db.Plain)
	c.Channel("tides")
	c.Channel("moon")
	var written []string
	paths := map[string]string{}
	for i := range 65 {
		title := fmt.Sprintf("Post %02d", i)
		paths[title] = c.Write([]string{"tides", "moon"}[i%2], title, "Text", "tags", "all")
		written = append(written, title)
	}
	c.Comment(paths["Post 03"], "", "Wakes it up")
	want(t, c.Post(at(t, paths["Post 07"], "react"), "kind", "like"), 303)
	want(t, c.Post(at(t, paths["Post 08"], "react"), "kind", "dislike"), 303)

	newest := slices.Clone(written)
	slices.Reverse(newest)
	first := func(list []string, title string) []string {
		list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == title })
		return append([]string{title}, list...)
	}
	top := first(newest, "Post 07")
	top = append(slices.DeleteFunc(top, func(s string) bool { return s == "Post 08" }), "Post 08")
	for path, order := range map[string][]string{
		"/": first(newest, "Post 03"), "/?sort=new": newest, "/?sort=active": first(newest, "Post 03"),
		"/?sort=top&t=day": top, "/?sort=top&t=week": top, "/?sort=top&t=month": top, "/?sort=top&t=year": top, "/?sort=top&t=all": top,
		"/?all=1": first(newest, "Post 03"), "/?all=1&sort=top&t=all": top, "/u/writer": newest, "/t/all": newest,
	} {
		got := walk(t, c, path, "Older posts")
		// Posts of the same millisecond stand in the order of their ids, which is that of their writing.
		if !slices.Equal(got, order) {
			t.Errorf("%s: %d posts, want %d\n%q", path, len(got), len(order), got)
		}
	}
	if got := walk(t, s.Guest(), "/c/moon?sort=new", "Older posts"); len(got) != 32 {
		t.Errorf("the channel's feed has %d posts, want 32", len(got))
	}
	reader := s.As("reader", db.Plain)
	if got := walk(t, reader, "/", "Older posts"); len(got) != 0 {
		t.Errorf("a member who joined nothing has %d posts at home", len(got))
	}
	want(t, reader.Post("/c/moon/join"), 303)
	if got := walk(t, reader, "/", "Older posts"); len(got) != 32 {
		t.Errorf("a member of one channel has %d posts at home, want its 32", len(got))
	}
	// The next page as htmx fetches it: the same rows, and no document.
	p := open(t, c, "/?sort=new")
	next := link(p.main(t), "Older posts")
	part := aPartial(t, want(t, c.Htmx("GET", next), 200))
	if whole := open(t, c, next); !slices.Equal(part.titles(), whole.titles()) || len(part.titles()) != 30 {
		t.Error("the part has other rows than the page")
	}
	for _, path := range []string{"/?after=nonsense", "/c/tides?after=1", "/t/all?after=x.!", "/u/writer?after=."} {
		want(t, c.Get(path), 404)
	}
}

func TestADeletedCommentWakesNothingUp(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, other := s.As("author", db.Plain), s.As("other", db.Plain)
	author.Channel("tides")
	author.Channel("moon")
	old := author.Write("tides", "Old", "Text")
	author.Comment(old, "", "An early word")
	author.Write("tides", "Middle", "Text")
	bare := author.Write("tides", "Bare", "Text")
	author.Write("moon", "Elsewhere", "Text")
	order := func(what string, titles ...string) {
		t.Helper()
		if got := open(t, s.Guest(), "/c/tides").titles(); !slices.Equal(got, titles) {
			t.Errorf("%s: %q, want %q", what, got, titles)
		}
	}
	channels := func(what string, slugs ...string) {
		t.Helper()
		list, err := s.DB.Channels(t.Context(), db.Viewer{}, db.Cursor{}, 10)
		var got []string
		for _, c := range list {
			got = append(got, c.Slug)
		}
		if err != nil || !slices.Equal(got, slugs) {
			t.Errorf("%s: the channels are %q (%v), want %q", what, got, err, slugs)
		}
	}
	order("at first", "Bare", "Middle", "Old")
	raw, err := sql.Open("sqlite3", "file:"+s.DB.Path()+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, q := range []string{"channels SET active_at = active_at - 120000, created_at = created_at - 120000", "posts SET active_at = active_at - 120000, created_at = created_at - 120000", "comments SET created_at = created_at - 120000"} {
		if _, err := raw.Exec("UPDATE " + q); err != nil { // two minutes later: a channel's activity is as exact as one
			t.Fatal(err)
		}
	}
	late := other.Comment(old, "", "A late word")
	order("a comment wakes it up", "Old", "Bare", "Middle")
	channels("a comment wakes it up", "tides", "moon")
	want(t, other.Post("/comments/"+late+"/delete"), 303)
	order("the comment is gone", "Bare", "Middle", "Old")
	channels("the comment is gone", "moon", "tides")
	want(t, other.Post("/comments/"+late+"/undelete"), 303)
	order("it came back", "Old", "Bare", "Middle")
	channels("it came back", "tides", "moon")

	only := other.Comment(bare, "", "The only word")
	order("another comment", "Bare", "Old", "Middle")
	want(t, other.Post("/comments/"+only+"/delete"), 303)
	order("the only comment is gone", "Old", "Bare", "Middle")
	want(t, author.Post(at(t, old, "delete")), 303)
	channels("the post is gone", "moon", "tides")
}

func TestOnesOwnWordsAreNotUnread(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, other := s.As("author", db.Plain), s.As("other", db.Plain)
	author.Channel("tides")
	want(t, other.Post("/c/tides/join"), 303)
	time.Sleep(2 * time.Millisecond) // what was written in the millisecond in which they joined is not news
	counts := func(what, mine, theirs string) {
		t.Helper()
		for c, want := range map[*apptest.Client]string{author: mine, other: theirs} {
			count := ""
			if n := first(first(open(t, c, "/about").root, class("rail")), class("new-count")); n != nil {
				count = strings.TrimSuffix(text(n), " unread")
			}
			if count != want {
				t.Errorf("%s: the rail tells %s of %q, want %q", what, c.Viewer.Handle, count, want)
			}
		}
	}
	post := author.Write("tides", "One", "Text")
	counts("a post", "", "1")
	author.Comment(post, "", "One more word")
	counts("its author's comment", "", "1")
	other.Comment(post, "", "An answer") // who answers has not said that they read the post
	counts("another's answer", "1", "")
	want(t, author.Post(at(t, post, "read")), 303)
	counts("it was read", "", "")
	author.Write("tides", "Two", "Text")
	other.Write("tides", "Three", "Text")
	counts("a post of each", "1", "1")
	want(t, other.Post("/c/tides/seen"), 303)
	counts("the channel was visited", "1", "")
}

func TestUnreadMarksGoByPostOnly(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader := s.As("author", db.Plain), s.As("reader", db.Plain)
	author.Channel("tides")
	want(t, reader.Post("/c/tides/join"), 303)
	post := author.Write("tides", "Fresh", "Text")
	unread := func() bool { return first(open(t, reader, "/").main(t), class("is-unread")) != nil }

	if !unread() {
		t.Fatal("a new post is not marked as unread")
	}
	p := open(t, reader, post)
	if !unread() {
		t.Error("a GET marked it as read")
	}
	if first(open(t, s.Guest(), "/").main(t), class("is-unread")) != nil {
		t.Error("a guest has unread posts")
	}
	want(t, reader.Post(p.form(t, at(t, post, "read")).action), 303)
	if unread() {
		t.Error("it is still unread")
	}
	author.Comment(post, "", "News")
	if !unread() {
		t.Error("a new comment does not make it unread")
	}
	p = open(t, reader, post)
	mark := first(p.root, class("arrivals"))
	if mark == nil || !strings.Contains(text(mark), "1 new comment") {
		t.Fatal("the post does not say that there is a new comment")
	}
	if target := attr(first(mark, tag("a")), "href"); p.id(strings.TrimPrefix(target, "#")) == nil {
		t.Errorf("the mark leads to %s, which is not on the page", target)
	}
	want(t, reader.Htmx("POST", at(t, post, "read")), 204)
	if unread() {
		t.Error("it is still unread")
	}
	author.Comment(post, "", "More news")
	f := open(t, reader, "/").form(t, "/read")
	want(t, reader.Post(f.action), 303)
	if p := open(t, reader, "/"); first(p.main(t), class("is-unread")) != nil || p.hasForm("/read") {
		t.Error("not all is read")
	}
}

func TestTheFrontPageOpensWithTheBestPostThatTheReaderHasNotRead(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader := s.As("author", db.Plain), s.As("reader", db.Plain)
	author.Channel("tides")
	author.Channel("moon")
	best, second := author.Write("tides", "Best", "Text"), author.Write("moon", "Second", "Text")
	author.Write("tides", "Third", "Text")
	fan := s.As("fan", db.Plain)
	want(t, fan.Post(at(t, best, "react"), "kind", "like"), 303)
	want(t, fan.Post(at(t, second, "react"), "kind", "like"), 303)
	want(t, reader.Post(at(t, best, "react"), "kind", "like"), 303)

	leads := func(c *apptest.Client, path string) string {
		t.Helper()
		p := open(t, c, path)
		n := first(p.root, class("lead-title"))
		if n == nil {
			return ""
		}
		lead := p.titles()[0]
		if slices.Contains(p.titles()[1:], lead) {
			t.Errorf("%s: %q stands on the page twice", path, lead)
		}
		return lead
	}
	for _, at := range []struct {
		who  *apptest.Client
		path string
		lead string
	}{
		{s.Guest(), "/", "Best"}, {s.Guest(), "/?sort=new", ""}, {s.Guest(), "/?sort=top", ""},
		{author, "/", ""},                              // who wrote them all
		{reader, "/?all=1", "Best"}, {reader, "/", ""}, // joined nothing
	} {
		if got := leads(at.who, at.path); got != at.lead {
			t.Errorf("%s opens with %q, want %q", at.path, got, at.lead)
		}
	}
	want(t, reader.Post("/c/moon/join"), 303)
	if got := leads(reader, "/"); got != "Second" {
		t.Errorf("a member of one channel has %q first, want its best", got)
	}
	want(t, reader.Post(at(t, best, "read")), 303)
	if got := leads(reader, "/?all=1"); got != "Second" {
		t.Errorf("a member who read the best has %q first, want the second", got)
	}
}
