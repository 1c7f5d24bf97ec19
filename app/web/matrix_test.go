package web_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"codex/app/apptest"
	"codex/app/web"
	"codex/db"
	"codex/db/dbtest"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt anew; read every line that changes before you keep it")

const matrixFile = "testdata/matrix.txt"

const matrixHead = `# Every route, as every role, in every place: the status that is answered.
#
# A row is a route, and where its address or form names something, the channel that it stands in: [public], [restricted],
# [private]. A cell is the status; where a part for htmx, or an answer for application/json, has another one, they follow
# behind a slash. "login" is the way to the sign-in page.
#
# guest      is not signed in                     keeper     moderates the channel
# member     is in public channels only           owner      owns the channel
# stranger   is in no channel                     moderator  moderates the site
# insider    is in the channel                    suspended  moderates the channel, wrote what stands there, is suspended
# author     is in it, and wrote what stands there outcast   is suspended, and in no channel
# banned     as suspended, and banned             admin      runs the site
#
# Written by: go test -tags sqlite_fts5 ./app/web -run Matrix -update
`

// fill puts the things of a role into the pattern of a route. placed says that the path leads to something in a channel.
func (t things) fill(pattern string) (path string, placed bool, err error) {
	_, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	segments := strings.Split(path, "/")
	gone := strings.HasSuffix(path, "/undelete")
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		var value any
		in := true
		switch key := strings.Join(segments[max(0, i-1):i+1], "/"); {
		case key == "c/{slug}":
			value = t.slug
		case key == "p/{id}" && gone:
			value = t.deletedPost
		case key == "p/{id}":
			value = t.post
		case key == "comments/{id}" && gone:
			value = t.deletedComment
		case key == "comments/{id}":
			value = t.comment
		case s == "{slug}" && i >= 2 && segments[i-2] == "p":
			value = t.postSlug
		case s == "{revision}" && segments[1] == "p":
			value = t.postRevision
		case s == "{revision}" && segments[1] == "comments":
			value = t.commentRevision
		case key == "t/{tag}":
			value = t.tag
		case key == "logo/{name}": // the forum of the walk has none
			value, in = "none.png", false
		case key == "invitations/{channel}":
			value = t.channel
		case key == "channels/{channel}":
			value = t.deletedChannel
		case key == "requests/{member}":
			value = t.askerID
		case key == "invitations/{member}":
			value = t.inviteeID
		case key == "members/{member}":
			value = t.targetID
		case key == "u/{handle}", key == "members/{handle}":
			value, in = t.target, false
		case key == "sessions/{id}":
			value, in = t.session, false
		case key == "bans/{id}":
			value, in = t.network, false
		case key == "words/{id}":
			value, in = t.word, false
		case key == "invites/{id}":
			value, in = t.invite, false
		case key == "sweeps/{id}":
			value, in = t.sweep, false
		case key == "webhooks/{id}":
			value, in = t.hook, false
		case key == "jobs/{id}":
			value, in = t.job, false
		case key == "replay/{delivery}":
			value, in = t.delivery, false
		case key == "cases/{id}":
			value = t.flagged
		default:
			return "", false, fmt.Errorf("the route %q has the parameter %s that no test knows: give it a thing of the role's own in fill in matrix_test.go, made by settle in village_test.go where there is none yet", pattern, s)
		}
		segments[i], placed = fmt.Sprint(value), placed || in
	}
	return strings.Join(segments, "/"), placed, nil
}

// namedInForm are routes whose form, or query, names what stands in a channel.
var namedInForm = map[string]string{
	"POST /new": "channel", "GET /flag": "subject", "POST /flag": "subject", "POST /moderation/bulk": "case",
}

