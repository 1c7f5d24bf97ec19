package web_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

func TestAMemberOpensAChannel(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Plain)
	f := open(t, c, "/c/new").form(t, "/c")
	fields := f.with("name", "Tide tables", "slug", " Tide-Tables ", "description", "When the water comes", "rules", "Be **kind**")
	if a := want(t, c.Post(f.action, fields...), 303); a.Location != "/c/tide-tables" {
		t.Errorf("leads to %q", a.Location)
	}
	p := open(t, c, "/c/tide-tables")
	for _, words := range []string{"Tide tables", "When the water comes", "1 member", "Joined"} {
		if !p.has(t, words) {
			t.Errorf("the page does not show %q", words)
		}
	}
	margin := p.id("margin")
	if first(margin, tag("strong")) == nil || !strings.Contains(text(margin), "keeper") {
		t.Errorf("the margin shows neither the rules nor who keeps it: %s", text(margin))
	}
	if link(open(t, s.Guest(), "/c").root, "Tide tables") != "/c/tide-tables" {
		t.Error("it is not in the list")
	}
	if a := want(t, c.Post(f.action, fields...), 303); a.Location != "/c/tide-tables" {
		t.Errorf("sent twice, it leads to %q", a.Location)
	}
}

func TestAChannelThatIsNotAcceptedKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Plain)
	c.Channel("taken")
	for _, test := range []struct{ name, title, slug, about, rules, field string }{
		{"no name", " ", "fine", "About", "", "name"},
		{"a long name", strings.Repeat("ä", 61), "fine", "About", "", "name"},
		{"a name that turns around", "a\u202eb", "fine", "About", "", "name"},
		{"no address, and a name that makes none", "!!!", "", "About", "", "slug"},
		{"a short address", "Fine", "a", "About", "", "slug"},
		{"a long address", "Fine", strings.Repeat("a", 41), "About", "", "slug"},
		{"an address with a slash", "Fine", "a/b", "About", "", "slug"},
		{"an address of other letters", "Fine", "größe", "About", "", "slug"},
		{"an address that begins with a hyphen", "Fine", "-a", "About", "", "slug"},
		{"an address that is an action", "Fine", "new", "About", "", "slug"},
		{"an address that is taken", "Fine", "taken", "About", "", "slug"},
		{"an address that is taken, in capitals", "Fine", "TAKEN", "About", "", "slug"},
		{"no description", "Fine", "fine", " ", "", "description"},
		{"a long description", "Fine", "fine", strings.Repeat("ä", 301), "", "description"},
		{"a description with a NUL", "Fine", "fine", "a\x00b", "", "description"},
		{"a description that turns around", "Fine", "fine", "a\u202eb", "", "description"},
		{"rules beyond a limit", "Fine", "fine", "About", strings.Repeat("> ", 40), "rules"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, c, "/c/new").form(t, "/c")
			p := parse(t, want(t, c.Post("/c", f.with("name", test.title, "slug", test.slug, "description", test.about, "rules", test.rules)...), 422))
			if attr(p.field(t, test.field), "aria-invalid") != "true" || p.id(test.field+"-error") == nil {
				t.Errorf("the field %s is not marked", test.field)
			}
			back := p.form(t, "/c")
			for name, typed := range map[string]string{"name": test.title, "slug": strings.ToLower(test.slug), "description": test.about, "rules": test.rules, "key": f.get("key")} {
				if got := back.get(name); strings.TrimSpace(got) != strings.TrimSpace(strings.ReplaceAll(typed, "\x00", "\ufffd")) {
					t.Errorf("%s is now %.60q, not %.60q", name, got, typed)
				}
			}
		})
	}
}

