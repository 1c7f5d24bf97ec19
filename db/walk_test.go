package db

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"codex"
)

// The walk calls every exported method of *DB and records each statement at the door, so that the plan tests see all
// of them. It cannot be forgotten: a test compares the walk with the source, method by method and call by call.

// sent is a statement as the door saw it.
type sent struct {
	name, query string
	args        []any
}

// walked is what the walk has seen.
type walked struct {
	mu      sync.Mutex
	sent    map[string]sent         // by query text
	methods map[string]bool         // exported methods of *DB that sent a statement
	lines   map[string]map[int]bool // file → lines from which the door was reached
}

func (w *walked) see(name, query string, args []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.sent[query]; !ok {
		w.sent[query] = sent{name, query, args}
	}
	pcs := make([]uintptr, 40)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if _, method, ok := strings.Cut(f.Function, "codex/db.(*DB)."); ok {
			method, _, _ = strings.Cut(method, ".") // without func1
			w.methods[method] = true
		}
		file := filepath.Base(f.File)
		if w.lines[file] == nil {
			w.lines[file] = map[int]bool{}
		}
		w.lines[file][f.Line] = true
		if !more {
			return
		}
	}
}

// migrated is a new forum; an internal test cannot use dbtest, which imports this package.
func migrated(t testing.TB, o Options) *DB {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), FileName)
	}
	d, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(context.Background()) })
	if _, err := d.Migrate(context.Background(), mainMigrations(t), func(string) {}); err != nil {
		t.Fatal(err)
	}
	return d
}

func mainMigrations(t testing.TB) fs.FS {
	t.Helper()
	files, err := fs.Sub(codex.Migrations, "migrations/main")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// walkOnce walks once for all tests that ask.
var walkOnce = struct {
	sync.Once
	w *walked
}{}

func walk(t *testing.T) *walked {
	t.Helper()
	walkOnce.Do(func() {
		w := &walked{sent: map[string]sent{}, methods: map[string]bool{}, lines: map[string]map[int]bool{}}
		d := migrated(t, Options{})
		d.watch = w.see
		(&walker{d: d, t: t, ctx: context.Background()}).all()
		d = migrated(t, Options{}) // a demonstration wants an empty site
		d.watch = w.see
		(&walker{d: d, t: t, ctx: context.Background()}).demo()
		walkOnce.w = w
	})
	if walkOnce.w == nil {
		t.Fatal("the walk failed in another test")
	}
	return walkOnce.w
}

// walker takes the steps of the walk. Its steps check little: other tests say what the methods do.
type walker struct {
	d     *DB
	t     *testing.T
	ctx   context.Context
	admin Viewer
	plain Viewer
}

func (w *walker) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("walk: %v", err)
	}
}

func must[T any](value T, err error) func(*walker) T {
	return func(w *walker) T {
		w.t.Helper()
		w.ok(err)
		return value
	}
}

func (w *walker) member(handle string, n NewMember) Viewer {
	w.t.Helper()
	n.Handle = handle
	if n.Origin == "" {
		n.Origin = "command" // a registered member's first texts wait for a moderator
	}
	id := must(w.d.CreateMember(w.ctx, n))(w)
	return Viewer{ID: id, Handle: handle, Name: handle, Role: n.Role}
}

func (w *walker) all() {
	w.people()
	w.accounts()
	channel := w.channels()
	post := w.posts(channel)
	w.feeds(channel)
	w.comments(post)
	w.lists(channel, post)
	w.writing(channel, post)
	w.events(post)
	w.jobs()
	w.letters()
	w.hooks(channel)
	w.notified(channel, post)
	w.doors()
	w.moderating(channel, post)
	w.judged(post)
	w.registered()
	w.goodbye(channel)
	w.imports(channel)
	w.upkeep()
}

