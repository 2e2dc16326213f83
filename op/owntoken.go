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

// ownAPI is an API that clients ask as themselves.
type ownAPI struct {
	// path is where it is below the issuer, which names it as a resource (RFC 8707), and name what it is called. Where the management API is served is
	// another matter.
	path, name string
	// scopes are all that there are, and of those that a client is registered for.
	scopes []string
	of     func(*storage.Client) []string
}

// The APIs that clients ask as themselves.
const (
	pathAPI      = "/api/v1"
	pathEvidence = "/evidence"
)

// pathResource is where an API is described, with its own path behind it (RFC 9728 §3.1).
const pathResource = "/.well-known/oauth-protected-resource"

// ownAPIs are the APIs that there are.
func (p *Provider) ownAPIs() (all []ownAPI) {
	if len(p.o.APIScopes) > 0 {
		all = append(all, ownAPI{pathAPI, "Brygga management API", p.o.APIScopes, p.apiScopes})
	}
	if p.o.EvidenceOf != nil {
		all = append(all, ownAPI{pathEvidence, "Brygga evidence", []string{storage.ScopeEvidence}, evidenceScopes})
	}
	return all
}

// APIResource is what access tokens for the management API are for.
func (p *Provider) APIResource() string { return p.o.Issuer + pathAPI }

// APIMetadata is where that is described (RFC 9728).
func (p *Provider) APIMetadata() string { return p.o.Issuer + pathResource + pathAPI }

// wantedAPI returns the API that the client asks a token for, and the scopes: those that it is registered for, or some of them. A token is for one API.
func (p *Provider) wantedAPI(client *storage.Client, form url.Values) (api ownAPI, scopes []string, refusal *oauthError) {
	refusal = newError(oidc.UnauthorizedClient, "the client is not registered to ask an API as itself")
	wanted := strings.Fields(form.Get("scope"))
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	for _, api := range p.ownAPIs() {
		scopes := api.of(client)
		switch {
		case len(scopes) == 0 || client.Public():
			continue
		case !covered(wanted, scopes):
			refusal = newError(oidc.InvalidScope, "a scope is none of the client's, or another is for another API")
			continue
		case !covered(form["resource"], []string{p.o.Issuer + api.path}):
			refusal = errInvalidTarget()
			continue
		case len(wanted) > 0:
			scopes = wanted
		}
		return api, scopes, nil
	}
	return ownAPI{}, nil, refusal
}

// ownToken answers the form with an access token for an API, which the client asks as itself (RFC 6749 §4.4). There is neither an
// ID token nor a refresh token, as nobody has logged in (§4.4.3).
func (p *Provider) ownToken(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	api, scopes, refusal := p.wantedAPI(client, form)
	if refusal != nil {
		return nil, refusal
	}
	now := p.now()
	a := &issue{client: client, scopes: scopes, resources: []string{p.o.Issuer + api.path}, token: storage.NewToken(), now: now}
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
	return p.clientItself(ctx, text, p.APIResource(), p.apiScopes)
}

// clientItself is APIClient for an API, with the scopes that clients are registered for there.
func (p *Provider) clientItself(ctx context.Context, text secret.String, resource string, of func(*storage.Client) []string) (*storage.Client, []string, error) {
	token, grant, err := p.findAccessToken(ctx, text.Reveal())
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(token.Resources, []string{resource}) || grant.Subject != grant.ClientID || !grant.AuthTime.IsZero() {
		return nil, nil, storage.ErrNotFound
	}
	client, err := p.o.Store.Client(ctx, grant.ClientID)
	if err != nil {
		return nil, nil, err
	}
	still := of(client)
	return client, slices.DeleteFunc(slices.Clone(token.Scopes), func(scope string) bool { return !hasScope(still, scope) }), nil
}

// serveResource describes an API as a protected resource (RFC 9728 §2).
func (p *Provider) serveResource(api ownAPI) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = headerJSON
		json.NewEncoder(w).Encode(struct {
			Resource string   `json:"resource"`
			Servers  []string `json:"authorization_servers"`
			Scopes   []string `json:"scopes_supported"`
			Methods  []string `json:"bearer_methods_supported"`
			Name     string   `json:"resource_name"`
		}{p.o.Issuer + api.path, []string{p.o.Issuer}, api.scopes, []string{"header"}, api.name})
	}
}
