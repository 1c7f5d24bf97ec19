package web_test

import (
	"io"
	"net/http"
	"regexp"
	"testing"
)

// weightLimit is what the first visit to a post page may weigh: HTML, style, script and the icon as they go over the line,
// without fonts, and without the shapes that are asked for when something comes into the page.
const weightLimit = 50_000

func TestAFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	x := arrange(t)
	for _, encodings := range []string{"gzip, deflate, br, zstd", "gzip"} {
		total := 0
		get := func(path string) string {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", encodings)
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %v", path, res.StatusCode, err)
			}
			t.Logf("%6d bytes %-4s %s", len(body), res.Header.Get("Content-Encoding"), path)
			total += len(body)
			return path
		}
		path := x.post(t, "everything-the-text-box")
		get(path)
		for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+\.(?:css|js|svg))"`).FindAllStringSubmatch(x.Guest().Get(path).Body, -1) {
			get(m[1])
		}
		t.Logf("%6d bytes in all for a browser that takes %s", total, encodings)
		if total >= weightLimit {
			t.Errorf("a first visit weighs %d bytes for a browser that takes %s, want less than %d", total, encodings, weightLimit)
		}
	}
}
