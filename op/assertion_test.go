package op

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/storage"
)

// assertionHarness has clients with the keys of these names, which are theirs too.
func assertionHarness(t testing.TB, names ...string) *harness {
	h := newHarness(t, nil)
	for _, name := range names {
		h.addClients(keyClient(name, jwk(name, "k1", "sig")))
	}
	return h
}

// proves reports whether a request at the token endpoint authenticates: then only its code is wrong.
func (h *harness) proves(r *http.Request) bool {
	h.t.Helper()
	w := h.do(r)
	switch answer := decode(h.t, w); {
	case w.Code == http.StatusBadRequest && answer.Error == "invalid_grant":
		return true
	case w.Code == http.StatusUnauthorized && answer.Error == "invalid_client" &&
		strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic "):
		return false
	}
	h.t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	return false
}

func TestAssertionAlgorithms(t *testing.T) {
	h := assertionHarness(t, "P-256", "P-384", "P-521", "RSA", "Ed25519")
	for _, test := range []struct{ alg, client string }{
		{"ES256", "P-256"}, {"ES384", "P-384"}, {"ES512", "P-521"}, {"RS256", "RSA"}, {"RS384", "RSA"}, {"RS512", "RSA"}, {"PS256", "RSA"}, {"EdDSA", "Ed25519"},
	} {
		token := signJWS(t, test.alg, test.client, "k1", h.assertionClaims(test.client))
		if !h.proves(asserted("/token", token)) {
			t.Errorf("%s is refused", test.alg)
		}
		if h.proves(asserted("/token", token)) {
			t.Errorf("%s: one assertion proves twice", test.alg)
		}
	}
	for _, alg := range []string{"PS384", "PS512"} {
		if h.proves(asserted("/token", signJWS(t, alg, "RSA", "k1", h.assertionClaims("RSA")))) {
			t.Errorf("%s is accepted", alg)
		}
	}
}

// The secret of a MAC would be the public key that everybody has.
func TestAssertionIsNoMAC(t *testing.T) {
	h := assertionHarness(t, "P-256")
	for _, secret := range [][]byte{jwks(jwk("P-256", "k1", "sig")), []byte(strings.Repeat("x", 32))} {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, nil)
		if err != nil {
			t.Fatal(err)
		}
		jws := must(signer.Sign([]byte(`{"iss":"P-256","sub":"P-256","aud":"` + issuer + `","exp":9999999999,"jti":"x"}`)))
		if h.proves(asserted("/token", must(jws.CompactSerialize()))) {
			t.Error("HS256 is accepted")
		}
	}
	valid := signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("P-256"))
	_, rest, _ := strings.Cut(valid, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + "."
	if h.proves(asserted("/token", none)) {
		t.Error("alg none is accepted")
	}
	if !h.proves(asserted("/token", valid)) {
		t.Error("refused tries spent the assertion")
	}
}

