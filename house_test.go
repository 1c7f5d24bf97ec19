package codex_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The rules of the house, held by the machine. Each says what it is for when it is broken.

// pkg is what go list says of a package of ours.
type pkg struct {
	ImportPath, Dir, Name, Doc string
	GoFiles, CgoFiles          []string
	IgnoredGoFiles             []string
	Imports                    []string
}

func (p pkg) path() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "codex"), "/") } // "" is the root

// listed asks go list once for all tests.
var listed = sync.OnceValues(func() ([]pkg, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-tags", "sqlite_fts5", "-json=ImportPath,Dir,Name,Doc,GoFiles,CgoFiles,IgnoredGoFiles,Imports", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(stderr.String()))
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 { // not a folder of tests alone
			list = append(list, p)
		}
	}
})

func packages(t *testing.T) []pkg {
	t.Helper()
	list, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var leaves = []string{"app/trace", "app/hub", "app/worker", "app/breaker", "app/markup", "app/config", "app/assets", "app/outbound"}

// mayImport is the table of who may import whom: the packages of ours that one may import, and why no others.
// A name that ends in /... stands for all below it too.
func mayImport(p string) (allowed []string, why string) {
	below := append([]string{"db/...", "app/auth", "app/middleware", "views/..."}, leaves...)
	switch {
	case p == "":
		return nil, "the root holds the embeds that everything is handed; it imports nothing of ours, so that nothing goes in a circle"
	case slices.Contains(leaves, p):
		return []string{"app/trace"}, "a leaf can be read, tested and used alone: it may import app/trace at most"
	case p == "db/dbtest":
		return []string{"", "db"}, "it makes databases for tests"
	case p == "db" || strings.HasPrefix(p, "db/"):
		return leaves, "the database knows rows and viewers, not pages or requests: it may import leaves"
	case p == "views/mails":
		return []string{"db", "views/notifications", "views/ui"}, "a letter tells of a notification in the words of the page: otherwise it is a view like any other"
	case p == "views" || strings.HasPrefix(p, "views/"):
		return []string{"db", "views/layout", "views/ui"}, "a view shows the row that it is given and decides nothing: it may import db's row types, views/layout and views/ui, never app"
	case p == "app/notify":
		return append([]string{"db", "views/mails", "views/ui"}, leaves...), "a letter is a page that is sent: notify shows views/mails, so that what people read stands in views, and otherwise is a package of work like any other"
	case p == "app/middleware":
		return append([]string{"db", "app/auth"}, leaves...), "middleware is given a fail func and never imports web, or a page could not be wrapped by it"
	case p == "app/web/respond":
		return append([]string{"views/layout", "views/ui", "views/errors"}, leaves...), "it renders every error, those of the database too, so it may know neither the database nor the pages"
	case p == "app/web" || strings.HasPrefix(p, "app/web/"):
		return append(below, "app/web/...", "app/search", "app/images", "app/jobs", "app/logs", "app/notify", "app/importer", "app/bridge"), "the HTTP surface is above the work and below the wiring: it may not import app or cmd"
	case p == "app":
		return append(below, "", "app/..."), "app is the wiring: only cmd and apptest are above it"
	case p == "app/apptest" || strings.HasPrefix(p, "cmd/"):
		return append(below, "", "app/..."), "a command wires nothing by itself"
	case strings.HasPrefix(p, "app/"):
		return append([]string{"db", "db/logdb"}, leaves...), "a package of work may import db and leaves, never another of its kind: what joins two of them stands above both"
	}
	return nil, "it has no place in the house: read the table of who may import whom, and give it one here and there"
}

func within(p string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		dir, all := strings.CutSuffix(a, "/...")
		return p == dir || all && strings.HasPrefix(p, dir+"/")
	})
}

