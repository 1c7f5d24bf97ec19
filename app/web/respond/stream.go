package respond

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
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
	lastWords        = time.Second // for a reader to take what it was sent last
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
	out    *counted
	events int64 // sent
	bytes  int64
}

const lineID = "line"

// Send hands an event over, and waits for nobody. ErrBehind: the reader has 64 events or 256 KiB before it; the line is
// to be ended.
func (l *Line) Send(e StreamEvent) error {
	made := &sse.Event{}
	if e.Name == "" {
		made.Comment = []byte("still here")
	} else {
		made.ID, made.Event, made.Data = strconv.AppendInt(nil, e.ID, 10), []byte(e.Name), oneEvent(e.Data)
		if e.Bye || l.events == 0 {
			made.Retry = strconv.AppendInt(nil, streamRetry+rand.Int64N(streamRetry), 10) // not all at once after a restart
		}
	}
	l.events++
	l.bytes += int64(len(made.Data))
	if l.events-l.out.flushed.Load() > mostEventsBehind || l.bytes-l.out.written.Load() > mostBytesBehind || !l.server.TryPublish(lineID, made) {
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

// Stream answers with what produce sends, until it returns, the client goes away, or the client is behind. produce runs in
// a goroutine of its own, and its ctx ends with the connection. The error is its own, or ErrBehind.
func (p *Responder) Stream(w http.ResponseWriter, r *http.Request, produce func(ctx context.Context, l *Line) error) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	server := sse.New()
	server.AutoReplay, server.SplitData, server.BufferSize = false, true, mostEventsBehind
	out := &counted{ResponseWriter: w, taken: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	server.OnSubscribe = func(string, *sse.Subscriber) {
		l := &Line{server: server, out: out}
		err := p.guarded(func() error { return produce(ctx, l) })
		until := time.Now() // a reader that is stuck is not waited for
		if !errors.Is(err, ErrBehind) {
			l.wait(ctx)
			until = time.Now().Add(lastWords) // for the end of the answer: without it a browser takes the stream for broken
		}
		_ = control.SetWriteDeadline(until)
		ended <- err
		cancel()
	}
	server.CreateStream(lineID)
	defer server.RemoveStream(lineID)
	asked := r.Clone(ctx)
	asked.URL = &url.URL{Path: r.URL.Path, RawQuery: "stream=" + lineID}
	asked.Header.Del("Last-Event-ID") // the library would want an int of its own
	w.Header().Set("X-Accel-Buffering", "no")
	w.Header().Set("Cache-Control", "no-store")
	server.ServeHTTP(out, asked)
	cancel()
	return <-ended
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

// wait gives the reader a moment for what it was sent last.
func (l *Line) wait(ctx context.Context) {
	patience := time.NewTimer(lastWords)
	defer patience.Stop()
	for l.out.flushed.Load() < l.events {
		select {
		case <-l.out.taken:
		case <-ctx.Done():
			return
		case <-patience.C:
			return
		}
	}
}

// counted knows how much of what was sent has been taken.
type counted struct {
	http.ResponseWriter
	began   bool
	flushed atomic.Int64 // events
	written atomic.Int64 // bytes
	taken   chan struct{}
}

// WriteHeader takes back what the library says of caching: its answer is the viewer's own.
func (c *counted) WriteHeader(status int) {
	c.Header().Set("Cache-Control", "no-store")
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// Flush implements http.Flusher: it is called once for the header, and after each event.
func (c *counted) Flush() {
	_ = http.NewResponseController(c.ResponseWriter).Flush()
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

// Fragment renders a component that is sent to several viewers: as a guest sees it, in universal time.
func (p *Responder) Fragment(ctx context.Context, c templ.Component) ([]byte, error) {
	var buf bytes.Buffer
	err := c.Render(ui.With(templ.InitializeContext(ctx), &ui.Env{Now: p.Now(), Site: p.Site(), Asset: p.Asset, Logo: p.logo()}), &buf)
	if err != nil || p.Look == nil {
		return buf.Bytes(), err
	}
	return p.Look(ctx, buf.Bytes())
}
