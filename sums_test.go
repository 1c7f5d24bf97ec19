package codex_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"codex"
)

// A database out there has run the migrations that its release had. If one of them changed afterwards, that database
// and a new one would differ without anybody noticing: goose keeps no sums. So migrations/SUMS has them.

const renew = "(cd migrations && sha256sum */*.sql > SUMS)"

func TestAReleasedMigrationNeverChanges(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("migrations/SUMS")
	if err != nil {
		t.Fatal(err)
	}
	released := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("migrations/SUMS: %q is no line of sha256sum: write it anew by %s", line, renew)
		}
		released[name] = sum
	}
	files, err := fs.Glob(codex.Migrations, "migrations/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations are embedded, %v", len(files), err)
	}
	for _, file := range files {
		content, err := fs.ReadFile(codex.Migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(file, "migrations/")
		sum := sha256.Sum256(content)
		switch released[name] {
		case hex.EncodeToString(sum[:]):
		case "":
			t.Errorf("%s is not in migrations/SUMS: when it is as it should stay for ever, add it by %s", file, renew)
		default:
			t.Errorf("%s is not what migrations/SUMS has. A released migration never changes: databases have run it as it was. "+
				"Put it back, and write the change as a new file with the next number, as migrations/main/002_what_it_does.sql. "+
				"Only if no release has this file yet, renew its line by %s", file, renew)
		}
		delete(released, name)
	}
	for name := range released {
		t.Errorf("migrations/%s was released and is gone: databases that ran it would not open any more", name)
	}
}

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	next := map[string]int{}
	files, err := fs.Glob(codex.Migrations, "migrations/*/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, file := range files {
		dir, name := path.Split(file)
		next[dir]++
		if want := threeDigits(next[dir]) + "_"; !strings.HasPrefix(name, want) {
			t.Errorf("%s: its name should begin with %s: steps run in the order of their numbers, and a gap is a step that somebody lost", file, want)
		}
	}
}

func threeDigits(n int) string {
	return string([]byte{'0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)})
}
