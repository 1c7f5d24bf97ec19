package db

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// edited is a site with a post and a comment below it, on a clock that stands still.
func edited(t *testing.T) (d *DB, author Viewer, post, comment int64) {
	t.Helper()
	still, ctx := time.Now(), context.Background()
	d = migrated(t, Options{Now: func() time.Time { return still }})
	id, err := d.CreateMember(ctx, NewMember{Handle: "author", Role: Plain, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	author = Viewer{ID: id, Handle: "author", Role: Plain}
	if _, err := d.CreateChannel(ctx, author, NewChannel{Slug: "mending", Name: "Mending"}); err != nil {
		t.Fatal(err)
	}
	c, err := d.ChannelBySlug(ctx, author, "mending")
	if err != nil {
		t.Fatal(err)
	}
	if post, err = d.CreatePost(ctx, author, NewPost{ChannelID: c.ID, Kind: "discussion", Title: "t", Body: "b"}); err != nil {
		t.Fatal(err)
	}
	if comment, err = d.CreateComment(ctx, author, NewComment{PostID: post, Body: "c"}); err != nil {
		t.Fatal(err)
	}
	return d, author, post, comment
}

func TestOfManyEditsOfOneTextOneIsWritten(t *testing.T) {
	t.Parallel()
	d, author, post, comment := edited(t)
	ctx := context.Background()
	var last Millis
	for range 3 { // each makes another version, even within one millisecond
		p, err := d.PostByID(ctx, author, post)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := d.CommentByID(ctx, author, comment)
		if err != nil {
			t.Fatal(err)
		}
		if p.Version() <= last || c.Version() <= last {
			t.Fatalf("versions %d and %d after %d", p.Version(), c.Version(), last)
		}
		last = max(p.Version(), c.Version())
		for name, edit := range map[string]func() error{
			"post":    func() error { return d.EditPost(ctx, author, post, PostEdit{Title: "t", Body: "e", Of: p.Version()}) },
			"comment": func() error { return d.EditComment(ctx, author, comment, CommentEdit{Body: "e", Of: c.Version()}) },
		} {
			results := make(chan error, 20)
			for range cap(results) {
				go func() { results <- edit() }()
			}
			written := 0
			for range cap(results) {
				switch err := <-results; {
				case err == nil:
					written++
				case !errors.Is(err, ErrStale):
					t.Fatalf("%s: %v", name, err)
				}
			}
			if written != 1 {
				t.Errorf("%s: %d edits of one version were written", name, written)
			}
		}
	}
}

func TestALockedPostIsChangedByThoseAloneWhoKeepItsChannel(t *testing.T) {
	t.Parallel()
	d, owner, _, _ := edited(t)
	ctx := context.Background()
	id, err := d.CreateMember(ctx, NewMember{Handle: "writer", Role: Plain, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	writer := Viewer{ID: id, Handle: "writer", Role: Plain}
	c, err := d.ChannelBySlug(ctx, owner, "mending")
	if err != nil {
		t.Fatal(err)
	}
	post, err := d.CreatePost(ctx, writer, NewPost{ChannelID: c.ID, Kind: "discussion", Title: "t", Body: "b"})
	if err != nil {
		t.Fatal(err)
	}
	comment, err := d.CreateComment(ctx, writer, NewComment{PostID: post, Body: "c"})
	if err != nil {
		t.Fatal(err)
	}
	own, err := d.CreateComment(ctx, owner, NewComment{PostID: post, Body: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetLocked(ctx, owner, post, true); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"the post": d.EditPost(ctx, writer, post, PostEdit{Title: "t", Body: "late"}), "the comment": d.EditComment(ctx, writer, comment, CommentEdit{Body: "late"}),
	} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.EditComment(ctx, owner, own, CommentEdit{Body: "of the owner"}); err != nil {
		t.Error(err)
	}
	if err := d.SetLocked(ctx, owner, post, false); err != nil {
		t.Fatal(err)
	}
	if err := d.EditPost(ctx, writer, post, PostEdit{Title: "t", Body: "open again"}); err != nil {
		t.Error(err)
	}
}

// Whatever order the two come in, a post whose lock was answered says afterwards what it said then.
func TestAPostThatIsLockedWhileItIsEditedStaysAsItWas(t *testing.T) {
	t.Parallel()
	d, owner, _, _ := edited(t)
	ctx := context.Background()
	id, err := d.CreateMember(ctx, NewMember{Handle: "writer", Role: Plain, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	writer := Viewer{ID: id, Handle: "writer", Role: Plain}
	c, err := d.ChannelBySlug(ctx, owner, "mending")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		post, err := d.CreatePost(ctx, writer, NewPost{ChannelID: c.ID, Kind: "discussion", Title: "t", Body: "b"})
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 10)
		for i := range cap(results) {
			go func() {
				results <- d.EditPost(ctx, writer, post, PostEdit{Title: "t", Body: fmt.Sprint("edit ", i)})
			}()
		}
		if err := d.SetLocked(ctx, owner, post, true); err != nil {
			t.Fatal(err)
		}
		locked, err := d.PostByID(ctx, writer, post)
		if err != nil {
			t.Fatal(err)
		}
		for range cap(results) {
			if err := <-results; err != nil && !errors.Is(err, ErrLocked) {
				t.Errorf("an edit answered %v", err)
			}
		}
		if after, err := d.PostByID(ctx, writer, post); err != nil || after.Body != locked.Body || after.Version() != locked.Version() {
			t.Errorf("locked with %q it says %q, %v", locked.Body, after.Body, err)
		}
	}
}
