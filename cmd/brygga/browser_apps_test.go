package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// relyingApp is an app that knows nothing of brygga but what the console has shown: an ordinary client of OpenID Connect.
type relyingApp struct {
	*httptest.Server
	t      *testing.T
	config oauth2.Config
	issuer string
}

const relyingVerifier = "0123456789-0123456789-0123456789-0123456789"

func newRelyingApp(t *testing.T, issuer string) *relyingApp {
	app := &relyingApp{t: t, issuer: issuer}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, app.config.AuthCodeURL("state", oauth2.S256ChallengeOption(relyingVerifier)), http.StatusFound)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		name, err := app.greet(r.Context(), r.URL.Query())
		w.Header().Set("Content-Type", "text/html")
		if err != nil {
			name = "nobody: " + err.Error()
		}
		w.Write([]byte("<!doctype html><title>app</title><h1>Hello, " + strings.NewReplacer("<", "", "&", "").Replace(name) + "</h1>"))
	})
	app.Server = httptest.NewServer(mux)
	t.Cleanup(app.Close)
	app.URL = strings.Replace(app.URL, "127.0.0.1", "localhost", 1) // the only name that the browser finds
	return app
}

func (a *relyingApp) greet(ctx context.Context, query url.Values) (string, error) {
	provider, err := oidc.NewProvider(ctx, a.issuer)
	if err != nil {
		return "", err
	}
	token, err := a.config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(relyingVerifier))
	if err != nil {
		return "", err
	}
	idToken, err := provider.Verifier(&oidc.Config{ClientID: a.config.ClientID}).Verify(ctx, token.Extra("id_token").(string))
	if err != nil {
		return "", err
	}
	var claims struct {
		Name string `json:"name"`
	}
	return claims.Name, idToken.Claims(&claims)
}

// works reports whether the token endpoint takes the secret: of a code that there is not, it says so.
func (a *relyingApp) works(secret string) bool {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"none"}, "redirect_uri": {a.config.RedirectURL}}
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(a.config.ClientID, secret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusBadRequest
}

// TestConsoleApps follows an app from the form to its end: it is made, tried, logs a person in, gets a second secret while the first works, and is
// switched off, when nobody gets in any more.
func TestConsoleApps(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	app := newRelyingApp(t, d.Issuer)
	owner := newTab(t, newBrowser(t), d, computer.in("en"))
	owner.allow("status of 4", app.URL+"/") // forms that are refused, and the app, which is nobody of ours
	owner.visit(d.link.Address.Reveal())
	owner.heading("Take the account into use")
	owner.choosePassword("account/bootstrap")
	owner.logInByPassword(firstOperator)
	owner.until(`document.querySelector('h1')?.textContent === 'Översikt'`)
	owner.click(`footer a[hreflang=en]`)
	owner.heading("Overview")

	secret := owner.makeApp(app)
	app.config = oauth2.Config{
		ClientID: "the-app", ClientSecret: secret, RedirectURL: app.URL + "/callback", Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: d.Issuer + "/authorize", TokenURL: d.Issuer + "/token"},
	}
	owner.tryApp()
	owner.enterApp(app)

	owner.visit(d.AdminURL + "/admin/clients/the-app/secrets")
	owner.send("clients/the-app/secrets")
	second := owner.secretShown()
	if second == secret || !app.works(secret) || !app.works(second) || app.works("another") {
		t.Error("the two secrets do not work beside each other")
	}

	owner.visit(d.AdminURL + "/admin/clients/the-app")
	owner.send("clients/the-app/state")
	owner.until(`document.activeElement.matches('.faults')`)
	owner.fill("reason", "moves to another host")
	owner.send("clients/the-app/state")
	owner.until(`document.querySelector('#what-ends') && document.querySelector('[name=reason]').value === 'moves to another host'`)
	owner.send("clients/the-app/state")
	owner.until(`document.body.innerText.includes('The app is off: nobody can log in to it.')`)
	if app.works(secret) || app.works(second) {
		t.Error("an app that is off is taken for one")
	}
	owner.visit(app.URL + "/login")
	owner.until(`document.readyState === 'complete' && !document.body.innerText.includes('Hello')`)
	owner.eventually("the person is told that the app is unknown", func() bool { return strings.HasPrefix(owner.read(`location.href`), d.Issuer+"/authorize") })

	owner.visit(d.AdminURL + "/admin/clients/the-app/history")
	owner.until(`document.body.innerText.includes('moves to another host') && document.body.innerText.includes('New secret')`)
	owner.visit(d.AdminURL + "/admin/clients/the-app/remove")
	owner.fill("id", "the-app")
	owner.send("clients/the-app/remove")
	owner.until(`document.querySelector('.flash')?.textContent === 'the-app is removed.'`)
}

