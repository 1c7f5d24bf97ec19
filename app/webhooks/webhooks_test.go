package webhooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"codex/app/jobs"
	"codex/app/outbound"
	"codex/app/webhooks"
	"codex/db"
	"codex/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base   = "https://forum.example"
	secret = "a secret of 256 bits"
)

// call is a request that came to a receiver.
type call struct {
	header http.Header
	body   string
	read   webhooks.Body
}

// house is a forum with a receiver on loopback.
type house struct {
	t        *testing.T
	db       *db.DB
	skip     atomic.Int64 // that its clock is ahead
	admin    db.Viewer
	hook     int64
	channel  int64
	calls    chan call
	answer   atomic.Pointer[http.HandlerFunc] // nil: 204
	receiver *httptest.Server
	client   *outbound.Client
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.skip.Load())) }

// pass lets the forum's clock be ahead by so much more.
func (h *house) pass(d time.Duration) { h.skip.Add(int64(d)) }

func (h *house) answers(do http.HandlerFunc) { h.answer.Store(&do) }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, calls: make(chan call, 1000)}
	h.db = dbtest.OpenAt(t, h.now)
	h.receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		c := call{header: r.Header, body: string(body)}
		if err != nil || r.Method != http.MethodPost || json.Unmarshal(body, &c.read) != nil {
			t.Errorf("%s %q, %v", r.Method, body, err)
		}
		h.calls <- c
		if do := h.answer.Load(); do != nil {
			(*do)(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(h.receiver.Close)
	at := netip.MustParseAddrPort(h.receiver.Listener.Addr().String())
	h.client = outbound.New(outbound.Options{Reach: func(a netip.AddrPort) bool { return a == at }})
	ctx := t.Context()
	id, err := h.db.CreateMember(ctx, db.NewMember{Handle: "admin", Role: db.Admin, Origin: "command"})
	h.must(err)
	h.admin = db.Viewer{ID: id, Handle: "admin", Role: db.Admin}
	h.channel = h.newChannel("open", db.Public)
	h.hook = h.add(h.receiver.URL + "/hook")
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) newChannel(slug string, who db.Visibility) int64 {
	h.t.Helper()
	_, err := h.db.CreateChannel(h.t.Context(), h.admin, db.NewChannel{Slug: slug, Name: slug, Visibility: who})
	h.must(err)
	c, err := h.db.ChannelBySlug(h.t.Context(), h.admin, slug)
	h.must(err)
	return c.ID
}

func (h *house) add(address string) int64 {
	h.t.Helper()
	id, _, err := h.db.AddWebhook(h.t.Context(), h.admin, db.NewWebhook{URL: address, Secret: secret, Kinds: db.HookKinds[:]})
	h.must(err)
	return id
}

func (h *house) post(channel int64, title string) int64 {
	h.t.Helper()
	id, err := h.db.CreatePost(h.t.Context(), h.admin, db.NewPost{ChannelID: channel, Kind: "discussion", Title: title, Body: title})
	h.must(err)
	return id
}

// deliver runs the forum's jobs until the end of the test, or until the function that it answers is called.
func (h *house) deliver() (stop func()) {
	h.t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d := webhooks.New(webhooks.Options{DB: h.db, Client: h.client, Log: log, Base: base + "/", Now: h.now})
	r := jobs.New(context.Background(), h.db, log, jobs.Options{Kinds: map[string]jobs.Do{db.JobWebhook: d.Do}, Tick: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		limit, end := context.WithTimeout(context.Background(), 10*time.Second)
		defer end()
		r.Shutdown(limit)
		cancel()
		<-ended
	})
	h.t.Cleanup(stop)
	return stop
}

func (h *house) next() call {
	h.t.Helper()
	select {
	case c := <-h.calls:
		return c
	case <-time.After(10 * time.Second):
		h.t.Fatal("nothing came")
		return call{}
	}
}

// logged waits until so many attempts are in the log, and answers them, the first first.
func (h *house) logged(hook int64, want int) []db.Delivery {
	h.t.Helper()
	var list []db.Delivery
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		list, err = h.db.Deliveries(h.t.Context(), h.admin, hook, 0, 100)
		h.must(err)
		if len(list) == want {
			for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
				list[i], list[j] = list[j], list[i]
			}
			return list
		}
	}
	h.t.Fatalf("%d attempts are in the log, want %d: %+v", len(list), want, list)
	return nil
}

// settled lets time pass until no delivery waits or is under way.
func (h *house) settled() {
	h.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n, err := h.db.WaitingJobs(h.t.Context(), db.JobWebhook)
		h.must(err)
		if n == 0 {
			return
		}
		h.pass(time.Hour)
	}
	h.t.Fatal("deliveries still wait")
}

