package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// desktop is a tab of a member on a desk, with a channel that holds a post, and the post's path.
func desktop(t *testing.T, b *browser, changes ...func(*config.Config)) (tb *tab, member *apptest.Client, post string) {
	t.Helper()
	site := apptest.Start(t, changes...)
	member = site.As("ada", db.Plain)
	staff := site.As("grace", db.Admin) // whom no limit holds up
	post = staff.Write(staff.Channel("garden"), "Which beans climb?", "They climb *anything*.")
	tb = b.open(t, site, desk(), true)
	tb.signIn(member)
	return tb, member, post
}

// testSwaps: what happens twice by mistake happens once.
func testSwaps(t *testing.T, b *browser) {
	t.Run("a double click makes one comment and one post", func(t *testing.T) {
		t.Parallel()
		tb, member, post := desktop(t, b)
		tb.visit(post)
		tb.fill("#reply textarea", "Only once.")
		x, y := tb.point("#reply button.primary")
		tb.stay(func() { tb.do(chromedp.MouseClickXY(x, y), chromedp.MouseClickXY(x, y)) }, "document.querySelector('#comments .comment') && !document.querySelector('.htmx-request')")
		if page := member.Get(post).Body; strings.Count(page, "Only once.") != 1 {
			t.Errorf("the comment stands %d times on the page", strings.Count(page, "Only once."))
		}

		tb.visit("/c/garden/new")
		tb.fill("#title", "Pressed twice")
		tb.fill("#body", "By a nervous finger.")
		x, y = tb.point("#compose button.primary")
		tb.follow(func() { tb.do(chromedp.MouseClickXY(x, y), chromedp.MouseClickXY(x, y)) })
		tb.wait("location.pathname.endsWith('/pressed-twice')")
		if list := member.Get("/c/garden?sort=new").Body; strings.Count(list, "/pressed-twice\"") != 1 {
			t.Errorf("the list links %d times to the post", strings.Count(list, "/pressed-twice\""))
		}
	})
	t.Run("an empty comment is not sent, and one of spaces comes back with the reason", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b)
		tb.visit(post)
		tb.fill("#reply textarea", "   ")
		tb.announceStatus(422)
		tb.stay(func() { tb.click("#reply button.primary") }, "document.querySelector('#reply textarea[aria-invalid=true]') && document.querySelector('#reply .field-error')")
		tb.wait("document.activeElement !== document.body")
	})
	t.Run("the rules above the form are those of the channel that is chosen", func(t *testing.T) {
		t.Parallel()
		tb, member, _ := desktop(t, b)
		for _, slug := range []string{"tides", "reefs", "coves"} {
			rules := map[string]string{"tides": "Mind the moon.", "reefs": "Mind the coral."}[slug]
			want(t, member.Post("/c", "slug", slug, "name", slug, "description", "About it", "rules", rules), 303)
		}
		tb.visit("/new")
		choose := func(slug string) {
			eval[bool](tb, "(s => { s.value = '"+slug+"'; s.dispatchEvent(new Event('change', {bubbles: true})); return true })(document.getElementById('channel'))")
		}
		tb.fill("#title", "Half a title")
		for slug, holds := range map[string]string{"tides": "textContent.includes('Mind the moon.')", "reefs": "textContent.includes('Mind the coral.')"} {
			choose(slug)
			tb.wait("document.getElementById('rules')." + holds)
			choose("coves")
			tb.wait("document.getElementById('rules').hidden")
		}
		if title := eval[string](tb, "document.getElementById('title').value"); title != "Half a title" {
			t.Errorf("the title is %q by now", title)
		}
	})
	t.Run("the back button shows the page as it is now", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b)
		tb.visit(post)
		tb.fill("#reply textarea", "Before I go.")
		tb.stay(func() { tb.click("#reply button.primary") }, "document.querySelector('#comments .comment')")
		tb.visit("/c")
		eval[bool](tb, "history.back(), true")
		tb.wait("location.pathname.startsWith('/p/') && document.querySelector('#comments .comment')")
		tb.wait("document.querySelector('#reply textarea').value === ''")
	})
}

