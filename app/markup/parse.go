package markup

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	emoji "github.com/yuin/goldmark-emoji"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/text/unicode/norm"
)

// stateKey is the parser context's key of a *state.
var stateKey = parser.NewContextKey()

// state is what one parse knows and finds.
type state struct {
	refs           Refs
	scan           bool // names are collected, not resolved
	handles, slugs []string
	mentions       []int64
	names, most    int // references made, and allowed

	containers, continued, links, labels, runs int

	paragraph ast.Node // the block whose inline text was read last, and its runs
	emphasis  int
	err       error // the first limit that the parser met
}

func stateOf(pc parser.Context) *state { return pc.Get(stateKey).(*state) }

func (s *state) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func engine(l Limits) goldmark.Markdown {
	blocks := parser.DefaultBlockParsers()
	for i, b := range blocks {
		switch b.Priority {
		case 300, 800: // lists and quotes
			blocks[i].Value = container{b.Value.(parser.BlockParser), l}
		}
	}
	blocks = append(blocks, util.Prioritized(container{extension.NewFootnoteBlockParser(), l}, 999))
	inlines := append(parser.DefaultInlineParsers(),
		util.Prioritized(extension.NewFootnoteParser(), 101),
		util.Prioritized(extension.NewStrikethroughParser(), 501),
		util.Prioritized(referenceParser{}, 900))
	for i, p := range inlines {
		switch p.Priority {
		case 200, 500, 501: // links, emphasis, strikethrough
			inlines[i].Value = inline{p.Value.(parser.InlineParser), l}
		}
	}
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(blocks...),
			parser.WithInlineParsers(inlines...),
			parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		)),
		goldmark.WithExtensions(extension.Table, extension.Linkify, extension.TaskList, emoji.Emoji),
		goldmark.WithParserOptions(
			parser.WithASTTransformers(util.Prioritized(extension.NewFootnoteASTTransformer(), 999), util.Prioritized(newTransformer(l), 1000)),
		),
		goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(
			util.Prioritized(nodeRenderer{}, 100),
			util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
			util.Prioritized(extension.NewFootnoteHTMLRenderer(extension.WithFootnoteIDPrefixFunction(footnotePrefix)), 500),
		)),
	)
}

// container counts the containers that a block parser opens, and opens none beyond the limits. A scan of the source
// could not: lists nest across lines, under quotes, and in footnotes.
type container struct {
	parser.BlockParser
	limits Limits
}

func (c container) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	s := stateOf(pc)
	if s.err != nil {
		return nil, parser.NoChildren // the text is refused already
	}
	node, status := c.BlockParser.Open(parent, reader, pc)
	if node == nil {
		return node, status
	}
	depth := 1
	for p := parent; p != nil; p = p.Parent() {
		switch p.Kind() {
		case ast.KindBlockquote, ast.KindList, extast.KindFootnote:
			depth++
		}
	}
	s.containers++
	s.fail(over("depth", c.limits.Depth, depth))
	s.fail(over("containers", c.limits.Containers, s.containers))
	return node, status
}

func (c container) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	s := stateOf(pc)
	if s.continued++; s.err != nil {
		return parser.Close
	}
	s.fail(over("continued", c.limits.Continued, s.continued))
	return c.BlockParser.Continue(node, reader, pc)
}

// inline counts what an inline parser finds. The library looks for the beginning of an emphasis among all that are
// open in the paragraph (32,000 took 2 s), and makes each link by a reference a copy of its address and title.
type inline struct {
	parser.InlineParser
	limits Limits
}

func (i inline) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	s := stateOf(pc)
	if s.err != nil {
		return nil
	}
	node := i.InlineParser.Parse(parent, block, pc)
	switch node.(type) {
	case nil:
	case *parser.Delimiter:
		if s.paragraph != parent {
			s.paragraph, s.emphasis = parent, 0
		}
		s.emphasis++
		s.runs++
		s.fail(over("emphasis", i.limits.Emphasis, s.emphasis))
		s.fail(over("runs", i.limits.Runs, s.runs))
	case *ast.Link, *ast.Image:
		s.links++
		s.fail(over("links", i.limits.Links, s.links))
	default: // the beginning of a link's text
		s.labels++
		s.fail(over("labels", i.limits.Labels, s.labels))
	}
	return node
}

// CloseBlock lets the parser of links end a paragraph.
func (i inline) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if closer, ok := i.InlineParser.(parser.CloseBlocker); ok {
		closer.CloseBlock(parent, block, pc)
	}
}

// reference is a resolved @handle or #channel.
type reference struct {
	ast.BaseInline
	class, href, text string
	member            int64 // 0 for a channel
}

var kindReference = ast.NewNodeKind("Reference")

func (r *reference) Kind() ast.NodeKind { return kindReference }

func (r *reference) Dump(source []byte, level int) { ast.DumpHelper(r, source, level, nil, nil) }

// referenceParser reads @handle and #channel. It is an inline parser, so code and raw HTML are never searched.
type referenceParser struct{}

func (referenceParser) Trigger() []byte { return []byte{'@', '#', '&'} }

var entity = regexp.MustCompile(`^&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});`)

func (referenceParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, segment := block.PeekLine()
	if line[0] == '&' {
		// The library cuts text at a trigger, and would write the two halves of &#42; as they are: it is kept whole.
		length := len(entity.Find(line))
		if length == 0 {
			return nil
		}
		block.Advance(length)
		return ast.NewTextSegment(segment.WithStop(segment.Start + length))
	}
	// A letter before: an e-mail address, C#sharp. The others: part of a path, an address, an entity.
	if before := block.PrecendingCharacter(); unicode.In(before, unicode.L, unicode.M, unicode.N) || strings.ContainsRune("@#/&_.-+", before) {
		return nil
	}
	name := refName(line[1:])
	if len(name) < 2 {
		return nil
	}
	s, folded := stateOf(pc), strings.ToLower(norm.NFKC.String(name))
	if s.scan {
		if line[0] == '@' {
			s.handles = append(s.handles, folded)
		} else {
			s.slugs = append(s.slugs, folded)
		}
		return nil
	}
	ref := &reference{text: string(line[:1]) + name}
	if line[0] == '@' {
		id, ok := s.refs.Members[folded]
		if !ok {
			return nil
		}
		ref.class, ref.href, ref.member = "mention", fmt.Sprintf("/u/~%d", id), id
	} else {
		id, ok := s.refs.Channels[folded]
		if !ok {
			return nil
		}
		ref.class, ref.href = "channel-ref", fmt.Sprintf("/c/~%d", id)
	}
	s.names++
	s.fail(over("mentions", s.most, s.names))
	block.Advance(len(ref.text))
	return ref
}

// maxName is the most letters of a name.
const maxName = 40

// refName is the name at the start of b: letters, digits, _ . - and no . or - at its end. It is empty for one of more
// than 40 letters and for the first half of an address (@anna@example.org), which are not ours.
func refName(b []byte) string {
	end, i, count := 0, 0, 0
	for i < len(b) {
		r, size := utf8.DecodeRune(b[i:])
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) && r != '_' && r != '.' && r != '-' {
			break
		}
		if count++; count > maxName {
			return ""
		}
		i += size
		if r != '.' && r != '-' {
			end = i
		}
	}
	if i < len(b) && b[i] == '@' {
		return ""
	}
	return string(b[:end])
}

// distinct is the first most of the values, each once.
func distinct[T comparable](values []T, most int) (out []T) {
	seen := map[T]bool{}
	for _, v := range values {
		if !seen[v] && len(out) < most {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
