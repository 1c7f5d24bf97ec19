package db

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHandlesThatLookAlikeHaveOneSkeleton(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"admin", "аdmin"},   // Cyrillic а
		{"paypal", "раураӏ"}, // Cyrillic throughout
		{"max", "rnax"}, {"modern", "modem"}, {"O1d", "0ld"}, {"lamp", "1amp"}, {"alice", "aIice"}, {"Max", "rnax"},
		{"scope", "ѕсоре"}, {"ο.k", "o.k"}, // Greek ο
	} {
		if Skeleton(pair[0]) != Skeleton(pair[1]) {
			t.Errorf("%q has the skeleton %q, %q has %q", pair[0], Skeleton(pair[0]), pair[1], Skeleton(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"anna", "hanna"}, {"jose", "josé"}, {"a.b", "a_b"}, {"user1", "user2"}, {"вера", "вета"}, {"ada", "oda"}} {
		if Skeleton(pair[0]) == Skeleton(pair[1]) {
			t.Errorf("%q and %q can be told apart, and have one skeleton", pair[0], pair[1])
		}
	}
}

func TestASkeletonDependsOnNothingButTheLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		handle := rapid.StringMatching(`[A-Za-z0-9_.\-àéñßΑ-ωА-я]{3,30}`).Draw(t, "handle")
		s := Skeleton(handle)
		for r, seen := range prototypes { // whatever replaces a letter by what looks like it keeps the skeleton
			if seen == "a" && Skeleton("x"+string(r)) != Skeleton("xa") {
				t.Fatalf("%q is mistaken for a, and its skeleton is %q", r, Skeleton(string(r)))
			}
		}
		if s == "" || s != Skeleton(handle) {
			t.Fatalf("skeleton of %q: %q", handle, s)
		}
	})
}

func TestHandlesThatSpeakForTheForumAreReserved(t *testing.T) {
	t.Parallel()
	for _, handle := range []string{"admin", "Admin", "ADMIN", "аdmin", "ad.min", "Supp0rt", "r00t", "everyone", "here", "rnoderator", "Adm1n", "codex", "staff", "sys-tem", "m.o.d"} {
		if !ReservedHandle(handle) {
			t.Errorf("%q is free", handle)
		}
	}
	for _, handle := range []string{"adminton", "hereward", "ada", "rooted", "stafford", "modern"} {
		if ReservedHandle(handle) {
			t.Errorf("%q is reserved", handle)
		}
	}
}

func TestAMemberThatLooksLikeAnotherIsRefused(t *testing.T) {
	t.Parallel()
	d, ctx := migrated(t, Options{}), context.Background()
	if _, err := d.CreateMember(ctx, NewMember{Handle: "bonnie", Origin: "command"}); err != nil {
		t.Fatal(err)
	}
	for _, handle := range []string{"bonnie", "BONNIE", "b0nnie", "bоnniе", "B0NNIE"} {
		if _, err := d.CreateMember(ctx, NewMember{Handle: handle, Origin: "registered"}); !errors.Is(err, ErrHandleTaken) {
			t.Errorf("%q beside bonnie: %v", handle, err)
		}
	}
}

// Of members from before there were skeletons, and of an import's, none loses their handle.
func TestOldMembersWhoLookAlikeStayAndNoFurtherOneComes(t *testing.T) {
	t.Parallel()
	d, ctx := migrated(t, Options{}), context.Background()
	for _, handle := range []string{"lamp", "1amp", "iamp", "bell", "be11"} {
		if _, err := d.CreateMember(ctx, NewMember{Handle: handle, Origin: "import"}); err != nil {
			t.Fatalf("import %s: %v", handle, err)
		}
	}
	if _, err := d.write.ExecContext(ctx, "UPDATE members SET skeleton = NULL WHERE handle <> 'bell'"); err != nil {
		t.Fatal(err)
	}
	for done := -1; done != 0; {
		var err error
		if done, err = d.FillSkeletons(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var rows []struct {
		Handle   string `db:"handle"`
		Skeleton string `db:"skeleton"`
	}
	if err := d.read.SelectContext(ctx, &rows, "SELECT handle, skeleton FROM members ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	want := "[{lamp lamp} {1amp ~2} {iamp iamp} {bell bell} {be11 ~5}]"
	for i := range rows { // m is rn in a skeleton
		if rows[i].Skeleton == Skeleton("lamp") {
			rows[i].Skeleton = "lamp"
		}
		if rows[i].Skeleton == Skeleton("iamp") {
			rows[i].Skeleton = "iamp"
		}
	}
	if got := fmt.Sprint(rows); got != want {
		t.Errorf("skeletons %s, want %s", got, want)
	}
	if _, err := d.CreateMember(ctx, NewMember{Handle: "Iamp", Origin: "registered"}); !errors.Is(err, ErrHandleTaken) {
		t.Errorf("a third one: %v", err)
	}
}

func TestAHandleThatWasLeftIsNobodyElses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d, ctx := migrated(t, Options{Now: func() time.Time { return now }}), context.Background()
	make := func(handle string, role Role) Viewer {
		id, err := d.CreateMember(ctx, NewMember{Handle: handle, Role: role, Origin: "command"})
		if err != nil {
			t.Fatal(err)
		}
		return Viewer{ID: id, Handle: handle, Role: role}
	}
	v, other, staff := make("before", Plain), make("other", Plain), make("keeper", Moderator)
	try := func(v Viewer, handle string, want error) {
		t.Helper()
		if err := d.SetHandle(ctx, v, handle); !errors.Is(err, want) {
			t.Errorf("%s to %s: %v, want %v", v.Handle, handle, err, want)
		}
	}
	try(v, "BEFORE", nil) // capitals alone are no change
	try(v, "other", ErrHandleTaken)
	try(v, "0ther", ErrHandleTaken)
	try(v, "adrnin", ErrHandleReserved)
	try(v, "after", nil)
	var soon *HandleTooSoon
	if err := d.SetHandle(ctx, v, "again"); !errors.As(err, &soon) || soon.Until.Time() != now.Add(HandleEvery) {
		t.Errorf("a second change: %v", err)
	}
	try(other, "before", ErrHandleTaken)
	try(other, "bеfоrе", ErrHandleTaken) // Cyrillic
	if _, err := d.CreateMember(ctx, NewMember{Handle: "Before", Origin: "import"}); !errors.Is(err, ErrHandleTaken) {
		t.Errorf("an import takes it: %v", err)
	}
	if m, err := d.MemberByOldHandle(ctx, "Before"); err != nil || m.ID != v.ID {
		t.Errorf("the old handle leads to %d: %v", m.ID, err)
	}
	now = now.Add(HandleEvery)
	try(v, "before", nil) // taken back
	if _, err := d.MemberByOldHandle(ctx, "before"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a present handle is an old one: %v", err)
	}
	try(other, "after", ErrHandleTaken)
	for _, handle := range []string{"keeper.a", "keeper.b", "keeper.c"} {
		try(staff, handle, nil)
	}
}
