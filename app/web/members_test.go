package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestAMembersPageShowsWhoTheyAreAndWhatTheyWrote(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("Wren", db.Plain)
	if p := open(t, c, "/u/Wren"); !p.has(t, "What you write will gather on this page") || link(p.main(t), "Change your page") != "/settings" {
		t.Errorf("one's own empty page: %s", text(p.main(t)))
	}
	c.Channel("tides")
	var made []string
	for i := range 35 {
		title := fmt.Sprintf("Post %02d", i)
		made = append([]string{title}, made...)
		c.Comment(c.Write("tides", title, "Text"), "", fmt.Sprintf("Comment %02d", i))
	}
	for _, handle := range []string{"Wren", "wren", "WREN"} {
		p := open(t, s.Guest(), "/u/"+handle)
		if !p.has(t, "@Wren") || !p.has(t, "Posts 35") || !p.has(t, "Comments 35") || link(p.main(t), "Change your page") != "" {
			t.Errorf("the page: %s", text(p.main(t)))
		}
		if first(p.main(t), class("initial")) == nil {
			t.Error("no initial")
		}
	}
	if got := walk(t, s.Guest(), "/u/Wren", "Older posts"); !slices.Equal(got, made) {
		t.Errorf("posts %q", got)
	}
	var snippets []string
	for path := "/u/Wren?tab=comments"; path != ""; {
		p := open(t, s.Guest(), path)
		for _, n := range all(p.main(t), class("snippet")) {
			snippets = append(snippets, text(n))
		}
		if path = link(p.main(t), "Older comments"); path != "" {
			part := aPartial(t, want(t, s.Guest().Htmx("GET", path), 200))
			if len(all(part.root, class("result"))) != len(all(open(t, s.Guest(), path).root, class("result"))) {
				t.Error("the part has other rows than the page")
			}
		}
	}
	if len(snippets) != 35 || snippets[0] != "Comment 34" || snippets[34] != "Comment 00" {
		t.Errorf("comments %q", snippets)
	}
}

func TestTheMarginNamesTheChannelsOfAMemberThatTheReaderMaySee(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	wren, moss, guest := s.As("wren", db.Plain), s.As("moss", db.Plain), s.Guest()
	if margin := text(first(open(t, guest, "/u/wren").root, class("margin"))); !strings.Contains(margin, "No channel yet.") {
		t.Errorf("the margin of one who joined nothing: %s", margin)
	}
	wren.Channel("tides")
	moss.Channel("maps")
	want(t, wren.Post("/c/maps/join"), 303)
	want(t, wren.Post("/c", "slug", "cellar", "name", "cellar", "description", "Below", "visibility", string(db.Private)), 303)
	channels := func(c *apptest.Client) (list []string) {
		for _, n := range all(first(open(t, c, "/u/wren").root, class("margin")), class("channel-link")) {
			list = append(list, text(n))
		}
		slices.Sort(list)
		return list
	}
	for who, c := range map[string]*apptest.Client{"a guest": guest, "a member": moss} {
		if got := channels(c); !slices.Equal(got, []string{"maps", "tides owner"}) {
			t.Errorf("%s reads %q", who, got)
		}
	}
	if got := channels(s.As("ada", db.Admin)); !slices.Equal(got, []string{"cellar owner", "maps", "tides owner"}) {
		t.Errorf("an admin reads %q", got)
	}
	if p := open(t, wren, "/u/wren"); first(p.root, class("margin")) != nil || link(first(p.root, class("section")), "Drafts") == "" {
		t.Error("one's own page has the list of what is one's own in the margin's place")
	}
}

func TestWhoIsSuspendedIsOfferedNoPlaceToWrite(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, sulk := s.As("mod", db.Moderator), s.As("sulk", db.Plain)
	mod.Channel("tides")
	offers := func() (n int) {
		for _, path := range []string{"/", "/c/tides", "/nothing/here"} {
			for _, says := range []string{"Write", "Write here"} {
				if link(parse(t, sulk.Get(path)).root, says) != "" {
					n++
				}
			}
		}
		return n
	}
	if before := offers(); before < 4 {
		t.Errorf("a member is offered %d places to write", before)
	}
	done(s.DB.Suspend(t.Context(), mod.Viewer, sulk.Viewer.ID, db.Forever, "Twice warned"))
	if after := offers(); after != 0 {
		t.Errorf("a suspended member is offered %d places to write", after)
	}
}

func TestADisplayNameMayHaveSpacesAndBeSharedAndAHandleMayHaveAnyLetters(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, handle := range []string{"señor.é", "日本語人", "Ünï_1"} {
		c := joined(t, s, handle)
		want(t, c.Post("/settings/profile", "name", "The Same Name", "bio", ""), 303)
		path := attr(first(open(t, c, "/").root, func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/u/") }), "href")
		if p := open(t, s.Guest(), path); !p.has(t, "@"+handle) || !p.has(t, "The Same Name") {
			t.Errorf("%s: %s", path, text(p.main(t)))
		}
		m, err := s.DB.MemberByHandle(t.Context(), handle)
		if err != nil {
			t.Fatal(err)
		}
		a := want(t, c.Get(fmt.Sprintf("/u/~%d", m.ID)), 303)
		if strings.ContainsFunc(a.Location, func(r rune) bool { return r > '~' }) {
			t.Errorf("the header Location holds %q, which is not ASCII", a.Location)
		}
		if p, _ := follow(t, c, a.Location); p.Status != 200 || !p.has(t, "@"+handle) {
			t.Errorf("%q leads to %d", a.Location, p.Status)
		}
	}
}
