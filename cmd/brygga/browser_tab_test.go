package main

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"brygga/bankid/bankidsim"
)

// tabPatience is how long a tab waits for what must come. It is no measure of anything.
const tabPatience = time.Minute

// tab is one tab of a browser profile.
type tab struct {
	t   *testing.T
	d   *devInstance
	as  persona
	ctx context.Context
	*watch
}

// newTab opens a tab in a fresh profile, as another browser would be. At the end of the test its watch must have found nothing.
func newTab(t *testing.T, browser context.Context, d *devInstance, as persona) *tab {
	t.Helper()
	return openTab(t, browser, d, as, chromedp.WithNewBrowserContext())
}

// stranger is a tab in another browser.
func (b *tab) stranger() *tab { b.t.Helper(); return newTab(b.t, b.ctx, b.d, b.as) }

// another is a second tab in the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	return openTab(b.t, b.ctx, b.d, b.as, chromedp.WithNewWindow(true))
}

func openTab(t *testing.T, parent context.Context, d *devInstance, as persona, option chromedp.ContextOption) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(parent, option)
	b := &tab{t: t, d: d, as: as, ctx: ctx, watch: &watch{origins: d.origins()}}
	t.Cleanup(func() {
		for _, fault := range b.close() {
			t.Errorf("in the browser: %s", fault)
		}
		end()
	})
	err := chromedp.Do(ctx, chromedp.Func(as.wear))
	if err == nil {
		err = b.begin(ctx)
	}
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return b
}

// do runs steps in the tab.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, tabPatience)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v%s", err, b.scene())
	}
}

// read returns the value of an expression in the page.
func read[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, tabPatience)
	defer end()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v%s", expression, err, b.scene())
	}
	return value
}

func (b *tab) visit(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

// click waits for the element and clicks it. A page that has only just come may lose the element before it is clicked.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.eventually("click on "+selector, func() bool {
		ctx, end := context.WithTimeout(b.ctx, tabPatience)
		defer end()
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		if err != nil && !strings.Contains(err.Error(), "Could not find node") {
			b.t.Fatalf("click on %s: %v%s", selector, err, b.scene())
		}
		return err == nil
	})
}

// leap clicks and waits for the next view, for when it looks like the one before.
func (b *tab) leap(selector string) {
	b.t.Helper()
	b.run(`document.querySelector('main h1').seen = true`)
	b.click(selector)
	b.until(`!document.querySelector('main h1')?.seen && document.readyState === 'complete'`)
}

// reload loads the page anew, and waits until that has happened: the one before may look the same.
func (b *tab) reload() {
	b.t.Helper()
	b.run(`window.before = true, setTimeout(() => location.reload()), undefined`)
	b.until(`!window.before && document.readyState === 'complete'`)
}

// until waits for the expression to be true in the page, across loads.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.eventually(expression, func() bool {
		ctx, end := context.WithTimeout(b.ctx, 2*time.Second)
		defer end()
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && ok
	})
}

func (b *tab) eventually(what string, done func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(tabPatience); !done(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("never came true: %s%s", what, b.scene())
		}
	}
}

// scene says where a failed test was.
func (b *tab) scene() string {
	ctx, end := context.WithTimeout(b.ctx, 2*time.Second)
	defer end()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + '\n' + document.body.innerText`))
	return "\nthe page: " + text + "\nloads: " + b.lastLoads() + "\nwatch: " + strings.Join(b.found(), "; ")
}

// shows waits for the view of the hosted page, and until the page is whole: what is clicked on before the style sheet has come is
// elsewhere when it has, and no person sees it there.
func (b *tab) shows(view string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete' && document.querySelector('main')?.dataset.view?.split('.')[0] === ` + strconv.Quote(view))
}

// start goes from the demo app to the hosted page and returns its address.
func (b *tab) start() string {
	b.t.Helper()
	b.visit(b.d.DemoURL + "/")
	if b.as.language != "" {
		b.demoSpeaks(b.as.language)
	}
	b.click("#login")
	b.shows("choose")
	page := read[string](b, `location.href`)
	if !strings.HasPrefix(page, b.d.Issuer+"/login/") || strings.ContainsAny(page, "?#") {
		b.t.Fatalf("the demo app leads to %s", page)
	}
	return page
}

// demoSpeaks chooses the language of the demo app, which asks for the same on the hosted page.
func (b *tab) demoSpeaks(language string) {
	b.t.Helper()
	if read[string](b, `document.documentElement.lang`) != language {
		b.leap(`footer a[hreflang="` + language + `"]`)
	}
	b.until(`document.documentElement.lang === '` + language + `'`)
}

// choose presses the button for a device, "this" or "other".
func (b *tab) choose(device string) { b.t.Helper(); b.click(deviceButton(device)) }

func deviceButton(device string) string { return `main form:has(input[value="` + device + `"]) button` }

