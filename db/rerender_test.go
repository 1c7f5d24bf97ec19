package db_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"codex/app/markup"
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

// An index of what an older renderer made is of no use to a query about another version than its own.
func TestTheIndexesOfOutdatedTextsAreOfThisRenderer(t *testing.T) {
	t.Parallel()
	raw, err := sql.Open("sqlite3", dbtest.Open(t).Path()+"?_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for table, version := range map[string]string{"posts": "html", "comments": "html", "members": "bio", "channels": "rules", "tags": "about"} {
		var text string
		if err := raw.QueryRow("SELECT sql FROM sqlite_master WHERE name = ?", table+"_outdated").Scan(&text); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		if want := fmt.Sprintf("WHERE %s_version < %d", version, markup.Version); !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("a migration has to make it anew, with %q: %s", want, text)
		}
	}
}
