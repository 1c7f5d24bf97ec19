package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

func TestAHeldTextIsSeenByItsAuthorAndTheModeratorsAlone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, reader := s.As("keeper", db.Plain), s.As("reader", db.Plain)
	keeper.Channel("tides")
	open1 := keeper.Write("tides", "Open", "text", "tags", "walks")
	c := registers(t, s, "newcomer")
	post := c.Write("tides", "Xylophone", "a zither text", "tags", "walks zither")
	comment := c.Comment(open1, "", "a zither comment")

	for name, path := range map[string]string{"home": "/", "the channel": "/c/tides", "by time": "/c/tides?sort=new", "a tag": "/t/walks", "tags": "/tags", "channels": "/c",
		"their page": "/u/newcomer", "their comments": "/u/newcomer?tab=comments", "the thread": open1, "the log": "/log"} {
		for _, who := range []*apptest.Client{s.Guest(), reader} {
			a := want(t, who.Get(path), 200)
			if strings.Contains(a.Body, "Xylophone") || strings.Contains(a.Body, "zither") || strings.Contains(a.Body, "This comment was deleted") {
				t.Errorf("%s shows what is held", name)
			}
		}
	}
	for _, who := range []*apptest.Client{s.Guest(), reader} {
		for _, path := range []string{post, "/p/" + idIn(post), "/comments/" + comment} {
			want(t, who.Get(path), 404)
		}
	}
	want(t, reader.Get("/t/zither"), 404)
	for _, path := range []string{"/p/" + idIn(post) + "/react", "/comments/" + comment + "/react"} {
		want(t, reader.Post(path, "kind", "like"), 404)
	}
	want(t, reader.Post("/p/"+idIn(post)+"/comments", "body", "b"), 404)
	want(t, reader.Post("/p/"+idIn(open1)+"/comments", "body", "b", "parent", comment), 404)
	for name, who := range map[string]*apptest.Client{"the author": c, "who keeps the channel": keeper} {
		if !open(t, who, post).has(t, "This post waits for a moderator.") {
			t.Errorf("%s is not told that the post waits", name)
		}
		if p := open(t, who, open1); !p.has(t, "a zither comment") || !p.has(t, "Waits for a moderator.") {
			t.Errorf("%s does not see the comment in its place", name)
		}
		want(t, who.Get("/comments/"+comment), 303)
	}
	recount(t, s)

	for _, k := range casesOf(t, s, keeper.Viewer) {
		want(t, keeper.Post(caseAt(k.ID, "/decide"), "decision", "keep"), 303)
	}
	want(t, reader.Get(post), 200)
	if p := open(t, s.Guest(), "/c/tides"); !p.has(t, "Xylophone") {
		t.Error("approved, it is not in the channel")
	}
	if !open(t, reader, open1).has(t, "a zither comment") {
		t.Error("approved, the comment is not there")
	}
	recount(t, s)
	if next := c.Write("tides", "Third", "text"); reader.Get(next).Status != 200 {
		t.Error("after two that were approved the third waits too")
	}
}

func TestAnAuthorChangesTakesBackAndSendsAgainWhatWaits(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, reader := s.As("keeper", db.Plain), s.As("reader", db.Plain)
	keeper.Channel("tides")
	c := registers(t, s, "newcomer")
	post := c.Write("tides", "Waits", "text", "tags", "walks")
	f := open(t, c, "/p/"+idIn(post)+"/edit").form(t, "/p/"+idIn(post)+"/edit")
	want(t, c.Post(f.action, f.with("title", "Waits still", "tags", "hills")...), 303)
	want(t, reader.Get("/p/"+idIn(post)), 404)
	recount(t, s)
	want(t, reader.Post("/p/"+idIn(post)+"/edit", "title", "x", "body", "x"), 404)
	want(t, c.Post("/p/"+idIn(post)+"/delete"), 303)
	if n := len(casesOf(t, s, keeper.Viewer)); n != 0 {
		t.Errorf("taken back, %d cases wait", n)
	}
	want(t, c.Post("/p/"+idIn(post)+"/undelete"), 303)
	want(t, reader.Get("/p/"+idIn(post)), 404) // Undo is no way round the moderators
	if n := len(casesOf(t, s, keeper.Viewer)); n != 1 {
		t.Errorf("sent again, %d cases wait", n)
	}
	k := casesOf(t, s, keeper.Viewer)[0]
	want(t, keeper.Post(caseAt(k.ID, "/decide"), "decision", "keep"), 303)
	recount(t, s)
	want(t, keeper.Post(caseAt(k.ID, "/undo")), 303)
	want(t, reader.Get("/p/"+idIn(post)), 404)
	recount(t, s)
	want(t, keeper.Post(caseAt(k.ID, "/decide"), "decision", "remove", "why", "spam"), 303)
	want(t, c.Post("/p/"+idIn(post)+"/undelete"), 403)
	want(t, c.Post("/p/"+idIn(post)+"/edit", "title", "x", "body", "x"), 403)
	recount(t, s)
}

