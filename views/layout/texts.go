package layout

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/a-h/templ"
)

// texts is said as it was rendered once: it is the same on every page for everybody, and its sixty small writes took a
// thirtieth of a page's time. It becomes one for each language when there are several.
var texts = sync.OnceValue(func() templ.Component {
	var html strings.Builder
	if err := said().Render(context.Background(), &html); err != nil {
		return said() // a strings.Builder refuses nothing; a page says it if something else does
	}
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, html.String())
		return err
	})
})
