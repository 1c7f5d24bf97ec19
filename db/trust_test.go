package db

import (
	"fmt"
	"testing"
	"time"
)

func TestTrustIsEarnedByVisitingReadingAndBeingLiked(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	id, err := j.CreateMember(j.ctx, NewMember{Handle: "newcomer", Origin: "registered"})
	is(t, err, nil)
	v := Viewer{ID: id}
	is(t, j.CreateSession(j.ctx, id, []byte("token"), "", ""), nil)
	channel := j.channel(t)
	for i := range 70 {
		post, err := j.CreatePost(j.ctx, j.admin, NewPost{ChannelID: channel, Kind: "discussion", Title: fmt.Sprint("Post ", i), Body: "text"})
		is(t, err, nil)
		if i < 10 {
			is(t, j.MarkRead(j.ctx, v, post, 0, 0), nil)
		}
	}
	visit := func() {
		t.Helper()
		session, _, err := j.ViewerBySession(j.ctx, []byte("token"))
		is(t, err, nil)
		v = session
		is(t, j.TouchSession(j.ctx, v), nil)
		_, err = j.RefreshTrust(j.ctx)
		is(t, err, nil)
	}
	level := func(want int) {
		t.Helper()
		s, err := j.TrustOf(j.ctx, j.mod, id)
		if err != nil || s.Level != want {
			t.Fatalf("stands at %+v, %v; want level %d", s, err, want)
		}
	}
	visit()
	visit() // the same day counts once
	level(Newcomer)
	j.pass(24 * time.Hour)
	visit()
	level(Known)

	// Read much, liked by five, there for ten days.
	if _, err := j.write.Exec("INSERT INTO reads (member_id, post_id, comments_seen, read_at) SELECT ?, id, 0, 1 FROM posts WHERE 1 ON CONFLICT DO NOTHING", id); err != nil {
		t.Fatal(err)
	}
	mine, err := j.CreatePost(j.ctx, j.admin, NewPost{ChannelID: channel, Kind: "discussion", Title: "Mine", Body: "text"})
	is(t, err, nil)
	if _, err := j.write.Exec("UPDATE posts SET author_id = ? WHERE id = ?", id, mine); err != nil {
		t.Fatal(err)
	}
	_, err = j.React(j.ctx, v, mine, 1) // one's own like is none
	is(t, err, nil)
	for i := range 4 {
		fan, err := j.CreateMember(j.ctx, NewMember{Handle: fmt.Sprint("fan", i), Origin: "command"})
		is(t, err, nil)
		_, err = j.React(j.ctx, Viewer{ID: fan}, mine, 1)
		is(t, err, nil)
	}
	for range 9 {
		j.pass(24 * time.Hour)
		visit()
	}
	level(Known) // four fans are one too few
	_, err = j.React(j.ctx, j.other, mine, 1)
	is(t, err, nil)
	j.pass(24 * time.Hour)
	visit()
	level(Regular)

	// What a moderator removed takes trust away again.
	for i := range 3 {
		if _, err := j.write.Exec("INSERT INTO posts (channel_id, author_id, kind, title, slug, created_at, active_at, deleted_at, deleted_by, html, body, html_version, excerpt, opens) VALUES (?, ?, 'discussion', 'x', 'x', ?, ?, ?, ?, '', '', 1, '', '')",
			channel, id, j.in(0)+Millis(i), j.in(0), j.in(0), j.mod.ID); err != nil {
			t.Fatal(err)
		}
	}
	j.pass(24 * time.Hour)
	visit()
	level(Known)

	// Staff set it, and nobody works it out any more.
	is(t, j.SetTrust(j.ctx, j.mod, id, Trusted, true), nil)
	j.pass(24 * time.Hour)
	visit()
	level(Trusted)
}

func TestTrustIsNobodyElsesBusiness(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	_, err := j.TrustOf(j.ctx, j.member, j.other.ID)
	is(t, err, ErrNotFound)
	s, err := j.TrustOf(j.ctx, j.member, j.member.ID)
	if err != nil || s.Level != Regular { // let in by a command
		t.Errorf("stands at %+v, %v", s, err)
	}
}
