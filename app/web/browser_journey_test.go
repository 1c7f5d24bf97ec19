package web_test

import (
	"fmt"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

// testJourney is a member's first day, from the door to the door, in the four ways in which people come: with script and
// without, on a phone and on a desk. With script, what is done inside a page leaves the page standing.
func testJourney(t *testing.T, b *browser) {
	for _, s := range []screen{phone(), desk()} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/script=%t", s.name, script), func(t *testing.T) {
				t.Parallel()
				site := apptest.Start(t)
				host := site.As("host", db.Plain)
				host.Channel("garden")
				tb := b.open(t, site, s, script)
				signUp(tb)
				join(tb)
				post := write(tb)
				comment(tb)
				reply(tb, host, post)
				like(tb)
				edit(tb)
				remove(tb)
				theme(tb)
				leaveAndComeBack(tb)
			})
		}
	}
}

const newcomersPassword = "a sentence about tides"

func signUp(tb *tab) {
	tb.t.Helper()
	tb.visit("/register")
	tb.fill("#handle", "newcomer")
	tb.fill("#email", "newcomer@example.org")
	tb.fill("#password", "short")
	tb.announceStatus(422)
	tb.follow(func() { tb.click(".form button.primary") })
	tb.wait("document.querySelector('#password-error') && document.querySelector('#handle').value === 'newcomer'")
	tb.fill("#password", newcomersPassword)
	tb.follow(func() { tb.click(".form button.primary") })
	tb.wait("location.pathname === '/' && document.querySelector('[popovertarget=account]')")
}

func join(tb *tab) {
	tb.t.Helper()
	tb.visit("/c/garden")
	tb.either(func() { tb.click(".channel-head .join button", "Join") }, "document.querySelector('.channel-head .join button[aria-pressed=true]')")
	if tb.script {
		tb.wait("document.activeElement !== document.body")
	}
}

func write(tb *tab) string {
	tb.t.Helper()
	tb.follow(func() { tb.click(".channel-head a.primary", "Write") })
	tb.fill("#title", "Which beans climb?")
	tb.fill("#body", "They **climb** anything.\n\n- a pole\n- a fence\n")
	tb.fill("#tags", "beans")
	tb.either(func() { tb.click("button[name=preview]") }, "document.querySelector('#preview-text strong')?.textContent === 'climb'")
	if got := eval[string](tb, "document.querySelector('#body').value"); !strings.Contains(got, "- a fence") {
		tb.t.Errorf("after the preview the text is %q", got)
	}
	tb.follow(func() { tb.click("#compose button.primary", "Post") })
	tb.wait("/^\\/p\\/\\d+\\/which-beans-climb$/.test(location.pathname)")
	if got := eval[int](tb, "document.querySelectorAll('.post .prose li').length"); got != 2 {
		tb.t.Errorf("the post has %d list items, want 2", got)
	}
	return tb.path()
}

func comment(tb *tab) {
	tb.t.Helper()
	tb.fill("#reply textarea", "A *first* thought.")
	tb.either(func() { tb.click("#reply button.primary") }, "document.querySelector('#comments .comment-own em')?.textContent === 'first'")
	if tb.script {
		tb.wait("document.querySelector('#reply textarea').value === '' && document.activeElement !== document.body")
	}
	tb.wait("document.querySelector('#thread').textContent.trim() === '1 comment'")
}

// reply answers a comment that somebody else has written meanwhile.
func reply(tb *tab, host *apptest.Client, post string) {
	tb.t.Helper()
	path, _, _ := strings.Cut(post, "#")
	id := host.Comment(path, "", "Runner beans do.")
	tb.visit(path + "?sort=time")
	at := "#c" + id
	tb.either(func() { tb.click(at+" a", "Reply") }, "document.activeElement?.matches('form textarea[name=body]')")
	where := "form:has([name=parent][value='" + id + "'])"
	tb.fill(where+" textarea", "And peas?")
	tb.either(func() { tb.click(where + " button.primary") },
		"[...document.querySelectorAll('.comment:has(> "+at+") .comment')].some((e) => e.textContent.includes('And peas?'))")
	if tb.script {
		tb.wait("!document.querySelector(" + quote(where) + ") && document.activeElement !== document.body")
	}
}

