package assets

import (
	"bytes"
	"fmt"
)

// strip takes the lines that are comments and the indentation out of a script of ours: 1 KB of 7 as sent. It knows no
// more of JavaScript than lines, so a literal that spans several is refused; a block comment merely stays.
func strip(js []byte) ([]byte, error) {
	out := make([]byte, 0, len(js))
	n := 0
	for line := range bytes.Lines(js) {
		n++
		line = bytes.TrimSpace(line)
		if bytes.Count(line, []byte("`"))%2 != 0 {
			return nil, fmt.Errorf("line %d: a literal of several lines would be changed", n)
		}
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}
