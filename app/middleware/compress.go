package middleware

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minCompress is the length below which compressing saves no packet.
const minCompress = 1 << 10

// Compress answers with zstd or gzip where the client takes it, the body is
// text and has 1 KiB or more. Never an event stream: an encoder would hold
// events back. Both run at their fastest level, since a page is compressed for
// one reader and thrown away; files that never change are compressed once,
// elsewhere, and pass through with their own Content-Encoding.
//
// An ETag stays as it is, so handlers use weak ones (W/"…"), which by
// definition may be the same for two encodings.
//
// Compressing secrets beside what a stranger chose (BREACH) needs the stranger
// to make a victim's browser ask with its cookie, over and over: the cookie is
// SameSite=Lax and pages hold no token that is worth guessing.
func Compress(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(minCompress),
		gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.ZstdCompressionLevel(int(zstd.SpeedFastest)),
		gzhttp.ContentTypeFilter(compressible),
	)
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&encoded{ResponseWriter: w}, r)
	})), nil
}

// encoded sits inside gzhttp's writer, which holds the first KiB back to see
// whether there will be more, and ignores a Flush before the first byte. A
// stream must get out of there at once.
type encoded struct {
	http.ResponseWriter
	decided bool
}

// decide is called with the header complete and before anything is written.
func (w *encoded) decide() {
	if w.decided {
		return
	}
	w.decided = true
	if isEventStream(w.Header().Get("Content-Type")) {
		w.Header().Set(gzhttp.HeaderNoCompression, "1") // gzhttp takes it out again
	}
}

func (w *encoded) passThrough() bool { return w.Header().Get(gzhttp.HeaderNoCompression) != "" }

// WriteHeader implements http.ResponseWriter.
func (w *encoded) WriteHeader(status int) {
	if status >= 200 {
		w.decide()
	}
	w.ResponseWriter.WriteHeader(status)
	if status >= 200 && w.passThrough() {
		_, _ = w.ResponseWriter.Write(nil) // makes gzhttp send the header, uncompressed
	}
}

// Write implements http.ResponseWriter.
func (w *encoded) Write(p []byte) (int, error) {
	w.decide()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *encoded) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController prefers to Flush.
func (w *encoded) FlushError() error {
	w.decide()
	if w.passThrough() {
		if _, err := w.ResponseWriter.Write(nil); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *encoded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// compressible says yes to what is text. A list of what is allowed, not of what
// is not: compressing an image again only costs.
func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case kind == "text/event-stream":
		return false
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "+json"), strings.HasSuffix(kind, "+xml"):
		return true
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml", "application/x-ndjson", "application/wasm":
		return true
	}
	return false
}
