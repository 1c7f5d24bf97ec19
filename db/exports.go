package db

import (
	"context"
	"fmt"
	"math"
	"strings"
)

// exportedAtOnce is how many rows of an export are in memory at a time, and read by one query.
const exportedAtOnce = 100

// The rows of an export. Their JSON names are for people, and for programs that will read them in years; times are
// milliseconds since 1970 UTC, 0 for never.
type (
	exportedProfile struct {
		ID        int64  `db:"id" json:"id"`
		Handle    string `db:"handle" json:"handle"`
		Name      string `db:"name" json:"name"`
		Email     string `db:"email" json:"email"`
		Verified  Millis `db:"email_verified_at" json:"email_verified_at"`
		MailOff   bool   `db:"mail_off" json:"no_letters"`
		Digest    string `db:"digest" json:"digest"`
		Role      Role   `db:"role" json:"role"`
		Bio       string `db:"bio" json:"bio"`
		Theme     string `db:"theme" json:"theme"`
		TimeZone  string `db:"time_zone" json:"time_zone"`
		Answer    string `db:"answer" json:"answer_at_registration"`
		Address   string `db:"address" json:"address_at_registration"`
		Trust     int    `db:"trust" json:"trust_level"`
		Factor    bool   `db:"factor" json:"second_factor"`
		Suspended Millis `db:"suspended_until" json:"suspended_until"`
		Reason    string `db:"barred_for" json:"reason_given"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedHandle struct {
		Handle string `db:"handle_key" json:"handle"`
		LeftAt Millis `db:"left_at" json:"left_at"`
	}
	exportedSession struct {
		CreatedAt Millis `db:"created_at" json:"created_at"`
		UsedAt    Millis `db:"used_at" json:"used_at"`
		Address   string `db:"address" json:"address"`
		Agent     string `db:"agent" json:"browser"`
	}
	exportedPost struct {
		ID         int64  `db:"id" json:"id"`
		Channel    string `db:"channel" json:"channel"`
		Kind       string `db:"kind" json:"kind"`
		Title      string `db:"title" json:"title"`
		Tags       string `db:"tags" json:"tags"`
		Score      int    `db:"score" json:"score"`
		CreatedAt  Millis `db:"created_at" json:"created_at"`
		EditedAt   Millis `db:"edited_at" json:"edited_at"`
		DeletedAt  Millis `db:"deleted_at" json:"deleted_at"`
		RemovedFor string `db:"removed_for" json:"removed_for"`
		SourceURL  string `db:"source_url" json:"source_url"`
		Licence    string `db:"licence" json:"licence"`
		Body       string `db:"body" json:"body"`
	}
	exportedComment struct {
		ID         int64  `db:"id" json:"id"`
		PostID     int64  `db:"post_id" json:"post_id"`
		ParentID   int64  `db:"parent_id" json:"parent_id"`
		Score      int    `db:"score" json:"score"`
		CreatedAt  Millis `db:"created_at" json:"created_at"`
		EditedAt   Millis `db:"edited_at" json:"edited_at"`
		DeletedAt  Millis `db:"deleted_at" json:"deleted_at"`
		RemovedFor string `db:"removed_for" json:"removed_for"`
		SourceURL  string `db:"source_url" json:"source_url"`
		Licence    string `db:"licence" json:"licence"`
		Body       string `db:"body" json:"body"`
	}
	exportedRevision struct {
		ID        int64  `db:"id" json:"-"`
		Of        int64  `db:"of_id" json:"of"`
		WrittenAt Millis `db:"written_at" json:"written_at"`
		Title     string `db:"title" json:"title,omitempty"`
		Tags      string `db:"tags" json:"tags,omitempty"`
		Body      string `db:"body" json:"body"`
	}
	exportedReaction struct {
		PostID    int64  `db:"post_id" json:"post_id"`
		CommentID int64  `db:"comment_id" json:"comment_id,omitempty"`
		Value     int    `db:"value" json:"value"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedDraft struct {
		Place   string `db:"place" json:"place"`
		Title   string `db:"title" json:"title"`
		Tags    string `db:"tags" json:"tags"`
		Body    string `db:"body" json:"body"`
		SavedAt Millis `db:"saved_at" json:"saved_at"`
	}
	exportedSave struct {
		ID        int64  `db:"id" json:"post_id"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedFollow struct {
		ID        int64  `db:"id" json:"id"`
		Level     string `db:"level" json:"level"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedMembership struct {
		ID       int64  `db:"id" json:"channel_id"`
		Channel  string `db:"channel" json:"channel"`
		Role     string `db:"role" json:"role"`
		JoinedAt Millis `db:"joined_at" json:"joined_at"`
	}
	exportedRequest struct {
		ID        int64  `db:"id" json:"channel_id"`
		Note      string `db:"note" json:"note"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedBlock struct {
		ID        int64  `db:"id" json:"member_id"`
		Kind      string `db:"kind" json:"kind"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedInvite struct {
		ID        int64  `db:"id" json:"id"`
		Note      string `db:"note" json:"note"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
		ExpiresAt Millis `db:"expires_at" json:"expires_at"`
		MaxUses   int    `db:"max_uses" json:"max_uses"`
		Uses      int    `db:"uses" json:"uses"`
	}
	exportedFlag struct {
		ID        int64  `db:"id" json:"-"`
		PostID    int64  `db:"post_id" json:"post_id"`
		CommentID int64  `db:"comment_id" json:"comment_id"`
		MemberID  int64  `db:"member_id" json:"member_id"`
		Reason    string `db:"reason" json:"reason"`
		Note      string `db:"note" json:"note"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
	}
	exportedNotification struct {
		ID        int64  `db:"id" json:"id"`
		Kind      string `db:"kind" json:"kind"`
		PostID    int64  `db:"post_id" json:"post_id"`
		CommentID int64  `db:"comment_id" json:"comment_id"`
		CreatedAt Millis `db:"created_at" json:"created_at"`
		ReadAt    Millis `db:"read_at" json:"read_at"`
	}
	exportedChoice struct {
		Kind string `db:"kind" json:"kind"`
		App  bool   `db:"app" json:"here"`
		Mail *bool  `db:"mail" json:"by_letter"` // nil: as usual
	}
	exportedRead struct {
		ID     int64  `db:"id" json:"post_id"`
		ReadAt Millis `db:"read_at" json:"read_at"`
	}
)

// Export tells all that the forum has of the viewer, row by row, with the section that a row is of; rows of a section
// follow each other. It holds no transaction and little memory, however much
// there is: each query reads a page by key. What is written meanwhile may be in it or not. Nothing of others is in it,
// nor the password, the secret of the second factor or a token, in any form. It ends with the first error that each returns.
func (d *DB) Export(ctx context.Context, v Viewer, each func(section string, row any) error) error {
	if !v.SignedIn() {
		return fmt.Errorf("Export: %w", ErrForbidden)
	}
	var p exportedProfile
	if err := d.get(ctx, "ExportProfile", &p, `SELECT id, handle, name, COALESCE(email, '') AS email, COALESCE(email_verified_at, 0) AS email_verified_at, mail_off, digest, role, bio, theme, time_zone, answer, address, trust, totp_secret IS NOT NULL AS factor,
		COALESCE(suspended_until, 0) AS suspended_until, barred_for, created_at FROM members WHERE id = ? AND deleted_at IS NULL`, v.ID); err != nil {
		return err
	}
	if err := each("profile", p); err != nil {
		return err
	}
	sessions, err := d.Sessions(ctx, v)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := each("sessions", exportedSession{s.CreatedAt, s.UsedAt, s.Address, s.Agent}); err != nil {
			return err
		}
	}
	e := export{d: d, ctx: ctx, id: v.ID, each: each}
	e.written()
	e.kept()
	return e.err
}

// export goes through the sections; after an error it does nothing more.
type export struct {
	d    *DB
	ctx  context.Context
	id   int64
	each func(section string, row any) error
	err  error
}

// pages goes through the rows of a query by key. Its parameters are before, the member (or text) that the rows are of, the
// key after which the page begins, and how many.
func pages[T any](e *export, section, query string, before, start []any, key func(T) []any, each func(T) error) {
	for after := start; e.err == nil; {
		var list []T
		args := append(append([]any{}, before...), e.id)
		if e.err = e.d.list(e.ctx, "Export "+section, &list, query, append(append(args, after...), exportedAtOnce)...); e.err != nil {
			return
		}
		for _, row := range list {
			if e.err = each(row); e.err != nil {
				return
			}
			after = key(row)
		}
		if len(list) < exportedAtOnce {
			return
		}
	}
}

// byID is pages for a key that is a number above 0.
func byID[T any](e *export, section, query string, key func(T) int64) {
	pages(e, section, query, nil, []any{0}, func(r T) []any { return []any{key(r)} }, func(r T) error { return e.each(section, r) })
}

// byText is the same for a key that is a text and never empty.
func byText[T any](e *export, section, query string, key func(T) string) {
	pages(e, section, query, nil, []any{""}, func(r T) []any { return []any{key(r)} }, func(r T) error { return e.each(section, r) })
}

// newest is where a list begins that goes from the newest down, as the index has it.
func newest() []any { return []any{int64(math.MaxInt64), int64(math.MaxInt64)} }

// written is what the member wrote. The channel of a post is named where they may still read it.
func (e *export) written() {
	pages(e, "posts", `SELECT p.id, COALESCE((SELECT c.slug FROM channels c WHERE c.id = p.channel_id AND `+visible+`), '') AS channel, p.kind, p.title, p.tags, p.score, p.created_at,
		COALESCE(p.edited_at, 0) AS edited_at, COALESCE(p.deleted_at, 0) AS deleted_at, p.removed_for, p.source_url, p.licence, p.body
		FROM posts p WHERE p.author_id = ? AND (p.created_at, p.id) < (?, ?) ORDER BY p.created_at DESC, p.id DESC LIMIT ?`, []any{e.id}, newest(),
		func(p exportedPost) []any { return []any{p.CreatedAt, p.ID} },
		func(p exportedPost) error { p.Tags = strings.TrimSpace(p.Tags); return e.each("posts", p) })
	pages(e, "comments", `SELECT id, post_id, COALESCE(parent_id, 0) AS parent_id, score, created_at, COALESCE(edited_at, 0) AS edited_at, COALESCE(deleted_at, 0) AS deleted_at,
		removed_for, source_url, licence, body
		FROM comments WHERE author_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`, nil, newest(),
		func(c exportedComment) []any { return []any{c.CreatedAt, c.ID} },
		func(c exportedComment) error { return e.each("comments", c) })
	e.revisions("post_revisions", "SELECT id, created_at FROM posts WHERE author_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
		"SELECT id, post_id AS of_id, written_at, title, tags, body FROM post_revisions WHERE post_id = ? AND id > ? AND hidden_at IS NULL ORDER BY id LIMIT ?")
	e.revisions("comment_revisions", "SELECT id, created_at FROM comments WHERE author_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
		"SELECT id, comment_id AS of_id, written_at, '' AS title, '' AS tags, body FROM comment_revisions WHERE comment_id = ? AND id > ? AND hidden_at IS NULL ORDER BY id LIMIT ?")
	byText(e, "drafts", "SELECT place, title, tags, body, saved_at FROM drafts WHERE member_id = ? AND place > ? ORDER BY place LIMIT ?", func(r exportedDraft) string { return r.Place })
}

// revisions are the earlier texts of what the member wrote, but those that a moderator hid.
func (e *export) revisions(section, texts, query string) {
	type text struct {
		ID        int64  `db:"id"`
		CreatedAt Millis `db:"created_at"`
	}
	pages(e, section, texts, nil, newest(), func(t text) []any { return []any{t.CreatedAt, t.ID} }, func(t text) error {
		of := export{d: e.d, ctx: e.ctx, id: t.ID, each: e.each}
		byID(&of, section, query, func(r exportedRevision) int64 { return r.ID })
		return of.err
	})
}

// kept is what the member said of others' texts, and what they keep for themselves.
func (e *export) kept() {
	byID(e, "post_reactions", "SELECT post_id, value, created_at FROM post_reactions WHERE member_id = ? AND post_id > ? ORDER BY post_id LIMIT ?", func(r exportedReaction) int64 { return r.PostID })
	pages(e, "comment_reactions", "SELECT post_id, comment_id, value, created_at FROM comment_reactions WHERE member_id = ? AND (post_id, comment_id) > (?, ?) ORDER BY post_id, comment_id LIMIT ?",
		nil, []any{0, 0}, func(r exportedReaction) []any { return []any{r.PostID, r.CommentID} }, func(r exportedReaction) error { return e.each("comment_reactions", r) })
	byID(e, "saves", "SELECT post_id AS id, created_at FROM saves WHERE member_id = ? AND post_id > ? ORDER BY post_id LIMIT ?", func(r exportedSave) int64 { return r.ID })
	byID(e, "post_follows", "SELECT post_id AS id, level, created_at FROM post_follows WHERE member_id = ? AND post_id > ? ORDER BY post_id LIMIT ?", func(r exportedFollow) int64 { return r.ID })
	byID(e, "channel_follows", "SELECT channel_id AS id, level, created_at FROM channel_follows WHERE member_id = ? AND channel_id > ? ORDER BY channel_id LIMIT ?", func(r exportedFollow) int64 { return r.ID })
	byID(e, "memberships", `SELECT ms.channel_id AS id, c.slug AS channel, ms.role, ms.joined_at FROM memberships ms CROSS JOIN channels c ON c.id = ms.channel_id
		WHERE ms.member_id = ? AND ms.channel_id > ? AND c.deleted_at IS NULL ORDER BY ms.channel_id LIMIT ?`, func(r exportedMembership) int64 { return r.ID })
	byID(e, "blocks", "SELECT other_id AS id, kind, created_at FROM blocks WHERE member_id = ? AND other_id > ? ORDER BY other_id LIMIT ?", func(r exportedBlock) int64 { return r.ID })
	byID(e, "channel_requests", "SELECT channel_id AS id, note, created_at FROM channel_requests WHERE member_id = ? AND channel_id > ? ORDER BY channel_id LIMIT ?", func(r exportedRequest) int64 { return r.ID })
	pages(e, "invites", "SELECT id, note, created_at, expires_at, max_uses, uses FROM invites WHERE made_by = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
		nil, newest(), func(r exportedInvite) []any { return []any{r.CreatedAt, r.ID} }, func(r exportedInvite) error { return e.each("invites", r) })
	pages(e, "flags", `SELECT f.case_id AS id, COALESCE(k.post_id, 0) AS post_id, COALESCE(k.comment_id, 0) AS comment_id,
		CASE WHEN k.post_id IS NULL AND k.comment_id IS NULL THEN COALESCE(k.member_id, 0) ELSE 0 END AS member_id, f.reason, f.note, f.created_at
		FROM flags f CROSS JOIN cases k ON k.id = f.case_id WHERE f.reporter_id = ? AND (f.created_at, f.case_id) < (?, ?) ORDER BY f.created_at DESC, f.case_id DESC LIMIT ?`,
		nil, newest(), func(r exportedFlag) []any { return []any{r.CreatedAt, r.ID} }, func(r exportedFlag) error { return e.each("flags", r) })
	byID(e, "notifications", `SELECT id, kind, COALESCE(post_id, 0) AS post_id, COALESCE(comment_id, 0) AS comment_id, created_at, COALESCE(read_at, 0) AS read_at
		FROM notifications WHERE member_id = ? AND shown = 1 AND id > ? ORDER BY id LIMIT ?`, func(r exportedNotification) int64 { return r.ID })
	byText(e, "notification_choices", "SELECT kind, app, mail FROM notification_choices WHERE member_id = ? AND kind > ? ORDER BY kind LIMIT ?", func(r exportedChoice) string { return r.Kind })
	byID(e, "reads", "SELECT post_id AS id, read_at FROM reads WHERE member_id = ? AND post_id > ? ORDER BY post_id LIMIT ?", func(r exportedRead) int64 { return r.ID })
	var handles []exportedHandle
	if e.err == nil {
		e.err = e.d.list(e.ctx, "Export former_handles", &handles, "SELECT handle_key, left_at FROM old_handles WHERE member_id = ? ORDER BY left_at DESC LIMIT ?", e.id, exportedAtOnce)
	}
	for _, h := range handles {
		if e.err == nil {
			e.err = e.each("former_handles", h)
		}
	}
}
