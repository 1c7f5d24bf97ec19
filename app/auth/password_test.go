package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "correct horse battery staple"

// cheap is a hash of secret that takes no time to check.
func cheap() string {
	salt := []byte("saltsalt")
	return encode(params{memory: 8, passes: 1, threads: 1}, salt, argon2.IDKey([]byte(secret), salt, 1, 8, 1, 16))
}

func TestAHashedPasswordVerifies(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	phc, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q has other costs", phc)
	}
	if ok, rehash, err := h.Verify(t.Context(), phc, secret); !ok || rehash || err != nil {
		t.Errorf("the right password: ok %v, rehash %v, %v", ok, rehash, err)
	}
	if ok, rehash, err := h.Verify(t.Context(), phc, secret+"!"); ok || rehash || err != nil {
		t.Errorf("a wrong password: ok %v, rehash %v, %v", ok, rehash, err)
	}
	if again, _ := h.Hash(t.Context(), secret); again == phc {
		t.Error("two hashes of one password are equal: no salt")
	}
}

func TestAHashOfOtherCostsAsksForANewOne(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	if ok, rehash, err := h.Verify(t.Context(), cheap(), secret); !ok || !rehash || err != nil {
		t.Errorf("ok %v, rehash %v, %v; want true, true, nil", ok, rehash, err)
	}
	if ok, rehash, _ := h.Verify(t.Context(), cheap(), "wrong"); ok || rehash {
		t.Error("a wrong password asked for a new hash")
	}
}

func TestPasswordsHave8To256Bytes(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]error{0: ErrPasswordLength, 7: ErrPasswordLength, 8: nil, 256: nil, 257: ErrPasswordLength} {
		if err := CheckPassword(strings.Repeat("x", length)); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", length, err, want)
		}
	}
	h := NewHasher()
	if _, err := h.Hash(t.Context(), "short"); !errors.Is(err, ErrPasswordLength) {
		t.Errorf("Hash took a short password: %v", err)
	}
	if ok, _, err := h.Verify(t.Context(), cheap(), strings.Repeat("x", 1<<20)); ok || err != nil {
		t.Errorf("a password of a mebibyte: %v, %v", ok, err)
	}
}

func TestMalformedHashesAreRefused(t *testing.T) {
	t.Parallel()
	salt, key := base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	for name, phc := range map[string]string{
		"empty":           "",
		"another hash":    "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":         "$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"another version": "$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"much memory":     "$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key,
		"memory overflow": "$argon2id$v=19$m=99999999999,t=2,p=1$" + salt + "$" + key,
		"many passes":     "$argon2id$v=19$m=19456,t=1000,p=1$" + salt + "$" + key,
		"no pass":         "$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key,
		"no thread":       "$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + key,
		"too few blocks":  "$argon2id$v=19$m=8,t=2,p=4$" + salt + "$" + key,
		"more after p":    "$argon2id$v=19$m=19456,t=2,p=1,x=1$" + salt + "$" + key,
		"padded salt":     "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "==$" + key,
		"short salt":      "$argon2id$v=19$m=19456,t=2,p=1$AAAA$" + key,
		"short key":       "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$AAAA",
		"long":            "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("A", 1000),
	} {
		if _, _, _, err := decode(phc); !errors.Is(err, ErrMalformedHash) {
			t.Errorf("%s: %v, want ErrMalformedHash", name, err)
		}
	}
	if ok, _, err := NewHasher().Verify(t.Context(), "!", secret); ok || !errors.Is(err, ErrMalformedHash) {
		t.Errorf("Verify: %v, %v", ok, err)
	}
}

func TestWhatIsEncodedDecodes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := params{
			memory:  rapid.Uint32Range(64, maxMemory).Draw(t, "memory"),
			passes:  rapid.Uint32Range(1, maxPasses).Draw(t, "passes"),
			threads: rapid.Uint8Range(1, maxThreads).Draw(t, "threads"),
		}
		salt := rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "salt")
		key := rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "key")
		gotP, gotSalt, gotKey, err := decode(encode(p, salt, key))
		if err != nil || gotP != p || string(gotSalt) != string(salt) || string(gotKey) != string(key) {
			t.Fatalf("got %+v %x %x, %v", gotP, gotSalt, gotKey, err)
		}
	})
}

func TestAFullHasherIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(1, maxWait)
		if err := h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		results := make(chan error, queuePerSlot)
		for range queuePerSlot {
			go func() { results <- h.enter(t.Context()) }()
		}
		synctest.Wait()

		began := time.Now()
		_, _, err := h.Verify(t.Context(), cheap(), secret)
		var busy *Busy
		if !errors.As(err, &busy) || busy.Status() != 503 || busy.RetryAfter() <= 0 {
			t.Errorf("beyond the queue: %v, want Busy", err)
		}
		if time.Since(began) != 0 {
			t.Error("beyond the queue it waited")
		}

		h.leave() // lets one of the queue in; the others wait their time
		for i := range queuePerSlot {
			if err := <-results; (err == nil) != (i == 0) {
				t.Errorf("result %d of the queue: %v", i, err)
			}
		}
		if waited := time.Since(began); waited != maxWait {
			t.Errorf("the queue waited %v, want %v", waited, maxWait)
		}
		if n := h.waiting.Load(); n != 0 {
			t.Errorf("%d still counted as waiting", n)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	h := newHasher(1, time.Hour)
	if err := h.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, secret); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
	h.leave()
	canceled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	if err := h.VerifyUnknown(canceled, secret); !errors.Is(err, context.Canceled) {
		t.Errorf("with a free slot and a cancelled context: %v", err)
	}
}

func TestTokensAre256RandomBitsStoredAsAHash(t *testing.T) {
	t.Parallel()
	plain, hash := NewToken()
	if raw, err := base64.RawURLEncoding.DecodeString(plain); err != nil || len(raw) != 32 {
		t.Errorf("token %q: %d bytes, %v", plain, len(raw), err)
	}
	if len(hash) != 32 || string(hash) != string(HashToken(plain)) {
		t.Error("the hash is not that of the token")
	}
	if other, _ := NewToken(); other == plain {
		t.Error("two tokens are equal")
	}
}

// The pair shows that an unknown name costs what a known one does.
func BenchmarkVerify(b *testing.B) {
	h := NewHasher()
	phc, err := h.Hash(b.Context(), secret)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			if ok, _, err := h.Verify(b.Context(), phc, secret); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			if err := h.VerifyUnknown(b.Context(), secret); err != nil {
				b.Fatal(err)
			}
		}
	})
}
