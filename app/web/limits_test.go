package web_test

import (
	"fmt"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// levelled makes a member of a trust level who did not register themselves.
func levelled(t *testing.T, s *apptest.Site, admin *apptest.Client, handle string, level int) *apptest.Client {
	t.Helper()
	c := s.As(handle, db.Plain)
	want(t, admin.Post("/moderation/members/"+handle+"/trust", "level", fmt.Sprint(level)), 303)
	return c
}

func links(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[%d](https://example.org/%d) ", i, i)
	}
	return b.String()
}

func TestLinksAndWatchedWordsHoldTheTextsOfEverybodyButKeepersAndStaff(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, mod, keeper := s.As("admin", db.Admin), s.As("mod", db.Moderator), s.As("keeper", db.Plain)
	keeper.Channel("tides")
	want(t, mod.Post("/moderation/words", "word", "miracle cure"), 303)
	waits := func(c *apptest.Client, body string) bool {
		t.Helper()
		return s.Guest().Get(c.Write("tides", "A title", body)).Status == 404
	}
	for level := db.Newcomer; level <= db.Trusted; level++ {
		most := db.TrustLimits(level).Links
		c := levelled(t, s, admin, fmt.Sprintf("level%d", level), level)
		if waits(c, fmt.Sprintf("nothing to say against it, %d", level)) || waits(c, links(min(most, 99))) {
			t.Errorf("level %d: a text within the limits waits", level)
		}
		if most < 100 && !waits(c, links(most+1)) {
			t.Errorf("level %d: %d links do not wait", level, most+1)
		}
		if !waits(c, fmt.Sprintf("The miracle cure, number %d", level)) {
			t.Errorf("level %d: a word of the watch list does not hold", level)
		}
	}
	for name, c := range map[string]*apptest.Client{"who keeps the channel": keeper, "a moderator": mod} {
		if waits(c, "The miracle cure "+links(90)) {
			t.Errorf("%s waits", name)
		}
	}
}

func TestWhenEverythingWaitsItIsEverybodysButKeepersAndStaff(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin, keeper := s.As("admin", db.Admin), s.As("keeper", db.Plain)
	keeper.Channel("tides")
	trusted, fresh := levelled(t, s, admin, "trusted", db.Trusted), joined(t, s, "fresh")
	want(t, admin.Post("/admin/settings", "hold_all", "on"), 303)
	says(t, trusted.Get("/settings/trust"), "At present every text waits.")
	for name, c := range map[string]*apptest.Client{"trusted": trusted, "fresh": fresh} {
		want(t, s.Guest().Get(c.Write("tides", "T", "by "+name)), 404)
	}
	for _, c := range []*apptest.Client{keeper, admin} {
		want(t, s.Guest().Get(c.Write("tides", "T", "x")), 200)
	}
	want(t, admin.Post("/admin/settings", "hold_all", "off", "registration", "closed"), 303)
	want(t, s.Guest().Get(trusted.Write("tides", "T", "y")), 200)
	want(t, askIn(s.Guest(), "late"), 403)
}

func TestFirstTextsWaitOnlyOfWhoRegistered(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper := s.As("keeper", db.Plain)
	keeper.Channel("tides")
	fresh := registers(t, s, "fresh")
	made := s.As("made", db.Plain) // by a command, with the same setting in force
	want(t, s.Guest().Get(fresh.Write("tides", "T", "x")), 404)
	want(t, s.Guest().Get(made.Write("tides", "T", "x")), 200)
	says(t, fresh.Get("/c/tides/new"), "texts wait until a moderator has looked at them")
	if a := made.Get("/c/tides/new"); strings.Contains(visible(a.Body), "as with everybody new") {
		t.Error("who waits for nobody is told to wait")
	}
}

func TestAnAdminSetsTheLimitsOfWriting(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RateLimits = "on" })
	admin, keeper, fresh := s.As("admin", db.Admin), s.As("keeper", db.Plain), joined(t, s, "fresh")
	keeper.Channel("tides")
	f := open(t, admin, "/admin/settings").form(t, "/admin/settings")
	for _, l := range db.SettableLimits() {
		if got := f.get(l.Name); got != fmt.Sprint(l.Usual) {
			t.Errorf("%s shows %q, usual is %d", l.Name, got, l.Usual)
		}
		for _, wrong := range []int{l.Least - 1, l.Most + 1} {
			p := parse(t, want(t, admin.Post("/admin/settings", l.Name, fmt.Sprint(wrong)), 422))
			if attr(p.field(t, l.Name), "aria-invalid") != "true" {
				t.Errorf("%s: %d is taken", l.Name, wrong)
			}
		}
	}
	want(t, admin.Post("/admin/settings", "limit_newcomer_burst", "many"), 422)

	want(t, admin.Post("/admin/settings", "limit_newcomer_burst", "5", "limit_links_0", "0", "limit_newcomer_day", "77"), 303)
	write := func(body string) apptest.Answer { return fresh.Post("/c/tides/posts", "title", "t", "body", body) }
	if a := write("see https://example.org"); s.Guest().Get(a.Location).Status != 404 {
		t.Error("with no link allowed a text with one is shown")
	}
	for range 4 {
		want(t, write("nothing"), 303)
	}
	want(t, write("the sixth"), 429)
	says(t, fresh.Get("/settings/trust"), "5 in 5 minutes", "77 in 1 day")
	says(t, admin.Get("/admin/settings"), "Of a newcomer in five minutes", "Links in a text of a newcomer")
	want(t, admin.Post("/admin/settings", "limit_newcomer_burst", "6"), 303)
	want(t, write("again, under the new limit"), 303)
}

func TestTheHistoryOfSettingsTellsWhatWasChangedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	f := open(t, admin, "/admin/settings").form(t, "/admin/settings")
	want(t, admin.Post(f.action, f.with()...), 303)
	history := func() []db.SettingChange {
		t.Helper()
		list, err := s.DB.SettingChanges(t.Context(), admin.Viewer, 50)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := history(); len(got) != 0 {
		t.Errorf("a form that changed nothing left %+v", got)
	}
	want(t, admin.Post(f.action, f.with("read_only", "on", "limit_member_hour", "90")...), 303)
	if got := history(); len(got) != 2 {
		t.Errorf("two settings were changed, and there are %+v", got)
	}
	page := want(t, admin.Get("/admin/settings"), 200)
	says(t, page, "Read-only", "Off: people write", "On: members only read", "Of every other member in an hour", "60", "90")
	if strings.Contains(visible(page.Body), "read_only") || strings.Contains(visible(page.Body), "limit_member_hour") {
		t.Error("the history calls a setting as the code does")
	}
}
