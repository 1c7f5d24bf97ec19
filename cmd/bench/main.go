// Command bench measures the forum and prints a Markdown table: pages against a ceiling, comments written, the import,
// memory, the start. It is for development and for the README's figures; it is no part of the forum, and it is no
// test: figures of a busy machine are worth little, ratios of one run are worth more.
//
// Everything runs on loopback and in a temporary folder. What it starts, it stops; an interrupt stops it all.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type cli struct {
	Site    siteCmd    `cmd:"" default:"withargs" help:"Pages, writes, import, memory, start (the default)."`
	Context contextCmd `cmd:"" help:"What the request's context saves when clients go away."`
	Sse     sseCmd     `cmd:"" help:"The streams of open pages: how soon a comment is seen, and what a connection costs."`
	Serve   serveCmd   `cmd:"" hidden:"" help:"Serve the forum with a profile; the bench starts this itself."`
	Compare compareCmd `cmd:"" help:"What an answer costs here and at another commit, side by side."`
	Ceiling ceilingCmd `cmd:"" hidden:"" help:"Serve recorded answers; the bench starts this itself."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser, err := kong.New(&c, kong.Name("bench"), kong.Description("Measures the forum."), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// siteCmd is the whole measurement.
type siteCmd struct {
	Dumps       string        `placeholder:"DIR" help:"Folder with the dumps; default: ../shared/data/forum beside the repository. Without one a community of that size is made up."`
	Duration    time.Duration `default:"1s" help:"How long each figure is measured, each round."`
	Rounds      int           `default:"3" help:"Rounds; the table shows their medians."`
	Connections int           `default:"32" help:"Connections that are kept open."`
	Cpuprofile  string        `placeholder:"FILE" help:"Measure nothing; run the pages and the writing of comments in this process under the same load and write where the time goes. Labels: page (a comment: comment), viewer."`
	Memprofile  string        `placeholder:"FILE" help:"With --cpuprofile: also write what was allocated."`
}

func (c *siteCmd) Run(ctx context.Context) error {
	if c.Rounds < 1 || c.Connections < 1 || c.Duration <= 0 {
		return fmt.Errorf("--rounds, --connections and --duration must be more than nothing")
	}
	root, err := repository()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "codex-bench-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	b := &bench{siteCmd: *c, root: root, binary: filepath.Join(temp, "codex"), data: filepath.Join(temp, "data")}
	load := loadAverage()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if c.Cpuprofile != "" {
		return b.profile(ctx)
	}
	if err := b.measure(ctx, temp); err != nil {
		return err
	}
	return b.report(os.Stdout, load)
}

// bench is one run and what it has found.
type bench struct {
	siteCmd
	root, binary, data string

	source   string // what the data is
	binSize  int64
	imports  []importFigure
	chosen   chosen
	starts   []time.Duration
	cells    []*cell
	queries  []queryFigure
	writes   writeFigures
	rss, hwm int64 // bytes; 0: not known on this system
}

// measure is the run, in order. Each start of the server is measured; the last one stays for the pages and writes.
func (b *bench) measure(ctx context.Context, temp string) error {
	var server *child
	for n := range startRuns {
		say("start %d of %d", n+1, startRuns)
		s, took, err := startServer(ctx, b.binary, b.data)
		if err != nil {
			return err
		}
		b.starts = append(b.starts, took)
		if n == startRuns-1 {
			server = s
			break
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	defer server.stop()
	cookie, err := signIn(ctx, server.addr, b.chosen.channels)
	if err != nil {
		return err
	}
	if err := b.pages(ctx, server, cookie); err != nil {
		return err
	}
	if err := b.comments(ctx, server.addr, cookie); err != nil {
		return err
	}
	b.rss, b.hwm = memory(server.cmd.Process.Pid)
	if err := server.stop(); err != nil {
		return err
	}
	return b.inProcess(ctx, cookie)
}

const startRuns = 5

// say reports progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}

// repository is the folder of the module, found upwards from where the command runs.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module codex\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("run this inside the repository: no go.mod of codex from here upwards")
		}
		dir = up
	}
}

// printer keeps the first error of many prints.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
