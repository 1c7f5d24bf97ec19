package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"codex/app/markup"
	"codex/db"
)

// Further kinds of rows in import_refs. Those with a mark's meaning are gone when an import has ended, but for
// KindLeftOut and for accepted answers that the dump does not have.
const (
	KindTag     = "tag"
	KindTagText = "tag-text"
	KindLink    = "link"

	KindLeftOut  = "left-out" // a post that became nothing, so that what hangs on it can say why
	KindAccepted = "accepted" // an answer that its question waits for → the post

	// The second half of a kind: an item whose links could not all be settled when it was written.
	markLinks = "-links"
)

// Further reasons for leaving a row out: those that only the database knows.
const (
	SkipGoneHere        = "its post was deleted here"
	SkipDescribed       = "the tag has a description here already"
	SkipSecondDuplicate = "the question is a duplicate of another one already"
	SkipOwnDuplicate    = "a question cannot be its own duplicate"
)

// Options say where a dump goes.
type Options struct {
	Channel     string    // the slug; the channel is made when it is missing
	ChannelName string    // of a channel that is made; empty: from the slug
	Site        string    // the site's address, such as https://cooking.stackexchange.com; empty: from the folder's name
	Progress    *Progress // nil: silent
}

// Import brings a whole dump into a channel. The report says what became of each row, and its sums are checked; it is
// there with an error as well, up to that point.
//
// Each batch of at most db.MaxImportBatch rows is one transaction with the rows that name it by its identity at the
// source. So an import that was killed or cancelled at any point is taken up again by calling Import once more: it
// reads from the start and skips what is there. Calling it after the end changes nothing. A server may run on the
// same database meanwhile. Memory does not depend on the dump's size: it is bounded by a batch, the site's tags, and
// the longest thread.
//
// The order is users, tags, questions with the tags' texts, answers, comments; then the comments of each post are put
// in the order of time, links between items that were not there yet are settled, and duplicates are joined. Votes and
// badges are only counted.
func Import(ctx context.Context, d *db.DB, dump *Dump, o Options) (*Report, error) {
	r := &importRun{d: d, dump: dump, o: o, report: &Report{}}
	if err := r.prepare(ctx); err != nil {
		return r.report, fmt.Errorf("import %s: %w", dump.dir, err)
	}
	heard := dump.OnBytes
	defer func() { dump.OnBytes = heard }()
	dump.OnBytes = func(file string, done, total int64) {
		if heard != nil {
			heard(file, done, total)
		}
		if done < total { // at the end of a file there is no row
			r.moved(done, total)
		}
	}
	for _, step := range []struct {
		stage string
		do    func(context.Context) error
	}{
		{"Users", r.users}, {"Tags", r.tags}, {"Questions", r.questions}, {"Answers", r.answers}, {"Comments", r.comments},
		{"Order of comments", r.arrange}, {"Links", r.settle}, {"Duplicates", r.duplicates}, {"Votes", r.votes}, {"Badges", r.badges},
	} {
		if o.Progress != nil {
			o.Progress.Start(step.stage)
		}
		err := step.do(ctx)
		if o.Progress != nil {
			o.Progress.Finish()
		}
		if err != nil {
			return r.report, fmt.Errorf("import %s: %w", dump.dir, err)
		}
	}
	if n, err := d.CountImportRefs(ctx, r.source, KindAccepted); err != nil {
		return r.report, err
	} else if n > 0 {
		r.report.Note("%s accepted answers are not in the dump", digits(n))
	}
	if err := r.report.Check(); err != nil {
		return r.report, fmt.Errorf("import %s: the report does not add up: %w", dump.dir, err)
	}
	return r.report, nil
}

// importRun is one import.
type importRun struct {
	d       *db.DB
	dump    *Dump
	o       Options
	plan    *Plan
	source  string
	channel int64
	report  *Report
}

func (r *importRun) prepare(ctx context.Context) error {
	base := r.o.Site
	if base == "" {
		var ok bool
		if base, ok = GuessSite(r.dump.dir); !ok {
			return fmt.Errorf("the folder's name does not say which site this is: name it, like https://cooking.stackexchange.com")
		}
	}
	site, err := NewSite(base)
	if err != nil {
		return err
	}
	r.plan, r.source = NewPlan(site), site.Name()
	name := r.o.ChannelName
	if name == "" {
		name = channelName(r.o.Channel)
	}
	err = patiently(func() (err error) {
		r.channel, err = r.d.ImportChannel(ctx, r.source, r.o.Channel, name, "The archive of "+r.source+". Each text names its author, its source and its licence.")
		return err
	})
	for _, file := range r.dump.Missing {
		r.report.Note("%s is not in the dump", file)
	}
	return err
}

