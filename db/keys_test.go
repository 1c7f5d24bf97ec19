package db_test

import (
	"testing"
	"time"

	"codex/db"
	"codex/db/dbtest"
)

func TestAFormIsKnownForADay(t *testing.T) {
	t.Parallel()
	now, ctx := time.Now(), t.Context()
	d := dbtest.OpenAt(t, func() time.Time { return now })
	author, err := d.CreateMember(ctx, db.NewMember{Handle: "anna", Origin: "command", Role: db.Plain})
	if err != nil {
		t.Fatal(err)
	}
	v := db.Viewer{ID: author, Role: db.Plain}
	if _, err := d.CreateChannel(ctx, v, db.NewChannel{Slug: "room", Name: "Room"}); err != nil {
		t.Fatal(err)
	}
	c, err := d.ChannelBySlug(ctx, v, "room")
	if err != nil {
		t.Fatal(err)
	}
	post, err := d.CreatePost(ctx, v, db.NewPost{ChannelID: c.ID, Kind: "discussion", Title: "T", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	send := func(key string) int64 {
		t.Helper()
		id, err := d.CreateComment(ctx, v, db.NewComment{PostID: post, Body: "said", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	pass := func(span time.Duration) {
		t.Helper()
		now = now.Add(span)
		if err := d.DropExpired(ctx); err != nil {
			t.Fatal(err)
		}
	}
	old := send("old")
	pass(time.Hour)
	young := send("young")
	pass(23*time.Hour - time.Minute)
	if send("old") != old || send("young") != young {
		t.Error("a form that was sent within a day made a second comment")
	}
	pass(2 * time.Minute)
	if send("young") != young {
		t.Error("a key went with one that was made before it")
	}
	if send("old") == old {
		t.Error("a key of yesterday is kept")
	}
	if err := d.DeletePost(ctx, v, post); err != nil {
		t.Fatal(err)
	}
	if send("young") != young {
		t.Error("a form that was sent has no answer after its post was deleted")
	}
}
