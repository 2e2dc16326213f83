package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	cdpfetch "github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"brygga/bankid/bankidsim"
)

// toSign is what people sign here. No page of ours may show it, but the demo app's.
const toSign = "Jag säljer min röda cykel.\nPris: 1 000 kr"

// signWords are texts of the hosted page when something is to be signed.
var signWords = map[string]words{
	"sv": {"Skriv under med BankID – Demoappen", "Skanna QR-koden – Demoappen", "Läs och skriv under i BankID-appen – Demoappen", "Avbryt"},
	"en": {"Sign with BankID – Demo app", "Scan the QR code – Demo app", "Read the text and sign – Demo app", "Cancel"},
}

// startSigning goes from the demo app to the hosted page with the text.
func (b *tab) startSigning() {
	b.t.Helper()
	b.visit(b.d.DemoURL + "/")
	if b.as.language != "" {
		b.demoSpeaks(b.as.language)
	}
	text, err := json.Marshal(toSign)
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(`document.querySelector('#text').value = ` + string(text) + `, undefined`)
	b.click("#sign")
}

// hidesText wants no word of what is to be signed on the page: the app alone shows it, once it has the right person.
func (b *tab) hidesText() {
	b.t.Helper()
	if read[bool](b, `document.documentElement.outerHTML.includes('cykel')`) {
		b.t.Error("the page shows the text")
	}
}

// signed waits for the demo app's page of what was signed. Nobody is logged in by it.
func (b *tab) signed(name string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete' && document.querySelector('#signed-text')`)
	if text := read[string](b, `document.querySelector('#signed-text').textContent`); text != toSign {
		b.t.Errorf("the demo app shows %q", text)
	}
	if lead := read[string](b, `document.querySelector('.lead').textContent`); !strings.Contains(lead, name) {
		b.t.Errorf("signed by %q, want %s", lead, name)
	}
	for _, proof := range []string{"certificate", "revocation", "seal"} {
		if text := read[string](b, `document.querySelector('#proof-`+proof+`')?.textContent ?? ''`); text == "" {
			b.t.Errorf("the demo app shows no %s", proof)
		}
	}
}

// startsLoggedOut goes to the demo app's start, which knows nobody.
func (b *tab) startsLoggedOut() {
	b.t.Helper()
	b.visit(b.d.DemoURL + "/")
	b.until(`document.querySelector('#login') && !document.querySelector('#claims')`)
}

// signByPicture signs by the QR code on the screen. The page says that it is a signature, and whose; the app shows the text to the letter.
func signByPicture(language string) func(b *tab) {
	return func(b *tab) {
		b.as.language = language
		w := signWords[language]
		b.startSigning()
		b.shows("choose")
		b.speaks(language, w.choose)
		b.hidesText()
		b.choose("other")
		b.shows("qr-wait")
		b.speaks(language, w.scan)
		order := b.scan()
		b.speaks(language, w.confirm)
		b.hidesText()
		if order.VisibleText != toSign || order.Kind != "sign" {
			b.t.Errorf("the app shows %q, to %s", order.VisibleText, order.Kind)
		}
		b.sign(order)
		b.signed("Åsa Märta Elin Öberg-Ström")
		b.startsLoggedOut()
	}
}

// signOnThisDevice signs in the app on the device, which leads back.
func signOnThisDevice(b *tab) {
	b.startSigning()
	b.shows("choose")
	b.choose("this")
	b.shows("app-wait")
	b.hidesText()
	b.click("#launch")
	b.until(`location.href === '` + b.d.PhoneURL + `/' && document.body.innerText.includes(` + strconv.Quote(toSign) + `)`)
	b.click("#approve-button")
	b.until(`document.querySelector('#signed-text')`)
	if text := read[string](b, `document.querySelector('#signed-text').textContent`); text != toSign {
		b.t.Errorf("the demo app shows %q", text)
	}
}

// cancelSignature cancels in the app and then on the page, and the demo app says that nothing was signed.
func cancelSignature(b *tab) {
	b.startSigning()
	b.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	if _, err := b.d.sim.Cancel(b.scan().OrderRef, person); err != nil {
		b.t.Fatal(err)
	}
	b.shows("failed-userCancel")
	if text := read[string](b, `document.querySelector('main').innerText`); !strings.Contains(text, "Nothing has been signed") {
		b.t.Errorf("the page says %q", text)
	}
	b.click(actionButton("leave"))
	b.unsigned("access_denied", "Nothing was signed")
}

