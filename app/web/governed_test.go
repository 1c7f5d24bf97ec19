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

func TestWhoDecidesNothingCannotDecideSeveralAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "A title", "Text")
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	id := casesOf(t, s, mod.Viewer)[0].ID
	want(t, reader.Post("/moderation/bulk", "decision", "keep", "case", fmt.Sprint(id)), 403)
	want(t, reader.Post("/moderation/bulk", "decision", "keep", "case", "99999"), 403)
	want(t, mod.Post("/moderation/bulk", "decision", "keep", "case", fmt.Sprint(id)), 303)
}

func TestWhatNobodyDecidedCannotBeUndone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "A title", "Text")
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	id := casesOf(t, s, mod.Viewer)[0].ID
	for _, c := range []*apptest.Client{mod, author} { // the author owns the channel
		says(t, want(t, c.Post(caseAt(id, "/undo")), 409), "nobody has decided it")
		want(t, c.Post(caseAt(99999, "/undo")), 404)
	}
	want(t, reader.Post(caseAt(id, "/undo")), 404)
	want(t, mod.Post(caseAt(id, "/decide"), "decision", "keep"), 303)
	want(t, author.Post(caseAt(id, "/undo")), 403) // another's decision
	want(t, mod.Post(caseAt(id, "/undo")), 303)
	want(t, mod.Post(caseAt(id, "/undo")), 409)
}

func TestASweepThatIsUndoneTwiceIsUndoneOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod := s.As("mod", db.Moderator)
	s.As("loud", db.Plain)
	to := want(t, mod.Post("/moderation/sweeps", "member", "loud", "reason", "Spam"), 303).Location
	for range 2 {
		if a := want(t, mod.Post(to+"/undo"), 303); a.Location != to {
			t.Errorf("it leads to %q", a.Location)
		}
	}
	want(t, mod.Post("/moderation/sweeps/99999/undo"), 404)
	if n := strings.Count(mod.Get("/moderation/log").Body, "class=\"is-undone\""); n != 1 {
		t.Errorf("%d entries are undone", n)
	}
}

func TestWhoIsSuspendedKeepsTheirAccountAndChangesNoPublicText(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, c := s.As("mod", db.Moderator), joined(t, s, "loud")
	want(t, c.Post("/settings/profile", "name", "Loud", "bio", "Before"), 303)
	want(t, mod.Post("/moderation/members/loud/bar", "kind", "suspend", "for", "3d", "reason", "You shouted."), 303)
	says(t, want(t, c.Post("/settings/profile", "name", "Victim of the moderators", "bio", "canary"), 403), "suspended your account until", "You shouted.")
	want(t, c.Post("/settings/handle", "handle", "louder"), 403)
	if page := mod.Get("/u/loud"); !strings.Contains(page.Body, "Before") || strings.Contains(page.Body, "Victim") {
		t.Error("the page of the suspended member has changed")
	}
	want(t, c.Post("/settings/theme", "theme", "dark"), 303)
	want(t, c.Post("/settings/time-zone", "time_zone", "Europe/Lisbon"), 303)
	want(t, c.Post("/settings/email", "email", "loud@example.net"), 303)
	want(t, c.Post("/settings/password", "password", apptest.Password, "new", "another long password"), 303)
	want(t, c.Post("/settings/sessions/end"), 303)
	want(t, c.Post("/settings/data/export"), 200)
	want(t, c.Post("/settings/data/delete", "handle", "loud"), 200)
}

func TestWhoIsSuspendedDoesNotModerate(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, reader := s.As("keeper", db.Plain), s.As("reader", db.Plain)
	admin, mod := s.As("admin", db.Admin), s.As("mod", db.Moderator)
	keeper.Channel("tides")
	post := keeper.Write("tides", "A title", "Text")
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam", "note", "canary"), 303)
	id := casesOf(t, s, keeper.Viewer)[0].ID
	want(t, keeper.Get("/moderation"), 200)
	for _, name := range []string{"keeper", "mod"} {
		want(t, admin.Post("/moderation/members/"+name+"/bar", "kind", "suspend", "for", "3d", "reason", "A pause."), 303)
	}
	for _, c := range []*apptest.Client{keeper, mod} {
		says(t, want(t, c.Get("/moderation"), 403), "suspended your account until")
		want(t, c.Get(caseAt(id, "")), 404)
		if c.Post(caseAt(id, "/decide"), "decision", "keep").Status < 400 || c.Post("/moderation/bulk", "decision", "keep", "case", fmt.Sprint(id)).Status != 403 {
			t.Errorf("%s decides", c.Viewer.Handle)
		}
		if page := want(t, c.Get(post), 200); strings.Contains(page.Body, "canary") {
			t.Error("the post tells of the flag")
		}
	}
	for _, path := range []string{"/moderation/log", "/moderation/members/reader", "/moderation/newcomers", "/moderation/words", "/moderation/bans"} {
		want(t, mod.Get(path), 403)
	}
	want(t, admin.Post("/moderation/members/keeper/lift"), 303)
	want(t, keeper.Get("/moderation"), 200)
}

