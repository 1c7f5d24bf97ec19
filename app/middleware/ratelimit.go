package middleware

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"codex/db"
)

// Rule names one line of the table of limits.
type Rule int

// The rules, in the order of the table.
const (
	GuestRequest Rule = iota
	MemberRequest
	SignInAccount
	SignInAddress
	SignInCode
	Register
	LetterAccount
	LetterAddress
	NewcomerWrite
	MemberWrite
	KnownDay
	RegularDay
	GuestPreview
	MemberPreview
	MemberDraft
	GuestStream
	MemberStream
)

// bucket holds events tokens and fills up in per.
type bucket struct {
	events int
	per    time.Duration
}

type rule struct {
	name    string
	network bool     // the network of the client is part of the key
	buckets []bucket // all of them have to have a token
	atOnce  int      // how many may run at the same time (Enter); 0: not counted
	keys    int      // how many keys are remembered; about 350 bytes each
}

const day = 24 * time.Hour

// rules is the whole table. What is not limited here is limited nowhere else
// by time. Staff are exempt from the write limits: their handlers do not ask.
func rules() []rule {
	return []rule{
		GuestRequest:  {name: "guest request", network: true, buckets: []bucket{{50, 10 * time.Second}, {200, time.Minute}}, keys: 100_000},
		MemberRequest: {name: "member request", buckets: []bucket{{600, time.Minute}}, keys: 100_000},
		// Account and network together: whoever guesses at an account throttles
		// himself, and its owner signs in from elsewhere all the same.
		SignInAccount: {name: "sign in to an account", network: true, buckets: []bucket{{5, 15 * time.Minute}}, keys: 50_000},
		SignInAddress: {name: "sign in from an address", network: true, buckets: []bucket{{20, 15 * time.Minute}}, keys: 50_000},
		// Whoever types codes knows the password already. So this counts the account from wherever they come: three codes
		// of a million are right at a time.
		SignInCode: {name: "code of an account", buckets: []bucket{{10, 15 * time.Minute}}, keys: 20_000},
		Register:   {name: "register", network: true, buckets: []bucket{{5, time.Hour}}, keys: 50_000},
		// The account of a letter is what was typed, so that the limit says nothing of who has one.
		LetterAccount: {name: "letters to an account", buckets: []bucket{{3, time.Hour}}, keys: 50_000},
		LetterAddress: {name: "letters asked for from an address", network: true, buckets: []bucket{{10, time.Hour}}, keys: 50_000},
		NewcomerWrite: {name: "newcomer's post or comment", buckets: []bucket{{3, 5 * time.Minute}, {db.TrustLimits(db.Newcomer).Texts, day}}, keys: 20_000},
		MemberWrite:   {name: "post or comment", buckets: []bucket{{1, 5 * time.Second}, {60, time.Hour}}, keys: 20_000},
		KnownDay:      {name: "posts and comments of a day", buckets: []bucket{{db.TrustLimits(db.Known).Texts, day}}, keys: 20_000},
		RegularDay:    {name: "posts and comments of a day", buckets: []bucket{{db.TrustLimits(db.Regular).Texts, day}}, keys: 20_000},
		GuestPreview:  {name: "guest's preview", network: true, buckets: []bucket{{10, time.Minute}}, atOnce: 4, keys: 20_000},
		MemberPreview: {name: "preview", buckets: []bucket{{30, time.Minute}}, atOnce: 4, keys: 20_000},
		MemberDraft:   {name: "draft", buckets: []bucket{{60, time.Minute}}, keys: 20_000},
		GuestStream:   {name: "guest's streams", network: true, buckets: []bucket{{120, time.Minute}}, atOnce: 20, keys: 20_000},
		MemberStream:  {name: "streams", buckets: []bucket{{60, time.Minute}}, atOnce: 6, keys: 20_000},
	}
}

// Rate is so many events in a time.
type Rate struct {
	Events int
	Per    time.Duration
}

// Rates are what a rule allows now, for a page that shows it; all of them hold.
func (l *Limits) Rates(rule Rule) []Rate {
	var rates []Rate
	for _, b := range l.tables[rule].Load().rule.buckets {
		rates = append(rates, Rate{b.events, b.per})
	}
	return rates
}

