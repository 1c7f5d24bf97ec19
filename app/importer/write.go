package importer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"codex/db"
)

// This file writes what is new: one function a step, one call of write a batch. Each row is counted once, when what
// becomes of it is decided; a batch that fails ends the import, so a count never survives its row.

// reserved are handles that an imported name must not take: the people who run the forum may want them, and a
// stranger's text under them would look like theirs.
var reserved = map[string]bool{"admin": true, "administrator": true, "moderator": true, "root": true, "staff": true, "support": true, "system": true}

func (r *importRun) users(ctx context.Context) error {
	size := func(u User) (int64, int) { return u.ID, len(u.AboutMe) }
	return inBatches(ctx, r.dump.Users, size, func(users []User) error {
		there, err := r.d.ImportRefs(ctx, r.source, KindUser, ids(users, func(u User) int64 { return u.ID }))
		if err != nil {
			return err
		}
		var fresh []db.ImportedMember
		resolve := r.resolver(ctx)
		for _, u := range users {
			r.report.Read(FileUsers)
			if _, ok := there[u.ID]; ok {
				r.report.Skip(FileUsers, SkipAlready)
				continue
			}
			m, note := r.plan.Member(u, resolve.href)
			if note != "" {
				r.report.Note("%s", note)
			}
			bio, err := r.text(FileUsers, u.ID, m.Bio, m.SourceURL)
			if err := errors.Join(err, resolve.err); err != nil {
				return err
			}
			name, ok := db.CleanName(printable(m.Name))
			if !ok || name == "" {
				name = fmt.Sprintf("user%d", u.ID) // what the source calls those without a name
			}
			fresh = append(fresh, db.ImportedMember{ImportRef: db.ImportRef{Kind: KindUser, ExtID: u.ID}, Name: name, SourceURL: m.SourceURL, Bio: bio,
				CreatedAt: db.Millis(m.Created), SeenAt: db.Millis(m.SeenAt), Mark: mark(KindUser, m.Bio)})
			r.report.Wrote(FileUsers)
		}
		return r.writeMembers(ctx, fresh)
	})
}

// writeMembers finds free handles and writes. Somebody may register one of them in between: then all are sought again.
func (r *importRun) writeMembers(ctx context.Context, members []db.ImportedMember) error {
	for tries := 0; ; tries++ {
		var failed error
		taken := map[string]bool{}
		for i := range members {
			members[i].Handle = Handle(members[i].ExtID, members[i].Name, func(h string) bool {
				if reserved[h] || taken[h] || failed != nil {
					return failed == nil
				}
				known, err := r.d.HandleTaken(ctx, h)
				failed = err
				return known
			})
			taken[members[i].Handle] = true
		}
		if failed != nil {
			return failed
		}
		err := r.write(ctx, db.ImportBatch{Members: members})
		if !errors.Is(err, db.ErrHandleTaken) || tries == 5 {
			return err
		}
	}
}

func (r *importRun) tags(ctx context.Context) error {
	return inBatches(ctx, r.dump.Tags, func(t Tag) (int64, int) { return t.ID, len(t.Name) }, func(tags []Tag) error {
		there, err := r.d.ImportRefs(ctx, r.source, KindTag, ids(tags, func(t Tag) int64 { return t.ID }))
		if err != nil {
			return err
		}
		var b db.ImportBatch
		for _, t := range tags {
			r.report.Read(FileTags)
			t.Name = strings.ToLower(t.Name)
			r.plan.AddTag(t)
			if _, ok := there[t.ID]; ok {
				r.report.Skip(FileTags, SkipAlready)
				continue
			}
			b.Tags = append(b.Tags, db.ImportedTag{ImportRef: db.ImportRef{Kind: KindTag, ExtID: t.ID}, Name: t.Name})
			r.report.Wrote(FileTags)
		}
		return r.write(ctx, b)
	})
}

func postSize(p Post) (int64, int) { return p.ID, len(p.Body) }

// posts reads the posts that are answers, or those that are not.
func (r *importRun) posts(answers bool) func(context.Context, func(Post) error) error {
	return func(ctx context.Context, fn func(Post) error) error {
		return r.dump.Posts(ctx, func(p Post) error {
			if (p.Type == TypeAnswer) != answers {
				return nil
			}
			return fn(p)
		})
	}
}

