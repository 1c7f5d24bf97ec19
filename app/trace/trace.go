// Package trace carries the request's id and its spans in the context.
//
// Every request has one Trace: a UUID, which is the request id and the trace
// id at once, and a bounded list of spans (handler, session, query, render …).
// Spans are recorded for every request, so recording has to cost next to
// nothing: a Trace and its span list come from a pool, a span is a value, and
// after the list has grown to its usual size starting and ending one allocates
// nothing.
//
// Concurrency: all methods may be called from several goroutines of one
// request. A nil *Trace is usable: it records nothing and answers zeros, so
// that code which runs outside a request needs no check.
//
// Full: a Trace keeps MaxSpans spans; later ones are not kept but counted in
// Dropped, and still add to QueryCount and QueryTime.
//
// After Finish the Trace belongs to the pool. A context that outlives its
// request (a goroutine that goes on after the reply) does no harm: the context
// and the running spans know which use of the Trace they belong to, and are
// ignored afterwards. Only ID goes on working.
package trace

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// MaxSpans is how many spans a Trace keeps. A page makes about ten; a request
// that makes more than this is a fault that the first 128 explain well enough.
const MaxSpans = 128

// Kinds of spans. A kind is a plain string, so a package that has a kind of
// its own needs no change here; only KindQuery means something to this one.
const (
	KindHandler = "handler"
	KindSession = "session"
	KindQuery   = "query"
	KindRender  = "render"
)

// Span is one measured piece of a request.
type Span struct {
	Kind     string
	Name     string
	Start    time.Duration // since the request began
	Duration time.Duration // of a span that has not ended: the time until now
	Rows     int
	Failed   bool
}

// String is the form that the log of a slow request shows.
func (s Span) String() string {
	text := fmt.Sprintf("+%v %v %s %s", s.Start.Round(time.Microsecond), s.Duration.Round(time.Microsecond), s.Kind, s.Name)
	if s.Rows > 0 {
		text += fmt.Sprintf(" (%d rows)", s.Rows)
	}
	if s.Failed {
		text += " failed"
	}
	return text
}

// running marks a span that has not ended in its Duration.
const running time.Duration = -1

// Trace is the record of one request. Make one with New.
type Trace struct {
	mu        sync.Mutex
	use       uint64 // counts the uses of this pooled value; a handle of an earlier use is ignored
	id        uuid.UUID
	text      string
	name      string
	began     time.Time
	spans     []Span
	dropped   int
	queries   int
	queryTime time.Duration
}

var pool = sync.Pool{New: func() any { return &Trace{spans: make([]Span, 0, 16)} }}

// New begins a trace for the request id; name may be the path until SetName
// knows the route. End it with Finish.
func New(id uuid.UUID, name string) *Trace {
	t := pool.Get().(*Trace)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.id = id
	t.text = id.String()
	t.name = name
	t.began = time.Now()
	return t
}

// Finish gives the trace back to the pool. The *Trace must not be used after
// this; contexts and running spans of it may, and do nothing.
func (t *Trace) Finish() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.use++
	clear(t.spans) // lets go of the names
	t.spans = t.spans[:0]
	t.text, t.name = "", ""
	t.dropped, t.queries, t.queryTime = 0, 0, 0
	t.mu.Unlock()
	pool.Put(t)
}

// carrier is the context that holds a trace. It is a type of its own, not a
// context.WithValue, so that the use and the id travel with it in one
// allocation.
type carrier struct {
	context.Context
	trace *Trace
	use   uint64
	id    string
}

type carrierKey struct{}

// Value implements context.Context.
func (c *carrier) Value(key any) any {
	if _, ok := key.(carrierKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// With returns a context that carries t.
func With(ctx context.Context, t *Trace) context.Context {
	if t == nil {
		return ctx
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return &carrier{Context: ctx, trace: t, use: t.use, id: t.text}
}

// From returns the trace that ctx carries, or nil if there is none or it is
// finished.
func From(ctx context.Context) *Trace {
	c, _ := ctx.Value(carrierKey{}).(*carrier)
	if c == nil {
		return nil
	}
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	if c.trace.use != c.use {
		return nil
	}
	return c.trace
}

// ID returns the request id that ctx carries as a UUID in its usual form, or
// "". It goes on working after the request.
func ID(ctx context.Context) string {
	if c, _ := ctx.Value(carrierKey{}).(*carrier); c != nil {
		return c.id
	}
	return ""
}

// Running is a span that has been started. It is a small value; the zero value
// does nothing. It must be ended exactly once.
type Running struct {
	trace *Trace
	use   uint64
	start time.Duration
	index int32 // -1: not kept, only counted
	query bool
}

// Start begins a span in the trace of ctx. A span with an empty name bears the
// name of the trace, which may become known later (SetName).
func Start(ctx context.Context, kind, name string) Running {
	c, _ := ctx.Value(carrierKey{}).(*carrier)
	if c == nil {
		return Running{}
	}
	return c.trace.start(c.use, kind, name)
}

func (t *Trace) start(use uint64, kind, name string) Running {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.use != use {
		return Running{}
	}
	s := Running{trace: t, use: use, start: time.Since(t.began), index: -1, query: kind == KindQuery}
	if len(t.spans) < MaxSpans {
		s.index = int32(len(t.spans))
		t.spans = append(t.spans, Span{Kind: kind, Name: name, Start: s.start, Duration: running})
	} else {
		t.dropped++
	}
	return s
}

// End ends the span. rows is how many rows a query gave or changed, 0 where
// that means nothing; err says whether the work failed.
func (s Running) End(rows int, err error) {
	t := s.trace
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.use != s.use {
		return
	}
	took := time.Since(t.began) - s.start
	if s.query {
		t.queries++
		t.queryTime += took
	}
	if s.index >= 0 {
		span := &t.spans[s.index]
		span.Duration, span.Rows, span.Failed = took, rows, err != nil
	}
}

// ID returns the request id.
func (t *Trace) ID() uuid.UUID {
	if t == nil {
		return uuid.Nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id
}

// String returns the request id as text.
func (t *Trace) String() string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

// Name returns what the request is called: its route, once that is known.
func (t *Trace) Name() string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.name
}

// SetName names the request, usually by the pattern of its route.
func (t *Trace) SetName(name string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.name = name
}

// Began returns when the request began.
func (t *Trace) Began() time.Time {
	if t == nil {
		return time.Time{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.began
}

// Elapsed returns how long ago the request began.
func (t *Trace) Elapsed() time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.began)
}

// Spans returns a copy of the spans kept, in the order of their start.
func (t *Trace) Spans() []Span {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	spans := make([]Span, len(t.spans))
	copy(spans, t.spans)
	now := time.Since(t.began)
	for i := range spans {
		if spans[i].Duration == running {
			spans[i].Duration = now - spans[i].Start
		}
		if spans[i].Name == "" {
			spans[i].Name = t.name
		}
	}
	return spans
}

// Dropped returns how many spans were not kept because there were MaxSpans.
func (t *Trace) Dropped() int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}

// QueryCount returns how many query spans have ended, those not kept included.
func (t *Trace) QueryCount() int {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queries
}

// QueryTime returns the sum of their durations. Queries that ran side by side
// count in full, so it may exceed Elapsed.
func (t *Trace) QueryTime() time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queryTime
}
