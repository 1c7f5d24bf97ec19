package db_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codex/db"
	"codex/db/dbtest"
)

// tree is the plain model of a thread: what Comments does with paths and indexes, done by recursion.
type tree struct {
	nodes map[int64]*node
	roots []*node
	lost  *node // the accepted answer that was deleted
}

type node struct {
	id       int64
	parent   *node
	replies  []*node
	depth    int
	score    int
	deleted  bool
	accepted bool
}

func (tr *tree) add(id, parent int64) *node {
	n := &node{id: id}
	if p := tr.nodes[parent]; p != nil {
		n.parent, n.depth = p, p.depth+1
		p.replies = append(p.replies, n)
	} else {
		tr.roots = append(tr.roots, n)
	}
	tr.nodes[id] = n
	return n
}

func (n *node) leads() bool { return n.accepted || slices.ContainsFunc(n.replies, (*node).leads) }

// read lists what a reader sees below the nodes, down to a depth.
func read(nodes []*node, deepest int) (ids []int64) {
	for _, n := range nodes {
		if n.depth > deepest {
			return nil
		}
		if !n.deleted || len(n.replies) > 0 {
			ids = append(ids, n.id)
		}
		ids = append(ids, read(n.replies, deepest)...)
	}
	return ids
}

func (tr *tree) order(byTime bool) []int64 {
	roots := slices.Clone(tr.roots)
	if !byTime {
		slices.SortStableFunc(roots, func(a, b *node) int {
			if a.leads() != b.leads() {
				if a.leads() {
					return -1
				}
				return 1
			}
			return cmp.Compare(b.score, a.score)
		})
	}
	return read(roots, db.MaxDepthShown)
}

// chooser is what both rapid and a seeded generator can do.
type chooser func(n int) int

// grow makes a post with a random thread, and its model.
func (s *site) grow(choose chooser, comments int, voters []db.Viewer) (post int64, tr *tree) {
	s.t.Helper()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	post = s.post(db.NewPost{Title: "Tree", Body: "text", Kind: "question"})
	tr = &tree{nodes: map[int64]*node{}}
	var all []*node
	for i := range comments {
		var parent int64
		if len(all) > 0 && choose(3) > 0 {
			// Mostly the newest, so that threads get deeper than a page shows.
			if p := all[max(0, len(all)-1-choose(min(len(all), 4)))]; !p.deleted {
				parent = p.id
			}
		}
		all = append(all, tr.add(s.comment(post, parent, fmt.Sprint(i)), parent))
		n := all[choose(len(all))]
		switch choose(6) {
		case 0:
			v, value := voters[choose(len(voters))], choose(3)-1
			if !n.deleted {
				score, err := s.ReactToComment(s.ctx, v, n.id, value)
				must(err)
				n.score = score // that the score is right is another test's
			}
		case 1:
			if n.deleted {
				must(s.UndeleteComment(s.ctx, s.author, n.id))
			} else {
				must(s.DeleteComment(s.ctx, s.author, n.id))
			}
			n.deleted = !n.deleted
			switch { // a deleted answer is none, and its Undo makes it one again
			case n.accepted:
				n.accepted, tr.lost = false, n
			case tr.lost == n:
				n.accepted, tr.lost = true, nil
			}
		case 2:
			if !n.deleted {
				must(s.Accept(s.ctx, s.author, post, n.id))
				tr.lost = nil
				for _, other := range all {
					other.accepted = other == n
				}
			}
		}
	}
	return post, tr
}