func TestAssertionClaims(t *testing.T) {
	h := assertionHarness(t, "P-256")
	in := func(d time.Duration) int64 { return h.now().Add(d).Unix() }
	for name, test := range map[string]struct {
		pairs []any
		want  bool
	}{
		"aud issuer":                    {[]any{"aud", issuer}, true},
		"aud token endpoint":            {[]any{"aud", issuer + "/token"}, true},
		"aud list":                      {[]any{"aud", []string{"https://other.example", issuer}}, true},
		"aud another":                   {[]any{"aud", "https://other.example"}, false},
		"aud issuer and a slash":        {[]any{"aud", issuer + "/"}, false},
		"aud another endpoint":          {[]any{"aud", issuer + "/userinfo"}, false},
		"aud empty list":                {[]any{"aud", []string{}}, false},
		"aud missing":                   {[]any{"aud", nil}, false},
		"aud number":                    {[]any{"aud", 7}, false},
		"aud list with a number":        {[]any{"aud", []any{issuer, 7}}, false},
		"aud list in a list":            {[]any{"aud", []any{[]any{issuer}}}, false},
		"aud object":                    {[]any{"aud", map[string]any{"x": issuer}}, false},
		"aud null in a list":            {[]any{"aud", []any{issuer, nil}}, false},
		"iss missing":                   {[]any{"iss", nil}, false},
		"sub missing":                   {[]any{"sub", nil}, false},
		"iss another":                   {[]any{"iss", "web"}, false},
		"sub another":                   {[]any{"sub", "web"}, false},
		"sub number":                    {[]any{"sub", 1}, false},
		"exp missing":                   {[]any{"exp", nil}, false},
		"exp past":                      {[]any{"exp", in(-2 * time.Second)}, false},
		"exp in an hour":                {[]any{"exp", in(time.Hour)}, true},
		"exp in two hours":              {[]any{"exp", in(2 * time.Hour)}, false},
		"exp text":                      {[]any{"exp", "9999999999"}, false},
		"exp beyond numbers":            {[]any{"exp", 1e300}, false},
		"exp a fraction":                {[]any{"exp", float64(in(time.Minute)) + 0.5}, true},
		"nbf now":                       {[]any{"nbf", in(0)}, true},
		"nbf within the skew":           {[]any{"nbf", in(50 * time.Second)}, true},
		"nbf later":                     {[]any{"nbf", in(70 * time.Second)}, false},
		"iat missing":                   {[]any{"iat", nil}, true},
		"iat within the skew":           {[]any{"iat", in(50 * time.Second)}, true},
		"iat later":                     {[]any{"iat", in(70 * time.Second)}, false},
		"jti missing":                   {[]any{"jti", nil}, true},
		"jti empty":                     {[]any{"jti", "", "x", 1}, true},
		"jti number":                    {[]any{"jti", 7}, false},
		"jti of 256":                    {[]any{"jti", strings.Repeat("j", 256)}, true},
		"jti of 257":                    {[]any{"jti", strings.Repeat("j", 257)}, false},
		"further claims":                {[]any{"x", map[string]any{"y": 1}}, true},
		"an assertion that is too long": {[]any{"x", strings.Repeat("x", maxAssertion)}, false},
	} {
		token := signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("P-256", test.pairs...))
		if h.proves(asserted("/token", token)) != test.want {
			t.Errorf("%s: want %t; log: %s", name, test.want, h.logs)
		}
	}
}

func TestAssertionBelongsToItsClient(t *testing.T) {
	h := assertionHarness(t, "P-256")
	narrow := keyClient("narrow", jwk("RSA", "", ""))
	narrow.AuthAlg = storage.PS256
	h.addClients(narrow, keyClient("several", jwk("other", "a", ""), jwk("P-256", "b", "enc"), jwk("P-384", "c", "sig"), jwk("P-521", "", "")))
	good := func(id, alg, key, kid string) string { return signJWS(t, alg, key, kid, h.assertionClaims(id)) }
	for name, test := range map[string]struct {
		request *http.Request
		want    bool
	}{
		"same client_id":              {asserted("/token", good("P-256", "ES256", "P-256", "k1"), "client_id", "P-256"), true},
		"another client_id":           {asserted("/token", good("P-256", "ES256", "P-256", "k1"), "client_id", "P-384"), false},
		"another's key":               {asserted("/token", good("P-256", "ES256", "other", "k1")), false},
		"unknown client":              {asserted("/token", good("nobody", "ES256", "P-256", "k1")), false},
		"a client with a secret":      {asserted("/token", good("web", "ES256", "P-256", "k1")), false},
		"a public client":             {asserted("/token", good("app", "ES256", "P-256", "k1")), false},
		"no kid":                      {asserted("/token", good("P-256", "ES256", "P-256", "")), true},
		"unknown kid":                 {asserted("/token", good("P-256", "ES256", "P-256", "k2")), false},
		"registered algorithm":        {asserted("/token", good("narrow", "PS256", "RSA", "x")), true},
		"another algorithm":           {asserted("/token", good("narrow", "RS256", "RSA", "x")), false},
		"one key of several":          {asserted("/token", good("several", "ES384", "P-384", "c")), true},
		"one key of several, no kid":  {asserted("/token", good("several", "ES384", "P-384", "")), true},
		"a key for encryption":        {asserted("/token", good("several", "ES256", "P-256", "b")), false},
		"another's key ID":            {asserted("/token", good("several", "ES384", "P-384", "a")), false},
		"a key without ID":            {asserted("/token", good("several", "ES512", "P-521", "new")), true},
		"another type":                {asserted("/token", good("P-256", "ES256", "P-256", "k1"), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), false},
		"no type":                     {asserted("/token", good("P-256", "ES256", "P-256", "k1"), "client_assertion_type", ""), false},
		"no assertion":                {asserted("/token", "", "client_id", "P-256"), false},
		"only the client_id":          {formRequest("/token", with(url.Values{}, "client_id", "P-256")), false},
		"a secret for a key":          {formRequest("/token", with(url.Values{}, "client_id", "P-256", "client_secret", "x")), false},
		"no JWS":                      {asserted("/token", "x"), false},
		"a JWS with an odd aud, bare": {asserted("/token", "e30.eyJhdWQiOlsxXX0.x"), false},
	} {
		if h.proves(test.request) != test.want {
			t.Errorf("%s: want %t", name, test.want)
		}
	}
	both := asserted("/token", good("P-256", "ES256", "P-256", "k1"))
	both.SetBasicAuth("P-256", "x")
	third := asserted("/token", good("P-256", "ES256", "P-256", "k1"), "client_secret", "x")
	for name, r := range map[string]*http.Request{"header": both, "secret": third} {
		if w := h.do(r); w.Code != http.StatusBadRequest || decode(t, w).Error != "invalid_request" {
			t.Errorf("assertion and %s: %d %s", name, w.Code, w.Body)
		}
	}
}

