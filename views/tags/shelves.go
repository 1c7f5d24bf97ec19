package tags

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"codex/db"
)

// mostShown is how many tags stand above the index, with what they are about.
const mostShown = 8

// shelf holds the tags of one first letter.
type shelf struct {
	id, letter string
	tags       []db.Tag
}

// shelves parts tags, the most used first, into those that stand out and an index of the others by their letter. A few
// need no index.
func shelves(tags []db.Tag) (most []db.Tag, index []shelf) {
	if len(tags) <= mostShown {
		return tags, nil
	}
	most = tags[:mostShown]
	rest := slices.Clone(tags[mostShown:])
	slices.SortFunc(rest, func(a, b db.Tag) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range rest {
		r, _ := utf8.DecodeRuneInString(t.Name)
		letter := string(unicode.ToUpper(r))
		if !unicode.IsLetter(r) {
			letter = "0–9"
		}
		if n := len(index); n == 0 || index[n-1].letter != letter {
			index = append(index, shelf{id: strconv.Itoa(n), letter: letter})
		}
		last := &index[len(index)-1]
		last.tags = append(last.tags, t)
	}
	return most, index
}
