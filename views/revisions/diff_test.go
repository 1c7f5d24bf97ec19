package revisions

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func shown(all []Line) string {
	var b strings.Builder
	for _, l := range all {
		if l.Skipped > 0 {
			fmt.Fprintf(&b, "… %d\n", l.Skipped)
			continue
		}
		b.WriteString(map[Change]string{Same: " ", Added: "+", Removed: "-"}[l.Change])
		for _, p := range l.Pieces {
			switch {
			case p.Change == l.Change:
				b.WriteString(p.Text)
			case p.Change == Added:
				b.WriteString("{+" + p.Text + "+}")
			case p.Change == Removed:
				b.WriteString("[-" + p.Text + "-]")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestADiffTellsLinesAndWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"a word":              {"The tide is low.\n", "The tide is very low.\n", " The tide is {+very +}low.\n"},
		"a word for another":  {"The tide is low today.", "The tide is high today.", " The tide is [-low-]{+high+} today.\n"},
		"another line":        {"One thing.\n", "Something else entirely\n", "-One thing.\n+Something else entirely\n"},
		"a line more":         {"a\nb\n", "a\nnew\nb\n", " a\n+new\n b\n"},
		"a line less":         {"a\nb\nc\n", "a\nc\n", " a\n-b\n c\n"},
		"from nothing":        {"", "a\nb", "+a\n+b\n"},
		"to nothing":          {"a", "", "-a\n"},
		"the same":            {"a\nb\n", "a\nb\n", "… 2\n"},
		"line ends":           {"a\r\nb", "a\nb\n", "… 2\n"},
		"far apart":           {"1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\n5\n6\n7\n8\nx", "… 6\n 7\n 8\n-9\n+x\n"},
		"no spaces":           {"我们今天去海边", "我们明天去海边", " 我们[-今-]{+明+}天去海边\n"},
		"a letter with marks": {"ba\u0301d weather here", "bad weather here", " [-ba\u0301d-]{+bad+} weather here\n"},
	} {
		if got := shown(Diff(c.old, c.new, NewBudget())); got != c.want {
			t.Errorf("%s:\n%swant:\n%s", name, got, c.want)
		}
	}
}

// common is the length of the longest common subsequence, the slow way.
func common(a, b []string) int {
	best := make([][]int, len(a)+1)
	for i := range best {
		best[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			if a[i] == b[j] {
				best[i+1][j+1] = best[i][j] + 1
			} else {
				best[i+1][j+1] = max(best[i][j+1], best[i+1][j])
			}
		}
	}
	return best[len(a)][len(b)]
}

func TestWhatIsComparedIsWholeAndShortest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 12)
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		budget, same, atA, atB := 1_000_000, 0, 0, 0
		for _, r := range compare(a, b, &budget) {
			if r.a != atA || r.b != atB {
				t.Fatalf("a gap before %+v", r)
			}
			atA, atB = r.aEnd, r.bEnd
			if !r.same {
				continue
			}
			for i := range r.aEnd - r.a {
				if a[r.a+i] != b[r.b+i] {
					t.Fatalf("%+v are not the same", r)
				}
			}
			same += r.aEnd - r.a
		}
		if atA != len(a) || atB != len(b) || same != common(a, b) {
			t.Fatalf("ends at %d %d with %d in common, want %d", atA, atB, same, common(a, b))
		}
	})
}

func TestAnyTwoTextsAreTokensAndPiecesOfThemselves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old, new := rapid.String().Draw(t, "old"), rapid.String().Draw(t, "new")
		if got := strings.Join(tokens(old), ""); got != old {
			t.Fatalf("the tokens of %q are %q", old, got)
		}
		var was, is string
		for _, p := range Words(old, new, NewBudget()) {
			if p.Change != Added {
				was += p.Text
			}
			if p.Change != Removed {
				is += p.Text
			}
		}
		if was != old || is != new {
			t.Fatalf("%q became %q: the pieces say %q and %q", old, new, was, is)
		}
	})
}

// The texts are the worst that a stored one may be: 64 KiB, 5,000 lines, 8 KiB a line.
func TestTheWorstTextsStayInTheirBudget(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	words := func(lines, each int, between string) string { // at most 64 KiB
		var b strings.Builder
		for range lines {
			for range each {
				fmt.Fprintf(&b, "%x%s", r.IntN(50), between)
			}
			b.WriteString("\n")
		}
		return b.String()[:min(b.Len(), 64<<10)]
	}
	for name, pair := range map[string][2]string{
		"short lines": {words(5000, 1, ""), words(5000, 1, "")},
		"lines":       {words(5000, 6, " "), words(5000, 6, " ")},
		"long lines":  {words(24, 1500, " "), words(24, 1500, " ")},
		"no words":    {strings.Repeat("\n", 5000), strings.Repeat("a\n", 5000)},
		"signs":       {strings.Repeat(strings.Repeat("* ", 4<<10)+"\n", 8), strings.Repeat(strings.Repeat(". ", 4<<10)+"\n", 8)},
	} {
		budget, began := NewBudget(), time.Now()
		lines := Diff(pair[0], pair[1], budget)
		t.Logf("%s: %v, %d lines", name, time.Since(began), len(lines)) // a clock would fail on a machine that does other things too
		// A step follows a line or word to its end, once for each bound.
		if budget.lines < -10_000 || budget.words < -20_000 {
			t.Errorf("%s: the work went beyond its bound, to %+v", name, *budget)
		}
	}
}
