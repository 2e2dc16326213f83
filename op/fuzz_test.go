package op

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// FuzzClientAssertion sends texts as client assertions. None of them proves a client, as the seeds that did have expired.
func FuzzClientAssertion(f *testing.F) {
	h := assertionHarness(f, "P-256", "Ed25519")
	for _, test := range []struct{ alg, client string }{{"ES256", "P-256"}, {"EdDSA", "Ed25519"}} {
		f.Add(signJWS(f, test.alg, test.client, "k1", h.assertionClaims(test.client)), oidc.ClientAssertionTypeJWTAssertion, test.client)
		f.Add(signJWS(f, test.alg, test.client, "", h.assertionClaims(test.client, "aud", []any{issuer, 7})), oidc.ClientAssertionTypeJWTAssertion, "")
		f.Add(signJWS(f, test.alg, test.client, "", h.assertionClaims(test.client, "exp", 1e300)), oidc.ClientAssertionTypeJWTAssertion, "web")
	}
	f.Add("e30.eyJhdWQiOlsxXX0.x", oidc.ClientAssertionTypeJWTAssertion, "P-256")
	f.Add("eyJhbGciOiJub25lIn0.e30.", oidc.ClientAssertionTypeJWTAssertion, "P-256")
	f.Add("", oidc.ClientAssertionTypeJWTAssertion, "P-256")
	f.Add("x", "", "P-256")
	h.move(2 * maxAssertionLife)
	n := 0
	f.Fuzz(func(t *testing.T, assertion, kind, clientID string) {
		r := formRequest("/token", url.Values{
			"grant_type": {"authorization_code"}, "client_assertion": {assertion}, "client_assertion_type": {kind}, "client_id": {clientID},
		})
		n++ // another address each time: the limits are not what is tried here
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", n>>16&255, n>>8&255, n&255)
		if n%1000 == 0 {
			h.move(time.Minute)
		}
		w := h.do(r)
		answer := decode(t, w)
		if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest || answer.Error == "" || answer.AccessToken != "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w.Code == http.StatusBadRequest && (assertion != "" || kind != "") && answer.Error != "invalid_request" {
			t.Errorf("%q proves a client: %s", assertion, w.Body)
		}
	})
}

// FuzzJWKS parses texts as the keys of a client.
func FuzzJWKS(f *testing.F) {
	f.Add([]byte(jwks(jwk("P-256", "a", "sig"), jwk("P-521", "b", "enc"), jwk("Ed25519", "c", ""))))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"},null,{},7]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseJWKS(text)
		if (err == nil) != (len(keys) > 0) || len(keys) > maxClientKeys {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if !k.IsPublic() {
				t.Errorf("a key that is not public: %T", k.Key)
			}
		}
	})
}