// The endpoint that is called may be the audience, and no other.
func TestAssertionForTheEndpointCalled(t *testing.T) {
	h := assertionHarness(t, "P-256")
	for _, test := range []struct {
		path, aud string
		want      bool
	}{
		{"/par", issuer + "/par", true}, {"/par", issuer + "/token", true}, {"/par", issuer, true}, {"/par", issuer + "/revoke", false},
		{"/introspect", issuer + "/introspect", true}, {"/token", issuer + "/par", false},
	} {
		r := asserted(test.path, signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("P-256", "aud", test.aud)))
		client, e := h.pass(r)
		if (e == nil) != test.want || test.want && client.ID != "P-256" {
			t.Errorf("%s with aud %s: %v", test.path, test.aud, e)
		}
	}
}

func TestAssertionIsSpentOnce(t *testing.T) {
	h := assertionHarness(t, "P-256")
	claims := h.assertionClaims("P-256")
	forged := signJWS(t, "ES256", "other", "k1", claims)
	if h.proves(asserted("/token", forged)) {
		t.Error("a forged assertion is accepted")
	}
	token := signJWS(t, "ES256", "P-256", "k1", claims)
	var good atomic.Int32
	var work sync.WaitGroup
	for range 16 {
		work.Go(func() {
			w := httptest.NewRecorder()
			if h.Handler().ServeHTTP(w, asserted("/token", token)); w.Code == http.StatusBadRequest {
				good.Add(1)
			}
		})
	}
	work.Wait()
	if good.Load() != 1 {
		t.Errorf("one assertion proved the client %d times", good.Load())
	}
	h.addClients(keyClient("neighbour", jwk("P-256", "k1", "")))
	if !h.proves(asserted("/token", signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("neighbour", "jti", claims["jti"])))) {
		t.Error("another client's jti counts")
	}
}

// A client that changes its keys is understood at once, whether it names them or not.
func TestChangedKeysAreFound(t *testing.T) {
	for name, kid := range map[string]string{"new kid": "b", "same kid": "a", "no kid": ""} {
		h, site, client := remote(t, jwk("P-256", "a", ""))
		h.addClients(storage.Client{
			ID: "remote", AuthMethod: storage.AuthMethodPrivateKey, JWKSURI: client.JWKSURI, RedirectURIs: []string{callback}, IDTokenAlg: storage.ES256,
		})
		if !h.proves(asserted("/token", signJWS(t, "ES256", "P-256", "a", h.assertionClaims("remote")))) {
			t.Fatal("the first key is refused")
		}
		h.move(keyRetry)
		site.set(func(s *jwksSite) { s.body = jwks(jwk("other", kid, "")) })
		if !h.proves(asserted("/token", signJWS(t, "ES256", "other", kid, h.assertionClaims("remote")))) {
			t.Errorf("%s: the new key is refused", name)
		}
		if h.proves(asserted("/token", signJWS(t, "ES256", "P-256", "a", h.assertionClaims("remote")))) {
			t.Errorf("%s: the old key is accepted", name)
		}
	}
}

