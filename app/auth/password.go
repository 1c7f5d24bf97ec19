package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// A password has MinPassword to MaxPassword bytes, of any kind. There are no
// rules about what it is made of: length is what helps.
const (
	MinPassword = 8
	MaxPassword = 256
)

// ErrPasswordLength says that a password is shorter than MinPassword or longer
// than MaxPassword bytes.
var ErrPasswordLength = fmt.Errorf("a password must have %d to %d bytes", MinPassword, MaxPassword)

// ErrMalformedHash says that a stored hash is not one that Verify understands.
var ErrMalformedHash = errors.New("malformed password hash")

// Busy says that too many passwords are being checked already.
type Busy struct{ After time.Duration }

func (e *Busy) Error() string { return "too many passwords are being checked" }

// Status returns 503.
func (e *Busy) Status() int { return http.StatusServiceUnavailable }

// RetryAfter returns After.
func (e *Busy) RetryAfter() time.Duration { return e.After }

// params are the costs of argon2id (RFC 9106).
type params struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// The costs of new hashes: the first choice of the OWASP cheat sheet, about
// 31 ms of one core.
const (
	ourMemory  = 19 << 10
	ourPasses  = 2
	ourThreads = 1
	saltBytes  = 16
	keyBytes   = 32
)

// What a stored hash may ask for. Hashes come from our own table, but also
// from imports and restored backups, and must not be able to take all memory.
const (
	maxMemory  = 64 << 10
	maxPasses  = 10
	maxThreads = 8
	maxHash    = 256 // bytes of the whole string
)

const (
	queuePerSlot = 16              // at 31 ms each: half a second of waiting
	maxWait      = 2 * time.Second // for a slot, then Busy
	retryAfter   = 3 * time.Second
)

// Hasher hashes and checks passwords, a bounded number at a time.
type Hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

// NewHasher returns a Hasher that runs as many hashes at once as there are
// cores for Go (GOMAXPROCS), each with 19 MiB, lets 16 times as many wait for
// up to 2 s, and refuses the rest.
func NewHasher() *Hasher {
	return newHasher(runtime.GOMAXPROCS(0), maxWait)
}

func newHasher(slots int, wait time.Duration) *Hasher {
	return &Hasher{slots: make(chan struct{}, slots), queue: int64(slots) * queuePerSlot, wait: wait}
}

// CheckPassword returns ErrPasswordLength for a password that Hash refuses.
func CheckPassword(password string) error {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return ErrPasswordLength
	}
	return nil
}

// Hash returns the hash of a new password as a PHC string, to be stored. The
// errors are those of CheckPassword, *Busy, and ctx.Err() while waiting; work
// that has begun is not interrupted.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	if err := h.enter(ctx); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	defer h.leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: it ends the process rather than give weak bytes
	key := argon2.IDKey([]byte(password), salt, ourPasses, ourMemory, ourThreads, keyBytes)
	return encode(params{ourMemory, ourPasses, ourThreads}, salt, key), nil
}

// Verify says whether password is the one that was hashed to phc, comparing in
// constant time. rehash says that it is, and that phc has other costs than Hash
// uses now: store a new hash while the password is at hand. A phc that cannot
// be read gives ErrMalformedHash after the usual work, so that the time does
// not tell such an account from others.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, rehash bool, err error) {
	p, salt, want, err := decode(phc)
	if err != nil {
		return false, false, errors.Join(err, h.VerifyUnknown(ctx, password))
	}
	if len(password) > MaxPassword {
		return false, false, h.VerifyUnknown(ctx, "")
	}
	if err := h.enter(ctx); err != nil {
		return false, false, fmt.Errorf("verify a password: %w", err)
	}
	defer h.leave()
	got := argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, uint32(len(want)))
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return false, false, nil
	}
	outdated := p != params{ourMemory, ourPasses, ourThreads} || len(salt) != saltBytes || len(want) != keyBytes
	return true, outdated, nil
}

// VerifyUnknown does the work of Verify for an account that does not exist, so
// that the time of a refusal does not tell whether it does.
func (h *Hasher) VerifyUnknown(ctx context.Context, password string) error {
	if err := h.enter(ctx); err != nil {
		return fmt.Errorf("verify a password: %w", err)
	}
	defer h.leave()
	var salt [saltBytes]byte
	argon2.IDKey([]byte(password[:min(len(password), MaxPassword)]), salt[:], ourPasses, ourMemory, ourThreads, keyBytes)
	return nil
}

func (h *Hasher) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return &Busy{After: retryAfter}
	}
	defer h.waiting.Add(-1)
	timer := time.NewTimer(h.wait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return &Busy{After: retryAfter}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.slots }

// encode writes the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash, in base64 without padding.
func encode(p params, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.memory, p.passes, p.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// decode reads what encode writes, and nothing else: parameters in another
// order or form, or beyond the bounds, are ErrMalformedHash.
func decode(phc string) (p params, salt, key []byte, err error) {
	malformed := func(why string) (params, []byte, []byte, error) {
		return params{}, nil, nil, fmt.Errorf("%w: %s", ErrMalformedHash, why)
	}
	if len(phc) > maxHash {
		return malformed("too long")
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return malformed("not argon2id in PHC form")
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return malformed("unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); err != nil {
		return malformed("unreadable costs")
	}
	if p.memory > maxMemory || p.passes < 1 || p.passes > maxPasses || p.threads < 1 || p.threads > maxThreads ||
		p.memory < 8*uint32(p.threads) {
		return malformed("costs out of bounds")
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return malformed("bad salt")
	}
	if key, err = b64.DecodeString(parts[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return malformed("bad hash")
	}
	if encode(p, salt, key) != phc {
		return malformed("not in its one form")
	}
	return p, salt, key, nil
}

// NewToken returns a secret of 256 random bits for a session or a link, in
// base64url (43 characters), and the hash to store in its place: whoever reads
// the database learns no token.
func NewToken() (plain string, hash []byte) {
	var secret [32]byte
	_, _ = rand.Read(secret[:])
	plain = base64.RawURLEncoding.EncodeToString(secret[:])
	return plain, HashToken(plain)
}

// HashToken returns the SHA-256 of a token, 32 bytes. A fast hash is right
// here: 256 random bits cannot be guessed, and need no salt.
func HashToken(plain string) []byte {
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}
