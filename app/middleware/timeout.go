package middleware

import (
	"context"
	"net/http"
	"time"
)

// WithTimeout gives the request's context a deadline, which every query obeys:
// a handler whose query is cut by it returns an error that wraps
// context.DeadlineExceeded, and that is answered with 504. Work that does not
// look at the context is not interrupted.
//
// It is not http.TimeoutHandler: that one buffers the whole answer, hides
// Flush, and leaves the handler running after the reply. Streams, uploads and
// exports may last longer; the router mounts them without WithTimeout. A
// timeout of 0 or less is none.
func WithTimeout(next http.Handler, timeout time.Duration) http.Handler {
	if timeout <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
