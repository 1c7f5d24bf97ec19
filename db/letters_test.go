package db

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// joined is a member who registered, as they see themselves.
func joined(t *testing.T, d *DB, handle string) Viewer {
	t.Helper()
	r, err := d.Register(t.Context(), NewMember{Handle: handle, Email: handle + "@example.org", Password: "phc"})
	if err != nil {
		t.Fatal(err)
	}
	return Viewer{ID: r.ID, Handle: handle}
}

// letters are the kinds that wait, and drops them.
func letters(t *testing.T, d *DB) (kinds []string) {
	t.Helper()
	for _, j := range claimed(t, d, 50, MailJobs()...) {
		kinds = append(kinds, j.Kind)
		if err := d.FinishJob(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}

func reset(t *testing.T, d *DB, email, token string) {
	t.Helper()
	if _, err := d.IssueReset(t.Context(), email, []byte(token)); err != nil {
		t.Fatal(err)
	}
}

func ends(t *testing.T, d *DB, token, why string) {
	t.Helper()
	if _, err := d.LinkHolder(t.Context(), PurposeReset, []byte(token)); !errors.Is(err, ErrNotFound) {
		t.Errorf("%s, the link still has a holder: %v", why, err)
	}
	if err := d.ResetPassword(t.Context(), []byte(token), "phc-by-"+token); !errors.Is(err, ErrNotFound) {
		t.Errorf("%s, the link still sets a password: %v", why, err)
	}
}

func TestWhatChangesWhoOpensAnAccountIsWrittenToItsAddress(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := t.Context()
	v := joined(t, d, "ada")
	if got := letters(t, d); !slices.Equal(got, []string{JobVerify}) {
		t.Errorf("on registering: %q", got)
	}
	if err := d.SetEmail(ctx, v, "ADA@example.org"); err != nil {
		t.Fatal(err)
	}
	if got := letters(t, d); len(got) != 0 {
		t.Errorf("on writing the same address otherwise: %q", got)
	}
	if err := d.SetEmail(ctx, v, "new@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(ctx, v.ID, "phc2", 0); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteAccount(ctx, v, false); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, j := range claimed(t, d, 50, MailJobs()...) {
		told = append(told, j.Kind+" "+j.Payload)
	}
	want := []string{
		JobChanged + ` {"what":"email","handle":"ada","address":"ADA@example.org"}`,
		JobChanged + ` {"what":"password","handle":"ada","address":"new@example.org"}`,
	}
	if slices.Sort(told); !slices.Equal(told, want) {
		t.Errorf("after a theft: %q, want %q", told, want)
	}
}

func TestALinkIsDeadOnceAnotherIsSentOrWhatItOpensHasChanged(t *testing.T) {
	t.Parallel()
	c := &clock{}
	d := migrated(t, Options{Now: c.now})
	ctx := t.Context()
	v := joined(t, d, "ada")

	reset(t, d, "ada@example.org", "one")
	reset(t, d, "Ada@Example.org", "two")
	ends(t, d, "one", "after a newer letter")
	if r, err := d.LinkHolder(ctx, PurposeReset, []byte("two")); err != nil || r.ID != v.ID {
		t.Errorf("the newer one: %+v, %v", r, err)
	}
	if _, err := d.LinkHolder(ctx, PurposeVerify, []byte("two")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link for another purpose: %v", err)
	}
	if err := d.VerifyEmail(ctx, []byte("two")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link for another purpose proves an address: %v", err)
	}
	if err := d.SetPassword(ctx, v.ID, "phc2", 0); err != nil {
		t.Fatal(err)
	}
	ends(t, d, "two", "after a change of the password")
	reset(t, d, "ada@example.org", "three")
	if err := d.SetEmail(ctx, v, "other@example.org"); err != nil {
		t.Fatal(err)
	}
	ends(t, d, "three", "after a change of the address")
	reset(t, d, "other@example.org", "four")
	c.pass(LinkLasts + time.Second)
	ends(t, d, "four", "after its time")
	if err := d.DropExpired(ctx); err != nil {
		t.Fatal(err)
	}
	c.pass(-LinkLasts)
	ends(t, d, "four", "with the clock put back")
	reset(t, d, "other@example.org", "five")
	if err := d.DeleteAccount(ctx, v, false); err != nil {
		t.Fatal(err)
	}
	ends(t, d, "five", "after the end of the account")
	if _, err := d.IssueReset(ctx, "other@example.org", []byte("six")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a letter to nobody: %v", err)
	}
}

func TestAHundredWhoFollowALinkAtOnceSetOnePassword(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	v := joined(t, d, "ada")
	reset(t, d, "ada@example.org", "link")
	var done atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			switch err := d.ResetPassword(context.Background(), []byte("link"), "phc2"); {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, ErrNotFound):
				t.Error(err)
			}
		})
	}
	all.Wait()
	c, err := d.CredentialsByID(t.Context(), v.ID)
	a, err2 := d.AddressOf(t.Context(), v)
	if done.Load() != 1 || errors.Join(err, err2) != nil || c.Password != "phc2" || !a.Verified {
		t.Errorf("%d of 100 set a password; the member has %+v, %+v, %v, %v", done.Load(), c, a, err, err2)
	}
}

func TestAResetEndsEverySession(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	v := joined(t, d, "ada")
	for _, token := range []string{"desk", "phone"} {
		if err := d.CreateSession(t.Context(), v.ID, []byte(token), "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.letWait(t.Context(), v.ID, []byte("waits"), "", ""); err != nil {
		t.Fatal(err)
	}
	reset(t, d, "ada@example.org", "link")
	if err := d.ResetPassword(t.Context(), []byte("link"), "phc2"); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"desk", "phone", "waits"} {
		if _, _, err := d.ViewerBySession(t.Context(), []byte(token)); !errors.Is(err, ErrNotFound) {
			t.Errorf("the session %s goes on: %v", token, err)
		}
	}
}

func TestAnAddressIsProvedByItsOwnLetterAlone(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	ctx := t.Context()
	v := joined(t, d, "ada")
	verified := func() bool {
		a, err := d.AddressOf(ctx, v)
		if err != nil {
			t.Fatal(err)
		}
		return a.Verified
	}
	if r, err := d.IssueVerify(ctx, v.ID, []byte("one")); err != nil || r.Email != "ada@example.org" || verified() {
		t.Fatal(r, err)
	}
	if err := d.VerifyEmail(ctx, []byte("one")); err != nil || !verified() {
		t.Fatal(err)
	}
	if err := d.VerifyEmail(ctx, []byte("one")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
	if err := d.AskVerify(ctx, v); !errors.Is(err, ErrNotFound) {
		t.Errorf("asked for once more: %v", err)
	}
	if err := d.SetEmail(ctx, v, "new@example.org"); err != nil || verified() {
		t.Errorf("a new address is proved by the old one's letter: %v", err)
	}
	if _, err := d.Reachable(ctx, v.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("letters go to an address that is not proved: %v", err)
	}
}

func TestTheSecretOfLettersStaysTheSame(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	first, err := d.MailSecret(t.Context())
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	if again, err := d.MailSecret(t.Context()); err != nil || !bytes.Equal(first, again) {
		t.Errorf("%x, then %x, %v", first, again, err)
	}
}
