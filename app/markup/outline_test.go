package markup_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"codex/app/markup"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func anchored(h markup.HTML) string {
	var b strings.Builder
	_ = h.Anchored().Render(context.Background(), &b) // a Builder takes everything
	return b.String()
}

var anchor = regexp.MustCompile(` id="h-[1-9][0-9]*"`)

// checkAnchored is the property of every text with the ids of its headings: without them it is what was rendered, and
// they are those of the outline, one for each heading, in the order of the page.
func checkAnchored(h markup.HTML) error {
	outline, whole := h.Outline(), anchored(h)
	if anchor.ReplaceAllString(whole, "") != string(h) {
		return fmt.Errorf("its ids change more than its headings: %s", whole)
	}
	page, err := html.Parse(strings.NewReader("<!doctype html><body>" + whole))
	if err != nil {
		return fmt.Errorf("parse the text: %w", err)
	}
	headings := 0
	for n := range page.Descendants() {
		isHeading := n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '3' && n.Data[1] <= '6'
		if isHeading {
			headings++
		}
		for _, a := range n.Attr {
			switch {
			case a.Key != "id" || !isHeading && !strings.HasPrefix(a.Val, "h-"):
			case !isHeading || a.Val != "h-"+strconv.Itoa(headings):
				return fmt.Errorf("%s has the id %q", n.Data, a.Val)
			case headings > len(outline) || outline[headings-1].ID != a.Val || strconv.Itoa(outline[headings-1].Level) != n.Data[1:]:
				return fmt.Errorf("the outline has no line for %s %q", n.Data, a.Val)
			}
		}
	}
	switch {
	case headings < 3 && (outline != nil || whole != string(h)):
		return fmt.Errorf("%d headings have an outline", headings)
	case headings >= 3 && (len(outline) != headings || len(anchor.FindAllString(whole, -1)) != headings):
		return fmt.Errorf("%d headings, %d lines in the outline", headings, len(outline))
	}
	return nil
}

func TestOutline(t *testing.T) {
	t.Parallel()
	type lines = []markup.Heading
	for _, test := range []struct {
		name, source string
		outline      lines
		want         string
	}{
		{"a text without headings is left as it is", "a\n\n---\n\nb\n\n---\n\nc\n\n---", nil, "<p>a</p>\n<hr>\n<p>b</p>\n<hr>\n<p>c</p>\n<hr>\n"},
		{"two headings are no outline", "# a\n\n# b", nil, "<h3>a</h3>\n<h3>b</h3>\n"},
		{"three are", "# a *b* `c`\n\n## @bob &amp; <i>d</i>\n\n# e", lines{{"h-1", "a b c", 3}, {"h-2", "@bob & d", 4}, {"h-3", "e", 3}},
			"<h3 id=\"h-1\">a <em>b</em> <code>c</code></h3>\n<h4 id=\"h-2\"><a href=\"/u/~7\" class=\"mention\">@bob</a> &amp; <i>d</i></h4>\n<h3 id=\"h-3\">e</h3>\n"},
		{"what only looks like one is none", "# a\n\n`<h3>` \\<h3>\n\n    <h3>b</h3>\n\n# c\n\n<h6 id=x>d</h6>", lines{{"h-1", "a", 3}, {"h-2", "c", 3}, {"h-3", "d", 6}},
			"<h3 id=\"h-1\">a</h3>\n<p><code>&lt;h3&gt;</code> &lt;h3&gt;</p>\n<pre tabindex=\"0\"><code>&lt;h3&gt;b&lt;/h3&gt;\n</code></pre>\n<h3 id=\"h-2\">c</h3>\n<h6 id=\"h-3\">d</h6>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			res, err := renderer.Render(test.source, refs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.outline, res.HTML.Outline()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.want, anchored(res.HTML)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A check that lets everything through would make the corpus worthless here too.
func TestTheCheckRefusesStrangeAnchors(t *testing.T) {
	t.Parallel()
	for _, bad := range []markup.HTML{
		`<b id="h-1">x</b>`, `<h3 id="h-2">x</h3>`, `<h3 id="x">x</h3>`, `<h3 id="h-1">x</h3>`, `<h3 class="x">a</h3><h3>b</h3><h3>c</h3><h3>d</h3>`,
	} {
		if checkAnchored(bad) == nil {
			t.Errorf("%s is let through", bad)
		}
	}
}

// BenchmarkOutline is what a view of a post pays: for a long text without headings, and for one with seven.
func BenchmarkOutline(b *testing.B) {
	const prose = "Some *words* of `prose` about https and @bob, with a [link](/p/1).\n\n"
	for name, source := range map[string]string{
		"none":  strings.Repeat(prose, 60),
		"seven": strings.Repeat("## A heading\n\n"+strings.Repeat(prose, 8), 7),
	} {
		res, err := renderer.Render(source, refs)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = res.HTML.Outline()
				_ = res.HTML.Anchored()
			}
		})
	}
}
