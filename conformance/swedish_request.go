package conformance

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	swedishRequestSection = "Swedish OIDC Profile §2.1"
	swedishPromptSection  = "Swedish OIDC Profile §2.1.4"
	swedishObjectSection  = "Swedish OIDC Profile §2.1.7"
	swedishPKCESection    = "Swedish OIDC Profile §2.1.8"
	swedishProcessSection = "Swedish OIDC Profile §2.2"
	swedishClientSection  = "Swedish OIDC Profile §3.1.1"
	swedishMessageSection = "Swedish OIDC Parameters §2.1"
)

// swedishRequest are the profile's rules of requests, client authentication and parameters.
var swedishRequest = []Check{
	{"response-type", "response types other than code are refused", swedishRequestSection, "", denied([]string{"unsupported_response_type"}, "swedish", "response_type", "token")},
	{"redirect-slash", "a redirect_uri with a slash more is refused without a redirect", "Swedish OIDC Profile §2.1.3", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("swedish", "redirect_uri", c.Client("swedish").RedirectURIs[0]+"/")))
	}},
	{"state", "a request without state is refused", "Swedish OIDC Profile §2.1.2", "", denied(invalidRequest, "swedish", "state", "")},
	{"pkce-plain", "code_challenge_method=plain is refused", swedishPKCESection, "", denied(invalidRequest, "swedish", "code_challenge_method", "plain")},
	{"pkce-without-method", "a challenge without a method means plain, and is refused", swedishPKCESection, "", denied(invalidRequest, "swedish", "code_challenge_method", "")},
	{"prompt-login", "prompt=login authenticates again in spite of a session", swedishPromptSection, "", func(c *Case) {
		first := c.SignIn("swedish")
		c.WantSession(first.Browser, "swedish", true)
		c.Want(c.Ask(first.Browser, c.Request("swedish", "prompt", "login")).Asks(), "nobody was asked")
	}},
	{"prompt-none", "prompt=none without a session is login_required", swedishPromptSection, "", denied([]string{"login_required"}, "swedish", "prompt", "none")},
	{"acr-essential-unmet", "an essential acr that cannot be met is unmet_authentication_requirements", swedishProcessSection, "", func(c *Case) {
		r := c.Login(c.Browser(), c.Request("swedish", "claims", acrClaims("http://id.elegnamnden.se/loa/1.0/loa4", true)))
		c.WantReplyError(r, "unmet_authentication_requirements")
	}},
	{"acr-essential", "an essential acr that can be met is in the ID token", swedishProcessSection, "", func(c *Case) {
		t := c.SignIn("swedish", "claims", acrClaims(c.ACR(), true))
		c.Want(t.Claims["acr"] == c.ACR(), "acr is %v", t.Claims["acr"])
	}},
	{"acr-values", "acr_values that cannot be met are no error, and the real acr is returned", swedishProcessSection, "", func(c *Case) {
		t := c.SignIn("swedish", "acr_values", "http://id.elegnamnden.se/loa/1.0/loa4")
		c.Want(t.Claims["acr"] == c.ACR(), "acr is %v", t.Claims["acr"])
	}},
	{"acr-claims-over-values", "acr in claims goes over acr_values", swedishProcessSection, "", func(c *Case) {
		r := c.Login(c.Browser(), c.Request("swedish", "acr_values", c.ACR(), "claims", acrClaims("http://id.elegnamnden.se/loa/1.0/loa4", true)))
		c.WantReplyError(r, "unmet_authentication_requirements")
	}},
	{"assertion-aud-issuer", "private_key_jwt with the issuer as aud is accepted", swedishClientSection, "", func(c *Case) { c.wantAssertion("swedish", "aud", c.cfg.Issuer) }},
	{"assertion-aud-endpoint", "private_key_jwt with the token endpoint as aud is accepted", swedishClientSection, "", func(c *Case) {
		c.wantAssertion("swedish", "aud", c.Endpoint("token_endpoint"))
	}},
	{"assertion-replayed", "a jti works once", swedishClientSection, "", func(c *Case) { c.wantReplayRefused("swedish") }},
	{"assertion-hs256", "an assertion of HS256 is refused", "Swedish OIDC Profile §7", "", func(c *Case) {
		client := c.Client("swedish")
		c.WantClientError(c.AsAsserted(c.Endpoint("token_endpoint"), codeForm("x"), c.confused(client, c.Assertion(client))))
	}},
	{"assertion-rs256", "RS256 and ES256 are both taken from clients", "Swedish OIDC Profile §7", "", func(c *Case) {
		client := c.Client("swedish")
		for _, alg := range []string{"RS256", "ES256"} {
			a := c.AsAsserted(c.Endpoint("token_endpoint"), codeForm(random(), "redirect_uri", client.RedirectURIs[0]), c.Sign(client, alg, "JWT", c.Assertion(client)))
			c.WantError(a, http.StatusBadRequest, "invalid_grant")
		}
	}},
	{"object-aud-issuer", "a signed request object with the issuer as aud is accepted", swedishObjectSection, "", objectAccepted("swedish", "aud", issuerAudience)},
	{"object-aud-endpoint", "a signed request object with the authorization endpoint as aud is accepted", swedishObjectSection, "", objectAccepted("swedish", "aud", endpointAudience)},
	{"object-aud-other", "a request object for somebody else is refused", swedishObjectSection, "", objectRefused("swedish", "aud", "https://other.example.se")},
	{"object-aud-missing", "a signed request object without aud is refused", swedishObjectSection, "", objectRefused("swedish", "aud", nil)},
	{"object-iss-missing", "a signed request object without iss is refused", swedishObjectSection, "", objectRefused("swedish", "iss", nil)},
	{"object-encrypted", "a request object encrypted with RSA-OAEP and A128GCM or A256GCM is accepted", swedishObjectSection, "", func(c *Case) {
		for _, enc := range []jose.ContentEncryption{jose.A128GCM, jose.A256GCM} {
			q := c.Request("swedish")
			c.byObject(q, func(signed string) string { return c.Seal(jose.RSA_OAEP, enc, signed) })
			c.Want(c.Ask(c.Browser(), q).Asks(), "a request object encrypted with %s was refused", enc)
		}
	}},
	{"object-post", "a request object may be posted", swedishObjectSection, "", func(c *Case) {
		b, q := c.Browser(), c.Request("swedish")
		c.byObject(q, nil)
		c.Redeem(b, q, c.Code(c.Act(b, c.AskByPost(b, q), Approve)))
	}},
	{"post", "the authorization endpoint takes POST", swedishRequestSection, "", func(c *Case) {
		c.Want(c.AskByPost(c.Browser(), c.Request("swedish")).Asks(), "the request was refused")
	}},
	{"cancelled", "when the person declines the client gets access_denied with a description", swedishProcessSection, "", func(c *Case) {
		b := c.Browser()
		r := c.Act(b, c.Ask(b, c.Request("swedish")), Cancel)
		c.WantReplyError(r, "access_denied")
		c.Want(r.Params.Get("error_description") != "", "error_description is missing")
	}},
	{"failed", "when the authentication fails the person is shown why, and then the client gets access_denied with a description", swedishProcessSection, "", func(c *Case) {
		b := c.Browser()
		r := c.Act(b, c.Ask(b, c.Request("swedish")), Break)
		c.WantReplyError(r, "access_denied")
		c.Want(r.Params.Get("error_description") != "", "error_description is missing")
	}},
	{"code-reuse", "a code works once, and its second use revokes the tokens", "Swedish OIDC Profile §3.1", "", func(c *Case) {
		q, code := c.fresh("swedish")
		t := c.Redeem(nil, q, code)
		c.Userinfo(t)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access)), "Bearer")
	}},
	{"provider-parameter", "authnProvider with a value that was returned is accepted", "Swedish OIDC Parameters §2.2", "", func(c *Case) {
		t := c.SignIn("swedish", "claims", claimsOf("id_token", claimProvider, nil))
		provider := text(t.Claims[claimProvider])
		c.Want(provider != "", "the claim authnProvider is missing")
		again := c.SignIn("swedish", paramProvider, provider, "claims", claimsOf("id_token", claimProvider, nil))
		c.Want(again.Claims[claimProvider] == provider, "the claim authnProvider is another than was asked for")
	}},
	{"message-language", "of a userMessage the text in the language of the page is shown", swedishMessageSection, "", func(c *Case) {
		message := map[string]string{"message": encoded("Untagged text."), "message#sv": encoded("Svensk text."), "message#en": encoded("English text.")}
		for language, want := range map[string]string{"sv": "Svensk text.", "en": "English text."} {
			shown := c.messageShown(message, "ui_locales", language)
			c.Want(strings.Contains(shown, want), "in %s the person was shown %q", language, shown)
		}
	}},
	{"message-untagged", "without a text in the language of the page the untagged one is shown", swedishMessageSection, "", func(c *Case) {
		shown := c.messageShown(map[string]string{"message": encoded("Untagged text."), "message#fi": encoded("Suomeksi.")}, "ui_locales", "sv")
		c.Want(strings.Contains(shown, "Untagged text."), "the person was shown %q", shown)
	}},
	{"message-mime", "a userMessage of a type that is not announced is not shown", swedishMessageSection, "", func(c *Case) {
		q := c.Request("swedish", paramMessage, messageJSON(map[string]string{"message": encoded("<b>Hyper</b>"), "mime_type": "text/html"}))
		a := c.Push(q)
		if a.Status != http.StatusCreated {
			c.WantError(a, http.StatusBadRequest, "invalid_request")
			return
		}
		q.Front = url.Values{"client_id": {q.ID}, "request_uri": {a.Text("request_uri")}}
		b := c.Browser()
		c.Code(c.Act(b, c.Ask(b, q), Approve))
		c.Want(!strings.Contains(b.Shown, "Hyper"), "it was shown")
	}},
	{"message-stranger", "a userMessage in the address, where anybody can put one, is not shown", swedishMessageSection, "", func(c *Case) {
		b, q := c.Browser(), c.Request("swedish", paramMessage, messageJSON(map[string]string{"message": encoded("Ring genast.")}))
		r := c.Ask(b, q)
		if !r.Asks() {
			c.WantReplyError(r, "invalid_request")
			return
		}
		c.Code(c.Act(b, r, Approve))
		c.Want(!strings.Contains(b.Shown, "Ring genast."), "the person was shown %q", b.Shown)
	}},
	{"message-in-object", "a userMessage in a request object is a JSON object, and shown", swedishMessageSection, "", func(c *Case) {
		b, q := c.Browser(), c.Request("swedish")
		object := c.objectOf(q).with(paramMessage, map[string]string{"message": encoded("Objektets text.")})
		c.sendObject(q, c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", object))
		c.Code(c.Act(b, c.Ask(b, q), Approve))
		c.Want(strings.Contains(b.Shown, "Objektets text."), "the person was shown %q", b.Shown)
	}},
	{"message-none", "with prompt=none nothing is shown", swedishMessageSection, "", func(c *Case) {
		first := c.SignIn("swedish")
		q := c.Request("swedish", "prompt", "none", paramMessage, messageJSON(map[string]string{"message": encoded("Text.")}))
		c.Code(c.Ask(first.Browser, q))
	}},
	{"message-malformed", "a userMessage that is no JSON object is refused or not shown, and never a fault", swedishMessageSection, "", func(c *Case) {
		for _, value := range []string{"{", `[]`, `{"message":7}`, `{"message":"***"}`, `{"message":{"sv":"` + encoded("x") + `"}}`} {
			q := c.Request("swedish", paramMessage, value)
			if r := c.Ask(c.Browser(), q); !r.Asks() {
				c.WantReplyError(r, "invalid_request")
			}
			if a := c.Push(q); a.Status != http.StatusCreated {
				c.WantError(a, http.StatusBadRequest, "invalid_request")
			}
		}
	}},
}