// pages reads a thread page by page, through the cursor's text as a browser does.
func (s *site) pages(th db.Thread) (ids []int64, pages int) {
	s.t.Helper()
	for {
		page, err := s.Comments(s.ctx, s.author, th)
		if err != nil {
			s.t.Fatal(err)
		}
		pages++
		for _, c := range page.Comments {
			ids = append(ids, c.ID)
		}
		if page.Next.String() == "" {
			return ids, pages
		}
		if th.After, err = db.ParseCommentCursor(page.Next.String()); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) voters(n int) (list []db.Viewer) {
	for i := range n {
		list = append(list, s.member(fmt.Sprint("voter", i), db.Plain))
	}
	return list
}

func TestAThreadIsReadAsItsTreeSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	voters := s.voters(3)
	rapid.Check(t, func(rt *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }
		post, tr := s.grow(choose, rapid.IntRange(1, 12).Draw(rt, "comments"), voters)
		for _, byTime := range []bool{true, false} {
			if got, _ := s.pages(db.Thread{PostID: post, ByTime: byTime}); !slices.Equal(got, tr.order(byTime)) {
				rt.Fatalf("by time %v: %v, want %v", byTime, got, tr.order(byTime))
			}
		}
		for id, n := range tr.nodes {
			if got, _ := s.pages(db.Thread{PostID: post, Under: id}); !slices.Equal(got, read([]*node{n}, n.depth+db.MaxDepthShown)) {
				rt.Fatalf("under %d: %v", id, got)
			}
		}
	})
	dbtest.Recount(t, s.Path())
}

func TestALongThreadReadsTheSameOverItsPages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			random := rand.New(rand.NewPCG(seed, 1))
			post, tr := s.grow(random.IntN, 520, s.voters(4))
			for _, byTime := range []bool{true, false} {
				got, pages := s.pages(db.Thread{PostID: post, ByTime: byTime})
				if !slices.Equal(got, tr.order(byTime)) || pages < 2 {
					t.Errorf("by time %v: %d comments on %d pages are not the tree's %d in its order", byTime, len(got), pages, len(tr.order(byTime)))
				}
			}
			for range 40 { // every permalink lands on a page that has its comment
				n := tr.nodes[slices.Sorted(maps.Keys(tr.nodes))[random.IntN(len(tr.nodes))]]
				if n.deleted && len(n.replies) == 0 {
					continue
				}
				place, err := s.PlaceOf(s.ctx, s.author, n.id)
				if err != nil {
					t.Fatal(err)
				}
				page, err := s.Comments(s.ctx, s.author, db.Thread{PostID: post, ByTime: true, After: place.After, Under: place.Under})
				if err != nil || !slices.Contains(ids(page), n.id) {
					t.Errorf("comment %d is not on the page of its permalink %+v (%v)", n.id, place, err)
				}
			}
		})
	}
}

func TestAPermalinkFarDownAFlatThreadFindsItsComment(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := s.post(db.NewPost{Title: "Flat", Body: "text"})
	root := s.comment(post, 0, "root")
	var last int64
	for i := range db.CommentsAPage + 30 {
		last = s.comment(post, root, fmt.Sprint(i))
	}
	place, err := s.PlaceOf(s.ctx, s.author, last)
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Comments(s.ctx, s.author, db.Thread{PostID: post, ByTime: true, After: place.After, Under: place.Under})
	if err != nil || !slices.Contains(ids(page), last) {
		t.Errorf("comment %d is not on the page of its permalink %+v (%v)", last, place, err)
	}
}

func TestTheScoreIsTheBaseAndTheReactions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	voters := s.voters(4)
	rapid.Check(t, func(rt *rapid.T) {
		base := rapid.IntRange(-5, 50).Draw(rt, "base")
		post := s.post(db.NewPost{Title: "Scored", Body: "text", BaseScore: base})
		comment, err := s.CreateComment(s.ctx, s.author, db.NewComment{PostID: post, Body: "c", BaseScore: base})
		if err != nil {
			rt.Fatal(err)
		}
		onPost, onComment := map[int64]int{}, map[int64]int{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			v, value := rapid.SampledFrom(voters).Draw(rt, "voter"), rapid.IntRange(-1, 1).Draw(rt, "value")
			react, id, on := s.React, post, onPost
			if rapid.Bool().Draw(rt, "comment") {
				react, id, on = s.ReactToComment, comment, onComment
			}
			on[v.ID] = value
			want := base
			for _, value := range on {
				want += value
			}
			if score, err := react(s.ctx, v, id, value); err != nil || score != want {
				rt.Fatalf("the score is %d, want %d (%v)", score, want, err)
			}
		}
		var likes, dislikes int
		for _, value := range onPost {
			likes, dislikes = likes+max(value, 0), dislikes+max(-value, 0)
		}
		p, err := s.PostByID(s.ctx, voters[0], post)
		if err != nil || p.Likes != likes || p.Dislikes != dislikes || p.Score != base+likes-dislikes || p.MyReaction != onPost[voters[0].ID] {
			rt.Fatalf("score %d, likes %d, dislikes %d, mine %d, want likes %d, dislikes %d, mine %d (%v)", p.Score, p.Likes, p.Dislikes, p.MyReaction, likes, dislikes, onPost[voters[0].ID], err)
		}
	})
	dbtest.Recount(t, s.Path())
}

