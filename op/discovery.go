package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

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
	// PushedEndpoint and RequirePushed are RFC 9126 §5's. Single clients may be bound to push.
	PushedEndpoint string `json:"pushed_authorization_request_endpoint"`
	RequirePushed  bool   `json:"require_pushed_authorization_requests"`
	// The parameters of the Swedish OpenID Connect Authentication Request Parameter Extensions.
	UserMessage      bool     `json:"https://id.oidc.se/disco/userMessageSupported"`
	UserMessageTypes []string `json:"https://id.oidc.se/disco/userMessageSupportedMimeTypes"`
	AuthnProvider    bool     `json:"https://id.oidc.se/disco/authnProviderSupported"`
	// AuthnProviders are the eIDs, and the issuers of certificates that differ from theirs. No specification has a name for that.
	AuthnProviders []authnProvider `json:"urn:brygga:disco:authnProviders,omitempty"`
	*backchannelMetadata
}

// authnProvider is a value of authnProvider with the acr values that its logins may have, and their amr.
type authnProvider struct {
	Value     string   `json:"authnProvider"`
	ACRValues []string `json:"acr_values_supported"`
	AMR       []string `json:"amr_values_supported"`
}

// authnProviders returns those of all eIDs, each followed by its issuers of certificates. An issuer without a value of its own is told with that of the eID.
func (p *Provider) authnProviders() (all []authnProvider) {
	for _, m := range p.o.Methods {
		tell := func(m Method) {
			levels := slices.DeleteFunc(p.acrValues(), func(acr string) bool { return !p.givenBy(&m, acr) })
			all = append(all, authnProvider{p.provider(m), levels, m.amr()})
		}
		tell(m)
		for _, issuer := range m.Issuers {
			tell(m.of(issuer.Name))
		}
	}
	return all
}

// backchannelMetadata is what OpenID CIBA Core §4 adds.
type backchannelMetadata struct {
	Endpoint  string   `json:"backchannel_authentication_endpoint"`
	Modes     []string `json:"backchannel_token_delivery_modes_supported"`
	Algs      []string `json:"backchannel_authentication_request_signing_alg_values_supported"`
	UserCodes bool     `json:"backchannel_user_code_parameter_supported"`
}

// backchannel returns what is offered of it, nil where nothing is.
func (p *Provider) backchannel() *backchannelMetadata {
	if p.o.Call == nil {
		return nil
	}
	return &backchannelMetadata{p.o.Issuer + pathBackchannel, []string{storage.CIBAPoll, storage.CIBAPing}, signingAlgs, false}
}

// What is offered for tokens, and taken from clients.
var (
	signingAlgs    = storage.SigningAlgs()
	encryptionAlgs = []string{"RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
	encryptionEncs = []string{"A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"}
	messageTypes   = []string{"text/plain", "text/markdown"}
	// provingMethods are the methods that prove a client, which none does not.
	provingMethods = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT}
	clientMethods  = append(provingMethods[:3:3], oidc.AuthMethodNone)
)

// metadata is the document while clients may encrypt by the same algorithms.
type metadata struct {
	encryption []string
	document   keys.Document
}

// discoveryNow returns the document, which is made anew only when other encryption keys are published.
func (p *Provider) discoveryNow(ctx context.Context) (keys.Document, error) {
	encryption, err := p.o.Keys.EncryptionAlgorithms(ctx)
	if err != nil {
		return keys.Document{}, err
	}
	m := p.discovery.Load()
	if m == nil || !slices.Equal(m.encryption, encryption) {
		m = &metadata{encryption, p.newDiscovery(encryption)}
		p.discovery.Store(m)
	}
	return m.document, nil
}