// messageShown logs in with a userMessage that the client has pushed and returns what the person was shown.
func (c *Case) messageShown(message map[string]string, pairs ...string) string {
	b, q := c.Browser(), c.Pushed(c.Request("swedish", append(pairs, paramMessage, messageJSON(message))...))
	c.Code(c.Act(b, c.Ask(b, q), Approve))
	return b.Shown
}

func encoded(message string) string { return base64.StdEncoding.EncodeToString([]byte(message)) }

func messageJSON(message map[string]string) string {
	document, _ := json.Marshal(message) // strings always marshal
	return string(document)
}

// wantAssertion checks that a login of the client ends well when its assertion has the claim.
func (c *Case) wantAssertion(role string, pairs ...any) {
	q, code := c.fresh(role)
	form := codeForm(code, "redirect_uri", q.Get("redirect_uri"), "code_verifier", q.Verifier)
	c.verified(nil, q, c.AsAsserted(c.Endpoint("token_endpoint"), form, c.Sign(q.Client, "ES256", "JWT", c.Assertion(q.Client).with(pairs...))))
}

// wantReplayRefused checks that an assertion that was accepted is refused the second time.
func (c *Case) wantReplayRefused(role string) {
	client := c.Client(role)
	assertion := c.Sign(client, "ES256", "JWT", c.Assertion(client))
	form := codeForm(random(), "redirect_uri", client.RedirectURIs[0])
	c.WantError(c.AsAsserted(c.Endpoint("token_endpoint"), form, assertion), http.StatusBadRequest, "invalid_grant")
	c.WantClientError(c.AsAsserted(c.Endpoint("token_endpoint"), form, assertion))
}

