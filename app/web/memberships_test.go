package web_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
	"codex/db/dbtest"
)

// access sends the form that says who may read and write in a channel.
func access(t *testing.T, c *apptest.Client, slug, visibility string, more ...string) {
	t.Helper()
	want(t, c.Post("/c/"+slug+"/access", append([]string{"visibility", visibility, "slow", "0"}, more...)...), 303)
}

// able is As for somebody who has a password, as those have who can be invited.
func able(t *testing.T, s *apptest.Site, handle string) *apptest.Client {
	t.Helper()
	c := s.As(handle, db.Plain)
	if err := s.DB.SetPassword(t.Context(), c.Viewer.ID, noPassword, 0); err != nil {
		t.Fatal(err)
	}
	c.SignIn(c.Viewer.ID)
	return c
}

func TestWhoAsksToWriteIsLetInOrNot(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, first, second := s.As("owner", db.Plain), s.As("first", db.Plain), s.As("second", db.Plain)
	owner.Channel("guild")
	access(t, owner, "guild", "restricted")
	post := owner.Write("guild", "Rules", "Text")
	for _, c := range []*apptest.Client{first, second} {
		want(t, c.Post("/c/guild/posts", "title", "Hello", "body", "Text"), 403)
		want(t, c.Post(at(t, post, "comments"), "body", "Text"), 403)
		want(t, c.Post("/c/guild/join"), 403)
		want(t, c.Post("/c/guild/ask", "note", "I am "+c.Viewer.Handle), 303)
		want(t, c.Post("/c/guild/ask", "note", "I am really "+c.Viewer.Handle), 303) // it changes the note
		if p := open(t, c, "/c/guild/members"); strings.Contains(p.Body, "I am really") {
			t.Error("others read what somebody wrote to those who keep the channel")
		}
	}
	p := open(t, owner, "/c/guild/members")
	if !p.has(t, "I am really first") || !p.has(t, "I am really second") || strings.Contains(text(p.root), "I am first") {
		t.Errorf("who keeps the channel does not read the wishes: %s", text(p.main(t)))
	}
	answer := func(c *apptest.Client, member *apptest.Client, let string) apptest.Answer {
		return c.Post(fmt.Sprintf("/c/guild/requests/%d", member.Viewer.ID), "let", let)
	}
	want(t, answer(first, first, "in"), 403)
	want(t, answer(owner, first, "in"), 303)
	want(t, answer(owner, second, "no"), 303)
	want(t, answer(owner, second, "in"), 404) // another was first
	first.Write("guild", "Hello", "Text")
	want(t, second.Post("/c/guild/posts", "title", "Hello", "body", "Text"), 403)
	dbtest.Recount(t, s.DB.Path())
}

func TestAnInvitationIsTakenOrDeclined(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, first, second, third := s.As("owner", db.Plain), able(t, s, "first"), able(t, s, "second"), able(t, s, "third")
	owner.Channel("cellar")
	access(t, owner, "cellar", "private")
	c, err := s.DB.ChannelBySlug(t.Context(), owner.Viewer, "cellar")
	if err != nil {
		t.Fatal(err)
	}
	for _, handle := range []string{"@First", " second ", "second"} {
		want(t, owner.Post("/c/cellar/invitations", "handle", handle), 303)
	}
	p := parse(t, want(t, owner.Post("/c/cellar/invitations", "handle", "nobody"), 422))
	if !strings.Contains(p.Body, `value="nobody"`) {
		t.Error("what was typed is gone")
	}
	want(t, third.Post("/c/cellar/invitations", "handle", "third"), 404)
	to := fmt.Sprintf("/invitations/%d", c.ID)
	if open(t, third, "/invitations"); strings.Contains(open(t, third, "/invitations").Body, "cellar") {
		t.Error("who was not invited reads of it")
	}
	if !open(t, first, "/invitations").hasForm(to) {
		t.Error("who was invited cannot answer")
	}
	want(t, first.Get("/c/cellar"), 404) // an invitation opens nothing before it is taken
	want(t, third.Post(to, "answer", "yes"), 404)
	if a := want(t, first.Post(to, "answer", "yes"), 303); a.Location != "/c/cellar" {
		t.Errorf("leads to %q", a.Location)
	}
	first.Write("cellar", "Hello", "Text")
	want(t, second.Post(to, "answer", "no"), 303)
	want(t, second.Post(to, "answer", "yes"), 404)
	want(t, second.Get("/c/cellar"), 404)
	want(t, owner.Post("/c/cellar/invitations", "handle", "third"), 303)
	want(t, owner.Post(fmt.Sprintf("/c/cellar/invitations/%d/drop", third.Viewer.ID)), 303)
	want(t, third.Post(to, "answer", "yes"), 404)
	dbtest.Recount(t, s.DB.Path())
}

