package ui

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Icon is an icon of Lucide by its name there, such as "trash-2"; iconShapes lists what there is. It is for the eye
// alone: a word or an aria-label always stands beside it. One that is not in the list takes its place and shows
// nothing; a test reads the views for those.
//
// An icon that points along the line turns round where text runs from right to left.
func Icon(name string) templ.Component {
	if c, ok := iconTable[name]; ok {
		return c
	}
	return markup(`<svg class="icon" aria-hidden="true"></svg>`)
}

// icon writes a reference to its shape, and notes in the Env that the page needs that.
type icon struct {
	n    int
	html string
}

func (c *icon) Render(ctx context.Context, w io.Writer) error {
	if e, ok := ctx.Value(envKey{}).(*Env); ok {
		e.drawn.add(c.n)
	}
	_, err := io.WriteString(w, c.html)
	return err
}

// iconSet is a set of icons, by their place in iconShapes.
type iconSet [2]uint64

func (s *iconSet) add(n int)      { s[n>>6] |= 1 << (n & 63) }
func (s *iconSet) has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// later are the icons that come into a page after it was sent: in the rows that follow, in a comment or a form that
// replaces another, and from the script. A test reads the components that are sent as parts.
const later = " arrow-down arrow-up check chevron-down circle-alert circle-check circle-help eye eye-off lock pin plus rotate-ccw "

// laterSignedIn are those that only a member's page gets: in the menu of the bell, and in buttons that change.
const laterSignedIn = " bell bell-ring bookmark mail shield "

// laterInThread are those that a member's page gets besides, unless it is a list of posts: in comments, and in the forms to
// write and to change them.
const laterInThread = " bold clock code corner-down-right ellipsis feather flag heading italic link-2 list pencil quote reply thumbs-down thumbs-up trash-2 undo-2 "

// Later is what may come into a page after it was sent.
type Later int

const (
	LaterForGuest Later = iota
	LaterInList         // of posts, for a member
	LaterInThread       // and wherever else a member may write
)

// Sprite holds the shapes of the icons that the page has drawn, of those that may come later, and of all initials and
// arms. Each page has it once, at the end of its body. All 86 icons are 16 KB, of which a page draws a small part, and
// each page is packed anew. One file for all pages was tried: its icons appear after the first paint, at each page anew.
func Sprite(l Later) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		drawn := laterIcons[l]
		if e, ok := ctx.Value(envKey{}).(*Env); ok {
			drawn[0] |= e.drawn[0]
			drawn[1] |= e.drawn[1]
		}
		if _, err := io.WriteString(w, `<svg width="0" height="0" hidden>`); err != nil {
			return err
		}
		for n, symbol := range &iconSymbols {
			if drawn.has(n) {
				if _, err := io.WriteString(w, symbol); err != nil {
					return err
				}
			}
		}
		_, err := io.WriteString(w, artSymbols)
		return err
	})
}

// markup is a component that is always the same. Only constants of this package become one.
type markup string

func (m markup) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(m))
	return err
}

// turning are the icons that have a direction, as a sentence has.
const turning = " arrow-left arrow-right chevron-left chevron-right corner-down-right list list-checks list-ordered log-out quote reply send "

var iconTable = func() map[string]templ.Component {
	table := make(map[string]templ.Component, len(iconShapes))
	for n, shape := range iconShapes {
		class := "icon"
		if strings.Contains(turning, " "+shape.name+" ") {
			class = "icon turns"
		}
		table[shape.name] = &icon{n, `<svg class="` + class + `" aria-hidden="true"><use href="#i-` + shape.name + `"/></svg>`}
	}
	return table
}()

var iconSymbols = func() (symbols [len(iconShapes)]string) {
	for n, shape := range iconShapes {
		symbols[n] = `<symbol id="i-` + shape.name + `" viewBox="0 0 24 24">` + shape.shape + `</symbol>`
	}
	return symbols
}()

// laterIcons are the sets of Later.
var laterIcons = func() (sets [3]iconSet) {
	for n, shape := range iconShapes {
		for l, names := range [...]string{later, later + laterSignedIn, later + laterSignedIn + laterInThread} {
			if strings.Contains(names, " "+shape.name+" ") {
				sets[l].add(n)
			}
		}
	}
	return sets
}()

var artSymbols = artShapes() + `</svg>`

// symbol writes a shape that initials and arms refer to as #prefix-and-number.
func symbol(b *strings.Builder, prefix string, n int, parts ...string) {
	b.WriteString(`<g id="` + prefix + strconv.Itoa(n) + `">`)
	for _, part := range parts {
		b.WriteString(part)
	}
	b.WriteString(`</g>`)
}
