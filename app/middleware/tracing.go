package middleware

import (
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"

	"codex/app/trace"

	"github.com/google/uuid"
)

// Tracing gives every request its id, a UUID of version 4, in the context and
// in the header X-Request-ID, and records the span of the handler. An id that
// comes with the request (the trace id of traceparent, else X-Request-ID)
// counts only if the connection comes from one of the trusted networks:
// otherwise a stranger could write lines under another request's id.
//
// The span bears the name of the trace: the path, until the router calls
// trace.From(ctx).SetName with the pattern.
func Tracing(next http.Handler, trusted []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.Nil
		if len(trusted) > 0 && contains(trusted, peer(r)) {
			id = incomingID(r.Header)
		}
		if id == uuid.Nil {
			id = uuid.New()
		}
		t := trace.New(id, r.URL.Path)
		defer t.Finish()
		ctx := trace.With(r.Context(), t)
		span := trace.Start(ctx, trace.KindHandler, "")
		defer span.End(0, nil)
		w.Header().Set("X-Request-Id", t.String())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// incomingID returns the id that a proxy has given the request, or the nil
// UUID. A trace id has 16 bytes and so fits a UUID of no particular version.
func incomingID(h http.Header) uuid.UUID {
	if parts := strings.Split(h.Get("Traceparent"), "-"); len(parts) >= 4 && len(parts[0]) == 2 && parts[0] != "ff" && len(parts[1]) == 32 {
		var id uuid.UUID
		if _, err := hex.Decode(id[:], []byte(parts[1])); err == nil && id != uuid.Nil {
			return id
		}
	}
	// 36 characters is the usual form, 32 what nginx calls $request_id;
	// uuid.Parse alone would also take braces and URNs.
	if text := h.Get("X-Request-Id"); len(text) == 36 || len(text) == 32 {
		if id, err := uuid.Parse(text); err == nil {
			return id
		}
	}
	return uuid.Nil
}
