// Package markup turns text that a person wrote into HTML: it is the only place where that happens.
//
// What it promises: the result of Render holds only the tags, attributes and address schemes of the allow-list in
// policy.go, whatever the source; the sanitiser runs last, over everything. A source beyond the structure limits is
// refused by a linear scan before it is parsed, because the parser cannot be cancelled and is superlinear on some
// input. A Renderer is safe for use by many goroutines and holds nothing that closes.
package markup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	emoji "github.com/yuin/goldmark-emoji"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// Version changes whenever the same source would render to other HTML; stored beside the HTML.
const Version = 1

// HTML is sanitised HTML, and a templ component that writes itself.
type HTML string

// Render writes the HTML.
func (h HTML) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(h))
	return err
}

// Refs are what the text's mentions stand for, by lower-case name, and the prefix of the ids of its footnotes.
type Refs struct {
	Members, Channels map[string]int64
	IDPrefix          string
}

// Result is a rendered text.
type Result struct {
	HTML     HTML
	Excerpt  string // plain, at most 200 letters, ends at a word
	Opens    bool   // begins with a plain paragraph of at least 200 letters
	Mentions []int64
}

// Options are a Renderer's; the zero value has DefaultLimits.
type Options struct{ Limits Limits }

// Renderer renders; make one with New and keep it.
type Renderer struct {
	limits Limits
	policy *bluemonday.Policy
	engine goldmark.Markdown
}

// New makes a Renderer.
func New(o Options) *Renderer {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits
	}
	return &Renderer{
		limits: o.Limits,
		policy: policy(),
		engine: goldmark.New(
			goldmark.WithExtensions(extension.GFM, emoji.Emoji, extension.NewFootnote(extension.WithFootnoteIDPrefixFunction(footnotePrefix))),
			goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(referenceParser{}, 900)), parser.WithASTTransformers(util.Prioritized(transformer{}, 900))),
			goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(nodeRenderer{}, 100))),
		),
	}
}

// Clean makes a source fit to store: line ends are \n, NUL and broken UTF-8 become U+FFFD.
func Clean(source string) string {
	if strings.ContainsRune(source, '\r') {
		source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	}
	if strings.IndexByte(source, 0) >= 0 {
		source = strings.ReplaceAll(source, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(source, "\uFFFD")
}

// Render renders. The error is a *LimitError for a source beyond the limits.
func (r *Renderer) Render(source string, refs Refs) (Result, error) {
	source = Clean(source)
	if err := r.limits.check(source); err != nil {
		return Result{}, err
	}
	src := []byte(source)
	pc := parser.NewContext()
	state := &state{refs: refs}
	pc.Set(stateKey, state)
	doc := r.engine.Parser().Parse(newReader(src), parser.WithContext(pc))
	doc.OwnerDocument().AddMeta("prefix", refs.IDPrefix)
	var out bytes.Buffer
	out.Grow(2 * len(src))
	if err := r.engine.Renderer().Render(&out, src, doc); err != nil {
		return Result{}, fmt.Errorf("render markdown: %w", err)
	}
	if out.Len() > r.limits.Output {
		return Result{}, &LimitError{"output", r.limits.Output, out.Len()}
	}
	clean := HTML(r.policy.SanitizeBytes(out.Bytes()))
	text := Text(clean)
	return Result{HTML: clean, Excerpt: excerpt(text, 200), Opens: opens(doc, src), Mentions: state.mentions}, nil
}

func excerpt(text string, letters int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= letters {
		return text
	}
	cut := string([]rune(text)[:letters-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.") + "…"
}

// Quote is the source of a quotation of source.
func Quote(source string) string {
	return "> " + strings.ReplaceAll(strings.TrimRight(Clean(source), "\n"), "\n", "\n> ") + "\n\n"
}
