package bankidsim

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPhoneTellsOrdersApart: a signature and an order by telephone are told as such before they are opened and in the app, a call is asked about first,
// and of a text's marks those are shown that the real app shows.
func TestPhoneTellsOrdersApart(t *testing.T) {
	const text = "# Avtal\n\n**Hyra:** 9 000 kr\n\n+ Kök\n+ Bad\n\n| Post | Kr |\n|---|---|\n| Hyra | 9 000 |\n\n---\nHej"
	members := fmt.Sprintf(`"userVisibleData":%q,"userVisibleDataFormat":"simpleMarkdownV1"`, base64.StdEncoding.EncodeToString([]byte(text)))
	for _, tt := range []struct{ kind, body, title, asks string }{
		{"sign", `{"endUserIp":"192.0.2.1",` + members + `}`, "A signature is waiting", "wants you to sign"},
		{"phone/auth", `{"personalNumber":"` + asa + `","callInitiator":"RP",` + members + `}`, "You are on the phone", "on the phone, wants you to identify yourself"},
		{"phone/sign", `{"personalNumber":"` + asa + `","callInitiator":"user",` + members + `}`, "You are on the phone", "on the phone, wants you to sign"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			r := newRig(t, Options{})
			phone := httptest.NewServer(r.Phone())
			defer phone.Close()
			o := r.start(tt.kind, tt.body)
			ctx := browser(t, chromedp.Flag("accept-lang", "en"))
			read := func(expression string) string {
				t.Helper()
				value, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
				if err != nil {
					t.Fatal(err)
				}
				return value
			}
			if err := chromedp.Do(ctx, chromedp.Navigate(phone.URL+"/"), chromedp.WaitVisible("#waiting-list button")); err != nil {
				t.Fatal(err)
			}
			if got := read(`document.querySelector('#home-title').textContent`); got != tt.title {
				t.Errorf("the title is %q", got)
			}
			if got := read(`document.querySelector('#waiting-list .asks b + span').textContent`); got != tt.asks {
				t.Errorf("the card says %q", got)
			}
			steps := chromedp.Steps(chromedp.Click("#waiting-list button"), chromedp.WaitVisible("#order-text h3"))
			call := strings.HasPrefix(tt.kind, "phone/")
			if call {
				steps = chromedp.Steps(steps, chromedp.WaitVisible("#call button"), chromedp.Click("#call button"))
			}
			if err := chromedp.Do(ctx, steps, chromedp.WaitVisible("#approve-button")); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "Sign a text for / Sign", false: "Identify yourself to / Identify"}[strings.HasSuffix(tt.kind, "sign")]
			if got := read(`document.querySelector('#order-kind').textContent + ' / ' + document.querySelector('#approve-button').textContent`); got != want {
				t.Errorf("the app says %q", got)
			}
			if got := read(`[...document.querySelector('#order-text').children].map((e) => e.tagName + ' ' + e.textContent).join(', ')`); got !=
				"H3 Avtal, P Hyra: 9 000 kr, UL KökBad, TABLE PostKrHyra9 000, HR , P Hej" {
				t.Errorf("the text is shown as %q", got)
			}
			if err := chromedp.Do(ctx, chromedp.Click("#approve-button"), chromedp.WaitVisible("#done-close")); err != nil {
				t.Fatal(err)
			}
			r.wantOutcome(o.OrderRef, "complete/")
		})
	}
}
