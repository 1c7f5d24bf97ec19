package web_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/db"
)

// The wave at its full size: go test -tags sqlite_fts5 ./app/web -run 'TestBrowser$/Wave' -wave 1000 -v
var waveMembers = flag.Int("wave", 40, "members in the wave of TestBrowser/Wave, with ten posts each")

// waveWord stands in the title of each post of a wave and nowhere else.
const waveWord = "Zirconia"

// flood is a forum into which a wave has come. Of each member's ten posts some are shown, and those wait that came too fast.
type flood struct {
	*apptest.Site
	ours  string   // path of a post of the forum's own
	posts []string // paths of the wave's
	pages []string // that readers read
}

func flooded(t *testing.T) *flood {
	t.Helper()
	f := &flood{Site: apptest.Start(t)}
	keeper := f.As("keeper", db.Plain)
	keeper.Channel("tides")
	channel := take(f.DB.ChannelBySlug(t.Context(), keeper.Viewer, "tides"))
	f.ours = keeper.Write("tides", "When does the tide turn?", "Twice a day.", "tags", "moon")
	for n := range *waveMembers {
		id := take(f.DB.CreateMember(t.Context(), db.NewMember{Handle: fmt.Sprint("wave", n), Origin: "registered"}))
		v := db.Viewer{ID: id}
		take(f.DB.CreateComment(t.Context(), v, db.NewComment{PostID: postID(t, f.ours), Body: fmt.Sprint("Come and buy ", waveWord, " ", n)}))
		for i := range 10 {
			title := fmt.Sprint(waveWord, " for everybody ", n, " ", i)
			post := take(f.DB.CreatePost(t.Context(), v, db.NewPost{ChannelID: channel.ID, Kind: "discussion", Title: title, Body: fmt.Sprint("Buy ", n, " of ", i), Tags: []string{"moon"}}))
			f.posts = append(f.posts, fmt.Sprintf("/p/%d/%s", post, db.SlugOf(title)))
		}
	}
	f.pages = []string{"/", "/?sort=new", "/c/tides?sort=new", "/t/moon", "/u/wave1", "/u/wave1?tab=comments", f.ours, f.ours + "?sort=time"}
	return f
}

// shows says which of the readers' pages show the wave to a guest.
func (f *flood) shows(c *apptest.Client) (list []string) {
	for _, path := range f.pages {
		if strings.Contains(c.Get(path).Body, waveWord) {
			list = append(list, path)
		}
	}
	return list
}

// found are those of the wave's posts that a guest can open: all of them of a small wave, some of a large one.
func (f *flood) found(c *apptest.Client) (list []string) {
	step := max(1, len(f.posts)/200)
	for i := 0; i < len(f.posts); i += step {
		if c.Get(f.posts[i]).Status == http.StatusOK {
			list = append(list, f.posts[i])
		}
	}
	return list
}

// read lets people read until the answer is called, which says how long their pages took.
func (f *flood) read(t *testing.T, people int) (stop func() []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	for i := range people {
		c := f.Guest().HTTP
		all.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(people)) // not all in one breath
			for n := i; ctx.Err() == nil; n++ {
				begun := time.Now()
				status, err := get(ctx, c, f.URL+f.pages[n%len(f.pages)])
				if err != nil && ctx.Err() == nil {
					t.Errorf("a reader: %v", err)
				}
				if err == nil && status >= 500 {
					t.Errorf("a reader of %s is answered %d", f.pages[n%len(f.pages)], status)
				}
				mu.Lock()
				took = append(took, time.Since(begun))
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(time.Second): // nobody reads faster
				}
			}
		})
	}
	return func() []time.Duration {
		cancel()
		all.Wait()
		slices.Sort(took)
		return took
	}
}

