package markup

import (
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
)

// Text is the visible text of rendered HTML, blocks apart by spaces.
func Text(h HTML) string { return visible(h, false, len(h)) }

// visible is the text of h, or a beginning of at least most bytes; with prose, without code blocks, tables, and all that belongs to footnotes.
func visible(h HTML, prose bool, most int) string {
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(string(h)))
	skipped, depth := "", 0 // the element that is left out, and how many of its name are open
	for {
		kind := z.Next()
		if kind == xhtml.ErrorToken || b.Len() >= most {
			return strings.TrimSpace(b.String())
		}
		if kind == xhtml.TextToken {
			if depth == 0 {
				b.Write(z.Text())
			}
			continue
		}
		tag, more := z.TagName()
		name := string(tag)
		switch {
		case depth > 0 && name == skipped && kind == xhtml.StartTagToken:
			depth++
		case depth > 0 && name == skipped && kind == xhtml.EndTagToken:
			depth--
		case depth == 0 && prose && kind == xhtml.StartTagToken && (name == "pre" || name == "table" || more && (name == "sup" || name == "div")):
			// A sup or a div has attributes only if it is a footnote's (policy.go).
			skipped, depth = name, 1
		}
		switch name {
		case "a", "em", "strong", "b", "i", "code", "span", "del", "s", "kbd", "sub", "sup":
		default:
			b.WriteByte(' ')
		}
	}
}

// excerpt is Result.Excerpt. Controls of direction are left out: it stands among the words of a page.
func excerpt(h HTML, letters int) string {
	const enough = 8 << 10
	text := words(visible(h, true, enough))
	if text == "" {
		text = words(visible(h, false, enough))
	}
	runes := []rune(text)
	if len(runes) <= letters {
		return text
	}
	cut := string(runes[:letters-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 && runes[letters-1] != ' ' {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.") + "…"
}

func words(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Bidi_Control) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)), " ")
}
