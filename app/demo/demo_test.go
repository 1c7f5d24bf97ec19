package demo

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"codex/app/markup"
	"codex/db"
	"codex/db/dbtest"
)

const hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2g"

// loaded is a site with the demonstration in it.
func loaded(t *testing.T, now time.Time) *db.DB {
	t.Helper()
	d := dbtest.Open(t)
	if _, err := Load(t.Context(), d, now, hash); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoadFillsAnEmptySite(t *testing.T) {
	t.Parallel()
	d, now := dbtest.Open(t), time.Now()
	signIns, err := Load(t.Context(), d, now, hash)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the load took %v", time.Since(now))
	want := []SignIn{{"wren", db.Admin}, {"tobias", db.Moderator}, {"pilar", db.Plain}}
	if diff := cmp.Diff(want, signIns); diff != "" {
		t.Errorf("sign-ins (-want +got):\n%s", diff)
	}
	dbtest.Recount(t, d.Path())
	raw := dbtest.Raw(t, d.Path())
	for _, c := range []struct {
		what, query string
		least, most int
	}{
		{"channels", "SELECT COUNT(*) FROM channels", 6, 6},
		{"members", "SELECT COUNT(*) FROM members WHERE origin = 'demo'", 30, 30},
		{"members who can sign in", "SELECT COUNT(*) FROM members WHERE password <> ''", 3, 3},
		{"posts", "SELECT COUNT(*) FROM posts", 45, 1000},
		{"posts and comments", "SELECT (SELECT COUNT(*) FROM posts) + (SELECT COUNT(*) FROM comments WHERE deleted_at IS NULL)", 200, 2000},
		{"accepted answers", "SELECT COUNT(*) FROM posts WHERE accepted_id IS NOT NULL", 5, 1000},
		{"questions without", "SELECT COUNT(*) FROM posts WHERE kind = 'question' AND accepted_id IS NULL", 3, 1000},
		{"pinned posts", "SELECT COUNT(*) FROM posts WHERE pinned_at IS NOT NULL", 1, 10},
		{"locked posts with comments", "SELECT COUNT(*) FROM posts WHERE locked_at IS NOT NULL AND comment_count > 0", 1, 10},
		{"edited posts", "SELECT COUNT(*) FROM posts WHERE edited_at IS NOT NULL", 1, 100},
		{"deleted comments with replies", "SELECT COUNT(*) FROM comments WHERE deleted_at IS NOT NULL AND reply_count > 0 AND parent_id IS NOT NULL", 1, 10},
		{"levels of the deepest thread", "SELECT MAX(depth) + 1 FROM comments", 12, 60},
		{"comments of the busiest post", "SELECT MAX(comment_count) FROM posts", 40, 1000},
		{"posts without a comment", "SELECT COUNT(*) FROM posts WHERE comment_count = 0", 1, 10},
		{"bytes of the longest post", "SELECT MAX(length(body)) FROM posts", 3000, 64 << 10},
		{"letters of the shortest post", "SELECT MIN(length(body)) FROM posts", 1, 40},
		{"letters of the longest name", "SELECT MAX(length(name)) FROM members", 50, 50},
		{"dislikes", "SELECT COUNT(*) FROM post_reactions WHERE value = -1", 10, 1000},
		{"tags", "SELECT COUNT(*) FROM tags WHERE post_count > 1", 5, 1000},
		{"channels that a sign-in did not join", "SELECT COUNT(*) FROM channels c WHERE NOT EXISTS (SELECT 1 FROM memberships s JOIN members m ON m.id = s.member_id WHERE s.channel_id = c.id AND m.handle = 'pilar')", 1, 5},
	} {
		var n int
		if err := raw.QueryRow(c.query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if n < c.least || n > c.most {
			t.Errorf("%d %s, want %d to %d", n, c.what, c.least, c.most)
		}
	}
}

func TestLoadShowsWhatAPostCanHold(t *testing.T) {
	t.Parallel()
	d := loaded(t, time.Now())
	raw := dbtest.Raw(t, d.Path())
	for what, piece := range map[string]string{
		"a table": "<table>", "coloured code": `<code><span class="`, "a task list": `type="checkbox"`, "a ticked task": `checked=""`,
		"a footnote": `class="footnotes"`, "struck text": "<del>", "a mention": `class="mention"`, "a channel": `class="channel-ref"`,
		"a quotation": "<blockquote>", "a heading": "<h3>", "an emoji": "📚", "keys": "<kbd>", "a fold": "<details>", "Arabic": "العجين",
		"a rule": "<hr>", "an ordered list": "<ol>", "Japanese": "、",
	} {
		var n int
		if err := raw.QueryRow(`SELECT COUNT(*) FROM (SELECT html FROM posts UNION ALL SELECT html FROM comments) WHERE instr(html, ?) > 0`, piece).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Errorf("no text shows %s (%s)", what, piece)
		}
	}
}

func TestLoadedTimesEndNow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	raw := dbtest.Raw(t, loaded(t, now).Path())
	for _, table := range []string{"posts", "comments", "post_reactions", "comment_reactions"} {
		var first, last int64
		if err := raw.QueryRow("SELECT MIN(created_at), MAX(created_at) FROM "+table).Scan(&first, &last); err != nil {
			t.Fatal(err)
		}
		if time.UnixMilli(first).Before(now.Add(-22*24*time.Hour)) || time.UnixMilli(last).After(now) {
			t.Errorf("%s are from %v to %v, now is %v", table, time.UnixMilli(first), time.UnixMilli(last), now)
		}
	}
	var newest int64
	if err := raw.QueryRow("SELECT MAX(active_at) FROM posts").Scan(&newest); err != nil {
		t.Fatal(err)
	}
	if age := now.Sub(time.UnixMilli(newest)); age > 10*time.Minute {
		t.Errorf("the newest comment is %v old", age)
	}
}

