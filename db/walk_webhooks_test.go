package db

// hooks walks webhooks: told of each kind, delivered, failed, replayed, switched off, dropped.
func (w *walker) hooks(channel int64) {
	d, ctx := w.d, w.ctx
	add := func(key string) int64 {
		id, made, err := d.AddWebhook(ctx, w.admin, NewWebhook{URL: "https://hooks.example.org/x", Host: "hooks.example.org", Secret: "secret", Kinds: HookKinds[:], Key: key})
		w.ok(err)
		if again, twice, err := d.AddWebhook(ctx, w.admin, NewWebhook{URL: "https://hooks.example.org/x", Kinds: HookKinds[:], Key: key}); err != nil || !made || twice || again != id {
			w.t.Fatalf("walk: the form sent twice: %v, %v, %v", again, twice, err)
		}
		return id
	}
	hook := add("6c1d9f5e-7d5c-4c58-9c1e-2f6f0a2f7a01")
	w.ok(d.SetWebhookKinds(ctx, w.admin, hook, HookKinds[:]))
	must(d.Webhooks(ctx, w.admin))(w)
	must(d.WebhookByID(ctx, w.admin, hook))(w)
	must(d.WebhookTarget(ctx, hook))(w)

	author := w.member("hooked", NewMember{Role: Moderator})
	id := must(d.CreatePost(ctx, author, NewPost{ChannelID: channel, Kind: "discussion", Title: "Told outside", Body: "x"}))(w)
	comment := must(d.CreateComment(ctx, author, NewComment{PostID: id, Body: "x"}))(w)
	for event, subject := range map[HookKind]int64{HookPostCreated: id, HookCommentCreated: comment, HookMemberRegistered: author.ID, HookPing: 0} {
		must(d.NewsOf(ctx, Happening{Event: event, Subject: subject}))(w)
	}
	w.ok(d.DeleteComment(ctx, author, comment))
	must(d.NewsOf(ctx, Happening{Event: HookCommentRemoved, Subject: comment}))(w)
	w.ok(d.DeletePost(ctx, author, id))
	must(d.NewsOf(ctx, Happening{Event: HookPostRemoved, Subject: id}))(w)

	w.ok(d.PingWebhook(ctx, w.admin, hook))
	a := Delivery{Webhook: hook, Delivery: "d", Event: HookPing, Payload: `{"event":"ping"}`, Attempt: 1, Status: 500}
	must(d.LogDelivery(ctx, a))(w)
	a.Status = 200
	must(d.LogDelivery(ctx, a))(w)
	log := must(d.Deliveries(ctx, w.admin, hook, 0, 10))(w)
	w.ok(d.ReplayDelivery(ctx, w.admin, hook, log[0].ID))
	a.Status = 410
	if off := must(d.LogDelivery(ctx, a))(w); !off {
		w.t.Fatal("walk: a webhook whose receiver wants no more is still on")
	}
	w.ok(d.SwitchWebhook(ctx, w.admin, hook, true))
	w.ok(d.SwitchWebhook(ctx, w.admin, hook, false))
	must(d.DropOldDeliveries(ctx))(w)
	w.ok(d.DropWebhook(ctx, w.admin, hook))
}