// unsigned waits for the demo app's page about an error.
func (b *tab) unsigned(code, title string) {
	b.t.Helper()
	b.until(`document.querySelector('#error')?.textContent === '` + code + `'`)
	if h := read[string](b, `document.querySelector('h1').textContent`); h != title {
		b.t.Errorf("the demo app says %q", h)
	}
}

// anotherPersonSigns names who must sign. The app of another shows the text to nobody, and that of the right one goes on.
func anotherPersonSigns(b *tab) {
	people := b.d.sim.People()
	required := people[slices.IndexFunc(people, func(p bankidsim.Person) bool { return p.GivenName == "Erik Johan" })]
	b.changeRequests(func(values url.Values) {
		values.Set("claims", strings.Replace(values.Get("claims"), `{"id_token":{`, `{"id_token":{"personalNumber":{"essential":true,"value":"`+required.PersonalNumber+`"},`, 1))
	})
	b.startSigning()
	b.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	phone := newVisitor(b.t, b.d, androidAgent)
	b.eventually("the phone of another person is refused", func() bool {
		order, status := phone.tryPhone("scan", map[string]string{"qr": b.nextFrame("a QR code", anyFrame), "personalNumber": person})
		return status == http.StatusConflict && order.VisibleText == ""
	})
	b.eventually("the right phone takes the code", func() bool {
		order, status := phone.tryPhone("scan", map[string]string{"qr": b.nextFrame("a QR code", anyFrame), "personalNumber": required.PersonalNumber})
		if status != http.StatusOK {
			return false
		}
		phone.phone("orders/"+order.OrderRef+"/sign", nil)
		return true
	})
	b.signed(required.GivenName)
}

// changedTexts have the text changed: on the way to the provider, and in what comes back from BankID. Nothing is signed by either.
func changedTexts(b *tab) {
	b.trouble(bankidsim.Chaos{Attacks: []string{bankidsim.AttackTamperedData}})
	b.startSigning()
	b.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	b.sign(b.scan())
	b.shows("failed-unusable")
	b.click(actionButton("leave"))
	b.unsigned("access_denied", "Nothing was signed")

	b.changeRequests(func(values url.Values) {
		const param = "https://id.oidc.se/param/signRequest"
		parts := strings.Split(values.Get(param), ".")
		parts[1] = parts[1][:40] + string('A'+(parts[1][40]-'A'+1)%26) + parts[1][41:]
		values.Set(param, strings.Join(parts, "."))
	})
	b.startSigning()
	b.unsigned("invalid_request", "Nothing was signed")
}

// changeRequests changes the auth requests that the browser carries, as somebody on the way could.
func (b *tab) changeRequests(change func(url.Values)) {
	b.t.Helper()
	paused := chromedp.Events(b.ctx, cdpfetch.RequestPaused)
	go func() {
		for event, err := range paused {
			if err != nil {
				return
			}
			address, _ := url.Parse(event.Request.URL)
			values := address.Query()
			change(values)
			address.RawQuery = values.Encode()
			_, _ = chromedp.Call(b.ctx, cdpfetch.ContinueRequest, cdpfetch.ContinueRequestParams{RequestID: event.RequestID, URL: address.String()})
		}
	}()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdpfetch.Enable, cdpfetch.EnableParams{Patterns: []*cdpfetch.RequestPattern{{URLPattern: b.d.Issuer + "/authorize?*"}}})
		return err
	}))
}

// signScreens goes through the states of a signature as one kind of visitor, has axe-core judge each, and keeps pictures if asked to.
func signScreens(b *tab) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Fatalf("%v; run make needs", err)
	}
	look := func(name string) { b.t.Helper(); b.screen("sign-" + name); b.judge("signature, "+name, string(axe)) }
	b.visit(b.d.DemoURL + "/")
	b.demoSpeaks(b.as.language)
	b.startSigning()
	b.shows("choose")
	look("choose")
	b.choose("this")
	b.shows("app-wait")
	look("app-wait")
	b.click(actionButton("cancel"))
	b.shows("failed-stopped")
	look("failed")
	b.click(deviceButton("other"))
	b.shows("qr-wait")
	look("qr-wait")
	order := b.scan()
	b.shows("confirm")
	look("confirm")
	phone := b.another()
	phone.visit(b.d.PhoneURL + "/?lang=" + b.as.language)
	phone.until(`document.readyState === 'complete'`)
	phone.screen("sign-phone")
	phone.judge("phone, a signature waits", string(axe))
	b.sign(order)
	b.signed("Åsa")
	b.screen("claims") // the signature may take scrolling down, as claims may
	b.judge("demo, signed", string(axe))
}
