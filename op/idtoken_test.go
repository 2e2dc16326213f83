package op

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"brygga/secret"
	"brygga/storage"
)

// An independent client finds everything through discovery, and verifies what it gets.
func TestIndependentClient(t *testing.T) {
	for _, test := range []struct{ client, secret, algorithm string }{
		{"web", webSecret, "ES256"}, {"post", "post-secret", "RS256"}, {"app", "", "ES256"},
	} {
		t.Run(test.client, func(t *testing.T) {
			var h *harness
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Handler().ServeHTTP(w, r) }))
			defer server.Close()
			h = newHarness(t, func(o *Options) { o.Issuer = server.URL })
			ctx := t.Context()
			provider, err := gooidc.NewProvider(ctx, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			config := oauth2.Config{
				ClientID: test.client, ClientSecret: test.secret, Endpoint: provider.Endpoint(), Scopes: []string{"openid", "profile"},
				RedirectURL: callback,
			}
			if test.client == "app" {
				config.RedirectURL = "http://127.0.0.1:49152/callback"
			}
			verifier := oauth2.GenerateVerifier()
			start, err := url.Parse(config.AuthCodeURL("state-1", gooidc.Nonce("nonce-1"), oauth2.S256ChallengeOption(verifier)))
			if err != nil {
				t.Fatal(err)
			}
			before := time.Now().Add(-2 * time.Second)
			_, answer := redirected(t, h.answer(h.complete(h.begin(start.Query()), person)))
			token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			idToken, err := provider.VerifierContext(ctx, &gooidc.Config{ClientID: test.client, SupportedSigningAlgs: []string{test.algorithm}}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
				t.Errorf("at_hash: %v", err)
			}
			if idToken.Nonce != "nonce-1" || idToken.IssuedAt.Before(before) || !idToken.Expiry.Equal(idToken.IssuedAt.Add(5*time.Minute)) {
				t.Errorf("nonce %q, issued %s, expires %s", idToken.Nonce, idToken.IssuedAt, idToken.Expiry)
			}
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != idToken.Subject {
				t.Errorf("userinfo: %v, %v", info, err)
			}
		})
	}
}

// claimNames returns the names of the claims in order.
func claimNames(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	var names []string
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.Token()
	for d.More() {
		name, _ := d.Token()
		names = append(names, fmt.Sprint(name))
		var value any
		d.Decode(&value)
	}
	return strings.Join(names, " ")
}

