package markup

import (
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	xhtml "golang.org/x/net/html"
)

// cleanRaw cleans the pieces of HTML that a person wrote directly in parent, and balances them: an end tag without its
// start among the siblings is dropped, what is open at the last sibling is closed after it. Siblings are whole in
// their parent, so HTML can neither close a quote, an item or the page's own elements nor swallow what comes after.
// (Balancing the rendered HTML instead could not tell a person's </blockquote> from ours.)
func (t transformer) cleanRaw(parent ast.Node, source []byte) {
	open := openTags{count: map[string]int{}}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		var piece strings.Builder
		switch n := n.(type) {
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				piece.Write(segment.Value(source))
			}
		case *ast.HTMLBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				piece.Write(line.Value(source))
			}
			if n.HasClosure() {
				piece.Write(n.ClosureLine.Value(source))
			}
		default:
			continue
		}
		n.SetAttributeString(cleaned, open.balance(t.raw.Sanitize(piece.String())))
	}
	rest := open.close("")
	if rest == "" {
		return
	}
	var end ast.Node = ast.NewRawHTML()
	if parent.LastChild().Type() == ast.TypeBlock {
		end = ast.NewHTMLBlock(ast.HTMLBlockType6)
	}
	end.SetAttributeString(cleaned, rest)
	parent.AppendChild(parent, end)
}

// cleaned is the attribute of a raw node that holds what is written for it.
const cleaned = "cleaned"

// maxOpen is the most elements in each other that raw HTML opens; a start tag beyond is dropped.
const maxOpen = 32

// openTags are the raw elements that are open: the innermost last.
type openTags struct {
	names []string
	count map[string]int
}

// balance copies sanitised HTML without the tags that would unbalance it.
func (o *openTags) balance(piece string) string {
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(piece))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			for inTable[o.top()] {
				b.WriteString(o.close(o.top()))
			}
			return b.String()
		case xhtml.TextToken:
			b.Write(z.Raw())
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken: // <div/> is a start tag to a browser
			raw := string(z.Raw())
			name, _ := z.TagName()
			if o.start(string(name)) {
				b.WriteString(raw)
			}
		case xhtml.EndTagToken:
			if name, _ := z.TagName(); o.count[string(name)] > 0 {
				b.WriteString(o.close(string(name)))
			}
		}
	}
}

// inTable says of which element each part of a table is a part. What else stands between them is moved before the
// table by a browser, which closes lists and tables on the way, and then their end tags close those of the page. So
// nothing else may, and a table that is not in a cell at the end of a piece of HTML ends with it: Markdown comes next.
var (
	inTable   = map[string]bool{"table": true, "thead": true, "tbody": true, "tr": true}
	tablePart = map[string]string{"thead": "table", "tbody": "table", "tr": "table thead tbody", "th": "tr", "td": "tr"}
)

// start opens an element and reports whether it may stand here.
func (o *openTags) start(name string) bool {
	within, isPart := tablePart[name]
	if isPart || inTable[o.top()] {
		if !isPart || !slices.Contains(strings.Fields(within), o.top()) {
			return false
		}
	}
	switch {
	case name == "br", name == "hr":
		return true
	case name == "a" && o.count["a"] > 0: // a browser would close the outer one
		return false
	case name == "li" && o.count["ul"]+o.count["ol"] == 0: // it would close an item of the page
		return false
	case len(o.names) >= maxOpen:
		return false
	}
	o.names = append(o.names, name)
	o.count[name]++
	return true
}

// top is the innermost open element.
func (o *openTags) top() string {
	if len(o.names) == 0 {
		return ""
	}
	return o.names[len(o.names)-1]
}

// close writes the end tags down to and with the innermost element of that name, or of all.
func (o *openTags) close(name string) string {
	var b strings.Builder
	for len(o.names) > 0 {
		last := o.top()
		o.names = o.names[:len(o.names)-1]
		o.count[last]--
		b.WriteString("</" + last + ">")
		if last == name {
			break
		}
	}
	return b.String()
}
