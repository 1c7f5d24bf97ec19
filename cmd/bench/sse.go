package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"codex/app/hub"
)

// sseCmd measures the streams of open pages. The readers are in this process and the forum in another, on the same cores.
type sseCmd struct {
	Connections []int   `default:"1000,10000" help:"Streams of one post that are open at once."`
	Comments    int     `default:"40" help:"Comments whose way to the readers is timed, for each number of connections."`
	Minutes     float64 `default:"1" help:"How long the last ones hear a comment a second while pages are asked for."`
	Cpuprofile  string  `placeholder:"FILE" help:"Write where the forum's time goes while the last ones are told of comments."`
	Memprofile  string  `placeholder:"FILE" help:"With --cpuprofile: also write what the forum's memory holds then."`
}

// Pages are asked for beside the streams at an even pace: a load that takes what it can get would measure how the cores
// are shared, and not how long a visitor waits.
const (
	ssePages = 4
	ssePace  = 40 * time.Millisecond // between two pages of one of them
)

type sseBench struct {
	sseCmd
	binary, temp               string
	server                     *child
	cookie                     string
	post                       string // the path of its actions
	topic                      string
	page                       string
	comments                   int
	none                       []time.Duration // how long a comment takes when nobody listens
	noneBeside                 []time.Duration // the same beside pages
	nonePages                  []time.Duration
	idle                       sseFigures
	figures                    []sseFigures
	goroutines                 float64 // of a connection
	topics                     float64 // publishes a second into so many topics
	rssFirst, rssLast, rssMost int64
	beside                     []time.Duration
	trafficDelays              []time.Duration
	trafficPosts               []time.Duration
}

// sseFigures is what was seen with a number of connections.
type sseFigures struct {
	connections         int
	opened              time.Duration
	resident            int64              // bytes a connection
	sent, answered      [3][]time.Duration // by comment: until 50 %, 99 % and all of them have it, since it was sent and since it was answered
	single              []time.Duration    // of all readers and comments, since the answer
	singleSent          []time.Duration
	posts               []time.Duration
	cpu                 time.Duration // of the forum, for a comment to one reader
	lost, doubled, gone int64
}

func (c *sseCmd) Run(ctx context.Context) error {
	root, err := repository()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "codex-bench-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	b := &sseBench{sseCmd: *c, binary: filepath.Join(temp, "codex"), temp: temp}
	if err := b.fits(); err != nil {
		return err
	}
	load := loadAverage()
	say("building the program")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "sqlite_fts5", "-o", b.binary, "./cmd/codex")
	build.Dir = root
	if _, err := quiet(build); err != nil {
		return err
	}
	defer func() {
		if b.server != nil {
			_ = b.server.stop()
		}
	}()
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.report(os.Stdout, load)
}

// fits says whether a process may have so many files open; the runtime has raised the limit to the most already.
func (b *sseBench) fits() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	if most := slices.Max(b.Connections); uint64(most)+200 > uint64(limit.Max) {
		return fmt.Errorf("%d connections are more than the %d open files that this process may have (ulimit -Hn)", most, limit.Max)
	}
	return nil
}

