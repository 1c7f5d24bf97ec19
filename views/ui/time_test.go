package ui

import (
	"testing"
	"time"

	"codex/db"
)

func TestTheFartherBackTheLongerTheSpan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 0, 30, 0, 0, time.UTC)
	ctx := With(t.Context(), &Env{Now: now})
	for _, at := range []struct {
		before time.Duration
		want   string
	}{
		{-time.Minute, "Today"}, {29 * time.Minute, "Today"}, {31 * time.Minute, "Yesterday"}, {24 * time.Hour, "Yesterday"},
		{25 * time.Hour, "This week"}, {6 * 24 * time.Hour, "This week"}, {7 * 24 * time.Hour, "This month"},
		{29 * 24 * time.Hour, "This month"}, {30 * 24 * time.Hour, "October"}, {328 * 24 * time.Hour, "January"}, {329 * 24 * time.Hour, "2025"},
	} {
		if got := Span(ctx, db.MillisOf(now.Add(-at.before))); got != at.want {
			t.Errorf("%v before: %q, want %q", at.before, got, at.want)
		}
	}
}
