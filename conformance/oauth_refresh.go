package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// offline logs the person in at the client of a role with offline_access.
func (c *Case) offline(role string, pairs ...string) *Tokens {
	c.Offered("grant_types_supported", "refresh_token")
	t := c.SignIn(role, append([]string{"scope", "openid offline_access"}, pairs...)...)
	c.Want(t.Refresh != "", "there is no refresh token although offline_access was asked for")
	return t
}

// refreshed refreshes tokens, which must work, and returns the new ones.
func (c *Case) refreshed(t *Tokens, pairs ...string) *Tokens {
	a := c.Refresh(t, pairs...)
	c.Want(a.Status == http.StatusOK, "the refresh answered %s", a)
	return &Tokens{Answer: a, Request: t.Request, Person: t.Person, Claims: t.Claims, Access: a.Text("access_token"), ID: a.Text("id_token"), Refresh: a.Text("refresh_token")}
}

// WantDead checks that an access token opens nothing any more.
func (c *Case) WantDead(access string) {
	challenge := c.WantChallenge(c.Get(c.Endpoint("userinfo_endpoint"), bearer(access)), "Bearer")
	c.Want(strings.Contains(challenge, `error="invalid_token"`), "the challenge is %q", challenge)
}

// oauthRefresh are checks of refresh tokens.
var oauthRefresh = []Check{
	{"refresh-rotates", "each use gives a new refresh token, and ends the old one", "RFC 9700 §2.2.2", "", func(c *Case) {
		first := c.offline("public")
		second := c.refreshed(first)
		c.Want(second.Refresh != "" && !sameText(second.Refresh, first.Refresh), "the refresh token was not replaced")
		c.refreshed(second)
	}},
	{"refresh-replay", "a refresh token that is used twice ends the whole family", "RFC 9700 §4.14.2", "", func(c *Case) {
		first := c.offline("public")
		second := c.refreshed(first)
		c.Userinfo(second)
		c.WantError(c.Refresh(first), http.StatusBadRequest, "invalid_grant")
		c.WantError(c.Refresh(second), http.StatusBadRequest, "invalid_grant")
		c.WantDead(second.Access)
	}},
	{"refresh-confidential", "confidential clients refresh with their authentication", "RFC 6749 §6", "", func(c *Case) {
		for _, role := range []string{"basic", "key"} {
			c.Userinfo(c.refreshed(c.offline(role)))
		}
	}},
	{"refresh-unauthenticated", "a confidential client cannot refresh without authentication, and loses nothing by it", "RFC 6749 §6", "", func(c *Case) {
		t := c.offline("basic")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}, "client_id": {t.Request.ID}}
		c.WantClientError(c.PostForm(c.Endpoint("token_endpoint"), form))
		c.refreshed(t)
	}},
	{"refresh-of-another", "a refresh token works for its client alone", "RFC 6749 §6", "", func(c *Case) {
		t := c.offline("basic")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}}
		c.WantError(c.Token(c.Client("post"), form), http.StatusBadRequest, "invalid_grant")
	}},
	{"refresh-narrower", "a refresh may ask for less scope", "RFC 6749 §6", "", func(c *Case) {
		t := c.offline("basic", "scope", "openid profile offline_access")
		narrow := c.refreshed(t, "scope", "openid")
		c.Want(!contains(strings.Fields(narrow.Text("scope")), "profile"), "scope is %q", narrow.Text("scope"))
		c.Want(c.Userinfo(narrow)["family_name"] == nil || c.Userinfo(c.Shared("basic"))["family_name"] != nil, "userinfo gives claims of the scope that was left out")
	}},
	{"refresh-wider", "a refresh for more scope is invalid_scope", "RFC 6749 §6", "", func(c *Case) {
		t := c.offline("basic")
		c.WantError(c.Refresh(t, "scope", "openid profile offline_access"), http.StatusBadRequest, "invalid_scope")
	}},
	{"refresh-unknown", "a refresh token that nobody issued is invalid_grant", "RFC 6749 §5.2", "", func(c *Case) {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}}
		c.Offered("grant_types_supported", "refresh_token")
		c.WantError(c.Token(c.Client("basic"), form), http.StatusBadRequest, "invalid_grant")
	}},
	{"refresh-missing", "a refresh without refresh_token is invalid_request", "RFC 6749 §5.2", "", func(c *Case) {
		c.Offered("grant_types_supported", "refresh_token")
		c.WantError(c.Token(c.Client("basic"), url.Values{"grant_type": {"refresh_token"}}), http.StatusBadRequest, "invalid_request", "invalid_grant")
	}},
	{"refresh-access-token", "an access token is no refresh token", "RFC 6749 §1.5", "", func(c *Case) {
		c.Offered("grant_types_supported", "refresh_token")
		t := *c.Shared("basic")
		t.Refresh = t.Access
		c.WantError(c.Refresh(&t), http.StatusBadRequest, "invalid_grant")
	}},
	{"refresh-only-offline", "without offline_access there is no refresh token", "OIDC Core §11", "", func(c *Case) {
		c.Want(c.Shared("basic").Refresh == "", "there is one")
	}},
	{"refresh-only-registered", "a client that did not register for offline_access gets no refresh token", "OIDC Core §11", "", func(c *Case) {
		c.Want(c.SignIn("alone", "scope", "openid offline_access").Refresh == "", "there is one")
	}},
	{"refresh-not-cached", "a refresh answer must not be kept", "RFC 6749 §5.1", "", func(c *Case) {
		a := c.refreshed(c.offline("basic"))
		c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", a.Header.Get("Cache-Control"))
	}},
	{"refresh-id-token", "the ID token of a refresh keeps iss, sub, aud and auth_time, and has no new nonce", "OIDC Core §12.2", "", func(c *Case) {
		t := c.offline("basic")
		n := c.refreshed(t)
		if n.ID == "" {
			return
		}
		_, claims := c.Verify(n.ID)
		for _, name := range []string{"iss", "sub", "auth_time"} {
			c.Want(claims[name] == t.Claims[name], "%s changed", name)
		}
		c.Want(claims["nonce"] == nil || claims["nonce"] == t.Claims["nonce"], "there is another nonce")
	}},
}
