package importer_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"codex/app/importer"
)

func TestHandlesAreReadableAndUnique(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{"admin": true}
	isTaken := func(h string) bool { return taken[h] }
	for _, c := range []struct {
		id         int64
		name, want string
	}{
		{2, "Kevin Montrose", "kevin-montrose"},
		{3, "kevin montrose", "kevin-montrose-3"},
		{4, "Tadeusz A. Kadłubowski", "tadeusz-a.kadlubowski"},
		{5, "Крайст", "kraist"},
		{6, "ﬁne ＡＢＣ", "fine-abc"},
		{7, "ƛƛƛ", "lll"},
		{8, "42", "member-8"},
		{9, "admin", "admin-9"},
		{10, "O'Brien", "obrien"},
		{11, "...", "member-11"},
		{12, strings.Repeat("long name ", 20), "long-name-long-name-long-name"},
		{13, strings.Repeat("long name ", 20), "long-name-long-name-long-na-13"},
		{-1, "Community", "community"},
		{1, "Community", "community-1"},
	} {
		got := importer.Handle(c.id, c.name, isTaken)
		if got != c.want {
			t.Errorf("Handle(%d, %q) = %q; want %q", c.id, c.name, got, c.want)
		}
		taken[got] = true
	}
}

var handleForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{1,28}[a-z0-9]$`)

func TestAnyNamesGiveValidHandlesThatDoNotRepeat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "Ann", "ann", "ann-2", "ＡＮＮ", "member-3", "", "--", "x.y", "阿"})), 1, 12).Draw(t, "names")
		taken := map[string]bool{}
		for i, name := range names {
			h := importer.Handle(int64(i), name, func(h string) bool { return taken[h] })
			if !handleForm.MatchString(h) || taken[h] {
				t.Fatalf("Handle(%d, %q) = %q, taken %v", i, name, h, taken[h])
			}
			taken[h] = true
		}
	})
}

func TestAReplyIsFoundOnlyWhenItIsSure(t *testing.T) {
	t.Parallel()
	earlier := []importer.Earlier{
		{ID: 1, UserID: 10, Name: "Anna Bell", Created: 100},
		{ID: 2, UserID: 11, Name: "Annabel Lee", Created: 200},
		{ID: 3, UserID: 12, Name: "Bob", Created: 300},
		{ID: 4, UserID: 10, Name: "Anna Bell", Created: 400},
		{ID: 5, UserID: 0, Name: "user5", Created: 450},
		{ID: 6, UserID: 13, Name: "Jürgen A.", Created: 460},
	}
	author := importer.Earlier{UserID: 14, Name: "Zoe Author"}
	for text, want := range map[string]int64{
		"@Bob: yes":           3,
		"@bob's idea":         3,
		"  @BOB":              3,
		"@AnnaBell no":        4, // the latest of hers; the whole name beats a longer one that begins alike
		"@annabelle":          2,
		"@annabellee, hm":     2,
		"@anna which":         0, // two people
		"@an short":           0,
		"@user5 there":        5,
		"@jürgena.":           6,
		"@Jürgen - ok":        6,
		"@zoe the author":     0, // has not commented
		"@nobody":             0,
		"Bob, you are right":  0,
		"I think @bob is":     0,
		"@me myself":          0,
		"@":                   0,
		"@Bob Lastname wrote": 3,
	} {
		got, ok := importer.ReplyTo(text, 20, 500, earlier, author)
		if got != want || ok != (want != 0) {
			t.Errorf("ReplyTo(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	if got, ok := importer.ReplyTo("@bob", 20, 300, earlier, author); ok {
		t.Errorf("a reply to the future: %d", got)
	}
	if got, ok := importer.ReplyTo("@bob", 12, 500, earlier, author); ok {
		t.Errorf("a reply to oneself: %d", got)
	}
}

func TestCommentsKeepTheirFewMarksAndNothingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"use `a_b` and ``x`y``":                         "use `a_b` and ``x`y``",
		"*no* **yes** _it_ snake_case_name":             `*no* **yes** *it* snake_case_name`,
		"2 * 3 * 4 and a*b*c":                           `2 \* 3 \* 4 and a*b*c`,
		"[text](http://e.org/a_(b)) ok":                 "[text](http://e.org/a_%28b%29) ok",
		"see https://e.org/x_y_z. Or (http://e.org/)":   `see <https://e.org/x_y_z>. Or (<http://e.org/>)`,
		"# not a heading":                               `\# not a heading`,
		"1. not a list\n- nor this\n> nor that":         "1\\. not a list\n\\- nor this\n\\> nor that",
		"    not code":                                  "not code",
		"@Kevin C: <b>x</b> &lt; :+1: ~~a~~":            `\@Kevin C: \<b>x\</b> \&lt; \:+1: \~\~a\~\~`,
		"a[0] and [tag:bug] and [meta] x[so]":           `a\[0\] and [bug](https://bicycles.meta.stackexchange.com/questions/tagged/bug) and [meta](https://bicycles.meta.stackexchange.com/) x\[so\]`,
		"see /q/5 or [this](/q/5)":                      `see /q/5 or [this](/p/1/a)`,
		"https://bicycles.meta.stackexchange.com/q/5/7": `[https://bicycles.meta.stackexchange.com/q/5/7](/p/1/a)`,
		"odd ` tick":                                    "odd \\` tick",
		"a|b\n-|-":                                      "a\\|b\n\\-\\|-",
		`already \*escaped\*`:                           `already \*escaped\*`,
	} {
		got, err := converter(t).Comment(text, func(r importer.Ref) (string, bool) {
			return "/p/1/a", r == importer.Ref{Kind: importer.RefQuestion, ID: 5}
		})
		if err != nil || got.Markdown != want {
			t.Errorf("%q:\n got %q\nwant %q (%v)", text, got.Markdown, want, err)
		}
	}
}

