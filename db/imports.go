package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"codex/app/markup"
)

// This file is what an import needs: look-ups by the identity that an item has at its source, and ImportBatch, which
// writes a batch and the rows of import_refs that stand for it in one transaction. So a kill at any point leaves
// either all of a batch or nothing, and the next run knows which. Counts are kept by the same functions that keep them
// when a person writes.
//
// A row of import_refs is (source, kind, ext_id) → id. Most kinds are items; some are marks, which an import leaves for
// a later step of itself and which that step takes away.

// ImportRef is the identity of an item at its source, which is part of every call.
type ImportRef struct {
	Kind  string
	ExtID int64
}

// ImportText is a text that is rendered already: no batch renders inside its transaction.
type ImportText struct {
	source string
	result markup.Result
}

// ImportText renders a text that comes from elsewhere. It names nobody: an importer escapes what would be a mention
// here. The error is a *markup.LimitError.
func (d *DB) ImportText(source string) (ImportText, error) {
	source = markup.Clean(source)
	if source == "" {
		return ImportText{}, nil
	}
	res, err := d.markup.Render(source, markup.Refs{IDPrefix: footnotePrefix(source)})
	return ImportText{source, res}, err
}

// Plain is the text as its reader sees it, on one line.
func (t ImportText) Plain() string {
	return strings.Join(strings.Fields(markup.Text(t.result.HTML)), " ")
}

// ImportedMember is a member who cannot sign in: they have no password and no address.
type ImportedMember struct {
	ImportRef
	Handle, Name, SourceURL string
	Bio                     ImportText
	CreatedAt, SeenAt       Millis
	Mark                    string // the kind of a mark to leave with their id; empty: none
}

// Imported is what posts and comments have in common.
type Imported struct {
	ImportRef
	AuthorID           int64  // 0: deleted at the source, or not in the archive
	SourceAuthor       string // the name of an author without an AuthorID
	Text               ImportText
	Score              int64 // becomes the base of the score
	CreatedAt          Millis
	EditedAt           Millis // 0: never
	SourceURL, Licence string
	Mark               string // the kind of a mark to leave with its id; empty: none
}

// ImportedPost is a question.
type ImportedPost struct {
	Imported
	Title   string
	Tags    []string
	Accepts ImportRef // a mark to leave with the post's id until its accepted answer comes; zero: none
}

// ImportedComment is a comment below PostID.
type ImportedComment struct {
	Imported
	PostID, ParentID int64     // ParentID 0: a root
	ReplyTo          ImportRef // the comment that it answers in place of ParentID, perhaps of this same batch; zero: none
	Accepted         bool      // it is the post's accepted answer, unless another was accepted here meanwhile
}

// ImportedTag is a tag of the source; one of the same name is the same tag.
type ImportedTag struct {
	ImportRef
	Name string
}

// ImportedTagText describes a tag: Short is a sentence for lists, Long the text on the tag's page.
// One of the two is empty, and the other stays as it is.
type ImportedTagText struct {
	ImportRef
	Tag, Short                       string
	Long                             ImportText
	SourceURL, SourceAuthor, Licence string
	Mark                             string // the kind of a mark to leave with the tag's id; empty: none
}

// ImportedDuplicate says that a post is a duplicate of another.
type ImportedDuplicate struct {
	ImportRef
	PostID, OfID int64
}

// ImportedRevision is another text for an imported item (ID: the member, post, comment or tag). A post's or comment's
// is written only if nobody has edited it here: EditedAt is what the import wrote.
type ImportedRevision struct {
	ID       int64
	Text     ImportText
	EditedAt Millis
}

// ImportMark is a row of import_refs by itself.
type ImportMark struct {
	ImportRef
	ID int64
}

// ImportBatch is what one transaction writes, in this order: new items, then
// texts for items that are there, then marks. It should not have more than MaxImportBatch rows.
type ImportBatch struct {
	Source    string
	ChannelID int64 // for Posts and Comments

	Members    []ImportedMember
	Tags       []ImportedTag
	Posts      []ImportedPost
	Comments   []ImportedComment
	TagTexts   []ImportedTagText
	Duplicates []ImportedDuplicate

	Bios, PostTexts, CommentTexts, TagAbouts []ImportedRevision

	Marks []ImportMark // a mark that is there already stays
	Done  []ImportRef  // marks to take away
}

// refChannel is the kind of the one row that says which channel a source went into.
const refChannel = "channel"

