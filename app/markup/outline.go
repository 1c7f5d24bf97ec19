package markup

import (
	"context"
	"io"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"
)

// outlined is from how many headings on a text has an outline: with fewer a reader sees them all at a glance.
const outlined = 3

// Heading is a line of a text's outline.
type Heading struct {
	ID    string // of its element, as Anchored writes it: h- and its number in the text
	Text  string // plain
	Level int    // 3 is the outermost, 6 the innermost
}

// Outline is the headings of a rendered text in their order, nil if there are fewer than three. It costs a search for
// the first tag where there is none, so that a page can ask for it at each view and nothing has to be stored.
func (h HTML) Outline() []Heading {
	if !h.hasOutline() {
		return nil
	}
	var all []Heading
	for rest := string(h); ; {
		at := headingTag(rest)
		if at < 0 {
			return all
		}
		level := rest[at+2]
		rest = rest[at+4:]
		end := strings.Index(rest, "</h"+string(level)+">")
		if end < 0 {
			return all // cut off by somebody: rendered text closes what it opens
		}
		all = append(all, Heading{ID: headingID(len(all) + 1), Text: headingText(rest[:end]), Level: int(level - '0')})
	}
}

// Anchored is the text as a component whose headings have the ids that Outline names; without an outline it is the text
// as it is. The ids are no part of what Render makes, as many texts stand on one page and only one of them may have
// an outline there: they are written between the sanitised bytes, and are h- and a number whatever the text says.
func (h HTML) Anchored() Anchored { return Anchored{h} }

// Anchored is a component; see HTML.Anchored.
type Anchored struct{ html HTML }

// Render writes the HTML with the ids of its headings.
func (a Anchored) Render(_ context.Context, w io.Writer) error {
	rest := string(a.html)
	if a.html.hasOutline() {
		for n := 1; ; n++ {
			at := headingTag(rest)
			if at < 0 {
				break
			}
			at += len("<h3")
			for _, piece := range [...]string{rest[:at], ` id="`, headingID(n), `"`} {
				if _, err := io.WriteString(w, piece); err != nil {
					return err
				}
			}
			rest = rest[at:]
		}
	}
	_, err := io.WriteString(w, rest)
	return err
}

// hasOutline counts the tags <h and their like, of which hr is no heading.
func (h HTML) hasOutline() bool {
	rest := string(h)
	for range outlined {
		at := headingTag(rest)
		if at < 0 {
			return false
		}
		rest = rest[at+4:]
	}
	return true
}

// headingText spares most headings the tokenizer, which takes 4 KiB each time.
func headingText(html string) string {
	if strings.Contains(html, "<") {
		html = Text(HTML(html))
	} else {
		html = xhtml.UnescapeString(html)
	}
	return strings.Join(strings.Fields(html), " ")
}

func headingID(n int) string { return "h-" + strconv.Itoa(n) }

// headingTag is where the first heading begins, -1 if there is none. In rendered text a heading has no attribute, and
// each < of a person's own is escaped, in text and in values.
func headingTag(html string) int {
	for from := 0; ; {
		at := strings.Index(html[from:], "<h")
		if at < 0 || from+at+4 > len(html) {
			return -1
		}
		at += from
		if c := html[at+2]; c >= '3' && c <= '6' && html[at+3] == '>' {
			return at
		}
		from = at + 2
	}
}