func TestADeletedChannelsPostsAreNamedToNobody(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, mod, admin := s.As("owner", db.Plain), s.As("mod", db.Moderator), s.As("admin", db.Admin)
	owner.Channel("tides")
	post := owner.Write("tides", "Canary of a title", "canary of a text")
	owner.Comment(post, "", "canary of a comment")
	want(t, mod.Post(at(t, post, "remove"), "why", "spam"), 303)
	before := mod.Get("/moderation/log").Body + mod.Get("/moderation/members/owner").Body
	if strings.Count(before, "Canary of a title") < 2 {
		t.Fatal("the moderator does not read of the post while its channel is there")
	}
	want(t, owner.Post("/c/tides/delete", "confirm", "tides"), 303)
	for _, c := range []*apptest.Client{mod, admin} {
		for _, path := range []string{"/moderation/log", "/moderation/members/owner"} {
			page := want(t, c.Get(path), 200)
			if strings.Contains(strings.ToLower(page.Body), "canary") || strings.Contains(page.Body, `href="/p/`+idIn(post)) || strings.Contains(page.Body, `href="/c/tides"`) {
				t.Errorf("%s shows %s what nobody reads any more", path, c.Viewer.Handle)
			}
		}
		says(t, c.Get("/moderation/members/owner"), "In a channel that was deleted")
	}
	id := channelOf(t, s, "tides")
	want(t, admin.Post(fmt.Sprintf("/admin/channels/%d/restore", id)), 303)
	says(t, mod.Get("/moderation/log"), "Canary of a title")
}

// channelOf finds the id of a channel, deleted or not.
func channelOf(t *testing.T, s *apptest.Site, slug string) int64 {
	t.Helper()
	list, err := s.DB.DeletedChannels(context.Background(), db.Viewer{ID: 1, Role: db.Admin})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Slug == slug {
			return c.ID
		}
	}
	c, err := s.DB.ChannelBySlug(context.Background(), db.Viewer{}, slug)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestALinkToAChannelIsForThoseWhoMayReadIt(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, in, out, mod := s.As("owner", db.Plain), s.As("in", db.Plain), s.As("out", db.Plain), s.As("mod", db.Moderator)
	owner.Channel("square")
	owner.Channel("cellar")
	want(t, in.Post("/c/cellar/join"), 303)
	post := out.Write("square", "A title", "See #cellar, #square and [a link](/c/cellar).")
	out.Comment(post, "", "Also in #cellar")
	want(t, out.Post("/settings/profile", "name", "Out", "bio", "Often in #cellar"), 303)
	want(t, owner.Post("/c/square/settings", "name", "Square", "description", "About", "rules", "Not what is for #cellar"), 303)
	link := fmt.Sprintf(`<a href="/c/~%d" class="channel-ref">#cellar</a>`, channelOf(t, s, "cellar"))
	pages := []string{post, "/u/out", "/c/square"}
	links := func(c *apptest.Client) (n int) {
		for _, path := range pages {
			page := want(t, c.Get(path), 200)
			n += strings.Count(page.Body, link)
			if !strings.Contains(page.Body, "#cellar") {
				t.Errorf("%s has lost what was typed", path)
			}
		}
		return n
	}
	if n := links(s.Guest()); n != 4 {
		t.Fatalf("%d links while the channel is public", n)
	}
	for _, visibility := range []string{"private", "public", "restricted", "private"} {
		want(t, owner.Post("/c/cellar/access", "visibility", visibility, "slow", "0"), 303)
		for _, c := range []*apptest.Client{s.Guest(), out, in, mod} {
			hidden := visibility == "private" && c != in && c != mod
			if n := links(c); hidden && n != 0 || !hidden && n != 4 {
				t.Errorf("%s, %q has %d links", visibility, c.Viewer.Handle, n)
			}
		}
	}
	if page := s.Guest().Get(post); !strings.Contains(page.Body, `class="channel-ref">#square</a>`) || !strings.Contains(page.Body, `<a href="/c/cellar"`) {
		t.Error("another link is gone too")
	}
	want(t, owner.Post("/c/cellar/delete", "confirm", "cellar"), 303)
	if n := links(mod) + links(in); n != 0 {
		t.Errorf("%d links to a channel that is deleted", n)
	}
}

