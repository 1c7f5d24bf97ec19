package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"
)

// answer is one recorded answer, and what it answers.
type answer struct {
	Key    answerKey
	Header http.Header
	Body   []byte // as it went over the wire: compressed, if it was
}

type answerKey struct{ Path, Cookie, Encoding string }

func keyOf(r *http.Request) answerKey {
	return answerKey{r.URL.RequestURI(), r.Header.Get("Cookie"), r.Header.Get("Accept-Encoding")}
}

// record asks the real server once.
func record(ctx context.Context, addr string, key answerKey) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+key.Path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("record %s: %w", key.Path, err)
	}
	r.Header.Set("Accept-Encoding", key.Encoding)
	if key.Cookie != "" {
		r.Header.Set("Cookie", key.Cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(r) // follows nothing, unpacks nothing that was asked for by name
	if err != nil {
		return answer{}, fmt.Errorf("record %s: %w", key.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("record %s: %w", key.Path, err)
	}
	if res.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("record %s: the answer is %s", key.Path, res.Status)
	}
	h := res.Header.Clone()
	h.Del("Date") // every server writes its own
	return answer{key, h, body}, nil
}

// ceilingCmd is the ceiling: net/http and nothing else, which writes the same bytes and headers from memory. It is a
// process of its own, as the forum is, and ends when its standard input does.
type ceilingCmd struct{}

func (ceilingCmd) Run(ctx context.Context) error {
	var answers []answer
	if err := gob.NewDecoder(os.Stdin).Decode(&answers); err != nil {
		return fmt.Errorf("read the answers to give: %w", err)
	}
	recorded := make(map[answerKey]answer, len(answers))
	for _, a := range answers {
		recorded[a.Key] = a
	}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the ceiling: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := recorded[keyOf(r)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		for name, values := range a.Header {
			h[name] = values
		}
		_, _ = w.Write(a.Body)
	})}
	ctx, end := context.WithCancel(ctx)
	go func() {
		defer end()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("ceiling at %s\n", listen.Addr())
	if err := server.Serve(listen); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the ceiling: %w", err)
	}
	return nil
}

var ceilingAddress = regexp.MustCompile(`^ceiling at (\S+)$`)

// startCeiling starts this program again as the ceiling.
func startCeiling(ctx context.Context, answers []answer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the ceiling: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the ceiling: %w", err)
	}
	cmd := command(ctx, self, "ceiling")
	cmd.Stdin = read
	sent := make(chan error, 1)
	go func() { sent <- gob.NewEncoder(write).Encode(answers) }()
	c, err := spawn(cmd, ceilingAddress)
	read.Close()
	if serr := <-sent; err == nil && serr != nil {
		err = errors.Join(fmt.Errorf("tell the ceiling what to answer: %w", serr), c.stop())
	}
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	c.also = write // the ceiling lives as long as this end is open, even when we are killed
	return c, nil
}
