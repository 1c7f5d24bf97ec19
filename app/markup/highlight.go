package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/util"
)

// The classes of a token, which the style sheet knows by the names that highlighters have agreed on.
const (
	keyword  = "k"
	literal  = "s" // text
	number   = "mi"
	function = "nf" // the name of a function, a key, an attribute
	comment  = "c1"
)

// language is what the scanner has to know of a language. It is a scanner of our own, linear in the code, because the
// lexers of chroma search with backtracking: 4 KiB of "[" called YAML took 2.5 s, line ends called C 1.5 s, and of 60
// languages none but a few stayed below 50 ms on hostile text. It tells five kinds of token apart; that is all that
// the style sheet colours.
type language struct {
	comments   []string // that end with the line
	open, shut string   // a comment that may go on over lines
	quotes     string   // of text that ends with the line
	blocks     []string // quotes of text that may go on over lines
	keywords   map[string]bool
	fold       bool   // keywords in any case
	joins      string // what belongs to a word beside letters, digits and _
	keys       bool   // a word or text before a colon is a key
	scan       func(*painter, string)
}

func set(s string) map[string]bool {
	in := map[string]bool{}
	for _, w := range strings.Fields(s) {
		in[w] = true
	}
	return in
}

// languages are known by the word after the fence, in lower case.
var languages = func() map[string]*language {
	all := map[string]*language{}
	add := func(names string, l language) {
		for _, name := range strings.Fields(names) {
			all[name] = &l
		}
	}
	const cFamily = "break case const continue default do else enum false for goto if null return static struct switch true union void volatile while " +
		"auto bool char double float int long short signed unsigned extern inline register sizeof typedef "
	c := language{comments: []string{"//"}, open: "/*", shut: "*/", quotes: `"'`}
	with := func(l language, keywords string) language { l.keywords = set(keywords); return l }
	add("c h cpp c++ cc hpp objc arduino", with(c, cFamily+"alignas class constexpr catch delete explicit export friend namespace new noexcept nullptr operator override private protected public template this throw try typename using virtual concept co_await requires"))
	add("java kotlin kt scala groovy csharp cs c# dart", with(c, cFamily+"abstract as async await base boolean byte catch class companion data decimal def dynamic extends final finally foreach fun get given implements implicit import in instanceof interface internal is lateinit lazy match namespace new object open out override package private protected public readonly record sealed set string super suspend synchronized this throw throws trait try typeof using val var virtual when where with yield"))
	script := c
	script.blocks = []string{"`"}
	add("javascript js jsx typescript ts tsx mjs", with(script, "abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in instanceof interface keyof let namespace never new null number of private protected public readonly return satisfies set static string super switch this throw true try type typeof undefined unknown var void while with yield"))
	goLike := script
	add("go golang", with(goLike, "any bool break byte case chan complex128 complex64 const continue default defer else error fallthrough false float32 float64 for func go goto if import int int16 int32 int64 int8 interface iota map nil package range return rune select string struct switch true type uint uint16 uint32 uint64 uint8 uintptr var"))
	rust := c
	rust.quotes = `"` // an apostrophe begins a lifetime
	add("rust rs swift zig aiken", with(rust, "Self as async await bool break case catch char class comptime const continue crate default defer do dyn else enum errdefer export extension extern f32 f64 false fn for func guard i128 i16 i32 i64 i8 if impl import in init inout isize let loop macro_rules match mod move mut nil null override private protocol pub public ref return self static str struct super switch throw throws trait true try type u128 u16 u32 u64 u8 undefined union unsafe use usize validator var when where while"))
	add("php", with(language{comments: []string{"//", "#"}, open: "/*", shut: "*/", quotes: `"'`}, "abstract and array as break case catch class const continue declare default do echo else elseif extends false final finally fn for foreach function global if implements include instanceof interface match namespace new null or private protected public readonly require return static switch this throw trait true try use var while yield"))
	add("python py python3", with(language{comments: []string{"#"}, blocks: []string{`"""`, "'''"}, quotes: `"'`}, "False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return self try while with yield"))
	hash := language{comments: []string{"#"}, quotes: `"'`}
	add("ruby rb elixir ex crystal julia jl", with(hash, "BEGIN END abstract alias and begin break case class cond def defmodule defp do else elsif end ensure false fn for function if import in let loop macro module mutable next nil not or quote raise redo require rescue retry return self struct super then true undef unless until use using when where while with yield"))
	add("bash sh shell zsh console fish", with(hash, "alias case cd do done echo elif else esac eval exec exit export fi for function if in local read return set shift source sudo then trap unset until while"))
	add("powershell ps1 perl pl r make makefile docker dockerfile nix cmake nginx awk tcl", with(hash, "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FALSE FROM NULL RUN TRUE USER VOLUME WORKDIR and assert begin break default define do else elseif elsif end endef endif false for foreach function if ifdef ifeq ifndef ifneq import in include inherit last let library listen local location my next not or our param process proxy_pass rec repeat return root server set sub then true try unless until upstream use while with"))
	add("lua", with(language{comments: []string{"--"}, open: "--[[", shut: "]]", quotes: `"'`}, "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"))
	add("haskell hs elm purescript plutus agda", with(language{comments: []string{"--"}, open: "{-", shut: "-}", quotes: `"`, joins: "'"}, "as case class data default deriving do else exposing family forall foreign hiding if import in infix infixl infixr instance let mdo module newtype of port qualified then type where"))
	add("ocaml ml fsharp fs", with(language{comments: []string{"//"}, open: "(*", shut: "*)", quotes: `"`, joins: "'"}, "and as begin class do done downto else end exception external false for fun function functor if in include inherit initializer lazy let match method module mutable new object of open or private rec sig struct then to true try type val virtual when while with"))
	add("sql sqlite postgres postgresql mysql plsql", language{comments: []string{"--"}, open: "/*", shut: "*/", quotes: `"'`, fold: true, keywords: set("add all alter and as asc begin between bigint boolean by case check commit conflict constraint create cross default delete desc distinct do drop else end exists explain foreign from full group having if in index inner insert integer into is join key left like limit not null nothing offset on or order outer over partition primary references returning right rollback select set table text then transaction trigger union unique update using values varchar view when where with")})
	add("lisp scheme clojure clj elisp racket", with(language{comments: []string{";"}, quotes: `"`, joins: "-?!*"}, "begin case cond def define defmacro defn defun do else fn if lambda let let* letrec loop ns quote recur require set! t when nil"))
	add("css scss sass less", language{comments: []string{"//"}, open: "/*", shut: "*/", quotes: `"'`, joins: "-@", keys: true, keywords: set("@media @import @layer @container @supports @font-face @keyframes @include @mixin @use important")})
	add("json json5 jsonc", language{comments: []string{"//"}, open: "/*", shut: "*/", quotes: `"`, keys: true, keywords: set("true false null")})
	add("yaml yml toml ini conf properties env terraform hcl graphql proto protobuf", language{comments: []string{"#"}, quotes: `"`, joins: "-", keys: true, keywords: set("true false null yes no on off type query mutation fragment input enum interface message service rpc returns repeated optional string resource variable module provider output data locals")})
	add("html xml svg vue svelte templ xhtml", language{open: "<!--", shut: "-->", scan: scanTags})
	add("diff patch", language{scan: scanDiff})
	return all
}()