func TestJoiningAndLeaving(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, c := s.As("keeper", db.Plain), s.As("reader", db.Plain)
	keeper.Channel("tides")
	members := func() string {
		return text(first(open(t, s.Guest(), "/c/tides").root, func(n *html.Node) bool { return attr(n, "href") == "/c/tides/members" }))
	}
	for range 2 {
		want(t, c.Post("/c/tides/join"), 303)
		if got := members(); got != "2 members" {
			t.Errorf("after joining: %s", got)
		}
	}
	if link(open(t, c, "/about").root, "tides") != "/c/tides" {
		t.Error("it is not in the rail")
	}
	if p := open(t, c, "/c/tides/members"); !p.has(t, "@reader") || !p.has(t, "@keeper · owner") {
		t.Errorf("the list of members: %s", text(p.main(t)))
	}
	for range 2 {
		want(t, c.Post("/c/tides/leave"), 303)
		if got := members(); got != "1 member" {
			t.Errorf("after leaving: %s", got)
		}
	}
	for _, step := range []struct{ path, next string }{{"/c/tides/join", "/c/tides/leave"}, {"/c/tides/leave", "/c/tides/join"}} {
		part := aPartial(t, want(t, c.Htmx("POST", step.path), 200))
		if !part.hasForm(step.next) {
			t.Errorf("the part after %s: %s", step.path, part.Body)
		}
		onPage := open(t, c, "/c/tides").form(t, step.next)
		if render(t, first(part.root, tag("form"))) != render(t, onPage.node) {
			t.Errorf("the part after %s is not what stands on the page", step.path)
		}
	}
	// The owner stays: a channel without one could not be kept.
	want(t, keeper.Post("/c/tides/leave"), 303)
	part := aPartial(t, want(t, keeper.Htmx("POST", "/c/tides/leave"), 200))
	if got := members(); got != "1 member" || !part.hasForm("/c/tides/leave") || !open(t, keeper, "/c/tides").hasForm("/c/tides/leave") {
		t.Errorf("the owner has left, or is told so: %s, %s", got, part.Body)
	}
	want(t, c.Post("/c/none/join"), 404)
	want(t, c.Htmx("POST", "/c/none/join"), 404)
}

func TestOnlyItsKeepersChangeAChannel(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, staff, other := s.As("keeper", db.Plain), s.As("staff", db.Moderator), s.As("other", db.Plain)
	keeper.Channel("tides")
	want(t, other.Post("/c/tides/join"), 303)
	want(t, other.Get("/c/tides/settings"), 403)
	want(t, other.Post("/c/tides/settings", "name", "Mine", "description", "Mine"), 403)
	if link(open(t, other, "/c/tides").root, "Channel settings") != "" {
		t.Error("others are offered the settings")
	}
	for _, c := range []*apptest.Client{keeper, staff} {
		f := open(t, c, "/c/tides/settings").form(t, "/c/tides/settings")
		if f.get("name") == "" || f.get("description") == "" {
			t.Errorf("the form does not hold the channel: %q", f.fields)
		}
		name := "Tides of " + c.Viewer.Handle
		want(t, c.Post(f.action, f.with("name", name)...), 303)
		if p := open(t, s.Guest(), "/c/tides"); !p.has(t, name) {
			t.Errorf("it is not called %s", name)
		}
	}
	p := parse(t, want(t, keeper.Post("/c/tides/settings", "name", "", "description", "Kept", "rules", "Kept too"), 422))
	f := p.form(t, "/c/tides/settings")
	if f.get("description") != "Kept" || f.get("rules") != "Kept too" || attr(p.field(t, "name"), "aria-invalid") != "true" {
		t.Errorf("what was typed is not kept: %q", f.fields)
	}
	if h := first(p.main(t), tag("h1")); text(h) != "Channel settings" {
		t.Errorf("the page is headed %q", text(h))
	}
}

func TestASettingSaysWhoOpensChannels(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, staff := s.As("member", db.Plain), s.As("staff", db.Moderator)
	if err := s.DB.SetSetting(t.Context(), db.SettingChannelMakers, "moderators"); err != nil {
		t.Fatal(err)
	}
	want(t, c.Get("/c/new"), 403)
	want(t, c.Post("/c", "slug", "tides", "name", "Tides", "description", "About"), 403)
	if open(t, c, "/c"); link(open(t, c, "/c").root, "Open a channel") != "" {
		t.Error("a member is offered what they may not do")
	}
	staff.Channel("tides")
	if link(open(t, staff, "/c").root, "Open a channel") != "/c/new" {
		t.Error("staff are not offered to open one")
	}
}

func TestTheListsOfChannelsAndMembersGoOn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Moderator)
	var made []string
	for i := range 60 {
		made = append(made, "/c/"+c.Channel(fmt.Sprintf("channel-%02d", i)))
	}
	listed := func(d doc) (hrefs []string) {
		for _, n := range all(d.root, class("channel-row-name")) {
			hrefs = append(hrefs, attr(first(n, tag("a")), "href"))
		}
		return hrefs
	}
	p := open(t, c, "/c")
	next := link(p.main(t), "More channels")
	got := append(listed(p), listed(open(t, c, next))...)
	part := aPartial(t, want(t, c.Htmx("GET", next), 200))
	if len(listed(part)) != 10 {
		t.Errorf("the part has %d channels, want 10", len(listed(part)))
	}
	slices.Sort(got)
	if !slices.Equal(got, made) {
		t.Errorf("%d channels in the list, want 60: %q", len(got), got)
	}
	for i := range 65 {
		m := s.As(fmt.Sprintf("member-%02d", i), db.Plain)
		if err := s.DB.Join(t.Context(), m.Viewer, 1); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for path := "/c/channel-00/members"; path != ""; {
		p := open(t, s.Guest(), path)
		for _, n := range all(p.main(t), class("card")) {
			seen[attr(n, "href")]++
		}
		path = link(p.main(t), "More members")
	}
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s is listed %d times", path, n)
		}
	}
	if len(seen) != 66 {
		t.Errorf("%d members, want 66", len(seen))
	}
}