// form is what a role sends to a route: one for all, and what some need otherwise.
func (t things) form(pattern, role string) string {
	f := url.Values{}
	set := func(pairs ...string) {
		for i := 0; i+1 < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
	}
	set("title", "Another title", "body", "Another text", "name", "A name", "description", "About", "visibility", "restricted", "slow", "0", "note", "A note",
		"reason", "A reason", "let", "in", "role", "moderator", "answer", "yes", "on", "true", "at", "1", "seen", "1", "handle", t.stray, "channel", t.slug,
		"confirm", t.slug, "kind", "like", "theme", "dark", "bio", "Words", "slug", "by-"+role)
	set("place", "/c/"+t.slug+"/posts", "level", "all", "for", "1d", "value", "nowhere.example", "uses", "1", "hours", "24",
		"subject", fmt.Sprint("post:", t.post), "why", "other", "decision", "keep", "case", fmt.Sprint(t.flagged), "word", "word-by-"+role, "member", t.stray)
	switch pattern {
	case "POST /u/{handle}/block", "POST /settings/blocks":
		set("kind", "mute")
	case "POST /moderation/members/{handle}/bar":
		set("kind", "suspend")
	case "POST /moderation/members/{handle}/trust":
		set("level", "2")
	case "POST /moderation/registrations":
		set("member", fmt.Sprint(t.pending))
	case "POST /flag":
		set("reason", "spam")
	case "POST /admin/webhooks":
		set("url", "https://hooks.example/by-"+role, "kinds", "post.created")
	case "POST /settings/handle":
		set("handle", "newly-"+role)
	case "POST /moderation/bans":
		set("kind", "mail")
	case "POST /new", "POST /c/{slug}/posts", "POST /p/{id}/edit":
		set("kind", "discussion")
	case "POST /forgot":
		return url.Values{"email": {"somebody@example.org"}}.Encode()
	case "POST /register", "POST /login", "POST /logout": // without a password, and without a text that would be kept
		return url.Values{"handle": {"somebody"}}.Encode()
	}
	return f.Encode()
}

// own are the writes of what is a member's alone, which a suspension does not end, and those that a guest has too.
var own = map[string]bool{
	// What they have read, where they are, and what they do not want to see.
	"POST /read": true, "POST /p/{id}/read": true, "POST /c/{slug}/seen": true, "POST /c/{slug}/leave": true,
	"POST /settings/blocks": true, "POST /u/{handle}/block": true, "POST /notifications/read": true, "POST /settings/notifications": true,
	// Notes of theirs.
	"POST /drafts": true, "POST /drafts/discard": true, "POST /p/{id}/save": true, "POST /p/{id}/follow": true, "POST /c/{slug}/follow": true, "POST /preview": true,
	// Their account.
	"POST /login": true, "POST /login/code": true, "POST /logout": true, "POST /register": true,
	"POST /settings/theme": true, "POST /settings/time-zone": true, "POST /settings/password": true, "POST /settings/prove": true,
	"POST /forgot": true, "POST /reset": true, "POST /verify": true, "POST /unsubscribe": true, "POST /settings/email/verify": true, "POST /settings/email/letters": true,
	"POST /settings/email": true, "POST /settings/sessions/end": true, "POST /settings/sessions/end-all": true, "POST /settings/sessions/{id}/end": true,
	"POST /settings/second-factor": true, "POST /settings/second-factor/codes": true, "POST /settings/second-factor/off": true,
	"POST /settings/data/export": true, "POST /settings/data/delete": true, "POST /settings/invites/{id}/end": true,
}

// row is a line of the table.
type row struct {
	pattern string
	place   db.Visibility // empty: no matter
}

func (r row) name() string {
	if r.place == "" {
		return r.pattern
	}
	return fmt.Sprintf("%s [%s]", r.pattern, r.place)
}

func (r row) post() bool { return strings.HasPrefix(r.pattern, "POST ") }

// address is the path of a row with the things of a role, or with those that are nowhere, and its form.
func (r row) address(w *village, role string, there bool) (path, form string) {
	place := r.place
	if place == "" {
		place = db.Public
	}
	t := w.things[role][place]
	if !there {
		t = nowhere(t)
	}
	path, _, err := t.fill(r.pattern)
	done(err)
	form = t.form(r.pattern, role)
	if values := take(url.ParseQuery(form)); !r.post() && (namedInForm[r.pattern] != "" || r.pattern == "GET /moderation/sweep") {
		path += "?" + url.Values{"subject": values["subject"], "member": values["member"]}.Encode()
	}
	return path, form
}