func TestWhatIsApprovedIsAsNewAsItsApproval(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper := s.As("keeper", db.Plain)
	keeper.Channel("tides")
	c := registers(t, s, "newcomer")
	c.Write("tides", "Was first", "text")
	time.Sleep(3 * time.Millisecond) // the two have different milliseconds
	keeper.Write("tides", "Was second", "text")
	k := casesOf(t, s, keeper.Viewer)[0]
	time.Sleep(3 * time.Millisecond)
	want(t, keeper.Post(caseAt(k.ID, "/decide"), "decision", "keep"), 303)
	body := want(t, s.Guest().Get("/c/tides?sort=new"), 200).Body
	if strings.Index(body, "Was first") > strings.Index(body, "Was second") {
		t.Error("what was approved last does not stand first")
	}
	if p := open(t, c, "/c/tides"); p.has(t, "Unread: Was first") || !p.has(t, "Unread: Was second") {
		t.Errorf("what was approved is news to its author: %s", text(p.main(t)))
	}
}

func TestTheRulesThatHold(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ctx := context.Background()
	keeper, mod, admin := s.As("keeper", db.Plain), s.As("mod", db.Moderator), s.As("admin", db.Admin)
	keeper.Channel("tides")
	want(t, mod.Post("/moderation/words", "word", "Miracle  CURE"), 303)
	want(t, mod.Post("/moderation/words", "word", "casino.example"), 303)
	want(t, mod.Post("/moderation/words", "word", "!!"), 422)
	fresh := 0
	// One whose first texts were approved long ago, at the lowest level.
	member := func() *apptest.Client {
		fresh++
		c := registers(t, s, fmt.Sprint("member", fresh))
		if err := s.DB.SetSetting(ctx, db.SettingHoldFirst, "0"); err != nil {
			t.Fatal(err)
		}
		id, err := s.DB.CreateMember(ctx, db.NewMember{Handle: fmt.Sprint("later", fresh), Origin: "registered"})
		if err != nil {
			t.Fatal(err)
		}
		c.SignIn(id)
		c.Viewer.ID = id
		return c
	}
	links := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[l](https://a%d.example/) ", i)
		}
		return b.String()
	}
	held := func(c *apptest.Client, body string) bool {
		t.Helper()
		return s.Guest().Get(c.Write("tides", "Title", body)).Status == 404
	}
	for _, test := range []struct {
		name, body string
		held       bool
	}{
		{"a plain text", "Nothing to see.", false},
		{"two links", links(2), false},
		{"three links", links(3), true},
		{"a hundred links", links(100), true},
		{"one link many times", strings.Repeat("https://a.example/ ", 20), false},
		{"a phrase of the list", "This MIRACLE, cure!", true},
		{"with letters that show nothing", "mir\u200bacle cure", true},
		{"in wide letters", "ｍｉｒａｃｌｅ cure", true},
		{"another word that has it in it", "miracle cures are none", false},
		{"a host of the list", "[x](https://www.casino.example/play)", true},
		{"another host that ends alike", "[x](https://notcasino.example/)", false},
	} {
		if got := held(member(), test.body); got != test.held {
			t.Errorf("%s: held is %v", test.name, got)
		}
	}
	want(t, member().Post("/c/tides/posts", "title", "500 links", "body", links(500)), 422) // more than a text may have at all
	if held(keeper, links(50)) || held(mod, "miracle cure") {
		t.Error("who keeps the channel, or staff, were held")
	}

	c, same := member(), "The very same sentence, said twice within a short while."
	if held(c, same) || !held(c, same) {
		t.Error("the same text is not held at its second time")
	}
	c = member()
	for n := range 5 {
		if got := held(c, fmt.Sprint("Text number ", n)); got != (n == 4) {
			t.Errorf("text %d within a minute: held is %v", n, got)
		}
	}
	c = member()
	post := c.Write("tides", "Innocent", "Nothing to see.")
	want(t, s.Guest().Get(post), 200)
	comment := keeper.Comment(post, "", "Welcome")
	want(t, c.Post("/p/"+idIn(post)+"/edit", "title", "Innocent", "body", "miracle cure"), 303)
	want(t, s.Guest().Get(post), 404)
	want(t, s.Guest().Get("/comments/"+comment), 404)
	recount(t, s)

	want(t, admin.Post("/admin/settings", db.SettingHoldAll, "on"), 303)
	if !held(member(), "Nothing to see.") || held(keeper, "Nothing either.") {
		t.Error("the switch does not hold everything of whom it should")
	}
	recount(t, s)
}

func TestAnEditOfWhatIsBeingRemovedBringsNothingBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, mod := s.As("author", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	for n := range 5 {
		post := author.Write("tides", fmt.Sprint("Raced ", n), "text")
		done := make(chan int)
		go func() { done <- author.Post("/p/"+idIn(post)+"/edit", "title", "Changed", "body", "changed").Status }()
		want(t, mod.Post("/p/"+idIn(post)+"/remove", "why", "spam"), 303)
		if status := <-done; status != 303 && status != 403 && status != 404 {
			t.Errorf("the edit answered %d", status)
		}
		want(t, s.Guest().Get("/p/"+idIn(post)), 404)
		want(t, author.Post("/p/"+idIn(post)+"/edit", "title", "Again", "body", "again"), 403)
	}
	recount(t, s)
}
