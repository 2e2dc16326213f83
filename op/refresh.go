package op

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// rotate answers the form with the tokens that follow a refresh token (RFC 6749 §6). One step of the store spends it and stores the
// next. The next stands for the same grant, as wide as before, whatever the access token was narrowed to. Each is used once, but
// that a client which has proven itself may come again for a moment, or for ever if it is registered so.
func (p *Provider) rotate(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	presented := form.Get("refresh_token")
	switch {
	case !client.MayAsk(oidc.ScopeOfflineAccess):
		return nil, newError(oidc.UnauthorizedClient, "the client is not registered for refresh tokens")
	case presented == "":
		return nil, invalid("refresh_token is missing")
	}
	if refusal := p.checkEncryption(ctx, client); refusal != nil {
		return nil, refusal
	}
	a := &issue{client: client, scopes: scopesOf(form), resources: resourcesOf(form), token: storage.NewToken(), now: p.now()}
	rotation := storage.Rotation{
		Hash: storage.TokenHash(secret.New(presented)), ClientID: client.ID, Keep: keepsRefreshTokens(client), Grace: p.grace(client), Now: a.now,
		Token: storage.AccessToken{
			Hash: accessTokenID(a.token, wantsJWT(client)), Issued: a.now, Expires: a.now.Add(p.o.AccessTokenLife), Scopes: a.scopes,
			Resources: a.resources,
		},
	}
	if refusal := p.checkNarrowing(ctx, a, &rotation); refusal != nil {
		return nil, refusal
	}
	a.refresh = p.successor(presented, a.now)
	rotation.Next = storage.RefreshToken{Hash: storage.TokenHash(secret.New(a.refresh)), Expires: a.now.Add(p.o.RefreshIdle)}
	rotated, err := p.o.Store.RotateRefreshToken(ctx, rotation)
	if err != nil {
		return nil, p.refuseRefresh(ctx, a, err)
	}
	switch {
	case rotation.Keep && rotated.Used.Equal(a.now):
		a.refresh = presented
	case !rotated.Used.Equal(a.now):
		a.refresh = p.successor(presented, rotated.Used)
		p.log.InfoContext(ctx, "refresh token answered once more", "client_id", client.ID)
	}
	a.grant = rotated.Grant
	if a.scopes == nil {
		a.scopes = a.grant.Scopes
	}
	if a.resources == nil {
		a.resources = a.grant.Resources
	}
	return p.answerTokens(ctx, a)
}

// keepsRefreshTokens reports whether the client's refresh tokens are used again and again. Those of a public client never are: who
// has stolen one could use it beside it, unnoticed (RFC 9700 §4.14.2).
func keepsRefreshTokens(client *storage.Client) bool {
	return client.RefreshRotation == storage.RefreshKeep && !client.Public()
}

// grace returns how long after its use the client's refresh token may come again. One that proves itself may: it asks from several places
// at once, or has not got the answer. A thief of the token alone does not get as far (RFC 9700 §4.14.2).
func (p *Provider) grace(client *storage.Client) time.Duration {
	if client.Public() {
		return 0
	}
	return p.o.RefreshGrace
}

// successor returns the refresh token that follows one which is used at that time: always the same, so that the answer to its use can
// be given again although no token is stored. It is as good as random to everybody who has not got our key.
func (p *Provider) successor(token string, used time.Time) string {
	mac := hmac.New(sha256.New, p.successors)
	mac.Write(append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+storage.TokenLength), uint64(used.UnixMicro())), token...))
	return storage.TokenOf(used, [sha256.Size]byte(mac.Sum(nil)))
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
// token that is spent already, and not just so, goes on to the store, which tells of the reuse.
func (p *Provider) checkNarrowing(ctx context.Context, a *issue, rotation *storage.Rotation) *oauthError {
	if a.scopes == nil && a.resources == nil {
		return nil
	}
	token, grant, err := p.o.Store.RefreshToken(ctx, rotation.Hash, a.now)
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && grant.ClientID != a.client.ID:
		return errRefreshToken()
	case err != nil:
		return p.fault(ctx, "read refresh token", err)
	case !token.Spent.IsZero() && !a.now.Before(token.Spent.Add(rotation.Grace)):
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
