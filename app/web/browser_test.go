package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	chromepage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"codex/app/apptest"
)

// TestBrowser is the forum in a real browser: one Chromium for all that is below it, and for each test a tab with
// cookies of its own. A test fails when the console of its tab says anything, when a script throws, when the content
// security policy stops something, and when a request fails that the test did not announce.
//
// Without a browser it is skipped; with CODEX_REQUIRE=browser it fails.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	for name, test := range map[string]func(*testing.T, *browser){
		"Journey": testJourney, "Swaps": testSwaps, "Keys": testKeys, "Trouble": testTrouble, "Drafts": testDrafts, "Quote": testQuote,
		"Phone": testPhone, "Tour": testTour, "Still": testStill, "Imported": testImported, "Wave": testWave, "Offices": testOffices, "Live": testLive, "Naughty": testNaughty,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// patience is how long anything may take on a busy machine before a test gives up.
const patience = 30 * time.Second

// browser is a running Chromium.
type browser struct{ ctx context.Context }

func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := findBrowser()
	if path == "" && os.Getenv("CODEX_REQUIRE") == "browser" {
		t.Fatal("there is no Chromium here, and CODEX_REQUIRE=browser asks for one: apt-get install chromium")
	}
	if path == "" {
		t.Skip("there is no Chromium here (apt-get install chromium): nothing is tested in a browser")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-dev-shm-usage", "disable-renderer-backgrounding", "disable-background-timer-throttling",
		"disable-backgrounding-occluded-windows", "hide-scrollbars", "mute-audio",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run its sandbox as root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("stop the browser: %v", err)
		}
	})
	return &browser{ctx}
}

// screen is what a page is shown on.
type screen struct {
	name          string
	width, height int64
	touch         bool
}

func phone() screen { return screen{"phone", 390, 844, true} }
func desk() screen  { return screen{"desk", 1440, 900, false} }

// between has the rail and no margin: a small laptop, or half of a large screen.
func between() screen { return screen{"between", 1100, 800, false} }

// tab is a page that is open in the browser. It belongs to its test's goroutine.
type tab struct {
	t      *testing.T
	ctx    context.Context
	site   *apptest.Site
	screen screen
	script bool

	mu        sync.Mutex
	problems  []string // what the console said and which requests failed
	announced []string // parts of problems that the test is about
}

// open is a tab of a new visitor, with or without script. Its problems fail the test when it ends.
func (b *browser) open(t *testing.T, site *apptest.Site, s screen, script bool) *tab {
	t.Helper()
	tb := &tab{t: t, site: site, screen: s, script: script}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tb.listen))
	tb.ctx = ctx
	t.Cleanup(func() {
		tb.settle()
		for _, p := range tb.unannounced() {
			t.Errorf("the browser says: %s", p)
		}
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	tb.resize(s)
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-color-scheme", Value: "light"},
	}})
	call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	call(tb, chromepage.AddScriptToEvaluateOnNewDocument, chromepage.AddScriptToEvaluateOnNewDocumentParams{Source: `
		addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI), true);
		window.shifts = [];
		new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push(e.value + ' ' + e.sources.map((s) =>
			(s.node?.outerHTML ?? s.node?.textContent ?? '').slice(0, 120) + JSON.stringify(s.previousRect) + JSON.stringify(s.currentRect)).join('; ')); })
			.observe({ type: 'layout-shift', buffered: true });`})
	return tb
}

func (tb *tab) resize(s screen) {
	tb.t.Helper()
	tb.screen = s
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height,
		ScreenWidth: s.width, ScreenHeight: s.height, DeviceScaleFactor: 1, Mobile: s.touch})
	call(tb, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: s.touch})
}

// listen takes down what goes wrong. It runs on the goroutine that reads from the browser.
func (tb *tab) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		if ev.Type == "error" || ev.Type == "warning" || ev.Type == "assert" {
			var args []string
			for _, a := range ev.Args {
				args = append(args, strings.Trim(string(a.Value), `"`)+a.Description)
			}
			tb.note("console %s: %s", ev.Type, strings.Join(args, " "))
		}
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
		tb.note("exception: %s", text)
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			tb.note("log %s: %s (%s)", ev.Entry.Level, ev.Entry.Text, ev.Entry.URL)
		}
	case *chromepage.EventJavascriptDialogOpening:
		tb.note("a dialog opened (%s): %s", ev.Type, ev.Message)
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			tb.note("request failed: %s", ev.ErrorText)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			tb.note("status %d: %s", ev.Response.Status, ev.Response.URL)
		}
	}
}

