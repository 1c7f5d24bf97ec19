package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/db"
)

// parish is a forum in which everything has happened that people do to each other: what members keep, settle and set, and
// what moderators and admins find on their desks.
type parish struct {
	*showcase
	mod, author, newcomer, reader, careful, quiet *apptest.Client
	post, edited, held, removed, shelved          string // paths
	comment                                       string // id of one that was edited
	cases                                         []db.Case
	byApproval, byInvite, paused                  *apptest.Site
	leavers                                       atomic.Int32
	codes                                         authenticator // of careful
}

// rubric is a long word, as names and reasons hold them.
var rubric = strings.Repeat("Verkehrswegeplanung", 3)

func settleParish(t *testing.T) *parish {
	ctx, at := t.Context(), new(clock)
	x := &parish{showcase: &showcase{Site: apptest.StartAt(t, at.now)}}
	hash := take(auth.NewHasher().Hash(ctx, apptest.Password))
	as := func(handle string, role db.Role) *apptest.Client {
		c := x.As(handle, role)
		done(x.DB.SetPassword(ctx, c.Viewer.ID, hash, 0))
		c.SignIn(c.Viewer.ID) // a new password ends the sessions
		return c
	}
	x.admin, x.mod, x.author, x.reader, x.quiet = as("ada", db.Admin), as("moss", db.Moderator), as("mira", db.Plain), as("rhea", db.Plain), as("quentin", db.Plain)
	x.careful = as("caro", db.Plain)
	x.codes, _ = equip(t, x.careful, at)
	x.careful.SignIn(x.careful.Viewer.ID)
	x.channels(t)
	x.texts(t)
	x.decisions(t)
	x.desk(t)
	for site, mode := range map[**apptest.Site]db.RegistrationMode{&x.byApproval: db.RegistrationApproval, &x.byInvite: db.RegistrationInvite, &x.paused: db.RegistrationClosed} {
		*site = apptest.Start(t)
		done((*site).DB.SetSetting(ctx, db.SettingRegistration, string(mode)))
	}
	return x
}

// channels has one of each kind, with people at their doors.
func (x *parish) channels(t *testing.T) {
	for _, kind := range []string{"public", "restricted", "private", "archived", "shut", "cellar"} {
		want(t, x.author.Post("/c", "slug", kind, "name", "The "+kind+" room", "description", "A room for "+kind+" things, and what belongs to them.",
			"rules", "1. Be kind.\n2. Say **where** you found it.", "visibility", map[string]string{"restricted": string(db.Restricted), "private": string(db.Private)}[kind]), 303)
	}
	x.shelved = x.author.Write("archived", "What we read in the first year", "Three books, and one twice.")
	for _, kind := range []string{"archived", "shut"} {
		want(t, x.author.Post("/c/"+kind+"/access", "visibility", string(db.Public), "slow", "0", "archived", "1"), 303)
	}
	want(t, x.author.Post("/c/restricted/access", "visibility", string(db.Restricted), "slow", "60"), 303)
	want(t, x.reader.Post("/c/restricted/ask", "note", "I draw maps, and would like to show some. "+rubric), 303)
	want(t, x.careful.Post("/c/restricted/ask"), 303)
	for _, handle := range []string{"rhea", "caro", "moss"} {
		want(t, x.author.Post("/c/private/invitations", "handle", handle), 303)
	}
	want(t, x.mod.Post(fmt.Sprintf("/invitations/%d", take(x.DB.ChannelBySlug(t.Context(), x.author.Viewer, "private")).ID), "answer", "yes"), 303)
	want(t, x.author.Post("/c/cellar/delete", "confirm", "cellar"), 303)
}