func TestPackagesImportOnlyWhatIsBelowThem(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		allowed, why := mayImport(p.path())
		for _, imported := range p.Imports {
			if imported != "codex" && !strings.HasPrefix(imported, "codex/") {
				continue
			}
			below := strings.TrimPrefix(strings.TrimPrefix(imported, "codex"), "/")
			if !within(below, allowed) {
				t.Errorf("%s imports %s. %s.", p.ImportPath, imported, why)
			}
			if (below == "db/dbtest" || below == "app/apptest") && p.path() != "app/apptest" {
				t.Errorf("%s imports %s, which is for tests alone.", p.ImportPath, imported)
			}
		}
	}
}

func TestTheTableOfImportsRefuses(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"db": "app/web", "views/posts": "app/auth", "app/importer": "app/auth", "app/markup": "db", "app/middleware": "app/web", "app/web/respond": "db",
		"app/web": "app", "": "db", "lib/util": "db",
	} {
		if allowed, _ := mayImport(from); within(to, allowed) {
			t.Errorf("%q may import %q", from, to)
		}
	}
}

// doors are libraries that do something dangerous, and the only files (or folders, ending in /) that may import them.
var doors = []struct {
	library string // a path, or the beginning of paths, ending in /
	files   []string
	why     string
}{
	{"github.com/jmoiron/sqlx", []string{"db/door.go", "db/scan.go", "db/db.go", "db/logdb/door.go", "db/logdb/db.go"},
		"every statement passes one door, which counts it, times it, ends it with its context and names its error, and has its rows read by scan.go; db.go opens and closes the pools"},
	{"github.com/mattn/go-sqlite3", []string{"db/dialect.go", "db/errors.go", "db/logdb/", "db/dbtest/"},
		"what PostgreSQL would refuse stands in dialect.go, and the driver's errors are named in errors.go"},
	{"github.com/pressly/goose/v3", []string{"db/migrate.go", "db/logdb/"}, "migrations run from one place, after a snapshot"},
	{"github.com/r3labs/sse/v2", []string{"app/web/respond/stream.go"}, "one file knows the bytes of a stream, its bounds and its authorisation"},
	{"github.com/yuin/goldmark", []string{"app/markup/"}, "every text that a person wrote becomes HTML in app/markup alone, where its limits and the sanitiser are"},
	{"github.com/yuin/goldmark/", []string{"app/markup/"}, "every text that a person wrote becomes HTML in app/markup alone, where its limits and the sanitiser are"},
	{"github.com/microcosm-cc/bluemonday", []string{"app/markup/"}, "there is one list of what user HTML may have"},
	{"image/", []string{"app/images/"}, "bounds are checked before a pixel of a stranger's file is allocated"},
	{"golang.org/x/image/", []string{"app/images/"}, "the same"},
	{"github.com/wneessen/go-mail", []string{"app/notify/smtp.go"}, "one file knows the mail server: its certificate, its password, and that an address never stands in an error"},
	{"github.com/wneessen/go-mail/", []string{"app/notify/smtp.go"}, "the same"},
	{"html/template", nil, "pages are templ components; their escaping is the only one"},
	{"text/template", nil, "pages are templ components; their escaping is the only one"},
	{"unsafe", nil, "there is no reason"},
}

// source is a file of ours, parsed; generated ones are not among them.
type source struct {
	name string // from the root
	text []byte
	at   *token.FileSet
	file *ast.File
	pkg  pkg
}

var parsed = sync.OnceValues(func() ([]source, error) {
	list, err := listed()
	if err != nil {
		return nil, err
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var all []source
	for _, p := range list {
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			s := source{name: path.Join(p.path(), name), at: token.NewFileSet(), pkg: p}
			if s.text, err = os.ReadFile(filepath.Join(root, s.name)); err != nil {
				return nil, err
			}
			if s.file, err = parser.ParseFile(s.at, s.name, s.text, parser.ParseComments); err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
})

func sources(t *testing.T) []source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDangerousLibrariesStandBehindTheirDoors(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			for _, d := range doors {
				if imported != d.library && !(strings.HasSuffix(d.library, "/") && strings.HasPrefix(imported, d.library)) {
					continue
				}
				if !slices.ContainsFunc(d.files, func(f string) bool { return s.name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(s.name, f) }) {
					t.Errorf("%s imports %s; only %q may: %s.", s.name, imported, d.files, d.why)
				}
			}
		}
	}
}

