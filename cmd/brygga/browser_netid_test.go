package main

import (
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"brygga/netid/netidsim"
)

// netIDTests are what only a browser shows of the choice between eIDs, and of a login by card. They share an installation.
var netIDTests = []struct {
	name string
	run  func(b *tab)
	as   persona
}{
	{"a card on this device, Windows", loginWithCard, computer},
	{"a card on this device, Android phone", loginWithCard, androidPhone.in("sv")},
	{"a card on this device, iPhone", loginWithCard, iPhone},
	{"no script", loginWithCard, withoutScript(computer)},
	{"a card on another device, Windows", loginElsewhere, computer},
	{"a card on another device, iPhone", loginElsewhere, iPhone.in("sv")},
	{"a card on another device, no script", loginElsewhere, withoutScript(computer)},
	{"nobody and somebody who is blocked", looksLikeAnybody, computer.in("sv")},
	{"a text signed by card", signByCard, computer.in("sv")},
	{"keyboard only", chooseByKeyboard, computer.in("sv")},
	{"cancelled in the app", cancelInCardApp, computer.in("sv")},
	{"a card that is blocked", blockedCard, computer},
	{"to BankID and back", switchEID, computer},
	{"axe, English", judgeCards, computer.in("en")},
	{"axe, Swedish", judgeCards, computer.in("sv")},
	{"screens, narrow", cardScreens, narrowPhone.in("sv")},
	{"screens, phone", cardScreens, androidPhone.in("en")},
	{"screens, computer", cardScreens, computer.in("sv")},
}

func TestBrowserNetID(t *testing.T) {
	t.Parallel()
	browser, d := newBrowser(t), newDev(t, withCardApp)
	for _, tc := range netIDTests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(newTab(t, browser, d, tc.as))
		})
	}
}

// origins are where a tab may get pages from.
func (d *devInstance) origins() []string {
	all := []string{d.Issuer, d.DemoURL, d.PhoneURL, d.AdminURL}
	if d.cards != nil {
		all = append(all, strings.TrimSuffix(d.cards.section().AppURL, "/"))
	}
	return all
}

// startChoice goes from the demo app to the choice of an eID.
func (b *tab) startChoice() {
	b.t.Helper()
	b.visit(b.d.DemoURL + "/")
	if b.as.language != "" {
		b.demoSpeaks(b.as.language)
	}
	b.click("#login")
	b.shows("select")
}

// chooseEID presses one of them and waits for its own page.
func (b *tab) chooseEID(method string) {
	b.t.Helper()
	b.click(`main .choices a[href$="?method=` + method + `"]`)
	b.until(`document.readyState === 'complete' && document.querySelector('main')?.dataset.view?.startsWith('choose.` + method + `')`)
}