func get(ctx context.Context, c *http.Client, address string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// testWave is a wave of spam from the moderator's chair: people read, the moderator comes, finds the queue full, and
// three clicks later nothing of it is to be seen, within a minute. Then they take it back.
func testWave(t *testing.T, b *browser) {
	begun := time.Now()
	f := flooded(t)
	mod := f.As("mod", db.Moderator)
	done(f.DB.SetPassword(t.Context(), mod.Viewer.ID, take(auth.NewHasher().Hash(t.Context(), apptest.Password)), 0))
	t.Logf("%d members with %d posts, made in %s", *waveMembers, len(f.posts), time.Since(begun).Round(time.Millisecond))
	guest := f.Guest()
	seen, opened := f.shows(guest), f.found(guest)
	if len(seen) < len(f.pages)-1 || len(opened) == 0 { // the best comments come first: not always theirs
		t.Fatalf("before anything is done the wave is on %v, and %d posts of it can be opened", seen, len(opened))
	}
	people := 10
	if *waveMembers >= 1000 {
		people = 50
	}
	stop := f.read(t, people)

	tb := b.open(t, f.Site, desk(), true)
	tb.visit("/moderation")
	tb.fill("#login", "mod")
	tb.fill("#password", apptest.Password)
	tb.follow(func() { tb.click(".form button.primary") })
	tb.wait("location.pathname === '/moderation'")
	if n := eval[int](tb, "document.querySelectorAll('.case-list > .case').length"); n < 10 || !strings.Contains(tb.text("main"), waveWord) {
		t.Errorf("the queue has %d cases; it should be full of the wave:\n%.600s", n, tb.text("main"))
	}

	clicks := 0
	click := func(selector, says string) {
		t.Helper()
		clicks++
		tb.follow(func() { tb.click(selector, says) })
	}
	click(".tabs a", "Newcomers")
	tb.wait(fmt.Sprintf("document.querySelector('#wave').parentElement.textContent.replaceAll(/[^0-9a-z ]/gi, '').includes('%d members')", *waveMembers))
	click("a.button", "Hide all of it…")
	decided := time.Now()
	click("form button.danger", "Hide everything")
	tb.until(time.Minute, "document.querySelector('#sweep b')?.textContent === 'Hidden'")
	told := time.Since(decided)
	comesTrue(t, "no page of a reader shows the wave", func() bool { return len(f.shows(guest)) == 0 })
	took := time.Since(decided)
	t.Logf("undone with %d clicks: the moderator is told after %s, and after %s no reader's page shows it; %s", clicks, told.Round(time.Millisecond), took.Round(time.Millisecond),
		strings.Join(strings.Fields(tb.text("#sweep dl")), " "))
	if clicks != 3 || took > time.Minute {
		t.Errorf("%d clicks and %s; it should be 3 and less than a minute", clicks, took)
	}
	if still := f.found(guest); len(still) > 0 {
		t.Errorf("%d posts of the wave can still be opened, %s among them", len(still), still[0])
	}
	reader := b.open(t, f.Site, phone(), true)
	for _, path := range []string{"/?sort=new", "/c/tides", f.ours} {
		reader.visit(path)
		if strings.Contains(reader.text("body"), waveWord) {
			t.Errorf("%s shows the wave in the browser", path)
		}
	}
	tb.follow(func() { tb.click(".tabs a", "Waiting") })
	tb.wait("!document.querySelector('.case-list > .case')")
	recount(t, f.Site)

	tb.follow(func() { tb.click(".tabs a", "Newcomers") })
	tb.follow(func() { tb.click(".sweep-list a") })
	again := time.Now()
	tb.follow(func() { tb.click("#sweep form button", "Undo all of it") })
	tb.until(time.Minute, "document.querySelector('#sweep b')?.textContent === 'Shown again'")
	t.Logf("shown again in %s", time.Since(again).Round(time.Millisecond))
	if now := f.found(guest); !slices.Equal(now, opened) {
		t.Errorf("%d posts of the wave can be opened again, not the same %d as before", len(now), len(opened))
	}
	reader.visit("/?sort=new")
	reader.wait("document.body.textContent.includes(" + quote(waveWord) + ")")
	recount(t, f.Site)
	times := stop()
	t.Logf("%d readers beside it, %d pages: the median took %s, 99 %% less than %s", people, len(times), times[len(times)/2].Round(time.Millisecond), times[len(times)*99/100].Round(time.Millisecond))
}

// until is wait for what may last longer than patience.
func (tb *tab) until(longest time.Duration, expression string) {
	tb.t.Helper()
	for end := time.Now().Add(longest); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if ok, err := try[bool](tb, expression); err == nil && ok {
			return
		}
	}
	tb.t.Fatalf("not within %s at %s: %s\nthe page: %.3000s", longest, tb.path(), expression, tb.text("main"))
}
