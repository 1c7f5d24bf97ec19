package importer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"codex/app/importer"
)

func rows(t testing.TB, source string) (ids []string, offsets []int64, err error) {
	t.Helper()
	err = importer.ReadRows(t.Context(), strings.NewReader(source), func(r importer.Row) error {
		id, _ := r.Attr("Id")
		ids, offsets = append(ids, id), append(offsets, r.Offset)
		return nil
	})
	return ids, offsets, err
}

func TestRowsComeInOrderWithTheirOffset(t *testing.T) {
	t.Parallel()
	source := "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<posts>\r\n  <row Id=\"1\" A=\"&lt;p&gt;&#xA;\" />\r\n  <!-- x --><row Id='2'></row>\r\n</posts>\r\n"
	ids, offsets, err := rows(t, source)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"1", "2"}, ids); d != "" {
		t.Error(d)
	}
	for i, mark := range []string{`<row Id="1"`, `<row Id='2'`} {
		if want := int64(strings.Index(source, mark)); offsets[i] != want {
			t.Errorf("row %d at %d; want %d", i, offsets[i], want)
		}
	}
	if ids, _, err := rows(t, "<badges></badges>"); err != nil || len(ids) != 0 {
		t.Errorf("a file without rows gave %v, %v", ids, err)
	}
}

func TestADamagedFileIsAnErrorThatNamesTheByte(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"empty":              {"", "ends in the middle"},
		"cut between rows":   {"<posts>\n<row Id=\"1\" />\n", "ends in the middle"},
		"cut in a row":       {"<posts><row Id=\"1", "unexpected EOF"},
		"another element":    {"<posts><item/></posts>", "<item> where a row was expected"},
		"a nested row":       {"<posts><row><row/></row></posts>", "<row> where a row was expected"},
		"two roots":          {"<a></a><b></b>", "<b> where a row was expected"},
		"text":               {"<posts>x</posts>", "text between the rows"},
		"an attribute twice": {`<posts><row Id="1" Id="2"/></posts>`, "two attributes Id"},
		"a document type":    {`<!DOCTYPE x [<!ENTITY a "b">]><posts></posts>`, "document type"},
		"an entity":          {`<posts><row Id="&a;"/></posts>`, "invalid character entity"},
		"another encoding":   {`<?xml version="1.0" encoding="latin1"?><posts></posts>`, "latin1"},
		"invalid UTF-8":      {"<posts><row Id=\"\xff\"/></posts>", "invalid UTF-8"},
		"an end too many":    {"<posts></posts></posts>", "closes nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := rows(t, c.source)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "byte ") {
				t.Errorf("error %v; want one about %q", err, c.want)
			}
		})
	}
}