func TestAStoredLinkLeadsToTheChannel(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("keeper", db.Plain)
	c.Channel("tides")
	post := c.Write("tides", "Links", "Ask @keeper in #tides.")
	for words, end := range map[string]string{"keeper": "/u/keeper", "tides": "/c/tides"} {
		prose := first(open(t, c, post).main(t), class("prose"))
		to := link(prose, words)
		if _, path := follow(t, s.Guest(), to); path != end {
			t.Errorf("the link %q to %s ends at %s, want %s", words, to, path, end)
		}
	}
	for _, path := range []string{"/c/~9", "/c/~x", "/u/~9", "/u/~0"} {
		want(t, c.Get(path), 404)
	}
}

func TestSeeingAChannelIsAPost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, c := s.As("keeper", db.Plain), s.As("reader", db.Plain)
	keeper.Channel("tides")
	want(t, c.Post("/c/tides/join"), 303)
	keeper.Write("tides", "News", "Text")
	count := func() string {
		n := first(open(t, c, "/about").root, class("new-count"))
		if n == nil {
			return ""
		}
		return text(n)
	}
	open(t, c, "/c/tides")
	if got := count(); got != "1 unread" {
		t.Errorf("the rail says %q, want 1 unread: a GET changes nothing", got)
	}
	want(t, c.Htmx("POST", "/c/tides/seen"), 204)
	if got := count(); got != "" {
		t.Errorf("the rail still says %q", got)
	}
	if a := want(t, c.Post("/c/tides/seen"), 303); a.Location != "/c/tides" {
		t.Errorf("the plain form leads to %q", a.Location)
	}
}

func TestAnEmptyChannelThatIsArchivedAsksNobodyToWrite(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner := s.As("owner", db.Plain)
	owner.Channel("tides")
	if p := open(t, owner, "/c/tides"); !p.has(t, "The first page is yours") {
		t.Errorf("an empty channel: %s", text(p.main(t)))
	}
	want(t, owner.Post("/c/tides/access", "visibility", string(db.Public), "slow", "0", "archived", "1"), 303)
	if p := open(t, owner, "/c/tides"); p.has(t, "The first page is yours") || !p.has(t, "The book is shut") {
		t.Errorf("an empty channel that is archived: %s", text(p.main(t)))
	}
}

func TestAMemberOpensOnlySoManyChannelsADay(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, mod := s.As("founder", db.Plain), s.As("mod", db.Moderator)
	most := db.TrustLimits(db.Regular).Channels // of who was made by command
	says(t, c.Get("/settings/trust"), "New channels a day", fmt.Sprint(most))
	for i := range most {
		c.Channel(fmt.Sprint("one-", i))
	}
	key := newKey(t, c)
	form := []string{"slug", "too-many", "name", "One too many", "description", "About tides", "rules", "Be kind.", "key", key}
	a := want(t, c.Post("/c", form...), 429)
	says(t, a, fmt.Sprintf("You have opened %d channels in a day", most), "Be kind.")
	if p := parse(t, a); value(p.field(t, "slug")) != "too-many" || value(p.field(t, "name")) != "One too many" {
		t.Error("what was typed is not kept")
	}
	retry, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if wait := time.Duration(retry) * time.Second; err != nil || wait < 23*time.Hour || wait > 24*time.Hour {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	for i := range most + 1 { // staff are not held to it
		mod.Channel(fmt.Sprint("of-staff-", i))
	}
	raw, err := sql.Open("sqlite3", "file:"+filepath.Join(s.Config.Data, db.FileName)+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("UPDATE channels SET created_at = created_at - ? WHERE slug = 'one-0'", (24 * time.Hour).Milliseconds()); err != nil { // a day later, for the first
		t.Fatal(err)
	}
	first := want(t, c.Post("/c", form...), 303)
	if again := want(t, c.Post("/c", form...), 303); again.Location != first.Location { // it makes nothing new
		t.Errorf("sent once more it leads to %q", again.Location)
	}
	want(t, c.Post("/c", "slug", "too-many-again", "name", "x", "description", "y"), 429)
}

// newKey is the key of a form that was just opened.
func newKey(t *testing.T, c *apptest.Client) string {
	t.Helper()
	return open(t, c, "/c/new").form(t, "/c").get("key")
}