// maxTokens is the most spans in one block; what comes after is plain. A token of one byte becomes 28, and 64 KiB of
// them would be refused for their output where a text of that length is not.
const maxTokens = 8000

// painter writes code, escaped, with a span around each token.
type painter struct {
	w      util.BufWriter
	tokens int
}

func (p *painter) plain(s string) { _, _ = p.w.Write(util.EscapeHTML([]byte(s))) }

func (p *painter) token(class, s string) {
	if p.tokens++; s == "" || p.tokens > maxTokens {
		p.plain(s)
		return
	}
	_, _ = p.w.WriteString(`<span class="` + class + `">`)
	p.plain(s)
	_, _ = p.w.WriteString("</span>")
}

// highlight writes the code with its tokens, or nothing and false for a language that is not known.
func highlight(w util.BufWriter, name, code string) bool {
	l := languages[strings.ToLower(name)]
	if l == nil {
		return false
	}
	p := &painter{w: w}
	if l.scan != nil {
		l.scan(p, code)
	} else {
		l.scanWords(p, code)
	}
	return true
}

func (l *language) scanWords(p *painter, code string) {
	start := 0 // of what is plain so far
	emit := func(class string, i, end int) int {
		p.plain(code[start:i])
		p.token(class, code[i:end])
		start = end
		return end
	}
	for i := 0; i < len(code); {
		rest := code[i:]
		if end := l.comment(rest); end > 0 {
			i = emit(comment, i, i+end)
			continue
		}
		if end := l.text(rest); end > 0 {
			class := literal
			if l.keys && colonAfter(rest[end:]) {
				class = function
			}
			i = emit(class, i, i+end)
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		if !l.inWord(r) {
			i += size
			continue
		}
		end := 0
		for end < len(rest) {
			next, n := utf8.DecodeRuneInString(rest[end:])
			if !l.inWord(next) && (next != '.' || r < '0' || r > '9' || end+1 >= len(rest) || rest[end+1] < '0' || rest[end+1] > '9') {
				break
			}
			end += n
		}
		word := rest[:end]
		switch {
		case r >= '0' && r <= '9':
			i = emit(number, i, i+end)
		case l.keywords[word], l.fold && len(word) < 20 && l.keywords[strings.ToLower(word)]:
			i = emit(keyword, i, i+end)
		case strings.HasPrefix(rest[end:], "("), l.keys && colonAfter(rest[end:]):
			i = emit(function, i, i+end)
		default:
			i += end
		}
	}
	p.plain(code[start:])
}

func (l *language) inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || r < utf8.RuneSelf && strings.ContainsRune(l.joins, r)
}

