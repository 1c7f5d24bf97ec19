package middleware

import "net/http"

// contentSecurityPolicy allows our own files and nothing else: no inline
// script or style, no foreign host, no frame around us.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Headers sets the security headers of every response; a handler may replace
// one with Header().Set (an upload has a stricter policy). secure adds HSTS for
// a year, without subdomains: the forum knows nothing about those.
//
// Referrer-Policy is same-origin, not no-referrer: the latter makes browsers
// send "Origin: null" with our own forms.
func Headers(next http.Handler, secure bool) http.Handler {
	values := [][2]string{
		{"Content-Security-Policy", contentSecurityPolicy},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "same-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	}
	if secure {
		values = append(values, [2]string{"Strict-Transport-Security", "max-age=31536000"})
	}
	// The value slices are made once and shared by all responses. That is safe:
	// Set replaces the slice, and Add cannot write into one that is full.
	type header struct {
		name   string
		values []string
	}
	headers := make([]header, len(values))
	for i, v := range values {
		headers[i] = header{http.CanonicalHeaderKey(v[0]), []string{v[1]}}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, header := range headers {
			h[header.name] = header.values
		}
		next.ServeHTTP(w, r)
	})
}