func TestWhoSignsInHasSomethingToRead(t *testing.T) {
	t.Parallel()
	d := loaded(t, time.Now())
	for _, handle := range []string{"wren", "tobias", "pilar"} {
		v := viewer(t, d, handle)
		rows, err := d.Posts(t.Context(), v, db.Feed{Sort: db.Active, Limit: 60})
		if err != nil {
			t.Fatal(err)
		}
		var unread, fresh int
		for _, r := range rows {
			if r.Unread {
				unread++
			}
			if r.New > 0 {
				fresh++
			}
		}
		if unread < 2 || unread > len(rows)/2 || fresh == 0 {
			t.Errorf("%s: %d of %d posts are unread, %d have new comments", handle, unread, len(rows), fresh)
		}
		rail, err := d.Rail(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, c := range rail {
			sum += c.Unread
		}
		if sum == 0 {
			t.Errorf("%s has no channel with anything new", handle)
		}
		t.Logf("%s: %d unread, %d of them with new comments, %d in the rail", handle, unread, fresh, sum)
	}
}

// viewer is the member as their session would have them.
func viewer(t *testing.T, d *db.DB, handle string) db.Viewer {
	t.Helper()
	m, err := d.MemberByHandle(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	token := []byte(handle)
	if err := d.CreateSession(t.Context(), m.ID, token, "", ""); err != nil {
		t.Fatal(err)
	}
	v, _, err := d.ViewerBySession(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLoadIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	c, err := read()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if diff := cmp.Diff(c.plan(now, hash), c.plan(now, hash)); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefusesASiteWithSomebodyInIt(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	if _, err := d.CreateMember(t.Context(), db.NewMember{Handle: "wren", Origin: "registered"}); err != nil {
		t.Fatal(err)
	}
	before := dbtest.Dump(t, d.Path())
	if _, err := Load(t.Context(), d, time.Now(), hash); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("loading answers %v, want ErrNotEmpty", err)
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, d.Path())); diff != "" {
		t.Errorf("the refused load wrote something:\n%s", diff)
	}
}

func TestLoadLeavesAnEarlierLoadAsItIs(t *testing.T) {
	t.Parallel()
	d := loaded(t, time.Now().Add(-time.Hour))
	before := dbtest.Dump(t, d.Path())
	signIns, err := Load(t.Context(), d, time.Now(), hash)
	if err != nil || len(signIns) != 3 {
		t.Errorf("the second load answers %v, %v", signIns, err)
	}
	if diff := cmp.Diff(before, dbtest.Dump(t, d.Path())); diff != "" {
		t.Errorf("the second load wrote something:\n%s", diff)
	}
}

func TestAnInterruptedLoadLeavesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	before := dbtest.Dump(t, d.Path())
	stopped := false
	for wait := time.Millisecond; wait < 200*time.Millisecond; wait *= 3 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		_, err := Load(ctx, d, time.Now(), hash)
		cancel()
		if err == nil {
			break // a fast machine: it was loaded in time
		}
		stopped = true
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("stopped after %v: %v", wait, err)
		}
		if diff := cmp.Diff(before, dbtest.Dump(t, d.Path())); diff != "" {
			t.Fatalf("stopped after %v, and something was left:\n%s", wait, diff)
		}
	}
	if !stopped {
		t.Fatal("the demonstration was loaded within a millisecond")
	}
	if _, err := Load(t.Context(), d, time.Now(), hash); err != nil {
		t.Errorf("the load after that: %v", err)
	}
}

