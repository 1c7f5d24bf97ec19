package web_test

import (
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
	"codex/views/ui"
)

func TestAMutedMembersWordsAreFoldedUp(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	me, loud, other := s.As("me", db.Plain), s.As("loud", db.Plain), s.As("other", db.Plain)
	me.Channel("tides")
	post := loud.Write("tides", "A loud title", "Text")
	mine := me.Write("tides", "My own", "Text")
	comment := loud.Comment(mine, "", "A loud comment")
	other.Comment(mine, comment, "A quiet reply")
	want(t, me.Post("/u/loud/block", "kind", "mute"), 303)
	for _, path := range []string{"/", "/c/tides", mine} {
		d := open(t, me, path)
		folded := first(d.root, tag("details"))
		for folded != nil && !strings.Contains(text(folded), "You muted loud") {
			folded = nil
			for _, n := range all(d.root, tag("details")) {
				if strings.Contains(text(n), "You muted loud") {
					folded = n
				}
			}
		}
		if folded == nil {
			t.Errorf("%s folds nothing up", path)
		}
	}
	if !open(t, me, mine).has(t, "A quiet reply") {
		t.Error("what others replied is gone")
	}
	for _, c := range []*apptest.Client{other, loud, s.Guest()} {
		if strings.Contains(c.Get("/c/tides").Body, "You muted") {
			t.Error("others see it folded up")
		}
	}
	if strings.Contains(me.Get("/u/loud").Body, "post-row-muted") {
		t.Error("their own page is folded up")
	}
	// A mute is private: the muted can do all as before.
	loud.Comment(mine, "", "Again")
	want(t, loud.Post(at(t, mine, "react"), "kind", "like"), 303)
	want(t, me.Get(post), 200)
	want(t, me.Post("/settings/blocks", "handle", "@loud", "kind", "none"), 303)
	if strings.Contains(me.Get("/c/tides").Body, "You muted") {
		t.Error("unmuted, and folded up still")
	}
}

func TestABlockedMemberCannotAnswerReactOrMention(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	me, loud, mod := s.As("me", db.Plain), s.As("loud", db.Plain), s.As("mod", db.Moderator)
	other := s.As("other", db.Plain)
	me.Channel("tides")
	mine := me.Write("tides", "My own", "Text")
	theirs := other.Write("tides", "Another's", "Text")
	mycomment := me.Comment(theirs, "", "I said")
	want(t, me.Post("/u/loud/block", "kind", "block"), 303)
	r := loud.Request("POST", at(t, mine, "comments"), "body", "my long answer")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	says(t, want(t, loud.Do(r), 403), "would rather not hear from you", "my long answer")
	want(t, loud.Post(at(t, theirs, "comments"), "parent", mycomment, "body", "x"), 403)
	want(t, loud.Post(at(t, mine, "react"), "kind", "like"), 403)
	want(t, loud.Post("/comments/"+mycomment+"/react", "kind", "dislike"), 403)
	want(t, loud.Get(mine), 200) // reading is nobody's to take
	c := loud.Comment(theirs, "", "Hello @me and @other")
	a := want(t, loud.Get(theirs), 200)
	if strings.Contains(a.Body, `href="/u/~`+ui.ID(me.Viewer.ID)+`"`) || !strings.Contains(a.Body, `href="/u/~`+ui.ID(other.Viewer.ID)+`"`) {
		t.Errorf("the mention of who blocked them is a link, or no mention is: comment %s", c)
	}
	want(t, other.Post(at(t, mine, "comments"), "body", "others go on"), 303)
	// Staff are not blocked, nor is oneself, and nothing else is a kind.
	want(t, me.Post("/u/mod/block", "kind", "block"), 403)
	want(t, me.Post("/settings/blocks", "handle", "me", "kind", "mute"), 422)
	want(t, me.Post("/settings/blocks", "handle", "nobody", "kind", "mute"), 422)
	want(t, me.Post("/u/loud/block", "kind", "curse"), 400)
	want(t, mod.Post(at(t, mine, "comments"), "body", "x"), 303)
	says(t, me.Get("/settings/blocks"), "@loud", "blocked")
	want(t, me.Post("/u/loud/block", "kind", "none"), 303)
	want(t, loud.Post(at(t, mine, "comments"), "body", "now"), 303)
}
