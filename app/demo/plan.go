package demo

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"codex/db"
)

// caughtUp is how long before their last visit a member who signs in had read everything.
const caughtUp = 4 * 24 * time.Hour

// plan turns ages into times and counts of reactions into members who reacted. What the files leave open, who liked
// what and who has read what, is drawn by a generator that is seeded with the place of the text, so that a change to
// one file does not move the rest.
func (c *community) plan(now time.Time, passwordHash string) db.Demo {
	p := planner{community: c, now: now, seen: make([]time.Duration, len(c.members))}
	p.lastSeen()
	demo := db.Demo{}
	for i, m := range c.members {
		n := db.DemoMember{NewMember: db.NewMember{Handle: m.handle, Name: m.name, Bio: m.bio, Role: m.role, CreatedAt: p.at(m.joined)},
			SeenAt: p.at(p.seen[i]), CaughtUpAt: p.at(p.seen[i] + caughtUp)}
		if m.signsIn {
			n.Password = passwordHash
		}
		demo.Members = append(demo.Members, n)
	}
	for _, ch := range c.channels {
		demo.Channels = append(demo.Channels, db.DemoChannel{NewChannel: db.NewChannel{Slug: ch.slug, Name: ch.name, Description: ch.description, Rules: ch.rules},
			Owner: c.byHandle[ch.owner], CreatedAt: p.at(ch.created), Memberships: p.memberships(ch)})
	}
	p.posts(&demo)
	return demo
}

type planner struct {
	*community
	now  time.Time
	seen []time.Duration // ago, by member
}

func (p planner) at(age time.Duration) db.Millis { return db.MillisOf(p.now.Add(-age)) }

// lastSeen is what the files say, or the last thing that a member wrote if that is later.
func (p planner) lastSeen() {
	for i, m := range p.members {
		p.seen[i] = m.joined
		if m.seen != 0 {
			p.seen[i] = m.seen
		}
	}
	wrote := func(author string, age time.Duration) {
		i := p.byHandle[author]
		p.seen[i] = min(p.seen[i], age)
	}
	for _, post := range p.community.posts {
		wrote(post.author, post.age)
		for _, k := range post.comments {
			wrote(k.author, k.age)
		}
	}
}

// memberships are the owner, the keepers, those who say so and those who have written in the channel, in the order in
// which they joined: a member joins with the site or with the channel, whichever is younger.
func (p planner) memberships(ch channel) []db.DemoMembership {
	roles := map[string]string{}
	for _, m := range p.members {
		if slices.Contains(m.channels, ch.slug) {
			roles[m.handle] = "member"
		}
	}
	for _, post := range p.community.posts {
		if post.channel == ch.slug {
			roles[post.author] = "member"
			for _, k := range post.comments {
				roles[k.author] = "member"
			}
		}
	}
	for _, handle := range ch.keepers {
		roles[handle] = "moderator"
	}
	roles[ch.owner] = "owner"
	var list []db.DemoMembership
	for i, m := range p.members {
		if role := roles[m.handle]; role != "" {
			list = append(list, db.DemoMembership{Member: i, Role: role, JoinedAt: p.at(min(m.joined, ch.created)), SeenAt: p.at(p.seen[i])})
		}
	}
	slices.SortStableFunc(list, func(a, b db.DemoMembership) int { return cmp.Compare(a.JoinedAt, b.JoinedAt) })
	return list
}

// posts come in the order of time, and so do all comments together: ids ascend as if people had written them.
func (p planner) posts(demo *db.Demo) {
	ordered := slices.Clone(p.community.posts)
	slices.SortStableFunc(ordered, func(a, b post) int { return cmp.Compare(b.age, a.age) })
	type ref struct{ post, comment int }
	var refs []ref
	for i, post := range ordered {
		n := db.DemoPost{NewPost: db.NewPost{Kind: post.kind, Title: post.title, Body: post.body, Tags: post.tags, CreatedAt: p.at(post.age),
			Pinned: post.pinned, Locked: post.locked}, Channel: p.bySlug[post.channel], Author: p.byHandle[post.author],
			Reactions: p.reactions(post.place, post.author, post.age, post.likes, post.dislikes), Reads: p.reads(post)}
		if post.edited != 0 {
			n.EditedAt = p.at(post.edited)
		}
		demo.Posts = append(demo.Posts, n)
		for j := range post.comments {
			refs = append(refs, ref{i, j})
		}
	}
	slices.SortStableFunc(refs, func(a, b ref) int {
		return cmp.Compare(ordered[b.post].comments[b.comment].age, ordered[a.post].comments[a.comment].age)
	})
	where := map[ref]int{}
	for i, r := range refs {
		where[r] = i
		k := ordered[r.post].comments[r.comment]
		n := db.DemoComment{NewComment: db.NewComment{Body: k.body, CreatedAt: p.at(k.age)}, Post: r.post, Author: p.byHandle[k.author], Parent: -1,
			Accepted: k.accepted, Reactions: p.reactions(k.place, k.author, k.age, k.likes, k.dislikes)}
		if k.parent >= 0 {
			n.Parent = where[ref{r.post, k.parent}]
		}
		if k.deleted {
			n.DeletedAt = p.at(k.age - k.age/4)
		}
		demo.Comments = append(demo.Comments, n)
	}
}

// dice are one text's own.
func dice(at place, salt string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(salt + at.file)) // a hash never fails
	return rand.New(rand.NewPCG(h.Sum64(), uint64(at.line)))
}

// reactions draws who likes and who does not, and when: most soon after it was written.
func (p planner) reactions(at place, author string, age time.Duration, likes, dislikes int) []db.DemoReaction {
	d := dice(at, "reactions ")
	list := make([]db.DemoReaction, 0, likes+dislikes)
	for _, i := range d.Perm(len(p.members)) {
		if i == p.byHandle[author] || len(list) == likes+dislikes {
			continue
		}
		value := 1
		if len(list) >= likes {
			value = -1
		}
		from, x := min(age, p.members[i].joined), d.Float64()
		list = append(list, db.DemoReaction{Member: i, Value: value, At: p.at(from - time.Duration(x*x*float64(from)))})
	}
	return list
}

// reads draws what the members who sign in have read: what they wrote to, and most of the rest, up to a day before
// their last visit.
func (p planner) reads(post post) []db.DemoRead {
	var list []db.DemoRead
	d := dice(post.place, "reads ")
	for i, m := range p.members {
		if !m.signsIn {
			continue
		}
		read := p.seen[i] + time.Duration(d.Float64()*float64(24*time.Hour))
		skip := d.Float64() < 0.3
		if post.author == m.handle {
			read, skip = min(read, post.age), false
		}
		for _, k := range post.comments {
			if k.author == m.handle {
				read, skip = min(read, k.age), false
			}
		}
		if skip || read > post.age {
			continue
		}
		n := 0
		for _, k := range post.comments {
			if k.age >= read && !k.deleted {
				n++
			}
		}
		list = append(list, db.DemoRead{Member: i, Comments: n, At: p.at(read)})
	}
	return list
}