// rows are the lines of the table, in the order of the routes.
func rows(t *testing.T) (list []row) {
	t.Helper()
	for _, rt := range web.Routes() {
		_, placed, err := things{}.fill(rt.Pattern)
		switch {
		case err != nil:
			t.Fatal(err)
		case placed || namedInForm[rt.Pattern] != "":
			for _, place := range places {
				list = append(list, row{rt.Pattern, place})
			}
		default:
			list = append(list, row{rt.Pattern, ""})
		}
	}
	return list
}

// word is an answer as the table has it.
func word(a apptest.Answer) string {
	if strings.HasPrefix(a.Location, "/login") || strings.HasPrefix(a.Header.Get("HX-Redirect"), "/login") || a.Status == 403 && strings.Contains(a.Body, `action="/login"`) {
		return "login"
	}
	return strconv.Itoa(a.Status)
}

// table is what was answered: row → role → words.
type table struct {
	mu    sync.Mutex
	cells map[string]map[string][]string
}

func (x *table) put(r row, role string, word string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cells[r.name()] == nil {
		x.cells[r.name()] = map[string][]string{}
	}
	x.cells[r.name()][role] = append(x.cells[r.name()][role], word)
}

// cell joins the words of the kinds of answer, without those at the end that say nothing new.
func cell(words []string) string {
	for len(words) > 1 && words[len(words)-1] == words[0] {
		words = words[:len(words)-1]
	}
	return strings.Join(words, "/")
}

// sentCase is the field of a form that is kept for its sender.
var sentCase = regexp.MustCompile(`name="case" value="\d+"`)

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// bare is an answer without what differs between any two: the id of the request, the keys of forms, and the words of the
// request itself.
func bare(a apptest.Answer, path, form string) string {
	values, _ := url.ParseQuery(form)
	old := []string{url.QueryEscape(path), "*", path, "*"}
	for _, name := range []string{"channel", "confirm", "subject"} {
		old = append(old, values.Get(name), "*")
	}
	h := a.Header.Clone()
	for _, name := range []string{"X-Request-Id", "Content-Length", "Etag", "Date"} {
		h.Del(name)
	}
	head := ""
	for _, name := range slices.Sorted(maps.Keys(h)) {
		head += fmt.Sprintf("%s: %q\n", name, h[name])
	}
	text := strings.NewReplacer(old...).Replace(fmt.Sprintf("%d\n%s\n%s", a.Status, head, a.Body))
	return uuids.ReplaceAllString(sentCase.ReplaceAllString(text, ""), "#")
}

// walk sends a row's requests in a copy of the village, and holds what is true whatever the table says.
func (s *visit) walk(t *testing.T, x *table, r row, accept string) {
	method, _, _ := strings.Cut(r.pattern, " ")
	for _, role := range roles {
		out := r.place == db.Private && slices.Contains(outsiders, role)
		var missing string
		if out {
			path, form := r.address(s.village, role, false)
			missing = bare(s.ask(role, method, path, form, accept), path, form)
		}
		path, form := r.address(s.village, role, true)
		a := s.ask(role, method, path, form, accept)
		x.put(r, role, word(a))
		if out {
			if got := bare(a, path, form); got != missing {
				t.Errorf("%s as %s (%s): what is missing and what is forbidden differ:\n%s", r.name(), role, accept, cmp.Diff(strings.SplitAfter(missing, ">"), strings.SplitAfter(got, ">")))
			}
			// Who may not enter a part of the forum at all, or not write at all, is told so before anybody looks for the thing.
			if w := word(a); w != "404" && w != "login" && w != "403" && namedInForm[r.pattern] == "" {
				t.Errorf("%s as %s (%s): %s, and it is not there for them", r.name(), role, accept, w)
			}
		}
		if w := word(a); r.post() && slices.Contains([]string{"suspended", "outcast", "banned"}, role) && a.Status < 400 && w != "login" && !own[r.pattern] {
			t.Errorf("%s as %s (%s): %s to %q. If it changes what is theirs alone, it belongs to own in matrix_test.go", r.name(), role, accept, w, a.Location)
		}
		if a.Status >= 500 && a.Status != http.StatusServiceUnavailable {
			t.Errorf("%s as %s (%s): %d", r.name(), role, accept, a.Status)
		}
	}
}