func TestAPreviewMentionsWhomTheTextWillMention(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	me, other := s.As("me", db.Plain), s.As("other", db.Plain)
	other.Channel("tides")
	want(t, me.Post("/u/other/block", "kind", "block"), 303)
	for c, links := range map[*apptest.Client]bool{other: false, s.Guest(): true} {
		a := want(t, c.Htmx("POST", "/preview", "body", "Ask @me"), 200)
		if strings.Contains(a.Body, `class="mention"`) != links {
			t.Errorf("the preview for %q: %s", c.Viewer.Handle, a.Body)
		}
	}
	if post := other.Write("tides", "A title", "Ask @me"); strings.Contains(other.Get(post).Body, `class="mention"`) {
		t.Error("the text mentions who blocked its author")
	}
}

func TestAMutedMembersCommentComesFoldedUpAlone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	me, loud := s.As("me", db.Plain), s.As("loud", db.Plain)
	me.Channel("tides")
	comment := loud.Comment(me.Write("tides", "A title", "Text"), "", "A loud comment")
	folded := func(c *apptest.Client) bool {
		return strings.Contains(want(t, c.Htmx("GET", "/comments/"+comment), 200).Body, "You muted loud")
	}
	if folded(me) {
		t.Error("folded up before")
	}
	want(t, me.Post("/u/loud/block", "kind", "mute"), 303)
	if !folded(me) || folded(loud) || folded(s.Guest()) {
		t.Error("it is not folded up for who muted its author, or for others")
	}
}

// TestDangerousActsAskForThePassword holds the list at Server.fresh.
func TestDangerousActsAskForThePassword(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	admin, other := s.As("admin", db.Admin), s.As("other", db.Plain)
	admin.Channel("tides")
	want(t, other.Post("/c/tides/join"), 303)
	role := fmt.Sprintf("/c/tides/members/%d/role", other.Viewer.ID)
	at.pass(11 * time.Minute)
	for path, form := range map[string][]string{
		"/settings/email": {"email", "a@example.net"}, "/settings/second-factor/codes": nil, "/settings/second-factor/off": nil,
		"/settings/data/export": nil, "/settings/data/delete": {"handle", "admin"},
		"/moderation/members/other/role": {"role", "admin"}, "/admin/settings": {"registration", "open", "read_only", "on"},
		"/moderation/bans": {"kind", "network", "value", "203.0.113.0/24", "sure", "203.0.113.0/24", "for", "1d"}, role: {"role", "owner"},
	} {
		page := parse(t, want(t, admin.Post(path, form...), 403))
		f := page.form(t, path)
		if !strings.Contains(page.Body, `name="proof"`) {
			t.Errorf("%s does not ask for the password", path)
		}
		for i := 0; i+1 < len(form); i += 2 {
			if f.get(form[i]) != form[i+1] {
				t.Errorf("%s forgets %s", path, form[i])
			}
		}
	}
	want(t, admin.Post("/settings/second-factor", "secret", "x", "code", "1"), 303)
	want(t, admin.Post("/settings/password", "password", "a wrong password", "new", "another long password"), 422)
	for path, form := range map[string][]string{ // which do not, and why is said there
		role: {"role", "moderator"}, "/settings/invites": {"uses", "5", "hours", "24"}, "/moderation/sweeps": {"member", "other"},
		"/c/tides/access": {"visibility", "restricted", "slow", "0"}, "/settings/handle": {"handle", "the-admins"},
	} {
		if a := admin.Post(path, form...); a.Status >= 400 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	want(t, admin.Post("/settings/sessions/end"), 303)
}

func TestNobodyIsInvitedToAChannelBeforeTheyAreIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner := s.As("owner", db.Plain)
	owner.Channel("tides")
	if _, err := s.DB.CreateMember(t.Context(), db.NewMember{Handle: "waiting", Password: noPassword, Origin: "registered", Pending: true}); err != nil {
		t.Fatal(err)
	}
	want(t, owner.Post("/c/tides/invitations", "handle", "waiting"), 422)
	joined(t, s, "neighbour")
	want(t, owner.Post("/c/tides/invitations", "handle", "neighbour"), 303)
}

func TestAnAddressOfABannedDomainIsNotTakenInASettingEither(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, c := s.As("mod", db.Moderator), joined(t, s, "holder")
	want(t, mod.Post("/moderation/bans", "kind", "mail", "value", "throwaway.example", "for", "ever"), 303)
	says(t, want(t, c.Post("/settings/email", "email", "me@box.throwaway.example"), 422), "Addresses of this domain are not taken here.")
	want(t, c.Post("/settings/email", "email", "me@example.net"), 303)
}