// openCardApp goes from the demo app to the page that opens the card app, and returns the order's reference.
func (b *tab) openCardApp() (ref string) {
	b.t.Helper()
	b.startChoice()
	b.chooseEID("netid")
	b.choose("this")
	b.shows("app-wait")
	link := read[string](b, `document.querySelector('#launch').href`)
	if !strings.HasPrefix(link, b.d.cards.section().AppURL+"?autostarttoken=") {
		b.t.Fatalf("the launch link leads to %s", link)
	}
	if mark := read[string](b, `document.querySelector('.strip').href`); !strings.HasPrefix(mark, b.d.cards.section().AppURL) {
		b.t.Errorf("the mark of the test installation leads to %s", mark)
	}
	return read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('autostarttoken')`)
}

// inCardApp follows the link and presses a button of the card app's own page, whose first card is Astrid's.
func (b *tab) inCardApp(button string) {
	b.t.Helper()
	b.click("#launch")
	b.until(`location.origin + '/' === '` + b.d.cards.section().AppURL + `' && document.querySelector('.order ` + button + `')`)
	b.click(".order " + button)
}

// loggedInByCard waits for the demo app's page of claims.
func (b *tab) loggedInByCard() {
	b.t.Helper()
	b.until(`location.href === '` + b.d.DemoURL + `/' && document.readyState === 'complete' && document.querySelector('#claims')`)
	for claim, want := range map[string]string{"personalNumber": astrid, "name": "Astrid Provsson", "iss": b.d.Issuer} {
		if got := read[string](b, `document.querySelector('[data-claim="`+claim+`"]')?.textContent ?? 'missing'`); got != want {
			b.t.Errorf("claim %s = %q, want %q", claim, got, want)
		}
	}
	if n := b.codes(); n != 1 {
		b.t.Errorf("the demo app got %d codes", n)
	}
}

// loginWithCard chooses Net iD, signs in the card app and is brought back.
func loginWithCard(b *tab) {
	if ref := b.openCardApp(); b.as.noScript {
		b.withoutScriptOfTheApp(ref)
	} else {
		b.inCardApp(".sign")
	}
	b.loggedInByCard()
}

var cardsGiven atomic.Int64

// addCard gives a person of the test's own a card, as one person has one order at a time, and returns the personal number.
func (b *tab) addCard() string {
	b.t.Helper()
	number := addPerson(b.t, b.d.sim, int(cardsGiven.Add(1)))
	if _, err := b.d.cards.sim.AddUser(netidsim.User{ID: number, GivenName: "Test", Surname: "Person"}); err != nil {
		b.t.Fatal(err)
	}
	return number
}

// nameSomebody goes from the demo app to the page where a person is named, and types who.
func (b *tab) nameSomebody(number string) {
	b.t.Helper()
	b.startChoice()
	b.chooseEID("netid")
	b.click(`main .choices a`)
	b.shows("name")
	b.do(chromedp.SendKeys(chromedp.CSS("#person"), number))
	b.click(`main .naming button`)
	b.shows("ask-wait")
	if strings.Contains(read[string](b, `location.href`), number) {
		b.t.Error("the address holds who was named")
	}
}

// orderFor returns the reference of the order that a person has.
func (b *tab) orderFor(number string) (ref string) {
	b.t.Helper()
	b.eventually("an order for the person", func() bool {
		for _, order := range b.d.cards.sim.Orders() {
			if order.UserID == number {
				ref = order.OrderRef
			}
		}
		return ref != ""
	})
	return ref
}

// loginElsewhere names a person, who then signs in the app on a phone.
func loginElsewhere(b *tab) {
	number := b.addCard()
	b.nameSomebody(number)
	ref := b.orderFor(number)
	if _, err := b.d.cards.sim.Open(ref, number); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.d.cards.sim.Sign(ref); err != nil {
		b.t.Fatal(err)
	}
	if b.as.noScript {
		b.shows("complete")
		b.click(actionButton("done"))
	}
	b.until(`location.href === '` + b.d.DemoURL + `/' && document.readyState === 'complete' && document.querySelector('#claims')`)
	if got := read[string](b, `document.querySelector('[data-claim="personalNumber"]')?.textContent ?? 'missing'`); got != number {
		b.t.Errorf("logged in as %q, not %q", got, number)
	}
}

// looksLikeAnybody names somebody, the same person while the service blocks them, and nobody: all pages are alike.
func looksLikeAnybody(b *tab) {
	page := func(number string) string {
		b.nameSomebody(number)
		text := read[string](b, `document.querySelector('main').innerText`)
		b.click(actionButton("cancel"))
		b.until(`document.querySelector('main')?.dataset.view?.startsWith('failed-stopped')`)
		return text
	}
	set := netidsim.DefaultSettings()
	set.Busy, set.BlockSeconds = netidsim.BusyBlocked, 60
	if err := b.d.cards.sim.SetSettings(set); err != nil {
		b.t.Fatal(err)
	}
	number := b.addCard()
	known := page(number)
	b.orderFor(number)
	if blocked, nobody := page(number), page("191212121212"); blocked != known || nobody != known || known == "" {
		b.t.Errorf("somebody sees\n%s\nof somebody who is blocked\n%s\nof nobody\n%s", known, blocked, nobody)
	}
	asked := 0
	for _, order := range b.d.cards.sim.Orders() {
		if order.UserID == number {
			asked++
		}
	}
	if asked != 1 {
		b.t.Errorf("the person has %d orders: nobody was blocked", asked)
	}
}

// signByCard signs a text by Net iD in the demo app, which shows what proves it, and again when the page is loaded anew or in the other language.
func signByCard(b *tab) {
	b.startSigning()
	b.shows("select")
	b.chooseEID("netid")
	b.choose("this")
	b.shows("app-wait")
	b.hidesText()
	b.inCardApp(".sign")
	b.signed("Astrid Provsson")
	codes := b.codes()
	b.visit(read[string](b, `location.href`))
	b.signed("Astrid Provsson")
	b.click(".foot a")
	b.until(`document.documentElement.lang === 'en'`)
	b.signed("Astrid Provsson")
	if n := b.codes(); n != codes || codes != 1 {
		b.t.Errorf("the demo app got %d codes for a signature that was shown three times, %d for the first", n, codes)
	}
	b.startsLoggedOut()
}

// withoutScriptOfTheApp does what the card app does, whose page needs a script, and goes on by the buttons of pages that need none.
func (b *tab) withoutScriptOfTheApp(ref string) {
	b.t.Helper()
	back := read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('redirect')`)
	if _, err := b.d.cards.sim.Open(ref, astrid); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.d.cards.sim.Sign(ref); err != nil {
		b.t.Fatal(err)
	}
	b.visit(back)
	b.shows("complete")
	b.click(actionButton("done"))
}

