package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// readers are open streams of one post. Each comment of the bench bears its number, and a reader holds that it hears them
// all, in order, once.
type readers struct {
	all   []*reader
	round atomic.Pointer[round]
	tasks sync.WaitGroup
	over  atomic.Bool // they are being closed: an end is none of their business

	lost, doubled, broken atomic.Int64
}

// reader is one connection.
type reader struct {
	number int
	conn   net.Conn
	last   int // the number of the last comment
}

// round is one comment on its way.
type round struct {
	n              int
	sent, answered time.Time
	at             []time.Time // by reader
	left           atomic.Int64
	all            chan struct{} // closed when everybody has it
}

const (
	marker  = "bench-" // before the number of a comment, in its text
	dialers = 32
)

// listen opens n streams, each second one as a member.
func listen(ctx context.Context, addr, path, cookie string, n int) (*readers, error) {
	rs := &readers{all: make([]*reader, n)}
	var next atomic.Int64
	errs := make([]error, dialers)
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for errs[d] == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				one := ""
				if i%2 == 0 {
					one = cookie
				}
				errs[d] = rs.open(i, addr, path, one)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		rs.close()
		return nil, err
	}
	return rs, nil
}

// open comes from one of several addresses of loopback: one alone has 28,000 ports, and those of the last run rest a minute.
func (rs *readers) open(i int, addr, path, cookie string) error {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}
	conn, err := (&net.Dialer{LocalAddr: from, Timeout: patience}).Dial("tcp", addr)
	if err != nil {
		return fmt.Errorf("open stream %d: %w", i, err)
	}
	r := &reader{number: i, conn: conn}
	rs.all[i] = r
	ask := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n"
	if cookie != "" {
		ask += "Cookie: " + cookie + "\r\n"
	}
	if _, err := io.WriteString(conn, ask+"\r\n"); err != nil {
		return fmt.Errorf("open stream %d: %w", i, err)
	}
	in := bufio.NewReaderSize(conn, 1<<10)
	status, err := in.ReadString('\n')
	for line := status; err == nil && line != "\r\n"; {
		line, err = in.ReadString('\n')
	}
	if err != nil || len(status) < len("HTTP/1.1 200") || status[9:12] != "200" {
		return fmt.Errorf("open stream %d: %q %w", i, status, err)
	}
	rs.tasks.Go(func() {
		r.follow(rs, bufio.NewReaderSize(httputil.NewChunkedReader(in), 1<<10))
		if !rs.over.Load() {
			rs.broken.Add(1)
		}
	})
	return nil
}

// follow reads until the connection ends. A line that is longer than the buffer comes in parts; the mark stands early.
func (r *reader) follow(rs *readers, in *bufio.Reader) {
	heard, begins := 0, true
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
		if begins && len(line) == 1 && heard != 0 {
			r.note(rs, heard)
			heard = 0
		}
		if _, rest, ok := bytes.Cut(line, []byte(marker)); ok && len(rest) >= 6 {
			if heard, err = strconv.Atoi(string(rest[:6])); err != nil {
				return
			}
		}
		begins = len(line) > 0 && line[len(line)-1] == '\n'
	}
}

func (r *reader) note(rs *readers, n int) {
	now := time.Now()
	switch {
	case r.last != 0 && n <= r.last:
		rs.doubled.Add(1)
		return
	case r.last != 0 && n > r.last+1:
		rs.lost.Add(int64(n - r.last - 1))
	}
	r.last = n
	if on := rs.round.Load(); on != nil && on.n == n {
		on.at[r.number] = now
		if on.left.Add(-1) == 0 {
			close(on.all)
		}
	}
}

func (rs *readers) close() {
	rs.over.Store(true)
	for _, r := range rs.all {
		if r != nil {
			_ = r.conn.Close()
		}
	}
	rs.tasks.Wait()
}

// begin is called before the comment n is sent.
func (rs *readers) begin(n int) *round {
	r := &round{n: n, at: make([]time.Time, len(rs.all)), all: make(chan struct{})}
	r.left.Store(int64(len(rs.all)))
	rs.round.Store(r)
	return r
}

// end waits until everybody has the comment.
func (rs *readers) end(ctx context.Context, r *round) error {
	if len(rs.all) == 0 {
		return nil
	}
	select {
	case <-r.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return fmt.Errorf("%d of %d readers do not have comment %d after %v (%d connections broke)", r.left.Load(), len(rs.all), r.n, patience, rs.broken.Load())
	}
}

// delays are the times from a moment of the round until each reader had it.
func (r *round) delays(since time.Time) []time.Duration {
	list := make([]time.Duration, len(r.at))
	for i, at := range r.at {
		list[i] = at.Sub(since)
	}
	return list
}
