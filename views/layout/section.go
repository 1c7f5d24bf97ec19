package layout

import (
	"context"
	"slices"
	"strings"

	"codex/db"
	"codex/views/ui"
)

// section is a group of pages that belong together, listed beside each of them: in the margin's place where there is
// one, as tabs above the leaf where there is none.
type section struct {
	name  string
	parts []part
}

// part is a page of a section, with the pages below its address; a root stands for itself alone.
type part struct {
	url, text string
	root      bool
}

func (p part) current(here string) bool {
	return here == p.url || !p.root && strings.HasPrefix(here, p.url+"/")
}

// section is the one that the page belongs to, by its address, as far as the viewer may see it; without parts when there
// is none, or when a margin has its place.
func (p Page) section(ctx context.Context) section {
	if p.Margin != nil {
		return section{}
	}
	here := p.here()
	within := func(roots ...string) bool {
		for _, r := range roots {
			if here == r || strings.HasPrefix(here, r+"/") || strings.HasPrefix(here, r+"?") {
				return true
			}
		}
		return false
	}
	own := string(ui.MemberURL(p.Viewer.Handle))
	switch in := p.Viewer.SignedIn(); {
	case within("/about", "/rules", "/privacy", "/log"):
		return section{ui.T(ctx, "This forum"), []part{
			{"/about", ui.T(ctx, "About"), true},
			{"/rules", ui.T(ctx, "Rules"), true},
			{"/privacy", ui.T(ctx, "Privacy"), true},
			{"/log", ui.T(ctx, "Moderation log"), true},
		}}
	case strings.HasPrefix(p.Current, "c/") && p.BackURL == ui.ChannelURL(p.Current[2:]) && within(string(p.BackURL)):
		parts := []part{{string(p.BackURL), ui.T(ctx, "Posts"), true}, {string(p.BackURL) + "/members", ui.T(ctx, "Members"), false}}
		keeps := slices.ContainsFunc(p.Rail, func(c db.RailChannel) bool { return c.Keeps && "c/"+c.Slug == p.Current })
		if settings := string(p.BackURL) + "/settings"; keeps || p.Viewer.Staff() || here == settings {
			parts = append(parts, part{settings, ui.T(ctx, "Settings"), false})
		}
		return section{p.BackName, parts}
	case in && within("/settings"):
		return section{ui.T(ctx, "Settings"), []part{
			{"/settings", ui.T(ctx, "You"), true},
			{"/settings/email", ui.T(ctx, "E-mail"), false},
			{"/settings/notifications", ui.T(ctx, "Notifications"), false},
			{"/settings/second-factor", ui.T(ctx, "Second factor"), false},
			{"/settings/invites", ui.T(ctx, "Ask others in"), false},
			{"/settings/trust", ui.T(ctx, "Trust and limits"), false},
			{"/settings/blocks", ui.T(ctx, "Muted and blocked"), false},
			{"/settings/data", ui.T(ctx, "Your data"), false},
		}}
	case in && within("/saved", "/drafts", "/invitations", own):
		return section{ui.T(ctx, "Yours"), []part{
			{own, ui.T(ctx, "Your page"), true},
			{"/drafts", ui.T(ctx, "Drafts"), false},
			{"/saved", ui.T(ctx, "Saved"), false},
			{"/invitations", ui.T(ctx, "Invitations"), false},
			{"/settings", ui.T(ctx, "Settings"), true},
		}}
	case (p.Moderates || p.Viewer.Staff()) && within("/moderation"):
		parts := []part{{"/moderation", ui.T(ctx, "Waiting"), true}, {"/moderation?tab=decided", ui.T(ctx, "Decided"), true}}
		if p.Viewer.Staff() {
			parts = append(parts,
				part{"/moderation/registrations", ui.T(ctx, "Joining"), false},
				part{"/moderation/newcomers", ui.T(ctx, "Newcomers"), false},
				part{"/moderation/words", ui.T(ctx, "Watch list"), false},
				part{"/moderation/bans", ui.T(ctx, "Kept out"), false},
				part{"/moderation/log", ui.T(ctx, "Log"), false})
		}
		return section{ui.T(ctx, "Moderation"), parts}
	case p.Viewer.Role == db.Admin && within("/admin"):
		return section{ui.T(ctx, "Running the forum"), []part{
			{"/admin", ui.T(ctx, "The desk"), true},
			{"/admin/settings", ui.T(ctx, "Settings"), false},
			{"/admin/webhooks", ui.T(ctx, "Webhooks"), false},
			{"/admin/jobs", ui.T(ctx, "Jobs"), false},
			{"/moderation", ui.T(ctx, "Moderation"), false},
		}}
	}
	return section{}
}

// here is the address without its query, but for the one that is a page of a section.
func (p Page) here() string {
	path, query, _ := strings.Cut(p.Path, "?")
	if path == "/moderation" && strings.Contains(query, "tab=decided") {
		return path + "?tab=decided"
	}
	return path
}
