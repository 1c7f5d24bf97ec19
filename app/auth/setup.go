package auth

import (
	"crypto/subtle"
	"sync/atomic"
)

// Setup is the token that makes the first administrator. It lives in memory and in what the start printed; it is dead
// as soon as an administrator exists. The zero value, and a nil one, has no token and accepts none. It may be used by
// any number of goroutines.
type Setup struct{ hash atomic.Pointer[[]byte] }

// Issue makes a token and answers it, once, for printing.
func (s *Setup) Issue() string {
	plain, hash := NewToken()
	s.hash.Store(&hash)
	return plain
}

// Open reports whether there is a token to show.
func (s *Setup) Open() bool { return s != nil && s.hash.Load() != nil }

// Accepts compares in constant time.
func (s *Setup) Accepts(token string) bool {
	if !s.Open() {
		return false
	}
	return subtle.ConstantTimeCompare(*s.hash.Load(), HashToken(token)) == 1
}

// Close ends the token.
func (s *Setup) Close() {
	if s != nil {
		s.hash.Store(nil)
	}
}
