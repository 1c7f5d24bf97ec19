package web_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	chromepage "github.com/chromedp/cdproto/page"
	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"

	"codex/app/apptest"
	"codex/db"
)

// The usual run takes some of the lines of the lists of attacks, and sends of all strings each to a third of the fields.
// Everything everywhere: go test -tags sqlite_fts5 ./app/web -run 'TestBrowser$/Naughty' -naughty 1 -timeout 60m -v
var naughtyShare = flag.Int("naughty", 100, "TestBrowser/Naughty takes each N-th line of the lists of attacks")

// naughty are strings that break programs: the big list of naughty strings, all of it, and lines from lists of attacks
// on web pages.
func naughty(t *testing.T) (list []string) {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", "text")
	raw, err := os.ReadFile(filepath.Join(dir, "blns", "blns.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is missing: no naughty strings are put into fields", dir)
	}
	done(err)
	done(json.Unmarshal(raw, &list))
	n := 0
	for _, file := range take(filepath.Glob(filepath.Join(dir, "xss", "*"))) {
		for line := range strings.Lines(string(take(os.ReadFile(file)))) {
			if n++; n%*naughtyShare == 0 {
				list = append(list, strings.TrimRight(line, "\r\n"))
			}
		}
	}
	slices.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), func(s string) bool { return strings.TrimSpace(s) == "" })
	for i, s := range list {
		list[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return list
}

// strange says that a field of one line may refuse the string for what cannot be seen in it.
func strange(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// packed puts strings together into texts of at most so many characters. Into a field of one line a strange one goes
// alone, so that no other is refused for its sake. Of those that are too long two go all the same.
func packed(list []string, most int, line bool) (texts []string) {
	now, between, long := "", "\n", 0
	if line {
		between = " "
	}
	for _, s := range list {
		switch {
		case utf8.RuneCountInString(s) > most:
			if long++; long <= 2 {
				texts = append(texts, s)
			}
		case line && strange(s):
			texts = append(texts, s)
		case now == "":
			now = s
		case utf8.RuneCountInString(now+between+s) > most:
			texts, now = append(texts, now), s
		default:
			now += between + s
		}
	}
	return append(texts, now)
}

// asShown is how a text is compared: normalised, and with the line ends that a page has. With line also with single
// spaces, as names and titles are stored.
func asShown(s string, line bool) string {
	s = norm.NFC.String(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"))
	if line {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimSpace(s)
}

// slot is a field that people fill in and others read.
type slot struct {
	name string
	most int  // characters that it takes
	line bool // it has one line
	send func(i int, text string) apptest.Answer
	page func(i int) string  // on which the text then stands
	as   *apptest.Client     // who reads it there
	few  bool                // each text costs much: some are sent
	kept func(string) string // what is kept of a text, where that is not the text
}

// gallery is a forum whose every field is filled in with what breaks programs.
type gallery struct {
	*apptest.Site
	admin, mod, member, other *apptest.Client
	crowd                     []*apptest.Client
	post                      string
	pages                     map[*apptest.Client]map[string][]string // what is to be seen where
	refused, sent             int
}

// testNaughty puts every naughty string into every field. What is refused is refused with a reason and comes back as it
// was typed; what is taken is shown as it was typed, and nothing of it runs: no dialog opens, no policy has to stop
// anything, and the console says nothing.
func testNaughty(t *testing.T, b *browser) {
	words := naughty(t)
	begun := time.Now()
	g := &gallery{Site: apptest.Start(t), pages: map[*apptest.Client]map[string][]string{}}
	g.admin, g.mod, g.member, g.other = g.As("ada", db.Admin), g.As("moss", db.Moderator), g.As("mira", db.Plain), g.As("otto", db.Plain)
	for i := range 60 {
		g.crowd = append(g.crowd, g.As(fmt.Sprint("crowd", i), db.Plain))
	}
	g.admin.Channel("room")
	want(t, g.admin.Post("/c/room/access", "visibility", string(db.Restricted), "slow", "0"), 303)
	for _, c := range []*apptest.Client{g.member, g.other} {
		want(t, c.Post("/c/room/ask"), 303)
		want(t, g.admin.Post(fmt.Sprintf("/c/room/requests/%d", c.Viewer.ID), "let", "in"), 303)
	}
	g.post = g.member.Write("room", "The gallery", "Hung.")
	comments := g.comments(t, words)
	commented := time.Now()
	for n, s := range g.slots(t) {
		g.fill(t, s, words, n)
	}
	t.Logf("%d strings: %d comments were sent in %s and %d other texts in %s, of which %d were refused with a reason", len(words),
		len(comments), commented.Sub(begun).Round(time.Millisecond), g.sent, time.Since(commented).Round(time.Millisecond), g.refused)

	shown := time.Now()
	tb := b.open(t, g.Site, desk(), true)
	tb.dialogs()
	tb.signIn(g.member)
	g.readComments(tb, comments)
	looked := 0
	for c, pages := range g.pages {
		call(tb, clearCookies, struct{}{})
		tb.signIn(c)
		for path, texts := range pages {
			looked++
			tb.visit(path)
			if lost := tb.lacks(texts); len(lost) > 0 {
				t.Errorf("%s does not show %d of %d texts as they were typed, %q among them", path, len(lost), len(texts), lost[0])
			}
		}
	}
	if *naughtyShare == 1 {
		tb.announceStatus(http.StatusRequestEntityTooLarge) // all of the lists is more than some forms take
	}
	forms := g.echo(t, tb, strings.Join(words, " "))
	t.Logf("%d threads, %d pages and %d forms were looked at in the browser in %s", (len(words)+99)/100, looked, forms, time.Since(shown).Round(time.Millisecond))
}

// dialogs fails the test when a dialog would pass unnoticed.
func (tb *tab) dialogs() {
	tb.t.Helper()
	tb.announce("a dialog opened (alert): just to see")
	tb.visit("/about")
	eval[bool](tb, "setTimeout(() => alert('just to see')), true")
	noticed := func() bool {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		return slices.ContainsFunc(tb.problems, func(p string) bool { return strings.Contains(p, "just to see") })
	}
	comesTrue(tb.t, "a dialog is noticed", noticed)
	call(tb, chromepage.HandleJavaScriptDialog, chromepage.HandleJavaScriptDialogParams{Accept: true})
}

// comments sends each string as a comment, and answers their ids.
func (g *gallery) comments(t *testing.T, words []string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for i, w := range words {
		if i%100 == 0 { // as many as a page holds
			g.post = g.member.Write("room", fmt.Sprint("The gallery ", i), "Hung.")
		}
		if a := g.member.Post(fmt.Sprintf("/p/%d/comments", postID(t, g.post)), "body", w); a.Status == 422 && strings.Contains(a.Body, "A text has at most") {
			g.refused++ // a program of brackets and exclamation marks may look like forty pictures
		} else {
			ids[strings.TrimPrefix(want(t, a, 303).Location, "/comments/")] = w
		}
	}
	return ids
}

// readComments opens the threads in the browser, and compares what the forms to edit their comments hold.
func (g *gallery) readComments(tb *tab, ids map[string]string) {
	tb.t.Helper()
	for id := int64(2); id <= postID(tb.t, g.post); id++ {
		tb.visit(fmt.Sprintf("/p/%d?sort=time", id))
		if n := eval[int](tb, "document.querySelectorAll('#comments script, #comments iframe, #comments [onerror], #comments [onload], #comments [style]').length"); n > 0 {
			tb.t.Errorf("post %d has %d elements that no comment may have", id, n)
		}
	}
	list := string(take(json.Marshal(ids)))
	eval[bool](tb, `(async () => {
		const sent = `+list+`, todo = Object.keys(sent);
		window.differs = [];
		const shown = (s) => s.replace(/\r\n?/g, '\n').normalize('NFC').trim();
		await Promise.all([1, 2, 3, 4].map(async () => {
			for (let id; id = todo.pop();) {
				const page = new DOMParser().parseFromString(await (await fetch('/comments/' + id + '/edit', { headers: { 'HX-Request': 'true', 'HX-Request-Type': 'partial' } })).text(), 'text/html');
				const now = page.querySelector('textarea[name=body]')?.value ?? 'no form';
				if (shown(now) !== shown(sent[id])) window.differs.push(id + ': ' + now);
			}
		}));
		window.compared = true;
	})(), true`)
	tb.wait("window.compared")
	for _, d := range eval[[]string](tb, "window.differs") {
		tb.t.Errorf("the form to edit comment %.300q", d)
	}
}

// fill sends the strings into a slot. Each text that is taken is looked for on its page; the last ones are noted for the
// browser.
func (g *gallery) fill(t *testing.T, s slot, words []string, turn int) {
	t.Helper()
	var texts []string
	for i, text := range packed(words, s.most, s.line) {
		if *naughtyShare == 1 || (i+turn)%3 == 0 {
			texts = append(texts, text)
		}
	}
	if s.few {
		texts = texts[max(0, len(texts)-6):]
	}
	lost := 0
	defer func() {
		if lost > 3 {
			t.Errorf("%s: and %d more", s.name, lost-3)
		}
	}()
	for i, text := range texts {
		g.sent++
		a := s.send(i, text)
		if a.Status == http.StatusUnprocessableEntity {
			g.refused++
			page := parse(t, a)
			if reason := first(page.root, func(n *html.Node) bool { return class("field-error")(n) || class("is-danger")(n) && class("notice")(n) }); reason == nil {
				t.Errorf("%s: %.200q is refused without a reason", s.name, text)
			}
			continue
		}
		if a.Status >= http.StatusBadRequest {
			t.Errorf("%s: %.200q is answered %d\n%.500s", s.name, text, a.Status, visible(a.Body))
			continue
		}
		path, expected := s.page(i), asShown(text, s.line)
		if s.kept != nil {
			expected = s.kept(text)
		}
		if expected == "" {
			continue
		}
		if g.pages[s.as] == nil {
			g.pages[s.as] = map[string][]string{}
		}
		if found := holds(open(t, s.as, path), s.line); !found[expected] {
			if lost++; lost > 3 {
				continue
			}
			t.Errorf("%s: %s does not show %.200q", s.name, path, expected)
		} else if i == len(texts)-1 || i == len(texts)/2 && path != s.page(len(texts)-1) {
			g.pages[s.as][path] = append(g.pages[s.as][path], expected)
		}
	}
}

// holds are the texts of a page: of its elements, and of its fields.
func holds(p doc, line bool) map[string]bool {
	found := map[string]bool{}
	for n := range p.root.Descendants() {
		switch {
		case n.Type == html.TextNode:
			found[asShown(n.Data, line)] = true
		case n.Data == "input":
			found[asShown(attr(n, "value"), line)] = true
		case n.Data == "textarea":
			found[asShown(value(n), line)] = true
		}
	}
	return found
}

// lacks are those of the texts that the page does not show, as text or in a field.
func (tb *tab) lacks(texts []string) []string {
	tb.t.Helper()
	return eval[[]string](tb, `(() => {
		const seen = new Set(), add = (s) => { s = s.normalize('NFC'); seen.add(s.trim()); seen.add(s.split(/[\s\u0085]+/).filter(Boolean).join(' ')); };
		for (const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT); walk.nextNode();) add(walk.currentNode.data);
		document.querySelectorAll('input, textarea').forEach((e) => add(e.value));
		return `+string(take(json.Marshal(texts)))+`.filter((s) => !seen.has(s.trim()));
	})()`)
}

// slots are the fields whose text others come to read.
func (g *gallery) slots(t *testing.T) []slot {
	t.Helper()
	fixed := func(path string) func(int) string { return func(int) string { return path } }
	target := g.other.Write("room", "To be removed", "Soon.")
	edit := at(t, g.post, "edit")
	notes, sweep, flagged := "/moderation/members/crowd59", "", ""
	someone := func(i int) *apptest.Client { return g.crowd[i%(len(g.crowd)-1)] }
	about := func(c *apptest.Client, path string, pairs ...string) func(string, string) apptest.Answer {
		return func(name, text string) apptest.Answer {
			return c.Post(path, append(slices.Clone(pairs), name, text)...)
		}
	}
	fields := map[string]string{"name": "room", "description": "About"}
	channel := func(name string) func(int, string) apptest.Answer {
		return func(_ int, text string) apptest.Answer {
			before := fields[name]
			fields[name] = text
			a := g.admin.Post("/c/room/settings", "name", fields["name"], "description", fields["description"], "rules", fields["rules"])
			if a.Status != http.StatusSeeOther {
				fields[name] = before
			}
			return a
		}
	}
	site := func(name string, most int, line bool) slot {
		return slot{name: "site's " + name, most: most, line: line, as: g.admin, page: fixed("/admin/settings"),
			send: func(_ int, text string) apptest.Answer { return about(g.admin, "/admin/settings")(name, text) }}
	}
	written, removed, asks := "", false, map[*apptest.Client]bool{}
	return []slot{
		{name: "member's name", most: 60, line: true, as: g.member, page: fixed("/u/mira"), send: func(_ int, text string) apptest.Answer {
			return g.member.Post("/settings/profile", "name", text, "bio", "About")
		}},
		{name: "member's page", most: 1000, as: g.other, page: fixed("/settings"), send: func(_ int, text string) apptest.Answer {
			return g.other.Post("/settings/profile", "name", "Otto", "bio", text)
		}},
		{name: "channel's name", most: 60, line: true, as: g.mod, page: fixed("/c"), send: channel("name")},
		{name: "channel's description", most: 300, line: true, as: g.admin, page: fixed("/c/room/settings"), send: channel("description")},
		{name: "channel's rules", most: 3000, as: g.admin, page: fixed("/c/room/settings"), send: channel("rules")},
		{name: "post's title", most: 200, line: true, as: g.other, page: fixed("/c/room?sort=new"), send: func(_ int, text string) apptest.Answer {
			return g.member.Post("/c/room/posts", "title", text, "body", "Text")
		}},
		{name: "post's text", most: 3000, as: g.member, page: fixed(edit), send: func(_ int, text string) apptest.Answer {
			return g.member.Post(edit, "title", "The gallery", "body", text)
		}},
		{name: "draft's title", most: 3000, line: true, as: g.member, page: fixed("/c/room/new"), send: func(_ int, text string) apptest.Answer {
			return about(g.member, "/drafts", "place", "/c/room/posts", "body", "Begun", "tags", "one, two")("title", strings.Join(strings.Fields(text), " "))
		}},
		{name: "draft's text", most: 3000, as: g.other, page: fixed("/c/room/new"), send: func(_ int, text string) apptest.Answer {
			return about(g.other, "/drafts", "place", "/c/room/posts", "title", "Begun")("body", text)
		}},
		{name: "note of a flag", most: 500, as: g.mod, page: func(int) string { return flagged }, send: func(i int, text string) apptest.Answer {
			c := someone(i)
			written = g.other.Comment(target, "", "Flag me")
			a := c.Post("/flag", "subject", "comment:"+written, "reason", "other", "note", text)
			if a.Status == http.StatusSeeOther {
				flagged = caseAt(g.caseOf(t, written), "")
			}
			return a
		}},
		{name: "reason of a removal", most: 400, as: g.other, page: func(int) string { return target }, send: func(_ int, text string) apptest.Answer {
			if removed {
				want(t, g.mod.Post(at(t, target, "undelete")), 303)
			}
			a := g.mod.Post(at(t, target, "remove"), "why", "other", "note", text)
			removed = a.Status == http.StatusSeeOther
			return a
		}},
		{name: "staff note", most: 2000, as: g.mod, page: fixed(notes), send: func(_ int, text string) apptest.Answer {
			return about(g.mod, notes+"/notes")("note", text)
		}},
		{name: "reason of a suspension", most: 500, as: g.admin, page: fixed(notes), send: func(_ int, text string) apptest.Answer {
			return g.mod.Post(notes+"/bar", "kind", "suspend", "for", "1d", "reason", text)
		}},
		{name: "word to watch", most: 100, line: true, few: true, kept: db.FoldWatched, as: g.admin, page: fixed("/moderation/words"), send: func(_ int, text string) apptest.Answer {
			return g.mod.Post("/moderation/words", "word", text)
		}},
		{name: "reason of a ban", most: 500, as: g.mod, page: fixed("/moderation/bans"), send: func(i int, text string) apptest.Answer {
			return g.mod.Post("/moderation/bans", "kind", "mail", "value", fmt.Sprintf("m%d.example", i), "for", "1d", "reason", text)
		}},
		{name: "note of an invite", most: 100, line: true, few: true, as: g.mod, page: fixed("/settings/invites"), send: func(_ int, text string) apptest.Answer {
			return g.mod.Post("/settings/invites", "uses", "1", "hours", "24", "note", text)
		}},
		{name: "wish to join", most: 500, as: g.admin, page: fixed("/c/room/members"), send: func(i int, text string) apptest.Answer {
			c := someone(i)
			if asks[c] {
				want(t, g.admin.Post(fmt.Sprintf("/c/room/requests/%d", c.Viewer.ID), "let", "out"), 303)
			}
			a := c.Post("/c/room/ask", "note", text)
			asks[c] = a.Status == http.StatusSeeOther
			return a
		}},
		{name: "reason of a sweep", most: 500, few: true, as: g.mod, page: func(int) string { return sweep }, send: func(i int, text string) apptest.Answer {
			a := g.mod.Post("/moderation/sweeps", "member", someone(i).Viewer.Handle, "reason", text)
			sweep = a.Location
			return a
		}},
		{name: "answer at the door", most: 1000, few: true, as: g.mod, page: fixed("/moderation/registrations"), send: func(i int, text string) apptest.Answer {
			done(g.DB.SetSetting(t.Context(), db.SettingRegistration, string(db.RegistrationApproval)))
			return g.Guest().Post("/register", "handle", fmt.Sprint("asks", i), "email", fmt.Sprintf("asks%d@example.org", i), "password", apptest.Password, "answer", text)
		}},
		site(db.SettingSiteName, 40, true), site(db.SettingWelcome, 120, true), site(db.SettingRules, 3000, false), site(db.SettingQuestion, 200, true),
		{name: "site's contact", most: 200, line: true, as: g.admin, page: fixed("/admin/settings"), send: func(_ int, text string) apptest.Answer {
			return g.admin.Post("/admin/settings", db.SettingContact, text)
		}},
	}
}

// caseOf is the open case about a comment.
func (g *gallery) caseOf(t *testing.T, comment string) int64 {
	t.Helper()
	ask := db.CaseFilter{Kind: "flag"}
	for {
		list := take(g.DB.Cases(t.Context(), g.mod.Viewer, ask))
		for _, c := range list {
			if fmt.Sprint(c.CommentID) == comment {
				return c.ID
			}
		}
		if len(list) < db.CasesAPage {
			t.Fatalf("no case is about comment %s", comment)
		}
		ask.After = list[len(list)-1].Cursor()
	}
}
