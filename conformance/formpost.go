package conformance

import (
	"net/http"
	"strings"
)

// formPost are checks of response_mode=form_post: the modules of the Form Post plan, and what its pages must be like.
var formPost = []Check{
	{"code-flow", "the code comes in a form that is posted to the client", "OAuth Form Post §2", "oidcc-server", posted("scope", "openid profile")},
	{"no-nonce", "the code flow needs no nonce", "OIDC Core §3.1.2.1", "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", posted("nonce", "")},
	{"scope-all", "all standard scopes at once are accepted", "OIDC Core §5.4", "oidcc-scope-all", posted("scope", "openid profile email address phone")},
	{"display-page", "display=page is accepted", "OIDC Core §3.1.2.1", "oidcc-display-page", posted("display", "page")},
	{"login-hint", "login_hint is accepted", "OIDC Core §3.1.2.1", "oidcc-login-hint", posted("login_hint", "buffy@example.se")},
	{"ui-locales", "ui_locales is accepted", "OIDC Core §3.1.2.1", "oidcc-ui-locales", posted("ui_locales", "se")},
	{"unknown-parameter", "a parameter that nobody knows is ignored", "OIDC Core §3.1.2.1", "oidcc-ensure-request-with-unknown-parameter-succeeds", posted("extra", "foobar")},
	{"prompt-none", "an error comes in a form too", "OAuth Form Post §2", "oidcc-prompt-none-not-logged-in", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none"))
		c.WantReplyError(r, "login_required")
		c.wantPosted(r)
	}},
	{"prompt-none-logged-in", "prompt=none with a session answers with a form", "OIDC Core §3.1.2.1", "oidcc-prompt-none-logged-in", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "response_mode", "form_post", "prompt", "none")
		r := c.Ask(first.Browser, q)
		c.Redeem(first.Browser, q, c.Code(r))
		c.wantPosted(r)
	}},
	{"prompt-login", "prompt=login asks again in spite of a session", "OIDC Core §3.1.2.1", "oidcc-prompt-login", func(c *Case) {
		first := c.SignIn("basic")
		c.Want(c.Ask(first.Browser, c.Request("basic", "response_mode", "form_post", "prompt", "login")).Asks(), "nobody was asked")
	}},
	{"response-type-missing", "a request without response_type is an error for the client", "RFC 6749 §3.1.1", "oidcc-response-type-missing", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "response_type", ""))
		c.WantReplyError(r, "invalid_request", "unsupported_response_type")
	}},
	{"redirect-unregistered", "a redirect_uri that is not registered is shown as an error", "OIDC Core §3.1.2.1", "oidcc-ensure-registered-redirect-uri", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "redirect_uri", "https://stranger.example.se/")))
	}},
	{"post-request", "the request may be posted too", "OIDC Core §3.1.2.1", "oidcc-ensure-post-request-succeeds", func(c *Case) {
		b, q := c.Browser(), c.Request("basic", "response_mode", "form_post")
		r := c.AskByPost(b, q)
		if r.Asks() {
			r = c.Act(b, r, Approve)
		}
		c.Redeem(b, q, c.Code(r))
		c.wantPosted(r)
	}},
	{"code-reuse", "a code that was posted works once", "RFC 6749 §4.1.2", "oidcc-codereuse", func(c *Case) {
		b, q := c.Browser(), c.Request("basic", "response_mode", "form_post")
		code := c.Code(c.Login(b, q))
		c.Redeem(b, q, code)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
	}},
	{"escaped", "what the form holds cannot break out of it", "OAuth Form Post §5", "", func(c *Case) {
		state := `"><script>alert(1)</script><input value="` + "å&amp;"
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none", "state", state))
		c.WantReplyError(r, "login_required")
		c.Want(!strings.Contains(string(r.Body), "<script>alert"), "the page holds the markup of state")
	}},
	{"not-cached", "the page with the code must not be kept", "OAuth Form Post §5", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none"))
		c.Want(strings.Contains(r.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", r.Header.Get("Cache-Control"))
	}},
	{"html", "the page is HTML with status 200, posts its form by itself, and offers a button where scripts are off", "OAuth Form Post §2", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none"))
		c.wantPosted(r)
		c.Want(r.MediaType() == "text/html", "Content-Type is %q", r.Header.Get("Content-Type"))
		body := string(r.Body)
		c.Want(strings.Contains(body, "<script") || strings.Contains(body, "onload"), "nothing submits the form")
		c.Want(strings.Contains(body, "<button") || strings.Contains(body, `type="submit"`), "there is no button")
	}},
	{"framing", "the page cannot be framed", "RFC 9700 §4.16", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none"))
		c.Want(unframed(r.Header), "there is neither frame-ancestors 'none' nor X-Frame-Options")
	}},
	{"redirect-query", "the form goes to the redirect_uri with its query as it is", "OAuth Form Post §2", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "form_post", "prompt", "none", "redirect_uri", c.Client("basic").RedirectURIs[2]))
		c.WantReplyError(r, "login_required")
	}},
	{"mode-unknown", "a response_mode that nobody knows is an error", "OAuth Multiple Response Types §2.1", "", denied(invalidRequest, "basic", "response_mode", "pigeon")},
	{"mode-fragment", "fragment is refused where it is not offered", "OAuth Multiple Response Types §2.1", "", func(c *Case) {
		if contains(c.meta.List("response_modes_supported"), "fragment") {
			panic(end{NotApplicable, "response_modes_supported has fragment"})
		}
		c.WantReplyError(c.Ask(c.Browser(), c.Request("basic", "response_mode", "fragment")), "invalid_request")
	}},
	{"mode-query", "response_mode=query is the default, and may be said", "OAuth Multiple Response Types §2.1", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "response_mode", "query", "prompt", "none"))
		c.WantReplyError(r, "login_required")
		c.Want(r.Mode == "query", "the reply came as %s", r.Mode)
	}},
}

// posted returns a check that a login with the parameters ends with a form that is posted to the client.
func posted(pairs ...string) func(*Case) {
	return func(c *Case) {
		c.Offered("response_modes_supported", "form_post")
		b, q := c.Browser(), c.Request("basic", append([]string{"response_mode", "form_post"}, pairs...)...)
		r := c.Login(b, q)
		code := c.Code(r)
		c.wantPosted(r)
		c.Redeem(b, q, code)
	}
}

func (c *Case) wantPosted(r *Reply) {
	c.Want(r.Mode == "form_post" && r.Status == http.StatusOK, "the reply came as %s with status %d", r.Mode, r.Status)
	c.Want(r.To.String() == r.Request.Get("redirect_uri"), "the form goes to %s", r.To.Redacted())
}

// unframed reports whether headers forbid framing.
func unframed(h http.Header) bool {
	return strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.EqualFold(h.Get("X-Frame-Options"), "DENY")
}
