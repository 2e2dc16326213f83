package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/secret"
	"brygga/storage"
)

// pathAPI is the management API below the issuer, which names it as a resource (RFC 8707). Where it is served is another matter.
const pathAPI = "/api/v1"

// pathResource is where the resource is described (RFC 9728 §3.1).
const pathResource = "/.well-known/oauth-protected-resource" + pathAPI

// APIResource is what access tokens for the management API are for.
func (p *Provider) APIResource() string { return p.o.Issuer + pathAPI }

// APIMetadata is where that is described (RFC 9728).
func (p *Provider) APIMetadata() string { return p.o.Issuer + pathResource }

// ownToken answers the form with an access token for the management API, with which the client acts as itself (RFC 6749 §4.4). There is neither an
// ID token nor a refresh token, as nobody has logged in (§4.4.3). The scopes are those that the client is registered for, or some of them.
func (p *Provider) ownToken(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	if len(client.APIScopes) == 0 || client.Public() {
		return nil, newError(oidc.UnauthorizedClient, "the client is not registered for scopes of the management API")
	}
	scopes := p.apiScopes(client)
	if wanted := strings.Fields(form.Get("scope")); len(wanted) > 0 {
		slices.Sort(wanted)
		if scopes = slices.Compact(wanted); !covered(scopes, p.apiScopes(client)) {
			return nil, newError(oidc.InvalidScope, "a scope is none of the client's")
		}
	}
	if !covered(form["resource"], []string{p.APIResource()}) {
		return nil, errInvalidTarget()
	}
	now := p.now()
	a := &issue{client: client, scopes: scopes, resources: []string{p.APIResource()}, token: storage.NewToken(), now: now}
	a.grant = &storage.Grant{
		ID: storage.NewID(), ClientID: client.ID, Subject: client.ID, Scopes: scopes, Resources: a.resources, Created: now, Expires: now.Add(p.o.AccessTokenLife),
	}
	token := storage.AccessToken{Hash: accessTokenID(a.token, wantsJWT(client)), Issued: now, Expires: a.grant.Expires}
	err := p.o.Store.IssueToken(ctx, client.Revision, *a.grant, token)
	if errors.Is(err, storage.ErrConflict) {
		return nil, refuseClient("the client was changed while it asked")
	}
	if err != nil {
		return nil, p.fault(ctx, "issue token", err)
	}
	return p.answerTokens(ctx, a)
}

// covered reports whether all of some are among those.
func covered(some, those []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(those, one) })
}

// apiScopes are the scopes of the API that the client is registered for, of those that there are.
func (p *Provider) apiScopes(client *storage.Client) []string {
	return slices.DeleteFunc(slices.Clone(client.APIScopes), func(scope string) bool { return !hasScope(p.o.APIScopes, scope) })
}

// APIClient returns the client that an access token for the management API stands for, and the scopes of it that the client still has. It returns
// storage.ErrNotFound for every text that is none: a token for something else, of a person's login, that has ended or was revoked, or of a client
// that is disabled.
func (p *Provider) APIClient(ctx context.Context, text secret.String) (*storage.Client, []string, error) {
	token, grant, err := p.findAccessToken(ctx, text.Reveal())
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(token.Resources, []string{p.APIResource()}) || grant.Subject != grant.ClientID || !grant.AuthTime.IsZero() {
		return nil, nil, storage.ErrNotFound
	}
	client, err := p.o.Store.Client(ctx, grant.ClientID)
	if err != nil {
		return nil, nil, err
	}
	still := p.apiScopes(client)
	return client, slices.DeleteFunc(slices.Clone(token.Scopes), func(scope string) bool { return !hasScope(still, scope) }), nil
}

// serveResource describes the management API as a protected resource (RFC 9728 §2).
func (p *Provider) serveResource(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = headerJSON
	json.NewEncoder(w).Encode(struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
		Methods  []string `json:"bearer_methods_supported"`
		Name     string   `json:"resource_name"`
	}{p.APIResource(), []string{p.o.Issuer}, p.o.APIScopes, []string{"header"}, "Brygga management API"})
}