// testKeys drives the forum from the keyboard alone.
func testKeys(t *testing.T, b *browser) {
	t.Run("single keys walk, open, answer and lead home", func(t *testing.T) {
		t.Parallel()
		tb, member, post := desktop(t, b)
		member.Write("garden", "And what of peas?", "They climb too.")
		first := member.Comment(post, "", "One.")
		second := member.Comment(post, "", "Two.")

		tb.visit("/c/garden?sort=new")
		row := func(i int) string {
			return fmt.Sprintf("document.activeElement === document.querySelectorAll('.post-row-title a')[%d]", i)
		}
		tb.keys("j")
		tb.wait(row(0))
		tb.keys("j")
		tb.wait(row(1))
		tb.keys("k")
		tb.wait(row(0))
		tb.keys("j")
		tb.wait(row(1))
		tb.follow(func() { tb.keys("o") })
		tb.wait("location.pathname === " + quote(post))

		tb.visit(post + "?sort=time")
		tb.keys("j")
		tb.wait("document.activeElement?.id === 'c" + first + "'")
		tb.keys("j")
		tb.wait("document.activeElement?.id === 'c" + second + "'")
		tb.stay(func() { tb.keys("l") }, "document.querySelector('#c"+second+" [aria-pressed=true]')")
		tb.stay(func() { tb.keys("r") }, "document.activeElement?.matches('form textarea') && document.activeElement.form.elements.parent?.value === '"+second+"'")
		call(tb, input.InsertText, input.InsertTextParams{Text: "jklr? are letters here"})
		tb.stay(func() { tb.keys(kb.Enter, chromedp.ModifierCtrl) }, "[...document.querySelectorAll('.comment .comment')].some((e) => e.textContent.includes('are letters here'))")

		tb.follow(func() { tb.visit(post) })
		tb.follow(func() { tb.keys("c") })
		tb.wait("location.pathname === '/c/garden/new'")
		tb.visit(post)
		tb.follow(func() { tb.keys("g"); tb.keys("h") })
		tb.wait("location.pathname === '/'")
	})
	t.Run("a question mark lists them and Escape closes", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b)
		tb.visit(post)
		tb.keys("?")
		tb.wait("document.querySelector('#keys').open && document.querySelector('#keys').contains(document.activeElement)")
		tb.keys("j") // nothing moves behind a dialog
		tb.keys(kb.Escape)
		tb.wait("!document.querySelector('#keys').open")
		tb.click("[popovertarget=account]")
		tb.wait("document.querySelector('#account').matches(':popover-open')")
		tb.click("#account [data-keys]")
		tb.wait("document.querySelector('#keys').open && !document.querySelector('#account').matches(':popover-open')")
		tb.click("#keys button")
		tb.wait("!document.querySelector('#keys').open")
		tb.click("[popovertarget=account]")
		tb.wait("document.querySelector('#account').matches(':popover-open')")
		tb.keys(kb.Escape)
		tb.wait("!document.querySelector('#account').matches(':popover-open') && document.activeElement?.matches('[popovertarget=account]')")
	})
	t.Run("they can be turned off", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b)
		tb.visit(post)
		tb.keys("?")
		tb.wait("document.querySelector('#keys').open")
		tb.click("[data-single-keys]")
		tb.keys(kb.Escape)
		tb.wait("!document.querySelector('#keys').open")
		tb.visit(post) // it is remembered
		tb.keys("?")
		tb.keys("j")
		tb.settle()
		if open := eval[bool](tb, "document.querySelector('#keys').open || document.activeElement.matches('.comment-own, .post-row-title a')"); open {
			t.Error("a key works that was turned off")
		}
	})
	t.Run("Tab begins with the skip link, and shows where it is", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b)
		tb.visit(post)
		tb.keys(kb.Tab)
		tb.wait("document.activeElement?.matches('.skip') && document.activeElement.getBoundingClientRect().top >= 0")
		tb.keys(kb.Enter)
		tb.wait("document.activeElement?.id === 'main'")
		tb.visit(post)
		seen := map[string]bool{}
		for range 80 {
			tb.keys(kb.Tab)
			at := eval[string](tb, `(() => {
				const e = document.activeElement;
				if (e === document.body) return '';
				if (e.matches('input[type=radio]')) return 'radio';
				const s = getComputedStyle(e), r = e.getBoundingClientRect();
				const shown = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || e.closest('.composer, .field')?.matches(':focus-within');
				const hidden = r.width < 1 || r.height < 1 || r.bottom < 0 || r.top > innerHeight;
				return (shown ? '' : 'no focus is shown: ') + (hidden ? 'out of sight: ' : '') + e.outerHTML.slice(0, 150);
			})()`)
			if at == "" || seen[at] && at != "radio" {
				break
			}
			seen[at] = true
			if strings.HasPrefix(at, "no focus") || strings.HasPrefix(at, "out of") {
				t.Error(at)
			}
		}
		if len(seen) < 15 {
			t.Errorf("Tab reached %d places of a post's page only: %v", len(seen), seen)
		}
	})
}

