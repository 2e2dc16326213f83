package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// clients are the clients by others. Each logs in people of its own, at one provider.
var clients = []struct {
	name string
	run  func(t *testing.T, p *provider)
}{
	{"go-oidc and oauth2", goOIDC},
	{"zitadel/oidc's relying party", zitadelRP},
	{"zitadel/oidc's relying party, with private_key_jwt", zitadelAssertions},
	{"openid-client", openIDClient},
	{"openid-client, by telephone", byTelephone},
	{"oauth4webapi", oauth4WebAPI},
	{"signatures, by jose and OpenSSL", signature},
	{"oidc-client-ts in a browser", oidcClientTS},
	{"the pages in docs/integrations and docs/quickstart", registerFromPages},
	{"the script for tests of apps", automaticLogin},
	{"a client of JSON:API", jsonAPI},
	{"a client generated from the management API's document", generatedClient},
}

func TestClients(t *testing.T) {
	p := startProvider(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, p)
		})
	}
}

// newKey makes the key of a client: the private JWK, and a file with the public set for --jwks-file.
func newKey(t *testing.T) (private json.RawMessage, jwksFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "client-key", Algorithm: string(jose.ES256), Use: "sig"}
	private, err = jwk.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	jwksFile = filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(jwksFile, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return private, jwksFile
}

// wantClaims checks the claims of an ID token about the browser's person.
func (b *browser) wantClaims(claims map[string]any) {
	b.t.Helper()
	for name, want := range map[string]any{"iss": b.issuer, "personalNumber": b.person, "givenName": "Bo", "given_name": "Bo"} {
		if claims[name] != want {
			b.t.Errorf("claim %s = %v, want %v", name, claims[name], want)
		}
	}
	for _, name := range []string{"sub", "aud", "auth_time", "acr", "amr", "txn", "sid"} {
		if claims[name] == nil {
			b.t.Errorf("claim %s is missing", name)
		}
	}
}
