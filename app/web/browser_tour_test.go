package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var clearCookies = cdp.Command[struct{}, cdp.Empty]{Method: network.ClearBrowserCookies.Method}

// testTour goes to every place of the forum, at both sizes and in both themes. Each fits its screen, down to 360 px;
// axe finds nothing (WCAG 2.2 A and AA, and its best practices); and on a phone everything can be hit with a thumb.
func testTour(t *testing.T, b *browser) {
	x := arrange(t)
	all := x.places(t)
	axe := testdata(t, "axe.min.js")
	queue := queued(all)
	for i := range 2 {
		t.Run(fmt.Sprintf("part %d", i+1), func(t *testing.T) {
			t.Parallel()
			tb := b.open(t, x.Site, desk(), true)
			for n := range queue {
				p, began := all[n], time.Now()
				if !p.narrow {
					tb.resize(desk())
					tb.find(x, p)
					eval[bool](tb, axe+"; true")
					tb.check(p.name)
				}
				tb.resize(phone())
				if p.narrow || p.then != nil { // otherwise the page is here already
					tb.find(x, p)
					eval[bool](tb, axe+"; true")
				}
				tb.fits()
				tb.checkIn(p.name, p.narrow, p.narrow)
				tb.thumbs(p.name)
				tb.resize(screen{"small phone", 360, 740, true})
				tb.fits()
				t.Logf("%s took %v", p.name, time.Since(began).Round(10*time.Millisecond))
			}
		})
	}
}

// queued are the indexes of a list, for several tabs to share: some places take one as long as ten others.
func queued(all []place) <-chan int {
	queue := make(chan int, len(all))
	for n := range all {
		queue <- n
	}
	close(queue)
	return queue
}

// night says whether the system of the tab's reader is dark.
func (tb *tab) night(on bool) {
	tb.t.Helper()
	value := map[bool]string{true: "dark", false: "light"}[on]
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-color-scheme", Value: value},
	}})
}

// check lets axe look at the page: at all of it by day, and at its colours by night, where nothing else is different.
func (tb *tab) check(name string) { tb.checkIn(name, true, true) }

// checkIn is check, with the colours by day and by night or without: to compare each letter's with what lies below it takes
// most of axe's time, and they are the same at each size.
func (tb *tab) checkIn(name string, day, night bool) {
	tb.t.Helper()
	const all = `{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }`
	tb.axe(name+" by day", all, day)
	if !night {
		return
	}
	tb.night(true)
	tb.axe(name+" by night", `{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }`, true)
	tb.night(false)
}

// axe fails the test for what axe finds. Of an open sheet axe does not know that it lies above the bar, and takes its
// foot for covered: those targets thumbs measures alone.
func (tb *tab) axe(name, only string, colours bool) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run(document, { runOnly: `+only+`, rules: { 'target-size': { enabled: !document.querySelector('.sheet:popover-open, .more:popover-open') }, 'color-contrast': { enabled: `+fmt.Sprint(colours)+` } }, resultTypes: ['violations'], selectors: false, preload: false }).then((r) =>
		r.violations.map((v) => v.id + ': ' + v.help + v.nodes.slice(0, 4).map((n) => '\n    ' + n.html.slice(0, 160) + '\n      ' +
			[...n.any, ...n.all, ...n.none].map((c) => c.message).join('; ').slice(0, 260)).join('')))`,
		func(p *runtime.EvaluateParams) { p.AwaitPromise = ptr(true) }))
	if err != nil {
		tb.t.Fatalf("axe on %s: %v", name, err)
	}
	for _, f := range found {
		tb.t.Errorf("%s on a %s, %s", name, tb.screen.name, f)
	}
}

// thumbs fails the test for what is smaller than 24 px and is no link in a line of text (WCAG 2.2, 2.5.8).
func (tb *tab) thumbs(name string) {
	tb.t.Helper()
	small := eval[[]string](tb, `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, label:has(> input)')].filter((e) => {
		if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || e.closest('.hidden-text, .skip, [aria-hidden=true]') || e.disabled) return false;
		if (e.matches('input') && e.closest('label')) return false;
		const r = e.getBoundingClientRect();
		if (r.width >= 24 && r.height >= 24) return false;
		return getComputedStyle(e).display !== 'inline' || !e.parentElement.closest('p, li, td, dd, small, span, h1, h2, h3, .comment-head, .meta, .prose');
	}).map((e) => { const r = e.getBoundingClientRect(); return Math.round(r.width) + '×' + Math.round(r.height) + ' ' + e.outerHTML.slice(0, 120) })`)
	if len(small) > 0 {
		tb.t.Errorf("%s has targets below 24 px:\n    %s", name, strings.Join(small, "\n    "))
	}
}