func (w *walker) people() {
	d, ctx := w.d, w.ctx
	w.admin = w.member("admin", NewMember{Role: Admin, Email: "a@example.org", Password: "phc", FirstAdmin: true})
	w.plain = w.member("plain", NewMember{Role: Plain, Bio: "I know @admin and #nothing"})
	must(d.HasAdmin(ctx))(w)
	must(d.MemberByHandle(ctx, "Plain"))(w)
	must(d.MemberByID(ctx, w.plain.ID))(w)
	must(d.CredentialsByLogin(ctx, "admin"))(w)
	_, err := d.CredentialsByLogin(ctx, "nobody")
	if !errors.Is(err, ErrNotFound) {
		w.t.Fatalf("walk: a sign-in of nobody: %v", err)
	}
	must(d.CredentialsByLogin(ctx, "a@example.org"))(w)
	must(d.CredentialsByID(ctx, w.admin.ID))(w)
	must(d.HandleTaken(ctx, "plain"))(w)
	w.ok(d.SetRole(ctx, w.plain.ID, Plain))
	w.ok(d.CreateSession(ctx, w.plain.ID, []byte("hash"), "127.0.0.1", "agent"))
	v, _, err := d.ViewerBySession(ctx, []byte("hash"))
	w.ok(err)
	w.ok(d.TouchSession(ctx, v))
	must(d.Sessions(ctx, v))(w)
	w.ok(d.EndOtherSessions(ctx, v))
	w.waiting(v)
	sender, _, err := d.SenderBySession(ctx, []byte("hash"))
	w.ok(err)
	must(d.Counted(ctx, sender))(w)
	v, _, err = d.ViewerBySession(ctx, []byte("hash"))
	w.ok(err)
	w.ok(d.EndSession(ctx, v, v.SessionID))
	w.ok(d.SetPassword(ctx, w.plain.ID, "phc", 0))
	w.ok(d.SetProfile(ctx, v, "Plain", "bio"))
	w.ok(d.SetTheme(ctx, v, "dark"))
	w.ok(d.CaughtUp(ctx, v))
	w.ok(d.SetSetting(ctx, SettingSiteName, "Walk"))
	must(d.Setting(ctx, SettingSiteName, ""))(w)
	w.ok(d.ChangeSettings(ctx, w.admin, map[string]string{SettingSiteName: "Walked"}, nil))
	must(d.HandleSpent(ctx, "somebody"))(w)
	w.ok(d.SetLogo(ctx, w.admin, "9f86d081884c7d65-8x8", []byte("png")))
	_, err = d.Logo(ctx, "9f86d081884c7d65-8x8")
	w.ok(err)
	must(d.Settings(ctx))(w)
	must(d.SettingChanges(ctx, w.admin, 10))(w)
	w.ok(d.Ping(ctx))
}

// accounts is what a member does with their own, and the end of one.
func (w *walker) accounts() {
	d, ctx := w.d, w.ctx
	v := w.member("careful", NewMember{Role: Plain, Email: "c@example.org", Password: "phc"})
	w.ok(d.CreateSession(ctx, v.ID, []byte("careful"), "127.0.0.1", "agent"))
	v, _, err := d.ViewerBySession(ctx, []byte("careful"))
	w.ok(err)
	w.ok(d.ProveSession(ctx, v))
	w.ok(d.SetEmail(ctx, v, "careful@example.org"))
	w.ok(d.SetTimeZone(ctx, v, "Europe/Lisbon"))
	w.ok(d.SetFactor(ctx, v, []byte("secret"), 1, [][]byte{[]byte("one"), []byte("two")}))
	must(d.FactorOf(ctx, v.ID))(w)
	w.ok(d.SpendStep(ctx, v.ID, 2))
	w.ok(d.SpendRecoveryCode(ctx, v.ID, []byte("one")))
	w.ok(d.SetRecoveryCodes(ctx, v, nil))
	w.ok(d.DropFactor(ctx, v.ID, 0))
	w.ok(d.SetFactor(ctx, v, []byte("secret"), 1, nil))
	w.ok(d.ResetFactor(ctx, w.admin, v.ID))
	w.ok(d.EndSessions(ctx, v))
}

