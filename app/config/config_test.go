package config_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"codex/app/config"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// parse reads a command line the way the commands do.
func parse(t *testing.T, args ...string) config.Config {
	t.Helper()
	var cli struct {
		config.Config `embed:""`
	}
	parser, err := kong.New(&cli, kong.Name("codex"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return cli.Config
}

func TestZeroConfigurationRuns(t *testing.T) {
	t.Parallel()
	c := parse(t)
	want := config.Config{
		Addr: "127.0.0.1:8888", Data: "./data", RateLimits: "on", LogLevel: "info",
		RequestTimeout: 10 * time.Second, ShutdownTimeout: 30 * time.Second,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Secure() || c.CookieName() != "codex" || !c.Limited() || c.Level() != slog.LevelInfo || c.Proxies() != nil {
		t.Error("the defaults are not those of a forum on this machine")
	}
	if diff := cmp.Diff([]string{"localhost", "127.0.0.1", "[::1]"}, c.AllowedHosts()); diff != "" {
		t.Error(diff)
	}
}

func TestAFlagWinsOverItsVariable(t *testing.T) { // not parallel: it sets variables
	t.Setenv("CODEX_ADDR", "0.0.0.0:1")
	t.Setenv("CODEX_LOG_LEVEL", "debug")
	t.Setenv("CODEX_TRUSTED_PROXIES", "10.0.0.0/8,::1")
	t.Setenv("CODEX_REQUEST_TIMEOUT", "3s")
	c := parse(t, "--addr", "127.0.0.1:2")
	if c.Addr != "127.0.0.1:2" {
		t.Errorf("Addr = %q, want that of the flag", c.Addr)
	}
	if c.Level() != slog.LevelDebug || c.RequestTimeout != 3*time.Second || len(c.Proxies()) != 2 {
		t.Errorf("variables were not read: %+v", c)
	}
}

func TestValidateNamesTheVariable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string // part of the sentence; "" for no error
	}{
		{[]string{"--addr=:8888"}, ""},
		{[]string{"--addr=[::1]:0"}, ""},
		{[]string{"--addr=8888"}, `CODEX_ADDR is "8888"`},
		{[]string{"--addr=localhost:http"}, "CODEX_ADDR"},
		{[]string{"--addr=localhost:70000"}, "CODEX_ADDR"},
		{[]string{"--data= "}, "CODEX_DATA"},
		{[]string{"--base-url=https://forum.example"}, ""},
		{[]string{"--base-url=http://forum.example:8080/"}, ""},
		{[]string{"--base-url=forum.example"}, "must begin with https:// or http://"},
		{[]string{"--base-url=ftp://forum.example"}, "must begin with https:// or http://"},
		{[]string{"--base-url=https://"}, "must name a host"},
		{[]string{"--base-url=https://forum.example/talk"}, "must end after the host"},
		{[]string{"--base-url=https://forum.example/?"}, "must end after the host"},
		{[]string{"--base-url=https://forum.example/#x"}, "must end after the host"},
		{[]string{"--base-url=https://me:word@forum.example"}, "CODEX_BASE_URL must not hold"},
		{[]string{"--base-url=https://%"}, "CODEX_BASE_URL"},
		{[]string{"--trusted-proxies=10.0.0.0/8, 127.0.0.1,"}, ""},
		{[]string{"--trusted-proxies=10.0.0.0/8,proxy"}, `CODEX_TRUSTED_PROXIES holds "proxy"`},
		{[]string{"--trusted-proxies=10.0.0.0/40"}, "CODEX_TRUSTED_PROXIES"},
		{[]string{"--rate-limits=maybe"}, `CODEX_RATE_LIMITS is "maybe", but it must be on or off`},
		{[]string{"--log-level=loud"}, "must be debug, info, warn or error"},
		{[]string{"--request-timeout=0s"}, "CODEX_REQUEST_TIMEOUT"},
		{[]string{"--shutdown-timeout=-1s"}, "CODEX_SHUTDOWN_TIMEOUT"},
	} {
		c := config.Config{
			Addr: "127.0.0.1:8888", Data: "./data", RateLimits: "on", LogLevel: "info",
			RequestTimeout: time.Second, ShutdownTimeout: time.Second,
		}
		set(t, &c, test.args[0])
		err := c.Validate()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%v: %v", test.args, err)
		case test.want != "" && err == nil:
			t.Errorf("%v: no error, want %q", test.args, test.want)
		case test.want != "" && !strings.Contains(err.Error(), test.want):
			t.Errorf("%v: %q, want %q", test.args, err, test.want)
		case err != nil && strings.Contains(err.Error(), "me:word"):
			t.Errorf("%v: the sentence shows a password", test.args)
		}
	}
}

// set applies one --name=value without the checks of the command line.
func set(t *testing.T, c *config.Config, arg string) {
	t.Helper()
	name, value, _ := strings.Cut(arg, "=")
	duration := func() time.Duration {
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	switch name {
	case "--addr":
		c.Addr = value
	case "--data":
		c.Data = value
	case "--base-url":
		c.BaseURL = value
	case "--trusted-proxies":
		c.TrustedProxies = strings.Split(value, ",")
	case "--rate-limits":
		c.RateLimits = value
	case "--log-level":
		c.LogLevel = value
	case "--request-timeout":
		c.RequestTimeout = duration()
	case "--shutdown-timeout":
		c.ShutdownTimeout = duration()
	default:
		t.Fatalf("no setting %s", name)
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	err := (&config.Config{}).Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"ADDR", "DATA", "RATE_LIMITS", "LOG_LEVEL", "REQUEST_TIMEOUT", "SHUTDOWN_TIMEOUT"} {
		if !strings.Contains(err.Error(), "CODEX_"+name) {
			t.Errorf("%s is not mentioned in:\n%v", name, err)
		}
	}
}

func TestTheBaseURLDecidesHostsAndCookie(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		base, host, cookie string
	}{
		{"https://Forum.Example", "forum.example", "__Host-codex"},
		{"https://forum.example:443/", "forum.example", "__Host-codex"},
		{"https://forum.example:8443", "forum.example:8443", "__Host-codex"},
		{"http://forum.example:80", "forum.example", "codex"},
		{"http://forum.example:443", "forum.example:443", "codex"},
		{"http://[fd00::1]:8080", "[fd00::1]:8080", "codex"},
		{"https://[fd00::1]", "[fd00::1]", "__Host-codex"},
	} {
		c := config.Config{BaseURL: test.base}
		if diff := cmp.Diff([]string{test.host}, c.AllowedHosts()); diff != "" {
			t.Errorf("%s: hosts %s", test.base, diff)
		}
		if got := c.CookieName(); got != test.cookie {
			t.Errorf("%s: cookie %s, want %s", test.base, got, test.cookie)
		}
	}
}

func TestProxiesAreNetworks(t *testing.T) {
	t.Parallel()
	c := config.Config{TrustedProxies: []string{"10.1.2.3/8", " 192.0.2.7", "::1", "::ffff:10.0.0.0/104", "::ffff:192.0.2.8", ""}}
	if err := c.Validate(); err == nil {
		t.Fatal("an otherwise empty configuration is valid") // proxies themselves are checked below
	}
	var got []string
	for _, p := range c.Proxies() {
		got = append(got, p.String())
	}
	want := []string{"10.0.0.0/8", "192.0.2.7/32", "::1/128", "10.0.0.0/8", "192.0.2.8/32"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !c.Proxies()[0].Contains(netip.MustParseAddr("10.200.0.1")) {
		t.Error("a network does not contain its addresses")
	}
}
