package ui

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"
)

func shown(t testing.TB, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLetterIsTheFirstLetterOrDigitOfAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Maren Holt":        "M",
		"  maren":           "M",
		"@_ash":             "A",
		"7of9":              "7",
		"éloïse":            "É",
		"e\u0301loise":      "E\u0301",
		"жанна":             "Ж",
		"اميرة":             "ا",
		"李":                 "李",
		"नीना":              "नी",
		"<b>":               "B",
		"&<>\"'":            "?",
		"🦊":                 "?",
		"":                  "?",
		"\xff\xfe":          "?",
		"\xffz":             "Z",
		"ß":                 "ß",
		"ﬃ":                 "ﬃ",
		"ǆ":                 "Ǆ",
		"ı":                 "I",
		"z" + accents(40):   "Z" + accents(maxMarks),
		"— Jean-Luc Godard": "J",
	} {
		if got := letter(name); got != want {
			t.Errorf("letter(%q) = %q, want %q", name, got, want)
		}
	}
}

func accents(n int) string { return strings.Repeat("\u0301", n) }

// The expected initials were computed by the reference that the shapes come from.
func TestLooksFollowFromTheIDAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id                              int64
		colours, ground, shield, device string
	}{
		{1, "p4", "o5", "p1 gold", "a5"},
		{2, "p2", "o5", "p2 bare", "a10"},
		{3, "p3", "o4", "p3", "a3"},
		{4, "p11", "o1", "p4 gold", "a8"},
		{5, "p9 bare", "o9", "p5 bare", "a1"},
		{7, "p1", "o4", "p7 gold", "a11"},
		{11, "p7", "o4", "p11 bare", "a7"},
		{42, "p5", "o6", "p6", "a9"},
		{99, "p6", "o9", "p3 bare", "a11"},
		{1000, "p5", "o5", "p4", "a7"},
		{3797, "p2", "o2", "p5", "a5"},
		{123456, "p3", "o0", "p0 gold", "a4"},
	} {
		const initial = `<svg class="initial is-medium %s" viewBox="0 0 40 40" width="36" height="36" aria-hidden="true"><use href="#%s"/><text x="20" y="28.5">X</text></svg>`
		if got, want := shown(t, Initial(c.id, "x", Medium)), fmt.Sprintf(initial, c.colours, c.ground); got != want {
			t.Errorf("initial of %d:\n got %s\nwant %s", c.id, got, want)
		}
		const arms = `<svg class="arms %s" viewBox="0 0 20 24" width="15" height="18" aria-hidden="true"><use href="#%s"/></svg>`
		if got, want := shown(t, Arms(c.id, false)), fmt.Sprintf(arms, c.shield, c.device); got != want {
			t.Errorf("arms of %d:\n got %s\nwant %s", c.id, got, want)
		}
	}
}

var (
	reference = regexp.MustCompile(`href="#([a-z0-9-]+)"`)
	anchor    = regexp.MustCompile(` id="([a-z0-9-]+)"`)
)

func TestEveryReferenceStandsInTheShapesOnce(t *testing.T) {
	t.Parallel()
	have := map[string]int{}
	for _, m := range anchor.FindAllStringSubmatch(string(Shapes()), -1) {
		have[m[1]]++
	}
	for id, n := range have {
		if n != 1 {
			t.Errorf("there are %d shapes called %s", n, id)
		}
	}
	var all strings.Builder
	for id := range int64(2000) {
		all.WriteString(shown(t, Initial(id, "a", Size(id%4))) + shown(t, Arms(id, id%2 == 0)))
	}
	for _, icon := range iconShapes {
		all.WriteString(shown(t, Icon(icon.name)))
	}
	used := map[string]bool{}
	for _, m := range reference.FindAllStringSubmatch(all.String(), -1) {
		used[m[1]] = true
		if have[m[1]] == 0 {
			t.Fatalf("there is no shape %s", m[1])
		}
	}
	if len(used) != len(have) {
		t.Errorf("there are %d shapes and %d are used", len(have), len(used))
	}
}

func TestDrawingsAreWellFormedAndHoldNoStyle(t *testing.T) {
	t.Parallel()
	for _, text := range []string{string(Shapes()), shown(t, Initial(-1, "<&\">", Size(9))), shown(t, Arms(-1, true)), shown(t, Icon("pencil")), shown(t, Icon("no such icon"))} {
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in %.80s", err, text)
			}
			if e, ok := token.(xml.StartElement); ok {
				for _, a := range e.Attr {
					if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
						t.Errorf("%s has the attribute %s", e.Name.Local, a.Name.Local)
					}
				}
			}
		}
	}
}

// Colours that a class names and no rule gives would leave a black square.
func TestEveryPigmentHasItsColours(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("../../static/css/art.css")
	if err != nil {
		t.Fatal(err)
	}
	for p := range pigments {
		rule := regexp.MustCompile(fmt.Sprintf(`(?m)^\.p%d \{ --g: #[0-9a-f]{6}; --t: #[0-9a-f]{6}; --p: #[0-9a-f]{6}; --q: #[0-9a-f]{6}; \}`, p))
		if !rule.Match(css) {
			t.Errorf("art.css gives pigment %d no colours", p)
		}
	}
	for _, m := range regexp.MustCompile(`var\((--[a-z-]+)\)`).FindAllStringSubmatch(strings.Join(artShapes(), ""), -1) {
		if !strings.Contains(string(css), m[1]+":") {
			t.Errorf("art.css does not set %s", m[1])
		}
	}
}

func TestViewsUseIconsThatAreThere(t *testing.T) {
	t.Parallel()
	call := regexp.MustCompile(`\bIcon\("([^"]*)"\)`)
	files, err := filepath.Glob("../*/*.templ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			if iconTable[m[1]] == nil {
				t.Errorf("%s shows the icon %q, which is not in iconShapes", file, m[1])
			}
		}
	}
}

func TestTheSpriteHoldsWhatIsDrawn(t *testing.T) {
	t.Parallel()
	ctx := With(context.Background(), &Env{Asset: func(name string) string { return "/static/" + name }})
	for _, c := range []templ.Component{Icon("award"), Icon("x"), Initial(4, "x", Medium), Arms(7, false), Arms(7, true)} {
		if err := c.Render(ctx, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	if err := Sprite().Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range anchor.FindAllStringSubmatch(b.String(), -1) {
		ids = append(ids, m[1])
	}
	if got := strings.Join(ids, " "); got != "shapes i-award i-x o1 a11" {
		t.Errorf("the sprite holds %s", got)
	}
}

func BenchmarkInitial(b *testing.B) {
	b.ReportAllocs()
	w, ctx := io.Discard, context.Background()
	for i := range b.N {
		if err := Initial(int64(i), "maren holt", Medium).Render(ctx, w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArms(b *testing.B) {
	b.ReportAllocs()
	for i := range b.N {
		_ = Arms(int64(i), false).Render(context.Background(), io.Discard)
	}
}
