package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// compareCmd measures this tree beside another commit. What it compares is the processor time that the server itself
// uses for an answer: requests a second scatter by a tenth on a machine that does anything else, this by less. Both
// serve for the whole run and are asked in turn, now one first and then the other, and the ratio is taken within each
// round, so that what disturbs the machine for longer than a moment disturbs both sides of a ratio. Many short rounds
// show more than few long ones.
type compareCmd struct {
	Ref         string `arg:"" help:"The commit to compare with."`
	Dumps       string `placeholder:"DIR" help:"Folder with the dumps; default: ../shared/data/forum beside the repository."`
	Rounds      int    `default:"60" help:"Rounds; the table shows medians and quartiles."`
	Requests    int    `default:"200" help:"Requests of each kind to each side, each round."`
	Connections int    `default:"4" help:"Connections that are kept open."`
	Only        string `placeholder:"TEXT" help:"Measure only what has this in its name, such as 'home', 'member' or 'comment'."`
}

func (c *compareCmd) Run(ctx context.Context) error {
	if c.Rounds < 1 || c.Requests < 1 || c.Connections < 1 {
		return fmt.Errorf("--rounds, --requests and --connections must be more than nothing")
	}
	root, err := repository()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "codex-compare-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	load := loadAverage()
	commit, err := checkOut(ctx, root, temp, c.Ref)
	if err != nil {
		return err
	}
	then, now := &side{name: "then", tree: filepath.Join(temp, "tree")}, &side{name: "now", tree: root}
	for _, s := range []*side{then, now} {
		s.bench = bench{siteCmd: siteCmd{Dumps: c.Dumps}, root: root, binary: filepath.Join(temp, s.name, "codex"), data: filepath.Join(temp, s.name, "data")}
		defer s.stop()
		if err := s.prepare(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := now.openDB(ctx, now.choose); err != nil {
		return err
	}
	then.chosen = now.chosen // both have read the same dumps in the same order, so the ids are the same; what is not is not found
	for _, s := range []*side{then, now} {
		if err := s.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	lines, err := c.measure(ctx, then, now)
	if err != nil {
		return err
	}
	return errors.Join(then.stop(), now.stop(), c.report(os.Stdout, lines, commit, load))
}

// checkOut lays the files of a commit into temp/tree. No git worktree: that would leave its entry in the repository
// when the bench is killed.
func checkOut(ctx context.Context, root, temp, ref string) (commit string, err error) {
	for _, args := range [][]string{
		{"rev-parse", "--short", "--verify", "--end-of-options", ref + "^{commit}"},
		{"read-tree", "--end-of-options", ref},
		{"checkout-index", "--all", "--prefix=" + filepath.Join(temp, "tree") + "/"},
	} {
		git := exec.CommandContext(ctx, "git", args...)
		git.Dir, git.Env = root, append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(temp, "index"))
		out, err := quiet(git)
		if err != nil {
			return "", err
		}
		if commit == "" {
			commit = strings.TrimSpace(out)
		}
	}
	return commit, nil
}

// side is one of the two that are compared.
type side struct {
	bench
	name, tree string
	server     *child
	cookie     string
}

// prepare builds the program of a tree and lets it fill its own data directory: the two have not the same schema.
func (s *side) prepare(ctx context.Context) error {
	if err := s.build(ctx, s.tree); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	if len(s.imports) == 0 || s.source == madeUp {
		return fmt.Errorf("there are no dumps; a community that this commit makes up, an older one cannot read")
	}
	return s.addMember(ctx)
}

func (s *side) start(ctx context.Context) (err error) {
	if s.server, _, err = startServer(ctx, s.binary, s.data); err != nil {
		return err
	}
	if s.chosen.post.path, err = canonical(ctx, s.server.addr, s.chosen.post.path); err != nil {
		return err
	}
	s.cookie, err = signIn(ctx, s.server.addr, s.chosen.channels)
	return err
}

// canonical is where a path leads to: an older commit may cut a title differently for its address.
func canonical(ctx context.Context, addr, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", path, err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("ask for %s: the answer is %s", path, res.Status)
	}
	return res.Request.URL.Path, errors.Join(err, res.Body.Close())
}

func (s *side) stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.stop()
}

