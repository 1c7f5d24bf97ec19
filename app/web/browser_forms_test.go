package web_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

// typedForm is a form into which people type, and where it was found.
type typedForm struct {
	as     *apptest.Client
	page   string
	action string
	fields []string
}

// kindOf is an address without what names one thing among many.
func kindOf(address string) string { return named.ReplaceAllString(address, "$1*") }

var named = regexp.MustCompile(`(^/(?:p|c|u|t|comments)/|/members/|/cases/|/sweeps/|member[=:]|since=|post:|comment:)[^/&]+`)

// typed says that people type a text into a field. A password is never shown again.
func typed(n *html.Node) bool {
	switch attr(n, "type") {
	case "hidden", "radio", "checkbox", "password", "submit", "number", "file":
		return false
	}
	return (n.Data == "input" || n.Data == "textarea") && has(n, "name")
}

// forms walks the site from link to link as several people, and answers one of each kind of form that has fields to type
// into: a form's kind is where it goes, and what it asks for.
func (g *gallery) forms(t *testing.T) (list []typedForm) {
	t.Helper()
	kinds := map[string]bool{}
	guest := g.Guest()
	guest.Viewer = db.Viewer{}
	for _, c := range []*apptest.Client{guest, g.member, g.mod, g.admin} {
		todo, seen := []string{"/", "/login", "/register", "/new", "/c/new", "/settings", "/moderation", "/admin", g.post}, map[string]int{}
		for n := 0; len(todo) > 0 && n < 400; n++ {
			path := todo[0]
			todo = todo[1:]
			kind := kindOf(path)
			if seen[kind]++; seen[path] > 1 || seen[kind] > 2 { // two of a kind are enough
				continue
			}
			a := c.Get(path)
			if a.Status != 200 {
				continue
			}
			p := parse(t, a)
			for _, f := range p.forms() {
				var names []string
				for _, n := range all(f.node, typed) {
					names = append(names, attr(n, "name"))
				}
				kind := kindOf(f.action) + " " + strings.Join(names, " ")
				if len(names) > 0 && !kinds[kind] {
					kinds[kind] = true
					list = append(list, typedForm{c, path, f.action, names})
				}
			}
			for _, n := range all(p.root, tag("a")) {
				if href, _, _ := strings.Cut(attr(n, "href"), "#"); strings.HasPrefix(href, "/") && !slices.Contains(todo, href) {
					todo = append(todo, href)
				}
			}
		}
	}
	return list
}

// echo types a text into every form of the site, in the browser and past what the browser would refuse, sends it, and
// answers how many forms there were. What comes back in the form is what was typed.
func (g *gallery) echo(t *testing.T, tb *tab, text string) int {
	t.Helper()
	tb.announceStatus(422)
	tb.announceStatus(404) // nobody has such a handle
	list := g.forms(t)
	for _, f := range list {
		call(tb, clearCookies, struct{}{})
		tb.signIn(f.as)
		tb.visit(f.page)
		names := string(take(json.Marshal(f.fields)))
		here := "[...document.forms].find((f) => f.getAttribute('action') === " + quote(f.action) + " && " + names + ".every((n) => f.elements[n]))"
		tb.follow(func() {
			eval[bool](tb, "(() => { const f = "+here+"; for (const n of "+names+") f.elements[n].value = "+quote(text)+"; const b = f.querySelector('button[name]:last-of-type'); if (b && b.name !== 'preview') f.append(Object.assign(document.createElement('input'), { type: 'hidden', name: b.name, value: b.value })); HTMLFormElement.prototype.submit.call(f); return true })()")
		})
		wrong := eval[[]string](tb, "(() => { const f = "+here+", sent = "+quote(text)+", flat = (s) => s.normalize('NFC').replace(/\\s+/g, ' ').trim(); return f ? "+names+
			".filter((n) => f.elements[n].value !== '' && flat(f.elements[n].value) !== (n === 'slug' ? flat(sent).toLowerCase() : flat(sent))) : [] })()")
		for _, name := range wrong {
			t.Errorf("the field %s of the form to %s does not come back as it was typed", name, f.action)
		}
	}
	return len(list)
}
