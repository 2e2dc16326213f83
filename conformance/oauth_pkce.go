package conformance

import (
	"net/http"
	"strings"
)

// verifierRefused returns a check that a code with a challenge is not given for the verifier.
func verifierRefused(verifier func(q *AuthRequest) string) func(*Case) {
	return func(c *Case) {
		q, code := c.fresh("basic")
		c.WantError(c.Exchange(q, code, "code_verifier", verifier(q)), http.StatusBadRequest, "invalid_grant", "invalid_request")
	}
}

// oauthPKCE are checks of PKCE.
var oauthPKCE = []Check{
	{"pkce-public", "a public client logs somebody in with PKCE", "RFC 7636 §4", "", accepted("public")},
	{"pkce-public-required", "a public client without PKCE is refused", "RFC 9700 §2.1.1", "", denied(invalidRequest, "public", "code_challenge", "", "code_challenge_method", "")},
	{"pkce-plain", "plain is refused", "RFC 9700 §2.1.1", "", denied(invalidRequest, "basic", "code_challenge_method", "plain")},
	{"pkce-no-method", "a challenge without method means plain, and is refused", "RFC 7636 §4.3", "", denied(invalidRequest, "basic", "code_challenge_method", "")},
	{"pkce-unknown-method", "a method that nobody knows is refused", "RFC 7636 §4.4.1", "", denied(invalidRequest, "basic", "code_challenge_method", "S512")},
	{"pkce-method-alone", "a method without a challenge is refused", "RFC 7636 §4.3", "", denied(invalidRequest, "basic", "code_challenge", "")},
	{"pkce-short-challenge", "a challenge that S256 cannot give is refused", "RFC 7636 §4.2", "", denied(invalidRequest, "basic", "code_challenge", "tooshort")},
	{"pkce-odd-challenge", "a challenge of other characters is refused", "RFC 7636 §4.2", "", denied(invalidRequest, "basic", "code_challenge", strings.Repeat("å!", 22))},
	{"pkce-wrong-verifier", "a wrong verifier gets nothing", "RFC 7636 §4.6", "", verifierRefused(func(*AuthRequest) string { return random() })},
	{"pkce-no-verifier", "a code with a challenge needs the verifier, for a confidential client too", "RFC 7636 §4.6", "", verifierRefused(func(*AuthRequest) string { return "" })},
	{"pkce-challenge-as-verifier", "the challenge is not the verifier", "RFC 7636 §4.6", "", verifierRefused(func(q *AuthRequest) string { return q.Get("code_challenge") })},
	{"pkce-short-verifier", "a verifier has 43 characters at least", "RFC 7636 §4.1", "", func(c *Case) {
		q := c.Request("basic", "code_challenge", challengeOf("short"))
		code := c.Code(c.Login(c.Browser(), q))
		c.WantError(c.Exchange(q, code, "code_verifier", "short"), http.StatusBadRequest, "invalid_grant", "invalid_request")
	}},
	{"pkce-not-asked", "a verifier for a code without a challenge is refused", "RFC 9700 §4.8.2", "", func(c *Case) {
		q := c.Plain("basic")
		code := c.Code(c.Login(c.Browser(), q))
		c.WantError(c.Exchange(q, code, "code_verifier", q.Verifier), http.StatusBadRequest, "invalid_grant", "invalid_request")
	}},
}
