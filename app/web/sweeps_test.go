package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

// comesTrue asks again until it is so.
func comesTrue(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 15 s", what)
		}
	}
}

func TestAWaveIsHiddenFromThreeClicksAndComesBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, mod, admin := s.As("keeper", db.Plain), s.As("mod", db.Moderator), s.As("admin", db.Admin)
	keeper.Channel("tides")
	ours := keeper.Write("tides", "Ours", "text")
	var posts []string
	var wave []*apptest.Client
	for n := range 6 {
		c := registers(t, s, fmt.Sprint("wave", n))
		posts = append(posts, c.Write("tides", fmt.Sprint("Spam ", n), fmt.Sprint("Buy number ", n), "tags", "walks"))
		c.Comment(ours, "", fmt.Sprint("Buy comment ", n))
		wave = append(wave, c)
	}
	for i, k := range casesOf(t, s, mod.Viewer) { // some were approved before anybody saw what it was
		if i < 5 {
			want(t, mod.Post(caseAt(k.ID, "/decide"), "decision", "keep"), 303)
		}
	}
	waiting := len(casesOf(t, s, mod.Viewer))

	p := open(t, mod, "/moderation/newcomers?since=1h") // the first click
	if !p.has(t, "6 members") || p.has(t, "@keeper") {
		t.Errorf("the newcomers: %s", text(p.main(t)))
	}
	next := link(p.root, "Hide all of it…") // the second
	f := open(t, mod, next).form(t, "/moderation/sweeps")
	a := want(t, mod.Post(f.action, f.with("reason", "A wave of spam")...), 303) // the third
	state := func() string { return want(t, mod.Htmx("GET", a.Location), 200).Body }
	comesTrue(t, "hidden", func() bool { return !strings.Contains(state(), "every 1s") })
	for _, path := range append([]string{"/", "/c/tides", ours, "/u/wave1", "/t/walks"}, posts...) {
		if strings.Contains(s.Guest().Get(path).Body, "Spam ") || strings.Contains(s.Guest().Get(path).Body, "Buy ") {
			t.Errorf("%s shows the wave", path)
		}
	}
	if n := len(casesOf(t, s, mod.Viewer)); n != 0 {
		t.Errorf("%d cases of the wave still wait", n)
	}
	want(t, wave[0].Get("/settings"), 303) // signed out
	recount(t, s)
	want(t, keeper.Get(ours), 200)
	want(t, keeper.Post(a.Location+"/undo"), 403)

	want(t, admin.Post(a.Location+"/undo"), 303)
	comesTrue(t, "shown", func() bool { return strings.Contains(state(), "Shown again") })
	if n := len(casesOf(t, s, mod.Viewer)); n != waiting {
		t.Errorf("%d cases wait, not %d", n, waiting)
	}
	shown := 0
	for _, path := range posts {
		if s.Guest().Get(path).Status == 200 {
			shown++
		}
	}
	if shown == 0 || shown == len(posts) {
		t.Errorf("%d posts are shown again", shown)
	}
	recount(t, s)
	want(t, admin.Post(a.Location+"/undo"), 303) // it is undone already
}

func TestEverythingOfOneMemberIsHidden(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, mod := s.As("author", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	question := s.As("asker", db.Plain).Write("tides", "Why?", "text", "kind", "question")
	answer := author.Comment(question, "", "Therefore")
	want(t, s.As("admin", db.Admin).Post("/comments/"+answer+"/accept"), 303)
	post := author.Write("tides", "Mine", "text")
	gone := author.Write("tides", "Deleted before", "text")
	want(t, author.Post("/p/"+idIn(gone)+"/delete"), 303)

	f := open(t, mod, "/moderation/sweep?member=author").form(t, "/moderation/sweeps")
	a := want(t, mod.Post(f.action, f.with()...), 303)
	comesTrue(t, "hidden", func() bool { return !strings.Contains(mod.Htmx("GET", a.Location).Body, "every 1s") })
	want(t, s.Guest().Get(post), 404)
	recount(t, s)
	want(t, author.Get("/settings"), 200) // not banned
	want(t, author.Post("/p/"+idIn(post)+"/undelete"), 403)
	want(t, mod.Post(a.Location+"/undo"), 303)
	comesTrue(t, "shown", func() bool { return strings.Contains(mod.Htmx("GET", a.Location).Body, "Shown again") })
	want(t, s.Guest().Get(post), 200)
	want(t, s.Guest().Get(gone), 404) // its author's own doing stays
	if !open(t, s.Guest(), question).has(t, "The accepted answer") {
		t.Error("the accepted answer is not it any more")
	}
	recount(t, s)
	for _, path := range []string{"/moderation/sweep?member=mod", "/moderation/sweep?member=admin"} {
		want(t, mod.Get(path), 403)
	}
	want(t, mod.Get("/moderation/sweep?since=99999999999999"), 404)
	want(t, mod.Get("/moderation/sweep"), 404)
	want(t, author.Get("/moderation/newcomers"), 403)
}
