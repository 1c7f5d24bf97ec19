package respond

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"
	"github.com/r3labs/sse/v2"

	"codex/views/ui"
)

// This file is the only one that knows how events are written to a browser. A connection is one stream of a server of its
// own: in the library one reader that is stuck stalls all of its stream, and a visitor could ask for another's by its name.
//
// What the library leaves to its caller is done here: it writes an empty id, which makes a browser forget where it was,
// lets a CR in a text forge fields, never looks at what a reader is behind, and does not end a connection that is stuck.

// ErrBehind says that a reader takes less than it is sent: it is to come back and catch up.
var ErrBehind = errors.New("the reader of a stream is behind")

const (
	mostEventsBehind = 64
	mostBytesBehind  = 256 << 10
	moment           = time.Second // for a reader to take what it was sent
	streamRetry      = 2000        // ms until a browser comes back, and up to as much again
)

// StreamEvent is what a reader of a stream is sent. One without a name is a line that keeps the connection alive.
type StreamEvent struct {
	ID   int64  // where the reader is with it
	Name string // a constant of ours
	Data []byte // not empty
	Bye  bool   // the reader is told when to come back
}

// Line is the sending end of a stream. One goroutine uses it.
type Line struct {
	server *sse.Server
	out    *connection
	events int64                   // sent
	sizes  [mostEventsBehind]int32 // of the last ones
}

const lineID = "line"

// Send hands an event over. A reader who has 64 events or 256 KiB before it is given a moment to take some: what a reader
// missed is sent faster than anybody takes it. ErrBehind: it took nothing; the line is to be ended. One event may be of any
// size, or it could never be sent.
func (l *Line) Send(ctx context.Context, e StreamEvent) error {
	made := &sse.Event{}
	if e.Name == "" {
		made.Comment = []byte("still here")
	} else {
		made.ID, made.Event, made.Data = strconv.AppendInt(nil, e.ID, 10), []byte(e.Name), oneEvent(e.Data)
		if e.Bye || l.events == 0 {
			made.Retry = strconv.AppendInt(nil, streamRetry+rand.Int64N(streamRetry), 10) // not all at once after a restart
		}
	}
	if err := l.wait(ctx, mostEventsBehind-1, mostBytesBehind-1); err != nil {
		return err
	}
	l.sizes[l.events%mostEventsBehind] = int32(len(made.Data))
	l.events++
	if !l.server.TryPublish(lineID, made) {
		return ErrBehind
	}
	return nil
}

// oneEvent makes of any text one that the format cannot take for several: of its three ends of a line one is left, which
// the library splits at.
func oneEvent(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// Stream begins an answer and returns; what produce sends goes out until it returns, the client goes away, or the client is
// behind. Its ctx ends with the connection. ended is called last, once, with its error or ErrBehind. When Stream itself
// returns an error, neither is called.
//
// The connection is taken out of net/http: the handler's goroutine, at rest, would keep the 16 KiB of stack that its queries
// needed, and the server's buffers another 10 KiB. What is left are five goroutines of 2 to 4 KiB.
func (p *Responder) Stream(w http.ResponseWriter, r *http.Request, produce func(ctx context.Context, l *Line) error, ended func(error)) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Connection", "close") // it serves no other request
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	if err := control.Flush(); err != nil {
		return err
	}
	conn, _, err := control.Hijack()
	if err != nil {
		return err
	}
	out := &connection{conn: conn, chunked: r.ProtoAtLeast(1, 1), taken: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // which ends with the handler
	go func() {
		defer cancel()
		err := p.guarded(func() error { return p.serve(ctx, cancel, out, produce) })
		_ = conn.Close()
		ended(err)
	}()
	return nil
}

// serve lets the library write what produce sends.
func (p *Responder) serve(ctx context.Context, cancel context.CancelFunc, out *connection, produce func(ctx context.Context, l *Line) error) error {
	server := sse.New()
	server.AutoReplay, server.SplitData, server.BufferSize = false, true, mostEventsBehind
	produced := make(chan error, 1)
	server.OnSubscribe = func(string, *sse.Subscriber) {
		l := &Line{server: server, out: out}
		err := p.guarded(func() error { return produce(ctx, l) })
		if !errors.Is(err, ErrBehind) {
			_ = l.wait(ctx, 0, math.MaxInt64)
		}
		_ = out.conn.SetWriteDeadline(time.Now()) // a reader that is stuck is not waited for
		produced <- err
		cancel()
	}
	server.CreateStream(lineID)
	defer server.RemoveStream(lineID)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer cancel()
		_, _ = out.conn.Read(make([]byte, 1)) // a client has nothing to say but that it goes
	}()
	asked := &http.Request{URL: &url.URL{RawQuery: "stream=" + lineID}, Header: http.Header{}}
	server.ServeHTTP(out, asked.WithContext(ctx))
	cancel()
	err := <-produced
	out.end()
	<-gone
	return err
}