// questions writes all posts that are not answers: those are tags' texts, and some that become nothing.
func (r *importRun) questions(ctx context.Context) error {
	return inBatches(ctx, r.posts(false), postSize, func(posts []Post) error {
		own := ids(posts, func(p Post) int64 { return p.ID })
		questions, err1 := r.d.ImportRefs(ctx, r.source, KindQuestion, own)
		texts, err2 := r.d.ImportRefs(ctx, r.source, KindTagText, own)
		authors, err3 := r.d.ImportAuthors(ctx, r.source, KindUser, ids(posts, func(p Post) int64 { return p.OwnerID }))
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		var b db.ImportBatch
		resolve := r.resolver(ctx)
		for _, p := range posts {
			r.report.Read(FilePosts)
			if _, ok := questions[p.ID]; ok {
				r.report.Skip(FilePosts, SkipAlready)
				continue
			}
			if _, ok := texts[p.ID]; ok {
				r.report.Skip(FilePosts, SkipAlready)
				continue
			}
			var skip string
			var err error
			if p.Type == TypeTagExcerpt || p.Type == TypeTagWiki {
				skip, err = r.tagText(ctx, p, authors, resolve, &b)
			} else {
				skip, err = r.question(p, authors, resolve, &b)
			}
			if err := errors.Join(err, resolve.err); err != nil {
				return err
			}
			r.decided(FilePosts, p.ID, skip, &b)
		}
		return r.write(ctx, b)
	})
}

// decided counts a post, and leaves a mark for one that became nothing.
func (r *importRun) decided(file string, id int64, skip string, b *db.ImportBatch) {
	if skip == "" {
		r.report.Wrote(file)
		return
	}
	r.report.Skip(file, skip)
	b.Marks = append(b.Marks, db.ImportMark{ImportRef: db.ImportRef{Kind: KindLeftOut, ExtID: id}})
}

func (r *importRun) question(p Post, authors map[int64]db.ImportAuthor, resolve *resolver, b *db.ImportBatch) (skip string, err error) {
	it, skip := r.plan.Post(p, resolve.href)
	if skip != "" {
		return skip, nil
	}
	row, err := r.item(FilePosts, it, authors)
	if err != nil {
		return "", err
	}
	post := db.ImportedPost{Imported: row, Title: printable(it.Title)}
	for _, tag := range it.Tags {
		post.Tags = append(post.Tags, strings.ToLower(tag))
	}
	if it.AcceptedID != 0 {
		post.Accepts = db.ImportRef{Kind: KindAccepted, ExtID: it.AcceptedID}
	}
	b.Posts = append(b.Posts, post)
	return "", nil
}

func (r *importRun) tagText(ctx context.Context, p Post, authors map[int64]db.ImportAuthor, resolve *resolver, b *db.ImportBatch) (skip string, err error) {
	t, skip := r.plan.TagText(p, resolve.href)
	if skip != "" {
		return skip, nil
	}
	was, err := r.d.TagPageByName(ctx, t.Tag)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return "", err
	}
	url := r.plan.Site.TagURL(t.Tag)
	text, err := r.text(FilePosts, p.ID, t.Text, url)
	if err != nil {
		return "", err
	}
	row := db.ImportedTagText{ImportRef: db.ImportRef{Kind: KindTagText, ExtID: p.ID}, Tag: t.Tag, SourceURL: url, SourceAuthor: printable(p.OwnerName), Licence: p.Licence}
	if a := authors[p.OwnerID]; a.Name != "" {
		row.SourceAuthor = a.Name
	}
	if t.Excerpt {
		row.Short = text.Plain()
		if row.Short == "" {
			return SkipEmptyWiki, nil
		}
	} else {
		row.Long, row.Mark = text, mark(KindTagText, t.Text)
	}
	if t.Excerpt && was.Description != "" || !t.Excerpt && was.About != "" {
		return SkipDescribed, nil
	}
	b.TagTexts = append(b.TagTexts, row)
	return "", nil
}

// answers writes answers as roots below their questions.
func (r *importRun) answers(ctx context.Context) error {
	return inBatches(ctx, r.posts(true), postSize, func(posts []Post) error {
		own, parents := ids(posts, func(p Post) int64 { return p.ID }), ids(posts, func(p Post) int64 { return p.ParentID })
		there, err1 := r.d.ImportRefs(ctx, r.source, KindAnswer, own)
		accepted, err2 := r.d.ImportRefs(ctx, r.source, KindAccepted, own)
		questions, err3 := r.d.ImportedPosts(ctx, r.source, KindQuestion, parents)
		leftOut, err4 := r.d.ImportRefs(ctx, r.source, KindLeftOut, parents)
		authors, err5 := r.d.ImportAuthors(ctx, r.source, KindUser, ids(posts, func(p Post) int64 { return p.OwnerID }))
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			return err
		}
		var b db.ImportBatch
		resolve := r.resolver(ctx)
		for _, p := range posts {
			r.report.Read(FilePosts)
			if _, ok := there[p.ID]; ok {
				r.report.Skip(FilePosts, SkipAlready)
				continue
			}
			at, known := questions[p.ParentID]
			skip := where(known, at, leftOut, p.ParentID, SkipNoQuestion)
			var it Item
			if skip == "" {
				it, skip = r.plan.Post(p, resolve.href)
			}
			if skip == "" {
				row, err := r.item(FilePosts, it, authors)
				if err := errors.Join(err, resolve.err); err != nil {
					return err
				}
				waits := accepted[p.ID] == at.PostID
				b.Comments = append(b.Comments, db.ImportedComment{Imported: row, PostID: at.PostID, Accepted: waits})
				if waits {
					b.Done = append(b.Done, db.ImportRef{Kind: KindAccepted, ExtID: p.ID})
				}
			}
			r.decided(FilePosts, p.ID, skip, &b)
		}
		return r.write(ctx, b)
	})
}