// goodbye exports and deletes the account of a member who wrote and kept something.
func (w *walker) goodbye(channel int64) {
	d, ctx := w.d, w.ctx
	v := w.member("leaver", NewMember{Role: Plain, Email: "l@example.org", Password: "phc"})
	w.ok(d.Join(ctx, v, channel))
	post := must(d.CreatePost(ctx, v, NewPost{ChannelID: channel, Kind: "question", Title: "Goodbye", Body: "text"}))(w)
	comment := must(d.CreateComment(ctx, v, NewComment{PostID: post, Body: "answer"}))(w)
	w.ok(d.Accept(ctx, v, post, comment))
	w.ok(d.Export(ctx, v, func(string, any) error { return nil }))
	w.ok(d.DeleteAccount(ctx, v, true))
	w.ok(d.EraseLeft(ctx))
}

// waiting does what a full disk makes of sessions.
func (w *walker) waiting(v Viewer) {
	d, ctx := w.d, w.ctx
	w.ok(d.letWait(ctx, v.ID, []byte("waits"), "", ""))
	_, _, err := d.ViewerBySession(ctx, []byte("waits"))
	w.ok(err)
	must(d.StoreWaiting(ctx))(w)
	must(d.endUnstored(ctx, v.ID, func(id int64) bool { return id != v.SessionID }))(w)
	must(d.StoreWaiting(ctx))(w)
	d.memory.stale = true
	d.memory.count()
	must(d.StoreWaiting(ctx))(w)
	w.ok(d.CreateSession(ctx, v.ID, []byte("hash"), "", ""))
}

func (w *walker) channels() int64 {
	d, ctx := w.d, w.ctx
	for range 2 { // the second is a repeat
		must(d.CreateChannel(ctx, w.admin, NewChannel{Slug: "walk", Name: "Walk", Rules: "be kind", Key: "channel"}))(w)
	}
	must(d.CreateChannel(ctx, w.plain, NewChannel{Slug: "plain", Name: "Plain"}))(w)
	c := must(d.ChannelBySlug(ctx, w.plain, "walk"))(w)
	must(d.ChannelByID(ctx, w.plain, c.ID))(w)
	must(d.ReadableChannels(ctx, w.plain, []int64{c.ID}))(w)
	must(d.Channels(ctx, Viewer{}, Cursor{}, 10))(w)
	w.ok(d.SetChannel(ctx, w.admin, c.ID, "Walk", "", ""))
	w.ok(d.Join(ctx, w.plain, c.ID))
	w.ok(d.SeenChannel(ctx, w.plain, c.ID))
	must(d.Rail(ctx, Viewer{}))(w)
	must(d.Rail(ctx, w.plain))(w)
	must(d.ChannelMembers(ctx, w.plain, c.ID, Cursor{}, 10))(w)
	must(d.ChannelKeepers(ctx, w.plain, c.ID))(w)
	w.ok(d.Leave(ctx, w.plain, c.ID))
	return c.ID
}

