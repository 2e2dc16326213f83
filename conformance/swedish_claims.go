package conformance

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
)

const (
	swedishIDTokenSection = "Swedish OIDC Profile §3.2.1"
	swedishReleaseSection = "Swedish OIDC Profile §4.2"
	swedishInfoScope      = "Swedish OIDC Claims §3.1"
	swedishNumberScope    = "Swedish OIDC Claims §3.2"
)

// identityClaims are claims that say who the person is.
var identityClaims = []string{
	"name", "given_name", "family_name", "middle_name", "birthdate", "gender", "personalNumber", "givenName", "surname", claimNumber, claimCoordination,
}

var (
	twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)
	wholeDate    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

// swedishClaims are the profile's rules of ID token, userinfo, claims and scopes.
var swedishClaims = []Check{
	{"auth-time", "the ID token always has auth_time", swedishIDTokenSection, "", func(c *Case) { c.number(c.Shared("swedish").Claims, "auth_time") }},
	{"life", "an ID token lives five minutes at the most", swedishIDTokenSection, "", func(c *Case) {
		claims := c.Shared("swedish").Claims
		life := c.number(claims, "exp") - c.number(claims, "iat")
		c.Want(life > 0 && life <= 300, "exp lies %v seconds after iat", life)
	}},
	{"nothing-unasked", "scope openid alone brings no claim that says who the person is", swedishReleaseSection, "", func(c *Case) {
		t := c.Shared("swedish")
		c.wantNone(t.Claims, "the ID token", identityClaims...)
		c.wantNone(c.Userinfo(t), "userinfo", identityClaims...)
	}},
	{"acr-always", "the ID token says how the person was authenticated", swedishIDTokenSection, "", func(c *Case) {
		c.Want(contains(c.meta.List("acr_values_supported"), text(c.Shared("swedish").Claims["acr"])), "acr is %v", c.Shared("swedish").Claims["acr"])
	}},
	{"txn", "the ID token has txn", "RFC 8417 §2.2", "", func(c *Case) {
		first, second := c.Shared("swedish"), c.SignIn("swedish")
		c.Want(text(first.Claims["txn"]) != "" && first.Claims["txn"] != second.Claims["txn"], "txn is %v and %v", first.Claims["txn"], second.Claims["txn"])
	}},
	{"info-scope", "naturalPersonInfo is delivered by userinfo", swedishInfoScope, "", func(c *Case) {
		t := c.Shared("swedish", "scope", "openid "+scopePersonInfo)
		claims := c.Userinfo(t)
		for _, name := range []string{"name", "given_name", "family_name"} {
			c.Want(claims[name] == t.Person.Claims[name], "userinfo has %s %v", name, claims[name])
		}
		if claims["birthdate"] != nil {
			c.Want(wholeDate.MatchString(text(claims["birthdate"])), "birthdate is %v", claims["birthdate"])
		}
		c.wantNone(claims, "userinfo", claimNumber, claimCoordination, "personalNumber")
	}},
	{"info-scope-not-in-id-token", "naturalPersonInfo brings nothing into the ID token", swedishInfoScope, "", func(c *Case) {
		c.wantNone(c.Shared("swedish", "scope", "openid "+scopePersonInfo).Claims, "the ID token", identityClaims...)
	}},
	{"number-scope", "naturalPersonNumber brings the number into ID token and userinfo", swedishNumberScope, "", func(c *Case) {
		t := c.Shared("swedish", "scope", "openid "+scopePersonNumber)
		for place, claims := range map[string]map[string]any{"the ID token": t.Claims, "userinfo": c.Userinfo(t)} {
			c.Want(claims[claimNumber] == t.Person.Claims[claimNumber], "%s lacks the number", place)
			c.Want(twelveDigits.MatchString(text(claims[claimNumber])), "in %s the number has not twelve digits", place)
			c.wantNone(claims, place, claimCoordination, "name", "given_name", "family_name", "birthdate")
		}
	}},
	{"number-scope-coordination", "who has a coordination number gets that claim, and never both", swedishNumberScope, "", func(c *Case) {
		person := c.Become("coordination")
		t := c.SignIn("swedish", "scope", "openid "+scopePersonNumber)
		for place, claims := range map[string]map[string]any{"the ID token": t.Claims, "userinfo": c.Userinfo(t)} {
			c.Want(claims[claimCoordination] == person.Claims[claimCoordination], "%s lacks the coordination number", place)
			c.wantNone(claims, place, claimNumber)
		}
	}},
	{"claims-and-scope", "a claim that the claims parameter wants in the ID token, and a scope in userinfo, is in both", swedishReleaseSection, "", func(c *Case) {
		t := c.SignIn("swedish", "scope", "openid "+scopePersonInfo, "claims", claimsOf("id_token", "given_name", map[string]any{"essential": true}))
		c.Want(t.Claims["given_name"] == t.Person.Claims["given_name"], "the ID token lacks given_name")
		c.Want(c.Userinfo(t)["given_name"] == t.Person.Claims["given_name"], "userinfo lacks given_name")
		c.wantNone(t.Claims, "the ID token", "family_name", "name", claimNumber)
	}},
	{"claims-id-token", "a claim for the ID token alone is there alone", swedishReleaseSection, "", func(c *Case) {
		t := c.SignIn("swedish", "claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true}))
		c.Want(t.Claims[claimNumber] == t.Person.Claims[claimNumber], "the ID token lacks it")
		c.wantNone(c.Userinfo(t), "userinfo", claimNumber)
	}},
	{"claims-userinfo", "a claim for userinfo alone is there alone", swedishReleaseSection, "", func(c *Case) {
		t := c.SignIn("swedish", "claims", claimsOf("userinfo", "family_name", nil))
		c.Want(c.Userinfo(t)["family_name"] == t.Person.Claims["family_name"], "userinfo lacks it")
		c.wantNone(t.Claims, "the ID token", "family_name")
	}},
	{"claims-best-effort", "claims that cannot be had are no error, and every claim that can is announced", swedishReleaseSection, "", func(c *Case) {
		t := c.SignIn("swedish", "claims", `{"id_token":{"https://id.oidc.se/claim/orgAffiliation":{"essential":true},"middle_name":null},"userinfo":{"https://id.oidc.se/claim/orgName":null}}`)
		c.wantNone(t.Claims, "the ID token", "https://id.oidc.se/claim/orgAffiliation")
		for name := range t.Claims {
			c.Want(contains(c.meta.List("claims_supported"), name), "claims_supported lacks %s", name)
		}
	}},
	{"event-claims", "claims of the authentication event that are asked for come in the ID token", "Swedish OIDC Claims §2.3", "", func(c *Case) {
		t := c.SignIn("swedish", "claims", claimsOf("id_token", "https://id.oidc.se/claim/deviceIp", nil))
		if contains(c.meta.List("claims_supported"), "https://id.oidc.se/claim/deviceIp") {
			c.Want(text(t.Claims["https://id.oidc.se/claim/deviceIp"]) != "", "deviceIp is announced, and missing")
		}
		c.wantNone(c.Shared("swedish").Claims, "an ID token that was not asked for it", "https://id.oidc.se/claim/deviceIp")
	}},
	{"scope-not-offered", "a scope that is not offered asks for nothing", "Swedish OIDC Profile §2.1.1", "", func(c *Case) {
		t := c.SignIn("swedish", "scope", "openid https://id.oidc.se/scope/naturalPersonOrgId")
		c.wantNone(t.Claims, "the ID token", identityClaims...)
	}},
	{"person", "a login by somebody else than an essential number names gives no code", "Swedish OIDC Profile §2.1.6", "", func(c *Case) {
		other := c.Person().Claims[claimNumber]
		c.Become("")
		b := c.Browser()
		r := c.Ask(b, c.Request("swedish", "claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true, "value": other})))
		page, err := c.driver.Act(c.ctx, b, r.Page, c.Person(), Approve)
		if err == nil {
			c.WantReplyError(newReply(r.Request, page), "access_denied")
		}
	}},
	{"person-right", "the person whom an essential number names can log in", "Swedish OIDC Profile §2.1.6", "", func(c *Case) {
		number := c.Person().Claims[claimNumber]
		t := c.SignIn("swedish", "claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true, "value": number}))
		c.Want(t.Claims[claimNumber] == number, "the ID token lacks the number")
	}},
	{"userinfo-signed", "userinfo is a signed JWT with iss and aud", "Swedish OIDC Profile §4.1", "", func(c *Case) {
		t := c.Shared("swedish")
		c.wantSignedUserinfo(t, text(t.JOSE["alg"]))
	}},
	{"userinfo-signed-for-secrets", "userinfo is signed for a client that authenticates with a secret too", "Swedish OIDC Profile §4.1", "", func(c *Case) {
		t := c.Shared("swedish-secret")
		c.wantSignedUserinfo(t, text(t.JOSE["alg"]))
	}},
	{"userinfo-unauthenticated", "userinfo refuses calls without a valid token", "Swedish OIDC Profile §4.1", "", func(c *Case) {
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint")), "Bearer")
		c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer("x")), "Bearer")
	}},
	{"sub-public", "sub is the same at every client of subject type public, and stable", swedishIDTokenSection, "", func(c *Case) {
		first, second, third := c.SignIn("swedish"), c.SignIn("swedish"), c.SignIn("swedish-secret")
		c.Want(first.Claims["sub"] == second.Claims["sub"], "sub changed")
		c.Want(first.Claims["sub"] == third.Claims["sub"], "two clients of subject type public see different subs")
	}},
	{"sub-pairwise", "a pairwise sub is another than the public one, and than that of another sector", swedishIDTokenSection, "", func(c *Case) {
		public, pairwise, other := c.SignIn("swedish"), c.SignIn("swedish-pairwise"), c.SignIn("sector-other")
		c.Want(public.Claims["sub"] != pairwise.Claims["sub"] && pairwise.Claims["sub"] != other.Claims["sub"], "subs are the same")
	}},
	{"sub-not-derived", "sub is no hash of the number that others could compute", swedishIDTokenSection, "", func(c *Case) {
		t := c.Shared("swedish")
		number, sub := t.Person.Claims[claimNumber], strings.TrimRight(text(t.Claims["sub"]), "=")
		for _, input := range []string{number, number[2:], number[:8] + "-" + number[8:], c.cfg.Issuer + number, number + c.cfg.Issuer, t.Request.ID + number, number + t.Request.ID} {
			for _, sum := range hashes([]byte(input)) {
				c.Want(!strings.EqualFold(sub, sum), "sub is a plain hash of the number")
			}
		}
	}},
	{"id-token-signed", "the ID token is signed with an algorithm of the profile and names its key", "Swedish OIDC Profile §7.1", "", func(c *Case) {
		t := c.Shared("swedish")
		allowed := []string{"RS256", "ES256", "RS384", "RS512", "ES384", "ES512", "PS256", "EdDSA"}
		c.Want(contains(allowed, text(t.JOSE["alg"])) && text(t.JOSE["kid"]) != "", "alg %v, kid %v", t.JOSE["alg"], t.JOSE["kid"])
	}},
	{"token-not-cached", "tokens and userinfo must not be kept", "RFC 6749 §5.1", "", func(c *Case) {
		t := c.Shared("swedish")
		a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access))
		for _, h := range []http.Header{t.Header, a.Header} {
			c.Want(strings.Contains(h.Get("Cache-Control"), "no-store"), "Cache-Control is %q", h.Get("Cache-Control"))
		}
	}},
}

// wantNone checks that a place has none of the claims.
func (c *Case) wantNone(claims map[string]any, place string, names ...string) {
	for _, name := range names {
		c.Want(claims[name] == nil, "%s has %s, which was not to come there", place, name)
	}
}

// hashes returns what a careless provider would make of a text.
func hashes(input []byte) (texts []string) {
	one, two, five := sha1.Sum(input), sha256.Sum256(input), sha512.Sum512(input)
	old := md5.Sum(input)
	for _, sum := range [][]byte{old[:], one[:], two[:], two[:16], five[:], input} {
		texts = append(texts, hex.EncodeToString(sum), base64.RawURLEncoding.EncodeToString(sum), base64.RawStdEncoding.EncodeToString(sum))
	}
	return texts
}
