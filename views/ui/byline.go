package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Byline is a member's name that leads to their page; a deleted author has neither. It stands fifty times on a page,
// so it is written in one piece.
func Byline(handle, name, class string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		b := make([]byte, 0, 192)
		if handle == "" {
			b = append(b, `<span class="`...)
			b = append(b, class...)
			b = append(b, `"><bdi>`...)
			b = append(b, templ.EscapeString(Name(ctx, name))...)
			b = append(b, "</bdi></span>"...)
		} else {
			b = append(b, `<a class="`...)
			b = append(b, class...)
			b = append(b, `" href="/u/`...)
			b = append(b, templ.EscapeString(handle)...)
			b = append(b, `"><bdi>`...)
			b = append(b, templ.EscapeString(name)...)
			b = append(b, "</bdi></a>"...)
		}
		_, err := w.Write(b)
		return err
	})
}