// objectOf returns the claims of a request object that says all of the request.
func (c *Case) objectOf(q *AuthRequest) claimSet {
	now := time.Now().Unix()
	object := claimSet{"iss": q.ID, "aud": c.cfg.Issuer, "iat": now, "nbf": now - 5, "exp": now + 120, "jti": random()}
	for name := range q.Values {
		object[name] = q.Get(name)
	}
	return object
}

// sendObject makes the browser carry a request object, with the parameters that OIDC Core §6.1 wants beside.
func (c *Case) sendObject(q *AuthRequest, object string) {
	front := c.Request(c.roleOf(q.Client), "state", "", "nonce", "", "code_challenge", "", "code_challenge_method", "", "redirect_uri", "", "request", object)
	q.Front = front.Values
}

// byObject makes the browser carry the request as a signed request object, changed by wrap unless that is nil.
func (c *Case) byObject(q *AuthRequest, wrap func(signed string) string) {
	signed := c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q))
	if wrap != nil {
		signed = wrap(signed)
	}
	c.sendObject(q, signed)
}

func issuerAudience(c *Case) any   { return c.cfg.Issuer }
func endpointAudience(c *Case) any { return c.Endpoint("authorization_endpoint") }

// objectAccepted returns a check that a request object with the claim begins a login.
func objectAccepted(role, claim string, value func(*Case) any) func(*Case) {
	return func(c *Case) {
		q := c.Request(role)
		c.sendObject(q, c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q).with(claim, value(c))))
		r := c.Ask(c.Browser(), q)
		c.Want(r.Asks(), "the request was refused: %s error=%q", r.Answer, r.Params.Get("error"))
	}
}

// objectRefused returns a check that a request object with the claims is refused.
func objectRefused(role string, pairs ...any) func(*Case) {
	return func(c *Case) {
		q := c.Request(role)
		c.sendObject(q, c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q).with(pairs...)))
		c.WantObjectRefused(c.Ask(c.Browser(), q))
	}
}

// WantObjectRefused checks that a bad request object is an error, which may be shown, as what it says cannot be believed.
func (c *Case) WantObjectRefused(r *Reply) {
	if r.To == nil {
		c.WantRefused(r)
		return
	}
	c.Want(contains([]string{"invalid_request_object", "invalid_request"}, r.Params.Get("error")), "the client got error=%q code=%t", r.Params.Get("error"), r.Params.Has("code"))
	c.Want(!r.Params.Has("code"), "an error came with a code")
}
