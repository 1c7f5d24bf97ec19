package db_test

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"codex/db"
	"codex/db/dbtest"
)

func TestTextsOfAnOlderRendererAreRenderedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	ctx := t.Context()
	id, err := d.CreateMember(ctx, db.NewMember{Handle: "anna", Bio: "I am *Anna*", Origin: "command", Role: db.Admin})
	if err != nil {
		t.Fatal(err)
	}
	v := db.Viewer{ID: id, Role: db.Admin}
	if _, err := d.CreateChannel(ctx, v, db.NewChannel{Slug: "room", Name: "Room", Rules: "*Be kind*"}); err != nil {
		t.Fatal(err)
	}
	c, err := d.ChannelBySlug(ctx, v, "room")
	if err != nil {
		t.Fatal(err)
	}
	post, err := d.CreatePost(ctx, v, db.NewPost{ChannelID: c.ID, Kind: "discussion", Title: "T", Body: "*post*"})
	if err != nil {
		t.Fatal(err)
	}
	comment, err := d.CreateComment(ctx, v, db.NewComment{PostID: post, Body: "*comment*"})
	if err != nil {
		t.Fatal(err)
	}
	before := dbtest.Dump(t, d.Path())

	raw, err := sql.Open("sqlite3", d.Path()+"?_busy_timeout=5000") // the driver is registered by package db
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, q := range []string{
		"UPDATE posts SET html = 'old', excerpt = 'old', html_version = 0", "UPDATE comments SET html = 'old', excerpt = 'old', html_version = 0",
		"UPDATE members SET bio_html = 'old', bio_version = 0", "UPDATE channels SET rules_html = 'old', rules_version = 0",
	} {
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for {
		n, err := d.Rerender(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if total += n; n == 0 {
			break
		}
	}
	if total != 4 {
		t.Errorf("%d texts rendered, want 4 (comment %d)", total, comment)
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, d.Path())); diff != "" {
		t.Errorf("not as the same texts written anew:\n%s", diff)
	}
}
