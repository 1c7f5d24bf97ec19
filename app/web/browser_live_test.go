package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	chromepage "github.com/chromedp/cdproto/page"

	"codex/db"
)

// testLive: two people have the same page open, and each sees what the other does.
func testLive(t *testing.T, b *browser) {
	t.Run("a comment of another is counted, and put in its place when its reader asks for it", func(t *testing.T) {
		t.Parallel()
		ada, member, post := desktop(t, b)
		staff := ada.site.As("lin", db.Plain)
		first := staff.Comment(post, "", "The first.")
		lin := b.open(t, ada.site, phone(), true)
		lin.signIn(staff)
		ada.visit(post)
		lin.visit(post)
		listening(ada)
		listening(lin)

		// Lin is writing and reads half way down: nothing of that moves.
		lin.fill("#reply textarea", "I am writing")
		top := eval[float64](lin, "document.querySelector('#reply').getBoundingClientRect().top")
		began := time.Now()
		ada.fill("#reply textarea", "A second one.")
		ada.stay(func() { ada.click("#reply button.primary") }, "document.querySelectorAll('#comments .comment').length === 2")
		lin.wait("document.querySelector('#news a')?.textContent === '1 new comment'")
		t.Logf("seen in the other window %v after it was begun", time.Since(began).Round(time.Millisecond))
		if at := eval[float64](lin, "document.querySelector('#reply').getBoundingClientRect().top"); at != top {
			t.Errorf("the form moved from %v to %v", top, at)
		}
		if !eval[bool](lin, "document.activeElement.matches('#reply textarea') && document.activeElement.value === 'I am writing'") {
			t.Error("what is typed lost its focus or its text")
		}
		member.Comment(post, first, "A reply to the first.")
		lin.wait("document.querySelector('#news a')?.textContent === '2 new comments'")
		lin.stay(func() { lin.click("#news a") }, "document.querySelectorAll('#comments .comment').length === 3 && !document.querySelector('#news')")
		if got := eval[[]string](lin, "[...document.querySelectorAll('#comments .comment-text')].map((e) => e.innerText.trim())"); strings.Join(got, "|") != "The first.|A reply to the first.|A second one." {
			t.Errorf("the thread reads %q", got)
		}
		if got := lin.text("#thread"); got != "3 comments" {
			t.Errorf("the heading says %q", got)
		}
		if got := strings.Join(strings.Fields(lin.text("#comments .is-fresh .comment-to")), " "); got != "in reply to lin" {
			t.Errorf("the reply that came says that it is %q", got)
		}
		// What is written in a window is not news to it, and is to the other.
		lin.stay(func() { lin.click("#reply button.primary") }, "document.querySelectorAll('#comments .comment').length === 4")
		ada.wait("document.querySelector('#news a')")
		time.Sleep(3500 * time.Millisecond) // after which what was written here would count
		if eval[bool](lin, "!!document.querySelector('#news')") {
			t.Error("one's own comment is counted as new")
		}
	})
	t.Run("changes, deletions, likes and locks are seen where they are", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		id := ada.Comment(post, "", "As it was.")
		own := "#c" + id
		guest := b.open(t, tb.site, desk(), true)
		guest.visit(post)
		listening(guest)
		grace := tb.site.As("mods", db.Admin)
		path := "/comments/" + id
		want(t, ada.Post(path+"/edit", "body", "As it is."), 303)
		guest.wait("document.querySelector('" + own + " .comment-text').innerText.trim() === 'As it is.'")
		want(t, grace.Post(path+"/react", "kind", "like"), 303)
		guest.wait("document.querySelector('" + own + " .num').textContent === '1'")
		want(t, grace.Post(fmt.Sprintf("/p/%d/lock", postID(t, post)), "on", "true"), 303)
		guest.wait("document.querySelector('#post-state').innerText.includes('locked')")
		want(t, ada.Post(path+"/delete"), 303)
		guest.wait("document.querySelector('" + own + "').innerText.includes('deleted')")
		guest.fits()
	})
	t.Run("what is gone, waits or came back is shown to each as they may see it", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		grace := tb.site.As("mods", db.Moderator)
		own := "#c" + ada.Comment(post, "", "Mine to take back.")
		mod, guest := b.open(t, tb.site, desk(), true), b.open(t, tb.site, desk(), true)
		mod.signIn(grace)
		for _, window := range []*tab{tb, mod, guest} {
			window.visit(post)
			listening(window)
		}
		says := func(window *tab, comment, words string) {
			t.Helper()
			window.wait("document.querySelector('" + comment + "').innerText.includes('" + words + "')")
		}
		tb.stay(func() { tb.click(own+" button", "Delete") }, "document.querySelector('"+own+" form[action$=undelete]')")
		says(guest, own, "was deleted")
		says(mod, own, "was deleted")
		for _, window := range []*tab{tb, guest, mod} {
			says(window, "#thread", "No comments yet")
		}
		time.Sleep(1500 * time.Millisecond) // by then each window has heard of it, and asked for what it may see
		says(tb, own, "Undo")
		says(mod, own, "Undo")
		tb.stay(func() { tb.click(own+" button", "Undo") }, "document.querySelector('"+own+" .comment-text')")
		for _, window := range []*tab{tb, guest, mod} {
			says(window, own, "Mine to take back.")
			says(window, "#thread", "1 comment")
		}

		novice := registers(t, tb.site, "novice")
		held := "#c" + novice.Comment(post, "", "Let me in.")
		waiting := b.open(t, tb.site, desk(), true)
		waiting.signIn(novice)
		waiting.visit(post)
		mod.visit(post)
		listening(waiting)
		listening(mod)
		want(t, novice.Post("/comments/"+strings.TrimPrefix(held, "#c")+"/edit", "body", "Let me in, please."), 303)
		for _, window := range []*tab{waiting, mod} {
			says(window, held, "please.")
			says(window, held, "Waits for a moderator.")
		}
		want(t, ada.Post(fmt.Sprintf("/p/%d/react", postID(t, post)), "kind", "like"), 303)
		guest.wait("document.querySelector('.post-foot .post-actions').innerText.replace(/\\s+/g, ' ').includes('1 like')")
		if words := guest.text(".post-foot .post-actions"); strings.Contains(words, "likes") {
			t.Errorf("one like reads %q", words)
		}
	})
	t.Run("a comment that has no place on the page is counted until its reader goes to it", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		first, second := ada.Comment(post, "", "One branch."), ada.Comment(post, "", "Another branch.")
		tb.visit(post + "?under=" + first)
		listening(tb)
		lin := tb.site.As("lin", db.Plain)
		lin.Comment(post, first, "On this branch.")
		other := lin.Comment(post, second, "On the other branch.")
		lin.Comment(post, "", "On the stem.")
		tb.wait("document.querySelector('#news a')?.textContent === '3 new comments'")
		tb.stay(func() { tb.click("#news a") }, "document.querySelector('#news a')?.textContent === '2 new comments'")
		if words := tb.text("#comments"); !strings.Contains(words, "On this branch.") || strings.Contains(words, "On the") {
			t.Errorf("the branch reads %q", words)
		}
		tb.follow(func() { tb.click("#news a") })
		if at := tb.path(); !strings.HasSuffix(at, "#c"+other) {
			t.Errorf("the bookmark led to %s", at)
		}
	})
	t.Run("what was new before is counted with what comes", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		lin := tb.site.As("lin", db.Plain)
		lin.Comment(post, "", "Read already.")
		done(tb.site.DB.MarkRead(t.Context(), ada.Viewer, postID(t, post), db.MillisOf(time.Now()), 1))
		time.Sleep(2 * time.Millisecond) // what comes in the same one would count as read
		first := lin.Comment(post, "", "New since.")
		lin.Comment(post, "", "New too.")
		tb.visit(post)
		listening(tb)
		tb.wait("document.querySelector('.arrivals a')?.innerText.trim() === '2 new comments'")
		lin.Comment(post, "", "While it is open.")
		tb.wait("document.querySelector('#news a')?.textContent === '3 new comments'")
		tb.stay(func() { tb.click("#news a") }, "document.querySelectorAll('#comments .comment').length === 4 && !document.querySelector('.arrivals')")
		if !eval[bool](tb, "document.activeElement === document.querySelector('#c"+first+"')") {
			t.Error("the bookmark does not lead to the first of them")
		}
		lin.Comment(post, "", "And once more.")
		tb.wait("document.querySelector('#news a')?.textContent === '1 new comment'")
	})
	t.Run("the avatar tells that something waits, also without a notification", func(t *testing.T) {
		t.Parallel()
		tb, ada, _ := desktop(t, b)
		must(t, tb.site.DB.SetPassword(t.Context(), ada.Viewer.ID, "none that opens anything", 0)) // who has none is not to be invited
		ada.SignIn(ada.Viewer.ID)
		tb.signIn(ada)
		tb.visit("/c")
		if eval[bool](tb, "!!document.querySelector('[popovertarget=account] .badge')") {
			t.Error("nothing waits")
		}
		owner := tb.site.As("owner", db.Plain)
		slug := owner.Channel("secret")
		want(t, owner.Post("/c/"+slug+"/access", "visibility", string(db.Private), "slow", "0"), 303)
		want(t, owner.Post("/c/"+slug+"/invitations", "handle", "ada"), 303)
		must(t, tb.site.DB.ReadNotifications(t.Context(), ada.Viewer, 0, 1<<40))
		tb.visit("/c")
		tb.wait("document.querySelector('[popovertarget=account]').innerText.includes('something waits') && document.querySelector('#unread').hidden")
	})
	t.Run("a new post is counted in its channel", func(t *testing.T) {
		t.Parallel()
		tb, ada, _ := desktop(t, b)
		tb.visit("/c/garden")
		listening(tb)
		tb.site.As("lin", db.Plain).Write("garden", "Peas", "They climb too.")
		tb.wait("document.querySelector('#news a')?.textContent === '1 new post'")
		tb.follow(func() { tb.click("#news a") })
		if !strings.Contains(tb.text("main"), "Peas") {
			t.Error("the post is not in the list")
		}
		_ = ada
	})
	t.Run("a window that was away shows what it missed", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		tb.visit(post)
		listening(tb)
		tb.announce("net::ERR_INTERNET_DISCONNECTED", "net::ERR_NETWORK")
		tb.offline(true)
		other := tb.site.As("lin", db.Plain)
		for range 3 {
			other.Comment(post, "", "While you slept.")
		}
		tb.offline(false)
		tb.wait("document.querySelector('#news a')?.textContent === '3 new comments'")
		_ = ada
	})
	t.Run("a window that missed too much says so until it is loaded again", func(t *testing.T) {
		t.Parallel()
		tb, ada, post := desktop(t, b)
		call(tb, chromepage.AddScriptToEvaluateOnNewDocument, chromepage.AddScriptToEvaluateOnNewDocumentParams{
			Source: "document.addEventListener('readystatechange', () => { document.body.dataset.after = 1; }, { once: true })", // before all that is kept
		})
		tb.visit(post + "#thread")
		tb.wait("document.querySelector('#news a')?.textContent.includes('Load the page again')")
		tb.site.As("lin", db.Plain).Comment(post, "", "After all that.")
		time.Sleep(500 * time.Millisecond) // in which the bookmark could turn to this one
		if words := tb.text("#news"); !strings.Contains(words, "Load the page again") {
			t.Errorf("the bookmark says %q", words)
		}
		tb.follow(func() { tb.click("#news a") })
		if !strings.Contains(tb.text("#comments"), "After all that.") {
			t.Error("the page is not new")
		}
		_ = ada
	})
}

// listening waits until the page's stream is open: the server has told it who is here.
func listening(tb *tab) {
	tb.t.Helper()
	tb.wait("document.body.dataset.stream === 'open'")
}
