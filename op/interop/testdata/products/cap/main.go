// An app on hashicorp/cap, the library by which Vault, Boundary, Nomad and Consul log people in.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/cap/oidc"
)

var (
	issuer, home, clientID = os.Getenv("ISSUER"), os.Getenv("APP"), os.Getenv("CLIENT_ID")
	callback               = home + "/callback"
	sessions, requests     sync.Map
)

func main() {
	config, err := oidc.NewConfig(issuer, clientID, oidc.ClientSecret(os.Getenv("CLIENT_SECRET")), []oidc.Alg{oidc.RS256}, []string{callback})
	if err != nil {
		log.Fatal(err)
	}
	provider, err := oidc.NewProvider(config)
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Done()
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, r, provider) })
	http.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) { finish(w, r, provider) })
	http.HandleFunc("GET /goodbye", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) })
	http.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("app"); err == nil {
			sessions.Delete(cookie.Value)
		}
		query := url.Values{"client_id": {clientID}, "post_logout_redirect_uri": {home + "/goodbye"}}
		http.Redirect(w, r, issuer+"/logout?"+query.Encode(), http.StatusSeeOther)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func show(w http.ResponseWriter, r *http.Request, provider *oidc.Provider) {
	if cookie, err := r.Cookie("app"); err == nil {
		if claims, ok := sessions.Load(cookie.Value); ok {
			json.NewEncoder(w).Encode(claims)
			return
		}
	}
	verifier, err := oidc.NewCodeVerifier()
	if err != nil {
		log.Fatal(err)
	}
	request, err := oidc.NewRequest(15*time.Minute, callback, oidc.WithPKCE(verifier), oidc.WithScopes("profile"))
	if err != nil {
		log.Fatal(err)
	}
	address, err := provider.AuthURL(context.WithoutCancel(r.Context()), request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	requests.Store(request.State(), request)
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func finish(w http.ResponseWriter, r *http.Request, provider *oidc.Provider) {
	found, _ := requests.LoadAndDelete(r.FormValue("state"))
	request, ok := found.(*oidc.Req)
	if !ok {
		http.Error(w, "not started here", http.StatusBadRequest)
		return
	}
	tokens, err := provider.Exchange(r.Context(), request, r.FormValue("state"), r.FormValue("code"))
	claims := map[string]any{}
	if err == nil {
		err = tokens.IDToken().Claims(&claims)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	session := request.Nonce()
	sessions.Store(session, claims)
	http.SetCookie(w, &http.Cookie{Name: "app", Value: session, Path: "/", HttpOnly: true})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