// verify does what a receiver does, by the words of the README and with none of our code.
func verify(header, body string, now time.Time) error {
	t, sum, ok := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	at, err := strconv.ParseInt(t, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("signature %q", header)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, t+"."+body)
	if want := hex.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(want), []byte(sum)) {
		return fmt.Errorf("signature %q, want %s", header, want)
	}
	if off := now.Sub(time.Unix(at, 0)).Abs(); off > time.Minute {
		return fmt.Errorf("signed %v from now", off)
	}
	return nil
}

func TestAReceiverIsToldWhatHappenedAndCanTellThatItIsUs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deliver()
	began := h.now()
	id := h.post(h.channel, "Ünïcode & <script>")
	c := h.next()
	if err := verify(c.header.Get("X-Codex-Signature"), c.body, h.now()); err != nil {
		t.Error(err)
	}
	if err := verify(c.header.Get("X-Codex-Signature"), c.body+" ", h.now()); err == nil {
		t.Error("the signature is that of another body too")
	}
	if c.header.Get("X-Codex-Event") != "post.created" || len(c.header.Get("X-Codex-Delivery")) != 36 || c.header.Get("Content-Type") != "application/json" || c.header.Get("User-Agent") == "" {
		t.Errorf("%v", c.header)
	}
	want := fmt.Sprintf(`{"id":%q,"event":"post.created","at":%q,"forum":"https://forum.example/","channel":{"id":%d,"url":"https://forum.example/c/open"},`+
		`"post":{"id":%d,"url":"https://forum.example/p/%d/unicode-and-script"},"member":{"id":%d,"url":"https://forum.example/u/admin"}}`,
		c.read.ID, c.read.At, h.channel, id, id, h.admin.ID)
	if c.body != want {
		t.Errorf("got  %s\nwant %s", c.body, want)
	}
	if at, err := time.Parse(time.RFC3339, c.read.At); err != nil || at.Before(began.Add(-time.Second)) || at.After(h.now()) || len(c.read.ID) != 36 {
		t.Errorf("%q %q", c.read.ID, c.read.At)
	}

	comment, err := h.db.CreateComment(t.Context(), h.admin, db.NewComment{PostID: id, Body: "x"})
	h.must(err)
	if c := h.next(); c.read.Comment == nil || c.read.Comment.URL != fmt.Sprint(base, "/comments/", comment) || c.read.Post.ID != id || c.read.Member == nil {
		t.Errorf("%s", c.body)
	}
	h.must(h.db.DeletePost(t.Context(), h.admin, id))
	// Of what is gone, its title is not told either, which stands in its address.
	if c := h.next(); c.read.Event != db.HookPostRemoved || c.read.Post.URL != fmt.Sprint(base, "/p/", id) || c.read.Member != nil {
		t.Errorf("%s", c.body)
	}
	r, err := h.db.Register(t.Context(), db.NewMember{Handle: "newcomer", Email: "their@address.example", Password: "x"})
	h.must(err)
	if c := h.next(); c.read.Member == nil || c.read.Member.ID != r.ID || c.read.Member.URL != base+"/u/newcomer" || strings.Contains(c.body, "address") || c.read.Post != nil {
		t.Errorf("%s", c.body)
	}
	for _, a := range h.logged(h.hook, 4) {
		if !a.Delivered() || a.Status != 204 || a.Attempt != 1 || a.Error != "" {
			t.Errorf("%+v", a)
		}
	}
}

func TestAReceiverThatFailsIsAskedAgainWithTheSameDelivery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	n := new(atomic.Int32)
	h.answers(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	h.deliver()
	h.post(h.channel, "x")
	first := h.next()
	h.logged(h.hook, 1)
	select {
	case <-h.calls:
		t.Fatal("asked again at once")
	case <-time.After(100 * time.Millisecond):
	}
	ids := map[string]bool{first.header.Get("X-Codex-Delivery"): true}
	for attempt := 2; attempt <= 3; attempt++ {
		h.pass(time.Minute)
		c := h.next()
		ids[c.header.Get("X-Codex-Delivery")] = true
		if err := verify(c.header.Get("X-Codex-Signature"), c.body, h.now()); err != nil || c.body != first.body {
			t.Errorf("%v: %s", err, c.body)
		}
		h.logged(h.hook, attempt)
	}
	if len(ids) != 1 {
		t.Errorf("one delivery has the ids %v", ids)
	}
	log := h.logged(h.hook, 3)
	for i, want := range []int{500, 500, 200} {
		if log[i].Status != want || log[i].Attempt != i+1 || log[i].Delivery != first.header.Get("X-Codex-Delivery") || log[i].Event != db.HookPostCreated {
			t.Errorf("%+v", log[i])
		}
	}
	one, err := h.db.WebhookByID(t.Context(), h.admin, h.hook)
	if err != nil || one.Failures != 0 || !one.Active {
		t.Errorf("after it went well: %+v, %v", one, err)
	}
	h.pass(5 * time.Hour)
	time.Sleep(50 * time.Millisecond)
	if len(h.calls) != 0 {
		t.Error("what was delivered came again")
	}
}

