package respond

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"codex/views/layout"
)

// Framed is a page: the frame with a leaf in it.
func Framed(page layout.Page, leaf ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return layout.Frame(page).Render(templ.WithChildren(ctx, templ.Join(leaf...)), w)
	})
}
