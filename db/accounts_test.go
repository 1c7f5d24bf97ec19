package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"codex/db"
	"codex/db/dbtest"
)

func TestOfAHundredUsesOfACodeOneCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.SetFactor(s.ctx, s.author, []byte("secret"), 6, [][]byte{[]byte("one"), []byte("two")}); err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func() error{
		"a recovery code": func() error { return s.SpendRecoveryCode(s.ctx, s.author.ID, []byte("one")) },
		"a time step":     func() error { return s.SpendStep(s.ctx, s.author.ID, 7) },
	} {
		var all sync.WaitGroup
		var counted atomic.Int32
		for range 100 {
			all.Go(func() {
				switch err := use(); {
				case err == nil:
					counted.Add(1)
				case !errors.Is(err, db.ErrNotFound):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if counted.Load() != 1 {
			t.Errorf("%s counted %d times", name, counted.Load())
		}
	}
	if f, err := s.FactorOf(s.ctx, s.author.ID); err != nil || f.Codes != 1 || f.Step != 7 {
		t.Errorf("left: %+v, %v", f, err)
	}
	for _, step := range []int64{7, 6, 0} {
		if err := s.SpendStep(s.ctx, s.author.ID, step); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("step %d after step 7: %v", step, err)
		}
	}
	if err := s.SetFactor(s.ctx, s.author, []byte("another"), 8, nil); !errors.Is(err, db.ErrConflict) {
		t.Errorf("a second one over the first: %v", err)
	}
}

// leaver is a member with many texts among those of others.
func leaver(s *site) db.Viewer {
	s.t.Helper()
	keeper := s.author
	v := s.member("leaver", db.Plain)
	if err := s.Join(s.ctx, v, s.channel.ID); err != nil {
		s.t.Fatal(err)
	}
	s.author = keeper
	question := s.post(db.NewPost{Kind: "question", Title: "Who knows?", Body: "asked"})
	s.author = v
	answer := s.comment(question, 0, "I know")
	s.author = keeper
	if err := s.Accept(s.ctx, keeper, question, answer); err != nil {
		s.t.Fatal(err)
	}
	s.comment(question, answer, "Thanks")
	s.author = v
	for i := range 120 {
		s.comment(s.post(db.NewPost{Title: fmt.Sprint("Mine ", i), Body: "text", Tags: []string{"mine"}}), 0, "and a comment")
	}
	s.author = keeper
	s.comment(question, 0, "The last word")
	return v
}

func TestTextsThatGoGoInPartsAlsoAfterAnInterruption(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := leaver(s)
	if err := s.DeleteAccount(s.ctx, v, true); err != nil {
		t.Fatal(err)
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := dbtest.Raw(t, s.Path()).QueryRow(query, v.ID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const shown = "SELECT (SELECT COUNT(*) FROM posts WHERE author_id = ?1 AND deleted_at IS NULL) + (SELECT COUNT(*) FROM comments WHERE author_id = ?1 AND deleted_at IS NULL)"
	// An end of the context stands for a kill: every transaction before it is whole, and nothing else is remembered.
	for i := 0; count("SELECT COUNT(*) FROM members WHERE id = ? AND erase <> ''") == 1; i++ {
		ctx, cancel := context.WithCancel(s.ctx)
		before := count(shown)
		var watch sync.WaitGroup
		watch.Go(func() {
			for ctx.Err() == nil && before == count(shown) && before > 0 {
			}
			if i < 3 {
				cancel()
			}
		})
		if err := s.EraseLeft(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		watch.Wait()
		dbtest.Recount(t, s.Path())
	}
	if n := count(shown); n != 0 {
		t.Errorf("%d texts are still there", n)
	}
	page, err := s.Posts(s.ctx, db.Viewer{}, db.Feed{Sort: db.Active, Limit: 10})
	if err != nil || len(page) != 1 || page[0].Comments != 2 {
		t.Errorf("left: %+v, %v", page, err)
	}
}

func TestTextsThatStayHaveNoName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := leaver(s)
	if err := s.DeleteAccount(s.ctx, v, false); err != nil {
		t.Fatal(err)
	}
	if err := s.EraseLeft(s.ctx); err != nil {
		t.Fatal(err)
	}
	dbtest.Recount(t, s.Path())
	page, err := s.Posts(s.ctx, db.Viewer{}, db.Feed{Sort: db.Active, Limit: 200})
	if err != nil || len(page) != 121 {
		t.Fatalf("%d posts, %v", len(page), err)
	}
	for _, p := range page {
		if p.AuthorID == v.ID && p.AuthorHandle+p.AuthorName != "" {
			t.Fatalf("%q is by %q", p.Title, p.AuthorName+p.AuthorHandle)
		}
	}
	for name, err := range map[string]error{
		"the page":       second(s.MemberByHandle(s.ctx, "leaver")),
		"by its id":      second(s.MemberByID(s.ctx, v.ID)),
		"the sign-in":    second(s.CredentialsByLogin(s.ctx, "leaver")),
		"a second end":   s.DeleteAccount(s.ctx, v, false),
		"another e-mail": s.SetEmail(s.ctx, v, "x@example.org"),
	} {
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.CreateMember(s.ctx, db.NewMember{Handle: "Leaver", Origin: "command"}); !errors.Is(err, db.ErrHandleTaken) {
		t.Errorf("the handle was taken again: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := s.member("one", db.Admin), s.member("two", db.Admin)
	var left atomic.Int32
	var all sync.WaitGroup
	for _, v := range []db.Viewer{one, two} {
		all.Go(func() {
			switch err := s.DeleteAccount(s.ctx, v, false); {
			case err == nil:
				left.Add(1)
			case !errors.Is(err, db.ErrLastAdmin):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if has, err := s.HasAdmin(s.ctx); left.Load() != 1 || !has || err != nil {
		t.Errorf("%d of two went; an admin is left: %v, %v", left.Load(), has, err)
	}
}

func TestAnExportHasWhatIsOnesOwnAndNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := leaver(s)
	if err := s.CreateSession(s.ctx, v.ID, []byte("canary-token"), "192.0.2.7", "agent"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFactor(s.ctx, v, []byte("canary-factor"), 1, [][]byte{[]byte("canary-code")}); err != nil {
		t.Fatal(err)
	}
	var list []string
	sections := map[string]int{}
	last := ""
	err := s.Export(s.ctx, v, func(section string, row any) error {
		if section != last && sections[section] > 0 {
			t.Errorf("the section %s comes twice", section)
		}
		last = section
		sections[section]++
		text, err := json.Marshal(row)
		list = append(list, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if sections["posts"] != 120 || sections["comments"] != 121 || sections["memberships"] != 1 || sections["profile"] != 1 {
		t.Errorf("rows: %v", sections)
	}
	all := strings.Join(list, "\n")
	for _, never := range []string{"canary", "Who knows", "asked", "The last word", "Y2FuYXJ5", "author"} { // the fifth: in base64
		if strings.Contains(all, never) {
			t.Errorf("the export has %q", never)
		}
	}
	stop := errors.New("enough")
	if err := s.Export(s.ctx, v, func(string, any) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a reader that leaves: %v", err)
	}
	if err := s.Export(s.ctx, db.Viewer{}, func(string, any) error { return nil }); !errors.Is(err, db.ErrForbidden) {
		t.Errorf("a guest's: %v", err)
	}
}
