package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/cmd/brygga/config"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/storage"
)

// Levels of the test: what cards are worth, and what keys in phones are.
const (
	levelCard   = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
	levelMobile = "http://id.elegnamnden.se/loa/1.0/loa2"
)

// TestLevelsOfCardsAndPhones goes by Net iD Access from an app to its ID token, with a card and with a key in a phone, which are of two authorities: what the login
// was worth, by which means and by whom it was, hangs on the certificate.
func TestLevelsOfCardsAndPhones(t *testing.T) {
	t.Parallel()
	const provider = "https://id.oidc.se/claim/authnProvider"
	d := newDev(t, func(o *devOptions) {
		o.netid = true
		o.testOnlyConfig = func(c *config.Config) {
			c.Methods = []config.Method{{Name: "bankid", ACRValues: []string{levelCard}}, {Name: netidlogin.Name, ACRValues: []string{levelCard, levelMobile}}}
			c.Tokens.ACR = levelCard
			c.NetID.Issuers = []config.NetIDIssuer{
				{Name: "Bryggans prov card CA", ACRValues: []string{levelCard}, AMR: []string{"sc", "pin", "mfa"}},
				{Name: "Bryggans prov mobile CA", ACRValues: []string{levelMobile}, AMR: []string{"hwk", "pin"}, AuthnProvider: "https://login.example.se/authn/phone"},
			}
		}
	})
	const mira = "199001022384"
	if _, err := d.cards.sim.AddUser(netidsim.User{ID: mira, GivenName: "Mira", Surname: "Mobil", Mobile: true}); err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	if err := d.server.store.CreateClient(t.Context(), storage.Client{
		ID: "levels", Name: "Nivåerna", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{app.URL + "/cb"}, IDTokenAlg: storage.ES256,
		SubjectType: storage.SubjectPublic, Methods: []string{netidlogin.Name},
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, person string
		ask          url.Values
		acr          string
		amr          []any
		provider     string
		fault        string
	}{
		{"a card", astrid, nil, levelCard, []any{"sc", "pin", "mfa"}, d.Issuer + "/authn/netid", ""},
		{"a phone", mira, nil, levelMobile, []any{"hwk", "pin"}, "https://login.example.se/authn/phone", ""},
		{"a phone, where more is wished for", mira, url.Values{"acr_values": {levelCard}}, levelMobile, []any{"hwk", "pin"}, "https://login.example.se/authn/phone", ""},
		{"a phone by its name", mira, url.Values{"https://id.oidc.se/param/authnProvider": {"https://login.example.se/authn/phone"}}, levelMobile, []any{"hwk", "pin"}, "https://login.example.se/authn/phone", ""},
		{"a phone, where a card must be", mira, url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"` + levelCard + `"}}}`}}, "", nil, "", "unmet_authentication_requirements"},
		{"a card by the name of phones", astrid, url.Values{"https://id.oidc.se/param/authnProvider": {"https://login.example.se/authn/phone"}}, "", nil, "", "unmet_authentication_requirements"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request := url.Values{
				"client_id": {"levels"}, "redirect_uri": {app.URL + "/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
				"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
				"claims": {`{"id_token":{"` + provider + `":null}}`},
			}
			for name, values := range tt.ask {
				request[name] = values
			}
			v := newVisitor(t, d, phoneAgent)
			page := v.get(d.Issuer + "/authorize?" + request.Encode())
			if !strings.HasPrefix(page.url.String(), d.Issuer+"/login/") {
				t.Fatalf("no login but %d at %s", page.status, page.url)
			}
			answer := loginByCard(v, page.url.String(), tt.person).url.Query()
			if tt.fault != "" {
				if answer.Get("error") != tt.fault || answer.Has("code") {
					t.Errorf("answered with %v", answer)
				}
				return
			}
			tokens := v.post(d.Issuer+"/token", "grant_type", "authorization_code", "client_id", "levels", "redirect_uri", app.URL+"/cb", "code", answer.Get("code"),
				"code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
			var body struct {
				IDToken string `json:"id_token"`
			}
			if err := json.Unmarshal([]byte(tokens.body), &body); err != nil || body.IDToken == "" {
				t.Fatalf("the code brings %d %s", tokens.status, tokens.body)
			}
			got := map[string]any{}
			token, err := jwt.ParseSigned(body.IDToken, []jose.SignatureAlgorithm{jose.ES256})
			if err == nil {
				err = token.UnsafeClaimsWithoutVerification(&got)
			}
			if err != nil || got["acr"] != tt.acr || !reflect.DeepEqual(got["amr"], any(tt.amr)) || got[provider] != tt.provider {
				t.Errorf("%v: acr %v, amr %v, authnProvider %v", err, got["acr"], got["amr"], got[provider])
			}
		})
	}
}
