package middleware

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// FormBytes is how long the body of a form may be: four times the longest post
// (64 KiB), percent-encoded at three bytes for one, and the rest of the form.
const FormBytes = 1 << 20

// MaxBody bounds the bodies of requests to limit bytes. Reading beyond gives a
// TooLarge (413), and the connection is closed after the answer instead of
// reading the rest.
func MaxBody(next http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			// MaxBytesReader tells the server to close the connection only if it
			// is given the server's own writer.
			r.Body = &boundedBody{http.MaxBytesReader(innermost(w), r.Body, limit)}
		}
		next.ServeHTTP(w, r)
	})
}

// boundedBody gives the error of http.MaxBytesReader a status.
type boundedBody struct{ io.ReadCloser }

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, fmt.Errorf("read the body: %w", &TooLarge{Limit: tooLarge.Limit})
	}
	return n, err
}

// Pace is how slowly a body may come.
type Pace struct {
	Grace          time.Duration // from the head of the request, whatever comes
	BytesPerSecond int64         // on average, after that
}

// DefaultPace ends a body that comes slower than 1 KiB a second after 10 s.
func DefaultPace() Pace { return Pace{Grace: 10 * time.Second, BytesPerSecond: 1 << 10} }

// SlowBody ends bodies that come slower than pace with a TooSlow (408). The
// deadline of the connection moves on with each byte that came, so a long
// upload over a slow line is fine, and one byte a second is not. There is no
// Server.ReadTimeout, which would bound the whole upload.
func SlowBody(next http.Handler, pace Pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			body := &pacedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), pace: pace, began: time.Now()}
			// From the start, because a body that no handler reads is drained by the server before it answers.
			_ = body.conn.SetReadDeadline(body.began.Add(pace.Grace))
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

type pacedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	pace  Pace
	began time.Time
	read  int64
}

func (b *pacedBody) Read(p []byte) (int, error) {
	earned := time.Duration(float64(b.read) / float64(b.pace.BytesPerSecond) * float64(time.Second))
	// A writer that has no connection (a test's recorder) cannot be slow either.
	_ = b.conn.SetReadDeadline(b.began.Add(b.pace.Grace + earned))
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		// The deadline stays: the server will not wait for the rest either.
		err = fmt.Errorf("read the body: %w", &TooSlow{Read: b.read, Err: err})
	default:
		// From the end of the body on the server watches the connection for a
		// client that leaves; a deadline that fires then would look like one.
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// WriteDeadline gives the whole answer budget from now: a reader that stops
// reading cannot hold the handler longer. There is no Server.WriteTimeout,
// which would cut streams too. The deadline belongs to the connection, so a
// handler that is mounted without WriteDeadline has to set its own, or clear
// it with a budget of 0.
func WriteDeadline(next http.Handler, budget time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var deadline time.Time
		if budget > 0 {
			deadline = time.Now().Add(budget)
		}
		_ = http.NewResponseController(w).SetWriteDeadline(deadline) // as above: a recorder has none
		next.ServeHTTP(w, r)
	})
}
