package op

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	zop "github.com/zitadel/oidc/v3/pkg/op"

	"brygga/storage"
)

// client is the library's view of a client.
type client struct {
	record      *storage.Client
	idTokenLife time.Duration
}

var _ zop.Client = client{}

// GetID returns the client_id.
func (c client) GetID() string { return c.record.ID }

// RedirectURIs returns the registered redirect URIs. The library never matches them: matchURI does.
func (c client) RedirectURIs() []string { return c.record.RedirectURIs }

// PostLogoutRedirectURIs returns the registered ones.
func (c client) PostLogoutRedirectURIs() []string { return c.record.PostLogoutRedirectURIs }

// ApplicationType returns web or native (OIDC Registration §2).
func (c client) ApplicationType() zop.ApplicationType {
	if c.record.Native {
		return zop.ApplicationTypeNative
	}
	return zop.ApplicationTypeWeb
}

// AuthMethod returns how the client authenticates.
func (c client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethod(c.record.AuthMethod) }

// ResponseTypes returns code: there is no other flow.
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// GrantTypes returns what the token endpoint may be asked for: refresh tokens are for clients that may ask for them.
func (c client) GrantTypes() []oidc.GrantType {
	if c.record.MayAsk(oidc.ScopeOfflineAccess) {
		return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	}
	return []oidc.GrantType{oidc.GrantTypeCode}
}

// LoginURL returns "": Pages leads to the login.
func (c client) LoginURL(string) string { return "" }

// AccessTokenType returns bearer. The library never makes an access token.
func (c client) AccessTokenType() zop.AccessTokenType { return zop.AccessTokenTypeBearer }

// IDTokenLifetime returns how long ID tokens are valid.
func (c client) IDTokenLifetime() time.Duration { return c.idTokenLife }

// DevMode returns false: redirect URIs are checked for every client.
func (c client) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes returns a function that keeps no scope: the claims of ID tokens are made here.
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}

// RestrictAdditionalAccessTokenScopes returns a function that keeps no scope: access tokens hold no claims.
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}

// IsScopeAllowed reports whether the client may ask for the scope.
func (c client) IsScopeAllowed(scope string) bool { return c.record.MayAsk(scope) }

// IDTokenUserinfoClaimsAssertion returns false: the claims of ID tokens are made here.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return false }

// ClockSkew returns 0: times in tokens are the clock's.
func (c client) ClockSkew() time.Duration { return 0 }
