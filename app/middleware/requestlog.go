package middleware

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"codex/app/trace"
)

// statusClientGone is nginx's number for a client that left before its answer.
const statusClientGone = 499

// maxLoggedPath bounds what a stranger can write into a log line.
const maxLoggedPath = 256

// RequestLog writes one line for each request, after it has ended: at info;
// at warn, with the spans, when it took longer than slow (not for event
// streams, which are meant to last); at debug, as 499, when the client went
// away before anything was answered. The query of the URL is not logged: it
// holds what people search for.
//
// The line of a request that panicked is written too, with the status that
// Recover will answer.
func RequestLog(next http.Handler, log *slog.Logger, slow time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		res := record(w)
		returned := false
		defer func() {
			logRequest(log, r, res, time.Since(began), slow, returned)
		}()
		next.ServeHTTP(res, r)
		returned = true
	})
}

func logRequest(log *slog.Logger, r *http.Request, res *response, took, slow time.Duration, returned bool) {
	ctx := r.Context()
	status, level := res.status, slog.LevelInfo
	switch {
	case status == 0 && errors.Is(ctx.Err(), context.Canceled):
		status, level = statusClientGone, slog.LevelDebug
	case status == 0 && !returned:
		status = http.StatusInternalServerError
	case status == 0:
		status = http.StatusOK // the server writes it when the handler wrote nothing
	}
	if level == slog.LevelInfo && took > slow && !isEventStream(res.Header().Get("Content-Type")) {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	path := r.URL.Path
	if len(path) > maxLoggedPath {
		path = strings.ToValidUTF8(path[:maxLoggedPath], "") + "…"
	}
	t := trace.From(ctx)
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.Int("status", status),
		slog.Int64("bytes", res.bytes),
		slog.Duration("duration", took),
		slog.Int("queries", t.QueryCount()),
		slog.Duration("query_time", t.QueryTime()),
	)
	if addr := ClientAddr(ctx); addr.IsValid() {
		attrs = append(attrs, slog.String("addr", addr.String()))
	}
	if member := MemberID(ctx); member != 0 {
		attrs = append(attrs, slog.Int64("member", member))
	}
	if !returned {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	message := "request"
	if level == slog.LevelWarn {
		message = "slow request"
		attrs = append(attrs, slog.Any("spans", spanTexts(t)))
		if n := t.Dropped(); n > 0 {
			attrs = append(attrs, slog.Int("spans_dropped", n))
		}
	}
	log.LogAttrs(ctx, level, message, attrs...)
}

func spanTexts(t *trace.Trace) []string {
	spans := t.Spans()
	texts := make([]string, len(spans))
	for i, span := range spans {
		texts[i] = span.String()
	}
	return texts
}

func isEventStream(contentType string) bool {
	return strings.HasPrefix(contentType, "text/event-stream")
}
