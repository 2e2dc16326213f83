package op

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// typAccessToken is the typ of an access token that is a JWT (RFC 9068 §2.1).
const typAccessToken = "at+jwt"

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// accessClaims are the claims of an access token that is a JWT (RFC 9068 §2.2). They tell of the login, and nothing of the
// person but the subject.
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience any    `json:"aud"` // see audience
	ClientID string `json:"client_id"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	Scope    string `json:"scope,omitempty"`
	AuthTime int64  `json:"auth_time,omitempty"`
	ACR      string `json:"acr,omitempty"`
}

// wantsJWT reports whether the client's access tokens are JWTs. Those of a Sweden Connect client never are: they must tell
// nothing of the person or the login (Sweden Connect OpenID Connect Profile).
func wantsJWT(client *storage.Client) bool {
	return client.AccessTokenFormat == storage.AccessTokenJWT && client.Profile != storage.ProfileSwedenConnect
}

// accessTokenID returns what is stored of an access token whose random part is id. The id of a JWT can be read in it, and gets
// into the logs of those who take it: hashed with another prefix, it is no token by itself.
func accessTokenID(id string, isJWT bool) [sha256.Size]byte {
	if isJWT {
		return storage.TokenHashFor(typAccessToken+" ", secret.New(id))
	}
	return storage.TokenHash(secret.New(id))
}

// accessToken returns the text of the answer's access token.
func (p *Provider) accessToken(ctx context.Context, a *issue, life time.Duration) (string, error) {
	if !wantsJWT(a.client) {
		return a.token, nil
	}
	claims, err := json.Marshal(&accessClaims{
		Issuer: p.o.Issuer, Subject: a.grant.Subject, Audience: p.audience(a.resources), ClientID: a.client.ID,
		Expires: a.now.Add(life).Unix(), IssuedAt: a.now.Unix(), ID: a.token, Scope: scopeText(a.scopes),
		AuthTime: seconds(a.grant.AuthTime), ACR: a.grant.ACR,
	})
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return p.o.Keys.Sign(ctx, a.client.IDTokenAlg, typAccessToken, claims)
}

// audience returns whom a token for the resources is meant for: us when none was asked for (RFC 9068 §3). It is a text when there is
// only one (RFC 7519 §4.1.3), else a list.
func (p *Provider) audience(resources []string) any {
	switch len(resources) {
	case 0:
		return p.o.Issuer
	case 1:
		return resources[0]
	}
	return resources
}

// isForUs reports whether a token for the resources may be used at userinfo.
func (p *Provider) isForUs(resources []string) bool {
	return len(resources) == 0 || slices.Contains(resources, p.o.Issuer)
}

// findAccessToken returns the access token of that text and its grant, with the scopes and resources filled in that it has of
// the grant. It returns storage.ErrNotFound for every text that is not one, such as an ID token.
func (p *Provider) findAccessToken(ctx context.Context, text string) (*storage.AccessToken, *storage.Grant, error) {
	hash, ok := p.readAccessToken(text)
	if !ok {
		return nil, nil, storage.ErrNotFound
	}
	token, grant, err := p.o.Store.AccessToken(ctx, hash, p.now())
	if err != nil {
		return nil, nil, err
	}
	if token.Scopes == nil {
		token.Scopes = grant.Scopes
	}
	if token.Resources == nil {
		token.Resources = grant.Resources
	}
	return token, grant, nil
}

// readAccessToken returns what is stored of the access token with that text, if it has the form of one.
func (p *Provider) readAccessToken(text string) (hash [sha256.Size]byte, ok bool) {
	if !strings.Contains(text, ".") {
		return accessTokenID(text, false), storage.IsToken(text)
	}
	payload, err := p.o.Keys.Verify(text, typAccessToken)
	if err != nil {
		return hash, false
	}
	var claims struct {
		Issuer string `json:"iss"`
		ID     string `json:"jti"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != p.o.Issuer {
		return hash, false
	}
	return accessTokenID(claims.ID, true), true
}
