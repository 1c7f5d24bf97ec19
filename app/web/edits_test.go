package web_test

import (
	"strings"
	"sync"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

func TestWhoEditsAPostThatWasChangedMeanwhileSeesBothTexts(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author, staff := s.As("author", db.Plain), s.As("staff", db.Moderator)
	author.Channel("tides")
	post := author.Write("tides", "Low water", "The *first* text", "tags", "moon")
	edit := at(t, post, "edit")
	mine, theirs := open(t, author, edit).form(t, edit), open(t, staff, edit).form(t, edit)
	want(t, staff.Post(edit, theirs.with("title", "Lower water", "body", "The *staff's* text", "tags", "sea")...), 303)

	a := want(t, author.Post(edit, mine.with("title", "High water", "body", "The author's text")...), 409)
	p := parse(t, a)
	again := p.form(t, edit)
	if again.get("title") != "High water" || again.get("body") != "The author's text" || again.get("tags") != "moon" {
		t.Errorf("what was typed is not in the form: %q", again.fields)
	}
	if again.get("version") == mine.get("version") || again.get("key") == mine.get("key") {
		t.Errorf("the form is the old one: %q", again.fields)
	}
	present := first(p.main(t), class("standing"))
	if present == nil || first(present, tag("em")) == nil {
		t.Fatalf("what stands there now is not shown:\n%s", visible(a.Body))
	}
	for _, words := range []string{"Lower water", "The staff's text", "The *staff's* text", "sea"} {
		if !strings.Contains(strings.ReplaceAll(text(present), " 's", "'s"), words) {
			t.Errorf("what stands there now is shown without %q: %s", words, text(present))
		}
	}
	if !p.has(t, "changed while you wrote") {
		t.Error("the page does not say what happened")
	}
	if p, _ := follow(t, s.Guest(), post); !p.has(t, "Lower water") || p.has(t, "The author's text") {
		t.Error("the refused edit has changed the post")
	}

	// A look at the preview in between loses nothing of it.
	again = parse(t, want(t, author.Post(edit, again.with("preview", "1")...), 200)).form(t, edit)
	done := want(t, author.Post(edit, again.fields...), 303)
	if p := open(t, s.Guest(), done.Location); !p.has(t, "High water") || !p.has(t, "The author's text") {
		t.Error("saving again did not put the text there")
	}
	want(t, staff.Post(edit, theirs.with("body", "Late")...), 409)
}

func TestWhoEditsACommentThatWasChangedMeanwhileSeesBothTexts(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(c *apptest.Client, path string, form ...string) apptest.Answer{
		"plain": func(c *apptest.Client, path string, form ...string) apptest.Answer { return c.Post(path, form...) },
		"htmx": func(c *apptest.Client, path string, form ...string) apptest.Answer {
			return c.Htmx("POST", path, form...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, author, _, post := thread(t)
			id := author.Comment(post, "", "The *first* text")
			edit := "/comments/" + id + "/edit"
			// The same person in two tabs.
			one, two := open(t, author, edit).form(t, edit), open(t, author, edit).form(t, edit)
			want(t, author.Post(edit, one.with("body", "From the *first* tab")...), 303)
			a := want(t, send(author, edit, two.with("body", "From the second tab")...), 409)
			p := parse(t, a)
			if name == "htmx" {
				p = aPartial(t, a)
			}
			again := p.form(t, edit)
			present := first(p.own(id), class("standing"))
			if again.get("body") != "From the second tab" || present == nil || !strings.Contains(text(present), "From the *first* tab") || first(present, tag("em")) == nil {
				t.Fatalf("the form does not hold both texts:\n%s", a.Body)
			}
			if n := first(p.own(id), class("notice")); n == nil || attr(n, "role") != "alert" {
				t.Error("the form does not say what happened")
			}
			if a := send(author, edit, again.fields...); a.Status != 303 && (name != "htmx" || a.Status != 200) {
				t.Errorf("saving again: %d", a.Status)
			}
			if got := text(open(t, s.Guest(), post).own(id)); !strings.Contains(got, "From the second tab") {
				t.Errorf("saving again did not put the text there: %s", got)
			}
		})
	}
}

func TestAnEditThatIsSentTwiceIsOne(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	id := author.Comment(post, "", "Text")
	for edit, body := range map[string]string{at(t, post, "edit"): "The post, edited", "/comments/" + id + "/edit": "The comment, edited"} {
		fields := open(t, author, edit).form(t, edit).with("body", body)
		answers := make([]apptest.Answer, 6)
		var sent sync.WaitGroup
		for i := range answers {
			sent.Go(func() { answers[i] = author.Post(edit, fields...) })
		}
		sent.Wait()
		for _, a := range answers {
			if a.Status != 303 || a.Location != answers[0].Location {
				t.Errorf("%s: %d to %q, and another one to %q", edit, a.Status, a.Location, answers[0].Location)
			}
		}
		// What came after it is not undone by a late repeat.
		want(t, author.Post(edit, "title", "Low water", "body", "Later"), 303)
		want(t, author.Post(edit, fields...), 303)
		if p := open(t, s.Guest(), post); strings.Contains(p.Body, body) || !p.has(t, "Later") {
			t.Errorf("%s: the repeat has written", edit)
		}
	}
}

func TestAnEditWithoutAVersionReplacesWhateverStandsThere(t *testing.T) {
	t.Parallel()
	s, author, _, post := thread(t)
	id := author.Comment(post, "", "Text")
	for _, body := range []string{"One", "Two"} {
		want(t, author.Post(at(t, post, "edit"), "title", "Low water", "body", "Post "+body), 303)
		want(t, author.Post("/comments/"+id+"/edit", "body", "Comment "+body), 303)
	}
	if p := open(t, s.Guest(), post); !p.has(t, "Post Two") || !p.has(t, "Comment Two") {
		t.Error("the last texts are not there")
	}
}

func TestAnEditThatIsNotAcceptedKeepsItsVersion(t *testing.T) {
	t.Parallel()
	_, author, _, post := thread(t)
	id := author.Comment(post, "", "Text")
	for _, edit := range []string{at(t, post, "edit"), "/comments/" + id + "/edit"} {
		f := open(t, author, edit).form(t, edit)
		if f.get("version") == "" || len(f.get("key")) != 36 {
			t.Fatalf("the form to %s: %q", edit, f.fields)
		}
		want(t, author.Post(edit, "title", "Low water", "body", "Meanwhile"), 303)
		again := parse(t, want(t, author.Post(edit, f.with("body", " ")...), 422)).form(t, edit)
		want(t, author.Post(edit, again.with("body", "Blind")...), 409)
	}
}
