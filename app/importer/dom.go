package importer

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// normalise rewrites a parsed body into the part of HTML that Markdown can say.
func normalise(root *html.Node) {
	var all []*html.Node
	for n := range root.Descendants() {
		all = append(all, n)
	}
	for _, n := range all {
		switch n.Type {
		case html.CommentNode:
			n.Parent.RemoveChild(n)
		case html.TextNode:
			n.Data = cleanText(n.Data)
		case html.ElementNode:
			normaliseElement(n)
			if n.Data == "li" && n.Parent.Data != "ul" && n.Parent.Data != "ol" {
				adopt(n)
			}
		}
	}
	// Last, because it moves nodes that the loop above still holds.
	for _, n := range all {
		if isFormatting(n) && n.Parent != nil {
			pushDown(n)
		}
	}
	var formatted []*html.Node
	for n := range root.Descendants() {
		if isFormatting(n) {
			formatted = append(formatted, n)
		}
	}
	for _, n := range formatted {
		freeEdges(n)
	}
}

// The library marks places in its output with a bell and U+F002, we with the
// two after it; text must not hold them. They are of no meaning in a text.
var markers = strings.NewReplacer("\a", "", "\uf002", "\ufffd", markLess, "\ufffd", markGreater, "\ufffd", "\x00", "\ufffd")

func cleanText(s string) string { return markers.Replace(s) }

func normaliseElement(n *html.Node) {
	for i := range n.Attr {
		n.Attr[i].Val = cleanText(n.Attr[i].Val)
	}
	switch n.Data {
	case "a":
		if strings.Contains(attr(n, "class"), "post-tag") {
			removeAttr(n, "title") // "show questions tagged …" says nothing here
		}
	case "ol":
		if s := attr(n, "start"); s != "" {
			if v, err := strconv.Atoi(s); err != nil || v < 0 || v > 99_999_999 {
				removeAttr(n, "start") // Markdown counts from 0 to nine digits
			}
		}
	case "pre", "code":
		setLanguage(n)
	case "blockquote":
		if strings.Contains(attr(n, "class"), "spoiler") {
			label := element("p", element("strong", textNode("Spoiler")))
			n.InsertBefore(label, n.FirstChild)
		}
	case "td", "th":
		if align := textAlign(attr(n, "style")); align != "" {
			n.Attr = append(n.Attr, html.Attribute{Key: "align", Val: align})
		}
	case "br":
		if within(n, "td", "th") {
			n.Type, n.Data, n.DataAtom = html.TextNode, " ", 0
		}
	}
}

// adopt puts an item that stands outside of any list, and the items after it,
// into one.
func adopt(li *html.Node) {
	list := element("ul")
	li.Parent.InsertBefore(list, li)
	for c := li; c != nil; {
		next := c.NextSibling
		if c.Data != "li" && (c.Type != html.TextNode || strings.TrimSpace(c.Data) != "") {
			break
		}
		c.Parent.RemoveChild(c)
		list.AppendChild(c)
		c = next
	}
}

// setLanguage leaves only a class that names a language: lang-go and
// language-go count, lang-none, default and prettyprint-override do not.
func setLanguage(n *html.Node) {
	lang := ""
	for class := range strings.FieldsSeq(attr(n, "class")) {
		name, ok := strings.CutPrefix(class, "language-")
		if !ok {
			name, ok = strings.CutPrefix(class, "lang-")
		}
		if ok && name != "none" && name != "default" && len(name) <= 30 &&
			strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+#._-") == "" {
			lang = name
			break
		}
	}
	removeAttr(n, "class")
	if lang != "" {
		n.Attr = append(n.Attr, html.Attribute{Key: "class", Val: "language-" + lang})
	}
}

func textAlign(style string) string {
	for rule := range strings.SplitSeq(style, ";") {
		if k, v, ok := strings.Cut(rule, ":"); ok && strings.TrimSpace(k) == "text-align" {
			switch v = strings.TrimSpace(v); v {
			case "right", "center":
				return v
			}
		}
	}
	return ""
}

