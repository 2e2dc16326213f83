package main

import (
	"github.com/chromedp/chromedp"
	"strings"

	"brygga/bankid/bankidsim"
)

// notFound is what the console says of a page with status 404.
const notFound = "404 (Not Found)"

// openedByVictim starts an order for this device and lets somebody else open its launch link (BankID: session fixation).
func (b *tab) openedByVictim() (page string, order bankidsim.Order) {
	b.t.Helper()
	page = b.start()
	b.choose("this")
	b.shows("app-wait")
	link := read[string](b, `document.querySelector('#launch').href`)
	order = b.phone("open", map[string]string{"url": link, "personalNumber": person})
	b.shows("confirm")
	return page, order
}

// voided checks that the login ended with nothing, and for good.
func (b *tab) voided() {
	b.t.Helper()
	b.shows("failed-unusable")
	b.run(`fetch(document.body.dataset.base + '/done', { method: 'POST' }).then(() => true)`)
	if b.codes() != 0 {
		b.t.Error("the demo app got a code")
	}
	if read[bool](b, `!document.querySelector('`+actionButton("start")+`')`) {
		b.t.Error("the page offers no second try")
	}
}

// returnWithWrongNonce comes back in the right browser with a nonce that is not the order's: the order is void.
func returnWithWrongNonce(b *tab) {
	page, order := b.openedByVictim()
	b.visit(page + "/return?n=" + strings.Repeat("A", 43))
	b.voided()
	b.ended(order.OrderRef, "cancelled")
	b.click(actionButton("start"))
	b.shows("app-wait")
	b.approveInPhone()
	b.loggedIn()
}

// returnWithWrongNonceAfterApproval does so when the order is complete already: the right nonce comes too late then.
func returnWithWrongNonceAfterApproval(b *tab) {
	page, order := b.openedByVictim()
	order = b.sign(order)
	b.shows("await-return")
	b.visit(page + "/return?n=" + strings.Repeat("A", 43))
	b.voided()
	b.visit(*order.ReturnURL)
	b.voided()
}

// returnInOtherBrowser has the app open the return address in a browser that did not start the login: there it says so and
// no more, and the browser that started gets no code until the return comes to it.
func returnInOtherBrowser(b *tab) {
	page, order := b.openedByVictim()
	order = b.sign(order)
	b.shows("await-return") // complete, and still waiting for the return

	other := b.stranger()
	other.allow(notFound)
	other.visit(*order.ReturnURL)
	other.shows("returned-astray")
	if read[bool](other, `!!document.querySelector('main form, main a')`) {
		b.t.Error("the other browser is offered a way on")
	}
	if n := len(other.requests(b.d.DemoURL)); n != 0 {
		b.t.Errorf("the other browser was sent to the app %d times", n)
	}

	b.allow("405 (Method Not Allowed)")
	b.run(`fetch('` + page + `/done', { method: 'POST' }).then(() => true)`)
	b.reload()
	b.shows("await-return")
	if b.codes() != 0 {
		b.t.Fatal("the browser that started got a code without the return")
	}
	b.visit(*order.ReturnURL)
	b.loggedIn()
}

// openInOtherBrowser opens the page's address in another browser, with an order and without: it shows nothing of the login
// and cannot act on it.
func openInOtherBrowser(b *tab) {
	page := b.startQR()
	other := b.stranger()
	other.allow(notFound)
	for _, path := range []string{"", "/events", "/status", "/start", "/done"} {
		other.visit(page + path)
		if path == "/events" || path == "/status" {
			other.until(`document.body.innerText.trim() === 'Not Found'`)
			continue
		}
		other.shows("other-browser")
		if text := read[string](other, `document.documentElement.outerHTML`); strings.Contains(text, "Demo app") || strings.Contains(text, `id="qr"`) {
			b.t.Errorf("%s tells another browser about the login", path)
		}
	}
	for _, action := range []string{"start", "cancel", "leave", "done"} {
		if status := read[float64](other, `fetch('`+page+`/`+action+`', { method: 'POST', body: new URLSearchParams({ device: 'other' }) }).then(a => a.status)`); status != 404 {
			b.t.Errorf("%s by another browser = %v", action, status)
		}
	}
	if state := b.onlyOrder().State; state != bankidsim.StatePending {
		b.t.Errorf("another browser made the order %s", state)
	}
	b.shows("qr-wait")
}

