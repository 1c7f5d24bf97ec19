package web_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"codex"
	"codex/app/apptest"
	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/middleware"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

// A village is a forum in a file in which every role has a channel, a post, a comment and so on of its own in every
// place. The matrix opens a copy of the file for each route, so that none sees what another did.
type village struct {
	file   string
	people map[string]person
	things map[string]map[db.Visibility]things
}

// roles are who walks the routes, in the order of the table's columns. The admin comes last, because what an admin does
// may change the whole site.
//
// A suspended and a banned member wrote the things and moderate the channel: nobody would have more rights, but for that.
var roles = []string{"guest", "member", "stranger", "insider", "author", "keeper", "owner", "moderator", "suspended", "outcast", "banned", "admin"}

// outsiders may not know of a private channel.
var outsiders = []string{"guest", "member", "stranger", "outcast", "banned"}

var places = []db.Visibility{db.Public, db.Restricted, db.Private}

type person struct {
	viewer db.Viewer
	token  string // of a session; empty: a guest
	other  int64  // another session of theirs
}

// things are what the parameters of a path, and the fields of a form, can name.
type things struct {
	slug, postSlug, tag                   string
	channel, deletedChannel               int64
	post, comment                         int64
	deletedPost, deletedComment           int64
	postRevision, commentRevision         int64
	flagged                               int64  // the case of the post
	pending, network, word, invite, sweep int64  // of the site: who waits to be let in, a banned domain, a watched word, an invite, a sweep
	target, stray                         string // handles: a plain member of the channel, and who has nothing to do with it
	targetID, askerID, inviteeID, session int64
	hook, delivery                        int64
	job                                   string // one that was given up
}

// nowhere is a set of things that are not there.
func nowhere(t things) things {
	const id = 1 << 40
	t.slug, t.postSlug, t.tag = "nothing-at-all", "nothing", "nothing"
	t.channel, t.deletedChannel, t.post, t.comment, t.deletedPost, t.deletedComment, t.postRevision, t.commentRevision, t.flagged = id, id, id, id, id, id, id, id, id
	return t
}

