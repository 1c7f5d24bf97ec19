package revisions

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// marked is a run of pieces, without a space between them that is not theirs. What came in and went out is an element of
// its own, also for who sees no colours or hears the page.
func marked(all []Piece) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for _, p := range all {
			text := templ.EscapeString(p.Text)
			switch p.Change {
			case Added:
				text = "<ins>" + text + "</ins>"
			case Removed:
				text = "<del>" + text + "</del>"
			}
			b.WriteString(text)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}
