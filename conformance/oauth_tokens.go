package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// Revoke revokes a token as the client.
func (c *Case) Revoke(client *Client, token string, pairs ...string) *Answer {
	c.Offered("revocation_endpoint")
	form := url.Values{"token": {token}}
	setPairs(form, pairs)
	return c.As(client, c.Endpoint("revocation_endpoint"), form)
}

// Introspect asks about a token as the client.
func (c *Case) Introspect(client *Client, token string) *Answer {
	c.Offered("introspection_endpoint")
	a := c.As(client, c.Endpoint("introspection_endpoint"), url.Values{"token": {token}})
	c.Want(a.Status == http.StatusOK && a.MediaType() == "application/json", "introspection answered %s", a)
	c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", a.Header.Get("Cache-Control"))
	return a
}

// wantInactive checks that introspection says nothing but that a token is not active (RFC 7662 §2.2).
func (c *Case) wantInactive(client *Client, token string) {
	a := c.Introspect(client, token)
	c.Want(a.JSON["active"] == false && len(a.JSON) == 1, "the answer is active=%v with %d members", a.JSON["active"], len(a.JSON))
}

func (c *Case) wantRevoked(a *Answer) {
	c.Want(a.Status == http.StatusOK, "revocation answered %s, want 200", a)
}

// onlyPost returns a check that an endpoint takes POST alone.
func onlyPost(endpoint string) func(*Case) {
	return func(c *Case) {
		c.Offered(endpoint)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := c.Do(method, c.Endpoint(endpoint)+"?token=x&client_id=x", nil)
			c.Want(a.Status == http.StatusMethodNotAllowed, "%s answered %s, want 405", method, a)
			c.Want(strings.Contains(a.Header.Get("Allow"), "POST"), "%s: Allow is %q", method, a.Header.Get("Allow"))
		}
	}
}

// oauthRevocation are checks of the revocation endpoint.
var oauthRevocation = []Check{
	{"revoke-access-token", "a revoked access token opens nothing", "RFC 7009 §2", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.WantDead(t.Access)
	}},
	{"revoke-refresh-token", "revoking a refresh token ends its access tokens too", "RFC 7009 §2.1", "", func(c *Case) {
		t := c.offline("basic")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Refresh, "token_type_hint", "refresh_token"))
		c.WantError(c.Refresh(t), http.StatusBadRequest, "invalid_grant")
		c.WantDead(t.Access)
	}},
	{"revoke-family", "revoking the latest refresh token ends the whole family", "RFC 7009 §2.1", "", func(c *Case) {
		first := c.offline("basic")
		second := c.refreshed(first)
		c.wantRevoked(c.Revoke(first.Request.Client, second.Refresh))
		c.WantDead(second.Access)
		c.WantError(c.Refresh(second), http.StatusBadRequest, "invalid_grant")
	}},
	{"revoke-wrong-hint", "a wrong token_type_hint does no harm", "RFC 7009 §2.1", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access, "token_type_hint", "refresh_token"))
		c.WantDead(t.Access)
	}},
	{"revoke-unknown", "an unknown token is 200", "RFC 7009 §2.2", "", func(c *Case) { c.wantRevoked(c.Revoke(c.Client("basic"), random())) }},
	{"revoke-twice", "revoking twice is 200", "RFC 7009 §2.2", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
	}},
	{"revoke-of-another", "another client's token is not revoked", "RFC 7009 §2.1", "", func(c *Case) {
		t := c.SignIn("basic")
		a := c.Revoke(c.Client("post"), t.Access)
		c.Want(a.Status == 200 || a.Status == 400, "answered %s", a)
		c.Userinfo(t)
	}},
	{"revoke-unauthenticated", "revoking needs the client's authentication", "RFC 7009 §2.1", "", func(c *Case) {
		c.Offered("revocation_endpoint")
		t := c.SignIn("basic")
		c.WantClientError(c.PostForm(c.Endpoint("revocation_endpoint"), url.Values{"token": {t.Access}, "client_id": {t.Request.ID}}))
		c.WantError(c.PostForm(c.Endpoint("revocation_endpoint"), url.Values{"token": {t.Access}}, basicAuth(t.Request.ID, random())), http.StatusUnauthorized, "invalid_client")
		c.Userinfo(t)
	}},
	{"revoke-public", "a public client revokes with its client_id", "RFC 7009 §2.1", "", func(c *Case) {
		t := c.SignIn("public")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.WantDead(t.Access)
	}},
	{"revoke-nothing", "a request without token is invalid_request", "RFC 7009 §2.2.1", "", func(c *Case) {
		c.Offered("revocation_endpoint")
		c.WantError(c.As(c.Client("basic"), c.Endpoint("revocation_endpoint"), url.Values{}), http.StatusBadRequest, "invalid_request")
	}},
	{"revoke-method", "the revocation endpoint takes POST alone", "RFC 7009 §2.1", "", onlyPost("revocation_endpoint")},
}

