package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/app/importer"
	"codex/db"
	"codex/views/ui"
)

// dumpFolder is where real dumps lie, beside the repository.
const dumpFolder = "../../../shared/data/forum"

// sourceThread is a question with all that hangs from it, as the dump's rows say.
type sourceThread struct {
	question importer.Post
	answers  []importer.Post
	comments int
	names    map[int64]string // of users
	site     string
}

// shownThread is the same as the browser shows it.
type shownThread struct {
	Title, Author, Score, Text, Tags, Source string
	Accepted                                 string // text of the accepted answer, empty without one
	Answers                                  []struct{ Author, Score, Text string }
	All                                      int // comments on the page, answers included
}

const readThread = `(() => {
	const text = (e) => { const c = e.cloneNode(true); c.querySelectorAll('.code-copy').forEach((x) => x.remove()); return c.textContent; };
	const own = (li) => li.querySelector(':scope > .comment-own');
	const number = (e) => e.querySelector('.num')?.textContent ?? '';
	const roots = [...document.querySelectorAll('.comment-list.is-root > .comment')].map(own);
	const accepted = document.querySelector('.comment.is-accepted > .comment-own .comment-text');
	return {
		Title: document.querySelector('.post-title').textContent, Author: document.querySelector('.post-head .byline-name').textContent,
		Score: number(document.querySelector('.post-actions')), Text: text(document.querySelector('.post .prose')),
		Tags: [...document.querySelectorAll('.post-foot .tag')].map((e) => e.textContent).sort().join(' '),
		Source: document.querySelector('.source-note a').href, Accepted: accepted ? text(accepted) : '',
		Answers: roots.map((e) => ({ Author: e.querySelector('.comment-name').textContent, Score: number(e.querySelector('.comment-actions')), Text: text(e.querySelector('.comment-text')) })),
		All: document.querySelectorAll('.comment-own').length,
	};
})()`

// testImported imports each real dump, opens ten random questions of it in the browser, and compares what a person
// sees there with the rows of the dump: title, author, score, tags, text, source, and the same of every answer.
func testImported(t *testing.T, b *browser) {
	for _, name := range []string{"bicycles-meta-stackexchange", "cardano-stackexchange"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(dumpFolder, name)
			if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
				t.Skipf("%s is missing: nothing is compared with a real dump", dir)
			}
			site := apptest.Start(t)
			dump, err := importer.OpenDump(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := importer.Import(t.Context(), site.DB, dump, importer.Options{Channel: "archive"}); err != nil {
				t.Fatal(err)
			}
			base, _ := importer.GuessSite(name)
			source, err := importer.NewSite(base)
			if err != nil {
				t.Fatal(err)
			}
			tb := b.open(t, site, desk(), true)
			for _, thread := range randomThreads(t, dump, base, 10) {
				ids, err := site.DB.ImportRefs(t.Context(), source.Name(), importer.KindQuestion, []int64{thread.question.ID})
				if err != nil || len(ids) == 0 {
					t.Fatalf("question %d is not here: %v", thread.question.ID, err)
				}
				tb.visit(fmt.Sprintf("/p/%d", ids[thread.question.ID]))
				compareThread(t, thread, eval[shownThread](tb, readThread))
			}
		})
	}
}

