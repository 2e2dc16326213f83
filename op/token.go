package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	zop "github.com/zitadel/oidc/v3/pkg/op"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// tokenResponse is the answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	IDToken     string `json:"id_token,omitempty"`
	Scope       string `json:"scope"`
}

// CodeExchange redeems an authorization code (RFC 6749 §4.1.3). The library calls it once the client is authenticated. One
// step of the store decides: it compares client, redirect URI and PKCE before the code counts as spent, so that a stranger
// who has seen a code cannot burn it.
func (p *Provider) CodeExchange(ctx context.Context, r *zop.ClientRequest[oidc.AccessTokenRequest]) (*zop.Response, error) {
	client, ok := r.Client.(client)
	if !ok {
		return nil, p.fault(ctx, "redeem code", errors.New("op: a client that is not ours"))
	}
	challenge, ok := challengeOf(r.Data.CodeVerifier)
	if !ok {
		return nil, oidc.ErrInvalidGrant().WithDescription("code_verifier is not well-formed")
	}
	token, now := random(), p.now()
	grant, err := p.o.Store.RedeemCode(ctx, storage.Redemption{
		CodeHash: secret.New(r.Data.Code).Hash(), ClientID: client.record.ID, RedirectURI: r.Data.RedirectURI, Challenge: challenge,
		Token: storage.AccessToken{Hash: secret.New(token).Hash(), Expires: now.Add(p.o.AccessTokenLife)}, Now: now,
	})
	if err != nil {
		return nil, p.refuseCode(ctx, client.record, now, err)
	}
	answer := &tokenResponse{
		AccessToken: token, TokenType: oidc.BearerToken, ExpiresIn: int64(p.o.AccessTokenLife / time.Second), Scope: scopeText(grant.Scopes),
	}
	if hasScope(grant.Scopes, oidc.ScopeOpenID) {
		if answer.IDToken, err = p.idToken(ctx, client.record, grant, token, now); err != nil {
			return nil, p.fault(ctx, "sign ID token", err)
		}
	}
	return &zop.Response{Data: answer}, nil
}

// challengeOf returns the S256 challenge of a code verifier (RFC 7636 §4.6), "" if there is none, and false when it has not
// the form of one. Plain challenges do not exist here, so none is ever compared with a verifier itself.
func challengeOf(verifier string) (challenge string, ok bool) {
	if verifier == "" {
		return "", true
	}
	if !isVerifier(verifier) {
		return "", false
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}

// refuseCode returns what the client may know of a failed redemption. When a code was presented twice, one of the two was
// not the client: what the first one got is revoked (RFC 6749 §4.1.2).
func (p *Provider) refuseCode(ctx context.Context, client *storage.Client, now time.Time, err error) error {
	var reused *storage.CodeReusedError
	switch {
	case errors.As(err, &reused):
		if err := p.o.Store.RevokeGrant(context.WithoutCancel(ctx), reused.GrantID, now); err != nil {
			return p.fault(ctx, "revoke grant", err)
		}
		address, _ := ctx.Value(addressKey{}).(string)
		p.o.Audit.Record(ctx, audit.Event{
			Type: audit.CodeReused, SourceAddress: address, CustomerIdentifier: client.CustomIdentifier, ClientID: client.ID,
			Object: reused.GrantID,
		})
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrMismatch):
	default:
		return p.fault(ctx, "redeem code", err)
	}
	return oidc.ErrInvalidGrant().WithDescription("the code is unknown, expired, used, or not meant for this request")
}
