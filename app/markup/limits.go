package markup

import (
	"fmt"
	"strings"
)

// Limits bound a source's structure. goldmark needs 3.7 s for 64 KiB of "- " on one line, so none of these is for looks.
type Limits struct {
	Body, Line, Depth, Links, Brackets, Cells, Images, URLs, Output int
}

// DefaultLimits are for what a person writes; bytes where a length is meant.
var DefaultLimits = Limits{Body: 64 << 10, Line: 8 << 10, Depth: 16, Links: 300, Brackets: 64, Cells: 2000, Images: 30, URLs: 100, Output: 512 << 10}

// LimitError says which limit a source is beyond.
type LimitError struct {
	Limit    string // "body", "line", "depth", "links", "brackets", "cells", "images", "addresses", "output"
	Max, Got int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("text has %d of %s, at most %d are allowed", e.Got, e.Limit, e.Max)
}

// Status makes it a fault of the input.
func (e *LimitError) Status() int { return 422 }

func (l Limits) check(s string) error {
	over := func(name string, most, got int) error {
		if got > most {
			return &LimitError{name, most, got}
		}
		return nil
	}
	if err := over("body", l.Body, len(s)); err != nil {
		return err
	}
	for _, c := range []struct {
		name, what string
		most       int
	}{{"links", "](", l.Links}, {"images", "![", l.Images}, {"addresses", "://", l.URLs}} {
		if err := over(c.name, c.most, strings.Count(s, c.what)); err != nil {
			return err
		}
	}
	cells := 0
	for line := range strings.Lines(s) {
		if err := over("line", l.Line, len(line)); err != nil {
			return err
		}
		if err := over("depth", l.Depth, containers(line)); err != nil {
			return err
		}
		cells += strings.Count(line, "|")
		run := 0
		for i := range len(line) {
			if line[i] != '[' {
				run = 0
				continue
			}
			run++
			if err := over("brackets", l.Brackets, run); err != nil {
				return err
			}
		}
	}
	return over("cells", l.Cells, cells)
}

// containers is an upper bound of the quotes and lists that a line opens: markers and, for nested lists that go on,
// two columns of indentation each beyond the four of a code block.
func containers(line string) int {
	n, indent := 0, 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ':
			indent++
		case c == '\t':
			indent += 4
		case c == '>', (c == '-' || c == '*' || c == '+') && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t' || line[i+1] == '\n'):
			n++
			indent = 0
		case c >= '0' && c <= '9':
			j := i
			for j < len(line) && line[j] >= '0' && line[j] <= '9' {
				j++
			}
			if j == len(line) || line[j] != '.' && line[j] != ')' || j-i > 9 {
				return n
			}
			n, i, indent = n+1, j, 0
		default:
			return n
		}
	}
	return n
}