func TestCountsStayTrueWhateverIsDone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	people := append(s.voters(3), s.author)
	staff := s.member("staff", db.Moderator)
	var posts, comments []int64
	below := map[int64][]int64{} // post → its comments
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(list []int64) int64 {
			if len(list) == 0 {
				return 0
			}
			return rapid.SampledFrom(list).Draw(rt, "id")
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			v := rapid.SampledFrom(people).Draw(rt, "who")
			tags := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2, rapid.ID).Draw(rt, "tags")
			// What is refused must change nothing either, so refusals are not looked at.
			switch rapid.IntRange(0, 10).Draw(rt, "what") {
			case 0:
				if id, err := s.CreatePost(s.ctx, v, db.NewPost{ChannelID: s.channel.ID, Kind: "question", Title: "t", Body: "b", Tags: tags}); err == nil {
					posts = append(posts, id)
				}
			case 1, 2:
				post := pick(posts)
				if id, err := s.CreateComment(s.ctx, v, db.NewComment{PostID: post, ParentID: pick(append(below[post], 0)), Body: "b"}); err == nil {
					comments, below[post] = append(comments, id), append(below[post], id)
				}
			case 3:
				_ = s.DeletePost(s.ctx, rapid.SampledFrom([]db.Viewer{v, staff}).Draw(rt, "by"), pick(posts))
			case 4:
				_ = s.UndeletePost(s.ctx, rapid.SampledFrom([]db.Viewer{v, staff}).Draw(rt, "by"), pick(posts))
			case 5:
				_ = s.DeleteComment(s.ctx, rapid.SampledFrom([]db.Viewer{v, staff}).Draw(rt, "by"), pick(comments))
			case 6:
				_ = s.UndeleteComment(s.ctx, rapid.SampledFrom([]db.Viewer{v, staff}).Draw(rt, "by"), pick(comments))
			case 7:
				_ = s.EditPost(s.ctx, v, pick(posts), db.PostEdit{Title: "t", Body: "b", Tags: tags})
			case 8:
				post := pick(posts)
				_ = s.Accept(s.ctx, s.author, post, pick(append(below[post], 0)))
			case 9:
				_ = s.Join(s.ctx, v, s.channel.ID)
			case 10:
				_ = s.Leave(s.ctx, v, s.channel.ID)
			}
		}
	})
	if len(posts) < 10 || len(comments) < 10 {
		t.Errorf("only %d posts and %d comments were made", len(posts), len(comments))
	}
	dbtest.Recount(t, s.Path())
}

// filed is the model of a post in a feed.
type filed struct {
	id, channel     int64
	score           int
	created, active db.Millis
	deleted         bool
}