// channelName makes bicycles-meta into Bicycles meta.
func channelName(slug string) string {
	name := strings.ReplaceAll(slug, "-", " ")
	if name == "" {
		return name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (r *importRun) moved(done, total int64) {
	if r.o.Progress != nil {
		r.o.Progress.Update(done, total)
	}
}

// maxBatchBytes bounds the text of a batch.
const maxBatchBytes = 1 << 20

// inBatches reads rows and hands them on in batches. An id occurs once in a batch: whoever is asked whether the second
// is there already then knows of the first.
func inBatches[T any](ctx context.Context, read func(context.Context, func(T) error) error, measure func(T) (id int64, bytes int), flush func([]T) error) error {
	var batch []T
	seen, size := map[int64]bool{}, 0
	hand := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := flush(batch)
		clear(batch) // or it would keep the texts
		batch, size = batch[:0], 0
		clear(seen)
		return err
	}
	err := read(ctx, func(v T) error {
		id, n := measure(v)
		if len(batch) == db.MaxImportBatch || len(batch) > 0 && size+n > maxBatchBytes || seen[id] {
			if err := hand(); err != nil {
				return err
			}
		}
		batch, size, seen[id] = append(batch, v), size+n, true
		return nil
	})
	if err != nil {
		return err
	}
	return hand()
}

// ids lists what f finds in the rows, without zeros and doubles.
func ids[T any](rows []T, f func(T) int64) []int64 {
	var list []int64
	seen := map[int64]bool{0: true}
	for _, row := range rows {
		if id := f(row); !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// write writes a batch, if there is anything in it.
func (r *importRun) write(ctx context.Context, b db.ImportBatch) error {
	if len(b.Members)+len(b.Tags)+len(b.Posts)+len(b.Comments)+len(b.TagTexts)+len(b.Duplicates)+len(b.Marks)+len(b.Done) == 0 {
		return nil // all of it was there
	}
	b.Source, b.ChannelID = r.source, r.channel
	return patiently(func() error { return r.d.ImportBatch(ctx, b) })
}

// patiently tries a write for a minute while another process holds the write lock (db waits 5 s each time): a server's
// own writes are short, a backup's or a check's are not.
func patiently(write func() error) error {
	for stop := time.Now().Add(time.Minute); ; {
		err := write()
		if !errors.Is(err, db.ErrBusy) || time.Now().After(stop) {
			return err
		}
	}
}

// text renders what was converted. What the forum's limits refuse becomes a line that leads to the source: the thread
// around it is worth more than nothing.
func (r *importRun) text(file string, id int64, t Text, sourceURL string) (db.ImportText, error) {
	text, err := r.d.ImportText(t.Markdown)
	var limit *markup.LimitError
	if !errors.As(err, &limit) {
		return text, err
	}
	r.report.Note("%s, row %d: a link to the source stands in place of the text: %v", file, id, limit)
	return r.d.ImportText("*This text is beyond the limits of this forum. [Read it where it was written](" + sourceURL + ").*")
}

// mark is the kind of mark that an item needs, if any.
func mark(kind string, t Text) string {
	if len(t.Unresolved) == 0 {
		return ""
	}
	return kind + markLinks
}

// item is what posts and comments have in common.
func (r *importRun) item(file string, it Item, authors map[int64]db.ImportAuthor) (db.Imported, error) {
	text, err := r.text(file, it.ID, it.Text, it.SourceURL)
	row := db.Imported{
		ImportRef: db.ImportRef{Kind: it.Kind, ExtID: it.ID}, Text: text, Score: it.Score, CreatedAt: db.Millis(it.Created), EditedAt: db.Millis(it.Edited),
		SourceURL: it.SourceURL, Licence: it.Licence, Mark: mark(it.Kind, it.Text),
	}
	switch author, imported := authors[it.Author.ID]; {
	case imported:
		row.AuthorID = author.ID // 0 when they are gone from here: then their name goes too
	case it.Author.Name != "":
		row.SourceAuthor = printable(it.Author.Name)
	case it.Author.ID != 0:
		row.SourceAuthor = fmt.Sprintf("user%d", it.Author.ID)
	}
	return row, err
}

// printable takes out what makes a line show as something else: control characters, marks of direction.
func printable(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), r == unicode.ReplacementChar:
			return ' '
		}
		return r
	}, s)), " ")
}
