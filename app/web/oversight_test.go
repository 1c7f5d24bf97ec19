package web_test

import (
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

func TestStaffTakeOverACaseThatAnotherIsAt(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, author, mod, admin := s.As("keeper", db.Plain), s.As("author", db.Plain), s.As("mod", db.Moderator), s.As("admin", db.Admin)
	keeper.Channel("tides")
	post := author.Write("tides", "Buy my boat", "It floats.")
	want(t, s.As("reader", db.Plain).Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	id := casesOf(t, s, admin.Viewer)[0].ID
	want(t, mod.Post(caseAt(id, "/claim"), "on", "true"), 303)
	want(t, admin.Post(caseAt(id, "/claim"), "on", "true"), 409)
	want(t, admin.Post(caseAt(id, "/decide"), "decision", "keep"), 409)
	says(t, admin.Get("/moderation"), "@mod is at it", "Take over")
	if strings.Contains(keeper.Get("/moderation").Body, "Take over") {
		t.Error("it is offered to who is not staff")
	}
	want(t, keeper.Post(caseAt(id, "/claim"), "on", "over"), 403)
	want(t, author.Post(caseAt(id, "/claim"), "on", "over"), 404)
	want(t, admin.Post(caseAt(id, "/claim"), "on", "over"), 303)
	want(t, mod.Post(caseAt(id, "/decide"), "decision", "keep"), 409)
	says(t, mod.Get("/moderation/log"), "@admin", "took over a case from @mod")
	says(t, mod.Get("/moderation/members/author"), "A case about them taken over from @mod")
	want(t, admin.Post(caseAt(id, "/decide"), "decision", "keep"), 303)
	want(t, mod.Post(caseAt(id, "/claim"), "on", "over"), 409)
}

func TestAnAdminLetsInWhoHasLostTheirSecondFactor(t *testing.T) {
	t.Parallel()
	at := new(clock)
	s := apptest.StartAt(t, at.now)
	admin, mod, c := s.As("admin", db.Admin), s.As("mod", db.Moderator), joined(t, s, "careful")
	if strings.Contains(admin.Get("/moderation/members/careful").Body, "/careful/factor") {
		t.Error("there is nothing to take off, and it is offered")
	}
	equip(t, c, at)
	want(t, mod.Post("/moderation/members/careful/factor"), 403)
	want(t, c.Post("/moderation/members/careful/factor"), 403)
	f := open(t, admin, "/moderation/members/careful").form(t, "/moderation/members/careful/factor")
	want(t, admin.Post(f.action, f.with()...), 303)
	if !isGuest(t, c) {
		t.Error("their sessions go on")
	}
	want(t, signIn(c, "careful", apptest.Password), 303)
	if isGuest(t, c) {
		t.Error("the password alone does not let them in")
	}
	want(t, admin.Post(f.action, f.with()...), 404)
	want(t, admin.Post("/moderation/members/admin/factor"), 403)
	says(t, admin.Get("/moderation/members/careful"), "Second factor taken off", "@admin")
	at.pass(11 * time.Minute)
	want(t, admin.Post("/moderation/members/careful/factor"), 403) // the password first
}

func TestALogSpeaksInWords(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, author, mod := s.As("keeper", db.Plain), s.As("author", db.Plain), s.As("mod", db.Moderator)
	keeper.Channel("tides")
	post := author.Write("tides", "Buy my boat", "It floats.")
	want(t, s.As("reader", db.Plain).Post("/flag", "subject", "post:"+idIn(post), "reason", "spam"), 303)
	id := casesOf(t, s, mod.Viewer)[0].ID
	want(t, mod.Post(caseAt(id, "/decide"), "decision", "remove", "why", "spam"), 303)
	want(t, mod.Post(caseAt(id, "/undo")), 303)
	want(t, mod.Post("/p/"+idIn(post)+"/lock", "on", "true"), 303)
	want(t, keeper.Post("/c/tides/access", "visibility", "restricted", "slow", "300"), 303)
	dossier := want(t, mod.Get("/moderation/members/author"), 200)
	says(t, dossier, "The removal of a text taken back")
	if strings.Contains(visible(dossier.Body), "undo-") {
		t.Error("the history shows an action as the code calls it")
	}
	log := want(t, mod.Get("/moderation/log"), 200)
	says(t, log, "changed who reads and writes: members write", "before that public")
	if strings.Contains(log.Body, "archived=") {
		t.Error("the log shows a value as the code writes it")
	}
}

func TestABanOfANetworkSaysHowManyShareIt(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	s.As("one", db.Plain)
	s.As("two", db.Plain)
	says(t, admin.Get("/moderation/bans?network=127.0.0.1"), "3 members are signed in from this network")
	says(t, admin.Get("/moderation/bans?network=203.0.113.9"), "No member is signed in from this network")
}

func TestInvitationsAndRequestsAreShownWhereOneLooks(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	keeper, asked, asks := s.As("keeper", db.Plain), joined(t, s, "asked"), s.As("asks", db.Plain)
	keeper.Channel("tides")
	want(t, keeper.Post("/c/tides/access", "visibility", "restricted", "slow", "0"), 303)
	count := func(c *apptest.Client) string {
		t.Helper()
		_, after, _ := strings.Cut(c.Get("/tags").Body, `href="/invitations"`)
		after, _, _ = strings.Cut(after, "</a>")
		return strings.Join(strings.Fields(visible("<a"+after)), " ")
	}
	if got := count(asked); strings.Contains(got, "waiting") {
		t.Errorf("nothing waits, and the menu says %q", got)
	}
	want(t, keeper.Post("/c/tides/invitations", "handle", "asked"), 303)
	if got := count(asked); !strings.Contains(got, "1") || !strings.Contains(got, "waiting") {
		t.Errorf("an invitation waits, and the menu says %q", got)
	}
	want(t, asks.Post("/c/tides/ask", "note", "please"), 303)
	says(t, keeper.Get("/c/tides"), "1 member asks to be let in")
	if strings.Contains(asks.Get("/c/tides").Body, "asks to be let in") {
		t.Error("who does not keep the channel is told who asks")
	}
}
