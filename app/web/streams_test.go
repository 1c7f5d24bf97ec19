package web_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/app/bridge"
	"codex/app/config"
	"codex/app/hub"
	"codex/app/middleware"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

var churn = flag.Duration("churn", 2*time.Second, "how long streams are opened and closed, 100 a second")

// aerial is a forum of which a test sees the hub and the gate too.
type aerial struct {
	*builder
	t       *testing.T
	hub     *hub.Hub
	gate    *middleware.Gate
	url     string
	cookie  string
	clock   atomic.Int64 // how far the database's clock is ahead
	author  db.Viewer
	channel int64
	post    int64
}

func newAerial(t *testing.T) *aerial {
	t.Helper()
	a := &aerial{t: t, hub: hub.New(hub.Options{}), gate: middleware.NewGate()}
	now := func() time.Time { return time.Now().Add(time.Duration(a.clock.Load())) }
	dir := t.TempDir()
	dbtest.Lay(t, dir)
	d := take(db.Open(t.Context(), db.Options{Path: filepath.Join(dir, db.FileName), Readers: 2, Now: now}))
	t.Cleanup(func() { done(d.Close(context.Background())) })
	a.builder = &builder{DB: d, ctx: t.Context()}
	done(d.SetSetting(t.Context(), db.SettingHoldFirst, "0"))
	a.author = a.member("author", db.Admin) // who opens as many channels as a test needs
	a.channel, a.post = a.place("bread", db.Public)
	a.serve(d)
	return a
}

// place makes a channel with a post.
func (a *aerial) place(slug string, visibility db.Visibility) (channel, post int64) {
	take(a.CreateChannel(a.ctx, a.author, db.NewChannel{Slug: slug, Name: slug, Description: "About", Visibility: visibility}))
	channel = take(a.ChannelBySlug(a.ctx, a.author, slug)).ID
	return channel, take(a.CreatePost(a.ctx, a.author, db.NewPost{ChannelID: channel, Kind: "discussion", Title: "A title", Body: "A text"}))
}

// serve runs it with a label on all its goroutines, so that they can be told from those of other tests.
func (a *aerial) serve(d *db.DB) {
	log, cfg := slog.New(slog.DiscardHandler), &config.Config{RateLimits: "off", RequestTimeout: 10 * time.Second}
	news := take(bridge.New(a.ctx, d, a.hub, log))
	h := take(web.New(web.Options{DB: d, Hub: a.hub, Bridge: news, Config: cfg, Static: hollow(a.t), Log: log, Gate: a.gate, Setup: new(auth.Setup), Site: "Aerial", Version: "test"}))
	a.cookie = cfg.CookieName()
	var carried sync.WaitGroup
	ctx, stop := context.WithCancel(a.ctx)
	pprof.Do(ctx, pprof.Labels("aerial", a.t.Name()), func(ctx context.Context) {
		server := httptest.NewServer(h)
		carried.Go(func() { news.Run(ctx) })
		a.url = server.URL
		a.t.Cleanup(func() {
			a.gate.Close()
			a.hub.Close()
			patient, enough := context.WithTimeout(context.Background(), 10*time.Second)
			defer enough()
			if err := a.gate.Wait(patient); err != nil {
				a.t.Errorf("streams outlive the hub: %v", err)
			}
			stop()
			carried.Wait()
			server.Close()
		})
	})
}

func (a *aerial) address() string { return strings.TrimPrefix(a.url, "http://") }

func (a *aerial) topic(after int64) string {
	return fmt.Sprintf("/events?topic=post:%d&after=%d", a.post, after)
}

func (a *aerial) say(text string) int64 {
	return take(a.CreateComment(a.ctx, a.author, db.NewComment{PostID: a.post, Body: text}))
}

// dial opens a stream on a connection of its own. Nothing of the answer is read.
func (a *aerial) dial(path, token string, header ...string) net.Conn {
	a.t.Helper()
	conn := take(net.Dial("tcp", a.address()))
	a.t.Cleanup(func() { _ = conn.Close() })
	header = append(header, "Host: localhost")
	if token != "" {
		header = append(header, "Cookie: "+a.cookie+"="+token)
	}
	take(fmt.Fprintf(conn, "GET %s HTTP/1.1\r\n%s\r\n\r\n", path, strings.Join(header, "\r\n")))
	return conn
}

