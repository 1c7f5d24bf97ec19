package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codex/app/middleware"

	"pgregory.net/rapid"
)

// clock is a time that stands still until a test moves it.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_700_000_000, c.nanos.Load()) }
func (c *clock) forward(d time.Duration) { c.nanos.Add(int64(d)) }

// from returns the context of a request from an address.
func from(t testing.TB, addr string) context.Context {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = addr + ":1"
	var ctx context.Context
	middleware.Visitor(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() }), nil).ServeHTTP(nil, r)
	return ctx
}

// burst asks until refused and returns how often it was allowed.
func burst(t *testing.T, allow func() error) (int, *middleware.TooMany) {
	t.Helper()
	for n := range 10_000 {
		if err := allow(); err != nil {
			var tooMany *middleware.TooMany
			if !errors.As(err, &tooMany) || tooMany.Status() != 429 || tooMany.RetryAfter() <= 0 {
				t.Fatalf("refused with %v", err)
			}
			return n, tooMany
		}
	}
	t.Fatal("never refused")
	return 0, nil
}

func TestTheTableOfLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule  middleware.Rule
		burst int
		next  time.Duration // until one more is allowed
	}{
		{middleware.GuestRequest, 50, 200 * time.Millisecond},
		{middleware.MemberRequest, 600, 100 * time.Millisecond},
		{middleware.SignInAccount, 5, 3 * time.Minute},
		{middleware.SignInAddress, 20, 45 * time.Second},
		{middleware.Register, 5, 12 * time.Minute},
		{middleware.NewcomerWrite, 3, 100 * time.Second},
		{middleware.MemberWrite, 1, 5 * time.Second},
		{middleware.GuestPreview, 10, 6 * time.Second},
		{middleware.MemberPreview, 30, 2 * time.Second},
	} {
		c := new(clock)
		limits := middleware.NewLimits(true, c.now)
		ctx := from(t, "203.0.113.9")
		allow := func() error { return limits.Allow(ctx, test.rule, "key") }
		n, refused := burst(t, allow)
		if n != test.burst {
			t.Errorf("%s: %d at once, want %d", refused.Limit, n, test.burst)
		}
		if d := refused.After - test.next; d < 0 || d > 10*time.Millisecond {
			t.Errorf("%s: free again in %v, want %v", refused.Limit, refused.After, test.next)
		}
		c.forward(test.next - 10*time.Millisecond)
		if allow() == nil {
			t.Errorf("%s: allowed too early", refused.Limit)
		}
		c.forward(20 * time.Millisecond)
		if err := allow(); err != nil {
			t.Errorf("%s: refused after the wait: %v", refused.Limit, err)
		}
	}
}

func TestAMemberWhoKeepsWritingReachesTheHour(t *testing.T) {
	t.Parallel()
	c := new(clock)
	limits := middleware.NewLimits(true, c.now)
	n, refused := burst(t, func() error {
		c.forward(6 * time.Second)
		return limits.Allow(t.Context(), middleware.MemberWrite, middleware.MemberKey(1))
	})
	if n < 60 || n > 70 { // 60, and what came back in 6 minutes
		t.Errorf("%d in a row, refused for %v", n, refused.After)
	}
	if err := limits.Allow(t.Context(), middleware.MemberWrite, middleware.MemberKey(2)); err != nil {
		t.Errorf("another member: %v", err)
	}
}

func TestARetryAfterTheGivenWaitIsAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := new(clock)
		limits := middleware.NewLimits(true, c.now)
		rule := middleware.Rule(rapid.IntRange(0, 8).Draw(rt, "rule"))
		steps := rapid.SliceOfN(rapid.IntRange(0, 60_000), 1, 50).Draw(rt, "pauses in ms")
		for _, ms := range steps {
			c.forward(time.Duration(ms) * time.Millisecond)
			var tooMany *middleware.TooMany
			if err := limits.Allow(t.Context(), rule, "k"); errors.As(err, &tooMany) {
				c.forward(tooMany.After)
				if err := limits.Allow(t.Context(), rule, "k"); err != nil {
					rt.Fatalf("after waiting %v: %v", tooMany.After, err)
				}
			}
		}
	})
}

