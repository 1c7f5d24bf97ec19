package db

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// shut is a forum with 50 posts that everybody reads, below so many in a private channel.
type shut struct {
	*DB
	ctx         context.Context
	owner, away Viewer // of the private channel, and somebody outside
	private     int64
}

func newShut(t testing.TB, private int) *shut {
	t.Helper()
	s := &shut{DB: migrated(t, Options{Readers: 1}), ctx: context.Background()}
	for handle, v := range map[string]*Viewer{"owner": &s.owner, "away": &s.away} {
		id, err := s.CreateMember(s.ctx, NewMember{Handle: handle, Origin: "command"})
		if err != nil {
			t.Fatal(err)
		}
		*v = Viewer{ID: id, Handle: handle, Role: Plain}
	}
	channel := func(slug string, v Visibility) int64 {
		if _, err := s.CreateChannel(s.ctx, s.owner, NewChannel{Slug: slug, Name: slug, Visibility: v}); err != nil {
			t.Fatal(err)
		}
		c, err := s.ChannelBySlug(s.ctx, s.owner, slug)
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	open := channel("open", Public)
	s.private = channel("shut", Private)
	for c, n := range map[int64]int{open: 50, s.private: private} {
		from := 0
		if c == s.private {
			from = 50
		}
		if _, err := s.write.ExecContext(s.ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO posts (channel_id, author_id, kind, title, slug, age_class, created_at, active_at, html_version, html, body)
			SELECT ?, ?, 'discussion', 'A title', 'a-title', 4, ? + i, ? + i, 1, printf('%2000s', 'x'), printf('%1500s', 'y') FROM n`, n, c, s.owner.ID, from, from); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAListOfAllChannelsLeavesOutPrivateOnesAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := newShut(t, 200)
	look := func(v Viewer, sort Sort) (open, private int) {
		for after := (Cursor{}); ; {
			list, err := s.Posts(s.ctx, v, Feed{Sort: sort, Window: All, After: after, Limit: 20})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list {
				if p.ChannelID == s.private {
					private++
				} else {
					open++
				}
			}
			if len(list) < 20 {
				return open, private
			}
			after = list[len(list)-1].Cursor()
		}
	}
	moderator := Viewer{ID: s.away.ID, Role: Moderator}
	for _, sort := range []Sort{Active, New, Top} {
		sees := func(when string, v Viewer, want int) {
			t.Helper()
			if open, private := look(v, sort); open != 50 || private != want {
				t.Errorf("%s, %s, member %d lists %d open and %d private posts, want 50 and %d", sort, when, v.ID, open, private, want)
			}
		}
		sees("private", Viewer{}, 0)
		sees("private", s.away, 0)
		sees("private", s.owner, 200)
		for visibility, n := range map[Visibility]int{Public: 200, Restricted: 200, Private: 0} {
			if err := s.SetAccess(s.ctx, s.owner, s.private, Access{Visibility: visibility}); err != nil {
				t.Fatal(err)
			}
			sees(string(visibility), Viewer{}, n)
			sees(string(visibility), s.away, n)
		}
		if err := s.SetAccess(s.ctx, s.owner, s.private, Access{Visibility: Private}); err != nil {
			t.Fatal(err)
		}
		for _, role := range []Role{Moderator, Plain} { // and so back to what the next order begins with
			n := 0
			if role == Moderator {
				n = 200
			}
			if err := s.SetRole(s.ctx, s.away.ID, role); err != nil {
				t.Fatal(err)
			}
			sees("as a "+string(role), moderator, n) // by the row, whatever the viewer says
		}
	}
	if err := s.SetAccess(s.ctx, s.owner, s.private, Access{Visibility: Public}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteChannel(s.ctx, s.owner, s.private); err != nil {
		t.Fatal(err)
	}
	if open, private := look(s.owner, Active); open != 50 || private != 0 {
		t.Errorf("with the channel deleted its owner lists %d and %d", open, private)
	}
}

func TestAChannelOfTenThousandPostsIsMadePrivateInOneShortTransaction(t *testing.T) {
	t.Parallel()
	s := newShut(t, 10_000)
	for _, v := range []Visibility{Public, Private} {
		began := time.Now()
		if err := s.SetAccess(s.ctx, s.owner, s.private, Access{Visibility: v}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%s in %v", v, took.Round(time.Millisecond))
		if took > time.Second {
			t.Errorf("%s in %v", v, took)
		}
	}
}

// BenchmarkTheFrontPageBelowAPrivateChannel lists what a guest and a member outside read below 100,000 private posts.
// Before the indexes held the channel it was 284 ms for a guest and 321 ms for a member, now about 15 ms of one core.
func BenchmarkTheFrontPageBelowAPrivateChannel(b *testing.B) {
	s := newShut(b, 100_000)
	for _, sort := range []Sort{Active, New, Top} {
		for name, v := range map[string]Viewer{"guest": {}, "member": s.away, "insider": s.owner} {
			b.Run(fmt.Sprint(sort, " ", name), func(b *testing.B) {
				for b.Loop() {
					if list, err := s.Posts(s.ctx, v, Feed{Sort: sort, Window: All, Limit: 30}); err != nil || len(list) != 30 {
						b.Fatal(len(list), err)
					}
				}
			})
		}
	}
}
