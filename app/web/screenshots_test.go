package web_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	chromepage "github.com/chromedp/cdproto/page"

	"codex/app/apptest"
	"codex/app/demo"
	"codex/app/importer"
	"codex/db"
)

var screenshots = flag.String("screenshots", "", "folder that TestScreenshots writes its pictures to")

var only = flag.String("only", "", "expression for the names of the places of which TestScreenshots makes pictures; empty: all")

// tallest is how much of a page a picture shows, in pixels.
const tallest = 3000

// TestScreenshots writes each place of the forum, and a real archive where there is one, as page-size-theme.png: both
// sizes, and some also between them, by day and by night. It looks at nothing; that is for people. `task screenshots` calls it.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("without -screenshots=DIR no pictures are made")
	}
	t.Parallel()
	dir, err := filepath.Abs(*screenshots)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	x := arrange(t)
	all := slices.Concat(x.places(t), settleParish(t).shown(t), archive(t), front(t))
	named := regexp.MustCompile(*only)
	for _, s := range []screen{phone(), between(), desk()} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tb := b.open(t, x.Site, s, true)
			tb.announce("") // a picture of what is wrong is a picture too
			for _, p := range all {
				if p.narrow && !s.touch || s == between() && !p.between || !named.MatchString(p.name) {
					continue
				}
				tb.find(x, p)
				for _, theme := range []string{"light", "dark"} {
					tb.night(theme == "dark")
					tb.picture(filepath.Join(dir, p.name+"-"+s.name+"-"+theme+".png"), !p.first)
				}
				tb.night(false)
			}
		})
	}
}

// picture writes the page to a file, from its top: what one screen shows, or with all of it, but not more than tallest.
// The former costs more time and fewer bytes.
func (tb *tab) picture(file string, all bool) {
	tb.t.Helper()
	height := float64(tb.screen.height)
	if all {
		height = tb.height()
	}
	usual, whole := tb.screen, tb.screen
	whole.height = int64(height)
	tb.resize(whole)
	eval[bool](tb, "scrollTo(0, 0), true")
	shot := call(tb, chromepage.CaptureScreenshot, chromepage.CaptureScreenshotParams{OptimizeForSpeed: ptr(all)})
	tb.resize(usual)
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// height is that of the page as it is, of what hangs over it when something does.
func (tb *tab) height() float64 {
	tb.t.Helper()
	return min(max(eval[float64](tb, "document.querySelector(':popover-open, dialog[open], #toasts > *') ? innerHeight : document.documentElement.scrollHeight"), float64(tb.screen.height)), tallest)
}

// front is the first page of the demonstration as it comes, without the showcase's additions: front-desk-light.png is
// the picture in the README, deploy/forum.png.
func front(t *testing.T) []place {
	t.Helper()
	site := apptest.Start(t)
	take(demo.Load(t.Context(), site.DB, time.Now(), noPassword))
	return []place{{name: "front", path: "/", on: site, first: true}}
}

// archive is a site with a real dump in it, where that lies beside the repository, and its busiest pages.
func archive(t *testing.T) []place {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", "forum", "bicycles-meta-stackexchange")
	dump, err := importer.OpenDump(dir)
	if errors.Is(err, fs.ErrNotExist) {
		t.Logf("%s is missing: no pictures of an archive", dir)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	site := apptest.Start(t)
	if _, err := importer.Import(t.Context(), site.DB, dump, importer.Options{Channel: "bicycles", ChannelName: "Bicycles"}); err != nil {
		t.Fatal(err)
	}
	list := []place{
		{name: "archive-home", path: "/?sort=top&t=all", on: site},
		{name: "archive-channel", path: "/c/bicycles", on: site},
		{name: "archive-tags", path: "/tags", on: site},
	}
	top, err := site.DB.Posts(t.Context(), db.Viewer{}, db.Feed{Sort: db.Top, Window: db.All, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	most := top[0]
	for _, p := range top {
		if p.Comments > most.Comments {
			most = p
		}
	}
	return append(list,
		place{name: "archive-post-top", path: "/p/" + idOf(top[0]), on: site},
		place{name: "archive-post-long", path: "/p/" + idOf(most), on: site})
}

func idOf(p db.PostRow) string { return strconv.FormatInt(p.ID, 10) }
