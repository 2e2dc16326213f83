package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The scopes, claims and parameter of the Signature Extension for OpenID Connect.
const (
	scopeSign       = "https://id.oidc.se/scope/sign"
	scopeApproval   = "https://id.oidc.se/scope/signApproval"
	claimSignature  = "https://id.oidc.se/claim/userSignature"
	claimEvidence   = "https://id.oidc.se/claim/authnEvidence"
	claimUserCert   = "https://id.oidc.se/claim/userCertificate"
	paramSign       = "https://id.oidc.se/param/signRequest"
	signScopes      = "openid " + scopeSign
	signPrompt      = "login consent"
	signText        = "Jag säljer min röda cykel för 1 000 kr.\n\nKöpare: Åsa Öberg"
	signData        = "contract 17, revision 3"
	signSection     = "Signature Extension §3.1"
	signRuleSection = "Signature Extension §3.2"
	signOPSection   = "Signature Extension §4"
)

// signRequest is what is to be signed, with changes: a value of nil takes a member away.
func signRequest(changes ...any) claimSet {
	return claimSet{"tbs_data": encoded(signData), "sign_message": map[string]any{"message": encoded(signText)}}.with(changes...)
}

// message is a sign_message in plain text.
func message(text string) map[string]any { return map[string]any{"message": encoded(text)} }

// signJWT signs what is to be signed as the client of a role, with what a JWT of its own needs.
func (c *Case) signJWT(role string, changes ...any) string {
	client := c.Client(role)
	return c.Sign(client, "ES256", "JWT", c.signClaims(client, changes...))
}

func (c *Case) signClaims(client *Client, changes ...any) claimSet {
	return signRequest("iss", client.ID, "aud", c.cfg.Issuer, "iat", time.Now().Unix(), "exp", time.Now().Add(5*time.Minute).Unix()).with(changes...)
}

// Signing makes an auth request for a signature, by a signRequest of its own. Pairs go over its parameters.
func (c *Case) Signing(pairs ...string) *AuthRequest {
	c.Offered("scopes_supported", scopeSign)
	return c.Request("sign", append([]string{"scope", signScopes, "prompt", signPrompt, paramSign, c.signJWT("sign")}, pairs...)...)
}

// Signed has the person sign, and returns what the client gets.
func (c *Case) Signed(pairs ...string) *Tokens {
	b, q := c.Browser(), c.Signing(pairs...)
	return c.Redeem(b, q, c.Code(c.Act(b, c.AskByPost(b, q), Approve)))
}

// signRefused returns a check that a request for a signature with the parameters is refused by one of the codes.
func signRefused(code string, pairs ...string) func(*Case) {
	return func(c *Case) { c.WantReplyError(c.AskByPost(c.Browser(), c.Signing(pairs...)), code) }
}

// signTextRefused returns a check that what is made of a client and the claims of a good signRequest is refused.
func signTextRefused(spoil func(c *Case, client *Client, claims claimSet) string) func(*Case) {
	return func(c *Case) {
		client := c.Client("sign")
		c.WantReplyError(c.AskByPost(c.Browser(), c.Signing(paramSign, spoil(c, client, c.signClaims(client)))), "invalid_request")
	}
}

// signChanged returns a check that a signRequest with the members is refused.
func signChanged(scope string, changes ...any) func(*Case) {
	return func(c *Case) {
		c.WantReplyError(c.AskByPost(c.Browser(), c.Signing("scope", "openid "+scope, paramSign, c.signJWT("sign", changes...))), "invalid_request")
	}
}

