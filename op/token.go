package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// tokenResponse is the answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`

	grant *storage.Grant // what it was made from
}

// issue is an answer of the token endpoint in the making: what was granted, and what has been stored for it.
type issue struct {
	client *storage.Client
	grant  *storage.Grant
	// scopes and resources are the access token's.
	scopes, resources []string
	// token is the random part of the access token, refresh the whole of the refresh token.
	token, refresh string
	nonce          string
	authReqID      string // of a login by telephone
	now            time.Time
}

// serveToken is the token endpoint (RFC 6749 §3.2): it gives the client of a form, once that has proven itself, its tokens.
func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	began := p.now()
	client, refusal := p.authenticate(r)
	noteClient(w, client)
	var answer *tokenResponse
	if refusal == nil {
		answer, refusal = p.tokensFor(r.Context(), client, r.PostForm)
	}
	p.tellToken(client, r.PostForm.Get("grant_type"), answer, refusal, began)
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	w.Header()["Content-Type"] = headerJSON
	json.NewEncoder(w).Encode(answer)
}

// tokensFor answers the form by its grant type.
func (p *Provider) tokensFor(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	switch form.Get("grant_type") {
	case "":
		return nil, invalid("grant_type is missing")
	case string(oidc.GrantTypeCode):
		return p.redeemCode(ctx, client, form)
	case string(oidc.GrantTypeRefreshToken):
		return p.rotate(ctx, client, form)
	case GrantCIBA:
		if p.o.Call != nil {
			return p.poll(ctx, client, form)
		}
	case string(oidc.GrantTypeClientCredentials):
		if len(p.ownAPIs()) > 0 {
			return p.ownToken(ctx, client, form)
		}
	}
	return nil, newError(oidc.UnsupportedGrantType, "grant_type is none that there is: see grant_types_supported")
}

// redeemCode answers the form with the tokens of a code. One step of the store decides: it compares client, redirect URI, PKCE
// and resources before the code counts as spent, so that a stranger who has seen a code cannot burn it.
func (p *Provider) redeemCode(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	challenge, ok := challengeOf(form.Get("code_verifier"))
	switch {
	case form.Get("code") == "" || form.Get("redirect_uri") == "":
		return nil, invalid("code or redirect_uri is missing")
	case !ok:
		return nil, newError(oidc.InvalidGrant, "code_verifier is not well-formed")
	}
	if refusal := p.checkEncryption(ctx, client); refusal != nil {
		return nil, refusal
	}
	a := &issue{client: client, resources: resourcesOf(form), token: storage.NewToken(), now: p.now()}
	err := p.redeem(ctx, a, storage.Redemption{
		CodeHash: storage.TokenHash(secret.New(form.Get("code"))), RedirectURI: form.Get("redirect_uri"), Challenge: challenge,
	})
	if err != nil {
		return nil, p.refuseCode(ctx, client, a.now, err)
	}
	return p.answerTokens(ctx, a)
}

// redeem spends the code of a redemption, which says what is presented, for the tokens of a, and fills in what was granted. Its errors are
// those of the store.
func (p *Provider) redeem(ctx context.Context, a *issue, r storage.Redemption) error {
	r.ClientID, r.Resources, r.Now = a.client.ID, a.resources, a.now
	r.Token = storage.AccessToken{
		Hash: accessTokenID(a.token, wantsJWT(a.client)), Issued: a.now, Expires: a.now.Add(p.o.AccessTokenLife), Resources: a.resources,
	}
	if a.client.MayAsk(oidc.ScopeOfflineAccess) {
		a.refresh = storage.NewToken()
		r.Refresh = storage.RefreshToken{Hash: storage.TokenHash(secret.New(a.refresh)), Expires: a.now.Add(p.o.RefreshIdle)}
	}
	grant, err := p.o.Store.RedeemCode(ctx, r)
	if err != nil {
		return err
	}
	a.grant, a.scopes, a.nonce = grant, grant.Scopes, grant.Nonce
	if a.resources == nil {
		a.resources = grant.Resources
	}
	if !grant.Offline {
		a.refresh = ""
	}
	return nil
}

// answerTokens makes the tokens whose place in the store is taken already.
func (p *Provider) answerTokens(ctx context.Context, a *issue) (*tokenResponse, *oauthError) {
	life := min(p.o.AccessTokenLife, a.grant.Expires.Sub(a.now))
	token, err := p.accessToken(ctx, a, life)
	if err != nil {
		return nil, p.fault(ctx, "sign access token", err)
	}
	answer := &tokenResponse{
		AccessToken: token, TokenType: oidc.BearerToken, ExpiresIn: int64(life / time.Second), RefreshToken: a.refresh,
		Scope: scopeText(a.scopes), grant: a.grant,
	}
	if hasScope(a.scopes, oidc.ScopeOpenID) {
		if answer.IDToken, err = p.idToken(ctx, a, token); err != nil {
			return nil, p.fault(ctx, "make ID token", err)
		}
	}
	return answer, nil
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

// resourcesOf returns the resources that a token is wanted for (RFC 8707 §2.2), nil for all that were granted.
func resourcesOf(form url.Values) []string {
	all := form["resource"]
	if len(all) < 2 {
		return all
	}
	all = slices.Clone(all)
	slices.Sort(all)
	return slices.Compact(all)
}

// errInvalidTarget tells a client that it wants a token for something else than what was granted (RFC 8707 §2).
func errInvalidTarget() *oauthError {
	return newError(oidc.InvalidTarget, "a resource was not granted")
}

// refuseCode returns what the client may know of a failed redemption.
func (p *Provider) refuseCode(ctx context.Context, client *storage.Client, now time.Time, err error) *oauthError {
	var reused *storage.CodeReusedError
	switch {
	case errors.As(err, &reused):
		if err := p.revokeReused(ctx, client, audit.CodeReused, reused.GrantID, now); err != nil {
			return err
		}
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrMismatch):
	case errors.Is(err, storage.ErrTarget):
		return errInvalidTarget()
	default:
		return p.fault(ctx, "redeem code", err)
	}
	return newError(oidc.InvalidGrant, "the code is unknown, expired, used, or not meant for this request")
}

// revokeReused revokes a grant of which a code or a refresh token was presented twice: one of the two was not the client
// (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
func (p *Provider) revokeReused(ctx context.Context, client *storage.Client, event audit.Type, grantID string, now time.Time) *oauthError {
	events, told := p.o.Audit.Of(audit.Event{
		Type: event, SourceAddress: addressOf(ctx), CustomerIdentifier: client.CustomIdentifier, ClientID: client.ID, Object: grantID,
	})
	if err := p.o.Store.RevokeGrant(context.WithoutCancel(ctx), grantID, now, events...); err != nil {
		return p.fault(ctx, "revoke grant", err)
	}
	told(ctx)
	return nil
}

// hasScope reports whether the scope is one of them.
func hasScope(scopes []string, scope string) bool { return slices.Contains(scopes, scope) }