// like likes the comment of the host.
func like(tb *tab) {
	tb.t.Helper()
	of := ".comment-own:has(> .comment-head a[href='/u/host'])"
	pressed := "document.querySelector(" + quote(of+" .score button[aria-pressed=true]") + ")"
	tb.either(func() { tb.click(of+" .score button", "Like") }, pressed+"?.textContent.trim().startsWith('1')")
	if tb.script {
		tb.wait("document.activeElement?.closest('.score')")
	}
	tb.either(func() { tb.click(of + " .score button[aria-pressed=true]") }, "!"+pressed)
	tb.either(func() { tb.click(of+" .score button", "Like") }, pressed)
	// The post as well.
	tb.either(func() { tb.click("#score button") }, "document.querySelector('#score button[aria-pressed=true] .num')?.textContent === '1'")
}

// mine is the comment that the newcomer wrote first.
const mine = ".comment-own:has(.comment-text em)"

// more opens the menu that holds what is done seldom, on a screen that has no room for it in line.
func more(tb *tab, within string) {
	tb.t.Helper()
	if tb.screen.touch {
		tb.click(within + " .more-open")
		tb.wait("document.querySelector(" + quote(within+" .more") + ").matches(':popover-open')")
	}
}

func edit(tb *tab) {
	tb.t.Helper()
	more(tb, mine)
	tb.either(func() { tb.click(mine+" a[href$='/edit']", "Edit") }, "document.activeElement?.matches('form[action$=\"/edit\"] textarea')")
	tb.fill("form[action$='/edit'] textarea", "A *second* thought.")
	tb.either(func() { tb.click("form[action$='/edit'] button.primary", "Save") }, "document.querySelector('#comments .comment-own em')?.textContent === 'second'")
	if tb.script {
		tb.wait("document.activeElement !== document.body")
	}
}

func remove(tb *tab) {
	tb.t.Helper()
	more(tb, mine)
	tb.either(func() { tb.click(mine+" form[action$='/delete'] button", "Delete") }, "!document.querySelector("+quote(mine)+") && "+target("form[action$='/undelete'] button", "Undo"))
	if tb.script {
		tb.wait("document.activeElement !== document.body")
	}
	tb.either(func() { tb.click("form[action$='/undelete'] button", "Undo") }, "document.querySelector("+quote(mine)+")")
	// And the post: that is a page's business with script too.
	more(tb, ".post-actions")
	tb.follow(func() { tb.click(".post-actions form[action$='/delete'] button") })
	tb.wait("document.querySelector('.notice.is-danger')")
	tb.follow(func() { tb.click(".leaf form[action$='/undelete'] button", "Undo") })
	tb.wait("!document.querySelector('.notice.is-danger')")
}

func theme(tb *tab) {
	tb.t.Helper()
	light := eval[string](tb, "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor")
	tb.click("[popovertarget=account]")
	tb.wait("document.querySelector('#account').matches(':popover-open')")
	if tb.script {
		tb.stay(func() { tb.click("#account label", "Night") }, "document.documentElement.dataset.theme === 'dark'")
		tb.wait("getComputedStyle(document.documentElement).colorScheme === 'dark'")
		tb.wait("!document.querySelector('.htmx-request')")
	} else {
		tb.click("#account label", "Night")
		tb.follow(func() { tb.click("#account form[action='/settings/theme'] button") })
	}
	tb.visit("/")
	tb.wait("document.documentElement.dataset.theme === 'dark'")
	if dark := eval[string](tb, "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"); dark == light {
		tb.t.Errorf("the page is %s in both themes", dark)
	}
}

func leaveAndComeBack(tb *tab) {
	tb.t.Helper()
	tb.click("[popovertarget=account]")
	tb.follow(func() { tb.click("#account form[action='/logout'] button") })
	tb.wait("location.pathname === '/' && !document.querySelector('[popovertarget=account]')")
	tb.visit("/settings")
	tb.wait("location.pathname === '/login'")
	tb.fill("#login", "newcomer@example.org")
	tb.fill("#password", newcomersPassword)
	tb.follow(func() { tb.click(".form button.primary") })
	tb.wait("location.pathname === '/settings' && document.querySelector('[popovertarget=account]')")
}
