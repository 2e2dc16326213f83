package conformance

import (
	"net/http"
	"strings"
)

// mandatoryAlgs are the signatures that every party of Sweden Connect knows.
var mandatoryAlgs = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}

// swedenConnect are the rules that the Sweden Connect federation adds, from its profile 1.0 and the draft of 1.1.
var swedenConnect = []Check{
	{"login", "a client of Sweden Connect logs somebody in", "Sweden Connect Profile §2", "", accepted("connect")},
	{"secret-refused", "a secret authenticates no client", "Sweden Connect Profile §2.3.1", "", func(c *Case) {
		q, code := c.fresh("connect")
		form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier)
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form, basicAuth(q.ID, "a-secret-that-nobody-registered-0123456789")))
		form.Set("client_id", q.ID)
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form))
	}},
	{"prompt-absent", "without prompt the person authenticates, whatever session there is", "Sweden Connect Profile §2.2.1", "", func(c *Case) {
		first := c.SignIn("connect")
		c.WantSession(first.Browser, "connect", true)
		c.Want(c.Ask(first.Browser, c.Request("connect")).Asks(), "nobody was asked")
	}},
	{"prompt-none", "prompt=none uses a session of the same client", "Sweden Connect Profile §2.2.1", "", func(c *Case) {
		first := c.SignIn("connect")
		q := c.Request("connect", "prompt", "none")
		again := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		c.Want(again.Claims["auth_time"] == first.Claims["auth_time"], "auth_time is not that of the login")
	}},
	{"prompt-none-without-session", "prompt=none without a session is login_required", "Sweden Connect Profile §2.2.1", "", denied([]string{"login_required"}, "connect", "prompt", "none")},
	{"other-client", "another client's session with prompt=none is login_required", "Sweden Connect Profile §2.2.1", "", func(c *Case) {
		first := c.SignIn("connect-other")
		c.WantReplyError(c.Ask(first.Browser, c.Request("connect", "prompt", "none")), "login_required")
	}},
	{"group", "in a configured group of clients a session may be shared", "Sweden Connect Profile §2.2.1", "", func(c *Case) {
		first := c.SignIn("connect")
		c.WantSession(first.Browser, "connect-group", true)
	}},
	{"other-acr", "a session of another acr than an essential one with prompt=none is an error", "Sweden Connect Profile §2.2.1", "", func(c *Case) {
		first := c.SignIn("connect")
		q := c.Request("connect", "prompt", "none", "claims", acrClaims("http://id.elegnamnden.se/loa/1.0/loa4", true))
		c.WantReplyError(c.Ask(first.Browser, q), "login_required", "unmet_authentication_requirements")
	}},
	{"ui-locales", "ui_locales_supported has sv and en", "Sweden Connect Profile §2.1", "", listHas("ui_locales_supported", "sv", "en")},
	{"service-documentation", "service_documentation is an address", "Sweden Connect Profile §2.1", "", func(c *Case) {
		c.Want(strings.HasPrefix(c.meta.Text("service_documentation"), "https://"), "it is %q", c.meta.Text("service_documentation"))
	}},
	{"message", "userMessage is supported", "Sweden Connect Profile §2.2.2", "", flagged("https://id.oidc.se/disco/userMessageSupported")},
	{"access-token-opaque", "the access token reveals nothing", "Sweden Connect Profile §2.3.2", "", func(c *Case) {
		t := c.Shared("connect", "scope", "openid "+scopePersonNumber)
		c.Want(!strings.Contains(t.Access, "."), "the access token has the form of a JWT")
		c.Want(!strings.Contains(t.Access, t.Person.Claims[claimNumber]), "the access token holds the number")
	}},
	{"acr-always", "the ID token always has acr", "Sweden Connect Profile §2.3.3", "", func(c *Case) {
		c.Want(text(c.Shared("connect").Claims["acr"]) != "", "it is missing")
	}},
	{"acr-unreviewed", "acr is one that the provider announced, of the registry", "Sweden Connect Registry §3.1.1", "", func(c *Case) {
		acr := text(c.Shared("connect").Claims["acr"])
		c.Want(strings.HasPrefix(acr, "http://id.elegnamnden.se/loa/1.0/") || strings.HasPrefix(acr, "http://id.swedenconnect.se/loa/1.0/"), "acr is %q", acr)
	}},
	{"userinfo-signed", "userinfo is signed", "Swedish OIDC Profile §4.1", "", func(c *Case) {
		t := c.Shared("connect")
		c.wantSignedUserinfo(t, text(t.JOSE["alg"]))
	}},
	{"nothing-unasked", "scope openid alone brings no claim that says who the person is", "Swedish OIDC Profile §4.2", "", func(c *Case) {
		t := c.Shared("connect")
		c.wantNone(t.Claims, "the ID token", identityClaims...)
		c.wantNone(c.Userinfo(t), "userinfo", identityClaims...)
	}},
	{"algs-id-token", "the six mandatory signatures are offered for ID tokens", "Sweden Connect Security", "", listHas("id_token_signing_alg_values_supported", mandatoryAlgs...)},
	{"algs-assertion", "the six mandatory signatures are taken from clients", "Sweden Connect Security", "", listHas("token_endpoint_auth_signing_alg_values_supported", mandatoryAlgs...)},
	{"algs-userinfo", "the six mandatory signatures are offered for userinfo", "Sweden Connect Security", "", listHas("userinfo_signing_alg_values_supported", mandatoryAlgs...)},
	{"algs-object", "the six mandatory signatures are taken for request objects", "Sweden Connect Security", "", listHas("request_object_signing_alg_values_supported", mandatoryAlgs...)},
	{"encryption", "the mandatory encryption is offered both ways", "Sweden Connect Security", "", func(c *Case) {
		for _, what := range []string{"id_token", "userinfo", "request_object"} {
			listHas(what+"_encryption_alg_values_supported", "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES")(c)
			listHas(what+"_encryption_enc_values_supported", "A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")(c)
		}
	}},
	{"claims-of-scopes", "claims_supported has the claims of the offered scopes", "Sweden Connect Metadata", "",
		listHas("claims_supported", "family_name", "given_name", "name", "birthdate", claimNumber, claimCoordination)},
	{"object-signed", "signed request objects are accepted", "Sweden Connect Profile §3.1", "", objectAccepted("connect", "aud", issuerAudience)},
	{"state", "a request without state is refused", "Swedish OIDC Profile §2.1.2", "", denied(invalidRequest, "connect", "state", "")},
	{"code-reuse", "a code works once", "RFC 6749 §4.1.2", "", func(c *Case) {
		q, code := c.fresh("connect")
		c.Redeem(nil, q, code)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
	}},
}