func TestWhatAKilledServerDidNotReportIsDeliveredAfterTheNextStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.post(h.channel, "x")
	// Whoever claims it here is killed before, or after, it reaches the receiver.
	list, err := h.db.ClaimJobs(t.Context(), []string{db.JobWebhook}, 10, time.Minute)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	var x db.Happening
	h.must(json.Unmarshal([]byte(list[0].Payload), &x))
	h.deliver()
	time.Sleep(50 * time.Millisecond)
	if len(h.calls) != 0 {
		t.Fatal("delivered while another has it")
	}
	h.pass(2 * time.Minute)
	if c := h.next(); c.header.Get("X-Codex-Delivery") != x.Delivery || c.read.ID != x.ID {
		t.Errorf("%v %s", c.header, c.body)
	}
	if log := h.logged(h.hook, 1); log[0].Attempt != 2 {
		t.Errorf("%+v", log[0])
	}
}

func TestAStopInTheMiddleLosesNoDelivery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stop := h.deliver()
	for i := range 20 {
		h.post(h.channel, fmt.Sprint(i))
	}
	h.next()
	stop()
	h.deliver()
	seen := map[int64]bool{}
	for len(seen) < 19 {
		seen[h.next().read.Post.ID] = true
	}
	h.logged(h.hook, 20)
}

// What is in a channel that is not for everybody carries a word that stands nowhere else. It must not be in anything that
// leaves, whatever is done there, nor when the channel is made private between what happened and its delivery.
func TestNothingPrivateIsEverDelivered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const canary = "c4n4ry"
	ctx := t.Context()
	private := h.newChannel(canary, db.Private)
	turned := h.newChannel(canary+"-turned", db.Public)
	post := h.post(private, canary)
	comment, err := h.db.CreateComment(ctx, h.admin, db.NewComment{PostID: post, Body: canary})
	h.must(err)
	h.must(h.db.DeleteComment(ctx, h.admin, comment))
	h.must(h.db.UndeleteComment(ctx, h.admin, comment))
	h.must(h.db.DeletePost(ctx, h.admin, post))
	h.must(h.db.UndeletePost(ctx, h.admin, post))

	// Public when it happens, and private when it is delivered.
	was := h.post(turned, canary)
	_, err = h.db.CreateComment(ctx, h.admin, db.NewComment{PostID: was, Body: canary})
	h.must(err)
	h.must(h.db.DeletePost(ctx, h.admin, h.post(turned, canary)))
	h.must(h.db.SetAccess(ctx, h.admin, turned, db.Access{Visibility: db.Private}))
	// Deleted before it is delivered.
	h.must(h.db.DeletePost(ctx, h.admin, h.post(h.channel, canary)))
	last := h.post(h.channel, "the last")
	h.deliver()
	for got := 0; ; got++ {
		c := h.next()
		if strings.Contains(strings.ToLower(fmt.Sprint(c.header, c.body)), canary) {
			t.Errorf("%v %s", c.header, c.body)
		}
		if c.read.Channel == nil || c.read.Channel.ID != h.channel {
			t.Errorf("of another channel: %s", c.body)
		}
		if c.read.Post.ID == last {
			break
		}
	}
	gone := 0
	for _, a := range h.logged(h.hook, 7) {
		if strings.Contains(a.Payload, canary) {
			t.Errorf("the log holds %s", a.Payload)
		}
		if a.Error == db.DeliveryGone {
			gone++
		}
	}
	if gone != 5 { // two posts, a comment and a removal of the channel that turned; a post that was deleted
		t.Errorf("%d deliveries had nothing to tell, want 5", gone)
	}
	// Nor when an admin asks for it again.
	for _, a := range h.logged(h.hook, 7) {
		if a.Error == db.DeliveryGone {
			h.must(h.db.ReplayDelivery(ctx, h.admin, h.hook, a.ID))
		}
	}
	h.logged(h.hook, 12)
	for len(h.calls) > 0 {
		if c := <-h.calls; strings.Contains(strings.ToLower(c.body), canary) {
			t.Errorf("replayed: %s", c.body)
		}
	}
}

