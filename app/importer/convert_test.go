package importer_test

import (
	"errors"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"codex/app/importer"
)

func converter(t testing.TB) *importer.Converter {
	t.Helper()
	site, err := importer.NewSite("https://bicycles.meta.stackexchange.com")
	if err != nil {
		t.Fatal(err)
	}
	return importer.NewConverter(site)
}

func TestHTMLBecomesTheMarkdownThatAPersonWouldType(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ html, want string }{
		"a language hint": {
			"<pre class=\"lang-go prettyprint-override\"><code>a := 1\n\n\nb()\n</code></pre>",
			"```go\na := 1\n\n\nb()\n```"},
		"no language":        {"<pre class=\"lang-none\"><code>x\n</code></pre>", "```\nx\n```"},
		"a fence in code":    {"<pre><code>```\nx\n```\n</code></pre>", "````\n```\nx\n```\n````"},
		"code in a quote":    {"<blockquote><pre><code>a\nb\n</code></pre></blockquote>", "> ```\n> a\n> b\n> ```"},
		"code in a list":     {"<ol><li><p>x</p>\n<pre><code>a\n\nb\n</code></pre></li></ol>", "1. x\n   \n   ```\n   a\n   \n   b\n   ```"},
		"keys and sub":       {"<p><kbd>Ctrl</kbd>+H<sub>2</sub>O x<sup>2</sup></p>", "<kbd>Ctrl</kbd>+H<sub>2</sub>O x<sup>2</sup>"},
		"a spoiler":          {`<blockquote class="spoiler"><p>He dies</p></blockquote>`, "> **Spoiler**\n> \n> He dies"},
		"a picture":          {`<p><a href="https://i.sstatic.net/x.jpg"><img src="https://i.sstatic.net/x.jpg" alt="a [bike]"></a></p>`, `[![a \[bike\]](https://i.sstatic.net/x.jpg)](https://i.sstatic.net/x.jpg)`},
		"a rule":             {"<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"},
		"a nested list":      {"<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  \n  - b\n- c"},
		"two lists in a row": {"<ul><li>a</li></ul><ul><li>b</li></ul>", "- a\n\n* b"},
		"an empty item":      {"<ol start=\"7\"><li>a</li><li></li></ol>", "7. a\n8."},
		"its own address":    {`<p><a href="https://e.org/a?b=1&amp;c=2">https://e.org/a?b=1&amp;c=2</a></p>`, "<https://e.org/a?b=1&c=2>"},
		"a relative link":    {`<p><a href="/help/x">h</a></p>`, "[h](https://bicycles.meta.stackexchange.com/help/x)"},
		"typed entities":     {"<p>&amp;lt;b&amp;gt; &lt;b&gt; 1 &lt; 2 -&gt; AT&amp;T</p>", `&amp;lt;b&amp;gt; \<b> 1 < 2 -> AT&T`},
		"no mention":         {"<p>@anna see #go :+1: at 10:100:20</p>", `\@anna see \#go \:+1: at 10\:100:20`},
		"no heading":         {"<p># a</p><blockquote><p># b<br>1. c</p></blockquote>", "\\# a\n\n> \\# b  \n> 1\\. c"},
		"words stay apart":   {"<p>a<code> b </code>c</p>", "a `b` c"},
		"marks at an edge":   {`<p>a<em>"b"</em>c</p>`, `a"*b*"c`},
		"struck blocks":      {"<s><p>a</p><pre><code>x\n</code></pre></s>", "~~a~~\n\n```\nx\n```"},
		"a table": {
			`<table><thead><tr><th>a</th><th style="text-align: right;">b</th></tr></thead><tbody><tr><td>1<br>2</td><td><code>x|y</code></td></tr></tbody></table>`,
			"| a | b |\n|---|--:|\n| 1 2 | `x\\|y` |"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := converter(t).HTML(c.html, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got.Markdown); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLinksWithinTheSiteAreAskedForAndTheUnknownOnesListed(t *testing.T) {
	t.Parallel()
	known := map[importer.Ref]string{
		{Kind: importer.RefQuestion, ID: 12}: "/p/3/x",
		{Kind: importer.RefAnswer, ID: 34}:   "/comments/9",
	}
	resolve := func(r importer.Ref) (string, bool) { href, ok := known[r]; return href, ok }
	got, err := converter(t).HTML(`<p><a href="/q/12">a</a> <a href="http://meta.bicycles.stackexchange.com/questions/12/s/34#34">b</a>
		<a href="https://bicycles.meta.stackexchange.com/a/99">c</a> <a href="https://bicycles.stackexchange.com/q/12">d</a></p>`, resolve)
	if err != nil {
		t.Fatal(err)
	}
	want := importer.Text{
		Markdown:   "[a](/p/3/x) [b](/comments/9) [c](https://bicycles.meta.stackexchange.com/a/99) [d](https://bicycles.stackexchange.com/q/12)",
		Unresolved: []importer.Ref{{Kind: importer.RefAnswer, ID: 99}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEveryFormOfAnAddressOfTheSiteIsUnderstood(t *testing.T) {
	t.Parallel()
	site, err := importer.NewSite("https://bicycles.meta.stackexchange.com")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]importer.Ref{
		"/questions/5":                          {Kind: importer.RefQuestion, ID: 5},
		"/questions/5/a-title?lq=1":             {Kind: importer.RefQuestion, ID: 5},
		"/q/5/77":                               {Kind: importer.RefQuestion, ID: 5},
		"/posts/5":                              {Kind: importer.RefQuestion, ID: 5},
		"/questions/5/a-title/6":                {Kind: importer.RefAnswer, ID: 6},
		"/questions/5/a-title/6#6":              {Kind: importer.RefAnswer, ID: 6},
		"/a/6/77":                               {Kind: importer.RefAnswer, ID: 6},
		"/questions/5/a-title#comment8_5":       {Kind: importer.RefComment, ID: 8},
		"/users/77/anna":                        {Kind: importer.RefUser, ID: 77},
		"/questions/tagged/bug":                 {Kind: importer.RefTag, Name: "bug"},
		"/tags/bug/info":                        {Kind: importer.RefTag, Name: "bug"},
		"//bicycles.meta.stackexchange.com/q/5": {Kind: importer.RefQuestion, ID: 5},
	} {
		if got, ok := site.Ref(raw); !ok || got != want {
			t.Errorf("Ref(%q) = %v, %v; want %v", raw, got, ok, want)
		}
	}
	for _, raw := range []string{"", "#x", "/questions", "/questions/ask", "/posts/5/revisions", "/users/5?tab=x", "mailto:a@b", "https://e.org/q/5", "/q/-5", "/q/99999999999999999999", "::bad"} {
		if got, ok := site.Ref(raw); ok {
			t.Errorf("Ref(%q) = %v; want none", raw, got)
		}
	}
}

func TestABodyThatIsTooLargeOrTooDeepIsAnError(t *testing.T) {
	t.Parallel()
	c := converter(t)
	for name, body := range map[string]string{"long": strings.Repeat("<p>a</p>", importer.MaxBody/8+1), "a long line": strings.Repeat("[", 40_000)} {
		if _, err := c.HTML(body, nil); !errors.Is(err, importer.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.HTML(strings.Repeat("<blockquote>", 2000), nil); err == nil {
		t.Error("2,000 nested quotes were converted")
	}
}

// Text is text: whatever a person typed must not become anything else.
func TestPlainTextSurvivesWhateverItHolds(t *testing.T) {
	t.Parallel()
	c := converter(t)
	check := func(t interface {
		Helper()
		Errorf(string, ...any)
		Fatal(...any)
	}, tb testing.TB, line string) {
		t.Helper()
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r >= 0xf002 && r <= 0xf004 {
				return -1
			}
			return r
		}, strings.ToValidUTF8(line, ""))
		for form, body := range map[string]string{
			"paragraph": "<p>" + html.EscapeString(line) + "</p>",
			"item":      "<ul><li>" + html.EscapeString(line) + "</li></ul>",
			"quote":     "<blockquote><p>x</p><p>" + html.EscapeString(line) + "</p></blockquote>",
			"strong":    "<p>a <strong>b" + html.EscapeString(line) + "c</strong> d</p>",
		} {
			got, err := c.HTML(body, nil)
			if err != nil {
				t.Fatal(err)
			}
			was, is := shapeOf(parse(tb, body)), shapeOf(parse(tb, render(tb, got.Markdown)))
			if was.text != is.text || len(is.code) > 0 || is.count["h1"]+is.count["h2"] > 0 || is.count["em"] > 0 {
				t.Errorf("%s of %q became %q:\n%s", form, line, got.Markdown, firstDifference(was.text, is.text))
			}
		}
	}
	t.Run("generated", func(t *testing.T) {
		t.Parallel()
		piece := rapid.SampledFrom(strings.Split("a,b, ,  ,1,*,**,_,__,`,``,```,~,~~,[,],(,),!,#,##,-,+,=,>,<,&,&amp;,&lt;,\\,|,:,.,@,^,\",',$,é,x_y,[^1]:,[a]: b,1.,1),</p>,<b>,---,===,- [ ]", ","))
		rapid.Check(t, func(rt *rapid.T) {
			check(rt, t, strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(rt, "pieces"), ""))
		})
	})
	for _, file := range []string{"blns", "xss"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("..", "..", "..", "shared", "data", "text", file)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Skipf("the test material is not beside the repository: %v", err)
			}
			for _, e := range entries {
				b, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				for i, line := range strings.Split(string(b), "\n") {
					if i%5 == 0 && len(line) < 4000 {
						check(t, t, line)
					}
				}
			}
		})
	}
}
