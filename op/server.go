package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	zop "github.com/zitadel/oidc/v3/pkg/op"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// challengeBasic goes with every 401 of the token endpoint (RFC 6749 §5.2).
const challengeBasic = `Basic realm="brygga", charset="UTF-8"`

// addressKey is the context key of the address that a token request came from: zop.Request has none.
type addressKey struct{}

// guardToken lets only clean requests pass to the library, which would take every method, parameters from the query, and
// repeated ones: a POST of one form, each parameter once (RFC 6749 §3.2).
func (p *Provider) guardToken(library http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		if w, ok := w.(*response); ok {
			w.challenge = challengeBasic
		}
		if description := p.readTokenForm(w, r); description != "" {
			writeError(w, http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("%s", description))
			return
		}
		switch grantType := r.PostForm.Get("grant_type"); {
		case grantType != "" && grantType != string(oidc.GrantTypeCode):
			writeError(w, http.StatusBadRequest, oidc.ErrUnsupportedGrantType().WithDescription("grant_type must be authorization_code"))
			return
		case !readableBasic(r):
			writeError(w, http.StatusUnauthorized, oidc.ErrInvalidClient().WithDescription("client authentication failed"))
			return
		case r.PostForm.Get("client_assertion") != "" || r.PostForm.Get("client_assertion_type") != "":
			writeError(w, http.StatusUnauthorized, oidc.ErrInvalidClient().WithDescription("client assertions are not supported"))
			return
		}
		ctx := context.WithValue(r.Context(), addressKey{}, p.o.ClientIP(r))
		library.ServeHTTP(w, r.WithContext(ctx))
	}
}

// readTokenForm parses the body into r.Form and r.PostForm, drops the query, and returns what is wrong with it.
func (p *Provider) readTokenForm(w http.ResponseWriter, r *http.Request) (fault string) {
	if !isForm(r) {
		return "the content type must be application/x-www-form-urlencoded"
	}
	if r.URL.RawQuery != "" {
		bare := *r.URL
		bare.RawQuery = ""
		r.URL = &bare
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return "the form cannot be read"
	}
	for _, all := range r.PostForm {
		if len(all) > 1 {
			return "a parameter is given more than once"
		}
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return "more than one Authorization header"
	}
	return ""
}

// readableBasic reports whether client credentials in the header, if there are any, are form-encoded as RFC 6749 §2.3.1 has
// it. The library would answer 400 for those that are not.
func readableBasic(r *http.Request) bool {
	id, password, ok := r.BasicAuth()
	if !ok {
		return true
	}
	_, idFault := url.QueryUnescape(id)
	_, passwordFault := url.QueryUnescape(password)
	return idFault == nil && passwordFault == nil
}

// refuseClient is the answer to every failed client authentication. It does not tell an unknown client from a wrong secret.
func refuseClient() error {
	return zop.NewStatusError(oidc.ErrInvalidClient().WithDescription("client authentication failed"), http.StatusUnauthorized)
}

// nobody stands in for a client that does not exist, so that looking for it takes the time of comparing a secret too. It
// cannot authenticate: no known text has the hash zero.
var nobody = &storage.Client{AuthMethod: storage.AuthMethodBasic, Secrets: []storage.ClientSecret{{}}}

// VerifyClient authenticates the client by exactly the method that it is registered for (OIDC Core §9). The library calls
// it, before anything is looked up for the request.
func (p *Provider) VerifyClient(ctx context.Context, r *zop.Request[zop.ClientCredentials]) (zop.Client, error) {
	method, ok := authMethod(r)
	if !ok {
		return nil, oidc.ErrInvalidRequest().WithDescription("client authentication must use one method")
	}
	record, err := p.o.Store.Client(ctx, r.Data.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		record = nobody
	} else if err != nil {
		return nil, p.fault(ctx, "read client", err)
	}
	proven := record.Authenticate(secret.New(r.Data.ClientSecret), p.now())
	if record.AuthMethod != method || !proven && method != storage.AuthMethodNone {
		return nil, refuseClient()
	}
	return client{record, p.o.IDTokenLife}, nil
}

// authMethod returns how the request authenticates. It returns false for two methods at once (RFC 6749 §2.3), which
// includes a body that names another client than the header, and for a header of another scheme.
func authMethod(r *zop.Request[zop.ClientCredentials]) (method string, ok bool) {
	inBody := r.Form.Get("client_secret") != ""
	if r.Header.Get("Authorization") != "" {
		_, _, basic := (&http.Request{Header: r.Header}).BasicAuth()
		id := r.Form.Get("client_id")
		return storage.AuthMethodBasic, basic && !inBody && (id == "" || id == r.Data.ClientID)
	}
	if inBody {
		return storage.AuthMethodPost, true
	}
	return storage.AuthMethodNone, true
}

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
