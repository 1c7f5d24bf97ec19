package assets_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"

	"codex/app/assets"
)

// site is a small folder static. Its script is long enough that compressing pays.
func site() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"css/codex.css":         file("@layer base, pages;\n\n@import url(\"a.css\") layer(base);\n@import url(\"b.css\") layer(base);\n@import url(\"c.css\") layer(pages);\n"),
		"css/a.css":             file("@font-face { src: url(\"../fonts/x.woff2\"); }\n"),
		"css/b.css":             file("/* a note */\n.b::before { content: \"/* kept */  }\"; margin: 0 auto; }\n"),
		"css/c.css":             file(".c { inline-size: calc(1px + 2px); }\n"),
		"fonts/x.woff2":         file("not really a font"),
		"fonts/LICENSE-x.txt":   file("a licence"),
		"js/LICENSE-script.txt": file("a licence"),
		"js/codex.js":           file(strings.Repeat("console.log('codex');\n", 100)),
	}
}

func serve(t *testing.T, files fs.FS) (*assets.Assets, *httptest.Server) {
	t.Helper()
	a, err := assets.New(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	notFound := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the forum's own page", http.StatusNotFound)
	})
	server := httptest.NewServer(a.Handler(notFound))
	t.Cleanup(server.Close)
	return a, server
}