// doors opens and closes a channel, and lets people in and out.
func (w *walker) doors() {
	d, ctx := w.d, w.ctx
	must(d.CreateChannel(ctx, w.admin, NewChannel{Slug: "doors", Name: "Doors", Visibility: Restricted}))(w)
	id := must(d.ChannelBySlug(ctx, w.plain, "doors"))(w).ID
	in, out := w.member("insider", NewMember{Role: Plain, Password: "phc"}), w.member("outsider", NewMember{Role: Plain, Password: "phc"})
	w.ok(d.AskToJoin(ctx, in, id, "let me in"))
	must(d.Asked(ctx, in, id))(w)
	must(d.Requests(ctx, w.admin, id))(w)
	w.ok(d.AnswerRequest(ctx, w.admin, id, in.ID, true))
	w.ok(d.InviteToChannel(ctx, w.admin, id, "outsider"))
	must(d.Invited(ctx, w.admin, id))(w)
	must(d.Invitations(ctx, out))(w)
	w.ok(d.DropInvitation(ctx, w.admin, id, out.ID))
	w.ok(d.SetChannelRole(ctx, w.admin, id, in.ID, "moderator"))
	w.ok(d.SetChannelRole(ctx, w.admin, id, in.ID, "owner"))
	w.ok(d.SetAccess(ctx, w.admin, id, Access{Visibility: Private, Slow: 60}))
	w.ok(d.InviteToChannel(ctx, w.admin, id, "outsider"))
	w.ok(d.Join(ctx, out, id))
	must(d.CreatePost(ctx, out, NewPost{ChannelID: id, Kind: "discussion", Title: "In", Body: "here"}))(w)
	if _, err := d.CreatePost(ctx, out, NewPost{ChannelID: id, Kind: "discussion", Title: "Too", Body: "fast"}); !errors.As(err, new(*Slow)) {
		w.t.Fatalf("walk: a second post in a slow channel answered %v", err)
	}
	w.ok(d.SetAccess(ctx, w.admin, id, Access{Visibility: Public}))
	w.ok(d.RemoveFromChannel(ctx, w.admin, id, out.ID))
	w.ok(d.DeleteChannel(ctx, w.admin, id))
	must(d.DeletedChannels(ctx, w.admin))(w)
	w.ok(d.RestoreChannel(ctx, w.admin, id))
}

// registered asks others in, lets them in, and changes handles.
func (w *walker) registered() {
	d, ctx := w.d, w.ctx
	hash := make([]byte, 32)
	for _, n := range []NewInvite{{hash, "a note", 2, MinInvite, "invite"}, {append([]byte{1}, hash[1:]...), "", 1, MaxInvite, ""}} {
		must(d.CreateInvite(ctx, w.admin, n))(w)
	}
	must(d.InviteMakers(ctx))(w)
	must(d.Door(ctx, hash))(w)
	must(d.Register(ctx, NewMember{Handle: "asked.in", Password: "phc", Invite: hash, Address: "192.0.2.1"}))(w)
	for i, x := range must(d.Invites(ctx, w.admin, Cursor{}, 10))(w) {
		if i == 0 { // of somebody else, which stands in the log
			must(d.write.ExecContext(ctx, "UPDATE invites SET made_by = ? WHERE id = ?", w.plain.ID, x.ID))(w)
		}
		w.ok(d.EndInvite(ctx, w.admin, x.ID))
	}
	w.ok(d.SetSetting(ctx, SettingRegistration, string(RegistrationApproval)))
	var ids []int64
	for _, handle := range []string{"knocks", "knocks.too"} {
		ids = append(ids, must(d.Register(ctx, NewMember{Handle: handle, Password: "phc", Answer: "please"}))(w).ID)
	}
	must(d.PendingMembers(ctx, w.admin, Cursor{}, 10))(w)
	must(d.PendingMembers(ctx, w.admin, NewCursor(1, 1), 10))(w)
	w.ok(d.DecideRegistrations(ctx, w.admin, ids[:1], true))
	w.ok(d.DecideRegistrations(ctx, w.admin, ids[1:], false))
	w.ok(d.SetSetting(ctx, SettingRegistration, string(RegistrationOpen)))
	v := Viewer{ID: ids[0], Handle: "knocks"}
	w.ok(d.SetHandle(ctx, v, "knocked"))
	must(d.HandleFrom(ctx, v))(w)
	must(d.MemberByOldHandle(ctx, "knocks"))(w)
	must(d.Preview(ctx, w.plain, "Who is @knocks?"))(w)
}