// actionButton is the button of a form of the page: start, cancel or leave.
func actionButton(action string) string { return `main form[action$="/` + action + `"] button` }

// startQR goes from the demo app to the QR code.
func (b *tab) startQR() string {
	b.t.Helper()
	page := b.start()
	b.choose("other")
	b.shows("qr-wait")
	return page
}

// picture returns a picture of what the tab shows. Chromium takes none while a page gives way to the next.
func (b *tab) picture() (image.Image, error) {
	ctx, end := context.WithTimeout(b.ctx, 2*time.Second)
	defer end()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, err
	}
	return png.Decode(bytes.NewReader(picture))
}

// frame reads the QR code from the picture of the page, as a camera does; "" when there is none.
func (b *tab) frame() (frame string) {
	b.t.Helper()
	b.eventually("a picture of the page", func() bool {
		var ok bool
		frame, ok = b.glance()
		return ok
	})
	return frame
}

// glance is one try to read the QR code; false means that there was no picture.
func (b *tab) glance() (frame string, ok bool) {
	picture, err := b.picture()
	if err != nil {
		return "", false
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", false
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", true
	}
	return result.GetText(), true
}

// nextFrame waits for a QR code for which ok holds.
func (b *tab) nextFrame(what string, ok func(string) bool) (frame string) {
	b.t.Helper()
	b.eventually(what, func() bool {
		frame, _ = b.glance()
		return strings.HasPrefix(frame, "bankid.") && ok(frame)
	})
	return frame
}

func anyFrame(string) bool { return true }

// qrStartToken returns the part of a frame that names its order.
func qrStartToken(frame string) string { return strings.Split(frame, ".")[1] }

// phone calls the simulator's control API, as its virtual phone does.
func (b *tab) phone(call string, body map[string]string) bankidsim.Order {
	b.t.Helper()
	return newVisitor(b.t, b.d, androidAgent).phone(call, body)
}

// scan holds the phone to the screen until the page knows, and returns the order. On a slow machine the frame that was read may be
// too old by now: as the camera of a phone does, it looks again.
func (b *tab) scan() (order bankidsim.Order) {
	b.t.Helper()
	phone := newVisitor(b.t, b.d, androidAgent)
	b.eventually("the phone took the QR code", func() (done bool) {
		var status int
		order, status = phone.tryPhone("scan", map[string]string{"qr": b.nextFrame("a QR code", anyFrame), "personalNumber": person})
		return status == http.StatusOK
	})
	b.shows("confirm")
	return order
}

func (b *tab) sign(order bankidsim.Order) bankidsim.Order {
	b.t.Helper()
	return b.phone("orders/"+order.OrderRef+"/sign", nil)
}

// loggedIn waits for the demo app's page of claims and checks them.
func (b *tab) loggedIn() {
	b.t.Helper()
	b.until(`location.href === '` + b.d.DemoURL + `/' && document.readyState === 'complete' && document.querySelector('#claims')`)
	for claim, want := range map[string]string{
		"personalNumber": person, "name": "Åsa Märta Elin Öberg-Ström", "givenName": "Åsa Märta Elin", "surname": "Öberg-Ström", "iss": b.d.Issuer,
	} {
		if got := read[string](b, `document.querySelector('[data-claim="`+claim+`"]')?.textContent ?? 'missing'`); got != want {
			b.t.Errorf("claim %s = %q, want %q", claim, got, want)
		}
	}
	hello := map[string]string{"sv": "Hej, Åsa Märta Elin"}[read[string](b, `document.documentElement.lang`)]
	if h := read[string](b, `document.querySelector('h1').textContent`); h != cmp.Or(hello, "Hello, Åsa Märta Elin") {
		b.t.Errorf("the demo app says %q", h)
	}
}

// codes returns how many answers with a code have reached the demo app by this tab.
func (b *tab) codes() int {
	n := 0
	for _, l := range b.requests(b.d.DemoURL + "/callback") {
		if u, err := url.Parse(l.url); err == nil && u.Query().Get("code") != "" {
			n++
		}
	}
	return n
}

// onlyOrder returns the one order that there is at the simulator.
func (b *tab) onlyOrder() bankidsim.Order {
	b.t.Helper()
	orders := b.d.sim.Orders("")
	if len(orders) != 1 {
		b.t.Fatalf("%d orders at BankID, want 1", len(orders))
	}
	return orders[0]
}

// ended waits until the order has failed at the simulator for the reason.
func (b *tab) ended(ref, hintCode string) {
	b.t.Helper()
	b.eventually("order ended at BankID: "+hintCode, func() bool {
		order, err := b.d.sim.Order(ref)
		return err == nil && order.State == bankidsim.StateFailed && order.HintCode == hintCode
	})
}

// run evaluates an expression, and waits for it if it is a promise.
func (b *tab) run(expression string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}
