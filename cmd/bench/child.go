package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is a process of ours that serves. It ends with stop, or with the context that it was started under.
type child struct {
	cmd    *exec.Cmd
	addr   string
	done   chan struct{}
	err    error // of the process, once done is closed
	asked  bool
	stderr *tail
	also   io.Closer // closed once the process has ended; may be nil
}

// tail keeps the last 8 KiB of what a process complains about, and counts the goroutines whose stacks are among it. It
// belongs to the goroutine of exec until the process has ended.
type tail struct {
	buf        []byte
	begun      []byte // of a line
	goroutines int
}

func (t *tail) Write(p []byte) (int, error) {
	t.count(p)
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - 8<<10; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

func (t *tail) count(p []byte) {
	for line := range bytes.Lines(p) {
		if t.begun = append(t.begun, line...); line[len(line)-1] == '\n' {
			if bytes.HasPrefix(t.begun, []byte("goroutine ")) {
				t.goroutines++
			}
			t.begun = t.begun[:0]
		}
	}
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	return cmd
}

// quiet runs a command to its end and answers what it wrote; an error holds what it complained about.
func quiet(cmd *exec.Cmd) (string, error) {
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, complaint.String())
	}
	return out.String(), nil
}

// spawn starts a process and waits for the first line of its output that the pattern finds an address in.
func spawn(cmd *exec.Cmd, address *regexp.Regexp) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{}), stderr: new(tail)}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	defer write.Close()
	cmd.Stdout, cmd.Stderr = write, c.stderr
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", cmd.Path, err), read.Close())
	}
	found := make(chan string, 1)
	go func() { // ends with the process, which holds the other end
		defer read.Close()
		for lines := bufio.NewScanner(read); lines.Scan(); {
			if m := address.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, read)
	}()
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	select {
	case c.addr = <-found:
		return c, nil
	case <-c.done:
		return nil, fmt.Errorf("%s ended before it served: %w\n%s", cmd.Path, c.err, c.stderr.buf)
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-c.done
		return nil, fmt.Errorf("%s did not say within a minute where it serves", cmd.Path)
	}
}

// stop ends the process and waits for it; again it does nothing.
func (c *child) stop() error {
	if c.asked {
		return nil
	}
	c.asked = true
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
	if c.also != nil {
		_ = c.also.Close()
	}
	if c.err != nil {
		return fmt.Errorf("stop %s: %w\n%s", c.cmd.Path, c.err, c.stderr.buf)
	}
	return nil
}

var codexAddress = regexp.MustCompile(`Codex is at\s+http://\S+?:(\d+)`)

// startServer starts the forum as an owner would, but for the limits and the log, and answers how long it took from
// the start of the process until it said that it is ready.
func startServer(ctx context.Context, binary, data string) (*child, time.Duration, error) {
	began := time.Now()
	c, err := spawn(command(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--data", data, "--rate-limits", "off", "--log-level", "warn"), codexAddress)
	if err != nil {
		return nil, 0, err
	}
	c.addr = net.JoinHostPort("127.0.0.1", c.addr)
	for {
		if ready(ctx, c.addr) {
			return c, time.Since(began), nil
		}
		if time.Since(began) > time.Minute || ctx.Err() != nil {
			return nil, 0, errors.Join(errors.New("the server is not ready within a minute"), c.stop())
		}
		time.Sleep(time.Millisecond)
	}
}

func ready(ctx context.Context, addr string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// memory reads what the kernel says of a process: resident now, and at most. Zero where there is no /proc.
func memory(pid int) (rss, hwm int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	return kilobytes(text, "VmRSS"), kilobytes(text, "VmHWM")
}

func kilobytes(status []byte, name string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// cpuTime is what a process and its threads have used so far. Zero where there is no /proc. A thread that has ended is
// not in it; those of a Go program do not end while it serves.
func cpuTime(pid int) (used time.Duration) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return cpuTicks(pid)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // ended since the folder was read
		}
		on, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(on, 10, 64)
		used += time.Duration(n)
	}
	return used
}

// cpuTicks is the same in steps of 10 ms, for a kernel without the figures of its scheduler.
func cpuTicks(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
}