// Names in the texts are held to exist when the content is read. This looks at what came out.
func TestNoNameIsLeftAsText(t *testing.T) {
	t.Parallel()
	d := loaded(t, time.Now())
	raw := dbtest.Raw(t, d.Path())
	rows, err := raw.Query("SELECT body, html FROM posts UNION ALL SELECT body, html FROM comments UNION ALL SELECT bio, bio_html FROM members UNION ALL SELECT rules, rules_html FROM channels")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	r := markup.New(markup.Options{})
	for rows.Next() {
		var source, html string
		if err := rows.Scan(&source, &html); err != nil {
			t.Fatal(err)
		}
		handles, slugs := r.Scan(source)
		for _, name := range handles {
			if !strings.Contains(html, ">@"+name+"<") {
				t.Errorf("@%s stands as text in %.80q", name, source)
			}
		}
		for _, name := range slugs {
			if !strings.Contains(html, ">#"+name+"<") {
				t.Errorf("#%s stands as text in %.80q", name, source)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestTheContentSpeaksInManyVoices(t *testing.T) {
	t.Parallel()
	c, err := read()
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	wrote := map[string]int{}
	note := func(at place, author, body string) {
		wrote[author]++
		for line := range strings.Lines(body) {
			line = strings.TrimSpace(line)
			if utf8.RuneCountInString(line) < 30 || strings.HasPrefix(line, "|") {
				continue
			}
			if where, twice := said[line]; twice {
				t.Errorf("%s:%d says what %s says: %.60q", at.file, at.line, where, line)
			}
			said[line] = at.file
		}
	}
	for _, p := range c.posts {
		note(p.place, p.author, p.body)
		for _, k := range p.comments {
			note(k.place, k.author, k.body)
		}
	}
	for _, m := range c.members {
		if wrote[m.handle] == 0 {
			t.Errorf("%s never says anything", m.handle)
		}
	}
}

func TestParseSaysFileAndLine(t *testing.T) {
	t.Parallel()
	const members = "handle: ada\nname: Ada\nrole: admin\nsigns-in: yes\njoined: 30d\n---\nhandle: ben\nname: Ben\nrole: moderator\nsigns-in: yes\njoined: 30d\n---\nhandle: cyd\nname: Cyd\nsigns-in: yes\njoined: 30d\n"
	const channels = "slug: tea\nname: Tea\ndescription: Leaves.\ncreated: 29d\nowner: ada\n"
	const post = "---\ntitle: Leaves\nchannel: tea\nauthor: ada\nage: 3d\n---\nText.\n=== 1 ben 2d\nYes.\n"
	good := map[string]string{"members.txt": members, "channels.txt": channels, "posts/a.md": post}
	for name, c := range map[string]struct{ file, old, new, want string }{
		"good content":           {"posts/a.md", "", "", ""},
		"unknown field":          {"members.txt", "name: Ben", "name: Ben\nage: 3d", "members.txt:9: age is no field here"},
		"missing field":          {"members.txt", "name: Ben\n", "", "members.txt:7: name is missing"},
		"field twice":            {"channels.txt", "name: Tea", "name: Tea\nname: Tee", "channels.txt:3: name stands twice"},
		"no field":               {"channels.txt", "name: Tea", "Tea!", `channels.txt:2: "Tea!" is no field`},
		"no age":                 {"members.txt", "joined: 30d", "joined: tuesday", `members.txt:5: "tuesday" is no age: days, hours, minutes, as in 1d2h30m`},
		"no admin":               {"members.txt", "role: admin\n", "", "members.txt:1: 0 accounts with the role admin sign in, must be one"},
		"no head":                {"posts/a.md", "---\ntitle", "title", "posts/a.md:1: a post begins with its fields between two lines of ---"},
		"foreign channel":        {"posts/a.md", "channel: tea", "channel: gin", "posts/a.md:1: there is no channel gin"},
		"foreign author":         {"posts/a.md", "1 ben", "1 bob", "posts/a.md:8: there is no member bob"},
		"foreign mention":        {"posts/a.md", "Text.", "Ask @bob.", "posts/a.md:1: there is no member bob"},
		"foreign reference":      {"posts/a.md", "Yes.", "See #gin.", "posts/a.md:8: there is no channel #gin"},
		"no title":               {"posts/a.md", "title: Leaves", "title:  a  b", `posts/a.md:1: "a  b" is no title`},
		"no text":                {"posts/a.md", "Yes.", "", "posts/a.md:8: it has no text"},
		"level that jumps":       {"posts/a.md", "1 ben", "2 ben", "posts/a.md:8: level 2 answers nothing: the comment above it has level 0"},
		"no level":               {"posts/a.md", "1 ben", "x ben", `posts/a.md:8: "x" is no level`},
		"unknown word":           {"posts/a.md", "ben 2d", "ben 2d liked", `posts/a.md:8: "liked" is none of +LIKES, -DISLIKES, accepted, deleted`},
		"short head":             {"posts/a.md", "1 ben 2d", "1 ben", `posts/a.md:8: a comment begins with === LEVEL HANDLE AGE, not "=== 1 ben"`},
		"answer before question": {"posts/a.md", "ben 2d", "ben 4d", "posts/a.md:8: it is not younger than what stands before it and what it answers"},
		"post before its author": {"posts/a.md", "age: 3d", "age: 40d", "posts/a.md:1: it is older than its channel, or was edited before it was written"},
		"accepted in discussion": {"posts/a.md", "ben 2d", "ben 2d accepted", "posts/a.md:8: it cannot be the accepted answer"},
		"more likes than people": {"posts/a.md", "ben 2d", "ben 2d +3", "posts/a.md:8: it has more reactions than there are other members"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{}
			for file, text := range good {
				if file == c.file {
					text = strings.Replace(text, c.old, c.new, 1)
				}
				files[filepath.ToSlash(file)] = &fstest.MapFile{Data: []byte(text)}
			}
			got := ""
			if _, err := parse(files); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("parse answers\n %s\nwant\n %s", got, c.want)
			}
		})
	}
}