// hear opens a stream and collects what comes.
func (a *aerial) hear(path, token string, header ...string) *ear {
	a.t.Helper()
	conn := a.dial(path, token, header...)
	e := &ear{conn: conn, heard: make(chan apptest.Heard, 10_000)}
	e.res = take(http.ReadResponse(bufio.NewReader(conn), nil))
	go func() { // ends with the connection
		defer close(e.heard)
		apptest.ReadEvents(bufio.NewReader(e.res.Body), func(h apptest.Heard) { e.heard <- h })
	}()
	return e
}

type ear struct {
	conn  net.Conn
	res   *http.Response
	heard chan apptest.Heard
}

// until collects the events up to one whose data holds a text, or to the end of the stream.
func (e *ear) until(t interface{ Fatalf(string, ...any) }, text string) (list []apptest.Heard, ended bool) {
	for patience := time.After(20 * time.Second); ; {
		select {
		case h, open := <-e.heard:
			if !open {
				return list, true
			}
			if list = append(list, h); strings.Contains(h.Data, text) {
				return list, false
			}
		case <-patience:
			t.Fatalf("%q does not come, only %d events", text, len(list))
		}
	}
}

// eventually waits for what happens beside the test.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

// goroutines counts those of the test's server.
func (a *aerial) goroutines() (n int) {
	var b bytes.Buffer
	done(pprof.Lookup("goroutine").WriteTo(&b, 1))
	for _, group := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(group, `"aerial":"`+a.t.Name()+`"`) {
			n += take(strconv.Atoi(regexp.MustCompile(`(?m)^(\d+) @`).FindStringSubmatch(group)[1]))
		}
	}
	return n
}

func TestAReaderThatNeverReadsIsEndedAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	before := a.goroutines()
	stuck := a.dial(a.topic(0), "")
	done(stuck.(*net.TCPConn).SetReadBuffer(4 << 10))
	other := a.hear(a.topic(0), "")
	eventually(t, "both are there", func() bool { return a.hub.Stats().Subscriptions == 2 })
	long := strings.Repeat("Words and words and words.\n\n", 1000)
	slowest, n := time.Duration(0), 0
	for ; a.hub.Stats().Subscriptions == 2; n++ {
		if n == 1000 {
			t.Fatal("a thousand long comments are kept for a reader that never reads")
		}
		mark := fmt.Sprintf("mark-%06d", n)
		began := time.Now()
		a.say(mark + "\n\n" + long)
		if _, ended := other.until(t, mark); ended {
			t.Fatal("the other reader's stream has ended")
		}
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("ended after %d comments of %d KiB; the other reader waited %v at most", n, len(long)>>10, slowest)
	if slowest > 5*time.Second {
		t.Errorf("the other reader waited %v", slowest)
	}
	done(other.conn.Close())
	eventually(t, "all is given back", func() bool { return a.gate.Running() == 0 && a.hub.Stats().Subscriptions == 0 })
	eventually(t, "no goroutine is left", func() bool { return a.goroutines() <= before })
}

func TestConnectingAndLeavingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	p := a.person("visitor", db.Plain)
	before := a.goroutines()
	var wg sync.WaitGroup
	opened := 0
	for tick, end := time.NewTicker(10*time.Millisecond), time.Now().Add(*churn); time.Now().Before(end); opened++ {
		<-tick.C
		token, stay := "", time.Duration(opened%7)*10*time.Millisecond
		if opened%2 == 0 {
			token = p.token
		}
		conn, rude := a.dial(a.topic(0), token), opened%3 == 0
		wg.Go(func() {
			time.Sleep(stay) // some leave before they are answered
			if rude {
				done(conn.(*net.TCPConn).SetLinger(0)) // a reset, as of a phone that is switched off
			}
			done(conn.Close())
		})
		if opened%20 == 0 {
			a.say("For those who are there")
		}
	}
	wg.Wait()
	eventually(t, "all is given back", func() bool {
		st := a.hub.Stats()
		return a.gate.Running() == 0 && st.Subscriptions == 0 && st.Topics == 0
	})
	eventually(t, "no goroutine is left", func() bool { return a.goroutines() <= before })
	if opened < int(churn.Seconds()*50) {
		t.Errorf("only %d streams in %v", opened, *churn)
	}
	t.Logf("%d streams", opened)
	l := a.hear(a.topic(0), "")
	l.until(t, "hx-partial")
}

