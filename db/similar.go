package db

import (
	"context"
	"strings"

	"github.com/gosimple/slug"
)

// MaxSimilar is how many posts SimilarPosts finds at most.
const MaxSimilar = 5

// Similar is a post whose title begins like another.
type Similar struct {
	ID       int64  `db:"id"`
	Slug     string `db:"slug"`
	Title    string `db:"title"`
	Channel  string `db:"channel_name"`
	Comments int    `db:"comment_count"`
	Answered bool   `db:"answered"`
}

// SimilarPosts finds posts that the viewer may read and whose titles begin like this one: with all of it, else with its
// first three words, else with its first two. Letters are compared as in addresses, without case and marks. It reads at
// most 40 entries of the index for each of the three, however common the words are.
func (d *DB) SimilarPosts(ctx context.Context, v Viewer, title string) ([]Similar, error) {
	var list []Similar
	seen := map[int64]bool{}
	for _, begin := range beginnings(title) {
		var found []Similar
		if err := d.list(ctx, "SimilarPosts", &found, `SELECT p.id, p.slug, p.title, c.name AS channel_name, p.comment_count, p.accepted_id IS NOT NULL AS answered
			FROM (SELECT q.id FROM posts q WHERE q.slug >= ? AND q.slug < ? AND q.deleted_at IS NULL ORDER BY q.slug, q.id LIMIT 40) near
			CROSS JOIN posts p ON p.id = near.id CROSS JOIN channels c ON c.id = p.channel_id WHERE `+visible+` LIMIT ?`, begin, begin+"~", v.ID, 2*MaxSimilar); err != nil {
			return nil, err
		}
		for _, s := range found {
			if !seen[s.ID] && len(list) < MaxSimilar {
				seen[s.ID] = true
				list = append(list, s)
			}
		}
		if len(list) == MaxSimilar {
			break
		}
	}
	return list, nil
}

// beginnings are the slugs that a similar title may begin with, the longest first. One word, or less than six letters, is
// too little to go by.
func beginnings(title string) (list []string) {
	whole := truncate(slug.Make(truncate(title, 400)), 60)
	words := strings.Split(whole, "-")
	if len(words) < 2 || len(whole) < 6 {
		return nil
	}
	list = append(list, whole)
	for n := min(3, len(words)-1); n >= 2; n-- {
		if begin := strings.Join(words[:n], "-"); len(begin) >= 6 {
			list = append(list, begin)
		}
	}
	return list
}
