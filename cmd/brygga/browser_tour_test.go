package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// mostPresses is what a newcomer presses from the start of the demo app to the claims: log in, scan a code, the way to the phone,
// scan, approve, close the phone.
const mostPresses = 6

// newcomersMinute goes from the demo app to the claims and out again by what the pages show: nothing is typed, no address is known but
// the demo app's, and the terminal is not read. Each press is written down with what it was on.
func newcomersMinute(b *tab) {
	began, presses := time.Now(), 0
	press := func(on *tab, selector string) {
		b.t.Helper()
		on.until(`document.readyState === 'complete' && document.querySelector('` + selector + `')`)
		presses++
		if *screenshots != "" {
			on.photograph(fmt.Sprintf("tour-%d", presses), "light")
		}
		b.t.Logf("%4.1f s  press %d: %s", time.Since(began).Seconds(), presses, read[string](on, `document.querySelector('`+selector+`').textContent.trim().replace(/\\s+/g, ' ')`))
		on.click(selector)
	}
	b.visit(b.d.DemoURL + "/")
	if b.as.language != "" {
		b.demoSpeaks(b.as.language)
	}
	press(b, "#login")
	b.shows("choose")
	press(b, deviceButton("other"))
	b.shows("qr-wait")
	if lines := read[int](b, `Math.round(document.querySelector('a.strip > span').getBoundingClientRect().height / parseFloat(getComputedStyle(document.querySelector('a.strip')).lineHeight))`); lines != 1 {
		b.t.Errorf("the way to the phone takes %d lines", lines)
	}
	press(b, "a.strip")
	phone := b.opened(b.d.PhoneURL + "/")
	press(phone, "#waiting-list button")
	phone.until(`document.querySelector('#order-text').textContent.includes('Demo')`)
	press(phone, "#approve-button")
	phone.until(`!document.querySelector('#done-close').hidden && !document.querySelector('#done').hidden`)
	press(phone, "#done-close")
	b.eventually("the phone is closed", func() bool { return b.targetAt(b.d.PhoneURL+"/") == "" })
	b.loggedIn()
	b.t.Logf("%4.1f s  the claims are on the screen after %d presses", time.Since(began).Seconds(), presses)
	if presses > mostPresses {
		b.t.Errorf("%d presses, want at most %d", presses, mostPresses)
	}
	b.screen("claims")
}

// opened is the tab that a link of this one has opened at the address.
func (b *tab) opened(address string) *tab {
	b.t.Helper()
	var id target.ID
	b.eventually("a tab at "+address, func() bool { id = b.targetAt(address); return id != "" })
	return openTab(b.t, b.ctx, b.d, b.as, chromedp.WithTargetID(id))
}

// targetAt returns the tab at the address, "" for none.
func (b *tab) targetAt(address string) target.ID {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, tabPatience)
	defer end()
	all, err := chromedp.Targets(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, info := range all {
		if info.Type == "page" && strings.HasPrefix(info.URL, address) {
			return info.TargetID
		}
	}
	return ""
}

// tourEnds looks at the other ends of the tour: a login that was cancelled, the way out at both parties, and an address that is none.
// On every page the tour speaks the chosen language, and all that is pressed is large enough for a finger.
func tourEnds(b *tab) {
	b.visit(b.d.DemoURL + "/")
	b.demoSpeaks("sv")
	b.fitsFingers("start")
	b.click("#login")
	b.shows("choose")
	b.click(actionButton("leave"))
	b.until(`document.querySelector('#error')?.textContent === 'access_denied' && document.querySelector('h1').textContent === 'Du avbröt inloggningen'`)
	b.fitsFingers("cancelled")
	b.click(".button")
	b.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	b.sign(b.scan())
	b.loggedIn()
	b.fitsFingers("claims")
	b.click("#logout")
	b.until(`document.querySelector('.lead')?.textContent === 'Du är utloggad, här och hos inloggningstjänsten.'`)
	b.fitsFingers("logged out")
	b.reload()
	b.until(`document.querySelector('.start')`)
	b.allow("404")
	b.visit(b.d.DemoURL + "/nothing")
	b.until(`document.querySelector('h1').textContent === 'Sidan finns inte'`)
	b.fitsFingers("no such page")
}

// fitsFingers wants a target of 44 pixels for everything that is pressed (WCAG 2.2 §2.5.5), and nothing that sticks out to the side.
func (b *tab) fitsFingers(page string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete'`)
	b.run(`document.querySelectorAll('details').forEach(e => e.open = true)`)
	if small := read[[]string](b, `[...document.querySelectorAll('a, button, summary, input:not([type=hidden])')].filter(e => e.checkVisibility())
		.map(e => [e.textContent.trim() || e.name, e.getBoundingClientRect()]).filter(([, box]) => box.height < 44 || box.width < 44)
		.map(([name, box]) => name + ' ' + box.width + ' × ' + box.height)`); len(small) > 0 {
		b.t.Errorf("%s: too small: %q", page, small)
	}
	if wide := read[int64](b, `document.documentElement.scrollWidth`); wide > b.as.width {
		b.t.Errorf("%s is %d wide on a screen of %d", page, wide, b.as.width)
	}
}
