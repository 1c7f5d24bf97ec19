package markup

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var stateKey = parser.NewContextKey()

type state struct {
	refs     Refs
	mentions []int64
	handles  []string // collected by Scan instead of resolved
	slugs    []string
	scan     bool
}

func newReader(src []byte) text.Reader { return text.NewReader(src) }

func footnotePrefix(n ast.Node) []byte {
	prefix, _ := n.OwnerDocument().Meta()["prefix"].(string)
	return []byte(prefix)
}

// referenceParser reads @handle and #channel. It is an inline parser, so code, links and raw HTML are never searched.
type referenceParser struct{}

func (referenceParser) Trigger() []byte { return []byte{'@', '#'} }

func (referenceParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	s, _ := pc.Get(stateKey).(*state)
	before := block.PrecendingCharacter()
	if s == nil || unicode.IsLetter(before) || unicode.IsDigit(before) || strings.ContainsRune("@#/&_.-", before) || pc.IsInLinkLabel() {
		return nil
	}
	line, _ := block.PeekLine()
	name := refName(line[1:])
	if len(name) < 2 {
		return nil
	}
	folded := strings.ToLower(name)
	kind, ids, path := "mention", s.refs.Members, "/u/~"
	if line[0] == '#' {
		kind, ids, path = "channel-ref", s.refs.Channels, "/c/~"
	}
	if s.scan {
		if line[0] == '@' {
			s.handles = append(s.handles, folded)
		} else {
			s.slugs = append(s.slugs, folded)
		}
		return nil
	}
	id, ok := ids[folded]
	if !ok {
		return nil
	}
	if line[0] == '@' {
		s.mentions = append(s.mentions, id)
	}
	link := ast.NewLink()
	link.Destination = fmt.Appendf(nil, "%s%d", path, id)
	link.SetAttributeString("class", []byte(kind))
	link.AppendChild(link, ast.NewString([]byte(string(line[:1])+name)))
	block.Advance(1 + len(name))
	return link
}

// refName is the longest name at the start of b: letters, digits, _ . - and no . or - at its end, at most 40 letters.
func refName(b []byte) string {
	end, count := 0, 0
	for i := 0; i < len(b) && count < 40; count++ {
		r, size := utf8.DecodeRune(b[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' && r != '-' {
			break
		}
		i += size
		if r != '.' && r != '-' {
			end = i
		}
	}
	return string(b[:end])
}

// Scan lists the handles and channel slugs that a source names, without doubles, at most 50 of each, so that the
// caller can resolve them before Render. A source beyond the limits names nothing: Render will refuse it.
func (r *Renderer) Scan(source string) (handles, slugs []string) {
	source = Clean(source)
	if !strings.ContainsAny(source, "@#") || r.limits.check(source) != nil {
		return nil, nil
	}
	pc := parser.NewContext()
	s := &state{scan: true}
	pc.Set(stateKey, s)
	r.engine.Parser().Parse(newReader([]byte(source)), parser.WithContext(pc))
	return distinct(s.handles, 50), distinct(s.slugs, 50)
}

func distinct(names []string, most int) (out []string) {
	seen := map[string]bool{}
	for _, n := range names {
		if !seen[n] && len(out) < most {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// transformer makes foreign pictures into links (the CSP would break them, and they would track readers), moves
// headings two levels down (the page has its own h1 and h2), and marks links that lead away.
type transformer struct{}

func (transformer) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var images []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(6, n.Level+2)
		case *ast.Image:
			if strings.HasPrefix(string(n.Destination), "/images/") {
				n.SetAttributeString("loading", []byte("lazy"))
				n.SetAttributeString("decoding", []byte("async"))
			} else {
				images = append(images, n)
			}
		case *ast.Link:
			away(n, n.Destination)
		case *ast.AutoLink:
			away(n, n.URL(reader.Source()))
		}
		return ast.WalkContinue, nil
	})
	for _, image := range images {
		link := ast.NewLink()
		link.Destination, link.Title = image.Destination, image.Title
		link.SetAttributeString("class", []byte("foreign-image"))
		away(link, link.Destination)
		alt := strings.TrimSpace(string(image.Text(reader.Source()))) //nolint:staticcheck // the alt text is what this method is for
		if alt == "" {
			alt = "image"
		}
		if u, err := url.Parse(string(image.Destination)); err == nil && u.Host != "" {
			alt += " (" + u.Host + ")"
		}
		link.AppendChild(link, ast.NewString([]byte(alt)))
		image.Parent().ReplaceChild(image.Parent(), image, link)
	}
}

func away(n ast.Node, destination []byte) {
	if d := strings.ToLower(string(destination)); strings.Contains(d, "://") || strings.HasPrefix(d, "//") {
		n.SetAttributeString("rel", []byte("nofollow ugc noopener"))
	}
}

// nodeRenderer writes code blocks, highlighted with classes.
type nodeRenderer struct{}

func (nodeRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, renderCode)
	reg.Register(ast.KindCodeBlock, renderCode)
}

// maxHighlighted is the most bytes of one block that are coloured; a longer one is plain.
const maxHighlighted = 32 << 10

func renderCode(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var code strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		code.Write(line.Value(source))
	}
	var lexer chroma.Lexer
	if fenced, ok := n.(*ast.FencedCodeBlock); ok && code.Len() <= maxHighlighted {
		if language := fenced.Language(source); len(language) > 0 && len(language) <= 20 {
			lexer = lexers.Get(string(language))
		}
	}
	if lexer != nil {
		if tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code.String()); err == nil {
			formatter := chromahtml.New(chromahtml.WithClasses(true), chromahtml.PreventSurroundingPre(true))
			_, _ = w.WriteString("<pre><code>")
			if err := formatter.Format(w, styles.Fallback, tokens); err != nil {
				return ast.WalkStop, fmt.Errorf("highlight %s: %w", lexer.Config().Name, err)
			}
			_, _ = w.WriteString("</code></pre>\n")
			return ast.WalkSkipChildren, nil
		}
	}
	_, _ = w.WriteString("<pre><code>")
	_, _ = w.Write(util.EscapeHTML([]byte(code.String())))
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

// opens reports that the text begins with a plain paragraph of at least 200 letters: it can bear a drop capital.
func opens(doc ast.Node, source []byte) bool {
	p, ok := doc.FirstChild().(*ast.Paragraph)
	if !ok {
		return false
	}
	if t, ok := p.FirstChild().(*ast.Text); !ok || len(t.Value(source)) == 0 || !unicode.IsLetter([]rune(string(t.Value(source)))[0]) {
		return false
	}
	length := 0
	for i := range p.Lines().Len() {
		line := p.Lines().At(i)
		length += utf8.RuneCount(line.Value(source))
	}
	return length >= 200
}
