package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestALoadOfSoManyRequestsAsksForNoMore(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	addr := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	r := request(addr, answerKey{"/", "", unpacked})
	got, err := load{addr: addr, pid: os.Getpid(), conns: 3, requests: 50, want: 200, next: func(int, int) []byte { return r }}.run(context.Background())
	if n := asked.Load(); err != nil || n != 50 || got.rate <= 0 {
		t.Errorf("asked %d times: %+v, %v", n, got, err)
	}
}

func TestTheRatioIsTheMedianOfTheRounds(t *testing.T) {
	t.Parallel()
	us := time.Microsecond
	k := &compared{name: "home", viewer: "guest", encoding: "packed", bytes: [2]int64{1000, 2000}}
	k.took = [2][]time.Duration{{100 * us, 200 * us, 400 * us, 100 * us, 100 * us}, {110 * us, 200 * us, 480 * us, 105 * us, 500 * us}}
	k.rate = [2][]float64{{1000, 1000, 2000, 1000, 1000}, {900, 900, 2000, 1200, 800}}
	var out bytes.Buffer
	if err := (&compareCmd{}).report(&out, []*compared{k}, "abc", "1"); err != nil {
		t.Fatal(err)
	}
	if want := "| home | guest | packed | 100 µs | 200 µs | 1.100 | 1.050 to 1.200 | 1,000 | 2,000 | 1,000 | 900 | 0.900 | 0.900 to 1.000 |"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, &out)
	}
}

func TestACommitIsLaidOutWithoutATraceInTheRepository(t *testing.T) {
	t.Parallel()
	root, temp := t.TempDir(), t.TempDir()
	git := func(args ...string) string {
		out, err := quietIn(root, args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "a"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write("then")
	git("add", "a")
	git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a")
	write("now")
	before := git("status", "--porcelain")
	commit, err := checkOut(context.Background(), root, temp, "HEAD")
	if err != nil || !strings.HasPrefix(git("rev-parse", "HEAD"), commit) || commit == "" {
		t.Errorf("commit %q, %v", commit, err)
	}
	if text, err := os.ReadFile(filepath.Join(temp, "tree", "a")); err != nil || string(text) != "then" {
		t.Errorf("%q, %v", text, err)
	}
	if after := git("status", "--porcelain"); after != before || strings.Count(git("worktree", "list"), "\n") != 1 {
		t.Errorf("the repository has changed: %q", after)
	}
	if _, err := checkOut(context.Background(), root, temp, "--no-such"); err == nil {
		t.Error("an unknown commit is laid out")
	}
}

func quietIn(dir string, args ...string) (string, error) {
	git := exec.Command("git", args...)
	git.Dir = dir
	return quiet(git)
}