func TestWhoSleptPastTheKeptEventsIsToldToLoadThePageAgainOnce(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	resets := func(l []apptest.Heard) (n int) {
		for _, h := range l {
			if h.Name == "reset" {
				n++
			}
		}
		return n
	}
	awake := a.hear(a.topic(0), "")
	a.say("before the night")
	list, _ := awake.until(t, "before the night")
	last := list[len(list)-1].ID
	done(awake.conn.Close())
	a.say("in the night")

	back := a.hear(a.topic(0), "", fmt.Sprint("Last-Event-ID: ", last))
	list, _ = back.until(t, "in the night")
	if resets(list) != 0 {
		t.Error("one who missed a little is sent a reset")
	}

	a.clock.Store(int64(db.EventsKept + time.Hour))
	late := a.hear(a.topic(0), "")
	a.say("days later")
	late.until(t, "days later") // else it may be told after the reset
	take(a.DropOldEvents(a.ctx))
	back = a.hear(a.topic(0), "", fmt.Sprint("Last-Event-ID: ", last))
	a.say("afterwards")
	list, _ = back.until(t, "afterwards")
	if resets(list) != 1 || list[0].Name != "reset" || list[0].ID <= last {
		t.Errorf("one who slept for days is sent %+v", list)
	}
	// With the id of the reset all is well again: what comes is what came since, once.
	done(back.conn.Close())
	again := a.hear(a.topic(0), "", fmt.Sprint("Last-Event-ID: ", list[0].ID))
	list, _ = again.until(t, "afterwards")
	if resets(list) != 0 || strings.Contains(fmt.Sprint(list), "days later") {
		t.Errorf("after the reset comes %+v", list)
	}

	for i := range db.EventsMissed + 1 {
		a.say(fmt.Sprint("one of many, ", i))
	}
	watch := a.hear(a.topic(0), "")
	a.say("carried")
	watch.until(t, "carried") // else the last of them may be told as they come, and are not missed
	busy := a.hear(a.topic(0), "", fmt.Sprint("Last-Event-ID: ", list[len(list)-1].ID))
	a.say("the end")
	if list, _ = busy.until(t, "the end"); resets(list) != 1 {
		t.Errorf("one who missed more than %d events is sent %d resets", db.EventsMissed, resets(list))
	}
}

func TestOneEventMayBeLargerThanWhatAReaderMayBeBehind(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	e := a.hear(a.topic(0), "")
	e.until(t, "hx-partial")
	line := strings.Repeat("&", 7000) + "\n\n"
	for range 3 {
		a.say(strings.Repeat(line, 8) + "the end")
		if list, ended := e.until(t, "the end"); ended || len(list[0].Data) <= 256<<10 {
			t.Fatalf("%d events, the stream has ended: %v", len(list), ended)
		}
	}
}

func TestWhoComesBackIsToldAllOnOneConnection(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	from := take(a.LastEvent(a.ctx))
	const missed = 200
	for i := range missed {
		a.say(fmt.Sprintf("missed %d.", i))
	}
	var wg sync.WaitGroup
	for range 50 {
		e := a.hear(a.topic(0), "", fmt.Sprint("Last-Event-ID: ", from))
		wg.Go(func() {
			list, ended := e.until(t, fmt.Sprintf("missed %d.", missed-1))
			list = slices.DeleteFunc(list, func(h apptest.Heard) bool { return h.Name == "presence" }) // which stands between what was carried and what is carried now
			if ended || len(list) != missed {
				t.Errorf("one who missed %d comments is told %d, and the connection has ended: %v", missed, len(list), ended)
			}
		})
	}
	wg.Wait()
}

