package db

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"codex/app/markup"
)

// Tag is a tag as its page shows it.
type Tag struct {
	ID          int64  `db:"id"`
	Name        string `db:"name"`
	Description string `db:"description"` // a sentence of plain text
	Posts       int    `db:"post_count"`
}

// TagPage is a tag with the longer text on its own page, and where that text comes from.
type TagPage struct {
	Tag
	About        markup.HTML `db:"about_html"`
	SourceURL    string      `db:"source_url"`
	SourceAuthor string      `db:"source_author"`
	Licence      string      `db:"licence"`
}

// TagPageByName finds a tag with its longer text.
func (d *DB) TagPageByName(ctx context.Context, name string) (TagPage, error) {
	var t TagPage
	err := d.get(ctx, "TagPageByName", &t, "SELECT id, name, description, post_count, about_html, source_url, source_author, licence FROM tags WHERE name = ?", name)
	return t, err
}

// MaxTags is how many tags a post may bear.
const MaxTags = 5

var tagPattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}.+#\-]{0,34}$`)

// ParseTags reads what a person typed, names between spaces or commas, into at most MaxTags lower-case tags without
// doubles. ok is false when one is no tag or there are too many.
func ParseTags(typed string) (tags []string, ok bool) {
	seen := map[string]bool{}
	for _, name := range strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r' }) {
		name = strings.TrimPrefix(name, "#")
		if !tagPattern.MatchString(name) {
			return nil, false
		}
		if !seen[name] {
			seen[name] = true
			tags = append(tags, name)
		}
	}
	return tags, len(tags) <= MaxTags
}

// TagByName finds a tag.
func (d *DB) TagByName(ctx context.Context, name string) (Tag, error) {
	var t Tag
	err := d.get(ctx, "TagByName", &t, "SELECT id, name, description, post_count FROM tags WHERE name = ?", name)
	return t, err
}

// Tags lists the tags in use, those with the most posts first, at most limit.
func (d *DB) Tags(ctx context.Context, limit int) ([]Tag, error) {
	var list []Tag
	err := d.list(ctx, "Tags", &list, "SELECT id, name, description, post_count FROM tags WHERE post_count > 0 ORDER BY post_count DESC, name LIMIT ?", limit)
	return list, err
}

// setTags makes the post bear exactly these tags and keeps the tags' counts.
func (t *tx) setTags(ctx context.Context, postID, channelID int64, createdAt Millis, tags []string) error {
	var old []int64
	if err := t.list(ctx, "old tags", &old, "SELECT tag_id FROM post_tags WHERE post_id = ?", postID); err != nil {
		return err
	}
	keep := map[int64]bool{}
	for _, name := range tags {
		id, err := t.tagID(ctx, name)
		if err != nil {
			return err
		}
		keep[id] = true
		res, err := t.exec(ctx, "tag", "INSERT INTO post_tags (tag_id, post_id, created_at) VALUES (?, ?, ?) ON CONFLICT (tag_id, post_id) DO NOTHING", id, postID, createdAt)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			continue
		}
		if _, err := t.exec(ctx, "tag count", "UPDATE tags SET post_count = post_count + "+inListed+" WHERE id = ?", channelID, id); err != nil {
			return err
		}
	}
	for _, id := range old {
		if keep[id] {
			continue
		}
		if _, err := t.exec(ctx, "untag", "DELETE FROM post_tags WHERE tag_id = ? AND post_id = ?", id, postID); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "tag count", "UPDATE tags SET post_count = post_count - "+inListed+" WHERE id = ?", channelID, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) tagID(ctx context.Context, name string) (int64, error) {
	var id int64
	err := t.get(ctx, "tag", &id, "SELECT id FROM tags WHERE name = ?", name)
	if errors.Is(err, ErrNotFound) {
		return t.insert(ctx, "tag", "INSERT INTO tags (name) VALUES (?)", name)
	}
	return id, err
}

// joinTags is the form that stands in a post's row.
func joinTags(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	return strings.Join(tags, " ") + " "
}
