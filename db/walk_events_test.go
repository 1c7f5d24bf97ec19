package db

import "time"

// events walks what is told to those who listen.
func (w *walker) events(post int64) {
	d, ctx := w.d, w.ctx
	last := must(d.LastEvent(ctx))(w)
	comment := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "heard"}))(w)
	must(d.CommentsByID(ctx, w.plain, post, []int64{comment}))(w)
	if list := must(d.Events(ctx, last, 10))(w); len(list) != 1 || list[0].Subject != comment {
		w.t.Fatalf("walk: a comment was told as %+v", list)
	}
	if list, complete, err := d.EventsOn(ctx, []string{PostTopic(post), ChannelTopic(1)}, last, last+1); err != nil || !complete || len(list) != 1 {
		w.t.Fatalf("walk: what was missed is %+v, %t, %v", list, complete, err)
	}
	now := d.now
	d.now = func() time.Time { return now().Add(EventsKept + time.Hour) }
	must(d.DropOldEvents(ctx))(w)
	d.now = now
	if _, complete, err := d.EventsOn(ctx, []string{PostTopic(post)}, last-1, last+1); err != nil || complete {
		w.t.Fatalf("walk: of what is kept no more, all is told: %v", err)
	}
	w.ok(d.newEpoch(ctx))
	if next := must(d.LastEvent(ctx))(w); next>>epochBits <= last>>epochBits {
		w.t.Fatalf("walk: the epoch after that of %d begins with %d", last, next)
	}
}

// notified walks who is told of what.
func (w *walker) notified(channel, post int64) {
	d, ctx := w.d, w.ctx
	reader := w.member("reader", NewMember{Role: Plain})
	w.ok(d.FollowPost(ctx, reader, post, FollowAll))
	w.ok(d.FollowChannel(ctx, reader, channel, FollowAll))
	must(d.CreatePost(ctx, w.admin, NewPost{ChannelID: channel, Kind: "discussion", Title: "For @reader", Body: "And @plain"}))(w)
	own := must(d.CreateComment(ctx, reader, NewComment{PostID: post, Body: "mine"}))(w)
	reply := must(d.CreateComment(ctx, w.admin, NewComment{PostID: post, ParentID: own, Body: "to you, @plain"}))(w)
	must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "to all"}))(w)
	w.ok(d.EditComment(ctx, w.admin, reply, CommentEdit{Body: "to you, @reader and @plain"}))
	for _, value := range []int{1, 0} {
		must(d.ReactToComment(ctx, w.admin, own, value))(w)
	}
	must(d.Unread(ctx, reader))(w)
	for _, f := range []NotificationFilter{{Limit: 50}, {Limit: 50, Unread: true}, {Limit: 50, Mentions: true}} {
		list, _, err := d.Notifications(ctx, reader, f)
		w.ok(err)
		if len(list) == 0 && !f.Mentions {
			w.t.Fatalf("walk: a follower was told nothing: %+v", f)
		}
		if len(list) > 0 {
			w.ok(d.ReadNotifications(ctx, reader, list[0].ID, 0))
		}
	}
	w.ok(d.ReadNotifications(ctx, reader, 0, 1<<40))
	must(d.NotificationSettings(ctx, reader))(w)
	w.ok(d.SetNotificationSettings(ctx, reader, NotificationSettings{Choices: map[Notice]Choice{NoticeReply: {App: true, Mail: true}}, Digest: DailyDigest, Hidden: true}))
	if _, _, err := d.ToMail(ctx, reader.ID, 50); err != nil {
		w.t.Fatalf("walk: %v", err)
	}
	w.ok(d.Mailed(ctx, reader.ID, d.now()))
	if _, _, _, err := d.DigestFor(ctx, reader.ID); err != nil {
		w.t.Fatalf("walk: %v", err)
	}
	must(d.write.ExecContext(ctx, "UPDATE members SET digest_next = 1 WHERE id = ?", reader.ID))(w)
	must(d.AskDigests(ctx))(w)
	must(d.DropOldNotifications(ctx))(w)
}
