package db

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// judging is a forum with a clock, an admin, a moderator and two members.
type judging struct {
	*DB
	ctx                       context.Context
	at                        *atomic.Int64 // milliseconds
	admin, mod, member, other Viewer
}

func newJudging(t *testing.T) *judging {
	t.Helper()
	j := &judging{ctx: context.Background(), at: new(atomic.Int64)}
	j.at.Store(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	j.DB = migrated(t, Options{Now: func() time.Time { return time.UnixMilli(j.at.Load()) }})
	for handle, v := range map[string]*Viewer{"admin": &j.admin, "mod": &j.mod, "member": &j.member, "other": &j.other} {
		role := map[string]Role{"admin": Admin, "mod": Moderator}[handle]
		id, err := j.CreateMember(j.ctx, NewMember{Handle: handle, Role: role, Origin: "command", Password: "phc"})
		if err != nil {
			t.Fatal(err)
		}
		*v = Viewer{ID: id, Handle: handle, Name: handle, Role: role}
	}
	return j
}

func (j *judging) channel(t *testing.T) int64 {
	t.Helper()
	slug, err := j.CreateChannel(j.ctx, j.admin, NewChannel{Slug: "tides", Name: "Tides"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := j.ChannelBySlug(j.ctx, j.admin, slug)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func (j *judging) pass(d time.Duration) { j.at.Add(d.Milliseconds()) }
func (j *judging) in(d time.Duration) Millis {
	return Millis(j.at.Load() + d.Milliseconds())
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestABanEndsSessionsAndKeepsOutUntilItIsOver(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	is(t, j.CreateSession(j.ctx, j.member.ID, []byte("stored"), "", ""), nil)
	is(t, j.letWait(j.ctx, j.member.ID, []byte("waits"), "", ""), nil)
	is(t, j.Ban(j.ctx, j.mod, j.member.ID, j.in(24*time.Hour), "spam"), nil)
	for _, token := range []string{"stored", "waits"} {
		if _, _, err := j.ViewerBySession(j.ctx, []byte(token)); !errors.Is(err, ErrNotFound) {
			t.Errorf("the session %s lives on: %v", token, err)
		}
	}
	var barred *Barred
	for _, err := range []error{j.CreateSession(j.ctx, j.member.ID, []byte("new"), "", ""), j.letWait(j.ctx, j.member.ID, []byte("new"), "", "")} {
		if !errors.As(err, &barred) || !barred.Banned || barred.Reason != "spam" || barred.Until != j.in(24*time.Hour) {
			t.Errorf("signing in answered %v", err)
		}
	}
	j.pass(24 * time.Hour)
	is(t, j.CreateSession(j.ctx, j.member.ID, []byte("new"), "", ""), nil)
	if _, _, err := j.ViewerBySession(j.ctx, []byte("new")); err != nil {
		t.Errorf("the ban is over, and the session answers %v", err)
	}
	is(t, j.Lift(j.ctx, j.mod, j.member.ID), ErrNotFound)
}

func TestASuspensionReadsAndDoesNotWrite(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	channel := j.channel(t)
	is(t, j.Suspend(j.ctx, j.mod, j.member.ID, Forever, "shouting"), nil)
	is(t, j.CreateSession(j.ctx, j.member.ID, []byte("token"), "", ""), nil)
	write := func() error {
		_, err := j.CreatePost(j.ctx, j.member, NewPost{ChannelID: channel, Kind: "discussion", Title: "t", Body: "b"})
		return err
	}
	var barred *Barred
	if err := write(); !errors.As(err, &barred) || barred.Banned || barred.Until != Forever {
		t.Errorf("writing answered %v", err)
	}
	is(t, j.Ban(j.ctx, j.mod, j.member.ID, Forever, "worse"), nil) // takes the suspension's place
	is(t, j.Lift(j.ctx, j.mod, j.member.ID), nil)
	is(t, write(), nil)
	history, err := j.HistoryOf(j.ctx, j.mod, j.member.ID, 10)
	is(t, err, nil)
	if len(history) != 3 || history[0].Action != "lift" || history[1].Old != "suspended" || history[2].Reason != "shouting" {
		t.Errorf("the log says %+v", history)
	}
}

func TestWhoMayJudgeWhom(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	second, err := j.CreateMember(j.ctx, NewMember{Handle: "mod2", Role: Moderator, Origin: "command"})
	is(t, err, nil)
	for _, test := range []struct {
		name string
		v    Viewer
		whom int64
		want error
	}{
		{"a guest", Viewer{}, j.member.ID, ErrForbidden},
		{"a member", j.member, j.other.ID, ErrForbidden},
		{"a member who says that they are an admin", Viewer{ID: j.member.ID, Role: Admin}, j.other.ID, ErrForbidden},
		{"a moderator themselves", j.mod, j.mod.ID, ErrForbidden},
		{"a moderator another one", j.mod, second, ErrForbidden},
		{"a moderator the admin", j.mod, j.admin.ID, ErrForbidden},
		{"the admin themselves", j.admin, j.admin.ID, ErrForbidden},
		{"nobody there", j.admin, 999, ErrNotFound},
		{"a moderator a member", j.mod, j.member.ID, nil},
		{"the admin a moderator", j.admin, second, nil},
	} {
		is(t, j.Suspend(j.ctx, test.v, test.whom, Forever, test.name), test.want)
		is(t, j.SetTrust(j.ctx, test.v, test.whom, Trusted, true), test.want)
	}
	is(t, j.ChangeRole(j.ctx, j.mod, j.other.ID, Moderator), ErrForbidden)
	is(t, j.ChangeRole(j.ctx, j.admin, j.admin.ID, Plain), ErrForbidden)
	is(t, j.ChangeRole(j.ctx, j.admin, j.other.ID, "king"), ErrForbidden)
	is(t, j.Ban(j.ctx, Viewer{ID: second, Role: Moderator}, j.other.ID, Forever, "while suspended"), ErrForbidden)
}

func TestStaffJudgeWhileTheForumIsReadOnly(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	is(t, j.SetSetting(j.ctx, SettingReadOnly, "on"), nil)
	is(t, j.Ban(j.ctx, j.mod, j.member.ID, Forever, "a wave"), nil)
}

func TestTwoAdminsWhoTakeEachOthersRoleLeaveOne(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	is(t, j.ChangeRole(j.ctx, j.admin, j.other.ID, Admin), nil)
	a, b := j.admin, Viewer{ID: j.other.ID, Role: Admin}
	for round := range 5 {
		var both sync.WaitGroup
		var done atomic.Int32
		for _, pair := range [][2]Viewer{{a, b}, {b, a}} {
			both.Add(1)
			go func() {
				defer both.Done()
				err := j.ChangeRole(j.ctx, pair[0], pair[1].ID, Plain)
				if round%2 == 1 {
					err = j.Ban(j.ctx, pair[0], pair[1].ID, Forever, "a duel")
				}
				if err == nil {
					done.Add(1)
				}
			}()
		}
		both.Wait()
		has, err := j.HasAdmin(j.ctx)
		if err != nil || !has || done.Load() > 2 {
			t.Fatalf("round %d left admin=%t, %v", round, has, err)
		}
		if _, err := j.write.Exec("UPDATE members SET role = 'admin', banned_until = NULL, barred_for = '' WHERE id IN (?, ?)", a.ID, b.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNetworksAreCountedAsTheyAreBanned(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.9": "203.0.113.9/32", " 203.0.113.9/24 ": "203.0.113.0/24", "2001:db8:1:2:3::1": "2001:db8:1:2::/64", "2001:db8:1:2::9/120": "2001:db8:1:2::/64",
		"2001:db8::/32": "2001:db8::/32", "::ffff:203.0.113.9": "203.0.113.9/32", "::ffff:203.0.113.0/120": "203.0.113.0/24",
		"0.0.0.0/0": "", "10.0.0.0/7": "", "::/0": "", "2000::/3": "", "example.org": "", "203.0.113.0/33": "", "": "", "fe80::1%eth0": "fe80::/64",
	} {
		network, ok := ParseNetwork(text)
		if ok != (want != "") || ok && network.String() != want {
			t.Errorf("%q is %v %t, want %q", text, network, ok, want)
		}
	}
}

func TestABannedNetworkIsKnownAtOnceAndLetInAgain(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	inside, six, outside := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("2001:db8:1:2:ffff::1"), netip.MustParseAddr("203.0.114.1")
	from := func(addr netip.Addr, writes bool) error { return j.BannedFrom(j.ctx, addr, writes) }
	is(t, from(inside, false), nil)
	is(t, j.BanOutside(j.ctx, j.mod, OutsideBan{Kind: "network", Value: "203.0.113.0/24", Until: j.in(time.Hour)}), nil)
	is(t, j.BanOutside(j.ctx, j.mod, OutsideBan{Kind: "network", Value: "2001:db8:1:2::5", Until: Forever, Writes: true}), nil)
	is(t, j.BanOutside(j.ctx, j.member, OutsideBan{Kind: "network", Value: "198.51.100.0/24", Until: Forever}), ErrForbidden)
	var banned *NetworkBanned
	if err := from(inside, false); !errors.As(err, &banned) || banned.Until != j.in(time.Hour) {
		t.Errorf("inside: %v", err)
	}
	if err := from(six, true); !errors.As(err, &banned) {
		t.Errorf("the same /64: %v", err)
	}
	is(t, from(inside, true), nil) // it may write
	is(t, from(outside, false), nil)
	is(t, from(netip.Addr{}, false), nil)
	j.pass(time.Hour)
	is(t, from(inside, false), nil) // over
	for _, b := range mustList(t)(j.OutsideBans(j.ctx, j.mod, 0, 10)) {
		is(t, j.LiftOutside(j.ctx, j.mod, b.ID), nil)
	}
	is(t, from(six, true), nil)
	// Another process changes the table: seen after some seconds.
	if _, err := j.write.Exec("INSERT INTO bans (kind, value, created_at) VALUES ('network', '203.0.114.0/24', 1)"); err != nil {
		t.Fatal(err)
	}
	is(t, from(outside, false), nil)
	j.pass(outsideAge)
	if err := from(outside, false); !errors.As(err, &banned) {
		t.Errorf("after %v: %v", outsideAge, err)
	}
}

func mustList(t *testing.T) func([]OutsideBan, error) []OutsideBan {
	return func(list []OutsideBan, err error) []OutsideBan {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
}

func TestABannedMailDomainTakesThoseBelowItAlong(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	is(t, j.BanOutside(j.ctx, j.mod, OutsideBan{Kind: "mail", Value: "@Bad.Example", Until: j.in(time.Hour)}), nil)
	n := 0
	register := func(email string) error {
		n++
		_, err := j.CreateMember(j.ctx, NewMember{Handle: "new" + string(rune('a'+n)), Email: email, Origin: "registered"})
		return err
	}
	for email, want := range map[string]error{
		"x@bad.example": ErrMailBanned, "x@BAD.example": ErrMailBanned, "x@deep.below.bad.example": ErrMailBanned, "x@notbad.example": nil, "x@bad.example.org": nil, "x@good.example": nil,
	} {
		if err := register(email); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", email, err, want)
		}
	}
	j.pass(time.Hour)
	is(t, register("y@bad.example"), nil)
}