func (b *tab) read(expression string) string { b.t.Helper(); return read[string](b, expression) }

// makeApp fills in the form for a new app, once wrongly, and returns the secret that is shown.
func (b *tab) makeApp(app *relyingApp) string {
	b.t.Helper()
	b.visit(b.d.AdminURL + "/admin/clients/+new")
	b.fill("name", "The App")
	b.click(`button[value=on]`)
	b.until(`document.activeElement.matches('.faults') && document.querySelector('[name=name]').value === 'The App'`)
	b.fill("app", app.URL)
	b.click(`button[value=on]`)
	b.until(`document.querySelector('[name=redirect_uris]:not([type=hidden])')?.value.trim() === ` + strconv.Quote(app.URL+"/callback"))
	b.fill("post_logout_redirect_uris", "\njavascript:alert(1)")
	b.click(`button[value=on]`)
	b.until(`document.querySelector('#fault-post_logout_redirect_uris')?.textContent.includes('is a script') && document.activeElement.matches('.faults')`)
	if typed := b.read(`document.querySelector('#field-post_logout_redirect_uris').value`); !strings.Contains(typed, "javascript:alert(1)") {
		b.t.Errorf("what was typed is gone: %q", typed)
	}
	b.run(`document.querySelector('#field-post_logout_redirect_uris').value = ''`)
	b.click(`button[value=on]`)
	b.until(`document.querySelector('[name=personal_number]')?.type === 'checkbox'`)
	b.click(`button[value=on]`)
	b.until(`document.body.innerText.includes('Nothing is stored yet')`)
	b.click(`button[value=on]`)
	return b.secretShown()
}

var shownSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func (b *tab) secretShown() string {
	b.t.Helper()
	b.until(`document.querySelector('#secret')?.readOnly`)
	value := b.read(`document.querySelector('#secret').value`)
	if !shownSecret.MatchString(value) {
		b.t.Errorf("the secret is %q", value)
	}
	return value
}

// tryApp has the operator log in to the app on trial, as a person of the simulator.
func (b *tab) tryApp() {
	b.t.Helper()
	b.visit(b.d.AdminURL + "/admin/clients/the-app/try")
	b.send("clients/the-app/try")
	b.identify()
	b.until(`document.body.innerText.includes('The login came about') && document.body.innerText.includes('personalNumber')`)
	if path := b.read(`location.pathname`); path != "/admin/clients/+try/finish" {
		b.t.Errorf("the trial ended at %s", path)
	}
	b.reload()
	b.heading("The trial is over")
}

// enterApp logs a person in to the app itself.
func (b *tab) enterApp(app *relyingApp) {
	b.t.Helper()
	b.visit(app.URL + "/login")
	b.identify()
	b.until(`document.querySelector('h1')?.textContent.startsWith('Hello, ') && !document.querySelector('h1').textContent.includes('nobody')`)
}

// identify takes the hosted page from the choice of a device to its end.
func (b *tab) identify() {
	b.t.Helper()
	b.shows("choose")
	b.choose("other")
	b.shows("qr-wait")
	b.sign(b.scan())
}