// Other servers are asked in one place alone, where the address is looked at on the connection itself. cmd/bench asks our
// own server, and apptest is for tests.
func TestOtherServersAreAskedThroughOneClient(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.pkg.path() == "app/outbound" || s.pkg.path() == "cmd/bench" || s.pkg.path() == "app/apptest" {
			continue
		}
		for _, found := range asks(s.file) {
			t.Errorf("%s: %s asks another server; app/outbound is the one client that may, because it looks where the connection leads.", s.at.Position(found.Pos()), found.Sel.Name)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if field, ok := n.(*ast.KeyValueExpr); ok {
				if name, ok := field.Key.(*ast.Ident); ok && (name.Name == "Reach" || name.Name == "Roots") {
					t.Errorf("%s: %s opens the outbound client to what is not the internet's. It is for tests alone.", s.at.Position(n.Pos()), name.Name)
				}
			}
			return true
		})
	}
}

// asks lists what a file uses of net/http to ask other servers.
func asks(file *ast.File) (found []*ast.SelectorExpr) {
	ast.Inspect(file, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := x.X.(*ast.Ident); ok && of.Name == "http" &&
				slices.Contains([]string{"Client", "DefaultClient", "Transport", "DefaultTransport", "Get", "Head", "Post", "PostForm"}, x.Sel.Name) {
				found = append(found, x)
			}
		}
		return true
	})
	return found
}

func TestAnotherClientIsNoticed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
		var c = &http.Client{}
		func f() { http.Get("x"); http.DefaultTransport.RoundTrip(nil); http.Error(nil, "", 500); w.Header().Get("x") }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := asks(file); len(found) != 3 {
		t.Errorf("noticed %d", len(found))
	}
}

func TestNamesSayWhatAPackageIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "models", "types", "services", "misc", "base"}, path.Base(p.ImportPath)) {
			t.Errorf("%s: such a name takes anything in, so it will; name it after the work that it does.", p.ImportPath)
		}
		if p.Doc == "" {
			t.Errorf("%s has no doc comment: say what it is for, what it promises under concurrency, and what it does when full or closed.", p.ImportPath)
		}
	}
}

// longest is the most lines that a file may have: what is longer is read by nobody as a whole.
const longest = 600

func TestFilesAreShortAndWithoutHiddenState(t *testing.T) {
	t.Parallel()
	inPackage := map[string]map[string]bool{} // package → its variables
	for _, s := range sources(t) {
		if lines := bytes.Count(s.text, []byte("\n")); lines > longest {
			t.Errorf("%s has %d lines, more than %d: give its second subject a file of its own.", s.name, lines, longest)
		}
		if inPackage[s.pkg.ImportPath] == nil {
			inPackage[s.pkg.ImportPath] = map[string]bool{}
		}
		for _, decl := range s.file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.Name == "init" && decl.Recv == nil {
					t.Errorf("%s: func init runs before main can decide anything, and in every test.", s.at.Position(decl.Pos()))
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					v, ok := spec.(*ast.ValueSpec)
					if !ok || decl.Tok != token.VAR {
						continue
					}
					for _, name := range v.Names {
						inPackage[s.pkg.ImportPath][name.Name] = true
					}
					if len(v.Values) == 0 && !strings.Contains(decl.Doc.Text()+comment(decl.Doc)+comment(v.Doc), "go:embed") {
						t.Errorf("%s: a variable of the package without a value is there to be changed; two instances would share it. Put it into a struct.", s.at.Position(v.Pos()))
					}
				}
			}
		}
	}
	for _, s := range sources(t) {
		for _, changed := range assigned(s.file, inPackage[s.pkg.ImportPath]) {
			t.Errorf("%s: changes the package's variable %s; two instances would share it. Put it into a struct.", s.at.Position(changed.Pos()), changed.Name)
		}
	}
}

