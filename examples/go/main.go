// A web app with BankID login, on go-oidc and x/oauth2.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var (
	issuer   = cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080")
	clientID = cmp.Or(os.Getenv("CLIENT_ID"), "my-app")
	port     = cmp.Or(os.Getenv("PORT"), "3000")
	home     = cmp.Or(os.Getenv("APP"), "http://localhost:"+port)

	sessions sync.Map // from the session cookie to a person; a real app has a store, and lets sessions end
	page     = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>My app</title>
{{if .Person}}<p>Hello, {{.Person.Name}}. Your personal number is {{.Person.PersonalNumber}}.</p>
<form method="post" action="/logout"><button>Log out</button></form>
{{else}}<p>{{.Note}}</p><p><a href="/login">Log in with BankID</a></p>{{end}}</html>`))
)

type person struct {
	Subject        string `json:"sub"`
	Name           string `json:"name"`
	PersonalNumber string `json:"personalNumber"`
}

func main() {
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // as registered; otherwise x/oauth2 tries one and then the other
	a := &app{provider, &oauth2.Config{
		ClientID: clientID, ClientSecret: os.Getenv("CLIENT_SECRET"), Endpoint: endpoint,
		RedirectURL: home + "/callback", Scopes: []string{oidc.ScopeOpenID, "profile"},
	}}
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, who(r), "") })
	http.HandleFunc("GET /login", a.login)
	http.HandleFunc("GET /callback", a.callback)
	http.HandleFunc("POST /logout", a.logout)
	log.Printf("open %s/", home)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}

type app struct {
	provider *oidc.Provider
	oauth    *oauth2.Config
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	setCookie(w, "login", url.Values{"state": {state}, "nonce": {nonce}, "verifier": {verifier}}.Encode(), 900)
	http.Redirect(w, r, a.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	cookie, _ := r.Cookie("login")
	setCookie(w, "login", "", -1)
	if cookie == nil {
		cookie = &http.Cookie{}
	}
	login, _ := url.ParseQuery(cookie.Value)
	if state := login.Get("state"); state == "" || r.FormValue("state") != state || r.FormValue("iss") != issuer {
		show(w, nil, "This login was not started here.")
		return
	}
	if r.FormValue("error") == "access_denied" {
		show(w, nil, "You were not logged in. Nothing has happened.")
		return
	}
	p, err := a.redeem(r.Context(), r.FormValue("code"), login)
	if err != nil {
		log.Print(err)
		show(w, nil, "The login did not work.")
		return
	}
	session := rand.Text()
	sessions.Store(session, p)
	setCookie(w, "session", session, 3600)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem exchanges the code for an ID token and returns who it is about.
func (a *app) redeem(ctx context.Context, code string, login url.Values) (*person, error) {
	tokens, err := a.oauth.Exchange(ctx, code, oauth2.VerifierOption(login.Get("verifier")))
	if err != nil {
		return nil, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := a.provider.VerifierContext(ctx, &oidc.Config{ClientID: clientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if token.Nonce != login.Get("nonce") {
		return nil, errors.New("the ID token belongs to another login")
	}
	p := new(person)
	return p, token.Claims(p)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie("session"); err == nil {
		sessions.Delete(cookie.Value)
	}
	setCookie(w, "session", "", -1)
	query := url.Values{"client_id": {clientID}, "post_logout_redirect_uri": {home + "/"}}
	http.Redirect(w, r, issuer+"/logout?"+query.Encode(), http.StatusSeeOther)
}

func who(r *http.Request) *person {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil
	}
	p, _ := sessions.Load(cookie.Value)
	found, _ := p.(*person)
	return found
}

func setCookie(w http.ResponseWriter, name, value string, life int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: life, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: home[:5] == "https",
	})
}

func show(w http.ResponseWriter, p *person, note string) {
	page.Execute(w, map[string]any{"Person": p, "Note": note})
}
