package interop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"brygga/web/browsertest"
)

const spaName = "Sidan"

// tab is a tab of Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// tokens are what the app in the page has.
type tokens struct {
	Claims         map[string]any
	Token, Refresh string
}

// oidcClientTS runs a public client in a real browser: what it fetches from the provider is another origin's.
func oidcClientTS(t *testing.T, p *provider) {
	library := filepath.Join("node_modules", "oidc-client-ts", "dist", "browser", "oidc-client-ts.min.js")
	if _, err := os.Stat(library); err != nil {
		t.Fatal("the client of package.json is not installed: make needs")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/spa.html") })
	mux.HandleFunc("/spa.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/spa.js") })
	mux.HandleFunc("/oidc-client-ts.min.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	p.register(t, "spa", "--name", spaName, "--public", "--redirect-uri", app.URL+"/callback", "--post-logout-redirect-uri", app.URL+"/goodbye",
		"--scope", "profile,offline_access")
	b, v := newTab(t), p.newBrowser(t)

	v.logInAt(b, app.URL, offlineScope)
	user := read[tokens](b, "app.user")
	v.wantClaims(user.Claims)
	renewed := read[tokens](b, "app.renew()")
	if renewed.Token == user.Token || renewed.Refresh == user.Refresh || renewed.Claims["sub"] != user.Claims["sub"] {
		t.Errorf("renewing brought nothing new: %v", renewed.Claims)
	}
	b.want("app.userinfo('"+renewed.Token+"')", 200.0)
	b.want("app.revoke()", true)
	b.want("app.userinfo('"+renewed.Token+"')", 401.0)
	b.want("app.refused('"+renewed.Refresh+"')", "invalid_grant")

	v.logInAt(b, app.URL, "openid")
	user = read[tokens](b, "app.user")
	read[any](b, "app.logOut(), true")
	b.until("window.app && app.out || document.querySelector('form[action=\"/logout/confirm\"]')")
	if strings.HasPrefix(read[string](b, "location.href"), p.issuer) {
		b.click(`form[action="/logout/confirm"] button`)
	}
	b.until("window.app && app.out")
	b.want("app.userinfo('"+user.Token+"')", 401.0)
}

// logInAt logs the browser's person in to the app: the hosted page is in the tab, the person's phone scans it.
func (v *browser) logInAt(b *tab, app, scope string) {
	v.t.Helper()
	b.do(chromedp.Navigate(app + "/#" + v.issuer))
	b.until("window.app")
	read[any](b, "app.logIn('"+scope+"'), true")
	v.scanAt(b, spaName)
	b.until("window.app && (app.user || app.fault)")
	if fault := read[string](b, "app.fault || ''"); fault != "" {
		v.t.Fatalf("the app says %s", fault)
	}
}

// scanAt logs the browser's person in at the hosted page in the tab, for the client of that name.
func (v *browser) scanAt(b *tab, client string) {
	v.t.Helper()
	b.until(`document.querySelector('main form:has(input[value="other"]) button')`)
	b.click(`main form:has(input[value="other"]) button`)
	b.until(`document.querySelector('main[data-view="qr-wait"]')`)
	order := v.orderOf(client)
	v.tell(v.t, "scan", map[string]string{"orderRef": order, "personalNumber": v.person}, new(any))
	v.tell(v.t, "orders/"+order+"/sign", map[string]string{}, new(any))
}

// orderOf returns the order of which the BankID app would say that it is for the client.
func (v *browser) orderOf(client string) string {
	v.t.Helper()
	var all []struct{ OrderRef, VisibleText string }
	response, err := http.Get(v.phone + "/api/orders?state=pending")
	decode(v.t, response, err, &all)
	for _, order := range all {
		if strings.Contains(order.VisibleText, client) {
			return order.OrderRef
		}
	}
	v.t.Fatalf("no order is for %s: %v", client, all)
	return ""
}

// newTab opens a tab of a browser that finds no host but this one.
func newTab(t *testing.T) *tab {
	t.Helper()
	allocator, end := chromedp.NewExecAllocator(context.Background(), browsertest.Options()...)
	t.Cleanup(end)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &tab{t, ctx}
}

func (b *tab) do(step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, step); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) click(selector string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(selector))) }

// read returns the value of an expression in the page, once its promise is kept.
func read[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func (b *tab) want(expression string, want any) {
	b.t.Helper()
	if got := read[any](b, expression); got != want {
		b.t.Errorf("%.40s = %v, want %v", expression, got, want)
	}
}

// until waits for the expression to be true in the page, across loads.
func (b *tab) until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(25 * time.Millisecond) {
		ctx, end := context.WithTimeout(b.ctx, 2*time.Second)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		end()
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("never came true: %s at %s", expression, read[string](b, "location.origin + location.pathname + document.body.innerText"))
		}
	}
}
