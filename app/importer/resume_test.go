package importer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"codex/app/importer"
	"codex/db"
	"codex/db/dbtest"
)

// TestMain lets the test binary be the process that is killed: with CODEX_TEST_IMPORT set it imports and nothing else.
func TestMain(m *testing.M) {
	if args := os.Getenv("CODEX_TEST_IMPORT"); args != "" {
		importAndDie(strings.Split(args, "\n"))
	}
	os.Exit(m.Run())
}

// importAndDie imports into args[0] from args[1] and kills itself, as kill -9 does, when it has read args[2] rows; 0: never.
func importAndDie(args []string) {
	last, err := strconv.Atoi(args[2])
	if err == nil {
		rows := 0
		_, err = importInto(context.Background(), args[0], args[1], smallSite, func() {
			if rows++; rows == last {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// dieAfter runs the import in a process of its own. It answers whether the import came to its end.
func dieAfter(t *testing.T, path, dir string, rows int, kill time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CODEX_TEST_IMPORT="+path+"\n"+dir+"\n"+strconv.Itoa(rows))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if kill > 0 {
		timer := time.AfterFunc(kill, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return false // by the signal
	}
	if err != nil {
		t.Fatalf("the import failed: %v\n%s", err, stderr.String())
	}
	return true
}

const smallSite = "https://bicycles.meta.stackexchange.com"

var rowID = regexp.MustCompile(`\b(?:Id|PostId)="(-?\d+)"`)

// smallDump cuts the beginning out of a real dump: its first posts and what belongs to them. Some of its authors,
// parents and targets are not in it, as in every cut.
func smallDump(t *testing.T) string {
	t.Helper()
	from, to := forum(t, "bicycles-meta-stackexchange"), t.TempDir()
	for file, last := range map[string]int{
		importer.FileUsers: 160, importer.FileTags: 1000, importer.FilePosts: 130, importer.FileComments: 130, importer.FilePostLinks: 130, importer.FileVotes: 40, importer.FileBadges: 40,
	} {
		cutFile(t, filepath.Join(from, file), filepath.Join(to, file), last)
	}
	return to
}

// cutFile keeps the rows whose Id, or PostId where a row has one, is at most last.
func cutFile(t *testing.T, from, to string, last int) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out strings.Builder
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, "<row ") {
			at := rowID.FindAllStringSubmatch(line, -1)
			if id, _ := strconv.Atoi(at[len(at)-1][1]); id > last {
				continue
			}
		}
		out.WriteString(line + "\n")
	}
	if err := errors.Join(lines.Err(), os.WriteFile(to, []byte(out.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// whole is what an import without an interruption leaves.
func whole(t *testing.T, dir string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), db.FileName)
	report, err := importInto(t.Context(), path, dir, smallSite, nothing)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", report)
	dbtest.Recount(t, path)
	inOrderOfTime(t, path)
	return dbtest.Dump(t, path)
}

func TestAnImportThatWasKilledGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	dir := grownDump(t)
	want := whole(t, dir)
	for name, stops := range map[string]func(n int) (rows int, after time.Duration){
		"between two rows": func(n int) (int, time.Duration) { return 220 * n, 0 },
		// Wherever the clock finds it, so also inside a transaction. The time grows, so that it comes to its end.
		"at any moment": func(n int) (int, time.Duration) { return 0, time.Duration(20+rand.IntN(60)*n) * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, kills := filepath.Join(t.TempDir(), db.FileName), 0
			for {
				rows, after := stops(kills + 1)
				if dieAfter(t, path, dir, rows, after) {
					break
				}
				kills++
			}
			t.Logf("killed %d times", kills)
			if d := cmp.Diff(want, dbtest.Dump(t, path)); d != "" || kills == 0 {
				t.Errorf("after %d kills the forum is another one:\n%s", kills, d)
			}
		})
	}
}

func TestAnImportThatWasCancelledGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	dir := smallDump(t)
	want := whole(t, dir)
	path, cancels, dice := filepath.Join(t.TempDir(), db.FileName), 0, rand.New(rand.NewPCG(4, 2))
	for {
		ctx, cancel := context.WithCancel(t.Context())
		rows, last := 0, dice.IntN(400*(cancels+1))
		report, err := importInto(ctx, path, dir, smallSite, func() {
			if rows++; rows == last {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || report == nil {
			t.Fatal(err)
		}
		cancels++
	}
	t.Logf("cancelled %d times", cancels)
	if d := cmp.Diff(want, dbtest.Dump(t, path)); d != "" {
		t.Errorf("after %d cancels the forum is another one:\n%s", cancels, d)
	}
}
