package web_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"codex/app/apptest"
	"codex/db"
	"codex/db/dbtest"
)

// registers makes a member who registered just now and a client that is signed in as them; their first texts wait as the
// forum's default has it.
func registers(t *testing.T, s *apptest.Site, handle string) *apptest.Client {
	t.Helper()
	ctx := context.Background()
	if err := s.DB.SetSetting(ctx, db.SettingHoldFirst, fmt.Sprint(db.HoldFirst)); err != nil {
		t.Fatal(err)
	}
	id, err := s.DB.CreateMember(ctx, db.NewMember{Handle: handle, Origin: "registered"})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Guest()
	c.SignIn(id)
	c.Viewer = db.Viewer{ID: id, Handle: handle, Name: handle, Role: db.Plain}
	return c
}

// casesOf are the cases that wait for the viewer.
func casesOf(t *testing.T, s *apptest.Site, v db.Viewer) []db.Case {
	t.Helper()
	list, err := s.DB.Cases(context.Background(), v, db.CaseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func caseAt(id int64, more string) string { return fmt.Sprintf("/moderation/cases/%d%s", id, more) }

func recount(t *testing.T, s *apptest.Site) {
	t.Helper()
	dbtest.Recount(t, filepath.Join(s.Config.Data, db.FileName))
}

func idIn(path string) string { return strings.Split(path, "/")[2] }

func TestAFlagReachesTheModerators(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, other, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("other", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "Buy my boat", "It floats.")
	comment := author.Comment(post, "", "And again: buy it.")

	f := open(t, reader, "/flag?subject=post:"+idIn(post)).form(t, "/flag")
	a := want(t, reader.Post(f.action, f.with("reason", "spam", "note", "He sells things")...), 303)
	if !strings.Contains(open(t, reader, a.Location).main(t).FirstChild.Data+text(open(t, reader, a.Location).main(t)), "Thank you") {
		t.Error("nobody says thank you")
	}
	for range 2 { // once more changes nothing
		want(t, reader.Post(f.action, f.with("reason", "abuse")...), 303)
	}
	want(t, other.Post("/flag", "subject", "post:"+idIn(post), "reason", "other"), 303)
	want(t, other.Post("/flag", "subject", "comment:"+comment, "reason", "off-topic"), 303)
	want(t, other.Post("/flag", "subject", fmt.Sprintf("member:%d", author.Viewer.ID), "reason", "abuse"), 303)

	list := casesOf(t, s, mod.Viewer)
	if len(list) != 3 || list[0].FlagCount != 2 || len(list[0].Flags) != 2 || list[0].Flags[0].Note != "He sells things" {
		t.Fatalf("the cases are %+v", list)
	}
	p := open(t, mod, "/moderation")
	for _, words := range []string{"Buy my boat", "It floats.", "He sells things", "@reader", "2 flags", "A comment below"} {
		if !p.has(t, words) {
			t.Errorf("the queue does not show %q", words)
		}
	}
	for _, test := range []struct {
		name   string
		c      *apptest.Client
		form   []string
		status int
	}{
		{"one's own post", author, []string{"subject", "post:" + idIn(post), "reason", "spam"}, 403},
		{"oneself", author, []string{"subject", fmt.Sprintf("member:%d", author.Viewer.ID), "reason", "spam"}, 403},
		{"no reason", reader, []string{"subject", "post:" + idIn(post)}, 422},
		{"another reason", reader, []string{"subject", "post:" + idIn(post), "reason", "ugly"}, 422},
		{"a long note", reader, []string{"subject", "post:" + idIn(post), "reason", "spam", "note", strings.Repeat("ä", 501)}, 422},
		{"nothing", reader, []string{"subject", "post:99999", "reason", "spam"}, 404},
		{"no kind of thing", reader, []string{"subject", "channel:1", "reason", "spam"}, 404},
		{"no number", reader, []string{"subject", "post:x", "reason", "spam"}, 404},
		{"a guest", s.Guest(), []string{"subject", "post:" + idIn(post), "reason", "spam"}, 303},
	} {
		if a := test.c.Post("/flag", test.form...); a.Status != test.status {
			t.Errorf("%s: %d, want %d", test.name, a.Status, test.status)
		}
	}
}

func TestWhatCannotBeSeenCannotBeFlagged(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, stranger := s.As("author", db.Plain), s.As("stranger", db.Plain)
	want(t, author.Post("/c", "slug", "cellar", "name", "Cellar", "description", "d", "visibility", "private"), 303)
	post := author.Write("cellar", "Hidden", "text")
	comment := author.Comment(post, "", "text")
	deleted := author.Write(author.Channel("open"), "Gone", "text")
	want(t, author.Post("/p/"+idIn(deleted)+"/delete"), 303)
	for _, subject := range []string{"post:" + idIn(post), "comment:" + comment, "post:" + idIn(deleted)} {
		want(t, stranger.Get("/flag?subject="+subject), 404)
		want(t, stranger.Post("/flag", "subject", subject, "reason", "spam"), 404)
	}
}

func TestAModeratorRemovesAndTheAuthorIsTold(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, mod, reader := s.As("author", db.Plain), s.As("mod", db.Moderator), s.As("reader", db.Plain)
	author.Channel("tides")
	post := author.Write("tides", "A long walk", "text", "tags", "walks")
	other := author.Write("tides", "Another", "text")
	comment := author.Comment(other, "", "words")

	f := open(t, mod, "/p/"+idIn(post)+"/remove").form(t, "/p/"+idIn(post)+"/remove")
	want(t, mod.Post(f.action), 422)
	want(t, mod.Post(f.action, f.with("why", "off-topic", "note", "Try the walkers' forum.")...), 303)
	want(t, mod.Post("/comments/"+comment+"/remove", "why", "other", "note", "Because of the moon."), 303)
	for _, c := range []*apptest.Client{reader, s.Guest()} {
		want(t, c.Get(post), 404)
	}
	if p := open(t, author, post); !p.has(t, "A moderator removed this post.") || !p.has(t, "Off topic: Try the walkers' forum.") {
		t.Error("the author is not told why")
	}
	if p := open(t, author, other); !p.has(t, "Because of the moon.") {
		t.Errorf("the comment's author is not told why: %s", text(p.main(t)))
	}
	if p := open(t, reader, other); p.has(t, "words") || p.has(t, "moon") {
		t.Error("others see what was removed, or why")
	}
	want(t, author.Post("/p/"+idIn(post)+"/undelete"), 403)
	want(t, author.Post("/comments/"+comment+"/undelete"), 403)
	want(t, author.Post("/p/"+idIn(post)+"/edit", "title", "t", "body", "b"), 403)
	want(t, reader.Post("/p/"+idIn(other)+"/remove", "why", "spam"), 403)
	want(t, author.Post("/p/"+idIn(other)+"/remove", "why", "spam"), 403)
	recount(t, s)

	want(t, mod.Post("/p/"+idIn(post)+"/undelete"), 303)
	want(t, reader.Get(post), 200)
	if p := open(t, author, post); p.has(t, "Try the walkers' forum.") {
		t.Error("the reason is still there")
	}
	recount(t, s)
	if p := open(t, s.Guest(), "/log"); !p.has(t, "removed a post") || !p.has(t, "Because of the moon.") || p.has(t, "A long walk") || p.has(t, "@author") {
		t.Errorf("the public log: %s", text(p.main(t)))
	}
}

func TestTheLogNamesWhoLeft(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c, mod := s.As("leaver", db.Plain), s.As("mod", db.Moderator)
	want(t, mod.Post("/moderation/members/leaver/bar", "kind", "suspend", "for", "1d", "reason", "Too loud."), 303)
	want(t, c.Post("/settings/data/delete", "handle", "leaver", "texts", "stay"), 200)
	if p := open(t, mod, "/moderation/log"); !p.has(t, "@mod suspended someone who left") {
		t.Errorf("the log reads %q", text(p.main(t)))
	}
}

func TestACaseIsDecidedAndUndone(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "Flagged", "text", "tags", "walks")
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	c := casesOf(t, s, mod.Viewer)[0]

	a := want(t, mod.Htmx("POST", caseAt(c.ID, "/decide"), "decision", "remove", "why", "spam"), 200)
	if !strings.Contains(a.Body, "Removed by @mod") || !strings.Contains(a.Body, "Undo") || strings.Contains(a.Body, "<html") {
		t.Errorf("the row that comes back: %s", a.Body)
	}
	want(t, reader.Get(post), 404)
	if p := open(t, mod, "/moderation?tab=decided"); !p.has(t, "Removed by @mod") {
		t.Error("it is not among what is decided")
	}
	if len(casesOf(t, s, mod.Viewer)) != 0 {
		t.Error("it still waits")
	}
	recount(t, s)
	want(t, mod.Post(caseAt(c.ID, "/undo")), 303)
	want(t, reader.Get(post), 200)
	recount(t, s)
	if again := casesOf(t, s, mod.Viewer); len(again) != 1 || again[0].FlagCount != 1 {
		t.Errorf("undone, there waits %+v", again)
	}
	want(t, mod.Post(caseAt(c.ID, "/undo")), 409)
	want(t, mod.Post(caseAt(c.ID, "/decide"), "decision", "remove"), 400) // without a reason
	want(t, mod.Post(caseAt(c.ID, "/decide"), "decision", "noted"), 403)  // for members
	want(t, mod.Post(caseAt(c.ID, "/decide"), "decision", "keep"), 303)
	want(t, reader.Get(post), 200)
	a = want(t, mod.Post(caseAt(c.ID, "/decide"), "decision", "remove", "why", "spam"), 409)
	if !strings.Contains(a.Body, "@mod was first.") {
		t.Error("it is not told who was first")
	}
}

func TestManyCasesAreDecidedAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	form := []string{"decision", "remove", "why", "spam"}
	for n := range 3 {
		post := author.Write("tides", fmt.Sprint("Post ", n), "text")
		want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	}
	list := casesOf(t, s, mod.Viewer)
	for _, c := range list {
		form = append(form, "case", fmt.Sprint(c.ID))
	}
	want(t, mod.Post(caseAt(list[0].ID, "/decide"), "decision", "keep"), 303)
	want(t, mod.Post("/moderation/bulk", "decision", "keep"), 422)
	a := want(t, mod.Post("/moderation/bulk", form...), 303)
	if p := open(t, mod, a.Location); !p.has(t, "2 cases are decided. 1 was another's already.") || len(casesOf(t, s, mod.Viewer)) != 0 {
		t.Errorf("the page says: %s", text(p.main(t)))
	}
	recount(t, s)
}