// newDiscovery makes the metadata (OIDC Discovery §3, RFC 8414 §2). It names what works and nothing more.
func (p *Provider) newDiscovery(encryption []string) keys.Document {
	config := p.endpointMetadata()
	p.addRequestMetadata(config)
	if len(encryption) > 0 {
		config.RequestObjectEncryptionAlgValuesSupported = encryption
		config.RequestObjectEncryptionEncValuesSupported = encryptionEncs
	}
	p.addTokenMetadata(config)
	text, err := json.Marshal(discoveryDocument{
		DiscoveryConfiguration: config,
		UILocalesSupported:     []string{"sv", "en"},
		PromptValuesSupported:  []string{"none", "login", "consent", "select_account"},
		IssParameterSupported:  true,
		PushedEndpoint:         p.o.Issuer + pathPAR,
		UserMessage:            p.o.MessageFits != nil,
		UserMessageTypes:       messageTypes,
		AuthnProvider:          true,
		AuthnProviders:         p.authnProviders(),
		backchannelMetadata:    p.backchannel(),
	})
	if err != nil {
		panic("op: the discovery document does not marshal")
	}
	sum := sha256.Sum256(text)
	return keys.Document{JSON: text, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// endpointMetadata returns where the endpoints are and how clients authenticate there.
func (p *Provider) endpointMetadata() *oidc.DiscoveryConfiguration {
	at := func(path string) string { return p.o.Issuer + path }
	return &oidc.DiscoveryConfiguration{
		Issuer:                            p.o.Issuer,
		AuthorizationEndpoint:             at(pathAuthorize),
		TokenEndpoint:                     at(pathToken),
		UserinfoEndpoint:                  at(pathUserinfo),
		IntrospectionEndpoint:             at(pathIntrospect),
		RevocationEndpoint:                at(pathRevoke),
		EndSessionEndpoint:                at(pathLogout),
		JwksURI:                           at(pathJWKS),
		ServiceDocumentation:              p.o.ServiceDocumentation,
		BackChannelLogoutSupported:        true,
		BackChannelLogoutSessionSupported: true,

		TokenEndpointAuthMethodsSupported:                  clientMethods,
		TokenEndpointAuthSigningAlgValuesSupported:         signingAlgs,
		RevocationEndpointAuthMethodsSupported:             clientMethods,
		RevocationEndpointAuthSigningAlgValuesSupported:    signingAlgs,
		IntrospectionEndpointAuthMethodsSupported:          provingMethods,
		IntrospectionEndpointAuthSigningAlgValuesSupported: signingAlgs,
	}
}

// addRequestMetadata adds what an auth request may hold. A request_uri is only one that was pushed, which is another member's to
// say (RFC 9126 §5).
func (p *Provider) addRequestMetadata(c *oidc.DiscoveryConfiguration) {
	c.ScopesSupported = storage.Scopes()
	if p.o.SignatureOf == nil {
		c.ScopesSupported = slices.DeleteFunc(c.ScopesSupported, func(scope string) bool { return scope == storage.ScopeSign || scope == storage.ScopeSignApproval })
	}
	c.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	c.ResponseModesSupported = []string{modeQuery, modeFormPost}
	c.ACRValuesSupported = p.acrValues()
	c.DisplayValuesSupported = []oidc.Display{oidc.DisplayPage, oidc.DisplayPopup, oidc.DisplayTouch}
	c.CodeChallengeMethodsSupported = []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256}
	c.ClaimsParameterSupported = true
	c.RequestParameterSupported = true
	c.RequestObjectSigningAlgValuesSupported = signingAlgs
}

// addTokenMetadata adds what clients get.
func (p *Provider) addTokenMetadata(c *oidc.DiscoveryConfiguration) {
	c.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	if p.o.Call != nil {
		c.GrantTypesSupported = append(c.GrantTypesSupported, GrantCIBA)
	}
	if len(p.ownAPIs()) > 0 {
		c.GrantTypesSupported = append(c.GrantTypesSupported, oidc.GrantTypeClientCredentials)
	}
	c.SubjectTypesSupported = []string{storage.SubjectPairwise, storage.SubjectPublic}
	c.IDTokenSigningAlgValuesSupported = signingAlgs
	c.IDTokenEncryptionAlgValuesSupported = encryptionAlgs
	c.IDTokenEncryptionEncValuesSupported = encryptionEncs
	c.UserinfoSigningAlgValuesSupported = signingAlgs
	c.UserinfoEncryptionAlgValuesSupported = encryptionAlgs
	c.UserinfoEncryptionEncValuesSupported = encryptionEncs
	c.ClaimTypesSupported = []string{"normal"}
	c.ClaimsSupported = p.claimsSupported()
}

func (p *Provider) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	document, err := p.discoveryNow(r.Context())
	if err != nil {
		writeError(w, p.fault(r.Context(), "make the discovery document", err))
		return
	}
	serveDocument(w, r, document)
}

func (p *Provider) serveJWKS(w http.ResponseWriter, r *http.Request) {
	document, err := p.o.Keys.JWKS(r.Context())
	if err != nil {
		writeError(w, p.fault(r.Context(), "make the JWKS", err))
		return
	}
	serveDocument(w, r, document)
}

// headerKept lets clients keep a document for keys.CacheTime.
var headerKept = []string{fmt.Sprintf("public, max-age=%d", int(keys.CacheTime.Seconds()))}

// serveDocument writes a document that clients may keep for keys.CacheTime.
func serveDocument(w http.ResponseWriter, r *http.Request, d keys.Document) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Etag"] = headerJSON, headerKept, []string{d.ETag}
	if r.Header.Get("If-None-Match") == d.ETag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(d.JSON))} // without it a long answer goes out in chunks
	w.Write(d.JSON)
}
