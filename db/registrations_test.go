package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestAnInviteForOneLetsOneIn(t *testing.T) {
	t.Parallel()
	d, ctx := migrated(t, Options{}), context.Background()
	id, err := d.CreateMember(ctx, NewMember{Handle: "maker", Role: Moderator, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	maker := Viewer{ID: id, Handle: "maker", Role: Moderator}
	hash := sha256.Sum256([]byte("token"))
	if made, err := d.CreateInvite(ctx, maker, NewInvite{TokenHash: hash[:], Uses: 1, Lasts: time.Hour}); err != nil || !made {
		t.Fatalf("made %t: %v", made, err)
	}
	if err := d.SetSetting(ctx, SettingRegistration, string(RegistrationInvite)); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 100)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			_, errs[i] = d.Register(ctx, NewMember{Handle: fmt.Sprintf("guest%03d", i), Email: fmt.Sprintf("g%d@example.org", i), Password: "phc", Invite: hash[:]})
		})
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		switch {
		case err == nil:
			in++
		case !errors.Is(err, ErrInviteEnded):
			t.Errorf("a guest who came too late: %v", err)
		}
	}
	list, err := d.Invites(ctx, maker, Cursor{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var members int
	if err := d.read.GetContext(ctx, &members, "SELECT COUNT(*) FROM members WHERE invite_id IS NOT NULL"); err != nil {
		t.Fatal(err)
	}
	if in != 1 || members != 1 || len(list) != 1 || list[0].Uses != 1 || len(list[0].Came) != 1 || list[0].Usable {
		t.Errorf("%d came in, %d are members, the invite says %+v", in, members, list)
	}
}

func TestTheDoorIsAskedWhereTheMemberIsWritten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d, ctx := migrated(t, Options{Now: func() time.Time { return now }}), context.Background()
	id, err := d.CreateMember(ctx, NewMember{Handle: "maker", Role: Admin, Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	maker := Viewer{ID: id, Handle: "maker", Role: Admin}
	invite := func(name string, lasts time.Duration) []byte {
		hash := sha256.Sum256([]byte(name))
		if _, err := d.CreateInvite(ctx, maker, NewInvite{TokenHash: hash[:], Uses: 5, Lasts: lasts}); err != nil {
			t.Fatal(err)
		}
		return hash[:]
	}
	good, old, back := invite("good", 2*time.Hour), invite("old", time.Hour), invite("back", 2*time.Hour)
	list, err := d.Invites(ctx, maker, Cursor{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.EndInvite(ctx, maker, list[0].ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(90 * time.Minute)
	unknown := sha256.Sum256([]byte("unknown"))
	n := 0
	for _, test := range []struct {
		mode    RegistrationMode
		invite  []byte
		answer  string
		pending bool
		err     error
	}{
		{mode: RegistrationOpen},
		{mode: ""},
		{mode: RegistrationOpen, invite: good},
		{mode: RegistrationOpen, invite: old, err: ErrInviteEnded},
		{mode: RegistrationInvite, err: ErrInviteNeeded},
		{mode: RegistrationInvite, invite: good},
		{mode: RegistrationInvite, invite: old, err: ErrInviteEnded},
		{mode: RegistrationInvite, invite: back, err: ErrInviteEnded},
		{mode: RegistrationInvite, invite: unknown[:], err: ErrInviteEnded},
		{mode: RegistrationApproval, err: ErrAnswerNeeded},
		{mode: RegistrationApproval, answer: "hello", pending: true},
		{mode: RegistrationApproval, invite: good},
		{mode: RegistrationClosed, err: ErrRegistrationClosed},
		{mode: RegistrationClosed, invite: good, err: ErrRegistrationClosed},
		{mode: "nonsense", err: ErrRegistrationClosed},
	} {
		n++
		if err := d.SetSetting(ctx, SettingRegistration, string(test.mode)); err != nil {
			t.Fatal(err)
		}
		got, err := d.Register(ctx, NewMember{Handle: fmt.Sprintf("guest%02d", n), Password: "phc", Invite: test.invite, Answer: test.answer})
		if !errors.Is(err, test.err) || got.Pending != test.pending {
			t.Errorf("mode %q, invite %x, answer %q: pending %t, %v; want %t, %v", test.mode, test.invite, test.answer, got.Pending, err, test.pending, test.err)
		}
	}
}

func TestTwoModeratorsDecideOnceAboutAGuest(t *testing.T) {
	t.Parallel()
	d, ctx := migrated(t, Options{}), context.Background()
	var mods [2]Viewer
	for i := range mods {
		handle := fmt.Sprintf("keeper.%c", 'a'+i)
		id, err := d.CreateMember(ctx, NewMember{Handle: handle, Role: Moderator, Origin: "command"})
		if err != nil {
			t.Fatal(err)
		}
		mods[i] = Viewer{ID: id, Handle: handle, Role: Moderator}
	}
	if err := d.SetSetting(ctx, SettingRegistration, string(RegistrationApproval)); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		got, err := d.Register(ctx, NewMember{Handle: fmt.Sprintf("guest%02d", i), Password: "phc", Answer: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		errs := [2]error{}
		var both sync.WaitGroup
		for m := range mods {
			both.Go(func() { errs[m] = d.DecideRegistrations(ctx, mods[m], []int64{got.ID}, m == 0) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[0], errs[1]), ErrConflict) {
			t.Fatalf("let in: %v, declined: %v", errs[0], errs[1])
		}
		_, err = d.MemberByID(ctx, got.ID)
		if (errs[0] == nil) != (err == nil) {
			t.Errorf("let in: %v, and the member: %v", errs[0], err)
		}
	}
	if err := d.DecideRegistrations(ctx, Viewer{ID: mods[0].ID + 99, Role: Admin}, []int64{1}, true); !errors.Is(err, ErrForbidden) {
		t.Errorf("somebody who is no member decided: %v", err)
	}
	var lines int
	if err := d.read.GetContext(ctx, &lines, "SELECT COUNT(*) FROM mod_log WHERE action IN ('registration-accept', 'registration-decline')"); err != nil || lines != 10 {
		t.Errorf("%d lines in the log, %v", lines, err)
	}
}

func TestAddressesAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d, ctx := migrated(t, Options{Now: func() time.Time { return now }}), context.Background()
	if _, err := d.Register(ctx, NewMember{Handle: "visitor", Password: "phc", Address: "192.0.2.7"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{0, 1, 0} {
		if got, err := d.ForgetAddresses(ctx); err != nil || got != want {
			t.Errorf("%s: forgot %d, want %d (%v)", now.Format(time.DateOnly), got, want, err)
		}
		now = now.Add(AddressKept + time.Minute)
	}
}
