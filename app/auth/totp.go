package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// The one-time codes of RFC 6238 as every authenticator makes them: SHA-1, six digits, a new one every 30 seconds. A code
// of the step before or after the present one counts too, since clocks differ.
const (
	totpPeriod = 30
	totpSkew   = 1
	totpSecret = 20 // bytes: as long as the hash, as RFC 4226 asks
)

// RecoveryCodes is how many codes a member gets that stand in for a lost authenticator.
const RecoveryCodes = 10

const recoveryBytes = 10 // 80 bits: 16 letters and digits

// NewTOTPSecret makes a secret for a second factor.
func NewTOTPSecret() []byte {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails: it ends the process rather than give weak bytes
	return secret
}

// TOTPText is a secret as a person types it into an authenticator: 32 letters and digits.
func TOTPText(secret []byte) string { return unpadded().EncodeToString(secret) }

// ParseTOTPText reads what TOTPText wrote, with or without spaces.
func ParseTOTPText(text string) (secret []byte, ok bool) {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	secret, err := unpadded().DecodeString(text)
	return secret, err == nil && len(secret) == totpSecret && TOTPText(secret) == text
}

// TOTPAddress is a secret as an authenticator reads it from a QR code: an otpauth: address with the forum's name and the
// member's handle.
func TOTPAddress(secret []byte, site, handle string) (string, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: strings.ReplaceAll(site, ":", " "), AccountName: handle, Secret: secret, Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("make the address of a second factor: %w", err)
	}
	return key.URL(), nil
}

// TOTPStep answers the time step of a code, and whether it is one of the present, the last or the next step and later than
// spent. Every candidate is compared, each in constant time. The step has to be stored as spent before the code counts:
// the caller's update does that, and says whether another was faster.
func TOTPStep(secret []byte, code string, now time.Time, spent int64) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	text, present := TOTPText(secret), now.Unix()/totpPeriod
	for at := present - totpSkew; at <= present+totpSkew; at++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > spent {
			step, ok = at, true
		}
	}
	return step, ok
}

// NewRecoveryCodes makes RecoveryCodes codes of 80 random bits each, in groups of four, and the hashes to store in their
// place.
func NewRecoveryCodes() (plain []string, hashes [][]byte) {
	for range RecoveryCodes {
		secret := make([]byte, recoveryBytes)
		_, _ = rand.Read(secret)
		code := strings.ToLower(unpadded().EncodeToString(secret))
		plain = append(plain, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		hashes = append(hashes, HashToken(code))
	}
	return plain, hashes
}

// RecoveryHash is the hash of a recovery code as it was typed: in any case, with or without hyphens and spaces. ok is
// false for what cannot be one.
func RecoveryHash(typed string) (hash []byte, ok bool) {
	code := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(typed)))
	if secret, err := unpadded().DecodeString(strings.ToUpper(code)); err != nil || len(secret) != recoveryBytes || len(code) != recoveryBytes*8/5 {
		return nil, false
	}
	return HashToken(code), true
}

func unpadded() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// QR is a text as a QR code: the path of an SVG picture whose modules are one unit wide, and how many there are in a row
// and in a column. It has no quiet zone.
func QR(text string) (path string, size int, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("make a QR code: %w", err)
	}
	size = code.Bounds().Dx()
	dark := func(x, y int) bool { r, _, _, _ := code.At(x, y).RGBA(); return r == 0 }
	var b strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			if !dark(x, y) {
				continue
			}
			run := x
			for run < size && dark(run, y) {
				run++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, run-x, run-x)
			x = run
		}
	}
	return b.String(), size, nil
}
