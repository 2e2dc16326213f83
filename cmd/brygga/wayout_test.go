package main

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"brygga/storage"
)

// TestSessionLeadsIntoAnApp: a native app of the demo's group asks for somebody who is logged in already. The browser gets a page with
// a link into the app, and the code in it is good; an app that wants no page gets a redirect.
func TestSessionLeadsIntoAnApp(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	demo, err := d.server.store.Client(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	changed := *demo
	changed.SessionGroup = "demo"
	if err := d.server.store.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	const callback = "se.example.app:/callback"
	native := storage.Client{
		ID: "native", Name: "Mobilappen", Native: true, SessionGroup: "demo", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{callback},
		IDTokenAlg: storage.ES256, SubjectType: storage.SubjectPairwise, PersonalNumber: true,
	}
	if err := d.server.store.CreateClient(t.Context(), native); err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, d, phoneAgent)
	loginByQR(v)
	request := url.Values{
		"client_id": {"native"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "ui_locales": {"en"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	page := v.get(d.Issuer + "/authorize?" + request.Encode())
	link := regexp.MustCompile(`<a class="button" href="(` + regexp.QuoteMeta(callback) + `[^"]*)">Continue to Mobilappen<`).FindStringSubmatch(page.body)
	if !strings.Contains(page.body, "You are already logged in") || link == nil {
		t.Fatalf("no link into the app: %d %s\n%s", page.status, page.url, page.body)
	}
	answer, err := url.Parse(html.UnescapeString(link[1]))
	if err != nil {
		t.Fatal(err)
	}
	tokens := v.do("POST", d.Issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"native"}, "redirect_uri": {callback}, "code": {answer.Query().Get("code")},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	})
	if tokens.status != 200 || !strings.Contains(tokens.body, "id_token") {
		t.Errorf("the code of the link: %d %s", tokens.status, tokens.body)
	}
}