// TestAPrivateChannelIsNowhere looks at every place that could tell of it.
func TestAPrivateChannelIsNowhere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, stranger := s.As("owner", db.Plain), s.As("stranger", db.Plain)
	owner.Channel("open")
	owner.Write("open", "Seen", "Text", "tags", "shared")
	owner.Channel("secret")
	post := owner.Write("secret", "Unseen", "Text", "tags", "shared hidden")
	owner.Comment(post, "", "Unseen too")
	numbers := func(c *apptest.Client) string {
		m := open(t, c, "/u/owner")
		tags := open(t, c, "/tags")
		return text(m.main(t)) + text(tags.main(t))
	}
	with := numbers(s.Guest())
	access(t, owner, "secret", "private")
	dbtest.Recount(t, s.DB.Path())
	for name, c := range map[string]*apptest.Client{"guest": s.Guest(), "stranger": stranger} {
		for _, path := range []string{"/", "/?all=1", "/?all=1&sort=top&t=all", "/c", "/u/owner", "/u/owner?tab=comments", "/tags", "/t/shared", "/about"} {
			if body := open(t, c, path).Body; strings.Contains(body, "Unseen") || strings.Contains(body, "secret") || strings.Contains(body, "hidden\"") {
				t.Errorf("%s reads of it at %s", name, path)
			}
		}
		for _, path := range []string{"/c/secret", "/c/~2", "/c/secret/members", post, "/p/2", "/comments/1", "/t/hidden"} {
			want(t, c.Get(path), 404)
		}
		if numbers(c) == with {
			t.Errorf("what stands in it still counts for a %s", name)
		}
	}
	// A name that is typed must not tell whether there is such a channel.
	for name, c := range map[string]*apptest.Client{"stranger": stranger, "owner": owner} {
		linked := link(aPartial(t, want(t, c.Htmx("POST", "/preview", "body", "Look at #secret and #open"), 200)).root, "secret")
		if linked != "" {
			t.Errorf("a preview by the %s leads to %q", name, linked)
		}
	}
	posted := stranger.Write("open", "A guess", "Is there #secret, or #open?")
	if body := open(t, stranger, posted); link(body.main(t), "secret") != "" || strings.Contains(body.Body, `href="/c/~2"`) {
		t.Error("a post that guesses the name is answered with a link")
	}
	access(t, owner, "secret", "public")
	dbtest.Recount(t, s.DB.Path())
	want(t, s.Guest().Get(post), 200)
	if link(open(t, s.Guest(), "/tags").root, "hidden") == "" {
		t.Error("opened again, its tag is not back")
	}
}

