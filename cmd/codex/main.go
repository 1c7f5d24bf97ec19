// Command codex runs a community forum, and everything that its owner does to it from the command line.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage. Errors go to standard error as one plain sentence.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"codex"
)

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the forum."`
	Migrate migrateCmd `cmd:"" help:"Apply or list the migrations of the database."`
	Import  importCmd  `cmd:"" help:"Bring another forum's content into this one."`
	User    userCmd    `cmd:"" help:"Add members, change roles and passwords."`
	Backup  backupCmd  `cmd:"" help:"Write the whole site into one file, while it runs."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the site's place."`
	Doctor  doctorCmd  `cmd:"" help:"Look for what is wrong, and say what to do."`
	Version versionCmd `cmd:"" help:"Print what this program is."`
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	force    context.Context // ends with the second signal
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, force, stop := signals()
	defer stop()
	var c cli
	parser, err := kong.New(&c, kong.Name("codex"), kong.Description("A community forum in one program."), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "codex:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(&console{os.Stdin, os.Stdout, os.Stderr, force})
	if err := command.Run(); err != nil {
		var usage *wrongUsage
		fmt.Fprintln(os.Stderr, "codex:", err)
		if errors.As(err, &usage) {
			return 2
		}
		return 1
	}
	return 0
}

// signals gives two contexts: the first signal ends one, the second the other.
func signals() (ctx, force context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	force, cut := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for _, end := range []context.CancelFunc{cancel, cut} {
			select {
			case <-ch:
				end()
			case <-done:
				return
			}
		}
	}()
	return ctx, force, func() { signal.Stop(ch); close(done); cancel(); cut() }
}

// wrongUsage is an error in how a command was called.
type wrongUsage struct{ text string }

func (e *wrongUsage) Error() string { return e.text }

// migrations are the steps of the main database.
func migrations() fs.FS {
	files, err := fs.Sub(codex.Migrations, "migrations/main")
	if err != nil {
		panic(err) // the embed directive names it
	}
	return files
}

func static() fs.FS {
	files, err := fs.Sub(codex.Static, "static")
	if err != nil {
		panic(err)
	}
	return files
}
