package web_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

// told is what the page of notifications says, a line each, and fails the test when the bell says another number than
// there are unread lines.
func told(t *testing.T, c *apptest.Client) (lines []string) {
	t.Helper()
	p := open(t, c, "/notifications")
	unread := 0
	for _, n := range all(p.root, class("event")) {
		line := text(first(n, class("event-what")))
		if first(n, class("new-mark")) != nil {
			unread++
			line = "¶ " + line
		}
		lines = append(lines, line)
	}
	badge := strings.TrimSuffix(text(first(p.root, class("badge"))), " unread")
	if want := fmt.Sprint(unread); badge != want && (badge != "" || unread != 0) {
		t.Errorf("the bell of %s says %q, and %d are unread", c.Viewer.Handle, badge, unread)
	}
	return lines
}

// tells compares the page with what it should say, the newest first.
func tells(t *testing.T, when string, c *apptest.Client, want ...string) {
	t.Helper()
	if got := told(t, c); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: %s is told\n  %s\nwant\n  %s", when, c.Viewer.Handle, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestMembersAreToldOfWhatConcernsThem(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ada, ben, cleo := s.As("ada", db.Plain), s.As("ben", db.Plain), s.As("cleo", db.Plain)
	post := ada.Write(ada.Channel("garden"), "Beans", "Which climb?", "kind", "question")
	path := fmt.Sprintf("/p/%d", postID(t, post))
	tells(t, "one's own post", ada)

	answer := ben.Comment(post, "", "Runner beans.")
	tells(t, "a comment", ada, "¶ ben replied to you in Beans")
	cleo.Comment(post, "", "All of them.")
	tells(t, "another", ada, "¶ cleo and 1 other replied to you in Beans")
	cleo.Comment(post, answer, "Not all, @ada.")
	tells(t, "a reply that names the post's author", ada, "¶ cleo mentioned you in Beans", "¶ cleo and 1 other replied to you in Beans")
	tells(t, "a reply", ben, "¶ cleo replied to you in Beans")

	want(t, ada.Post("/comments/"+answer+"/react", "kind", "like"), 303)
	want(t, cleo.Post("/comments/"+answer+"/react", "kind", "like"), 303)
	tells(t, "two likes", ben, "¶ cleo and 1 other liked your comment in Beans", "¶ cleo replied to you in Beans")
	want(t, cleo.Post("/comments/"+answer+"/react", "kind", "dislike"), 303)
	tells(t, "one is taken back", ben, "¶ ada liked your comment in Beans", "¶ cleo replied to you in Beans")
	want(t, ada.Post("/comments/"+answer+"/accept"), 303)
	tells(t, "the answer is accepted", ben, "¶ ada accepted your answer to Beans", "¶ ada liked your comment in Beans", "¶ cleo replied to you in Beans")

	want(t, ben.Post(path+"/read", "at", "0", "seen", "9"), 303)
	tells(t, "the post is read", ben, "ada accepted your answer to Beans", "ada liked your comment in Beans", "cleo replied to you in Beans")
	want(t, ada.Post("/notifications/read", "upto", "1000"), 303)
	tells(t, "all is read", ada, "cleo mentioned you in Beans", "cleo and 1 other replied to you in Beans")

	must(t, s.DB.RemoveComment(t.Context(), s.As("mod", db.Moderator).Viewer, num(t, answer), "Not beans"))
	tells(t, "a comment is removed", ben, "¶ A moderator removed your comment in Beans", "cleo replied to you in Beans")
	tells(t, "of what is gone nothing is told", ada, "cleo mentioned you in Beans", "cleo replied to you in Beans")
}

