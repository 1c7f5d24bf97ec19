package db

import (
	"context"
	"errors"
	"fmt"

	"codex/app/markup"
)

// rerenders is how many texts one call of Rerender renders: a few milliseconds of the write connection.
const rerenders = 20

// texts names each table that keeps a text with its HTML and the version of the renderer that made it. more are the
// columns that come from the text too; author says whose it is.
var texts = []struct{ table, source, html, version, author, more string }{
	{"posts", "body", "html", "html_version", "COALESCE(author_id, 0)", ", excerpt = ?, opens = ?"},
	{"comments", "body", "html", "html_version", "COALESCE(author_id, 0)", ", excerpt = ?"},
	{"members", "bio", "bio_html", "bio_version", "id", ""},
	{"channels", "rules", "rules_html", "rules_version", "0", ""},
	{"tags", "about", "about_html", "about_version", "0", ""},
}

// Rerender renders some texts that an older renderer rendered, and answers how many: call it again until it answers 0.
// A text that was changed meanwhile is left alone, since the change rendered it. One that the present limits refuse
// keeps its old HTML and counts as rendered.
func (d *DB) Rerender(ctx context.Context) (done int, err error) {
	for _, t := range texts {
		var rows []struct {
			ID     int64  `db:"id"`
			Source string `db:"source"`
			Author int64  `db:"author"`
		}
		if err := d.list(ctx, "Outdated "+t.table, &rows, fmt.Sprintf("SELECT id, %s AS source, %s AS author FROM %s WHERE %s < %d AND %s <> '' ORDER BY %s, id LIMIT ?",
			t.source, t.author, t.table, t.version, markup.Version, t.html, t.version), rerenders); err != nil {
			return done, err
		}
		for _, row := range rows {
			res, err := d.renderedBy(ctx, row.Author, row.Source)
			var limit *markup.LimitError
			set, args := fmt.Sprintf("%s = ?", t.version), []any{markup.Version}
			switch {
			case errors.As(err, &limit):
			case err != nil:
				return done, fmt.Errorf("render %s %d again: %w", t.table, row.ID, err)
			default:
				set += fmt.Sprintf(", %s = ?%s", t.html, t.more)
				args = append(args, res.HTML)
				if t.more != "" {
					args = append(args, res.Excerpt)
				}
				if t.table == "posts" {
					args = append(args, res.Opens)
				}
			}
			err = d.change(ctx, "Rerender", func(ctx context.Context, tx *tx) error {
				_, err := tx.exec(ctx, t.table, fmt.Sprintf("UPDATE %s SET %s WHERE id = ? AND %s = ?", t.table, set, t.source), append(args, row.ID, row.Source)...)
				return err
			})
			if err != nil {
				return done, err
			}
			done++
		}
		if done > 0 {
			return done, nil
		}
	}
	return done, nil
}
