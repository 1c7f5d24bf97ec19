package importer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxComment bounds a comment's text, in bytes (the source allows 600
// characters). It keeps the patterns below far from any input that hurts.
const maxComment = 4 << 10

var (
	commentLink = regexp.MustCompile(`^\[([^\[\]\n]+)\]\(<?((?:https?:)?/[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"\n]*")?\)`)
	commentURL  = regexp.MustCompile(`^https?://[^\s<>"` + "`" + `]+`)
	magicLink   = regexp.MustCompile(`^\[([A-Za-z0-9][A-Za-z0-9:./+#-]{0,60})\]`)
	strongText  = regexp.MustCompile(`^(\*\*|__)([^\s*_](?:[^\n]*?[^\s\\])??)(\*\*|__)`)
	emText      = regexp.MustCompile(`^([*_])([^\s*_](?:[^*_\n]*?[^\s\\*_])??)([*_])`)
)

// Comment converts a comment. The source's comments are plain text with a few
// marks: `code`, *em*, **strong**, [text](address), bare addresses, and magic
// words in brackets. Those are kept; everything else is escaped, so that what
// would be a heading, a list, a table, HTML, a mention, a channel or an emoji
// here stays the text that it was. Line breaks stay in the source, and are
// spaces for the reader, as they were.
func (c *Converter) Comment(text string, resolve Resolve) (Text, error) {
	if len(text) > maxComment {
		return Text{}, ErrTooLarge
	}
	w := commentWriter{site: c.site, resolve: resolve}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(strings.TrimSpace(cleanText(text)), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i]) // four spaces would be code, two at the end a break
	}
	w.inline(strings.Join(lines, "\n"), true)
	return Text{Markdown: w.out.String(), Unresolved: w.unresolved}, nil
}

type commentWriter struct {
	site       *Site
	resolve    Resolve
	out        strings.Builder
	unresolved []Ref
}

func (w *commentWriter) inline(s string, links bool) {
	for i := 0; i < len(s); {
		rest, before := s[i:], lastRune(s[:i])
		if n := w.span(rest, before, links); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		w.plain(r, s, i, size)
		i += size
	}
}

// span writes what begins at the start of s if that is a mark of the source,
// and returns its length; 0 when it is text.
func (w *commentWriter) span(s string, before rune, links bool) int {
	switch {
	case s[0] == '\\' && len(s) > 1 && strings.IndexByte("\\`*_[]()", s[1]) >= 0:
		w.out.WriteString(s[:2])
		return 2
	case s[0] == '`':
		fence := len(s) - len(strings.TrimLeft(s, "`"))
		end := closingFence(s[fence:], fence)
		if end < 0 || strings.TrimSpace(s[fence:fence+end]) == "" {
			return 0
		}
		w.out.WriteString(codeSpan(strings.TrimSpace(s[fence : fence+end])))
		return fence + end + fence
	case links && s[0] == '[':
		if m := commentLink.FindStringSubmatch(s); m != nil {
			w.link(m[1], m[2])
			return len(m[0])
		}
		if m := magicLink.FindStringSubmatch(s); m != nil && !isWord(before) {
			if text, href, ok := w.site.magic(m[1]); ok {
				w.link(text, href)
				return len(m[0])
			}
		}
	case s[0] == 'h' && !isWord(before):
		if m := commentURL.FindString(s); m != "" {
			return w.address(m, links)
		}
	case s[0] == '*' || s[0] == '_' && !isWord(before):
		for _, re := range []*regexp.Regexp{strongText, emText} {
			m := re.FindStringSubmatch(s)
			if m == nil || m[1] != m[3] || strings.Contains(m[2], "`") || strings.Contains(m[2], "](") || strings.Contains(m[2], "://") {
				continue
			}
			if after, _ := utf8.DecodeRuneInString(s[len(m[0]):]); s[0] == '_' && isWord(after) || after == rune(s[0]) {
				continue
			}
			// A delimiter between a letter and a mark is none (see freeEdges).
			first, _ := utf8.DecodeRuneInString(m[2])
			after, _ := utf8.DecodeRuneInString(s[len(m[0]):])
			if isWord(before) && !isWord(first) || isWord(after) && len(s) > len(m[0]) && !isWord(lastRune(m[2])) {
				continue
			}
			mark := strings.Repeat("*", len(m[1]))
			w.out.WriteString(mark)
			w.inline(m[2], links)
			w.out.WriteString(mark)
			return len(m[0])
		}
	}
	return 0
}

