package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"codex/db"
)

// hooked is a site with a webhook that is told of everything.
type hooked struct {
	*site
	admin db.Viewer
	id    int64
}

func newHooked(t *testing.T) *hooked {
	t.Helper()
	h := &hooked{site: newSite(t)}
	h.admin = h.member("the-admin", db.Admin)
	h.id = h.add("https://hooks.example.org/T0/secret-path", db.HookKinds[:]...)
	return h
}

func (h *hooked) add(address string, kinds ...db.HookKind) int64 {
	h.t.Helper()
	id, made, err := h.AddWebhook(h.ctx, h.admin, db.NewWebhook{URL: address, Host: "hooks.example.org", Secret: "s", Kinds: kinds})
	if err != nil || !made {
		h.t.Fatal(made, err)
	}
	return id
}

// told takes the jobs that wait, in order, and answers what they deliver.
func (h *hooked) told() (list []db.Happening) {
	h.t.Helper()
	jobs, err := h.ClaimJobs(h.ctx, []string{db.JobWebhook}, 1000, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, job := range jobs {
		var x db.Happening
		if err := json.Unmarshal([]byte(job.Payload), &x); err != nil || job.Subject == 0 || x.Delivery == "" || x.ID == "" || x.At == 0 {
			h.t.Fatalf("%v: %s", err, job.Payload)
		}
		list = append(list, x)
		if err := h.FinishJob(h.ctx, job); err != nil {
			h.t.Fatal(err)
		}
	}
	return list
}

func (h *hooked) wants(what string, want ...db.HookKind) {
	h.t.Helper()
	var got []db.HookKind
	for _, x := range h.told() {
		got = append(got, x.Event)
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: told of %v, want %v", what, got, want)
	}
}

func (h *hooked) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hooked) channelOf(slug string, who db.Visibility) int64 {
	h.t.Helper()
	at, err := h.CreateChannel(h.ctx, h.admin, db.NewChannel{Slug: slug, Name: slug, Visibility: who})
	h.must(err)
	c, err := h.ChannelBySlug(h.ctx, h.admin, at)
	h.must(err)
	return c.ID
}

func (h *hooked) write(v db.Viewer, channel int64) (post, comment int64) {
	h.t.Helper()
	post, err := h.CreatePost(h.ctx, v, db.NewPost{ChannelID: channel, Kind: "discussion", Title: "A title", Body: "x"})
	h.must(err)
	comment, err = h.CreateComment(h.ctx, v, db.NewComment{PostID: post, Body: "x"})
	h.must(err)
	return post, comment
}

func TestAWebhookIsToldOfWhatComesAndGoes(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	channel := h.channelOf("open", db.Public)
	mod := h.member("mod", db.Moderator)
	post, comment := h.write(mod, channel)
	h.wants("written", db.HookPostCreated, db.HookCommentCreated)
	h.must(h.EditPost(h.ctx, mod, post, db.PostEdit{Title: "Another", Body: "y"}))
	h.wants("edited")
	h.must(h.DeleteComment(h.ctx, mod, comment))
	h.must(h.UndeleteComment(h.ctx, mod, comment))
	h.wants("a comment deleted and restored", db.HookCommentRemoved, db.HookCommentCreated)
	h.must(h.RemovePost(h.ctx, h.admin, post, "why"))
	h.must(h.UndeletePost(h.ctx, h.admin, post))
	h.wants("a post removed and restored", db.HookPostRemoved, db.HookPostCreated)
	r, err := h.Register(h.ctx, db.NewMember{Handle: "newcomer", Email: "n@example.org", Password: "x"})
	h.must(err)
	if told := h.told(); len(told) != 1 || told[0].Event != db.HookMemberRegistered || told[0].Subject != r.ID {
		t.Errorf("registered: %+v", told)
	}
}

func TestAWebhookIsToldOfWhatItAskedForAlone(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	other := h.add("https://other.example.org/", db.HookPostCreated, "no.such", db.HookPing)
	list, err := h.Webhooks(h.ctx, h.admin)
	if err != nil || len(list) != 2 || list[1].Has("no.such") || list[1].Has(db.HookPing) || !list[1].Has(db.HookPostCreated) {
		t.Fatalf("%+v, %v", list, err)
	}
	channel := h.channelOf("open", db.Public)
	h.write(h.admin, channel)
	told := h.told()
	if len(told) != 3 || told[0].ID != told[1].ID || told[0].Delivery == told[1].Delivery {
		t.Errorf("both are told of the post, as one happening in two deliveries: %+v", told)
	}
	h.must(h.SetWebhookKinds(h.ctx, h.admin, other, nil))
	h.must(h.SwitchWebhook(h.ctx, h.admin, h.id, false))
	h.write(h.admin, channel)
	h.wants("one that is off, and one that asks for nothing")
}

