package outbound_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"codex/app/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyAddressesOfTheInternetAreReached(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "93.184.215.14": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true,
		"192.167.255.255": true, "192.169.0.1": true, "198.17.0.1": true, "198.20.0.1": true, "223.255.255.255": true,
		"2606:4700:4700::1111": true, "2a00:1450:4001:830::200e": true, "2001:4860:4860::8888": true, "2400:cb00::1": true,

		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "0.1.2.3": false, "255.255.255.255": false, "240.0.0.1": false,
		"10.0.0.1": false, "10.255.255.255": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "169.254.0.1": false, "168.63.129.16": false, "100.64.0.1": false, "100.127.255.255": false, "100.100.100.200": false,
		"192.0.0.1": false, "192.0.0.192": false, "192.0.2.1": false, "198.51.100.1": false, "203.0.113.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"224.0.0.1": false, "239.255.255.255": false, "192.88.99.1": false,

		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false,
		"ff02::1": false, "ff0e::1": false, "100::1": false, "5f00::1": false, "4000::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": false, "::127.0.0.1": false, "::8.8.8.8": false, "::ffff:0:8.8.8.8": false,
		"64:ff9b::7f00:1": false, "64:ff9b::808:808": false, "64:ff9b:1::a00:1": false,
		"2002:7f00:1::1": false, "2002:a9fe:a9fe::1": false, "2002:808:808::1": false,
		"2001::1": false, "2001:0:4136:e378:8000:63bf:3fff:fdd2": false, "2001:2::1": false, "2001:10::1": false, "2001:20::1": false,
		"2001:db8::1": false, "3fff::1": false, "2606:4700::5efe:7f00:1": false, "2606:4700::200:5efe:7f00:1": false,
	} {
		if got := outbound.Public(netip.MustParseAddr(address)); got != public {
			t.Errorf("%s: public %v, want %v", address, got, public)
		}
	}
	if outbound.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// receiver is a server on loopback that counts who comes.
func receiver(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	came := new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, came
}

// only reaches the servers and nothing else that is not public.
func only(t *testing.T, servers ...*httptest.Server) func(netip.AddrPort) bool {
	allowed := map[netip.AddrPort]bool{}
	for _, s := range servers {
		allowed[netip.MustParseAddrPort(s.Listener.Addr().String())] = true
	}
	return func(a netip.AddrPort) bool { return allowed[a] }
}

func problem(t *testing.T, err error) outbound.Problem {
	t.Helper()
	known, ok := errors.AsType[*outbound.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want an *outbound.Error", err, err)
	}
	return known.Problem
}