// take is for what must not fail while a forum is built.
func take[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func done(err error) { take(0, err) }

// noPassword is a hash that costs nothing to look at, and that no password has.
const noPassword = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// builder makes a village through the methods of db.
type builder struct {
	*db.DB
	ctx   context.Context
	admin db.Viewer
}

func (b *builder) member(handle string, role db.Role) db.Viewer {
	id := take(b.CreateMember(b.ctx, db.NewMember{Handle: handle, Email: handle + "@example.org", Password: noPassword, Role: role, Origin: "command", CreatedAt: 1}))
	return db.Viewer{ID: id, Handle: handle, Name: handle, Role: role}
}

// person makes a member who is signed in twice.
func (b *builder) person(handle string, role db.Role) (p person) {
	p.viewer = b.member(handle, role)
	for range 2 {
		token, hash := auth.NewToken()
		done(b.CreateSession(b.ctx, p.viewer.ID, hash, "127.0.0.1", "village"))
		p.token = token
	}
	for _, s := range take(b.Sessions(b.ctx, p.viewer)) {
		if v, _, err := b.ViewerBySession(b.ctx, auth.HashToken(p.token)); err == nil && s.ID != v.SessionID {
			p.other = s.ID
		}
	}
	return p
}

// settle makes a role's things in a place.
func (b *builder) settle(t things, role string, p person, place db.Visibility, crowd map[string]db.Viewer) things {
	ctx, founder, author := b.ctx, crowd["founder"], crowd["writer"]
	switch role {
	case "owner":
		founder = p.viewer
	case "author", "suspended", "banned":
		author = p.viewer
	}
	t.slug = fmt.Sprintf("%s-%s", place, role)
	t.tag = "tag-" + t.slug
	take(b.CreateChannel(ctx, founder, db.NewChannel{Slug: t.slug, Name: t.slug, Description: "About", Visibility: db.Restricted}))
	t.channel = take(b.ChannelBySlug(ctx, founder, t.slug)).ID
	done(b.AskToJoin(ctx, crowd["asker"], t.channel, "Please"))
	done(b.SetAccess(ctx, founder, t.channel, db.Access{Visibility: place}))
	done(b.InviteToChannel(ctx, founder, t.channel, crowd["invitee"].Handle))
	in := []db.Viewer{crowd["writer"], crowd["target"]}
	if slices.Contains([]string{"insider", "author", "keeper", "suspended", "banned"}, role) || role == "member" && place == db.Public {
		in = append(in, p.viewer)
	}
	for _, v := range in {
		done(b.InviteToChannel(ctx, founder, t.channel, v.Handle))
		done(b.Join(ctx, v, t.channel))
	}
	if slices.Contains([]string{"keeper", "suspended", "banned"}, role) {
		done(b.SetChannelRole(ctx, founder, t.channel, p.viewer.ID, "moderator"))
	}
	t.post, t.comment = b.thread(author, t.channel, "A title", t.tag)
	t.postSlug = "a-title"
	done(b.EditPost(ctx, author, t.post, db.PostEdit{Title: "A title", Body: "Again", Tags: []string{t.tag}}))
	done(b.EditComment(ctx, author, t.comment, db.CommentEdit{Body: "Again"}))
	done(b.Flag(ctx, crowd["target"], db.NewFlag{PostID: t.post, Reason: "other"}))
	for _, c := range take(b.Cases(ctx, b.admin, db.CaseFilter{ChannelID: t.channel})) {
		t.flagged = c.ID
	}
	t.postRevision = take(b.PostRevisions(ctx, author, t.post, 0))[1].ID
	t.commentRevision = take(b.CommentRevisions(ctx, author, t.comment, 0))[1].ID
	t.deletedPost, _ = b.thread(author, t.channel, "Gone", t.tag)
	done(b.DeletePost(ctx, author, t.deletedPost))
	t.deletedComment = take(b.CreateComment(ctx, author, db.NewComment{PostID: t.post, Body: "Gone"}))
	done(b.DeleteComment(ctx, author, t.deletedComment))
	take(b.CreateChannel(ctx, founder, db.NewChannel{Slug: "gone-" + t.slug, Name: "Gone", Description: "About", Visibility: place}))
	t.deletedChannel = take(b.ChannelBySlug(ctx, founder, "gone-"+t.slug)).ID
	done(b.DeleteChannel(ctx, founder, t.deletedChannel))
	t.target, t.targetID, t.askerID, t.inviteeID = crowd["target"].Handle, crowd["target"].ID, crowd["asker"].ID, crowd["invitee"].ID
	t.stray, t.session = crowd["stray"].Handle, p.other
	return t
}

// govern makes what a role finds of the site itself: the same in all places.
func (b *builder) govern(role string, p person, crowd map[string]db.Viewer) (t things) {
	var err error
	t.pending = take(b.CreateMember(b.ctx, db.NewMember{Handle: "pending-" + role, Origin: "registered", Pending: true}))
	done(b.BanOutside(b.ctx, b.admin, db.OutsideBan{Kind: "mail", Value: role + ".example", Until: db.Forever}))
	t.network = take(b.OutsideBans(b.ctx, b.admin, 0, 1))[0].ID
	done(b.AddWatchWord(b.ctx, b.admin, "word-"+role))
	for _, w := range take(b.WatchWords(b.ctx, b.admin)) {
		if w.Word == "word-"+role {
			t.word = w.ID
		}
	}
	maker := p.viewer
	if role == "guest" {
		maker = b.admin
	}
	_, hash := auth.NewToken()
	take(b.CreateInvite(b.ctx, maker, db.NewInvite{TokenHash: hash, Uses: 1, Lasts: db.MaxInvite}))
	t.invite = take(b.Invites(b.ctx, maker, db.Cursor{}, 1))[0].ID
	t.sweep = take(b.StartSweep(b.ctx, b.admin, db.NewSweep{MemberID: crowd["swept"].ID}))
	for take(b.StepSweeps(b.ctx)) {
	}
	t.hook, _, err = b.AddWebhook(b.ctx, b.admin, db.NewWebhook{URL: "https://hooks.example/" + role, Secret: "s"})
	done(err)
	take(b.LogDelivery(b.ctx, db.Delivery{Webhook: t.hook, Event: db.HookPing, Payload: `{"event":"ping"}`, Status: 200}))
	t.delivery = take(b.Deliveries(b.ctx, b.admin, t.hook, 0, 1))[0].ID
	giveUp(b.ctx, b.DB, 1, "no such mailbox")
	t.job = take(b.DeadJobs(b.ctx, b.admin, db.Job{}, 1))[0].ID
	return t
}

// thread writes a question with a comment.
func (b *builder) thread(author db.Viewer, channel int64, title, tag string) (post, comment int64) {
	post = take(b.CreatePost(b.ctx, author, db.NewPost{ChannelID: channel, Kind: "question", Title: title, Body: "Text", Tags: []string{tag}}))
	return post, take(b.CreateComment(b.ctx, author, db.NewComment{PostID: post, Body: "Text"}))
}

// settleVillage builds the village.
func settleVillage(t *testing.T) *village {
	t.Helper()
	dir := t.TempDir()
	dbtest.Lay(t, dir)
	w := &village{file: filepath.Join(dir, db.FileName), people: map[string]person{}, things: map[string]map[db.Visibility]things{}}
	d := take(db.Open(t.Context(), db.Options{Path: w.file}))
	b := &builder{DB: d, ctx: t.Context()}
	for _, role := range roles {
		switch role {
		case "guest":
			w.people[role] = person{other: 1 << 40}
		case "moderator":
			w.people[role] = b.person(role, db.Moderator)
		case "admin":
			w.people[role] = b.person(role, db.Admin)
		default:
			w.people[role] = b.person(role, db.Plain)
		}
	}
	b.admin = w.people["admin"].viewer
	done(d.SetSetting(t.Context(), db.SettingInviteMakers, "members"))
	for _, role := range roles {
		crowd := map[string]db.Viewer{}
		for _, name := range []string{"founder", "writer", "target", "asker", "invitee", "stray", "swept"} {
			crowd[name] = b.member(name+"-"+role, db.Plain)
		}
		w.things[role] = map[db.Visibility]things{}
		site := b.govern(role, w.people[role], crowd)
		for _, place := range places {
			w.things[role][place] = b.settle(site, role, w.people[role], place, crowd)
		}
	}
	done(d.SetSetting(t.Context(), db.SettingInviteMakers, "moderators"))
	for _, role := range []string{"suspended", "outcast"} {
		done(d.Suspend(t.Context(), b.admin, w.people[role].viewer.ID, db.Forever, "For a test"))
	}
	done(d.Ban(t.Context(), b.admin, w.people["banned"].viewer.ID, db.Forever, "For a test"))
	done(d.Close(t.Context()))
	return w
}

// visit is a copy of the village that is open.
type visit struct {
	*village
	handler http.Handler
	file    string
	cookie  string
}

// open serves a copy of the village. Nothing listens: a request is a call.
func (w *village) open(t *testing.T) *visit {
	t.Helper()
	file := filepath.Join(t.TempDir(), db.FileName)
	done(os.WriteFile(file, take(os.ReadFile(w.file)), 0o600))
	d := take(db.Open(t.Context(), db.Options{Path: file, Readers: 2}))
	t.Cleanup(func() { done(d.Close(context.Background())) })
	c := &config.Config{RateLimits: "off", SMTPURL: "smtp://localhost", RequestTimeout: 10 * time.Second}
	news := hub.New(hub.Options{})
	h, err := web.New(web.Options{DB: d, Hub: news, Bridge: take(bridge.New(t.Context(), d, news, slog.New(slog.DiscardHandler))), Config: c, Static: hollow(t), Log: slog.New(slog.DiscardHandler), Gate: middleware.NewGate(), Setup: new(auth.Setup), Site: "Village", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return &visit{w, h, file, c.CookieName()}
}

// hollow has the names of the static files: to compress what is in them takes longer than all the requests of a route.
func hollow(t *testing.T) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	done(fs.WalkDir(take(fs.Sub(codex.Static, "static")), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files[name] = &fstest.MapFile{Data: []byte("\n")}
		}
		return err
	}))
	return files
}

// ask sends a request as a role. accept is what the browser says it takes: "html", "htmx" for a part of a page, or "json".
func (s *visit) ask(role, method, path, form, accept string) apptest.Answer {
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, path, nil)
	}
	r.Host = "localhost"
	r.Header.Set("Accept", "text/html")
	switch accept {
	case "htmx":
		apptest.AsHtmx(r)
	case "json":
		r.Header.Set("Accept", "application/json")
	}
	if p := s.people[role]; p.token != "" {
		r.AddCookie(&http.Cookie{Name: s.cookie, Value: p.token})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	return apptest.Answer{Status: rec.Code, Header: rec.Header(), Body: rec.Body.String(), Location: rec.Header().Get("Location")}
}
