// Package config is the configuration of the forum: one struct, filled from
// flags and environment variables by the command line, checked by Validate,
// and read-only from then on (so it may be read from any goroutine).
//
// The flag --x-y is the variable CODEX_X_Y, and a flag wins. The zero
// configuration, which is every default below, runs a forum on this machine.
// A setting appears here together with the feature that it is for.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config is embedded by the commands that need it. Call Validate before any
// other method; the others take for granted that it gave no error.
type Config struct {
	Addr            string        `name:"addr" env:"CODEX_ADDR" default:"127.0.0.1:8888" placeholder:"HOST:PORT" help:"Address to listen on."`
	Data            string        `name:"data" env:"CODEX_DATA" default:"./data" placeholder:"DIR" help:"Directory of the databases and images."`
	BaseURL         string        `name:"base-url" env:"CODEX_BASE_URL" placeholder:"URL" help:"Address that people reach the forum at, such as https://forum.example. Without it the forum answers to localhost only."`
	TrustedProxies  []string      `name:"trusted-proxies" env:"CODEX_TRUSTED_PROXIES" sep:"," placeholder:"NETWORKS" help:"Networks or addresses of reverse proxies whose forwarding headers count, separated by commas."`
	SMTPURL         Secret        `name:"smtp-url" env:"CODEX_SMTP_URL" placeholder:"URL" help:"Mail server that letters are handed to, such as smtps://user:password@mail.example. Better as a variable: others can read flags. Without it the forum sends no mail."`
	MailFrom        string        `name:"mail-from" env:"CODEX_MAIL_FROM" placeholder:"ADDRESS" help:"Address that letters come from. Without it: noreply at the host of the base URL."`
	RateLimits      string        `name:"rate-limits" env:"CODEX_RATE_LIMITS" default:"on" placeholder:"on|off" help:"Limits on how often a visitor may ask. Off is for tests and benchmarks."`
	LogLevel        string        `name:"log-level" env:"CODEX_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level of log lines: debug, info, warn or error."`
	RequestTimeout  time.Duration `name:"request-timeout" env:"CODEX_REQUEST_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Time that a request may take."`
	ShutdownTimeout time.Duration `name:"shutdown-timeout" env:"CODEX_SHUTDOWN_TIMEOUT" default:"30s" placeholder:"DURATION" help:"Time that running requests get to finish when the forum stops."`
}

// Validate reports everything that is wrong with the configuration: one plain
// sentence for each setting, which names its variable, joined by line breaks.
func (c *Config) Validate() error {
	return errors.Join(
		checkAddr(c.Addr),
		checkData(c.Data),
		checkBaseURL(c.BaseURL),
		checkProxies(c.TrustedProxies),
		c.checkMail(),
		checkWord("CODEX_RATE_LIMITS", c.RateLimits, "on", "off"),
		checkWord("CODEX_LOG_LEVEL", c.LogLevel, "debug", "info", "warn", "error"),
		checkDuration("CODEX_REQUEST_TIMEOUT", c.RequestTimeout),
		checkDuration("CODEX_SHUTDOWN_TIMEOUT", c.ShutdownTimeout),
	)
}

// Secure says whether people reach the forum over https. It decides about
// HSTS and about the cookie's name and Secure attribute.
func (c *Config) Secure() bool {
	base, err := url.Parse(c.BaseURL)
	return err == nil && base.Scheme == "https"
}

// CookieName returns the name of the session cookie. The prefix __Host- makes
// browsers refuse one that was set by another host or without TLS, and cannot
// be used over plain http.
func (c *Config) CookieName() string {
	if c.Secure() {
		return "__Host-codex"
	}
	return "codex"
}

// AllowedHosts returns the values of the Host header that are answered, in
// lower case: the host of the base URL (with its port, unless that is the one
// of its scheme), or the names of this machine if there is no base URL. A name
// of this machine is meant with any port.
func (c *Config) AllowedHosts() []string {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" {
		return []string{"localhost", "127.0.0.1", "[::1]"}
	}
	host := strings.ToLower(base.Host)
	switch {
	case base.Port() == "": // also drops the colon of "host:"
		host = strings.TrimSuffix(host, ":")
	case base.Scheme == "https" && base.Port() == "443", base.Scheme == "http" && base.Port() == "80":
		host = strings.TrimSuffix(host, ":"+base.Port())
	}
	return []string{host}
}

// Proxies returns the trusted networks; a single address is a network of one.
func (c *Config) Proxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.TrustedProxies {
		if network, err := parseNetwork(text); err == nil && network.IsValid() {
			networks = append(networks, network)
		}
	}
	return networks
}

// Limited says whether the rate limits are on.
func (c *Config) Limited() bool { return c.RateLimits != "off" }

// Level returns the least level that is logged.
func (c *Config) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return level
}

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("CODEX_ADDR is %q, but it must be a host and a port number, such as 127.0.0.1:8888", addr)
	}
	return nil
}

func checkData(dir string) error {
	if strings.TrimSpace(dir) == "" {
		return errors.New("CODEX_DATA is empty, but it must name a directory, such as ./data")
	}
	return nil
}

func checkBaseURL(text string) error {
	if text == "" {
		return nil
	}
	wrong := func(why string) error {
		return fmt.Errorf("CODEX_BASE_URL is %q, but it %s, such as https://forum.example", text, why)
	}
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return wrong("must be an address of the web")
	case base.Scheme != "https" && base.Scheme != "http":
		return wrong("must begin with https:// or http://")
	case base.Hostname() == "":
		return wrong("must name a host")
	case base.User != nil:
		return fmt.Errorf("CODEX_BASE_URL must not hold a user name or password")
	case base.Path != "" && base.Path != "/", base.RawQuery != "", base.ForceQuery, base.Fragment != "":
		return wrong("must end after the host")
	}
	return nil
}

func checkProxies(list []string) error {
	for _, text := range list {
		if _, err := parseNetwork(text); err != nil {
			return fmt.Errorf("CODEX_TRUSTED_PROXIES holds %q, but each entry must be an address or a network, such as 10.0.0.0/8", text)
		}
	}
	return nil
}

// parseNetwork reads a CIDR or a single address. Blank text is no network and
// no error, so that an empty variable and a trailing comma mean nothing.
func parseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return netip.Prefix{}, nil
	}
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	// Client addresses are compared unmapped, so a mapped network has to be too.
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}

func checkWord(name, value string, words ...string) error {
	for _, word := range words {
		if value == word {
			return nil
		}
	}
	last := len(words) - 1
	return fmt.Errorf("%s is %q, but it must be %s or %s", name, value, strings.Join(words[:last], ", "), words[last])
}

func checkDuration(name string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s is %v, but it must be longer than nothing, such as 10s", name, d)
	}
	return nil
}
