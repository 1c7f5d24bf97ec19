package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"codex/app"
	"codex/db"
)

// kills is how often the server is killed under load.
const kills = 20

// TestKilledUnderLoadNothingIsLostOrDoubled kills the server with SIGKILL at random moments while 16 clients write
// comments, each with a key that it sends again until it is acknowledged. At the end every acknowledged comment is
// there exactly once, no other is, and the database is sound.
func TestKilledUnderLoadNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty kills take half a minute")
	}
	t.Parallel()
	const writers = 16
	dir, s := forum(t)
	post := s.mustPost("/c/room/posts", "title", "Under load", "body", "x")
	comments := strings.Join(strings.Split(post, "/")[:3], "/") + "/comments"

	acknowledged := make(map[string]bool) // body → true
	pending := make([]url.Values, writers)
	for round := range kills + 1 {
		if round > 0 {
			s = serve(t, dir)
			s.signIn()
		}
		s.http.Transport = &http.Transport{MaxIdleConnsPerHost: writers}
		stop := make(chan struct{})
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					if pending[w] == nil {
						pending[w] = url.Values{"body": {fmt.Sprintf("comment %d-%d-%d", round, w, n)}, "key": {uuid.NewString()}}
					}
					res, err := s.post(comments, pending[w])
					if err != nil {
						return // killed: the form is sent again to the next server
					}
					if res.StatusCode == http.StatusSeeOther {
						mu.Lock()
						acknowledged[pending[w].Get("body")] = true
						mu.Unlock()
						pending[w] = nil
					}
				}
			})
		}
		time.Sleep(150*time.Millisecond + rand.N(250*time.Millisecond))
		if round < kills {
			if err := s.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-s.done
			close(stop)
		} else {
			close(stop)
		}
		wg.Wait()
	}
	s.stop()

	site, err := app.OpenSite(t.Context(), app.SiteOptions{Dir: dir, Migrations: migrations()})
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close(t.Context())
	if found, err := site.DB.IntegrityCheck(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("integrity: %v %v", found, err)
	}
	stored := bodies(t, site)
	for body := range acknowledged {
		if stored[body] != 1 {
			t.Errorf("%q was acknowledged and is there %d times", body, stored[body])
		}
	}
	for body, n := range stored {
		if n > 1 {
			t.Errorf("%q is there %d times", body, n)
		}
		if !acknowledged[body] {
			// Its writer never heard, and the next server took the same form under the same key: then it was acknowledged.
			t.Errorf("%q is there and was never acknowledged", body)
		}
	}
	t.Logf("%d kills, %d comments acknowledged, %d stored", kills, len(acknowledged), len(stored))
}

// bodies counts the comments of the owner by their text, paging through all of them.
func bodies(t *testing.T, site *app.Site) map[string]int {
	t.Helper()
	owner, err := site.DB.MemberByHandle(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	var after db.Cursor
	for {
		page, err := site.DB.CommentsByAuthor(t.Context(), db.Viewer{}, owner.ID, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			counts[c.Excerpt]++
			after = db.NewCursor(int64(c.CreatedAt), c.ID)
		}
		if len(page) == 0 {
			return counts
		}
	}
}
