package web_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// programmed are the pages about what the forum does by itself: webhooks that work, fail and are off, and jobs.
func programmed(t *testing.T) []place {
	t.Helper()
	ctx := t.Context()
	l := take(net.Listen("tcp", "127.0.0.1:0")) // a port that is free, and named in the forum's own address
	addr := l.Addr().String()
	done(l.Close())
	s := apptest.Start(t, func(c *config.Config) { c.Addr, c.BaseURL = addr, "http://"+addr })
	admin := s.As("ada", db.Admin)
	hook := func(url string) int64 {
		id, _, err := s.DB.AddWebhook(ctx, admin.Viewer, db.NewWebhook{URL: url, Host: "hooks.example.org", Secret: "s", Kinds: db.HookKinds[:3]})
		done(err)
		return id
	}
	attempt := func(hook int64, event db.HookKind, n, status int, why string) {
		_, err := s.DB.LogDelivery(ctx, db.Delivery{Webhook: hook, Delivery: "01980d3e-5c2f-7cc1-9f0a-3b6d2f6f8a41", Event: event, Payload: `{"event":"ping"}`, Attempt: n, Status: status, Error: why, Duration: 12 + int64(n)*1600})
		done(err)
	}
	fine, failing, off := hook("https://hooks.example.org/codex"), hook("https://automation.example.org/"+strings.Repeat("a-long-path/", 12)), hook("https://gone.example.org/")
	for _, event := range db.HookKinds {
		attempt(fine, event, 1, 204, "")
	}
	attempt(failing, db.HookPing, 1, 200, "")
	for n, why := range []string{"name", "connect", "tls", "slow"} {
		attempt(failing, db.HookPostCreated, n+1, 0, why)
	}
	attempt(failing, db.HookCommentRemoved, 1, 0, db.DeliveryGone)
	attempt(failing, db.HookCommentCreated, 5, 503, "")
	attempt(off, db.HookPostCreated, 1, 410, "")

	giveUp(ctx, s.DB, 2, "no such mailbox")
	giveUp(ctx, s.DB, 1, "550 5.7.1 the message was refused, because "+strings.Repeat("the policy of this server is long and ", 6)+rubric)
	done(s.DB.AskReset(ctx, "somebody@example.org"))
	at := func(id int64) string { return "/admin/webhooks/" + fmt.Sprint(id) }
	list := []place{
		{name: "admin-jobs", path: "/admin/jobs", between: true},
		{name: "admin-jobs-gone", like: true, path: "/admin/jobs?done=gone"},
		{name: "admin-given-up", like: true, path: "/admin"},
		{name: "admin-webhooks", path: "/admin/webhooks", between: true},
		{name: "admin-webhooks-refused", path: "/admin/webhooks", status: 422, then: func(tb *tab) {
			tb.t.Helper()
			tb.fill("#url", "https://127.0.0.1/")
			eval[bool](tb, "document.querySelectorAll('[name=kinds]').forEach((e) => e.checked = false), true")
			tb.follow(func() { tb.click("form[action='/admin/webhooks'] button.primary") })
		}},
		{name: "admin-webhook-made", path: "/admin/webhooks", then: func(tb *tab) {
			tb.t.Helper()
			tb.fill("#url", "https://hooks.example.org/new")
			tb.follow(func() { tb.click("form[action='/admin/webhooks'] button.primary") })
		}},
		{name: "admin-webhook", like: true, path: at(fine)},
		{name: "admin-webhook-failing", path: at(failing), between: true},
		{name: "admin-webhook-sent", like: true, path: at(failing) + "?done=sent"},
		{name: "admin-webhook-off", path: at(off)},
	}
	for i := range list {
		list[i].on, list[i].as = s, admin
	}
	without := apptest.Start(t)
	return append(list, place{name: "admin-jobs-none", as: without.As("ada", db.Admin), path: "/admin/jobs", on: without}, place{name: "admin-webhooks-none", as: without.As("bea", db.Admin), path: "/admin/webhooks", on: without})
}