// testTrouble: what is typed survives a network that is gone and a forum that refuses.
func testTrouble(t *testing.T, b *browser) {
	t.Run("without a network the text stays, and can be sent when it is back", func(t *testing.T) {
		t.Parallel()
		tb, member, post := desktop(t, b)
		tb.visit(post)
		tb.fill("#reply textarea", "Into the tunnel.")
		tb.offline(true)
		tb.announce("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
		tb.stay(func() { tb.click("#reply button.primary") }, "document.querySelector('#toasts [role=alert]')?.textContent.includes('cannot be reached')")
		tb.wait("document.querySelector('#reply textarea').value === 'Into the tunnel.'")
		tb.offline(false)
		tb.stay(func() { tb.click("#reply button.primary") }, "document.querySelector('#comments .comment')?.textContent.includes('Into the tunnel.')")
		if n := strings.Count(member.Get(post).Body, "Into the tunnel."); n != 1 {
			t.Errorf("the comment stands %d times on the page", n)
		}
		tb.click("#toasts [data-dismiss]")
		tb.wait("!document.querySelector('#toasts .toast')")
	})
	t.Run("too fast for the forum: it says when to come back and the text stays", func(t *testing.T) {
		t.Parallel()
		tb, _, post := desktop(t, b, func(c *config.Config) { c.RateLimits = "on" })
		tb.visit(post)
		tb.announceStatus(429)
		for i := range 3 { // a member may write every five seconds; a slow machine is given more than one try
			text := fmt.Sprintf("Number %d.", i)
			tb.fill("#reply textarea", text)
			tb.stay(func() { tb.click("#reply button.primary") }, "document.querySelector('#toasts [role=alert]') || document.querySelector('#reply textarea').value === ''")
			if eval[bool](tb, "!document.querySelector('#toasts [role=alert]')") {
				continue
			}
			tb.wait("document.querySelector('#toasts [role=alert]').textContent.includes('A little slower')")
			tb.wait("document.querySelector('#reply textarea').value === " + quote(text))
			return
		}
		t.Error("three comments at once were taken: the limit does not hold")
	})
	t.Run("a page that is gone under the reader's hands", func(t *testing.T) {
		t.Parallel()
		tb, member, post := desktop(t, b)
		id := member.Comment(post, "", "Soon gone.")
		tb.visit(post)
		eval[bool](tb, "dispatchEvent(new Event('pagehide')), true") // or the page hears of it, and the button may be gone before the answer
		member.Post("/comments/" + id + "/delete")
		tb.announceStatus(403)
		tb.announceStatus(404)
		tb.stay(func() { tb.click("#c"+id+" a", "Reply") }, "document.querySelector('#toasts [role=alert]')")
	})
}

func (tb *tab) offline(off bool) {
	tb.t.Helper()
	p := network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	call(tb, network.OverrideNetworkState, p)
	// Browsers up to version 148 want offline beside the rules, later ones in each of them.
	type params struct {
		Offline bool `json:"offline"`
		network.EmulateNetworkConditionsByRuleParams
	}
	call(tb, cdp.Command[params, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}, params{off,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}}})
}

