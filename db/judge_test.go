package db_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"codex/app/auth"
	"codex/db"
	"codex/db/dbtest"
)

// scene is a post with a comment in a channel, as it was drawn, and who looks at it.
type scene struct {
	visibility                        db.Visibility
	archived, closed                  bool // closed: the channel is deleted
	channelRole                       string
	siteRole                          db.Role
	guest, suspended, author, asker   bool // author: of both texts; asker: of the post alone
	locked                            bool
	postDeletedBy, commentDeletedBy   string // "", "author", "keeper", "staff"
	viewer                            db.Viewer
	channel                           db.Channel
	post, comment                     int64
	postWriter, commentWriter, keeper db.Viewer
}

func drawScene(rt *rapid.T) *scene {
	gone := func(name string) string {
		return rapid.SampledFrom([]string{"", "", "", "author", "keeper", "staff"}).Draw(rt, name)
	}
	sc := &scene{
		visibility:    rapid.SampledFrom([]db.Visibility{db.Public, db.Restricted, db.Private}).Draw(rt, "visibility"),
		archived:      rapid.IntRange(0, 3).Draw(rt, "archived") == 0,
		closed:        rapid.IntRange(0, 7).Draw(rt, "closed") == 0,
		channelRole:   rapid.SampledFrom([]string{"", "", "member", "moderator", "owner"}).Draw(rt, "role in the channel"),
		siteRole:      rapid.SampledFrom([]db.Role{db.Plain, db.Plain, db.Plain, db.Moderator, db.Admin}).Draw(rt, "role"),
		suspended:     rapid.IntRange(0, 7).Draw(rt, "suspended") == 0,
		locked:        rapid.Bool().Draw(rt, "locked"),
		postDeletedBy: gone("post deleted by"),
	}
	sc.guest = rapid.IntRange(0, 7).Draw(rt, "guest") == 0
	if sc.guest {
		sc.channelRole, sc.siteRole, sc.suspended = "", db.Plain, false
		return sc
	}
	sc.author = rapid.IntRange(0, 2).Draw(rt, "author") == 0
	sc.asker = sc.author || rapid.IntRange(0, 2).Draw(rt, "asker") == 0
	if sc.postDeletedBy == "" {
		sc.commentDeletedBy = gone("comment deleted by")
	}
	return sc
}

// stage builds a scene. The channel begins public, so that the viewer can write in it whatever they may do later.
func (s *site) stage(rt *rapid.T, sc *scene, n int, staff db.Viewer) {
	must := func(err error) {
		if err != nil {
			rt.Fatal(err)
		}
	}
	founder := s.member(fmt.Sprint("founder-", n), db.Plain)
	sc.keeper = founder
	if !sc.guest {
		sc.viewer = s.member(fmt.Sprint("viewer-", n), sc.siteRole)
	}
	if sc.channelRole == "owner" {
		sc.keeper = sc.viewer
	}
	slug, err := s.CreateChannel(s.ctx, founder, db.NewChannel{Slug: fmt.Sprint("scene-", n), Name: "Scene"})
	must(err)
	sc.channel, err = s.ChannelBySlug(s.ctx, founder, slug)
	must(err)
	sc.postWriter, sc.commentWriter = s.author, s.author
	if sc.asker {
		sc.postWriter = sc.viewer
	}
	if sc.author {
		sc.commentWriter = sc.viewer
	}
	sc.post, err = s.CreatePost(s.ctx, sc.postWriter, db.NewPost{ChannelID: sc.channel.ID, Kind: "question", Title: "T", Body: "b"})
	must(err)
	sc.comment, err = s.CreateComment(s.ctx, sc.commentWriter, db.NewComment{PostID: sc.post, Body: "b"})
	must(err)
	must(s.SetLocked(s.ctx, founder, sc.post, sc.locked))
	if sc.channelRole != "" {
		must(s.Join(s.ctx, sc.viewer, sc.channel.ID))
		must(s.SetChannelRole(s.ctx, founder, sc.channel.ID, sc.viewer.ID, sc.channelRole))
	}
	if by := sc.remover(sc.commentDeletedBy, sc.commentWriter, staff); by.ID != 0 {
		must(s.DeleteComment(s.ctx, by, sc.comment))
	}
	if by := sc.remover(sc.postDeletedBy, sc.postWriter, staff); by.ID != 0 {
		must(s.DeletePost(s.ctx, by, sc.post))
	}
	must(s.SetAccess(s.ctx, staff, sc.channel.ID, sc.access()))
	if sc.suspended {
		must(s.Suspend(s.ctx, staff, sc.viewer.ID, db.Forever, "For a test"))
	}
	if sc.closed {
		must(s.DeleteChannel(s.ctx, staff, sc.channel.ID))
	}
}

func (sc *scene) access() db.Access {
	return db.Access{Visibility: sc.visibility, Archived: sc.archived}
}

