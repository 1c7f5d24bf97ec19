package db

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// MaxImportBatch is the most rows that a batch should have: the write lock is held for some 30 ms, so a server that
// runs beside the import goes on. The look-ups below take as many ids at once.
const MaxImportBatch = 100

// importIDs is the list of parameters for MaxImportBatch ids, always as long, so that there is one statement to keep.
var importIDs = "(?" + strings.Repeat(", ?", MaxImportBatch-1) + ")"

// importRows runs a query that begins with a source and a kind and ends with importIDs, as often as it takes.
func importRows[T any](ctx context.Context, d *DB, name, query, source, kind string, extIDs []int64) ([]T, error) {
	var all []T
	for chunk := range slices.Chunk(extIDs, MaxImportBatch) {
		args := make([]any, 2, 2+MaxImportBatch)
		args[0], args[1] = source, kind
		for i := range MaxImportBatch {
			args = append(args, chunk[min(i, len(chunk)-1)])
		}
		var rows []T
		if err := d.list(ctx, name, &rows, query+importIDs, args...); err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// ImportRefs answers what the items of a kind have become, by their ids at the source. Those not imported are not in it.
func (d *DB) ImportRefs(ctx context.Context, source, kind string, extIDs []int64) (map[int64]int64, error) {
	type row struct {
		ExtID int64 `db:"ext_id"`
		ID    int64 `db:"id"`
	}
	rows, err := importRows[row](ctx, d, "ImportRefs", "SELECT ext_id, id FROM import_refs WHERE source = ? AND kind = ? AND ext_id IN ", source, kind, extIDs)
	found := make(map[int64]int64, len(rows))
	for _, r := range rows {
		found[r.ExtID] = r.ID
	}
	return found, err
}

// CountImportRefs counts the refs of a kind; for marks, what is still to do.
func (d *DB) CountImportRefs(ctx context.Context, source, kind string) (n int64, err error) {
	err = d.get(ctx, "CountImportRefs", &n, "SELECT COUNT(*) FROM import_refs WHERE source = ? AND kind = ?", source, kind)
	return n, err
}

// ImportAuthor is an imported member as an author. ID 0: they are gone from here.
type ImportAuthor struct {
	ExtID int64  `db:"ext_id"`
	ID    int64  `db:"id"`
	Name  string `db:"name"`
}

// ImportAuthors finds imported members by their ids at the source.
func (d *DB) ImportAuthors(ctx context.Context, source, kind string, extIDs []int64) (map[int64]ImportAuthor, error) {
	rows, err := importRows[ImportAuthor](ctx, d, "ImportAuthors", `SELECT r.ext_id, COALESCE(m.id, 0) AS id, COALESCE(m.name, '') AS name
		FROM import_refs r LEFT JOIN members m ON m.id = r.id AND m.deleted_at IS NULL WHERE r.source = ? AND r.kind = ? AND r.ext_id IN `, source, kind, extIDs)
	found := make(map[int64]ImportAuthor, len(rows))
	for _, r := range rows {
		found[r.ExtID] = r
	}
	return found, err
}

// ImportPlace is where an imported item stands: a post (CommentID 0) or a comment.
type ImportPlace struct {
	ExtID       int64  `db:"ext_id"`
	PostID      int64  `db:"post_id"`
	CommentID   int64  `db:"comment_id"`
	PostSlug    string `db:"slug"`
	AuthorID    int64  `db:"author_id"`
	AuthorName  string `db:"author_name"`
	DuplicateOf int64  `db:"duplicate_of"`
	Gone        bool   `db:"gone"` // deleted here since
}

// ImportedPosts finds imported posts by their ids at the source.
func (d *DB) ImportedPosts(ctx context.Context, source, kind string, extIDs []int64) (map[int64]ImportPlace, error) {
	return importPlaces(ctx, d, "ImportedPosts", `SELECT r.ext_id, r.id AS post_id, 0 AS comment_id, COALESCE(p.slug, '') AS slug, COALESCE(p.author_id, 0) AS author_id,
			COALESCE(m.name, p.source_author, '') AS author_name, COALESCE(p.duplicate_of, 0) AS duplicate_of, (p.id IS NULL OR p.deleted_at IS NOT NULL) AS gone
		FROM import_refs r LEFT JOIN posts p ON p.id = r.id LEFT JOIN members m ON m.id = p.author_id
		WHERE r.source = ? AND r.kind = ? AND r.ext_id IN `, source, kind, extIDs)
}

// ImportedComments finds imported comments by their ids at the source.
func (d *DB) ImportedComments(ctx context.Context, source, kind string, extIDs []int64) (map[int64]ImportPlace, error) {
	return importPlaces(ctx, d, "ImportedComments", `SELECT r.ext_id, COALESCE(k.post_id, 0) AS post_id, r.id AS comment_id, COALESCE(p.slug, '') AS slug,
			COALESCE(k.author_id, 0) AS author_id, COALESCE(m.name, k.source_author, '') AS author_name, 0 AS duplicate_of,
			(p.id IS NULL OR p.deleted_at IS NOT NULL) AS gone
		FROM import_refs r LEFT JOIN comments k ON k.id = r.id LEFT JOIN posts p ON p.id = k.post_id LEFT JOIN members m ON m.id = k.author_id
		WHERE r.source = ? AND r.kind = ? AND r.ext_id IN `, source, kind, extIDs)
}

func importPlaces(ctx context.Context, d *DB, name, query, source, kind string, extIDs []int64) (map[int64]ImportPlace, error) {
	rows, err := importRows[ImportPlace](ctx, d, name, query, source, kind, extIDs)
	found := make(map[int64]ImportPlace, len(rows))
	for _, r := range rows {
		found[r.ExtID] = r
	}
	return found, err
}

// HandleTaken reports whether a member has or had the handle, deleted ones too.
func (d *DB) HandleTaken(ctx context.Context, handle string) (bool, error) {
	var n int
	err := d.get(ctx, "HandleTaken", &n, "SELECT EXISTS (SELECT 1 FROM members WHERE handle_key = ?) OR EXISTS (SELECT 1 FROM old_handles WHERE handle_key = ?)", foldHandle(handle), foldHandle(handle))
	return n == 1, err
}

// ImportedReply is an imported comment below a place.
type ImportedReply struct {
	SourceURL  string `db:"source_url"`
	AuthorID   int64  `db:"author_id"`
	AuthorName string `db:"author_name"`
	CreatedAt  Millis `db:"created_at"`
	ID         int64  `db:"id"`
}

// MaxImportedReplies is how many comments of one place ImportedReplies looks back on.
const MaxImportedReplies = 1000

// ImportedReplies lists the imported comments below a place whose addresses at the source begin with prefix, in the order
// in which they were written, at most the newest MaxImportedReplies. Below a post they are the roots of that prefix
// and what is below those; so the comments on a question, and not those on its answers.
func (d *DB) ImportedReplies(ctx context.Context, at ImportPlace, prefix string) ([]ImportedReply, error) {
	query := `SELECT k.source_url, COALESCE(k.author_id, 0) AS author_id, COALESCE(m.name, k.source_author) AS author_name, k.created_at, k.id
		FROM comments k JOIN comments r ON r.id = k.root_id LEFT JOIN members m ON m.id = k.author_id WHERE `
	args := []any{len(prefix), prefix}
	if at.CommentID != 0 {
		query += "k.root_id = ?"
		args = append([]any{at.CommentID}, args...)
	} else {
		query += "k.post_id = ? AND substr(r.source_url, 1, ?) = ?"
		args = append([]any{at.PostID}, append(args, args...)...)
	}
	var list []ImportedReply
	err := d.list(ctx, "ImportedReplies", &list, query+" AND substr(k.source_url, 1, ?) = ? ORDER BY k.id DESC LIMIT ?", append(args, MaxImportedReplies)...)
	slices.Reverse(list)
	return list, err
}

// ArrangeImported puts the comments of posts that an import has added to in the order of time, up to limit posts in one
// transaction, and answers how many posts it looked at: 0 when none is left. Memory is bounded by their threads.
//
// An import writes answers first and the comments on the question after them, so the ordinals of its roots say
// nothing of time until this has run. What stands in order is not touched.
func (d *DB) ArrangeImported(ctx context.Context, source string, limit int) (int, error) {
	var posts []int64
	if err := d.list(ctx, "ImportsToArrange", &posts, "SELECT id FROM import_refs WHERE source = ? AND kind = ? ORDER BY ext_id LIMIT ?", source, MarkArrange, limit); err != nil || len(posts) == 0 {
		return 0, err
	}
	return len(posts), d.change(ctx, "ArrangeImported", func(ctx context.Context, tx *tx) error {
		for _, post := range posts {
			if err := arrange(ctx, tx, post); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, "mark", "DELETE FROM import_refs WHERE source = ? AND kind = ? AND ext_id = ?", source, MarkArrange, post); err != nil {
				return err
			}
		}
		return nil
	})
}

type placed struct {
	ID        int64  `db:"id"`
	ParentID  int64  `db:"parent_id"`
	Path      string `db:"path"`
	CreatedAt Millis `db:"created_at"`
}

func arrange(ctx context.Context, tx *tx, postID int64) error {
	var all []placed
	if err := tx.list(ctx, "thread", &all, "SELECT id, COALESCE(parent_id, 0) AS parent_id, path, created_at FROM comments WHERE post_id = ? ORDER BY path", postID); err != nil {
		return err
	}
	moved := inTime(all)
	// Two rounds, because a new path may be one that another comment still has; no real path begins with '!'.
	for _, c := range moved {
		if err := tx.one(ctx, "set aside", "UPDATE comments SET path = '!' || id WHERE id = ?", c.ID); err != nil {
			return err
		}
	}
	for _, c := range moved {
		if err := tx.one(ctx, "place", "UPDATE comments SET path = ? WHERE id = ?", c.Path, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// inTime gives the comments whose paths change when siblings stand in the order of time, those of one moment in that
// of their ids. The ordinals of a parent's children stay the same numbers: no counter changes.
func inTime(all []placed) (moved []placed) {
	children := map[int64][]placed{}
	for _, c := range all {
		children[c.ParentID] = append(children[c.ParentID], c)
	}
	type parent struct {
		id   int64
		path string // new
		old  int    // the length of the old path
	}
	for todo := []parent{{}}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		list := children[p.id]
		steps := make([]string, len(list)) // in the order of the old paths: ascending
		for i, c := range list {
			steps[i] = c.Path[p.old:]
		}
		slices.SortFunc(list, func(a, b placed) int {
			return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		for i, c := range list {
			todo = append(todo, parent{c.ID, p.path + steps[i], len(c.Path)})
			if path := p.path + steps[i]; path != c.Path {
				c.Path = path
				moved = append(moved, c)
			}
		}
	}
	return moved
}
