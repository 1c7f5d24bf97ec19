package middleware

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const limitShards = 16

// limitTable holds the buckets of the keys of one rule.
type limitTable struct {
	rule   rule
	idle   time.Duration // after which all buckets of a key are full again
	seed   maphash.Seed
	shards [limitShards]limitShard
}

// limitShard is a map and, through its entries, a ring in the order of use:
// root.next is the entry used last, root.prev the one used longest ago.
type limitShard struct {
	mu      sync.Mutex
	entries map[string]*limitEntry
	root    limitEntry
	max     int
}

type limitEntry struct {
	key        string
	limiters   []*rate.Limiter
	running    int
	used       time.Time
	prev, next *limitEntry
}

func newLimitTable(rule rule) *limitTable {
	t := &limitTable{rule: rule, seed: maphash.MakeSeed()}
	for _, b := range rule.buckets {
		t.idle = max(t.idle, b.per)
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.entries = make(map[string]*limitEntry)
		s.root.prev, s.root.next = &s.root, &s.root
		s.max = max(1, rule.keys/limitShards)
	}
	return t
}

// take takes a token from each bucket of key, or from none, and returns how
// long to wait in that case. With leave it also takes one of the places of
// rule.atOnce, which *leave gives back.
func (t *limitTable) take(key string, now time.Time, leave *func()) time.Duration {
	s := &t.shards[maphash.String(t.seed, key)%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(t, key, now)

	if leave != nil && t.rule.atOnce > 0 && e.running >= t.rule.atOnce {
		return time.Second // a guess: whoever holds the places is at work
	}
	var wait time.Duration
	for _, limiter := range e.limiters {
		if lacking := 1 - limiter.TokensAt(now); lacking > 0 {
			wait = max(wait, time.Duration(lacking/float64(limiter.Limit())*float64(time.Second)))
		}
	}
	if wait > 0 {
		return wait + time.Millisecond // so that rounding never makes it a little too early
	}
	for _, limiter := range e.limiters {
		limiter.AllowN(now, 1)
	}
	if leave != nil {
		e.running++
		*leave = sync.OnceFunc(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			e.running--
		})
	}
	return 0
}

// entry finds or makes the entry of key and moves it to the front. Making one
// forgets up to two that are idle, so the table shrinks as it is used and needs
// no goroutine that sweeps it.
func (s *limitShard) entry(t *limitTable, key string, now time.Time) *limitEntry {
	e := s.entries[key]
	if e == nil {
		for range 2 {
			if oldest := s.root.prev; oldest != &s.root && oldest.running == 0 && now.Sub(oldest.used) > t.idle {
				s.forget(oldest)
			}
		}
		if len(s.entries) >= s.max {
			s.forget(s.root.prev)
		}
		e = &limitEntry{key: key, limiters: make([]*rate.Limiter, len(t.rule.buckets))}
		for i, b := range t.rule.buckets {
			e.limiters[i] = rate.NewLimiter(rate.Limit(float64(b.events)/b.per.Seconds()), b.events)
		}
		s.entries[key] = e
	} else {
		e.unlink()
	}
	e.used = now
	e.prev, e.next = &s.root, s.root.next
	e.prev.next, e.next.prev = e, e
	return e
}

func (s *limitShard) forget(e *limitEntry) {
	e.unlink()
	delete(s.entries, e.key)
}

func (e *limitEntry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
