package interop

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// zitadelClient is an app with the relying party of zitadel/oidc, whose other half gives the provider its vocabulary.
type zitadelClient struct {
	t      *testing.T
	person *browser
	rp.RelyingParty
}

func zitadelRP(t *testing.T, p *provider) {
	secret := p.register(t, "zitadel-rp", "--redirect-uri", redirectURI, "--post-logout-redirect-uri", afterLogoutURI, "--scope", "profile,offline_access")
	c := &zitadelClient{t: t, person: p.newBrowser(t)}
	var err error
	c.RelyingParty, err = rp.NewRelyingPartyOIDC(t.Context(), p.issuer, "zitadel-rp", secret, redirectURI, strings.Fields(offlineScope),
		rp.WithAuthStyle(oauth2.AuthStyleInHeader), rp.WithSigningAlgsFromDiscovery(),
		rp.WithVerifierOpts(rp.WithNonce(expectedNonce), rp.WithIssuedAtOffset(time.Second), rp.WithAuthTimeMaxAge(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	c.refreshAndReplay(c.logIn())
	c.OAuthConfig().Scopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile} // what may go on without the person survives logging out
	c.logOut(c.logIn())
}

// zitadelAssertions logs in with private_key_jwt. The assertions of this library are of RFC 7523 and have no jti, which OIDC Core §9 demands.
func zitadelAssertions(t *testing.T, p *provider) {
	private, jwks := newKey(t)
	p.register(t, "zitadel-key", "--redirect-uri", redirectURI, "--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "profile,offline_access")
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(private); err != nil {
		t.Fatal(err)
	}
	c := &zitadelClient{t: t, person: p.newBrowser(t)}
	var err error
	c.RelyingParty, err = rp.NewRelyingPartyOIDC(t.Context(), p.issuer, "zitadel-key", "", redirectURI, strings.Fields(offlineScope),
		rp.WithJWTProfile(func() (jose.Signer, error) {
			return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		}),
		rp.WithSigningAlgsFromDiscovery(), rp.WithVerifierOpts(rp.WithNonce(expectedNonce), rp.WithIssuedAtOffset(time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	c.logIn()
}

// nonceKey is the context key of the nonce that an ID token must have, which a refreshed one has not.
type nonceKey struct{}

func expectedNonce(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}

// logIn logs in with PKCE and a nonce, and verifies the ID token and userinfo.
func (c *zitadelClient) logIn() *oidc.Tokens[*oidc.IDTokenClaims] {
	c.t.Helper()
	state, nonce, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	address := rp.AuthURL(state, c, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", nonce)))
	back, err := url.Parse(c.person.visit(address).address)
	if err != nil || back.Query().Get("state") != state || back.Query().Get("iss") != c.Issuer() {
		c.t.Fatalf("the person comes back to %s: %v", back, err)
	}
	ctx := context.WithValue(c.t.Context(), nonceKey{}, nonce)
	options := []rp.CodeExchangeOpt{rp.WithCodeVerifier(verifier)}
	if c.Signer() != nil {
		assertion, err := client.SignedJWTProfileAssertion(c.OAuthConfig().ClientID, []string{c.Issuer(), c.OAuthConfig().Endpoint.TokenURL}, time.Hour, c.Signer())
		if err != nil {
			c.t.Fatal(err)
		}
		options = append(options, rp.WithClientAssertionJWT(assertion)) // as the library's own handler does
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, back.Query().Get("code"), c, options...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.person.wantClaims(tokens.IDTokenClaims.Claims)
	if info, err := c.userinfo(tokens); err != nil || info.Name == "" {
		c.t.Errorf("userinfo: %v, %+v", err, info)
	}
	return tokens
}

func (c *zitadelClient) userinfo(tokens *oidc.Tokens[*oidc.IDTokenClaims]) (*oidc.UserInfo, error) {
	return rp.Userinfo[*oidc.UserInfo](c.t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, c)
}

// refreshAndReplay refreshes, once more as if the answer had been lost, and with what it got; then it finds a stolen token of no use to
// anybody.
func (c *zitadelClient) refreshAndReplay(first *oidc.Tokens[*oidc.IDTokenClaims]) {
	c.t.Helper()
	second := first
	token := first.RefreshToken
	for _, lost := range []bool{true, false, false} {
		next, err := rp.RefreshTokens[*oidc.IDTokenClaims](c.t.Context(), c, token, "", "")
		if err != nil {
			c.t.Fatal(err)
		}
		if second = next; !lost {
			token = second.RefreshToken
		}
	}
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.IDTokenClaims.Subject != first.IDTokenClaims.Subject {
		c.t.Error("refreshing brought no new tokens of the same person")
	}
	if _, err := c.userinfo(second); err != nil {
		c.t.Errorf("userinfo with a refreshed token: %v", err)
	}
	for _, token := range []string{first.RefreshToken, second.RefreshToken} {
		var refused *oidc.Error
		if _, err := rp.RefreshTokens[*oidc.IDTokenClaims](c.t.Context(), c, token, "", ""); !errors.As(err, &refused) || refused.ErrorType != oidc.InvalidGrant {
			c.t.Errorf("refreshing after a replay: %v, want invalid_grant", err)
		}
	}
	if _, err := c.userinfo(second); err == nil {
		c.t.Error("userinfo answers after a replay")
	}
}

// logOut ends the session at the provider by a call of the client's own, after which the access token is worth nothing.
func (c *zitadelClient) logOut(tokens *oidc.Tokens[*oidc.IDTokenClaims]) {
	c.t.Helper()
	after, err := rp.EndSession(c.t.Context(), c, tokens.IDToken, afterLogoutURI, "s", "", nil)
	if err != nil || after == nil || after.String() != afterLogoutURI+"?state=s" {
		c.t.Errorf("after logging out: %v, %v", after, err)
	}
	if _, err := c.userinfo(tokens); err == nil {
		c.t.Error("userinfo answers after logging out")
	}
}