// guarded makes an error of a panic: outside of the request's own goroutine nobody else would, and the process would end.
func (p *Responder) guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.Log.Error("panic in a stream", "value", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in a stream: %v", v)
		}
	}()
	return f()
}

// behind is how much was sent and not yet taken.
func (l *Line) behind() (events, bytes int64) {
	taken := l.out.flushed.Load()
	for n := taken; n < l.events; n++ {
		bytes += int64(l.sizes[n%mostEventsBehind])
	}
	return l.events - taken, bytes
}

// wait gives the reader a moment, until it has no more before it than this.
func (l *Line) wait(ctx context.Context, events, bytes int64) error {
	behind := func() bool {
		e, b := l.behind()
		return e > events || b > bytes
	}
	if !behind() {
		return nil
	}
	patience := time.NewTimer(moment)
	defer patience.Stop()
	for behind() {
		select {
		case <-l.out.taken:
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return ErrBehind
		}
	}
	return nil
}

// connection is what the library takes for the answer to a request. It knows how many events have been taken.
type connection struct {
	conn    net.Conn
	chunked bool // HTTP/1.0 has no chunks: there the end of the connection is that of the answer
	event   *bytes.Buffer
	began   bool
	broken  bool
	flushed atomic.Int64 // events
	taken   chan struct{}
}

// Header implements http.ResponseWriter: the header has been sent.
func (c *connection) Header() http.Header { return http.Header{} }

// WriteHeader implements http.ResponseWriter.
func (c *connection) WriteHeader(int) {}

const sizeLine = len("ffffffff\r\n")

// A connection has a buffer only while an event is written: one of its own would be 2 KiB for each of 10,000.
var chunks = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Write implements http.ResponseWriter. What is written goes out with Flush, as one chunk.
func (c *connection) Write(b []byte) (int, error) {
	if c.event == nil {
		c.event = chunks.Get().(*bytes.Buffer)
		c.event.Reset()
		c.event.Write(make([]byte, sizeLine)) // for the size, which comes first
	}
	return c.event.Write(b)
}

// Flush implements http.Flusher: it is called once for the header, and after each event.
func (c *connection) Flush() {
	if c.event != nil {
		c.send()
	}
	if !c.began {
		c.began = true
		return
	}
	c.flushed.Add(1)
	select {
	case c.taken <- struct{}{}:
	default:
	}
}

func (c *connection) send() {
	out := c.event.Bytes()[sizeLine:]
	size := len(out)
	if c.chunked {
		c.event.WriteString("\r\n")
		out = c.event.Bytes()
		copy(out, fmt.Sprintf("%08x\r\n", size))
	}
	if !c.broken {
		_, err := c.conn.Write(out)
		c.broken = err != nil // the reader's goroutine sees that too
	}
	if c.event.Cap() <= biggestPooled {
		chunks.Put(c.event)
	}
	c.event = nil
}

// end says that the answer is complete, when the client took all of it, and closes the connection.
func (c *connection) end() {
	if c.chunked && !c.broken {
		_ = c.conn.SetWriteDeadline(time.Now().Add(moment))
		_, _ = io.WriteString(c.conn, "0\r\n\r\n")
	}
	_ = c.conn.Close()
}

// Fragment renders a component that is sent to several viewers: as a guest sees it, in universal time.
func (p *Responder) Fragment(ctx context.Context, c templ.Component) ([]byte, error) {
	var buf bytes.Buffer
	err := c.Render(ui.With(templ.InitializeContext(ctx), &ui.Env{Now: p.Now(), Site: p.Site(), Asset: p.Asset, Logo: p.logo()}), &buf)
	if err != nil || p.Look == nil {
		return buf.Bytes(), err
	}
	return p.Look(ctx, buf.Bytes())
}
