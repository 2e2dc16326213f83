package conformance

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func marshal(claims claimSet) []byte {
	text, _ := json.Marshal(claims) // strings, numbers and lists always marshal
	return text
}

// objectSent sends a text as the request object of the client of a role.
func (c *Case) objectSent(role, object string) *Reply {
	c.OfferedFlag("request_parameter_supported")
	q := c.Request(role)
	c.sendObject(q, object)
	return c.Ask(c.Browser(), q)
}

// objectText returns a check that what is made of the claims of a good object is refused.
func objectText(role string, spoil func(c *Case, client *Client, object claimSet) string) func(*Case) {
	return func(c *Case) {
		q := c.Request(role)
		c.WantObjectRefused(c.objectSent(role, spoil(c, q.Client, c.objectOf(q))))
	}
}

// oauthObject are checks of request objects.
var oauthObject = []Check{
	{"object", "a signed request object logs somebody in", "RFC 9101 §5", "", func(c *Case) {
		c.OfferedFlag("request_parameter_supported")
		b, q := c.Browser(), c.Request("object")
		c.byObject(q, nil)
		c.Redeem(b, q, c.Code(c.Login(b, q)))
	}},
	{"object-rs256", "RS256 works beside ES256", "RFC 9101 §6.2", "", func(c *Case) {
		q := c.Request("object")
		r := c.objectSent("object", c.Sign(q.Client, "RS256", "JWT", c.objectOf(q)))
		c.Want(r.Asks(), "refused: %s error=%q", r.Answer, r.Params.Get("error"))
	}},
	{"object-aud-endpoint", "the authorization endpoint is an audience", "OIDC Core §6.1", "", objectAccepted("object", "aud", endpointAudience)},
	{"object-aud-list", "the audience may be a list", "RFC 7519 §4.1.3", "", objectAccepted("object", "aud", func(c *Case) any { return []string{c.cfg.Issuer} })},
	{"object-max-age", "max_age in an object may be a number", "OIDC Core §6.1", "", objectAccepted("object", "max_age", func(*Case) any { return 3600 })},
	{"object-claims", "claims in an object are an object", "OIDC Core §6.1", "", objectAccepted("object", "claims", func(*Case) any {
		return map[string]any{"id_token": map[string]any{"auth_time": map[string]any{"essential": true}}}
	})},
	{"object-required", "a client that must send signed objects is refused a plain request", "RFC 9101 §10.5", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("object"))
		if r.To == nil {
			c.WantRefused(r)
			return
		}
		c.WantReplyError(r, "invalid_request", "invalid_request_object")
	}},
	{"object-wins", "what the object says goes over what stands beside", "OIDC Core §6.1", "", func(c *Case) {
		b, q := c.Browser(), c.Request("key")
		signed := c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q))
		q.Front = url.Values{"client_id": {q.ID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {q.Get("redirect_uri")},
			"state": {"another"}, "nonce": {"another"}, "request": {signed}}
		c.Redeem(b, q, c.Code(c.Login(b, q)))
	}},
	{"object-encrypted-rsa", "an object may be encrypted with RSA-OAEP-256", "RFC 9101 §6.1", "", objectSealed(jose.RSA_OAEP_256, jose.A256CBC_HS512)},
	{"object-encrypted-ec", "an object may be encrypted with ECDH-ES", "RFC 9101 §6.1", "", objectSealed(jose.ECDH_ES, jose.A128CBC_HS256)},
	{"object-encrypted-ec-wrapped", "an object may be encrypted with ECDH-ES+A256KW", "RFC 9101 §6.1", "", objectSealed(jose.ECDH_ES_A256KW, jose.A256GCM)},
	{"object-encrypted-unsigned", "encryption is no signature", "RFC 9101 §6.1", "", objectText("object", func(c *Case, _ *Client, object claimSet) string {
		return c.Seal(jose.RSA_OAEP, jose.A256GCM, string(marshal(object)))
	})},
	{"object-aud-other", "an object for somebody else is refused", "RFC 9101 §4", "", objectRefused("object", "aud", "https://other.example.se")},
	{"object-aud-number", "aud of numbers is refused, and drops no connection", "RFC 7519 §4.1.3", "", func(c *Case) {
		for _, aud := range []any{7, []any{7}, map[string]any{"a": 1}} {
			objectRefused("object", "aud", aud)(c)
		}
	}},
	{"object-iss-other", "iss must be the client", "RFC 9101 §4", "", objectRefused("object", "iss", "https://other.example.se")},
	{"object-client-other", "client_id of the object must be that beside it", "RFC 9101 §5", "", func(c *Case) { objectRefused("object", "client_id", c.Client("basic").ID)(c) }},
	{"object-expired", "an object that has expired is refused", "RFC 9101 §10.2", "", objectRefused("object", "exp", time.Now().Add(-5*time.Minute).Unix(), "iat", time.Now().Add(-10*time.Minute).Unix(), "nbf", nil)},
	{"object-early", "an object is refused before nbf", "RFC 7519 §4.1.5", "", objectRefused("object", "nbf", time.Now().Add(30*time.Minute).Unix(), "exp", time.Now().Add(40*time.Minute).Unix())},
	{"object-nested", "an object must not hold request or request_uri", "RFC 9101 §4", "", func(c *Case) {
		objectRefused("object", "request_uri", "urn:ietf:params:oauth:request_uri:x")(c)
		objectRefused("object", "request", "x.y.z")(c)
	}},
	{"object-none", "an unsigned object is refused for a client that must sign", "RFC 9101 §10.5", "", objectText("object", func(_ *Case, _ *Client, object claimSet) string { return unsecured(object) })},
	{"object-hs256", "HS256 with the public key as secret is refused", "RFC 8725 §2.1", "", objectText("object", func(c *Case, client *Client, object claimSet) string { return c.confused(client, object) })},
	{"object-of-another", "one client's key does not sign for another", "RFC 9101 §6.2", "", objectText("object", func(c *Case, _ *Client, object claimSet) string {
		return c.Sign(c.Client("key"), "ES256", "JWT", object)
	})},
	{"object-tampered", "a changed signature is refused", "RFC 9101 §6.2", "", objectText("object", func(c *Case, client *Client, object claimSet) string {
		return tamper(c.Sign(client, "ES256", "JWT", object))
	})},
	{"object-typ", "a JWT of another kind is no request object", "RFC 8725 §3.11", "", objectText("object", func(c *Case, client *Client, object claimSet) string {
		return c.Sign(client, "ES256", "logout+jwt", object)
	})},
	{"object-assertion", "a client assertion is no request object", "RFC 9101 §10.8", "", objectText("object", func(c *Case, client *Client, _ claimSet) string {
		return c.Sign(client, "ES256", "JWT", c.Assertion(client))
	})},
	{"object-garbage", "what is no JWT is refused", "RFC 9101 §6", "", func(c *Case) {
		for _, garbage := range []string{"x", "a.b.c", "..", "....", "e30.e30.", strings.Repeat("a", 9000)} {
			c.WantObjectRefused(c.objectSent("object", garbage))
		}
	}},
	{"object-redirect", "a redirect_uri of the object that is not registered is refused without a redirect", "RFC 9101 §5", "", func(c *Case) {
		q := c.Request("object")
		c.WantRefused(c.objectSent("object", c.Sign(q.Client, "ES256", "JWT", c.objectOf(q).with("redirect_uri", "https://stranger.example.se/"))))
	}},
	{"object-and-uri", "request and request_uri at once are refused", "RFC 9101 §5", "", func(c *Case) {
		q := c.Request("key")
		c.byObject(q, nil)
		q.Front.Set("request_uri", "urn:ietf:params:oauth:request_uri:x")
		r := c.Ask(c.Browser(), q)
		c.Want(!r.Asks() && !r.Params.Has("code"), "the request was taken")
	}},
	{"uri-https", "a request_uri of https is refused with the right code and never fetched", "OIDC Core §6.2", "", func(c *Case) {
		if c.meta["request_uri_parameter_supported"] == true && c.meta["require_request_uri_registration"] != true {
			panic(end{NotApplicable, "the metadata offers request_uri without registration"})
		}
		q := c.Request("basic")
		path := "/honey/" + random()
		q.Front = url.Values{"request_uri": {c.ClientSide(path)}}
		for name, list := range q.Values {
			q.Front[name] = list
		}
		r := c.Ask(c.Browser(), q)
		if r.To == nil {
			c.WantRefused(r)
		} else {
			c.WantReplyError(r, "request_uri_not_supported", "invalid_request_uri")
		}
		c.Want(!c.own.asked(path), "the provider fetched the address")
	}},
}

func objectSealed(alg jose.KeyAlgorithm, enc jose.ContentEncryption) func(*Case) {
	return func(c *Case) {
		c.Offered("request_object_encryption_alg_values_supported", string(alg))
		q := c.Request("object")
		r := c.objectSent("object", c.Seal(alg, enc, c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q))))
		c.Want(r.Asks(), "refused: %s error=%q", r.Answer, r.Params.Get("error"))
	}
}
