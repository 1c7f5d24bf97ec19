package db

import (
	"context"
	"fmt"

	"codex/app/markup"
)

// ErrNotEmpty: the site has a member, a channel or a post already.
var ErrNotEmpty = &Error{text: "the site is not empty", status: 409}

// Demo is a whole community with its past, as LoadDemo writes it. The numbers in it that name a member, a channel, a
// post or a comment are places in these slices.
type Demo struct {
	Members  []DemoMember
	Channels []DemoChannel
	Posts    []DemoPost
	Comments []DemoComment // each after the one that it answers
}

// DemoMember is a member, with what they had seen when the demonstration begins.
type DemoMember struct {
	NewMember
	SeenAt, CaughtUpAt Millis
}

// DemoChannel is a channel and who is in it. Its first activity is CreatedAt.
type DemoChannel struct {
	NewChannel
	Owner       int
	CreatedAt   Millis
	Memberships []DemoMembership
}

// DemoMembership is one member of a channel, the owner among them.
type DemoMembership struct {
	Member           int
	Role             string // of memberships.role
	JoinedAt, SeenAt Millis
}

// DemoPost is a post; NewPost.ChannelID is not read.
type DemoPost struct {
	NewPost
	Channel, Author int
	EditedAt        Millis // 0: never
	Reactions       []DemoReaction
	Reads           []DemoRead
}

// DemoComment is a comment; PostID and ParentID of NewComment are not read.
type DemoComment struct {
	NewComment
	Post, Author int
	Parent       int // -1: a root
	Accepted     bool
	DeletedAt    Millis // by its author; 0: it stands
	Reactions    []DemoReaction
}

// DemoReaction is one member's like (1) or dislike (-1).
type DemoReaction struct {
	Member, Value int
	At            Millis
}

// DemoRead says how far a member had read a post.
type DemoRead struct {
	Member, Comments int
	At               Millis
}

