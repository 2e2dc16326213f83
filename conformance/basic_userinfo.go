package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// basicUserinfo are checks of the userinfo endpoint.
var basicUserinfo = []Check{
	{"userinfo-get", "userinfo answers GET with the token in the header", "OIDC Core §5.3.1", "oidcc-userinfo-get", func(c *Case) { c.Userinfo(c.Shared("basic")) }},
	{"userinfo-post-header", "userinfo answers POST with the token in the header", "OIDC Core §5.3.1", "oidcc-userinfo-post-header", func(c *Case) {
		t := c.Shared("basic")
		a := c.PostForm(c.Endpoint("userinfo_endpoint"), url.Values{}, bearer(t.Access))
		c.Want(a.Status == http.StatusOK && a.JSON["sub"] == t.Claims["sub"], "answered %s", a)
	}},
	{"userinfo-post-body", "userinfo answers POST with the token in the body", "RFC 6750 §2.2", "oidcc-userinfo-post-body", func(c *Case) {
		t := c.Shared("basic")
		a := c.PostForm(c.Endpoint("userinfo_endpoint"), url.Values{"access_token": {t.Access}})
		c.Want(a.Status == http.StatusOK && a.JSON["sub"] == t.Claims["sub"], "answered %s", a)
	}},
	{"userinfo-json", "userinfo is JSON in UTF-8 that nobody may keep", "OIDC Core §5.3.2", "", func(c *Case) {
		a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(c.Shared("basic").Access))
		c.Want(a.MediaType() == "application/json" && a.Text("sub") != "", "Content-Type is %q, with sub: %t", a.Header.Get("Content-Type"), a.Text("sub") != "")
		c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", a.Header.Get("Cache-Control"))
	}},
	{"userinfo-profile", "the claims of scope profile are the person's", "OIDC Core §5.4", "", func(c *Case) {
		t := c.Shared("basic", "scope", "openid profile")
		claims := c.Userinfo(t)
		for _, name := range []string{"name", "given_name", "family_name", "birthdate"} {
			c.Want(t.Person.Claims[name] == "" || claims[name] == t.Person.Claims[name], "%s is missing or another than the person's", name)
		}
	}},
	{"userinfo-scheme-case", "the scheme Bearer may be written in any case", "RFC 9110 §11.1", "", func(c *Case) {
		a := c.Get(c.Endpoint("userinfo_endpoint"), header("Authorization", "bEaReR "+c.Shared("basic").Access))
		c.Want(a.Status == http.StatusOK, "answered %s", a)
	}},
	{"userinfo-no-token", "without a token the answer is a challenge that names no error", "RFC 6750 §3.1", "", func(c *Case) {
		challenge := c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint")), "Bearer")
		c.Want(!strings.Contains(challenge, "error="), "the challenge is %q", challenge)
	}},
	{"userinfo-bad-token", "a token that nobody issued is invalid_token", "RFC 6750 §3.1", "", func(c *Case) {
		challenge := c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(random())), "Bearer")
		c.Want(strings.Contains(challenge, `error="invalid_token"`), "the challenge is %q", challenge)
	}},
	{"userinfo-hostile-token", "a token of odd characters is refused like any other", "RFC 6750 §3.1", "", func(c *Case) {
		for _, token := range []string{"a b", "....", `"`, strings.Repeat("a", 9000), "eyJhbGciOiJub25lIn0.eyJhdWQiOjd9."} {
			a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(token))
			c.Want(a.Status == 401 || a.Status == 400 || a.Status == 431, "answered %s", a)
		}
	}},
	{"userinfo-token-in-query", "a token in the URL is not accepted", "RFC 9700 §4.3.2", "", func(c *Case) {
		a := c.Get(c.Endpoint("userinfo_endpoint") + "?access_token=" + url.QueryEscape(c.Shared("basic").Access))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
	}},
	{"userinfo-two-tokens", "a token in two places is invalid_request", "RFC 6750 §3.1", "", func(c *Case) {
		t := c.Shared("basic")
		a := c.PostForm(c.Endpoint("userinfo_endpoint"), url.Values{"access_token": {t.Access}}, bearer(t.Access))
		c.Want(a.Status == http.StatusBadRequest, "answered %s, want 400", a)
		c.Want(strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_request"`), "WWW-Authenticate is %q", a.Header.Get("WWW-Authenticate"))
	}},
	{"userinfo-id-token", "an ID token is no access token", "RFC 9068 §5", "", func(c *Case) {
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(c.Shared("basic").ID)), "Bearer")
	}},
	{"userinfo-code", "a code is no access token", "RFC 6750 §3.1", "", func(c *Case) {
		_, code := c.fresh("basic")
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(code)), "Bearer")
	}},
	{"userinfo-refresh-token", "a refresh token is no access token", "RFC 6750 §3.1", "", func(c *Case) {
		c.Offered("grant_types_supported", "refresh_token")
		t := c.Shared("basic", "scope", "openid offline_access")
		c.Want(t.Refresh != "", "there is no refresh token")
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Refresh)), "Bearer")
	}},
	{"userinfo-methods", "userinfo takes GET and POST alone", "OIDC Core §5.3.1", "", func(c *Case) {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := c.Do(method, c.Endpoint("userinfo_endpoint"), nil, bearer(c.Shared("basic").Access))
			c.Want(a.Status == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "", "%s answered %s, want 405 with Allow", method, a)
		}
	}},
	{"userinfo-signed", "userinfo for a client that registered an algorithm is a JWT with iss and aud", "OIDC Core §5.3.2", "oidcc-userinfo-rs256", func(c *Case) {
		c.Offered("userinfo_signing_alg_values_supported", "ES256")
		c.wantSignedUserinfo(c.Shared("signed"), "ES256")
	}},
	{"userinfo-encrypted", "userinfo for a client that registered encryption is a JWT signed, then encrypted", "OIDC Core §5.3.2", "", func(c *Case) {
		c.Offered("userinfo_encryption_alg_values_supported", "RSA-OAEP")
		t := c.Shared("sealed")
		a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access))
		c.Want(a.MediaType() == "application/jwt", "Content-Type is %q", a.Header.Get("Content-Type"))
		head := c.peek(string(a.Body), 0)
		c.Want(head["alg"] == "RSA-OAEP" && head["enc"] == "A256GCM", "it is encrypted with %v and %v, registered are RSA-OAEP and A256GCM", head["alg"], head["enc"])
		_, claims := c.OpenToken(t.Request.Client, string(a.Body))
		c.Want(claims["iss"] == c.cfg.Issuer && contains(audienceOf(claims), t.Request.ID), "iss or aud of the inner JWT is wrong")
	}},
}

// wantSignedUserinfo checks that userinfo is a JWT of the algorithm, and returns its claims.
func (c *Case) wantSignedUserinfo(t *Tokens, alg string) map[string]any {
	a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access))
	c.Want(a.Status == http.StatusOK && a.MediaType() == "application/jwt", "answered %s with Content-Type %q, want application/jwt", a, a.Header.Get("Content-Type"))
	head, claims := c.Verify(string(a.Body))
	c.Want(head["alg"] == alg, "it is signed with %v, want %s", head["alg"], alg)
	c.Want(claims["iss"] == c.cfg.Issuer, "iss is %v", claims["iss"])
	c.Want(contains(audienceOf(claims), t.Request.ID), "aud %v lacks the client", audienceOf(claims))
	c.Want(claims["sub"] == t.Claims["sub"], "sub differs from that of the ID token")
	return claims
}
