package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"codex/app/trace"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

func begin(t testing.TB) (context.Context, *trace.Trace) {
	t.Helper()
	tr := trace.New(uuid.New(), "/")
	return trace.With(t.Context(), tr), tr
}

func TestSpansAreRecordedInTheOrderOfTheirStart(t *testing.T) {
	t.Parallel()
	ctx, tr := begin(t)
	defer tr.Finish()

	handler := trace.Start(ctx, trace.KindHandler, "")
	query := trace.Start(ctx, trace.KindQuery, "PostByID")
	query.End(3, nil)
	failing := trace.Start(ctx, trace.KindQuery, "Comments")
	failing.End(0, errors.New("no such table"))
	tr.SetName("GET /p/{id}")
	handler.End(0, nil)

	want := []trace.Span{
		{Kind: "handler", Name: "GET /p/{id}"},
		{Kind: "query", Name: "PostByID", Rows: 3},
		{Kind: "query", Name: "Comments", Failed: true},
	}
	if diff := cmp.Diff(want, tr.Spans(), cmpopts.IgnoreFields(trace.Span{}, "Start", "Duration")); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if got := tr.QueryCount(); got != 2 {
		t.Errorf("QueryCount = %d, want 2", got)
	}
	spans := tr.Spans()
	if sum := spans[1].Duration + spans[2].Duration; tr.QueryTime() != sum {
		t.Errorf("QueryTime = %v, want the sum of the queries, %v", tr.QueryTime(), sum)
	}
	if spans[0].Duration < spans[1].Duration {
		t.Errorf("the handler took %v, less than a query in it, %v", spans[0].Duration, spans[1].Duration)
	}
}

func TestASpanThatHasNotEndedShowsTheTimeUntilNow(t *testing.T) {
	t.Parallel()
	ctx, tr := begin(t)
	defer tr.Finish()
	trace.Start(ctx, trace.KindHandler, "h")
	time.Sleep(time.Millisecond)
	if d := tr.Spans()[0].Duration; d < time.Millisecond {
		t.Errorf("duration %v, want at least 1 ms", d)
	}
}

func TestSpansBeyondTheBoundAreCountedNotKept(t *testing.T) {
	t.Parallel()
	ctx, tr := begin(t)
	defer tr.Finish()
	for range trace.MaxSpans + 5 {
		s := trace.Start(ctx, trace.KindQuery, "q")
		s.End(1, nil)
	}
	if n := len(tr.Spans()); n != trace.MaxSpans {
		t.Errorf("%d spans kept, want %d", n, trace.MaxSpans)
	}
	if n := tr.Dropped(); n != 5 {
		t.Errorf("Dropped = %d, want 5", n)
	}
	if n := tr.QueryCount(); n != trace.MaxSpans+5 {
		t.Errorf("QueryCount = %d, want %d", n, trace.MaxSpans+5)
	}
}

func TestWithoutATraceNothingHappens(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := trace.Start(ctx, trace.KindQuery, "q")
	s.End(1, nil)
	tr := trace.From(ctx)
	if tr != nil {
		t.Fatal("a context without a trace gave one")
	}
	tr.SetName("x")
	tr.Finish()
	if trace.With(ctx, nil) != ctx {
		t.Error("With(nil) changed the context")
	}
	if trace.ID(ctx) != "" || tr.String() != "" || tr.ID() != uuid.Nil || tr.Name() != "" || tr.Spans() != nil ||
		tr.Dropped() != 0 || tr.QueryCount() != 0 || tr.QueryTime() != 0 || tr.Elapsed() != 0 || !tr.Began().IsZero() {
		t.Error("a nil trace answered something")
	}
}

