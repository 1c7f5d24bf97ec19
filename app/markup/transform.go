package markup

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// topHeading is the level of a text's first headings: the page has an h1, and an h2 above every text.
const topHeading = 3

// transformer runs over the parsed text. It puts headings below the page's own, makes
// foreign pictures into links (the CSP would break them, and they would track readers), cleans raw HTML, collects the
// mentions, and refuses what would render to too much.
type transformer struct {
	limits Limits
	raw    *bluemonday.Policy
}

func newTransformer(l Limits) transformer { return transformer{l, rawPolicy()} }

func (t transformer) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	s := stateOf(pc)
	if s.err != nil || s.scan {
		return
	}
	doc.AddMeta("prefix", s.refs.IDPrefix)
	var (
		images                   []ast.Node
		parents                  []ast.Node // of raw HTML
		isParent                 = map[ast.Node]bool{}
		linked                   []ast.Node // references in the text of a link or a picture
		depth, inLinks           int
		headings                 []int // levels in the source, from the outermost down to the last heading
		addresses, tags, written int
	)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		isLink := n.Kind() == ast.KindLink || n.Kind() == ast.KindImage
		if !entering {
			depth--
			if isLink {
				inLinks--
			}
			return ast.WalkContinue, nil
		}
		if depth++; depth > t.limits.Nesting {
			s.fail(&LimitError{"nesting", t.limits.Nesting, depth})
			return ast.WalkStop, nil
		}
		if isLink {
			inLinks++
		}
		switch n := n.(type) {
		case *ast.Heading:
			// However deep the source begins, and whatever it leaves out, no level is skipped in the page's outline.
			for len(headings) > 0 && headings[len(headings)-1] >= n.Level {
				headings = headings[:len(headings)-1]
			}
			headings = append(headings, n.Level)
			n.Level = min(6, topHeading-1+len(headings))
		case *ast.Link:
			written += len(n.Destination) + len(n.Title)
		case *ast.Image:
			written += len(n.Destination) + len(n.Title)
			if ownPicture.Match(n.Destination) {
				n.SetAttributeString("loading", []byte("lazy"))
				n.SetAttributeString("decoding", []byte("async"))
			} else {
				images = append(images, n)
			}
		case *ast.AutoLink:
			addresses++
		case *ast.RawHTML, *ast.HTMLBlock:
			tags++
			if p := n.Parent(); !isParent[p] {
				isParent[p] = true
				parents = append(parents, p)
			}
		case *extast.FootnoteBacklink:
			written += 100 // its fixed text: one reference more is one of these more
		case *reference:
			if inLinks > 0 {
				linked = append(linked, n)
			} else if n.member != 0 {
				s.mentions = append(s.mentions, n.member)
			}
		}
		return ast.WalkContinue, nil
	})
	// One long address that is referred to ten thousand times is 80 MB of HTML: this is counted before it is written.
	s.fail(over("output", t.limits.Output, written))
	s.fail(over("addresses", t.limits.Addresses, addresses))
	s.fail(over("tags", t.limits.Tags, tags))
	if s.err != nil {
		return
	}
	for _, ref := range linked {
		replace(ref, ast.NewString([]byte(ref.(*reference).text)))
	}
	for _, image := range images {
		replace(image, foreignImage(image.(*ast.Image), reader.Source()))
	}
	for _, p := range parents {
		t.cleanRaw(p, reader.Source())
	}
}

func replace(old, new ast.Node) { old.Parent().ReplaceChild(old.Parent(), old, new) }

// foreignImage is a link to the picture that reads as its alt text and host; only that text where a link cannot be:
// in another link, or to what is no address of the web (data:).
func foreignImage(image *ast.Image, source []byte) ast.Node {
	alt := strings.TrimSpace(altText(image, source))
	if alt == "" {
		alt = "image"
	}
	destination := util.URLEscape(image.Destination, true) // as it is written: entities are resolved
	address, err := url.Parse(string(destination))
	if err == nil && address.Host != "" {
		alt += " (" + address.Host + ")"
	}
	label := ast.NewString([]byte(alt))
	if err != nil || address.String() == "" || !webAddress.Match(destination) {
		return label
	}
	for p := image.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink {
			return label
		}
	}
	link := ast.NewLink()
	link.Destination, link.Title = image.Destination, image.Title
	link.SetAttributeString("class", []byte("foreign-image"))
	link.AppendChild(link, label)
	return link
}

func altText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *reference:
			b.WriteString(n.text)
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// opens is Result.Opens.
func opens(doc ast.Node, source []byte) bool {
	p, ok := doc.FirstChild().(*ast.Paragraph)
	if !ok {
		return false
	}
	first, ok := p.FirstChild().(*ast.Text)
	if !ok {
		return false
	}
	if r, _ := utf8.DecodeRune(first.Value(source)); !unicode.IsLetter(r) {
		return false
	}
	length := 0
	for i := range p.Lines().Len() {
		line := p.Lines().At(i)
		length += utf8.RuneCount(line.Value(source))
	}
	return length >= 200
}