func TestReadingStopsWithTheContextAndWithTheCallersError(t *testing.T) {
	t.Parallel()
	source := "<p>" + strings.Repeat(`<row Id="1"/>`, 100) + "</p>"
	mine := errors.New("mine")
	if err := importer.ReadRows(t.Context(), strings.NewReader(source), func(importer.Row) error { return mine }); err != mine {
		t.Errorf("error %v; want the caller's own", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	err := importer.ReadRows(ctx, strings.NewReader(source), func(importer.Row) error {
		seen++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("%d rows, error %v; want one row and a cancel", seen, err)
	}
}

// endless writes rows (or one endless attribute) until size bytes went out.
type endless struct {
	head, row, tail string
	size, sent      int
	rest            string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		switch {
		case e.sent == 0:
			e.rest = e.head
		case e.sent < e.size:
			e.rest = e.row
		case e.tail != "":
			e.rest, e.tail = e.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.sent += n
	return n, nil
}

// Not parallel: it measures the heap of the process.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	body := strings.Repeat("&lt;p&gt;some text of a post&lt;/p&gt;&#xA;", 50)
	in := &endless{head: "<posts>", row: `<row Id="1" PostTypeId="1" Body="` + body + `" />`, tail: "</posts>", size: 12 << 20}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	n := 0
	err := importer.ReadRows(t.Context(), in, func(importer.Row) error {
		if n++; n%2000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); n < 4000 || grown > 2<<20 {
		t.Errorf("after %d rows of %d MiB the heap had grown by %d KiB", n, in.size>>20, grown>>10)
	}
}

func TestAnEndlessElementIsRefusedBeforeItFillsTheMemory(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("x", 64<<10)
	for name, head := range map[string]string{"attribute": `<posts><row Body="`, "comment": `<posts><!-- `, "text": `<posts>`} {
		in := &endless{head: head, row: chunk, size: 1 << 40}
		err := importer.ReadRows(t.Context(), in, func(importer.Row) error { return nil })
		if err == nil || in.sent > 2*importer.MaxElement {
			t.Errorf("%s: %v after %d bytes", name, err, in.sent)
		}
	}
}

func writeDump(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, rows := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("<x>\n"+rows+"\n</x>\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADumpWithoutPostsOrUsersIsRefusedAndOtherFilesMayBeMissing(t *testing.T) {
	t.Parallel()
	if _, err := importer.OpenDump(writeDump(t, map[string]string{"Posts.xml": ""})); err == nil || !strings.Contains(err.Error(), "Users.xml") {
		t.Errorf("without users: %v", err)
	}
	if _, err := importer.OpenDump(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	d, err := importer.OpenDump(writeDump(t, map[string]string{"posts.xml": "", "users.xml": "", "Tags.xml": ""}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Comments.xml", "PostLinks.xml", "Votes.xml", "Badges.xml"}, d.Missing); diff != "" {
		t.Error(diff)
	}
	if err := d.Votes(t.Context(), func(importer.Vote) error { return errors.New("a row") }); err != nil {
		t.Errorf("a missing file had %v", err)
	}
}

func TestAMalformedRowIsNamedWithFileIDAndOffset(t *testing.T) {
	t.Parallel()
	const good = `<row Id="1" PostTypeId="1" CreationDate="2010-08-25T19:50:51.187" Tags="&lt;a&gt;&lt;c#&gt;" />`
	for name, c := range map[string]struct{ row, want string }{
		"a number":        {`<row Id="2" PostTypeId="one" CreationDate="2010-08-25T19:50:51" />`, `Posts.xml, row 2 (byte %d): PostTypeId is "one", not a whole number`},
		"too large":       {`<row Id="99999999999999999999" PostTypeId="1" CreationDate="2010-08-25T19:50:51" />`, `Posts.xml, row 99999999999999999999 (byte %d): Id is "99999999999999999999", not a whole number`},
		"a time":          {`<row Id="2" PostTypeId="1" CreationDate="yesterday" />`, `Posts.xml, row 2 (byte %d): CreationDate is "yesterday", not a time like 2010-08-25T19:50:51.187`},
		"no id":           {`<row PostTypeId="1" CreationDate="2010-08-25T19:50:51" />`, `Posts.xml, a row without an Id (byte %d): it has no Id`},
		"tags":            {`<row Id="2" PostTypeId="1" CreationDate="2010-08-25T19:50:51" Tags="a b" />`, `Posts.xml, row 2 (byte %d): Tags is "a b", neither <a><b> nor |a|b|`},
		"an answer alone": {`<row Id="2" PostTypeId="2" CreationDate="2010-08-25T19:50:51" />`, `Posts.xml, row 2 (byte %d): an answer without a ParentId`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := importer.OpenDump(writeDump(t, map[string]string{"Posts.xml": good + c.row, "Users.xml": ""}))
			if err != nil {
				t.Fatal(err)
			}
			err = d.Posts(t.Context(), func(importer.Post) error { return nil })
			var bad *importer.RowError
			if !errors.As(err, &bad) || err.Error() != fmt.Sprintf(c.want, len("<x>\n")+len(good)) {
				t.Errorf("error %q; want %q", err, c.want)
			}
		})
	}
}

func TestAPostIsReadWithUTCTimesAndBothFormsOfTags(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"&lt;c#&gt;&lt;.net&gt;", "|c#|.net|"} {
		d, err := importer.OpenDump(writeDump(t, map[string]string{"Users.xml": "", "Posts.xml": `<row Id="7" PostTypeId="1" AcceptedAnswerId="9" CreationDate="2010-08-25T19:50:51.187" Score="-3" Body="&lt;p&gt;x" OwnerDisplayName="user8" Title="a &amp;amp; b" Tags="` + tags + `" ContentLicense="CC BY-SA 2.5" />`}))
		if err != nil {
			t.Fatal(err)
		}
		var last int64
		d.OnBytes = func(_ string, done, total int64) { last = total - done }
		err = d.Posts(t.Context(), func(p importer.Post) error {
			want := importer.Post{ID: 7, Type: 1, AcceptedAnswerID: 9, Created: 1282765851187, Active: 1282765851187, Score: -3,
				Body: "<p>x", OwnerName: "user8", Title: "a &amp; b", Tags: []string{"c#", ".net"}, Licence: "CC BY-SA 2.5"}
			if d := cmp.Diff(want, p); d != "" {
				t.Error(d)
			}
			return nil
		})
		if err != nil || last != 0 {
			t.Errorf("error %v, %d bytes left at the end", err, last)
		}
	}
}

func BenchmarkReadAndConvert(b *testing.B) {
	dir := forum(b, "cardano-stackexchange")
	d, err := importer.OpenDump(dir)
	if err != nil {
		b.Fatal(err)
	}
	conv := importer.NewConverter(siteOf(b, dir))
	for name, convert := range map[string]bool{"read": false, "read+convert": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(d.Size(importer.FilePosts))
			n := 0
			for b.Loop() {
				err := d.Posts(b.Context(), func(p importer.Post) error {
					n++
					if convert {
						_, err := conv.HTML(p.Body, nil)
						return err
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("votes", func(b *testing.B) {
		b.SetBytes(d.Size(importer.FileVotes))
		n := 0
		for b.Loop() {
			if err := d.Votes(b.Context(), func(importer.Vote) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("comments+convert", func(b *testing.B) {
		n := 0
		for b.Loop() {
			err := d.Comments(b.Context(), func(c importer.Comment) error { n++; _, err := conv.Comment(c.Text, nil); return err })
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}
