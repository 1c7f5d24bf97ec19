package respond

import (
	"net/http"
	"net/url"
	"strings"

	"codex/views/ui"
)

// A write form whose sender is not signed in any more is answered with the sign-in page. That page carries along what
// the form held, in fields of these names, and after the sign-in it is shown again. Nothing of it is stored on the way,
// and it is sent only when the person sends it.
const (
	carriedTo   = "kept-to"
	carriedName = "kept:"
	maxCarried  = 128 << 10 // bytes; twice the longest body
)

// mayCarry says which fields are carried. It is a list of what may, so that a password or a token never is.
func mayCarry(name string) bool {
	switch name {
	case "key", "as", "version", "parent", "kind", "channel", "tags", "slug", "name", "preview", "visibility", "note", "place":
		return true
	}
	return longField(name)
}

// Carry is what the sign-in page shall carry along of a form that has been read: nil when it holds no text that took
// time to write, is too large, or when no browser says that a page of this site sent it. A script gets the usual way to
// the sign-in page.
func Carry(r *http.Request) *ui.Kept {
	if Partial(r) || !fromHere(r) {
		return nil
	}
	k, size, long := ui.Kept{Action: r.URL.RequestURI()}, 0, false
	for _, name := range fieldNames(r.PostForm) {
		if !mayCarry(name) {
			continue
		}
		f := ui.KeptField{Name: name, Value: r.PostForm.Get(name), Long: longField(name)}
		size += len(f.Name) + len(f.Value)
		long = long || f.Long && f.Value != ""
		k.Fields = append(k.Fields, f)
	}
	if !long || size > maxCarried {
		return nil
	}
	return &k
}

// Carried is what a sign-in form that has been read carries along; nil without any.
func Carried(r *http.Request) *ui.Kept {
	k := ui.Kept{Action: Local(r.PostForm.Get(carriedTo))}
	if k.Action == "/" || !fromHere(r) {
		return nil
	}
	for _, field := range fieldNames(r.PostForm) {
		if name, ok := strings.CutPrefix(field, carriedName); ok && mayCarry(name) {
			k.Fields = append(k.Fields, ui.KeptField{Name: name, Value: r.PostForm.Get(field), Long: longField(name)})
		}
	}
	return &k
}

// fromHere reports that a browser says that a page of this site sent the request.
func fromHere(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && origin.Host == r.Host
}
