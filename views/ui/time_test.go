package ui

import (
	"testing"
	"time"

	"codex/db"
)

func TestDaysEndAtTheViewersMidnight(t *testing.T) {
	t.Parallel()
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2026, 7, 1, 0, 30, 0, 0, lisbon) // still June in UTC
	ctx := With(t.Context(), &Env{Now: now, Zone: lisbon})
	for before, want := range map[time.Duration]string{29 * time.Minute: "Today", 31 * time.Minute: "Yesterday", 25 * time.Hour: "This week"} {
		if got := Span(ctx, db.MillisOf(now.Add(-before))); got != want {
			t.Errorf("%v before: %q, want %q", before, got, want)
		}
	}
	if day, today := Day(ctx, db.MillisOf(now)), Today(ctx); day != "1 July" || today != "Wednesday, 1 July" || Clock(ctx) != "00:30" {
		t.Errorf("%q, %q, %q", day, today, Clock(ctx))
	}
	spring := time.Date(2026, 3, 29, 12, 0, 0, 0, lisbon) // a day of 23 hours
	ctx = With(t.Context(), &Env{Now: spring, Zone: lisbon})
	if got := Span(ctx, db.MillisOf(spring.Add(-24*time.Hour))); got != "Yesterday" {
		t.Errorf("24 hours before noon on the day of 23: %q", got)
	}
}

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