// judged suspends, bans and blocks.
func (w *walker) judged(post int64) {
	d, ctx := w.d, w.ctx
	v := w.member("judged", NewMember{Role: Plain, Email: "judged@mail.example", Origin: "registered"})
	w.ok(d.CreateSession(ctx, v.ID, []byte("judged"), "127.0.0.1", "agent"))
	w.ok(d.Suspend(ctx, w.admin, v.ID, Forever, "loud"))
	w.ok(d.Lift(ctx, w.admin, v.ID))
	w.ok(d.AddStaffNote(ctx, w.admin, v.ID, "a note", "note"))
	must(d.StaffNotes(ctx, w.admin, v.ID, 10))(w)
	w.ok(d.SetTrust(ctx, w.admin, v.ID, Known, true))
	w.ok(d.ChangeRole(ctx, w.admin, v.ID, Moderator))
	w.ok(d.ChangeRole(ctx, w.admin, v.ID, Plain))
	must(d.DossierByHandle(ctx, w.admin, "judged"))(w)
	must(d.HistoryOf(ctx, w.admin, v.ID, 10))(w)
	must(d.SessionsOf(ctx, w.admin, v.ID))(w)
	must(d.InvitedBy(ctx, w.admin, v.ID))(w)
	must(d.WrittenBy(ctx, w.admin, v.ID, 10))(w)
	must(d.TrustOf(ctx, v, v.ID))(w)
	must(d.write.ExecContext(ctx, "UPDATE members SET trust_due = 1"))(w)
	must(d.RefreshTrust(ctx))(w)
	w.ok(d.Ban(ctx, w.admin, v.ID, Forever, "louder"))

	w.ok(d.BanOutside(ctx, w.admin, OutsideBan{Kind: "network", Value: "203.0.113.0/24", Until: Forever}))
	w.ok(d.BanOutside(ctx, w.admin, OutsideBan{Kind: "mail", Value: "bad.example", Until: Forever}))
	w.ok(d.BannedFrom(ctx, netip.MustParseAddr("192.0.2.1"), false))
	for _, b := range must(d.OutsideBans(ctx, w.admin, 0, 10))(w) {
		w.ok(d.LiftOutside(ctx, w.admin, b.ID))
	}

	other := w.member("blocked", NewMember{Role: Plain})
	w.ok(d.SetBlock(ctx, w.plain, other.ID, Mute))
	w.ok(d.SetBlock(ctx, w.plain, other.ID, Block))
	with := w.plain
	with.Blocks = true
	must(d.Blocks(ctx, with))(w)
	must(d.BlockOf(ctx, with, other.ID))(w)
	must(d.Mutes(ctx, with, other.ID))(w)
	must(d.Posts(ctx, with, Feed{Limit: 10}))(w)
	if _, err := d.CreateComment(ctx, other, NewComment{PostID: post, Body: "hello @plain"}); !errors.Is(err, ErrBlocked) {
		w.t.Fatalf("walk: a comment of who is blocked answered %v", err)
	}
	w.ok(d.SetBlock(ctx, w.plain, other.ID, ""))
}

func (w *walker) posts(channel int64) int64 {
	d, ctx := w.d, w.ctx
	id := must(d.CreatePost(ctx, w.plain, NewPost{ChannelID: channel, Kind: "question", Title: "Walk?", Body: "@admin in #walk", Tags: []string{"one", "two"}, Key: "post"}))(w)
	must(d.WasSent(ctx, w.plain, "post"))(w)
	for range 2 { // the second is a repeat
		w.ok(d.EditPost(ctx, w.plain, id, PostEdit{Title: "Walk on?", Body: "text", Tags: []string{"two", "three"}, Key: "edit"}))
	}
	w.ok(d.DeletePost(ctx, w.plain, id))
	w.ok(d.UndeletePost(ctx, w.plain, id))
	w.ok(d.SetPinned(ctx, w.admin, id, true))
	w.ok(d.SetLocked(ctx, w.admin, id, false))
	w.ok(d.MarkRead(ctx, w.plain, id, 0, 0))
	for _, value := range []int{1, -1, 0} {
		must(d.React(ctx, w.plain, id, value))(w)
	}
	for _, v := range []Viewer{{}, w.plain, w.admin} {
		must(d.PostByID(ctx, v, id))(w)
		must(d.PostHead(ctx, v, id))(w)
	}
	must(d.Preview(ctx, w.plain, "#walk"))(w)
	// Refusals ask once more, to tell what may not be done from what is not there.
	if err := d.EditPost(ctx, w.member("other", NewMember{Role: Plain}), id, PostEdit{Title: "x", Body: "x"}); !errors.Is(err, ErrForbidden) {
		w.t.Fatalf("walk: a stranger's edit answered %v", err)
	}
	return id
}

