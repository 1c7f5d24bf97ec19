package db

import (
	"context"
	"errors"
)

// repeated looks for a write form that was sent before: the id of what it made then, 0 for a new one.
func (t *tx) repeated(ctx context.Context, v Viewer, key, kind string) (int64, error) {
	if key == "" {
		return 0, nil
	}
	var id int64
	err := t.get(ctx, "idempotency key", &id, "SELECT subject_id FROM idempotency_keys WHERE member_id = ? AND key = ? AND kind = ?", v.ID, key, kind)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// remember writes the key in the transaction of the write that it stands for.
func (t *tx) remember(ctx context.Context, v Viewer, key, kind string, id int64) error {
	if key == "" {
		return nil
	}
	_, err := t.exec(ctx, "idempotency key", "INSERT INTO idempotency_keys (member_id, key, kind, subject_id, created_at) VALUES (?, ?, ?, ?, ?)",
		v.ID, key, kind, id, t.d.millis())
	return err
}

// WasSent finds what a write form with this key made when it was sent before: its id, or 0.
func (d *DB) WasSent(ctx context.Context, v Viewer, key, kind string) (int64, error) {
	if key == "" {
		return 0, nil
	}
	var ids []int64
	err := d.list(ctx, "WasSent", &ids, "SELECT subject_id FROM idempotency_keys WHERE member_id = ? AND key = ? AND kind = ?", v.ID, key, kind)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}