func TestOfTwoWhoDecideExactlyOneWins(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader := s.As("author", db.Plain), s.As("reader", db.Plain)
	author.Channel("tides")
	for _, action := range []struct {
		path  string
		forms [2][]string
	}{
		{"/decide", [2][]string{{"decision", "keep"}, {"decision", "remove", "why", "spam"}}},
		{"/claim", [2][]string{{"on", "true"}, {"on", "true"}}},
	} {
		post := author.Write("tides", "Raced "+action.path, "text")
		want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
		mods := make([]*apptest.Client, 8)
		for i := range mods {
			mods[i] = s.As(fmt.Sprintf("mod%d-%s", i, action.path[1:]), db.Moderator)
		}
		id := casesOf(t, s, mods[0].Viewer)[0].ID
		answers := make([]apptest.Answer, len(mods))
		var all sync.WaitGroup
		for i, m := range mods {
			all.Go(func() { answers[i] = m.Post(caseAt(id, action.path), action.forms[i%2]...) })
		}
		all.Wait()
		won := 0
		for i, a := range answers {
			switch a.Status {
			case 303:
				won++
			case 409:
				if !strings.Contains(a.Body, "@mod") {
					t.Errorf("%s: moderator %d is not told who was first", action.path, i)
				}
			default:
				t.Errorf("%s: moderator %d got %d", action.path, i, a.Status)
			}
		}
		if won != 1 {
			t.Errorf("%s: %d won", action.path, won)
		}
		recount(t, s)
	}
}

