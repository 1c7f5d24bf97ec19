package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"codex"
	"codex/app"
	"codex/app/config"
)

// serveCmd is the forum as the program serves it, in a process that writes a profile: SIGUSR1 begins it, and ends it.
type serveCmd struct {
	Data       string `required:""`
	Cpuprofile string `required:""`
	Memprofile string
}

func (c *serveCmd) Run(ctx context.Context) error {
	debug.SetGCPercent(300) // as codex serve begins; it lets less garbage lie when much is alive
	files, err := migrations()
	if err != nil {
		return err
	}
	static, err := fs.Sub(codex.Static, "static")
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, app.Options{
		Config: &config.Config{Addr: "127.0.0.1:0", Data: c.Data, RateLimits: "off", LogLevel: "warn", RequestTimeout: 10 * time.Second, ShutdownTimeout: 10 * time.Second},
		Log:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Migrations: files, Static: static, Version: "bench", Migrate: true,
	})
	if err != nil {
		return err
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	profiled := make(chan error, 1)
	go func() { profiled <- c.profile(ctx, asked) }()
	fmt.Printf("Codex is at  http://%s\n", a.Addr())
	return errors.Join(a.Run(ctx, context.Background()), <-profiled)
}

func (c *serveCmd) profile(ctx context.Context, asked <-chan os.Signal) error {
	for _, do := range []func() error{c.begin, c.end} {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
		}
		if err := do(); err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
	}
	return nil
}

func (c *serveCmd) begin() error {
	out, err := os.Create(c.Cpuprofile)
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(out) // the file is closed by the end of the process
}

func (c *serveCmd) end() error {
	pprof.StopCPUProfile()
	if c.Memprofile == "" {
		return nil
	}
	out, err := os.Create(c.Memprofile)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(out, 0), out.Close())
}

// startProfiled starts this program again as the forum.
func startProfiled(ctx context.Context, data, cpu, mem string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the forum: %w", err)
	}
	c, err := spawn(command(ctx, self, "serve", "--data", data, "--cpuprofile", cpu, "--memprofile", mem), codexAddress)
	if err != nil {
		return nil, err
	}
	c.addr = net.JoinHostPort("127.0.0.1", c.addr)
	for !ready(ctx, c.addr) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return c, ctx.Err()
}