// signing are the rules of signatures.
var signing = []Check{
	{"signature", "a signed request has a text signed, and the ID token has the signature and auth_time", signOPSection, "", func(c *Case) {
		t := c.Signed()
		c.Want(text(t.Claims[claimSignature]) != "" && t.Claims["auth_time"] != nil, "the ID token has %d bytes of signature, and auth_time %v", len(text(t.Claims[claimSignature])), t.Claims["auth_time"])
		c.Want(c.Userinfo(t)[claimSignature] == nil, "userinfo has the signature")
	}},
	{"signature-in-object", "what is to be signed may be a member of a signed request object", signSection, "", func(c *Case) {
		b, q := c.Browser(), c.Signing(paramSign, "")
		c.sendObject(q, c.Sign(q.Client, "ES256", "oauth-authz-req+jwt", c.objectOf(q).with(paramSign, signRequest())))
		t := c.Redeem(b, q, c.Code(c.Act(b, c.AskByPost(b, q), Approve)))
		c.wantSigned(t, signText, signData)
	}},
	{"signature-pushed", "a request for a signature may be pushed", "RFC 9126 §2", "", func(c *Case) {
		b, q := c.Browser(), c.Pushed(c.Signing())
		c.wantSigned(c.Redeem(b, q, c.Code(c.Act(b, c.Ask(b, q), Approve))), signText, signData)
	}},
	{"signature-of-what-was-asked", "the signature is of the text and the data that were asked for, byte for byte", signOPSection, "", func(c *Case) {
		c.wantSigned(c.Signed(), signText, signData)
	}},
	{"signature-of-markdown", "a text in a type that is announced is signed as it is", signSection, "", func(c *Case) {
		c.Offered("https://id.oidc.se/disco/userMessageSupportedMimeTypes", "text/markdown")
		const marked = "# Avtal\n\n**Hyra:** 9 000 kr"
		c.wantSigned(c.Signed(paramSign, c.signJWT("sign", "sign_message", map[string]any{"message": encoded(marked), "mime_type": "text/markdown"})), marked, signData)
	}},
	{"signature-language", "the text in the language of the page is signed", signSection, "", func(c *Case) {
		both := map[string]any{"message": encoded("Text."), "message#sv": encoded("Svensk text."), "message#en": encoded("English text.")}
		for language, want := range map[string]string{"sv": "Svensk text.", "en": "English text."} {
			c.wantSigned(c.Signed("ui_locales", language, paramSign, c.signJWT("sign", "sign_message", both)), want, signData)
		}
	}},
	{"signature-untagged", "without a text in the language of the page the untagged one is signed", signSection, "", func(c *Case) {
		untagged := map[string]any{"message": encoded("Text."), "message#fi": encoded("Suomeksi.")}
		c.wantSigned(c.Signed("ui_locales", "sv", paramSign, c.signJWT("sign", "sign_message", untagged)), "Text.", signData)
	}},
	{"text-in-the-app-alone", "the person reads the text where it is signed, and the page does not show it", "Sweden Connect BankID Profile, sign message", "", func(c *Case) {
		b, q := c.Browser(), c.Signing()
		r := c.AskByPost(b, q)
		c.Want(!bytes.Contains(r.Body, []byte("cykel")), "the page shows the text")
		c.Code(c.Act(b, r, Approve))
		c.Want(b.Shown == signText, "the person was shown %q", b.Shown)
	}},
	{"evidence", "the certificate and the evidence come where claims asks", "Swedish OIDC Claims §3", "", func(c *Case) {
		c.Offered("claims_supported", claimEvidence, claimUserCert)
		t := c.Signed("claims", `{"id_token":{"`+claimEvidence+`":null,"`+claimUserCert+`":null}}`)
		for _, name := range []string{claimEvidence, claimUserCert} {
			der, err := base64.StdEncoding.DecodeString(text(t.Claims[name]))
			c.Want(err == nil && len(der) > 100, "%s has %d bytes, %v", name, len(der), err)
		}
	}},
	{"approval", "an approval brings no signature", signOPSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeApproval)
		t := c.Signed("scope", "openid "+scopeApproval, paramSign, c.signJWT("sign", "tbs_data", nil))
		c.Want(t.Claims[claimSignature] == nil, "there is one")
	}},
	{"both-scopes", "both scopes are a request for a signature", signRuleSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeApproval)
		c.wantSigned(c.Signed("scope", signScopes+" "+scopeApproval), signText, signData)
	}},

	{"no-session-from-it", "who has signed has not logged in", signOPSection, "", func(c *Case) {
		c.WantSession(c.SignIn("sign").Browser, "sign", true)
		c.WantSession(c.Signed().Browser, "sign", false)
	}},
	{"no-session-for-it", "a session answers no request for a signature", signOPSection, "", func(c *Case) {
		b := c.SignIn("sign").Browser
		c.Want(c.AskByPost(b, c.Signing()).Asks(), "nobody was asked")
	}},
	{"no-result-twice", "the same signed request again has the person asked again", signOPSection, "", func(c *Case) {
		b, q := c.Browser(), c.Signing()
		first := c.Redeem(b, q, c.Code(c.Act(b, c.AskByPost(b, q), Approve)))
		again := c.Signing(paramSign, q.Get(paramSign))
		r := c.AskByPost(b, again)
		if r.To != nil && r.Params.Get("error") == "invalid_request" {
			return // it works once
		}
		second := c.Redeem(b, again, c.Code(c.Act(b, r, Approve)))
		c.Want(first.Claims[claimSignature] != second.Claims[claimSignature], "it is the same signature")
	}},
	{"code-once", "the code of a signature works once", "RFC 6749 §4.1.2", "", func(c *Case) {
		b, q := c.Browser(), c.Signing()
		code := c.Code(c.Act(b, c.AskByPost(b, q), Approve))
		c.Redeem(b, q, code)
		c.WantError(c.Exchange(q, code), http.StatusBadRequest, "invalid_grant")
	}},
	{"no-refresh", "a signature brings no refresh token", signOPSection, "", func(c *Case) {
		c.Want(c.Signed("scope", signScopes+" offline_access").Refresh == "", "there is one")
	}},
	{"required-person", "the person who is named may sign", signOPSection, "", func(c *Case) {
		number := c.Person().Claims[claimNumber]
		t := c.Signed("claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true, "value": number}))
		c.wantSigned(t, signText, signData)
		c.Want(t.Claims[claimNumber] == number, "the ID token is of another person")
	}},
	{"another-person", "nobody may sign but the person who is named", signOPSection, "", func(c *Case) {
		number := c.Person().Claims[claimNumber]
		other := c.cfg.People[slices.IndexFunc(c.cfg.People, func(p Person) bool { return p.Special == "" && p.Claims[claimNumber] != number })].Claims[claimNumber]
		b, q := c.Browser(), c.Signing("claims", claimsOf("id_token", claimNumber, map[string]any{"essential": true, "value": other}))
		asked := c.AskByPost(b, q)
		c.Want(asked.Asks(), "the request was refused: %s %v", asked.Answer, asked.Params)
		if page, err := c.driver.Act(c.ctx, b, asked.Page, c.Person(), Approve); err == nil {
			c.WantReplyError(newReply(q, page), "access_denied", "login_required")
		}
		c.Want(b.Shown != signText, "another person was shown the text")
	}},
	{"cancelled", "when the person declines the client gets access_denied with a description", signOPSection, "", func(c *Case) {
		b := c.Browser()
		r := c.Act(b, c.AskByPost(b, c.Signing()), Cancel)
		c.WantReplyError(r, "access_denied")
		c.Want(r.Params.Get("error_description") != "", "error_description is missing")
	}},
	{"failed", "when the signature fails the client gets an error and no token", signOPSection, "", func(c *Case) {
		b := c.Browser()
		c.WantReplyError(c.Act(b, c.AskByPost(b, c.Signing()), Break), "access_denied", "server_error")
	}},

	{"request-missing", "the scope without a signRequest is refused", signRuleSection, "", signRefused("invalid_request", paramSign, "")},
	{"approval-request-missing", "the scope for an approval without a signRequest is refused", signRuleSection, "", signRefused("invalid_request", "scope", "openid "+scopeApproval, paramSign, "")},
	{"scope-missing", "a signRequest without a scope for it is refused", signRuleSection, "", signRefused("invalid_request", "scope", "openid")},
	{"prompt-without-login", "prompt without login is refused", signRuleSection, "", signRefused("invalid_request", "prompt", "consent")},
	{"prompt-without-consent", "prompt without consent is refused", signRuleSection, "", signRefused("invalid_request", "prompt", "login")},
	{"prompt-missing", "a request without prompt is refused", signRuleSection, "", signRefused("invalid_request", "prompt", "")},
	{"prompt-none", "prompt=none is refused", signRuleSection, "", signRefused("invalid_request", "prompt", "none")},
	{"unregistered", "a client that may not ask for signatures is unauthorized_client", signOPSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeSign)
		q := c.Request("key", "scope", signScopes, "prompt", signPrompt, paramSign, c.signJWT("key"))
		c.WantReplyError(c.AskByPost(c.Browser(), q), "unauthorized_client")
	}},
	{"unsigned", "what is to be signed as bare JSON is refused", signRuleSection, "", signTextRefused(func(*Case, *Client, claimSet) string { return string(marshal(signRequest())) })},
	{"unsigned-object", "what is to be signed in a request object that nobody has signed is refused", signRuleSection, "", func(c *Case) {
		q := c.Signing(paramSign, "")
		c.sendObject(q, unsecured(c.objectOf(q).with(paramSign, signRequest())))
		c.WantObjectRefused(c.AskByPost(c.Browser(), q))
	}},
	{"none", "a signRequest with alg none is refused", signRuleSection, "", signTextRefused(func(_ *Case, _ *Client, claims claimSet) string { return unsecured(claims) })},
	{"hs256", "a signRequest of HS256 with the public key as secret is refused", "RFC 8725 §2.1", "", signTextRefused(func(c *Case, client *Client, claims claimSet) string { return c.confused(client, claims) })},
	{"wrong-key", "another client's key signs no signRequest", signRuleSection, "", signTextRefused(func(c *Case, _ *Client, claims claimSet) string {
		return c.Sign(c.Client("key"), "ES256", "JWT", claims)
	})},
	{"changed-signature", "a signRequest with a changed signature is refused", signRuleSection, "", signTextRefused(func(c *Case, client *Client, claims claimSet) string {
		return tamper(c.Sign(client, "ES256", "JWT", claims))
	})},
	{"changed-text", "a signRequest whose text was changed is refused", signRuleSection, "", signTextRefused(func(c *Case, client *Client, claims claimSet) string {
		parts := strings.Split(c.Sign(client, "ES256", "JWT", claims), ".")
		parts[1] = base64.RawURLEncoding.EncodeToString(marshal(claims.with("sign_message", message("Jag skänker bort min röda cykel."))))
		return strings.Join(parts, ".")
	})},
	{"another-issuer", "iss must be the client", signRuleSection, "", signChanged(scopeSign, "iss", "https://stranger.example.se")},
	{"another-audience", "aud must be the provider", signRuleSection, "", signChanged(scopeSign, "aud", "https://stranger.example.se")},
	{"expired", "a signRequest that has expired is refused", signRuleSection, "", signChanged(scopeSign, "iat", time.Now().Add(-2*time.Hour).Unix(), "exp", time.Now().Add(-time.Hour).Unix())},
	{"assertion", "a client assertion is no signRequest", "RFC 8725 §3.11", "", signTextRefused(func(c *Case, client *Client, _ claimSet) string {
		return c.Sign(client, "ES256", "JWT", c.Assertion(client))
	})},
	{"twice", "two signRequests are refused", "RFC 6749 §3.1", "", func(c *Case) {
		q := c.Signing()
		q.Front[paramSign] = append(q.Front[paramSign], q.Get(paramSign))
		c.WantReplyError(c.AskByPost(c.Browser(), q), "invalid_request")
	}},
	{"data-missing", "a signature needs tbs_data", signRuleSection, "", signChanged(scopeSign, "tbs_data", nil)},
	{"data-garbage", "tbs_data that is no base64 is refused", signRuleSection, "", signChanged(scopeSign, "tbs_data", "å")},
	{"approval-data", "an approval must not have tbs_data", signRuleSection, "", signChanged(scopeApproval)},
	{"message-missing", "sign_message is required", signRuleSection, "", signChanged(scopeSign, "sign_message", nil)},
	{"message-empty", "a sign_message without a text is refused", signRuleSection, "", signChanged(scopeSign, "sign_message", map[string]any{})},
	{"message-type", "a text of a type that cannot be shown is refused", signRuleSection, "", signChanged(scopeSign, "sign_message", map[string]any{"message": encoded("<p>Hej</p>"), "mime_type": "text/html"})},
	{"message-garbage", "a text that is no base64 of UTF-8 is refused", signRuleSection, "", func(c *Case) {
		for _, garbage := range []string{"%%%", base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe})} {
			signChanged(scopeSign, "sign_message", map[string]any{"message": garbage})(c)
		}
	}},
	{"text-too-long", "a text that is too long is refused, and not cut", "BankID API: sign", "", signChanged(scopeSign, "sign_message", message(strings.Repeat("Cykel. ", 5000)))},
	{"text-unseen", "a text with characters that are not seen is refused, and not changed", "BankID API: sign", "", signChanged(scopeSign, "sign_message", message("Jag säljer\u202e min cykel."))},

	{"discovery-scopes", "the metadata offers sign and signApproval", signOPSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeSign)
		c.Want(contains(c.meta.List("scopes_supported"), scopeApproval), "signApproval, which is recommended beside sign, is missing")
	}},
	{"discovery-claims", "the metadata has the claim of the signature and says that claims and request objects are supported", signOPSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeSign)
		c.Want(contains(c.meta.List("claims_supported"), claimSignature), "claims_supported lacks it")
		c.Want(c.meta["claims_parameter_supported"] == true && c.meta["request_parameter_supported"] == true, "one of the two flags is missing")
	}},
}

