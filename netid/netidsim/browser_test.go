package netidsim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"brygga/web/browsertest"
)

// axeFile is axe-core, which `make needs` installs.
const axeFile = "../../templates/testdata/axe/node_modules/axe-core/axe.min.js"

// browser starts Chromium with one tab, which the context is for; it ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), browsertest.Options()...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancelTime := context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancelTime)
	return ctx
}

// TestAppInABrowser follows a launch link on the page itself, as only a browser can show: the page's own policy lets its script run, a text is shown
// as text, the token does not stay in the address, and the app goes back where the link says. axe-core finds nothing in it.
func TestAppInABrowser(t *testing.T) {
	arrived := make(chan string, 1)
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			arrived <- r.URL.RawQuery
		}
	}))
	defer back.Close()
	s, service := newSimulator(t, Options{})
	app := httptest.NewServer(s.App())
	defer app.Close()
	for _, id := range []string{"", "198507309865"} {
		sign := `<Sign xmlns="http://netid.secmaker.com/nias/"><personalNumber>` + id + `</personalNumber><userVisibleData>&lt;img src=x onerror=alert(1)&gt;</userVisibleData></Sign>`
		if status, body := send(t, service, "text/xml", `"http://netid.secmaker.com/nias/Sign"`, message(namespace11, sign)); status != http.StatusOK {
			t.Fatal(body)
		}
	}
	token := s.Orders()[1].OrderRef

	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(app.URL+"/?lang=sv&autostarttoken="+token+"&redirect="+url.QueryEscape(back.URL+"/back?n=1")), chromedp.WaitVisible(".sign")); err != nil {
		t.Fatal(err)
	}
	const state = `[...document.querySelectorAll('.order')].map((o) => o.querySelector('.text').textContent).join('+') + '|' + location.search + '|' + document.documentElement.lang`
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](state)); err != nil || got != "<img src=x onerror=alert(1)>|?lang=sv|sv" {
		t.Errorf("the page shows %q, %v", got, err)
	}
	if found := axe(t, ctx); found != "" {
		t.Errorf("axe-core finds %s", found)
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('label').remove(), 0`)); err != nil {
		t.Fatal(err)
	}
	if axe(t, ctx) == "" {
		t.Error("axe-core finds nothing in a page that breaks the rules")
	}
	if err := chromedp.Do(ctx, chromedp.Click(".sign")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-arrived:
		if got != "n=1" {
			t.Errorf("the app opened ?%s", got)
		}
	case <-ctx.Done():
		t.Fatal("the app never went back")
	}
	if o, err := s.Order(token); err != nil || o.Status != complete || o.Holder != "199001012385" {
		t.Errorf("the order is %s, by %s, %v", o.Status, o.Holder, err)
	}
}

// axe returns what axe-core holds against the page.
func axe(t *testing.T, ctx context.Context) string {
	t.Helper()
	script, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatal(err)
	}
	const judge = `axe.run(document, { preload: false }).then((r) => r.violations.map((v) => v.id + ' ' + v.nodes.map((n) => n.html).join(' ')).join('; '))`
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](string(script)+";0")); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](judge, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(found)
}