func TestAnEventInAPrivateChannelNeverReachesAStranger(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	people := []person{{}}
	for i := range 5 {
		people = append(people, a.person(fmt.Sprint("person-", i), db.Plain))
	}
	n, told, kept := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		channel, post := a.place(fmt.Sprint("place-", n), db.Private)
		path := fmt.Sprintf("/events?topic=post:%d&topic=channel:%d", post, channel)
		may := func(p person) bool {
			found := take(a.ReadableChannels(a.ctx, p.viewer, []int64{channel}))
			return found[channel]
		}
		type listener struct {
			*ear
			p       person
			allowed map[string]bool // words that may be heard, and whether they must
			over    bool            // the right was lost: the stream ends, with what was still under way
		}
		for _, p := range people[1:] {
			if rapid.Bool().Draw(rt, "is in it") {
				done(a.InviteToChannel(a.ctx, a.author, channel, p.viewer.Handle))
				done(a.Join(a.ctx, p.viewer, channel))
			}
		}
		var listeners []*listener
		words := 0
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			p := people[rapid.IntRange(0, len(people)-1).Draw(rt, "who")]
			member := p.viewer.ID != 0
			switch step := rapid.SampledFrom([]string{"comment", "comment", "comment", "listen", "listen", "join", "leave", "remove", "open", "close"}).Draw(rt, "what"); {
			case step == "comment":
				words++
				word := fmt.Sprintf("word-%04d-%04d.", n, words)
				take(a.CreateComment(a.ctx, a.author, db.NewComment{PostID: post, Body: word}))
				for _, l := range listeners {
					if may(l.p) {
						l.allowed[word] = !l.over
					}
				}
			case step == "listen":
				if !may(p) {
					conn := a.dial(path, p.token)
					res := take(http.ReadResponse(bufio.NewReader(conn), nil))
					if done(conn.Close()); res.StatusCode != http.StatusNotFound {
						rt.Fatalf("%s, who may not, listens: %d", p.viewer.Handle, res.StatusCode)
					}
					continue
				}
				l := &listener{ear: a.hear(path, p.token), p: p, allowed: map[string]bool{}}
				listeners = append(listeners, l)
			case step == "join" && member:
				_ = a.InviteToChannel(a.ctx, a.author, channel, p.viewer.Handle) // who is there already stays
				_ = a.Join(a.ctx, p.viewer, channel)
			case step == "leave" && member:
				_ = a.Leave(a.ctx, p.viewer, channel)
			case step == "remove" && member:
				_ = a.RemoveFromChannel(a.ctx, a.author, channel, p.viewer.ID)
			case step == "open":
				done(a.SetAccess(a.ctx, a.author, channel, db.Access{Visibility: db.Public}))
			case step == "close":
				done(a.SetAccess(a.ctx, a.author, channel, db.Access{Visibility: db.Private}))
			}
			for _, l := range listeners {
				if !may(l.p) {
					l.over = true
					continue
				}
				for earlier := range words { // whose event may still be under way to one who may read it by now
					word := fmt.Sprintf("word-%04d-%04d.", n, earlier+1)
					if _, told := l.allowed[word]; !told {
						l.allowed[word] = false
					}
				}
			}
		}
		words++
		last := fmt.Sprintf("word-%04d-%04d.", n, words)
		take(a.CreateComment(a.ctx, a.author, db.NewComment{PostID: post, Body: last}))
		for i, l := range listeners {
			if may(l.p) {
				l.allowed[last] = !l.over
			}
			list, ended := l.until(rt, last)
			heard := map[string]int{}
			for _, h := range list {
				for _, word := range regexp.MustCompile(`word-\d{4}-\d{4}\.`).FindAllString(h.Data, -1) {
					if heard[word]++; heard[word] > 1 {
						rt.Errorf("listener %d hears %s twice", i, word)
					}
					if _, ok := l.allowed[word]; !ok {
						rt.Errorf("listener %d, %q, hears %s and may not", i, l.p.viewer.Handle, word)
					}
					told++
				}
			}
			for word, must := range l.allowed {
				if must && !l.over && heard[word] == 0 {
					rt.Errorf("listener %d, %q, does not hear %s and may", i, l.p.viewer.Handle, word)
				}
			}
			if l.over && !ended && !may(l.p) {
				rt.Errorf("listener %d, %q, has lost the right and still listens", i, l.p.viewer.Handle)
			}
			if l.over {
				kept++
			}
			_ = l.conn.Close()
		}
	})
	if t.Logf("%d words were heard, %d listeners lost their right", told, kept); told == 0 || kept == 0 {
		t.Error("which proves nothing")
	}
}

