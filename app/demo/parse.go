package demo

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"codex/db"
)

// The format.
//
// members.txt and channels.txt are records, a line of --- between two. A record is lines of "key: value"; a value goes
// on in the lines after it that are indented by two spaces.
//
// A file in posts/ begins with such a record between two lines of ---, then comes the text, then each comment:
//
//	=== LEVEL HANDLE AGE [+LIKES] [-DISLIKES] [accepted] [deleted]
//	text
//
// Level 1 answers the post, level n+1 the last comment of level n above it. AGE is how long ago it was written, in days,
// hours and minutes: 12d, 3h20m. Comments that answer the same thing stand in the order in which they were written.
//
// Texts are Markdown. Each @handle and #channel in them must be one of the community's.

// community is the content, as read.
type community struct {
	members  []member
	channels []channel
	posts    []post // the order of their files
	byHandle map[string]int
	bySlug   map[string]int
}

type member struct {
	place
	handle, name, bio string
	role              db.Role
	signsIn           bool
	joined, seen      time.Duration // ago
	channels          []string      // joined without having written there
}

type channel struct {
	place
	slug, name, description, rules string
	created                        time.Duration
	owner                          string
	keepers                        []string
}

type post struct {
	place
	title, kind, body string
	channel, author   string
	tags              []string
	age, edited       time.Duration // edited 0: never
	likes, dislikes   int
	pinned, locked    bool
	comments          []comment
}

type comment struct {
	place
	level             int
	author, body      string
	parent            int // in the post's comments; -1: a root
	age               time.Duration
	likes, dislikes   int
	accepted, deleted bool
}

// place is where something stands in the files.
type place struct {
	file string
	line int
}

func (p place) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", p.file, p.line, fmt.Errorf(format, args...))
}

// parse reads and checks all of a content directory.
func parse(files fs.FS) (*community, error) {
	c := &community{byHandle: map[string]int{}, bySlug: map[string]int{}}
	for _, part := range []struct {
		file string
		add  func(*record) error
	}{{"members.txt", c.addMember}, {"channels.txt", c.addChannel}} {
		text, err := fs.ReadFile(files, part.file)
		if err != nil {
			return nil, fmt.Errorf("read content: %w", err)
		}
		records, err := records(part.file, 1, strings.Split(string(text), "\n"))
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if err := part.add(r); err != nil {
				return nil, err
			}
		}
	}
	names, err := fs.Glob(files, "posts/*.md")
	if err != nil {
		return nil, fmt.Errorf("read content: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read content: %w", err)
		}
		if err := c.addPost(name, string(text)); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

func (c *community) addMember(r *record) error {
	m := member{place: r.place, handle: r.need("handle"), name: r.need("name"), role: db.Role(r.oneOf("role", "member", "moderator", "admin")),
		joined: r.age("joined", true), seen: r.age("seen", false), bio: r.text("bio"), channels: strings.Fields(r.text("channels")), signsIn: r.yes("signs-in")}
	if err := r.done(); err != nil {
		return err
	}
	c.byHandle[m.handle] = len(c.members)
	c.members = append(c.members, m)
	return nil
}

func (c *community) addChannel(r *record) error {
	ch := channel{place: r.place, slug: r.need("slug"), name: r.need("name"), description: r.need("description"), rules: r.text("rules"),
		created: r.age("created", true), owner: r.need("owner"), keepers: strings.Fields(r.text("keepers"))}
	if err := r.done(); err != nil {
		return err
	}
	c.bySlug[ch.slug] = len(c.channels)
	c.channels = append(c.channels, ch)
	return nil
}

func (c *community) addPost(file, text string) error {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	end := 1
	for end < len(lines) && lines[end] != "---" {
		end++
	}
	if lines[0] != "---" || end == len(lines) {
		return place{file, 1}.errorf("a post begins with its fields between two lines of ---")
	}
	head, err := records(file, 2, lines[1:end])
	if err != nil {
		return err
	}
	if len(head) != 1 {
		return place{file, 1}.errorf("a post needs fields")
	}
	r := head[0]
	p := post{place: place{file, 1}, title: r.need("title"), channel: r.need("channel"), author: r.need("author"), kind: r.oneOf("kind", "discussion", "question"),
		age: r.age("age", true), edited: r.age("edited", false), likes: r.number("likes"), dislikes: r.number("dislikes"), pinned: r.yes("pinned"), locked: r.yes("locked")}
	tags := r.text("tags")
	var ok bool
	if p.tags, ok = db.ParseTags(tags); !ok {
		return p.errorf("tags %q are not at most %d tags", tags, db.MaxTags)
	}
	if err := r.done(); err != nil {
		return err
	}
	var texts [][]string
	text0 := []string{}
	current := &text0
	for i, line := range lines[end+1:] {
		if !strings.HasPrefix(line, "=== ") {
			*current = append(*current, line)
			continue
		}
		k, err := commentHead(place{file, end + 2 + i}, line)
		if err != nil {
			return err
		}
		p.comments = append(p.comments, k)
		texts = append(texts, nil)
		current = &texts[len(texts)-1]
	}
	p.body = body(text0)
	for i := range p.comments {
		p.comments[i].body = body(texts[i])
	}
	if err := p.nest(); err != nil {
		return err
	}
	c.posts = append(c.posts, p)
	return nil
}

