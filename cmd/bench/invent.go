package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"codex/db"
)

// The size of each of the two channels that are made up: about that of the two archives.
const (
	inventedMembers  = 1500 // of both
	inventedPosts    = 2000
	inventedComments = 2200
)

// invent makes up a community, always the same one.
func (b *bench) invent(ctx context.Context, d *db.DB) error {
	began := time.Now()
	dice := rand.New(rand.NewPCG(1, 2))
	var people []db.Viewer
	for n := range inventedMembers {
		id, err := d.CreateMember(ctx, db.NewMember{Handle: fmt.Sprintf("person%d", n), Email: fmt.Sprintf("person%d@example.org", n), Origin: "command", Role: db.Plain})
		if err != nil {
			return err
		}
		people = append(people, db.Viewer{ID: id, Role: db.Plain})
	}
	rows := len(people)
	for _, slug := range []string{"first", "second"} {
		say("making up the channel %s", slug)
		if _, err := d.CreateChannel(ctx, people[0], db.NewChannel{Slug: slug, Name: slug, Description: text(dice, 12)}); err != nil {
			return err
		}
		c, err := d.ChannelBySlug(ctx, people[0], slug)
		if err != nil {
			return err
		}
		b.chosen.channels = append(b.chosen.channels, slug)
		for n := range inventedPosts {
			id, err := d.CreatePost(ctx, people[dice.IntN(len(people))], db.NewPost{ChannelID: c.ID, Kind: "discussion", Title: text(dice, 7), Body: body(dice),
				Tags: []string{word(dice), "tag"}, CreatedAt: db.MillisOf(began.Add(-time.Duration(inventedPosts-n) * 24 * time.Hour))})
			if err != nil {
				return err
			}
			comments := 0
			switch {
			case n == inventedPosts/2:
				comments = longThread + 1
			case n == inventedPosts/3:
				comments = longestThread + 20
			case n%3 > 0:
				comments = dice.IntN(2 * inventedComments / (inventedPosts * 2 / 3))
			}
			if err := thread(ctx, d, dice, people, id, comments); err != nil {
				return err
			}
			rows += 1 + comments
		}
	}
	b.imports = append(b.imports, importFigure{"made up, one transaction each", rows, rows, time.Since(began)})
	return nil
}

// thread writes comments below a post, each third a reply to the one before.
func thread(ctx context.Context, d *db.DB, dice *rand.Rand, people []db.Viewer, post int64, comments int) error {
	var before int64
	for n := range comments {
		c := db.NewComment{PostID: post, Body: text(dice, 40)}
		if n%3 == 2 {
			c.ParentID = before
		}
		var err error
		if before, err = d.CreateComment(ctx, people[dice.IntN(len(people))], c); err != nil {
			return err
		}
	}
	return nil
}

const vocabulary = "gear chain wheel spoke brake lever road gravel rain winter light morning hill valley bridge map repair tool patch pump tyre saddle frame steel paint bell basket ride"

func word(dice *rand.Rand) string {
	words := strings.Fields(vocabulary)
	return words[dice.IntN(len(words))]
}

func text(dice *rand.Rand, words int) string {
	var s strings.Builder
	for n := range words {
		if n > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(word(dice))
	}
	return s.String()
}

func body(dice *rand.Rand) string {
	return text(dice, 60) + "\n\n- " + text(dice, 8) + "\n- **" + text(dice, 3) + "** " + text(dice, 9) + "\n\n```go\nfunc " + word(dice) + "() int { return 1 }\n```\n\n" + text(dice, 50) + "\n"
}