func (b *sseBench) measure(ctx context.Context) error {
	b.topics = publishes()
	add := command(ctx, b.binary, "user", "add", memberHandle, "--email", "bench@example.org", "--data", b.data())
	add.Stdin = strings.NewReader(memberPassword + "\n")
	if _, err := quiet(add); err != nil {
		return err
	}
	if err := b.start(ctx, false); err != nil {
		return err
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	say("nobody listens")
	if err := b.nobody(ctx); err != nil {
		return err
	}
	say("a few listen")
	var err error
	if b.idle, err = b.hear(ctx, 10, 5*b.Comments, 20*time.Millisecond, nil); err != nil {
		return err
	}
	for i, n := range b.Connections {
		if err := b.server.stop(); err != nil { // what a connection costs is measured on a fresh one
			return err
		}
		last := i == len(b.Connections)-1
		if err := b.start(ctx, last && b.Cpuprofile != ""); err != nil {
			return err
		}
		say("%d listen", n)
		after := func(*readers) error { return nil }
		if last {
			after = func(rs *readers) error { return b.traffic(ctx, rs) }
		}
		f, err := b.hear(ctx, n, b.Comments, 0, after)
		if err != nil {
			return err
		}
		b.figures = append(b.figures, f)
	}
	return nil
}

func (b *sseBench) data() string { return filepath.Join(b.temp, "data") }

// start starts the program, or the same from this one with a profile.
func (b *sseBench) start(ctx context.Context, profiled bool) (err error) {
	if !profiled {
		b.server, _, err = startServer(ctx, b.binary, b.data())
		return err
	}
	b.server, err = startProfiled(ctx, b.data(), b.Cpuprofile, b.Memprofile)
	return err
}

// settle makes a channel and a post.
func (b *sseBench) settle(ctx context.Context) error {
	var err error
	if b.cookie, err = signIn(ctx, b.server.addr, nil); err != nil {
		return err
	}
	if _, err = post(ctx, b.server.addr, "/c", b.cookie, url.Values{"slug": {"room"}, "name": {"Room"}, "description": {"A room"}}); err != nil {
		return err
	}
	res, err := post(ctx, b.server.addr, "/c/room/posts", b.cookie, url.Values{"title": {"What everybody reads"}, "body": {"A text."}})
	if err != nil {
		return err
	}
	b.page = res.Header.Get("Location")
	parts := strings.Split(b.page, "/")
	if res.StatusCode != http.StatusSeeOther || len(parts) < 3 {
		return fmt.Errorf("write a post: the answer is %s", res.Status)
	}
	b.post, b.topic = "/p/"+parts[2]+"/comments", "/events?topic=post:"+parts[2]
	return nil
}

// write sends the next comment.
func (b *sseBench) write(ctx context.Context, rs *readers) (*round, error) {
	b.comments++
	r := rs.begin(b.comments)
	form := url.Values{"body": {fmt.Sprintf("%s%06d. I have had the same thing with a *much* older frame, and what helped was patience.\n\n- clean it first\n- then wait", marker, r.n)}}
	r.sent = time.Now()
	res, err := post(ctx, b.server.addr, b.post, b.cookie, form)
	r.answered = time.Now()
	if err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("write a comment: the answer is %s", res.Status)
	}
	return r, err
}

func (b *sseBench) nobody(ctx context.Context) error {
	none := new(readers)
	for range 3 * b.Comments {
		r, err := b.write(ctx, none)
		if err != nil {
			return err
		}
		b.none = append(b.none, r.answered.Sub(r.sent))
		time.Sleep(20 * time.Millisecond)
	}
	b.none = b.none[b.Comments:] // the first ones warm it up
	var pages, writes error
	var both sync.WaitGroup
	both.Go(func() { b.nonePages, pages = b.pages(ctx, 5*time.Second) })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && writes == nil; time.Sleep(100 * time.Millisecond) {
		var r *round
		if r, writes = b.write(ctx, none); writes == nil {
			b.noneBeside = append(b.noneBeside, r.answered.Sub(r.sent))
		}
	}
	both.Wait()
	return errors.Join(pages, writes)
}

// pages are those that guests look at meanwhile: how long each took.
func (b *sseBench) pages(ctx context.Context, span time.Duration) ([]time.Duration, error) {
	took, errs := make([][]time.Duration, ssePages), make([]error, ssePages)
	var wg sync.WaitGroup
	for i := range ssePages {
		wg.Go(func() {
			for next, end := time.Now(), time.Now().Add(span); next.Before(end) && errs[i] == nil && ctx.Err() == nil; next = next.Add(ssePace) {
				time.Sleep(time.Until(next)) // a late answer does not spare the forum the next page
				_, errs[i] = record(ctx, b.server.addr, answerKey{b.page, "", asBrowser})
				took[i] = append(took[i], time.Since(next))
			}
		})
	}
	wg.Wait()
	return slices.Concat(took...), errors.Join(append(errs, ctx.Err())...)
}

