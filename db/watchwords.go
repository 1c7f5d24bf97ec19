package db

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// MaxWatchWords is how many words the watch list has at most: each text of a member who is not trusted is compared with
// all of them.
const MaxWatchWords = 500

// WatchWord is a word, or the host of a link, that holds a text.
type WatchWord struct {
	ID        int64  `db:"id"`
	Word      string `db:"word"`
	AddedBy   string `db:"added_by"` // handle, may be empty
	CreatedAt Millis `db:"created_at"`
}

// watched answers the first word of the watch list, in order of the alphabet, that a text has; empty: none.
func (t *tx) watched(ctx context.Context, source string, links []string) (string, error) {
	var words []string
	if err := t.list(ctx, "watch list", &words, fmt.Sprintf("SELECT word FROM watch_words ORDER BY word LIMIT %d", MaxWatchWords)); err != nil || len(words) == 0 {
		return "", err
	}
	text, hosts := FoldWatched(source), hostsOf(links)
	for _, w := range words {
		if matchWatched(w, text, hosts) {
			return w, nil
		}
	}
	return "", nil
}

// WatchWords lists the watch list by the alphabet. Empty for those who are not staff.
func (d *DB) WatchWords(ctx context.Context, v Viewer) ([]WatchWord, error) {
	if !v.Staff() {
		return nil, nil
	}
	var list []WatchWord
	err := d.list(ctx, "WatchWords", &list, fmt.Sprintf(`SELECT w.id, w.word, COALESCE(m.handle, '') AS added_by, w.created_at
		FROM watch_words w LEFT JOIN members m ON m.id = w.added_by ORDER BY w.word LIMIT %d`, MaxWatchWords))
	return list, err
}

// AddWatchWord puts a word, some words in a row, or a host on the watch list; one that is there already stays as it is.
// For staff. ErrConflict: the list is full. ErrForbidden: there is no letter in it, or it is longer than 100 characters.
func (d *DB) AddWatchWord(ctx context.Context, v Viewer, word string) error {
	word = FoldWatched(word)
	if word == "" || utf8.RuneCountInString(word) > 100 {
		return fmt.Errorf("AddWatchWord: %w", ErrForbidden)
	}
	return d.govern(ctx, v, "AddWatchWord", func(ctx context.Context, tx *tx, _ Role) error {
		var full bool
		if err := tx.get(ctx, "watch list", &full, fmt.Sprintf("SELECT COUNT(*) >= %[1]d FROM (SELECT 1 FROM watch_words LIMIT %[1]d) w", MaxWatchWords)); err != nil {
			return err
		}
		if full {
			return fmt.Errorf("the watch list is full: %w", ErrConflict)
		}
		res, err := tx.exec(ctx, "watch word", "INSERT INTO watch_words (word, added_by, created_at) VALUES (?, ?, ?) ON CONFLICT (word) DO NOTHING", word, v.ID, d.millis())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.logged(ctx, v, Entry{Action: "watch-add", New: word})
		return err
	})
}

// DropWatchWord takes a word off the watch list. For staff.
func (d *DB) DropWatchWord(ctx context.Context, v Viewer, id int64) error {
	return d.govern(ctx, v, "DropWatchWord", func(ctx context.Context, tx *tx, _ Role) error {
		var word string
		if err := tx.get(ctx, "watch word", &word, "DELETE FROM watch_words WHERE id = ? RETURNING word", id); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, Entry{Action: "watch-drop", Old: word})
		return err
	})
}