func TestCasesOfOtherChannelsAreNotThere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, stranger, reader := s.As("keeper", db.Plain), s.As("stranger", db.Plain), s.As("reader", db.Plain)
	keeper.Channel("tides")
	stranger.Channel("hills")
	post := s.As("author", db.Plain).Write("tides", "Flagged here", "text")
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam", "note", "a word"), 303)
	want(t, reader.Post("/flag", "subject", fmt.Sprintf("member:%d", keeper.Viewer.ID), "reason", "spam"), 303)
	staff := s.As("mod", db.Moderator)
	cases := casesOf(t, s, staff.Viewer)
	if len(cases) != 2 {
		t.Fatalf("staff have %d cases", len(cases))
	}
	p := open(t, keeper, "/moderation")
	if !p.has(t, "Flagged here") || !p.has(t, "a word") || p.has(t, "@reader") || p.has(t, "@keeper") {
		t.Errorf("the keeper's queue: %s", text(p.main(t)))
	}
	if open(t, stranger, "/moderation").has(t, "Flagged here") {
		t.Error("another channel's keeper has the case")
	}
	for name, c := range map[string]*apptest.Client{"another channel's keeper": stranger, "a member": reader} {
		for _, a := range []apptest.Answer{c.Get(caseAt(cases[0].ID, "")), c.Post(caseAt(cases[0].ID, "/claim")), c.Post(caseAt(cases[0].ID, "/decide"), "decision", "keep"), c.Post(caseAt(cases[0].ID, "/undo"))} {
			if a.Status != 404 {
				t.Errorf("%s got %d", name, a.Status)
			}
		}
		want(t, c.Get("/moderation/newcomers"), 403)
		want(t, c.Get("/moderation/log"), 403)
	}
	want(t, stranger.Post("/moderation/bulk", "decision", "keep", "case", fmt.Sprint(cases[0].ID), "case", fmt.Sprint(cases[1].ID)), 404)
	want(t, reader.Post("/moderation/bulk", "decision", "keep", "case", fmt.Sprint(cases[0].ID)), 403)
	want(t, reader.Get("/moderation"), 403)
	want(t, keeper.Get(caseAt(cases[1].ID, "")), 404) // of a member: for staff
	want(t, keeper.Post(caseAt(cases[0].ID, "/decide"), "decision", "remove", "why", "spam"), 303)
	want(t, reader.Get(post), 404)
}

