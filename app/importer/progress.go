package importer

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Progress shows how far a long reading is. On a terminal it is one line that
// is drawn again at most ten times a second; anywhere else (a file, a log, a
// pipe) it is a plain line for every tenth of a stage, but at most one in five
// seconds and at least one in thirty, and one at the end of each stage.
//
// It belongs to one goroutine and starts none; a stage that stops moving stops
// drawing. Update is cheap enough to be called for every row.
type Progress struct {
	out      io.Writer
	terminal bool
	width    func() int
	now      func() time.Time

	stage       string
	began       time.Time
	drawn       time.Time
	drawnShare  float64
	done, total int64
	rows        int64
	dirty       bool // something was drawn on the terminal's current line
}

// NewProgress writes to f, and finds out whether that is a terminal.
func NewProgress(f *os.File) *Progress {
	fd := int(f.Fd())
	return &Progress{out: f, terminal: term.IsTerminal(fd), now: time.Now, width: func() int {
		w, _, err := term.GetSize(fd)
		if err != nil || w <= 0 {
			return 80
		}
		return w
	}}
}

// Start begins a stage, and ends the one before it.
func (p *Progress) Start(stage string) {
	p.Finish()
	now := p.now()
	p.stage, p.began, p.drawn = stage, now, now
	p.done, p.total, p.rows, p.drawnShare = 0, 0, 0, 0
}

// Update says how many bytes of the stage are done. Each call counts as one row.
func (p *Progress) Update(done, total int64) {
	p.done, p.total = done, total
	p.rows++
	if p.rows%16 != 0 && p.rows > 16 {
		return // asking the clock for every row would be the dearest part
	}
	now := p.now()
	if p.terminal {
		if now.Sub(p.drawn) >= 100*time.Millisecond {
			p.draw(now)
		}
		return
	}
	if now.Sub(p.drawn) >= 5*time.Second && p.share()-p.drawnShare >= 0.1 || now.Sub(p.drawn) >= 30*time.Second {
		p.drawn, p.drawnShare = now, p.share()
		fmt.Fprintln(p.out, p.line(now))
	}
}

// Finish ends the current stage with a line that stays.
func (p *Progress) Finish() {
	if p.stage == "" {
		return
	}
	now := p.now()
	if p.terminal && p.dirty {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.dirty = false
	}
	took := now.Sub(p.began)
	fmt.Fprintf(p.out, "%s: %s rows in %s (%s rows/s)\n", p.stage, digits(p.rows), short(took), digits(rate(p.rows, took)))
	p.stage = ""
}

func (p *Progress) draw(now time.Time) {
	p.drawn, p.dirty = now, true
	text := p.line(now)
	if w := p.width(); len(text) >= w {
		text = text[:max(w-1, 0)] // a line that wraps cannot be drawn over
	}
	if room := p.width() - len(text) - 4; room >= 10 {
		cells := min(room, 40)
		full := int(p.share() * float64(cells))
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "] " + text
	}
	fmt.Fprint(p.out, "\r"+text+"\x1b[K")
}

func (p *Progress) line(now time.Time) string {
	took := now.Sub(p.began)
	s := fmt.Sprintf("%s %3.0f %%, %s rows, %s rows/s", p.stage, p.share()*100, digits(p.rows), digits(rate(p.rows, took)))
	if share := p.share(); share > 0.01 && share < 1 {
		s += ", " + short(time.Duration(float64(took)*(1-share)/share)) + " left"
	}
	return s
}

func (p *Progress) share() float64 {
	if p.total <= 0 {
		return 0
	}
	return min(1, float64(p.done)/float64(p.total))
}

func rate(n int64, d time.Duration) int64 {
	if d <= 0 {
		return n
	}
	return int64(float64(n) / d.Seconds())
}

func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
