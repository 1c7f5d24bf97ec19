package web_test

import (
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

func TestTheAuthorFindsWhatWaitsAndWhatWasRemoved(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, reader, mod := s.As("keeper", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	keeper.Channel("tides")
	author := s.As("author", db.Plain)
	gone := author.Write("tides", "Xylophone", "a zither text")
	below := keeper.Write("tides", "Open", "text")
	comment := author.Comment(below, "", "an ocarina comment")
	want(t, mod.Post("/p/"+idIn(gone)+"/remove", "why", "spam", "note", "No advertising, please."), 303)
	want(t, mod.Post("/moderation/words", "word", "pelican"), 303)
	author.Write("tides", "Kazoo", "about a pelican")
	own := author.Write("tides", "Mandolin", "taken back by oneself")
	want(t, author.Post("/p/"+idIn(own)+"/delete"), 303)

	for who, c := range map[string]*apptest.Client{"the author": author, "a moderator": mod} {
		for _, path := range []string{"/u/author", "/u/author?tab=comments"} {
			p := want(t, c.Get(path), 200)
			says(t, p, "Not shown to others", "Xylophone", "Removed", "No advertising, please.", "Kazoo", "Waits for a moderator")
			if strings.Contains(p.Body, "Mandolin") {
				t.Errorf("%s finds what the author took back", who)
			}
		}
	}
	for who, c := range map[string]*apptest.Client{"a guest": s.Guest(), "a member": reader, "who keeps the channel": keeper} {
		for _, path := range []string{"/u/author", "/u/author?tab=comments"} {
			p := want(t, c.Get(path), 200)
			for _, canary := range []string{"Xylophone", "zither", "Kazoo", "pelican", "advertising", "Not shown to others"} {
				if strings.Contains(p.Body, canary) {
					t.Errorf("%s finds %q on %s", who, canary, path)
				}
			}
		}
	}
	// A comment too, and nothing of it when the channel is shut to its author.
	want(t, mod.Post("/comments/"+comment+"/remove", "why", "spam"), 303)
	says(t, author.Get("/u/author"), "an ocarina comment")
	want(t, keeper.Post("/c/tides/access", "visibility", "private", "slow", "0"), 303)
	if strings.Contains(author.Get("/u/author").Body, "ocarina") {
		t.Error("their page tells of a channel that they do not read any more")
	}
}
