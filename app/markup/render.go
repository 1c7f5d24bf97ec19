package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extended "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// nodeRenderer writes code blocks, coloured by classes, references, the boxes of task lists, and the cleaned raw HTML.
type nodeRenderer struct{}

func (nodeRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, renderCode)
	reg.Register(ast.KindCodeBlock, renderCode)
	reg.Register(ast.KindRawHTML, renderRaw)
	reg.Register(ast.KindHTMLBlock, renderRaw)
	reg.Register(kindReference, renderReference)
	reg.Register(extended.KindTaskCheckBox, renderTask)
}

func footnotePrefix(n ast.Node) []byte {
	prefix, _ := n.OwnerDocument().Meta()["prefix"].(string)
	return []byte(prefix)
}

func renderRaw(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		piece, _ := n.AttributeString(cleaned)
		html, _ := piece.(string)
		_, _ = w.WriteString(html)
	}
	return ast.WalkSkipChildren, nil
}

func renderReference(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		r := n.(*reference)
		_, _ = w.WriteString(`<a href="` + r.href + `" class="` + r.class + `">` + r.text + `</a>`)
	}
	return ast.WalkContinue, nil
}

// renderTask names the box, which a screen reader would otherwise call a checkbox of nothing.
func renderTask(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	switch {
	case !entering:
	case n.(*extended.TaskCheckBox).IsChecked:
		_, _ = w.WriteString(`<input type="checkbox" checked="" disabled="" aria-label="done"> `)
	default:
		_, _ = w.WriteString(`<input type="checkbox" disabled="" aria-label="to do"> `)
	}
	return ast.WalkContinue, nil
}

func renderCode(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(source))
	}
	code := b.String()
	_, _ = w.WriteString("<pre><code>")
	fenced, ok := n.(*ast.FencedCodeBlock)
	if !ok || !highlight(w, string(fenced.Language(source)), code) {
		_, _ = w.Write(util.EscapeHTML([]byte(code)))
	}
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}