// reloadAndGoBack reloads during an order, which goes on, and goes back after the end, where nothing happens again.
func reloadAndGoBack(b *tab) {
	page := b.startQR()
	token := qrStartToken(b.nextFrame("a QR code", anyFrame))
	b.reload()
	b.shows("qr-wait")
	if now := qrStartToken(b.nextFrame("a QR code after reloading", anyFrame)); now != token {
		b.t.Error("reloading made another order")
	}
	order := b.scan()
	b.reload()
	b.shows("confirm")
	b.sign(order)
	b.loggedIn()
	b.run(`setTimeout(() => history.back()), undefined`) // an answer that comes when the page has gone is an error
	b.shows("already-done")
	if b.frame() != "" {
		b.t.Error("the back button brings the QR code back")
	}
	b.visit(page + "/done") // reloading the address of the last action
	b.shows("already-done")
	b.click("main a.button") // to the app
	b.loggedIn()
	if n := b.codes(); n != 1 {
		b.t.Errorf("the demo app got %d codes", n)
	}
	b.onlyOrder()
}

// secondTab opens the page twice in one browser: both show the same order, and one of them ends at the app.
func secondTab(b *tab) {
	page := b.startQR()
	second := b.another()
	for _, tab := range []*tab{b, second} {
		tab.allow("409 (Conflict)") // what the console says when the other tab was first, by a hair
	}
	second.visit(page)
	second.shows("qr-wait")
	token := qrStartToken(b.nextFrame("a QR code", anyFrame))
	if now := qrStartToken(second.nextFrame("a QR code in the second tab", anyFrame)); now != token {
		b.t.Error("the second tab made another order")
	}
	order := second.scan()
	b.shows("confirm")
	b.sign(order)
	ended := `document.querySelector('#claims, main[data-view="already-done"]')`
	b.until(ended)
	second.until(ended)
	if n := b.codes() + second.codes(); n != 1 {
		b.t.Errorf("the demo app got %d codes", n)
	}
	for _, tab := range []*tab{b, second} {
		if tab.codes() == 1 {
			tab.loggedIn()
		} else {
			tab.shows("already-done")
		}
	}
	b.onlyOrder()
}

// staleTab stands at the choice while the login is done in another tab: it follows, and leaves the answer to that one.
func staleTab(b *tab) {
	page := b.start()
	stale := b.another()
	stale.visit(page)
	stale.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	stale.shows("qr-wait")
	order := b.scan()
	stale.shows("confirm")
	b.sign(order)
	b.loggedIn()
	stale.shows("already-done")
	b.onlyOrder()
	if n := stale.codes(); n != 0 {
		b.t.Errorf("the stale tab brought %d codes", n)
	}
}

// twice clicks on an element twice at once.
func (b *tab) twice(selector string) {
	b.t.Helper()
	at := read[[]float64](b, `(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector('`+selector+`').getBoundingClientRect())`)
	b.do(chromedp.MouseClickXY(at[0], at[1]), chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(2)))
}

// doubleClickBack presses the way back to the app twice at once: the app gets the person. Where the app has the code before the second
// press is there, the page says that all is done, and leads to the app; where the second has overtaken the first, it can be pressed again.
func doubleClickBack(b *tab) {
	b.startQR()
	b.sign(b.scan())
	b.shows("complete")
	b.twice(actionButton("done"))
	b.until(`document.readyState === 'complete' && document.querySelector('#claims, main[data-view="already-done"] a.button, main[data-view="complete.press"] button')`)
	if read[bool](b, `!!document.querySelector('main[data-view="complete.press"]')`) {
		b.click(actionButton("done"))
		b.until(`document.readyState === 'complete' && document.querySelector('#claims')`)
	}
	if read[bool](b, `!!document.querySelector('#claims')`) {
		b.loggedIn()
	} else if b.codes() == 0 {
		b.t.Error("the login is over, and the app has never got a code")
	}
}

// doubleClick presses start twice at once: one order.
func doubleClick(b *tab) {
	b.start()
	b.twice(deviceButton("other"))
	b.shows("qr-wait")
	b.nextFrame("a QR code", anyFrame)
	b.onlyOrder()
}
