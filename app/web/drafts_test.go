package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"codex/app/apptest"
	"codex/db"
)

// draft keeps a text as the script does, and answers which one the server says it is.
func draft(t *testing.T, c *apptest.Client, place string, form ...string) string {
	t.Helper()
	a := c.Htmx("POST", "/drafts", append(form, "place", place)...)
	if a.Status != 204 {
		t.Fatalf("the draft of %s: %d", place, a.Status)
	}
	return a.Header.Get("Draft-Saved")
}

func TestEachFormFindsItsDraftAgainOnAnotherDevice(t *testing.T) {
	t.Parallel()
	_, author, reader, post := thread(t)
	own := author.Comment(post, "", "My words")
	id := at(t, post, "")
	for name, c := range map[string]struct{ page, action, place string }{
		"a post in a channel": {"/c/tides/new", "/c/tides/posts", "/c/tides/posts"},
		"a post anywhere":     {"/new", "/new", "/new"},
		"a comment":           {post, id + "comments", id + "comments"},
		"a reply":             {"/comments/" + own + "/reply", id + "comments", id + "comments#" + own},
		"an edit of a post":   {id + "edit", id + "edit", id + "edit"},
		"an edit of a comment": {"/comments/" + own + "/edit", "/comments/" + own + "/edit",
			"/comments/" + own + "/edit"},
	} {
		before := open(t, author, c.page).form(t, c.action)
		if before.get("place") != c.place {
			t.Errorf("%s: the form keeps its draft at %q, want %q", name, before.get("place"), c.place)
		}
		saved := draft(t, author, c.place, "body", "Half a *thought", "title", "Half a title", "tags", "half")
		p := open(t, author, c.page)
		f := p.form(t, c.action)
		if f.get("body") != "Half a *thought" || !p.has(t, "Your draft is back") {
			t.Errorf("%s: the form holds %q", name, f.get("body"))
		}
		if title := f.get("title"); strings.Contains(name, "post") && (title != "Half a title" || f.get("tags") != "half") {
			t.Errorf("%s: the title is %q", name, title)
		}
		place := first(p.main(t), func(n *html.Node) bool { return attr(n, "name") == "place" })
		if attr(place, "data-saved") != saved {
			t.Errorf("%s: the page does not say which draft is in it", name)
		}
		if p := open(t, reader, "/drafts"); p.has(t, "Half") {
			t.Errorf("%s: another sees it", name)
		}
		// Without script the buttons of the form keep it and discard it.
		want(t, author.Post("/drafts", f.with("body", "A whole thought")...), 303)
		if got := open(t, author, c.page).form(t, c.action).get("body"); got != "A whole thought" {
			t.Errorf("%s: the button kept %q", name, got)
		}
		want(t, author.Post("/drafts/discard", "place", c.place), 303)
		if got := open(t, author, c.page).form(t, c.action).get("body"); got != before.get("body") {
			t.Errorf("%s: discarded, the form holds %q", name, got)
		}
	}
}

func TestADraftIsGoneWithTheTextThatItWas(t *testing.T) {
	t.Parallel()
	_, author, _, post := thread(t)
	own := author.Comment(post, "", "My words")
	id := at(t, post, "")
	for place, send := range map[string]func() apptest.Answer{
		"/c/tides/posts": func() apptest.Answer { return author.Post("/c/tides/posts", "title", "T", "body", "B") },
		"/new":           func() apptest.Answer { return author.Post("/new", "channel", "tides", "title", "T", "body", "B") },
		id + "comments":  func() apptest.Answer { return author.Post(id+"comments", "body", "B") },
		id + "comments#" + own: func() apptest.Answer {
			return author.Htmx("POST", id+"comments", "body", "B", "parent", own)
		},
		id + "edit":                  func() apptest.Answer { return author.Post(id+"edit", "title", "T", "body", "B") },
		"/comments/" + own + "/edit": func() apptest.Answer { return author.Post("/comments/"+own+"/edit", "body", "B") },
	} {
		draft(t, author, place, "body", "Half of it")
		if p := open(t, author, "/drafts"); !p.has(t, "Half of it") {
			t.Errorf("%s is not in the list", place)
		}
		if a := send(); a.Status != 303 && a.Status != 200 {
			t.Fatalf("%s: %d", place, a.Status)
		}
		if p := open(t, author, "/drafts"); p.has(t, "Half of it") || !p.has(t, "No drafts") {
			t.Errorf("%s was published, and its draft is still there", place)
		}
	}
}

func TestAnEditBegunBeforeAnotherOneTellsOfIt(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	edit := at(t, post, "edit")
	f := open(t, author, edit).form(t, edit)
	draft(t, author, edit, f.with("body", "My own end")...)
	want(t, s.As("staff", db.Moderator).Post(edit, "title", "T", "body", "The moderator's end"), 303)
	again := open(t, author, edit).form(t, edit)
	a := want(t, author.Post(edit, again.fields...), 409)
	if p := parse(t, a); !p.has(t, "The moderator's end") || p.form(t, edit).get("body") != "My own end" {
		t.Error("the draft would have undone what was changed meanwhile, unseen")
	}
}

func TestADraftCanBeKeptOnlyForAFormOfThisSite(t *testing.T) {
	t.Parallel()
	_, author, _, _ := thread(t)
	for _, place := range []string{"", "/", "//evil.example/posts", "/c//posts", "/c/../posts/posts", "/p/0/edit", "/p/1/edit?x", "javascript:alert(1)", "/settings", "/p/1/comments#x", "/c/a/b/posts"} {
		want(t, author.Post("/drafts", "place", place, "body", "B"), 404)
		want(t, author.Post("/drafts/discard", "place", place), 404)
	}
	want(t, author.Post("/drafts", "place", "/new", "body", strings.Repeat("é", 40<<10)), 422)
}
