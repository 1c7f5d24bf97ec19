package layout

import (
	"context"
	"testing"

	"github.com/a-h/templ"

	"codex/db"
)

func TestAPageOfASectionListsItsSectionAndMarksItself(t *testing.T) {
	t.Parallel()
	member := db.Viewer{ID: 1, Handle: "pilar", Role: db.Plain}
	moderator := db.Viewer{ID: 2, Handle: "tobias", Role: db.Moderator}
	admin := db.Viewer{ID: 3, Handle: "wren", Role: db.Admin}
	keeps := []db.RailChannel{{Slug: "bread", Keeps: true}}
	for _, c := range []struct {
		name            string
		page            Page
		parts           int
		section, marked string
	}{
		{"front page", Page{Path: "/", Viewer: member}, 0, "", ""},
		{"a guest's way round the rules", Page{Path: "/rules"}, 4, "This forum", "/rules"},
		{"settings", Page{Path: "/settings", Viewer: member}, 8, "Settings", "/settings"},
		{"a page below one", Page{Path: "/settings/second-factor/new?x=1", Viewer: member}, 8, "Settings", "/settings/second-factor"},
		{"settings, to a guest", Page{Path: "/settings"}, 0, "", ""},
		{"what is kept", Page{Path: "/saved?after=7", Viewer: member}, 5, "Yours", "/saved"},
		{"one's own page", Page{Path: "/u/pilar?tab=comments", Viewer: member}, 5, "Yours", "/u/pilar"},
		{"somebody else's", Page{Path: "/u/pilarica", Viewer: member}, 0, "", ""},
		{"the queue of staff", Page{Path: "/moderation", Viewer: moderator}, 7, "Moderation", "/moderation"},
		{"what is decided", Page{Path: "/moderation?tab=decided&kind=flag", Viewer: moderator}, 7, "Moderation", "/moderation?tab=decided"},
		{"the queue of who keeps a channel", Page{Path: "/moderation", Viewer: member, Moderates: true}, 2, "Moderation", "/moderation"},
		{"the queue, to who has none", Page{Path: "/moderation", Viewer: member}, 0, "", ""},
		{"the desk", Page{Path: "/admin/settings", Viewer: admin}, 5, "Running the forum", "/admin/settings"},
		{"the desk, to a moderator", Page{Path: "/admin", Viewer: moderator}, 0, "", ""},
		{"a channel's members", Page{Path: "/c/bread/members", Current: "c/bread", BackURL: "/c/bread", BackName: "Bread", Viewer: member}, 2, "Bread", "/c/bread/members"},
		{"to who keeps it", Page{Path: "/c/bread/members", Current: "c/bread", BackURL: "/c/bread", BackName: "Bread", Viewer: member, Rail: keeps}, 3, "Bread", "/c/bread/members"},
		{"a post's history", Page{Path: "/p/9/history", Current: "c/bread", BackURL: "/p/9/x", Viewer: member}, 0, "", ""},
		{"a page with a margin", Page{Path: "/settings", Viewer: member, Margin: templ.NopComponent}, 0, "", ""},
	} {
		s, marked := c.page.section(context.Background()), ""
		for _, p := range s.parts {
			if p.current(c.page.here()) {
				marked += p.url
			}
		}
		if s.name != c.section || len(s.parts) != c.parts || marked != c.marked {
			t.Errorf("%s: section %q of %d with %q marked, want %q of %d with %q", c.name, s.name, len(s.parts), marked, c.section, c.parts, c.marked)
		}
	}
}
