package ui

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Current marks a link as the place where the reader is, or leaves it alone.
func Current(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// Pressed is the state of a button that stays down.
func Pressed(on bool) string { return strconv.FormatBool(on) }

// AtMost is n, or "99+" when it is more than most.
func AtMost(n, most int) string {
	if n > most {
		return strconv.Itoa(most) + "+"
	}
	return strconv.Itoa(n)
}

// Versal parts the first letter of a name from the rest, for the red one of the wordmark.
func Versal(name string) (first, rest string) {
	r, size := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(r) {
		return "", name
	}
	return name[:size], name[size:]
}

// Toggle is what a pressed reaction sends: none; and one that is not: its kind.
func Toggle(on bool, kind string) string {
	if on {
		return "none"
	}
	return kind
}