// oauthIntrospection are checks of the introspection endpoint.
var oauthIntrospection = []Check{
	{"introspect", "an access token is active, with what it stands for", "RFC 7662 §2.2", "", func(c *Case) {
		t := c.Shared("basic", "scope", "openid profile")
		a := c.Introspect(t.Request.Client, t.Access)
		c.Want(a.JSON["active"] == true && a.Text("client_id") == t.Request.ID && a.JSON["sub"] == t.Claims["sub"], "active %v, client_id or sub may be missing", a.JSON["active"])
		c.Want(contains(strings.Fields(a.Text("scope")), "profile") && a.Text("iss") == c.cfg.Issuer, "scope is %q, iss %q", a.Text("scope"), a.Text("iss"))
		c.Want(c.number(a.JSON, "exp") > c.number(a.JSON, "iat"), "exp is not after iat")
	}},
	{"introspect-refresh-token", "a refresh token is active for its client, and never taken for an access token", "RFC 7662 §2.2", "", func(c *Case) {
		c.Offered("grant_types_supported", "refresh_token")
		t := c.Shared("basic", "scope", "openid offline_access")
		c.Want(!strings.EqualFold(c.Introspect(t.Request.Client, t.Refresh).Text("token_type"), "Bearer"), "token_type is Bearer")
	}},
	{"introspect-unknown", "an unknown token is inactive, and nothing more is said", "RFC 7662 §2.2", "", func(c *Case) { c.wantInactive(c.Client("basic"), random()) }},
	{"introspect-revoked", "a revoked token is inactive", "RFC 7662 §2.2", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.wantInactive(t.Request.Client, t.Access)
	}},
	{"introspect-of-another", "a client learns nothing of another's token", "RFC 7662 §4", "", func(c *Case) { c.wantInactive(c.Client("alone"), c.Shared("basic").Access) }},
	{"introspect-id-token", "an ID token is not active", "RFC 7662 §2.2", "", func(c *Case) { c.wantInactive(c.Client("basic"), c.Shared("basic").ID) }},
	{"introspect-unauthenticated", "introspection needs authentication", "RFC 7662 §2.1", "", func(c *Case) {
		c.Offered("introspection_endpoint")
		form := url.Values{"token": {c.Shared("basic").Access}}
		a := c.PostForm(c.Endpoint("introspection_endpoint"), form)
		c.Want(a.Status == 401 || a.Status == 400, "answered %s", a)
		c.Want(a.JSON["active"] == nil, "the answer tells whether the token is active")
		c.WantError(c.PostForm(c.Endpoint("introspection_endpoint"), form, basicAuth(c.Client("basic").ID, random())), http.StatusUnauthorized, "invalid_client")
	}},
	{"introspect-public", "a public client cannot introspect", "RFC 7662 §2.1", "", func(c *Case) {
		c.Offered("introspection_endpoint")
		t := c.SignIn("public")
		a := c.As(t.Request.Client, c.Endpoint("introspection_endpoint"), url.Values{"token": {t.Access}})
		c.Want(a.JSON["active"] == nil && (a.Status == 401 || a.Status == 400 || a.Status == 403), "answered %s", a)
	}},
	{"introspect-nothing", "a request without token is invalid_request", "RFC 7662 §2.1", "", func(c *Case) {
		c.Offered("introspection_endpoint")
		c.WantError(c.As(c.Client("basic"), c.Endpoint("introspection_endpoint"), url.Values{}), http.StatusBadRequest, "invalid_request")
	}},
	{"introspect-assertion", "private_key_jwt authenticates at introspection and revocation", "RFC 7662 §2.1", "", func(c *Case) {
		t := c.SignIn("key")
		c.Want(c.Introspect(t.Request.Client, t.Access).JSON["active"] == true, "the token is not active")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.wantInactive(t.Request.Client, t.Access)
	}},
	{"introspect-method", "the introspection endpoint takes POST alone", "RFC 7662 §2.1", "", onlyPost("introspection_endpoint")},
}

// jwtToken logs the person in at the client of JWT access tokens and returns the verified header and claims of one.
func (c *Case) jwtToken(pairs ...string) (t *Tokens, head, claims map[string]any) {
	t = c.Shared("jwt", pairs...)
	head, claims = c.Verify(t.Access)
	return t, head, claims
}

