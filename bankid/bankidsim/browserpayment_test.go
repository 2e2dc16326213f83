package bankidsim

import (
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPhoneShowsPayments: what is paid, to whom and with which warning is shown before anybody approves, in both languages, and each text only as a text.
func TestPhoneShowsPayments(t *testing.T) {
	const card = `"userVisibleTransaction":{"transactionType":"card","recipient":{"name":"<b>Cykelboden</b>"},"money":{"amount":"4999,50","currency":"SEK"},"riskWarning":"Ovanligt stort belopp"}`
	const none = `"userVisibleTransaction":{"transactionType":"npa","recipient":{"name":"Banken"}},"userVisibleData":"SGVq"`
	for _, tt := range []struct {
		name, language, call, body                    string
		title, asks, kind, paid, warning, text, press string
	}{
		{"card-sv", "sv", "payment", `{"endUserIp":"192.0.2.1",` + card + `}`,
			"En betalning väntar", "vill att du godkänner en betalning", "Godkänn en betalning hos", "Belopp|4999,50 SEK|Mottagare|<b>Cykelboden</b>", "Ovanligt stort belopp", "", "Godkänn"},
		{"card-en", "en", "payment", `{"endUserIp":"192.0.2.1",` + card + `}`,
			"A payment is waiting", "wants you to approve a payment", "Approve a payment for", "Amount|4999,50 SEK|Recipient|<b>Cykelboden</b>", "Ovanligt stort belopp", "", "Approve"},
		{"none-sv", "sv", "payment", `{"endUserIp":"192.0.2.1",` + none + `}`,
			"Ett godkännande väntar", "vill ha ditt godkännande", "Godkänn hos", "Mottagare|Banken", "", "Hej", "Godkänn"},
		{"pushed-en", "en", "other/payment", `{"personalNumber":"` + asa + `",` + none + `}`,
			"An approval is waiting", "wants your approval", "Approve for", "Recipient|Banken", "", "Hej", "Approve"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			phone := httptest.NewServer(r.Phone())
			defer phone.Close()
			o := r.start(tt.call, tt.body)
			ctx := browser(t)
			wants := func(what, expression, want string) {
				t.Helper()
				if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression)); err != nil || got != want {
					t.Errorf("%s is %q, want %q: %v", what, got, want, err)
				}
			}
			shown := func(id string) string {
				return `(e => e.hidden ? '' : e.textContent)(document.querySelector('#` + id + `'))`
			}
			if err := chromedp.Do(ctx, chromedp.Navigate(phone.URL+"/?lang="+tt.language), chromedp.WaitVisible("#waiting-list button")); err != nil {
				t.Fatal(err)
			}
			wants("the title", shown("home-title"), tt.title)
			wants("the card", `document.querySelector('#waiting-list .asks b + span').textContent`, tt.asks)
			if err := chromedp.Do(ctx, chromedp.Click("#waiting-list button"), chromedp.WaitVisible("#approve-button")); err != nil {
				t.Fatal(err)
			}
			wants("the kind", shown("order-kind"), tt.kind)
			wants("what is paid", `[...document.querySelector('#order-paid').children].map((e) => e.textContent).join('|')`, tt.paid)
			wants("the warning", shown("order-warning"), tt.warning)
			wants("the text", shown("order-text"), tt.text)
			wants("the button", shown("approve-button"), tt.press)
			if err := chromedp.Do(ctx, chromedp.Click("#approve-button"), chromedp.WaitVisible("#done-close")); err != nil {
				t.Fatal(err)
			}
			r.wantOutcome(o.OrderRef, "complete/")
		})
	}
}
