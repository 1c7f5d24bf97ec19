package ui

import (
	"context"
	"io"
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

// shape is a part of the sprite that a component refers to, by its place in shapes.
type shape int

// draw notes in the Env that the page needs a shape.
func (s shape) draw(ctx context.Context) {
	if e, ok := ctx.Value(envKey{}).(*Env); ok {
		e.drawn.add(s)
	}
}

// mark is a component that is always the same, and refers to a shape.
type mark struct {
	shape shape
	html  string
}

func (c *mark) Render(ctx context.Context, w io.Writer) error {
	c.shape.draw(ctx)
	_, err := io.WriteString(w, c.html)
	return err
}

// shapeSet is a set of shapes.
type shapeSet [2]uint64

func (s *shapeSet) add(n shape)      { s[n>>6] |= 1 << (n & 63) }
func (s *shapeSet) has(n shape) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// Sprite holds the shapes that the page has drawn: each page has it once, at the end of its body. All of them are 25 KB, of
// which a page draws a small part, and each page is packed anew. What comes into a page later may need others, which the
// script adds from Shapes. To have them all from that file was tried: icons appear after the first paint, at each page anew.
func Sprite() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		e := env(ctx)
		if _, err := io.WriteString(w, `<svg id="shapes" width="0" height="0" data-all="`+templ.EscapeString(e.Asset(ShapesFile))+`" hidden>`); err != nil {
			return err
		}
		for n, html := range &shapes {
			if e.drawn.has(shape(n)) {
				if _, err := io.WriteString(w, html); err != nil {
					return err
				}
			}
		}
		_, err := io.WriteString(w, `</svg>`)
		return err
	})
}

// ShapesFile is the name of the static file that Shapes is.
const ShapesFile = "shapes.svg"

// Shapes is all that a sprite can hold.
func Shapes() []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + strings.Join(shapes[:], "") + `</svg>`)
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
	for n, icon := range iconShapes {
		class := "icon"
		if strings.Contains(turning, " "+icon.name+" ") {
			class = "icon turns"
		}
		table[icon.name] = &mark{shape(n), `<svg class="` + class + `" aria-hidden="true"><use href="#i-` + icon.name + `"/></svg>`}
	}
	return table
}()

// The places of shapes: icons, then the grounds of initials, then the devices of arms.
const (
	firstOrnament = len(iconShapes)
	firstDevice   = firstOrnament + ornaments
)

var shapes = func() (all [firstDevice + devices]string) {
	for n, icon := range iconShapes {
		all[n] = `<symbol id="i-` + icon.name + `" viewBox="0 0 24 24">` + icon.shape + `</symbol>`
	}
	for n, art := range artShapes() {
		all[firstOrnament+n] = art
	}
	return all
}()