func TestGuessingAtAnAccountDoesNotLockItsOwnerOut(t *testing.T) {
	t.Parallel()
	c := new(clock)
	limits := middleware.NewLimits(true, c.now)
	attacker, owner := from(t, "203.0.113.9"), from(t, "198.51.100.1")
	if n, _ := burst(t, func() error { return limits.SignIn(attacker, "alice") }); n != 5 {
		t.Errorf("%d guesses at one account, want 5", n)
	}
	if err := limits.SignIn(owner, "alice"); err != nil {
		t.Errorf("the owner: %v", err)
	}
	tries := 0
	total, _ := burst(t, func() error { tries++; return limits.SignIn(attacker, fmt.Sprint("member", tries)) })
	if total > 20-5 {
		t.Errorf("%d guesses at other accounts beside the 5, want 20 in all", total)
	}
}

func TestOneNetworkOfIPv6IsOneVisitor(t *testing.T) {
	t.Parallel()
	c := new(clock)
	limits := middleware.NewLimits(true, c.now)
	i := 0
	n, _ := burst(t, func() error {
		i++
		return limits.Allow(from(t, fmt.Sprintf("[2001:db8::%x]", i)), middleware.Register, "")
	})
	if n != 5 {
		t.Errorf("%d registrations from one /64, want 5", n)
	}
}

func TestLimitsThatAreOffAllowEverything(t *testing.T) {
	t.Parallel()
	limits := middleware.NewLimits(false, time.Now)
	for range 1000 {
		leave, err := limits.Enter(t.Context(), middleware.GuestPreview, "")
		if err != nil || limits.SignIn(t.Context(), "alice") != nil {
			t.Fatal("refused")
		}
		_ = leave
	}
}

func TestOnlyFourPreviewsAtOnce(t *testing.T) {
	t.Parallel()
	limits := middleware.NewLimits(true, new(clock).now)
	var leaves []func()
	for range 4 {
		leave, err := limits.Enter(t.Context(), middleware.MemberPreview, "1")
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	if _, err := limits.Enter(t.Context(), middleware.MemberPreview, "1"); err == nil {
		t.Error("a fifth at once")
	}
	leaves[0]()
	leaves[0]() // once is enough
	if _, err := limits.Enter(t.Context(), middleware.MemberPreview, "1"); err != nil {
		t.Errorf("after one left: %v", err)
	}
	if _, err := limits.Enter(t.Context(), middleware.MemberPreview, "1"); err == nil {
		t.Error("leaving twice made two places")
	}
}

func TestRequestsAreLimitedByMemberOrAddress(t *testing.T) {
	t.Parallel()
	limits := middleware.NewLimits(true, new(clock).now)
	h := middleware.RateLimit(write("ok"), limits, fail)
	session := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Member") != "" {
			middleware.SetMember(r.Context(), 7)
		}
		h.ServeHTTP(w, r)
	})
	s := serve(t, middleware.Visitor(session, nil))
	for range 50 {
		if res, _ := get(t, s, "/"); res.StatusCode != 200 {
			t.Fatalf("status %d within the limit", res.StatusCode)
		}
	}
	if res, _ := get(t, s, "/"); res.StatusCode != 429 || res.Header.Get("Retry-After") != "1" {
		t.Errorf("beyond: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if res, _ := get(t, s, "/", "Member", "7"); res.StatusCode != 200 {
		t.Errorf("a member from the same address: %d", res.StatusCode)
	}
}

func TestCountsHoldUnderConcurrency(t *testing.T) {
	t.Parallel()
	limits := middleware.NewLimits(true, new(clock).now)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if limits.Allow(t.Context(), middleware.MemberRequest, "1") == nil {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != 600 {
		t.Errorf("%d allowed, want 600", n)
	}
}

func TestALongKeyIsStillItself(t *testing.T) {
	t.Parallel()
	limits := middleware.NewLimits(true, new(clock).now)
	long := strings.Repeat("x", 10_000)
	burst(t, func() error { return limits.Allow(t.Context(), middleware.SignInAccount, long) })
	if err := limits.Allow(t.Context(), middleware.SignInAccount, long+"y"); err != nil {
		t.Errorf("another long key: %v", err)
	}
}

func BenchmarkAllow(b *testing.B) {
	limits := middleware.NewLimits(true, time.Now)
	ctx := from(b, "203.0.113.9")
	for name, rule := range map[string]middleware.Rule{"guest": middleware.GuestRequest, "member": middleware.MemberRequest} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = limits.Allow(ctx, rule, "")
			}
		})
	}
}
