package importer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// MaxBody is the longest HTML body that is converted, in bytes. The source
// allows 30,000 characters; the library's escaping is quadratic in the length
// of a line, so a forged dump must not hand it megabytes.
const MaxBody = 256 << 10

// maxLine bounds the longest line of a body's text, in bytes, for the same
// reason: 128 KiB of `[` in one line would take half a minute.
const maxLine = 32 << 10

// ErrTooLarge reports a body longer than MaxBody, or one with a line of text
// longer than 32 KiB.
var ErrTooLarge = errors.New("the body is larger than 256 KiB, or has a line of more than 32 KiB")

// Text is a converted body.
type Text struct {
	Markdown string
	// Unresolved lists the links within the site that still point there.
	// Converting again once their targets are imported settles them.
	Unresolved []Ref
}

// Converter turns what people wrote elsewhere into Markdown source of ours.
// It may be used by several goroutines at once.
type Converter struct {
	site *Site
	html *converter.Converter
}

// NewConverter makes a converter for one site.
func NewConverter(site *Site) *Converter {
	c := converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(
			commonmark.WithListEndComment(false),
			commonmark.WithHorizontalRule("---"),
		),
		strikethrough.NewStrikethroughPlugin(),
		table.NewTablePlugin(
			table.WithHeaderPromotion(true),
			table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal),
		),
	))
	registerOwn(c)
	return &Converter{site: site, html: c}
}

// HTML converts a rendered body. Errors: ErrTooLarge, and a body nested deeper
// than the parser allows (512 levels).
//
// What has no Markdown is kept as the nearest thing that has: a spoiler is a
// quote that begins with "Spoiler", kbd, sub and sup stay as the inline tags
// that people type for them, a line break inside a table cell is a space, the
// width of a picture and emphasis inside a code block are dropped.
func (c *Converter) HTML(body string, resolve Resolve) (Text, error) {
	if len(body) > MaxBody {
		return Text{}, ErrTooLarge
	}
	root, err := parseBody(body)
	if err != nil {
		return Text{}, fmt.Errorf("parse the body: %w", err)
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode && longestLine(n.Data) > maxLine {
			return Text{}, ErrTooLarge
		}
	}
	t := Text{Unresolved: c.site.RewriteLinks(root, resolve)}
	normalise(root)
	md, err := c.html.ConvertNode(root)
	if err != nil {
		return Text{}, fmt.Errorf("convert the body: %w", err)
	}
	t.Markdown = string(bytes.Trim(md, "\n"))
	return t, nil
}

func longestLine(s string) int {
	longest := 0
	for line := range strings.SplitSeq(s, "\n") {
		longest = max(longest, len(line))
	}
	return longest
}

// parseBody parses a fragment as the content of one <body>.
func parseBody(body string) (*html.Node, error) {
	root := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(body), root)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, nil
}
