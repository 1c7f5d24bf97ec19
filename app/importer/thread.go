package importer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Earlier is a comment that already stands under the same post of the source.
type Earlier struct {
	ID      int64  // of the comment, as the caller wants it back
	UserID  int64  // 0: a deleted user, then the name is all there is
	Name    string // the user's display name
	Created int64
}

// ReplyTo finds the earlier comment that a comment answers: one that begins
// with @Name, where Name follows the source's own rule (the start of a display
// name without its spaces, in any case, at least three letters). It answers
// only when it is sure: exactly one person among the earlier commenters and the
// author of the post fits, that person is not the writer, and has commented
// before. Of their comments the latest is taken. False in all other cases; the
// comment then belongs directly under its post.
//
// earlier holds the comments of one post of the source; a comment at or after
// created is ignored. Cost: one pass over earlier.
func ReplyTo(text string, userID, created int64, earlier []Earlier, author Earlier) (id int64, ok bool) {
	name := addressed(text)
	if utf8.RuneCountInString(name) < 3 {
		return 0, false
	}
	type person struct {
		id   int64
		name string
	}
	var found person
	var latest Earlier
	people, exact := 0, false
	consider := func(e Earlier) {
		folded := foldName(e.Name)
		if !strings.HasPrefix(folded, name) || e.UserID != 0 && e.UserID == userID {
			return
		}
		p := person{e.UserID, folded}
		if p.id != 0 {
			p.name = "" // a user who was renamed is one person
		}
		whole := folded == name
		switch {
		case people == 0 || whole && !exact:
			found, people, exact, latest = p, 1, whole, Earlier{}
		case p != found && whole == exact:
			people++
		}
		if p == found && e.ID != 0 && (latest.ID == 0 || e.Created >= latest.Created) {
			latest = e
		}
	}
	consider(Earlier{UserID: author.UserID, Name: author.Name})
	for _, e := range earlier {
		if e.Created < created {
			consider(e)
		}
	}
	if people != 1 {
		return 0, false
	}
	return latest.ID, latest.ID != 0
}

// addressed is the folded name that a comment begins with, "" without one.
func addressed(text string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "@")
	if !ok {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",:;!?()[]/\"—–…", r)
	})
	if end >= 0 {
		rest = rest[:end]
	}
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, "'s"), "’s")
	return foldName(strings.TrimRight(rest, ".-'"))
}

func foldName(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	return strings.Join(strings.Fields(s), "")
}
