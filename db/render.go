package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"codex/app/markup"
)

// rendered turns what a person wrote into HTML, with the members and channels that it names resolved to ids in one
// query each. A channel that is not for everybody is not named: a link in its place would tell a stranger that it is
// there. It runs before the write's transaction, never inside it.
func (d *DB) rendered(ctx context.Context, source string) (markup.Result, error) {
	return d.renderedBy(ctx, 0, source)
}

// renderedBy is rendered for a text of that author, who cannot mention those who have blocked them. 0 is nobody.
func (d *DB) renderedBy(ctx context.Context, author int64, source string) (markup.Result, error) {
	if source == "" {
		return markup.Result{}, nil
	}
	refs := markup.Refs{Members: map[string]int64{}, Channels: map[string]int64{}}
	refs.IDPrefix = footnotePrefix(source)
	handles, slugs := d.markup.Scan(source)
	if err := d.resolve(ctx, "MentionedMembers", "SELECT id, handle_key AS name FROM members WHERE deleted_at IS NULL AND state = 'active' AND handle_key IN ", handles, foldHandle, refs.Members); err != nil {
		return markup.Result{}, err
	}
	if old := slices.DeleteFunc(slices.Clone(handles), func(h string) bool { return refs.Members[foldHandle(h)] != 0 }); len(old) > 0 {
		if err := d.resolve(ctx, "MentionedOldHandles", `SELECT o.member_id AS id, o.handle_key AS name FROM old_handles o JOIN members m ON m.id = o.member_id
			WHERE m.deleted_at IS NULL AND m.state = 'active' AND o.handle_key IN `, old, foldHandle, refs.Members); err != nil {
			return markup.Result{}, err
		}
	}
	if err := d.unmentioned(ctx, author, refs.Members); err != nil {
		return markup.Result{}, err
	}
	if err := d.resolve(ctx, "MentionedChannels", "SELECT c.id, c.slug AS name FROM channels c WHERE "+listed+" AND c.slug IN ", slugs, strings.ToLower, refs.Channels); err != nil {
		return markup.Result{}, err
	}
	return d.markup.Render(source, refs)
}

// footnotePrefix keeps the footnotes of two texts on one page apart.
func footnotePrefix(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "n" + hex.EncodeToString(sum[:4]) + "-"
}

// maxRefs bounds the members, and the channels, that one text can name.
const maxRefs = 50

func (d *DB) resolve(ctx context.Context, name, query string, names []string, fold func(string) string, into map[string]int64) error {
	if len(names) == 0 {
		return nil
	}
	// The list is always 50 parameters long, so that there is one statement to prepare.
	args := make([]any, maxRefs)
	for i := range args {
		args[i] = ""
		if i < len(names) {
			args[i] = fold(names[i])
		}
	}
	var found []struct {
		ID   int64  `db:"id"`
		Name string `db:"name"`
	}
	if err := d.list(ctx, name, &found, query+"(?"+strings.Repeat(", ?", maxRefs-1)+")", args...); err != nil {
		return err
	}
	for _, f := range found {
		into[f.Name] = f.ID
	}
	return nil
}