func (w *walker) feeds(channel int64) {
	for _, v := range []Viewer{{}, w.plain} {
		for _, f := range []Feed{{}, {ChannelID: channel}, {Joined: true}} {
			for _, f.Sort = range []Sort{Active, New, Top} {
				for _, f.Window = range []Window{Day, Week, Month, Year, All} {
					f.Limit = 25
					must(w.d.Posts(w.ctx, v, f))(w)
				}
			}
		}
	}
}

func (w *walker) comments(post int64) {
	d, ctx := w.d, w.ctx
	root := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, Body: "root", Key: "comment"}))(w)
	reply := must(d.CreateComment(ctx, w.plain, NewComment{PostID: post, ParentID: root, Body: "reply"}))(w)
	w.ok(d.EditComment(ctx, w.plain, root, CommentEdit{Body: "text", Key: "edit"}))
	if err := d.EditComment(ctx, w.plain, root, CommentEdit{Body: "text", Of: 1}); !errors.Is(err, ErrStale) {
		w.t.Fatalf("walk: an edit of an older text answered %v", err)
	}
	w.ok(d.DeleteComment(ctx, w.plain, root))
	w.ok(d.UndeleteComment(ctx, w.plain, root))
	if err := d.DeleteComment(ctx, Viewer{ID: w.plain.ID + 1000}, root); !errors.Is(err, ErrForbidden) {
		w.t.Fatalf("walk: a stranger's delete answered %v", err)
	}
	w.ok(d.Accept(ctx, w.plain, post, reply))
	must(d.ReactToComment(ctx, w.plain, root, 1))(w)
	must(d.ReactToComment(ctx, w.plain, root, 0))(w)
	must(d.PlaceOf(ctx, w.plain, reply))(w)
	_, _, err := d.CommentByID(ctx, w.plain, reply)
	w.ok(err)
	for _, v := range []Viewer{{}, w.plain} {
		for _, th := range []Thread{{}, {ByTime: true}, {Under: root}, {After: CommentCursor{0, 1, "11"}}, {ByTime: true, After: CommentCursor{Path: "11"}}} {
			th.PostID = post
			must(d.Comments(ctx, v, th))(w)
		}
	}
}

func (w *walker) lists(channel, post int64) {
	d, ctx := w.d, w.ctx
	tag := must(d.TagByName(ctx, "two"))(w)
	must(d.TagPageByName(ctx, "two"))(w)
	must(d.Tags(ctx, 10))(w)
	for _, v := range []Viewer{{}, w.plain} {
		must(d.PinnedPosts(ctx, v, channel))(w)
		must(d.PostsByAuthor(ctx, v, w.plain.ID, Cursor{}, 10))(w)
		must(d.ChannelsOf(ctx, v, w.plain.ID))(w)
		must(d.PostsByTag(ctx, v, tag.ID, Cursor{}, 10))(w)
		must(d.CommentsByAuthor(ctx, v, w.plain.ID, Cursor{}, 10))(w)
	}
}

