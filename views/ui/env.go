// Package ui holds what every page of the forum is made of: texts, times, icons, avatars, form fields, the composer,
// and the small components that stand on more than one page.
//
// Everything here is a function of its arguments and of the Env in the context, and may be used by any number of
// requests at once. Nothing here decides what a viewer may do: that comes in as fields.
package ui

import (
	"context"
	"time"
)

// Env is what a page knows of the place where it is rendered. Each rendering has one of its own.
type Env struct {
	Now   time.Time                // the instant that "3 min" counts from
	Zone  *time.Location           // where the viewer's days begin and their clocks stand; nil: UTC
	Site  string                   // the forum's name
	Asset func(name string) string // the address of a static file, such as "codex.css"

	Logo   *Logo  // nil: the forum has none
	Member string // the viewer as a form names them; empty: a guest

	drawn shapeSet // by icons, initials and arms, for Sprite
}

type envKey struct{}

// With puts e into the context that a page is rendered with. It is done last, so that the look-up, once for every
// time on the page, ends at once.
func With(ctx context.Context, e *Env) context.Context { return context.WithValue(ctx, envKey{}, e) }

func env(ctx context.Context) *Env {
	if e, ok := ctx.Value(envKey{}).(*Env); ok {
		return e
	}
	return &Env{Now: time.Now(), Site: "Codex", Asset: func(name string) string { return "/static/" + name }}
}

// at is an instant on the viewer's clock.
func (e *Env) at(t time.Time) time.Time {
	if e.Zone == nil {
		return t.UTC()
	}
	return t.In(e.Zone)
}

// Site is the forum's name.
func Site(ctx context.Context) string { return env(ctx).Site }

// Logo is the picture that stands for the forum, with its size in pixels.
type Logo struct {
	URL           string
	Width, Height int
}

// Wide reports whether the picture leaves no room for a name beside it.
func (l *Logo) Wide() bool { return l.Width > 2*l.Height }

// SiteLogo is the forum's picture; nil: it has none.
func SiteLogo(ctx context.Context) *Logo { return env(ctx).Logo }

// Asset is the address of a static file.
func Asset(ctx context.Context, name string) string { return env(ctx).Asset(name) }
