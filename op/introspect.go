package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/secret"
	"brygga/storage"
)

// refreshHint is the token_type_hint of refresh tokens (RFC 7009 §2.1). Every other one means an access token.
const refreshHint = "refresh_token"

// foundToken is a token that stands, with its grant: one of access and refresh is set.
type foundToken struct {
	access  *storage.AccessToken
	refresh *storage.RefreshToken
	grant   *storage.Grant
}

// findToken returns the access or refresh token of that text, or storage.ErrNotFound. The hint says only where to look first.
func (p *Provider) findToken(ctx context.Context, text, hint string) (foundToken, error) {
	access := func() (t foundToken, err error) {
		t.access, t.grant, err = p.findAccessToken(ctx, text)
		return t, err
	}
	refresh := func() (t foundToken, err error) {
		t.refresh, t.grant, err = p.o.Store.RefreshToken(ctx, storage.TokenHash(secret.New(text)), p.now())
		return t, err
	}
	first, second := access, refresh
	if hint == refreshHint {
		first, second = refresh, access
	}
	t, err := first()
	if errors.Is(err, storage.ErrNotFound) {
		return second()
	}
	return t, err
}

// introspection is what a client learns of a token (RFC 7662 §2.2). Of one that does not stand, or is none of its business, it
// learns nothing but that.
type introspection struct {
	Active    bool   `json:"active"`
	Issuer    string `json:"iss,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud,omitempty"` // see audience
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Scope     string `json:"scope,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	AuthTime  int64  `json:"auth_time,omitempty"`
	ACR       string `json:"acr,omitempty"`
}

// serveIntrospect is the introspection endpoint (RFC 7662 §2).
func (p *Provider) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	client, refusal := p.authenticate(r)
	noteClient(w, client)
	if refusal == nil && r.PostForm.Get("token") == "" {
		refusal = invalid("token is missing")
	}
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	t, err := p.findToken(r.Context(), r.PostForm.Get("token"), r.PostForm.Get("token_type_hint"))
	if err == nil {
		err = p.mayIntrospect(r.Context(), client, t)
	}
	answer := &introspection{}
	switch {
	case err == nil:
		answer = p.introspect(t)
	case !errors.Is(err, storage.ErrNotFound):
		writeError(w, p.fault(r.Context(), "read token", err))
		return
	}
	w.Header()["Content-Type"] = headerJSON
	json.NewEncoder(w).Encode(answer)
}

// introspect returns what is to be known of the token.
func (p *Provider) introspect(t foundToken) *introspection {
	a := &introspection{
		Active: true, Issuer: p.o.Issuer, Subject: t.grant.Subject, ClientID: t.grant.ClientID, AuthTime: seconds(t.grant.AuthTime),
		ACR: t.grant.ACR,
	}
	if t.refresh != nil {
		if !t.refresh.Spent.IsZero() || !p.now().Before(t.refresh.Expires) {
			return &introspection{}
		}
		a.Scope, a.Expires = scopeText(t.grant.Scopes), t.refresh.Expires.Unix()
		return a
	}
	a.Audience, a.TokenType, a.Scope = p.audience(t.access.Resources), oidc.BearerToken, scopeText(t.access.Scopes)
	a.Expires, a.IssuedAt = earlier(t.access.Expires, t.grant.Expires).Unix(), seconds(t.access.Issued)
	return a
}

// mayIntrospect returns nil when the token is the client's business, else storage.ErrNotFound. Its own tokens are, and the access
// tokens that are meant for a resource which the client is, or is registered for. A token for us alone is nobody else's (RFC 7662
// §4). Nor is one of a client that is disabled: that may do nothing, and so may its tokens.
func (p *Provider) mayIntrospect(ctx context.Context, client *storage.Client, t foundToken) error {
	if t.grant.ClientID == client.ID {
		return nil
	}
	if t.access == nil || !slices.ContainsFunc(t.access.Resources, func(resource string) bool {
		return resource != p.o.Issuer && (resource == client.ID || slices.Contains(client.Resources, resource))
	}) {
		return storage.ErrNotFound
	}
	_, err := p.o.Store.Client(ctx, t.grant.ClientID)
	return err
}