func (w *walker) imports(channel int64) {
	d, ctx := w.d, w.ctx
	const source = "walk.example"
	text := must(d.ImportText("words"))(w)
	ref := func(kind string, id int64) ImportRef { return ImportRef{kind, id} }
	w.ok(d.ImportBatch(ctx, ImportBatch{Source: source, Members: []ImportedMember{{ImportRef: ref("user", 1), Handle: "imported", Name: "I", Bio: text, SeenAt: 1, Mark: "bio"}},
		Tags: []ImportedTag{{ref("tag", 1), "salt"}}}))
	author := must(d.ImportRefs(ctx, source, "user", []int64{1}))(w)[1]
	must(d.ImportAuthors(ctx, source, "user", []int64{1}))(w)
	must(d.ImportChannel(ctx, source, "imported", "Imported", ""))(w)
	item := func(kind string, id int64) Imported {
		return Imported{ImportRef: ref(kind, id), AuthorID: author, Text: text, CreatedAt: 5, EditedAt: 6, SourceURL: "https://walk.example/" + kind}
	}
	w.ok(d.ImportBatch(ctx, ImportBatch{Source: source, ChannelID: channel, Posts: []ImportedPost{{Imported: item("post", 1), Title: "t", Tags: []string{"salt"}, Accepts: ref("accepts", 2)}}}))
	post := must(d.ImportedPosts(ctx, source, "post", []int64{1}))(w)[1]
	answer := ImportedComment{Imported: item("answer", 2), PostID: post.PostID, Accepted: true}
	reply := ImportedComment{Imported: item("comment", 3), PostID: post.PostID, ReplyTo: ref("answer", 2)}
	late := ImportedComment{Imported: item("comment", 4), PostID: post.PostID}
	late.CreatedAt = 1 // written after the answer and older than it, so that the thread is arranged
	w.ok(d.ImportBatch(ctx, ImportBatch{Source: source, ChannelID: channel, Comments: []ImportedComment{answer, reply, late}}))
	place := must(d.ImportedComments(ctx, source, "answer", []int64{2}))(w)[2]
	w.ok(d.ImportBatch(ctx, ImportBatch{Source: source,
		TagTexts:     []ImportedTagText{{ImportRef: ref("excerpt", 1), Tag: "salt", Short: "white"}, {ImportRef: ref("wiki", 2), Tag: "salt", Long: text}},
		Duplicates:   []ImportedDuplicate{{ref("link", 1), post.PostID, post.PostID}},
		Bios:         []ImportedRevision{{ID: author, Text: text}},
		PostTexts:    []ImportedRevision{{ID: post.PostID, Text: text, EditedAt: 6}},
		CommentTexts: []ImportedRevision{{ID: place.CommentID, Text: text, EditedAt: 6}},
		TagAbouts:    []ImportedRevision{{ID: 1, Text: text}},
		Marks:        []ImportMark{{ref("mark", 1), 1}},
		Done:         []ImportRef{ref("mark", 1)},
	}))
	must(d.CountImportRefs(ctx, source, "post"))(w)
	must(d.ImportedReplies(ctx, post, "https://"))(w)
	must(d.ImportedReplies(ctx, place, "https://"))(w)
	must(d.ArrangeImported(ctx, source, 10))(w)
}

func (w *walker) demo() {
	likes := []DemoReaction{{Member: 0, Value: 1, At: 9}}
	w.ok(w.d.LoadDemo(w.ctx, Demo{
		Members: []DemoMember{{NewMember: NewMember{Handle: "demo", Bio: "bio"}, SeenAt: 1, CaughtUpAt: 1}},
		Channels: []DemoChannel{{NewChannel: NewChannel{Slug: "demo", Name: "Demo", Rules: "rules"},
			Memberships: []DemoMembership{{Role: "owner", JoinedAt: 1, SeenAt: 1}}}},
		Posts: []DemoPost{{NewPost: NewPost{Kind: "question", Title: "Demo?", Body: "text"}, EditedAt: 5, Reactions: likes, Reads: []DemoRead{{At: 6}}}},
		Comments: []DemoComment{
			{NewComment: NewComment{Body: "answer"}, Parent: -1, Accepted: true, Reactions: likes},
			{NewComment: NewComment{Body: "gone"}, Parent: 0, DeletedAt: 8},
		},
	}))
}