// compared is one kind of request and what an answer to it costs, each round.
type compared struct {
	name, viewer, encoding string
	conns, want            int
	next                   [2]func(conn, n int) []byte
	took                   [2][]time.Duration
	rate                   [2][]float64 // answers a second
	bytes                  [2]int64
}

func (c *compareCmd) measure(ctx context.Context, then, now *side) ([]*compared, error) {
	sides := [2]*side{then, now}
	lines := c.kinds(sides)
	for round := -1; round < c.Rounds; round++ {
		requests := c.Requests
		if round < 0 { // what is asked first pays for filling caches, and counts for nothing
			requests = min(requests, 200)
		} else if round%10 == 0 {
			say("round %d of %d", round+1, c.Rounds)
		}
		for n, k := range lines {
			order := []int{0, 1}
			if (round+n)%2 != 0 {
				slices.Reverse(order)
			}
			for _, i := range order {
				server := sides[i].server
				t, err := load{addr: server.addr, pid: server.cmd.Process.Pid, conns: k.conns, requests: requests, want: k.want, next: k.next[i]}.run(ctx)
				if err != nil {
					return nil, fmt.Errorf("%s, %s as %s: %w", sides[i].name, k.name, k.viewer, err)
				}
				if round >= 0 {
					k.took[i], k.rate[i], k.bytes[i] = append(k.took[i], t.server), append(k.rate[i], t.rate), t.bytes
				}
			}
		}
	}
	return lines, nil
}

// kinds are the pages and, last, comments: these change what pages show.
func (c *compareCmd) kinds(sides [2]*side) (lines []*compared) {
	pages := [2][]*cell{}
	for i, s := range sides {
		pages[i] = s.cellsOf(s.server.addr, s.cookie, unpacked, asBrowser)
	}
	for n, p := range pages[0] {
		k := &compared{name: p.page, viewer: p.viewer, encoding: "not packed", conns: c.Connections, want: 200}
		if p.encoding == asBrowser {
			k.encoding = "packed"
		}
		for i := range sides {
			k.next[i] = func(int, int) []byte { return pages[i][n].request }
		}
		lines = append(lines, k)
	}
	write := &compared{name: fmt.Sprintf("comment written, %d writers", writers), viewer: "member", conns: writers, want: 303}
	for i, s := range sides {
		write.next[i] = s.commenting(s.server.addr, s.cookie)
	}
	lines = append(lines, write)
	return slices.DeleteFunc(lines, func(k *compared) bool { return !strings.Contains(k.name+" "+k.viewer+" "+k.encoding, c.Only) })
}

// ratios are those of each round, of then to now, sorted.
func ratios[T time.Duration | float64](of [2][]T) (sorted []float64) {
	for n := range of[0] {
		sorted = append(sorted, float64(of[1][n])/float64(max(of[0][n], 1)))
	}
	slices.Sort(sorted)
	return sorted
}

func (c *compareCmd) report(w io.Writer, lines []*compared, commit, load string) error {
	p := &printer{w: w}
	p.f("Measured on %s; load average before: %s.\n\n", machine(), load)
	p.f("Processor time of the server for one answer, %s and this tree in turn; medians of %d rounds of %d requests over %d connections.\nThe ratio is the median of the rounds' own, with its quartiles. The last columns are answers a second, the server's and the\nload's work together, and their ratio in the same way.\n\n", commit, c.Rounds, c.Requests, c.Connections)
	p.f("| page | viewer | | %s | now | ratio | quartiles | bytes then | now | a second then | now | ratio | quartiles |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", commit)
	for _, k := range lines {
		of, rates := ratios(k.took), ratios(k.rate)
		p.f("| %s | %s | %s | %d µs | %d µs | %.3f | %.3f to %.3f | %s | %s | %s | %s | %.3f | %.3f to %.3f |\n", k.name, k.viewer, k.encoding, median(k.took[0]).Microseconds(), median(k.took[1]).Microseconds(),
			median(of), of[len(of)/4], of[3*len(of)/4], count(float64(k.bytes[0])), count(float64(k.bytes[1])),
			count(median(k.rate[0])), count(median(k.rate[1])), median(rates), rates[len(rates)/4], rates[3*len(rates)/4])
	}
	return p.err
}
