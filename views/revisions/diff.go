package revisions

import (
	"strings"
	"unicode"
)

// Change says what became of a piece of text.
type Change int

const (
	Same Change = iota
	Added
	Removed
)

// Piece is a run of text with one fate.
type Piece struct {
	Change Change
	Text   string
}

// Line is a line of a diff. Skipped stands for so many lines between others that are the same.
type Line struct {
	Change  Change // Same: of a line of which words changed, Pieces say which
	Pieces  []Piece
	Skipped int
}

const (
	// around is how many lines that are the same stand before and after one that changed.
	around = 2
	// deepest bounds the memory of one comparison: deepest² numbers of 4 bytes.
	deepest = 600
	// MaxLines is how many lines of a diff are worth showing.
	MaxLines = 600
)

// Budget is how much work the diffs of a page may be, in steps of about 10 ns each. Lines and words have each their own, so
// that neither takes all.
type Budget struct{ lines, words int }

// NewBudget is enough for what people write, and bounds what they can make the server do: the steps of two texts of 64 KiB,
// which is the longest. It is meant to stay under 50 ms; on a crowded machine such texts took 16 to 120 ms.
func NewBudget() *Budget { return &Budget{600_000, 400_000} }

// Diff compares two texts line by line, and where lines were replaced by others, word by word. It is exact as long as the
// budget lasts; beyond it what lies between the first and the last difference counts as replaced, line by line.
func Diff(old, new string, budget *Budget) []Line {
	a, b := lines(old), lines(new)
	var out []Line
	for _, run := range compare(a, b, &budget.lines) {
		if run.same {
			for _, text := range a[run.a:run.aEnd] {
				out = append(out, Line{Pieces: []Piece{{Same, text}}})
			}
			continue
		}
		out = append(out, replaced(a[run.a:run.aEnd], b[run.b:run.bEnd], &budget.words)...)
	}
	return fold(out)
}

// Words compares two short texts, such as titles, word by word.
func Words(old, new string, budget *Budget) []Piece {
	_, all := pieces(tokens(old), tokens(new), &budget.words)
	return all
}

// Plain is a text without a comparison.
func Plain(text string) (out []Line) {
	for _, line := range lines(text) {
		out = append(out, Line{Pieces: []Piece{{Same, line}}})
	}
	return out
}

// replaced are the lines of a place where lines were replaced by others. Lines stand beside each other in their order; two
// that have little in common are shown whole.
func replaced(a, b []string, budget *int) (out []Line) {
	var added []Line
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			added = append(added, whole(Added, b[i]))
		case i >= len(b):
			out = append(out, whole(Removed, a[i]))
		default:
			both := mixed(a[i], b[i], budget)
			if both == nil {
				out, added = append(out, whole(Removed, a[i])), append(added, whole(Added, b[i]))
				continue
			}
			out = append(append(out, added...), Line{Pieces: both})
			added = nil
		}
	}
	return append(out, added...)
}

func whole(c Change, text string) Line { return Line{Change: c, Pieces: []Piece{{c, text}}} }

// mixed is one line with what was taken out and put in, nil where less than a third of the words stayed.
func mixed(a, b string, budget *int) []Piece {
	same, all := pieces(tokens(a), tokens(b), budget)
	if 3*same < max(len(a), len(b)) {
		return nil
	}
	return all
}

// pieces joins the words with one fate. same is how many bytes stayed.
func pieces(a, b []string, budget *int) (same int, all []Piece) {
	put := func(c Change, words []string) {
		if text := strings.Join(words, ""); text != "" {
			all = append(all, Piece{c, text})
		}
	}
	for _, run := range compare(a, b, budget) {
		if run.same {
			put(Same, a[run.a:run.aEnd])
			same += len(all[len(all)-1].Text)
		} else {
			put(Removed, a[run.a:run.aEnd])
			put(Added, b[run.b:run.bEnd])
		}
	}
	return same, all
}

