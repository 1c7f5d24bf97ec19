package ui

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"

	"codex/db"
)

// Ago is how long before now t is, in one number and one unit: "now", "4 min", "3 h", "2 d", "5 w", "3 mo", "2 y".
func Ago(ctx context.Context, t db.Millis) string {
	d := env(ctx).Now.Sub(t.Time())
	switch {
	case d < time.Minute:
		return T(ctx, "now")
	case d < time.Hour:
		return T(ctx, "%d min", int(d/time.Minute))
	case d < 24*time.Hour:
		return T(ctx, "%d h", int(d/time.Hour))
	case d < 14*24*time.Hour:
		return T(ctx, "%d d", int(d/(24*time.Hour)))
	case d < 60*24*time.Hour:
		return T(ctx, "%d w", int(d/(7*24*time.Hour)))
	case d < 365*24*time.Hour:
		return T(ctx, "%d mo", int(d/(30*24*time.Hour)))
	}
	return T(ctx, "%d y", int(d/(365*24*time.Hour)))
}

// Day is the date, without the year when it is the present one.
func Day(ctx context.Context, t db.Millis) string {
	at, now := t.Time().UTC(), env(ctx).Now.UTC()
	if at.Year() == now.Year() {
		return at.Format("2 January")
	}
	return at.Format("2 January 2006")
}

// Span is the stretch of time that an instant lies in, the longer the farther back: "Today", "Yesterday", "This week",
// "This month", "March", "2019". Days end at midnight UTC.
func Span(ctx context.Context, t db.Millis) string {
	const day = 24 * time.Hour
	at, now := t.Time().UTC(), env(ctx).Now.UTC()
	switch days := now.Truncate(day).Sub(at.Truncate(day)) / day; {
	case days <= 0:
		return T(ctx, "Today")
	case days == 1:
		return T(ctx, "Yesterday")
	case days < 7:
		return T(ctx, "This week")
	case days < 30:
		return T(ctx, "This month")
	}
	if at.Year() == now.Year() {
		return at.Format("January")
	}
	return at.Format("2006")
}

// Now is the instant at which the page is rendered.
func Now(ctx context.Context) db.Millis { return db.MillisOf(env(ctx).Now) }

// Today is the day that the page is rendered on.
func Today(ctx context.Context) string { return env(ctx).Now.UTC().Format("Monday, 2 January") }

// Month is the month and the year.
func Month(t db.Millis) string { return t.Time().UTC().Format("January 2006") }

// Time shows an instant relative to now, with the exact one (UTC) behind it for the pointer and for machines.
func Time(t db.Millis) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		at := t.Time().UTC()
		b := make([]byte, 0, 160)
		b = append(b, `<time datetime="`...)
		b = at.AppendFormat(b, "2006-01-02T15:04:05Z")
		b = append(b, `" title="`...)
		b = at.AppendFormat(b, "2 January 2006, 15:04 UTC")
		b = append(b, `">`...)
		b = append(b, templ.EscapeString(Ago(ctx, t))...)
		b = append(b, "</time>"...)
		_, err := w.Write(b)
		return err
	})
}
