package db

import (
	"fmt"
	"net/netip"
)

// moderating walks what is flagged and held, what is decided about it, and the way back from each decision.
func (w *walker) moderating(channel, post int64) {
	d, ctx := w.d, w.ctx
	author := w.member("waiting", NewMember{Role: Plain, Origin: "registered"})
	w.ok(d.AddWatchWord(ctx, w.admin, "pills"))

	// Flags, of each kind, and one who decides and thinks again.
	comment := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "to be flagged"}))(w)
	flagger := w.member("flagger", NewMember{Role: Plain})
	for _, n := range []NewFlag{{PostID: post}, {CommentID: comment}, {MemberID: w.plain.ID}} {
		n.Reason = "other"
		for range 2 {
			w.ok(d.Flag(ctx, flagger, n))
		}
	}
	for _, f := range []CaseFilter{{}, {Kind: "hold"}, {Kind: "flag"}, {Kind: "member"}, {ChannelID: channel}, {Decided: true}, {Decided: true, ChannelID: channel}} {
		must(d.Cases(ctx, w.admin, f))(w)
	}
	must(d.AwaitingOf(ctx, w.admin, 10))(w)
	must(d.AwaitingOf(ctx, w.plain, 10))(w)
	must(d.KeptChannels(ctx, w.admin))(w)
	for _, c := range must(d.Cases(ctx, w.admin, CaseFilter{}))(w) {
		w.ok(d.Claim(ctx, w.admin, c.ID, true))
		w.ok(d.TakeOver(ctx, w.admin, c.ID))
		must(d.CaseByID(ctx, w.admin, c.ID))(w)
		decision := Removed
		if c.PostID == 0 {
			decision = Noted
		}
		w.ok(d.Decide(ctx, w.admin, c.ID, decision, "because"))
		w.ok(d.UndoDecision(ctx, w.admin, c.ID))
		w.ok(d.Decide(ctx, w.admin, c.ID, Kept, ""))
	}
	// A case that is undone when another is open for the same thing; a text that its author deleted before it was removed.
	c := must(d.Cases(ctx, w.admin, CaseFilter{Decided: true}))(w)[0]
	w.ok(d.Flag(ctx, flagger, flagOn(c)))
	w.ok(d.UndoDecision(ctx, w.admin, c.ID))
	own := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "regretted"}))(w)
	w.ok(d.Flag(ctx, flagger, NewFlag{CommentID: own, Reason: "spam"}))
	w.ok(d.DeleteComment(ctx, w.plain, own))
	for _, c := range must(d.Cases(ctx, w.admin, CaseFilter{}))(w) {
		if c.CommentID == own {
			w.ok(d.Decide(ctx, w.admin, c.ID, Removed, "because"))
			w.ok(d.UndoDecision(ctx, w.admin, c.ID))
		}
	}
	w.ok(d.RemoveComment(ctx, w.admin, comment, "because"))
	w.ok(d.UndeleteComment(ctx, w.admin, comment))
	w.ok(d.RemovePost(ctx, w.admin, post, "because"))
	w.ok(d.UndeletePost(ctx, w.admin, post))

	// What waits: approved and held again, removed, taken back, edited.
	held := must(d.CreatePost(ctx, author, NewPost{ChannelID: channel, Kind: "discussion", Title: "Waits", Body: "a text that waits", Tags: []string{"two"}}))(w)
	said := must(d.CreateComment(ctx, author, NewComment{PostID: post, Body: "a comment that waits"}))(w)
	w.ok(d.EditPost(ctx, author, held, PostEdit{Title: "Waits on", Body: "another text that waits"}))
	w.ok(d.EditComment(ctx, author, said, CommentEdit{Body: "another comment that waits"}))
	w.ok(d.DeleteComment(ctx, author, said))
	w.ok(d.UndeleteComment(ctx, author, said))
	w.ok(d.DeletePost(ctx, author, held))
	w.ok(d.UndeletePost(ctx, author, held))
	for _, c := range must(d.Cases(ctx, w.admin, CaseFilter{Kind: "hold"}))(w) {
		w.ok(d.Decide(ctx, w.admin, c.ID, Removed, "because"))
		w.ok(d.UndoDecision(ctx, w.admin, c.ID))
		w.ok(d.Decide(ctx, w.admin, c.ID, Kept, ""))
		w.ok(d.UndoDecision(ctx, w.admin, c.ID))
		w.ok(d.Decide(ctx, w.admin, c.ID, Kept, ""))
	}
	// The next texts pass the first rule and meet the others.
	must(d.CreatePost(ctx, author, NewPost{ChannelID: channel, Kind: "discussion", Title: "Plain", Body: "nothing to say against it"}))(w)
	w.ok(d.EditPost(ctx, author, held, PostEdit{Title: "Cheap", Body: "pills"}))
	must(d.CreateComment(ctx, author, NewComment{PostID: post, Body: "pills"}))(w)

	// A sweep of one, stopped on its way, and of all; then back.
	w.ok(d.EditComment(ctx, author, said, CommentEdit{Body: "shown"}))
	for i, n := range []NewSweep{{MemberID: author.ID, Reason: "because"}, {Since: 1, Ban: true, Reason: "because"}} {
		id := must(d.StartSweep(ctx, w.admin, n))(w)
		w.sweepOn()
		must(d.SweepByID(ctx, w.admin, id))(w)
		w.ok(d.UndoSweep(ctx, w.admin, id))
		w.ok(d.UndoSweep(ctx, w.admin, id))
		w.sweepOn()
		if s := must(d.SweepByID(ctx, w.admin, id))(w); s.State != Shown {
			w.t.Fatalf("walk: sweep %d is %s", i, s.State)
		}
	}
	must(d.Sweeps(ctx, w.admin, 5))(w)
	must(d.Newcomers(ctx, w.admin, 1, Cursor{}, 10))(w)
	must(d.WaveSince(ctx, w.admin, 1))(w)
	must(d.SweepExtent(ctx, w.admin, NewSweep{Since: 1}))(w)
	must(d.SweepExtent(ctx, w.admin, NewSweep{MemberID: author.ID}))(w)

	must(d.UnseenBy(ctx, author, author.ID))(w)
	must(d.UnseenBy(ctx, w.admin, author.ID))(w)
	must(d.UsersOf(ctx, w.admin, netip.MustParsePrefix("192.0.2.0/24")))(w)
	must(d.ModLog(ctx, w.admin, Cursor{}, 10))(w)
	must(d.PublicLog(ctx, Cursor{}, 10))(w)
	for _, word := range must(d.WatchWords(ctx, w.admin))(w) {
		w.ok(d.DropWatchWord(ctx, w.admin, word.ID))
	}
}

// flagOn is a flag on what the case is about.
func flagOn(c Case) NewFlag {
	switch {
	case c.CommentID != 0:
		return NewFlag{CommentID: c.CommentID, Reason: "spam"}
	case c.PostID != 0:
		return NewFlag{PostID: c.PostID, Reason: "spam"}
	}
	return NewFlag{MemberID: c.MemberID, Reason: "spam"}
}

// sweepOn steps to the end of the sweep.
func (w *walker) sweepOn() {
	for i := 0; must(w.d.StepSweeps(w.ctx))(w); i++ {
		if i > 100 {
			w.ok(fmt.Errorf("a sweep of a few texts has no end"))
		}
	}
}