func TestASlowChannelTakesOneTextAtATime(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := apptest.StartAt(t, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	owner, c := s.As("owner", db.Plain), s.As("writer", db.Plain)
	owner.Channel("pond")
	want(t, owner.Post("/c/pond/access", "visibility", "public", "slow", "60"), 303)
	for range 2 {
		owner.Write("pond", "Mine", "Text") // who keeps it is not held up
	}
	post := c.Write("pond", "First", "Text")
	for _, a := range []apptest.Answer{c.Post("/c/pond/posts", "title", "Second", "body", "My second text"), c.Post(at(t, post, "comments"), "body", "My second text")} {
		want(t, a, 429)
		if wait := a.Header.Get("Retry-After"); wait == "" || wait == "0" || len(wait) > 2 {
			t.Errorf("Retry-After is %q, want up to 60 seconds", wait)
		}
		if !strings.Contains(a.Body, "My second text") {
			t.Error("the text is not kept on the page")
		}
	}
	owner.Channel("lake")
	c.Write("lake", "Elsewhere", "Text")
	want(t, owner.Post("/c/pond/access", "visibility", "public", "slow", "0"), 303)
	c.Write("pond", "Second", "Text")
	for _, slow := range []string{"-1", "86401", "x", ""} {
		want(t, owner.Post("/c/pond/access", "visibility", "public", "slow", slow), 400)
	}
}

func TestAnArchivedChannelIsReadOnly(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, c, staff := s.As("owner", db.Plain), s.As("writer", db.Plain), s.As("staff", db.Moderator)
	owner.Channel("attic")
	post := c.Write("attic", "Old", "Text", "kind", "question")
	comment := c.Comment(post, "", "Text")
	access(t, owner, "attic", "public", "archived", "1")
	for _, who := range []*apptest.Client{c, owner, staff} {
		want(t, who.Post("/c/attic/posts", "title", "New", "body", "Text"), 403)
		want(t, who.Post(at(t, post, "comments"), "body", "Text"), 403)
		want(t, who.Post("/comments/"+comment+"/accept"), 403)
	}
	want(t, c.Post(at(t, post, "edit"), "title", "New", "body", "Text"), 403)
	want(t, c.Post("/comments/"+comment+"/edit", "body", "New"), 403)
	if p := open(t, c, post); p.hasForm(at(t, post, "comments")) {
		t.Error("the page offers to write")
	}
	access(t, owner, "attic", "public")
	c.Comment(post, comment, "New")
}

func TestAChannelIsHandedOver(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, next, other := s.As("owner", db.Plain), s.As("next", db.Plain), s.As("other", db.Plain)
	owner.Channel("guild")
	role := func(c, member *apptest.Client, role string) apptest.Answer {
		return c.Post(fmt.Sprintf("/c/guild/members/%d/role", member.Viewer.ID), "role", role)
	}
	remove := func(c, member *apptest.Client) apptest.Answer {
		return c.Post(fmt.Sprintf("/c/guild/members/%d/remove", member.Viewer.ID))
	}
	want(t, role(owner, next, "moderator"), 404) // who is not in it
	want(t, next.Post("/c/guild/join"), 303)
	want(t, other.Post("/c/guild/join"), 303)
	want(t, role(next, next, "owner"), 403)
	want(t, role(owner, next, "king"), 403)
	want(t, role(owner, next, "moderator"), 303)
	want(t, role(next, other, "moderator"), 403)
	want(t, remove(next, owner), 403)
	want(t, role(owner, next, "owner"), 303)
	want(t, owner.Get("/c/guild/settings"), 200) // as its moderator
	want(t, owner.Post("/c/guild/access", "visibility", "private", "slow", "0"), 403)
	want(t, role(next, next, "member"), 403) // it would have no owner
	want(t, role(next, other, "moderator"), 303)
	want(t, remove(other, owner), 403) // a moderator does not remove a moderator
	want(t, remove(next, owner), 303)
	want(t, remove(next, owner), 403)
	want(t, owner.Get("/c/guild/settings"), 403)
	want(t, owner.Post("/c/guild/join"), 303) // it is public
	dbtest.Recount(t, s.DB.Path())
}

func TestAChannelWithManyPostsIsDeletedAndRestored(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, admin, staff := s.As("owner", db.Plain), s.As("admin", db.Admin), s.As("staff", db.Moderator)
	owner.Channel("crowd")
	post := owner.Write("crowd", "One of many", "Text", "tags", "many")
	fillChannel(t, s.DB.Path(), 10_000)
	dbtest.Recount(t, s.DB.Path())
	if a := want(t, owner.Post("/c/crowd/delete", "confirm", "crow"), 303); !strings.Contains(a.Location, "/settings") {
		t.Errorf("with a wrong name it leads to %q", a.Location)
	}
	want(t, s.Guest().Get(post), 200)
	begin := time.Now()
	want(t, owner.Post("/c/crowd/delete", "confirm", "crowd"), 303)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("deleting took %v", took)
	}
	dbtest.Recount(t, s.DB.Path())
	for _, c := range []*apptest.Client{s.Guest(), owner, staff, admin} {
		want(t, c.Get("/c/crowd"), 404)
		want(t, c.Get(post), 404)
		want(t, c.Get("/t/many"), 404)
	}
	if a := owner.Post("/c", "slug", "crowd", "name", "Again", "description", "About"); a.Status != 422 {
		t.Errorf("its address is given to another: %d", a.Status)
	}
	want(t, staff.Post("/admin/channels/1/restore"), 403)
	want(t, admin.Post("/admin/channels/1/restore"), 303)
	want(t, admin.Post("/admin/channels/1/restore"), 404)
	want(t, s.Guest().Get(post), 200)
	dbtest.Recount(t, s.DB.Path())
}