func TestAClosedQuestionAndADeletedAuthorKeepTheirMark(t *testing.T) {
	t.Parallel()
	site, err := importer.NewSite("https://cardano.stackexchange.com/")
	if err != nil {
		t.Fatal(err)
	}
	got, skip := importer.NewPlan(site).Post(importer.Post{ID: 5, Type: importer.TypeQuestion, Title: " A  title ", Body: "<p>x</p>", OwnerName: "user9",
		Created: 1, Active: 3, Closed: 1282765851187, Score: -2, Licence: "CC BY-SA 4.0"}, nil)
	want := importer.Item{Kind: importer.KindQuestion, ID: 5, Title: "A title", Author: importer.Author{Name: "user9", Deleted: true},
		Text:  importer.Text{Markdown: "x\n\n---\n\n*Closed on cardano.stackexchange.com on 25 August 2010.*"},
		Score: -2, Created: 1, Active: 3, SourceURL: "https://cardano.stackexchange.com/questions/5", Licence: "CC BY-SA 4.0"}
	if d := cmp.Diff(want, got); d != "" || skip != "" {
		t.Error(d, skip)
	}
}

// The whole plan over the real dumps, with maps where the database will be:
// every row is accounted for.
func TestEveryRowOfTheDumpsIsWrittenOrSkippedForAReason(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string][2]int64{
		"bicycles-meta-stackexchange": {"Users.xml": {2551, 2551}, "Tags.xml": {94, 94}, "Posts.xml": {1446, 1443}, "Comments.xml": {2448, 2448}, "PostLinks.xml": {189, 9}, "Votes.xml": {5671, 0}, "Badges.xml": {6585, 0}},
		"cardano-stackexchange":       {"Users.xml": {3988, 3988}, "Tags.xml": {224, 224}, "Posts.xml": {2630, 2591}, "Comments.xml": {1829, 1828}, "PostLinks.xml": {104, 5}, "Votes.xml": {9147, 0}, "Badges.xml": {4467, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, nested := planAll(t, forum(t, name))
			if err := r.Check(); err != nil {
				t.Error(err)
			}
			t.Logf("%d comments nested as replies\n%s", nested, r)
			got := map[string][2]int64{}
			for file := range maps.Keys(want) {
				read, written, _ := r.Counts(file)
				got[file] = [2]int64{read, written}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func planAll(t *testing.T, dir string) (r *importer.Report, nested int) {
	d, err := importer.OpenDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	r = &importer.Report{}
	plan := importer.NewPlan(siteOf(t, dir))
	ctx := t.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	count := func(file, skip string) error {
		r.Read(file)
		if skip != "" {
			r.Skip(file, skip)
		} else {
			r.Wrote(file)
		}
		return nil
	}
	names, handles := map[int64]string{}, map[string]bool{}
	do(d.Users(ctx, func(u importer.User) error {
		m, note := plan.Member(u, nil)
		if note != "" {
			r.Note("%s", note)
		}
		h := importer.Handle(u.ID, u.Name, func(h string) bool { return handles[h] })
		handles[h], names[u.ID] = true, m.Name
		return count(importer.FileUsers, "")
	}))
	do(d.Tags(ctx, func(tag importer.Tag) error { plan.AddTag(tag); return count(importer.FileTags, "") }))
	posts, left := map[int64]importer.Item{}, map[int64]bool{}
	do(d.Posts(ctx, func(p importer.Post) error {
		if p.Type == importer.TypeTagExcerpt || p.Type == importer.TypeTagWiki {
			_, skip := plan.TagText(p, nil)
			left[p.ID] = true
			return count(importer.FilePosts, skip)
		}
		it, skip := plan.Post(p, nil)
		if skip == "" && it.Kind == importer.KindAnswer && posts[it.Parent].Kind != importer.KindQuestion {
			skip = importer.SkipNoQuestion
		}
		if skip == "" {
			posts[p.ID] = it
		} else {
			left[p.ID] = true
		}
		return count(importer.FilePosts, skip)
	}))
	under := map[int64][]importer.Earlier{}
	do(d.Comments(ctx, func(c importer.Comment) error {
		it, skip := plan.Comment(c, nil)
		parent, ok := posts[c.PostID]
		switch {
		case skip != "":
		case left[c.PostID]:
			skip = importer.SkipPostLeftOut
		case !ok:
			skip = importer.SkipNoPost
		default:
			name := it.Author.Name
			if name == "" {
				name = names[it.Author.ID]
			}
			author := importer.Earlier{UserID: parent.Author.ID, Name: names[parent.Author.ID]}
			if _, ok := importer.ReplyTo(c.Text, c.UserID, c.Created, under[c.PostID], author); ok {
				nested++
			}
			under[c.PostID] = append(under[c.PostID], importer.Earlier{ID: c.ID, UserID: c.UserID, Name: name, Created: c.Created})
		}
		return count(importer.FileComments, skip)
	}))
	do(d.PostLinks(ctx, func(l importer.PostLink) error {
		ok, skip := importer.Duplicate(l)
		from, fromOK := posts[l.PostID]
		to, toOK := posts[l.RelatedPostID]
		switch {
		case !ok:
		case !fromOK || !toOK:
			skip = importer.SkipNoPost
		case from.Kind != importer.KindQuestion || to.Kind != importer.KindQuestion:
			skip = importer.SkipNotQuestions
		}
		return count(importer.FilePostLinks, skip)
	}))
	do(d.Votes(ctx, func(v importer.Vote) error {
		_, ok := posts[v.PostID]
		return count(importer.FileVotes, importer.VoteSkip(v, ok))
	}))
	do(d.Badges(ctx, func(importer.Badge) error { return count(importer.FileBadges, importer.SkipBadge) }))
	return r, nested
}

func TestAReportThatDoesNotAddUpSaysWhichFile(t *testing.T) {
	t.Parallel()
	var r importer.Report
	for i := range 1234 {
		r.Read(importer.FilePosts)
		if i < 1200 {
			r.Wrote(importer.FilePosts)
		}
	}
	r.Skip(importer.FilePosts, "it was blue")
	r.Note("%s is missing", importer.FileBadges)
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "Posts.xml: 1234 rows read, but 1200 written and 1 skipped") {
		t.Errorf("Check: %v", err)
	}
	for range 33 {
		r.Skip(importer.FilePosts, "it was red")
	}
	if err := r.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	want := `
file            read  written  skipped
Posts.xml      1,234    1,200       34
  it was red                        33
  it was blue                        1
all            1,234    1,200       34
note: Badges.xml is missing
`
	if d := cmp.Diff(want[1:], fmt.Sprint(&r)); d != "" {
		t.Error(d)
	}
}
