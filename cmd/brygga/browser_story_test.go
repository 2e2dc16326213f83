package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestConsoleFindsLogin: a person whose login failed reads the reference off the page, and the help desk, who types it into the search box, is told
// what to say. So it is without the reference, by the personal number, which stands in no address and on no page.
func TestConsoleFindsLogin(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	browser := newBrowser(t)
	desk := newTab(t, browser, d, computer.in("en"))
	desk.allow("status of 4")
	desk.visit(d.link.Address.Reveal())
	desk.choosePassword("account/bootstrap")
	desk.logInByPassword(firstOperator)
	desk.click(`footer a[hreflang=en]`)
	desk.heading("Overview")

	caller := desk.stranger()
	caller.startQR()
	order := caller.scan()
	caller.shows("confirm")
	caller.phone("orders/"+order.OrderRef+"/fail", map[string]string{"hintCode": "certificateErr"})
	caller.shows("failed-certificateErr")
	reference := read[string](caller, `document.querySelector('.reference b').textContent`)

	desk.lookFor(strings.ToLower(strings.ReplaceAll(reference, "-", " ")))
	desk.heading("Login " + reference)
	for _, said := range []string{"Get a new one from your bank", "The login failed.", "Your BankID cannot be used", "Chose BankID on another device", "Chrome, Windows"} {
		desk.until(`document.body.innerText.includes(` + strconv.Quote(said) + `)`)
	}
	if text := read[string](desk, `document.documentElement.outerHTML`); strings.Contains(text, person) || strings.Contains(text, order.OrderRef) {
		t.Error("the story has the personal number or the order")
	}

	caller.visit(d.DemoURL + "/")
	caller.click("#login")
	caller.choose("other")
	caller.shows("qr-wait")
	caller.sign(caller.scan())
	caller.loggedIn()
	desk.visit(d.AdminURL + "/admin/logins")
	desk.click("details summary")
	desk.fill("number", person[:8]+"-"+person[8:])
	desk.send("logins/person")
	desk.until(`location.search.startsWith('?person=')`)
	desk.eventually("the person's login is in the list", func() bool {
		desk.visit(read[string](desk, `location.href`))
		return read[int](desk, `document.querySelectorAll('tbody .state.good').length`) == 1
	})
	if text := read[string](desk, `location.href + document.documentElement.outerHTML`); strings.Contains(text, person) || strings.Contains(text, reference) {
		t.Error("the list has the personal number, or a login that nobody has completed")
	}
	desk.visit(d.AdminURL + "/admin/events?kind=ADM_300020")
	desk.until(`document.querySelector('tbody')?.innerText.includes('ADM_300020')`)
}

// lookFor types into the search box.
func (b *tab) lookFor(text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(`#search`), text))
	b.click(`form.search button`)
}