func TestWhoFollowsIsToldOfMoreAndWhoMutesOfNothing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ada, ben, cleo := s.As("ada", db.Plain), s.As("ben", db.Plain), s.As("cleo", db.Plain)
	ada.Channel("garden")
	want(t, ben.Post("/c/garden/follow", "level", "all"), 303)
	post := ada.Write("garden", "Beans", "Which climb?")
	ada.Write("garden", "Peas", "Do they?")
	tells(t, "posts in a channel that is followed", ben, "¶ ada posted 2 posts in garden")
	path := fmt.Sprintf("/p/%d", postID(t, post))
	want(t, cleo.Post(path+"/follow", "level", "all"), 303)
	ben.Comment(post, "", "Runner beans.")
	tells(t, "a comment in a discussion that is followed", cleo, "¶ ben commented in Beans")
	want(t, cleo.Post(path+"/follow", "level", "replies"), 303)
	ben.Comment(post, "", "And others.")
	tells(t, "of replies alone", cleo, "¶ ben commented in Beans")
	want(t, cleo.Post(path+"/follow", "level", "mute"), 303)
	ben.Comment(post, "", "What says @cleo?")
	tells(t, "a discussion that is muted", cleo, "¶ ben commented in Beans")
	want(t, ada.Post(path+"/follow", "level", "mute"), 303)
	tells(t, "its author hears no more", ada, "¶ ben replied to you in Beans")
	cleo.Comment(post, "", "Nothing.")
	tells(t, "its author hears no more", ada, "¶ ben replied to you in Beans")
	want(t, ben.Post("/settings/notifications", "app", "mention"), 303)
	ada.Write("garden", "Lentils", "Small. Not so, @ben?")
	ada.Write("garden", "Chickpeas", "Round.")
	tells(t, "one kind alone is chosen", ben, "¶ ada mentioned you in Lentils", "¶ ada posted 2 posts in garden")
}

func TestNobodyIsToldAcrossABlockOrOfWhatTheyMayNotRead(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ctx := context.Background()
	ada, ben, cleo, mod := s.As("ada", db.Plain), s.As("ben", db.Plain), s.As("cleo", db.Plain), s.As("mod", db.Moderator)
	post := ada.Write(ada.Channel("garden"), "Beans", "Which climb?")
	must(t, s.DB.SetBlock(ctx, ada.Viewer, ben.Viewer.ID, db.Mute))
	must(t, s.DB.SetBlock(ctx, cleo.Viewer, ada.Viewer.ID, db.Block))
	first := ben.Comment(post, "", "@cleo and @ada")
	tells(t, "of whom one muted", ada)
	tells(t, "a mention", cleo, "¶ ben mentioned you in Beans")
	cleo.Comment(post, first, "@ada is named")
	tells(t, "by whom one was blocked", ada)
	must(t, s.DB.SetBlock(ctx, ada.Viewer, ben.Viewer.ID, ""))

	// What waits for a moderator is told when it is let through.
	must(t, s.DB.SetSetting(ctx, db.SettingHoldAll, "on"))
	ben.Comment(post, "", "It waits, @ada")
	tells(t, "what waits", ada)
	list := take(s.DB.Cases(ctx, mod.Viewer, db.CaseFilter{}))
	must(t, s.DB.Decide(ctx, mod.Viewer, list[0].ID, db.Kept, ""))
	tells(t, "what was let through", ada, "¶ ben mentioned you in Beans")
	tells(t, "its author", ben, "¶ A moderator let your comment through in Beans", "¶ cleo replied to you in Beans")
	must(t, s.DB.SetSetting(ctx, db.SettingHoldAll, "off"))

	// A channel that is made private takes along what was told of it.
	channel := take(s.DB.ChannelBySlug(ctx, ada.Viewer, "garden"))
	must(t, s.DB.SetAccess(ctx, ada.Viewer, channel.ID, db.Access{Visibility: db.Private}))
	tells(t, "a private channel", cleo)
	ada.Comment(post, first, "To @ben and @cleo")
	tells(t, "a private channel", ben)
	must(t, s.DB.SetPassword(ctx, cleo.Viewer.ID, "none that opens anything", 0))
	cleo.SignIn(cleo.Viewer.ID)
	must(t, s.DB.InviteToChannel(ctx, mod.Viewer, channel.ID, "cleo"))
	tells(t, "an invitation", cleo, "¶ mod invited you to garden")
	must(t, s.DB.DropInvitation(ctx, ada.Viewer, channel.ID, cleo.Viewer.ID))
	tells(t, "an invitation that was taken back", cleo)
}

