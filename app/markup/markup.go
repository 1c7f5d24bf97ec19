// Package markup turns text that a person wrote into HTML: it is the only place where that happens.
//
// What it promises: the result of Render holds only the tags, attributes and address schemes of the allow-list in
// policy.go, whatever the source; the sanitiser runs last, over everything. Its elements are closed in the order in
// which they were opened, so that a text cannot leave the place on the page that it was given, and what the person
// wrote as HTML has no class and no id (raw.go). A source beyond Limits is refused, before it is parsed or while, so
// that nothing within them is slow: the parser cannot be cancelled and is superlinear on some input.
//
// A Renderer is safe for use by many goroutines and holds nothing that closes.
package markup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Version rises whenever the same source would render to other HTML; stored beside the HTML. With it comes a migration that
// makes the indexes of what is outdated anew (see 010_lighter_writes.sql).
const Version = 1

// HTML is sanitised HTML, and a templ component that writes itself.
type HTML string

// Render writes the HTML.
func (h HTML) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(h))
	return err
}

// Refs are what the names in a text stand for, by the names that Scan gave.
type Refs struct {
	Members, Channels map[string]int64
	IDPrefix          string // of the ids of footnotes: n, eight hexadecimal digits, -; any other shape loses the ids
}

// Result is a rendered text.
type Result struct {
	HTML     HTML
	Excerpt  string  // the prose of it (of code and tables if there is no other), plain, at most 200 letters, ends at a word
	Opens    bool    // begins with a plain paragraph of at least 200 letters: it can bear a drop capital
	Mentions []int64 // members, in the order of the text, each once
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
	return &Renderer{limits: o.Limits, policy: policy(), engine: engine(o.Limits)}
}

// Clean makes a source fit to store: line ends are \n, NUL and broken UTF-8 become U+FFFD. It may be longer then.
func Clean(source string) string {
	if strings.ContainsRune(source, '\r') {
		source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	}
	return strings.ReplaceAll(strings.ToValidUTF8(source, "\uFFFD"), "\x00", "\uFFFD")
}

// Render renders. The error is a *LimitError for a source beyond the limits.
func (r *Renderer) Render(source string, refs Refs) (Result, error) {
	source = Clean(source)
	if err := r.limits.check(source); err != nil {
		return Result{}, err
	}
	src := []byte(source)
	doc, s := r.parse(src, &state{refs: refs, most: r.limits.Mentions})
	if s.err != nil {
		return Result{}, s.err
	}
	var out bytes.Buffer
	out.Grow(2 * len(src))
	if err := r.engine.Renderer().Render(&out, src, doc); err != nil {
		return Result{}, fmt.Errorf("render markdown: %w", err)
	}
	if err := over("output", r.limits.Output, out.Len()); err != nil {
		return Result{}, err
	}
	clean := r.policy.SanitizeBytes(out.Bytes())
	// The policy allows no rel, and the sanitiser adds exactly this to every link that leads away. A quotation mark in
	// text or in a value is escaped by then, so these bytes are nothing else.
	clean = bytes.ReplaceAll(clean, []byte(` rel="nofollow"`), []byte(` rel="nofollow ugc noopener"`))
	// What is wider than its column scrolls on its own, and so has to be reached by keyboard.
	clean = bytes.ReplaceAll(clean, []byte("<pre>"), []byte(`<pre tabindex="0">`))
	clean = bytes.ReplaceAll(clean, []byte("<table>"), []byte(`<div class="table-scroll" tabindex="0"><table>`))
	clean = bytes.ReplaceAll(clean, []byte("</table>"), []byte("</table></div>"))
	html := HTML(clean)
	return Result{HTML: html, Excerpt: excerpt(html, 200), Opens: opens(doc, src), Mentions: distinct(s.mentions, maxNames)}, nil
}

// maxNames is the most handles, and the most slugs, that one text can name.
const maxNames = 50

// Scan lists the handles and channel slugs that a source names, folded (NFKC, lower case), each once and at most 50 of
// each, so that the caller can resolve them before Render. A source beyond the limits names nothing: Render will
// refuse it.
func (r *Renderer) Scan(source string) (handles, slugs []string) {
	source = Clean(source)
	if !strings.ContainsAny(source, "@#") || r.limits.check(source) != nil {
		return nil, nil
	}
	_, s := r.parse([]byte(source), &state{scan: true})
	if s.err != nil {
		return nil, nil
	}
	return distinct(s.handles, maxNames), distinct(s.slugs, maxNames)
}

func (r *Renderer) parse(src []byte, s *state) (ast.Node, *state) {
	pc := parser.NewContext()
	pc.Set(stateKey, s)
	return r.engine.Parser().Parse(text.NewReader(src), parser.WithContext(pc)), s
}

// Quote is the source of a quotation of source.
func Quote(source string) string {
	return "> " + strings.ReplaceAll(strings.TrimRight(Clean(source), "\n"), "\n", "\n> ") + "\n\n"
}