// A right that one member loses, and a channel that is shut, wake whom they concern and nobody else.
func TestAChangeOfRightsWakesWhomItConcerns(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	p := a.person("visitor", db.Plain)
	other, post := a.place("other", db.Public)
	elsewhere := fmt.Sprintf("/events?topic=post:%d", post)
	done(a.Join(a.ctx, p.viewer, other))
	var ears []*ear
	for range 20 {
		ears = append(ears, a.hear(a.topic(0), ""))
	}
	own, there := a.hear(a.topic(0), p.token), a.hear(elsewhere, "")
	for _, e := range append(ears, own, there) {
		e.until(t, "hx-partial")
	}
	// woken counts who hears of a change, up to a comment that all but there hear.
	woken := func(change func()) int64 {
		t.Helper()
		before := a.hub.Stats().Delivered
		change()
		a.say("and so on")
		for _, e := range append(ears, own) {
			if _, ended := e.until(t, "and so on"); ended {
				t.Fatal("a stream has ended")
			}
		}
		return a.hub.Stats().Delivered - before - int64(len(ears)+1)
	}
	woken(func() {}) // what is remembered is now
	if n := woken(func() { done(a.Leave(a.ctx, p.viewer, other)) }); n != 1 {
		t.Errorf("a member who leaves a channel wakes %d streams, want their one", n)
	}
	if n := woken(func() { done(a.SetAccess(a.ctx, a.author, other, db.Access{Visibility: db.Private})) }); n != 1 {
		t.Errorf("a channel that is shut wakes %d streams, want the one that is there", n)
	}
	for patience := time.After(time.Second); ; {
		select {
		case _, open := <-there.heard:
			if open {
				continue
			}
		case <-patience:
			t.Error("the stream of a channel that was shut goes on after a second")
		}
		break
	}
}

func TestNoStreamTellsWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	c := newCage(t)
	s := httptest.NewServer(c.handler)
	ctx, stop := context.WithCancel(c.ctx)
	var carried sync.WaitGroup
	carried.Go(func() { c.news.Run(ctx) })
	t.Cleanup(func() { stop(); carried.Wait(); s.Close() })
	last := take(c.LastEvent(c.ctx))
	eventually(t, "all that has happened is known", func() bool { return c.news.Last() == last })
	at := strings.TrimPrefix(s.URL, "http://")
	first := take(c.Events(c.ctx, 0, 1))[0].ID // the epoch's own
	for _, role := range birds {
		saw := sight{}
		var topics []string
		for id := 1; id <= 6; id++ {
			topics = append(topics, fmt.Sprint("post:", id), fmt.Sprint("channel:", id))
		}
		for _, topic := range topics {
			saw.note(c.words, "stream of "+topic, "", c.listen(t, at, role, topic, first))
		}
		for thing, where := range saw {
			if !slices.Contains(strings.Fields(may[thing]), role) {
				t.Errorf("%s hears the %s: %s", role, thing, where)
			}
		}
		if reads := slices.Contains(strings.Fields(may["comment"]), role); reads != (saw["comment"] != "") {
			t.Errorf("%s hears the comment: %q", role, saw["comment"])
		}
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	for thing, word := range c.words {
		if strings.Contains(c.log.b.String(), word) && !strings.Contains(thing, "address") {
			t.Errorf("the log holds the %s", thing)
		}
	}
}

