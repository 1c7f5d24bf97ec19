package assets

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// The levels are where size stops falling for the time that each start would pay: style and script are 24.6 KB at
// brotli 6, in about 10 ms, and 22.8 KB at 11, in about 400 ms.
const (
	brotliLevel = 6
	gzipLevel   = 6
)

// file is what is sent at one address, in each encoding that makes it smaller. The first is the plain one.
type file struct {
	contentType []string
	variants    []variant
}

// variant holds the values of its header as the slices that net/http wants, so that serving allocates none.
type variant struct {
	coding       string
	encoding     []string
	length, etag []string
	body         []byte
}

var (
	forever    = []string{"public, max-age=31536000, immutable"}
	byEncoding = []string{"Accept-Encoding"}
)

func newFile(contentType, tag string, body []byte, text bool) (*file, error) {
	f := &file{contentType: []string{contentType}, variants: []variant{newVariant("", tag, body)}}
	if !text {
		return f, nil
	}
	var br, gz bytes.Buffer
	bw := brotli.NewWriterLevel(&br, brotliLevel)
	gw, err := gzip.NewWriterLevel(&gz, gzipLevel)
	if err != nil {
		return nil, err
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{bw, gw} {
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	if br.Len() < len(body) {
		f.variants = append(f.variants, newVariant("br", tag, br.Bytes()))
	}
	if gz.Len() < len(body) {
		f.variants = append(f.variants, newVariant("gzip", tag, gz.Bytes()))
	}
	return f, nil
}

func newVariant(coding, tag string, body []byte) variant {
	v := variant{coding: coding, length: []string{strconv.Itoa(len(body))}, body: body}
	if coding == "" {
		v.etag = []string{`"` + tag + `"`}
	} else {
		v.encoding = []string{coding}
		v.etag = []string{`"` + tag + "-" + coding + `"`}
	}
	return v
}

// Handler serves the files at /static/. What is not there, among it each file under its plain name or under that of an
// older content, is notFound's to answer: an old page that asks for an old style sheet must not get the new one and
// keep it for a year. Ranges are not served; the largest file is a font.
func (a *Assets) Handler(notFound http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := a.files[r.URL.Path]
		if !ok {
			notFound.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		v := f.choose(r.Header["Accept-Encoding"])
		h["Cache-Control"] = forever
		h["Etag"] = v.etag
		if len(f.variants) > 1 {
			h["Vary"] = byEncoding
		}
		if matches(r.Header["If-None-Match"], v.etag[0]) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h["Content-Type"] = f.contentType
		h["Content-Length"] = v.length
		if v.encoding != nil {
			h["Content-Encoding"] = v.encoding
		}
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodGet {
			_, _ = w.Write(v.body) // who went away needs no answer
		}
	})
}

// choose takes the first encoding that the client accepts; the order in variants is that of their size.
func (f *file) choose(accept []string) *variant {
	for i := 1; i < len(f.variants); i++ {
		if accepts(accept, f.variants[i].coding) {
			return &f.variants[i]
		}
	}
	return &f.variants[0]
}

// accepts reads Accept-Encoding for one coding by name. "*" is not taken as a yes: no browser sends it, and plain is
// always right.
func accepts(header []string, coding string) bool {
	for _, line := range header {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			name, parameters, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(name), coding) {
				return !refused(parameters)
			}
		}
	}
	return false
}

// refused says whether the parameters of a coding hold a weight of zero.
func refused(parameters string) bool {
	name, q, _ := strings.Cut(strings.TrimSpace(parameters), "=")
	return strings.EqualFold(strings.TrimSpace(name), "q") && strings.Trim(strings.TrimSpace(q), "0.") == "" && q != ""
}

// matches says whether If-None-Match names etag. Weak comparison, as RFC 9110 (13.1.2) asks here.
func matches(header []string, etag string) bool {
	for _, line := range header {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == etag {
				return true
			}
		}
	}
	return false
}