func isFormatting(n *html.Node) bool {
	if n.Type != html.ElementNode {
		return false
	}
	switch n.Data {
	case "em", "i", "strong", "b", "s", "del", "strike":
		return true
	}
	return false
}

func isBlock(n *html.Node) bool {
	if n.Type != html.ElementNode {
		return false
	}
	switch n.Data {
	case "p", "div", "ul", "ol", "li", "pre", "blockquote", "hr", "table", "thead", "tbody", "tr", "td", "th",
		"h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd":
		return true
	}
	return false
}

// pushDown moves formatting that spans blocks (<s><p>…</p><pre>…</pre></s>)
// into each of them: Markdown's delimiters cannot cross a block. A code block
// has no formatting inside, so there it ends.
func pushDown(n *html.Node) {
	spans := false
	for d := range n.Descendants() {
		spans = spans || isBlock(d)
	}
	if !spans {
		return
	}
	var run *html.Node // the clone that collects inline neighbours
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		n.RemoveChild(c)
		if isBlock(c) || (c.Type == html.ElementNode && c.Data != "code" && holdsBlock(c)) {
			run = nil
			n.Parent.InsertBefore(c, n)
			switch c.Data {
			case "pre", "hr":
			default:
				inner := element(n.Data)
				for g := c.FirstChild; g != nil; g = c.FirstChild {
					c.RemoveChild(g)
					inner.AppendChild(g)
				}
				c.AppendChild(inner)
				pushDown(inner)
			}
		} else if c.Type == html.TextNode && strings.TrimSpace(c.Data) == "" && run == nil {
			n.Parent.InsertBefore(c, n)
		} else {
			if run == nil {
				run = element(n.Data)
				n.Parent.InsertBefore(run, n)
			}
			run.AppendChild(c)
		}
		c = next
	}
	n.Parent.RemoveChild(n)
}

func holdsBlock(n *html.Node) bool {
	for d := range n.Descendants() {
		if isBlock(d) {
			return true
		}
	}
	return false
}

// freeEdges moves punctuation at the edge of an emphasis out of it where a
// letter stands directly outside: CommonMark does not see a delimiter between
// a letter and a punctuation mark (a<em>"b"</em> is a"*b*", not a*"b"*).
func freeEdges(n *html.Node) {
	if prev, first := n.PrevSibling, n.FirstChild; isText(prev) && isText(first) {
		if r, _ := utf8.DecodeLastRuneInString(prev.Data); isWord(r) {
			rest := strings.TrimLeftFunc(first.Data, isMark)
			prev.Data += first.Data[:len(first.Data)-len(rest)]
			first.Data = rest
		}
	}
	if next, last := n.NextSibling, n.LastChild; isText(next) && isText(last) {
		if r, _ := utf8.DecodeRuneInString(next.Data); isWord(r) {
			rest := strings.TrimRightFunc(last.Data, isMark)
			next.Data = last.Data[len(rest):] + next.Data
			last.Data = rest
		}
	}
}

func isText(n *html.Node) bool { return n != nil && n.Type == html.TextNode && n.Data != "" }
func isWord(r rune) bool       { return unicode.IsLetter(r) || unicode.IsDigit(r) }
func isMark(r rune) bool       { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

func within(n *html.Node, names ...string) bool {
	for p := range n.Ancestors() {
		for _, name := range names {
			if p.Type == html.ElementNode && p.Data == name {
				return true
			}
		}
	}
	return false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func removeAttr(n *html.Node, key string) {
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		if a.Key != key {
			kept = append(kept, a)
		}
	}
	n.Attr = kept
}

func element(name string, children ...*html.Node) *html.Node {
	n := &html.Node{Type: html.ElementNode, Data: name, DataAtom: atom.Lookup([]byte(name))}
	for _, c := range children {
		n.AppendChild(c)
	}
	return n
}

func textNode(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: s} }