// chooseByKeyboard reaches each eID by Tab, and presses one by Enter.
func chooseByKeyboard(b *tab) {
	b.startChoice()
	for range 30 {
		b.do(chromedp.KeyEvent("\t"))
		if read[bool](b, `!!document.activeElement?.href?.endsWith('?method=netid')`) {
			break
		}
	}
	if outline := read[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
		b.t.Error("the eID that has the focus does not show it")
	}
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.querySelector('main')?.dataset.view?.startsWith('choose.netid')`)
	b.speaks("sv", "Logga in med Net iD – Demoappen")
}

// cancelInCardApp declines in the card app; the page says so in the eID's own words, and offers another try.
func cancelInCardApp(b *tab) {
	b.openCardApp()
	page := read[string](b, `location.href`)
	b.inCardApp(".cancel")
	b.eventually("the order is over", func() bool { return !read[bool](b, `!!document.querySelector('.order .cancel')`) })
	b.visit(page)
	b.shows("failed-USER_CANCEL")
	b.speaks("sv", "Du avbröt i Net iD – Demoappen")
	b.choose("this")
	b.shows("app-wait")
	b.inCardApp(".sign")
	b.loggedInByCard()
}

// blockedCard has a card that the service does not accept: the page says what to do, and speaks of no BankID.
func blockedCard(b *tab) {
	if _, err := b.d.cards.sim.SetStatus(b.openCardApp(), "CERTIFICATE_ERR"); err != nil {
		b.t.Fatal(err)
	}
	b.shows("failed-CERTIFICATE_ERR")
	b.speaks("en", "Your card or key cannot be used – Demo app")
	if text := read[string](b, `document.querySelector('main .card').innerText`); strings.Contains(text, "BankID") {
		b.t.Errorf("the page says %q", text)
	}
}

// anotherEID is the way back to the choice of an eID; one to where a person is named looks like it.
const anotherEID = `main form[action$="/choose"]:not(:has([name="device"])) button`

// switchEID goes from an order at Net iD to BankID, from its code back to Net iD, and logs in there; nothing is left of either.
func switchEID(b *tab) {
	first := b.openCardApp()
	b.click(anotherEID)
	b.shows("select")
	b.chooseEID("bankid")
	b.choose("other")
	b.shows("qr-wait")
	frame := b.nextFrame("a QR code", anyFrame)
	b.click(anotherEID)
	b.shows("select")
	b.chooseEID("netid")
	if read[bool](b, `document.querySelector('main').innerText.includes('BankID')`) {
		b.t.Error("the page of Net iD speaks of BankID")
	}
	b.choose("this")
	b.shows("app-wait")
	if second := read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('autostarttoken')`); second == first {
		b.t.Error("the order of before is offered again")
	}
	// Whoever still signs the first order logs nobody in by it.
	if _, err := b.d.cards.sim.Open(first, kim); err == nil {
		if _, err := b.d.cards.sim.Sign(first); err != nil {
			b.t.Fatal(err)
		}
	}
	if _, status := newVisitor(b.t, b.d, androidAgent).tryPhone("scan", map[string]string{"qr": frame, "personalNumber": person}); status == http.StatusOK {
		b.t.Error("the code that was left can still be used")
	}
	b.inCardApp(".sign")
	b.loggedInByCard()
}