// hear opens n streams and times the way of comments to them, one at a time.
func (b *sseBench) hear(ctx context.Context, n, comments int, pause time.Duration, after func(*readers) error) (f sseFigures, err error) {
	f.connections = n
	if err := b.warm(ctx); err != nil {
		return f, err
	}
	before, _ := memory(b.server.cmd.Process.Pid)
	began := time.Now()
	rs, err := listen(ctx, b.server.addr, b.topic, b.cookie, n)
	if err != nil {
		return f, err
	}
	defer rs.close()
	f.opened = time.Since(began)
	time.Sleep(2 * time.Second)
	now, _ := memory(b.server.cmd.Process.Pid)
	f.resident = (now - before) / int64(n)
	var used time.Duration
	for i := range comments + 3 {
		if i == 3 {
			used = cpuTime(b.server.cmd.Process.Pid)
		}
		r, err := b.write(ctx, rs)
		if err != nil {
			return f, err
		}
		if err := rs.end(ctx, r); err != nil {
			return f, err
		}
		if i >= 3 { // the first ones warm it up
			f.add(r)
		}
		time.Sleep(pause)
	}
	f.cpu = (cpuTime(b.server.cmd.Process.Pid) - used) / time.Duration(comments*n)
	if after != nil {
		if err := after(rs); err != nil {
			return f, err
		}
	}
	f.lost, f.doubled, f.gone = rs.lost.Load(), rs.doubled.Load(), rs.broken.Load()
	return f, nil
}

func (f *sseFigures) add(r *round) {
	f.posts = append(f.posts, r.answered.Sub(r.sent))
	for _, of := range []struct {
		since time.Time
		into  *[3][]time.Duration
		all   *[]time.Duration
	}{{r.sent, &f.sent, &f.singleSent}, {r.answered, &f.answered, &f.single}} {
		list := r.delays(of.since)
		*of.all = append(*of.all, list...)
		for i, q := range []float64{0.5, 0.99, 1} {
			of.into[i] = append(of.into[i], quantile(list, q))
		}
	}
}

// warm lets the forum do once what is not of the streams.
func (b *sseBench) warm(ctx context.Context) error {
	for range 5 {
		if _, err := b.write(ctx, new(readers)); err != nil {
			return err
		}
		if _, err := record(ctx, b.server.addr, answerKey{b.page, "", asBrowser}); err != nil {
			return err
		}
	}
	return nil
}

// traffic is a comment a second, and pages, for some minutes; then what runs in the server is counted, which ends it.
func (b *sseBench) traffic(ctx context.Context, rs *readers) error {
	pid := b.server.cmd.Process.Pid
	span := time.Duration(b.Minutes * float64(time.Minute))
	say("traffic for %v", span)
	if b.Cpuprofile != "" {
		if err := b.server.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	b.rssFirst, _ = memory(pid)
	var beside error
	var both sync.WaitGroup
	both.Go(func() { b.beside, beside = b.pages(ctx, span) })
	for end := time.Now().Add(span); time.Now().Before(end) && ctx.Err() == nil; {
		next := time.Now().Add(time.Second)
		r, err := b.write(ctx, rs)
		if err == nil {
			err = rs.end(ctx, r)
		}
		if err != nil {
			return err
		}
		b.trafficDelays = append(b.trafficDelays, r.delays(r.answered)...)
		b.trafficPosts = append(b.trafficPosts, r.answered.Sub(r.sent))
		b.rssLast, _ = memory(pid)
		b.rssMost = max(b.rssMost, b.rssLast)
		time.Sleep(time.Until(next))
	}
	both.Wait()
	if err := errors.Join(beside, ctx.Err()); err != nil {
		return err
	}
	if b.Cpuprofile != "" {
		if err := b.server.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		time.Sleep(2 * time.Second)
	}
	return b.countGoroutines(rs)
}

// countGoroutines lets the runtime end the process with the stacks of all goroutines, and counts these. So the forum
// needs no door through which they can be asked for.
func (b *sseBench) countGoroutines(rs *readers) error {
	rs.over.Store(true)
	if err := b.server.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("count goroutines: %w", err)
	}
	<-b.server.done
	b.server.asked = true
	b.goroutines = float64(b.server.stderr.goroutines) / float64(len(rs.all))
	return nil
}

// publishes is how many events a second one publisher puts into 10,000 topics in turn, while their readers take them.
func publishes() float64 {
	const topics, n = 10_000, 2_000_000
	h := hub.New(hub.Options{})
	defer h.Close()
	names := make([]string, topics)
	var heard atomic.Int64
	for i := range names {
		names[i] = fmt.Sprint("post:", i)
		sub, err := h.Subscribe(names[i])
		if err != nil {
			return 0
		}
		go func() { // ends with the hub
			for range sub.C() {
				heard.Add(1)
			}
		}()
	}
	began := time.Now()
	for i := range n {
		h.Publish(hub.Event{Topic: names[i%topics], Kind: "comment", ID: int64(i)})
	}
	for heard.Load() < n && h.Stats().Behind == 0 {
		time.Sleep(time.Millisecond)
	}
	return n / time.Since(began).Seconds()
}

