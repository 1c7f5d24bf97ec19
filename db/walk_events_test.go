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