func (tb *tab) note(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.problems = append(tb.problems, fmt.Sprintf(format, args...))
}

// announce lets problems pass that hold one of the texts: the test brings them about.
func (tb *tab) announce(texts ...string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.announced = append(tb.announced, texts...)
}

// announceStatus lets an error answer pass, in the two ways in which the browser tells of it.
func (tb *tab) announceStatus(status int) {
	tb.announce(fmt.Sprintf("status %d:", status), fmt.Sprintf("responded with a status of %d", status))
}

func (tb *tab) unannounced() (list []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, p := range tb.problems {
		if !slices.ContainsFunc(tb.announced, func(a string) bool { return strings.Contains(p, a) }) {
			list = append(list, p)
		}
	}
	return list
}

// settle gives the browser the time to tell what it has to: answers come in the order of the protocol.
func (tb *tab) settle() {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	_, _ = chromedp.Run(ctx, chromedp.Evaluate[int]("1"))
}

// call sends a command of the protocol to the tab.
func call[P, R any](tb *tab, command cdp.Command[P, R], params P) R {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		tb.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}

// eval is the value of an expression in the page. It works without script too: that stops the page's own.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	v, err := try[T](tb, expression)
	if err != nil {
		tb.t.Fatalf("evaluate %.200s: %v", expression, err)
	}
	return v
}

func try[T any](tb *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// wait returns when the expression is true. While a page changes there is nothing to ask: that counts as not yet.
func (tb *tab) wait(expression string) {
	tb.t.Helper()
	var ok bool
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if ok, err = try[bool](tb, "!!("+expression+")"); ok {
			return
		}
	}
	tb.t.Fatalf("never true within %s at %s: %s (%v)\nthe page: %.3000s", patience, tb.path(), expression, err, tb.text("main, body"))
}

// visit opens a page of the site and looks whether it fits the screen.
func (tb *tab) visit(path string) {
	tb.t.Helper()
	tb.follow(func() {
		tb.t.Helper()
		r := call(tb, chromepage.Navigate, chromepage.NavigateParams{URL: tb.site.URL + path})
		if r.ErrorText != "" {
			tb.t.Fatalf("open %s: %s", path, r.ErrorText)
		}
	})
}

// follow does what leads to a new page, and waits for that.
func (tb *tab) follow(do func()) {
	tb.t.Helper()
	eval[bool](tb, "document.left = true")
	do()
	tb.wait("!document.left && document.readyState === 'complete' && document.querySelector('h1, h2, main')")
	tb.fits()
}

// stay does what must not lead to a new page. What follows is waited for by the test; the next stay or look tells
// whether the page is still the same.
func (tb *tab) stay(do func(), until string) {
	tb.t.Helper()
	eval[bool](tb, "window.__mark = 1, true")
	do()
	tb.wait(until)
	if !eval[bool](tb, "window.__mark === 1") {
		tb.t.Errorf("the page was loaded anew; it should have stayed. Now at %s", tb.path())
	}
	tb.fits()
}

// either is follow without script and stay with it: the same step, in the two manners of the forum.
func (tb *tab) either(do func(), until string) {
	tb.t.Helper()
	if tb.script {
		tb.stay(do, until)
		return
	}
	tb.follow(do)
	tb.wait(until)
}

func (tb *tab) path() string {
	href, err := try[string](tb, "location.pathname + location.search + location.hash")
	if err != nil {
		return err.Error()
	}
	return href
}

func (tb *tab) text(selector string) string {
	s, err := try[string](tb, "document.querySelector("+quote(selector)+")?.innerText ?? ''")
	if err != nil {
		return err.Error()
	}
	return s
}

