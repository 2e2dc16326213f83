package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/web/console"
)

// consoleClient is the ID of the client as which the console has operators identify themselves. It is in no list, and nobody can change it.
const consoleClient = "brygga-console"

// consoleBankID has operators identify themselves with BankID as any app does: by the hosted page, with a code that is redeemed once. What an app sends
// over the network it hands to the provider in this process.
type consoleBankID struct {
	issuer, redirect string
	secret           secret.String
	provider         func() http.Handler
	now              func() time.Time
}

var _ console.Identifier = (*consoleBankID)(nil)

// newConsoleBankID returns it, with its client: all processes of an installation have the same secret.
func newConsoleBankID(ctx context.Context, c *config.Config, store storage.Secrets, provider func() http.Handler, now func() time.Time) (*consoleBankID, storage.Client, error) {
	value, err := installationSecret(ctx, store, "console client")
	if err != nil {
		return nil, storage.Client{}, err
	}
	b := &consoleBankID{
		issuer: c.Issuer, redirect: c.ConsoleURL() + "/login/bankid/return", secret: secret.New(hex.EncodeToString(value)), provider: provider, now: now,
	}
	at := now().UTC().Truncate(time.Microsecond)
	hashed := config.HashSecret(b.secret)
	hashed.Created = at
	return b, storage.Client{
		ID: consoleClient, Name: "Brygga, console", LocalNames: map[string]string{"sv": "Bryggas konsol", "en": "Brygga’s console"}, HomeURI: c.ConsoleURL() + "/",
		AuthMethod: storage.AuthMethodSecret, Secrets: []storage.ClientSecret{hashed}, RedirectURIs: []string{b.redirect}, RequirePKCE: true,
		IDTokenAlg: clients.DefaultIDTokenAlg, SubjectType: storage.SubjectPairwise, PersonalNumber: true, Methods: []string{login.MethodBankID}, Created: at, Updated: at, Revision: 1,
	}, nil
}

// keptLogin is what the browser keeps until it comes back.
type keptLogin struct {
	State, Nonce, Verifier string
	Began                  time.Time
}

// Begin returns the address of the login page, and what the browser is to keep.
func (b *consoleBankID) Begin(lang string) (string, secret.String, error) {
	k := keptLogin{rand.Text(), rand.Text(), rand.Text() + rand.Text(), b.now().UTC().Truncate(time.Second)}
	text, err := json.Marshal(k)
	if err != nil {
		return "", secret.String{}, err
	}
	challenge := sha256.Sum256([]byte(k.Verifier))
	query := url.Values{
		"client_id": {consoleClient}, "redirect_uri": {b.redirect}, "response_type": {"code"}, "scope": {"openid"}, "prompt": {"login"}, "ui_locales": {lang},
		"state": {k.State}, "nonce": {k.Nonce}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	return b.issuer + "/authorize?" + query.Encode(), secret.New(base64.RawURLEncoding.EncodeToString(text)), nil
}

// Finish returns who has identified themselves, by what the browser has kept and what it was sent back with. It returns console.ErrNotIdentified when
// the person gave up, when the login is not the one that this browser began, and when it is no login of just now.
func (b *consoleBankID) Finish(ctx context.Context, kept secret.String, query url.Values) (storage.Identity, error) {
	var k keptLogin
	text, err := base64.RawURLEncoding.DecodeString(kept.Reveal())
	if err != nil || json.Unmarshal(text, &k) != nil || k.State == "" || subtle.ConstantTimeCompare([]byte(k.State), []byte(query.Get("state"))) != 1 {
		return storage.Identity{}, console.ErrNotIdentified
	}
	if query.Get("code") == "" || query.Get("iss") != "" && query.Get("iss") != b.issuer {
		return storage.Identity{}, console.ErrNotIdentified
	}
	claims, err := b.redeem(ctx, query.Get("code"), k.Verifier)
	if err != nil {
		return storage.Identity{}, err
	}
	if claims.Issuer != b.issuer || claims.Nonce != k.Nonce || claims.PersonalNumber == "" || time.Unix(claims.AuthTime, 0).Before(k.Began) {
		return storage.Identity{}, console.ErrNotIdentified
	}
	return storage.Identity{PersonalNumber: secret.New(claims.PersonalNumber)}, nil
}

type consoleClaims struct {
	Issuer         string `json:"iss"`
	Nonce          string `json:"nonce"`
	AuthTime       int64  `json:"auth_time"`
	PersonalNumber string `json:"personalNumber"`
}

// redeem redeems the code. The ID token comes from the provider itself, in this process, which stands in for a look at its signature (OIDC Core
// §3.1.3.7, 6).
func (b *consoleBankID) redeem(ctx context.Context, code, verifier string) (claims consoleClaims, err error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {b.redirect}, "code_verifier": {verifier}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return claims, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(consoleClient, b.secret.Reveal())
	r.RequestURI, r.RemoteAddr = "/token", "127.0.0.1:1"
	answer := &memoryAnswer{header: http.Header{}, status: http.StatusOK}
	b.provider().ServeHTTP(answer, r)
	if answer.status == http.StatusBadRequest {
		return claims, console.ErrNotIdentified // the code was used, or is too old
	}
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	if answer.status != http.StatusOK || json.Unmarshal([]byte(answer.body.String()), &tokens) != nil {
		return claims, fmt.Errorf("redeem the code of an operator's login: status %d", answer.status)
	}
	parts := strings.Split(tokens.IDToken, ".")
	if len(parts) != 3 {
		return claims, errors.New("redeem the code of an operator's login: no ID token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims, err
	}
	return claims, json.Unmarshal(payload, &claims)
}

// memoryAnswer keeps what a handler answers.
type memoryAnswer struct {
	header http.Header
	status int
	body   strings.Builder
}

var _ io.Writer = (*memoryAnswer)(nil)

// Header returns the headers.
func (a *memoryAnswer) Header() http.Header { return a.header }

// WriteHeader notes the status.
func (a *memoryAnswer) WriteHeader(status int) { a.status = status }

// Write adds to the body.
func (a *memoryAnswer) Write(body []byte) (int, error) { return a.body.Write(body) }