// Limits counts against the table. The limits are token buckets: a full bucket
// of "50 in 10 s" lets 50 through at once and then 5 a second. They live in
// memory; a restart forgets them.
//
// Memory is bounded: each rule remembers a fixed number of keys, spread over
// 16 locks. A key whose buckets have filled up again is forgotten, since it is
// the same as a new one. When a rule is full nevertheless, the key that was
// used longest ago makes room: it takes as many networks as the table has keys
// to make the forum forget one. Rules do not share room, so a flood of page
// requests cannot clear the sign-in counts.
type Limits struct {
	tables []atomic.Pointer[limitTable]
	off    bool // nothing is counted
	now    func() time.Time
}

// NewLimits returns limits that count by the given clock, usually time.Now;
// with on false they allow everything.
func NewLimits(on bool, now func() time.Time) *Limits {
	all := rules()
	l := &Limits{tables: make([]atomic.Pointer[limitTable], len(all)), off: !on, now: now}
	for i, rule := range all {
		l.tables[i].Store(newLimitTable(rule))
	}
	return l
}

// Set changes how many events the buckets of a rule hold, in their order; 0 leaves one as it is. A rule that changes by
// it counts from new: whoever has used up the old limit should not wait for it under the new one. Any number of
// goroutines may call it beside all else.
func (l *Limits) Set(rule Rule, events ...int) {
	now := l.tables[rule].Load()
	next := now.rule
	next.buckets = slices.Clone(now.rule.buckets)
	for i, n := range events {
		if n > 0 {
			next.buckets[i].events = n
		}
	}
	if !slices.Equal(next.buckets, now.rule.buckets) {
		l.tables[rule].CompareAndSwap(now, newLimitTable(next)) // lost to another call: that one has newer settings
	}
}

// Allow counts one event of key against rule; a refused event is not counted,
// so trying too early costs nothing. The error is a *TooMany. Where the rule
// is about an address, the address comes from ctx and key is "" or what is
// counted beside it: for SignInAccount, the account as a canonical form of
// what was typed. Members are counted under MemberKey.
func (l *Limits) Allow(ctx context.Context, rule Rule, key string) error {
	if l.off {
		return nil
	}
	t := l.tables[rule].Load()
	if wait := t.take(limitKey(ctx, t.rule, key), l.now(), nil); wait > 0 {
		return &TooMany{Limit: t.rule.name, After: wait}
	}
	return nil
}

// SignIn counts a try to sign in to account against the limits of the address
// and of the account.
func (l *Limits) SignIn(ctx context.Context, account string) error {
	if err := l.Allow(ctx, SignInAddress, ""); err != nil {
		return err
	}
	return l.Allow(ctx, SignInAccount, account)
}

// Enter is Allow for work of which only some may run at the same time for one
// key. Call leave when it has ended; more than once does no harm.
func (l *Limits) Enter(ctx context.Context, rule Rule, key string) (leave func(), err error) {
	if l.off {
		return func() {}, nil
	}
	t := l.tables[rule].Load()
	if wait := t.take(limitKey(ctx, t.rule, key), l.now(), &leave); wait > 0 {
		return nil, &TooMany{Limit: t.rule.name, After: wait}
	}
	return leave, nil
}

// MemberKey is the key under which a member is counted.
func MemberKey(id int64) string { return strconv.FormatInt(id, 10) }

// RateLimit counts every request: of a member (SetMember) against
// MemberRequest, of a guest's address against GuestRequest. Static files are
// mounted outside of it, or a first visit would use up ten requests for one
// page.
func RateLimit(next http.Handler, limits *Limits, fail Fail) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if member := MemberID(r.Context()); member != 0 {
			err = limits.Allow(r.Context(), MemberRequest, MemberKey(member))
		} else {
			err = limits.Allow(r.Context(), GuestRequest, "")
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxKey is the length in bytes from which on a key is kept as its hash: what
// a stranger types as his account must not decide how much memory we use.
const maxKey = 64

func limitKey(ctx context.Context, rule rule, key string) string {
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		key = string(sum[:])
	}
	if !rule.network {
		return key
	}
	network := LimitKey(ClientAddr(ctx))
	if key == "" {
		return network
	}
	return network + " " + key
}
