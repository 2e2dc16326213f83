package op

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// clientPrivate returns keys of a client, made once: RSA keys are dear.
var clientPrivate = sync.OnceValue(func() []jose.JSONWebKey {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return []jose.JSONWebKey{
		{Key: signing, KeyID: "sign", Use: "sig"}, {Key: rsaKey, KeyID: "rsa", Use: "enc"}, {Key: ec, KeyID: "ec"},
	}
})

// publicJWKS returns the public keys of those of the names, all for none.
func publicJWKS(names ...string) json.RawMessage {
	var set jose.JSONWebKeySet
	for _, k := range clientPrivate() {
		if len(names) == 0 || strings.Contains(strings.Join(names, " "), k.KeyID) {
			set.Keys = append(set.Keys, k.Public())
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return text
}

// decrypted returns what is inside a JWE, which must have been made as the client wants it.
func decrypted(t testing.TB, jwe string, want storage.Encryption, cty string) string {
	t.Helper()
	if want.Enc == "" {
		want.Enc = "A128CBC-HS256"
	}
	parsed, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.KeyAlgorithm(want.Alg)}, []jose.ContentEncryption{jose.ContentEncryption(want.Enc)})
	if err != nil {
		t.Fatalf("%+v: %v", want, err)
	}
	got, _ := parsed.Header.ExtraHeaders[jose.HeaderContentType].(string)
	if got != cty {
		t.Errorf("%+v: cty %q", want, got)
	}
	for _, k := range clientPrivate() {
		if k.KeyID == parsed.Header.KeyID {
			text, err := parsed.Decrypt(k.Key)
			if err != nil {
				t.Fatalf("%+v: %v", want, err)
			}
			return string(text)
		}
	}
	t.Fatalf("%+v: kid %q", want, parsed.Header.KeyID)
	return ""
}

var encryptions = []storage.Encryption{
	{Alg: "RSA-OAEP"}, {Alg: "RSA-OAEP-256", Enc: "A128GCM"}, {Alg: "ECDH-ES", Enc: "A256GCM"}, {Alg: "ECDH-ES+A128KW", Enc: "A128CBC-HS256"},
	{Alg: "ECDH-ES+A256KW", Enc: "A256CBC-HS512"},
}

func TestEncryptedIDToken(t *testing.T) {
	h := newOfflineHarness(t)
	for _, e := range encryptions {
		h.change("web", func(c *storage.Client) { c.JWKS, c.IDTokenEncryption = publicJWKS(), e })
		answer := h.grantTokens(offlineScopes, nil)
		for _, token := range []string{answer.IDToken, h.ok(refreshing(answer.RefreshToken)).IDToken} {
			signed := decrypted(t, token, e, "JWT")
			if _, err := ring.Verify(signed, "JWT"); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
			if claims := payload(t, signed); claims["aud"] != "web" || claims["personalNumber"] != number {
				t.Errorf("%+v: %v", e, claims)
			}
		}
	}
}

// A client whose keys do not fit is told so before it has spent anything.
func TestEncryptionWithoutAKey(t *testing.T) {
	h := newOfflineHarness(t)
	token := h.grantTokens(offlineScopes, nil).RefreshToken
	access := h.grantTokens(offlineScopes, nil).AccessToken
	code := h.codeFor(person, offlineScopes, nil)
	set := func(e storage.Encryption, jwks json.RawMessage) {
		h.change("web", func(c *storage.Client) { c.JWKS, c.IDTokenEncryption, c.UserinfoEncryption = jwks, e, e })
	}
	for _, test := range []struct {
		name string
		e    storage.Encryption
		jwks json.RawMessage
	}{
		{"no key of that kind", storage.Encryption{Alg: "RSA-OAEP"}, publicJWKS("ec")},
		{"a signing key alone", storage.Encryption{Alg: "ECDH-ES"}, publicJWKS("sign")},
	} {
		set(test.e, test.jwks)
		h.refused(test.name, exchange(code), 400, "invalid_request")
		h.refused(test.name, refreshing(token), 400, "invalid_request")
		if status, body := h.userinfo(access); status != http.StatusInternalServerError || body["error"] != "server_error" {
			t.Errorf("%s: userinfo %d %v", test.name, status, body)
		}
	}
	set(storage.Encryption{Alg: "ECDH-ES"}, publicJWKS("ec"))
	h.ok(exchange(code))
	h.ok(refreshing(token))
}

// Claims that cannot be signed are not sent, encrypted or not.
func TestUserinfoThatCannotBeSigned(t *testing.T) {
	h := newHarness(t, nil)
	token := h.grantTokens([]string{"openid"}, nil).AccessToken
	for _, e := range []storage.Encryption{{}, encryptions[0]} {
		h.change("web", func(c *storage.Client) { c.JWKS, c.UserinfoAlg, c.UserinfoEncryption = publicJWKS(), "ES999", e })
		if status, body := h.userinfo(token); status != http.StatusInternalServerError || body["error"] != "server_error" {
			t.Errorf("%+v: %d %v", e, status, body)
		}
	}
}

func TestUserinfoSignedAndEncrypted(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) { c.JWKS = publicJWKS() })
	answer := h.grantTokens([]string{"openid", "profile"}, nil)
	sub := payload(t, answer.IDToken)["sub"]
	ask := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
		r.Header.Set("Accept", "application/json")
		return h.do(r)
	}
	for _, test := range []struct {
		alg string
		e   storage.Encryption
	}{{"ES256", storage.Encryption{}}, {"RS256", storage.Encryption{}}, {"", encryptions[0]}, {"ES256", encryptions[2]}, {"RS256", encryptions[4]}} {
		h.change("web", func(c *storage.Client) { c.UserinfoAlg, c.UserinfoEncryption = test.alg, test.e })
		w := ask()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/jwt" || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%+v: %d %v %s", test, w.Code, w.Header(), w.Body)
		}
		text := w.Body.String()
		if test.e.Alg != "" {
			cty := ""
			if test.alg != "" {
				cty = "JWT"
			}
			text = decrypted(t, text, test.e, cty)
		}
		claims := make(map[string]any)
		if test.alg == "" {
			if err := json.Unmarshal([]byte(text), &claims); err != nil {
				t.Fatal(err)
			}
		} else {
			if _, err := ring.Verify(text, "JWT"); err != nil {
				t.Errorf("%+v: %v", test, err)
			}
			if got := header(t, text); got.Alg != test.alg || got.Typ != "JWT" {
				t.Errorf("%+v: header %+v", test, got)
			}
			if claims = payload(t, text); claims["iss"] != issuer || claims["aud"] != "web" || claims["exp"] != nil {
				t.Errorf("%+v: %v", test, claims)
			}
		}
		if claims["sub"] != sub || claims["personalNumber"] != number || claims["name"] != "Åsa Öberg" {
			t.Errorf("%+v: %v", test, claims)
		}
	}
	if status, _ := h.userinfo(storage.NewToken()); status != http.StatusUnauthorized {
		t.Errorf("an error: %d", status) // errors are JSON in any case
	}
}