// LoadDemo writes a community into an empty site, in one transaction: a load that is interrupted leaves the site as
// empty as it was, and the next one begins anew. ErrNotEmpty: somebody lives there already.
//
// It renders inside that transaction, which no other write does: names can be resolved only when their members have
// ids, and a load before the server listens (0.4 s of one core for 330 texts and 3,100 reactions) keeps nobody waiting.
func (d *DB) LoadDemo(ctx context.Context, demo Demo) error {
	return d.change(ctx, "LoadDemo", func(ctx context.Context, tx *tx) error {
		var inhabited bool
		if err := tx.get(ctx, "inhabited", &inhabited, `SELECT EXISTS (SELECT 1 FROM members) OR EXISTS (SELECT 1 FROM channels)
			OR EXISTS (SELECT 1 FROM posts)`); err != nil {
			return err
		}
		if inhabited {
			return ErrNotEmpty
		}
		w := demoWriter{tx: tx, refs: markup.Refs{Members: map[string]int64{}, Channels: map[string]int64{}}}
		for _, write := range []func() error{
			func() error { return each(ctx, demo.Members, w.member) },
			func() error { return each(ctx, demo.Channels, w.channel) },
			func() error { return w.texts(ctx, demo) },
			func() error { return each(ctx, demo.Posts, w.post) },
			func() error { return each(ctx, demo.Comments, w.comment) },
		} {
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
}

// demoWriter holds the ids that the places in a Demo have got so far.
type demoWriter struct {
	tx                                 *tx
	refs                               markup.Refs
	members, channels, posts, comments []int64
}

func (w *demoWriter) rendered(source string) (markup.Result, error) {
	refs := w.refs
	refs.IDPrefix = footnotePrefix(source)
	return w.tx.d.markup.Render(source, refs)
}

func (w *demoWriter) viewer(member int) Viewer { return Viewer{ID: w.members[member]} }

func (w *demoWriter) member(ctx context.Context, m DemoMember) error {
	m.Origin = "demo"
	id, err := insertMember(ctx, w.tx, m.NewMember, markup.Result{})
	if err != nil {
		return fmt.Errorf("member %s: %w", m.Handle, err)
	}
	w.members = append(w.members, id)
	w.refs.Members[foldHandle(m.Handle)] = id
	return w.tx.one(ctx, "seen", "UPDATE members SET last_seen_at = ?, caught_up_at = ? WHERE id = ?", m.SeenAt, m.CaughtUpAt, id)
}

func (w *demoWriter) channel(ctx context.Context, c DemoChannel) error {
	id, err := w.tx.insert(ctx, "channel", `INSERT INTO channels (slug, name, description, owner_id, member_count, created_at, active_at, rules)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, c.Slug, c.Name, c.Description, w.members[c.Owner], len(c.Memberships), c.CreatedAt, c.CreatedAt, c.Rules)
	if err != nil {
		return fmt.Errorf("channel %s: %w", c.Slug, err)
	}
	w.channels = append(w.channels, id)
	w.refs.Channels[c.Slug] = id
	for _, m := range c.Memberships {
		if _, err := w.tx.exec(ctx, "membership", "INSERT INTO memberships (member_id, channel_id, role, joined_at, seen_at) VALUES (?, ?, ?, ?, ?)",
			w.members[m.Member], id, m.Role, m.JoinedAt, m.SeenAt); err != nil {
			return fmt.Errorf("channel %s: %w", c.Slug, err)
		}
	}
	return nil
}

// texts renders bios and rules: they may name members and channels that come after them.
func (w *demoWriter) texts(ctx context.Context, demo Demo) error {
	set := func(query, source string, id int64) error {
		if source == "" {
			return nil
		}
		res, err := w.rendered(source)
		if err != nil {
			return err
		}
		return w.tx.one(ctx, "text", query, res.HTML, markup.Version, id)
	}
	for i, m := range demo.Members {
		if err := set("UPDATE members SET bio_html = ?, bio_version = ? WHERE id = ?", m.Bio, w.members[i]); err != nil {
			return fmt.Errorf("bio of %s: %w", m.Handle, err)
		}
	}
	for i, c := range demo.Channels {
		if err := set("UPDATE channels SET rules_html = ?, rules_version = ? WHERE id = ?", c.Rules, w.channels[i]); err != nil {
			return fmt.Errorf("rules of %s: %w", c.Slug, err)
		}
	}
	return nil
}

func (w *demoWriter) post(ctx context.Context, p DemoPost) error {
	body, err := w.rendered(p.Body)
	if err != nil {
		return fmt.Errorf("post %q: %w", p.Title, err)
	}
	p.NewPost.ChannelID = w.channels[p.Channel]
	id, err := insertPost(ctx, w.tx, w.viewer(p.Author), p.NewPost, body)
	if err != nil {
		return fmt.Errorf("post %q: %w", p.Title, err)
	}
	w.posts = append(w.posts, id)
	if p.EditedAt != 0 {
		if err := w.tx.one(ctx, "edited", "UPDATE posts SET edited_at = ? WHERE id = ?", p.EditedAt, id); err != nil {
			return err
		}
	}
	for _, r := range p.Reads {
		if _, err := w.tx.exec(ctx, "read", `INSERT INTO reads (member_id, post_id, comments_seen, read_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (member_id, post_id) DO UPDATE SET comments_seen = excluded.comments_seen, read_at = excluded.read_at`,
			w.members[r.Member], id, r.Comments, r.At); err != nil {
			return fmt.Errorf("post %q: %w", p.Title, err)
		}
	}
	return w.react(ctx, "post", id, id, p.Reactions)
}

func (w *demoWriter) comment(ctx context.Context, c DemoComment) error {
	fail := func(err error) error { return fmt.Errorf("comment %d: %w", len(w.comments), err) }
	body, err := w.rendered(c.Body)
	if err != nil {
		return fail(err)
	}
	post := w.posts[c.Post]
	c.NewComment.PostID, c.NewComment.ParentID, c.NewComment.History = post, 0, true
	if c.Parent >= 0 {
		c.NewComment.ParentID = w.comments[c.Parent]
	}
	author := w.viewer(c.Author)
	id, err := insertComment(ctx, w.tx, author, c.NewComment, body, author.Staff())
	if err != nil {
		return fail(err)
	}
	w.comments = append(w.comments, id)
	if err := w.react(ctx, "comment", id, post, c.Reactions); err != nil {
		return fail(err)
	}
	if c.Accepted {
		if err := w.tx.one(ctx, "accept", "UPDATE posts SET accepted_id = ? WHERE id = ? AND kind = 'question'", id, post); err != nil {
			return fail(err)
		}
		if err := lead(ctx, w.tx, post, id); err != nil {
			return fail(err)
		}
	}
	if c.DeletedAt == 0 {
		return nil
	}
	return countComment(ctx, w.tx, -1, "UPDATE comments SET deleted_at = ?, deleted_by = ? WHERE id = ?", c.DeletedAt, author.ID, id)
}

// react writes reactions with their own times, which tx.react does not take, and counts them once.
func (w *demoWriter) react(ctx context.Context, subject string, id, postID int64, reactions []DemoReaction) error {
	var likes, dislikes int
	for _, r := range reactions {
		query, args := "INSERT INTO post_reactions (post_id, member_id, value, created_at) VALUES (?, ?, ?, ?)", []any{id, w.members[r.Member], r.Value, r.At}
		if subject == "comment" {
			query, args = "INSERT INTO comment_reactions (comment_id, member_id, value, created_at, post_id) VALUES (?, ?, ?, ?, ?)", append(args, postID)
		}
		if _, err := w.tx.exec(ctx, "reaction", query, args...); err != nil {
			return err
		}
		if r.Value > 0 {
			likes++
		} else {
			dislikes++
		}
	}
	return w.tx.one(ctx, "score", "UPDATE "+subject+"s SET likes = ?, dislikes = ?, score = base_score + ? WHERE id = ?", likes, dislikes, likes-dislikes, id)
}
