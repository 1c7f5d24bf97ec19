package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// What browsers say that they take; and what takes nothing packed, to see what packing costs.
const (
	asBrowser = "gzip, deflate, br, zstd"
	unpacked  = "identity"
)

// cell is one page as one viewer sees it.
type cell struct {
	page, viewer, encoding string
	key                    answerKey
	request                []byte
	real, ceiling          []tally // one a round
	encodedAs              string
	allocs, allocBytes     float64 // a request, in the handler chain
	queries                int
}

// share is the median of the rounds' shares: what disturbs the machine disturbs both of a round.
func (c *cell) share() float64 {
	var of []float64
	for n := range c.real {
		of = append(of, c.real[n].rate/c.ceiling[n].rate)
	}
	return median(of)
}

// cost is the medians of what an answer costs the forum and the ceiling in processor time, and the share that these
// give: what the requests/s would be to each other if nothing else ran, with this client on the same cores.
func (c *cell) cost() (forum, ceiling time.Duration, share float64) {
	var a, b []time.Duration
	var of []float64
	for n := range c.real {
		r, l := c.real[n], c.ceiling[n]
		a, b = append(a, r.server), append(b, l.server)
		if r.server > 0 {
			of = append(of, float64(l.server+l.client)/float64(r.server+l.client))
		}
	}
	return median(a), median(b), median(of)
}

func rates(of []tally) (list []float64) {
	for _, t := range of {
		list = append(list, t.rate)
	}
	return list
}

func quantiles(of []tally) (p50, p99 time.Duration) {
	var a, b []time.Duration
	for _, t := range of {
		a, b = append(a, t.p50), append(b, t.p99)
	}
	return median(a), median(b)
}

// cellsOf are the pages for both viewers.
func (b *bench) cellsOf(addr, cookie string, encodings ...string) (cells []*cell) {
	for _, encoding := range encodings {
		for _, page := range []struct{ name, path string }{
			{fmt.Sprintf("post, %d comments", b.chosen.post.comments), b.chosen.post.path}, {"home", "/"}, {"channel", "/c/" + b.chosen.channels[0]},
		} {
			for _, viewer := range []struct{ name, cookie string }{{"guest", ""}, {"member", cookie}} {
				key := answerKey{page.path, viewer.cookie, encoding}
				cells = append(cells, &cell{page: page.name, viewer: viewer.name, encoding: encoding, key: key, request: request(addr, key)})
			}
		}
	}
	return cells
}

// request is what a browser's request looks like on the wire, as far as a server here reads it.
func request(addr string, key answerKey) []byte {
	var r bytes.Buffer
	fmt.Fprintf(&r, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: text/html\r\nAccept-Encoding: %s\r\n", key.Path, addr, key.Encoding)
	if key.Cookie != "" {
		fmt.Fprintf(&r, "Cookie: %s\r\n", key.Cookie)
	}
	r.WriteString("\r\n")
	return r.Bytes()
}

// pages measures the forum and the ceiling in turn.
func (b *bench) pages(ctx context.Context, server *child, cookie string) error {
	addr := server.addr
	b.cells = b.cellsOf(addr, cookie, asBrowser, unpacked)
	var answers []answer
	for _, c := range b.cells {
		a, err := record(ctx, addr, c.key)
		if err != nil {
			return err
		}
		c.encodedAs = a.Header.Get("Content-Encoding")
		answers = append(answers, a)
	}
	ceiling, err := startCeiling(ctx, answers)
	if err != nil {
		return err
	}
	defer ceiling.stop()
	for round := range b.Rounds {
		say("pages, round %d of %d", round+1, b.Rounds)
		for _, c := range b.cells {
			span := b.Duration
			if c.encoding == unpacked {
				span /= 2 // beside the point, so with less patience
			}
			l := load{conns: b.Connections, span: span, want: 200, next: func(int, int) []byte { return c.request }}
			for _, side := range []struct {
				of   *child
				into *[]tally
			}{{server, &c.real}, {ceiling, &c.ceiling}} {
				l.addr, l.pid = side.of.addr, side.of.cmd.Process.Pid
				t, err := l.run(ctx)
				if err != nil {
					return fmt.Errorf("%s as %s: %w", c.page, c.viewer, err)
				}
				*side.into = append(*side.into, t)
			}
		}
	}
	return ceiling.stop()
}

// writers is how many connections write comments, and how many read meanwhile.
const writers = 16

type writeFigures struct {
	readers, writers             []tally // alone
	readersBeside, writersBeside []tally // both at once
}

// comments measures writing. Each writer has one post; the readers look at one that nobody writes to.
func (b *bench) comments(ctx context.Context, addr, cookie string) error {
	read := load{addr: addr, conns: writers, span: b.Duration, want: 200}
	look := request(addr, answerKey{b.chosen.post.path, "", asBrowser})
	read.next = func(int, int) []byte { return look }
	write := load{addr: addr, conns: writers, span: b.Duration, want: 303, next: b.commenting(addr, cookie)}
	for round := range b.Rounds {
		say("comments, round %d of %d", round+1, b.Rounds)
		var err [4]error
		var t [4]tally
		t[0], err[0] = read.run(ctx)
		t[1], err[1] = write.run(ctx)
		var both sync.WaitGroup
		both.Go(func() { t[2], err[2] = read.run(ctx) })
		both.Go(func() { t[3], err[3] = write.run(ctx) })
		both.Wait()
		if err := errors.Join(err[:]...); err != nil {
			return fmt.Errorf("writing and reading: %w", err)
		}
		w := &b.writes
		w.readers, w.writers = append(w.readers, t[0]), append(w.writers, t[1])
		w.readersBeside, w.writersBeside = append(w.readersBeside, t[2]), append(w.writersBeside, t[3])
	}
	return nil
}

// commenting asks for a comment to be written, each connection below its own post.
func (b *bench) commenting(addr, cookie string) func(conn, n int) []byte {
	return func(conn, _ int) []byte {
		form := "key=" + uuid.NewString() + "&parent=&body=" + commentBody
		return fmt.Appendf(nil, "POST /p/%d/comments HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
			b.chosen.write[conn%len(b.chosen.write)], addr, cookie, len(form), form)
	}
}

// commentBody is a comment of the usual length and make-up, encoded for a form.
var commentBody = strings.NewReplacer(" ", "+", "\n", "%0A", "*", "%2A", "`", "%60", "/", "%2F", ":", "%3A", "[", "%5B", "]", "%5D", "(", "%28", ")", "%29").Replace(
	"I have had the same thing with a *much* older frame, and what helped was `180` grams of patience.\n\n- clean it first\n- then look at the [drawing](https://example.org/drawing)\n\nIt holds to this day, through two winters and more rain than I care to remember.")
