package storage

import (
	"crypto/subtle"
	"slices"
	"time"

	"brygga/secret"
)

// Client is a registered OAuth client: an app that sends people here to log in. The zero value may do nothing.
type Client struct {
	// ID is the client_id: 1 to 128 of A–Z a–z 0–9 - _ and dot.
	ID string `json:"id"`
	// Name is what people read on the login page and in the BankID app.
	Name string `json:"name"`
	// LocalNames holds the name in other languages, by BCP 47 tag ("sv", "en"); Name serves the rest.
	LocalNames map[string]string `json:"local_names,omitempty"`
	// HomeURI is where a person is sent who has nowhere else to go: https, or http on loopback. Empty for none.
	HomeURI string `json:"home_uri,omitempty"`
	// Native allows any port on a registered loopback redirect URI (RFC 8252 §7.3).
	Native bool `json:"native,omitempty"`
	// AuthMethod is how the client authenticates at the token endpoint, exactly: client_secret_basic, client_secret_post or
	// none (a public client; PKCE is then demanded).
	AuthMethod string `json:"auth_method"`
	// Secrets are the secrets that are valid now; two while one is being rotated.
	Secrets []ClientSecret `json:"secrets,omitempty"`
	// RedirectURIs and PostLogoutRedirectURIs are compared as exact strings.
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	// Scopes are those the client may ask for, beside openid.
	Scopes []string `json:"scopes,omitempty"`
	// IDTokenAlg signs its ID tokens: ES256 or RS256.
	IDTokenAlg string `json:"id_token_alg"`
	// SubjectType is pairwise or public (OIDC Core §8).
	SubjectType string `json:"subject_type"`
	// Sector names the group of clients that see the same pairwise subject; empty means this client alone.
	Sector string `json:"sector,omitempty"`
	// PersonalNumber lets the client have personalNumber and the name claims.
	PersonalNumber bool `json:"personal_number"`
	// RequirePKCE demands a code challenge of a confidential client too.
	RequirePKCE bool `json:"require_pkce,omitempty"`
	// CustomIdentifier tags the client's audit events (CUSTOMER_IDENTIFIER).
	CustomIdentifier string `json:"custom_identifier,omitempty"`
	// Policy is what the client demands of a login, Brand how the page looks when it asks.
	Policy Policy `json:"policy,omitzero"`
	Brand  Brand  `json:"brand,omitzero"`
	// Created and Updated are set by whoever stores the client.
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	// Revision counts the changes, from 1; see Clients.UpdateClient.
	Revision uint64 `json:"revision"`
	// Static says that the client stands in the configuration file and not in the store.
	Static bool `json:"-"`
}

// ClientSecret is what is stored of a client secret: its hash. The secret itself has at least 128 random bits, or stands
// in the operator's own configuration.
type ClientSecret struct {
	Hash    [32]byte  `json:"hash"`
	Created time.Time `json:"created"`
	// Expires is when the secret stops working; the zero time means never.
	Expires time.Time `json:"expires,omitzero"`
}

// Public reports whether the client has no credentials of its own (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == AuthMethodNone }

// Authenticate reports whether presented is one of the client's secrets at now. Its time does not tell how near it came.
func (c *Client) Authenticate(presented secret.String, now time.Time) bool {
	hash := presented.Hash()
	found := 0
	for _, s := range c.Secrets {
		if s.Expires.IsZero() || now.Before(s.Expires) {
			found |= subtle.ConstantTimeCompare(s.Hash[:], hash[:])
		}
	}
	return found == 1 && !presented.IsZero()
}

// NameIn returns the client's name in the language of the BCP 47 tag, else its Name, else its ID.
func (c *Client) NameIn(language string) string {
	if name := c.LocalNames[language]; name != "" {
		return name
	}
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// SectorID returns what a pairwise subject of this client is made for.
func (c *Client) SectorID() string {
	if c.Sector != "" {
		return "sector:" + c.Sector
	}
	return "client:" + c.ID
}

// MayAsk reports whether the client may ask for the scope.
func (c *Client) MayAsk(scope string) bool {
	return scope == "openid" || slices.Contains(c.Scopes, scope)
}

// The values of Client.AuthMethod (OIDC Core §9).
const (
	AuthMethodBasic = "client_secret_basic"
	AuthMethodPost  = "client_secret_post"
	AuthMethodNone  = "none"
)

// The values of Client.SubjectType (OIDC Core §8).
const (
	SubjectPairwise = "pairwise"
	SubjectPublic   = "public"
)

// The values of Client.IDTokenAlg (RFC 7518 §3.1).
const (
	ES256 = "ES256"
	RS256 = "RS256"
)
