package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"codex"
	"codex/app"
	"codex/db"
	"codex/views/ui"
)

// The member who looks and writes.
const (
	memberHandle   = "bench"
	memberPassword = "a password of the bench"
)

// madeUp is the source where there are no dumps.
const madeUp = "a made-up community of the size of two small archives"

// importFigure is one import, or one community that was made up.
type importFigure struct {
	name       string
	read, kept int // rows of the files, and those that became something
	took       time.Duration
}

// chosen is what is measured.
type chosen struct {
	channels []string // slugs; the first is the one whose page is asked for
	post     postRef
	growth   []postRef // of few, some and many comments
	write    []int64   // posts that are written to
}

type postRef struct {
	path     string
	comments int
}

// prepare builds the program and fills a data directory.
func (b *bench) prepare(ctx context.Context) error {
	if err := b.build(ctx, b.root); err != nil {
		return err
	}
	info, err := os.Stat(b.binary)
	if err != nil {
		return fmt.Errorf("look at the program: %w", err)
	}
	b.binSize = info.Size()
	if err := b.fill(ctx); err != nil {
		return err
	}
	if err := b.addMember(ctx); err != nil {
		return err
	}
	return b.openDB(ctx, func(ctx context.Context, d *db.DB) error {
		if err := b.choose(ctx, d); err != nil {
			return err
		}
		return b.growLongest(ctx, d)
	})
}

func (b *bench) build(ctx context.Context, tree string) error {
	say("building the program")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "sqlite_fts5", "-o", b.binary, "./cmd/codex")
	build.Dir = tree
	_, err := quiet(build)
	return err
}

func (b *bench) addMember(ctx context.Context) error {
	add := command(ctx, b.binary, "user", "add", memberHandle, "--email", "bench@example.org", "--data", b.data)
	add.Stdin = strings.NewReader(memberPassword + "\n")
	_, err := quiet(add)
	return err
}

// fill imports the dumps, or makes up a community where there are none.
func (b *bench) fill(ctx context.Context) error {
	dumps := b.Dumps
	if dumps == "" {
		dumps = filepath.Join(b.root, "..", "shared", "data", "forum")
	}
	found, err := filepath.Glob(filepath.Join(dumps, "*", "Posts.xml"))
	if err != nil {
		return fmt.Errorf("look for dumps in %s: %w", dumps, err)
	}
	if len(found) == 0 {
		if b.Dumps != "" {
			return fmt.Errorf("no folder in %s has a Posts.xml", dumps)
		}
		say("no dumps in %s: a community of that size is made up instead", dumps)
		b.source = madeUp
		return b.openDB(ctx, b.invent)
	}
	b.source = "imported"
	for n, posts := range found {
		dir := filepath.Dir(posts)
		slug := strings.TrimSuffix(filepath.Base(dir), "-stackexchange")
		say("importing %s", filepath.Base(dir))
		began := time.Now()
		out, err := quiet(command(ctx, b.binary, "import", "stackexchange", dir, "--channel", slug, "--data", b.data))
		if err != nil {
			return err
		}
		f := importFigure{name: filepath.Base(dir), took: time.Since(began)}
		m := importSums.FindStringSubmatch(out)
		if m == nil {
			return fmt.Errorf("the import of %s reports no sums", dir)
		}
		f.read, f.kept = number(m[1]), number(m[2])
		b.imports = append(b.imports, f)
		b.chosen.channels = append(b.chosen.channels, slug)
		if n > 0 {
			b.source += " and"
		}
		b.source += " " + f.name
	}
	return nil
}

var importSums = regexp.MustCompile(`(?m)^all\s+([\d,]+)\s+([\d,]+)\s+[\d,]+$`)

func number(s string) int {
	n, _ := strconv.Atoi(strings.ReplaceAll(s, ",", "")) // digits and commas only
	return n
}

func migrations() (fs.FS, error) { return fs.Sub(codex.Migrations, "migrations/main") }

