package op

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// testKeys are one key of each kind that clients sign with, and some that are refused. They are made when they are first used, as
// RSA keys are dear.
var testKeys = map[string]func() any{
	"P-224": ecKey(elliptic.P224()), "P-256": ecKey(elliptic.P256()), "P-384": ecKey(elliptic.P384()), "P-521": ecKey(elliptic.P521()),
	"other": ecKey(elliptic.P256()), "RSA": rsaKey(2048), "RSA-1024": rsaKey(1024),
	"Ed25519": sync.OnceValue(func() any { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }),
}

func ecKey(curve elliptic.Curve) func() any {
	return sync.OnceValue(func() any { return must(ecdsa.GenerateKey(curve, rand.Reader)) })
}

func rsaKey(bits int) func() any {
	return sync.OnceValue(func() any { return must(rsa.GenerateKey(rand.Reader, bits)) })
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// jwk returns the public part of a test key.
func jwk(name, kid, use string) jose.JSONWebKey {
	k := jose.JSONWebKey{Key: testKeys[name](), KeyID: kid, Use: use}
	return k.Public()
}

func jwks(keys ...jose.JSONWebKey) json.RawMessage {
	return must(json.Marshal(jose.JSONWebKeySet{Keys: keys}))
}

// signJWS signs claims with a test key.
func signJWS(t testing.TB, alg, key, kid string, claims any) string {
	t.Helper()
	o := new(jose.SignerOptions)
	if kid != "" {
		o.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: testKeys[key]()}, o)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	return must(jws.CompactSerialize())
}

// keyClient returns a client that authenticates with a key.
func keyClient(id string, keys ...jose.JSONWebKey) storage.Client {
	return storage.Client{
		ID: id, AuthMethod: storage.AuthMethodPrivateKey, JWKS: jwks(keys...), RedirectURIs: []string{callback}, IDTokenAlg: storage.ES256,
		SubjectType: storage.SubjectPublic, CustomIdentifier: "tag-" + id,
	}
}

func (h *harness) addClients(clients ...storage.Client) {
	h.t.Helper()
	for _, c := range clients {
		if err := h.store.CreateClient(h.t.Context(), c); err != nil {
			h.t.Fatal(err)
		}
	}
}

// assertionClaims are the claims of an assertion that is in order, with pairs of names and values put over them; nil removes.
func (h *harness) assertionClaims(id string, pairs ...any) map[string]any {
	now := h.now()
	claims := map[string]any{
		"iss": id, "sub": id, "aud": issuer, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "jti": storage.NewToken(),
	}
	for i := 0; i < len(pairs); i += 2 {
		if claims[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

// asserted returns a request at path that authenticates with an assertion, with pairs put over its form.
func asserted(path, assertion string, pairs ...string) *http.Request {
	return formRequest(path, with(url.Values{
		"grant_type": {"authorization_code"}, "code": {"no such code"}, "redirect_uri": {callback}, "code_verifier": {verifier},
		"client_assertion_type": {oidc.ClientAssertionTypeJWTAssertion}, "client_assertion": {assertion},
	}, pairs...))
}

// jwksSite answers in place of clients' addresses.
type jwksSite struct {
	mu     sync.Mutex
	body   []byte
	header http.Header
	fails  bool
	calls  int
	gate   chan struct{} // a call waits for it if it is not nil
}

func (s *jwksSite) Get(ctx context.Context, _ string, max int64) ([]byte, http.Header, error) {
	s.mu.Lock()
	s.calls++
	body, header, fails, gate := s.body, s.header, s.fails, s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if fails || ctx.Err() != nil || int64(len(body)) > max {
		return nil, nil, errors.New("no answer")
	}
	return body, header, nil
}

func (s *jwksSite) set(change func(*jwksSite)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *jwksSite) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}
