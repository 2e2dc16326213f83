package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// fresh logs the person in at the client of a role and returns the request and a code that nobody has used.
func (c *Case) fresh(role string, pairs ...string) (*AuthRequest, string) {
	q := c.Request(role, pairs...)
	return q, c.Code(c.Login(c.Browser(), q))
}

// WantClientError checks the answer to a client that did not prove who it is (RFC 6749 §5.2).
func (c *Case) WantClientError(a *Answer) {
	status := http.StatusUnauthorized
	if a.Status == http.StatusBadRequest {
		status = http.StatusBadRequest
	}
	c.WantError(a, status, "invalid_client")
}

// basicToken are checks of the token endpoint.
var basicToken = []Check{
	{"client-secret-post", "a client may send its secret in the body", "OIDC Core §9", "oidcc-server-client-secret-post", accepted("post")},
	{"client-secret-wrong", "a wrong secret in the header is 401 invalid_client with a challenge", "RFC 6749 §5.2", "", func(c *Case) {
		client := c.Client("basic")
		a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x"), basicAuth(client.ID, random()))
		c.WantError(a, http.StatusUnauthorized, "invalid_client")
		c.WantChallenge(a, "Basic")
	}},
	{"client-secret-post-wrong", "a wrong secret in the body is invalid_client", "RFC 6749 §5.2", "", func(c *Case) {
		form := codeForm("x")
		form.Set("client_id", c.Client("post").ID)
		form.Set("client_secret", random())
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form))
	}},
	{"client-unknown-at-token", "an unknown client is invalid_client", "RFC 6749 §5.2", "", func(c *Case) {
		c.WantError(c.PostForm(c.Endpoint("token_endpoint"), codeForm("x"), basicAuth("nobody-registered-this", random())), http.StatusUnauthorized, "invalid_client")
	}},
	{"client-silent", "a confidential client that proves nothing is invalid_client", "RFC 6749 §3.2.1", "", func(c *Case) {
		q, code := c.fresh("basic")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier, "client_id", q.ID)
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form))
	}},
	{"client-absent", "a request that names no client is refused", "RFC 6749 §3.2.1", "", func(c *Case) {
		a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x"))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_client", "invalid_request")
	}},
	{"client-two-ways", "a client must not authenticate in two ways at once", "RFC 6749 §2.3", "", func(c *Case) {
		client := c.Client("basic")
		a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x", "client_id", client.ID, "client_secret", client.Secret), basicAuth(client.ID, client.Secret))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_request", "invalid_client")
	}},
	{"client-other-way", "a client of client_secret_basic must not send its secret in the body", "OIDC Registration §2", "", func(c *Case) {
		q, code := c.fresh("basic")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier, "client_id", q.ID, "client_secret", q.Secret)
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form))
	}},
	{"client-other-way-back", "a client of client_secret_post must not send its secret in the header", "OIDC Registration §2", "", func(c *Case) {
		q, code := c.fresh("post")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier)
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form, basicAuth(q.ID, q.Secret)))
	}},
	{"client-of-another-name", "client_id beside the header must be the same client's", "RFC 6749 §2.3", "", func(c *Case) {
		client := c.Client("basic")
		a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x", "client_id", c.Client("post").ID), basicAuth(client.ID, client.Secret))
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_request", "invalid_client")
	}},
	{"code-spared", "a wrong secret does not use the code up", "RFC 6749 §4.1.3", "", func(c *Case) {
		q, code := c.fresh("basic")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier)
		c.WantError(c.PostForm(c.Endpoint("token_endpoint"), form, basicAuth(q.ID, random())), http.StatusUnauthorized, "invalid_client")
		c.Redeem(nil, q, code)
	}},
	{"code-reuse", "a code works once", "RFC 6749 §4.1.2", "oidcc-codereuse", func(c *Case) {
		q, code := c.fresh("basic")
		c.Redeem(nil, q, code)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
	}},
	{"code-reuse-30-seconds", "a code that was used is refused half a minute later too", "RFC 6749 §4.1.2", "oidcc-codereuse-30seconds", func(c *Case) {
		q, code := c.fresh("basic")
		c.Redeem(nil, q, code)
		c.Wait(30 * time.Second)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
	}},
	{"code-reuse-revokes", "when a code is used twice its tokens are revoked", "RFC 6749 §4.1.2", "", func(c *Case) {
		q, code := c.fresh("basic", "scope", "openid offline_access")
		t := c.Redeem(nil, q, code)
		c.Userinfo(t)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access)), "Bearer")
		if t.Refresh != "" {
			c.WantError(c.Refresh(t), http.StatusBadRequest, "invalid_grant")
		}
	}},
	{"code-of-another-client", "a code works for its client alone, and stays good for it", "RFC 6749 §4.1.3", "", func(c *Case) {
		q, code := c.fresh("basic")
		stolen := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier)
		c.WantError(c.Token(c.Client("post"), stolen), http.StatusBadRequest, "invalid_grant")
		c.WantError(c.Token(c.Client("alone"), stolen), http.StatusBadRequest, "invalid_grant")
	}},
	{"code-unknown", "a code that nobody issued is invalid_grant", "RFC 6749 §5.2", "", func(c *Case) {
		c.WantError(c.Exchange(c.Request("basic"), random()), http.StatusBadRequest, "invalid_grant")
	}},
	{"code-missing", "a token request without code is invalid_request", "RFC 6749 §5.2", "", func(c *Case) {
		c.WantError(c.Exchange(c.Request("basic"), "", "code", ""), http.StatusBadRequest, "invalid_request", "invalid_grant")
	}},
	{"redirect-differs", "redirect_uri must be that of the auth request", "RFC 6749 §4.1.3", "", func(c *Case) {
		q, code := c.fresh("basic")
		c.WantError(c.Exchange(q, code, "redirect_uri", q.RedirectURIs[1]), http.StatusBadRequest, "invalid_grant")
	}},
	{"redirect-left-out", "redirect_uri must be sent again", "RFC 6749 §4.1.3", "", func(c *Case) {
		q, code := c.fresh("basic")
		c.WantError(c.Exchange(q, code, "redirect_uri", ""), http.StatusBadRequest, "invalid_grant", "invalid_request")
	}},
	{"grant-unknown", "a grant type that nobody knows is unsupported_grant_type", "RFC 6749 §5.2", "", grantRefused("sesame", "unsupported_grant_type")},
	{"grant-password", "the password grant is refused", "RFC 9700 §2.4", "", grantRefused("password", "unsupported_grant_type", "unauthorized_client")},
	{"grant-client-credentials", "a client without the right to it is refused client_credentials", "RFC 6749 §5.2", "", grantRefused("client_credentials", "unsupported_grant_type", "unauthorized_client")},
	{"grant-jwt-bearer", "an assertion that authenticates a client is no grant", "RFC 7523 §2.1", "", func(c *Case) {
		client := c.Client("key")
		assertion := c.Sign(client, "ES256", "JWT", c.Assertion(client))
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}, "scope": {"openid"}}
		c.WantError(c.Token(client, form), http.StatusBadRequest, "unsupported_grant_type", "unauthorized_client", "invalid_grant")
	}},
	{"grant-missing", "a token request without grant_type is invalid_request", "RFC 6749 §5.2", "", grantRefused("", "invalid_request", "unsupported_grant_type")},
	{"token-headers", "a token answer is JSON that nobody may keep", "RFC 6749 §5.1", "", func(c *Case) {
		t := c.Shared("basic")
		c.Want(t.MediaType() == "application/json", "Content-Type is %q", t.Header.Get("Content-Type"))
		c.Want(strings.Contains(t.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", t.Header.Get("Cache-Control"))
	}},
	{"token-expires", "expires_in is a positive number of seconds", "RFC 6749 §5.1", "", func(c *Case) {
		c.Want(c.number(c.Shared("basic").JSON, "expires_in") > 0, "expires_in is not positive")
	}},
	{"token-scope", "a token answer names the scope where it differs from what was asked", "RFC 6749 §5.1", "", func(c *Case) {
		t := c.SignIn("alone", "scope", "openid profile offline_access nobody-knows")
		scope := strings.Fields(t.Text("scope"))
		c.Want(contains(scope, "openid") && !contains(scope, "nobody-knows") && !contains(scope, "offline_access"), "scope is %q", scope)
	}},
	{"access-token-random", "access tokens cannot be guessed and differ", "RFC 6749 §10.10", "", func(c *Case) {
		first, second := c.Shared("basic").Access, c.SignIn("basic").Access
		c.Want(!sameText(first, second) && len(second) >= 22, "two access tokens are equal, or shorter than 128 bits")
	}},
	{"refresh-token", "a refresh token gives new tokens, and an ID token of the same login", "OIDC Core §12", "oidcc-refresh-token", func(c *Case) {
		c.Offered("grant_types_supported", "refresh_token")
		t := c.SignIn("basic", "scope", "openid offline_access", "prompt", "consent")
		c.Want(t.Refresh != "", "there is no refresh token although offline_access was asked for")
		a := c.Refresh(t)
		c.Want(a.Status == http.StatusOK && a.Text("access_token") != "", "the refresh answered %s", a)
		c.Want(!sameText(a.Text("access_token"), t.Access), "the access token is the old one")
		if id := a.Text("id_token"); id != "" {
			_, claims := c.OpenToken(t.Request.Client, id)
			for _, name := range []string{"iss", "sub", "auth_time", "azp"} {
				c.Want(claims[name] == t.Claims[name], "%s of the new ID token is another than at the login (OIDC Core §12.2)", name)
			}
			c.Want(contains(audienceOf(claims), t.Request.ID), "aud of the new ID token lacks the client")
			c.Want(c.number(claims, "iat") >= c.number(t.Claims, "iat"), "iat of the new ID token is not when it was made")
		}
	}},
}

// codeForm returns a token request for a code.
func codeForm(code string, pairs ...string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	setPairs(form, pairs)
	return form
}

func grantRefused(grant string, codes ...string) func(*Case) {
	return func(c *Case) {
		form := url.Values{"scope": {"openid"}, "username": {"x"}, "password": {"x"}}
		if grant != "" {
			form.Set("grant_type", grant)
		}
		c.WantError(c.Token(c.Client("basic"), form), http.StatusBadRequest, codes...)
	}
}

// Refresh spends a refresh token. Pairs go over the parameters.
func (c *Case) Refresh(t *Tokens, pairs ...string) *Answer {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}}
	setPairs(form, pairs)
	return c.Token(t.Request.Client, form)
}
