package bankidsim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPhoneInABrowser follows a launch link on the page itself, as only a browser can show: the page's own policy lets
// its script run, the person is asked for, a wrong code is refused, and the app goes to the return address.
func TestPhoneInABrowser(t *testing.T) {
	arrived := make(chan string, 1)
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			arrived <- r.URL.RawQuery
		}
	}))
	defer back.Close()
	r := newRig(t, Options{})
	phone := httptest.NewServer(r.Phone())
	defer phone.Close()
	o := r.start("auth", `{"endUserIp":"127.0.0.1","userVisibleData":"PGltZyBzcmM9eCBvbmVycm9yPWFsZXJ0KDEpPg==","returnUrl":"`+back.URL+`/back?n=1"}`)

	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(options, chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancelTab := chromedp.NewContext(ctx)
	defer cancelTab()
	ctx, cancelTime := context.WithTimeout(ctx, 60*time.Second)
	defer cancelTime()

	if err := chromedp.Do(ctx,
		chromedp.Navigate(phone.URL+"/?autostarttoken="+o.AutoStartToken+"&redirect=null"),
		chromedp.Click(`[data-person="`+asa+`"]`),
		chromedp.WaitVisible("#code"),
		chromedp.SendKeys("#code", WrongCode),
		chromedp.Click("#approve-button"),
		chromedp.WaitVisible("#message"),
	); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById('order-text').textContent + '|' + document.getElementById('order-rp').textContent + '|' + location.search`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `<img src=x onerror=alert(1)>|Brygga (test)|`; text != want {
		t.Errorf("the page shows %q, want %q: texts as text, and no token in the address", text, want)
	}
	if err := chromedp.Do(ctx, chromedp.SendKeys("#code", "123456"), chromedp.Click("#approve-button")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-arrived:
		if got != "n=1" {
			t.Errorf("the app opened ?%s", got)
		}
	case <-ctx.Done():
		t.Fatal("the app never opened the return address")
	}
	r.wantOutcome(o.OrderRef, "complete/")
}
