package markup_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"codex/app/markup"
)

// costly are texts of the greatest length that made the parser, its extensions or the sanitiser slow, or might: each
// unit in long lines, in short lines, in paragraphs of one and of 400 bytes, in quotes, in items and in code. size is that
// of most of them, in bytes.
func costly(size int) map[string]string {
	fill := func(unit string, n int) string { return strings.Repeat(unit, n/len(unit)+1)[:n] }
	lines := func(s string) string { // as many as are allowed
		end := 0
		for range markup.DefaultLimits.Lines {
			i := strings.IndexByte(s[end:], '\n')
			if i < 0 {
				return s
			}
			end += i + 1
		}
		return s[:end]
	}
	all := map[string]string{}
	for _, unit := range append(strings.Split("- ¦> ¦[¦![¦*a ¦**a ¦_a ¦*a_ ¦*_¦a*¦***a** ¦`¦`a``¦`` `¦<¦&¦\"¦](¦[a](¦[[a]]¦[a][¦[a]¦[]¦[x]: <¦~~a ¦~a¦<a ¦<a b='¦<b>¦</b>¦<br>¦<a:b>¦<!--¦<?¦<![CDATA[¦&amp;¦&#35;¦\\¦:a¦:smile:¦@bob ¦@¦#a ¦a@b.c ¦www.a.b ¦http:¦a@¦1. ¦- - ¦[^a]¦[^a]: ¦[a]: b ¦!¦|¦a|¦-|¦|-¦é¦\t¦>- ¦- [ ] ¦}", "¦"), " ") {
		all["long lines of "+unit] = fill(fill(unit, size/8)+"\n", size*7/8)
		all["short lines of "+unit] = lines(fill(unit+"\n", size))
		all["paragraphs of "+unit] = lines(fill(unit+"\n\n", size))
		all["lines of 400 bytes of "+unit] = fill(fill(unit, 400)+"\n", size)
		all["paragraphs of 400 bytes of "+unit] = fill(fill(unit, 400)+"\n\n", size)
		all["in a deep quote "+unit] = lines(strings.Repeat("> ", 15) + "a\n" + fill(unit+"\n", size-100))
		all["in an item "+unit] = lines("- a\n" + fill("  "+unit+"\n", size-100))
		all["in HTML "+unit] = "<div>\n" + fill(fill(unit, 80)+"\n", size-10)
		for _, language := range []string{"go", "html", "yaml"} {
			all["in "+language+" "+unit] = "```" + language + "\n" + fill(fill(unit, 80)+"\n", size-10)
		}
	}
	rep := strings.Repeat
	for name, source := range map[string]string{
		"blank lines in a deep list": nested(16, "") + rep("\n", 4900),
		"lines in a deep list":       nested(16, "") + rep(rep(" ", 32)+"a\n", 1000),
		"items of deep lists":        rep(rep("- ", 16)+"a\n", 125),
		"deep quotes":                rep(rep(">", 16)+"a\n", 1000),
		"footnotes":                  numbered("[^%d]: a\n", 200) + "\n" + numbered("[^%d] ", 199),
		"references to one footnote": "[^a]: b\n\n" + rep("[^a] ", 398),
		"definitions":                lines(numbered("[%d]: b\n", 4999)),
		"escaped pipes in code":      "a|b\n-|-\n" + rep("`"+rep("\\|", 110)+"`|b\n", 16),
		"a wide table":               rep("|", 660) + "\n" + rep("|-", 659) + "|\n" + "a\n",
		"delimiter rows":             "a|b\n" + rep("-|-\n", 300) + rep("b\n", 30),
		"stars in stars":             rep("a**b"+rep("c* ", 20)+"\n", 23),
		"tags never closed":          rep("<b>\n\n", 999),
		"prose":                      rep("Some *words* of `prose` about https and @bob, with a [link](/p/1). ", 280),
	} {
		all[name] = source
	}
	return all
}

// BenchmarkRenderWorst renders each costly text that is within the limits or is refused late, and reports the worst
// five: the bar is 50 ms on 2 cores. It is no test because a shared machine has no clock.
func BenchmarkRenderWorst(b *testing.B) {
	texts := costly(64000)
	for b.Loop() {
		type cost struct {
			name string
			time time.Duration
			err  error
		}
		costs := make([]cost, 0, len(texts))
		for name, source := range texts {
			c := cost{name: name, time: time.Hour}
			for range 3 { // the best of a few is the least disturbed by others
				start := time.Now()
				_, c.err = renderer.Render(source, refs)
				if c.time = min(c.time, time.Since(start)); c.time < 10*time.Millisecond {
					break
				}
			}
			costs = append(costs, c)
		}
		slices.SortFunc(costs, func(x, y cost) int { return cmp.Compare(y.time, x.time) })
		for _, c := range costs[:5] {
			b.Logf("%8s  %s (error: %v)", c.time.Round(100*time.Microsecond), c.name, c.err)
		}
		b.ReportMetric(float64(costs[0].time.Microseconds())/1000, "worst-ms")
	}
}

// BenchmarkRenderComment renders what a usual comment is.
func BenchmarkRenderComment(b *testing.B) {
	const source = "Thanks @bob, *that* works. See [the docs](https://e.org/x) and `go doc`:\n\n```go\nfunc f() error { return nil } // x\n```\n\n- one\n- two\n"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := renderer.Render(source, refs); err != nil {
			b.Fatal(err)
		}
	}
}

// The costly texts are also hostile ones, which they are at a smaller size too.
func TestCostlyTextHoldsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, source := range costly(8000) {
		if err := checkRendered(source); err != nil {
			t.Errorf("%s: %.300s", name, err)
		}
	}
}
