package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
)

// assertionType is that of private_key_jwt (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// asserting adds a fresh client assertion to each form, as apps do with oauth2, which has no private_key_jwt.
type asserting struct {
	issuer, clientID string
	key              jose.JSONWebKey
}

// RoundTrip sends the request with the assertion when it has a form.
func (a asserting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: a.key}, nil)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	assertion, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: a.clientID, Subject: a.clientID, Audience: jwt.Audience{a.issuer}, ID: oauth2.GenerateVerifier(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}).Serialize()
	if err != nil {
		return nil, err
	}
	form.Set("client_id", a.clientID)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", assertion)
	text := form.Encode()
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return http.DefaultTransport.RoundTrip(r)
}

// goClient is an app with go-oidc and oauth2, as an app in Go would have it.
type goClient struct {
	t        *testing.T
	ctx      context.Context
	person   *browser
	provider *oidc.Provider
	endpoint struct {
		PAR    string `json:"pushed_authorization_request_endpoint"`
		Logout string `json:"end_session_endpoint"`
	}
	oauth2.Config
}

func goOIDC(t *testing.T, p *provider) {
	private, jwks := newKey(t)
	p.register(t, "go-oidc", "--redirect-uri", redirectURI, "--post-logout-redirect-uri", afterLogoutURI,
		"--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "profile,offline_access")
	a := asserting{issuer: p.issuer, clientID: "go-oidc"}
	if err := json.Unmarshal(private, &a.key); err != nil {
		t.Fatal(err)
	}
	c := &goClient{t: t, ctx: oidc.ClientContext(t.Context(), &http.Client{Transport: a}), person: p.newBrowser(t)}
	var err error
	if c.provider, err = oidc.NewProvider(c.ctx, p.issuer); err != nil {
		t.Fatal(err)
	}
	if err := c.provider.Claims(&c.endpoint); err != nil {
		t.Fatal(err)
	}
	c.Config = oauth2.Config{
		ClientID: "go-oidc", Endpoint: c.provider.Endpoint(), RedirectURL: redirectURI, Scopes: strings.Fields(offlineScope),
	}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInParams

	token, _ := c.logIn()
	c.refreshAndReplay(token)
	c.Scopes = []string{oidc.ScopeOpenID, "profile"} // what may go on without the person survives logging out
	c.logOut(c.logIn())
}

// logIn pushes the request, redeems the code and verifies the ID token.
func (c *goClient) logIn() (token *oauth2.Token, idToken string) {
	c.t.Helper()
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	full, err := url.Parse(c.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)))
	if err != nil {
		c.t.Fatal(err)
	}
	back, err := url.Parse(c.person.visit(c.Endpoint.AuthURL + "?" + c.push(full.Query()).Encode()).address)
	if err != nil || back.Query().Get("state") != state || back.Query().Get("iss") != c.person.issuer {
		c.t.Fatalf("the person comes back to %s: %v", back, err)
	}
	if token, err = c.Exchange(c.ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier)); err != nil {
		c.t.Fatal(err)
	}
	idToken, _ = token.Extra("id_token").(string)
	verified, err := c.provider.VerifierContext(c.ctx, &oidc.Config{ClientID: c.ClientID}).Verify(c.ctx, idToken)
	if err != nil || verified.Nonce != nonce || verified.VerifyAccessToken(token.AccessToken) != nil {
		c.t.Fatalf("the ID token does not hold: %v", err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		c.t.Fatal(err)
	}
	c.person.wantClaims(claims)
	info, err := c.provider.UserInfo(c.ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != verified.Subject {
		c.t.Errorf("userinfo: %v, %+v", err, info)
	}
	return token, idToken
}

// push sends the parameters to the PAR endpoint and returns those that are left for the address (RFC 9126 §4).
func (c *goClient) push(parameters url.Values) url.Values {
	c.t.Helper()
	client := c.ctx.Value(oauth2.HTTPClient).(*http.Client)
	response, err := client.PostForm(c.endpoint.PAR, parameters)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	var pushed struct {
		RequestURI string `json:"request_uri"`
	}
	if err := json.NewDecoder(response.Body).Decode(&pushed); err != nil || response.StatusCode != http.StatusCreated {
		c.t.Fatalf("pushing the request = %s, %v", response.Status, err)
	}
	return url.Values{"client_id": {c.ClientID}, "request_uri": {pushed.RequestURI}}
}

// refreshAndReplay refreshes, once more as if the answer had been lost, and with what it got; then it finds a stolen token of no use to
// anybody.
func (c *goClient) refreshAndReplay(first *oauth2.Token) {
	c.t.Helper()
	old := &oauth2.Token{RefreshToken: first.RefreshToken}
	var second *oauth2.Token
	token := old.RefreshToken
	for _, lost := range []bool{true, false, false} {
		next, err := c.TokenSource(c.ctx, &oauth2.Token{RefreshToken: token}).Token()
		if err != nil {
			c.t.Fatal(err)
		}
		if second = next; !lost {
			token = second.RefreshToken
		}
	}
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		c.t.Error("refreshing brought no new tokens")
	}
	if _, err := c.provider.UserInfo(c.ctx, oauth2.StaticTokenSource(second)); err != nil {
		c.t.Errorf("userinfo with a refreshed token: %v", err)
	}
	for _, token := range []*oauth2.Token{old, {RefreshToken: second.RefreshToken}} {
		var refused *oauth2.RetrieveError
		if _, err := c.TokenSource(c.ctx, token).Token(); !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
			c.t.Errorf("refreshing after a replay: %v, want invalid_grant", err)
		}
	}
	if _, err := c.provider.UserInfo(c.ctx, oauth2.StaticTokenSource(second)); err == nil {
		c.t.Error("userinfo answers after a replay")
	}
}

// logOut logs out at the provider, after which the access token is worth nothing.
func (c *goClient) logOut(token *oauth2.Token, idToken string) {
	c.t.Helper()
	query := url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {afterLogoutURI}, "state": {"s"}}
	if back := c.person.visit(c.endpoint.Logout + "?" + query.Encode()).address; back != afterLogoutURI+"?state=s" {
		c.t.Errorf("after logging out the person is at %s", back)
	}
	if _, err := c.provider.UserInfo(c.ctx, oauth2.StaticTokenSource(token)); err == nil {
		c.t.Error("userinfo answers after logging out")
	}
}
