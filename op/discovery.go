package op

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/keys"
	"brygga/storage"
)

// discoveryDocument adds what the library's type lacks, or holds in another form.
type discoveryDocument struct {
	*oidc.DiscoveryConfiguration
	UILocalesSupported    []string `json:"ui_locales_supported"`
	PromptValuesSupported []string `json:"prompt_values_supported"`
	// IssParameterSupported: every authorization response has iss (RFC 9207 §3).
	IssParameterSupported bool `json:"authorization_response_iss_parameter_supported"`
}

// newDiscovery makes the metadata once (OIDC Discovery §3, RFC 8414 §2). It names what works and nothing more.
func (p *Provider) newDiscovery() keys.Document {
	at := func(path string) string { return p.o.Issuer + path }
	text, err := json.Marshal(discoveryDocument{
		DiscoveryConfiguration: &oidc.DiscoveryConfiguration{
			Issuer:                            p.o.Issuer,
			AuthorizationEndpoint:             at(pathAuthorize),
			TokenEndpoint:                     at(pathToken),
			UserinfoEndpoint:                  at(pathUserinfo),
			JwksURI:                           at(pathJWKS),
			EndSessionEndpoint:                at(pathLogout),
			ScopesSupported:                   []string{oidc.ScopeOpenID, oidc.ScopeProfile},
			ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
			ResponseModesSupported:            []string{modeQuery, modeFormPost},
			GrantTypesSupported:               []oidc.GrantType{oidc.GrantTypeCode},
			ACRValuesSupported:                p.o.ACRValues,
			SubjectTypesSupported:             []string{storage.SubjectPairwise, storage.SubjectPublic},
			IDTokenSigningAlgValuesSupported:  []string{storage.ES256, storage.RS256},
			TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone},
			ClaimTypesSupported:               []string{"normal"},
			ClaimsSupported: []string{
				"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "txn", "at_hash",
				"name", "given_name", "family_name", "birthdate", "personalNumber", "givenName", "surname",
			},
			CodeChallengeMethodsSupported: []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		},
		UILocalesSupported:    []string{"sv", "en"},
		PromptValuesSupported: []string{"none", "login", "consent", "select_account"},
		IssParameterSupported: true,
	})
	if err != nil {
		panic("op: the discovery document does not marshal")
	}
	sum := sha256.Sum256(text)
	return keys.Document{JSON: text, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (p *Provider) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	serveDocument(w, r, p.discovery)
}

func (p *Provider) serveJWKS(w http.ResponseWriter, r *http.Request) {
	document, err := p.o.Keys.JWKS(r.Context())
	if err != nil {
		writeError(w, http.StatusInternalServerError, p.fault(r.Context(), "make the JWKS", err))
		return
	}
	serveDocument(w, r, document)
}

// serveDocument writes a document that clients may keep for keys.CacheTime.
func serveDocument(w http.ResponseWriter, r *http.Request, d keys.Document) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(keys.CacheTime.Seconds())))
	h.Set("Etag", d.ETag)
	if r.Header.Get("If-None-Match") == d.ETag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(d.JSON)
}
