package conformance

import (
	"net/http"
	"slices"
	"strings"
)

// accepted returns a check that a login with the parameters ends well.
func accepted(role string, pairs ...string) func(*Case) {
	return func(c *Case) { c.SignIn(role, pairs...) }
}

// denied returns a check that an auth request with the parameters goes back to the client with one of the codes, asking nobody.
func denied(codes []string, role string, pairs ...string) func(*Case) {
	return func(c *Case) { c.WantReplyError(c.Ask(c.Browser(), c.Request(role, pairs...)), codes...) }
}

var invalidRequest = []string{"invalid_request"}

// basicFlow are checks of the authorization endpoint and its parameters.
var basicFlow = []Check{
	{"code-flow", "the code flow ends with a verified ID token", "OIDC Core §3.1", "oidcc-server", accepted("basic", "scope", "openid profile")},
	{"response-type-missing", "a request without response_type is an error for the client", "RFC 6749 §3.1.1", "oidcc-response-type-missing",
		denied([]string{"invalid_request", "unsupported_response_type"}, "basic", "response_type", "")},
	{"response-type-token", "response_type=token is not offered, so it is refused", "RFC 9700 §2.1.2", "", unsupportedType("token")},
	{"response-type-id-token", "response_type=id_token is refused where it is not offered", "OIDC Core §3.1.2.6", "", unsupportedType("id_token")},
	{"response-type-hybrid", "response_type=code id_token is refused where it is not offered", "OIDC Core §3.1.2.6", "", unsupportedType("code id_token")},
	{"response-type-unknown", "a response_type that nobody knows is refused", "RFC 6749 §4.1.2.1", "", unsupportedType("sesame")},
	{"no-nonce", "the code flow needs no nonce, and the ID token then has none", "OIDC Core §3.1.2.1", "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
		accepted("basic", "nonce", "")},
	{"nonce-echo", "the ID token has the nonce, whatever its characters", "OIDC Core §2", "", accepted("basic", "nonce", "n-0S6_WzA2Mj %+&=#?/\\ åäö")},
	{"state-echo", "state comes back exactly, whatever its characters", "RFC 6749 §4.1.2", "", accepted("basic", "state", "a b+c%20&d=e#f?g/\\h~ åäö €")},
	{"state-absent", "a reply to a request without state has no state", "RFC 6749 §4.1.2", "", func(c *Case) {
		q := c.Request("basic", "state", "")
		r := c.Login(c.Browser(), q)
		c.Code(r)
		c.Want(!r.Params.Has("state"), "the reply has a state that nobody sent")
	}},
	{"state-in-error", "an error has the state", "RFC 6749 §4.1.2.1", "", denied(invalidRequest, "basic", "max_age", "soon", "state", "x y&z")},
	{"scope-profile", "scope profile is accepted and brings the claims that are offered for it", "OIDC Core §5.4", "oidcc-scope-profile", func(c *Case) {
		claims := c.Userinfo(c.SignIn("basic", "scope", "openid profile"))
		c.Want(claims["name"] != nil && claims["family_name"] != nil, "userinfo lacks name or family_name")
	}},
	{"scope-email", "scope email does no harm", "OIDC Core §5.4", "oidcc-scope-email", accepted("basic", "scope", "openid email")},
	{"scope-address", "scope address does no harm", "OIDC Core §5.4", "oidcc-scope-address", accepted("basic", "scope", "openid address")},
	{"scope-phone", "scope phone does no harm", "OIDC Core §5.4", "oidcc-scope-phone", accepted("basic", "scope", "openid phone")},
	{"scope-all", "all standard scopes at once are accepted", "OIDC Core §5.4", "oidcc-scope-all", accepted("basic", "scope", "openid profile email address phone")},
	{"scope-order", "openid need not come first", "OIDC Core §3.1.2.1", "oidcc-ensure-other-scope-order-succeeds", accepted("basic", "scope", "profile openid")},
	{"scope-unknown", "a scope that nobody knows is ignored", "OIDC Core §3.1.2.1", "", func(c *Case) {
		t := c.SignIn("basic", "scope", "openid sesame-open")
		c.Want(!strings.Contains(t.Text("scope"), "sesame"), "the unknown scope was granted")
	}},
	{"scope-missing", "a request without openid gets no ID token", "OIDC Core §3.1.2.1", "", func(c *Case) {
		q := c.Request("basic", "scope", "profile")
		r := c.Login(c.Browser(), q)
		if r.Params.Get("error") != "" {
			c.WantReplyError(r, "invalid_scope", "invalid_request")
			return
		}
		c.Want(c.Exchange(q, c.Code(r)).Text("id_token") == "", "there is an ID token although openid was not asked for")
	}},
	{"display-page", "display=page is accepted", "OIDC Core §3.1.2.1", "oidcc-display-page", accepted("basic", "display", "page")},
	{"display-popup", "display=popup is accepted", "OIDC Core §3.1.2.1", "oidcc-display-popup", accepted("basic", "display", "popup")},
	{"display-touch", "display=touch is accepted", "OIDC Core §3.1.2.1", "", accepted("basic", "display", "touch")},
	{"login-hint", "login_hint is accepted", "OIDC Core §3.1.2.1", "oidcc-login-hint", accepted("basic", "login_hint", "buffy@example.se")},
	{"ui-locales", "ui_locales is accepted, and languages that are not offered are no error", "OIDC Core §3.1.2.1", "oidcc-ui-locales", accepted("basic", "ui_locales", "se-FI xx en")},
	{"ui-locales-chosen", "the page speaks the first language of ui_locales that is offered", "OIDC Core §3.1.2.1", "", func(c *Case) {
		c.Offered("ui_locales_supported", "en")
		for _, language := range c.meta.List("ui_locales_supported") {
			r := c.Ask(c.Browser(), c.Request("basic", "ui_locales", "xx "+language+" sv en"))
			c.Want(r.Asks() && pageLanguage(r.Body) == language, "with ui_locales %q first the page speaks %q", language, pageLanguage(r.Body))
		}
	}},
	{"claims-locales", "claims_locales is accepted", "OIDC Core §5.2", "oidcc-claims-locales", accepted("basic", "claims_locales", "se")},
	{"unknown-parameter", "a parameter that nobody knows is ignored", "OIDC Core §3.1.2.1", "oidcc-ensure-request-with-unknown-parameter-succeeds", accepted("basic", "extra", "foobar")},
	{"acr-values", "acr_values is voluntary and never refuses a login", "OIDC Core §3.1.2.1", "oidcc-ensure-request-with-acr-values-succeeds", func(c *Case) {
		t := c.SignIn("basic", "acr_values", "1 2 urn:nobody:knows")
		c.Want(contains(c.meta.List("acr_values_supported"), text(t.Claims["acr"])), "acr is %v, none of acr_values_supported", t.Claims["acr"])
	}},
	{"post-request", "the authorization endpoint takes POST", "OIDC Core §3.1.2.1", "oidcc-ensure-post-request-succeeds", func(c *Case) {
		q, b := c.Request("basic"), c.Browser()
		r := c.AskByPost(b, q)
		if r.Asks() {
			r = c.Act(b, r, Approve)
		}
		c.Redeem(b, q, c.Code(r))
	}},
	{"post-redirect", "after a POST the browser is sent on with 303, so that it posts nothing to the client", "RFC 9700 §4.12", "", func(c *Case) {
		a := c.PostForm(c.Endpoint("authorization_endpoint"), c.Request("basic", "prompt", "none").Values)
		c.Want(a.Status == http.StatusSeeOther, "answered %s", a)
		c.WantReplyError(c.AskByPost(c.Browser(), c.Request("basic", "prompt", "none")), "login_required")
	}},
	{"iss-in-reply", "a reply has iss", "RFC 9207 §2", "", func(c *Case) {
		c.OfferedFlag("authorization_response_iss_parameter_supported")
		r := c.Login(c.Browser(), c.Request("basic"))
		c.Code(r)
		c.Want(slices.Equal(r.Params["iss"], []string{c.cfg.Issuer}), "iss is %q", r.Params["iss"])
	}},
	{"iss-in-error", "an error has iss too", "RFC 9207 §2", "", func(c *Case) {
		c.OfferedFlag("authorization_response_iss_parameter_supported")
		r := c.Ask(c.Browser(), c.Request("basic", "prompt", "none"))
		c.Want(slices.Equal(r.Params["iss"], []string{c.cfg.Issuer}), "iss is %q", r.Params["iss"])
	}},
	{"code-random", "codes cannot be guessed", "RFC 6749 §10.10", "", func(c *Case) {
		b := c.Browser()
		first, second := c.Code(c.Login(b, c.Request("basic"))), c.Code(c.Login(b, c.Request("basic")))
		c.Want(first != second && len(first) >= 22, "two codes have %d characters, equal: %t; 128 bits need 22", len(first), first == second)
	}},
	{"cancelled", "when the person declines the client gets access_denied", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		b := c.Browser()
		c.WantReplyError(c.Act(b, c.Ask(b, c.Request("basic")), Cancel), "access_denied")
	}},
}

func unsupportedType(kind string) func(*Case) {
	return func(c *Case) {
		if contains(c.meta.List("response_types_supported"), kind) {
			panic(end{NotApplicable, "response_types_supported has " + kind})
		}
		c.WantReplyError(c.Ask(c.Browser(), c.Request("basic", "response_type", kind)), "unsupported_response_type", "unauthorized_client")
	}
}

// text returns a value that is a string, else "".
func text(value any) string { s, _ := value.(string); return s }

// pageLanguage returns the lang of a page.
func pageLanguage(body []byte) string {
	_, rest, _ := strings.Cut(string(body), "<html")
	_, rest, _ = strings.Cut(rest, `lang="`)
	language, _, _ := strings.Cut(rest, `"`)
	return language
}