func TestTheLogTellsNothingOfPrivateChannelsAndCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, mod := s.As("author", db.Plain), s.As("mod", db.Moderator)
	want(t, author.Post("/c", "slug", "cellar", "name", "Cellar of secrets", "description", "d", "visibility", "private"), 303)
	post := author.Write("cellar", "Hidden", "text")
	want(t, mod.Post("/p/"+idIn(post)+"/remove", "why", "other", "note", "a word in private"), 303)
	if p := open(t, s.Guest(), "/log"); p.has(t, "Cellar") || p.has(t, "private") {
		t.Errorf("the public log: %s", text(p.main(t)))
	}
	if p := open(t, mod, "/moderation/log"); !p.has(t, "a word in private") {
		t.Error("it is not in the staff's log")
	}
	admin := s.As("admin", db.Admin)
	want(t, admin.Post("/admin/settings", db.SettingPublicLog, "off"), 303)
	want(t, s.Guest().Get("/log"), 404)
}

func TestAReasonThatIsTooLongComesBackUncut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, reader, mod := s.As("author", db.Plain), s.As("reader", db.Plain), s.As("mod", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "A long walk", "text")
	comment := author.Comment(post, "", "words")
	long := strings.Repeat("moon ", 101) + "end"
	want(t, reader.Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	c := casesOf(t, s, mod.Viewer)[0]
	kept := func(a apptest.Answer) {
		t.Helper()
		want(t, a, 422)
		if !strings.Contains(a.Body, long) || !strings.Contains(a.Body, `aria-invalid="true"`) {
			t.Errorf("what was typed is not kept, or not marked:\n%.3000s", visible(a.Body))
		}
		says(t, a, "At most")
	}
	kept(mod.Htmx("POST", caseAt(c.ID, "/decide"), "decision", "remove", "why", "abuse", "note", long))
	a := mod.Post(caseAt(c.ID, "/decide"), "decision", "remove", "why", "abuse", "note", long)
	kept(a)
	if !strings.Contains(a.Body, `value="abuse" selected`) || !strings.Contains(a.Body, `class="case-remove" open`) {
		t.Error("the form that it was typed into is shut, or has forgotten why")
	}
	kept(mod.Post("/p/"+idIn(post)+"/remove", "why", "spam", "note", long))
	kept(mod.Post("/comments/"+comment+"/remove", "why", "spam", "note", long))
	kept(reader.Post("/flag", "subject", "comment:"+comment, "reason", "spam", "note", long))
	kept(mod.Post("/moderation/sweeps", "member", "author", "reason", long))
	kept(mod.Post("/moderation/bans", "kind", "network", "value", "203.0.113.0/24", "for", "1w", "reason", long))
	kept(mod.Post("/moderation/members/author/bar", "kind", "suspend", "for", "1d", "reason", long))
	want(t, reader.Get(post), 200)

	lines := strings.Repeat("0123456789\r\n", 36) // 396 characters, as the field counts them
	want(t, mod.Post("/p/"+idIn(post)+"/remove", "why", "other", "note", lines), 303)
}