func TestAContextThatOutlivesItsRequestTouchesNoOtherRequest(t *testing.T) {
	t.Parallel()
	ctx, tr := begin(t)
	id := tr.String()
	open := trace.Start(ctx, trace.KindQuery, "late")
	tr.Finish()

	// Whether or not the pool hands out the same value again, nothing of the
	// old request may show up in a new one.
	for range 20 {
		_, next := begin(t)
		open.End(7, nil)
		trace.Start(ctx, trace.KindQuery, "later").End(1, nil)
		if n := len(next.Spans()); n != 0 || next.QueryCount() != 0 {
			t.Fatalf("a new trace holds %d spans of a finished one", n)
		}
		next.Finish()
	}
	if trace.From(ctx) != nil {
		t.Error("From gave a finished trace")
	}
	if got := trace.ID(ctx); got != id {
		t.Errorf("ID after the request = %q, want %q", got, id)
	}
}

func TestSpansOfSeveralGoroutines(t *testing.T) {
	t.Parallel()
	ctx, tr := begin(t)
	defer tr.Finish()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				s := trace.Start(ctx, trace.KindQuery, "q")
				_ = tr.Spans()
				s.End(1, nil)
			}
		})
	}
	wg.Wait()
	if n := tr.QueryCount(); n != 80 {
		t.Errorf("QueryCount = %d, want 80", n)
	}
}

func TestTheContextStillCarriesWhatWasInIt(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
	tr := trace.New(uuid.New(), "/")
	defer tr.Finish()
	ctx = trace.With(ctx, tr)
	child, cancelChild := context.WithTimeout(ctx, time.Hour)
	defer cancelChild()
	if trace.From(child) != tr || child.Value(key{}) != 1 {
		t.Error("a derived context lost its values")
	}
	cancel()
	<-child.Done()
}

func TestEveryLogLineOfARequestBearsItsID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(trace.LogHandler(slog.NewJSONHandler(&out, nil))).With("part", "test")
	ctx, tr := begin(t)
	defer tr.Finish()
	log.InfoContext(ctx, "inside")
	log.Info("outside")

	var inside, outside map[string]any
	dec := json.NewDecoder(&out)
	if err := errors.Join(dec.Decode(&inside), dec.Decode(&outside)); err != nil {
		t.Fatal(err)
	}
	if inside["request_id"] != tr.String() || inside["part"] != "test" {
		t.Errorf("inside a request: %v", inside)
	}
	if _, ok := outside["request_id"]; ok {
		t.Errorf("outside a request: %v", outside)
	}
}

func TestASpanAllocatesNothing(t *testing.T) { // not parallel: it counts allocations
	ctx, tr := begin(t)
	defer func() { tr.Finish() }()
	fill := func() {
		for range 10 {
			s := trace.Start(ctx, trace.KindQuery, "PostByID")
			s.End(25, nil)
		}
	}
	for range 13 { // grow to the bound
		fill()
	}
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Errorf("10 spans beyond the bound allocate %v times, want 0", n)
	}
	// The same for kept spans: each run takes a fresh list that has grown before.
	ctx2, small := begin(t)
	defer small.Finish()
	for range 10 {
		trace.Start(ctx2, trace.KindQuery, "q").End(0, nil)
	}
	if n := testing.AllocsPerRun(4, func() { trace.Start(ctx2, trace.KindQuery, "q").End(1, nil) }); n != 0 {
		t.Errorf("a kept span allocates %v times, want 0", n)
	}
}

func BenchmarkSpan(b *testing.B) {
	tr := trace.New(uuid.New(), "/")
	ctx := trace.With(b.Context(), tr)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		trace.Start(ctx, trace.KindQuery, "PostByID").End(25, nil)
		if n++; n == 100 { // stay below the bound
			n = 0
			tr.Finish()
			tr = trace.New(uuid.UUID{1}, "/")
			ctx = trace.With(b.Context(), tr)
		}
	}
}

// BenchmarkRequest is what tracing costs a page with ten spans.
func BenchmarkRequest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tr := trace.New(uuid.UUID{1}, "/")
		ctx := trace.With(b.Context(), tr)
		h := trace.Start(ctx, trace.KindHandler, "")
		for range 9 {
			trace.Start(ctx, trace.KindQuery, "q").End(25, nil)
		}
		h.End(0, nil)
		tr.Finish()
	}
}