// testDrafts: what was begun is there again.
func testDrafts(t *testing.T, b *browser) {
	tb, _, post := desktop(t, b)
	const draft = "A thought that is not finis"
	tb.visit(post)
	tb.fill("#reply textarea", draft)
	tb.follow(func() { eval[bool](tb, "location.reload(), true") })
	tb.wait("document.querySelector('#reply textarea').value === " + quote(draft) + " && document.querySelector('#reply [data-draft]').textContent.includes('Your draft is back')")
	tb.click("#reply [data-discard]")
	tb.wait("document.querySelector('#reply textarea').value === '' && document.activeElement?.matches('#reply textarea')")
	dropped := func() { tb.wait("document.querySelector('#reply [name=place]').dataset.saved === ''") } // at the server too
	dropped()
	tb.follow(func() { eval[bool](tb, "location.reload(), true") })
	tb.wait("document.querySelector('#reply textarea').value === ''")

	tb.visit("/c/garden/new")
	tb.fill("#title", "A title to keep")
	tb.fill("#body", draft)
	tb.visit("/c/garden/new")
	tb.wait("document.querySelector('#body').value === " + quote(draft) + " && document.querySelector('#title').value === 'A title to keep'")
	tb.follow(func() { tb.click("#compose button.primary") })
	tb.visit("/c/garden/new")
	tb.wait("document.querySelector('#body').value === '' && document.querySelector('#title').value === ''")

	// The page that follows may be made before what the one before it sends on leaving is stored, and that page still learn
	// that it was.
	tb.fill("#body", draft)
	eval[bool](tb, `window.fetch = () => new Promise(() => {}), addEventListener('pagehide', () => {
		const key = Object.keys(localStorage).find((k) => k.startsWith('draft:'));
		localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key)), saved: '1', at: Date.now() }));
	}), true`)
	tb.visit("/c/garden/new")
	tb.wait("document.querySelector('#body').value === " + quote(draft))
	tb.click("#compose [data-discard]")
	tb.wait("document.querySelector('#body').value === ''")

	// Another device knows nothing but what the server has.
	forget := func() { tb.follow(func() { eval[bool](tb, "localStorage.clear(), location.reload(), true") }) }
	tb.visit(post)
	tb.fill("#reply textarea", draft)
	tb.wait("document.querySelector('#reply [data-draft]').textContent.includes('Draft saved')")
	forget()
	tb.wait("document.querySelector('#reply textarea').value === " + quote(draft) + " && document.querySelector('#reply [data-draft]').textContent.includes('Your draft is back')")
	tb.fill("#reply textarea", draft+"hed, and more")
	tb.follow(func() { eval[bool](tb, "location.reload(), true") }) // before it was saved: on leaving it is
	tb.wait("document.querySelector('#reply textarea').value === " + quote(draft+"hed, and more"))
	tb.follow(func() { tb.click(".wordmark") })
	eval[bool](tb, "setTimeout(() => history.back()), true") // the page may come as it was left, without being loaded
	tb.wait("document.querySelector('#reply textarea')?.value === " + quote(draft+"hed, and more"))
	tb.visit(post)
	tb.click("#reply [data-discard]")
	tb.wait("document.querySelector('#reply textarea').value === ''")
	dropped()
	forget()
	tb.wait("document.querySelector('#reply textarea').value === ''")

	// A session that ends while one writes takes no words with it.
	tb.signIn(joined(t, tb.site, "writer"))
	tb.visit(post)
	tb.fill("#reply textarea", draft)
	call(tb, network.ClearBrowserCookies, cdp.Empty{})
	tb.follow(func() { tb.click("#reply button.primary") })
	tb.wait("location.pathname === '/login'")
	tb.fill("#login", "writer")
	tb.fill("#password", apptest.Password)
	tb.follow(func() { tb.click(".form button.primary") })
	tb.wait("document.querySelector('#reply textarea')?.value === " + quote(draft) + " && document.querySelector('#reply [data-draft]').textContent.includes('Your draft is back')")
	tb.click("#reply button.primary")
	tb.wait("document.querySelector('#comments')?.textContent.includes(" + quote(draft) + ") && document.querySelector('#reply textarea').value === ''")

	// Another member at the same browser does not find them.
	tb.fill("#reply textarea", draft)
	eval[bool](tb, "dispatchEvent(new Event('pagehide')), true")
	tb.signIn(joined(t, tb.site, "another"))
	tb.visit(post)
	tb.wait("document.querySelector('#reply textarea').value === ''")

	// A comment that is changed on a page of its own stands in its thread afterwards.
	tb.click("#reply textarea")
	tb.fill("#reply textarea", "To be changed")
	tb.click("#reply button.primary")
	tb.wait("document.querySelector('#comments .is-fresh, #comments')?.textContent.includes('To be changed')")
	edit := eval[string](tb, "[...document.querySelectorAll('.comment-own')].find((e) => e.textContent.includes('To be changed')).id.replace(/^c/, '/comments/') + '/edit'")
	tb.visit(edit)
	tb.fill(".reply-form textarea", "As changed")
	tb.follow(func() { tb.click(".reply-form button.primary") })
	tb.wait("location.pathname === " + quote(post) + " && document.querySelector('.post-title') && document.querySelector('#comments').textContent.includes('As changed')")
}