// texts has what was written, and then changed, saved, begun, held, flagged and removed.
func (x *parish) texts(t *testing.T) {
	x.post = x.author.Write("public", "Where does the path along the river go?", "Past the mill, I think.", "tags", "paths")
	x.edited = x.author.Write("public", "A map of "+rubric, "The mill is at the bend.\n\nThe bridge is **new**.\n\n- one\n- two", "tags", "maps")
	for _, body := range []string{"The mill is behind the bend.\n\nThe bridge is **old**.\n\n- one\n- three", "The mill is behind the bend, and the bridge is gone. " + strings.Repeat(rubric, 3)} {
		want(t, x.author.Post(at(t, x.edited, "edit"), "title", "A map of the mill", "body", body, "tags", "maps mills"), 303)
	}
	x.comment = x.author.Comment(x.edited, "", "I measured it.")
	want(t, x.author.Post("/comments/"+x.comment+"/edit", "body", "I measured it twice."), 303)
	for _, post := range []string{x.post, x.edited} {
		want(t, x.reader.Post(at(t, post, "save"), "on", "true"), 303)
	}
	for place, title := range map[string]string{"/c/public/posts": "A draft that " + rubric, at(t, x.post, "comments"): ""} {
		want(t, x.reader.Post("/drafts", "place", place, "title", title, "body", "Begun on a train, and "+strings.Repeat("on and ", 60)+"not sent yet."), 303)
	}
	done(x.DB.SetBlock(t.Context(), x.reader.Viewer, x.quiet.Viewer.ID, "mute"))
	done(x.DB.SetBlock(t.Context(), x.reader.Viewer, x.careful.Viewer.ID, "block"))
	for i := range 3 {
		x.newcomer = registers(t, x.Site, fmt.Sprint("nils", i))
		x.held = x.newcomer.Write("public", "Cheap boots, only today "+fmt.Sprint(i), "Look at https://boots.example/"+strings.Repeat("cheap-", 20))
	}
	x.newcomer.Comment(x.post, "", "And laces.")
}

// decisions has what waits for moderators, and what they decided.
func (x *parish) decisions(t *testing.T) {
	rude := x.quiet.Comment(x.post, "", "Whoever says that has never left the house.")
	sent(t, x.reader.Post("/flag", "subject", "comment:"+rude, "reason", "abuse", "note", "That is not how we talk. "+rubric))
	sent(t, x.careful.Post("/flag", "subject", "comment:"+rude, "reason", "other"))
	sent(t, x.reader.Post("/flag", "subject", fmt.Sprint("member:", x.quiet.Viewer.ID), "reason", "other", "note", "Follows me around."))
	x.removed = x.quiet.Write("public", "Everything must go", "All of it.")
	want(t, x.mod.Post(at(t, x.removed, "remove"), "why", "off-topic", "note", "The market is in another channel. "+rubric), 303)
	x.cases = casesOf(t, x.Site, x.mod.Viewer)
	want(t, x.admin.Post(caseAt(x.cases[0].ID, "/claim"), "on", "true"), 303)
	want(t, x.mod.Post(caseAt(x.cases[1].ID, "/decide"), "decision", "keep"), 303)
	banned, suspended := x.As("brute", db.Plain), x.As("sulk", db.Plain)
	banned.Write("public", "Noise", "Noise.")
	want(t, x.mod.Post("/moderation/members/brute/bar", "kind", "ban", "for", "ever", "reason", "Threats"), 303)
	want(t, x.mod.Post("/moderation/members/sulk/bar", "kind", "suspend", "for", "1w", "reason", "Twice warned. "+rubric), 303)
	x.fresh = suspended
	for _, note := range []string{"Wrote to them in May.", "Wrote to them again: " + strings.Repeat(rubric+" ", 4)} {
		want(t, x.mod.Post("/moderation/members/brute/notes", "note", note), 303)
	}
	id := take(x.DB.StartSweep(t.Context(), x.mod.Viewer, db.NewSweep{MemberID: banned.Viewer.ID, Reason: "Noise"}))
	comesTrue(t, "the sweep", func() bool {
		s := take(x.DB.SweepByID(t.Context(), x.mod.Viewer, id))
		return !s.Running()
	})
}

