package main

import (
	"time"

	"brygga/bankid/bankidsim"
)

// renewOrder lets 28 seconds go by with the QR code on the screen. The page gets the next order's code without losing its
// place or the focus, says nothing, and the old order ends as nobody has it.
func renewOrder(b *tab) {
	b.startQR()
	old := b.onlyOrder()
	token := qrStartToken(b.nextFrame("a QR code", anyFrame))
	read[any](b, `(document.querySelector('#qr').first = true, document.querySelector('[data-enlarge]').focus({ preventScroll: true }), document.body.style.paddingBlockEnd = '20rem', scrollTo(0, 40), null)`)
	if read[float64](b, `scrollY`) != 40 {
		b.t.Fatal("the page does not scroll, so that nothing can be said of its place")
	}
	b.eventually("the page has said all that it has to say, which it does a moment late", func() bool {
		const said = `document.querySelector('#status').textContent`
		before := read[string](b, said)
		time.Sleep(500 * time.Millisecond)
		return before != "" && before == read[string](b, said)
	})
	read[any](b, `(said = [], new MutationObserver(() => said.push(document.querySelector('#status').textContent)).observe(document.querySelector('#status'), { childList: true }), null)`)
	b.advanceToRenewal(old)
	b.nextFrame("the next order's QR code", func(f string) bool { return qrStartToken(f) != token })
	if !read[bool](b, `document.querySelector('#qr').first && document.activeElement.matches('[data-enlarge]') && scrollY === 40 && !said.length`) {
		b.t.Errorf("the renewal took the focus, moved the page, or was announced: %v", read[string](b, `[document.querySelector('#qr').first, document.activeElement.outerHTML.slice(0, 80), scrollY, said.join('|')].join(' ; ')`))
	}
	b.ended(old.OrderRef, "startFailed")
	order := b.scan()
	if order.OrderRef == old.OrderRef {
		b.t.Error("the code that was scanned is the old order's")
	}
	b.sign(order)
	b.loggedIn()
	if n := len(b.d.sim.Orders("")); n != 2 {
		b.t.Errorf("%d orders, want 2", n)
	}
}

// scanAcrossRenewal holds the phone to the code of an order that has just been renewed: its app had read it before.
func scanAcrossRenewal(b *tab) {
	b.startQR()
	old := b.onlyOrder()
	b.nextFrame("a QR code", anyFrame)
	b.advanceToRenewal(old)
	b.eventually("the order is renewed", func() bool { return len(b.d.sim.Orders("")) == 2 }) // the page takes its time to show it
	order := b.phone("scan", map[string]string{"orderRef": old.OrderRef, "personalNumber": person})
	b.shows("confirm")
	b.sign(order)
	b.loggedIn()
	for _, o := range b.d.sim.Orders("") {
		if o.OrderRef != old.OrderRef {
			b.ended(o.OrderRef, "cancelled")
		}
	}
}

// advanceToRenewal moves the clock of all on so that the collect which comes next finds the order 28 seconds old. Collecting
// ticks every two seconds since the order began; half way between two ticks there is no doubt which comes next.
func (b *tab) advanceToRenewal(order bankidsim.Order) {
	b.t.Helper()
	const tick = 2 * time.Second
	var age time.Duration
	b.eventually("half way between two collects", func() bool {
		age = b.d.sim.Now().Sub(order.Created)
		return age%tick > tick/4 && age%tick < tick*3/4
	})
	if _, err := b.d.sim.Advance(28*time.Second + 300*time.Millisecond - age.Truncate(tick) - tick); err != nil {
		b.t.Fatal(err)
	}
}

// cancelOnPage cancels, tries again, cancels again and goes back to the app.
func cancelOnPage(b *tab) {
	b.startQR()
	first := b.onlyOrder()
	b.click(actionButton("cancel"))
	b.shows("failed-stopped")
	b.ended(first.OrderRef, "cancelled")
	b.click(actionButton("start"))
	b.shows("qr-wait")
	second := b.scan()
	b.click(actionButton("cancel"))
	b.shows("failed-stopped")
	b.ended(second.OrderRef, "cancelled")
	b.click(actionButton("leave"))
	b.refused()
	if b.codes() != 0 {
		b.t.Error("the demo app got a code")
	}
	b.click(".button") // the app's own "try again"
	b.shows("choose")
}

// refused waits for the demo app's page about access_denied.
func (b *tab) refused() {
	b.t.Helper()
	b.until(`location.href.startsWith('` + b.d.DemoURL + `/callback?') && document.querySelector('#error')?.textContent === 'access_denied'`)
	if h := read[string](b, `document.querySelector('h1').textContent`); h != "You cancelled the login" {
		b.t.Errorf("the demo app says %q", h)
	}
}

// cancelInApp cancels in the BankID app and may try again.
func cancelInApp(b *tab) {
	b.startQR()
	order := b.scan()
	if _, err := b.d.sim.Cancel(order.OrderRef, person); err != nil {
		b.t.Fatal(err)
	}
	b.shows("failed-userCancel")
	b.until(`document.activeElement.matches('` + actionButton("start") + `') && document.querySelector('#alert').textContent.startsWith('You cancelled in BankID')`)
	b.click(actionButton("start"))
	b.shows("qr-wait")
}

// troubles are what may be wrong with BankID when an order is started, and the page that says so.
var troubles = []struct {
	name, view string
	chaos      bankidsim.Chaos
}{
	{"errors", "failed-unavailable", bankidsim.Chaos{Endpoint: "auth", Errors: -1}},
	{"hangs up", "failed-unavailable", bankidsim.Chaos{Endpoint: "auth", DropAnswer: -1}},
	{"garbage", "failed-unavailable", bankidsim.Chaos{Endpoint: "auth", Garbage: -1}},
	{"a web page", "failed-unavailable", bankidsim.Chaos{Endpoint: "auth", HTML: -1}},
	{"maintenance", "failed-maintenance", bankidsim.Chaos{Maintenance: -1}},
	{"certificate refused", "failed-refused", bankidsim.Chaos{RejectCertificate: true}},
}

// troubleAtStart presses start while BankID is in trouble, sees the page that says so, and tries again when it is over.
func troubleAtStart(b *tab) {
	b.start()
	start := deviceButton("other")
	for _, tc := range troubles {
		b.t.Log("trouble: " + tc.name)
		b.trouble(tc.chaos)
		b.leap(start)
		b.shows(tc.view)
		if !read[bool](b, `/Reference for support: \S+/.test(document.querySelector('main').innerText)`) {
			b.t.Error("there is no reference to tell support")
		}
		b.leap(actionButton("start")) // it is not over yet
		b.shows(tc.view)
		b.trouble(bankidsim.Chaos{})
		b.leap(actionButton("start"))
		b.shows("qr-wait")
		b.leap(actionButton("cancel"))
		b.shows("failed-stopped")
		start = actionButton("start")
	}
	b.leap(start)
	b.shows("qr-wait")
	b.sign(b.scan())
	b.loggedIn()
}

// troubleOnTheWay has collecting fail while the code is shown: the login is kept.
func troubleOnTheWay(b *tab) {
	b.startQR()
	b.trouble(bankidsim.Chaos{Endpoint: "collect", Errors: 1})
	b.eventually("a collect met the trouble", func() bool { return b.d.sim.Chaos().Errors == 0 })
	b.shows("qr-wait")
	b.sign(b.scan())
	b.loggedIn()
	b.onlyOrder()
}

func (b *tab) trouble(chaos bankidsim.Chaos) {
	b.t.Helper()
	if err := b.d.sim.SetChaos(chaos); err != nil {
		b.t.Fatal(err)
	}
}
