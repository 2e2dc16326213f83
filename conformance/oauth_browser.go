package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// preflight asks whether a script of an origin may post to an endpoint.
func (c *Case) preflight(endpoint, origin string) *Answer {
	return c.Do(http.MethodOptions, c.Endpoint(endpoint), nil, header("Origin", origin), header("Access-Control-Request-Method", "POST"),
		header("Access-Control-Request-Headers", "content-type"))
}

const strangeOrigin = "https://stranger.example.se"

// readable reports whether an answer lets scripts of the origin read it.
func readable(a *Answer, origin string) bool {
	allowed := a.Header.Get("Access-Control-Allow-Origin")
	return allowed == "*" || allowed == origin
}

// oauthBrowser are checks of what browsers may do: CORS, framing, caching, cookies.
var oauthBrowser = []Check{
	{"cors-token", "a script of a registered origin may call the token endpoint", "Fetch §3.2", "", func(c *Case) {
		client := c.Client("public")
		q, code := c.fresh("public")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier, "client_id", client.ID)
		a := c.PostForm(c.Endpoint("token_endpoint"), form, header("Origin", client.Origin))
		c.Want(a.Status == http.StatusOK && readable(a, client.Origin), "answered %s with Access-Control-Allow-Origin %q", a, a.Header.Get("Access-Control-Allow-Origin"))
		c.Want(a.Header.Get("Access-Control-Allow-Credentials") == "", "credentials are allowed")
	}},
	{"cors-token-error", "a script may read an error of the token endpoint", "Fetch §3.2", "", func(c *Case) {
		client := c.Client("public")
		form := codeForm(random(), "redirect_uri", client.RedirectURIs[0], "code_verifier", random(), "client_id", client.ID)
		a := c.PostForm(c.Endpoint("token_endpoint"), form, header("Origin", client.Origin))
		c.WantError(a, http.StatusBadRequest, "invalid_grant")
		c.Want(readable(a, client.Origin), "Access-Control-Allow-Origin is %q", a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"cors-token-stranger", "a script of an origin that the client did not register gets no token to read", "Fetch §3.2", "", func(c *Case) {
		client := c.Client("public")
		q, code := c.fresh("public")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier, "client_id", client.ID)
		a := c.PostForm(c.Endpoint("token_endpoint"), form, header("Origin", strangeOrigin))
		c.Want(a.Status >= 400 || !readable(a, strangeOrigin), "answered %s with Access-Control-Allow-Origin %q", a, a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"cors-preflight", "a preflight for the token endpoint, PAR and revocation is answered", "Fetch §4.8", "", func(c *Case) {
		origin := c.Client("public").Origin
		for _, endpoint := range []string{"token_endpoint", "pushed_authorization_request_endpoint", "revocation_endpoint"} {
			c.Offered(endpoint)
			a := c.preflight(endpoint, origin)
			c.Want((a.Status == 200 || a.Status == 204) && readable(a, origin), "%s answered %s with Access-Control-Allow-Origin %q", endpoint, a, a.Header.Get("Access-Control-Allow-Origin"))
			c.Want(strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "POST"), "%s: Access-Control-Allow-Methods is %q", endpoint, a.Header.Get("Access-Control-Allow-Methods"))
		}
	}},
	{"cors-userinfo", "a script may call userinfo with its token", "Fetch §3.2", "", func(c *Case) {
		t := c.SignIn("public")
		a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access), header("Origin", t.Request.Origin))
		c.Want(a.Status == http.StatusOK && readable(a, t.Request.Origin), "answered %s with Access-Control-Allow-Origin %q", a, a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"cors-userinfo-preflight", "a preflight for userinfo allows Authorization", "Fetch §4.8", "", func(c *Case) {
		a := c.Do(http.MethodOptions, c.Endpoint("userinfo_endpoint"), nil, header("Origin", c.Client("public").Origin), header("Access-Control-Request-Method", "GET"),
			header("Access-Control-Request-Headers", "authorization"))
		c.Want(strings.Contains(strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "authorization"), "Access-Control-Allow-Headers is %q", a.Header.Get("Access-Control-Allow-Headers"))
	}},
	{"cors-userinfo-stranger", "a script of another origin cannot read userinfo of the client", "Fetch §3.2", "", func(c *Case) {
		a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(c.SignIn("public").Access), header("Origin", strangeOrigin))
		c.Want(!readable(a, strangeOrigin), "Access-Control-Allow-Origin is %q", a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"cors-authorize", "no script may read the authorization endpoint", "RFC 9700 §2.6", "", func(c *Case) {
		q := c.Request("public", "prompt", "none")
		a := c.Get(withQuery(c.Endpoint("authorization_endpoint"), q.Values), header("Origin", q.Origin))
		c.Want(a.Header.Get("Access-Control-Allow-Origin") == "", "Access-Control-Allow-Origin is %q", a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"cors-introspect", "no script may read introspection", "RFC 7662 §4", "", func(c *Case) {
		c.Offered("introspection_endpoint")
		a := c.PostForm(c.Endpoint("introspection_endpoint"), url.Values{"token": {"x"}}, header("Origin", strangeOrigin))
		c.Want(!readable(a, strangeOrigin), "Access-Control-Allow-Origin is %q", a.Header.Get("Access-Control-Allow-Origin"))
	}},
	{"page-unframed", "the login page cannot be framed", "RFC 9700 §4.16", "", func(c *Case) {
		c.Want(unframed(c.Ask(c.Browser(), c.Request("basic")).Header), "there is neither frame-ancestors 'none' nor X-Frame-Options")
	}},
	{"page-referrer", "the login page tells nobody its address", "RFC 9700 §4.2.4", "", func(c *Case) {
		policy := c.Ask(c.Browser(), c.Request("basic")).Header.Get("Referrer-Policy")
		c.Want(contains([]string{"no-referrer", "same-origin", "strict-origin", "origin"}, policy), "Referrer-Policy is %q", policy)
	}},
	{"page-not-cached", "the login page must not be kept", "RFC 9111 §5.2.2.5", "", func(c *Case) {
		control := c.Ask(c.Browser(), c.Request("basic")).Header.Get("Cache-Control")
		c.Want(strings.Contains(control, "no-store"), "Cache-Control is %q", control)
	}},
	{"page-no-third-party", "the login page loads nothing from elsewhere", "RFC 9700 §4.2.4", "", func(c *Case) {
		policy := c.Ask(c.Browser(), c.Request("basic")).Header.Get("Content-Security-Policy")
		c.Want(policy != "" && !strings.Contains(policy, "unsafe-inline") && !strings.Contains(policy, "*"), "Content-Security-Policy is %q", policy)
	}},
	{"cookies", "cookies are not for scripts and go with no foreign request", "RFC 6265bis §4.1.2", "", func(c *Case) {
		r := c.Get(withQuery(c.Endpoint("authorization_endpoint"), c.Request("basic").Values))
		for _, cookie := range (&http.Response{Header: r.Header}).Cookies() {
			c.Want(cookie.HttpOnly && (cookie.SameSite == http.SameSiteLaxMode || cookie.SameSite == http.SameSiteStrictMode), "cookie %s lacks HttpOnly or SameSite", cookie.Name)
			c.Want(cookie.Secure || strings.HasPrefix(c.cfg.Issuer, "http:"), "cookie %s lacks Secure", cookie.Name)
		}
	}},
	{"login-bound", "a login can be finished in the browser alone where it began", "RFC 9700 §4.7", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic"))
		page, err := c.Browser().Visit(c.ctx, r.URL.String(), nil)
		c.Want(err == nil && page.Status >= 400, "another browser sees the login: %v", page)
	}},
	{"redirect-status", "the browser is sent to the client with 302 or 303", "RFC 9700 §4.12", "", func(c *Case) {
		for _, r := range []*Reply{c.Ask(c.Browser(), c.Request("basic", "prompt", "none")), c.AskByPost(c.Browser(), c.Request("basic", "prompt", "none"))} {
			c.Want(r.Status == http.StatusFound || r.Status == http.StatusSeeOther, "the status is %d", r.Status)
		}
	}},
}