// testQuote: what is selected goes into the answer, and titles that begin alike are shown.
func testQuote(t *testing.T, b *browser) {
	tb, _, post := desktop(t, b)
	tb.visit(post)
	eval[bool](tb, "(() => { getSelection().selectAllChildren(document.querySelector('.post .prose p')); return true })()")
	tb.wait("document.querySelector('.quote-offer')?.checkVisibility()")
	tb.click(".quote-offer")
	tb.wait("/^@\\S+ \\[wrote\\]\\(\\/p\\/\\d+\\):\\n\\n> \\S/.test(document.querySelector('#reply textarea').value) && !document.querySelector('.quote-offer')")
	title := eval[string](tb, "document.querySelector('.post-title').textContent")
	tb.visit("/c/garden/new")
	tb.fill("#title", title[:len(title)-3])
	tb.wait("document.querySelector('#similar a')?.textContent === " + quote(title))
}

// testPhone: what a thumb needs.
func testPhone(t *testing.T, b *browser) {
	site := apptest.Start(t)
	ada := site.As("ada", db.Plain)
	post := ada.Write(ada.Channel("garden"), "Which beans climb?", "They climb *anything*.")
	ada.Comment(post, "", "One.")
	want(t, ada.Post("/c/garden/settings", "name", "Garden", "description", "About", "rules", "Say what soil you have."), 303)
	for _, script := range []bool{true, false} {
		tb := b.open(t, site, phone(), script)
		tb.signIn(ada)
		open := func(opener, menu string) {
			t.Helper()
			tb.click(opener)
			tb.wait("document.querySelector('" + menu + "').matches(':popover-open')")
			tb.fits()
			tb.wait("(() => { const r = document.querySelector('" + menu + "').getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight + 1 })()")
		}
		closed := func(menu string) {
			t.Helper()
			tb.wait("!document.querySelector('" + menu + "').matches(':popover-open')")
		}
		tb.visit("/")
		open(".bar [popovertarget=channels]", "#channels")
		tb.click("#channels .sheet-close")
		closed("#channels")
		open("[popovertarget=account]", "#account")
		tb.touch(20, 700) // anywhere else
		closed("#account")
		tb.visit(post)
		open(".bar [popovertarget=margin]", "#margin")
		tb.click("#margin .sheet-close")
		closed("#margin")
		tb.click(".bar .bar-reply")
		tb.wait("document.activeElement?.closest('#reply') || location.hash === '#reply'")
		tb.wait("(() => { const r = document.querySelector('#reply textarea').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight })()")
		if tb.visit(post); script {
			tb.follow(func() { tb.click("#reply a[href$='#rules']") })
			tb.wait("document.querySelector('#margin').matches(':popover-open') && document.querySelector('#rules').checkVisibility()")
		}
		tb.visit("/c/garden/new")
		tb.fill("#title", strings.Repeat("Word", 40))
		tb.fill("#body", strings.Repeat("word", 200))
		tb.fits()
	}
}