// ask sends a request as it stands, without the decompression that Go's client does by itself.
func ask(t *testing.T, server *httptest.Server, method, address string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestStyleIsOneFileInTheOrderOfItsLayers(t *testing.T) {
	t.Parallel()
	a, server := serve(t, site())
	_, body := ask(t, server, "GET", a.URL(assets.Bundle))
	want := `@layer base,pages;@layer base{@font-face{src:url("` + a.URL("fonts/x.woff2") + `")}` +
		`.b::before{content:"/* kept */  }";margin:0 auto}}@layer pages{.c{inline-size:calc(1px + 2px)}}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Error(diff)
	}
}

func TestAddressFollowsTheContent(t *testing.T) {
	t.Parallel()
	before, server := serve(t, site())
	if ok, _ := regexp.MatchString(`^/static/js/codex\.[0-9a-f]{8}\.js$`, before.URL("js/codex.js")); !ok {
		t.Errorf("the script is at %s", before.URL("js/codex.js"))
	}
	files := site()
	files["fonts/x.woff2"] = &fstest.MapFile{Data: []byte("another font")}
	after, _ := serve(t, files)
	for name, changes := range map[string]bool{"js/codex.js": false, "fonts/x.woff2": true, "codex.css": true} {
		if (before.URL(name) != after.URL(name)) != changes {
			t.Errorf("%s: %s and, with another font, %s", name, before.URL(name), after.URL(name))
		}
	}
	for _, address := range []string{
		"/static/js/codex.js", "/static/codex.css", "/static/css/a.css", after.URL("codex.css"), "/static/", "/static",
		"/static/fonts/LICENSE-x.txt", "/static/../static/codex.css", before.URL("no such file"),
	} {
		if response, body := ask(t, server, "GET", address); response.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "own page") ||
			response.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: %s, %v", address, response.Status, response.Header)
		}
	}
}

func TestFilesAreKeptForAYear(t *testing.T) {
	t.Parallel()
	a, server := serve(t, site())
	for name, contentType := range map[string]string{
		"codex.css": "text/css; charset=utf-8", "js/codex.js": "text/javascript; charset=utf-8", "fonts/x.woff2": "font/woff2",
	} {
		response, body := ask(t, server, "GET", a.URL(name))
		if response.StatusCode != http.StatusOK || len(body) == 0 {
			t.Fatalf("%s: %s with %d bytes", name, response.Status, len(body))
		}
		h := response.Header
		if h.Get("Content-Type") != contentType || h.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %v", name, h)
		}
		if vary := h.Get("Vary"); (vary == "Accept-Encoding") != (name == "js/codex.js" || name == "codex.css") {
			t.Errorf("%s varies by %q", name, vary)
		}
		again, body := ask(t, server, "GET", a.URL(name), "If-None-Match", `"other", W/`+h.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || len(body) != 0 || again.Header.Get("Etag") != h.Get("Etag") {
			t.Errorf("%s, asked again: %s with %d bytes", name, again.Status, len(body))
		}
		head, body := ask(t, server, "HEAD", a.URL(name))
		if head.StatusCode != http.StatusOK || len(body) != 0 || head.ContentLength != response.ContentLength {
			t.Errorf("%s, HEAD: %s, length %d", name, head.Status, head.ContentLength)
		}
		if post, _ := ask(t, server, "POST", a.URL(name)); post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") == "" {
			t.Errorf("%s, POST: %s", name, post.Status)
		}
	}
}

func TestTheSmallestEncodingThatIsAcceptedIsSent(t *testing.T) {
	t.Parallel()
	a, server := serve(t, site())
	_, plain := ask(t, server, "GET", a.URL("js/codex.js"))
	tags := map[string]string{}
	for accept, want := range map[string]string{
		"gzip, deflate, br, zstd": "br", "GZIP": "gzip", "br;q=0, gzip;q=0.5": "gzip", "br;q=0.000": "", "br; q=0.01": "br",
		"identity": "", "zstd": "", "*": "", "brr, xgzip": "", ";;,,=": "",
	} {
		response, body := ask(t, server, "GET", a.URL("js/codex.js"), "Accept-Encoding", accept)
		if got := response.Header.Get("Content-Encoding"); got != want {
			t.Errorf("for %q the encoding is %q, want %q", accept, got, want)
		}
		tags[want] = response.Header.Get("Etag")
		var reader io.Reader = bytes.NewReader(body)
		switch want {
		case "br":
			reader = brotli.NewReader(reader)
		case "gzip":
			unzipped, err := gzip.NewReader(reader)
			if err != nil {
				t.Fatal(err)
			}
			reader = unzipped
		}
		if text, err := io.ReadAll(reader); err != nil || !bytes.Equal(text, plain) {
			t.Errorf("%q does not hold the file: %v", accept, err)
		}
	}
	if tags[""] == tags["br"] || tags[""] == tags["gzip"] || tags["br"] == tags["gzip"] {
		t.Errorf("two encodings share an ETag: %v", tags)
	}
	if response, _ := ask(t, server, "GET", a.URL("fonts/x.woff2"), "Accept-Encoding", "br, gzip"); response.Header.Get("Content-Encoding") != "" {
		t.Error("a font, which is compressed already, is compressed again")
	}
}

func TestOwnScriptIsSentShort(t *testing.T) {
	t.Parallel()
	files := site()
	files["js/codex.js"] = &fstest.MapFile{Data: []byte("// What it does.\n\nif (a) {\n  // why\n  b('//'); // c\n}\n")}
	files["js/other.min.js"] = &fstest.MapFile{Data: []byte("  // as it came")}
	a, server := serve(t, files)
	for name, want := range map[string]string{"js/codex.js": `a&&b("//")`, "js/other.min.js": "  // as it came"} {
		if _, body := ask(t, server, "GET", a.URL(name)); string(body) != want {
			t.Errorf("%s is sent as %q", name, body)
		}
	}
}

func TestAFolderThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(fstest.MapFS){
		"there is no ../fonts/x.woff2": func(f fstest.MapFS) { delete(f, "fonts/x.woff2") },
		"open css/b.css":               func(f fstest.MapFS) { delete(f, "css/b.css") },
		"open css/codex.css":           func(f fstest.MapFS) { delete(f, "css/codex.css") },
		"css/codex.css:1: neither":     func(f fstest.MapFS) { f["css/codex.css"] = &fstest.MapFile{Data: []byte(".a { color: red }")} },
		"shorten a script":             func(f fstest.MapFS) { f["js/a.js"] = &fstest.MapFile{Data: []byte("let a = (")} },
		"no content type is known":     func(f fstest.MapFS) { f["video.mkv"] = &fstest.MapFile{} },
	} {
		files := site()
		change(files)
		if _, err := assets.New(files, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestTheForumsOwnFilesAreFit(t *testing.T) {
	t.Parallel()
	a, server := serve(t, os.DirFS("../../static"))
	total := 0
	for _, name := range []string{"codex.css", "js/codex.js", "js/live.js", "js/htmx-4.0.1.min.js", "icon.svg"} {
		response, body := ask(t, server, "GET", a.URL(name), "Accept-Encoding", "br")
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", name, response.Status)
		}
		total += len(body)
	}
	// A first visit has 50 KB for the page, its style and its script, which app/web measures; a page needs about 10 of them.
	if total > 37<<10 {
		t.Errorf("style and script are %d bytes as sent", total)
	}
	_, style := ask(t, server, "GET", a.URL("codex.css"))
	if bytes.Contains(style, []byte("/*")) || bytes.Contains(style, []byte("@import")) || bytes.Contains(style, []byte("../")) {
		t.Error("the style sheet still holds comments, imports or relative addresses")
	}
	if open, shut := bytes.Count(style, []byte("{")), bytes.Count(style, []byte("}")); open != shut {
		t.Errorf("the style sheet opens %d blocks and closes %d", open, shut)
	}
}

func TestServingAllocatesNothing(t *testing.T) {
	a, err := assets.New(site(), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := a.Handler(http.NotFoundHandler())
	r := httptest.NewRequest("GET", a.URL("js/codex.js"), nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	w := &quiet{header: http.Header{}}
	h.ServeHTTP(w, r)
	if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n != 0 {
		t.Errorf("%v allocations a file", n)
	}
}

type quiet struct{ header http.Header }

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(int)             {}

func BenchmarkNew(b *testing.B) {
	files := os.DirFS("../../static")
	for b.Loop() {
		if _, err := assets.New(files, nil); err != nil {
			b.Fatal(err)
		}
	}
}
