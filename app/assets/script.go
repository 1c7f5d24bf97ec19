package assets

import (
	"bytes"
	"fmt"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/js"
)

// shorten is a script of ours as it is sent: without comments and with short names, a third less as packed. Its style is
// not made so: that minifier rewrites colours and nesting that it does not know, for 3 % of it.
func shorten(script []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := js.Minify(minify.New(), &out, bytes.NewReader(script), nil); err != nil {
		return nil, fmt.Errorf("shorten a script: %w", err)
	}
	return out.Bytes(), nil
}