// comment is the length of the comment that s begins with.
func (l *language) comment(s string) int {
	if l.open != "" && strings.HasPrefix(s, l.open) {
		if i := strings.Index(s[len(l.open):], l.shut); i >= 0 {
			return len(l.open) + i + len(l.shut)
		}
		return len(s)
	}
	for _, c := range l.comments {
		if strings.HasPrefix(s, c) {
			return lineLength(s)
		}
	}
	return 0
}

// text is the length of the quoted text that s begins with.
func (l *language) text(s string) int {
	for _, q := range l.blocks {
		if strings.HasPrefix(s, q) {
			if i := strings.Index(s[len(q):], q); i >= 0 {
				return 2*len(q) + i
			}
			return len(s)
		}
	}
	if !strings.ContainsRune(l.quotes, rune(s[0])) {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[0]:
			return i + 1
		case '\n':
			return i
		case '\\':
			if i+1 < len(s) && s[i+1] != '\n' {
				i++
			}
		}
	}
	return len(s)
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// colonAfter looks past at most 8 blanks, so that the scan stays linear.
func colonAfter(s string) bool {
	for i := 0; i < len(s) && i < 8; i++ {
		if s[i] != ' ' {
			return s[i] == ':'
		}
	}
	return false
}

// scanTags colours the names, attributes and values of tags, and comments.
func scanTags(p *painter, code string) {
	for code != "" {
		i := strings.IndexByte(code, '<')
		if i < 0 {
			break
		}
		p.plain(code[:i])
		code = code[i:]
		if strings.HasPrefix(code, "<!--") {
			end := len(code)
			if j := strings.Index(code, "-->"); j >= 0 {
				end = j + len("-->")
			}
			p.token(comment, code[:end])
			code = code[end:]
			continue
		}
		end := strings.IndexByte(code, '>') + 1
		if end == 0 {
			break
		}
		name := strings.IndexAny(code[:end], " \t\n>")
		p.plain("<")
		p.token(keyword, code[1:name])
		attribute := language{quotes: `"'`, joins: "-:@."}
		attribute.scanWords(p, code[name:end])
		code = code[end:]
	}
	p.plain(code)
}

// scanDiff colours what was added, what was taken away, and where.
func scanDiff(p *painter, code string) {
	for line := range strings.Lines(code) {
		switch line[0] {
		case '+':
			p.token(literal, line)
		case '-':
			p.token(keyword, line)
		case '@':
			p.token(function, line)
		default:
			p.plain(line)
		}
	}
}