// MarkArrange marks a post, by its own id, whose comments an import has added to: they may stand out of time's order.
const MarkArrange = "arrange"

// ImportBatch writes a batch, all of it or nothing. ErrHandleTaken: a member's handle was taken meanwhile.
// ErrConflict: an item is imported already, as when two imports of one source run at once.
func (d *DB) ImportBatch(ctx context.Context, b ImportBatch) error {
	return d.change(ctx, "ImportBatch", func(ctx context.Context, tx *tx) error {
		w := importWriter{tx: tx, b: b, joined: map[int64]bool{}}
		for _, write := range []func() error{
			func() error { return each(ctx, b.Members, w.member) },
			func() error { return each(ctx, b.Tags, w.tag) },
			func() error { return each(ctx, b.Posts, w.post) },
			func() error { return each(ctx, b.Comments, w.comment) },
			func() error { return each(ctx, b.TagTexts, w.tagText) },
			func() error { return each(ctx, b.Duplicates, w.duplicate) },
			func() error { return each(ctx, b.Bios, w.bio) },
			func() error { return each(ctx, b.PostTexts, w.postText) },
			func() error { return each(ctx, b.CommentTexts, w.commentText) },
			func() error { return each(ctx, b.TagAbouts, w.tagAbout) },
			func() error { return each(ctx, b.Marks, w.mark) },
			func() error { return each(ctx, b.Done, w.done) },
		} {
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
}

func each[T any](ctx context.Context, list []T, write func(context.Context, T) error) error {
	for _, v := range list {
		if err := write(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

type importWriter struct {
	tx     *tx
	b      ImportBatch
	joined map[int64]bool
}

func (w *importWriter) ref(ctx context.Context, r ImportRef, id int64) error {
	_, err := w.tx.exec(ctx, "ref", "INSERT INTO import_refs (source, kind, ext_id, id) VALUES (?, ?, ?, ?)", w.b.Source, r.Kind, r.ExtID, id)
	return err
}

func (w *importWriter) mark(ctx context.Context, m ImportMark) error {
	_, err := w.tx.exec(ctx, "mark", `INSERT INTO import_refs (source, kind, ext_id, id) VALUES (?, ?, ?, ?)
		ON CONFLICT (source, kind, ext_id) DO NOTHING`, w.b.Source, m.Kind, m.ExtID, m.ID)
	return err
}

func (w *importWriter) done(ctx context.Context, r ImportRef) error {
	_, err := w.tx.exec(ctx, "mark", "DELETE FROM import_refs WHERE source = ? AND kind = ? AND ext_id = ?", w.b.Source, r.Kind, r.ExtID)
	return err
}

// written files a new item under its identity.
func (w *importWriter) written(ctx context.Context, r ImportRef, id int64, mark string) error {
	if mark != "" {
		if err := w.mark(ctx, ImportMark{ImportRef{mark, r.ExtID}, id}); err != nil {
			return err
		}
	}
	return w.ref(ctx, r, id)
}

func (w *importWriter) member(ctx context.Context, m ImportedMember) error {
	id, err := insertMember(ctx, w.tx, NewMember{Handle: m.Handle, Name: m.Name, Bio: m.Bio.source, SourceURL: m.SourceURL, Origin: "import", CreatedAt: m.CreatedAt}, m.Bio.result)
	if err != nil {
		return fmt.Errorf("member %d of %s: %w", m.ExtID, w.b.Source, err)
	}
	if m.SeenAt != 0 {
		if err := w.tx.one(ctx, "seen", "UPDATE members SET last_seen_at = ? WHERE id = ?", m.SeenAt, id); err != nil {
			return err
		}
	}
	return w.written(ctx, m.ImportRef, id, m.Mark)
}

func (w *importWriter) tag(ctx context.Context, t ImportedTag) error {
	id, err := w.tx.tagID(ctx, t.Name)
	if err != nil {
		return err
	}
	return w.ref(ctx, t.ImportRef, id)
}

// join makes an author a member of the channel, since the day on which they joined the source.
func (w *importWriter) join(ctx context.Context, memberID int64) error {
	if memberID == 0 || w.joined[memberID] {
		return nil
	}
	w.joined[memberID] = true
	res, err := w.tx.exec(ctx, "membership", `INSERT INTO memberships (member_id, channel_id, joined_at, seen_at)
		SELECT m.id, ?, m.created_at, ? FROM members m WHERE m.id = ? ON CONFLICT (member_id, channel_id) DO NOTHING`, w.b.ChannelID, w.tx.d.millis(), memberID)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return w.tx.one(ctx, "count", "UPDATE channels SET member_count = member_count + 1 WHERE id = ?", w.b.ChannelID)
}

func (w *importWriter) post(ctx context.Context, p ImportedPost) error {
	if err := w.join(ctx, p.AuthorID); err != nil {
		return err
	}
	id, err := insertPost(ctx, w.tx, Viewer{ID: p.AuthorID}, NewPost{
		ChannelID: w.b.ChannelID, Kind: "question", Title: p.Title, Body: p.Text.source, Tags: p.Tags, CreatedAt: p.CreatedAt, BaseScore: int(p.Score),
		SourceURL: p.SourceURL, SourceAuthor: p.SourceAuthor, Licence: p.Licence,
	}, p.Text.result)
	if err != nil {
		return fmt.Errorf("%s %d of %s: %w", p.Kind, p.ExtID, w.b.Source, err)
	}
	if p.EditedAt != 0 {
		if err := w.tx.one(ctx, "edited", "UPDATE posts SET edited_at = ? WHERE id = ?", p.EditedAt, id); err != nil {
			return err
		}
	}
	if p.Accepts.Kind != "" {
		if err := w.mark(ctx, ImportMark{p.Accepts, id}); err != nil {
			return err
		}
	}
	return w.written(ctx, p.ImportRef, id, p.Mark)
}

func (w *importWriter) comment(ctx context.Context, c ImportedComment) error {
	if err := w.join(ctx, c.AuthorID); err != nil {
		return err
	}
	if c.ReplyTo.Kind != "" {
		err := w.tx.get(ctx, "reply to", &c.ParentID, "SELECT id FROM import_refs WHERE source = ? AND kind = ? AND ext_id = ?", w.b.Source, c.ReplyTo.Kind, c.ReplyTo.ExtID)
		if err != nil {
			return err
		}
	}
	id, err := insertComment(ctx, w.tx, Viewer{ID: c.AuthorID}, NewComment{
		PostID: c.PostID, ParentID: c.ParentID, Body: c.Text.source, CreatedAt: c.CreatedAt, BaseScore: int(c.Score),
		SourceURL: c.SourceURL, SourceAuthor: c.SourceAuthor, Licence: c.Licence, History: true,
	}, c.Text.result, true)
	if err != nil {
		return fmt.Errorf("%s %d of %s: %w", c.Kind, c.ExtID, w.b.Source, err)
	}
	if c.EditedAt != 0 {
		if err := w.tx.one(ctx, "edited", "UPDATE comments SET edited_at = ? WHERE id = ?", c.EditedAt, id); err != nil {
			return err
		}
	}
	if c.Accepted {
		err := w.tx.one(ctx, "accept", "UPDATE posts SET accepted_id = ? WHERE id = ? AND accepted_id IS NULL", id, c.PostID)
		if err == nil {
			err = lead(ctx, w.tx, c.PostID, id)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if err := w.mark(ctx, ImportMark{ImportRef{MarkArrange, c.PostID}, c.PostID}); err != nil {
		return err
	}
	return w.written(ctx, c.ImportRef, id, c.Mark)
}

func (w *importWriter) tagText(ctx context.Context, t ImportedTagText) error {
	id, err := w.tx.tagID(ctx, t.Tag)
	if err != nil {
		return err
	}
	if t.Short != "" {
		err = w.tx.one(ctx, "description", "UPDATE tags SET description = ? WHERE id = ?", t.Short, id)
	} else {
		err = w.tx.one(ctx, "about", "UPDATE tags SET about = ?, about_html = ?, about_version = ? WHERE id = ?", t.Long.source, t.Long.result.HTML, markup.Version, id)
	}
	if err != nil {
		return err
	}
	// The two texts of a tag have one page at the source, and mostly one author.
	if err := w.tx.one(ctx, "source", `UPDATE tags SET source_url = ?, licence = CASE WHEN licence > ? THEN licence ELSE ? END,
		source_author = CASE WHEN source_author IN ('', ?) THEN ? WHEN ? = '' THEN source_author ELSE source_author || ', ' || ? END WHERE id = ?`,
		t.SourceURL, t.Licence, t.Licence, t.SourceAuthor, t.SourceAuthor, t.SourceAuthor, t.SourceAuthor, id); err != nil {
		return err
	}
	return w.written(ctx, t.ImportRef, id, t.Mark)
}

func (w *importWriter) duplicate(ctx context.Context, l ImportedDuplicate) error {
	if _, err := w.tx.exec(ctx, "duplicate", "UPDATE posts SET duplicate_of = ? WHERE id = ? AND duplicate_of IS NULL", l.OfID, l.PostID); err != nil {
		return err
	}
	return w.ref(ctx, l.ImportRef, l.PostID)
}

func (w *importWriter) bio(ctx context.Context, r ImportedRevision) error {
	_, err := w.tx.exec(ctx, "bio", "UPDATE members SET bio = ?, bio_html = ?, bio_version = ? WHERE id = ? AND origin = 'import' AND password = ''",
		r.Text.source, r.Text.result.HTML, markup.Version, r.ID)
	return err
}

func (w *importWriter) postText(ctx context.Context, r ImportedRevision) error {
	_, err := w.tx.exec(ctx, "post text", `UPDATE posts SET body = ?, html = ?, html_version = ?, excerpt = ?, opens = ?
		WHERE id = ? AND COALESCE(edited_at, 0) = ?`, r.Text.source, r.Text.result.HTML, markup.Version, r.Text.result.Excerpt, r.Text.result.Opens, r.ID, r.EditedAt)
	return err
}

func (w *importWriter) commentText(ctx context.Context, r ImportedRevision) error {
	_, err := w.tx.exec(ctx, "comment text", `UPDATE comments SET body = ?, html = ?, html_version = ?, excerpt = ?
		WHERE id = ? AND COALESCE(edited_at, 0) = ?`, r.Text.source, r.Text.result.HTML, markup.Version, r.Text.result.Excerpt, r.ID, r.EditedAt)
	return err
}

func (w *importWriter) tagAbout(ctx context.Context, r ImportedRevision) error {
	_, err := w.tx.exec(ctx, "about", "UPDATE tags SET about = ?, about_html = ?, about_version = ? WHERE id = ?", r.Text.source, r.Text.result.HTML, markup.Version, r.ID)
	return err
}

// ImportChannel finds the channel to import a source into, or makes it: its owner is then the first admin, or nobody.
// A source has one channel for good: another slug than that of its first import is ErrConflict.
func (d *DB) ImportChannel(ctx context.Context, source, slug, name, description string) (id int64, err error) {
	if !ValidSlug(slug) {
		return 0, fmt.Errorf("the channel %q cannot be: its name is 2 to 40 of a-z, 0-9 and, inside, -", slug)
	}
	err = d.change(ctx, "ImportChannel", func(ctx context.Context, tx *tx) error {
		var before string
		err := tx.get(ctx, "channel before", &before, "SELECT c.slug FROM import_refs r JOIN channels c ON c.id = r.id WHERE r.source = ? AND r.kind = ? AND r.ext_id = 0", source, refChannel)
		switch {
		case err == nil && before != slug:
			return fmt.Errorf("%s was imported into the channel %s: %w", source, before, ErrConflict)
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		}
		err = tx.get(ctx, "channel", &id, "SELECT id FROM channels WHERE slug = ?", slug)
		if errors.Is(err, ErrNotFound) {
			id, err = insertImportChannel(ctx, tx, slug, name, description)
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "channel ref", `INSERT INTO import_refs (source, kind, ext_id, id) VALUES (?, ?, 0, ?)
			ON CONFLICT (source, kind, ext_id) DO UPDATE SET id = excluded.id`, source, refChannel, id)
		return err
	})
	return id, err
}

func insertImportChannel(ctx context.Context, tx *tx, slug, name, description string) (int64, error) {
	var owner *int64
	if err := tx.get(ctx, "owner", &owner, "SELECT MIN(id) FROM members WHERE role = 'admin' AND deleted_at IS NULL"); err != nil {
		return 0, err
	}
	now := tx.d.millis()
	id, err := tx.insert(ctx, "channel", `INSERT INTO channels (slug, name, description, owner_id, member_count, created_at, active_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, slug, name, description, owner, owner != nil, now, now)
	if err != nil || owner == nil {
		return id, err
	}
	_, err = tx.exec(ctx, "owner", "INSERT INTO memberships (member_id, channel_id, role, joined_at, seen_at) VALUES (?, ?, 'owner', ?, ?)", owner, id, now, now)
	return id, err
}