func comment(g *ast.CommentGroup) (text string) {
	if g != nil {
		for _, c := range g.List {
			text += c.Text
		}
	}
	return text
}

// assigned lists what a file changes of its package's variables. Without types it trusts the parser's own look at
// scopes: a name that is declared in a function is not the package's.
func assigned(file *ast.File, vars map[string]bool) (found []*ast.Ident) {
	look := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.SelectorExpr:
				e = x.X
				continue
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.ParenExpr:
				e = x.X
				continue
			case *ast.Ident:
				if !vars[x.Name] || x.Name == "_" {
					return
				}
				if x.Obj == nil || file.Scope.Objects[x.Name] == x.Obj {
					found = append(found, x)
				}
			}
			return
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					look(e)
				}
			}
		case *ast.IncDecStmt:
			look(n.X)
		}
		return true
	})
	return found
}

func TestAChangedPackageVariableIsNoticed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
		var a, b = 1, map[string]int{}
		func f() { a = 2; b["x"]++; c.d = 3; e := 1; e = 2; a := 3; a = 4; _ = e }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, id := range assigned(file, map[string]bool{"a": true, "b": true, "c": true, "e": true}) {
		names = append(names, id.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("noticed %q", names)
	}
}

// inTempl is what may not stand in a page, and why.
var inTempl = map[string]struct {
	pattern *regexp.Regexp
	why     string
}{
	"templ.Raw":       {regexp.MustCompile(`templ\.Raw\b`), "it would let text become HTML outside app/markup"},
	"style attribute": {regexp.MustCompile(`(?i)[\s"']style\s*=`), "the content security policy refuses it: use a class"},
	"hx-on":           {regexp.MustCompile(`(?i)\bhx-on`), "it is inline script, which the content security policy refuses: write a module"},
	"event attribute": {regexp.MustCompile(`(?i)[\s"']on[a-z]+\s*=\s*["{]`), "it is inline script, which the content security policy refuses: write a module"},
	"inline script":   {regexp.MustCompile(`(?i)<script(?:\s+(?:[^s>]|s[^r>]|sr[^c>])[^>]*)?>`), "the content security policy refuses a script without src"},
	"script block":    {regexp.MustCompile(`(?m)^(?:script|css)\s+\w+\s*\(`), "templ writes it inline, which the content security policy refuses"},
	"style element":   {regexp.MustCompile(`(?i)<style\b`), "the content security policy refuses it: static/ has the style sheets"},
}

func templProblems(text []byte) (found []string) {
	for name, rule := range inTempl {
		for _, m := range rule.pattern.FindAll(text, -1) {
			if name == "inline script" && bytes.Contains(bytes.ToLower(m), []byte(" src=")) {
				continue
			}
			found = append(found, name+" "+string(bytes.TrimSpace(m))+": "+rule.why)
		}
	}
	return found
}

func TestPagesHoldNothingInline(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".templ" {
			return nil
		}
		text, err := os.ReadFile(name)
		for _, problem := range templProblems(text) {
			t.Errorf("%s: %s.", name, problem)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t) {
		if inTempl["templ.Raw"].pattern.Match(s.text) {
			t.Errorf("%s: templ.Raw: %s.", s.name, inTempl["templ.Raw"].why)
		}
	}
}

func TestInlineCodeInAPageIsNoticed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`<p style="x">`: 1, `<a hx-on:click="x">`: 1, `<script>x</script>`: 1, `<script type="module">x`: 1, `<button onclick="x">`: 1, "script go() {": 1,
		`@templ.Raw(x)`: 1, `<style>`: 1,
		`<script src="/static/a.js" defer></script><script type="module" src="/x.js"></script>`: 0, `<p class="style">A description</p>`: 0, `<link rel="stylesheet" href="x">`: 0,
		`<section data-action="x" contenteditable="y">`: 0,
	} {
		if found := templProblems([]byte(text)); len(found) != want {
			t.Errorf("%s: %q", text, found)
		}
	}
}
