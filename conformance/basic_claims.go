package conformance

import "net/url"

// basicClaims are checks of the claims parameter, and of request objects as the Basic plan has them.
var basicClaims = []Check{
	{"claims-essential", "an essential claim for userinfo is delivered there, or left out without an error", "OIDC Core §5.5", "oidcc-claims-essential", func(c *Case) {
		c.OfferedFlag("claims_parameter_supported")
		t := c.SignIn("basic", "claims", claimsOf("userinfo", "name", map[string]any{"essential": true}))
		c.Want(c.Userinfo(t)["name"] == t.Person.Claims["name"], "userinfo has no name, or another than the person's")
	}},
	{"claims-id-token", "a claim that is asked for the ID token is there", "OIDC Core §5.5", "", func(c *Case) {
		c.OfferedFlag("claims_parameter_supported")
		t := c.SignIn("basic", "claims", claimsOf("id_token", "given_name", nil))
		c.Want(t.Claims["given_name"] == t.Person.Claims["given_name"], "given_name is missing in the ID token, or another than the person's")
	}},
	{"claims-unknown", "members and claims that nobody knows are ignored", "OIDC Core §5.5", "", accepted("basic",
		"claims", `{"id_token":{"http://example.se/nothing":{"essential":true},"x":null},"sesame":{"y":1},"userinfo":{"z":{"purpose":"test"}}}`)},
	{"claims-empty", "an empty claims parameter is accepted", "OIDC Core §5.5", "", accepted("basic", "claims", "{}")},
	{"claims-malformed", "a claims parameter that is no JSON is an error", "OIDC Core §5.5", "", denied(invalidRequest, "basic", "claims", `{"id_token":`)},
	{"claims-no-object", "a claims parameter that is no object is an error", "OIDC Core §5.5", "", denied(invalidRequest, "basic", "claims", `["name"]`)},
	{"claims-bad-member", "id_token in claims must be an object", "OIDC Core §5.5", "", denied(invalidRequest, "basic", "claims", `{"id_token":7}`)},
	{"claims-sub", "prompt=none with the sub of who is logged in succeeds", "OIDC Core §5.5.1", "", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "prompt", "none", "claims", claimsOf("id_token", "sub", map[string]any{"value": first.Claims["sub"]}))
		again := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		c.Want(again.Claims["sub"] == first.Claims["sub"], "another sub came out than was asked for")
	}},
	{"claims-sub-of-another", "a request for a sub is never answered with another", "OIDC Core §5.5.1", "", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "prompt", "none", "claims", claimsOf("id_token", "sub", map[string]any{"essential": true, "value": "somebody-else"}))
		c.WantReplyError(c.Ask(first.Browser, q), "login_required", "invalid_request", "access_denied")
	}},
	{"claims-value-of-another", "a login by somebody else than the claims name gives no code", "OIDC Core §5.5.1", "", func(c *Case) {
		other := c.Person().Claims[claimNumber]
		c.Become("")
		b := c.Browser()
		r := c.Ask(b, c.Request("basic", "claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true, "value": other})))
		if r.Asks() {
			page, err := c.driver.Act(c.ctx, b, r.Page, c.Person(), Approve)
			if err != nil {
				return // the page itself does not let somebody else through
			}
			r = newReply(r.Request, page)
		}
		c.WantReplyError(r, "access_denied", "login_required")
	}},
	{"unsigned-request-object", "an unsigned request object is taken, or refused as the specification says", "OIDC Core §6.1",
		"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", func(c *Case) {
			q := c.Request("unsigned")
			object := claimSet{"iss": q.ID, "aud": c.cfg.Issuer, "nonce": q.Get("nonce"), "state": q.Get("state")}
			for name := range q.Values {
				object[name] = q.Get(name)
			}
			q.Front = url.Values{"client_id": {q.ID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {q.Get("redirect_uri")}, "request": {unsecured(object)}}
			b := c.Browser()
			r := c.Ask(b, q)
			if c.meta["request_parameter_supported"] != true || !contains(c.meta.List("request_object_signing_alg_values_supported"), "none") {
				if r.Params != nil {
					c.Want(contains([]string{"request_not_supported", "invalid_request_object"}, r.Params.Get("error")), "the client got error=%q", r.Params.Get("error"))
				}
				return
			}
			c.Redeem(b, q, c.Code(c.Act(b, r, Approve)))
		}},
	{"request-object-redirect-uri", "a redirect_uri in a request object that is not registered is refused, whatever stands beside", "OIDC Core §6.3.3",
		"oidcc-ensure-request-object-with-redirect-uri", func(c *Case) {
			q := c.Request("unsigned")
			object := claimSet{"iss": q.ID, "aud": c.cfg.Issuer, "client_id": q.ID, "response_type": "code", "redirect_uri": "https://stranger.example.se/callback"}
			q.Front = url.Values{"client_id": {q.ID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {q.Get("redirect_uri")}, "state": {q.Get("state")}, "request": {unsecured(object)}}
			r := c.Ask(c.Browser(), q)
			if r.To != nil {
				c.Want(r.To.Hostname() != "stranger.example.se", "the browser was sent to an address that is not registered")
				c.Want(!r.Params.Has("code") && r.Params.Get("error") != "", "the object was ignored")
				return
			}
			c.Want(!r.Asks(), "the object was ignored, or its redirect_uri taken")
			c.WantRefused(r)
		}},
	{"pkce", "a login with PKCE ends well", "RFC 7636 §4", "oidcc-ensure-request-with-valid-pkce-succeeds", accepted("basic")},
	{"without-pkce", "a confidential client may do without PKCE", "OIDC Core §3.1.2.1", "", func(c *Case) {
		b, q := c.Browser(), c.Plain("basic")
		c.Redeem(b, q, c.Code(c.Login(b, q)))
	}},
}
