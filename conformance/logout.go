package conformance

import (
	"net/http"
	"net/url"
	"strings"
)

// Logout sends the browser to the logout endpoint with the parameters, pairs of names and values.
func (c *Case) Logout(b *Browser, pairs ...string) *Page {
	c.Offered("end_session_endpoint")
	values := url.Values{}
	setPairs(values, pairs)
	page, err := b.Visit(c.ctx, withQuery(c.Endpoint("end_session_endpoint"), values), nil)
	return c.loggedOut(page, err)
}

func (c *Case) loggedOut(page *Page, err error) *Page {
	if err != nil {
		c.Fail("%v", err)
	}
	c.Want(page.Status < 500, "the logout endpoint answered %s: a request must never be a fault of the server", page.Answer)
	return page
}

// goodbye returns the first registered post_logout_redirect_uri of the client.
func (t *Tokens) goodbye() string { return t.Request.PostLogoutRedirectURIs[0] }

// WantGoodbye checks that the browser was sent to the registered address, with the state that was sent and nothing else.
func (c *Case) WantGoodbye(page *Page, uri, state string) {
	c.Want(page.To != nil, "the browser was not sent to post_logout_redirect_uri; it sees %s", page.Answer)
	want := uri
	if state != "" {
		want += separatorAfter(uri) + url.Values{"state": {state}}.Encode()
	}
	c.Want(page.To.String() == want || state != "" && page.To.Query().Get("state") == state && strings.HasPrefix(page.To.String(), uri+separatorAfter(uri)),
		"the browser was sent to %q, want %q", page.To, want)
	c.Want(page.To.Query().Has("state") == (state != ""), "a state came that nobody sent")
}

// WantSession checks whether the browser's session at the client goes on.
func (c *Case) WantSession(b *Browser, role string, alive bool) {
	r := c.Ask(b, c.Request(role, "prompt", "none"))
	if alive {
		c.Code(r)
		return
	}
	c.WantReplyError(r, "login_required")
}

// confirm presses the first button of the page that asks whether the person wants to log out.
func (c *Case) confirm(b *Browser, page *Page) *Page {
	forms := pageForms(page.Body)
	c.Want(page.To == nil && page.Status == http.StatusOK && len(forms) > 0, "the person is not asked; the browser sees %s", page.Answer)
	to, err := page.URL.Parse(forms[0].action)
	if err != nil {
		c.Fail("the form of the page: %v", err)
	}
	return c.loggedOut(b.Submit(c.ctx, to.String(), forms[0].fields))
}

// logoutSection is where the parameters of a logout request are.
const logoutSection = "OIDC RP-Initiated Logout §2"

