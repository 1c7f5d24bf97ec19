package web_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
	"codex/views/ui"
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

// menu is what the account menu of a page says.
func menu(t *testing.T, c *apptest.Client) (says string, links []string) {
	t.Helper()
	m := first(open(t, c, "/about").root, func(n *html.Node) bool { return attr(n, "id") == "account" })
	each(m, func(n *html.Node) {
		if tag("a")(n) {
			links = append(links, attr(n, "href"))
		}
	})
	return text(m), links
}

func TestTheMenuCountsWhatIsNotShownOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, mod, author := s.As("keeper", db.Plain), s.As("mod", db.Moderator), s.As("author", db.Plain)
	keeper.Channel("tides")
	post, below := author.Write("tides", "Xylophone", "text"), keeper.Write("tides", "Open", "text")
	comment := author.Comment(below, "", "words")
	own := author.Write("tides", "Mandolin", "taken back by oneself")
	want(t, author.Post("/p/"+idIn(own)+"/delete"), 303)
	counts := func(n string) {
		t.Helper()
		words, links := menu(t, author)
		if shown := strings.Contains(words, "Not shown to others "+n); shown != (n != "") || slices.Contains(links, "/u/author#unseen") != (n != "") {
			t.Errorf("the menu says %q, with links to %q; want %q", words, links, n)
		}
		if there := strings.Contains(author.Get("/u/author").Body, `id="unseen"`); there != (n != "") {
			t.Errorf("the page that it leads to has them: %v", there)
		}
	}
	counts("")
	want(t, mod.Post("/p/"+idIn(post)+"/remove", "why", "spam"), 303)
	counts("1")
	want(t, mod.Post("/comments/"+comment+"/remove", "why", "spam"), 303)
	counts("2")
	if words, _ := menu(t, mod); strings.Contains(words, "Not shown") {
		t.Errorf("whoever removed it is told too: %s", words)
	}
	want(t, keeper.Post("/c/tides/access", "visibility", "private", "slow", "0"), 303)
	counts("") // the page tells of nothing there either
	want(t, keeper.Post("/c/tides/access", "visibility", "public", "slow", "0"), 303)
	want(t, mod.Post("/p/"+idIn(post)+"/undelete"), 303)
	want(t, mod.Post("/comments/"+comment+"/undelete"), 303)
	want(t, mod.Post("/moderation/words", "word", "pelican"), 303)
	author.Write("tides", "Kazoo", "about a pelican")
	counts("1")
}

func TestTheMenuCountsWhoAsksToBeLetIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, asker, mod := s.As("keeper", db.Plain), s.As("asker", db.Plain), s.As("mod", db.Moderator)
	keeper.Channel("tides")
	want(t, keeper.Post("/c/tides/access", "visibility", "restricted", "slow", "0"), 303)
	if words, _ := menu(t, keeper); strings.Contains(words, "Requests") {
		t.Errorf("nobody asked, and the menu says %q", words)
	}
	want(t, asker.Post("/c/tides/ask", "note", "please"), 303)
	words, links := menu(t, keeper)
	if !strings.Contains(words, "Requests to join 1 waiting") || !slices.Contains(links, "/c/tides/members#requests") {
		t.Errorf("the menu says %q, with links to %q", words, links)
	}
	for _, c := range []*apptest.Client{asker, mod} {
		if words, _ := menu(t, c); strings.Contains(words, "Requests") {
			t.Errorf("@%s keeps no channel, and their menu says %q", c.Viewer.Handle, words)
		}
	}
	want(t, keeper.Post("/c/tides/requests/"+ui.ID(asker.Viewer.ID), "let", "in"), 303)
	if words, _ := menu(t, keeper); strings.Contains(words, "Requests") {
		t.Errorf("it is answered, and the menu says %q", words)
	}
}