// Nothing of a private channel is told, at no time, whatever is done there.
func TestAWebhookHearsNothingOfWhatIsNotForEverybody(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	private, open := h.channelOf("closed", db.Private), h.channelOf("open", db.Restricted)
	mod := h.member("mod", db.Moderator)
	post, comment := h.write(mod, private)
	h.must(h.DeleteComment(h.ctx, h.admin, comment))
	h.must(h.UndeleteComment(h.ctx, h.admin, comment))
	h.must(h.RemovePost(h.ctx, h.admin, post, "why"))
	h.must(h.UndeletePost(h.ctx, h.admin, post))
	h.wants("in a private channel")
	post, _ = h.write(h.admin, open)
	told := h.told()
	if len(told) != 2 {
		t.Fatalf("where all read and members write: %+v", told)
	}
	for _, x := range told {
		if _, err := h.NewsOf(h.ctx, x); err != nil {
			t.Errorf("%s: %v", x.Event, err)
		}
	}
	h.must(h.SetAccess(h.ctx, h.admin, open, db.Access{Visibility: db.Private}))
	for _, x := range told {
		if n, err := h.NewsOf(h.ctx, x); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s after the channel was made private: %+v, %v", x.Event, n, err)
		}
	}
	h.must(h.DeletePost(h.ctx, h.admin, post))
	h.wants("removed where it is private now")
	if n, err := h.NewsOf(h.ctx, db.Happening{Event: db.HookPostRemoved, Subject: post}); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the removal: %+v, %v", n, err)
	}
}

func TestAWebhookHearsOfATextThatWaitsOnlyWhenItIsShown(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	channel := h.channelOf("open", db.Public)
	h.must(h.SetSetting(h.ctx, db.SettingHoldAll, "on"))
	newcomer := h.member("newcomer", db.Plain)
	post, err := h.CreatePost(h.ctx, newcomer, db.NewPost{ChannelID: channel, Kind: "discussion", Title: "Waits", Body: "x"})
	h.must(err)
	h.wants("a post that waits")
	cases, err := h.Cases(h.ctx, h.admin, db.CaseFilter{})
	if err != nil || len(cases) != 1 || cases[0].PostID != post {
		t.Fatal(cases, err)
	}
	h.must(h.Decide(h.ctx, h.admin, cases[0].ID, db.Kept, ""))
	h.wants("approved", db.HookPostCreated)
	h.must(h.UndoDecision(h.ctx, h.admin, cases[0].ID))
	h.wants("the approval taken back", db.HookPostRemoved)
	h.must(h.Decide(h.ctx, h.admin, cases[0].ID, db.Removed, "no"))
	h.wants("removed while it waits")

	h.must(h.SetSetting(h.ctx, db.SettingHoldAll, "off"))
	h.must(h.SetSetting(h.ctx, db.SettingRegistration, "approval"))
	r, err := h.Register(h.ctx, db.NewMember{Handle: "asks", Email: "a@example.org", Password: "x", Answer: "because"})
	h.must(err)
	h.wants("somebody waits to be let in")
	if n, err := h.NewsOf(h.ctx, db.Happening{Event: db.HookMemberRegistered, Subject: r.ID}); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("who waits: %+v, %v", n, err)
	}
	h.must(h.DecideRegistrations(h.ctx, h.admin, []int64{r.ID}, true))
	h.wants("let in", db.HookMemberRegistered)
}

func TestWhatIsNotSoAnyMoreIsNotTold(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	channel := h.channelOf("open", db.Public)
	post, comment := h.write(h.admin, channel)
	news := func(kind db.HookKind, subject int64, want bool) {
		t.Helper()
		if _, err := h.NewsOf(h.ctx, db.Happening{Event: kind, Subject: subject}); (err == nil) != want {
			t.Errorf("%s: %v", kind, err)
		}
	}
	news(db.HookPostRemoved, post, false)
	news(db.HookCommentRemoved, comment, false)
	h.must(h.DeleteComment(h.ctx, h.admin, comment))
	news(db.HookCommentCreated, comment, false)
	news(db.HookCommentRemoved, comment, true)
	h.must(h.DeletePost(h.ctx, h.admin, post))
	news(db.HookPostCreated, post, false)
	news(db.HookPostRemoved, post, true)
	news(db.HookCommentRemoved, comment, false)
	news("no.such", post, false)
}