// rpLogout are the modules of the RP-Initiated Logout plan, and more of what that specification says.
var rpLogout = []Check{
	{"discovery", "the metadata names end_session_endpoint", "OIDC RP-Initiated Logout §2.1", "oidcc-rp-initiated-logout-discovery-endpoint-verification", func(c *Case) {
		c.Want(c.meta.Text("end_session_endpoint") != "", "it is missing")
	}},
	{"logout", "with a hint the session ends, and the person goes to the client with state", logoutSection, "oidcc-rp-initiated-logout", func(c *Case) {
		t := c.SignIn("basic")
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye(), "state", "x y&z"), t.goodbye(), "x y&z")
		c.WantSession(t.Browser, "basic", false)
	}},
	{"bad-redirect", "an address that is not registered gets nobody", "OIDC RP-Initiated Logout §3", "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", "https://stranger.example.se/", "state", "x"))
	}},
	{"query-added", "a query more makes an address that is not registered", "OIDC RP-Initiated Logout §3", "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye()+"?foo=bar", "state", "x"))
	}},
	{"modified-hint", "a hint whose signature was changed proves nothing", logoutSection, "oidcc-rp-initiated-logout-modified-id-token-hint", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", tamper(t.ID), "post_logout_redirect_uri", t.goodbye(), "state", "x"))
		c.WantSession(t.Browser, "basic", true)
	}},
	{"bad-hint", "a hint of another issuer proves nothing", logoutSection, "oidcc-rp-initiated-logout-bad-id-token-hint", func(c *Case) {
		t, signer := c.SignIn("basic"), c.Client("key")
		forged := c.Sign(signer, "ES256", "JWT", claimSet(t.Claims))
		c.wantStays(c.Logout(t.Browser, "id_token_hint", forged, "post_logout_redirect_uri", t.goodbye(), "state", "x"))
		c.WantSession(t.Browser, "basic", true)
	}},
	{"unsigned-hint", "a hint of alg none proves nothing", "RFC 8725 §3.2", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", unsecured(claimSet(t.Claims)), "post_logout_redirect_uri", t.goodbye()))
		c.WantSession(t.Browser, "basic", true)
	}},
	{"no-hint", "without a hint nobody is sent on unasked", logoutSection, "oidcc-rp-initiated-logout-no-id-token-hint", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "post_logout_redirect_uri", t.goodbye(), "state", "x"))
	}},
	{"no-params", "without anything the person is asked, and the session goes on until they answer", logoutSection, "oidcc-rp-initiated-logout-no-params", func(c *Case) {
		t := c.SignIn("basic")
		page := c.Logout(t.Browser)
		c.wantStays(page)
		c.WantSession(t.Browser, "basic", true)
		c.wantStays(c.confirm(t.Browser, page))
		c.WantSession(t.Browser, "basic", false)
	}},
	{"no-redirect", "with only a hint the session ends and the person stays with the provider", logoutSection, "oidcc-rp-initiated-logout-no-post-logout-redirect-uri", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", t.ID, "state", "x"))
		c.WantSession(t.Browser, "basic", false)
	}},
	{"only-state", "with only state nothing is sent anywhere", logoutSection, "oidcc-rp-initiated-logout-only-state", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "state", "x"))
	}},
	{"no-state", "without state the client gets no state", logoutSection, "oidcc-rp-initiated-logout-no-state", func(c *Case) {
		t := c.SignIn("basic")
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye()), t.goodbye(), "")
	}},
	{"post", "the request may be posted", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		form := url.Values{"id_token_hint": {t.ID}, "post_logout_redirect_uri": {t.goodbye()}, "state": {"x"}}
		page, err := t.Browser.Visit(c.ctx, c.Endpoint("end_session_endpoint"), form)
		c.WantGoodbye(c.loggedOut(page, err), t.goodbye(), "x")
		c.WantSession(t.Browser, "basic", false)
	}},
	{"client-id", "with only client_id the person is asked, and then sent to the client", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		page := c.Logout(t.Browser, "client_id", t.Request.ID, "post_logout_redirect_uri", t.goodbye(), "state", "x")
		c.wantStays(page)
		c.WantSession(t.Browser, "basic", true)
		c.WantGoodbye(c.confirm(t.Browser, page), t.goodbye(), "x")
		c.WantSession(t.Browser, "basic", false)
	}},
	{"client-id-and-hint", "a hint of one client with client_id of another proves nothing", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		page := c.Logout(t.Browser, "client_id", c.Client("post").ID, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye())
		c.wantStays(page)
		c.Want(page.Status >= 400 && page.Status < 500 || len(pageForms(page.Body)) > 0, "neither refused nor asked about: %s", page.Answer)
		c.WantSession(t.Browser, "basic", true)
	}},
	{"client-id-and-its-hint", "client_id beside a hint of the same client is accepted", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		c.WantGoodbye(c.Logout(t.Browser, "client_id", t.Request.ID, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye()), t.goodbye(), "")
	}},
	{"client-unknown", "an unknown client_id ends nothing unasked, and leads nowhere", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "client_id", "nobody-registered-this", "post_logout_redirect_uri", "https://stranger.example.se/"))
		c.WantSession(t.Browser, "basic", true)
	}},
	{"redirect-of-another-client", "another client's address gets nobody", "OIDC RP-Initiated Logout §3", "", func(c *Case) {
		t := c.SignIn("basic")
		c.wantStays(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", c.Client("post").PostLogoutRedirectURIs[0]))
	}},
	{"redirect-query", "a registered query is kept", "OIDC RP-Initiated Logout §3", "", func(c *Case) {
		t := c.SignIn("basic")
		uri := t.Request.PostLogoutRedirectURIs[1]
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", uri, "state", "x"), uri, "x")
	}},
	{"all-clients", "the session ends for all clients of the group", "OIDC RP-Initiated Logout §2", "", func(c *Case) {
		t := c.SignIn("basic")
		c.WantSession(t.Browser, "post", true)
		c.Logout(t.Browser, "id_token_hint", t.ID)
		c.WantSession(t.Browser, "post", false)
	}},
	{"without-session", "who is not logged in any more is sent on all the same", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		c.Logout(t.Browser, "id_token_hint", t.ID)
		c.WantGoodbye(c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye(), "state", "x"), t.goodbye(), "x")
	}},
	{"hint-of-another-person", "the hint of somebody else does not end this person's session unasked", logoutSection, "", func(c *Case) {
		other := c.SignIn("basic")
		c.Become("")
		mine := c.SignIn("basic")
		c.Logout(mine.Browser, "id_token_hint", other.ID)
		c.WantSession(mine.Browser, "basic", true)
	}},
	{"ui-locales", "ui_locales and logout_hint are accepted", logoutSection, "", func(c *Case) {
		t := c.SignIn("basic")
		page := c.Logout(t.Browser, "id_token_hint", t.ID, "post_logout_redirect_uri", t.goodbye(), "ui_locales", "en", "logout_hint", "somebody", "extra", "x")
		c.WantGoodbye(page, t.goodbye(), "")
	}},
	{"unframed", "the page that asks cannot be framed nor kept", "RFC 9700 §4.16", "", func(c *Case) {
		page := c.Logout(c.Browser())
		c.Want(unframed(page.Header), "there is neither frame-ancestors 'none' nor X-Frame-Options")
		c.Want(strings.Contains(page.Header.Get("Cache-Control"), "no-store"), "Cache-Control is %q", page.Header.Get("Cache-Control"))
	}},
	{"asked-by-a-stranger", "another site cannot answer the question in the person's place", "RFC 9700 §4.7", "", func(c *Case) {
		t := c.SignIn("basic")
		page := c.Logout(t.Browser)
		forms := pageForms(page.Body)
		c.Want(len(forms) > 0, "the person is not asked; the browser sees %s", page.Answer)
		to, err := page.URL.Parse(forms[0].action)
		if err != nil {
			c.Fail("the form of the page: %v", err)
		}
		answer, err := t.Browser.Visit(c.ctx, to.String(), url.Values{})
		c.wantStays(c.loggedOut(answer, err))
		c.WantSession(t.Browser, "basic", true)
	}},
}

// wantStays checks that the browser was not sent to a client.
func (c *Case) wantStays(page *Page) {
	c.Want(page.To == nil, "the browser was sent to %q", page.To)
}

// tamper changes the signature of a JWT.
func tamper(raw string) string {
	i := strings.LastIndexByte(raw, '.') + 1
	swap := byte('A')
	if raw[i] == 'A' {
		swap = 'B'
	}
	return raw[:i] + string(swap) + raw[i+1:]
}