// desk has the lists of those who keep the forum.
func (x *parish) desk(t *testing.T) {
	for _, word := range []string{"miracle cure", "casino.example", rubric} {
		want(t, x.mod.Post("/moderation/words", "word", word), 303)
	}
	want(t, x.mod.Post("/moderation/bans", "kind", "network", "value", "203.0.113.0/24", "sure", "203.0.113.0/24", "writes", "1", "for", "1w", "reason", "A school; ask there first. "+rubric), 303)
	want(t, x.mod.Post("/moderation/bans", "kind", "mail", "value", "throwaway.example", "for", "ever"), 303)
	for i := range 3 {
		take(x.DB.CreateMember(t.Context(), db.NewMember{Handle: fmt.Sprint("asks", i), Origin: "registered", Pending: true, Answer: "A neighbour told me of it. " + rubric, Address: "192.0.2.7"}))
	}
	for _, note := range []string{"For the neighbours", ""} {
		sent(t, x.mod.Post("/settings/invites", "uses", "5", "hours", "168", "note", note))
	}
	want(t, x.admin.Post("/admin/settings", db.SettingWelcome, "Come in and sit down.", db.SettingContact, "keeper@example.org", db.SettingRules, "1. Be kind.\n2. "+strings.Repeat("Stay kind. ", 40)), 303)
	want(t, x.admin.Post("/admin/settings", db.SettingWelcome, "Come in, sit down, and stay."), 303)
}

