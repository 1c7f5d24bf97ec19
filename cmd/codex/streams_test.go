package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"codex/app/apptest"
)

// ear is a reader of a stream as a browser is one: it comes back when the connection breaks, and says where it was.
type ear struct {
	url    string
	last   atomic.Int64
	resets atomic.Int64
	began  atomic.Int64 // streams
	byes   atomic.Int64
	mu     sync.Mutex
	heard  map[string]int // id of a comment → how often
}

var commentOf = regexp.MustCompile(`data-comment="(\d+)"`)

func (e *ear) follow(ctx context.Context, client *http.Client) {
	for ctx.Err() == nil {
		e.once(ctx, client)
		select {
		case <-ctx.Done():
		case <-time.After(20*time.Millisecond + rand.N(80*time.Millisecond)): // a browser waits longer
		}
	}
}

func (e *ear) once(ctx context.Context, client *http.Client) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return
	}
	if last := e.last.Load(); last != 0 {
		r.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
	}
	res, err := client.Do(r)
	if err != nil {
		return // the server is down
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	e.began.Add(1)
	apptest.ReadEvents(bufio.NewReader(res.Body), func(h apptest.Heard) {
		if h.ID != 0 {
			e.last.Store(h.ID)
		}
		if h.Name == "reset" {
			e.resets.Add(1)
		}
		if h.Name == "bye" && h.Retry != "" {
			e.byes.Add(1)
		}
		if m := commentOf.FindStringSubmatch(h.Data); m != nil && h.Name == "comment" {
			e.mu.Lock()
			e.heard[m[1]]++
			e.mu.Unlock()
		}
	})
}

func (e *ear) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

// freePort is a port that nobody listens on now, so that a server can come back to where it was.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var cursorOf = regexp.MustCompile(`data-after="(\d+)"`)

// listen is a reader that has opened a post's page.
func (s *server) listen(post string) *ear {
	s.t.Helper()
	_, page := s.get(post)
	m := cursorOf.FindStringSubmatch(page)
	if m == nil {
		s.t.Fatalf("%s has no cursor", post)
	}
	return &ear{url: s.url + "/events?topic=post:" + strings.Split(post, "/")[2] + "&after=" + m[1], heard: map[string]int{}}
}