// address writes a bare address. Punctuation at its end belongs to the
// sentence, a closing bracket only if none was opened inside.
func (w *commentWriter) address(url string, links bool) int {
	for url != "" {
		last := url[len(url)-1]
		if strings.IndexByte(".,;:!?'*_~]}", last) >= 0 || last == ')' && strings.Count(url, "(") < strings.Count(url, ")") {
			url = url[:len(url)-1]
			continue
		}
		break
	}
	if i := strings.Index(url, "://"); i < 0 || len(url) == i+3 {
		return 0
	}
	if !links {
		w.text(url)
		return len(url)
	}
	href, ref, missing := w.site.rewrite(url, w.resolve)
	if missing {
		w.unresolved = append(w.unresolved, ref)
	}
	if href == url {
		w.out.WriteString("<" + strings.ReplaceAll(url, `\`, "%5C") + ">")
	} else {
		w.out.WriteString("[")
		w.text(url)
		w.out.WriteString("](" + destination(href) + ")")
	}
	return len(url)
}

func (w *commentWriter) link(text, href string) {
	href, ref, missing := w.site.rewrite(href, w.resolve)
	if missing {
		w.unresolved = append(w.unresolved, ref)
	}
	w.out.WriteString("[")
	w.inline(text, false)
	w.out.WriteString("](" + destination(href) + ")")
}

var inDestination = strings.NewReplacer(" ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C", "\n", "%0A")

func destination(href string) string { return inDestination.Replace(href) }

func (w *commentWriter) text(s string) {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		w.plain(r, s, i, size)
		i += size
	}
}

// plain writes one character of text at s[i:], escaped if it would mean something.
func (w *commentWriter) plain(r rune, s string, i, size int) {
	line := s[strings.LastIndexByte(s[:i], '\n')+1 : i] // what stands before it on its line
	before := lastRune(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+size:])
	start := line == "" && (i == 0 || before == '\n') && !strings.HasSuffix(w.out.String(), "*")
	escape := false
	switch r {
	case '\\', '`', '*', '[', ']', '~', '|':
		escape = true
	case '_':
		escape = !isWord(before) || !isWord(after)
	case '<':
		escape = unicode.IsLetter(after) || strings.ContainsRune("/!?", after)
	case '&':
		escape = entityLike.MatchString(s[i:min(len(s), i+40)]) && entityLike.FindStringIndex(s[i:min(len(s), i+40)])[0] == 0
	case '@':
		escape = isWord(after) && !isWord(before)
	case '#':
		escape = start || isWord(after) && !isWord(before)
	case ':':
		escape = emojiName([]byte(s[i+1 : min(len(s), i+80)]))
	case '!':
		escape = after == '['
	case '>', '-', '+', '=':
		escape = start
	case '.', ')':
		escape = line != "" && len(line) <= 9 && strings.Trim(line, "0123456789") == ""
	}
	if escape {
		w.out.WriteByte('\\')
	}
	w.out.WriteRune(r)
}

func lastRune(s string) rune {
	r, size := utf8.DecodeLastRuneInString(s)
	if size == 0 {
		return ' '
	}
	return r
}

// closingFence finds a run of exactly n backticks in s, or -1.
func closingFence(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		j := i
		for j < len(s) && s[j] == '`' {
			j++
		}
		if j-i == n {
			return i
		}
		i = j
	}
	return -1
}

// magic gives text and address of a magic word of the source's comments, as its
// help page on comment formatting lists them. [edit] has none here: the source links it to the editor of the post, which needs an account there.
func (s *Site) magic(word string) (text, href string, ok bool) {
	base := s.base.String()
	lower := strings.ToLower(word)
	if tag, ok := strings.CutPrefix(word, "tag:"); ok && tag != "" {
		return tag, base + "questions/tagged/" + tag, true
	}
	if tag, ok := strings.CutPrefix(word, "meta-tag:"); ok && tag != "" {
		return tag, s.sibling(true) + "questions/tagged/" + tag, true
	}
	if page, ok := strings.CutPrefix(lower, "help/"); ok && page != "" {
		return "help center", base + "help/" + page, true
	}
	if name, ok := strings.CutSuffix(lower, ".se"); ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.") == "" {
		return word, "https://" + name + ".stackexchange.com/", true
	}
	switch lower {
	case "ask":
		return "How to Ask", base + "help/how-to-ask", true
	case "answer":
		return "How to Answer", base + "help/how-to-answer", true
	case "help", "faq":
		return "help center", base + "help", true
	case "tour", "about":
		return "tour", base + "tour", true
	case "mcve", "mre", "repro":
		return "minimal reproducible example", base + "help/minimal-reproducible-example", true
	case "chat":
		return "chat", "https://chat.stackexchange.com/", true
	case "meta":
		return "meta", s.sibling(true), true
	case "main":
		return "main", s.sibling(false), true
	case "se":
		return "Stack Exchange", "https://stackexchange.com/", true
	case "so":
		return "Stack Overflow", "https://stackoverflow.com/", true
	case "su":
		return "Super User", "https://superuser.com/", true
	case "sf":
		return "Server Fault", "https://serverfault.com/", true
	case "mse":
		return "Meta Stack Exchange", "https://meta.stackexchange.com/", true
	}
	return "", "", false
}

// sibling is the site's meta, or the site that it is the meta of.
func (s *Site) sibling(meta bool) string {
	host := s.base.Host
	name, of, onNetwork := strings.Cut(host, ".stackexchange.com")
	switch {
	case onNetwork && of == "" && meta && !strings.HasSuffix(name, "meta"):
		host = name + ".meta.stackexchange.com"
	case onNetwork && of == "" && !meta:
		host = strings.TrimSuffix(name, ".meta") + ".stackexchange.com"
	case !onNetwork && meta && !strings.HasPrefix(host, "meta."):
		host = "meta." + host
	case !onNetwork && !meta:
		host = strings.TrimPrefix(host, "meta.")
	}
	return "https://" + host + "/"
}