// places are the pages of accounts, channels' doors, moderation and administration.
func (x *parish) places(t *testing.T) []place {
	t.Helper()
	press := func(selector string, says ...string) func(*tab) {
		return func(tb *tab) {
			tb.t.Helper()
			eval[bool](tb, "document.querySelectorAll('form').forEach((f) => f.noValidate = true), true") // so that our own checks answer
			tb.follow(func() { tb.click(selector, says...) })
		}
	}
	both := func(steps ...func(*tab)) func(*tab) {
		return func(tb *tab) {
			tb.t.Helper()
			for _, do := range steps {
				do(tb)
			}
		}
	}
	typed := func(selector, text string) func(*tab) {
		return func(tb *tab) { tb.t.Helper(); tb.fill(selector, text) }
	}
	choose := func(selector string) func(*tab) {
		return func(tb *tab) {
			tb.t.Helper()
			eval[bool](tb, "document.querySelector("+quote(selector)+").click(), true")
		}
	}
	byPassword := both(typed("#login", "caro"), typed("#password", apptest.Password), press(".form button.primary"))
	leave := func(tb *tab) { // an account ends once: each visit has its own
		tb.t.Helper()
		handle := fmt.Sprint("leaver", x.leavers.Add(1))
		tb.signIn(x.As(handle, db.Plain))
		tb.visit("/settings/data")
		tb.fill("#handle", handle)
		tb.follow(func() { tb.click("form[action='/settings/data/delete'] button") })
		tb.wait("document.querySelector('h1').textContent === 'Goodbye'")
	}
	id := strings.Split(x.post, "/")[2]
	since := fmt.Sprint(int64(x.cases[0].OpenedAt) - 60_000)
	list := []place{
		{name: "settings-email", as: x.author, path: "/settings/email"},
		{name: "settings-email-refused", as: x.author, path: "/settings/email", status: 422, then: both(typed("#email", "nobody"), press(".form button.primary"))},
		{name: "settings-prove", as: x.author, path: "/settings/prove?next=/settings/email"},
		{name: "settings-prove-refused", like: true, as: x.author, path: "/settings/prove", status: 422, then: both(typed("#proof", "wrong"), press(".form button.primary"))},
		{name: "settings-factor-off", as: x.author, path: "/settings/second-factor"},
		{name: "settings-factor-new", as: x.author, path: "/settings/second-factor/new"},
		{name: "settings-factor-refused", like: true, as: x.author, path: "/settings/second-factor/new", status: 422, then: both(typed("#code", "123"), press(".form button.primary"))},
		{name: "settings-factor-on", as: x.careful, path: "/settings/second-factor"},
		{name: "settings-factor-codes", as: x.careful, path: "/settings/second-factor", then: press("form[action$='/codes'] button")},
		{name: "settings-invites", as: x.mod, path: "/settings/invites"},
		{name: "settings-invites-none", like: true, as: x.author, path: "/settings/invites"},
		{name: "settings-invite-made", as: x.admin, path: "/settings/invites", then: press("form[action='/settings/invites'] button.primary")},
		{name: "settings-data", as: x.author, path: "/settings/data"},
		{name: "settings-data-refused", like: true, as: x.author, path: "/settings/data", status: 422, then: press("form[action='/settings/data/delete'] button")},
		{name: "settings-trust", as: x.author, path: "/settings/trust"},
		{name: "settings-trust-newcomer", as: x.newcomer, path: "/settings/trust"},
		{name: "settings-blocks", as: x.reader, path: "/settings/blocks"},
		{name: "settings-blocks-none", like: true, as: x.author, path: "/settings/blocks"},
		{name: "goodbye", path: "/about", then: leave},
		{name: "saved", as: x.reader, path: "/saved"},
		{name: "saved-none", as: x.quiet, path: "/saved"},
		{name: "notifications", between: true, as: x.author, path: "/notifications"},
		{name: "notifications-none", like: true, as: x.quiet, path: "/notifications?tab=mentions"},
		{name: "notifications-menu", as: x.author, path: "/about", then: func(tb *tab) {
			tb.t.Helper()
			tb.stay(func() { tb.click(".bell") }, "document.querySelector('#notices-list .event') && document.querySelector('#notices').matches(':popover-open')")
		}},
		{name: "settings-notifications", as: x.author, path: "/settings/notifications"},
		{name: "drafts", as: x.reader, path: "/drafts"},
		{name: "drafts-none", like: true, as: x.quiet, path: "/drafts"},
		{name: "invitations", as: x.reader, path: "/invitations"},
		{name: "invitations-none", like: true, as: x.quiet, path: "/invitations"},
		{name: "compose-similar", as: x.author, path: "/c/public/new", then: both(typed("#title", "Where does the path"), func(tb *tab) {
			tb.t.Helper()
			tb.keys(" ")
			tb.wait("document.querySelector('a[href*=\"/where-does-the-path\"]')?.checkVisibility()")
		})},
		{name: "compose-drafted", as: x.reader, path: "/c/public/new"},
		{name: "compose-rules", as: x.author, path: "/c/restricted/new"},
		{name: "login-code", path: "/login", then: byPassword},
		{name: "login-code-refused", like: true, path: "/login", status: 422, then: both(byPassword, typed("#code", "000"), press(".form button.primary"))},
		{name: "register-asks", path: "/register", on: x.byApproval},
		{name: "register-asks-refused", like: true, path: "/register", on: x.byApproval, status: 422, then: press(".form button.primary")},
		{name: "register-waiting", path: "/register/waiting", on: x.byApproval},
		{name: "register-by-invite", path: "/register", on: x.byInvite},
		{name: "register-invite-ended", path: "/register?invite=none", on: x.byInvite},
		{name: "register-paused", path: "/register", on: x.paused},

		{name: "channel-restricted", as: x.quiet, path: "/c/restricted"},
		{name: "channel-restricted-guest", path: "/c/restricted"},
		{name: "channel-private", as: x.author, path: "/c/private"},
		{name: "channel-private-strange", as: x.quiet, path: "/c/private", status: 404},
		{name: "channel-archived", as: x.reader, path: "/c/archived"},
		{name: "channel-archived-empty", as: x.author, path: "/c/shut"},
		{name: "channel-members-owner", as: x.author, path: "/c/private/members"},
		{name: "channel-members-asked", as: x.author, path: "/c/restricted/members"},
		{name: "channel-members-refused", like: true, as: x.author, path: "/c/private/members", status: 422, then: both(typed("#handle", "nobody-here"), press("form[action$='/invitations'] button"))},
		{name: "channel-settings-owner", as: x.author, path: "/c/restricted/settings"},
		{name: "channels-many", as: x.author, path: "/c"},

		{name: "history", path: at(t, x.edited, "history"), between: true},
		{name: "history-moderator", as: x.mod, path: at(t, x.edited, "history")},
		{name: "history-comment", as: x.author, path: "/comments/" + x.comment + "/history"},
		{name: "edit-stale", as: x.author, path: at(t, x.post, "edit"), status: 409, then: both(func(tb *tab) {
			tb.t.Helper() // as the page of a form that was opened before the last change
			eval[bool](tb, "document.querySelector('[name=version]').value = 1, true")
		}, press("#compose button.primary"))},
		{name: "post-held", as: x.newcomer, path: x.held},
		{name: "post-removed", as: x.quiet, path: x.removed},
		{name: "post-removed-staff", as: x.mod, path: x.removed},
		{name: "post-staff", as: x.mod, path: x.post},
		{name: "post-archived", as: x.reader, path: x.shelved},
		{name: "suspended", as: x.fresh, path: x.post},
		{name: "suspended-channel", like: true, as: x.fresh, path: "/c/public"},
		{name: "suspended-compose", as: x.fresh, path: "/c/public/new", status: 403},
		{name: "flag", as: x.quiet, path: "/flag?subject=post:" + id},
		{name: "flag-member", as: x.quiet, path: fmt.Sprint("/flag?subject=member:", x.author.Viewer.ID)},
		{name: "flag-refused", like: true, as: x.quiet, path: "/flag?subject=post:" + id, status: 422, then: press(".form button.primary")},
		{name: "flag-thanks", as: x.careful, path: "/flag?subject=post:" + id, then: both(choose("[value=other]"), press(".form button.primary"))},
		{name: "remove", as: x.mod, path: "/p/" + id + "/remove"},
		{name: "remove-refused", like: true, as: x.mod, path: "/p/" + id + "/remove", status: 422, then: press(".form button.danger")},
		{name: "remove-comment", as: x.mod, path: "/comments/" + x.comment + "/remove"},
		{name: "member-to-block", as: x.author, path: "/u/quentin"},
		{name: "member-unseen", as: x.newcomer, path: "/u/" + x.newcomer.Viewer.Handle},
		{name: "member-unseen-staff", as: x.mod, path: "/u/" + x.newcomer.Viewer.Handle},
		{name: "member-blocked", as: x.reader, path: "/u/caro"},

		{name: "moderation", as: x.mod, path: "/moderation", between: true},
		{name: "moderation-reason-open", as: x.mod, path: "/moderation?kind=hold", then: func(tb *tab) {
			tb.t.Helper()
			tb.click(".case-remove summary")
			tb.wait("document.querySelector('.case-remove[open] .case-reason')?.checkVisibility()")
		}},
		{name: "moderation-decided", as: x.mod, path: "/moderation?tab=decided"},
		{name: "moderation-none", like: true, as: x.author, path: "/moderation?tab=decided"},
		{name: "moderation-case", as: x.mod, path: caseAt(x.cases[2].ID, "")},
		{name: "moderation-case-taken", as: x.mod, path: caseAt(x.cases[0].ID, ""), between: true},
		{name: "moderation-case-decided", as: x.mod, path: caseAt(x.cases[1].ID, "")},
		{name: "moderation-registrations", as: x.mod, path: "/moderation/registrations"},
		{name: "moderation-registrations-none", like: true, as: x.adminOf(x.paused), path: "/moderation/registrations", on: x.paused},
		{name: "moderation-newcomers", as: x.admin, path: "/moderation/newcomers"},
		{name: "moderation-words", as: x.mod, path: "/moderation/words"},
		{name: "moderation-words-refused", like: true, as: x.mod, path: "/moderation/words", status: 422, then: both(typed("#word", "!!!"), press("form[action$='/words'] button"))},
		{name: "moderation-bans", as: x.mod, path: "/moderation/bans"},
		{name: "moderation-bans-refused", as: x.mod, path: "/moderation/bans", status: 422, then: both(typed("#value", "everything"), press("form[action$='/bans'] button"))},
		{name: "moderation-log", as: x.mod, path: "/moderation/log"},
		{name: "moderation-member", as: x.mod, path: "/moderation/members/quentin"},
		{name: "moderation-member-banned", as: x.admin, path: "/moderation/members/brute"},
		{name: "moderation-member-factor", as: x.admin, path: "/moderation/members/caro"},
		{name: "moderation-member-refused", like: true, as: x.mod, path: "/moderation/members/quentin", status: 422, then: press("form[action$='/bar'] button")},
		{name: "sweep-member", as: x.mod, path: "/moderation/sweep?member=quentin"},
		{name: "sweep-wave", as: x.mod, path: "/moderation/sweep?since=" + since},
		{name: "sweep-done", as: x.mod, path: "/moderation/sweeps/" + x.sweep(t)},
		{name: "log", path: "/log"},
		{name: "log-none", like: true, path: "/log", on: x.paused},

		{name: "admin", as: x.admin, path: "/admin"},
		{name: "admin-fresh", as: x.adminOf(x.byInvite), path: "/admin", on: x.byInvite},
		{name: "admin-settings", as: x.admin, path: "/admin/settings", between: true},
		{name: "admin-settings-refused", like: true, as: x.admin, path: "/admin/settings", status: 422, then: both(typed("#"+db.SettingContact, "nowhere"), press(".form-end button.primary"))},
	}
	return slices.Concat(list, lettered(t), programmed(t))
}

