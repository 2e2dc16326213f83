package conformance

import (
	"net/url"
	"strings"
)

// redirectSection is where redirect URIs are said to be compared as strings.
const redirectSection = "OIDC Core §3.1.2.1"

// basicRedirect are checks that nothing is sent to an address, or for a client, that is not registered.
var basicRedirect = []Check{
	{"redirect-unregistered", "a redirect_uri that is not registered is shown as an error", redirectSection, "oidcc-ensure-registered-redirect-uri",
		redirectRefused(func(string) string { return "https://stranger.example.se/callback" })},
	{"redirect-slash", "a slash more is another redirect_uri", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return uri + "/" })},
	{"redirect-query-added", "a query more is another redirect_uri", "RFC 9700 §2.1", "oidcc-redirect-uri-query-added", redirectRefused(func(uri string) string { return uri + "?foo=bar" })},
	{"redirect-query-mismatch", "another query is another redirect_uri", "RFC 9700 §2.1", "oidcc-redirect-uri-query-mismatch",
		redirectRefused(func(uri string) string { return uri + "?app=1%2B1&x=z" })},
	{"redirect-path-case", "paths differ by case", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return strings.Replace(uri, "/callback", "/Callback", 1) })},
	{"redirect-host-case", "the comparison is of strings: a host in capitals is another", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return strings.Replace(uri, "example", "EXAMPLE", 1) })},
	{"redirect-port", "a port more is another redirect_uri", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return strings.Replace(uri, ".example.se/", ".example.se:443/", 1) })},
	{"redirect-scheme", "http is not https", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return strings.Replace(uri, "https:", "http:", 1) })},
	{"redirect-below", "a path below the registered one is another", "RFC 9700 §4.1", "", redirectRefused(func(uri string) string { return uri + "/../other" })},
	{"redirect-encoded", "an escaped letter makes another string", "RFC 9700 §2.1", "", redirectRefused(func(uri string) string { return strings.Replace(uri, "callback", "%63allback", 1) })},
	{"redirect-user", "user information makes another host look registered", "RFC 9700 §4.1", "", redirectRefused(func(uri string) string {
		return strings.Replace(uri, "https://", "https://stranger.example.se@", 1)
	})},
	{"redirect-suffix", "a host that only begins like the registered one is another", "RFC 9700 §4.1", "", redirectRefused(func(uri string) string {
		return strings.Replace(uri, ".example.se/", ".example.se.stranger.example/", 1)
	})},
	{"redirect-fragment", "a redirect_uri must not have a fragment", "RFC 6749 §3.1.2", "", redirectRefused(func(uri string) string { return uri + "#x" })},
	{"redirect-relative", "a redirect_uri must be absolute", "RFC 6749 §3.1.2", "", redirectRefused(func(string) string { return "/callback" })},
	{"redirect-javascript", "a redirect_uri of scheme javascript is no registered one", "RFC 9700 §4.1", "", redirectRefused(func(string) string { return "javascript:alert(1)" })},
	{"redirect-missing", "OpenID Connect demands redirect_uri", redirectSection, "oidcc-ensure-redirect-uri-in-authorization-request", redirectRefused(func(string) string { return "" })},
	{"redirect-of-another-client", "another client's redirect_uri is not this client's", "RFC 6749 §3.1.2.3", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "redirect_uri", c.Client("post").RedirectURIs[0])))
	}},
	{"redirect-second", "each registered redirect_uri can be used", redirectSection, "", func(c *Case) {
		c.SignIn("basic", "redirect_uri", c.Client("basic").RedirectURIs[1])
	}},
	{"redirect-query", "a registered query is kept, and the reply added to it", "RFC 6749 §3.1.2", "oidcc-redirect-uri-query-OK", func(c *Case) {
		b, q := c.Browser(), c.Request("basic", "redirect_uri", c.Client("basic").RedirectURIs[2])
		r := c.Login(b, q)
		c.Want(r.To != nil && strings.HasPrefix(r.To.String(), q.Get("redirect_uri")+"&"), "the reply did not keep the query")
		c.Redeem(b, q, c.Code(r))
	}},
	{"redirect-before-all", "with a bad redirect_uri nothing else wrong is redirected", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "redirect_uri", "https://stranger.example.se/", "response_type", "token", "prompt", "none")))
	}},
	{"client-unknown", "an unknown client is shown as an error", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "client_id", "nobody-registered-this")))
	}},
	{"client-missing", "a request without client_id is shown as an error", "RFC 6749 §4.1.2.1", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "client_id", "")))
	}},
	{"repeated-client", "client_id twice is shown as an error", "RFC 6749 §3.1", "", func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), repeated(c.Request("basic"), "client_id", c.Client("post").ID)))
	}},
	{"repeated-redirect", "redirect_uri twice is shown as an error", "RFC 6749 §3.1", "", func(c *Case) {
		q := c.Request("basic")
		c.WantRefused(c.Ask(c.Browser(), repeated(q, "redirect_uri", q.RedirectURIs[1])))
	}},
	{"repeated-scope", "scope twice is an error", "RFC 6749 §3.1", "", repeatedRefused("scope", "openid profile")},
	{"repeated-nonce", "nonce twice is an error", "RFC 6749 §3.1", "", repeatedRefused("nonce", "another")},
	{"repeated-challenge", "code_challenge twice is an error", "RFC 6749 §3.1", "", repeatedRefused("code_challenge", challengeOf("another"))},
	{"repeated-state", "state twice is an error", "RFC 6749 §3.1", "", func(c *Case) {
		q := repeated(c.Request("basic"), "state", "another")
		r := c.Ask(c.Browser(), q)
		c.Want(r.Params.Get("error") == "invalid_request" || r.To == nil && r.Status == 400, "answered %s error=%q, want invalid_request", r.Answer, r.Params.Get("error"))
	}},
	{"error-not-html", "what a request brings never becomes markup of an error page", "RFC 9700 §4.16", "", func(c *Case) {
		r := c.Ask(c.Browser(), c.Request("basic", "client_id", `"><script>alert(1)</script>`, "state", `"><script>alert(2)</script>`))
		c.WantRefused(r)
		c.Want(!strings.Contains(string(r.Body), "<script>alert"), "the page holds the markup of the request")
	}},
}

// redirectRefused returns a check that a variant of a registered redirect URI is refused without a redirect.
func redirectRefused(vary func(uri string) string) func(*Case) {
	return func(c *Case) {
		c.WantRefused(c.Ask(c.Browser(), c.Request("basic", "redirect_uri", vary(c.Client("basic").RedirectURIs[0]))))
	}
}

// repeated sends a parameter a second time.
func repeated(q *AuthRequest, name, value string) *AuthRequest {
	front := url.Values{}
	for key, list := range q.Values {
		front[key] = append([]string(nil), list...)
	}
	front.Add(name, value)
	q.Front = front
	return q
}

func repeatedRefused(name, value string) func(*Case) {
	return func(c *Case) {
		c.WantReplyError(c.Ask(c.Browser(), repeated(c.Request("basic"), name, value)), "invalid_request")
	}
}
