package importer

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"codex/db"
)

// This file does what can only be done when all items are in, and counts what is not imported.

// resolver gives links within the site the addresses that their targets have here. It keeps the first error, because
// Resolve has no place for one.
type resolver struct {
	ctx context.Context // of the batch that it lives for
	r   *importRun
	err error
}

func (r *importRun) resolver(ctx context.Context) *resolver { return &resolver{ctx: ctx, r: r} }

func (v *resolver) href(ref Ref) (string, bool) {
	if v.err != nil {
		return "", false
	}
	href, err := v.find(ref)
	if errors.Is(err, db.ErrNotFound) {
		err = nil
	}
	v.err = err
	return href, href != ""
}

// find answers an empty address for what is not here. What was deleted here keeps its address at the source.
func (v *resolver) find(ref Ref) (string, error) {
	d, source, id := v.r.d, v.r.source, []int64{ref.ID}
	switch ref.Kind {
	case RefTag:
		tag, err := d.TagByName(v.ctx, ref.Name)
		return "/t/" + url.PathEscape(tag.Name), err
	case RefUser:
		found, err := d.ImportAuthors(v.ctx, source, KindUser, id)
		if a := found[ref.ID]; a.ID != 0 {
			return fmt.Sprintf("/u/~%d", a.ID), err
		}
		return "", err
	case RefComment:
		found, err := d.ImportedComments(v.ctx, source, KindComment, id)
		return commentHref(found[ref.ID]), err
	}
	// An id in an address of either kind may be a question's or an answer's: they share their numbers.
	posts, err := d.ImportedPosts(v.ctx, source, KindQuestion, id)
	if p, ok := posts[ref.ID]; ok && !p.Gone {
		return fmt.Sprintf("/p/%d/%s", p.PostID, p.PostSlug), err
	}
	if err != nil {
		return "", err
	}
	answers, err := d.ImportedComments(v.ctx, source, KindAnswer, id)
	return commentHref(answers[ref.ID]), err
}

func commentHref(at db.ImportPlace) string {
	if at.CommentID == 0 || at.Gone {
		return ""
	}
	return fmt.Sprintf("/comments/%d", at.CommentID)
}

// arrange puts the comments of each post in the order of time.
func (r *importRun) arrange(ctx context.Context) error {
	total, err := r.d.CountImportRefs(ctx, r.source, db.MarkArrange)
	for done := int64(0); err == nil; {
		var n int
		err = patiently(func() (err error) { n, err = r.d.ArrangeImported(ctx, r.source, 20); return err })
		if n == 0 {
			break
		}
		for range n {
			done++
			r.moved(done, total)
		}
	}
	return err
}

