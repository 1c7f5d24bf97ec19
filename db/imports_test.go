package db_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"codex/db"
	"codex/db/dbtest"
)

const source = "cooking.example"

func (s *site) text(source string) db.ImportText {
	s.t.Helper()
	text, err := s.ImportText(source)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// importing is a site with an imported member 1 and question 1 of theirs.
func importing(t *testing.T) (s *site, author, post int64) {
	t.Helper()
	s = newSite(t)
	if err := s.ImportBatch(s.ctx, db.ImportBatch{Source: source, Members: []db.ImportedMember{
		{ImportRef: db.ImportRef{Kind: "user", ExtID: 1}, Handle: "cook", Name: "A Cook", CreatedAt: 1000, SeenAt: 2000},
	}}); err != nil {
		t.Fatal(err)
	}
	authors, err := s.ImportAuthors(s.ctx, source, "user", []int64{1, 2})
	if err != nil || len(authors) != 1 {
		t.Fatal(authors, err)
	}
	author = authors[1].ID
	if err := s.ImportBatch(s.ctx, db.ImportBatch{Source: source, ChannelID: s.channel.ID, Posts: []db.ImportedPost{{
		Imported: s.imported("question", 1, author, 5000), Title: "Why?", Tags: []string{"salt"}, Accepts: db.ImportRef{Kind: "accepted", ExtID: 2},
	}}}); err != nil {
		t.Fatal(err)
	}
	places, err := s.ImportedPosts(s.ctx, source, "question", []int64{1})
	if err != nil || places[1].PostSlug != "why" || places[1].AuthorName != "A Cook" {
		t.Fatal(places, err)
	}
	return s, author, places[1].PostID
}

func (s *site) imported(kind string, ext, author int64, at db.Millis) db.Imported {
	return db.Imported{ImportRef: db.ImportRef{Kind: kind, ExtID: ext}, AuthorID: author, Text: s.text(fmt.Sprintf("%s %d", kind, ext)), Score: 3, CreatedAt: at,
		SourceURL: fmt.Sprintf("https://%s/%s/%d", source, kind, ext), Licence: "CC BY-SA 4.0"}
}

func TestAnImportedMemberCannotSignIn(t *testing.T) {
	t.Parallel()
	s, id, _ := importing(t)
	m, err := s.MemberByHandle(s.ctx, "cook")
	if err != nil || m.ID != id || m.Origin != "import" || m.Name != "A Cook" {
		t.Fatal(m, err)
	}
	if _, err := s.CredentialsByLogin(s.ctx, "cook"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("credentials: %v", err)
	}
}

func TestABatchIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s, author, post := importing(t)
	before := dbtest.Dump(t, s.Path())
	batch := db.ImportBatch{
		Source: source, ChannelID: s.channel.ID,
		Members:  []db.ImportedMember{{ImportRef: db.ImportRef{Kind: "user", ExtID: 2}, Handle: "baker", Name: "B"}},
		Comments: []db.ImportedComment{{Imported: s.imported("answer", 2, author, 6000), PostID: post}},
		Posts:    []db.ImportedPost{{Imported: s.imported("question", 1, author, 5000), Title: "Again"}}, // it is there
	}
	if err := s.ImportBatch(s.ctx, batch); !errors.Is(err, db.ErrConflict) {
		t.Fatalf("a second question 1: %v", err)
	}
	batch.Posts, batch.Members[0].Handle = nil, "COOK"
	if err := s.ImportBatch(s.ctx, batch); !errors.Is(err, db.ErrHandleTaken) {
		t.Fatalf("a second cook: %v", err)
	}
	if after := dbtest.Dump(t, s.Path()); !slices.Equal(before, after) {
		t.Error("a batch that failed has written something")
	}
}

func TestASourceHasOneChannel(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id, err := s.ImportChannel(s.ctx, source, "cooking", "Cooking", "An archive.")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.ImportChannel(s.ctx, source, "cooking", "Other", ""); err != nil || again != id {
		t.Errorf("the second time: %d, %v; want %d", again, err, id)
	}
	if _, err := s.ImportChannel(s.ctx, source, "mending", "", ""); !errors.Is(err, db.ErrConflict) {
		t.Errorf("another channel: %v", err)
	}
	if _, err := s.ImportChannel(s.ctx, "other.example", "No Slug", "", ""); err == nil {
		t.Error("a channel with a space in its address")
	}
	if mending, err := s.ImportChannel(s.ctx, "mending.example", "mending", "", ""); err != nil || mending != s.channel.ID {
		t.Errorf("into a channel that is there: %d, %v", mending, err)
	}
}

