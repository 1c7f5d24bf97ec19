package middleware_test

import (
	"net/http"
	"net/netip"
	"testing"

	"codex/app/middleware"
	"codex/app/trace"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestEveryRequestHasAnID(t *testing.T) {
	t.Parallel()
	s := serve(t, middleware.Tracing(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trace.From(r.Context()).SetName("GET /x")
		spans := trace.From(r.Context()).Spans()
		if len(spans) != 1 || spans[0].Kind != trace.KindHandler || spans[0].Name != "GET /x" {
			t.Errorf("spans: %v", spans)
		}
		w.Header().Set("Seen", trace.ID(r.Context()))
	}), nil))
	first, _ := get(t, s, "/")
	id, err := uuid.Parse(first.Header.Get("X-Request-ID"))
	if err != nil || id.Version() != 4 {
		t.Errorf("id %q: %v", first.Header.Get("X-Request-ID"), err)
	}
	if first.Header.Get("Seen") != id.String() {
		t.Error("the context has another id than the header")
	}
	if second, _ := get(t, s, "/"); second.Header.Get("X-Request-ID") == id.String() {
		t.Error("two requests have one id")
	}
}

func TestAnIncomingIDCountsOnlyFromATrustedProxy(t *testing.T) {
	t.Parallel()
	const (
		theirs = "0e6e0b59-2b1c-4e0a-8f1e-6c9a3b8f2d10"
		parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		traced = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
	)
	trusting := serve(t, middleware.Tracing(write(""), networks("127.0.0.0/8")))
	wary := serve(t, middleware.Tracing(write(""), networks("10.0.0.0/8")))
	for _, test := range []struct {
		headers []string
		want    string // "" for an id of our own
	}{
		{[]string{"X-Request-ID", theirs}, theirs},
		{[]string{"X-Request-ID", "0e6e0b592b1c4e0a8f1e6c9a3b8f2d10"}, theirs},
		{[]string{"Traceparent", parent}, traced},
		{[]string{"Traceparent", parent, "X-Request-ID", theirs}, traced},
		{[]string{"Traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}, ""},
		{[]string{"Traceparent", "rubbish", "X-Request-ID", theirs}, theirs},
		{[]string{"X-Request-ID", "{" + theirs + "}"}, ""},
		{[]string{"X-Request-ID", "1; drop table"}, ""},
		{[]string{"X-Request-ID", uuid.Nil.String()}, ""},
	} {
		res, _ := get(t, trusting, "/", test.headers...)
		got := res.Header.Get("X-Request-ID")
		if test.want != "" && got != test.want {
			t.Errorf("%v: id %s, want %s", test.headers, got, test.want)
		}
		if id := uuid.MustParse(got); test.want == "" && id.Version() != 4 {
			t.Errorf("%v: id %s is not of our making", test.headers, got)
		}
		if res, _ := get(t, wary, "/", test.headers...); res.Header.Get("X-Request-ID") == test.want {
			t.Errorf("%v: a stranger chose the id", test.headers)
		}
	}
}

func TestTheClientAddressGoesThroughTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "203.0.113.9:1234", nil, "203.0.113.9"},
		{"a stranger's header", "203.0.113.9:1234", []string{"1.2.3.4"}, "203.0.113.9"},
		{"one proxy", "10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"what the client wrote itself", "10.0.0.1:1", []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:1", []string{"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two header lines", "10.0.0.1:1", []string{"1.2.3.4, 203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		{"proxies only", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"a proxy without the header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"rubbish", "10.0.0.1:1", []string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"empty", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"with ports", "10.0.0.1:1", []string{"203.0.113.9:555"}, "203.0.113.9"},
		{"IPv6 with port", "10.0.0.1:1", []string{"[2001:db8::1]:555"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"mapped", "[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"a zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"no IP", "@", nil, "invalid IP"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = test.remote
		for _, line := range test.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		got := "not called"
		middleware.Visitor(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = middleware.ClientAddr(r.Context()).String()
		}), networks("10.0.0.0/8")).ServeHTTP(nil, r)
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestAHugeForwardingHeaderIsNotFollowed(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Add("X-Forwarded-For", "203.0.113.9")
	for range 100 {
		r.Header.Add("X-Forwarded-For", "10.0.0.2")
	}
	middleware.Visitor(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := middleware.ClientAddr(r.Context()).String(); got != "10.0.0.2" {
			t.Errorf("address %s", got)
		}
	}), networks("10.0.0.0/8")).ServeHTTP(nil, r)
}

func TestAddressesAreLimitedByNetwork(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, text := range []string{"203.0.113.9", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::7"} {
		got[text] = middleware.LimitKey(netip.MustParseAddr(text))
	}
	want := map[string]string{
		"203.0.113.9":          "203.0.113.9",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::7":      "2001:db8:1:2::/64",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if middleware.LimitKey(netip.Addr{}) == "" {
		t.Error("no address gives no key")
	}
}
