package importer_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"codex/app/importer"
	"codex/app/markup"
)

// forum finds the real dumps beside the repository, or skips.
func forum(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", "forum", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the test material is not beside the repository: %v", err)
	}
	return dir
}

// plainLinks finds the links that a comment writes as [text](address).
var plainLinks = regexp.MustCompile(`\[([^\[\]\n]+)\]\((?:https?:)?/[^\s)]*(?:\([^\s)]*\)[^\s)]*)*(?:\s+"[^"]*")?\)`)

var dumps = []string{"bicycles-meta-stackexchange", "cardano-stackexchange"}

func siteOf(t testing.TB, dir string) *importer.Site {
	t.Helper()
	base, ok := importer.GuessSite(dir)
	if !ok {
		t.Fatalf("no site for %s", dir)
	}
	site, err := importer.NewSite(base)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

var renderer = markup.New(markup.Options{})

// render is what a reader here gets.
func render(t testing.TB, source string) string {
	t.Helper()
	got, err := renderer.Render(source, markup.Refs{})
	if err != nil {
		t.Fatal(err)
	}
	return string(got.HTML)
}

// asHere makes of the source's HTML what our renderer makes of it on purpose: headings stand below the page's own (each is
// counted as h3 here, and its level is markup's to test), and a
// picture on another host is a link that says its text and where it leads, or that text in a link.
func asHere(root *html.Node) *html.Node {
	var all []*html.Node
	for n := range root.Descendants() {
		all = append(all, n)
	}
	for _, n := range all {
		switch n.Data {
		case "h1", "h2", "h3", "h4", "h5", "h6":
			n.Data = "h3"
		case "img":
			alt, src := "image", ""
			for _, a := range n.Attr {
				switch {
				case a.Key == "alt" && strings.TrimSpace(a.Val) != "":
					alt = strings.TrimSpace(a.Val)
				case a.Key == "src":
					src = a.Val
				}
			}
			if u, err := url.Parse(src); err == nil && u.Host != "" {
				alt += " (" + u.Host + ")"
			}
			n.Data, n.DataAtom = "a", atom.A
			if inLink(n) {
				n.Data, n.DataAtom = "span", atom.Span
			}
			n.AppendChild(&html.Node{Type: html.TextNode, Data: alt})
		}
	}
	return root
}

func inLink(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == "a" {
			return true
		}
	}
	return false
}

func parse(t testing.TB, source string) *html.Node {
	t.Helper()
	root := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(source), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root
}

const blockNames = " p li ul ol pre blockquote hr br h1 h2 h3 h4 h5 h6 table thead tbody tr td th div "

// shape is what must survive: the text a reader sees, white space folded; the
// exact content of each code block; and how often each element occurs.
type shape struct {
	text  string
	code  []string
	count map[string]int
}

func shapeOf(root *html.Node) shape {
	s := shape{count: map[string]int{}}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		block := n.Type == html.ElementNode && strings.Contains(blockNames, " "+n.Data+" ")
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case block:
			b.WriteByte(' ')
		}
		if n.Type == html.ElementNode {
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '3' && n.Data[1] <= '6' {
				s.count["h3"]++
			} else {
				s.count[n.Data]++
			}
		}
		if n.Data == "pre" {
			s.code = append(s.code, strings.TrimRight(text(n), "\n"))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if block {
			b.WriteByte(' ')
		}
	}
	walk(root)
	s.text = strings.Join(strings.Fields(b.String()), " ")
	return s
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// The posts of the two dumps whose shape changes, each with the reason. Every
// other post comes out with the same text, code blocks, links, pictures, items,
// quotes, headings and cells.
var changedShapes = map[string]string{
	"bicycles-meta-stackexchange a 608":  "an e-mail address that was no link becomes one (GFM autolinks)",
	"bicycles-meta-stackexchange a 627":  "a www. address that was no link becomes one",
	"bicycles-meta-stackexchange a 661":  "a www. address that was no link becomes one",
	"bicycles-meta-stackexchange a 1028": "addresses in an example of Markdown become links",
	"cardano-stackexchange a 2520":       "an address that was no link becomes one",
}

func TestEveryPostKeepsItsTextAndItsShape(t *testing.T) {
	t.Parallel()
	for _, name := range dumps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := forum(t, name)
			conv := importer.NewConverter(siteOf(t, dir))
			dump, err := importer.OpenDump(dir)
			if err != nil {
				t.Fatal(err)
			}
			posts, sameText, changed := 0, 0, 0
			err = dump.Posts(t.Context(), func(p importer.Post) error {
				posts++
				got, err := conv.HTML(p.Body, nil)
				if err != nil {
					t.Errorf("post %d: %v", p.ID, err)
					return nil
				}
				was, is := shapeOf(asHere(parse(t, p.Body))), shapeOf(parse(t, render(t, got.Markdown)))
				if was.text == is.text {
					sameText++
				} else {
					t.Errorf("post %d: the text changed\n%s", p.ID, firstDifference(was.text, is.text))
				}
				if !slices.Equal(was.code, is.code) {
					t.Errorf("post %d: code blocks changed:\n%q\n%q", p.ID, was.code, is.code)
				}
				for _, e := range strings.Fields("a img li ul ol blockquote pre h3 table tr td th hr kbd sub sup") {
					if was.count[e] == is.count[e] || e == "ul" && was.count["ul"]+1 == is.count["ul"] && was.count["li"] == is.count["li"] {
						continue // the second: items without a list get one
					}
					if key := fmt.Sprintf("%s %s %d", name, e, p.ID); changedShapes[key] != "" {
						changed++
					} else {
						t.Errorf("%s: %d became %d\n%s", key, was.count[e], is.count[e], got.Markdown)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for key := range changedShapes {
				if strings.HasPrefix(key, name) {
					changed--
				}
			}
			if changed != 0 {
				t.Error("changedShapes lists posts that do not change")
			}
			t.Logf("%d of %d posts have exactly the same visible text", sameText, posts)
		})
	}
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(s string) string { return fmt.Sprintf("%q", s[min(len(s), max(0, i-60)):min(len(s), i+60)]) }
	return cut(a) + "\n" + cut(b)
}

// What a comment says is its letters: marks of formatting may go, and nothing
// of a body's structure may come.
func TestEveryCommentKeepsItsWordsAndStaysOneParagraph(t *testing.T) {
	t.Parallel()
	for _, name := range dumps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := forum(t, name)
			conv := importer.NewConverter(siteOf(t, dir))
			dump, err := importer.OpenDump(dir)
			if err != nil {
				t.Fatal(err)
			}
			comments, changed := 0, 0
			err = dump.Comments(t.Context(), func(c importer.Comment) error {
				comments++
				got, err := conv.Comment(c.Text, nil)
				if err != nil {
					t.Fatal(err)
				}
				root := parse(t, render(t, got.Markdown))
				for n := range root.Descendants() {
					if n.Type == html.ElementNode && !strings.Contains(" p a code em strong ", " "+n.Data+" ") {
						t.Errorf("comment %d became <%s>:\n%s\n%s", c.ID, n.Data, c.Text, got.Markdown)
					}
				}
				if was, is := letters(plainLinks.ReplaceAllString(c.Text, "$1")), letters(text(root)); was != is {
					changed++
					t.Logf("comment %d:\n%s\n%s", c.ID, c.Text, got.Markdown)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			// Magic words ([chat], [tag:x] …) read differently on purpose.
			if changed > comments/100 {
				t.Errorf("%d of %d comments read differently", changed, comments)
			}
			t.Logf("%d of %d comments have other letters than their source", changed, comments)
		})
	}
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}
