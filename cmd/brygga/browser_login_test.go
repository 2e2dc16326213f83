package main

import (
	"context"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	cdpfetch "github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// words are texts of the hosted page.
type words struct{ choose, scan, confirm, cancel string }

var wordsIn = map[string]words{
	"sv": {"Logga in med BankID – Demoappen", "Skanna QR-koden – Demoappen", "Bekräfta i BankID-appen – Demoappen", "Avbryt"},
	"en": {"Log in with BankID – Demo app", "Scan the QR code – Demo app", "Confirm in the BankID app – Demo app", "Cancel"},
}

// speaks checks the page's language and title.
func (b *tab) speaks(language, title string) {
	b.t.Helper()
	b.until(`document.documentElement.lang === '` + language + `' && document.title === '` + title + `'`)
}

// loginByPicture logs in with nothing but what is on the screen: the QR code is read from its pixels. Two frames differ,
// and the code is gone once it is scanned.
func loginByPicture(language string) func(b *tab) {
	return func(b *tab) {
		b.as.language = language
		w := wordsIn[language]
		b.start()
		b.speaks(language, w.choose)
		if n := len(b.d.sim.Orders("")); n != 0 {
			b.t.Fatalf("%d orders before the person chose", n)
		}
		b.choose("other")
		b.shows("qr-wait")
		b.speaks(language, w.scan)
		if text := read[string](b, `document.querySelector('`+actionButton("cancel")+`').textContent`); text != w.cancel {
			b.t.Errorf("the button to cancel says %q", text)
		}
		first := b.nextFrame("a QR code on the screen", anyFrame)
		second := b.nextFrame("another QR code", func(f string) bool { return f != first })
		if qrStartToken(first) != qrStartToken(second) {
			b.t.Error("the second frame is another order's")
		}
		order := b.scan()
		b.speaks(language, w.confirm)
		if b.frame() != "" || read[bool](b, `!!document.querySelector('#qr')`) {
			b.t.Error("the QR code is still on the screen after it was scanned")
		}
		if b.codes() != 0 {
			b.t.Error("the demo app got a code before the person approved")
		}
		b.sign(order)
		b.loggedIn()
		if n := b.codes(); n != 1 {
			b.t.Errorf("the demo app got %d codes", n)
		}
		b.logOut()
		for kind, n := range b.d.sim.Misuse().Counts {
			if n != 0 {
				b.t.Errorf("%d times BankID was misused: %s", n, kind)
			}
		}
	}
}

// asksForLittle: a login takes one request each for its page, its events, the start and the end, as decision 0056 says and the bench plays.
func asksForLittle(b *tab) {
	page := b.startQR()
	b.sign(b.scan())
	b.loggedIn()
	var asked []string
	seen := map[network.RequestID]bool{}
	for _, request := range b.requests(page) {
		if seen[request.id] {
			continue // where the start's redirect would lead, which is told of although the script does not follow it
		}
		seen[request.id] = true
		path, _, _ := strings.Cut(strings.TrimPrefix(request.url, page), "?")
		asked = append(asked, path)
	}
	if want := []string{"", "/events", "/start", "/done"}; !slices.Equal(asked, want) {
		b.t.Errorf("the browser asked for %q, want %q", asked, want)
	}
}

// logOut presses the demo app's button and, where the provider asks, the provider's.
func (b *tab) logOut() {
	b.t.Helper()
	b.click("#logout")
	b.until(`document.querySelector('#login, main[data-view="ask-log-out"] form button')`)
	if !read[bool](b, `!!document.querySelector('#login')`) {
		b.click(`main[data-view="ask-log-out"] form button`)
	}
	b.until(`document.querySelector('#login')`)
}

// switchLanguage changes the language while the QR code is shown: the order stays.
func switchLanguage(b *tab) {
	b.startQR()
	b.speaks("en", wordsIn["en"].scan)
	token := qrStartToken(b.nextFrame("a QR code", anyFrame))
	b.click(`footer a[lang="sv"]`)
	b.speaks("sv", wordsIn["sv"].scan)
	if now := qrStartToken(b.nextFrame("a QR code in Swedish", anyFrame)); now != token {
		b.t.Error("the change of language made another order")
	}
	if address := read[string](b, `location.search`); address != "" {
		b.t.Errorf("the address keeps %q", address)
	}
	order := b.scan()
	if only := b.onlyOrder(); only.OrderRef != order.OrderRef {
		b.t.Error("there is another order")
	}
	b.speaks("sv", wordsIn["sv"].confirm)
	b.click(`footer a[lang="en"]`)
	b.speaks("en", wordsIn["en"].confirm)
	b.sign(order)
	b.loggedIn()
}

// loginOnThisDevice follows the launch link to the virtual phone and approves there; the app brings the browser back.
func loginOnThisDevice(b *tab) {
	page := b.start()
	want := map[bool]string{true: "this", false: "other"}[b.as.phone || b.as.touch]
	b.until(`document.querySelector('main form[action$="/start"] input').value === '` + want + `'`) // a tablet may be known by its fingers alone
	b.choose("this")
	b.shows("app-wait")
	if link := read[string](b, `document.querySelector('#launch').href`); !strings.HasPrefix(link, b.d.PhoneURL+"/?autostarttoken=") {
		b.t.Fatal("the launch link does not lead to the virtual phone")
	}
	if b.frame() != "" {
		b.t.Error("there is a QR code of an order for this device")
	}
	b.approveInPhone()
	b.loggedIn()
	var back bool
	for _, l := range b.requests(page + "/return?n=") {
		back = back || l.kind == network.ResourceTypeDocument
	}
	if !back {
		b.t.Error("the person did not come back by the return address")
	}
	if n := b.codes(); n != 1 {
		b.t.Errorf("the demo app got %d codes", n)
	}
}

// approveInPhone presses the launch link and approves on the virtual phone's own pages.
func (b *tab) approveInPhone() {
	b.t.Helper()
	b.click("#launch")
	b.until(`location.href === '` + b.d.PhoneURL + `/'`)
	b.click("#approve-button")
}

// loginWithoutScript logs in while the browser runs no script: the page refreshes itself.
func loginWithoutScript(b *tab) {
	b.startQR()
	if read[bool](b, `getComputedStyle(document.querySelector('[data-enlarge]')).display !== 'none'`) {
		b.t.Error("a button is shown that needs the script")
	}
	first := b.nextFrame("a QR code on the screen", anyFrame)
	b.nextFrame("another QR code", func(f string) bool { return f != first })
	b.sign(b.scan())
	b.shows("complete")
	if n := b.codes(); n != 0 {
		b.t.Errorf("the demo app got %d codes before the person went on", n)
	}
	b.click(actionButton("done"))
	b.loggedIn()
}

// loginWithoutEvents logs in while the event stream is blocked on the way: the page asks instead.
func loginWithoutEvents(b *tab) {
	b.allow("net::ERR_CONNECTION_REFUSED") // what the console says of the stream
	b.blockEvents()
	page := b.startQR()
	first := b.nextFrame("a QR code on the screen", anyFrame)
	b.nextFrame("another QR code", func(f string) bool { return f != first })
	order := b.scan()
	if read[bool](b, `!document.querySelector('#lost').hidden`) {
		b.t.Error("the page says that there is no contact")
	}
	b.sign(order)
	b.loggedIn()
	if len(b.requests(page+"/status")) == 0 {
		b.t.Error("the page never asked for the status")
	}
}

func (b *tab) blockEvents() {
	b.t.Helper()
	paused := chromedp.Events(b.ctx, cdpfetch.RequestPaused)
	go func() {
		for event, err := range paused {
			if err != nil {
				return
			}
			_, _ = chromedp.Call(b.ctx, cdpfetch.FailRequest, cdpfetch.FailRequestParams{
				RequestID: event.RequestID, ErrorReason: network.ErrorReasonConnectionRefused,
			})
		}
	}()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdpfetch.Enable, cdpfetch.EnableParams{Patterns: []*cdpfetch.RequestPattern{{URLPattern: "*/login/*/events*"}}})
		return err
	}))
}
