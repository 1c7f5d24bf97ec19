package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// formKey joins a form's idempotency key with what the form says. A form that is sent again as it was has the same; one
// that was written anew under the same key, after the browser's back button, has another, and is a write of its own.
func formKey(key, kind string, fields ...string) string {
	if key == "" {
		return ""
	}
	h := sha256.New()
	for _, field := range append([]string{key, kind}, fields...) {
		h.Write([]byte(strconv.Itoa(len(field)) + ":" + field))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// FormKey is what a sent form is known by: its key and what it says; empty without a key.
func (n NewPost) FormKey() string {
	return formKey(n.Key, "post", strconv.FormatInt(n.ChannelID, 10), n.Kind, n.Title, n.Body, strings.Join(n.Tags, " "))
}

// FormKey is the same for a comment.
func (n NewComment) FormKey() string {
	return formKey(n.Key, "comment", strconv.FormatInt(n.PostID, 10), strconv.FormatInt(n.ParentID, 10), n.Body)
}

// FormKey is the same for a change of the post.
func (e PostEdit) FormKey(id int64) string {
	return formKey(e.Key, "edit post", strconv.FormatInt(id, 10), strconv.FormatInt(int64(e.Of), 10), e.Title, e.Body, strings.Join(e.Tags, " "))
}

// FormKey is the same for a change of the comment.
func (e CommentEdit) FormKey(id int64) string {
	return formKey(e.Key, "edit comment", strconv.FormatInt(id, 10), strconv.FormatInt(int64(e.Of), 10), e.Body)
}

// FormKey is the same for a channel.
func (n NewChannel) FormKey() string {
	return formKey(n.Key, "channel", n.Slug, n.Name, n.Description, n.Rules)
}

// repeated looks for a write form that was sent before, by its FormKey: the id of what it made then, 0 for a new one.
func (t *tx) repeated(ctx context.Context, v Viewer, key string) (int64, error) {
	if key == "" {
		return 0, nil
	}
	var id int64
	err := t.get(ctx, "idempotency key", &id, "SELECT subject_id FROM idempotency_keys WHERE member_id = ? AND key = ?", v.ID, key)
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

// sent remembers a text that was written, and drops the draft that it was.
func (t *tx) sent(ctx context.Context, v Viewer, key, kind string, id int64, draft string) error {
	if err := t.published(ctx, v, draft); err != nil {
		return err
	}
	return t.remember(ctx, v, key, kind, id)
}

// WasSent finds what a form with this FormKey made when it was sent before: its id, or 0.
func (d *DB) WasSent(ctx context.Context, v Viewer, key string) (int64, error) {
	if key == "" {
		return 0, nil
	}
	var ids []int64
	err := d.list(ctx, "WasSent", &ids, "SELECT subject_id FROM idempotency_keys WHERE member_id = ? AND key = ?", v.ID, key)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}