// The parts of a BankID signature that say what was signed. The element is written so that its canonical form is the text itself.
var (
	signedPart   = regexp.MustCompile(`(?s)<bankIdSignedData [^>]*>.*</bankIdSignedData>`)
	signedDigest = regexp.MustCompile(`(?s)URI="#bidSignedData">.*?<DigestValue>([^<]*)</DigestValue>`)
	visiblePart  = regexp.MustCompile(`<usrVisibleData [^>]*>([^<]*)</usrVisibleData>`)
	hiddenPart   = regexp.MustCompile(`<usrNonVisibleData>([^<]*)</usrNonVisibleData>`)
)

// wantSigned checks that the client was handed a signature of the text and the data. Of what signatures other than BankID's look like nothing is known
// here, so of them only that there is one.
func (c *Case) wantSigned(t *Tokens, visible, hidden string) {
	signature := text(t.Claims[claimSignature])
	xml, err := base64.StdEncoding.DecodeString(signature)
	c.Want(err == nil && len(xml) > 0, "userSignature has %d characters, and is no base64: %v", len(signature), err)
	if c.cfg.Login.Kind != "bankid" {
		return
	}
	signed, digest := signedPart.Find(xml), signedDigest.FindSubmatch(xml)
	c.Want(len(signed) > 0 && digest != nil, "userSignature is no BankID signature")
	sum := sha256.Sum256(signed)
	c.Want(base64.StdEncoding.EncodeToString(sum[:]) == string(digest[1]), "the digest in the signature is not that of the signed data")
	for want, part := range map[string]*regexp.Regexp{visible: visiblePart, hidden: hiddenPart} {
		found := part.FindSubmatch(signed)
		c.Want(found != nil && string(found[1]) == encoded(want), "what was signed is not %q", want)
	}
}
