package ui

import (
	"context"
	"fmt"
	"strconv"
)

// T is the text for a person, in their language. The English text is the key of its translation; as long as
// views/locale holds none, it is also the answer. args fill it as in fmt.Sprintf, in the translation too.
func T(ctx context.Context, text string, args ...any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// N is T with a number, which chooses between the forms of the language and stands for the first %s or %d in it,
// grouped by thousands.
func N(ctx context.Context, one, many string, n int, args ...any) string {
	text := many
	if n == 1 {
		text = one
	}
	return fmt.Sprintf(text, append([]any{Number(n)}, args...)...)
}

// Number is n with its thousands apart: 12,345.
func Number(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Name is an author's name; one who was deleted, or never had an account here, may have none.
func Name(ctx context.Context, name string) string {
	if name == "" {
		return T(ctx, "someone who left")
	}
	return name
}

// Plural is the word alone, for a number that stands beside it.
func Plural(ctx context.Context, one, many string, n int) string {
	if n == 1 || n == -1 {
		return one
	}
	return many
}

// Thread is what stands above the comments of a post, and in their place where there is no room.
func Thread(ctx context.Context, question bool, comments int) string {
	switch {
	case comments > 0:
		return N(ctx, "%s comment", "%s comments", comments)
	case question:
		return T(ctx, "No answers yet")
	}
	return T(ctx, "No comments yet")
}