func (sc *scene) remover(by string, author, staff db.Viewer) db.Viewer {
	return map[string]db.Viewer{"author": author, "keeper": sc.keeper, "staff": staff}[by]
}

func (sc *scene) staff() bool { return sc.siteRole != db.Plain }

// reads is what the issue says of who reads in a channel, in plain words.
func (sc *scene) reads() bool {
	return !sc.closed && (sc.visibility != db.Private || sc.channelRole != "" || sc.staff())
}

// looks compares every way to read with reads.
func (s *site) looks(rt *rapid.T, sc *scene) {
	v := sc.viewer
	keeps := sc.staff() || sc.channelRole == "owner" || sc.channelRole == "moderator"
	inList := sc.reads() && sc.postDeletedBy == ""
	check := func(what string, got, want bool) {
		if got != want {
			rt.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	has := func(list []db.PostRow, err error) bool {
		if err != nil {
			rt.Fatal(err)
		}
		return slices.ContainsFunc(list, func(r db.PostRow) bool { return r.ID == sc.post })
	}
	_, err := s.ChannelBySlug(s.ctx, v, sc.channel.Slug)
	check("the channel by its slug", err == nil, sc.reads())
	_, err = s.ChannelByID(s.ctx, v, sc.channel.ID)
	check("the channel by its id", err == nil, sc.reads())
	list, err := s.Channels(s.ctx, v, db.Cursor{}, 1000)
	check("the list of channels", err == nil && slices.ContainsFunc(list, func(c db.Channel) bool { return c.ID == sc.channel.ID }), sc.reads())
	members, err := s.ChannelMembers(s.ctx, v, sc.channel.ID, db.Cursor{}, 10)
	check("the channel's members", err == nil && len(members) > 0, sc.reads())
	of, err := s.ChannelsOf(s.ctx, v, sc.keeper.ID)
	check("the channels of who keeps it", err == nil && slices.ContainsFunc(of, func(c db.MemberChannel) bool { return c.ID == sc.channel.ID }), sc.reads())
	whole, err := s.PostByID(s.ctx, v, sc.post)
	check("the post", err == nil, sc.reads() && (sc.postDeletedBy == "" || sc.asker || keeps))
	head, err := s.PostHead(s.ctx, v, sc.post)
	check("the post's head", err == nil, sc.reads() && (sc.postDeletedBy == "" || sc.asker || keeps))
	same := db.Post{PostRow: db.PostRow{ID: whole.ID, ChannelID: whole.ChannelID, ChannelSlug: whole.ChannelSlug, ChannelName: whole.ChannelName, AuthorID: whole.AuthorID,
		Kind: whole.Kind, Title: whole.Title, Slug: whole.Slug, Locked: whole.Locked}, DeletedAt: whole.DeletedAt, DeletedBy: whole.DeletedBy, Held: whole.Held,
		MyRole: whole.MyRole, Joined: whole.Joined, Visibility: whole.Visibility, Archived: whole.Archived, Ruled: whole.Ruled}
	check("the post's head as the post", head == same, true)
	check("the channel's posts", has(s.Posts(s.ctx, v, db.Feed{ChannelID: sc.channel.ID, Limit: 10})), inList)
	check("all posts", has(s.Posts(s.ctx, v, db.Feed{Sort: db.New, Limit: 10})), inList)
	check("the best posts", has(s.Posts(s.ctx, v, db.Feed{Sort: db.Top, Window: db.All, Limit: 10_000})), inList)
	check("the posts of its author", has(s.PostsByAuthor(s.ctx, v, sc.postWriter.ID, db.Cursor{}, 10)), inList)
	_, _, err = s.CommentByID(s.ctx, v, sc.comment)
	check("the comment", err == nil, inList && (sc.commentDeletedBy == "" || sc.author || keeps))
	_, err = s.PlaceOf(s.ctx, v, sc.comment)
	check("the comment's place", err == nil, inList && sc.commentDeletedBy == "")
	page, err := s.CommentsByAuthor(s.ctx, v, sc.commentWriter.ID, db.Cursor{}, 10)
	check("the comments of its author", err == nil && slices.ContainsFunc(page, func(k db.MemberComment) bool { return k.ID == sc.comment }), inList && sc.commentDeletedBy == "")
}

// acts is everything that auth.May decides, each with the write that it is for.
func (s *site) acts(sc *scene) map[string]struct {
	action  auth.Action
	comment bool
	do      func() error
} {
	v, post, comment, channel := sc.viewer, sc.post, sc.comment, sc.channel.ID
	type act = struct {
		action  auth.Action
		comment bool
		do      func() error
	}
	return map[string]act{
		"write a post": {auth.Write, false, func() error {
			_, err := s.CreatePost(s.ctx, v, db.NewPost{ChannelID: channel, Kind: "discussion", Title: "T", Body: "b"})
			return err
		}},
		"comment": {auth.Comment, false, func() error {
			_, err := s.CreateComment(s.ctx, v, db.NewComment{PostID: post, Body: "b"})
			return err
		}},
		"edit the post":        {auth.Edit, false, func() error { return s.EditPost(s.ctx, v, post, db.PostEdit{Title: "T", Body: "c"}) }},
		"edit the comment":     {auth.Edit, true, func() error { return s.EditComment(s.ctx, v, comment, db.CommentEdit{Body: "c"}) }},
		"accept":               {auth.Accept, false, func() error { return s.Accept(s.ctx, v, post, 0) }},
		"pin":                  {auth.Pin, false, func() error { return s.SetPinned(s.ctx, v, post, true) }},
		"lock":                 {auth.Lock, false, func() error { return s.SetLocked(s.ctx, v, post, sc.locked) }},
		"govern":               {auth.Govern, false, func() error { return s.SetChannel(s.ctx, v, channel, "Scene", "", "") }},
		"own":                  {auth.Own, false, func() error { return s.SetAccess(s.ctx, v, channel, sc.access()) }},
		"delete the comment":   {auth.Delete, true, func() error { return s.DeleteComment(s.ctx, v, comment) }},
		"undelete the comment": {auth.Undelete, true, func() error { return s.UndeleteComment(s.ctx, v, comment) }},
		"delete the post":      {auth.Delete, false, func() error { return s.DeletePost(s.ctx, v, post) }},
		"undelete the post":    {auth.Undelete, false, func() error { return s.UndeletePost(s.ctx, v, post) }},
	}
}

// subject is the scene as auth.May looks at it.
func (sc *scene) subject(comment bool, staff db.Viewer) auth.Subject {
	u := auth.Subject{AuthorID: sc.postWriter.ID, PostAuthorID: sc.postWriter.ID, Question: true, Visibility: sc.visibility, ChannelRole: sc.channelRole,
		Archived: sc.archived, Locked: sc.locked, Deleted: sc.postDeletedBy != "", DeletedBy: sc.remover(sc.postDeletedBy, sc.postWriter, staff).ID}
	if comment {
		u.AuthorID, u.Deleted, u.DeletedBy = sc.commentWriter.ID, sc.commentDeletedBy != "", sc.remover(sc.commentDeletedBy, sc.commentWriter, staff).ID
	}
	return u
}

// Whatever the roles and states: each listing and look-up shows what the predicate says, and a write does what auth.May
// promised, or refuses with the error that says why.
func TestThePredicateTheWritesAndMayAgree(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	staff := s.member("judge", db.Admin)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		sc := drawScene(rt)
		n++
		s.stage(rt, sc, n, staff)
		s.looks(rt, sc)
		acts := s.acts(sc)
		name := rapid.SampledFrom([]string{"write a post", "comment", "edit the post", "edit the comment", "accept", "pin", "lock", "govern", "own",
			"delete the comment", "undelete the comment", "delete the post", "undelete the post", "react to the post", "react to the comment"}).Draw(rt, "act")
		a, decided := acts[name]
		subject := sc.subject(a.comment, staff)
		may := decided && auth.May(sc.viewer, a.action, subject)
		switch name {
		case "react to the post": // who reads reacts
			may = !sc.guest && sc.postDeletedBy == ""
			a.do = func() error { _, err := s.React(s.ctx, sc.viewer, sc.post, 1); return err }
		case "react to the comment":
			a.comment, may = true, !sc.guest && sc.commentDeletedBy == "" && sc.postDeletedBy == ""
			a.do = func() error { _, err := s.ReactToComment(s.ctx, sc.viewer, sc.comment, 1); return err }
		}
		if a.comment && sc.postDeletedBy != "" {
			may = false // it is not read, so nobody asks
		}
		err := a.do()
		var barred *db.Barred
		switch {
		case sc.guest:
			if !errors.Is(err, db.ErrForbidden) {
				rt.Fatalf("a guest may not %s: %v", name, err)
			}
		case sc.suspended:
			if !errors.As(err, &barred) {
				rt.Fatalf("suspended, %s: %v", name, err)
			}
		case !sc.reads():
			if !errors.Is(err, db.ErrNotFound) {
				rt.Fatalf("%s where nothing is read: %v", name, err)
			}
		case may != (err == nil):
			rt.Fatalf("%s: May says %v, the write answered %v", name, may, err)
		case err != nil && !refused(err) && !(errors.Is(err, db.ErrNotFound) && (subject.Deleted || sc.postDeletedBy != "" || a.action == auth.Undelete || sc.commentDeletedBy != "")):
			rt.Fatalf("%s: they read it, and are told %v", name, err)
		}
	})
	dbtest.Recount(t, s.Path())
}

// refused reports an error that says that who can see a thing may not do this to it.
func refused(err error) bool {
	return errors.Is(err, db.ErrForbidden) || errors.Is(err, db.ErrLocked) || errors.Is(err, db.ErrArchived) || errors.Is(err, db.ErrNotMember)
}