// randomThreads reads a dump and keeps n of its questions that fit on a page whole.
func randomThreads(t *testing.T, dump *importer.Dump, site string, n int) []*sourceThread {
	t.Helper()
	all := map[int64]*sourceThread{}
	under := map[int64]int64{} // answer → question
	names := map[int64]string{}
	ctx := context.WithoutCancel(t.Context())
	err := errors.Join(
		dump.Users(ctx, func(u importer.User) error { names[u.ID] = u.Name; return nil }),
		dump.Posts(ctx, func(p importer.Post) error {
			switch p.Type {
			case importer.TypeQuestion:
				all[p.ID] = &sourceThread{question: p, names: names, site: site}
			case importer.TypeAnswer:
				under[p.ID] = p.ParentID
				if q := all[p.ParentID]; q != nil {
					q.answers = append(q.answers, p)
				}
			}
			return nil
		}),
		dump.Comments(ctx, func(c importer.Comment) error {
			if q := all[cmp.Or(under[c.PostID], c.PostID)]; q != nil {
				q.comments++
			}
			return nil
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	var list []*sourceThread
	for _, q := range all {
		if len(q.answers)+q.comments <= 40 {
			list = append(list, q)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	slices.SortFunc(list, func(a, b *sourceThread) int { return cmp.Compare(a.question.ID, b.question.ID) })
	random := rand.New(rand.NewPCG(seed, 1))
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

func compareThread(t *testing.T, want *sourceThread, got shownThread) {
	t.Helper()
	q := want.question
	fail := func(what string, got, want any) { t.Errorf("question %d: %s is %q, want %q", q.ID, what, got, want) }
	if squeeze(got.Title) != squeeze(q.Title) {
		fail("the title", got.Title, q.Title)
	}
	if author := want.author(q); squeeze(got.Author) != author {
		fail("the author", got.Author, author)
	}
	if score := ui.Number(int(q.Score)); got.Score != score {
		fail("the score", got.Score, score)
	}
	if tags := slices.Sorted(slices.Values(q.Tags)); got.Tags != strings.Join(tags, " ") {
		fail("the tags", got.Tags, tags)
	}
	if !strings.HasSuffix(got.Source, fmt.Sprintf("/%d", q.ID)) && !strings.Contains(got.Source, fmt.Sprintf("/%d/", q.ID)) {
		fail("the source", got.Source, q.ID)
	}
	body := q.Body
	if q.Closed != 0 { // the import says so at the end
		body += "<p>Closed on " + strings.TrimSuffix(strings.TrimPrefix(want.site, "https://"), "/") + " on " + db.Millis(q.Closed).Time().Format("2 January 2006") + ".</p>"
	}
	if err := sameWords(got.Text, body); err != nil {
		t.Errorf("question %d: %v", q.ID, err)
	}
	if got.All != len(want.answers)+want.comments {
		fail("the number of comments", got.All, len(want.answers)+want.comments)
	}
	for _, a := range want.answers {
		found := slices.IndexFunc(got.Answers, func(g struct{ Author, Score, Text string }) bool {
			return squeeze(g.Author) == want.author(a) && g.Score == ui.Number(int(a.Score)) && sameWords(g.Text, a.Body) == nil
		})
		if found < 0 {
			t.Errorf("question %d: answer %d by %s is not shown as it was", q.ID, a.ID, want.author(a))
		}
		if a.ID == q.AcceptedAnswerID && sameWords(got.Accepted, a.Body) != nil {
			t.Errorf("question %d: answer %d was accepted, and is not shown so", q.ID, a.ID)
		}
	}
}

func (s *sourceThread) author(p importer.Post) string {
	name := cmp.Or(s.names[p.OwnerID], p.OwnerName)
	return squeeze(ui.Name(context.Background(), name))
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// sameWords compares a text as the browser shows it with the HTML of a row, letter by letter but for white space. A
// picture on another host is shown as its text and the host's name.
func sameWords(shown, body string) error {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return err
	}
	var b strings.Builder
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.Data == "img":
			alt, host := "", ""
			for _, a := range n.Attr {
				if a.Key == "alt" {
					alt = strings.TrimSpace(a.Val)
				} else if u, err := url.Parse(a.Val); a.Key == "src" && err == nil {
					host = u.Host
				}
			}
			b.WriteString(cmp.Or(alt, "image") + "(" + host + ")")
		}
	}
	strip := func(s string) string { return strings.Join(strings.Fields(s), "") }
	got, want := strip(shown), strip(b.String())
	if got == want {
		return nil
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Errorf("the text is %q… where the row has %q…", cut(got, i), cut(want, i))
}

func cut(s string, from int) string { return s[max(0, from-20):min(len(s), from+40)] }
