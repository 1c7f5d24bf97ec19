// Package outbound is the one HTTP client that the forum asks other servers with, at addresses that people typed.
//
// Such an address may be meant to make the forum ask its own network for what is not for everybody. So the address is
// looked at in the dialer, on the connection that is about to be made: what looks before it, at the name, is beaten by a
// name that answers something else the second time, by several answers, and by redirects. Each connection carries one
// request, so that none goes over one that was allowed for something else. No proxy of the environment is used: it would
// connect on our behalf, where nobody looks.
//
// Bounds: 5 s for all of a request with its redirects, 1 MiB of a body, 32 KiB of headers, and as many redirects as the
// request allows, at most 3, each looked at like the first address.
//
// A Client may be used by any number of goroutines, holds nothing between requests, and needs no closing. How many ask at
// a time is bounded by who calls.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	// Timeout is how long a request may take, with its redirects and the body.
	Timeout = 5 * time.Second
	// MaxBody is how much is read of a body, unpacked.
	MaxBody = 1 << 20
	// MaxRedirects is the most that a request can allow.
	MaxRedirects = 3
	// MaxURL is the longest address, in bytes.
	MaxURL = 2000

	maxHeader = 32 << 10
)

// Options are what a Client is made of. The zero value is right for a server.
type Options struct {
	Agent string // names the forum to whom it asks; empty: "Codex"

	// For tests alone, as house_test.go sees to: receivers on loopback, and names that are not in the world's.
	Reach    func(netip.AddrPort) bool // is reached though it is not public, without TLS too
	Resolver *net.Resolver
	Roots    *tls.Config
}

// Client is made with New.
type Client struct {
	agent string
	reach func(netip.AddrPort) bool
	http  *http.Client
}

// New makes a client.
func New(o Options) *Client {
	c := &Client{agent: o.Agent, reach: o.Reach}
	if c.agent == "" {
		c.agent = "Codex"
	}
	dialer := &net.Dialer{Timeout: Timeout, KeepAlive: -1, Resolver: o.Resolver, Control: c.control}
	c.http = &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        o.Roots,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: c.redirected,
	}
	return c
}

// Request is what is asked.
type Request struct {
	Method    string // empty: GET
	URL       string
	Header    http.Header
	Body      []byte
	Redirects int // that are followed; 0: the answer is the redirect itself
}

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Cut    bool   // the body was longer than MaxBody
	URL    string // that answered, after redirects
}

// Problem is why there is no answer, for who chooses words for it.
type Problem string

const (
	BadURL      Problem = "url"       // no address that the forum asks: not https, without a host, or with a password in it
	Forbidden   Problem = "address"   // the host has an address that is not the internet's
	Unknown     Problem = "name"      // there is no such host
	Unreachable Problem = "connect"   // nobody answers there
	Untrusted   Problem = "tls"       // its certificate is not in order
	TooSlow     Problem = "slow"      // no answer in time
	TooManyHops Problem = "redirects" // more redirects than are followed
	Unreadable  Problem = "answer"    // what came back was no HTTP, or ended early
)

// Error is why there is no answer. Its text holds nothing of the address but its host: the rest may be a secret.
type Error struct {
	Problem Problem
	detail  string
	err     error
}

func (e *Error) Error() string {
	if e.detail == "" {
		return string(e.Problem)
	}
	return string(e.Problem) + ": " + e.detail
}

func (e *Error) Unwrap() error { return e.err }

// Check says what is wrong with an address that somebody typed, as far as that can be known without asking anybody; nil:
// nothing. That a host has a public address is only known when it is asked.
func (c *Client) Check(address string) error {
	_, err := c.parse(address)
	return err
}

func (c *Client) parse(address string) (*url.URL, error) {
	if len(address) > MaxURL {
		return nil, &Error{Problem: BadURL, detail: "too long"}
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, &Error{Problem: BadURL} // the parser's text has all of it
	}
	return u, c.fit(u)
}

func (c *Client) fit(u *url.URL) error {
	ip, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		return &Error{Problem: BadURL, detail: "without a host"}
	case u.User != nil:
		return &Error{Problem: BadURL, detail: "with a name or password"}
	case u.Scheme != "https" && (u.Scheme != "http" || c.reach == nil):
		return &Error{Problem: BadURL, detail: "not https"}
	case literal && c.reach == nil && !Public(ip):
		return &Error{Problem: Forbidden, detail: "an address that is not the internet's"}
	}
	return nil
}

// Do asks. Its error is an *Error, or that of ctx.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	u, err := c.parse(r.URL)
	if err != nil {
		return Response{}, err
	}
	hops := &left{n: min(r.Redirects, MaxRedirects)}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, hopsKey{}, hops), r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, &Error{Problem: BadURL}
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		return Response{}, c.named(ctx, err)
	}
	defer res.Body.Close()
	answer := Response{Status: res.StatusCode, Header: res.Header, URL: res.Request.URL.String()}
	answer.Body, err = io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	if err != nil {
		return Response{}, c.named(ctx, err)
	}
	if len(answer.Body) > MaxBody {
		answer.Body, answer.Cut = answer.Body[:MaxBody], true
	}
	return answer, nil
}

type (
	hopsKey struct{}
	left    struct{ n int }
)

// redirected decides about each redirect. What net/http adds on the way, the address that one comes from, is nobody's
// business.
func (c *Client) redirected(req *http.Request, via []*http.Request) error {
	hops, _ := req.Context().Value(hopsKey{}).(*left)
	if hops == nil || hops.n == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > hops.n {
		return &Error{Problem: TooManyHops}
	}
	req.Header.Del("Referer")
	return c.fit(req.URL)
}

// named finds the word for an error. The texts of net/http and net/url hold the whole address, and that of a dial the
// addresses that a name has, so none of them is kept.
func (c *Client) named(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	var (
		slow   interface{ Timeout() bool }
		name   *net.DNSError
		op     *net.OpError
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		alert  tls.AlertError
	)
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return &Error{Problem: TooSlow, err: err}
	case errors.As(err, &name):
		return &Error{Problem: Unknown, err: err}
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert):
		return &Error{Problem: Untrusted, err: err}
	case errors.As(err, &op) && op.Op == "dial":
		return &Error{Problem: Unreachable, err: err}
	}
	return &Error{Problem: Unreadable, detail: fmt.Sprintf("%T", errors.Unwrap(err)), err: err}
}
