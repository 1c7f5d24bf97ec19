package db

import "context"

// SetSaved puts a post among what the viewer saved, or takes it away; doing it twice changes nothing. ErrNotFound: they
// may not read the post. What is saved can be taken away also when it cannot be read any more.
func (d *DB) SetSaved(ctx context.Context, v Viewer, postID int64, on bool) error {
	return d.change(ctx, "SetSaved", func(ctx context.Context, tx *tx) error {
		if !on {
			_, err := tx.exec(ctx, "save", "DELETE FROM saves WHERE member_id = ? AND post_id = ?", v.ID, postID)
			return err
		}
		if _, err := tx.readablePost(ctx, v, postID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "save", "INSERT INTO saves (member_id, post_id, created_at) VALUES (?, ?, ?) ON CONFLICT (member_id, post_id) DO NOTHING", v.ID, postID, d.millis())
		return err
	})
}

// SavedPosts lists what the viewer saved and may read, the last saved first. A row's Cursor is by when it was saved.
func (d *DB) SavedPosts(ctx context.Context, v Viewer, after Cursor, limit int) ([]PostRow, error) {
	var found []struct {
		PostRow
		SavedAt int64 `db:"saved_at"`
	}
	columns, joins, args := postRowSelect(v)
	key, id := after.start()
	err := d.list(ctx, "SavedPosts", &found, "SELECT "+columns+", sv.created_at AS saved_at FROM saves sv CROSS JOIN posts p ON p.id = sv.post_id"+joins+`
		WHERE sv.member_id = ? AND (sv.created_at, sv.post_id) < (?, ?) AND p.deleted_at IS NULL AND `+visible+`
		ORDER BY sv.created_at DESC, sv.post_id DESC LIMIT ?`, append(args, v.ID, key, id, v.ID, limit)...)
	list := make([]PostRow, len(found))
	for i := range found {
		list[i] = found[i].PostRow
		list[i].judge(v)
		list[i].key = found[i].SavedAt
	}
	return list, err
}
