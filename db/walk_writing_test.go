package db

// writing walks what makes writing comfortable: drafts, histories, what is saved and followed, similar titles.
func (w *walker) writing(channel, post int64) {
	d, ctx := w.d, w.ctx
	const place = "/p/1/comments"
	for range 2 {
		must(d.SaveDraft(ctx, w.plain, Draft{Place: place, Body: "begun"}))(w)
	}
	must(d.DraftAt(ctx, w.plain, place))(w)
	must(d.Drafts(ctx, w.plain))(w)
	must(d.Barring(ctx, w.plain))(w)
	w.ok(d.DropDraft(ctx, w.plain, place))
	w.ok(d.DropOldDrafts(ctx))

	w.ok(d.EditPost(ctx, w.plain, post, PostEdit{Title: "Walk on?", Body: "changed", Tags: []string{"two"}, Draft: place}))
	comment := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "said", Draft: place}))(w)
	w.ok(d.EditComment(ctx, w.plain, comment, CommentEdit{Body: "said better at https://example.org/"}))
	for _, v := range []Viewer{{}, w.plain, w.admin} {
		must(d.PostRevisions(ctx, v, post, 0))(w)
		must(d.CommentRevisions(ctx, v, comment, 1000))(w)
	}
	list := must(d.PostRevisions(ctx, w.admin, post, 0))(w)
	w.ok(d.HidePostRevision(ctx, w.admin, post, list[1].ID, true))
	list = must(d.CommentRevisions(ctx, w.admin, comment, 0))(w)
	w.ok(d.HideCommentRevision(ctx, w.admin, comment, list[1].ID, true))

	for _, on := range []bool{true, false} {
		w.ok(d.SetSaved(ctx, w.plain, post, on))
	}
	must(d.SavedPosts(ctx, w.plain, Cursor{}, 10))(w)
	for _, l := range []Level{FollowAll, FollowUsual} {
		w.ok(d.FollowPost(ctx, w.plain, post, l))
		w.ok(d.FollowChannel(ctx, w.plain, channel, l))
	}
	must(d.SimilarPosts(ctx, w.plain, "Walk on and on"))(w)
}
