// Package web_test shows the behaviour of the HTTP surface: every test talks to the real forum over a real connection.
package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
)

// doc is an answer whose HTML has been parsed. A browser without script would see the same: what stands in noscript
// is part of it.
type doc struct {
	apptest.Answer
	root *html.Node
}

func parse(t testing.TB, a apptest.Answer) doc {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(a.Body), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatalf("parse a page: %v", err)
	}
	return doc{a, root}
}

// open asks for a page that must be there.
func open(t testing.TB, c *apptest.Client, path string) doc {
	t.Helper()
	a := c.Get(path)
	if a.Status != http.StatusOK {
		t.Fatalf("GET %s: %d to %q\n%.600s", path, a.Status, a.Location, a.Body)
	}
	return parse(t, a)
}

// follow asks for a path and goes where it leads, at most five times.
func follow(t testing.TB, c *apptest.Client, path string) (doc, string) {
	t.Helper()
	for range 5 {
		a := c.Get(path)
		if a.Status != http.StatusSeeOther {
			return parse(t, a), path
		}
		path = a.Location
	}
	t.Fatalf("%s leads on and on", path)
	return doc{}, ""
}

// want fails the test unless the answer has the status.
func want(t testing.TB, a apptest.Answer, status int) apptest.Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d to %q, want %d\n%.1500s", a.Status, a.Location, status, visible(a.Body))
	}
	return a
}

// visible is roughly what a person reads of a page.
func visible(body string) string {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return body
	}
	if main := first(root, func(n *html.Node) bool { return n.Data == "main" }); main != nil {
		root = main
	}
	return text(root)
}

// each calls f for every element.
func each(n *html.Node, f func(*html.Node)) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			f(d)
		}
	}
}

func all(n *html.Node, is func(*html.Node) bool) (found []*html.Node) {
	each(n, func(d *html.Node) {
		if is(d) {
			found = append(found, d)
		}
	})
	return found
}

func first(n *html.Node, is func(*html.Node) bool) *html.Node {
	if found := all(n, is); len(found) > 0 {
		return found[0]
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// text is all text in the node, with single spaces.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func tag(name string) func(*html.Node) bool { return func(n *html.Node) bool { return n.Data == name } }

func class(name string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, c := range strings.Fields(attr(n, "class")) {
			if c == name {
				return true
			}
		}
		return false
	}
}

func (p doc) id(id string) *html.Node {
	return first(p.root, func(n *html.Node) bool { return attr(n, "id") == id })
}

// main is the page's own part, without the frame around it.
func (p doc) main(t testing.TB) *html.Node {
	t.Helper()
	n := first(p.root, tag("main"))
	if n == nil {
		t.Fatalf("the page has no main:\n%.500s", p.Body)
	}
	return n
}

// has reports that the page's own part shows the words.
func (p doc) has(t testing.TB, words string) bool {
	t.Helper()
	return strings.Contains(text(p.main(t)), words)
}

// field is the input, textarea or select of a name.
func (p doc) field(t testing.TB, name string) *html.Node {
	t.Helper()
	n := first(p.root, func(n *html.Node) bool {
		return (n.Data == "input" || n.Data == "textarea" || n.Data == "select") && attr(n, "name") == name
	})
	if n == nil {
		t.Fatalf("the page has no field %q", name)
	}
	return n
}

// value is what a field holds.
func value(n *html.Node) string {
	if n.Data != "textarea" {
		return attr(n, "value")
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(c.Data)
	}
	return b.String()
}

// form is a form of a page as a browser would send it.
type form struct {
	method, action string
	fields         []string // names and values in turn, of what would be sent
	node           *html.Node
}

func (p doc) forms() (list []form) {
	for _, n := range all(p.root, tag("form")) {
		f := form{method: strings.ToUpper(attr(n, "method")), action: attr(n, "action"), node: n}
		each(n, func(d *html.Node) {
			switch d.Data {
			case "input", "textarea":
				if kind := attr(d, "type"); (kind == "radio" || kind == "checkbox") && !has(d, "checked") {
					return
				}
				if has(d, "name") {
					f.fields = append(f.fields, attr(d, "name"), value(d))
				}
			case "select":
				if o := first(d, tag("option")); o != nil {
					f.fields = append(f.fields, attr(d, "name"), attr(o, "value"))
				}
			}
		})
		list = append(list, f)
	}
	return list
}

// form is the one that goes to an action.
func (p doc) form(t testing.TB, action string) form {
	t.Helper()
	for _, f := range p.forms() {
		if f.action == action {
			return f
		}
	}
	t.Fatalf("the page has no form that goes to %s", action)
	return form{}
}

func (p doc) hasForm(action string) bool {
	for _, f := range p.forms() {
		if f.action == action {
			return true
		}
	}
	return false
}

// get is the value of a field of the form.
func (f form) get(name string) string {
	for i := 0; i < len(f.fields); i += 2 {
		if f.fields[i] == name {
			return f.fields[i+1]
		}
	}
	return ""
}

// with is the form's fields, some of them with another value.
func (f form) with(pairs ...string) []string {
	fields := append([]string(nil), f.fields...)
next:
	for i := 0; i < len(pairs); i += 2 {
		for j := 0; j < len(fields); j += 2 {
			if fields[j] == pairs[i] {
				fields[j+1] = pairs[i+1]
				continue next
			}
		}
		fields = append(fields, pairs[i], pairs[i+1])
	}
	return fields
}

// link is the href of the first link with the words in it, or "".
func link(n *html.Node, words string) string {
	a := first(n, func(n *html.Node) bool { return n.Data == "a" && strings.Contains(text(n), words) })
	if a == nil {
		return ""
	}
	return attr(a, "href")
}

// postID is the number in a post's path.
func postID(t testing.TB, path string) int64 {
	t.Helper()
	var id int64
	if _, err := fmt.Sscanf(path, "/p/%d/", &id); err != nil {
		t.Fatalf("%q is no post's path", path)
	}
	return id
}

// at is the path of an action on a post.
func at(t testing.TB, post, action string) string {
	t.Helper()
	return fmt.Sprintf("/p/%d/%s", postID(t, post), action)
}

// titles are the titles of the posts that a page lists, in order; first that of the post that opens a front page.
func (p doc) titles() (list []string) {
	for _, n := range slices.Concat(all(p.root, class("lead-title")), all(p.root, class("post-row-title"))) {
		a := first(n, func(n *html.Node) bool { return n.Data == "a" })
		words := ""
		for c := range a.ChildNodes() { // without the hidden words of its marks
			if c.Type == html.TextNode {
				words += c.Data
			}
		}
		list = append(list, strings.TrimSpace(words))
	}
	return list
}

// aPartial fails the test when the answer is a whole document: htmx would put one page into another.
func aPartial(t testing.TB, a apptest.Answer) doc {
	t.Helper()
	lower := strings.ToLower(a.Body)
	if strings.Contains(lower, "<html") || strings.Contains(lower, "<!doctype") || strings.Contains(lower, "<main") {
		t.Errorf("an answer to htmx is a whole document:\n%.300s", a.Body)
	}
	return parse(t, a)
}
