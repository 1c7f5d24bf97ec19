package markup

import (
	"regexp"

	"github.com/microcosm-cc/bluemonday"
)

var (
	// webAddress is what a link may lead to. Slashes are counted because a browser takes ///host, /\host and
	// https:/host for other hosts, while a parser of addresses takes them for paths.
	webAddress = regexp.MustCompile(`^(?i:(?:https?:)?//[^/\\]|mailto:|/(?:[^/\\]|$)|[^/\\:?#]+(?:[/?#]|$)|[?#]|$)`)
	// ownPicture is /images/{id}/{variant}.
	ownPicture   = regexp.MustCompile(`^/images/[0-9a-f-]{1,40}/[a-z0-9]{1,20}$`)
	short        = regexp.MustCompile(`^[^<>]{0,300}$`)
	codeClass    = regexp.MustCompile(`^(?:k|s|mi|nf|c1)$`)
	linkClass    = regexp.MustCompile(`^(?:footnote-ref|footnote-backref|mention|channel-ref|foreign-image)$`)
	footnoteID   = regexp.MustCompile(`^n[0-9a-f]{8}-fn(?:ref[0-9]{0,4})?:[0-9]{1,4}$`)
	alignment    = regexp.MustCompile(`^(?:left|right|center)$`)
	listStart    = regexp.MustCompile(`^[0-9]{1,9}$`)
	onlyEmpty    = regexp.MustCompile(`^$`)
	onlyCheckbox = regexp.MustCompile(`^checkbox$`)
	onlyTask     = regexp.MustCompile(`^(?:done|to do)$`)
	onlyLoading  = regexp.MustCompile(`^(?:lazy|async)$`)
	onlyNotes    = regexp.MustCompile(`^footnotes$`)
)

// rawPolicy is the allow-list for what a person wrote as HTML: no class, no id, no input, no picture.
func rawPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "pre", "em", "strong", "b", "i", "del", "s", "kbd", "sub", "sup",
		"ul", "table", "thead", "tbody", "tr", "details", "summary", "code", "span", "div", "ol", "li", "th", "td")
	p.AllowNoAttrs().OnElements("span", "div")
	p.AllowAttrs("start").Matching(listStart).OnElements("ol")
	p.AllowAttrs("align").Matching(alignment).OnElements("th", "td")
	p.AllowAttrs("href").Matching(webAddress).OnElements("a")
	p.AllowAttrs("title").Matching(short).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	return p
}

// policy is the allow-list of all that leaves this package: what raw HTML may be, and the classes of the highlighter
// and of this package, the ids of footnotes, task lists, and pictures of our own. (A foreign picture has become a link
// before.) rel is not on it: the sanitiser sets it.
func policy() *bluemonday.Policy {
	p := rawPolicy()
	p.AllowAttrs("class").Matching(codeClass).OnElements("span")
	p.AllowAttrs("class").Matching(onlyNotes).OnElements("div")
	p.AllowAttrs("class").Matching(linkClass).OnElements("a")
	p.AllowAttrs("id").Matching(footnoteID).OnElements("li", "sup")
	p.AllowAttrs("src").Matching(ownPicture).OnElements("img")
	p.AllowAttrs("title").Matching(short).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("loading", "decoding").Matching(onlyLoading).OnElements("img")
	p.AllowAttrs("type").Matching(onlyCheckbox).OnElements("input")
	p.AllowAttrs("aria-label").Matching(onlyTask).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(onlyEmpty).OnElements("input")
	p.RequireNoFollowOnFullyQualifiedLinks(true)
	return p
}
