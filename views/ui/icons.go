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

// Sprite holds the shapes of all icons, initials and arms. Each page has it once, at the end of its body: 25 KB, or
// 5.6 KB as sent. One file for all pages was tried: its icons appear after the first paint, at each page anew, and
// Firefox before 132 refuses it under our Content-Security-Policy.
func Sprite() templ.Component { return sprite }

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
	for _, icon := range iconShapes {
		class := "icon"
		if strings.Contains(turning, " "+icon.name+" ") {
			class = "icon turns"
		}
		table[icon.name] = markup(`<svg class="` + class + `" aria-hidden="true"><use href="#i-` + icon.name + `"/></svg>`)
	}
	return table
}()

var sprite templ.Component = func() markup {
	var b strings.Builder
	b.WriteString(`<svg width="0" height="0" hidden>`)
	for _, icon := range iconShapes {
		b.WriteString(`<symbol id="i-` + icon.name + `" viewBox="0 0 24 24">` + icon.shape + `</symbol>`)
	}
	b.WriteString(artShapes())
	b.WriteString(`</svg>`)
	return markup(b.String())
}()

// symbol writes a shape that initials and arms refer to as #prefix-and-number.
func symbol(b *strings.Builder, prefix string, n int, parts ...string) {
	b.WriteString(`<g id="` + prefix + strconv.Itoa(n) + `">`)
	for _, part := range parts {
		b.WriteString(part)
	}
	b.WriteString(`</g>`)
}
