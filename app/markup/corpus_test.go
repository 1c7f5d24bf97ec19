package markup_test

import (
	"strings"
	"testing"

	"codex/app/markup"

	"github.com/google/go-cmp/cmp"
)

func TestCommonMarkExamplesHoldOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	examples := commonMark(t)
	if len(examples) != 652 {
		t.Fatalf("%d examples read, the specification has 652", len(examples))
	}
	for i, e := range examples {
		if err := checkRendered(e.markdown); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}

// Whatever becomes of the tags, the words are those of the specification. Two things differ on purpose: a foreign
// picture reads as a link, and scripts and styles go with their content.
func TestCommonMarkExamplesKeepTheirWords(t *testing.T) {
	t.Parallel()
	compared := 0
	for i, e := range commonMark(t) {
		if strings.Contains(e.markdown, "![") || strings.Contains(e.markdown, "<script") || strings.Contains(e.markdown, "<style") {
			continue
		}
		compared++
		res, err := renderer.Render(e.markdown, markup.Refs{})
		if err != nil {
			t.Errorf("example %d: %v", i+1, err)
			continue
		}
		want := markup.HTML(e.html)
		if i+1 == 491 { // its <foo⏎bar> is an element that is not allowed
			want = "[link]()"
		}
		if diff := cmp.Diff(strings.Fields(markup.Text(want)), strings.Fields(markup.Text(res.HTML))); diff != "" {
			t.Errorf("example %d: %q\n%s", i+1, e.markdown, diff)
		}
	}
	if compared < 600 {
		t.Errorf("only %d examples compared", compared)
	}
}

func TestHostileTextHoldsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, texts := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range texts {
				for _, source := range inside(text) {
					if err := checkRendered(source); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

// The lists are about scripts; these are about the page: htmx, forged parts of it, and leaving the place.
func TestOwnHostileTextHoldsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`<div hx-get="/x" hx-trigger="load" data-hx-get="/x" id="main" style="position:fixed">x</div>`,
		`<hx-partial hx-target="#x">x</hx-partial>`,
		`<a class="mention" href="/u/~1" id="n0123abcd-fn:1" rel="me">@admin</a>`,
		`<span class="k">x</span> <div class="footnotes">x</div> <sup id="n0123abcd-fnref:1">x</sup>`,
		`<input type="checkbox"> <input type="text" name="password"> <button>x</button> <form action="/logout">`,
		`<img src="/images/ab/full"> <img src="https://e.org/x">`,
		"</div></li></ol></article></main></body></html>",
		"</blockquote>\n\n</blockquote>\n\nx",
		"- a\n\n  </li></ul></div>\n\n- b",
		"<li>x\n\n<td>x\n\n<tr>\n\n</p>",
		"<table>\n\n<li>\n\n<ul>\n\n<tr><td>\n\n</ul>",
		"<table><div><p>x</table>",
		"<details>\n\nopen for ever",
		"<a href=x><div><a href=y><p>",
		"<b><p>x</b>y\n\n<i>z",
		"*<b>x*</b> <del>~~x</del>~~",
		"<pre>\n\n<code>\n\n<pre>",
		"<ol start='99999999999'><li>",
		strings.Repeat("<div>", 900),
		strings.Repeat("<b>", 900) + strings.Repeat("</i>", 900),
		strings.Repeat("<a href=/x><b>", 400),
		"[a](https:/e.org) [b](https:e.org) [c](///e.org) [d](/\\e.org) [e](\\\\e.org) [f](//e.org) [g](https://) [h](http:///e.org)",
		"<a href='///e.org'>a</a> <a href='https:/e.org'>b</a> <a href='/\\e.org'>c</a> <a href='\t//e.org'>d</a> <a href='/\t/e.org'>d</a>",
		"[a](jAvAsCrIpT:x) [b](&#106;avascript:x) [c](java\tscript:x) [d](data:text/html,x) [e](vbscript:x) [f](blob:x) [g](file:///x)",
		"![a](data:image/png;base64,AA) ![b](/images/../logout) ![c](javascript:x) ![d](http://a%zz) ![e]() ![f](x:y)",
		"[![a](http://e.org/x)](http://e.org) [[a](b)](c) [https://a.de](/b) [@bob](/c)",
		"\x00<b>\xff\xfe</b>\u202etxt\u2066",
		"<h3 id=h-9>a <h4 id='h-1'>b</h4></h3>\n\n# c <h5>d\n\n</h3>\n\n## `<h3>` \\<h3> <b title='<h3>'>\n\n- # e\n\n> # f",
	} {
		for _, source := range inside(text) {
			if err := checkRendered(source); err != nil {
				t.Error(err)
			}
		}
	}
}

// A check that lets everything through would make all of the above worthless.
func TestTheCheckRefusesWhatIsNotAllowed(t *testing.T) {
	t.Parallel()
	for _, bad := range []markup.HTML{
		"<script>x</script>", "<svg></svg>", "<h1>x</h1>", "<!-- x -->", "<b onclick=\"x\">x</b>", "<b style=\"x\">x</b>", "<b id=\"x\">x</b>", "<b hx-get=\"/\">x</b>", "<b data-x=\"y\">x</b>",
		"<span class=\"mention\">x</span>", "<input type=\"checkbox\">", "<input disabled=\"\">", "<img src=\"https://e.org\">", "<img alt=\"x\">",
		"<a href=\"javascript:x\">x</a>", "<a href=\" java\tscript:x\">x</a>", "<a href=\"https://e.org\">x</a>", "<a href=\"/\\e.org\">x</a>", "<a href=\"/x\" rel=\"nofollow ugc noopener\">x</a>",
		"<h3 id=\"h-1\">x</h3>", "<b>x", "</div></li></ol>", "<li>x", "<details>x", "<table>x",
	} {
		if check(bad) == nil {
			t.Errorf("%s is let through", bad)
		}
	}
	for _, good := range []markup.HTML{"", "x", "<p>x</p>", "<ul>\n<li>x</li>\n</ul>", "<a href=\"/x\">x</a>"} {
		if err := check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}
