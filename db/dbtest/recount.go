package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"testing"

	_ "github.com/mattn/go-sqlite3" // a connection of its own: a test may read what no query of package db shows

	"codex/db"
)

// listed: a member's and a tag's numbers count what everybody may read.
const listed = "c.deleted_at IS NULL AND c.visibility <> 'private'"

// recounts are queries that list rows whose stored count is not what counting gives.
var recounts = map[string]string{
	"member's posts": `SELECT m.id, m.post_count, (SELECT COUNT(*) FROM posts p JOIN channels c ON c.id = p.channel_id WHERE p.author_id = m.id AND p.deleted_at IS NULL AND ` + listed + `) n
		FROM members m WHERE m.post_count <> n`,
	"member's comments": `SELECT m.id, m.comment_count, (SELECT COUNT(*) FROM comments k JOIN posts p ON p.id = k.post_id JOIN channels c ON c.id = p.channel_id WHERE k.author_id = m.id AND k.deleted_at IS NULL AND ` + listed + `) n
		FROM members m WHERE m.comment_count <> n`,
	"channel's members": `SELECT c.id, c.member_count, (SELECT COUNT(*) FROM memberships s WHERE s.channel_id = c.id) n FROM channels c WHERE c.member_count <> n`,
	"channel's posts": `SELECT c.id, c.post_count, (SELECT COUNT(*) FROM posts p WHERE p.channel_id = c.id AND p.deleted_at IS NULL) n
		FROM channels c WHERE c.post_count <> n`,
	"channel's activity": `SELECT c.id, c.active_at, MAX(c.created_at, (SELECT COALESCE(MAX(p.active_at), 0) FROM posts p WHERE p.channel_id = c.id AND p.deleted_at IS NULL)) n
		FROM channels c WHERE c.active_at NOT BETWEEN n - ` + strconv.Itoa(int(db.ChannelBehind)) + ` AND n`,
	"post's comments": `SELECT p.id, p.comment_count, (SELECT COUNT(*) FROM comments k WHERE k.post_id = p.id AND k.deleted_at IS NULL) n
		FROM posts p WHERE p.comment_count <> n`,
	"post's roots": `SELECT p.id, p.comment_seq, (SELECT COUNT(*) FROM comments k WHERE k.post_id = p.id AND k.parent_id IS NULL) n
		FROM posts p WHERE p.comment_seq <> n`,
	"post's activity": `SELECT p.id, p.active_at, MAX(p.created_at, (SELECT COALESCE(MAX(k.created_at), 0) FROM comments k WHERE k.post_id = p.id AND k.deleted_at IS NULL)) n
		FROM posts p WHERE p.active_at <> n`,
	"post's score": `SELECT p.id, p.score, p.base_score + (SELECT COALESCE(SUM(value), 0) FROM post_reactions r WHERE r.post_id = p.id) n
		FROM posts p WHERE p.score <> n OR p.score <> p.base_score + p.likes - p.dislikes`,
	"post's tags": `SELECT p.id, p.tags, (SELECT COUNT(*) FROM post_tags x JOIN tags t ON t.id = x.tag_id
			WHERE x.post_id = p.id AND x.created_at = p.created_at AND instr(' ' || p.tags, ' ' || t.name || ' ') > 0) n
		FROM posts p WHERE length(p.tags) - length(replace(p.tags, ' ', '')) <> n OR n <> (SELECT COUNT(*) FROM post_tags x WHERE x.post_id = p.id)`,
	"tag's posts": `SELECT t.id, t.post_count, (SELECT COUNT(*) FROM post_tags x JOIN posts p ON p.id = x.post_id JOIN channels c ON c.id = p.channel_id WHERE x.tag_id = t.id AND p.deleted_at IS NULL AND ` + listed + `) n
		FROM tags t WHERE t.post_count <> n`,
	"comment's score": `SELECT k.id, k.score, k.base_score + (SELECT COALESCE(SUM(value), 0) FROM comment_reactions r WHERE r.comment_id = k.id) n
		FROM comments k WHERE k.score <> n OR k.score <> k.base_score + k.likes - k.dislikes`,
	"comment's replies": `SELECT k.id, k.reply_count, (SELECT COUNT(*) FROM comments r WHERE r.parent_id = k.id AND (r.held_at IS NULL OR r.held_at > r.created_at)) n
		FROM comments k WHERE k.reply_count <> n`, // what waits for a moderator and was never seen is none
	"comment's last reply": `SELECT k.id, k.reply_seq, (SELECT COUNT(*) FROM comments r WHERE r.parent_id = k.id) n FROM comments k WHERE k.reply_seq <> n`,
	"comment's place": `SELECT k.id, k.path, COALESCE(p.path, '') n FROM comments k LEFT JOIN comments p ON p.id = k.parent_id
		WHERE substr(k.path, 1, length(n)) <> n OR length(k.path) <= length(n) OR k.depth <> COALESCE(p.depth, -1) + 1
			OR k.root_id <> COALESCE(p.root_id, k.id) OR p.post_id <> k.post_id`,
	"comment's lead": `SELECT k.id, k.lead, p.accepted_id IS NOT NULL AND (SELECT a.root_id FROM comments a WHERE a.id = p.accepted_id) = k.id n
		FROM comments k JOIN posts p ON p.id = k.post_id WHERE k.lead <> n`,
}

// Recount fails the test for each stored count in a database file, each score, place and last activity, that is not
// what counting the rows gives. It assumes that no row was ever removed from the file, which nothing of the forum does.
func Recount(t testing.TB, path string) {
	t.Helper()
	raw := Raw(t, path)
	for name, query := range recounts {
		rows, err := raw.QueryContext(context.Background(), query+" LIMIT 5")
		if err != nil {
			t.Fatalf("recount %s: %v", name, err)
		}
		for rows.Next() {
			var id int64
			var stored, counted any
			if err := rows.Scan(&id, &stored, &counted); err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s: row %d has %v, counting gives %v", name, id, stored, counted)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var check string
	if err := raw.QueryRow("PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity check: %s, %v", check, err)
	}
}

// Raw opens a database file to read what no query of package db shows.
func Raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite3", "file:"+path+"?_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// Dump is the content of a database file: each row of each table as a line, sorted.
// What SQLite keeps for itself is not in it, nor when the epochs of the events began.
func Dump(t testing.TB, path string) []string {
	t.Helper()
	raw := Raw(t, path)
	var tables []string
	rows, err := raw.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	var lines []string
	for _, table := range tables {
		lines = append(lines, dumpTable(t, raw, table)...)
	}
	return lines
}

func dumpTable(t testing.TB, raw *sql.DB, table string) (lines []string) {
	t.Helper()
	query := "SELECT * FROM " + table
	if table == "events" {
		query += " WHERE kind <> 'epoch'"
	}
	rows, err := raw.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := table
		for i, v := range values {
			line += fmt.Sprintf(" %s=%v", columns[i], v)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
