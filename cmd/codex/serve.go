package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"codex/app"
	"codex/app/auth"
	"codex/app/config"
	"codex/app/demo"
	"codex/app/trace"
)

type serveCmd struct {
	config.Config `embed:""`
	Demo          bool `help:"Fill an empty database with a small demonstration community."`
	Migrate       bool `default:"true" negatable:"" help:"Apply migrations that are pending."`
}

func (s *serveCmd) Run(ctx context.Context, c *console) error {
	if err := s.Config.Validate(); err != nil {
		return &wrongUsage{err.Error()}
	}
	if os.Getenv("GOGC") == "" {
		ctx, stop := context.WithCancel(ctx)
		paced := make(chan struct{})
		go func() {
			defer close(paced)
			pace(ctx)
		}()
		defer func() { stop(); <-paced }()
	}
	log := slog.New(trace.LogHandler(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: s.Config.Level()})))
	a, err := app.Open(ctx, app.Options{
		Config: &s.Config, Log: log, Migrations: migrations(), Static: static(), Version: version, Migrate: s.Migrate,
		Applied:  func(name string) { fmt.Fprintln(c.out, "✓ Successfully applied migration: migrations/main/"+name) },
		Snapshot: func(path string) { fmt.Fprintln(c.out, "A copy of the database as it was before is", path) },
	})
	if err != nil {
		return err
	}
	if err := s.greet(ctx, c, a); err != nil {
		if ctx.Err() != nil { // asked to stop before it had begun, which is no failure
			err = nil
		}
		return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	return a.Run(ctx, c.force)
}

// greet fills a demonstration, and says where to go and how to get in.
func (s *serveCmd) greet(ctx context.Context, c *console, a *app.App) error {
	var signIns []demo.SignIn
	if s.Demo {
		hash, err := auth.NewHasher().Hash(ctx, demo.Password)
		if err != nil {
			return err
		}
		signIns, err = demo.Load(ctx, a.DB(), time.Now(), hash)
		if errors.Is(err, demo.ErrNotEmpty) {
			fmt.Fprintln(c.out, "There is a forum here already, so the demonstration was left out.")
		} else if err != nil {
			return err
		}
	}
	address := s.BaseURL
	if address == "" {
		address = "http://" + readable(a.Addr())
	}
	fmt.Fprintf(c.out, "\n  Codex is at  %s\n", address)
	for _, in := range signIns {
		fmt.Fprintf(c.out, "  Sign in as   %-10s password %s   (%s)\n", in.Handle, demo.Password, in.Role)
	}
	if len(signIns) > 0 && s.exposed(a.Addr()) {
		fmt.Fprintf(c.err, "\n  WARNING: others can reach this address, and everybody knows the password of these accounts, the\n"+
			"  administrator's too. Change them now (codex user password HANDLE), or serve on 127.0.0.1.\n\n")
	}
	token, err := a.SetupToken(ctx)
	if err != nil {
		return err
	}
	if token != "" {
		fmt.Fprintf(c.out, "  No administrator yet: join at %s/register with the setup token\n\n      %s\n", strings.TrimSuffix(address, "/"), token)
	}
	_, err = fmt.Fprintln(c.out)
	return err
}

// exposed reports that others than this machine's own people may reach the forum: it listens on more than loopback, or
// a proxy hands it on under a name.
func (s *serveCmd) exposed(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	base, baseErr := url.Parse(s.BaseURL)
	return err != nil || baseErr != nil || !loopback(host) || s.BaseURL != "" && !loopback(base.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readable is the address as a person types it.
func readable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
