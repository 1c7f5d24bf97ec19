package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

// cursor is what the page says that it knows.
func cursor(t *testing.T, c *apptest.Client, path string) string {
	t.Helper()
	body := c.Get(path).Body
	_, rest, ok := strings.Cut(body, `data-after="`)
	if !ok {
		t.Fatalf("%s has no cursor", path)
	}
	after, _, _ := strings.Cut(rest, `"`)
	return after
}

func TestWhatHappensOnAPostIsToldToItsReaders(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author := s.As("author", db.Plain)
	post := author.Write(author.Channel("bread"), "Rye", "How long?")
	id := fmt.Sprint(postID(t, post))
	reader := s.Guest()
	l := reader.Listen("/events?topic=post:" + id + "&after=" + cursor(t, reader, post))
	if ct := l.Header.Get("Content-Type"); l.Status != 200 || ct != "text/event-stream" {
		t.Fatalf("%d %s", l.Status, ct)
	}
	first := l.Next("presence")
	if first.ID == 0 || first.Retry == "" {
		t.Errorf("the first event has no cursor or no retry: %+v", first)
	}
	a := author.Post("/p/"+id+"/comments", "body", "As long as it takes.")
	want(t, a, http.StatusSeeOther)
	comment := strings.TrimPrefix(a.Location, "/comments/")
	h := l.Next("comment")
	if !strings.Contains(h.Data, `data-comment="`+comment+`"`) || !strings.Contains(h.Data, "As long as it takes.") || h.ID <= first.ID {
		t.Errorf("the comment came as %+v", h)
	}
	want(t, author.Post("/comments/"+comment+"/edit", "body", "Nine hours."), 303)
	if h := l.Next("comment"); !strings.Contains(h.Data, "Nine hours.") {
		t.Errorf("the change came as %s", h.Data)
	}
	want(t, s.As("liker", db.Plain).Post("/comments/"+comment+"/react", "kind", "like"), 303)
	if h := l.Next("reaction"); !strings.Contains(h.Data, ">1</hx-partial>") {
		t.Errorf("the like came as %s", h.Data)
	}
	want(t, author.Post("/comments/"+comment+"/delete"), 303)
	if h := l.Next("comment"); !strings.Contains(h.Data, "data-gone") || strings.Contains(h.Data, "Nine hours.") {
		t.Errorf("the deletion came as %s", h.Data)
	}
	want(t, s.As("mod", db.Moderator).Post("/p/"+id+"/lock", "on", "true"), 303)
	if h := l.Next("post"); !strings.Contains(h.Data, "locked") {
		t.Errorf("the lock came as %s", h.Data)
	}
}

func TestAStreamIsEndedAndNotBrokenOff(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	c := s.As("reader", db.Plain)
	res, err := c.HTTP.Do(c.Request(http.MethodGet, "/events"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	must(t, s.DB.EndSessions(t.Context(), c.Viewer))
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("the stream of one who signs out ends with %v", err)
	}
}

func TestAReaderIsHereOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author := s.As("author", db.Plain)
	topic := fmt.Sprintf("topic=post:%d", postID(t, author.Write(author.Channel("bread"), "Rye", "How long?")))
	// told is how many a guest is told are here, themselves included, before they go again.
	told := func() string {
		l := s.Guest().Listen("/events?" + topic + "&" + topic + "&" + topic)
		defer l.Close()
		return visible(l.Next("presence").Data)
	}
	want := func(what string, n int) {
		t.Helper()
		says := ""
		if n > 1 {
			says = fmt.Sprint(n, " here now")
		}
		comesTrue(t, fmt.Sprintf("%s: %q", what, says), func() bool { return strings.TrimSpace(told()) == says })
	}
	opens := func(c *apptest.Client, query string) *apptest.Listener {
		l := c.Listen("/events?" + query)
		l.Next("presence", "unread")
		return l
	}
	want("a guest alone", 1)
	member, other := s.As("member", db.Plain), s.As("other", db.Plain)
	tab := opens(member, topic)
	want("a member", 2)
	second := opens(member, topic)
	want("a member with two windows", 2)
	opens(other, topic)
	guest := opens(s.Guest(), topic)
	want("two members and another guest", 4)
	tab.Close()
	guest.Close()
	want("one window of two is closed, and a guest goes", 3)

	set := func(hidden ...string) {
		t.Helper()
		if a := member.Post("/settings/notifications", hidden...); a.Status != http.StatusSeeOther {
			t.Fatalf("%d", a.Status)
		}
		opens(member, "").Close() // the page that the form leads to
	}
	set("hidden", "on")
	want("a member hides", 2)
	opens(member, topic)
	want("who hides opens another window", 2)
	set()
	want("who hid does so no more", 3)
	set("hidden", "on")
	second.Close()
	want("who hides closes a window", 2)
}