// The store refuses what has expired too, as if it had been used. That is not to be relied upon.
func TestAssertionExpires(t *testing.T) {
	h := newHarness(t, nil)
	now := h.now()
	claims := func(exp *jwt.NumericDate) *jwt.Claims {
		return &jwt.Claims{Audience: jwt.Audience{issuer}, ID: "x", Expiry: exp}
	}
	if err := h.checkAssertion(claims(jwt.NewNumericDate(now.Add(2*time.Second))), "/token", now); err != nil {
		t.Errorf("in order: %v", err)
	}
	for name, exp := range map[string]*jwt.NumericDate{"none": nil, "now": jwt.NewNumericDate(now), "past": jwt.NewNumericDate(now.Add(-time.Second))} {
		if h.checkAssertion(claims(exp), "/token", now) == nil {
			t.Errorf("exp %s is accepted", name)
		}
	}
}

// Without a jti an assertion is known by what was signed: another signature of it is no other assertion.
func TestAssertionsWithoutJTI(t *testing.T) {
	for alg, key := range map[string]string{"ES256": "P-256", "RS256": "RSA"} {
		h := assertionHarness(t, key)
		claims := h.assertionClaims(key, "jti", nil, "iat", h.now().Unix())
		first, twin := signJWS(t, alg, key, "k1", claims), signJWS(t, alg, key, "k1", claims)
		if !h.proves(asserted("/token", first)) || !h.proves(asserted("/token", twin)) {
			t.Errorf("%s: two assertions of one second are refused", alg)
		}
		h.move(twinTime)
		if h.proves(asserted("/token", first)) || h.proves(asserted("/token", twin)) {
			t.Errorf("%s: an assertion proves once more later", alg)
		}
		if alg == "ES256" && h.proves(asserted("/token", malleated(t, first))) {
			t.Error("another signature makes another assertion of it")
		}
		if next := h.assertionClaims(key, "jti", nil, "iat", h.now().Unix()); !h.proves(asserted("/token", signJWS(t, alg, key, "k1", next))) {
			t.Errorf("%s: the next assertion is refused", alg)
		}
		undated := signJWS(t, alg, key, "k1", h.assertionClaims(key, "jti", nil, "iat", nil))
		if !h.proves(asserted("/token", undated)) || h.proves(asserted("/token", undated)) {
			t.Errorf("%s: an assertion without iat should prove once", alg)
		}
	}
}

// malleated returns the ES256 token with the other signature (r, n−s) that verifies.
func malleated(t *testing.T, token string) string {
	end := strings.LastIndexByte(token, '.') + 1
	signature := must(base64.RawURLEncoding.DecodeString(token[end:]))
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	return token[:end] + base64.RawURLEncoding.EncodeToString(signature)
}

// What is wrong with an assertion for all to see is told, and nothing of whether its client exists.
func TestMistakesInAssertionsAreTold(t *testing.T) {
	h := assertionHarness(t, "P-256")
	for want, pairs := range map[string][]any{
		"client_assertion: exp has passed":                                        {"exp", h.now().Add(-time.Second).Unix()},
		"client_assertion: no exp":                                                {"exp", nil},
		"client_assertion: aud is neither the issuer nor the URL of the endpoint": {"aud", "https://other.example"},
		"client_assertion: iss and sub are not one client_id":                     {"iss", nil},
		"client authentication failed":                                            {"exp", h.now().Add(time.Minute).Unix()},
	} {
		for _, client := range []string{"P-256", "web", "nobody"} {
			key := "RSA" // nobody's here
			claims := h.assertionClaims(client, pairs...)
			if answer := decode(t, h.do(asserted("/token", signJWS(t, "RS256", key, "k1", claims)))); answer.Description != want || answer.Error != "invalid_client" {
				t.Errorf("client %s: %+v, want %q", client, answer, want)
			}
		}
	}
}