func TestIDTokenClaims_RowA11_RowA22(t *testing.T) {
	h := newHarness(t, nil)
	login := h.complete(h.begin(params("web", callback)), person)
	_, answer := redirected(t, h.answer(login))
	h.move(30 * time.Second) // the person was slower than the code
	claims := payload(t, decode(t, h.do(exchange(answer.Get("code")))).IDToken)
	for name, want := range map[string]any{
		"iss": issuer, "aud": "web", "azp": "web", "nonce": "n-1", "acr": DefaultACR, "amr": []any{"bankid", "mfa"}, "txn": h.TransactionID(login.ID, "web"),
		"auth_time": float64(login.Completed.Unix()), "personalNumber": number, "givenName": "Åsa", "surname": "Öberg",
		"name": "Åsa Öberg", "given_name": "Åsa", "family_name": "Öberg", "birthdate": "1890-01-01",
	} {
		if got := claims[name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if claims["exp"].(float64)-claims["iat"].(float64) != 300 || claims["iat"].(float64) < claims["auth_time"].(float64)+29 {
		t.Errorf("%v", claims)
	}
	if sid, sub := claims["sid"], claims["sub"]; sid == "" || sub == "" || sid == sub {
		t.Errorf("sid %v, sub %v", sid, sub)
	}

	const protocol = "acr amr at_hash aud auth_time azp exp iat iss nonce sid sub txn"
	const ours, standard = "givenName name personalNumber surname", "birthdate family_name given_name name"
	for name, test := range map[string]struct {
		allowed bool
		scope   string
		want    []string
	}{
		"openid":                          {false, "openid", nil},
		"openid, personal number allowed": {true, "openid", []string{ours}},
		"profile":                         {false, "openid profile", []string{standard}},
		"both":                            {true, "openid profile", []string{ours, standard}},
	} {
		client, err := h.store.Client(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		changed := *client
		changed.PersonalNumber = test.allowed
		if err := h.store.UpdateClient(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		want := make(map[string]any)
		for _, name := range strings.Fields(strings.Join(test.want, " ")) {
			want[name] = nil
		}
		answer := h.tokensOf(params("web", callback, "scope", test.scope))
		if status, got := h.userinfo(answer.AccessToken); status != http.StatusOK || claimNames(got) != claimNames(withNames(want, "sub")) {
			t.Errorf("%s: userinfo %d %s", name, status, claimNames(got))
		}
		if got := claimNames(payload(t, answer.IDToken)); got != claimNames(withNames(want, strings.Fields(protocol)...)) {
			t.Errorf("%s: ID token %s", name, got)
		}
	}
	noNonce := payload(t, h.tokensOf(params("web", callback, "nonce", "")).IDToken)
	if _, has := noNonce["nonce"]; has {
		t.Error("a nonce that nobody sent")
	}
}

func withNames(claims map[string]any, names ...string) map[string]any {
	all := make(map[string]any)
	for name := range claims {
		all[name] = nil
	}
	for _, name := range names {
		all[name] = nil
	}
	return all
}

// A grant without openid gets no ID token and no userinfo (OIDC Core §3.1.2.1). None comes out of /authorize.
func TestNoIDTokenWithoutOpenID(t *testing.T) {
	h := newHarness(t, nil)
	login := h.complete(h.begin(params("web", callback, "code_challenge", "", "code_challenge_method", "")), person)
	client, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	grant, now, code := h.grant(client, login), h.now(), storage.NewToken()
	grant.Scopes, grant.Created, grant.Expires = []string{"profile"}, now, now.Add(time.Minute)
	if _, err := h.store.AnswerLogin(t.Context(), login.ID, storage.Answer{Grant: grant, Code: storage.Code{
		Hash: storage.TokenHash(secret.New(code)), GrantID: grant.ID, ClientID: "web", Redirect: callback, Expires: now.Add(time.Minute),
	}}, now); err != nil {
		t.Fatal(err)
	}
	answer := decode(t, h.do(exchange(code, "code_verifier", "")))
	if answer.AccessToken == "" || answer.IDToken != "" {
		t.Errorf("%+v", answer)
	}
	if status, body := h.userinfo(answer.AccessToken); status != http.StatusForbidden || body["error"] != "insufficient_scope" {
		t.Errorf("userinfo: %d %v", status, body)
	}
}

func TestSubjects_RowA10(t *testing.T) {
	h := newHarness(t, nil)
	client := func(id, kind, sector string) *storage.Client {
		return &storage.Client{ID: id, SubjectType: kind, Sector: sector}
	}
	a, b := secret.New(number), secret.New("189104132387")
	pairwise := h.subject(client("one", storage.SubjectPairwise, ""), a)
	for name, other := range map[string]string{
		"another client":                   h.subject(client("two", storage.SubjectPairwise, ""), a),
		"another person":                   h.subject(client("one", storage.SubjectPairwise, ""), b),
		"a sector of the client's name":    h.subject(client("x", storage.SubjectPairwise, "one"), a),
		"a public subject":                 h.subject(client("one", storage.SubjectPublic, ""), a),
		"another key":                      newHarness(t, func(o *Options) { o.SubjectKey = make([]byte, 32) }).subject(client("one", storage.SubjectPairwise, ""), a),
		"a sector that ends in the number": h.subject(client("x", storage.SubjectPairwise, "one\x00"+number), secret.New("")),
	} {
		if other == pairwise {
			t.Errorf("%s: the same subject", name)
		}
	}
	if again := newHarness(t, nil).subject(client("one", storage.SubjectPairwise, ""), a); again != pairwise {
		t.Error("another subject after a restart")
	}
	if h.subject(client("one", storage.SubjectPairwise, "s"), a) != h.subject(client("two", storage.SubjectPairwise, "s"), a) {
		t.Error("clients of one sector see different subjects")
	}
	if h.subject(client("one", storage.SubjectPublic, "s"), a) != h.subject(client("two", storage.SubjectPublic, ""), a) {
		t.Error("a public subject differs between clients")
	}
	if h.subject(client("one", "", ""), a) != pairwise {
		t.Error("a client without a subject type is not pairwise")
	}
	if strings.Contains(pairwise, number) || len(pairwise) != 43 || strings.ContainsAny(pairwise, ":/+=") {
		t.Errorf("subject %q", pairwise)
	}
}
