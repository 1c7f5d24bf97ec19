// Package app wires the forum together: Open, Run, Close. It is the wiring and nothing else.
//
// An App is used by one goroutine; what it runs is not. Run returns when its context ends and everything that was
// running has finished (shutdown.go).
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/jobs"
	"codex/app/middleware"
	"codex/app/notify"
	"codex/app/outbound"
	"codex/app/web"
	"codex/app/webhooks"
	"codex/db"
)

// Options are what an App is made of.
type Options struct {
	Config     *config.Config
	Log        *slog.Logger
	Migrations fs.FS // of the main database
	Static     fs.FS
	Version    string
	Migrate    bool              // apply what is pending
	Applied    func(name string) // for each migration; may be nil
	Snapshot   func(path string)
	Now        func() time.Time // the clock of the limits and of what pages say; nil: time.Now
	Outbound   outbound.Options // the zero value but for tests
}

// App is a forum that is open.
type App struct {
	config *config.Config
	log    *slog.Logger
	site   *Site
	setup  *auth.Setup
	gate   *middleware.Gate
	hub    *hub.Hub
	bridge *bridge.Bridge
	jobs   *jobs.Runner
	server *http.Server
	listen net.Listener

	requests context.Context // what requests inherit: it ends at the hard deadline, not at the signal
	cut      context.CancelFunc
}

// Open takes the address, opens the data directory and makes everything ready. The address comes first, so that a
// second start by mistake writes nothing.
func Open(ctx context.Context, o Options) (*App, error) {
	listen, err := net.Listen("tcp", o.Config.Addr)
	if err != nil {
		return nil, &Refused{Reason: fmt.Sprintf("cannot listen on %s", o.Config.Addr), Err: err}
	}
	a := &App{config: o.Config, log: o.Log, gate: middleware.NewGate(), setup: new(auth.Setup), listen: listen}
	a.requests, a.cut = context.WithCancel(context.WithoutCancel(ctx))
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	return a, nil
}

func (a *App) open(ctx context.Context, o Options) error {
	var err error
	a.site, err = OpenSite(ctx, SiteOptions{Dir: o.Config.Data, Migrations: o.Migrations, Alone: true, Migrate: o.Migrate, Applied: o.Applied, Snapshot: o.Snapshot})
	if err != nil {
		return err
	}
	if err := a.site.begin(); err != nil {
		return err
	}
	name, err := a.site.DB.Setting(ctx, db.SettingSiteName, "Codex")
	if err != nil {
		return err
	}
	a.hub = hub.New(hub.Options{})
	if a.bridge, err = bridge.New(ctx, a.site.DB, a.hub, o.Log); err != nil {
		return err
	}
	kinds := map[string]jobs.Do{}
	if o.Config.MailOn() {
		mailer, err := notify.New(notify.Options{DB: a.site.DB, Config: o.Config, Site: name, Token: auth.NewToken})
		if err != nil {
			return err
		}
		for kind, do := range mailer.Kinds() {
			kinds[kind] = do
		}
	}
	client := outbound.New(o.Outbound)
	if o.Config.BaseURL != "" { // what receivers are told are addresses
		kinds[db.JobWebhook] = webhooks.New(webhooks.Options{DB: a.site.DB, Client: client, Log: o.Log, Base: o.Config.BaseURL}).Do
	}
	a.jobs = jobs.New(ctx, a.site.DB, o.Log, jobs.Options{Kinds: kinds})
	handler, err := web.New(web.Options{
		Hub: a.hub, Bridge: a.bridge, Outbound: client,
		DB: a.site.DB, Config: o.Config, Static: o.Static, Log: o.Log, Gate: a.gate, Setup: a.setup, Site: name, Version: o.Version, Now: o.Now,
	})
	if err != nil {
		return err
	}
	a.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return a.requests },
	}
	return nil
}

// DB is the forum's database.
func (a *App) DB() *db.DB { return a.site.DB }

// Addr is the address that the server listens on.
func (a *App) Addr() string { return a.listen.Addr().String() }

// SetupToken makes the token that makes the first administrator, or answers "" when there is one.
func (a *App) SetupToken(ctx context.Context) (string, error) {
	has, err := a.site.DB.HasAdmin(ctx)
	if err != nil || has {
		return "", err
	}
	return a.setup.Issue(), nil
}

// Run serves until ctx ends, and then stops in order. The end of force, or of the budget, cuts short what still runs.
func (a *App) Run(ctx, force context.Context) error {
	work, stopWork := context.WithCancel(a.requests)
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		a.keepHouse(work)
	}()
	carried := make(chan struct{})
	go func() {
		defer close(carried)
		a.bridge.Run(work)
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.jobs.Run(work)
	}()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(a.listen) }()

	var err error
	select {
	case err = <-served: // it never ends by itself but for an error of the listener
		err = fmt.Errorf("serve on %s: %w", a.Addr(), err)
	case <-ctx.Done():
		err = a.stop(force)
	}
	stopWork()
	<-worked
	<-carried
	<-done
	return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
}

// Close lets go of everything that Open took. After Run it does nothing.
func (a *App) Close(ctx context.Context) error {
	var err error
	if a.server != nil {
		err = a.server.Close()
		a.hub.Close() // the streams are none of the server's connections
	}
	a.cut()
	if a.jobs != nil {
		a.drainJobs(ctx)
	}
	if e := a.listen.Close(); !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	if a.site == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	site := a.site
	a.site = nil
	if e := site.Close(ctx); e != nil {
		return errors.Join(err, e)
	}
	return errors.Join(err, site.end())
}