func (b *sseBench) report(w io.Writer, load string) error {
	p := &printer{w: w}
	p.f("Measured on %s; load average before: %s. The forum and the readers, which are a process of their own, share the cores.\nEach second reader is a member. A comment's way is timed from the answer of its POST (in brackets: from its sending) until the\nreader has the whole event.\n\n", machine(), load)
	p.f("| streams open | opened a second | resident each | comments | 50 %% of readers have it | 99 %% | all | worst comment, all | lost | doubled |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, f := range append([]sseFigures{b.idle}, b.figures...) {
		resident := ""
		if f.connections >= 100 { // fewer are lost in what the rest of the program takes and gives back
			resident = fmt.Sprintf("%.1f KiB", float64(f.resident)/1024)
		}
		p.f("| %s | %s | %s | %d |", count(float64(f.connections)), count(float64(f.connections)/f.opened.Seconds()), resident, len(f.posts))
		for i := range 3 {
			p.f(" %s (%s) |", ms(median(f.answered[i])), ms(median(f.sent[i])))
		}
		p.f(" %s | %d | %d |\n", ms(slices.Max(f.answered[2])), f.lost, f.doubled)
		if f.gone > 0 {
			p.f("\n%d connections broke.\n", f.gone)
		}
	}
	last := &b.figures[len(b.figures)-1]
	p.f("\n| | |\n|---|---:|\n")
	p.f("| %d streams, idle: a comment seen by another (%d times) | p50 %s, p99 %s after its answer; p99 %s after it was sent |\n", b.idle.connections, len(b.idle.single), ms(quantile(b.idle.single, 0.5)), ms(quantile(b.idle.single, 0.99)), ms(quantile(b.idle.singleSent, 0.99)))
	p.f("| %s streams: a comment seen by another (%s times) | p50 %s, p99 %s after its answer; p99 %s after it was sent |\n", count(float64(last.connections)), count(float64(len(last.single))), ms(quantile(last.single, 0.5)), ms(quantile(last.single, 0.99)), ms(quantile(last.singleSent, 0.99)))
	p.f("| goroutines of a connection | %.2f |\n", b.goroutines)
	p.f("| processor time of the forum for a comment to one of %s | %d µs |\n", count(float64(last.connections)), last.cpu.Microseconds())
	p.f("| a comment is answered: nobody listens | p50 %s, p99 %s |\n", ms(quantile(b.none, 0.5)), ms(quantile(b.none, 0.99)))
	p.f("| a comment is answered: %s listen | p50 %s, p99 %s: %.2f × |\n", count(float64(last.connections)), ms(quantile(last.posts, 0.5)), ms(quantile(last.posts, 0.99)), float64(quantile(last.posts, 0.5))/float64(quantile(b.none, 0.5)))
	rate := float64(ssePages) / ssePace.Seconds()
	p.f("| %.0f pages a second: nobody listens, ten comments a second | p50 %s, p99 %s |\n", rate, ms(quantile(b.nonePages, 0.5)), ms(quantile(b.nonePages, 0.99)))
	p.f("| %.0f pages a second beside %s streams and a comment a second | p50 %s, p99 %s |\n", rate, count(float64(last.connections)), ms(quantile(b.beside, 0.5)), ms(quantile(b.beside, 0.99)))
	p.f("| the comments meanwhile: seen by another (%s times) | p50 %s, p99 %s; answered in p50 %s (beside pages, when nobody listens: %s) |\n", count(float64(len(b.trafficDelays))), ms(quantile(b.trafficDelays, 0.5)), ms(quantile(b.trafficDelays, 0.99)), ms(quantile(b.trafficPosts, 0.5)), ms(quantile(b.noneBeside, 0.5)))
	p.f("| memory of the forum over these %.1f minutes | %s at first, %s at last, %s at most |\n", b.Minutes, size(b.rssFirst), size(b.rssLast), size(b.rssMost))
	p.f("| the hub alone: events into 10,000 topics with a reader each | %s/s |\n", count(b.topics))
	return p.err
}
