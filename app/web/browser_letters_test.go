package web_test

import (
	"net"
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/app/notify"
)

// lettered are the pages that letters lead to, and those that say something else where a forum sends letters.
func lettered(t *testing.T) []place {
	t.Helper()
	l := take(net.Listen("tcp", "127.0.0.1:0")) // a port that is free, and named in the forum's own address
	addr := l.Addr().String()
	done(l.Close())
	s, box := posted(t, func(c *config.Config) { c.Addr, c.BaseURL = addr, "http://"+addr })
	ada := joined(t, s, "ada")
	want(t, ada.Post("/settings/prove", "proof", apptest.Password), 303)
	reset := "/reset?token=" + forgets(t, s, box, 1, "ada@example.org")
	verify := box.Wait(1, "ada@example.org", verifySubject).Link("/verify")
	secret, id := take(s.DB.MailSecret(t.Context())), take(s.DB.MemberByHandle(t.Context(), "ada")).ID
	as := func(p place) place { p.on = s; return p }
	refused := func(tb *tab) {
		tb.t.Helper()
		tb.fill("#new", "password1")
		tb.follow(func() { tb.click(".form button.primary") })
	}
	var list []place
	for _, p := range []place{
		{name: "sign-in-forgot", path: "/login"},
		{name: "sign-in-reset", like: true, path: "/login?done=reset"},
		{name: "forgot", path: "/forgot"},
		{name: "forgot-sent", path: "/forgot?sent=1"},
		{name: "reset", path: reset},
		{name: "reset-refused", like: true, path: reset, status: 422, then: refused},
		{name: "reset-ended", path: "/reset?token=none", status: 404},
		{name: "verify", path: verify},
		{name: "unsubscribe", path: notify.StopPath(secret, id)},
		{name: "unsubscribed", path: "/unsubscribe?done=1"},
		{name: "settings-not-verified", as: ada, path: "/settings"},
		{name: "settings-email-not-verified", like: true, as: ada, path: "/settings/email"},
	} {
		list = append(list, as(p))
	}
	return append(list, place{name: "forgot-without-mail", path: "/forgot", on: apptest.Start(t)})
}
