package markup_test

import (
	"slices"
	"strings"
	"testing"

	"codex/app/markup"

	"github.com/google/go-cmp/cmp"
)

// scrolled is what the expectations below leave out: what is wide scrolls on its own, and is reached by keyboard.
var scrolled = strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<table>", `<div class="table-scroll" tabindex="0"><table>`, "</table>", "</table></div>")

func TestRender(t *testing.T) {
	t.Parallel()
	const bob, away = `<a href="/u/~7" class="mention">@bob</a>`, ` rel="nofollow ugc noopener"`
	tests := []struct{ name, source, want string }{
		{"headings below the page's own", "# One\n\n## Two\n\n# Three", "<h3>One</h3>\n<h4>Two</h4>\n<h3>Three</h3>"},
		{"headings that begin deep and skip levels", "### One\n\n##### Two\n\n#### Three\n\n## Four", "<h3>One</h3>\n<h4>Two</h4>\n<h4>Three</h4>\n<h3>Four</h3>"},
		{"strike", "~~a~~", "<p><del>a</del></p>"},
		{"table", "| a | b |\n|:-|-:|\n| 1 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td></td>\n</tr>\n</tbody>\n</table>"},
		{"task list", "- [ ] a\n- [x] b", "<ul>\n<li><input type=\"checkbox\" disabled=\"\" aria-label=\"to do\"> a</li>\n<li><input type=\"checkbox\" checked=\"\" disabled=\"\" aria-label=\"done\"> b</li>\n</ul>"},
		{"emoji", ":+1: `:+1:` \\:+1:", "<p>👍 <code>:+1:</code> :+1:</p>"},
		{"entities beside a trigger", "&#42;a&#42; &#x1F600;\n&#0; &#bob", "<p>*a* 😀\n� &amp;#bob</p>"},
		{"quote", "> a\n>\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>"},
		{"list that starts at 3", "3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>"},
		{"code", "```go\nfunc f() { return 1 } // x\n```", `<pre><code><span class="k">func</span> <span class="nf">f</span>() { <span class="k">return</span> <span class="mi">1</span> } <span class="c1">// x</span>` + "\n</code></pre>"},
		{"code of no known language", "```<b>\n<b>&\n```", "<pre><code>&lt;b&gt;&amp;\n</code></pre>"},
		{"code by indentation", "    <b>", "<pre><code>&lt;b&gt;\n</code></pre>"},

		{"link away", "[a](https://e.org/?a=1&b=2 \"t\")", `<p><a href="https://e.org/?a=1&amp;b=2" title="t"` + away + `>a</a></p>`},
		{"links away without a scheme", "[a](//e.org) www.e.org", `<p><a href="//e.org"` + away + `>a</a> <a href="http://www.e.org"` + away + `>www.e.org</a></p>`},
		{"address", "<https://e.org> https://e.org.", `<p><a href="https://e.org"` + away + `>https://e.org</a> <a href="https://e.org"` + away + `>https://e.org</a>.</p>`},
		{"link of ours", "[a](/p/1) [b](#x) [c](?q=1) [d](p/2)", `<p><a href="/p/1">a</a> <a href="#x">b</a> <a href="?q=1">c</a> <a href="p/2">d</a></p>`},
		{"link in HTML", "<a href='https://e.org' rel='me' target=_blank class=x>a</a>", `<p><a href="https://e.org"` + away + `>a</a></p>`},
		{"e-mail address", "a@bob.org <b@bob.org>", `<p><a href="mailto:a@bob.org">a@bob.org</a> <a href="mailto:b@bob.org">b@bob.org</a></p>`},
		{"schemes that are refused", "[a](javascript:x) [b](data:text/html,x) [c](ftp://e.org)", "<p>a b c</p>"},
		{"addresses that only a browser takes for other hosts", "[a](///e.org) [b](https:/e.org) [c](https:e.org)", "<p>a b c</p>"},

		{"picture of ours", "![a *b*](/images/0af1-2/full \"t\")", `<p><img src="/images/0af1-2/full" alt="a b" title="t" loading="lazy" decoding="async"></p>`},
		{"foreign picture", "![a *b*](https://e.org/x.png)", `<p><a href="https://e.org/x.png" class="foreign-image"` + away + `>a b (e.org)</a></p>`},
		{"foreign picture without alt text", "![](//e.org/x)", `<p><a href="//e.org/x" class="foreign-image"` + away + `>image (e.org)</a></p>`},
		{"foreign picture in a link", "[![a](https://e.org/x)](/p/1)", `<p><a href="/p/1">a (e.org)</a></p>`},
		{"picture in the address", "![a](data:image/png;base64,AA) ![b](java&#x09;script:x)", "<p>a b</p>"},
		{"picture in HTML", "a <img src=\"/images/0af1-2/full\">", "<p>a </p>"},

		{"mention", "@bob", "<p>" + bob + "</p>"},
		{"mentions at the end of sentences", "@bob. @bob, @bob! (@bob) @bob's @bob: @bob...", "<p>" + strings.Join([]string{bob + ".", bob + ",", bob + "!", "(" + bob + ")", bob + "&#39;s", bob + ":", bob + "..."}, " ") + "</p>"},
		{"mention in any case, with _ . -", "@Anna_B.C-D.", `<p><a href="/u/~8" class="mention">@Anna_B.C-D</a>.</p>`},
		{"mention in letters of other scripts, composed or not", "@josé @jose\u0301 @山田太郎", "<p><a href=\"/u/~9\" class=\"mention\">@josé</a> <a href=\"/u/~9\" class=\"mention\">@jose\u0301</a> <a href=\"/u/~10\" class=\"mention\">@山田太郎</a></p>"},
		{"mention of nobody", "@nobody @bobby #gone", "<p>@nobody @bobby #gone</p>"},
		{"no mention", "x@bob @bob@e.org é@bob \\@bob /@bob `@bob` @@bob", "<p>x@bob @bob@e.org é@bob @bob /@bob <code>@bob</code> @@bob</p>"},
		{"no mention in a link", "[a @bob](/p/1) ![@bob](/images/ab/x)", `<p><a href="/p/1">a @bob</a> <img src="/images/ab/x" alt="@bob" loading="lazy" decoding="async"></p>`},
		{"no mention in code", "    @bob\n\n```\n@bob\n```", "<pre><code>@bob\n</code></pre>\n<pre><code>@bob\n</code></pre>"},
		{"mention after an open bracket", "[see @bob", "<p>[see " + bob + "</p>"},
		{"mention in emphasis, heading, cell, task", "# *@bob*\n\n- [ ] @bob\n\n|@bob|\n|-|", "<h3><em>" + bob + "</em></h3>\n<ul>\n<li><input type=\"checkbox\" disabled=\"\" aria-label=\"to do\"> " + bob + "</li>\n</ul>\n<table>\n<thead>\n<tr>\n<th>" + bob + "</th>\n</tr>\n</thead>\n</table>"},
		{"channel", "#go, #Daily-News. a#go #go#x", `<p><a href="/c/~3" class="channel-ref">#go</a>, <a href="/c/~4" class="channel-ref">#Daily-News</a>. a#go <a href="/c/~3" class="channel-ref">#go</a>#x</p>`},

		{"HTML that is allowed", "<kbd>Ctrl</kbd> H<sub>2</sub>O<br>x<sup>2</sup>", "<p><kbd>Ctrl</kbd> H<sub>2</sub>O<br>x<sup>2</sup></p>"},
		{"Markdown in HTML", "<details>\n<summary>S</summary>\n\n*a*\n\n</details>", "<details>\n<summary>S</summary>\n<p><em>a</em></p>\n</details>"},
		{"HTML without class, id, style and handlers", `<b class="k" id="x" style="x" onclick="x" hx-get="/" data-x="y">a</b>`, "<p><b>a</b></p>"},
		{"HTML that is not closed", "<b>a\n\nb", "<p><b>a</b></p>\n<p>b</p>"},
		{"HTML that closes what is ours", "> a\n> </blockquote></div>\n>\n> b</p>", "<blockquote>\n<p>a</p>\n\n<p>b</p>\n</blockquote>"},
		{"items and cells without list and table", "a <li>b</li> <td>c</td>", "<p>a b c</p>"},
		{"table in HTML", "<table><tr><td>a <b>b</b></td></tr></table>", "<table><tr><td>a <b>b</b></td></tr></table>"},
		{"Markdown in a cell in HTML", "<table><tr><td>\n\n*a*\n\n</td></tr></table>", "<table><tr><td>\n<p><em>a</em></p>\n</td></tr></table>"},
		{"list between the cells in HTML", "<table><ul><li><table>", "<table></table>"},
		{"Markdown between the cells in HTML", "<table>\n\n- a\n\n</table>", "<table>\n</table><ul>\n<li>a</li>\n</ul>"},
		{"script", "a <script>alert(1)</script>\n\n<script>\nx\n</script>\n\n<!-- c -->b", "<p>a alert(1)</p>\n\nb"},
		{"input", "a <input type=checkbox> <input name=password>", "<p>a  </p>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, err := renderer.Render(tt.source, refs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(scrolled.Replace(tt.want), "\n"), strings.Split(strings.TrimSpace(string(res.HTML)), "\n")); diff != "" {
				t.Errorf("%q:\n%s", tt.source, diff)
			}
			if err := check(res.HTML); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFootnotesOfTwoTextsOnOnePageDoNotCollide(t *testing.T) {
	t.Parallel()
	const source = "a[^x] b[^x] c[^y]\n\n[^x]: note *x*\n[^y]: @bob\n[^z]: @anna_b.c-d is not shown"
	ids := map[string]bool{}
	for _, prefix := range []string{"n00000001-", "n00000002-"} {
		res, err := renderer.Render(source, markup.Refs{IDPrefix: prefix, Members: refs.Members})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(res.Mentions, []int64{7}) {
			t.Errorf("a note that is not referred to mentions nobody: %v", res.Mentions)
		}
		for _, part := range strings.Split(string(res.HTML), ` id="`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			if ids[id] || !strings.HasPrefix(id, prefix) {
				t.Errorf("id %q twice, or without its prefix", id)
			}
			ids[id] = true
		}
		for _, part := range strings.Split(string(res.HTML), ` href="#`)[1:] {
			if to, _, _ := strings.Cut(part, `"`); !ids[to] && !strings.Contains(string(res.HTML), ` id="`+to+`"`) {
				t.Errorf("link to %q, which is not there", to)
			}
		}
	}
	if len(ids) != 2*5 {
		t.Errorf("%d ids, want 3 references and 2 notes of each text: %v", len(ids), ids)
	}
}

func TestFootnotesWithAForeignPrefixHaveNoIDs(t *testing.T) {
	t.Parallel()
	res, err := renderer.Render("a[^x]\n\n[^x]: b", markup.Refs{IDPrefix: `main" onclick="x`})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(res.HTML), "id=") || strings.Contains(string(res.HTML), "onclick=") {
		t.Error(res.HTML)
	}
}

func TestMentionsAreCountedOnce(t *testing.T) {
	t.Parallel()
	res, err := renderer.Render("@anna_b.c-d @bob @Bob `@josé` [@josé](/x) #go", refs)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(res.Mentions, []int64{8, 7}) {
		t.Errorf("mentions %v", res.Mentions)
	}
}

func TestScanNamesWhatRenderResolves(t *testing.T) {
	t.Parallel()
	handles, slugs := renderer.Scan("@Bob @bob #Go `@code` x@mail.org @jose\u0301 #go @x.y. \\@no #" + strings.Repeat("a", 41))
	if diff := cmp.Diff([]string{"bob", "josé", "x.y"}, handles); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"go"}, slugs); diff != "" {
		t.Error(diff)
	}
	many := ""
	for i := range 80 {
		many += " @m" + strings.Repeat("x", i%20) + string(rune('a'+i/20)) + " "
	}
	if handles, _ := renderer.Scan(many); len(handles) != 50 {
		t.Errorf("%d handles, at most 50 are listed", len(handles))
	}
	if handles, _ := renderer.Scan(strings.Repeat("> ", 17) + "@bob"); handles != nil {
		t.Errorf("a text beyond the limits names %v", handles)
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("wörter ", 40)
	for _, tt := range []struct{ name, source, want string }{
		{"prose, without code, tables and notes", "```go\ncode\n```\n\n| a |\n|---|\n\nText[^1] of *it*. :+1:\n\n[^1]: note", "Text of it. 👍"},
		{"code, if there is nothing else", "```go\nfunc f()\n```", "func f()"},
		{"blocks apart", "# Title\n\n- a\n- b", "Title a b"},
		{"no tags, no entities", "<b>a</b> & `<i>`", "a & <i>"},
		{"ends at a word", long, strings.TrimSpace(strings.Repeat("wörter ", 28)) + "…"},
		{"one long word", strings.Repeat("é", 300), strings.Repeat("é", 199) + "…"},
		{"no controls of direction", "a\u202eb\u2066c", "abc"},
		{"nothing", "<!-- x -->", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, err := renderer.Render(tt.source, refs)
			if err != nil {
				t.Fatal(err)
			}
			if res.Excerpt != tt.want {
				t.Errorf("got  %q\nwant %q", res.Excerpt, tt.want)
			}
		})
	}
}