func TestAReaderWhoWasAwayIsToldAllThatTheyMissedOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author := s.As("author", db.Plain)
	post := author.Write(author.Channel("bread"), "Rye", "How long?")
	id := fmt.Sprint(postID(t, post))
	reader := s.Guest()
	l := reader.Listen("/events?topic=post:" + id + "&after=" + cursor(t, reader, post))
	l.Next("presence")
	author.Post("/p/"+id+"/comments", "body", "one")
	last := l.Next("comment").ID
	l.Close()
	for _, text := range []string{"two", "three"} {
		author.Post("/p/"+id+"/comments", "body", text)
	}
	again := reader.Listen("/events?topic=post:"+id+"&after=1", "Last-Event-ID", fmt.Sprint(last))
	author.Post("/p/"+id+"/comments", "body", "four")
	for _, text := range []string{"two", "three", "four"} {
		if h := again.Next("comment", "reset"); !strings.Contains(h.Data, text) {
			t.Errorf("after a break came %q, want %s", h.Data, text)
		}
	}
	for name, after := range map[string]string{"of another epoch": "4000", "of the future": "8589934592999", "no number": "x"} {
		if h := reader.Listen("/events?topic=post:"+id+"&after="+after).Next("comment", "reset"); h.Name != "reset" {
			t.Errorf("a cursor that is %s gives %+v", name, h)
		}
	}
}

func TestAStreamEndsWithTheRightToReadIt(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	owner, admin := s.As("owner", db.Plain), s.As("admin", db.Admin)
	slug := owner.Channel("secret")
	want(t, owner.Post("/c/"+slug+"/access", "visibility", "private", "slow", "0"), 303)
	post := owner.Write(slug, "Plans", "None yet.")
	topic := "/events?topic=post:" + fmt.Sprint(postID(t, post))
	channel := take(s.DB.ChannelBySlug(t.Context(), owner.Viewer, slug)).ID

	stranger := s.As("stranger", db.Plain)
	for name, c := range map[string]*apptest.Client{"a guest": s.Guest(), "a stranger": stranger} {
		if l := c.Listen(topic); l.Status != http.StatusNotFound {
			t.Errorf("%s listens to a private post: %d", name, l.Status)
		}
	}
	for name, act := range map[string]func(c *apptest.Client){
		"leaves": func(c *apptest.Client) { want(t, c.Post("/c/"+slug+"/leave"), 303) },
		"is removed": func(c *apptest.Client) {
			must(t, s.DB.RemoveFromChannel(t.Context(), owner.Viewer, channel, c.Viewer.ID))
		},
		"is banned":       func(c *apptest.Client) { must(t, s.DB.Ban(t.Context(), admin.Viewer, c.Viewer.ID, db.Forever, "spam")) },
		"is signed out":   func(c *apptest.Client) { must(t, s.DB.EndSessions(t.Context(), c.Viewer)) },
		"loses a channel": func(*apptest.Client) { must(t, s.DB.DeleteChannel(t.Context(), owner.Viewer, channel)) },
	} {
		if name == "loses a channel" {
			continue // last: it ends all of them
		}
		c := s.As(strings.ReplaceAll(name, " ", "-"), db.Plain)
		must(t, s.DB.SetPassword(t.Context(), c.Viewer.ID, "none that opens anything", 0))
		c.SignIn(c.Viewer.ID)
		must(t, s.DB.InviteToChannel(t.Context(), owner.Viewer, channel, c.Viewer.Handle))
		want(t, c.Post(fmt.Sprintf("/invitations/%d", channel), "answer", "yes"), 303)
		l := c.Listen(topic)
		l.Next("presence")
		act(c)
		if !l.Ended(time.Second) {
			t.Errorf("the stream of one who %s goes on after a second", name)
		}
	}
	l := owner.Listen(topic)
	l.Next("presence")
	must(t, s.DB.DeleteChannel(t.Context(), owner.Viewer, channel))
	if !l.Ended(time.Second) {
		t.Error("the stream of a deleted channel goes on after a second")
	}
}

func TestAnyTextIsOneEvent(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author := s.As("author", db.Plain)
	post := author.Write(author.Channel("bread"), "Rye", "How long?")
	l := s.Guest().Listen("/events?topic=post:" + fmt.Sprint(postID(t, post)))
	l.Next("presence")
	for _, text := range []string{"a\rdata: x\r\revent: bye\r\rb", "a\r\n\r\nevent: reset\r\n\r\nb", "a\n\nid: 5\n\ndata: z\n\nb", "a\u2028\u2029b", "a\u0085b", ": a comment", "```\na\r\rb\n```"} {
		want(t, author.Post("/p/"+fmt.Sprint(postID(t, post))+"/comments", "body", text), 303)
		h := <-l.C
		if h.Name != "comment" || !strings.HasPrefix(h.Data, "<div data-comment=") || !strings.HasSuffix(h.Data, "</div>") {
			t.Errorf("%q came as %+v", text, h)
		}
	}
}

func TestWhoStopsTheForumTellsItsReadersWhenToComeBack(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	author := s.As("author", db.Plain)
	post := author.Write(author.Channel("bread"), "Rye", "How long?")
	l := s.Guest().Listen("/events?topic=post:" + fmt.Sprint(postID(t, post)))
	l.Next("presence")
	s.Stop()
	if h := l.Next("bye"); h.Retry == "" {
		t.Errorf("the farewell is %+v", h)
	}
	if !l.Ended(5 * time.Second) {
		t.Error("the stream goes on")
	}
}

func TestAGuestWithNothingToHearIsNotKept(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	want(t, s.Guest().Get("/events"), http.StatusNoContent)
	for _, topic := range []string{"member:1", "access", "access:1", "post:0", "post:1x", "post:99"} {
		want(t, s.Guest().Get("/events?topic="+topic), http.StatusNotFound)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