// feedSite is a site with posts of all ages in four channels, two of which the author joined.
func feedSite(t *testing.T) (s *site, all []filed, joined []int64, channels []int64) {
	t.Helper()
	s = newSite(t)
	random := rand.New(rand.NewPCG(7, 7))
	channels = []int64{s.channel.ID} // joined, for it is the author's own
	other := s.member("other", db.Plain)
	for i := range 3 {
		slug, err := s.CreateChannel(s.ctx, other, db.NewChannel{Slug: fmt.Sprint("channel", i), Name: "C"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.ChannelBySlug(s.ctx, other, slug)
		if err != nil {
			t.Fatal(err)
		}
		channels = append(channels, c.ID)
	}
	joined = channels[:2]
	if err := s.Join(s.ctx, s.author, channels[1]); err != nil {
		t.Fatal(err)
	}
	now := db.MillisOf(time.Now())
	ages := []time.Duration{0, 3 * time.Hour, 2 * 24 * time.Hour, 10 * 24 * time.Hour, 60 * 24 * time.Hour, 800 * 24 * time.Hour}
	for i := range 160 {
		f := filed{channel: channels[random.IntN(4)], score: random.IntN(5) - 1}
		// Few different times, so that the ids must break ties.
		f.created = now - db.Millis(ages[random.IntN(len(ages))].Milliseconds()) - db.Millis(random.IntN(3)) - 10
		f.active = f.created
		var err error
		if f.id, err = s.CreatePost(s.ctx, s.author, db.NewPost{ChannelID: f.channel, Kind: "discussion", Title: fmt.Sprint(i), Body: "b", CreatedAt: f.created, BaseScore: f.score}); err != nil {
			t.Fatal(err)
		}
		if random.IntN(4) == 0 {
			f.active = now - db.Millis(random.IntN(3))
			if _, err := s.CreateComment(s.ctx, s.author, db.NewComment{PostID: f.id, Body: "c", CreatedAt: f.active}); err != nil {
				t.Fatal(err)
			}
		}
		if f.deleted = random.IntN(8) == 0; f.deleted {
			if err := s.DeletePost(s.ctx, s.author, f.id); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, f)
	}
	return s, all, joined, channels
}

func TestEveryFeedIsOneOrderOverAllItsPages(t *testing.T) {
	t.Parallel()
	s, all, joined, channels := feedSite(t)
	spans := map[db.Window]time.Duration{db.Day: 24 * time.Hour, db.Week: 7 * 24 * time.Hour, db.Month: 30 * 24 * time.Hour, db.Year: 365 * 24 * time.Hour, db.All: 1 << 62}
	now := db.MillisOf(time.Now())
	rapid.Check(t, func(rt *rapid.T) {
		f := db.Feed{
			Sort:   rapid.SampledFrom([]db.Sort{db.Active, db.New, db.Top}).Draw(rt, "sort"),
			Window: rapid.SampledFrom([]db.Window{db.Day, db.Week, db.Month, db.Year, db.All}).Draw(rt, "window"),
			Limit:  rapid.IntRange(1, 60).Draw(rt, "limit"),
		}
		v := rapid.SampledFrom([]db.Viewer{{}, s.author}).Draw(rt, "viewer")
		switch scope := rapid.IntRange(-1, 4).Draw(rt, "scope"); {
		case scope == 4 && v.SignedIn():
			f.Joined = true
		case scope >= 0 && scope < 4:
			f.ChannelID = channels[scope]
		}
		var want []filed
		for _, p := range all {
			if p.deleted || f.ChannelID != 0 && p.channel != f.ChannelID || f.Joined && !slices.Contains(joined, p.channel) ||
				f.Sort == db.Top && time.Duration(now-p.created)*time.Millisecond >= spans[f.Window] {
				continue
			}
			want = append(want, p)
		}
		slices.SortFunc(want, func(a, b filed) int {
			switch f.Sort {
			case db.New:
				return cmp.Or(cmp.Compare(b.created, a.created), cmp.Compare(b.id, a.id))
			case db.Top:
				return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.id, a.id))
			}
			return cmp.Or(cmp.Compare(b.active, a.active), cmp.Compare(b.id, a.id))
		})
		var got []int64
		for {
			list, err := s.Posts(s.ctx, v, f)
			if err != nil {
				rt.Fatal(err)
			}
			for _, p := range list {
				got = append(got, p.ID)
			}
			if len(list) < f.Limit {
				break
			}
			if f.After, err = db.ParseCursor(list[len(list)-1].Cursor().String()); err != nil {
				rt.Fatal(err)
			}
		}
		if !slices.EqualFunc(got, want, func(id int64, p filed) bool { return id == p.id }) {
			rt.Fatalf("%+v: %v, want %v", f, got, want)
		}
	})
}