// A write that fails tells nobody: the jobs are in its transaction.
func TestAWriteThatFailsTellsNobody(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	channel := h.channelOf("open", db.Public)
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	if _, err := h.CreatePost(ctx, h.admin, db.NewPost{ChannelID: channel, Kind: "discussion", Title: "x", Body: "x"}); err == nil {
		t.Fatal("it was written")
	}
	n := db.NewPost{ChannelID: channel, Kind: "discussion", Title: "x", Body: "x", Key: "9a7f1f3e-8f0c-4f60-a6d5-8d1b6f1f0001"}
	for range 2 {
		_, err := h.CreatePost(h.ctx, h.admin, n)
		h.must(err)
	}
	h.wants("a form that is sent twice", db.HookPostCreated)
}

func TestWebhooksAreForAdminsAlone(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	_, err := h.LogDelivery(h.ctx, db.Delivery{Webhook: h.id, Delivery: "d", Event: db.HookPing, Payload: "{}", Attempt: 1, Status: 200})
	h.must(err)
	log, err := h.Deliveries(h.ctx, h.admin, h.id, 0, 10)
	if err != nil || len(log) != 1 {
		t.Fatal(log, err)
	}
	for name, v := range map[string]db.Viewer{"a moderator": h.member("mod", db.Moderator), "a member": h.member("plain", db.Plain), "a guest": {},
		"who says they are": {ID: h.member("liar", db.Plain).ID, Role: db.Admin}} {
		_, _, add := h.AddWebhook(h.ctx, v, db.NewWebhook{URL: "https://x.example.org/"})
		for what, err := range map[string]error{"add": add, "kinds": h.SetWebhookKinds(h.ctx, v, h.id, nil), "switch": h.SwitchWebhook(h.ctx, v, h.id, false),
			"drop": h.DropWebhook(h.ctx, v, h.id), "ping": h.PingWebhook(h.ctx, v, h.id), "replay": h.ReplayDelivery(h.ctx, v, h.id, log[0].ID)} {
			if !errors.Is(err, db.ErrForbidden) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if v.Role == db.Admin {
			continue // the pages are closed to them by their session's role
		}
		list, err := h.Webhooks(h.ctx, v)
		if one, e := h.WebhookByID(h.ctx, v, h.id); len(list) != 0 || err != nil || !errors.Is(e, db.ErrNotFound) || one.ID != 0 {
			t.Errorf("%s reads %v, %v", name, list, one)
		}
		if log, err := h.Deliveries(h.ctx, v, h.id, 0, 10); len(log) != 0 || err != nil {
			t.Errorf("%s reads the log: %v, %v", name, log, err)
		}
	}
	h.wants("after all that")
}

func TestThereAreOnlySoManyWebhooks(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	for range db.MaxWebhooks - 1 {
		h.add("https://x.example.org/")
	}
	if _, _, err := h.AddWebhook(h.ctx, h.admin, db.NewWebhook{URL: "https://x.example.org/"}); !errors.Is(err, db.ErrTooManyWebhooks) {
		t.Errorf("one more: %v", err)
	}
	h.must(h.DropWebhook(h.ctx, h.admin, h.id))
	h.add("https://x.example.org/")
}

// What is done to webhooks stands in the log of moderation, which moderators read: the host, and not the rest of the
// address, which may be a secret.
func TestWhatIsDoneToAWebhookIsLoggedWithoutItsAddress(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.must(h.SetWebhookKinds(h.ctx, h.admin, h.id, []db.HookKind{db.HookPostCreated}))
	h.must(h.SwitchWebhook(h.ctx, h.admin, h.id, false))
	h.must(h.SwitchWebhook(h.ctx, h.admin, h.id, true))
	if off, err := h.LogDelivery(h.ctx, db.Delivery{Webhook: h.id, Event: db.HookPing, Payload: "{}", Status: 410}); err != nil || !off {
		t.Fatal(off, err)
	}
	h.must(h.DropWebhook(h.ctx, h.admin, h.id))
	log, err := h.ModLog(h.ctx, h.admin, db.Cursor{}, 10)
	h.must(err)
	want := []string{"webhook-drop", "webhook-failed", "webhook-on", "webhook-off", "webhook-kinds", "webhook-add"}
	for i, e := range log {
		if i >= len(want) || e.Action != want[i] || e.Old+e.New == "" || e.Public || (e.Actor == "") != (e.Action == "webhook-failed") {
			t.Errorf("%d: %+v", i, e)
		}
		if host := e.Old; e.Action != "webhook-add" && host != "hooks.example.org" {
			t.Errorf("%s: %q", e.Action, host)
		}
	}
	if len(log) != len(want) {
		t.Errorf("%d entries, want %d", len(log), len(want))
	}
}
