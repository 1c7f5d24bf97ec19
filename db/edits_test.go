package db

import (
	"context"
	"errors"
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
