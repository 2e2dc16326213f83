package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// loginByKeyboard does everything with Tab and Enter: choose, cancel, try again, be cancelled in the app, try again.
func loginByKeyboard(b *tab) {
	b.visit(b.d.DemoURL + "/")
	b.press("#login")
	b.shows("choose")
	b.press(deviceButton("other"))
	b.shows("qr-wait")
	b.press(actionButton("cancel"))
	b.shows("failed-stopped")
	b.focusOn(actionButton("start"), "Try again")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.shows("qr-wait")

	order := b.scan()
	b.focusOn("h1", "Confirm in the BankID app")
	if _, err := b.d.sim.Cancel(order.OrderRef, person); err != nil {
		b.t.Fatal(err)
	}
	b.shows("failed-userCancel")
	b.focusOn(actionButton("start"), "Try again")
	b.checkFocus()
	b.do(chromedp.KeyEvent(kb.Enter))
	b.shows("qr-wait")

	order = b.scan()
	b.focusOn("h1", "Confirm in the BankID app")
	b.press(`footer a[lang="sv"]`)
	b.speaks("sv", wordsIn["sv"].confirm)
	b.sign(order)
	b.loggedIn()
}

// focusOn waits for the focus to be on the element with that text.
func (b *tab) focusOn(selector, text string) {
	b.t.Helper()
	b.until(`document.activeElement.matches('` + selector + `') && document.activeElement.textContent.trim() === '` + text + `'`)
}

// press goes to the element with the Tab key, past others whose focus must be seen too, and presses Enter.
func (b *tab) press(selector string) {
	b.t.Helper()
	for range 30 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if !read[bool](b, `document.activeElement !== document.body`) {
			continue // the end of the page
		}
		b.checkFocus()
		if read[bool](b, `document.activeElement.matches('`+selector+`')`) {
			b.do(chromedp.KeyEvent(kb.Enter))
			return
		}
	}
	b.t.Fatalf("the Tab key never comes to %s%s", selector, b.scene())
}

// checkFocus checks that the focus can be seen: an outline, on the screen.
func (b *tab) checkFocus() {
	b.t.Helper()
	if fault := read[string](b, `(() => {
		const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect()
		const name = e.tagName + ' ' + e.textContent.trim().slice(0, 30)
		if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return name + ': no outline'
		if (box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth) return name + ': not on the screen'
		if (box.width < 24 || box.height < 24) return name + ': smaller than 24 pixels'
		return ''
	})()`); fault != "" {
		b.t.Errorf("focus on %s", fault)
	}
}

// The most that the first view of the hosted page may weigh, in bytes over the wire.
const (
	maxPage   = 60 << 10
	maxScript = 8 << 10
)

// weighPage weighs the hosted page in a browser that has none of it.
func weighPage(b *tab) {
	b.start()
	var all []load
	wanted := []network.ResourceType{network.ResourceTypeDocument, network.ResourceTypeStylesheet, network.ResourceTypeScript, network.ResourceTypeImage,
		network.ResourceTypeOther, // the icon
	}
	b.eventually("page, style, script and mark are loaded", func() bool {
		all = slices.DeleteFunc(b.requests(b.d.Issuer+"/"), func(l load) bool { return !l.finished })
		return !slices.ContainsFunc(wanted[:3], func(kind network.ResourceType) bool {
			return !slices.ContainsFunc(all, func(l load) bool { return l.kind == kind })
		})
	})
	var page, script float64
	for _, l := range all {
		if !slices.Contains(wanted, l.kind) {
			b.t.Errorf("the page loads a %s", l.kind)
		}
		page += l.bytes
		if l.kind == network.ResourceTypeScript {
			script += l.bytes
		}
	}
	b.t.Logf("the page is %.1f KiB over the wire, its script %.1f KiB", page/1024, script/1024)
	if page > maxPage || page < 4<<10 {
		b.t.Errorf("the page weighs %.0f bytes, want at most %d", page, maxPage)
	}
	if script > maxScript || script < 1<<10 {
		b.t.Errorf("the script weighs %.0f bytes, want at most %d", script, maxScript)
	}
}

// checkWatch does what the watch must find.
func checkWatch(b *tab) {
	b.start()
	b.run(`new Image().src = 'http://127.0.0.1:9/pixel'`)
	b.run(`document.head.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }))`)
	b.run(`setTimeout(() => { throw new Error('thrown in the page') })`)
	b.run(`console.error('logged in the page')`)
	foreign := httptest.NewServer(http.NotFoundHandler())
	b.t.Cleanup(foreign.Close)
	elsewhere := strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1)
	b.visit(elsewhere)
	for _, want := range []string{
		"third party: Image http://127.0.0.1:9/pixel", "security: Loading the image", "security: Applying inline style",
		"exception: Uncaught Error: thrown in the page", "console.error", "third party: Document " + elsewhere,
	} {
		b.eventually("the watch finds "+want, func() bool {
			return slices.ContainsFunc(b.found(), func(fault string) bool { return strings.HasPrefix(fault, want) })
		})
	}
	b.allow("") // everything
}