func body(lines []string) string { return strings.Trim(strings.Join(lines, "\n"), "\n") }

// commentHead reads the line above a comment.
func commentHead(at place, line string) (comment, error) {
	k := comment{place: at}
	words := strings.Fields(line)[1:]
	if len(words) < 3 {
		return k, at.errorf("a comment begins with === LEVEL HANDLE AGE, not %q", line)
	}
	var err error
	if k.level, err = strconv.Atoi(words[0]); err != nil || k.level < 1 {
		return k, at.errorf("%q is no level", words[0])
	}
	k.author = words[1]
	if k.age, err = parseAge(words[2]); err != nil {
		return k, at.errorf("%w", err)
	}
	for _, w := range words[3:] {
		n, err := strconv.Atoi(w)
		switch {
		case w == "accepted":
			k.accepted = true
		case w == "deleted":
			k.deleted = true
		case err == nil && w[0] == '+':
			k.likes = n
		case err == nil && w[0] == '-':
			k.dislikes = -n
		default:
			return k, at.errorf("%q is none of +LIKES, -DISLIKES, accepted, deleted", w)
		}
	}
	return k, nil
}

// nest finds each comment's parent by its level.
func (p *post) nest() error {
	var open []int // the last comment of each level
	for i := range p.comments {
		k := &p.comments[i]
		if k.level > len(open)+1 {
			return k.errorf("level %d answers nothing: the comment above it has level %d", k.level, len(open))
		}
		k.parent = -1
		if open = open[:k.level-1]; len(open) > 0 {
			k.parent = open[len(open)-1]
		}
		open = append(open, i)
	}
	return nil
}

// record is a group of fields. Its readers remember the first error, for done.
type record struct {
	place
	fields map[string]field
	err    error
}

type field struct {
	place
	value string
}

var fieldPattern = regexp.MustCompile(`^([a-z-]+):(?: +(.*))?$`)

// records reads the lines of a file, or of a part of it that begins at a line.
func records(file string, first int, lines []string) ([]*record, error) {
	var all []*record
	var r *record
	var key string
	for i, line := range lines {
		at := place{path.Clean(file), first + i}
		if strings.TrimSpace(line) == "---" {
			r = nil
			continue
		}
		if more, ok := strings.CutPrefix(line, "  "); (ok || line == "") && r != nil && key != "" {
			f := r.fields[key]
			f.value += "\n" + more
			r.fields[key] = f
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		match := fieldPattern.FindStringSubmatch(line)
		if match == nil {
			return nil, at.errorf("%q is no field", line)
		}
		if r == nil {
			r = &record{place: at, fields: map[string]field{}}
			all = append(all, r)
		}
		key = match[1]
		if _, twice := r.fields[key]; twice {
			return nil, at.errorf("%s stands twice", key)
		}
		r.fields[key] = field{at, match[2]}
	}
	return all, nil
}

func (r *record) fail(at place, format string, args ...any) {
	if r.err == nil {
		r.err = at.errorf(format, args...)
	}
}

// take removes a field, so that done can tell which were not understood.
func (r *record) take(key string) (field, bool) {
	f, ok := r.fields[key]
	delete(r.fields, key)
	f.value = strings.TrimSpace(f.value)
	return f, ok && f.value != ""
}

func (r *record) text(key string) string {
	f, _ := r.take(key)
	return f.value
}

func (r *record) need(key string) string {
	f, ok := r.take(key)
	if !ok {
		r.fail(r.place, "%s is missing", key)
	}
	return f.value
}

// oneOf is the first value where the field is not there.
func (r *record) oneOf(key string, values ...string) string {
	f, ok := r.take(key)
	if !ok {
		return values[0]
	}
	for _, v := range values {
		if f.value == v {
			return v
		}
	}
	r.fail(f.place, "%s is one of %s, not %q", key, strings.Join(values, ", "), f.value)
	return ""
}

func (r *record) yes(key string) bool { return r.oneOf(key, "no", "yes") == "yes" }

func (r *record) number(key string) int {
	f, ok := r.take(key)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(f.value)
	if err != nil || n < 0 {
		r.fail(f.place, "%s is a number, not %q", key, f.value)
	}
	return n
}

func (r *record) age(key string, needed bool) time.Duration {
	f, ok := r.take(key)
	if !ok {
		if needed {
			r.fail(r.place, "%s is missing", key)
		}
		return 0
	}
	age, err := parseAge(f.value)
	if err != nil {
		r.fail(f.place, "%w", err)
	}
	return age
}

func (r *record) done() error {
	for key, f := range r.fields {
		r.fail(f.place, "%s is no field here", key)
	}
	return r.err
}

var agePattern = regexp.MustCompile(`^(?:(\d{1,4})d)?(?:(\d{1,2})h)?(?:(\d{1,2})m)?$`)

// parseAge reads 12d, 3h20m, 1d2h, 4m.
func parseAge(s string) (time.Duration, error) {
	match := agePattern.FindStringSubmatch(s)
	var age time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if match != nil && match[i+1] != "" {
			n, err := strconv.Atoi(match[i+1])
			if err != nil {
				return 0, fmt.Errorf("age %q: %w", s, err)
			}
			age += time.Duration(n) * unit
		}
	}
	if age == 0 {
		return 0, fmt.Errorf("%q is no age: days, hours, minutes, as in 1d2h30m", s)
	}
	return age, nil
}
