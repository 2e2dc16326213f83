package op

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

func TestJWKSKeepsStrongPublicKeys(t *testing.T) {
	private := string(must(json.Marshal(jose.JSONWebKey{Key: testKeys["P-256"](), KeyID: "private"})))
	public := func(name string) string { return string(must(json.Marshal(jwk(name, name, "")))) }
	even := string(must(json.Marshal(jose.JSONWebKey{Key: &rsa.PublicKey{N: testKeys["RSA"]().(*rsa.PrivateKey).N, E: 4}})))
	one := string(must(json.Marshal(jose.JSONWebKey{Key: &rsa.PublicKey{N: testKeys["RSA"]().(*rsa.PrivateKey).N, E: 1}})))
	for name, test := range map[string]struct {
		keys []string
		want int
	}{
		"one of each":      {[]string{public("P-256"), public("P-384"), public("P-521"), public("RSA"), public("Ed25519")}, 5},
		"private":          {[]string{private, public("RSA")}, 1},
		"private alone":    {[]string{private}, 0},
		"symmetric":        {[]string{`{"kty":"oct","k":"c2VjcmV0"}`}, 0},
		"short RSA":        {[]string{public("RSA-1024")}, 0},
		"even exponent":    {[]string{even}, 0},
		"exponent of one":  {[]string{one}, 0},
		"unknown types":    {[]string{`{"kty":"X"}`, `{}`, `null`, `7`, `{"kty":"OKP","crv":"X25519","x":"AAAA"}`, public("P-256")}, 1},
		"off the curve":    {[]string{`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`}, 0},
		"secp256k1":        {[]string{`{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`}, 0},
		"none":             {nil, 0},
		"more than enough": {strings.Split(strings.Repeat(public("P-256")+" ", 100), " ")[:100], maxClientKeys},
	} {
		keys, err := parseJWKS([]byte(`{"keys":[` + strings.Join(test.keys, ",") + `]}`))
		if len(keys) != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s: %d keys, want %d; %v", name, len(keys), test.want, err)
		}
	}
	padded := fmt.Sprintf(`{"keys":[%s],"x":"%s"}`, public("P-256"), strings.Repeat("x", maxJWKS))
	for _, text := range []string{"", "[]", "null", `{"keys":{}}`, "<html>", padded} {
		if keys, err := parseJWKS([]byte(text)); err == nil {
			t.Errorf("%.20s: %d keys", text, len(keys))
		}
	}
}

// What the library lets through is not for it to say.
func TestStrongRSAKeys(t *testing.T) {
	odd := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits-1), 1) }
	for _, test := range []struct {
		bits uint
		e    int
		want bool
	}{{2048, 65537, true}, {4096, 3, true}, {2047, 65537, false}, {4097, 65537, false}, {2048, 1, false}, {2048, 2, false}, {2048, -3, false}} {
		k := jose.JSONWebKey{Key: &rsa.PublicKey{N: odd(test.bits), E: test.e}}
		if isStrong(&k) != test.want {
			t.Errorf("%d bits, exponent %d: want %t", test.bits, test.e, test.want)
		}
	}
}

func TestVerifyFromClient(t *testing.T) {
	h := newHarness(t, nil)
	client := storage.Client{ID: "x", JWKS: jwks(jwk("P-256", "a", ""), jwk("RSA", "r", ""))}
	claims := map[string]any{"a": "b"}
	for name, test := range map[string]struct {
		token, only string
		want        error
	}{
		"any algorithm":      {signJWS(t, "RS384", "RSA", "r", claims), "", nil},
		"the only algorithm": {signJWS(t, "ES256", "P-256", "a", claims), "ES256", nil},
		"another algorithm":  {signJWS(t, "RS256", "RSA", "r", claims), "ES256", errNotSigned},
		"only none":          {"eyJhbGciOiJub25lIn0.e30.", "none", errNotSigned},
		"only HS256":         {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "HS256", errNotSigned},
		"another key":        {signJWS(t, "ES256", "other", "a", claims), "", errNoClientKey},
		"too long":           {signJWS(t, "ES256", "P-256", "a", map[string]any{"x": strings.Repeat("x", maxSigning)}), "", errNotSigned},
		"JSON form":          {`{"payload":"e30","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AAAA"}`, "", errNotSigned},
		"nothing":            {"", "", errNotSigned},
	} {
		payload, header, err := h.verifyFromClient(t.Context(), &client, test.token, test.only)
		if err != test.want || err == nil && (string(payload) != `{"a":"b"}` || header.Algorithm == "") {
			t.Errorf("%s: %s %v %v", name, payload, header, err)
		}
	}
	if _, _, err := h.verifyFromClient(t.Context(), &storage.Client{ID: "y"}, signJWS(t, "ES256", "P-256", "a", claims), ""); err != errNoKeys {
		t.Errorf("a client without keys: %v", err)
	}
	critical := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: testKeys["P-256"]()}, new(jose.SignerOptions).WithHeader("kid", "a").WithCritical("x")))
	jws := must(critical.Sign([]byte(`{"a":"b"}`)))
	if _, _, err := h.verifyFromClient(t.Context(), &client, must(jws.CompactSerialize()), ""); err == nil {
		t.Error("an unknown critical header is passed over")
	}
}

// A key serves for its own algorithm, curve and use.
func TestKeyFitsSignature(t *testing.T) {
	algs := []string{"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "EdDSA", "HS256", "none", ""}
	for name, want := range map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "RSA": "RS256 RS384 RS512 PS256", "Ed25519": "EdDSA"} {
		var got []string
		for _, alg := range algs {
			k := jwk(name, "", "sig")
			if fitsSignature(&k, alg) {
				got = append(got, alg)
			}
			if k.Use = "enc"; fitsSignature(&k, alg) {
				t.Errorf("%s for encryption verifies %s", name, alg)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	k := jwk("RSA", "", "")
	k.Algorithm = "PS256"
	if fitsSignature(&k, "RS256") || !fitsSignature(&k, "PS256") {
		t.Error("the key's own algorithm does not count")
	}
}

func TestEncryptionKey(t *testing.T) {
	withAlg := jwk("RSA", "alg", "")
	withAlg.Algorithm = "RSA-OAEP-256"
	all := []jose.JSONWebKey{jwk("P-256", "sig", "sig"), jwk("P-384", "any", ""), jwk("P-256", "enc", "enc"), withAlg, jwk("Ed25519", "ed", "")}
	for alg, want := range map[string]string{
		"ECDH-ES": "enc", "ECDH-ES+A128KW": "enc", "RSA-OAEP-256": "alg", "RSA-OAEP": "", "RSA1_5": "", "dir": "", "A128KW": "",
	} {
		k, ok := encryptionKey(all, alg)
		if k.KeyID != want || ok != (want != "") {
			t.Errorf("%s: %q", alg, k.KeyID)
		}
	}
	if k, _ := encryptionKey(all[:2], "ECDH-ES"); k.KeyID != "any" {
		t.Errorf("a key that says nothing: %q", k.KeyID)
	}
}

// The slowest that a client can make us: as many keys as are tried, none of which fits.
func TestTriedKeysAreBounded(t *testing.T) {
	h := newHarness(t, nil)
	var keys []jose.JSONWebKey
	for range maxTriedKeys {
		keys = append(keys, jwk("other", "", ""))
	}
	client := storage.Client{ID: "x", JWKS: jwks(append(keys, jwk("P-256", "", ""))...)}
	if _, _, err := h.verifyFromClient(t.Context(), &client, signJWS(t, "ES256", "P-256", "", 1), ""); err != errNoClientKey {
		t.Errorf("%v", err)
	}
}
