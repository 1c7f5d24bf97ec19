package markup

import (
	"fmt"
	"strings"
)

// Limits bound a source. Lengths are in bytes. The parser cannot be cancelled and is superlinear on some input (64 KiB
// of "- " on one line took it 3.7 s), so none of these is for looks.
type Limits struct {
	Body, Line, Lines int // of the source, of one line of it, how many of them
	Depth, Containers int // quotes, lists and footnotes: in each other, and all
	Continued         int // lines in a container, counted once for each container that they are in
	Nesting           int // anything in anything: browsers flatten what is deeper than 512
	Links             int // "](", and links of any kind but addresses
	Images            int // "!["
	Addresses         int // "://", and addresses that became links
	Mentions          int // of members and channels that exist
	Brackets, Labels  int // "[" in a row, and all outside of code
	Emphasis, Runs    int // runs of * _ ~ that may begin or end something: in one paragraph, and all
	Cells             int // of all tables, with the empty ones that fill a short row
	Tags              int // pieces of raw HTML
	Footnotes         int // "[^", definitions and references
	Output            int // of the HTML, before it is sanitised
}

// DefaultLimits are for what a person writes.
var DefaultLimits = Limits{Body: 64 << 10, Line: 8 << 10, Lines: 5000, Depth: 16, Containers: 2000, Continued: 16000, Nesting: 100, Links: 300, Images: 30,
	Addresses: 100, Mentions: 300, Brackets: 64, Labels: 4000, Emphasis: 500, Runs: 4000, Cells: 2000, Tags: 1000, Footnotes: 400, Output: 512 << 10}

// LimitError says which limit a source is beyond.
type LimitError struct {
	Limit    string // the field of Limits, in lower case
	Max, Got int    // Got is at least the excess that was seen first: counting stops there
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("text has %d of %s, at most %d are allowed", e.Got, e.Limit, e.Max)
}

// Status makes it a fault of the input.
func (e *LimitError) Status() int { return 422 }

// over is a *LimitError, or nil.
func over(limit string, most, got int) error {
	if got > most {
		return &LimitError{limit, most, got}
	}
	return nil
}

// check is the scan before parsing, linear in the source. What it cannot know without being a parser itself is
// counted while the parser works (parse.go), or before the result is written (transform.go).
func (l Limits) check(s string) error {
	if err := over("body", l.Body, len(s)); err != nil {
		return err
	}
	for _, c := range []struct {
		limit, what string
		most        int
	}{{"links", "](", l.Links}, {"images", "![", l.Images}, {"addresses", "://", l.Addresses}, {"footnotes", "[^", l.Footnotes}, {"lines", "\n", l.Lines}} {
		if err := over(c.limit, c.most, strings.Count(s, c.what)); err != nil {
			return err
		}
	}
	var t table
	for line := range strings.Lines(s) {
		if err := over("line", l.Line, len(line)); err != nil {
			return err
		}
		if err := over("brackets", l.Brackets, longestRun(line, '[')); err != nil {
			return err
		}
		t.line(line)
		if err := over("cells", l.Cells, t.cells); err != nil {
			return err
		}
	}
	return nil
}

func longestRun(s string, c byte) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// table counts, as an upper bound, the cells that a table parser makes of the lines fed to it. Pipes alone are no
// measure: a row of one letter is filled up to the width of its header, so 24 KB became 100 MB of HTML.
type table struct{ columns, cells int }

func (t *table) line(line string) {
	line = strings.TrimLeft(line, "> \t")
	body := strings.TrimSpace(line)
	pipes := strings.Count(body, "|")
	switch {
	case body == "":
		t.columns = 0
	case pipes > 0 && strings.Contains(body, "-") && strings.Trim(strings.TrimLeft(body, "0123456789.)*+"), "|:- \t") == "":
		t.columns = max(t.columns, pipes+1)
		t.cells += 2 * t.columns // the header before it, and itself in case it is a row of a wider table
	default:
		if t.columns > 0 {
			t.cells += max(t.columns, pipes+1) // escaped pipes too: each is looked for among all others
		}
	}
}
