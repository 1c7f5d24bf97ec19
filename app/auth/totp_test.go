package auth

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The test vectors of RFC 6238, appendix B, for SHA-1; its codes have eight digits, of which ours are the last six.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := TOTPStep(secret, code, time.Unix(at, 0), 0)
		if !ok || step != at/30 {
			t.Errorf("at %d the code %s is of step %d, %v", at, code, step, ok)
		}
	}
}

func TestACodeCountsOneStepBeforeAndAfter(t *testing.T) {
	t.Parallel()
	secret, code, at := []byte("12345678901234567890"), "081804", int64(1111111109)
	for seconds, want := range map[int64]bool{-60: false, -30: true, 0: true, 30: true, 60: false, 90: false} {
		if _, ok := TOTPStep(secret, code, time.Unix(at/30*30+seconds, 0), 0); ok != want {
			t.Errorf("%d s from its step: %v", seconds, ok)
		}
	}
	if _, ok := TOTPStep(secret, " 081 804 ", time.Unix(at, 0), 0); !ok {
		t.Error("spaces are not forgiven")
	}
	for _, code := range []string{"", "0", "081805", "81804", "0818044", "081804\x00", strings.Repeat("0", 1<<16)} {
		if _, ok := TOTPStep(secret, code, time.Unix(at, 0), 0); ok {
			t.Errorf("%.20q counts", code)
		}
	}
}

func TestAStepThatWasSpentDoesNotCountAgain(t *testing.T) {
	t.Parallel()
	secret, code, at := []byte("12345678901234567890"), "081804", int64(1111111109)
	for spent, want := range map[int64]bool{at/30 - 1: true, at / 30: false, at/30 + 1: false} {
		if _, ok := TOTPStep(secret, code, time.Unix(at, 0), spent); ok != want {
			t.Errorf("after step %+d: %v", spent-at/30, ok)
		}
	}
}

func TestASecretSurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), totpSecret, totpSecret).Draw(t, "secret")
		text := TOTPText(secret)
		if back, ok := ParseTOTPText(strings.ToLower(text[:4] + " " + text[4:])); !ok || hex.EncodeToString(back) != hex.EncodeToString(secret) {
			t.Fatalf("%q gives %x", text, back)
		}
	})
	for _, text := range []string{"", "AAAA", "1", TOTPText(make([]byte, 19)), TOTPText(make([]byte, 21))} {
		if _, ok := ParseTOTPText(text); ok {
			t.Errorf("%q is a secret", text)
		}
	}
}

func TestAnAddressIsWhatAuthenticatorsRead(t *testing.T) {
	t.Parallel()
	address, err := TOTPAddress([]byte("12345678901234567890"), "Tide: pools", "wren")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"otpauth://totp/Tide%20%20pools:wren?", "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "algorithm=SHA1", "digits=6", "period=30", "issuer=Tide"} {
		if !strings.Contains(address, want) {
			t.Errorf("%s has no %s", address, want)
		}
	}
	path, size, err := QR(address)
	if err != nil || size < 21 || !strings.HasPrefix(path, "M0 0h7v1h-7z") { // the finder pattern in the corner
		t.Errorf("%d modules, %.40s, %v", size, path, err)
	}
}

func TestRecoveryCodesAreKnownByTheirHash(t *testing.T) {
	t.Parallel()
	plain, hashes := NewRecoveryCodes()
	seen := map[string]bool{}
	for i, code := range plain {
		for _, typed := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " ")} {
			if hash, ok := RecoveryHash(typed); !ok || string(hash) != string(hashes[i]) {
				t.Errorf("%q is not known", typed)
			}
		}
		seen[code] = true
	}
	if len(seen) != RecoveryCodes || len(hashes) != RecoveryCodes {
		t.Errorf("%d codes, %d of them different", len(plain), len(seen))
	}
	for _, typed := range []string{"", "123456", plain[0] + "a", plain[0][1:], strings.Repeat("1", 16)} {
		if _, ok := RecoveryHash(typed); ok {
			t.Errorf("%q could be a code", typed)
		}
	}
}
