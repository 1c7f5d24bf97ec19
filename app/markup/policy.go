package markup

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	xhtml "golang.org/x/net/html"
)

// policy is the allow-list. Classes are the highlighter's and the few that this package writes; ids are footnotes'.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "pre", "em", "strong", "del", "s", "kbd", "sub", "sup",
		"ul", "table", "thead", "tbody", "tr", "details", "summary")
	p.AllowElements("code", "span", "div", "section", "ol", "li", "th", "td")
	p.AllowNoAttrs().OnElements("span", "div", "section")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(?:language-[a-z0-9+#-]{1,20}|[a-z][a-z0-9]{0,2}|chroma)$`)).OnElements("code", "span", "pre")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(?:footnotes|footnote-ref|footnote-backref|mention|channel-ref|foreign-image|task)$`)).OnElements("div", "section", "a", "li")
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^n[0-9a-f]{8}-fn(?:ref[0-9]*)?:[0-9]{1,4}$`)).OnElements("li", "sup")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(?:left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("title").Matching(regexp.MustCompile(`^[^<>]{0,300}$`)).OnElements("a", "img")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnFullyQualifiedLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(false)
	// Our own pictures only: a foreign one has become a link before (transform.go), and one in raw HTML is dropped.
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^/images/[0-9a-f-]{1,40}/[a-z0-9]{1,20}$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("loading", "decoding").Matching(regexp.MustCompile(`^(?:lazy|async)$`)).OnElements("img")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^nofollow ugc noopener$`)).OnElements("a")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	return p
}

// Text is the visible text of rendered HTML, blocks apart by spaces.
func Text(h HTML) string {
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(string(h)))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return strings.TrimSpace(b.String())
		case xhtml.TextToken:
			b.Write(z.Text())
		case xhtml.StartTagToken, xhtml.EndTagToken, xhtml.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "a", "em", "strong", "code", "span", "del", "s", "kbd", "sub", "sup":
			default:
				b.WriteByte(' ')
			}
		}
	}
}
