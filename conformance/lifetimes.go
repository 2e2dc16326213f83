package conformance

import (
	"net/http"
	"strconv"
	"time"
)

// atShort returns a check that runs at the installation of short lives.
func atShort(try func(c *Case, lives *Short)) func(*Case) {
	return func(c *Case) {
		second := &Case{Runner: c.short, ctx: c.ctx}
		defer second.release()
		try(second, c.cfg.Short)
	}
}

// seconds returns how long to wait until a life of so many seconds is over.
func seconds(n int) time.Duration { return time.Duration(n)*time.Second + 1500*time.Millisecond }

// lifetimes are checks of what ends by itself, at the second installation.
var lifetimes = []Check{
	{"access-token", "an access token that has expired is invalid_token", "RFC 6750 §3.1", "", atShort(func(c *Case, lives *Short) {
		t := c.SignIn("basic")
		c.Want(c.number(t.JSON, "expires_in") <= float64(lives.AccessToken), "expires_in is %v", t.JSON["expires_in"])
		c.Userinfo(t)
		c.Wait(seconds(lives.AccessToken))
		c.WantDead(t.Access)
	})},
	{"access-token-introspection", "an access token that has expired is not active", "RFC 7662 §2.2", "", atShort(func(c *Case, lives *Short) {
		t := c.SignIn("jwt")
		c.Want(c.Introspect(t.Request.Client, t.Access).JSON["active"] == true, "it is not active at first")
		c.Wait(seconds(lives.AccessToken))
		c.wantInactive(t.Request.Client, t.Access)
	})},
	{"refresh-token", "a refresh token that lay idle for too long is refused", "RFC 9700 §4.14.2", "", atShort(func(c *Case, lives *Short) {
		t := c.offline("basic")
		c.Wait(seconds(lives.RefreshToken))
		c.WantError(c.Refresh(t), http.StatusBadRequest, "invalid_grant")
	})},
	{"refresh-token-absolute", "a family ends although it is used", "RFC 9700 §4.14.2", "", atShort(func(c *Case, lives *Short) {
		t := c.offline("basic")
		begin := time.Now()
		for time.Since(begin) < seconds(2*lives.RefreshToken) {
			c.Wait(time.Duration(lives.RefreshToken) * time.Second / 2)
			a := c.Refresh(t)
			if a.Status != http.StatusOK {
				c.WantError(a, http.StatusBadRequest, "invalid_grant")
				c.Want(time.Since(begin) > time.Duration(lives.RefreshToken)*time.Second, "the family ended before its idle time")
				return
			}
			t = &Tokens{Answer: a, Request: t.Request, Refresh: a.Text("refresh_token")}
		}
		c.Fail("the family goes on after twice the idle time, which is its whole life")
	})},
	{"session", "a session that has expired is login_required with prompt=none", "Sweden Connect Profile §2.2.1", "", atShort(func(c *Case, lives *Short) {
		c.Want(lives.Session <= 3600, "a session lives %d seconds, more than an hour", lives.Session)
		t := c.SignIn("connect")
		c.WantSession(t.Browser, "connect", true)
		c.Wait(seconds(lives.Session))
		c.WantSession(t.Browser, "connect", false)
	})},
	{"session-not-renewed", "using a session does not make it live longer than it may", "Sweden Connect Profile §2.2.1", "", atShort(func(c *Case, lives *Short) {
		t := c.SignIn("connect")
		c.WantSession(t.Browser, "connect", true)
		for begin := time.Now(); time.Since(begin) < seconds(lives.Session); {
			r := c.Ask(t.Browser, c.Request("connect", "prompt", "none"))
			if r.Params.Get("error") != "" {
				c.WantReplyError(r, "login_required")
				return
			}
			c.Wait(time.Second)
		}
		c.WantSession(t.Browser, "connect", false)
	})},
	{"expired-hint-logout", "an ID token that has expired is a hint for logout all the same", "OIDC RP-Initiated Logout §2", "", atShort(func(c *Case, lives *Short) {
		t := c.SignIn("basic")
		c.Wait(time.Until(time.Unix(int64(c.number(t.Claims, "exp")), 0).Add(1500 * time.Millisecond)))
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye(), "state", "x"), t.goodbye(), "x")
	})},
	{"reused-session-auth-time", "a reused session says when the person really logged in", "OIDC Core §2", "", atShort(func(c *Case, _ *Short) {
		t := c.SignIn("connect")
		c.Wait(1100 * time.Millisecond)
		q := c.Request("connect", "prompt", "none")
		again := c.Redeem(t.Browser, q, c.Code(c.Ask(t.Browser, q)))
		c.Want(again.Claims["auth_time"] == t.Claims["auth_time"], "auth_time moved")
		c.Want(c.number(again.Claims, "iat") > c.number(t.Claims, "iat"), "iat did not move")
	})},
	{"not-issued-for-long", "with short lives nothing says that it lives longer", "RFC 6749 §5.1", "", atShort(func(c *Case, lives *Short) {
		_, claims := c.Verify(c.SignIn("jwt").Access)
		c.Want(c.number(claims, "exp")-c.number(claims, "iat") <= float64(lives.AccessToken)+1, "the JWT access token lives longer than its life")
	})},
	{"too-many-requests", "a client that asks too much gets 429 and is told when to come again; others notice nothing", "RFC 6585 §4", "", atShort(func(c *Case, lives *Short) {
		client := c.Client("alone")
		form := codeForm(random(), "redirect_uri", client.RedirectURIs[0])
		for range 3 * lives.RequestsPerMinute {
			a := c.Token(client, form)
			if a.Status != http.StatusTooManyRequests {
				c.WantError(a, http.StatusBadRequest, "invalid_grant")
				continue
			}
			wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
			c.Want(err == nil && wait > 0, "Retry-After is %q", a.Header.Get("Retry-After"))
			c.wantAuthenticated(c.Token(c.Client("signed"), codeForm(random(), "redirect_uri", c.Client("signed").RedirectURIs[0])))
			return
		}
		c.Fail("%d requests were answered, and %d are allowed in a minute", 3*lives.RequestsPerMinute, lives.RequestsPerMinute)
	})},
}