func TestAServerOfOnesOwnIsNotReachedInAnyForm(t *testing.T) {
	t.Parallel()
	s, came := receiver(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	// It does not matter that the receiver speaks no TLS: it is not even connected to.
	c := outbound.New(outbound.Options{})
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[::127.0.0.1]", "localhost", "LOCALHOST.",
		"127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[64:ff9b::7f00:1]", "[fe80::1%25lo]", "１２７.0.0.1"} {
		_, err := c.Do(t.Context(), outbound.Request{URL: "https://" + host + ":" + port + "/"})
		switch p := problem(t, err); p {
		case outbound.Forbidden:
		case outbound.Unknown, outbound.BadURL: // a spelling that this machine's resolver takes for a name
			if net.ParseIP(strings.Trim(host, "[]")) != nil || strings.EqualFold(host, "localhost") {
				t.Errorf("%s: %v", host, p)
			}
		default:
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := came.Load(); n != 0 {
		t.Errorf("%d requests came", n)
	}
}

func TestAnAddressThatSomebodyTypesIsLookedAtBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	c := outbound.New(outbound.Options{})
	for address, want := range map[string]outbound.Problem{
		"https://hooks.example.org/x?y=1": "", "https://93.184.215.14/": "", "HTTPS://EXAMPLE.ORG:8443": "", "https://[2606:4700:4700::1111]/": "",
		"http://hooks.example.org/": outbound.BadURL, "ftp://example.org/": outbound.BadURL, "file:///etc/passwd": outbound.BadURL, "gopher://example.org": outbound.BadURL,
		"": outbound.BadURL, "/x": outbound.BadURL, "//example.org/": outbound.BadURL, "https://": outbound.BadURL, "https:example.org": outbound.BadURL, "https://:443/": outbound.BadURL,
		"https://a:b@example.org/": outbound.BadURL, "https://example.org@127.0.0.1/": outbound.BadURL, "https://exa mple.org/": outbound.BadURL, "https://example.org/\r\nX: y": outbound.BadURL,
		"https://127.0.0.1/": outbound.Forbidden, "https://[::1]/": outbound.Forbidden, "https://169.254.169.254/latest": outbound.Forbidden, "https://[::ffff:8.8.8.8]/": outbound.Forbidden,
		"https://example.org/" + strings.Repeat("x", outbound.MaxURL): outbound.BadURL,
	} {
		err := c.Check(address)
		if want == "" {
			if err != nil {
				t.Errorf("%.60q: %v", address, err)
			}
			continue
		}
		if err == nil || problem(t, err) != want {
			t.Errorf("%.60q: %v, want %v", address, err, want)
		}
	}
}

// TestANameThatAnswersAnotherAddressTheSecondTimeIsRefused is what DNS rebinding does: a look before the connection sees
// a public address, and the connection goes to loopback.
func TestANameThatAnswersAnotherAddressTheSecondTimeIsRefused(t *testing.T) {
	t.Parallel()
	s, came := receiver(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	asked := new(atomic.Int32)
	resolver := names(t, func(string) (netip.Addr, bool) {
		if asked.Add(1) == 1 {
			return netip.MustParseAddr("93.184.215.14"), true
		}
		return netip.MustParseAddr("127.0.0.1"), true
	})
	found, err := resolver.LookupNetIP(t.Context(), "ip4", "rebinding.test")
	if err != nil || len(found) != 1 || !outbound.Public(found[0]) {
		t.Fatalf("the first look sees %v, %v", found, err)
	}
	c := outbound.New(outbound.Options{Resolver: resolver})
	_, err = c.Do(t.Context(), outbound.Request{URL: "https://rebinding.test:" + port + "/"})
	if p := problem(t, err); p != outbound.Forbidden {
		t.Errorf("%v", err)
	}
	if came.Load() != 0 || asked.Load() < 2 {
		t.Errorf("%d requests came after %d look-ups", came.Load(), asked.Load())
	}
}

// names is a resolver that asks a server of the test's.
func names(t *testing.T, answer func(name string) (netip.Addr, bool)) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				if a, ok := answer(q.Name.String()); ok {
					m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: a.As4()}}}
				} else {
					m.RCode = dnsmessage.RCodeNameError
				}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestAnAnswerIsReadUpToItsBound(t *testing.T) {
	t.Parallel()
	s, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", r.Method+" "+r.Header.Get("X-Sent")+" "+r.UserAgent()+" "+string(body))
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	})
	c := outbound.New(outbound.Options{Agent: "Codex/test", Reach: only(t, s)})
	for n, cut := range map[int]bool{0: false, outbound.MaxBody: false, outbound.MaxBody + 1: true, 4 << 20: true} {
		res, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: s.URL + "/?n=" + strconv.Itoa(n), Header: http.Header{"X-Sent": {"this"}}, Body: []byte("that")})
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != http.StatusAccepted || len(res.Body) != min(n, outbound.MaxBody) || res.Cut != cut || res.Header.Get("X-Got") != "POST this Codex/test that" {
			t.Errorf("%d bytes: %d, %d bytes, cut %v, %q", n, res.Status, len(res.Body), res.Cut, res.Header.Get("X-Got"))
		}
	}
}

