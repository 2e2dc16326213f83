package op

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// rotate answers the form with the tokens that follow a refresh token (RFC 6749 §6). Each is used once: one step of the store spends it and
// stores the next. The next stands for the same grant, as wide as before, whatever the access token was narrowed to.
func (p *Provider) rotate(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	switch {
	case !client.MayAsk(oidc.ScopeOfflineAccess):
		return nil, newError(oidc.UnauthorizedClient, "the client is not registered for refresh tokens")
	case form.Get("refresh_token") == "":
		return nil, invalid("refresh_token is missing")
	}
	if refusal := p.checkEncryption(ctx, client); refusal != nil {
		return nil, refusal
	}
	hash := storage.TokenHash(secret.New(form.Get("refresh_token")))
	a := &issue{client: client, scopes: scopesOf(form), resources: resourcesOf(form), token: storage.NewToken(), refresh: storage.NewToken(), now: p.now()}
	if refusal := p.checkNarrowing(ctx, a, hash); refusal != nil {
		return nil, refusal
	}
	grant, err := p.o.Store.RotateRefreshToken(ctx, storage.Rotation{
		Hash: hash, ClientID: client.ID,
		Next: storage.RefreshToken{Hash: storage.TokenHash(secret.New(a.refresh)), Expires: a.now.Add(p.o.RefreshIdle)},
		Token: storage.AccessToken{
			Hash: accessTokenID(a.token, wantsJWT(client)), Issued: a.now, Expires: a.now.Add(p.o.AccessTokenLife), Scopes: a.scopes,
			Resources: a.resources,
		},
		Now: a.now,
	})
	if err != nil {
		return nil, p.refuseRefresh(ctx, a, err)
	}
	a.grant = grant
	if a.scopes == nil {
		a.scopes = grant.Scopes
	}
	if a.resources == nil {
		a.resources = grant.Resources
	}
	return p.answerTokens(ctx, a)
}

// scopesOf returns the scopes that a token is wanted for, nil for all that were granted (RFC 6749 §6). Those that there are not are
// ignored, as in an auth request (OIDC Core §3.1.2.1): libraries repeat here what they asked for there.
func scopesOf(form url.Values) []string {
	named := strings.Fields(form.Get("scope"))
	if len(named) == 0 {
		return nil
	}
	scopes := slices.DeleteFunc(storage.Scopes(), func(scope string) bool { return !slices.Contains(named, scope) })
	slices.Sort(scopes)
	return scopes
}

// errScopes tells a client that it wants more than what was granted.
func errScopes() *oauthError {
	return newError(oidc.InvalidScope, "scope names one that was not granted, or none that there is")
}

// checkNarrowing refuses scopes and resources beyond the grant, before the token is spent: a client may correct its request. A
// token that is spent already goes on to the store, which tells of the reuse.
func (p *Provider) checkNarrowing(ctx context.Context, a *issue, hash [32]byte) *oauthError {
	if a.scopes == nil && a.resources == nil {
		return nil
	}
	token, grant, err := p.o.Store.RefreshToken(ctx, hash, a.now)
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && grant.ClientID != a.client.ID:
		return errRefreshToken()
	case err != nil:
		return p.fault(ctx, "read refresh token", err)
	case !token.Spent.IsZero():
		return nil
	case a.scopes != nil && len(a.scopes) == 0, !subset(a.scopes, grant.Scopes):
		return errScopes()
	case !subset(a.resources, grant.Resources):
		return errInvalidTarget()
	}
	return nil
}

// subset reports whether all of part stands in whole.
func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// refuseRefresh returns what the client may know of a failed rotation.
func (p *Provider) refuseRefresh(ctx context.Context, a *issue, err error) *oauthError {
	var reused *storage.TokenReusedError
	switch {
	case errors.As(err, &reused):
		if err := p.revokeReused(ctx, a.client, audit.TokenReused, reused.GrantID, a.now); err != nil {
			return err
		}
	case errors.Is(err, storage.ErrNotFound):
	default:
		return p.fault(ctx, "rotate refresh token", err)
	}
	return errRefreshToken()
}

func errRefreshToken() *oauthError {
	return newError(oidc.InvalidGrant, "the refresh token is unknown, expired, used, or another client's")
}
