package apptest

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Heard is an event as it came to a reader.
type Heard struct {
	ID         int64
	Name, Data string
	Retry      string
}

// Listener reads a stream as a browser does. Its end is the end of the connection.
type Listener struct {
	Status int
	Header http.Header
	C      <-chan Heard // closed with the connection
	Close  func()
	t      testing.TB
}

// Listen opens a stream; the header names and values in turn are sent with it.
func (c *Client) Listen(path string, header ...string) *Listener {
	c.site.t.Helper()
	ctx, cancel := context.WithCancel(c.site.t.Context())
	r := c.request(http.MethodGet, path, nil).WithContext(ctx)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	patient := *c.HTTP
	patient.Timeout = 0
	res, err := patient.Do(r)
	if err != nil {
		cancel()
		c.site.t.Fatalf("listen to %s: %v", path, err)
	}
	heard := make(chan Heard, 1000)
	go func() {
		defer close(heard)
		defer res.Body.Close()
		ReadEvents(bufio.NewReader(res.Body), func(h Heard) { heard <- h })
	}()
	c.site.t.Cleanup(cancel)
	return &Listener{Status: res.StatusCode, Header: res.Header, C: heard, Close: cancel, t: c.site.t}
}

// ReadEvents calls f for each event, as the standard says they are read, until the connection ends.
func ReadEvents(from *bufio.Reader, f func(Heard)) {
	var h Heard
	var data []string
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			if line == "\n" && data != nil {
				h.Data = strings.Join(data, "\n")
				f(h)
				h, data = Heard{ID: h.ID}, nil
			}
		case "id":
			h.ID, _ = strconv.ParseInt(value, 10, 64)
		case "event":
			h.Name = value
		case "retry":
			h.Retry = value
		case "data":
			data = append(data, value)
		}
	}
}

// Next waits for the next event of one of the names, and passes over others.
func (l *Listener) Next(names ...string) Heard {
	l.t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		select {
		case h, open := <-l.C:
			if !open {
				l.t.Fatalf("the stream ended before %v", names)
			}
			for _, name := range names {
				if h.Name == name {
					return h
				}
			}
		case <-timeout:
			l.t.Fatalf("no %v on the stream", names)
		}
	}
}

// Ended waits for the end of the connection.
func (l *Listener) Ended(within time.Duration) bool {
	for timeout := time.After(within); ; {
		select {
		case _, open := <-l.C:
			if !open {
				return true
			}
		case <-timeout:
			return false
		}
	}
}
