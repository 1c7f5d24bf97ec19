package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"codex/app/config"
)

func TestTheMailServerIsReadFromItsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.SMTP{
		"smtp://mail.example":                       {Host: "mail.example", Port: 587},
		"smtps://mail.example/":                     {Host: "mail.example", Port: 465, TLS: true},
		"smtp://ada:p%40ss%3Aword@[::1]:25":         {Host: "::1", Port: 25, User: "ada", Password: "p@ss:word"},
		"smtps://ada%40example.org@localhost:10465": {Host: "localhost", Port: 10465, TLS: true, User: "ada@example.org"},
	} {
		c := config.Config{SMTPURL: config.Secret(text)}
		if got, err := c.SMTP(); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestAWrongMailServerIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"http://ada:canary@mail.example":      "must begin with smtp",
		"smtp://ada:canary@":                  "must name a host",
		"smtp://ada:canary@mail.example/x":    "must end after",
		"smtp://ada:canary@mail.example:0":    "must have a port",
		"smtp://ada:canary@mail.example:port": "must be the address",
		"smtp://ada:cana%ry@mail.example":     "must be the address",
	} {
		c := parse(t)
		c.SMTPURL, c.BaseURL = config.Secret(text), "https://forum.example"
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), "CODEX_SMTP_URL "+says) || strings.Contains(err.Error(), "cana") {
			t.Errorf("%s: %v, want that it %s", text, err, says)
		}
	}
}

func TestLettersNeedAnAddressForTheirLinks(t *testing.T) {
	t.Parallel()
	c := parse(t)
	c.SMTPURL = "smtp://localhost"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "needs CODEX_BASE_URL") {
		t.Errorf("without a base URL: %v", err)
	}
	c = parse(t, "--smtp-url", "smtp://localhost", "--base-url", "https://forum.example:444")
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if from, err := c.Sender(); err != nil || from != "noreply@forum.example" {
		t.Errorf("letters come from %q, %v", from, err)
	}
	for _, from := range []string{"nobody", "The Forum <forum@forum.example>", "a@b.example\r\nBcc: c@d.example"} {
		c.MailFrom = from
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "CODEX_MAIL_FROM") {
			t.Errorf("letters from %q: %v", from, err)
		}
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	c := parse(t, "--smtp-url", "smtp://ada:canary@mail.example", "--base-url", "https://forum.example")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("configuration", "smtp", c.SMTPURL, "all", c)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{log.String(), string(text), fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %q %v", c, c, c.SMTPURL, c.SMTPURL, &c)} {
		if strings.Contains(printed, "canary") || !strings.Contains(printed, "***") {
			t.Errorf("printed as %s", printed)
		}
	}
}
