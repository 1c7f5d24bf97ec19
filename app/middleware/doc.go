// Package middleware is what every request passes before a handler sees it:
// one file each, each a function from a handler to a handler, each with what it
// needs as parameters. None of them writes an error page: they hand an error to
// the Fail function, and the status is in the error (errors.go).
//
// The order, outermost first, and why:
//
//	Headers        on every response, errors and 421 included
//	Tracing        so that everything below logs with the request id
//	Visitor        who asks: the log and the limits need the address
//	Recover        below the id, so that a panic's page can show it
//	RequestLog     one line a request, whatever ended it
//	SlowBody       around all that may answer without reading the body
//	Host           nothing is done for a name that is not ours
//	Gate           nothing new is begun while the server stops
//	CrossOrigin    refused before any work
//	Compress       pages and texts; never a stream
//	MaxBody        what a body may cost
//	WriteDeadline  how long a reader may take
//	WithTimeout    the deadline of the database work
//	session        (a file of its own: it needs the database)
//	RateLimit      after the session, since members have limits of their own
//
// The probes /healthz and /readyz are mounted outside Host, Gate and RateLimit.
// Streams, uploads and exports are mounted without WithTimeout, WriteDeadline
// and, for streams, Compress: the router decides by wrapping, so that no list
// of paths is hidden in here.
//
// All of it may be used from any number of goroutines. A response writer that
// is wrapped here implements Flush and Unwrap, so http.ResponseController and
// event streams work through the whole chain.
package middleware

import "net/http"

// Fail answers a request with an error. It finds the status by errors.As for a
// method Status() int, and Retry-After by RetryAfter() time.Duration.
type Fail func(w http.ResponseWriter, r *http.Request, err error)
