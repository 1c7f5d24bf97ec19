package importer

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/marker"
	"golang.org/x/net/html"
)

// registerOwn replaces the renderers of the library (v2.5.2) that lose text,
// and adds the escapes that our dialect needs. What is wrong with the library's:
//   - a code block inside a quote: only its first line gets the "> "
//   - two lists next to each other become one; an empty item vanishes
//   - a code span drops the spaces at its edges, gluing words together
//   - in a quote, "#" and "1." at the start of a line are not escaped
//   - "&lt;" typed by a person becomes "<" for the reader
//   - every ">" becomes "&gt;" in the source
func registerOwn(c *converter.Converter) {
	inline := func(name string, f converter.HandleRenderFunc) {
		c.Register.RendererFor(name, converter.TagTypeInline, f, converter.PriorityEarly)
	}
	for _, name := range []string{"kbd", "sub", "sup"} {
		inline(name, renderTag)
	}
	for _, name := range []string{"code", "tt", "samp", "var"} {
		inline(name, renderCode)
	}
	inline("a", renderLink)
	c.Register.RendererFor("blockquote", converter.TagTypeBlock, renderQuote, converter.PriorityEarly)
	c.Register.RendererFor("ul", converter.TagTypeBlock, renderList, converter.PriorityEarly)
	c.Register.RendererFor("ol", converter.TagTypeBlock, renderList, converter.PriorityEarly)

	c.Register.TextTransformer(markAngles, converter.PriorityEarly)
	c.Register.PostRenderer(settleAngles, converter.PriorityLate+1)
	c.Register.EscapedChar('@', ':')
	c.Register.UnEscaper(escapeDialect, converter.PriorityEarly)
}

// The library would write every < and > as an entity, which makes source that
// nobody wants to edit. They travel as private characters (cleanText took those
// out of the input) until it is known where on a line they stand.
const (
	less        = '\uf003'
	greater     = '\uf004'
	markLess    = string(less)
	markGreater = string(greater)
)

var (
	angles = strings.NewReplacer("<", markLess, ">", markGreater)
	// entityLike is an & that a reader's browser would take for an entity.
	entityLike = regexp.MustCompile(`&([A-Za-z][A-Za-z0-9]*;|#[0-9]+;|#[xX][0-9A-Fa-f]+;)`)
)

func markAngles(_ converter.Context, s string) string {
	if strings.Contains(s, "&") {
		s = entityLike.ReplaceAllString(s, "&amp;$1")
	}
	return angles.Replace(s)
}

func settleAngles(_ converter.Context, md []byte) []byte {
	out := make([]byte, 0, len(md))
	lineStart := true // nothing yet on this line but what may stand before a quote
	for rest := md; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		next, _ := utf8.DecodeRune(rest[size:])
		switch {
		case r == greater:
			if lineStart {
				out = append(out, '\\') // it would begin a quote
			}
			out = append(out, '>')
		case r == less:
			if unicode.IsLetter(next) || strings.ContainsRune("/!?", next) {
				out = append(out, '\\') // it would begin a tag
			}
			out = append(out, '<')
		case r == '\n':
			lineStart = true
			out = append(out, '\n')
		default:
			lineStart = lineStart && strings.ContainsRune(" \t>-*+0123456789.)", r)
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	return out
}

// renderLink writes a link that shows its own address as an autolink, which is
// what its author typed; all others are left to the library.
func renderLink(_ converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	href := attr(n, "href")
	if c := n.FirstChild; c == nil || c != n.LastChild || c.Type != html.TextNode || c.Data != href || attr(n, "title") != "" ||
		!strings.HasPrefix(href, "http") || strings.ContainsFunc(href, func(r rune) bool {
		return r <= ' ' || r >= utf8.RuneSelf || strings.ContainsRune("<>\\`|", r)
	}) || !strings.Contains(href, "://") {
		return converter.RenderTryNext
	}
	w.WriteString("<" + href + ">")
	return converter.RenderSuccess
}

// escapeDialect says which characters the library must escape beyond its own
// choice. @name and #name would call a member or a channel of ours, :name: is an
// emoji, ] and | close what was opened further up.
// Rules of the library: chars[i] stands behind a placeholder; 1 escapes it, -1
// leaves it to the other rules.
func escapeDialect(chars []byte, i int) int {
	before, after := runeBefore(chars, i), runeAfter(chars, i)
	switch chars[i] {
	case '@', '#':
		if isWord(after) && !isWord(before) {
			return 1
		}
	case ':':
		if emojiName(chars[i+1:]) {
			return 1
		}
	case '[', ']', '|', '*', '~':
		return 1
	case '_':
		if !isWord(before) || !isWord(after) {
			return 1
		}
	}
	return -1
}

// emojiName reports whether s goes on as "name:".
func emojiName(s []byte) bool {
	n := 0
	for _, b := range s {
		switch {
		case b == ':':
			return n > 0
		case b == placeholder:
		case b == '_' || b == '+' || b == '-' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z':
			n++
		default:
			return false
		}
		if n > 64 {
			return false
		}
	}
	return false
}

const placeholder = byte(marker.MarkerEscaping)

func runeBefore(chars []byte, i int) rune {
	for i > 0 && chars[i-1] == placeholder {
		i--
	}
	r, _ := utf8.DecodeLastRune(chars[:i])
	return r
}

func runeAfter(chars []byte, i int) rune {
	i++
	for i < len(chars) && chars[i] == placeholder {
		i++
	}
	if i >= len(chars) {
		return 0
	}
	r, _ := utf8.DecodeRune(chars[i:])
	return r
}

// renderTag keeps an element that Markdown writes as HTML.
func renderTag(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	w.WriteString("<" + n.Data + ">")
	ctx.RenderChildNodes(ctx, w, n)
	w.WriteString("</" + n.Data + ">")
	return converter.RenderSuccess
}

func renderCode(_ converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		} else if d.Data == "br" {
			b.WriteByte(' ')
		}
	}
	code := b.String()
	inner := strings.TrimSpace(code)
	if inner == "" {
		w.WriteString(code)
		return converter.RenderSuccess
	}
	if startsWithSpace(code) {
		w.WriteByte(' ')
	}
	span := codeSpan(inner)
	if within(n, "td", "th") {
		span = strings.ReplaceAll(span, "|", `\|`) // GFM: also inside code
	}
	w.WriteString(span)
	if endsWithSpace(code) {
		w.WriteByte(' ')
	}
	return converter.RenderSuccess
}