// listen is told all that has happened on a topic, up to how many are here now.
func (c *cage) listen(t *testing.T, at, role, topic string, after int64) apptest.Answer {
	t.Helper()
	conn := take(net.Dial("tcp", at))
	defer conn.Close()
	done(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	cookie := ""
	if p := c.people[role]; p.token != "" {
		cookie = "Cookie: " + c.cookie + "=" + p.token + "\r\n"
	}
	take(fmt.Fprintf(conn, "GET /events?topic=%s&after=%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n", url.QueryEscape(topic), after, cookie))
	res := take(http.ReadResponse(bufio.NewReader(conn), nil))
	a := apptest.Answer{Status: res.StatusCode, Header: res.Header}
	if res.Header.Get("Content-Type") != "text/event-stream" {
		a.Body = string(take(io.ReadAll(res.Body)))
		return a
	}
	apptest.ReadEvents(bufio.NewReader(res.Body), func(h apptest.Heard) {
		a.Body += h.Name + ": " + h.Data + "\n"
		if h.Name == "reset" {
			t.Errorf("%s is sent a reset on %s", role, topic)
		}
		if h.Name == "presence" {
			_ = conn.Close()
		}
	})
	return a
}

func TestSoManyStreamsAndNoMore(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RateLimits = "on" })
	author := s.As("author", db.Admin) // whose texts are not counted
	topic := "/events?topic=post:" + fmt.Sprint(postID(t, author.Write(author.Channel("bread"), "Rye", "How long?")))
	for name, of := range map[string]struct {
		c    *apptest.Client
		most int
	}{"a member": {s.As("member", db.Plain), 6}, "a guest": {s.Guest(), 20}} {
		var open []*apptest.Listener
		for range of.most {
			l := of.c.Listen(topic)
			l.Next("presence")
			open = append(open, l)
		}
		l := of.c.Listen(topic)
		if after, err := strconv.Atoi(l.Header.Get("Retry-After")); l.Status != http.StatusTooManyRequests || err != nil || after < 1 {
			t.Errorf("stream %d of %s: %d, Retry-After %q", of.most+1, name, l.Status, l.Header.Get("Retry-After"))
		}
		open[0].Close()
		eventually(t, name+" who has closed one may open one", func() bool { return of.c.Listen(topic).Status == http.StatusOK })
	}
}

func TestAStreamIsNeitherPackedNorCutByThePagesDeadlines(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *config.Config) { c.RequestTimeout = 2 * time.Second })
	author := s.As("author", db.Plain)
	post := author.Write(author.Channel("bread"), "Rye", "How long?")
	id := fmt.Sprint(postID(t, post))
	l := s.Guest().Listen("/events?topic=post:"+id, "Accept-Encoding", "gzip, zstd, br")
	if e := l.Header.Get("Content-Encoding"); e != "" {
		t.Errorf("the stream is packed: %s", e)
	}
	if b := l.Header.Get("X-Accel-Buffering"); b != "no" {
		t.Errorf("X-Accel-Buffering: %q", b)
	}
	l.Next("presence")
	time.Sleep(s.Config.RequestTimeout + time.Second)
	want(t, author.Post("/p/"+id+"/comments", "body", strings.Repeat("long enough to pack ", 200)), 303)
	if h := l.Next("comment"); !strings.Contains(h.Data, "long enough to pack") {
		t.Errorf("after the time of a page came %+v", h)
	}
}

func TestAProxyThatSpeaksHTTP10GetsNoChunks(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	conn := take(net.Dial("tcp", a.address()))
	t.Cleanup(func() { _ = conn.Close() })
	done(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	take(fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", a.topic(0)))
	in := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line = take(in.ReadString('\n')); strings.HasPrefix(line, "Transfer-Encoding") {
			t.Error(line)
		}
	}
	if line := take(in.ReadString('\n')); !strings.HasPrefix(line, "id: ") {
		t.Errorf("the stream begins with %q", line)
	}
	a.hub.Close()
	if rest := string(take(io.ReadAll(in))); !strings.Contains(rest, "event: bye") || strings.Contains(rest, "\r\n") {
		t.Errorf("it ends with %q", rest)
	}
}

func TestHeadIsToldThatThereIsAStreamAndGetsNone(t *testing.T) {
	t.Parallel()
	a := newAerial(t)
	res := take(http.Head(a.url + a.topic(0)))
	done(res.Body.Close())
	if res.StatusCode != http.StatusNoContent || a.hub.Stats().Subscriptions != 0 {
		t.Errorf("%d, with %d subscriptions", res.StatusCode, a.hub.Stats().Subscriptions)
	}
}