// However a thread was written, in whatever batches: in the end siblings stand in the order of time, what answers
// stands below what it answers, and each count is what counting gives.
func TestImportedThreadsStandInTimeAndAllCountsAreTrue(t *testing.T) {
	t.Parallel()
	s, author, _ := importing(t)
	raw, threads := dbtest.Raw(t, s.Path()), 0
	rapid.Check(t, func(rt *rapid.T) {
		threads++
		source := fmt.Sprintf("%d.example", threads)
		if err := s.ImportBatch(s.ctx, db.ImportBatch{Source: source, ChannelID: s.channel.ID, Posts: []db.ImportedPost{{Imported: s.imported("question", 1, author, 5000), Title: "Thread"}}}); err != nil {
			rt.Fatal(err)
		}
		places, err := s.ImportedPosts(s.ctx, source, "question", []int64{1})
		if err != nil {
			rt.Fatal(err)
		}
		post := places[1].PostID
		n := rapid.IntRange(1, 40).Draw(rt, "comments")
		accepted := rapid.IntRange(0, n).Draw(rt, "accepted")
		batch := db.ImportBatch{Source: source, ChannelID: s.channel.ID}
		for i := 1; i <= n; i++ {
			by := rapid.SampledFrom([]int64{0, author, s.author.ID}).Draw(rt, "author")
			c := db.ImportedComment{Imported: s.imported("comment", int64(i), by, db.Millis(rapid.Int64Range(5000, 5020).Draw(rt, "time"))), PostID: post, Accepted: i == accepted}
			if by == 0 {
				c.SourceAuthor = "gone"
			}
			if to := rapid.IntRange(0, i-1).Draw(rt, "reply to"); to > 0 && !c.Accepted {
				c.ReplyTo = db.ImportRef{Kind: "comment", ExtID: int64(to)}
			}
			batch.Comments = append(batch.Comments, c)
			if rapid.IntRange(0, 5).Draw(rt, "flush") == 0 || i == n {
				if err := s.ImportBatch(s.ctx, batch); err != nil {
					rt.Fatal(err)
				}
				batch.Comments = nil
			}
			if rapid.IntRange(0, 20).Draw(rt, "someone writes here") == 0 {
				if _, err := s.CreateComment(s.ctx, s.author, db.NewComment{PostID: post, Body: "from here"}); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for {
			left, err := s.ArrangeImported(s.ctx, source, 20)
			if err != nil {
				rt.Fatal(err)
			}
			if left == 0 {
				break
			}
		}
		var unordered int
		if err := raw.QueryRow(`SELECT COUNT(*) FROM (SELECT created_at, id, LAG(created_at) OVER w AS c, LAG(id) OVER w AS i
			FROM comments WHERE post_id = ? WINDOW w AS (PARTITION BY post_id, parent_id ORDER BY path)) WHERE (created_at, id) < (c, i)`, post).Scan(&unordered); err != nil || unordered != 0 {
			rt.Fatalf("%d siblings stand before an earlier one, %v", unordered, err)
		}
	})
	dbtest.Recount(t, s.Path())
}

func TestARevisionLeavesAloneWhatWasEditedHere(t *testing.T) {
	t.Parallel()
	s, author, post := importing(t)
	row := s.imported("answer", 2, author, 6000)
	row.EditedAt = 7000
	if err := s.ImportBatch(s.ctx, db.ImportBatch{Source: source, ChannelID: s.channel.ID, Comments: []db.ImportedComment{{Imported: row, PostID: post, Accepted: true}}}); err != nil {
		t.Fatal(err)
	}
	answers, err := s.ImportedComments(s.ctx, source, "answer", []int64{2})
	if err != nil {
		t.Fatal(err)
	}
	staff := s.member("staff", db.Moderator)
	if err := s.EditPost(s.ctx, staff, post, db.PostEdit{Title: "Why?", Body: "by hand"}); err != nil {
		t.Fatal(err)
	}
	if err := s.ImportBatch(s.ctx, db.ImportBatch{
		Source:       source,
		PostTexts:    []db.ImportedRevision{{ID: post, Text: s.text("by the import")}},
		CommentTexts: []db.ImportedRevision{{ID: answers[2].CommentID, Text: s.text("by the import"), EditedAt: 7000}},
	}); err != nil {
		t.Fatal(err)
	}
	p, err := s.PostByID(s.ctx, db.Viewer{}, post)
	if err != nil || p.Body != "by hand" || p.AcceptedID != answers[2].CommentID {
		t.Errorf("post: %q, accepted %d, %v", p.Body, p.AcceptedID, err)
	}
	c, body, err := s.CommentByID(s.ctx, db.Viewer{}, answers[2].CommentID)
	if err != nil || body != "by the import" || !strings.Contains(string(c.HTML), "by the import") || c.EditedAt != 7000 {
		t.Errorf("comment: %q, %q, %v", body, c.HTML, err)
	}
}

func TestLookUpsTakeMoreIdsThanABatchHas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var marks []db.ImportMark
	var want []int64
	for i := range int64(250) {
		marks, want = append(marks, db.ImportMark{ImportRef: db.ImportRef{Kind: "mark", ExtID: i - 1}, ID: i + 1000}), append(want, i-1)
	}
	if err := s.ImportBatch(s.ctx, db.ImportBatch{Source: source, Marks: marks}); err != nil {
		t.Fatal(err)
	}
	got, err := s.ImportRefs(s.ctx, source, "mark", append(want, 9999))
	if err != nil || len(got) != 250 || got[-1] != 1000 || got[248] != 1249 {
		t.Errorf("%d found, %v", len(got), err)
	}
	if n, err := s.CountImportRefs(s.ctx, source, "mark"); err != nil || n != 250 {
		t.Errorf("%d counted, %v", n, err)
	}
	if none, err := s.ImportRefs(s.ctx, "other.example", "mark", want); err != nil || len(none) != 0 {
		t.Errorf("another source has %d, %v", len(none), err)
	}
}
