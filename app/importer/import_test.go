package importer_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"codex"
	"codex/app/importer"
	"codex/db"
	"codex/db/dbtest"
)

// openForum opens a database whose clock stands still, so that two imports of one dump are equal to the byte.
func openForum(ctx context.Context, path string) (*db.DB, error) {
	d, err := db.Open(ctx, db.Options{Path: path, Now: func() time.Time { return time.UnixMilli(1_770_000_000_000) }})
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(codex.Migrations, "migrations/main")
	if err == nil {
		_, err = d.Migrate(ctx, files, func(string) {})
	}
	return d, err
}

// importInto runs one import as a process would: open, import, close.
func importInto(ctx context.Context, path, dir, site string, onRow func()) (report *importer.Report, err error) {
	d, err := openForum(context.WithoutCancel(ctx), path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close(context.WithoutCancel(ctx))) }()
	dump, err := importer.OpenDump(dir)
	if err != nil {
		return nil, err
	}
	dump.OnBytes = func(string, int64, int64) { onRow() }
	return importer.Import(ctx, d, dump, importer.Options{Channel: "archive", Site: site})
}

func nothing() {}

// rowsOf counts the rows of a file without our reader.
func rowsOf(t *testing.T, dir, file string) int64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return int64(bytes.Count(b, []byte("<row ")))
}

var allFiles = []string{importer.FileUsers, importer.FileTags, importer.FilePosts, importer.FileComments, importer.FilePostLinks, importer.FileVotes, importer.FileBadges}

func TestBothArchivesGoInFullyAndOnce(t *testing.T) {
	t.Parallel()
	for _, name := range dumps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := forum(t, name), filepath.Join(t.TempDir(), db.FileName)
			report, err := importInto(t.Context(), path, dir, "", nothing)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", report)
			for _, file := range allFiles {
				read, written, skipped := report.Counts(file)
				if want := rowsOf(t, dir, file); read != want || written+skipped != want {
					t.Errorf("%s: %d rows read, %d written, %d skipped; the file has %d", file, read, written, skipped, want)
				}
			}
			for _, file := range []string{importer.FileUsers, importer.FileTags, importer.FileComments} {
				if _, _, skipped := report.Counts(file); skipped != report.Skipped(file, importer.SkipPostLeftOut) {
					t.Errorf("%s: %d rows were left out", file, skipped)
				}
			}
			if strings.Contains(report.String(), "in place of the text") {
				t.Error("a text is beyond the limits of our renderer")
			}
			dbtest.Recount(t, path)
			inOrderOfTime(t, path)
			before := dbtest.Dump(t, path)
			report, err = importInto(t.Context(), path, dir, "", nothing)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range allFiles {
				if _, written, _ := report.Counts(file); written != 0 {
					t.Errorf("%s: %d rows were written a second time", file, written)
				}
			}
			if d := cmp.Diff(before, dbtest.Dump(t, path)); d != "" {
				t.Errorf("the second import changed something:\n%s", d)
			}
		})
	}
}

// inOrderOfTime checks that siblings stand as they were written, and that no mark of an unfinished step is left.
func inOrderOfTime(t *testing.T, path string) {
	t.Helper()
	raw := dbtest.Raw(t, path)
	for what, query := range map[string]string{
		"siblings out of the order of time": `SELECT COUNT(*) FROM (SELECT created_at, LAG(created_at) OVER (PARTITION BY post_id, parent_id ORDER BY path) AS before FROM comments)
			WHERE created_at < before`,
		"unfinished steps": `SELECT COUNT(*) FROM import_refs WHERE kind = 'arrange' OR kind LIKE '%-links'`,
	} {
		var n int
		if err := raw.QueryRow(query).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %s, %v", n, what, err)
		}
	}
}
