package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
)

// Secret is a setting that nobody sees: printed, logged or written as JSON it is ***.
type Secret string

const hidden = "***"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, for JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes what was set.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// SMTP is the server that letters are handed to.
type SMTP struct {
	Host           string
	Port           int
	TLS            bool // from the first byte; otherwise by STARTTLS
	User, Password string
}

// Local says that the server is on this machine, so that nothing passes a network.
func (s SMTP) Local() bool {
	addr, err := netip.ParseAddr(s.Host)
	return s.Host == "localhost" || err == nil && addr.IsLoopback()
}

// MailOn says whether the forum sends letters.
func (c *Config) MailOn() bool { return c.SMTPURL != "" }

// SMTP returns the server of CODEX_SMTP_URL.
func (c *Config) SMTP() (SMTP, error) { return parseSMTP(string(c.SMTPURL)) }

// Sender returns the address that letters come from, without a name: that is the forum's.
func (c *Config) Sender() (string, error) {
	from := c.MailFrom
	if from == "" {
		base, err := url.Parse(c.BaseURL)
		if err != nil || base.Hostname() == "" {
			return "", errors.New("CODEX_MAIL_FROM is empty, and there is no CODEX_BASE_URL to make a sender from")
		}
		from = "noreply@" + base.Hostname()
	}
	address, err := mail.ParseAddress(from)
	if err != nil || address.Name != "" {
		return "", fmt.Errorf("CODEX_MAIL_FROM is %q, but it must be an e-mail address, such as forum@forum.example", from)
	}
	return address.Address, nil
}

// parseSMTP never says what the address was: it holds a password.
func parseSMTP(text string) (SMTP, error) {
	wrong := func(why string) (SMTP, error) {
		return SMTP{}, errors.New("CODEX_SMTP_URL " + why + ", such as smtps://user:password@mail.example or smtp://localhost:25")
	}
	at, err := url.Parse(text)
	switch {
	case err != nil:
		return wrong("must be the address of a mail server (in a user name or password, letters such as @ : / % are written as %40 %3A %2F %25)")
	case at.Scheme != "smtp" && at.Scheme != "smtps":
		return wrong("must begin with smtp:// or smtps://")
	case at.Hostname() == "":
		return wrong("must name a host")
	case at.Path != "" && at.Path != "/", at.RawQuery != "", at.Fragment != "":
		return wrong("must end after the host and port")
	}
	s := SMTP{Host: at.Hostname(), Port: 587, TLS: at.Scheme == "smtps"}
	if s.TLS {
		s.Port = 465
	}
	if at.Port() != "" {
		port, err := strconv.ParseUint(at.Port(), 10, 16)
		if err != nil || port == 0 {
			return wrong("must have a port between 1 and 65535")
		}
		s.Port = int(port)
	}
	if at.User != nil {
		s.User = at.User.Username()
		s.Password, _ = at.User.Password()
	}
	return s, nil
}

// Address is the server without its password, for people.
func (s SMTP) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

func (c *Config) checkMail() error {
	if !c.MailOn() {
		if c.MailFrom != "" {
			_, err := c.Sender()
			return err
		}
		return nil
	}
	if _, err := c.SMTP(); err != nil {
		return err
	}
	if c.BaseURL == "" {
		return errors.New("CODEX_SMTP_URL needs CODEX_BASE_URL: letters hold links, and those come from there alone")
	}
	_, err := c.Sender()
	return err
}
