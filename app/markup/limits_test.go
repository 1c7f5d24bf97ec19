package markup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"codex/app/markup"
)

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// nested is a list with n levels, each on its own line.
func nested(n int, prefix string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(prefix + strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

// Each structure is fine at its limit and refused just over it.
func TestLimits(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	for _, tt := range []struct {
		name, limit string
		most        int
		source      func(n int) string
	}{
		{"body", "body", 64 << 10, func(n int) string { return (rep(rep("a", 99)+"\n", 1000))[:n] }},
		{"line", "line", 8 << 10, func(n int) string { return rep("a", n) }},
		{"lines", "lines", 5000, func(n int) string { return rep("a\n", n) }},
		{"quotes", "depth", 16, func(n int) string { return rep(">", n) + "a" }},
		{"lists on one line", "depth", 16, func(n int) string { return rep("- ", n) + "a" }},
		{"numbered lists on one line", "depth", 16, func(n int) string { return rep("1. ", n) + "a" }},
		{"lists over lines", "depth", 16, func(n int) string { return nested(n, "") }},
		{"lists over lines in a quote", "depth", 16, func(n int) string { return nested(n-1, "> ") }},
		{"footnotes in each other", "depth", 16, func(n int) string { return rep("[^a]: ", n) + "a" }},
		{"lists", "containers", 2000, func(n int) string { return rep("- a\n* a\n", n/2) + rep("- a\n", n%2) }},
		{"lines that go on in a quote", "continued", 16000, func(n int) string { return rep(rep(">", 4)+"a\n", n/4+1) + rep("\n>a\n>a\n", n%4) }},
		{"links", "links", 300, func(n int) string { return rep("[a](b) ", n) }},
		{"links by reference", "links", 300, func(n int) string { return "[a]: b\n\n" + rep("[a] ", n) }},
		{"pictures", "images", 30, func(n int) string { return rep("![a](/images/b/c) ", n) }},
		{"addresses", "addresses", 100, func(n int) string { return rep("https://a.de ", n) }},
		{"addresses of mail", "addresses", 100, func(n int) string { return rep("a@b.de ", n) }},
		{"addresses without a scheme", "addresses", 100, func(n int) string { return rep("www.b.de ", n) }},
		{"mentions", "mentions", 300, func(n int) string { return rep("@bob ", n) }},
		{"brackets in a row", "brackets", 64, func(n int) string { return rep("[", n) }},
		{"brackets", "labels", 4000, func(n int) string { return rep("[a\n", n) }},
		{"emphasis in a paragraph", "emphasis", 500, func(n int) string { return rep("*a ", n) }},
		{"emphasis", "runs", 4000, func(n int) string { return rep(rep("*a ", 400)+"\n\n", n/400) + rep("*a ", n%400) }},
		{"cells", "cells", 2000, func(n int) string { return "a|b\n-|-\n" + rep("a|b\n", (n-4)/2) + rep("|a|\n", n%2) }},
		{"cells that fill rows", "cells", 2000, func(n int) string {
			return rep("a|", 99) + "a\n" + rep("-|", 99) + "-\n" + rep("b\n", n/100-2+n%2)
		}},
		{"anything in anything", "nesting", 100, func(n int) string { return rep("**", n-3) + "a" + rep("**", n-3) }}, // 3: document, paragraph, text
		{"pieces of HTML", "tags", 1000, func(n int) string { return rep("<br>", n) }},
		{"footnotes", "footnotes", 400, func(n int) string { return "[^a]: b\n\n" + rep("[^a] ", n-1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, err := renderer.Render(tt.source(tt.most), refs)
			if err != nil {
				t.Errorf("at the limit: %v", err)
			} else if err := check(res.HTML); err != nil {
				t.Error(err)
			}
			res, err = renderer.Render(tt.source(tt.most+1), refs)
			var limit *markup.LimitError
			if !errors.As(err, &limit) {
				t.Fatalf("over the limit: %v", err)
			}
			if limit.Limit != tt.limit || limit.Max != tt.most || limit.Got <= limit.Max || limit.Status() != 422 || res.HTML != "" {
				t.Errorf("over the limit: %v, status %d, %d bytes of HTML", limit, limit.Status(), len(res.HTML))
			}
			if want := fmt.Sprintf("of %s, at most %d are allowed", tt.limit, tt.most); !strings.Contains(limit.Error(), want) {
				t.Errorf("the message is %q", limit)
			}
		})
	}
}

func TestOutputIsLimitedBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"a long address often":   "[a]: " + strings.Repeat("b", 8000) + "\n\n" + strings.Repeat("[a] ", 300),
		"a long title often":     "[a]: b '" + strings.Repeat("t", 8000) + "'\n\n" + strings.Repeat("[a] ", 300),
		"escapes":                strings.Repeat(strings.Repeat("\"", 80)+"\n", 700) + strings.Repeat("> > > > > > > > > > > > > > > > a\n\n", 120),
		"a table and its header": strings.Repeat("a|", 600) + "a\n" + strings.Repeat("-|", 600) + "-\n" + strings.Repeat("b\n", 4000),
	} {
		res, err := renderer.Render(source, refs)
		var limit *markup.LimitError
		switch {
		case err == nil && len(res.HTML) <= markup.DefaultLimits.Output:
		case !errors.As(err, &limit):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The limits are about structure, so what stands in code is not counted but by length, links and addresses.
func TestCodeIsNotStructure(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	for name, code := range map[string]string{
		"deep indentation": rep(rep(" ", 200)+"- a\n", 50),
		"markers":          rep(rep("- ", 20)+rep("> ", 20)+"\n", 50),
		"pipes":            rep("a || b | c |\n", 600),
		"stars":            rep("int *a, *b_c; ", 500) + "\n",
		"tags":             rep("<b><i>\n", 1000),
		"brackets":         rep("a[i][j] ", 900) + "\n",
	} {
		if _, err := renderer.Render("```c\n"+code+"```\n", refs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOwnLimitsAreKept(t *testing.T) {
	t.Parallel()
	own := markup.DefaultLimits
	own.Body = 3
	r := markup.New(markup.Options{Limits: own})
	if _, err := r.Render("abc", refs); err != nil {
		t.Error(err)
	}
	if _, err := r.Render("abcd", refs); err == nil {
		t.Error("4 bytes are rendered with a limit of 3")
	}
}
