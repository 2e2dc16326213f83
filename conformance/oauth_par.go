package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// Push pushes an auth request as its client and returns the answer.
func (c *Case) Push(q *AuthRequest) *Answer {
	c.Offered("pushed_authorization_request_endpoint")
	return c.As(q.Client, c.Endpoint("pushed_authorization_request_endpoint"), q.Values)
}

// Pushed pushes an auth request and makes the browser carry the reference.
func (c *Case) Pushed(q *AuthRequest) *AuthRequest {
	a := c.Push(q)
	c.Want(a.Status == http.StatusCreated && a.Text("request_uri") != "", "the PAR endpoint answered %s, want 201 with request_uri", a)
	q.Front = url.Values{"client_id": {q.ID}, "request_uri": {a.Text("request_uri")}}
	return q
}

// pushRefused returns a check that a request with the parameters is refused when it is pushed.
func pushRefused(codes []string, role string, pairs ...string) func(*Case) {
	return func(c *Case) { c.WantError(c.Push(c.Request(role, pairs...)), http.StatusBadRequest, codes...) }
}

// oauthPAR are checks of pushed authorization requests.
var oauthPAR = []Check{
	{"par", "a pushed request logs somebody in", "RFC 9126 §2", "", func(c *Case) {
		for _, role := range []string{"pushed", "key"} {
			b, q := c.Browser(), c.Pushed(c.Request(role))
			c.Redeem(b, q, c.Code(c.Login(b, q)))
		}
	}},
	{"par-answer", "the answer is 201 with request_uri and expires_in, and nobody may keep it", "RFC 9126 §2.2", "", func(c *Case) {
		a := c.Push(c.Request("basic"))
		c.Want(a.Status == http.StatusCreated && a.MediaType() == "application/json", "answered %s", a)
		c.Want(c.number(a.JSON, "expires_in") >= 5 && c.number(a.JSON, "expires_in") <= 600, "expires_in is %v", a.JSON["expires_in"])
		c.Want(strings.HasPrefix(a.Text("request_uri"), "urn:ietf:params:oauth:request_uri:") && len(a.Text("request_uri")) > 34+21, "request_uri is no urn of 128 random bits")
		c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", a.Header.Get("Cache-Control"))
	}},
	{"par-public", "a public client may push", "RFC 9126 §2", "", func(c *Case) {
		b, q := c.Browser(), c.Pushed(c.Request("public"))
		c.Redeem(b, q, c.Code(c.Login(b, q)))
	}},
	{"par-once", "a request_uri that was answered is used up", "RFC 9126 §4", "", func(c *Case) {
		b, q := c.Browser(), c.Pushed(c.Request("basic"))
		c.Code(c.Login(b, q))
		r := c.Ask(c.Browser(), q)
		c.Want(!r.Asks() && !r.Params.Has("code"), "the second use was answered with %s", r.Answer)
	}},
	{"par-foreign", "another client's request_uri is refused", "RFC 9126 §2.2", "", func(c *Case) {
		q := c.Pushed(c.Request("basic"))
		q.Front.Set("client_id", c.Client("post").ID)
		c.WantRefused(c.Ask(c.Browser(), q))
	}},
	{"par-unknown", "a request_uri that nobody was given is refused", "RFC 9126 §4", "", func(c *Case) {
		q := c.Request("basic")
		q.Front = url.Values{"client_id": {q.ID}, "request_uri": {"urn:ietf:params:oauth:request_uri:" + random()}}
		c.WantRefused(c.Ask(c.Browser(), q))
	}},
	{"par-not-overruled", "what stands beside request_uri changes nothing", "RFC 9126 §4", "", func(c *Case) {
		b, q := c.Browser(), c.Pushed(c.Request("basic", "scope", "openid", "prompt", "none"))
		for name, value := range map[string]string{"scope": "openid profile", "redirect_uri": q.RedirectURIs[1], "state": "another", "prompt": "login", "nonce": "another"} {
			q.Front.Set(name, value)
		}
		c.WantReplyError(c.Ask(b, q), "login_required")
	}},
	{"par-request-uri", "a pushed request must not have request_uri", "RFC 9126 §2.1", "", pushRefused(invalidRequest, "basic", "request_uri", "urn:ietf:params:oauth:request_uri:x")},
	{"par-required", "a client that must push is refused a plain request", "RFC 9126 §6", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("pushed"))
		if r.To == nil {
			c.WantRefused(r)
			return
		}
		c.WantReplyError(r, "invalid_request", "unauthorized_client")
	}},
	{"par-unauthenticated", "pushing needs the client's authentication", "RFC 9126 §2", "", func(c *Case) {
		c.Offered("pushed_authorization_request_endpoint")
		q := c.Request("basic")
		c.WantClientError(c.PostForm(c.Endpoint("pushed_authorization_request_endpoint"), q.Values))
		a := c.PostForm(c.Endpoint("pushed_authorization_request_endpoint"), q.Values, basicAuth(q.ID, random()))
		c.WantError(a, http.StatusUnauthorized, "invalid_client")
		c.WantChallenge(a, "Basic")
	}},
	{"par-other-client-id", "client_id of the request must be who authenticates", "RFC 9126 §2.1", "", func(c *Case) {
		q := c.Request("basic")
		q.Values.Set("client_id", c.Client("alone").ID)
		a := c.Push(q)
		c.Want(a.Status == 400 || a.Status == 401, "answered %s", a)
		c.WantError(a, a.Status, "invalid_request", "invalid_client")
	}},
	{"par-redirect", "a redirect_uri that is not registered is refused when it is pushed", "RFC 9126 §2.3", "", pushRefused(invalidRequest, "basic", "redirect_uri", "https://stranger.example.se/")},
	{"par-response-type", "a response_type that is not offered is refused when it is pushed", "RFC 9126 §2.3", "", pushRefused([]string{"unsupported_response_type"}, "basic", "response_type", "token")},
	{"par-pkce", "plain PKCE is refused when it is pushed", "RFC 9126 §2.3", "", pushRefused(invalidRequest, "basic", "code_challenge_method", "plain")},
	{"par-pkce-public", "a public client without PKCE is refused when it pushes", "RFC 9126 §2.3", "", pushRefused(invalidRequest, "public", "code_challenge", "", "code_challenge_method", "")},
	{"par-repeated", "a parameter twice is refused when it is pushed", "RFC 6749 §3.1", "", func(c *Case) {
		c.Offered("pushed_authorization_request_endpoint")
		q := repeated(c.Request("basic"), "scope", "profile")
		c.WantError(c.As(q.Client, c.Endpoint("pushed_authorization_request_endpoint"), q.Front), http.StatusBadRequest, "invalid_request")
	}},
	{"par-method", "the PAR endpoint takes POST alone", "RFC 9126 §2.3", "", onlyPost("pushed_authorization_request_endpoint")},
	{"par-large", "a request that is too large is refused", "RFC 9126 §2.3", "", func(c *Case) {
		a := c.Push(c.Request("basic", "state", strings.Repeat("x", 2<<20)))
		c.Want(a.Status == http.StatusRequestEntityTooLarge || a.Status == http.StatusBadRequest, "answered %s", a)
	}},
	{"par-object", "a pushed request may be a request object", "RFC 9126 §3", "", func(c *Case) {
		c.Offered("pushed_authorization_request_endpoint")
		b, q := c.Browser(), c.Request("pushed")
		object := c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q))
		a := c.As(q.Client, c.Endpoint("pushed_authorization_request_endpoint"), url.Values{"client_id": {q.ID}, "request": {object}})
		c.Want(a.Status == http.StatusCreated, "answered %s", a)
		q.Front = url.Values{"client_id": {q.ID}, "request_uri": {a.Text("request_uri")}}
		c.Redeem(b, q, c.Code(c.Login(b, q)))
	}},
	{"par-object-bad", "a bad request object is refused when it is pushed", "RFC 9126 §3", "", func(c *Case) {
		c.Offered("pushed_authorization_request_endpoint")
		q := c.Request("pushed")
		form := url.Values{"client_id": {q.ID}, "request": {unsecured(c.objectOf(q))}}
		c.WantError(c.As(q.Client, c.Endpoint("pushed_authorization_request_endpoint"), form), http.StatusBadRequest, "invalid_request_object", "invalid_request")
	}},
	{"par-login-reload", "reloading the authorization endpoint during the login does no harm", "RFC 9126 §4", "", func(c *Case) {
		b, q := c.Browser(), c.Pushed(c.Request("basic"))
		c.Want(c.Ask(b, q).Asks(), "the first visit was refused")
		r := c.Ask(b, q)
		c.Want(r.Asks() || r.To == nil && r.Status < 500, "the second visit was answered with %s", r.Answer)
	}},
}