func TestTheBellIsRungAndReadInAllWindows(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ada, ben := s.As("ada", db.Plain), s.As("ben", db.Plain)
	post := ada.Write(ada.Channel("garden"), "Beans", "Which climb?")
	one, two := ada.Listen("/events"), ada.Listen("/events")
	for _, l := range []*apptest.Listener{one, two} {
		if h := l.Next("unread"); !strings.Contains(h.Data, "hidden") {
			t.Errorf("at first the bell is %s", h.Data)
		}
	}
	ben.Comment(post, "", "Runner beans.")
	for _, l := range []*apptest.Listener{one, two} {
		if h := l.Next("notification"); !strings.Contains(h.Data, ">1<") {
			t.Errorf("a reply rings as %s", h.Data)
		}
	}
	list, _, err := s.DB.Notifications(t.Context(), ada.Viewer, db.NotificationFilter{Limit: 10})
	must(t, err)
	a := want(t, ada.Htmx("POST", "/notifications/read", "id", fmt.Sprint(list[0].ID)), 200)
	if strings.Contains(a.Body, "is-unread") || !strings.Contains(a.Body, "ben") || !strings.Contains(a.Body, `hx-target="#unread"`) {
		t.Errorf("one that was read comes back as %s", a.Body)
	}
	for _, l := range []*apptest.Listener{one, two} {
		if h := l.Next("unread"); !strings.Contains(h.Data, "hidden") {
			t.Errorf("read in one window the bell is %s in the other", h.Data)
		}
	}
	for name, l := range map[string]*apptest.Listener{"another member": ben.Listen("/events"), "a guest": s.Guest().Listen("/events?topic=post:" + fmt.Sprint(postID(t, post)))} {
		ben.Comment(post, "", "Again.")
		if h := l.Next("notification", "comment", "unread", "presence"); strings.Contains(h.Data, ">1<") {
			t.Errorf("%s heard %+v", name, h)
		}
	}
}

func TestAMemberCanHideThatTheyAreHere(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ada, ben := s.As("ada", db.Plain), s.As("ben", db.Plain)
	post := ada.Write(ada.Channel("garden"), "Beans", "Which climb?")
	topic := fmt.Sprint("/events?topic=post:", postID(t, post))
	want(t, ben.Post("/settings/notifications", "app", "reply", "hidden", "on"), 303)
	if !strings.Contains(ben.Get("/settings/notifications").Body, `name="hidden" value="on" checked`) {
		t.Error("the choice is not shown")
	}
	ben.Listen(topic).Next("unread")
	ada.Listen(topic).Next("presence")
	if h := s.Guest().Listen(topic).Next("presence"); !strings.Contains(h.Data, "2 here now") {
		t.Errorf("one of three hides, and the guest is told %s", h.Data)
	}
}

func num(t *testing.T, text string) int64 {
	t.Helper()
	return take(strconv.ParseInt(text, 10, 64))
}

func TestAFormThatComesBackShowsTheBellToo(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	ada, ben := s.As("ada", db.Plain), s.As("ben", db.Plain)
	post := ada.Write(ada.Channel("garden"), "Beans", "Which climb?")
	ben.Comment(post, "", "Runner beans.")
	for path, status := range map[string]int{"/c/garden/posts": 422, "/p/999/lock": 404} {
		a := want(t, ada.Post(path, "title", "", "body", ""), status)
		if badge := text(first(parse(t, a).root, class("badge"))); badge != "1 unread" {
			t.Errorf("after a %d the bell says %q", status, badge)
		}
	}
}