// noShift is below what counts as a layout shift of 0.00: a full stop behind a slanted word moves by a hair when the
// italic arrives, which is not loaded ahead.
const noShift = 0.001

// drip answers as the site does, and hands out each page in pieces with pauses between, so that a browser lays it out
// several times before its end is there. It answers with the proxy's address.
func drip(t *testing.T, site string) string {
	t.Helper()
	to, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("Accept-Encoding", "identity")
	}, ModifyResponse: func(r *http.Response) error {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			r.Header.Del("Content-Length")
			r.ContentLength = -1 // is flushed as it comes
			r.Body = dripping{r.Body}
		}
		return nil
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // before it: a stream goes on as long as its page is open
	return server.URL
}

// dripping gives a body in pieces of 2 KiB. A browser that comes from a page of the same site holds its first paint back
// for half a second, so the whole has to take longer.
type dripping struct{ io.ReadCloser }

func (d dripping) Read(p []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return d.ReadCloser.Read(p[:min(len(p), 2<<10)])
}

// testStill: nothing jumps while a page loads, and nothing moves for who asked for that.
func testStill(t *testing.T, b *browser) {
	tb, member, post := desktop(t, b)
	for i := range 6 {
		member.Comment(post, "", strings.Repeat(fmt.Sprintf("Comment %d says a thing. ", i), 20))
	}
	slowly := *tb.site
	slowly.URL = drip(t, tb.site.URL)
	tb.site = &slowly
	tb.announce("ERR_INCOMPLETE_CHUNKED_ENCODING") // the proxy goes while the last page listens
	for _, s := range []screen{desk(), phone()} {
		tb.resize(s)
		call(tb, network.ClearBrowserCache, cdp.Empty{})
		tb.visit(post)
		tb.wait("document.fonts.status === 'loaded'")
		// Two frames after the fonts are there, all that could move has moved.
		tb.wait("(window.frames2 ??= (requestAnimationFrame(() => requestAnimationFrame(() => { window.still = true })), 1), window.still)")
		if sum := eval[float64](tb, "window.shifts.reduce((sum, shift) => sum + parseFloat(shift), 0)"); sum >= noShift {
			t.Errorf("%s: the page shifts by %v while it loads:\n%s", s.name, sum, strings.Join(eval[[]string](tb, "window.shifts"), "\n"))
		}
	}

	moving := `[...document.querySelectorAll('*')].filter((e) => { const s = getComputedStyle(e);
		return s.transitionDuration.split(',').some((d) => parseFloat(d) > 0) || s.animationName !== 'none' }).length`
	if n := eval[int](tb, moving); n != 0 {
		t.Errorf("%d elements would move under prefers-reduced-motion", n)
	}
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "no-preference"}}})
	tb.visit(post)
	if n := eval[int](tb, moving); n == 0 {
		t.Error("nothing moves even without prefers-reduced-motion: this test looks in the wrong place")
	}
	slow := eval[[]string](tb, `[...document.querySelectorAll('*')].flatMap((e) => { const s = getComputedStyle(e);
		return [...s.transitionDuration.split(',')].filter((d) => parseFloat(d) > 0.18).map((d) => d + ' ' + e.outerHTML.slice(0, 80)) })`)
	if len(slow) > 0 {
		t.Errorf("motion longer than %s: %v", 180*time.Millisecond, slow)
	}
}
