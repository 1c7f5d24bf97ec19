package ui

import (
	"encoding/xml"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestMiniaturesAreSmallWellFormedAndHoldNoColourOfTheirOwn(t *testing.T) {
	t.Parallel()
	var css strings.Builder
	for _, file := range []string{"art.css", "states.css", "tokens.css"} {
		text, err := os.ReadFile("../../static/css/" + file)
		if err != nil {
			t.Fatal(err)
		}
		css.Write(text)
	}
	used, paint := regexp.MustCompile(`var\((--[a-z-]+)\)`), regexp.MustCompile(`(?:fill|stroke)="([^"]*)"`)
	for d := range drawings {
		for _, text := range []string{shown(t, Draw(d)), shown(t, Tail(d))} {
			if len(text) > 4096 {
				t.Errorf("drawing %d is %d bytes", d, len(text))
			}
			if !strings.Contains(text, `aria-hidden="true"`) {
				t.Errorf("drawing %d is read aloud", d)
			}
			decoder := xml.NewDecoder(strings.NewReader(text))
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("drawing %d: %v", d, err)
				}
				if e, ok := token.(xml.StartElement); ok {
					for _, a := range e.Attr {
						if a.Name.Local == "style" || a.Name.Local == "id" || strings.HasPrefix(a.Name.Local, "on") {
							t.Errorf("drawing %d: %s has the attribute %s", d, e.Name.Local, a.Name.Local)
						}
					}
				}
			}
			for _, m := range used.FindAllStringSubmatch(text, -1) {
				if !strings.Contains(css.String(), m[1]+":") {
					t.Errorf("drawing %d: no rule sets %s", d, m[1])
				}
			}
			for _, m := range paint.FindAllStringSubmatch(text, -1) {
				if m[1] != "none" && m[1] != "currentColor" && !strings.HasPrefix(m[1], "var(--") {
					t.Errorf("drawing %d has the colour %s", d, m[1])
				}
			}
		}
	}
	if shown(t, Draw(-1)) != shown(t, Draw(DrawBlank)) || shown(t, Draw(drawings)) != shown(t, Draw(DrawBlank)) {
		t.Error("a drawing that there is not is not the blank book")
	}
}

func TestMiniaturesStandOutsideTheSprite(t *testing.T) {
	t.Parallel()
	sprite := string(Shapes())
	for d := range drawings {
		if figure := paintings[d].figure; strings.Contains(sprite, figure) {
			t.Errorf("every page carries drawing %d", d)
		}
	}
}