// quote writes a string as JavaScript does.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// fits fails the test when the page is wider than the screen, and when a drawing on it refers to a shape that is not there.
func (tb *tab) fits() {
	tb.t.Helper()
	tb.wait(`[...document.querySelectorAll('use')].every((u) => document.querySelector(u.getAttribute('href')))`)
	wide := eval[[]string](tb, `(() => {
		const root = document.scrollingElement;
		if (root.scrollWidth <= innerWidth && innerWidth <= screen.width) return [];
		return ['scrollWidth ' + root.scrollWidth + ' innerWidth ' + innerWidth + ' screen ' + screen.width, ...[...document.querySelectorAll('body *')]
			.filter((e) => e.getBoundingClientRect().right > screen.width + 1 && !(function fixed(a) { return a && (getComputedStyle(a).position === 'fixed' || fixed(a.parentElement)) })(e))
			.slice(0, 6).map((e) => e.outerHTML.slice(0, 120))];
	})()`)
	if len(wide) > 0 {
		tb.t.Errorf("%s is wider than %d px:\n%s", tb.path(), tb.screen.width, strings.Join(wide, "\n"))
	}
}

// target is the expression for the first visible element that the selector finds and that says the text.
func target(selector string, says ...string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.checkVisibility({visibilityProperty: true}) && (e.textContent + ' ' + (e.ariaLabel ?? '')).includes(%s))`,
		quote(selector), quote(strings.Join(says, " ")))
}

// point scrolls to an element and answers where a finger would touch it: there it must not be covered by another.
func (tb *tab) point(selector string, says ...string) (x, y float64) {
	tb.t.Helper()
	type place struct {
		X, Y    float64
		Covered string
	}
	var at *place
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		p, err := try[*place](tb, `(() => {
			const e = `+target(selector, says...)+`;
			if (!e) return null;
			e.scrollIntoView({ block: 'center', behavior: 'instant' });
			const r = e.getClientRects()[0];
			if (!r) return null;
			const X = r.x + Math.min(r.width / 2, 150), Y = r.y + r.height / 2, hit = document.elementFromPoint(X, Y);
			return { X, Y, Covered: hit && (e.contains(hit) || hit.contains(e) && hit.tagName === 'LABEL') ? '' : (hit?.outerHTML ?? 'nothing').slice(0, 200) };
		})()`)
		if at = p; err == nil && p != nil && p.Covered == "" {
			return p.X, p.Y
		}
	}
	if at == nil {
		tb.t.Fatalf("at %s there is no visible %s %q\nthe page: %.3000s", tb.path(), selector, says, tb.text("body"))
	}
	tb.t.Fatalf("at %s, %s %q is covered by %s", tb.path(), selector, says, at.Covered)
	return 0, 0
}

// click clicks, or on a touch screen taps, the first visible element that the selector finds and that says the text.
func (tb *tab) click(selector string, says ...string) {
	tb.t.Helper()
	x, y := tb.point(selector, says...)
	tb.touch(x, y)
}

func (tb *tab) touch(x, y float64) {
	tb.t.Helper()
	if tb.screen.touch {
		tb.do(chromedp.TapXY(x, y))
		return
	}
	tb.do(chromedp.MouseClickXY(x, y))
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// fill puts a text into a field in place of what is there.
func (tb *tab) fill(selector, text string) {
	tb.t.Helper()
	tb.click(selector)
	tb.wait("document.activeElement?.matches(" + quote(selector) + ")")
	eval[bool](tb, "document.activeElement.select(), true")
	call(tb, input.InsertText, input.InsertTextParams{Text: text})
	tb.wait("document.activeElement.value.length >= " + fmt.Sprint(len([]rune(text))))
}

// keys presses keys, one after the other.
func (tb *tab) keys(keys string, with ...chromedp.Modifier) {
	tb.t.Helper()
	tb.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(with...)))
}

// signIn gives the tab the session of a client.
func (tb *tab) signIn(c *apptest.Client) {
	tb.t.Helper()
	at, err := url.Parse(tb.site.URL)
	if err != nil {
		tb.t.Fatal(err)
	}
	for _, cookie := range c.HTTP.Jar.Cookies(at) {
		call(tb, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: tb.site.URL, HTTPOnly: ptr(true)})
	}
}

func ptr[T any](v T) *T { return &v }

// testdata reads a file of testdata.
func testdata(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
