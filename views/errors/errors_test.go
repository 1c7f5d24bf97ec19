package errors

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"codex/views/ui"
)

func leaf(t *testing.T, f Fault) string {
	t.Helper()
	var b strings.Builder
	if err := Leaf(f).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnErrorOffersTheStepThatHelps(t *testing.T) {
	t.Parallel()
	const back, again, home, channels, send = `href="/p/1"`, `href="/c/tides"`, `href="/"`, `href="/c"`, "Send again"
	all := []string{back, again, home, channels, send}
	for _, c := range []struct {
		name   string
		f      Fault
		offers []string
	}{
		{"a page that is missing", Fault{Status: http.StatusNotFound, Back: "/p/1", Again: "/c/tides"}, []string{home, channels}},
		{"what one may not do", Fault{Status: http.StatusForbidden, Back: "/p/1"}, []string{back, home, channels}},
		{"what one may not do, from nowhere", Fault{Status: http.StatusForbidden}, []string{home, channels}},
		{"a broken request is not worth a second", Fault{Status: http.StatusBadRequest, Again: "/c/tides"}, []string{home, channels}},
		{"another name has no page here at all", Fault{Status: http.StatusMisdirectedRequest, Back: "/p/1", Again: "/c/tides"}, nil},
		{"a busy server may answer soon", Fault{Status: http.StatusServiceUnavailable, Back: "/p/1", Again: "/c/tides"}, []string{again}},
		{"a form is not sent again by a link", Fault{Status: http.StatusServiceUnavailable, Back: "/p/1"}, []string{back}},
		{"a text is sent again by its form", Fault{Status: http.StatusServiceUnavailable, Back: "/p/1", Action: "/new", Kept: []ui.KeptField{{Name: "body", Value: "Text", Long: true}}}, []string{send}},
	} {
		page := leaf(t, c.f)
		for _, step := range all {
			offered := false
			for _, want := range c.offers {
				offered = offered || want == step
			}
			if strings.Contains(page, step) != offered {
				t.Errorf("%s: %s is offered: %v", c.name, step, !offered)
			}
		}
	}
}

func TestEveryErrorHasAPicture(t *testing.T) {
	t.Parallel()
	for status := 400; status < 600; status++ {
		if n := strings.Count(leaf(t, Fault{Status: status}), `class="drawing `); n != 1 {
			t.Errorf("%d has %d pictures", status, n)
		}
	}
}
