package ui

import "context"

// LimitText says which limit of markup a text is beyond.
func LimitText(ctx context.Context, limit string, most int) string {
	switch limit {
	case "body":
		return T(ctx, "A text has at most %s bytes.", Number(most))
	case "line":
		return T(ctx, "A line has at most %s bytes. Begin a new one somewhere.", Number(most))
	case "depth":
		return T(ctx, "Lists and quotes nest at most %d deep.", most)
	case "links":
		return T(ctx, "A text has at most %d links.", most)
	case "images":
		return T(ctx, "A text has at most %d pictures.", most)
	case "addresses":
		return T(ctx, "A text has at most %d addresses.", most)
	case "cells":
		return T(ctx, "The tables of a text have at most %s cells.", Number(most))
	case "output":
		return T(ctx, "This text becomes too long a page. Cut it into two posts.")
	}
	return T(ctx, "There are too many %s in this text, at most %d.", limit, most)
}