// judgeCards goes through the pages of a login by card; axe-core finds nothing on any of them, wide and narrow, light and dark.
func judgeCards(b *tab) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Fatalf("%v; run make needs", err)
	}
	judge := func(name string) { b.t.Helper(); b.judge(name, string(axe)) }
	b.startChoice()
	judge("select")
	b.chooseEID("netid")
	judge("choose")
	b.click(`main .choices a`)
	b.shows("name")
	judge("name")
	b.do(chromedp.SendKeys(chromedp.CSS("#person"), "191212121212"))
	b.click(`main .naming button`)
	b.shows("ask-wait")
	judge("ask-wait")
	b.click(actionButton("start"))
	b.shows("app-wait")
	judge("app-wait")
	ref := read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('autostarttoken')`)
	for _, code := range []string{"STARTED", "USER_SIGN", "INVALID_DEVICESW"} {
		if _, err := b.d.cards.sim.SetStatus(ref, code); err != nil {
			b.t.Fatal(err)
		}
		b.until(`document.querySelector('main')?.dataset.view?.includes('` + code + `')`)
		judge(code)
	}
}

// cardScreens goes through the states of a login by card as one kind of visitor.
func cardScreens(b *tab) {
	b.startChoice()
	b.screen("netid-select")
	b.chooseEID("netid")
	b.screen("netid-choose")
	b.click(`main .choices a`)
	b.shows("name")
	b.screen("netid-name")
	b.allow("422") // what cannot be anybody's number
	b.do(chromedp.SendKeys(chromedp.CSS("#person"), "not a number"))
	b.click(`main .naming button`)
	b.until(`document.querySelector('#person-wrong')`)
	b.screen("netid-name-wrong")
	b.do(chromedp.SetValue(chromedp.CSS("#person"), "191212121212"))
	b.click(`main .naming button`)
	b.shows("ask-wait")
	b.screen("netid-ask-wait")
	b.click(actionButton("start"))
	b.shows("app-wait")
	b.screen("netid-app-wait")
	ref := read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('autostarttoken')`)
	link := read[string](b, `document.querySelector('#launch').href`)
	for _, code := range []string{"STARTED", "USER_SIGN"} {
		if _, err := b.d.cards.sim.SetStatus(ref, code); err != nil {
			b.t.Fatal(err)
		}
		b.until(`document.querySelector('main')?.dataset.view?.includes('` + code + `')`)
		b.screen("netid-" + code)
	}
	for _, code := range []string{"CERTIFICATE_ERR", "START_FAILED"} {
		if _, err := b.d.cards.sim.SetStatus(ref, code); err != nil {
			b.t.Fatal(err)
		}
		b.shows("failed-" + code)
		b.screen("netid-" + code)
		b.choose("this")
		b.shows("app-wait")
		ref = read[string](b, `new URL(document.querySelector('#launch').href).searchParams.get('autostarttoken')`)
		link = read[string](b, `document.querySelector('#launch').href`)
	}
	b.visit(link)
	b.until(`document.querySelector('.order .sign')`)
	b.screen("netid-app")
	b.click(".order .sign")
	b.loggedInByCard()
	b.screen("claims")
}
