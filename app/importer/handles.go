package importer

import (
	"strconv"
	"strings"

	"github.com/gosimple/unidecode"
	"golang.org/x/text/unicode/norm"
)

// Handle makes a handle for an imported member: the display name in compatible
// form (NFKC), written in Latin letters, in lower case, with - for spaces, 3 to
// 30 of letters, digits, _ . and -. A name of which too little is left becomes
// member-ID. If that handle is taken, the source's id is appended (and the name
// shortened to make room), and then -2, -3 …, so that the result is always
// free. The same names in the same order give the same handles.
//
// taken is asked with the lower-case handle. It should say yes to reserved
// words as well. The work is bounded by the number of equal names.
func Handle(id int64, name string, taken func(handle string) bool) string {
	if id < 0 {
		id = -id // the source's own robot is -1
	}
	ext := strconv.FormatInt(id, 10)
	h := handleBase(name)
	if len(h) < 3 || strings.Trim(h, "0123456789_.-") == "" {
		h = "member-" + ext
	}
	if !taken(h) {
		return h
	}
	h = withSuffix(handleBase(name), ext)
	for n := 2; taken(h); n++ {
		h = withSuffix(handleBase(name), ext+"-"+strconv.Itoa(n))
	}
	return h
}

func withSuffix(base, suffix string) string {
	if room := 30 - len(suffix) - 1; len(base) > room {
		base = strings.Trim(base[:max(room, 0)], "_.-")
	}
	if base == "" {
		base = "member"
	}
	return base + "-" + suffix
}

func handleBase(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(unidecode.Unidecode(norm.NFKC.String(name))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '_' || r == '.' || r == '-':
			b.WriteRune(r)
		case r == '\'' || r == '"' || r == '`':
			// O'Brien is obrien
		default:
			b.WriteByte('-')
		}
		if b.Len() > 200 {
			break
		}
	}
	h := b.String()
	for _, twice := range []string{"--", "..", "-.", ".-", "_-", "-_"} {
		for strings.Contains(h, twice) {
			h = strings.ReplaceAll(h, twice, twice[:1])
		}
	}
	h = strings.Trim(h, "_.-")
	if len(h) > 30 {
		h = strings.TrimRight(h[:30], "_.-")
	}
	return h
}
