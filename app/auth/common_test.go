package auth

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"testing"
)

func TestCommonPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"password", "PassWord1", "12345678", "qwertyuiop", "iloveyou", " football ", "ｐａｓｓｗｏｒｄ"} {
		if err := NewPassword(password); !errors.Is(err, ErrCommonPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, password := range []string{"a long enough password", "codex-demo", "correct horse battery staple and more", "zzzzzzzzzzzzz?", "\x00\xff\x00\xff\x00\xff\x00\xff"} {
		if err := NewPassword(password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestTheMembersOwnNameIsNoPassword(t *testing.T) {
	t.Parallel()
	own := []string{"Florentine", "flora.tin@example.org"}
	for _, password := range []string{"florentine", "FLORENTINE", "Flora.Tin@example.org", "flora.tin", " florentine"} {
		if err := NewPassword(password, own...); !errors.Is(err, ErrOwnPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
	if err := NewPassword("florentine and a horse", own...); err != nil {
		t.Error(err)
	}
	if err := NewPassword("short", own...); !errors.Is(err, ErrPasswordLength) {
		t.Error(err)
	}
}

// The look-up stops at the first line that is above the password.
func TestTheListIsSortedAndHoldsNothingThatIsRefusedAnyhow(t *testing.T) {
	t.Parallel()
	list, err := gzip.NewReader(bytes.NewReader(common))
	if err != nil {
		t.Fatal(err)
	}
	before, n := "", 0
	for lines := bufio.NewScanner(list); lines.Scan(); n++ {
		line := lines.Text()
		if line <= before || len(line) < MinPassword {
			t.Fatalf("%q after %q", line, before)
		}
		before = line
	}
	if n < 10_000 {
		t.Errorf("%d passwords", n)
	}
}

func BenchmarkNewPassword(b *testing.B) {
	for b.Loop() {
		_ = NewPassword("zzzzzzzzzzzzzzz?")
	}
}