func startsWithSpace(s string) bool { r, _ := utf8.DecodeRuneInString(s); return unicode.IsSpace(r) }
func endsWithSpace(s string) bool   { r, _ := utf8.DecodeLastRuneInString(s); return unicode.IsSpace(r) }

// codeSpan writes code with a fence that does not occur in it. Line breaks
// become spaces, as every browser shows them.
func codeSpan(code string) string {
	code = strings.Join(strings.FieldsFunc(code, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	longest, run := 0, 0
	for i := range len(code) {
		if code[i] == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest == 0 {
		return fence + code + fence
	}
	if code[0] == '`' || code[len(code)-1] == '`' {
		code = " " + code + " "
	}
	return fence + code + fence
}

// prefixed puts prefix before each line but the first, also before the lines
// of code blocks, whose ends are marked so that nothing else touches them.
func prefixed(content []byte, prefix string) []byte {
	content = bytes.ReplaceAll(content, []byte("\n"), []byte("\n"+prefix))
	return bytes.ReplaceAll(content, marker.BytesMarkerCodeBlockNewline,
		append(bytes.Clone(marker.BytesMarkerCodeBlockNewline), prefix...))
}

func children(ctx converter.Context, n *html.Node) []byte {
	var buf bytes.Buffer
	ctx.RenderChildNodes(ctx, &buf, n)
	// The escapes are decided here and not at the end, because behind "> " or
	// "- " the library no longer sees that a line begins.
	content := ctx.UnEscapeContent(bytes.TrimSpace(buf.Bytes()))
	return fewerBlankLines(content)
}

func fewerBlankLines(b []byte) []byte {
	for bytes.Contains(b, []byte("\n\n\n")) {
		b = bytes.ReplaceAll(b, []byte("\n\n\n"), []byte("\n\n"))
	}
	return b
}

func renderQuote(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	if content := children(ctx, n); len(content) > 0 {
		w.WriteString("\n\n> ")
		w.Write(prefixed(content, "> "))
		w.WriteString("\n\n")
	}
	return converter.RenderSuccess
}

func renderList(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	number, _ := strconv.Atoi(attr(n, "start"))
	if attr(n, "start") == "" {
		number = 1
	}
	bullet, after := "- ", ". "
	if followsList(n) {
		bullet, after = "* ", ") "
	}
	// One line between items keeps a list tight; a blank line makes it loose,
	// which is how the source wrote items with paragraphs.
	between := "\n"
	for item := n.FirstChild; item != nil; item = item.NextSibling {
		if item.Type == html.ElementNode && item.FirstChild != nil && firstElement(item, "p") {
			between = "\n\n"
		}
	}
	w.WriteString("\n\n")
	first := true
	for item := n.FirstChild; item != nil; item = item.NextSibling {
		if item.Type != html.ElementNode {
			continue
		}
		prefix := bullet
		if n.Data == "ol" {
			prefix = strconv.Itoa(number) + after
		}
		number++
		if !first {
			w.WriteString(between)
		}
		first = false
		content := children(ctx, item)
		if len(content) == 0 {
			w.WriteString(strings.TrimSpace(prefix))
			continue
		}
		w.WriteString(prefix)
		// "- --" would be a rule, and "- ---" one without a list.
		if line, _, _ := bytes.Cut(content, []byte("\n")); string(line) == "---" {
			copy(content, "___")
		} else if len(bytes.Trim(line, "- ")) == 0 || len(bytes.Trim(line, "* ")) == 0 {
			w.WriteString("\\")
		}
		w.Write(prefixed(content, strings.Repeat(" ", len(prefix))))
	}
	w.WriteString("\n\n")
	return converter.RenderSuccess
}

// followsList reports whether an odd number of lists of the same kind stand
// directly before n: every second one needs another sign, or they would merge.
func followsList(n *html.Node) bool {
	odd := false
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Type == html.TextNode && strings.TrimSpace(p.Data) == "" {
			continue
		}
		if p.Type != html.ElementNode || p.Data != n.Data {
			break
		}
		odd = !odd
	}
	return odd
}

func firstElement(n *html.Node, name string) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			return c.Data == name
		}
		if strings.TrimSpace(c.Data) != "" {
			return false
		}
	}
	return false
}
