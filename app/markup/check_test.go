package markup_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"codex/app/markup"

	"golang.org/x/net/html"
)

var renderer = markup.New(markup.Options{})

// refs are those of every test that names somebody.
var refs = markup.Refs{
	Members:  map[string]int64{"bob": 7, "anna_b.c-d": 8, "josé": 9, "山田太郎": 10},
	Channels: map[string]int64{"go": 3, "daily-news": 4},
	IDPrefix: "n0123abcd-",
}

// allowed says which attribute of which element may have which value. It is written without a look at the policy.
var allowed = func() map[string]map[string]*regexp.Regexp {
	all := map[string]map[string]*regexp.Regexp{}
	for _, tag := range strings.Fields("p br hr h3 h4 h5 h6 blockquote pre code em strong b i del s kbd sub sup ul ol li table thead tbody tr th td details summary div span a img input") {
		all[tag] = map[string]*regexp.Regexp{}
	}
	add := func(tag, attribute, value string) { all[tag][attribute] = regexp.MustCompile(`\A(?:` + value + `)\z`) }
	add("a", "href", `(?s:.*)`) // read by address
	add("a", "title", `(?s:[^<>]*)`)
	add("a", "rel", `nofollow ugc noopener`)
	add("a", "class", `mention|channel-ref|foreign-image|footnote-ref|footnote-backref`)
	add("img", "src", `/images/[0-9a-f-]+/[a-z0-9]+`)
	add("img", "alt", `(?s:.*)`)
	add("img", "title", `(?s:[^<>]*)`)
	add("img", "loading", `lazy`)
	add("img", "decoding", `async`)
	add("input", "type", `checkbox`)
	add("input", "checked", ``)
	add("input", "aria-label", `done|to do`)
	add("input", "disabled", ``)
	add("span", "class", `k|s|mi|nf|c1`)
	add("div", "class", `footnotes|table-scroll`)
	add("div", "tabindex", `0`)
	add("pre", "tabindex", `0`)
	add("li", "id", `n0123abcd-fn:[0-9]+`)
	add("sup", "id", `n0123abcd-fnref[0-9]*:[0-9]+`)
	add("ol", "start", `[0-9]+`)
	add("th", "align", `left|right|center`)
	add("td", "align", `left|right|center`)
	return all
}()

// check is the property of every rendered text: on a page it stays where it was put, and it holds only what is allowed.
func check(h markup.HTML) error {
	if !utf8.ValidString(string(h)) {
		return errors.New("not valid UTF-8")
	}
	page, err := html.Parse(strings.NewReader(`<!doctype html><html><head></head><body><ol><li><div>` + string(h) + `<u></u></div></li></ol><p>after</p></body></html>`))
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	body := page.LastChild.LastChild
	if body.FirstChild.Data != "ol" || body.FirstChild.NextSibling != body.LastChild || body.LastChild.Data != "p" || body.LastChild.FirstChild.Data != "after" {
		return errors.New("it reaches into what comes after it on the page")
	}
	place := body.FirstChild
	for _, tag := range []string{"li", "div"} {
		if place.FirstChild == nil || place.FirstChild != place.LastChild || place.FirstChild.Data != tag {
			return fmt.Errorf("it leaves its place on the page: %s is not alone in its parent", tag)
		}
		place = place.FirstChild
	}
	end := place.LastChild
	if end.Data != "u" || end.FirstChild != nil {
		return errors.New("it takes in what comes after it, or closes its place")
	}
	place.RemoveChild(end)
	return checkInside(place)
}

func checkInside(parent *html.Node) error {
	for n := parent.FirstChild; n != nil; n = n.NextSibling {
		switch n.Type {
		case html.TextNode:
			continue
		case html.ElementNode:
		default:
			return fmt.Errorf("node of kind %d: %q", n.Type, n.Data)
		}
		attributes, ok := allowed[n.Data]
		if !ok || n.Namespace != "" {
			return fmt.Errorf("element %s", n.Data)
		}
		has := map[string]string{}
		for _, a := range n.Attr {
			value, ok := attributes[a.Key]
			if !ok || a.Namespace != "" || !value.MatchString(a.Val) {
				return fmt.Errorf("attribute %s=%q of %s", a.Key, a.Val, n.Data)
			}
			has[a.Key] = a.Val
		}
		_, disabled := has["disabled"]
		switch {
		case n.Data == "input" && (has["type"] != "checkbox" || !disabled):
			return errors.New("an input that is no disabled checkbox")
		case n.Data == "img" && has["src"] == "":
			return errors.New("a picture without its address")
		case n.Data == "a" && has["href"] == "": // leads nowhere: its address was refused
			if has["class"] != "" || has["rel"] != "" {
				return errors.New("a link without its address")
			}
		case n.Data == "a":
			if err := address(has["href"], has["rel"]); err != nil {
				return err
			}
		}
		if err := checkInside(n); err != nil {
			return err
		}
	}
	return nil
}

var scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)

// address reads a link's address as a browser does: without blanks and controls, and with any slashes.
func address(href, rel string) error {
	read := strings.ToLower(strings.Map(func(r rune) rune {
		switch {
		case r <= ' ':
			return -1
		case r == '\\':
			return '/'
		}
		return r
	}, href))
	away := strings.HasPrefix(read, "//")
	switch s := scheme.FindString(read); s {
	case "", "mailto:":
	case "http:", "https:":
		away = true
		if !strings.HasPrefix(read[len(s):], "//") {
			return fmt.Errorf("address %q", href)
		}
	default:
		return fmt.Errorf("address %q", href)
	}
	if strings.Contains(read, "///") && away {
		return fmt.Errorf("address %q", href)
	}
	if away != (rel != "") {
		return fmt.Errorf("link to %q has rel %q", href, rel)
	}
	return nil
}

// material is where test material stands that is no part of the repository.
var material = filepath.Join("..", "..", "..", "shared", "data", "text")

// data is a file of the test material.
func data(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(material, name))
	if err != nil {
		t.Skipf("test material is missing: %v", err)
	}
	return string(b)
}

// hostile are the texts of the lists, by file.
func hostile(t testing.TB) map[string][]string {
	t.Helper()
	lists := map[string][]string{}
	var naughty []string
	if err := json.Unmarshal([]byte(data(t, "blns/blns.json")), &naughty); err != nil {
		t.Fatalf("read the naughty strings: %v", err)
	}
	lists["blns.json"] = naughty
	paths, err := filepath.Glob(filepath.Join(material, "xss", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		whole := data(t, "xss/"+name)
		lines := bufio.NewScanner(strings.NewReader(whole))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			lists[name] = append(lists[name], lines.Text())
		}
		lists[name] = append(lists[name], whole)
	}
	return lists
}

type example struct{ markdown, html string }

// commonMark are the examples of the specification.
func commonMark(t testing.TB) []example {
	t.Helper()
	const fence = "````````````````````````````````"
	var examples []example
	for _, part := range strings.Split(data(t, "commonmark/spec.txt"), "\n"+fence+" example\n")[1:] {
		part, _, _ = strings.Cut(part, "\n"+fence)
		markdown, html, _ := strings.Cut("\n"+part+"\n", "\n.\n")
		examples = append(examples, example{strings.ReplaceAll(strings.TrimPrefix(markdown, "\n"), "→", "\t"), strings.ReplaceAll(html, "→", "\t")})
	}
	return examples
}

// inside puts a hostile text where a person could write it.
func inside(text string) []string {
	line := strings.ReplaceAll(text, "\n", " ")
	return []string{
		text,
		"[x](" + text + ")",
		"[x](<" + line + ">)",
		"[x](/p \"" + text + "\")",
		"[x]\n\n[x]: " + line,
		"![x](" + text + ")",
		"![" + text + "](/images/ab/full)",
		"`" + text + "`",
		"```html\n" + text + "\n```",
		"```" + line + "\ncode\n```",
		"| a | b |\n|---|---|\n| " + line + " | " + line + " |",
		"a[^1]\n\n[^1]: " + text,
		"> - " + line,
		"<a href=\"" + text + "\" title='" + text + "'>x</a>",
	}
}

func checkRendered(source string) error {
	res, err := renderer.Render(source, refs)
	if err != nil {
		var limit *markup.LimitError
		if errors.As(err, &limit) && res.HTML == "" {
			return nil
		}
		return err
	}
	if err := check(res.HTML); err != nil {
		return fmt.Errorf("%w\nsource: %q\nhtml: %s", err, source, res.HTML)
	}
	if err := checkAnchored(res.HTML); err != nil {
		return fmt.Errorf("%w\nsource: %q\nhtml: %s", err, source, res.HTML)
	}
	return nil
}

// blocks are the names of the top elements of h; text beside them is "#text".
func blocks(h markup.HTML) (names []string) {
	page, err := html.Parse(strings.NewReader("<!doctype html><body>" + string(h)))
	if err != nil {
		return []string{err.Error()}
	}
	for n := page.LastChild.LastChild.FirstChild; n != nil; n = n.NextSibling {
		switch {
		case n.Type == html.ElementNode:
			names = append(names, n.Data)
		case strings.TrimSpace(n.Data) != "":
			names = append(names, "#text")
		}
	}
	return names
}