// openDB opens the data directory while no server has it.
func (b *bench) openDB(ctx context.Context, use func(context.Context, *db.DB) error) error {
	files, err := migrations()
	if err != nil {
		return err
	}
	site, err := app.OpenSite(ctx, app.SiteOptions{Dir: b.data, Migrations: files, Alone: true, Migrate: true})
	if err != nil {
		return err
	}
	err = use(ctx, site.DB)
	return errors.Join(err, site.Close(context.WithoutCancel(ctx)))
}

// enough comments for the page that is measured, and for the largest that is looked at.
const (
	longThread    = 25
	longestThread = 100
)

// choose picks the posts: in the first channel where it has one, the post with the fewest comments from 25 on.
func (b *bench) choose(ctx context.Context, d *db.DB) error {
	var none, long, longest db.PostRow
	var guest db.Viewer
	for f := (db.Feed{Sort: db.New, Limit: 200}); ; {
		rows, err := d.Posts(ctx, guest, f)
		if err != nil {
			return err
		}
		for _, r := range rows {
			fits := r.Comments >= longThread && !r.Locked
			home := r.ChannelSlug == b.chosen.channels[0]
			better := long.ID == 0 || home && long.ChannelSlug != r.ChannelSlug || r.ChannelSlug == long.ChannelSlug && r.Comments < long.Comments
			if fits && better && (home || long.ChannelSlug != b.chosen.channels[0]) {
				long = r
			}
			if r.Comments > longest.Comments {
				longest = r
			}
			switch {
			case r.Comments > 0 || r.Locked:
			case none.ID == 0:
				none = r
			case len(b.chosen.write) < writers:
				b.chosen.write = append(b.chosen.write, r.ID)
			}
		}
		if len(rows) < f.Limit {
			break
		}
		f.After = rows[len(rows)-1].Cursor()
	}
	if none.ID == 0 || long.ID == 0 || len(b.chosen.write) < writers {
		return fmt.Errorf("the data has too little in it: a post with %d comments and %d without any are needed", longThread, writers+1)
	}
	b.chosen.post = refOf(long)
	b.chosen.growth = []postRef{refOf(none), b.chosen.post, refOf(longest)}
	return nil
}

// growLongest lets a post grow where none of the archive is as long as the longest that is looked at. It is not written
// to afterwards.
func (b *bench) growLongest(ctx context.Context, d *db.DB) error {
	if b.chosen.growth[2].comments >= longestThread {
		return nil
	}
	longest, err := grow(ctx, d, b.chosen.write[writers-1])
	if err != nil {
		return err
	}
	b.chosen.write = b.chosen.write[:writers-1]
	b.chosen.growth[2] = refOf(longest)
	return nil
}

func refOf(r db.PostRow) postRef { return postRef{string(ui.PostURL(r.ID, r.Slug)), r.Comments} }

func grow(ctx context.Context, d *db.DB, id int64) (db.PostRow, error) {
	m, err := d.MemberByHandle(ctx, memberHandle)
	if err != nil {
		return db.PostRow{}, err
	}
	v := db.Viewer{ID: m.ID, Role: m.Role}
	if err := thread(ctx, d, rand.New(rand.NewPCG(3, 4)), []db.Viewer{v}, id, longestThread+20); err != nil {
		return db.PostRow{}, err
	}
	p, err := d.PostByID(ctx, v, id)
	return p.PostRow, err
}

// signIn signs the member in as a browser does, lets them join the channels, and answers the Cookie header.
func signIn(ctx context.Context, addr string, channels []string) (cookie string, err error) {
	res, err := post(ctx, addr, "/login", "", url.Values{"login": {memberHandle}, "password": {memberPassword}})
	if err != nil {
		return "", err
	}
	for _, c := range res.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	if cookie == "" {
		return "", fmt.Errorf("sign in: the answer is %s and has no cookie", res.Status)
	}
	for _, slug := range channels {
		if res, err = post(ctx, addr, "/c/"+slug+"/join", cookie, nil); err != nil {
			return "", err
		}
		if res.StatusCode != http.StatusSeeOther {
			return "", fmt.Errorf("join %s: the answer is %s", slug, res.Status)
		}
	}
	return cookie, nil
}

func post(ctx context.Context, addr, path, cookie string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", path, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", path, err)
	}
	return res, res.Body.Close()
}