func TestAnAdminTriesAndReplays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.answers(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	ctx := t.Context()
	h.must(h.db.SwitchWebhook(ctx, h.admin, h.hook, false))
	h.deliver()
	h.must(h.db.PingWebhook(ctx, h.admin, h.hook))
	c := h.next()
	if c.read.Event != db.HookPing || c.read.ID == "" || c.header.Get("X-Codex-Event") != "ping" || verify(c.header.Get("X-Codex-Signature"), c.body, h.now()) != nil {
		t.Errorf("%v %s", c.header, c.body)
	}
	log := h.logged(h.hook, 1)
	h.pass(24 * time.Hour)
	time.Sleep(50 * time.Millisecond)
	if len(h.calls) != 0 {
		t.Error("what an admin asked for once was tried again")
	}
	h.must(h.db.ReplayDelivery(ctx, h.admin, h.hook, log[0].ID))
	again := h.next()
	if again.header.Get("X-Codex-Delivery") != c.header.Get("X-Codex-Delivery") || again.read.ID != c.read.ID {
		t.Errorf("replayed as %v %s", again.header, again.body)
	}
	h.logged(h.hook, 2)
	one, err := h.db.WebhookByID(ctx, h.admin, h.hook)
	if err != nil || one.Failures != 0 || one.Active {
		t.Errorf("%+v, %v", one, err)
	}
	if err := h.db.ReplayDelivery(ctx, h.admin, h.add("https://other.example/"), log[0].ID); err == nil {
		t.Error("another webhook's delivery was replayed")
	}
}

func TestAReceiverThatFailsForLongIsLeftAloneAndThenSwitchedOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.answers(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for i := range 30 {
		h.post(h.channel, fmt.Sprint(i))
	}
	h.deliver()
	h.next()
	time.Sleep(300 * time.Millisecond) // for all thirty to be tried, if they were
	if n := len(h.calls) + 1; n > 10 {
		t.Errorf("%d of 30 deliveries were tried while each fails", n)
	}
	var one db.Webhook
	for range 400 {
		h.pass(15 * time.Minute)
		time.Sleep(10 * time.Millisecond)
		var err error
		one, err = h.db.WebhookByID(t.Context(), h.admin, h.hook)
		h.must(err)
		if !one.Active {
			break
		}
	}
	if one.Active || one.OffFor != db.OffForFailures || one.Failures < db.HookFailures || time.Duration(h.skip.Load()) < db.HookPatience {
		t.Fatalf("%+v after %v", one, time.Duration(h.skip.Load()))
	}
	h.settled() // what waited is dropped, and what was under way has ended
	for len(h.calls) > 0 {
		<-h.calls
	}
	h.post(h.channel, "while it is off")
	h.settled()
	if len(h.calls) != 0 {
		t.Errorf("one that is off is told of something: %s", (<-h.calls).body)
	}
	h.answer.Store(nil)
	h.must(h.db.SwitchWebhook(t.Context(), h.admin, h.hook, true))
	id := h.post(h.channel, "on again")
	if c := h.next(); c.read.Post.ID != id {
		t.Errorf("%s", c.body)
	}
}

func TestAReceiverThatSaysGoneIsAskedNoMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.answers(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusGone) })
	h.deliver()
	h.post(h.channel, "x")
	h.next()
	h.logged(h.hook, 1)
	one, err := h.db.WebhookByID(t.Context(), h.admin, h.hook)
	if err != nil || one.Active || one.OffFor != db.OffForGone {
		t.Errorf("%+v, %v", one, err)
	}
	h.settled()
	if len(h.calls) != 0 {
		t.Errorf("%d calls", len(h.calls))
	}
}

// A redirect would lead a signed delivery to where its sender did not mean it to go.
func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reached := new(atomic.Int32)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for i, to := range []string{elsewhere.URL, h.receiver.URL + "/other"} {
		h.answers(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) })
		h.must(h.db.PingWebhook(t.Context(), h.admin, h.hook))
		if i == 0 {
			h.deliver()
		}
		h.next()
		if log := h.logged(h.hook, i+1); log[i].Status != http.StatusTemporaryRedirect || log[i].Delivered() {
			t.Errorf("%+v", log[i])
		}
	}
	if reached.Load() != 0 || len(h.calls) != 0 {
		t.Error("it was followed")
	}
}

// Nobody's own network is asked, not even when an admin, or who got at an admin's session, says so.
func TestAReceiverInOnesOwnNetworkIsNotAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reached := new(atomic.Int32)
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(inner.Close)
	_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
	h.deliver()
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		hook := h.add("http://" + host + ":" + port + "/")
		h.must(h.db.PingWebhook(t.Context(), h.admin, hook))
		if a := h.logged(hook, 1)[0]; a.Status != 0 || a.Error != string(outbound.Forbidden) {
			t.Errorf("%s: %+v", host, a)
		}
	}
	if reached.Load() != 0 {
		t.Error("it was reached")
	}
}
