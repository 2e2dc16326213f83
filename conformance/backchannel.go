package conformance

import (
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// logoutEvent is the member of events (OIDC Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// notice is a logout that two clients were told of.
type notice struct {
	once        sync.Once
	basic, post *Tokens
	calls       map[string]logoutCall
	fault       any
}

// patience is how long a back-channel logout may take to come.
const patience = 10 * time.Second

// notified logs a person in at two clients and out again, once for all checks, and returns what the clients were told.
func (c *Case) notified() *notice {
	c.OfferedFlag("backchannel_logout_supported")
	entry, _ := c.shared.LoadOrStore("back-channel logout", new(notice))
	n := entry.(*notice)
	n.once.Do(func() {
		defer func() { n.fault = recover() }()
		n.basic, n.post = c.signInTwice()
		c.Logout(n.basic.Browser, "id_token_hint", n.basic.ID)
		n.calls = map[string]logoutCall{"basic": c.told(n.basic), "post": c.told(n.post)}
	})
	if n.fault != nil {
		panic(n.fault)
	}
	return n
}

// signInTwice logs the person in at one client, and by single sign-on at another.
func (c *Case) signInTwice() (basic, post *Tokens) {
	basic = c.SignIn("basic")
	return basic, c.SignInAt(basic.Browser, "post")
}

// session returns the sid of an ID token.
func (c *Case) session(t *Tokens) string {
	session := text(t.Claims["sid"])
	c.Want(session != "", "the ID token has no sid, although the client takes back-channel logouts")
	return session
}

// told waits for the back-channel logout of a client's session.
func (c *Case) told(t *Tokens) logoutCall {
	role := c.roleOf(t.Request.Client)
	deadline := time.Now().Add(patience)
	for n := 1; ; n++ {
		calls, err := c.own.await(c.ctx, c.session(t), n, time.Until(deadline))
		for _, call := range calls {
			if call.Role != role {
				continue
			}
			if c.testOnlyAlter != nil {
				call.Token = c.testOnlyAlter(call.Token)
				call.Claims, _ = peek(call.Token, 1)
			}
			return call
		}
		if err != nil {
			c.Fail("client %s: %v", role, err)
		}
	}
}

// roleOf returns the role of a client.
func (c *Case) roleOf(client *Client) string {
	for role, candidate := range c.cfg.Clients {
		if candidate == client {
			return role
		}
	}
	return ""
}

// eachNotice runs a check over what each client was told.
func eachNotice(try func(c *Case, t *Tokens, call logoutCall, head, claims map[string]any)) func(*Case) {
	return func(c *Case) {
		n := c.notified()
		for role, t := range map[string]*Tokens{"basic": n.basic, "post": n.post} {
			head, claims := c.OpenToken(t.Request.Client, n.calls[role].Token)
			try(c, t, n.calls[role], head, claims)
		}
	}
}

const noticeSection = "OIDC Back-Channel Logout §2.4"

// backchannelLogout are the modules of the Back-Channel Logout plan, and every rule of the logout token.
var backchannelLogout = []Check{
	{"discovery", "the metadata says that back-channel logout works, and with sid", "OIDC Back-Channel Logout §2.1", "oidcc-backchannel-logout-discovery-endpoint-verification", func(c *Case) {
		flagged("backchannel_logout_supported")(c)
		flagged("backchannel_logout_session_supported")(c)
	}},
	{"logout", "when the person logs out at one client the client is told", "OIDC Back-Channel Logout §2.5", "oidcc-backchannel-rp-initiated-logout", func(c *Case) {
		c.OfferedFlag("backchannel_logout_supported")
		t := c.SignIn("basic")
		c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye())
		_, claims := c.Verify(c.told(t).Token)
		c.Want(claims["sub"] == t.Claims["sub"] || claims["sid"] == t.Claims["sid"], "the logout token names neither sub nor sid of the login")
	}},
	{"every-client", "every client of the session is told", "OIDC Back-Channel Logout §2.5", "", func(c *Case) { c.notified() }},
	{"form", "the token comes as a form by POST", "OIDC Back-Channel Logout §2.5", "", eachNotice(func(c *Case, _ *Tokens, call logoutCall, _, _ map[string]any) {
		kind, _, _ := mime.ParseMediaType(call.ContentType)
		c.Want(call.Method == http.MethodPost && kind == "application/x-www-form-urlencoded", "it came by %s as %s", call.Method, call.ContentType)
		c.Want(len(call.Form["logout_token"]) == 1, "there are %d logout_token", len(call.Form["logout_token"]))
	})},
	{"typ", "typ is logout+jwt", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, _ logoutCall, head, _ map[string]any) {
		c.Want(strings.EqualFold(text(head["typ"]), "logout+jwt"), "typ is %v", head["typ"])
	})},
	{"alg", "it is signed with the algorithm of the client's ID tokens", noticeSection, "", eachNotice(func(c *Case, t *Tokens, _ logoutCall, head, _ map[string]any) {
		c.Want(head["alg"] == t.Request.IDTokenAlg, "alg is %v, want %s", head["alg"], t.Request.IDTokenAlg)
	})},
	{"iss", "iss is the issuer", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, _ logoutCall, _, claims map[string]any) {
		c.Want(claims["iss"] == c.cfg.Issuer, "iss is %v", claims["iss"])
	})},
	{"aud", "aud is the client that it goes to, alone", noticeSection, "", eachNotice(func(c *Case, t *Tokens, _ logoutCall, _, claims map[string]any) {
		aud := audienceOf(claims)
		c.Want(len(aud) == 1 && aud[0] == t.Request.ID, "aud is %v", aud)
	})},
	{"iat", "iat is now", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, call logoutCall, _, claims map[string]any) {
		age := float64(call.At.Unix()) - c.number(claims, "iat")
		c.Want(age > -5 && age < 30, "the token was %v seconds old when it came", age)
	})},
	{"exp", "exp is soon: two minutes at the most", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, _ logoutCall, _, claims map[string]any) {
		life := c.number(claims, "exp") - c.number(claims, "iat")
		c.Want(life > 0 && life <= 120, "exp lies %v seconds after iat", life)
	})},
	{"jti", "each token has a jti of its own", noticeSection, "", func(c *Case) {
		n := c.notified()
		first, second := text(n.calls["basic"].Claims["jti"]), text(n.calls["post"].Claims["jti"])
		c.Want(first != "" && second != "" && first != second, "jti is %q and %q", first, second)
	}},
	{"events", "events has the logout event, an object", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, _ logoutCall, _, claims map[string]any) {
		events, _ := claims["events"].(map[string]any)
		_, isObject := events[logoutEvent].(map[string]any)
		c.Want(isObject, "events is %v", claims["events"])
	})},
	{"no-nonce", "there is no nonce, so that it is never taken for an ID token", noticeSection, "", eachNotice(func(c *Case, _ *Tokens, _ logoutCall, _, claims map[string]any) {
		c.Want(claims["nonce"] == nil, "there is a nonce")
	})},
	{"sid", "sid is that of the client's ID token", noticeSection, "", eachNotice(func(c *Case, t *Tokens, _ logoutCall, _, claims map[string]any) {
		c.Want(claims["sid"] == t.Claims["sid"], "sid is %v, the ID token had %v", claims["sid"], t.Claims["sid"])
	})},
	{"sub", "sub, where it is, is the client's own, pairwise too", noticeSection, "", eachNotice(func(c *Case, t *Tokens, _ logoutCall, _, claims map[string]any) {
		c.Want(claims["sub"] == nil || claims["sub"] == t.Claims["sub"], "sub is not that of the client's ID token")
	})},
	{"no-id-token", "a logout token cannot be used as an ID token hint", "OIDC Back-Channel Logout §4", "", func(c *Case) {
		n := c.notified()
		fresh := c.SignIn("basic")
		c.WantReplyError(c.Ask(fresh.Browser, c.Request("basic", "prompt", "none", "id_token_hint", n.calls["basic"].Token)), "invalid_request", "login_required")
	}},
	{"retry", "a client that is down for a moment is told again", "OIDC Back-Channel Logout §2.8", "", func(c *Case) {
		c.OfferedFlag("backchannel_logout_supported")
		t := c.SignIn("basic")
		c.own.answerLogout(c.session(t), http.StatusInternalServerError)
		c.Logout(t.Browser, "id_token_hint", t.ID)
		calls, err := c.own.await(c.ctx, c.session(t), 2, time.Minute)
		c.Want(err == nil, "it was told %d times, the first answer was 500: %v", len(calls), err)
	}},
	{"refusal", "a client that answers 400 does not keep the person logged in", "OIDC Back-Channel Logout §2.7", "", func(c *Case) {
		c.OfferedFlag("backchannel_logout_supported")
		t := c.SignIn("basic")
		c.own.answerLogout(c.session(t), http.StatusBadRequest, http.StatusBadRequest, http.StatusBadRequest)
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye()), t.goodbye(), "")
		c.told(t)
		c.WantSession(t.Browser, "basic", false)
	}},
	{"only-after-logout", "nobody is told before the person has answered", "OIDC RP-Initiated Logout §2", "", func(c *Case) {
		c.OfferedFlag("backchannel_logout_supported")
		t := c.SignIn("basic")
		c.Logout(t.Browser)
		c.Wait(time.Second)
		calls, _ := c.own.calls(c.session(t))
		c.Want(len(calls) == 0, "the client was told")
	}},
	{"only-this-session", "the person's session in another browser goes on", "OIDC Back-Channel Logout §2.4", "", func(c *Case) {
		c.OfferedFlag("backchannel_logout_supported")
		here, there := c.SignIn("basic"), c.SignIn("basic")
		c.Want(c.session(here) != c.session(there), "two sessions have the same sid")
		c.Logout(here.Browser, "id_token_hint", here.ID)
		c.told(here)
		calls, _ := c.own.calls(c.session(there))
		c.Want(len(calls) == 0, "the client was told of the other session too")
		c.WantSession(there.Browser, "basic", true)
	}},
}