func (w *walker) upkeep() {
	d, ctx := w.d, w.ctx
	must(d.Sums(ctx))(w)
	must(d.RefreshAges(ctx))(w)
	for _, t := range texts {
		must(d.write.ExecContext(ctx, "UPDATE "+t.table+" SET "+t.version+" = 0, "+t.html+" = 'old'"))(w)
		must(d.Rerender(ctx))(w)
	}
	w.ok(d.DropExpired(ctx))
	must(d.write.ExecContext(ctx, "UPDATE members SET skeleton = NULL"))(w)
	must(d.FillSkeletons(ctx))(w)
	must(d.ForgetAddresses(ctx))(w)
	must(d.QuickCheck(ctx))(w)
	must(d.IntegrityCheck(ctx))(w)
}

// silent methods send nothing through the door: they tell of the pools, or work on the file as a whole.
var silent = map[string]string{
	"Path": "a field", "InFlight": "a counter", "BusyReaders": "a counter", "Drain": "waits", "Close": "closes", "Size": "asks the file system",
	"ImportText": "renders", "Told": "a channel", "Queued": "a channel", "Migrations": "goose", "Migrate": "goose", "Backup": "copies pages",
}

// doorMethods are what a call must be named to be a statement on its way to the door.
var doorMethods = map[string]bool{"get": true, "list": true, "exec": true, "one": true, "insert": true}

// unwalked finds exported methods of *DB, and calls of the door, that the walk did not reach.
func unwalked(files []*ast.File, at *token.FileSet, w *walked) (missed []string) {
	for _, file := range files {
		name := filepath.Base(at.Position(file.Package).Filename)
		if name == "door.go" {
			continue
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() {
				continue
			}
			star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
			if !ok || star.X.(*ast.Ident).Name != "DB" {
				continue
			}
			if !w.methods[fn.Name.Name] && silent[fn.Name.Name] == "" {
				missed = append(missed, fmt.Sprintf("%s: method %s", at.Position(fn.Pos()), fn.Name.Name))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !doorMethods[sel.Sel.Name] {
				return true
			}
			from, to := at.Position(call.Pos()).Line, at.Position(call.End()).Line
			for line := from; line <= to; line++ {
				if w.lines[name][line] {
					return true
				}
			}
			missed = append(missed, fmt.Sprintf("%s: a call of %s", at.Position(call.Pos()), sel.Sel.Name))
			return true
		})
	}
	return missed
}

func TestTheWalkReachesEveryStatementOfThePackage(t *testing.T) {
	t.Parallel()
	w := walk(t)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	at := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(at, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for _, missed := range unwalked(files, at, w) {
		t.Errorf("%s was not walked: let a step of the walker in walk_test.go reach it, so that the plan tests see its SQL", missed)
	}
}

func TestAStatementThatIsNotWalkedIsNoticed(t *testing.T) {
	t.Parallel()
	at := token.NewFileSet()
	file, err := parser.ParseFile(at, "new.go", `package db
		func (d *DB) Forgotten(ctx context.Context) error {
			return d.list(ctx, "Forgotten", nil, "SELECT 1")
		}
		func (d *DB) Walked(ctx context.Context) error {
			if rare {
				return d.get(ctx, "Rare", nil,
					"SELECT 2")
			}
			return d.get(ctx, "Walked", nil, "SELECT 3")
		}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &walked{methods: map[string]bool{"Walked": true}, lines: map[string]map[int]bool{"new.go": {10: true}}}
	if missed := unwalked([]*ast.File{file}, at, w); len(missed) != 3 {
		t.Errorf("noticed %q, want the method, its call, and the branch", missed)
	}
}
