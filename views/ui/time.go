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
	e := env(ctx)
	at, now := e.at(t.Time()), e.at(e.Now)
	if at.Year() == now.Year() {
		return at.Format("2 January")
	}
	return at.Format("2 January 2006")
}

// Span is the stretch of time that an instant lies in, the longer the farther back: "Today", "Yesterday", "This week",
// "This month", "March", "2019". Days end at the viewer's midnight.
func Span(ctx context.Context, t db.Millis) string {
	e := env(ctx)
	at, now := e.at(t.Time()), e.at(e.Now)
	switch days := dayNumber(now) - dayNumber(at); {
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

// dayNumber counts days of the calendar, whatever hours they have: where clocks are moved, one in a year has 23.
func dayNumber(t time.Time) int64 {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// Now is the instant at which the page is rendered.
func Now(ctx context.Context) db.Millis { return db.MillisOf(env(ctx).Now) }

// Clock is the hour and the minute at which the page is rendered.
func Clock(ctx context.Context) string {
	e := env(ctx)
	return e.at(e.Now).Format("15:04")
}

// Today is the day that the page is rendered on.
func Today(ctx context.Context) string {
	e := env(ctx)
	return e.at(e.Now).Format("Monday, 2 January")
}

// Instant is the day and the minute on the viewer's clock, with the name of its zone.
func Instant(ctx context.Context, t db.Millis) string {
	return env(ctx).at(t.Time()).Format("2 January 2006, 15:04 MST")
}

// Minute is the hour and the minute of a time that is not far, on the viewer's clock.
func Minute(ctx context.Context, t db.Millis) string {
	return env(ctx).at(t.Time()).Format("15:04 MST")
}

// Month is the month and the year.
func Month(ctx context.Context, t db.Millis) string {
	return env(ctx).at(t.Time()).Format("January 2006")
}

// Time shows an instant relative to now, with the exact one behind it: on the viewer's clock for the pointer, in UTC for
// machines.
func Time(t db.Millis) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		at := t.Time().UTC()
		b := make([]byte, 0, 160)
		b = append(b, `<time datetime="`...)
		b = at.AppendFormat(b, "2006-01-02T15:04:05Z")
		b = append(b, `" title="`...)
		b = env(ctx).at(at).AppendFormat(b, "2 January 2006, 15:04 MST")
		b = append(b, `">`...)
		b = append(b, templ.EscapeString(Ago(ctx, t))...)
		b = append(b, "</time>"...)
		_, err := w.Write(b)
		return err
	})
}
