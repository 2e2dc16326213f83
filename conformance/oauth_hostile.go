package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// authorizeText sends a query as it is written to the authorization endpoint.
func (c *Case) authorizeText(query string) *Answer {
	return c.Get(c.Endpoint("authorization_endpoint") + "?" + query)
}

// hostileValues are values that break careless parsers.
var hostileValues = []string{
	"\x00", "\r\nSet-Cookie: x=1", "\xff\xfe", strings.Repeat("a", 20000), `"\`, "%00", "😀", strings.Repeat("[", 5000), "{\"a\":" + strings.Repeat("[", 2000), "<script>", "${jndi:x}", "' OR 1=1 --",
}

// oauthHostile are checks of methods, and of input that nobody means well with.
var oauthHostile = []Check{
	{"token-method", "the token endpoint takes POST alone", "RFC 6749 §3.2", "", onlyPost("token_endpoint")},
	{"token-in-query", "the token endpoint reads nothing from the URL", "RFC 6749 §2.3.1", "", func(c *Case) {
		q, code := c.fresh("post")
		query := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier, "client_id", q.ID, "client_secret", q.Secret)
		a := c.PostText(c.Endpoint("token_endpoint")+"?"+query.Encode(), "")
		c.Want(a.Status >= 400 && a.Text("access_token") == "", "answered %s", a)
		c.Redeem(nil, q, code)
	}},
	{"token-json", "the token endpoint takes no JSON", "RFC 6749 §3.2", "", func(c *Case) {
		client := c.Client("basic")
		a := c.Do(http.MethodPost, c.Endpoint("token_endpoint"), strings.NewReader(`{"grant_type":"authorization_code","code":"x"}`), header("Content-Type", "application/json"), basicAuth(client.ID, client.Secret))
		c.Want(a.Status == http.StatusBadRequest || a.Status == http.StatusUnsupportedMediaType, "answered %s", a)
	}},
	{"token-repeated", "a parameter twice is invalid_request", "RFC 6749 §3.2", "", func(c *Case) {
		client := c.Client("basic")
		for _, twice := range []string{"grant_type=authorization_code", "code=y", "redirect_uri=https%3A%2F%2Fx.example.se"} {
			form := codeForm("x", "redirect_uri", client.RedirectURIs[0]).Encode() + "&" + twice
			c.WantError(c.PostText(c.Endpoint("token_endpoint"), form, basicAuth(client.ID, client.Secret)), http.StatusBadRequest, "invalid_request")
		}
	}},
	{"token-unknown-parameter", "a parameter that nobody knows is ignored", "RFC 6749 §3.2", "", func(c *Case) {
		q, code := c.fresh("basic")
		c.Redeem(nil, q, code, "extra", "foobar")
	}},
	{"token-large", "a form that is too large is refused", "RFC 9110 §15.5.14", "", func(c *Case) {
		client := c.Client("basic")
		a := c.PostForm(c.Endpoint("token_endpoint"), codeForm(strings.Repeat("x", 2<<20)), basicAuth(client.ID, client.Secret))
		c.Want(a.Status == http.StatusRequestEntityTooLarge || a.Status == http.StatusBadRequest, "answered %s", a)
	}},
	{"token-hostile", "odd values are errors of 4xx with a clean description", "RFC 6749 §5.2", "", func(c *Case) {
		client := c.Client("basic")
		for _, value := range hostileValues {
			for _, name := range []string{"code", "redirect_uri", "code_verifier", "grant_type"} {
				a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x", "redirect_uri", client.RedirectURIs[0], name, value), basicAuth(client.ID, client.Secret))
				c.Want(a.Status >= 400 && a.Status < 500, "%s: answered %s", name, a)
				c.wantDescription(a.Text("error_description"))
			}
		}
	}},
	{"token-bad-encoding", "a form that cannot be read is invalid_request", "RFC 6749 §5.2", "", func(c *Case) {
		client := c.Client("basic")
		a := c.PostText(c.Endpoint("token_endpoint"), "grant_type=%zz&code=%", basicAuth(client.ID, client.Secret))
		c.WantError(a, http.StatusBadRequest, "invalid_request")
	}},
	{"basic-malformed", "a broken Authorization header is refused", "RFC 7617 §2", "", func(c *Case) {
		for _, value := range []string{"Basic", "Basic !!!", "Basic eA==", "Basic Og==", "Basic " + strings.Repeat("QQ", 9000), "Digest x", "Basic JTAwOnglenp6"} {
			a := c.PostForm(c.Endpoint("token_endpoint"), codeForm("x"), header("Authorization", value))
			c.Want(a.Status == 400 || a.Status == 401 || a.Status == 431, "%.20s: answered %s", value, a)
		}
	}},
	{"authorize-methods", "the authorization endpoint takes GET and POST alone", "OIDC Core §3.1.2.1", "", func(c *Case) {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := c.Do(method, withQuery(c.Endpoint("authorization_endpoint"), c.Request("basic").Values), nil)
			c.Want(a.Status == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "", "%s answered %s, want 405 with Allow", method, a)
		}
	}},
	{"authorize-json", "a posted auth request must be a form", "OIDC Core §3.1.2.1", "", func(c *Case) {
		a := c.Do(http.MethodPost, c.Endpoint("authorization_endpoint"), strings.NewReader(`{"client_id":"x"}`), header("Content-Type", "application/json"))
		c.Want(a.Status >= 400 && a.Status < 500, "answered %s", a)
	}},
	{"authorize-hostile", "odd values are errors of 4xx or for the client, and never reach a header", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		for _, value := range hostileValues {
			for _, name := range []string{"scope", "state", "nonce", "prompt", "max_age", "claims", "acr_values", "ui_locales", "login_hint", "id_token_hint", "request", "resource", "display"} {
				r := c.Ask(c.Browser(), c.Request("basic", name, value))
				c.Want(r.Header.Get("Set-Cookie") == "" || !strings.Contains(r.Header.Get("Set-Cookie"), "x=1"), "%s: a header was injected", name)
				c.wantDescription(r.Params.Get("error_description"))
			}
		}
	}},
	{"authorize-description", "error_description holds allowed characters alone, and nothing of the request", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		for _, pair := range [][2]string{{"prompt", "none \"\\å"}, {"max_age", "\"å"}, {"claims", "\"å{"}, {"response_mode", "\"å"},
			{"code_challenge_method", "\"å"}, {"request", "\"å"}, {"request_uri", "\"å"}, {"scope", "\"å"}} {
			r := c.Ask(c.Browser(), c.Request("basic", pair[0], pair[1]))
			c.wantDescription(r.Params.Get("error_description"))
			c.Want(!strings.Contains(r.Params.Get("error_description"), "å"), "%s comes back in error_description", pair[0])
		}
	}},
	{"authorize-bad-encoding", "a query that cannot be read is shown as an error", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		client := c.Client("basic")
		for _, query := range []string{"%zz", "client_id=%", "client_id=" + client.ID + ";scope=openid", "=&=&", strings.Repeat("a=b&", 30000)} {
			a := c.authorizeText(query)
			c.Want(a.Status >= 400 && a.Status < 500, "answered %s", a)
		}
	}},
	{"hint-aud-number", "id_token_hint with aud of numbers drops no connection, at login and logout", "RFC 7519 §4.1.3", "", func(c *Case) {
		signer := c.Client("key")
		for _, aud := range []any{7, []any{7}, map[string]any{}} {
			hint := c.Sign(signer, "ES256", "JWT", claimSet{"iss": c.cfg.Issuer, "aud": aud, "sub": "x"})
			r := c.Ask(c.Browser(), c.Request("basic", "prompt", "none", "id_token_hint", hint))
			c.WantReplyError(r, "invalid_request", "login_required")
			c.Offered("end_session_endpoint")
			c.wantStays(c.Logout(c.Browser(), "id_token_hint", hint))
		}
	}},
	{"deep-claims", "deeply nested claims are refused or ignored", "OIDC Core §5.5", "", func(c *Case) {
		deep := `{"id_token":{"x":` + strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000) + "}}"
		r := c.AskByPost(c.Browser(), c.Request("basic", "claims", deep))
		c.Want(r.Asks() || r.Params.Get("error") == "invalid_request" || r.Status >= 400, "answered %s", r.Answer)
	}},
	{"many-parameters", "two thousand parameters do no harm", "RFC 6749 §3.1", "", func(c *Case) {
		form := url.Values{}
		for range 2000 {
			form.Set(random()[:8], "x")
		}
		a := c.PostForm(c.Endpoint("token_endpoint"), form)
		c.Want(a.Status >= 400 && a.Status < 500, "answered %s", a)
	}},
	{"not-found", "an address that does not exist is 404", "RFC 9110 §15.5.5", "", func(c *Case) {
		for _, path := range []string{"/.well-known/nothing", "/token/", "/authorize/callback", "/oauth/token"} {
			c.Want(c.Get(c.cfg.Issuer+path).Status == http.StatusNotFound, "%s is not 404", path)
		}
	}},
	{"host-header", "the issuer does not come from the Host header", "RFC 9700 §4.4", "", func(c *Case) {
		a := c.Get(c.cfg.Issuer+"/.well-known/openid-configuration", func(r *http.Request) { r.Host = "stranger.example.se" }, header("X-Forwarded-Host", "stranger.example.se"))
		c.Want(!strings.Contains(string(a.Body), "stranger.example.se"), "the metadata names the host of the request")
	}},
}