// settle converts again what held links to items that came later. Each file is read only if something in it waits.
func (r *importRun) settle(ctx context.Context) error {
	waiting := func(kinds ...string) (int64, error) {
		var sum int64
		for _, kind := range kinds {
			n, err := r.d.CountImportRefs(ctx, r.source, kind+markLinks)
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	}
	if n, err := waiting(KindUser); err != nil {
		return err
	} else if n > 0 {
		if err := again(ctx, r, r.dump.Users, func(u User) (int64, int) { return u.ID, len(u.AboutMe) }, []string{KindUser}, r.settleUser); err != nil {
			return err
		}
	}
	if n, err := waiting(KindQuestion, KindAnswer, KindTagText); err != nil {
		return err
	} else if n > 0 {
		if err := again(ctx, r, r.dump.Posts, postSize, []string{KindQuestion, KindAnswer, KindTagText}, r.settlePost); err != nil {
			return err
		}
	}
	n, err := waiting(KindComment)
	if err != nil || n == 0 {
		return err
	}
	return again(ctx, r, r.dump.Comments, func(c Comment) (int64, int) { return c.ID, len(c.Text) }, []string{KindComment}, r.settleComment)
}

// again reads a file once more and hands on the rows that have a mark of one of the kinds, with the id that they have here.
func again[T any](ctx context.Context, r *importRun, read func(context.Context, func(T) error) error, measure func(T) (int64, int), kinds []string,
	settle func(row T, id int64, resolve Resolve, b *db.ImportBatch) error,
) error {
	return inBatches(ctx, read, measure, func(rows []T) error {
		var b db.ImportBatch
		resolve := r.resolver(ctx)
		own := ids(rows, func(row T) int64 { id, _ := measure(row); return id })
		for _, kind := range kinds {
			marks, err := r.d.ImportRefs(ctx, r.source, kind+markLinks, own)
			if err != nil {
				return err
			}
			for _, row := range rows {
				ext, _ := measure(row)
				id, ok := marks[ext]
				if !ok {
					continue
				}
				if err := errors.Join(settle(row, id, resolve.href, &b), resolve.err); err != nil {
					return err
				}
				b.Done = append(b.Done, db.ImportRef{Kind: kind + markLinks, ExtID: ext})
			}
		}
		return r.write(ctx, b)
	})
}

func (r *importRun) settleUser(u User, id int64, resolve Resolve, b *db.ImportBatch) error {
	m, _ := r.plan.Member(u, resolve)
	bio, err := r.text(FileUsers, u.ID, m.Bio, m.SourceURL)
	b.Bios = append(b.Bios, db.ImportedRevision{ID: id, Text: bio})
	return err
}

func (r *importRun) settlePost(p Post, id int64, resolve Resolve, b *db.ImportBatch) error {
	if p.Type == TypeTagWiki || p.Type == TypeTagExcerpt {
		t, skip := r.plan.TagText(p, resolve)
		if skip != "" {
			return nil
		}
		text, err := r.text(FilePosts, p.ID, t.Text, r.plan.Site.TagURL(t.Tag))
		b.TagAbouts = append(b.TagAbouts, db.ImportedRevision{ID: id, Text: text})
		return err
	}
	it, skip := r.plan.Post(p, resolve)
	if skip != "" {
		return nil // not while the dump is the same; then the text stays as it is
	}
	text, err := r.text(FilePosts, p.ID, it.Text, it.SourceURL)
	row := db.ImportedRevision{ID: id, Text: text, EditedAt: db.Millis(it.Edited)}
	if p.Type == TypeQuestion {
		b.PostTexts = append(b.PostTexts, row)
	} else {
		b.CommentTexts = append(b.CommentTexts, row)
	}
	return err
}

func (r *importRun) settleComment(c Comment, id int64, resolve Resolve, b *db.ImportBatch) error {
	it, skip := r.plan.Comment(c, resolve)
	if skip != "" {
		return nil
	}
	text, err := r.text(FileComments, c.ID, it.Text, it.SourceURL)
	b.CommentTexts = append(b.CommentTexts, db.ImportedRevision{ID: id, Text: text, EditedAt: db.Millis(it.Edited)})
	return err
}

// duplicates joins questions that the source calls the same.
func (r *importRun) duplicates(ctx context.Context) error {
	return inBatches(ctx, r.dump.PostLinks, func(l PostLink) (int64, int) { return l.ID, 0 }, func(links []PostLink) error {
		from, to := ids(links, func(l PostLink) int64 { return l.PostID }), ids(links, func(l PostLink) int64 { return l.RelatedPostID })
		there, err1 := r.d.ImportRefs(ctx, r.source, KindLink, ids(links, func(l PostLink) int64 { return l.ID }))
		questions, err2 := r.d.ImportedPosts(ctx, r.source, KindQuestion, append(from, to...))
		answers, err3 := r.d.ImportRefs(ctx, r.source, KindAnswer, append(from, to...))
		leftOut, err4 := r.d.ImportRefs(ctx, r.source, KindLeftOut, append(from, to...))
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		var b db.ImportBatch
		joined := map[int64]bool{} // in this batch
		for _, l := range links {
			r.report.Read(FilePostLinks)
			if _, ok := there[l.ID]; ok {
				r.report.Skip(FilePostLinks, SkipAlready)
				continue
			}
			post, of := questions[l.PostID], questions[l.RelatedPostID]
			ok, skip := Duplicate(l)
			for _, end := range []int64{l.PostID, l.RelatedPostID} {
				at, known := questions[end]
				if !ok || skip != "" {
					break
				}
				skip = where(known, at, leftOut, end, SkipNoPost)
				if _, answer := answers[end]; answer && !known {
					skip = SkipNotQuestions
				}
			}
			switch {
			case skip != "":
			case l.PostID == l.RelatedPostID:
				skip = SkipOwnDuplicate
			case post.DuplicateOf != 0 || joined[l.PostID]:
				skip = SkipSecondDuplicate
			}
			if skip != "" {
				r.report.Skip(FilePostLinks, skip)
				continue
			}
			joined[l.PostID] = true
			b.Duplicates = append(b.Duplicates, db.ImportedDuplicate{ImportRef: db.ImportRef{Kind: KindLink, ExtID: l.ID}, PostID: post.PostID, OfID: of.PostID})
			r.report.Wrote(FilePostLinks)
		}
		return r.write(ctx, b)
	})
}

// votes only counts: a score came with its post, and the dump does not say who voted.
func (r *importRun) votes(ctx context.Context) error {
	return inBatches(ctx, r.dump.Votes, func(v Vote) (int64, int) { return v.ID, 0 }, func(votes []Vote) error {
		posts := ids(votes, func(v Vote) int64 { return v.PostID })
		questions, err1 := r.d.ImportRefs(ctx, r.source, KindQuestion, posts)
		answers, err2 := r.d.ImportRefs(ctx, r.source, KindAnswer, posts)
		for _, v := range votes {
			r.report.Read(FileVotes)
			_, q := questions[v.PostID]
			_, a := answers[v.PostID]
			r.report.Skip(FileVotes, VoteSkip(v, q || a))
		}
		return errors.Join(err1, err2)
	})
}

func (r *importRun) badges(ctx context.Context) error {
	return r.dump.Badges(ctx, func(Badge) error {
		r.report.Read(FileBadges)
		r.report.Skip(FileBadges, SkipBadge)
		return nil
	})
}
