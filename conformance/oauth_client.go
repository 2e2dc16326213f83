package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const assertionSection = "RFC 7523 §3"

// tokenRefused returns a check that an assertion with changed claims does not authenticate the client.
func tokenRefused(pairs ...any) func(*Case) {
	return func(c *Case) {
		client := c.Client("key")
		c.wantAssertionRefused(c.Sign(client, "ES256", "JWT", c.Assertion(client).with(pairs...)))
	}
}

// wantAssertionRefused checks that an assertion does not authenticate its client.
func (c *Case) wantAssertionRefused(assertion string, pairs ...string) {
	form := codeForm(random(), append([]string{"redirect_uri", c.Client("key").RedirectURIs[0]}, pairs...)...)
	c.WantClientError(c.AsAsserted(c.Endpoint("token_endpoint"), form, assertion))
}

// wantAuthenticated checks that a token request got past client authentication: its code is what is wrong.
func (c *Case) wantAuthenticated(a *Answer) { c.WantError(a, http.StatusBadRequest, "invalid_grant") }

// oauthAssertion are checks of private_key_jwt.
var oauthAssertion = []Check{
	{"assertion", "private_key_jwt authenticates a client", "OIDC Core §9", "", accepted("key")},
	{"assertion-aud-issuer", "the issuer is an audience", "RFC 9700 §2.5", "", func(c *Case) { c.wantAssertion("key", "aud", c.cfg.Issuer) }},
	{"assertion-aud-endpoint", "the token endpoint is an audience", "OIDC Core §9", "oidcc-ensure-client-assertion-with-iss-aud-succeeds", func(c *Case) {
		c.wantAssertion("key", "aud", c.Endpoint("token_endpoint"))
	}},
	{"assertion-aud-list", "the audience may be a list of one", "RFC 7519 §4.1.3", "", func(c *Case) { c.wantAssertion("key", "aud", []string{c.cfg.Issuer}) }},
	{"assertion-jwks-uri", "keys are fetched from jwks_uri", "OIDC Registration §2", "", accepted("key-uri")},
	{"assertion-rs256", "RS256 works beside ES256", assertionSection, "", func(c *Case) {
		client := c.Client("key")
		c.wantAuthenticated(c.AsAsserted(c.Endpoint("token_endpoint"), codeForm(random(), "redirect_uri", client.RedirectURIs[0]), c.Sign(client, "RS256", "JWT", c.Assertion(client))))
	}},
	{"assertion-without-kid", "an assertion without kid and typ is accepted", "RFC 7515 §4.1.4", "", func(c *Case) {
		client := c.Client("key")
		key, err := client.signingKey("ES256")
		c.Want(err == nil, "configuration: %v", err)
		key.KeyID = ""
		c.wantAuthenticated(c.AsAsserted(c.Endpoint("token_endpoint"), codeForm(random(), "redirect_uri", client.RedirectURIs[0]), c.signWith(key, "ES256", "", c.Assertion(client))))
	}},
	{"assertion-with-client-id", "client_id beside may stand if it is the same", "RFC 7521 §4.2", "", func(c *Case) {
		client := c.Client("key")
		form := codeForm(random(), "redirect_uri", client.RedirectURIs[0], "client_id", client.ID)
		c.wantAuthenticated(c.AsAsserted(c.Endpoint("token_endpoint"), form, c.Sign(client, "ES256", "JWT", c.Assertion(client))))
	}},
	{"assertion-other-client-id", "client_id beside must be the same", "RFC 7521 §4.2", "", func(c *Case) {
		client := c.Client("key")
		form := codeForm(random(), "client_id", c.Client("basic").ID)
		a := c.AsAsserted(c.Endpoint("token_endpoint"), form, c.Sign(client, "ES256", "JWT", c.Assertion(client)))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_client", "invalid_request")
	}},
	{"assertion-replayed", "a jti works once", assertionSection, "", func(c *Case) { c.wantReplayRefused("key") }},
	{"assertion-replayed-elsewhere", "a jti that was used at one endpoint is used up at the others", assertionSection, "", func(c *Case) {
		client := c.Client("key")
		assertion := c.Sign(client, "ES256", "JWT", c.Assertion(client))
		c.wantAuthenticated(c.AsAsserted(c.Endpoint("token_endpoint"), codeForm(random(), "redirect_uri", client.RedirectURIs[0]), assertion))
		c.Offered("revocation_endpoint")
		c.WantClientError(c.AsAsserted(c.Endpoint("revocation_endpoint"), url.Values{"token": {"x"}}, assertion))
	}},
	{"assertion-no-jti", "an assertion without jti, where one is taken at all, works once", assertionSection, "", func(c *Case) {
		client := c.Client("key")
		assertion := c.Sign(client, "ES256", "JWT", c.Assertion(client).with("jti", nil, "iat", nil))
		form := codeForm(random(), "redirect_uri", client.RedirectURIs[0])
		if a := c.AsAsserted(c.Endpoint("token_endpoint"), form, assertion); a.Status != http.StatusUnauthorized {
			c.wantAuthenticated(a)
		}
		c.WantClientError(c.AsAsserted(c.Endpoint("token_endpoint"), form, assertion))
	}},
	{"assertion-no-exp", "exp is demanded", assertionSection, "", tokenRefused("exp", nil)},
	{"assertion-expired", "an assertion that has expired is refused", assertionSection, "", tokenRefused("exp", time.Now().Add(-5*time.Minute).Unix(), "iat", time.Now().Add(-10*time.Minute).Unix())},
	{"assertion-early", "an assertion is refused before nbf", assertionSection, "", tokenRefused("nbf", time.Now().Add(30*time.Minute).Unix(), "exp", time.Now().Add(40*time.Minute).Unix())},
	{"assertion-aud-other", "an assertion for somebody else is refused", assertionSection, "", tokenRefused("aud", "https://other.example.se")},
	{"assertion-aud-missing", "aud is demanded", assertionSection, "", tokenRefused("aud", nil)},
	{"assertion-aud-prefix", "an audience that only begins like the issuer is another", assertionSection, "", func(c *Case) { tokenRefused("aud", c.cfg.Issuer+".stranger.example")(c) }},
	{"assertion-iss-other", "iss must be the client", assertionSection, "", tokenRefused("iss", "https://other.example.se")},
	{"assertion-sub-other", "sub must be the client", assertionSection, "", func(c *Case) { tokenRefused("sub", c.Client("basic").ID)(c) }},
	{"assertion-of-another", "one client's key does not speak for another", assertionSection, "", func(c *Case) {
		c.wantAssertionRefused(c.Sign(c.Client("swedish"), "ES256", "JWT", c.Assertion(c.Client("key"))))
	}},
	{"assertion-none", "alg none is refused", "RFC 8725 §3.2", "", func(c *Case) { c.wantAssertionRefused(unsecured(c.Assertion(c.Client("key")))) }},
	{"assertion-hs256", "HS256 with the public key as secret is refused", "RFC 8725 §2.1", "", func(c *Case) {
		client := c.Client("key")
		c.wantAssertionRefused(c.confused(client, c.Assertion(client)))
	}},
	{"assertion-tampered", "a changed signature is refused", "RFC 7515 §5.2", "", func(c *Case) {
		client := c.Client("key")
		c.wantAssertionRefused(tamper(c.Sign(client, "ES256", "JWT", c.Assertion(client))))
	}},
	{"assertion-own-key", "a key that the header brings proves nothing", "RFC 8725 §3.10", "", func(c *Case) {
		stranger := c.Client("swedish")
		key, err := stranger.signingKey("ES256")
		c.Want(err == nil, "configuration: %v", err)
		options := (&jose.SignerOptions{EmbedJWK: true}).WithType("JWT")
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key.Key}, options)
		c.Want(err == nil, "sign: %v", err)
		signed, err := signer.Sign(marshal(c.Assertion(c.Client("key"))))
		c.Want(err == nil, "sign: %v", err)
		compact, err := signed.CompactSerialize()
		c.Want(err == nil, "sign: %v", err)
		c.wantAssertionRefused(compact)
	}},
	{"assertion-alg-registered", "a client that registered ES256 is refused RS256", "OIDC Registration §2", "", func(c *Case) {
		client := c.Client("key-es256")
		form := codeForm(random(), "redirect_uri", client.RedirectURIs[0])
		c.wantAuthenticated(c.AsAsserted(c.Endpoint("token_endpoint"), form, c.Sign(client, "ES256", "JWT", c.Assertion(client))))
		c.WantClientError(c.AsAsserted(c.Endpoint("token_endpoint"), form, c.Sign(client, "RS256", "JWT", c.Assertion(client))))
	}},
	{"assertion-type-wrong", "another client_assertion_type is refused", "RFC 7521 §4.2", "", func(c *Case) {
		client := c.Client("key")
		form := codeForm(random(), "client_assertion_type", "urn:sesame", "client_assertion", c.Sign(client, "ES256", "JWT", c.Assertion(client)))
		a := c.PostForm(c.Endpoint("token_endpoint"), form)
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_client", "invalid_request")
	}},
	{"assertion-by-secret-client", "a client of a secret cannot use an assertion", "OIDC Registration §2", "", func(c *Case) {
		c.wantAssertionRefused(c.Sign(c.Client("pushed"), "ES256", "JWT", c.Assertion(c.Client("pushed"))))
	}},
	{"assertion-and-secret", "an assertion and a secret at once are refused", "RFC 6749 §2.3", "", func(c *Case) {
		client := c.Client("key")
		form := codeForm(random(), "client_assertion_type", assertionType, "client_assertion", c.Sign(client, "ES256", "JWT", c.Assertion(client)))
		a := c.PostForm(c.Endpoint("token_endpoint"), form, basicAuth(client.ID, "x"))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_client", "invalid_request")
	}},
	{"assertion-aud-number", "aud of numbers is refused, and drops no connection", "RFC 7519 §4.1.3", "", func(c *Case) {
		for _, aud := range []any{7, []any{7}, map[string]any{"a": 1}, []any{c.cfg.Issuer, 7}, true} {
			tokenRefused("aud", aud)(c)
		}
	}},
	{"assertion-garbage", "what is no JWT is refused", "RFC 7523 §3", "", func(c *Case) {
		for _, garbage := range []string{"x", "a.b.c", "..", "e30.e30.", strings.Repeat("a.", 40), "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1cifQ.a.b.c.d"} {
			c.wantAssertionRefused(garbage)
		}
	}},
	{"assertion-id-token", "an ID token of the client's is no assertion", "RFC 8725 §3.11", "", func(c *Case) { c.wantAssertionRefused(c.Shared("key").ID) }},
}
