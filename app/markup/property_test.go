package markup_test

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"codex/app/markup"

	"pgregory.net/rapid"
)

// pieces are what a hostile text is made of.
var pieces = rapid.SampledFrom(strings.Split("a|é|\u202e|\x00|\xff|\ufeff|\u2028| |\t|\n|\n\n|\r\n|\r|- |1. |> |# |    |```|```go\n|`|*|**|_|~~|[|]|(|)|](|![|[^a]|[^a]: |[x]: |"+
	"https://e.org|www.a.de|a@b.de|javascript:x|data:x|//e.org|@bob|@josé|#go|:+1:|&amp;|&#106;|&#0;|&lt;|<|>|</|<b>|</b>|<div>|</div>|<p>|</p>|<li>|</li>|<ul>|</ul>|<table>|<td>|"+
	"</blockquote>|<details>|<a href=x>|<a href='//e.org' class=mention>|</a>|<script>|</script>|<svg onload=x>|<style>|<img src=x onerror=x>|<input>|<!--|-->|<![CDATA[|<?|\"|'|=|\\|---|===|a;b|\na-b\n-|-\n", "|"))

func hostileText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 40).Draw(t, "pieces"), "") })
}

func TestAnyTextHoldsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if err := checkRendered(hostileText().Draw(t, "text")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestExcerptIsShortPlainAndValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.OneOf(hostileText(), rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		res, err := renderer.Render(source, refs)
		if err != nil {
			t.Skip(err)
		}
		e := res.Excerpt
		if utf8.RuneCountInString(e) > 200 || !utf8.ValidString(e) || strings.TrimSpace(e) != e || strings.ContainsFunc(e, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Fatalf("excerpt %q", e)
		}
		// It is a beginning of words that the page shows.
		shown := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return -1
			}
			return r
		}, markup.Text(res.HTML))
		first, _, _ := strings.Cut(strings.TrimSuffix(e, "…"), " ")
		if !strings.Contains(source, "[^") && !strings.Contains(shown, first) { // the number of a note is left out
			t.Fatalf("excerpt %q of %q", e, shown)
		}
	})
}

func TestQuoteStaysInAQuote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.OneOf(hostileText(), rapid.String()).Draw(t, "text")
		res, err := renderer.Render(markup.Quote(source)+"after", refs)
		if err != nil {
			t.Skip(err)
		}
		names := blocks(res.HTML)
		if n := len(names); n > 0 && names[n-1] == "div" {
			names = names[:n-1] // footnotes stand at the end, also those of a quote
		}
		if !slices.Equal(names, []string{"blockquote", "p"}) {
			t.Fatalf("quote of %q: %v\n%s", source, names, res.HTML)
		}
	})
}

func TestCleanIsDoneOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.OneOf(hostileText(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		clean := markup.Clean(source)
		if !utf8.ValidString(clean) || strings.ContainsAny(clean, "\x00\r") || markup.Clean(clean) != clean {
			t.Fatalf("%q became %q", source, clean)
		}
		a, errA := renderer.Render(source, refs)
		b, errB := renderer.Render(clean, refs)
		if !reflect.DeepEqual(a, b) || (errA == nil) != (errB == nil) {
			t.Fatalf("%q and its clean form render differently", source)
		}
	})
}

func TestScanIsWhatRenderNeeds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := hostileText().Draw(t, "text")
		handles, _ := renderer.Scan(source)
		res, err := renderer.Render(source, refs)
		if err != nil {
			t.Skip(err)
		}
		for name, id := range refs.Members {
			if slices.Contains(res.Mentions, id) && !slices.Contains(handles, name) {
				t.Fatalf("%q mentions %s, which the scan did not find", source, name)
			}
		}
	})
}

func TestControlsAndBrokenTextAreShownOrReplaced(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a\x00b":         "<p>a\ufffdb</p>\n",
		"a\xffb":         "<p>a\ufffdb</p>\n",
		"a\r\nb\rc":      "<p>a\nb\nc</p>\n",
		"a\u202eb\u2069": "<p>a\u202eb\u2069</p>\n",
		"a&#0;&#xD800;b": "<p>a\ufffd\ufffdb</p>\n",
		"\ufeffa\u2028b": "<p>\ufeffa\u2028b</p>\n",
	} {
		res, err := renderer.Render(source, refs)
		if err != nil {
			t.Fatal(err)
		}
		if string(res.HTML) != want {
			t.Errorf("%q: got %q, want %q", source, res.HTML, want)
		}
	}
}

func TestManyGoroutinesGetTheSame(t *testing.T) {
	t.Parallel()
	sources := []string{
		"# @bob\n\n```go\nfunc f() {}\n```\n\na[^1]\n\n[^1]: *b*", "| a |\n|-|\n| @anna_b.c-d |\n\n:+1: #go", "<b>a\n\n![x](https://e.org/x)",
		"```py\nx = 1\n```\n> - [x] https://e.org", strings.Repeat("> ", 17) + "a",
	}
	type outcome struct {
		res markup.Result
		err string
	}
	render := func(r *markup.Renderer, s string) (o outcome) {
		r.Scan(s)
		res, err := r.Render(s, refs)
		var limit *markup.LimitError
		if errors.As(err, &limit) {
			o.err = err.Error()
		}
		o.res = res
		return o
	}
	var want []outcome
	for _, s := range sources {
		want = append(want, render(renderer, s))
	}
	shared := markup.New(markup.Options{})
	var group sync.WaitGroup
	for g := range 16 {
		group.Go(func() {
			for i := range 10 * len(sources) {
				k := (i + g) % len(sources)
				if got := render(shared, sources[k]); !reflect.DeepEqual(got, want[k]) {
					t.Errorf("goroutine %d got %+v, want %+v", g, got, want[k])
				}
			}
		})
	}
	group.Wait()
}

func FuzzRender(f *testing.F) {
	f.Add("a *b* [c](d)")
	f.Add("- > - <b>[^a]\n\n[^a]: </b>")
	if _, err := os.Stat(material); err == nil {
		for _, e := range commonMark(f) {
			f.Add(e.markdown)
		}
		for _, texts := range hostile(f) {
			for _, text := range texts {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		if err := checkRendered(source); err != nil {
			t.Error(err)
		}
	})
}
