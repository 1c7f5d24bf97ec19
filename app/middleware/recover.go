package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// maxStack bounds the stack in a log line, in bytes.
const maxStack = 16 << 10

// Recover turns a panic of a handler into a line in the log, with the stack,
// and a failed request (Panicked, 500). When the header has been sent already
// an error page would be glued to half a page, so the connection is cut
// instead: the client sees that the answer is not whole.
//
// http.ErrAbortHandler goes on: it is the way to cut a connection, no fault.
// A panic in a goroutine that a handler started cannot be recovered here and
// ends the process; handlers start none.
func Recover(next http.Handler, log *slog.Logger, fail Fail) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := record(w)
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler {
				panic(value)
			}
			stack := debug.Stack()
			log.LogAttrs(r.Context(), slog.LevelError, "panic in a handler",
				slog.String("panic", fmt.Sprint(value)),
				slog.String("stack", string(stack[:min(len(stack), maxStack)])))
			if res.status != 0 {
				panic(http.ErrAbortHandler)
			}
			fail(res, r, &Panicked{Value: value})
		}()
		next.ServeHTTP(res, r)
	})
}
