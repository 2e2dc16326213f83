package conformance

import (
	"encoding/json"
	"time"
)

// basicPrompt are checks of sessions and of what a client may ask of the authentication.
var basicPrompt = []Check{
	{"prompt-none-not-logged-in", "prompt=none without a session gives login_required", "OIDC Core §3.1.2.1", "oidcc-prompt-none-not-logged-in",
		denied([]string{"login_required"}, "basic", "prompt", "none")},
	{"prompt-none-logged-in", "prompt=none with a session gives a code, and the ID token tells of the same authentication", "OIDC Core §3.1.2.1", "oidcc-prompt-none-logged-in", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "prompt", "none")
		again := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		for _, name := range []string{"sub", "auth_time", "acr"} {
			c.Want(again.Claims[name] == first.Claims[name], "%s is another than at the login", name)
		}
	}},
	{"prompt-none-and-login", "prompt=none with another value is an error", "OIDC Core §3.1.2.1", "", denied(invalidRequest, "basic", "prompt", "none login")},
	{"prompt-login", "prompt=login asks again in spite of a session", "OIDC Core §3.1.2.1", "oidcc-prompt-login", func(c *Case) {
		first := c.SignIn("basic")
		c.later(first)
		q := c.Request("basic", "prompt", "login")
		r := c.Ask(first.Browser, q)
		c.Want(r.Asks(), "nobody was asked")
		again := c.Redeem(first.Browser, q, c.Code(c.Act(first.Browser, r, Approve)))
		c.Want(c.number(again.Claims, "auth_time") > c.number(first.Claims, "auth_time"), "auth_time is not later than at the first login")
		c.Want(again.Claims["sub"] == first.Claims["sub"], "the same person has another sub")
	}},
	{"prompt-login-cannot-be-skipped", "after prompt=login a reload of the request does not let the old session in", "OIDC Core §3.1.2.1", "", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "prompt", "login")
		c.Ask(first.Browser, q)
		c.Want(c.Ask(first.Browser, q).Asks(), "the second attempt was answered without a login")
	}},
	{"prompt-consent", "prompt=consent is accepted, or answered with consent_required", "OIDC Core §3.1.2.1", "", accepted("basic", "prompt", "consent")},
	{"prompt-select-account", "prompt=select_account is accepted", "OIDC Core §3.1.2.1", "", accepted("basic", "prompt", "select_account")},
	{"prompt-several", "prompt=login consent is accepted", "OIDC Core §3.1.2.1", "", accepted("basic", "prompt", "login consent")},
	{"max-age-1", "max_age=1 asks again when the login is older", "OIDC Core §3.1.2.1", "oidcc-max-age-1", func(c *Case) {
		first := c.SignIn("basic")
		c.later(first)
		q := c.Request("basic", "max_age", "1")
		r := c.Ask(first.Browser, q)
		c.Want(r.Asks(), "nobody was asked")
		again := c.Redeem(first.Browser, q, c.Code(c.Act(first.Browser, r, Approve)))
		c.Want(c.number(again.Claims, "auth_time") > c.number(first.Claims, "auth_time"), "auth_time is not later than at the first login")
	}},
	{"max-age-10000", "max_age=10000 lets a fresh session in, and auth_time is there", "OIDC Core §3.1.2.1", "oidcc-max-age-10000", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "max_age", "10000")
		again := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		c.Want(c.number(again.Claims, "auth_time") == c.number(first.Claims, "auth_time"), "auth_time is another than at the login")
	}},
	{"max-age-0", "max_age=0 always asks", "OIDC Core §3.1.2.1", "", func(c *Case) {
		first := c.SignIn("basic")
		c.Want(c.Ask(first.Browser, c.Request("basic", "max_age", "0")).Asks(), "nobody was asked")
	}},
	{"max-age-and-none", "prompt=none with a login that is too old gives login_required", "OIDC Core §3.1.2.1", "", func(c *Case) {
		first := c.SignIn("basic")
		c.later(first)
		c.WantReplyError(c.Ask(first.Browser, c.Request("basic", "max_age", "1", "prompt", "none")), "login_required")
	}},
	{"max-age-negative", "a negative max_age is an error", "OIDC Core §3.1.2.1", "", denied(invalidRequest, "basic", "max_age", "-1")},
	{"default-max-age", "the client's default_max_age holds where it sends no max_age", "OIDC Registration §2", "", func(c *Case) {
		first := c.SignIn("basic")
		c.later(first)
		c.Want(c.Ask(first.Browser, c.Request("defaults")).Asks(), "nobody was asked")
	}},
	{"default-max-age-overruled", "max_age of the request goes over default_max_age", "OIDC Registration §2", "", func(c *Case) {
		first := c.SignIn("basic")
		c.later(first)
		c.Code(c.Ask(first.Browser, c.Request("defaults", "max_age", "10000")))
	}},
	{"id-token-hint", "prompt=none with the hint of who is logged in succeeds", "OIDC Core §3.1.2.1", "oidcc-id-token-hint", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("basic", "prompt", "none", "id_token_hint", first.ID)
		again := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		c.Want(again.Claims["sub"] == first.Claims["sub"], "another person came out than the hint names")
	}},
	{"id-token-hint-of-another", "prompt=none with the hint of somebody else gives an error", "OIDC Core §3.1.2.1", "", func(c *Case) {
		other := c.SignIn("basic")
		c.Become("")
		mine := c.SignIn("basic")
		c.Want(other.Claims["sub"] != mine.Claims["sub"], "two people have the same sub")
		c.WantReplyError(c.Ask(mine.Browser, c.Request("basic", "prompt", "none", "id_token_hint", other.ID)), "login_required", "account_selection_required")
	}},
	{"id-token-hint-enforced", "a login by somebody else than the hint names gives no code", "OIDC Core §3.1.2.1", "", func(c *Case) {
		other := c.SignIn("basic")
		c.Become("")
		b := c.Browser()
		r := c.Act(b, c.Ask(b, c.Request("basic", "id_token_hint", other.ID)), Approve)
		c.WantReplyError(r, "login_required", "access_denied")
	}},
	{"id-token-hint-forged", "a hint that the provider did not sign is an error", "OIDC Core §3.1.2.1", "", func(c *Case) {
		first := c.SignIn("basic")
		forged := unsecured(claimSet(first.Claims))
		c.WantReplyError(c.Ask(first.Browser, c.Request("basic", "prompt", "none", "id_token_hint", forged)), "invalid_request", "login_required")
	}},
	{"sso", "a second client of the group gets the person without a login, with its own sub and the same auth_time", "OIDC Core §3.1.2.3", "", func(c *Case) {
		first := c.SignIn("basic")
		q := c.Request("post")
		second := c.Redeem(first.Browser, q, c.Code(c.Ask(first.Browser, q)))
		c.Want(second.Claims["auth_time"] == first.Claims["auth_time"], "auth_time is not that of the login")
	}},
	{"sso-asked-for", "a client that is in no group never uses a session", "OIDC Core §3.1.2.3", "", func(c *Case) {
		first := c.SignIn("basic")
		c.WantReplyError(c.Ask(first.Browser, c.Request("alone", "prompt", "none")), "login_required")
	}},
	{"sso-other-browser", "a session is the browser's alone", "OIDC Core §3.1.2.1", "", func(c *Case) {
		c.SignIn("basic")
		c.WantReplyError(c.Ask(c.Browser(), c.Request("basic", "prompt", "none")), "login_required")
	}},
	{"acr-essential", "an essential acr that can be met is met", "OIDC Core §5.5.1.1", "", func(c *Case) {
		acr := c.ACR()
		t := c.SignIn("basic", "claims", acrClaims(acr, true))
		c.Want(t.Claims["acr"] == acr, "acr is %v, want %s", t.Claims["acr"], acr)
	}},
	{"acr-essential-unmet", "an essential acr that cannot be met is an error", "OIDC Core §5.5.1.1", "", func(c *Case) {
		r := c.Login(c.Browser(), c.Request("basic", "claims", acrClaims("urn:nobody:knows", true)))
		c.WantReplyError(r, "unmet_authentication_requirements", "access_denied")
	}},
	{"acr-voluntary", "a voluntary acr that cannot be met refuses nobody", "OIDC Core §5.5.1.1", "", accepted("basic", "claims", acrClaims("urn:nobody:knows", false))},
	{"auth-time", "auth_time is when the person logged in", "OIDC Core §2", "", func(c *Case) {
		before := time.Now().Unix()
		at := c.number(c.SignIn("basic", "max_age", "3600").Claims, "auth_time")
		c.Want(at >= float64(before-1) && at <= float64(time.Now().Unix()+1), "auth_time is %v, and it is %d", at, time.Now().Unix())
	}},
}

// later waits until a login is more than a second old, by the clock of its auth_time.
func (c *Case) later(t *Tokens) {
	at := time.Unix(int64(c.number(t.Claims, "auth_time")), 0)
	c.Wait(time.Until(at.Add(2200 * time.Millisecond)))
}

// Wait lets time pass.
func (c *Case) Wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
		c.Fail("the check took too long")
	}
}

// ACR returns an acr that the provider asserts.
func (c *Case) ACR() string {
	values := c.meta.List("acr_values_supported")
	c.Want(len(values) > 0, "the metadata has no acr_values_supported")
	return values[0]
}

// acrClaims returns a claims parameter that asks for an acr.
func acrClaims(value string, essential bool) string {
	return claimsOf("id_token", "acr", map[string]any{"essential": essential, "values": []string{value}})
}

// claimsOf returns a claims parameter that asks for one claim.
func claimsOf(where, claim string, how any) string {
	document, _ := json.Marshal(map[string]any{where: map[string]any{claim: how}}) // strings and lists always marshal
	return string(document)
}
