package db_test

import (
	"errors"
	"fmt"
	"testing"

	"codex/app/auth"
	"codex/db"
)

// What auth.May promises to a page, a write must keep, and what it refuses, a write must refuse by itself: a handler
// that forgot to ask changes nothing.
func TestWritesAndMayAgree(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	owner := s.author // of the channel
	author := s.member("writer", db.Plain)
	commenter := s.member("commenter", db.Plain)
	viewers := map[string]db.Viewer{"a guest": {}, "a stranger": s.member("stranger", db.Plain), "the author": author, "the commenter": commenter,
		"the channel's owner": owner, "a moderator": s.member("moderator", db.Moderator), "the admin": s.member("admin", db.Admin)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	type thing struct{ post, comment int64 }
	// The states of a post with a comment, and what they are to auth.May.
	states := map[string]struct {
		make          func(thing)
		post, comment auth.Subject
	}{
		"as written": {func(thing) {}, auth.Subject{}, auth.Subject{}},
		"locked":     {func(x thing) { must(s.SetLocked(s.ctx, owner, x.post, true)) }, auth.Subject{Locked: true}, auth.Subject{Locked: true}},
		"deleted by authors": {func(x thing) {
			must(s.DeleteComment(s.ctx, commenter, x.comment))
			must(s.DeletePost(s.ctx, author, x.post))
		}, auth.Subject{Deleted: true, DeletedBy: author.ID}, auth.Subject{}},
		"deleted by staff": {func(x thing) { must(s.DeletePost(s.ctx, viewers["a moderator"], x.post)) }, auth.Subject{Deleted: true, DeletedBy: viewers["a moderator"].ID}, auth.Subject{}},
		"comment deleted by its author": {func(x thing) { must(s.DeleteComment(s.ctx, commenter, x.comment)) },
			auth.Subject{}, auth.Subject{Deleted: true, DeletedBy: commenter.ID}},
		"comment deleted by staff": {func(x thing) { must(s.DeleteComment(s.ctx, viewers["a moderator"], x.comment)) },
			auth.Subject{}, auth.Subject{Deleted: true, DeletedBy: viewers["a moderator"].ID}},
	}
	acts := map[string]struct {
		action    auth.Action
		onComment bool
		do        func(db.Viewer, thing) error
	}{
		"comment": {auth.Comment, false, func(v db.Viewer, x thing) error {
			_, err := s.CreateComment(s.ctx, v, db.NewComment{PostID: x.post, Body: "b"})
			return err
		}},
		"edit the post": {auth.Edit, false, func(v db.Viewer, x thing) error {
			return s.EditPost(s.ctx, v, x.post, db.PostEdit{Title: "t", Body: "b"})
		}},
		"delete the post":      {auth.Delete, false, func(v db.Viewer, x thing) error { return s.DeletePost(s.ctx, v, x.post) }},
		"undelete the post":    {auth.Undelete, false, func(v db.Viewer, x thing) error { return s.UndeletePost(s.ctx, v, x.post) }},
		"pin":                  {auth.Pin, false, func(v db.Viewer, x thing) error { return s.SetPinned(s.ctx, v, x.post, true) }},
		"lock":                 {auth.Lock, false, func(v db.Viewer, x thing) error { return s.SetLocked(s.ctx, v, x.post, true) }},
		"unaccept":             {auth.Accept, false, func(v db.Viewer, x thing) error { return s.Accept(s.ctx, v, x.post, 0) }},
		"edit the comment":     {auth.Edit, true, func(v db.Viewer, x thing) error { return s.EditComment(s.ctx, v, x.comment, db.CommentEdit{Body: "b"}) }},
		"delete the comment":   {auth.Delete, true, func(v db.Viewer, x thing) error { return s.DeleteComment(s.ctx, v, x.comment) }},
		"undelete the comment": {auth.Undelete, true, func(v db.Viewer, x thing) error { return s.UndeleteComment(s.ctx, v, x.comment) }},
		"govern":               {auth.Govern, false, func(v db.Viewer, x thing) error { return s.SetChannel(s.ctx, v, s.channel.ID, "n", "", "") }},
	}
	for act, a := range acts {
		for state, st := range states {
			for who, v := range viewers {
				x := thing{}
				var err error
				x.post, err = s.CreatePost(s.ctx, author, db.NewPost{ChannelID: s.channel.ID, Kind: "question", Title: "T", Body: "b"})
				must(err)
				x.comment, err = s.CreateComment(s.ctx, commenter, db.NewComment{PostID: x.post, Body: "b"})
				must(err)
				st.make(x)
				subject := st.post
				subject.AuthorID, subject.PostAuthorID, subject.Question = author.ID, author.ID, true
				if a.onComment {
					if st.post.Deleted {
						continue // below a deleted post nothing can be read, so nobody asks May
					}
					subject = st.comment
					subject.AuthorID = commenter.ID
				}
				if v.ID == owner.ID {
					subject.ChannelRole = "owner"
				}
				what := fmt.Sprintf("%s may %s, %s", who, act, state)
				err = a.do(v, x)
				if may := auth.May(v, a.action, subject); may != (err == nil) {
					t.Errorf("%s: May says %v, the write answered %v", what, may, err)
				}
				if err != nil && !subject.Deleted && a.action != auth.Undelete && !errors.Is(err, db.ErrForbidden) && !errors.Is(err, db.ErrLocked) {
					t.Errorf("%s: they can read it, and the write answered %v", what, err)
				}
				if err != nil && !errors.Is(err, db.ErrForbidden) && !errors.Is(err, db.ErrLocked) && !errors.Is(err, db.ErrNotFound) {
					t.Errorf("%s: the write answered %v", what, err)
				}
			}
		}
	}
}

func TestNobodyActsOnWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.member("admin", db.Admin)
	for name, err := range map[string]error{
		"EditPost": s.EditPost(s.ctx, admin, 99, db.PostEdit{Title: "t", Body: "b"}), "DeletePost": s.DeletePost(s.ctx, admin, 99), "UndeletePost": s.UndeletePost(s.ctx, admin, 99),
		"SetPinned": s.SetPinned(s.ctx, admin, 99, true), "Accept": s.Accept(s.ctx, admin, 99, 0), "EditComment": s.EditComment(s.ctx, admin, 99, db.CommentEdit{Body: "b"}),
		"DeleteComment": s.DeleteComment(s.ctx, admin, 99), "UndeleteComment": s.UndeleteComment(s.ctx, admin, 99), "SetChannel": s.SetChannel(s.ctx, admin, 99, "n", "", ""),
		"Join": s.Join(s.ctx, admin, 99), "SetRole": s.SetRole(s.ctx, 99, db.Plain), "SetPassword": s.SetPassword(s.ctx, 99, "phc", 0),
	} {
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s answered %v", name, err)
		}
	}
}
