package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/secret"
	"brygga/storage"
	"brygga/web/console"
)

// trials has operators try logins to apps, as an app does: by the hosted page, with state, nonce and PKCE, a code that is redeemed once, and an ID
// token whose signature and claims are looked at. What an app sends over the network it hands to the provider in this process.
type trials struct {
	issuer, redirect string
	secret           secret.String
	provider         func() http.Handler
	now              func() time.Time
}

var _ console.Trials = (*trials)(nil)

// newTrials returns them, with the secret of the console's own client.
func newTrials(b *consoleBankID, consoleURL string) *trials {
	return &trials{b.issuer, consoleURL + "/clients/+try/return", b.secret, b.provider, b.now}
}

// keptTrial is what the browser keeps until it comes back.
type keptTrial struct {
	ClientID, State, Nonce, Verifier string
	Began                            time.Time
}

// Begin returns the address of the login page, and what the browser is to keep.
func (t *trials) Begin(c *storage.Client, lang string) (string, secret.String, error) {
	k := keptTrial{c.ID, rand.Text(), rand.Text(), rand.Text() + rand.Text(), t.now().UTC().Truncate(time.Second)}
	text, err := json.Marshal(k)
	if err != nil {
		return "", secret.String{}, err
	}
	challenge := sha256.Sum256([]byte(k.Verifier))
	query := url.Values{
		"client_id": {storage.TrialPrefix + c.ID}, "redirect_uri": {t.redirect}, "response_type": {"code"}, "scope": {t.scope(c)}, "ui_locales": {lang},
		"state": {k.State}, "nonce": {k.Nonce}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	return t.issuer + "/authorize?" + query.Encode(), secret.New(base64.RawURLEncoding.EncodeToString(text)), nil
}

// scope is all that the app may ask for but refresh tokens, which nobody would use.
func (t *trials) scope(c *storage.Client) string {
	scopes := []string{storage.ScopeOpenID}
	for _, scope := range c.Scopes {
		if scope != storage.ScopeOfflineAccess && c.MayAsk(scope) {
			scopes = append(scopes, scope)
		}
	}
	return strings.Join(scopes, " ")
}

// Finish returns what the app would have got, by what the browser has kept and what it was sent back with. It returns console.ErrNotIdentified when
// that is no answer to what this browser began.
func (t *trials) Finish(ctx context.Context, kept secret.String, query url.Values) (*console.Trial, error) {
	var k keptTrial
	text, err := base64.RawURLEncoding.DecodeString(kept.Reveal())
	if err != nil || json.Unmarshal(text, &k) != nil || k.State == "" || subtle.ConstantTimeCompare([]byte(k.State), []byte(query.Get("state"))) != 1 || query.Get("iss") != t.issuer {
		return nil, console.ErrNotIdentified
	}
	trial := &console.Trial{ClientID: k.ClientID, Began: k.Began, Ended: t.now(), Error: query.Get("error"), Description: query.Get("error_description")}
	if trial.Error != "" {
		return trial, nil
	}
	return trial, t.redeem(ctx, k, query.Get("code"), trial)
}

// redeem redeems the code, looks at the ID token, asks userinfo, and withdraws what it was given.
func (t *trials) redeem(ctx context.Context, k keptTrial, code string, trial *console.Trial) error {
	var tokens struct {
		IDToken     string `json:"id_token"`
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {t.redirect}, "code_verifier": {k.Verifier}}
	if err := t.ask(ctx, k.ClientID, "/token", form, "", &tokens); err != nil {
		return err
	}
	if trial.Error, trial.Description = tokens.Error, tokens.Description; trial.Error != "" {
		return nil
	}
	if err := t.verify(ctx, k, tokens.IDToken, trial); err != nil {
		return err
	}
	return errors.Join(
		t.ask(ctx, k.ClientID, "/userinfo", nil, tokens.AccessToken, &trial.Userinfo),
		t.ask(ctx, k.ClientID, "/revoke", url.Values{"token": {tokens.AccessToken}}, "", nil))
}

// verify looks at the ID token as an app does (OIDC Core §3.1.3.7).
func (t *trials) verify(ctx context.Context, k keptTrial, token string, trial *console.Trial) error {
	var keys jose.JSONWebKeySet
	if err := t.ask(ctx, "", "/jwks.json", nil, "", &keys); err != nil {
		return err
	}
	var algorithms []jose.SignatureAlgorithm
	for _, alg := range storage.SigningAlgs() {
		algorithms = append(algorithms, jose.SignatureAlgorithm(alg))
	}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return fmt.Errorf("read the ID token of a trial: %w", err)
	}
	payload, err := signed.Verify(keys)
	if err != nil {
		return fmt.Errorf("verify the ID token of a trial: %w", err)
	}
	if err := json.Unmarshal(payload, &trial.Claims); err != nil {
		return err
	}
	trial.Algorithm = signed.Signatures[0].Header.Algorithm
	if trial.Claims["iss"] != t.issuer || trial.Claims["aud"] != storage.TrialPrefix+k.ClientID || trial.Claims["nonce"] != k.Nonce {
		return errors.New("the ID token of a trial is for somebody else")
	}
	return nil
}

// ask sends a request to the provider and reads its answer into to, nil for none: a form with the trial's credentials, or a GET, with an access token
// where there is one.
func (t *trials) ask(ctx context.Context, clientID, path string, form url.Values, accessToken string, to any) error {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, t.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(storage.TrialPrefix+clientID, t.secret.Reveal())
	}
	if accessToken != "" {
		r.Header.Set("Authorization", "Bearer "+accessToken)
	}
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	answer := &memoryAnswer{header: http.Header{}, status: http.StatusOK}
	t.provider().ServeHTTP(answer, r)
	if answer.status >= http.StatusInternalServerError {
		return fmt.Errorf("%s of a trial: status %d", path, answer.status)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(answer.body.String()), to); err != nil {
		return fmt.Errorf("%s of a trial: status %d: %w", path, answer.status, err)
	}
	return nil
}