// shown are the places for a tab that begins on another site.
func (x *parish) shown(t *testing.T) []place {
	list := x.places(t)
	for i := range list {
		if list[i].on == nil {
			list[i].on = x.Site
		}
	}
	return list
}

// sent is for forms that are answered with a page or with the way to one.
func sent(t *testing.T, a apptest.Answer) {
	t.Helper()
	if a.Status != http.StatusOK {
		want(t, a, http.StatusSeeOther)
	}
}

// adminOf is an admin of another site.
func (x *parish) adminOf(s *apptest.Site) *apptest.Client { return s.As("chief", db.Admin) }

func (x *parish) sweep(t *testing.T) string {
	t.Helper()
	return fmt.Sprint(take(x.DB.Sweeps(t.Context(), x.mod.Viewer, 1))[0].ID)
}

// testOffices goes to the pages that testTour does not: once each, by turns on a desk and on a phone, and then looks at
// the other size too for what does not fit and what is too small for a thumb.
func testOffices(t *testing.T, b *browser) {
	x := settleParish(t)
	all := x.places(t)
	axe := testdata(t, "axe.min.js")
	queue := queued(all)
	for i := range 2 {
		t.Run(fmt.Sprintf("part %d", i+1), func(t *testing.T) {
			t.Parallel()
			tb := b.open(t, x.Site, desk(), true)
			for n := range queue {
				p, at := all[n], []screen{desk(), phone()}
				if n/2%2 == 1 {
					at[0], at[1] = at[1], at[0]
				}
				tb.resize(at[0])
				tb.find(x.showcase, p)
				tb.fits()
				if !p.like {
					eval[bool](tb, axe+"; true")
					tb.checkIn(p.name, true, n%2 == 0) // what differs by night is the style, which they share
				}
				tb.resize(at[1])
				tb.fits()
				tb.resize(phone())
				tb.thumbs(p.name)
				tb.resize(screen{"small phone", 360, 740, true})
				tb.fits()
			}
		})
	}
}
