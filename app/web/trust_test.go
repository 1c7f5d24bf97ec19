package web_test

import (
	"testing"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

func TestTheLimitsPageSaysWhereOneStands(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "fresh")
	says(t, c.Get("/settings/trust"), "You are: Newcomer", "The next level is: Known here", "0 of 10", "Posts and comments", "3 in 5 minutes", "turned off")
	admin := s.As("admin", db.Admin)
	want(t, admin.Post("/moderation/members/fresh/trust", "level", "2"), 303)
	says(t, c.Get("/settings/trust"), "You are: Regular", "A moderator has set your level")
	want(t, admin.Post("/moderation/members/fresh/trust", "level", "earned"), 303)
	want(t, admin.Post("/moderation/members/fresh/trust", "level", "7"), 400)
	says(t, c.Get("/settings/trust"), "The next level is: Trusted")
	want(t, s.Guest().Get("/settings/trust"), 303)
}

func TestTheLimitOfWritingGoesByTrust(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RateLimits = "on" })
	admin, fresh := s.As("admin", db.Admin), joined(t, s, "fresh")
	admin.Channel("tides")
	write := func() apptest.Answer {
		return fresh.Post("/c/tides/posts", "title", "t", "body", "b")
	}
	for range 3 {
		want(t, write(), 303)
	}
	r := fresh.Request("POST", "/c/tides/posts", "title", "t", "body", "what I wrote")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	says(t, want(t, fresh.Do(r), 429), "send it again in", "what I wrote")
	want(t, admin.Post("/moderation/members/fresh/trust", "level", "1"), 303)
	want(t, write(), 303) // another tier, from now on
	want(t, write(), 429)
}
