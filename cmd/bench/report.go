package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// report prints the tables.
func (b *bench) report(w io.Writer, load string) error {
	p := &printer{w: w}
	p.f("Measured on %s. Data: %s.\n", machine(), b.source)
	if load != "" {
		p.f("Load average before the run: %s (of other work on the machine; a ratio stands it better than a figure does).\n", load)
	}
	p.f("\n%d connections kept open, limits off, no cache; medians of %d rounds, each of the forum and then of the ceiling: a bare net/http server\nthat writes the same bytes and headers from memory. The share is the median of the rounds' own; the share by processor time is that of the\ntime that both processes and the client use for an answer, which other work on the machine disturbs less.\n\n", b.Connections, b.Rounds)
	b.pagesTable(p, asBrowser)
	p.f("\nAs a browser asks, with `Accept-Encoding: %s` (the answer is %s). Allocations are of the handler chain.\nThe same with nothing packed:\n\n", asBrowser, orNone(b.cells[0].encodedAs))
	b.pagesTable(p, unpacked)
	p.f("\n| a post with | queries, guest | queries, member |\n|---|---:|---:|\n")
	for _, q := range b.queries {
		p.f("| %d comments | %d | %d |\n", q.post.comments, q.guest, q.member)
	}
	p.f("\n| | |\n|---|---:|\n")
	for _, line := range []struct {
		name string
		of   []tally
	}{
		{fmt.Sprintf("comments written, %d writers over HTTP, each on the disk before it is answered", writers), b.writes.writers},
		{fmt.Sprintf("the same beside %d readers of a post", writers), b.writes.writersBeside},
		{fmt.Sprintf("%d readers of a post alone", writers), b.writes.readers},
		{"the same beside the writers", b.writes.readersBeside},
	} {
		p50, p99 := quantiles(line.of)
		p.f("| %s | %s/s, p50 %s, p99 %s |\n", line.name, count(median(rates(line.of))), ms(p50), ms(p99))
	}
	for _, i := range b.imports {
		p.f("| import of %s | %s rows in %.1f s: %s rows/s |\n", i.name, count(float64(i.read)), i.took.Seconds(), count(float64(i.read)/i.took.Seconds()))
	}
	if b.hwm > 0 {
		p.f("| memory of the server after all this | %s resident, %s at most |\n", size(b.rss), size(b.hwm))
	}
	p.f("| from the start of the process to /readyz | %s (median of %d) |\n", ms(median(b.starts)), len(b.starts))
	p.f("| the program | %s |\n", size(b.binSize))
	return p.err
}

func (b *bench) pagesTable(p *printer, encoding string) {
	p.f("| page | viewer | requests/s | ceiling/s | share | time/answer | ceiling's | share by it | p50 | p99 | allocations | of KiB | queries | bytes sent |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range b.cells {
		if c.encoding != encoding {
			continue
		}
		p50, p99 := quantiles(c.real)
		forum, ceiling, byTime := c.cost()
		p.f("| %s | %s | %s | %s | %.1f %% | %d µs | %d µs | %.1f %% | %s | %s | %s | %.0f | %d | %s |\n", c.page, c.viewer, count(median(rates(c.real))), count(median(rates(c.ceiling))),
			100*c.share(), forum.Microseconds(), ceiling.Microseconds(), 100*byTime, ms(p50), ms(p99), count(c.allocs), c.allocBytes/1024, c.queries, count(float64(c.real[0].bytes)))
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func size(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// count is a whole number with a comma between thousands.
func count(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func orNone(encoding string) string {
	if encoding == "" {
		return "not packed"
	}
	return strings.ToLower(encoding)
}