func TestAMemberInvitesAsManyAsTheirTrustAllows(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	if err := s.DB.SetSetting(t.Context(), db.SettingInviteMakers, "members"); err != nil {
		t.Fatal(err)
	}
	mod, c := s.As("mod", db.Moderator), joined(t, s, "eager")
	says(t, c.Get("/settings/invites"), "Who is new here cannot invite yet.")
	invite := func() apptest.Answer { return c.Post("/settings/invites", "uses", "1", "hours", "24") }
	want(t, invite(), 409)
	for level, open := range map[string]int{"1": 2, "2": 5} {
		want(t, mod.Post("/moderation/members/eager/trust", "level", level), 303)
		made := 0
		for invite().Status == 200 {
			made++
		}
		if made != open {
			t.Errorf("level %s made %d invites", level, made)
		}
		says(t, want(t, invite(), 409), fmt.Sprintf("You may have %d invitations that still work.", open))
		list, err := s.DB.Invites(t.Context(), viewerOf(t, s, "eager"), db.Cursor{}, 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list {
			if i.Usable {
				want(t, c.Post(fmt.Sprintf("/settings/invites/%d/end", i.ID)), 303)
			}
		}
	}
}

func viewerOf(t *testing.T, s *apptest.Site, handle string) db.Viewer {
	t.Helper()
	m, err := s.DB.MemberByHandle(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	return db.Viewer{ID: m.ID, Handle: m.Handle, Role: m.Role}
}

func TestAnOldHandleSignsInAndLeadsToItsMember(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, other := joined(t, s, "before"), s.As("other", db.Plain)
	other.Channel("tides")
	post := other.Write("tides", "A title", "Ask @before")
	want(t, c.Post("/settings/handle", "handle", "afterwards"), 303)
	later := other.Write("tides", "Another", "Ask @before again")
	for _, path := range []string{post, later} {
		page := want(t, s.Guest().Get(path), 200)
		_, rest, _ := strings.Cut(page.Body, `href="/u/~`)
		id, _, _ := strings.Cut(rest, `"`)
		if a := s.Guest().Get("/u/~" + id); a.Location != "/u/afterwards" {
			t.Errorf("the mention leads to %q", a.Location)
		}
	}
	if a := s.Guest().Get("/u/before"); a.Location != "/u/afterwards" {
		t.Errorf("the old address leads to %q", a.Location)
	}
	for _, name := range []string{"before", "Before", "afterwards", "before@example.org"} {
		in := s.Guest()
		if want(t, signIn(in, name, apptest.Password), 303); isGuest(t, in) {
			t.Errorf("%q signs nobody in", name)
		}
	}
	want(t, signIn(s.Guest(), "before", "a wrong password"), 422)
	want(t, s.Guest().Post("/register", "handle", "before", "password", apptest.Password), 422)
}

func TestEveryTimeStandsOnTheMembersClock(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	admin, c := s.As("admin", db.Admin), joined(t, s, "eastern")
	want(t, c.Post("/settings/time-zone", "time_zone", "Asia/Tokyo"), 303)
	until := time.Now().Add(3 * 24 * time.Hour)
	want(t, admin.Post("/moderation/members/eastern/bar", "kind", "suspend", "for", "3d", "reason", "A pause."), 303)
	page := visible(want(t, c.Post("/c", "slug", "tides", "name", "Tides", "description", "About"), 403).Body)
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page, until.In(zone).Format("2 January 2006, 15:04 MST")) && !strings.Contains(page, until.Add(time.Minute).In(zone).Format("2 January 2006, 15:04 MST")) {
		t.Errorf("not on Tokyo's clock: %s", page)
	}
	if strings.Contains(page, "UTC") {
		t.Error("it speaks of UTC")
	}
	says(t, admin.Get("/moderation/members/eastern"), "UTC")
}

func TestThePrivacyPageSaysHowLongAddressesAreKept(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	says(t, s.Guest().Get("/privacy"), "registered from is kept for 30 days", "after 14 days without a visit", "after 90 days in any case", "log of requests: time, address")
}

func TestWhoSweepsIsToldWhatItTouches(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	mod, c := s.As("mod", db.Moderator), registers(t, s, "loud")
	mod.Channel("tides")
	mine := mod.Write("tides", "A title", "Text")
	write := func(title string) string {
		return want(t, c.Post("/c/tides/posts", "title", title, "body", title, "kind", "discussion"), 303).Location
	}
	write("One that is shown")
	write("Another that is shown")
	for _, found := range casesOf(t, s, mod.Viewer) {
		want(t, mod.Post(caseAt(found.ID, "/decide"), "decision", "keep"), 303)
	}
	want(t, c.Post(at(t, write("One that is deleted"), "delete")), 303)
	if err := s.DB.SetSetting(t.Context(), db.SettingHoldAll, "on"); err != nil {
		t.Fatal(err)
	}
	write("One that waits")
	want(t, c.Post(at(t, mine, "comments"), "body", "This waits too"), 303)
	for _, query := range []string{"member=loud", "since=" + fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli())} {
		says(t, mod.Get("/moderation/sweep?"+query), "Shown, and hidden by this 2 posts, 0 comments", "Waiting, and out of the queue 1 post, 1 comment", "Hidden already, and left so 1 post, 0 comments")
	}
}