func TestOpens(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("letters ", 25)
	for source, want := range map[string]bool{
		"A " + long: true, "É" + long: true, "Short.": false, "\"" + long: false, "1 " + long: false, "*a* " + long: false,
		"# " + long: false, "- " + long: false, "> " + long: false, "`a` " + long: false, "": false, "@bob " + long: false,
	} {
		res, err := renderer.Render(source, refs)
		if err != nil {
			t.Fatal(err)
		}
		if res.Opens != want {
			t.Errorf("%.20q opens: %v", source, res.Opens)
		}
	}
}

func TestCodeOfEachKindIsColoured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, code, want string }{
		{"py", "x = '''a\nb''' # c", "x = [s:'''a\nb'''] [c1:# c]"},
		{"c", "/* a\n*/ \"b\\\"c\" 'd 0x1F", "[c1:/* a\n*/] [s:\"b\\\"c\"] [s:'d 0x1F\n]"},
		{"SQL", "Select count(*) -- x", "[k:Select] [nf:count](*) [c1:-- x]"},
		{"rust", "fn f<'a>(x: &'a str)", "[k:fn] f<'a>(x: &'a [k:str])"},
		{"haskell", "f' x = 1.5", "f' x = [mi:1.5]"},
		{"json", `{"a": "b", "c": true, "d": -1}`, `{[nf:"a"]: [s:"b"], [nf:"c"]: [k:true], [nf:"d"]: -[mi:1]}`},
		{"yaml", "a-b: 1 # c", "[nf:a-b]: [mi:1] [c1:# c]"},
		{"css", "a { color: red; }", "a { [nf:color]: red; }"},
		{"html", "<a b=\"c\">it's</a><!-- d -->", "<[k:a] b=[s:\"c\"]>it's<[k:/a]>[c1:<!-- d -->]"},
		{"diff", "@@ a\n+b\n-c\n d", "[nf:@@ a\n][s:+b\n][k:-c\n] d"},
	} {
		res, err := renderer.Render("```"+tt.language+"\n"+tt.code+"\n```", refs)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer(`<span class="`, "[", `">`, ":", "</span>", "]").Replace(strings.ReplaceAll(string(res.HTML), ` tabindex="0"`, ""))
		got = strings.TrimSuffix(strings.TrimPrefix(markup.Text(markup.HTML(got)), " "), "\n")
		want := tt.want
		if strings.TrimSpace(strings.ReplaceAll(got, "\n]", "]")) != strings.TrimSpace(strings.ReplaceAll(want, "\n]", "]")) {
			t.Errorf("%s:\n got %q\nwant %q", tt.language, got, want)
		}
	}
}