// oauthResource are checks of JWT access tokens and resource indicators.
var oauthResource = []Check{
	{"opaque", "access tokens are opaque unless the client chose otherwise", "RFC 9700 §2.3", "", func(c *Case) {
		c.Want(!strings.Contains(c.Shared("basic").Access, "."), "it has the form of a JWT")
	}},
	{"jwt-header", "a JWT access token has typ at+jwt and is signed", "RFC 9068 §2.1", "", func(c *Case) {
		_, head, _ := c.jwtToken("resource", c.Client("jwt").Resources[0])
		c.Want(strings.EqualFold(strings.TrimPrefix(text(head["typ"]), "application/"), "at+jwt"), "typ is %v", head["typ"])
	}},
	{"jwt-claims", "a JWT access token has all required claims", "RFC 9068 §2.2", "", func(c *Case) {
		t, _, claims := c.jwtToken("resource", c.Client("jwt").Resources[0])
		c.Want(claims["iss"] == c.cfg.Issuer && claims["client_id"] == t.Request.ID && claims["sub"] == t.Claims["sub"], "iss, client_id or sub is wrong")
		c.Want(text(claims["jti"]) != "" && c.number(claims, "exp") > c.number(claims, "iat"), "jti, exp or iat is wrong")
		c.Want(claims["scope"] == nil || contains(strings.Fields(text(claims["scope"])), "openid"), "scope is %v", claims["scope"])
	}},
	{"jwt-audience", "its audience is the resource that was asked for", "RFC 9068 §3", "", func(c *Case) {
		resource := c.Client("jwt").Resources[0]
		_, _, claims := c.jwtToken("resource", resource)
		c.Want(contains(audienceOf(claims), resource) && !contains(audienceOf(claims), c.Client("jwt").Resources[1]), "aud is %v", claims["aud"])
	}},
	{"jwt-default-audience", "without resource there is an audience too, and not the client", "RFC 9068 §3", "", func(c *Case) {
		t, _, claims := c.jwtToken()
		c.Want(len(audienceOf(claims)) > 0 && !contains(audienceOf(claims), t.Request.ID), "aud is %v", claims["aud"])
	}},
	{"jwt-says-nothing", "it holds nothing of the person", "RFC 9068 §6", "", func(c *Case) {
		t, _, claims := c.jwtToken("scope", "openid profile "+scopePersonNumber)
		c.wantNone(claims, "the access token", identityClaims...)
		c.Want(claims["sub"] != t.Person.Name, "sub is the number")
	}},
	{"jwt-userinfo", "it opens userinfo", "RFC 9068 §4", "", func(c *Case) { c.Userinfo(c.Shared("jwt")) }},
	{"jwt-revoked", "a revoked one opens nothing and is inactive", "RFC 7009 §2", "", func(c *Case) {
		t := c.SignIn("jwt")
		c.wantRevoked(c.Revoke(t.Request.Client, t.Access))
		c.WantDead(t.Access)
		c.wantInactive(t.Request.Client, t.Access)
	}},
	{"jwt-tampered", "a changed one opens nothing", "RFC 9068 §4", "", func(c *Case) { c.WantDead(tamper(c.Shared("jwt").Access)) }},
	{"jwt-introspection", "introspection knows it, with its audience", "RFC 7662 §2.2", "", func(c *Case) {
		resource := c.Client("jwt").Resources[0]
		t := c.Shared("jwt", "resource", resource)
		a := c.Introspect(t.Request.Client, t.Access)
		c.Want(a.JSON["active"] == true && contains(audienceOf(a.JSON), resource), "active %v, aud %v", a.JSON["active"], a.JSON["aud"])
	}},
	{"jwt-as-id-token", "it cannot be used as an ID token hint", "RFC 8725 §3.11", "", func(c *Case) {
		t := c.SignIn("jwt")
		c.WantReplyError(c.Ask(t.Browser, c.Request("jwt", "prompt", "none", "id_token_hint", t.Access)), "invalid_request", "login_required")
	}},
	{"resource-unknown", "a resource that the client may not ask for is invalid_target", "RFC 8707 §2", "", denied([]string{"invalid_target"}, "jwt", "resource", "https://stranger.example.se/")},
	{"resource-malformed", "a resource with a fragment, or relative, is invalid_target", "RFC 8707 §2", "", func(c *Case) {
		for _, resource := range []string{"https://api.example.se/#x", "api", "/api"} {
			denied([]string{"invalid_target"}, "jwt", "resource", resource)(c)
		}
	}},
	{"resource-several", "several resources may be asked for, and one chosen at the token endpoint", "RFC 8707 §2.2", "", func(c *Case) {
		resources := c.Client("jwt").Resources
		q := repeated(c.Request("jwt", "resource", resources[0]), "resource", resources[1])
		b := c.Browser()
		t := c.Redeem(b, q, c.Code(c.Login(b, q)), "resource", resources[1])
		_, claims := c.Verify(t.Access)
		c.Want(contains(audienceOf(claims), resources[1]) && !contains(audienceOf(claims), resources[0]), "aud is %v", claims["aud"])
	}},
	{"resource-not-granted", "at the token endpoint no resource can be had that was not asked for", "RFC 8707 §2.2", "", func(c *Case) {
		resources := c.Client("jwt").Resources
		q, code := c.fresh("jwt", "resource", resources[0])
		c.WantError(c.Exchange(q, code, "resource", resources[1]), http.StatusBadRequest, "invalid_target")
	}},
}
