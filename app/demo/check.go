package demo

import (
	"slices"
	"strings"

	"codex/app/markup"
	"codex/db"
)

// staff are the roles of the accounts that can sign in, one each, in the order in which they are told.
var staff = [...]db.Role{db.Admin, db.Moderator, db.Plain}

// check holds the community to what a person who uses the forum is held to, and to sense: nobody writes before they
// joined, nothing is answered before it was said.
func (c *community) check() error {
	if len(c.byHandle) != len(c.members) || len(c.bySlug) != len(c.channels) {
		return place{"content", 1}.errorf("a handle or a slug stands twice")
	}
	text := checker{c, markup.New(markup.Options{})}
	for _, role := range staff {
		n := 0
		for _, m := range c.members {
			if m.signsIn && m.role == role {
				n++
			}
		}
		if n != 1 {
			return place{"members.txt", 1}.errorf("%d accounts with the role %s sign in, must be one", n, role)
		}
	}
	for _, m := range c.members {
		if name, ok := db.CleanName(m.name); !ok || name != m.name {
			return m.errorf("%q is no display name", m.name)
		}
		if !db.ValidHandle(m.handle) {
			return m.errorf("%q is no handle", m.handle)
		}
		if err := text.names(m.place, m.bio); err != nil {
			return err
		}
		for _, slug := range m.channels {
			if _, ok := c.bySlug[slug]; !ok {
				return m.errorf("there is no channel %s", slug)
			}
		}
	}
	for _, ch := range c.channels {
		if !db.ValidSlug(ch.slug) {
			return ch.errorf("%q is no slug", ch.slug)
		}
		for _, handle := range append(slices.Clone(ch.keepers), ch.owner) {
			if err := c.known(ch.place, handle); err != nil {
				return err
			}
		}
		if err := text.names(ch.place, ch.rules); err != nil {
			return err
		}
	}
	for i := range c.posts {
		if err := text.post(&c.posts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *community) known(at place, handle string) error {
	if _, ok := c.byHandle[handle]; !ok {
		return at.errorf("there is no member %s", handle)
	}
	return nil
}

type checker struct {
	*community
	markup *markup.Renderer
}

// names refuses a text that is too much for the forum, or names somebody who is not there.
func (c checker) names(at place, source string) error {
	if _, err := c.markup.Render(source, markup.Refs{}); err != nil {
		return at.errorf("%w", err)
	}
	handles, slugs := c.markup.Scan(source)
	for _, handle := range handles {
		if err := c.known(at, handle); err != nil {
			return err
		}
	}
	for _, slug := range slugs {
		if _, ok := c.bySlug[slug]; !ok {
			return at.errorf("there is no channel #%s", slug)
		}
	}
	return nil
}

func (c checker) post(p *post) error {
	if title, ok := db.CleanTitle(p.title); !ok || title != p.title {
		return p.errorf("%q is no title", p.title)
	}
	ch, ok := c.bySlug[p.channel]
	if !ok {
		return p.errorf("there is no channel %s", p.channel)
	}
	if p.age >= c.channels[ch].created || p.edited >= p.age {
		return p.errorf("it is older than its channel, or was edited before it was written")
	}
	if err := c.written(p.place, p.author, p.body, p.likes, p.dislikes, *p, nil); err != nil {
		return err
	}
	accepted := 0
	for i := range p.comments {
		k := &p.comments[i]
		if err := c.written(k.place, k.author, k.body, k.likes, k.dislikes, *p, k); err != nil {
			return err
		}
		before := p.age
		if k.parent >= 0 {
			before = p.comments[k.parent].age
		}
		for _, sibling := range p.comments[:i] {
			if sibling.parent == k.parent {
				before = min(before, sibling.age)
			}
		}
		if k.age >= before {
			return k.errorf("it is not younger than what stands before it and what it answers")
		}
		if k.accepted {
			accepted++
			if accepted > 1 || p.kind != "question" || k.deleted {
				return k.errorf("it cannot be the accepted answer")
			}
		}
	}
	return nil
}

// written checks what posts and comments have in common; k is nil for the post itself.
func (c checker) written(at place, author, body string, likes, dislikes int, p post, k *comment) error {
	if err := c.known(at, author); err != nil {
		return err
	}
	age := p.age
	if k != nil {
		age = k.age
	}
	switch m := c.members[c.byHandle[author]]; {
	case strings.TrimSpace(body) == "":
		return at.errorf("it has no text")
	case m.joined <= age:
		return at.errorf("%s joined later", author)
	case likes+dislikes >= len(c.members):
		return at.errorf("it has more reactions than there are other members")
	}
	return c.names(at, body)
}