func TestRedirectsAreFollowedAsFarAsIsAskedAndLookedAtLikeTheFirstAddress(t *testing.T) {
	t.Parallel()
	inner, reached := receiver(t, func(http.ResponseWriter, *http.Request) {})
	var s *httptest.Server
	s, _ = receiver(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Errorf("the receiver is told that one comes from %s", r.Header.Get("Referer"))
		}
		to := r.URL.Query().Get("to")
		switch n, err := strconv.Atoi(to); {
		case to == "":
		case err != nil:
			http.Redirect(w, r, to, http.StatusFound)
		case n > 0:
			http.Redirect(w, r, s.URL+"/?to="+strconv.Itoa(n-1), http.StatusTemporaryRedirect)
		}
	})
	c := outbound.New(outbound.Options{Reach: only(t, s)})
	do := func(to string, redirects int) (outbound.Response, error) {
		return c.Do(t.Context(), outbound.Request{URL: s.URL + "/?to=" + url.QueryEscape(to), Redirects: redirects})
	}
	if res, err := do("1", 0); err != nil || res.Status != http.StatusTemporaryRedirect {
		t.Errorf("none is followed: %d, %v", res.Status, err)
	}
	if res, err := do("3", 3); err != nil || res.Status != http.StatusOK || !strings.HasSuffix(res.URL, "to=0") {
		t.Errorf("three are followed: %d, %v, %s", res.Status, err, res.URL)
	}
	if _, err := do("2", 1); problem(t, err) != outbound.TooManyHops {
		t.Errorf("one of two: %v", err)
	}
	if _, err := do("4", 100); problem(t, err) != outbound.TooManyHops {
		t.Errorf("more than the most that can be asked: %v", err)
	}
	if _, err := do(inner.URL, 3); problem(t, err) != outbound.Forbidden {
		t.Errorf("into one's own network: %v", err)
	}
	for _, to := range []string{"ftp://example.org/", "file:///etc/passwd", "https://a:b@example.org/"} {
		if _, err := do(to, 3); problem(t, err) != outbound.BadURL {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if reached.Load() != 0 {
		t.Error("the server that is not reached was")
	}
}

func TestNothingIsAskedWithoutTLSOrOfACertificateThatIsNotInOrder(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	trusting := outbound.New(outbound.Options{Reach: only(t, s), Roots: &tls.Config{RootCAs: roots}})
	if res, err := trusting.Do(t.Context(), outbound.Request{URL: s.URL}); err != nil || res.Status != http.StatusOK {
		t.Errorf("with its certificate: %d, %v", res.Status, err)
	}
	c := outbound.New(outbound.Options{Reach: only(t, s)})
	if _, err := c.Do(t.Context(), outbound.Request{URL: s.URL}); problem(t, err) != outbound.Untrusted {
		t.Errorf("with a certificate of its own: %v", err)
	}
	if _, err := outbound.New(outbound.Options{}).Do(t.Context(), outbound.Request{URL: "http://93.184.215.14/"}); problem(t, err) != outbound.BadURL {
		t.Errorf("without TLS: %v", err)
	}
}

func TestAnErrorSaysWhyAndKeepsTheAddressToItself(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	slow, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hangs) })
	broken, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "this is no HTTP, secret-path\r\n\r\n")
			conn.Close()
		}
	})
	long, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 64<<10)) })
	gone := httptest.NewServer(nil)
	gone.Close()
	resolver := names(t, func(string) (netip.Addr, bool) { return netip.Addr{}, false })
	c := outbound.New(outbound.Options{Reach: only(t, slow, broken, long, gone), Resolver: resolver})
	began := time.Now()
	for address, want := range map[string]outbound.Problem{
		slow.URL: outbound.TooSlow, broken.URL: outbound.Unreadable, long.URL: outbound.Unreadable, gone.URL: outbound.Unreachable, "https://nowhere.test": outbound.Unknown,
		"https://example.org/%zz": outbound.BadURL,
	} {
		_, err := c.Do(t.Context(), outbound.Request{URL: address + "/secret-path?secret-query"})
		if problem(t, err) != want {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: its error tells %q", address, err)
		}
	}
	if took := time.Since(began); took > 2*outbound.Timeout {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, outbound.Request{URL: slow.URL}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when the caller waits no longer: %v", err)
	}
}

// A proxy of the environment would connect on our behalf, to wherever the address leads. The variable is read once a
// process, so this looks at what the client is made of by what it does: it connects by itself.
func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	proxy, came := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	resolver := names(t, func(string) (netip.Addr, bool) { return netip.MustParseAddr("10.0.0.1"), true })
	c := outbound.New(outbound.Options{Reach: only(t, proxy), Resolver: resolver})
	for _, scheme := range []string{"http", "https"} {
		if _, err := c.Do(t.Context(), outbound.Request{URL: scheme + "://inner.test/"}); problem(t, err) != outbound.Forbidden {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	if came.Load() != 0 {
		t.Error("the proxy was asked")
	}
}