// fold puts a mark in the place of long stretches that are the same.
func fold(all []Line) (out []Line) {
	changed := func(i int) bool {
		return i >= 0 && i < len(all) && (all[i].Change != Same || len(all[i].Pieces) > 1 || all[i].Pieces[0].Change != Same)
	}
	near := make([]bool, len(all))
	for i := range all {
		if changed(i) {
			for j := max(0, i-around); j <= min(len(all)-1, i+around); j++ {
				near[j] = true
			}
		}
	}
	for i := 0; i < len(all); {
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		from := i
		for i < len(all) && !near[i] {
			i++
		}
		if i-from == 1 { // a mark would take as much room
			out = append(out, all[from])
		} else {
			out = append(out, Line{Skipped: i - from})
		}
	}
	return out
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// tokens parts a line into words, the spaces between them, and single signs. Of a script without spaces between words
// each letter is one.
func tokens(text string) (list []string) {
	kind := func(r rune) int {
		switch {
		case unicode.IsSpace(r):
			return 1
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			return 0
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '_', r == '\'', r == '’', r == '\u200d':
			return 2
		}
		return 0
	}
	start, last := 0, -1
	for i, r := range text {
		k := kind(r)
		if i > 0 && (k != last || k == 0) && !unicode.IsMark(r) && r != '\u200d' && r != '\ufe0f' {
			list = append(list, text[start:i])
			start = i
		}
		last = k
	}
	if start < len(text) {
		list = append(list, text[start:])
	}
	return list
}

// run is a stretch of both lists: the same, or one in the place of the other.
type run struct {
	same             bool
	a, aEnd, b, bEnd int
}

// compare finds what two lists have in common, by E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986),
// the greedy one, between their common beginning and end. budget is the number of steps that it may take.
func compare(a, b []string, budget *int) (runs []run) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	add := func(r run) {
		if r.aEnd == r.a && r.bEnd == r.b {
			return
		}
		if n := len(runs); n > 0 && runs[n-1].same == r.same {
			runs[n-1].aEnd, runs[n-1].bEnd = r.aEnd, r.bEnd
			return
		}
		runs = append(runs, r)
	}
	add(run{true, 0, head, 0, head})
	at := run{a: head, b: head}
	numbered, other := numbers(a[head:len(a)-tail], b[head:len(b)-tail])
	for _, p := range matches(numbered, other, budget) {
		x, y := head+p[0], head+p[1]
		add(run{false, at.a, x, at.b, y})
		add(run{true, x, x + 1, y, y + 1})
		at.a, at.b = x+1, y+1
	}
	add(run{false, at.a, len(a) - tail, at.b, len(b) - tail})
	add(run{true, len(a) - tail, len(a), len(b) - tail, len(b)})
	return runs
}

// numbers gives equal texts equal numbers, so that each comparison costs the same.
func numbers(a, b []string) (x, y []int32) {
	known := make(map[string]int32, len(a))
	number := func(list []string) []int32 {
		out := make([]int32, len(list))
		for i, s := range list {
			n, ok := known[s]
			if !ok {
				n = int32(len(known))
				known[s] = n
			}
			out[i] = n
		}
		return out
	}
	return number(a), number(b)
}

// matches lists the pairs of places of the longest common subsequence; none when that takes more than the budget.
func matches(a, b []int32, budget *int) (pairs [][2]int) {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return nil
	}
	most := min(n+m, deepest)
	ends := make([]int32, 2*most+3) // by diagonal: how far along a the farthest path has come
	mid := most + 1
	var trace [][]int32
	for d := 0; d <= most; d++ {
		trace = append(trace, append([]int32(nil), ends[mid-d:mid+d+1]...)) // of the step before
		for k := -d; k <= d; k += 2 {
			var x int32
			if k == -d || k != d && ends[mid+k-1] < ends[mid+k+1] {
				x = ends[mid+k+1]
			} else {
				x = ends[mid+k-1] + 1
			}
			y := x - int32(k)
			for int(x) < n && int(y) < m && y >= 0 && a[x] == b[y] {
				x++
				y++
				*budget--
			}
			ends[mid+k] = x
			if int(x) >= n && int(y) >= m {
				return walkBack(trace, d, n, m)
			}
		}
		if *budget -= d + 1; *budget < 0 {
			return nil
		}
	}
	return nil
}

// walkBack follows the shortest path from its end to its beginning. trace[d] are the ends of the diagonals -d to d before
// step d.
func walkBack(trace [][]int32, d, n, m int) (pairs [][2]int) {
	x, y := n, m
	for ; d >= 0; d-- {
		v := func(k int) int {
			if k < -d || k > d {
				return 0
			}
			return int(trace[d][k+d])
		}
		k := x - y
		prev := k - 1
		if k == -d || k != d && v(k-1) < v(k+1) {
			prev = k + 1
		}
		fromX := v(prev)
		fromY := fromX - prev
		if d == 0 {
			fromX, fromY = 0, 0
		}
		for x > fromX && y > fromY {
			x--
			y--
			pairs = append(pairs, [2]int{x, y})
		}
		x, y = fromX, fromY
	}
	for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
		pairs[i], pairs[j] = pairs[j], pairs[i]
	}
	return pairs
}
