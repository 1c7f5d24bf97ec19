package middleware

import (
	"fmt"
	"net/http"
	"time"
)

// TooMany says that a limit is reached.
type TooMany struct {
	Limit string        // name of the rule, for the log
	After time.Duration // when one more will be allowed, if nothing else is tried until then
}

func (e *TooMany) Error() string {
	return fmt.Sprintf("too many requests: limit %q, free again in %v", e.Limit, e.After.Round(time.Millisecond))
}

// Status returns 429.
func (e *TooMany) Status() int { return http.StatusTooManyRequests }

// RetryAfter returns After.
func (e *TooMany) RetryAfter() time.Duration { return e.After }

// Stopping says that the server takes no new requests.
type Stopping struct{ After time.Duration }

func (e *Stopping) Error() string { return "the server is stopping" }

// Status returns 503.
func (e *Stopping) Status() int { return http.StatusServiceUnavailable }

// RetryAfter returns After.
func (e *Stopping) RetryAfter() time.Duration { return e.After }

// CrossOriginRequest says that a browser sent a write from another site.
type CrossOriginRequest struct{ Err error }

func (e *CrossOriginRequest) Error() string { return "cross-origin request refused: " + e.Err.Error() }

// Unwrap returns the reason that net/http gave.
func (e *CrossOriginRequest) Unwrap() error { return e.Err }

// Status returns 403.
func (e *CrossOriginRequest) Status() int { return http.StatusForbidden }

// UnknownHost says that the Host header is none of ours.
type UnknownHost struct{ Host string }

func (e *UnknownHost) Error() string { return fmt.Sprintf("no site answers to the host %q", e.Host) }

// Status returns 421.
func (e *UnknownHost) Status() int { return http.StatusMisdirectedRequest }

// TooLarge says that the body of a request is longer than Limit bytes.
type TooLarge struct{ Limit int64 }

func (e *TooLarge) Error() string { return fmt.Sprintf("the body is larger than %d bytes", e.Limit) }

// Status returns 413.
func (e *TooLarge) Status() int { return http.StatusRequestEntityTooLarge }

// TooSlow says that the body of a request came slower than is allowed.
type TooSlow struct {
	Read int64 // bytes that had come
	Err  error
}

func (e *TooSlow) Error() string {
	return fmt.Sprintf("the body came too slowly, %d bytes until then: %v", e.Read, e.Err)
}

// Unwrap returns the error of the connection.
func (e *TooSlow) Unwrap() error { return e.Err }

// Status returns 408.
func (e *TooSlow) Status() int { return http.StatusRequestTimeout }

// Panicked says that a handler panicked. It is in the log already when Fail
// gets it.
type Panicked struct{ Value any }

func (e *Panicked) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Status returns 500.
func (e *Panicked) Status() int { return http.StatusInternalServerError }
