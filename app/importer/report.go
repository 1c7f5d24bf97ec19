package importer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Report counts what became of each row. It belongs to one goroutine.
type Report struct {
	files []*count
	notes []string
	more  int
}

type count struct {
	file          string
	read, written int64
	skipped       map[string]int64
}

// maxNotes bounds the notes; further ones are counted.
const maxNotes = 50

func (r *Report) of(file string) *count {
	for _, c := range r.files {
		if c.file == file {
			return c
		}
	}
	c := &count{file: file, skipped: map[string]int64{}}
	r.files = append(r.files, c)
	return c
}

// Read counts a row that was read. Each must be followed by one Wrote or Skip.
func (r *Report) Read(file string) { r.of(file).read++ }

// Wrote counts a row that became something here.
func (r *Report) Wrote(file string) { r.of(file).written++ }

// Skip counts a row that was left out, by reason.
func (r *Report) Skip(file, reason string) { r.of(file).skipped[reason]++ }

// Note adds a sentence: a missing file, a biography left out.
func (r *Report) Note(format string, args ...any) {
	if len(r.notes) == maxNotes {
		r.more++
		return
	}
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// Counts gives the figures of one file. skipped is the sum over all reasons.
func (r *Report) Counts(file string) (read, written, skipped int64) {
	for _, c := range r.files {
		if c.file == file {
			return c.read, c.written, c.sum()
		}
	}
	return 0, 0, 0
}

// Skipped gives the number of rows of a file that were left out for a reason.
func (r *Report) Skipped(file, reason string) int64 {
	for _, c := range r.files {
		if c.file == file {
			return c.skipped[reason]
		}
	}
	return 0
}

func (c *count) sum() (n int64) {
	for _, v := range c.skipped {
		n += v
	}
	return n
}

// Check reports every file where read is not written plus skipped: a row was
// dropped in silence, or counted twice.
func (r *Report) Check() error {
	var errs []error
	for _, c := range r.files {
		if c.read != c.written+c.sum() {
			errs = append(errs, fmt.Errorf("%s: %d rows read, but %d written and %d skipped", c.file, c.read, c.written, c.sum()))
		}
	}
	return errors.Join(errs...)
}

// WriteTo writes the report as an aligned table.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}

// String is the report as an aligned table, the reasons of a file below it,
// the most frequent first.
func (r *Report) String() string {
	rows := [][4]string{{"file", "read", "written", "skipped"}}
	var total count
	for _, c := range r.files {
		rows = append(rows, [4]string{c.file, digits(c.read), digits(c.written), digits(c.sum())})
		total.read, total.written = total.read+c.read, total.written+c.written
		reasons := make([]string, 0, len(c.skipped))
		for reason := range c.skipped {
			reasons = append(reasons, reason)
		}
		slices.SortFunc(reasons, func(a, b string) int {
			if d := c.skipped[b] - c.skipped[a]; d != 0 {
				return int(max(min(d, 1), -1))
			}
			return strings.Compare(a, b)
		})
		for _, reason := range reasons {
			rows = append(rows, [4]string{"  " + reason, "", "", digits(c.skipped[reason])})
		}
	}
	rows = append(rows, [4]string{"all", digits(total.read), digits(total.written), digits(total.read - total.written)})
	var wide [4]int
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s  %*s  %*s  %*s\n", wide[0], row[0], wide[1], row[1], wide[2], row[2], wide[3], row[3])
	}
	for _, note := range r.notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	if r.more > 0 {
		fmt.Fprintf(&b, "note: and %d more notes\n", r.more)
	}
	return b.String()
}

// digits writes 1234567 as 1,234,567.
func digits(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