// walkAll walks the whole table: all that is read in one copy of the village, which it does not change, and each route
// that writes in one of its own.
func walkAll(t *testing.T, w *village) *table {
	x := &table{cells: map[string]map[string][]string{}}
	list, byPattern := rows(t), map[string][]row{}
	for _, r := range list {
		if r.post() {
			byPattern[r.pattern] = append(byPattern[r.pattern], r)
		}
	}
	t.Run("rows", func(t *testing.T) {
		t.Run("reading", func(t *testing.T) {
			t.Parallel()
			s := w.open(t)
			before := dbtest.Dump(t, s.file)
			for _, r := range list {
				if !r.post() {
					for _, accept := range []string{"html", "htmx", "json"} {
						s.walk(t, x, r, accept)
					}
				}
			}
			for _, line := range changed(before, dbtest.Dump(t, s.file)) {
				t.Errorf("reading has changed the database: %s", line)
			}
		})
		for pattern := range byPattern {
			t.Run(pattern, func(t *testing.T) {
				t.Parallel()
				for _, accept := range []string{"html", "htmx"} {
					s := w.open(t)
					for _, r := range byPattern[pattern] {
						s.walk(t, x, r, accept)
					}
				}
			})
		}
	})
	return x
}

// lastUse are the columns that hold when somebody was here last, which a minute of a slow test moves.
var lastUse = regexp.MustCompile(` (used_at|idle_until|last_seen_at|days_visited|trust_due)=\S+`)

// changed lists the lines that only one of two dumps has.
func changed(before, after []string) (lines []string) {
	seen := map[string]int{}
	for i, dump := range [][]string{before, after} {
		for _, line := range dump {
			seen[lastUse.ReplaceAllString(line, "")] += 1 - 2*i
		}
	}
	for line, n := range seen {
		if n != 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func (x *table) String() string {
	var b strings.Builder
	b.WriteString(matrixHead)
	lines := [][]string{append([]string{""}, roles...)}
	group := ""
	for _, name := range x.order() {
		path := strings.Fields(name)[1]
		if g := strings.SplitN(path, "/", 3)[1]; g != group {
			lines, group = append(lines, nil), g
		}
		line := []string{name}
		for _, role := range roles {
			line = append(line, cell(x.cells[name][role]))
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(roles)+1)
	for _, line := range lines {
		for i, c := range line {
			widths[i] = max(widths[i], len(c))
		}
	}
	for _, line := range lines {
		text := ""
		for i, c := range line {
			text += fmt.Sprintf("%-*s  ", widths[i], c)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	return b.String()
}

// order sorts the rows by address, then by method and place, so that a new route stands beside those that it belongs to.
func (x *table) order() []string {
	return slices.SortedFunc(maps.Keys(x.cells), func(a, b string) int {
		key := func(name string) string {
			method, rest, _ := strings.Cut(name, " ")
			path, place, _ := strings.Cut(rest, " ")
			return path + "\x00" + method + "\x00" + strings.NewReplacer("[public]", "1", "[restricted]", "2", "[private]", "3").Replace(place)
		}
		return strings.Compare(key(a), key(b))
	})
}

// readMatrix is the table of the file: row → role → cell.
func readMatrix(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < len(roles) || fields[0] == "#" || fields[0] == roles[0] {
			continue
		}
		name := strings.Join(fields[:len(fields)-len(roles)], " ")
		found[name] = map[string]string{}
		for i, role := range roles {
			found[name][role] = fields[len(fields)-len(roles)+i]
		}
	}
	return found
}

// TestMatrix walks every route as every role in every place.
func TestMatrix(t *testing.T) {
	t.Parallel()
	x := walkAll(t, settleVillage(t))
	if *update {
		done(os.WriteFile(matrixFile, []byte(x.String()), 0o600))
		return
	}
	told := readMatrix(t)
	for _, name := range x.order() {
		if told[name] == nil {
			t.Errorf("%s is not in %s: run the test with -update, and read the line", name, matrixFile)
			continue
		}
		for _, role := range roles {
			if got, want := cell(x.cells[name][role]), told[name][role]; got != want {
				t.Errorf("%s as %s: %s, and the table says %s", name, role, got, want)
			}
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("%s is in %s and is no route: run the test with -update", name, matrixFile)
	}
}
