package db

import (
	"context"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"codex/app/markup"
)

// Preview renders a text as it would be stored, and stores nothing.
func (d *DB) Preview(ctx context.Context, v Viewer, source string) (markup.Result, error) {
	return d.renderedBy(ctx, v.ID, source)
}

// CleanTitle folds a title to one line of printable text. It fails for what CleanName fails for.
func CleanTitle(title string) (string, bool) {
	title = strings.Join(strings.Fields(norm.NFC.String(title)), " ")
	return title, utf8.ValidString(title) && !hasControl(title)
}
