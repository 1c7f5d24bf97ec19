package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The load generator is a loop over a net.Conn that writes prepared bytes and reads no more of an answer than its
// length: net/http's client would cost as much as the page that it asks for, and take it from the same cores.

// warmUp is how long a load runs before it counts.
const warmUp = 250 * time.Millisecond

// patience is how long an answer may take.
const patience = 30 * time.Second

// load says what to ask for.
type load struct {
	addr     string
	conns    int
	span     time.Duration // counted, after warmUp
	requests int           // instead of a span: so many in all, the first counts as the last does
	want     int           // the status of a right answer
	pid      int           // of the server, to see what it uses; 0: nobody looks
	next     func(conn, n int) []byte
}

// tally is what a load gave.
type tally struct {
	rate     float64 // right answers a second
	p50, p99 time.Duration
	bytes    int64 // of the last answer's body, as it came
	// What one answer cost the server's process and this one, over the whole load. Other work on the machine takes time
	// from both sides of a comparison, and not evenly; it hardly changes this.
	server, client time.Duration
}

// run puts the load on until its time is over. A wrong answer ends it with an error: a fast error page is no page.
func (l load) run(ctx context.Context) (tally, error) {
	begin := time.Now().Add(warmUp)
	end := begin.Add(l.span)
	var left atomic.Int64
	if l.requests > 0 {
		left.Store(int64(l.requests))
		begin, end = time.Now(), time.Now().Add(10*time.Minute)
	} else {
		left.Store(math.MaxInt64)
	}
	clients := make([]loadClient, l.conns)
	errs := make([]error, l.conns)
	var wg sync.WaitGroup
	serverBefore, clientBefore := cpuTime(l.pid), cpuTime(os.Getpid())
	for i := range clients {
		wg.Go(func() { errs[i] = clients[i].run(ctx, l, i, &left, begin, end) })
	}
	wg.Wait()
	server, client := cpuTime(l.pid)-serverBefore, cpuTime(os.Getpid())-clientBefore
	if err := errors.Join(errs...); err != nil {
		return tally{}, err
	}
	var all []time.Duration
	var t tally
	answers, inTime := 0, 0
	for i := range clients {
		answers, inTime = answers+clients[i].answers, inTime+clients[i].inTime
		all = append(all, clients[i].took...)
		t.bytes = clients[i].bytes
	}
	if l.pid != 0 && answers > 0 {
		t.server, t.client = server/time.Duration(answers), client/time.Duration(answers)
	}
	if l.requests > 0 {
		t.rate = float64(answers) / time.Since(begin).Seconds()
	} else {
		t.rate = float64(inTime) / l.span.Seconds()
	}
	t.p50, t.p99 = quantile(all, 0.5), quantile(all, 0.99)
	return t, nil
}

// quantile sorts all.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

func median[T int | int64 | float64 | time.Duration](of []T) T {
	if len(of) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(of))
	return s[len(s)/2]
}

type loadClient struct {
	conn  net.Conn
	in    *bufio.Reader
	took  []time.Duration
	bytes int64

	answers int // those of the warm-up included
	inTime  int
}

func (c *loadClient) run(ctx context.Context, l load, number int, left *atomic.Int64, begin, end time.Time) error {
	defer func() {
		if c.conn != nil {
			c.conn.Close()
		}
	}()
	c.took = make([]time.Duration, 0, 1<<12)
	c.in = newReader(nil)
	for n := 0; ; n++ {
		asked := time.Now()
		if left.Add(-1) < 0 || asked.After(end) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.conn == nil {
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				return fmt.Errorf("connect to %s: %w", l.addr, err)
			}
			if err := conn.SetDeadline(end.Add(patience)); err != nil {
				return fmt.Errorf("connect to %s: %w", l.addr, err)
			}
			c.conn = conn
			c.in.Reset(conn)
		}
		if _, err := c.conn.Write(l.next(number, n)); err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		status, stays, err := c.answer()
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if status != l.want {
			return fmt.Errorf("the answer is %d, not %d", status, l.want)
		}
		c.answers++
		if done := time.Now(); done.After(begin) {
			c.took = append(c.took, done.Sub(asked))
			if done.Before(end) {
				c.inTime++ // the last answer comes late and counts for the times alone, or slow ones would be left out
			}
		}
		if !stays {
			c.conn.Close()
			c.conn = nil
		}
	}
}

// newReader holds most pages whole, so that reading one takes few system calls.
func newReader(conn net.Conn) *bufio.Reader { return bufio.NewReaderSize(conn, 64<<10) }

// answer reads one answer of HTTP/1.1 that has a length or comes in chunks; net/http sends no others to a request that
// lets the connection stay.
func (c *loadClient) answer() (status int, stays bool, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, false, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("%q is no status line", line)
	}
	length, chunked := int64(0), false
	stays = true
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return status, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(": ")); string(name) {
		case "Content-Length":
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return status, false, err
			}
		case "Transfer-Encoding":
			chunked = true
		case "Connection":
			stays = string(value) != "close"
		}
	}
	if chunked {
		length, err = c.chunks()
	} else {
		_, err = c.in.Discard(int(length))
	}
	c.bytes = length
	return status, stays, err
}

func (c *loadClient) chunks() (sum int64, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return sum, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return sum, err
		}
		if _, err := c.in.Discard(int(size) + len("\r\n")); err != nil || size == 0 {
			return sum, err
		}
		sum += size
	}
}