// TestKilledUnderOpenStreamsEveryReaderHearsAllOnce kills the server with SIGKILL, twice, while 50 comments are written
// and 200 readers listen. They come back with the id of the last event, as browsers do.
func TestKilledUnderOpenStreamsEveryReaderHearsAllOnce(t *testing.T) {
	t.Parallel()
	const readers, comments, kills = 200, 50, 2
	at := freePort(t)
	dir, s := forum(t, "--addr", at)
	post := s.mustPost("/c/room/posts", "title", "Under load", "body", "x")
	path := strings.Join(strings.Split(post, "/")[:3], "/") + "/comments"
	ctx, stop := context.WithCancel(t.Context())
	transport := &http.Transport{MaxIdleConnsPerHost: readers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	ears := make([]*ear, readers)
	var wg sync.WaitGroup
	for i := range ears {
		ears[i] = s.listen(post)
		wg.Go(func() { ears[i].follow(ctx, client) })
	}
	defer func() { stop(); wg.Wait() }()

	written := map[string]bool{}
	killAt := map[int]bool{}
	for len(killAt) < kills {
		killAt[5+rand.IntN(comments-10)] = true
	}
	for n := range comments {
		if killAt[n] {
			killed := s
			wg.Go(func() {
				time.Sleep(rand.N(5 * time.Millisecond)) // somewhere in the next comment
				_ = killed.cmd.Process.Kill()
			})
		}
		form := url.Values{"body": {fmt.Sprint("comment ", n)}, "key": {uuid.NewString()}}
		for {
			res, err := s.post(path, form)
			if err == nil && res.StatusCode == http.StatusSeeOther {
				written[strings.TrimPrefix(res.Header.Get("Location"), "/comments/")] = true
				break
			}
			<-s.done // killed: the form is sent again to the next server
			jar := s.http.Jar
			s = serve(t, dir, "--addr", at)
			s.http.Jar = jar
		}
		time.Sleep(rand.N(10 * time.Millisecond))
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		behind := 0
		for _, e := range ears {
			if e.count() < comments {
				behind++
			}
		}
		if behind == 0 {
			break
		}
	}
	time.Sleep(100 * time.Millisecond) // for what comes twice
	stop()
	wg.Wait()
	if len(written) != comments {
		t.Errorf("%d comments were acknowledged, want %d", len(written), comments)
	}
	lost, doubled, strange, resets := 0, 0, 0, int64(0)
	for _, e := range ears {
		resets += e.resets.Load()
		for id := range written {
			switch n := e.heard[id]; {
			case n == 0:
				lost++
			case n > 1:
				doubled++
			}
		}
		if len(e.heard) > len(written) {
			strange++
		}
	}
	if lost+doubled+strange > 0 || resets > 0 {
		t.Errorf("of %d × %d comments %d are lost and %d doubled, %d readers heard of others, %d resets", readers, comments, lost, doubled, strange, resets)
	}
	select {
	case <-s.done:
		s = serve(t, dir, "--addr", at) // killed after its last comment
	default:
	}
	s.stop()
}

func TestAStopTellsEveryReaderWhenToComeBack(t *testing.T) {
	t.Parallel()
	const readers = 300
	_, s := forum(t)
	post := s.mustPost("/c/room/posts", "title", "Read by many", "body", "x")
	e := s.listen(post)
	client := &http.Client{Transport: &http.Transport{}}
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() { e.once(t.Context(), client) })
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if e.began.Load() == readers {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d listen", e.began.Load(), readers)
		}
	}
	began := time.Now()
	s.stop()
	took := time.Since(began)
	wg.Wait()
	if t.Logf("stopped in %v", took); e.byes.Load() != readers || took > 10*time.Second {
		t.Errorf("%d of %d readers were told when to come back; the stop took %v", e.byes.Load(), readers, took)
	}
}

func TestAReaderOfAForumThatWasRestoredIsToldToLoadThePageAgain(t *testing.T) {
	t.Parallel()
	dir, s := forum(t)
	post := s.mustPost("/c/room/posts", "title", "In the backup", "body", "x")
	comments := strings.Join(strings.Split(post, "/")[:3], "/") + "/comments"
	s.mustPost(comments, "body", "in the backup")
	file := filepath.Join(t.TempDir(), "site.backup")
	if out, code := execute(t, "", "backup", file, "--data", dir); code != 0 {
		t.Fatal(out)
	}
	client := &http.Client{Timeout: time.Second} // the end of a stream
	before := s.listen(post)
	s.mustPost(comments, "body", "after the backup")
	before.once(t.Context(), client) // a page that is made from here on knows of it, and is not told again
	e := s.listen(post)
	s.mustPost(comments, "body", "heard")
	e.once(t.Context(), client)
	last := e.last.Load()
	if e.count() != 1 || e.resets.Load() != 0 {
		t.Fatalf("before: %v, %d resets", e.heard, e.resets.Load())
	}
	e.heard = map[string]int{}
	s.stop()
	if out, code := execute(t, "", "restore", file, "--data", dir); code != 0 {
		t.Fatal(out)
	}
	again := serve(t, dir)
	again.signIn()
	e.url = again.url + strings.TrimPrefix(e.url, s.url)
	e.once(t.Context(), client)
	if e.resets.Load() != 1 || e.last.Load()>>32 <= last>>32 {
		t.Errorf("after the restore: %d resets, and the cursor went from %d to %d", e.resets.Load(), last, e.last.Load())
	}
	again.mustPost(comments, "body", "in the new epoch")
	e.once(t.Context(), client)
	if e.resets.Load() != 1 || e.count() != 1 {
		t.Errorf("in the new epoch: %d resets, heard %v", e.resets.Load(), e.heard)
	}
	again.stop()
}