// fillChannel copies the first post of a forum many times, row by row as it stands, with what counts it.
func fillChannel(t *testing.T, path string, n int) {
	t.Helper()
	raw, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, query := range []string{
		`INSERT INTO posts (channel_id, author_id, kind, title, slug, tags, base_score, score, age_class, created_at, active_at, source_url, source_author, licence, excerpt, opens, html_version, html, body)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			SELECT channel_id, author_id, kind, title, slug, tags, base_score, score, age_class, created_at, active_at, source_url, source_author, licence, excerpt, opens, html_version, html, body FROM posts, n WHERE id = 1`,
		"INSERT INTO post_tags (tag_id, post_id, created_at) SELECT 1, id, created_at FROM posts WHERE id > 1 LIMIT ?",
		"UPDATE channels SET post_count = post_count + ? WHERE id = 1",
		"UPDATE members SET post_count = post_count + ? WHERE id = (SELECT author_id FROM posts WHERE id = 1)",
		"UPDATE tags SET post_count = post_count + ? WHERE id = 1",
	} {
		if _, err := raw.Exec(query, n); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGuessedIDsOpenNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, stranger := s.As("owner", db.Plain), s.As("stranger", db.Plain)
	owner.Channel("secret")
	access(t, owner, "secret", "private")
	post := owner.Write("secret", "Unseen", "Text", "kind", "question")
	owner.Comment(post, "", "Text")
	stranger.Channel("mine")
	mine := stranger.Write("mine", "Mine", "Text", "kind", "question")
	before := dbtest.Dump(t, s.DB.Path())
	for _, id := range []string{"1", "99", "0", "-1", "9223372036854775807", "9223372036854775808", "1e0", "0x1", "%31%00"} {
		for _, path := range []string{"/p/" + id + "/edit", "/p/" + id + "/delete", "/p/" + id + "/react", "/p/" + id + "/pin", "/p/" + id + "/comments",
			"/comments/" + id + "/edit", "/comments/" + id + "/delete", "/comments/" + id + "/accept", "/invitations/" + id} {
			if a := stranger.Post(path, "title", "x", "body", "x", "kind", "like", "answer", "yes"); a.Status != 404 && a.Status != 400 {
				t.Errorf("POST %s: %d", path, a.Status)
			}
		}
	}
	want(t, stranger.Post(at(t, mine, "comments"), "parent", "1", "body", "x"), 404) // another post's comment
	if lines := changed(before, dbtest.Dump(t, s.DB.Path())); strings.Contains(strings.Join(lines, "\n"), "Unseen") {
		t.Errorf("it was changed: %q", lines)
	}
}
