package importer

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// run feeds a progress 10,000 rows in 100 seconds.
func run(p *Progress, clock *time.Time) {
	p.Start("Posts.xml")
	for i := range int64(10_000) {
		*clock = clock.Add(10 * time.Millisecond)
		p.Update((i+1)*100, 1_000_000)
	}
	p.Finish()
}

func TestProgressWritesPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	run(&Progress{out: &out, now: func() time.Time { return clock }}, &clock)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 10 || strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	if d := cmp.Diff("Posts.xml  20 %, 2,016 rows, 100 rows/s, 80 s left", lines[1]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("Posts.xml: 10,000 rows in 100 s (100 rows/s)", lines[len(lines)-1]); d != "" {
		t.Error(d)
	}
}

func TestProgressDrawsOneLineAtMostTenTimesASecondOnATerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{100, 30} {
		var out bytes.Buffer
		clock := time.Unix(0, 0)
		run(&Progress{out: &out, terminal: true, width: func() int { return width }, now: func() time.Time { return clock }}, &clock)
		drawn := strings.Split(out.String(), "\r")
		if n := len(drawn); n < 100 || n > 1002 {
			t.Errorf("drawn %d times in 100 s", n)
		}
		for _, d := range drawn[1 : len(drawn)-1] {
			if strings.Contains(d, "\n") || len(strings.TrimSuffix(d, "\x1b[K")) >= width {
				t.Errorf("a line that wraps: %q", d)
			}
		}
		if width == 100 && !strings.Contains(out.String(), "[####################....................] Posts.xml  50 %") {
			t.Errorf("no bar at half:\n%q", out.String()[:400])
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := NewProgress(f)
	p.Start("Users.xml")
	p.Update(1, 1)
	p.Finish()
	if b, err := os.ReadFile(f.Name()); err != nil || !strings.HasPrefix(string(b), "Users.xml: 1 rows in ") {
		t.Errorf("%q, %v", b, err)
	}
}
