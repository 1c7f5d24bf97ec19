// Package assets serves the style, fonts and script that the browser gets. Everything is read, bundled, named by its
// content and compressed once, when New is called, and stays in memory; nothing changes afterwards, so any number of
// requests may be served at once. As an address changes with the content, browsers keep what they have for a year
// and never ask again.
package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// prefix is where the handler stands.
const prefix = "/static/"

// Bundle is the name of the one style sheet, made of what css/codex.css imports.
const Bundle = "codex.css"

// types are the kinds of files there may be, and whether compressing them is worth it.
var types = map[string]struct {
	contentType string
	text        bool
}{
	".css":   {"text/css; charset=utf-8", true},
	".js":    {"text/javascript; charset=utf-8", true},
	".svg":   {"image/svg+xml", true},
	".woff2": {"font/woff2", false},
	".png":   {"image/png", false},
	".webp":  {"image/webp", false},
	".ico":   {"image/x-icon", false},
}

// Assets are the files, ready to be sent.
type Assets struct {
	addresses map[string]string // of a name
	files     map[string]*file  // at an address
}

// New reads files, whose root is the folder static. Licences and the parts of the style sheet are left out. Beside them
// stand the files of made, by their names, as they are. A file of an unknown kind, and a part or font that a style sheet
// names and that is missing, is an error.
func New(files fs.FS, made map[string][]byte) (*Assets, error) {
	a := &Assets{addresses: map[string]string{}, files: map[string]*file{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name == "css" {
				return fs.SkipDir // comes last: it names the others
			}
			return nil
		}
		if strings.HasPrefix(entry.Name(), "LICENSE") {
			return nil
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".js" && !strings.HasSuffix(name, ".min.js") {
			if body, err = shorten(body); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return a.add(name, body)
	})
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	for name, body := range made {
		if err := a.add(name, body); err != nil {
			return nil, err
		}
	}
	style, err := bundle(files, "css/codex.css", a.addresses)
	if err != nil {
		return nil, fmt.Errorf("bundle the style sheet: %w", err)
	}
	if err := a.add(Bundle, style); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Assets) add(name string, body []byte) error {
	ext := path.Ext(name)
	kind, ok := types[ext]
	if !ok {
		return fmt.Errorf("%s: no content type is known for %q", name, ext)
	}
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:4]) // 32 bits tell the versions of one file apart; they guard nothing
	address := prefix + strings.TrimSuffix(name, ext) + "." + tag + ext
	f, err := newFile(kind.contentType, hex.EncodeToString(sum[:8]), body, kind.text)
	if err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	a.addresses[name], a.files[address] = address, f
	return nil
}

// URL is the address of a file by its name, such as "js/codex.js" or "codex.css". A name that is not there gives an
// address that answers 404.
func (a *Assets) URL(name string) string {
	if address, ok := a.addresses[name]; ok {
		return address
	}
	return prefix + name
}