// where is the reason why nothing can hang on a parent, empty when it can.
func where(known bool, at db.ImportPlace, leftOut map[int64]int64, parent int64, missing string) string {
	_, left := leftOut[parent]
	switch {
	case known && at.Gone:
		return SkipGoneHere
	case known:
		return ""
	case left:
		return SkipPostLeftOut
	}
	return missing
}

func (r *importRun) comments(ctx context.Context) error {
	return inBatches(ctx, r.dump.Comments, func(c Comment) (int64, int) { return c.ID, len(c.Text) }, func(comments []Comment) error {
		own, parents := ids(comments, func(c Comment) int64 { return c.ID }), ids(comments, func(c Comment) int64 { return c.PostID })
		there, err1 := r.d.ImportRefs(ctx, r.source, KindComment, own)
		questions, err2 := r.d.ImportedPosts(ctx, r.source, KindQuestion, parents)
		answers, err3 := r.d.ImportedComments(ctx, r.source, KindAnswer, parents)
		leftOut, err4 := r.d.ImportRefs(ctx, r.source, KindLeftOut, parents)
		authors, err5 := r.d.ImportAuthors(ctx, r.source, KindUser, ids(comments, func(c Comment) int64 { return c.UserID }))
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			return err
		}
		var b db.ImportBatch
		resolve := r.resolver(ctx)
		talks := talks{r: r, before: map[int64][]Earlier{}, now: map[int64][]Earlier{}}
		for _, c := range comments {
			r.report.Read(FileComments)
			if _, ok := there[c.ID]; ok {
				r.report.Skip(FileComments, SkipAlready)
				continue
			}
			at, known := questions[c.PostID]
			if !known {
				at, known = answers[c.PostID]
			}
			skip := where(known, at, leftOut, c.PostID, SkipNoPost)
			var it Item
			if skip == "" {
				it, skip = r.plan.Comment(c, resolve.href)
			}
			if skip != "" {
				r.report.Skip(FileComments, skip)
				continue
			}
			row, err := r.item(FileComments, it, authors)
			if err := errors.Join(err, resolve.err); err != nil {
				return err
			}
			comment := db.ImportedComment{Imported: row, PostID: at.PostID, ParentID: at.CommentID}
			e := Earlier{ID: c.ID, UserID: row.AuthorID, Name: row.SourceAuthor, Created: c.Created}
			if row.AuthorID != 0 {
				e.Name = authors[c.UserID].Name
			}
			if to, ok, err := talks.replyTo(ctx, c, at, e); err != nil {
				return err
			} else if ok {
				comment.ReplyTo = db.ImportRef{Kind: KindComment, ExtID: to}
			}
			b.Comments = append(b.Comments, comment)
			r.report.Wrote(FileComments)
		}
		return r.write(ctx, b)
	})
}

// talks knows the comments that stand below the posts of one batch: those of the batches before, read when a comment
// begins with an @, and those of this one.
type talks struct {
	r           *importRun
	before, now map[int64][]Earlier
}

// replyTo finds the comment that c answers, by its id at the source, and remembers c.
func (t *talks) replyTo(ctx context.Context, c Comment, at db.ImportPlace, self Earlier) (id int64, ok bool, err error) {
	defer func() { t.now[c.PostID] = append(t.now[c.PostID], self) }()
	if addressed(c.Text) == "" {
		return 0, false, nil
	}
	before, known := t.before[c.PostID]
	if !known {
		if before, err = t.read(ctx, at); err != nil {
			return 0, false, err
		}
		t.before[c.PostID] = before
	}
	all := append(before[:len(before):len(before)], t.now[c.PostID]...)
	all = all[max(0, len(all)-db.MaxImportedReplies):] // so that where batches end makes no difference
	id, ok = ReplyTo(c.Text, self.UserID, c.Created, all, Earlier{UserID: at.AuthorID, Name: at.AuthorName})
	return id, ok, nil
}

func (t *talks) read(ctx context.Context, at db.ImportPlace) ([]Earlier, error) {
	prefix := strings.TrimSuffix(t.r.plan.Site.CommentURL(0), "0")
	replies, err := t.r.d.ImportedReplies(ctx, at, prefix)
	list := make([]Earlier, 0, len(replies))
	for _, k := range replies {
		if id, err := strconv.ParseInt(strings.TrimPrefix(k.SourceURL, prefix), 10, 64); err == nil {
			list = append(list, Earlier{ID: id, UserID: k.AuthorID, Name: k.AuthorName, Created: int64(k.CreatedAt)})
		}
	}
	return list, err
}
