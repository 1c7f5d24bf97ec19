package web_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db/dbtest"
)

// signedOut ends a client's session behind its back.
func signedOut(t testing.TB, c *apptest.Client) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.HTTP.Jar = jar
}

// fromPage sends a form as a browser without script does from a page of the site.
func fromPage(c *apptest.Client, page, path string, form ...string) apptest.Answer {
	r := c.Request("POST", path, form...)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Referer", r.URL.Scheme+"://"+r.URL.Host+page)
	return c.Do(r)
}

func TestATextThatWasWrittenWhileTheSessionEndedComesBackAfterTheSignIn(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "writer")
	c.Channel("tides")
	post := c.Write("tides", "Low water", "Text")
	id := c.Comment(post, "", "A comment")
	for _, form := range []struct{ page, action, text string }{
		{"/c/tides/new", "/c/tides/posts", "A long text\n\nwith <b>two</b> \"paragraphs\""}, {"/new", "/new", "Another"},
		{post, at(t, post, "comments"), "A thought"}, {"/comments/" + id + "/reply", at(t, post, "comments"), "An answer"},
		{"/comments/" + id + "/edit", "/comments/" + id + "/edit", "A better comment"}, {at(t, post, "edit"), at(t, post, "edit"), "A better post"},
		{"/c/new", "/c", ""},
	} {
		want(t, signIn(c, "writer", apptest.Password), 303)
		fields := open(t, c, form.page).form(t, form.action).with("title", "A title", "body", form.text)
		if form.action == "/c" {
			fields = open(t, c, form.page).form(t, form.action).with("slug", "moon", "name", "Moon", "description", "About the moon")
		}
		signedOut(t, c)
		before := dbtest.Dump(t, s.DB.Path())
		p := parse(t, want(t, fromPage(c, form.page, form.action, fields...), 403))
		if !p.has(t, "Your text is kept") {
			t.Errorf("%s: the sign-in page does not say that the text is kept: %s", form.page, text(p.main(t)))
		}
		f := p.form(t, "/login")
		if f.get("next") != form.page {
			t.Errorf("%s: the way back is %q", form.page, f.get("next"))
		}
		// A wrong password loses nothing.
		f = parse(t, want(t, fromPage(c, "/login", "/login", f.with("login", "writer", "password", "wrong one")...), 422)).form(t, "/login")
		a := want(t, fromPage(c, "/login", "/login", f.with("login", "writer", "password", apptest.Password)...), 200)
		if isGuest(t, c) {
			t.Fatal("not signed in")
		}
		for _, line := range dbtest.Dump(t, s.DB.Path()) {
			if !strings.HasPrefix(line, "sessions ") && !strings.HasPrefix(line, "members ") && !strings.Contains(strings.Join(before, "\n"), line) {
				t.Errorf("%s: it was sent by itself: %s", form.page, line)
			}
		}
		again := parse(t, a).form(t, form.action)
		for i := 0; i < len(fields); i += 2 {
			if got := again.get(fields[i]); got != fields[i+1] {
				t.Errorf("%s: %s is %q, want %q", form.page, fields[i], got, fields[i+1])
			}
		}
		if strings.Contains(a.Body, apptest.Password) || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a page that must not be kept, or with a password on it", form.page)
		}
		done := want(t, c.Post(form.action, again.fields...), 303)
		words, _, _ := strings.Cut(form.text, "\n")
		if end, _ := follow(t, c, done.Location); end.Status != 200 || !strings.Contains(end.Body, words) {
			t.Errorf("%s: what was sent is not at %s", form.page, done.Location)
		}
		signedOut(t, c)
	}
}

func TestNothingIsCarriedThroughTheSignInThatShouldNotBe(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := joined(t, s, "writer")
	signedOut(t, c)
	large := strings.Repeat("x", 200<<10)
	for name, a := range map[string]apptest.Answer{
		"a script":                 c.Post("/c/tides/posts", "title", "T", "body", "My words"),
		"a form without a text":    fromPage(c, "/p/1/x", "/p/1/react", "kind", "like"),
		"a form for a password":    fromPage(c, "/settings", "/settings/password", "password", "old secret", "new", "new secret"),
		"an empty text":            fromPage(c, "/p/1/x", "/p/1/comments", "body", "", "key", "k"),
		"what is too large":        fromPage(c, "/c/tides/new", "/c/tides/posts", "title", "T", "body", large),
		"a sign-in without a text": fromPage(c, "/login", "/login", "login", "writer", "password", apptest.Password),
		"a sign-in to elsewhere":   fromPage(c, "/login", "/login", "login", "writer", "password", apptest.Password, "kept-to", "//evil.example/x", "kept:body", "My words"),
		"a script that signs in":   c.Post("/login", "login", "writer", "password", apptest.Password, "kept-to", "/p/1/comments", "kept:body", "My words"),
	} {
		if a.Status != 303 || a.Body != "" {
			t.Errorf("%s: %d\n%s", name, a.Status, visible(a.Body))
		}
	}
	signedOut(t, c)
	a := want(t, fromPage(c, "/settings", "/settings/profile", "name", "W", "bio", "My life", "password", "a secret", "token", "a secret", "other", "a secret"), 403)
	if strings.Contains(a.Body, "a secret") || !strings.Contains(a.Body, "My life") {
		t.Error("the page carries what it should not, or not what it should")
	}
	a = fromPage(c, "/login", "/login", "login", "writer", "password", apptest.Password, "kept-to", "/p/1/comments", "kept:body", "My words", "kept:password", "a secret")
	if want(t, a, 200); strings.Contains(a.Body, "a secret") {
		t.Error("the page shows a password")
	}
	r := c.Request("POST", "/login", "login", "writer", "password", apptest.Password, "kept-to", "/p/1/comments", "kept:body", "words of another site")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := want(t, c.Do(r), 403); strings.Contains(a.Body, "words of another site") {
		t.Error("what another site sent stands on the page")
	}
}

func TestASignInThatMustWaitKeepsTheText(t *testing.T) {
	t.Parallel()
	still := time.Now()
	s := apptest.StartAt(t, func() time.Time { return still }, func(c *config.Config) { c.RateLimits = "on" })
	c := joined(t, s, "writer")
	signedOut(t, c)
	f := parse(t, want(t, fromPage(c, "/new", "/new", "title", "T", "body", "My words"), 403)).form(t, "/login")
	a := apptest.Answer{}
	for range 12 {
		if a = fromPage(c, "/login", "/login", f.with("login", "writer", "password", "my wrong password")...); a.Status != 422 {
			break
		}
	}
	want(t, a, http.StatusTooManyRequests)
	if kept := parse(t, a).form(t, "/new"); kept.get("body") != "My words" || strings.Contains(a.Body, "my wrong password") {
		t.Errorf("the page holds %q", kept.fields)
	}
}
