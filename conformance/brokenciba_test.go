package conformance

import (
	"net/http"
	"net/url"
	"slices"
)

// backchannel changes the parameters of backchannel authentication requests.
func backchannel(change func(values url.Values)) func(*liar, *http.Request) *http.Response {
	return func(_ *liar, r *http.Request) *http.Response {
		if asks(r, "/bc-authorize") {
			values := form(r)
			change(values)
			setForm(r, values)
		}
		return nil
	}
}

// recoded answers with another code in the place of one.
func recoded(path, before, after string) func(*liar, *http.Request, *http.Response) {
	return object(path, func(members map[string]any) {
		if members["error"] == before {
			members["error"] = after
		}
	})
}

// faultsOfCIBA break logins without a browser.
func faultsOfCIBA() []fault {
	replay, keep := replayed("auth_req_id")
	return []fault{
		{name: "auth_req_id works again and again", before: replay, after: keep, checks: []string{"ciba/login"}},
		{name: "an ID token is of another request", after: idToken(func(claims map[string]any) { claims[claimAuthReq] = "another" }), checks: []string{"ciba/login"}},
		{name: "a decline looks like a time that is over", after: recoded("/token", "access_denied", "expired_token"), checks: []string{"ciba/declined"}},
		{name: "nobody is slowed down", after: recoded("/token", "slow_down", "authorization_pending"), checks: []string{"ciba/slow-down"}},
		{name: "who does not exist is told", after: recoded("/token", "authorization_pending", "access_denied"), checks: []string{"ciba/stranger", "ciba/slow-down"}},
		{name: "an unknown auth_req_id is pending", after: recoded("/token", "invalid_grant", "authorization_pending"), checks: []string{"ciba/unknown", "ciba/foreign"}},
		{name: "expires_in is no number", after: object("/bc-authorize", func(members map[string]any) {
			if members["expires_in"] != nil {
				members["expires_in"] = "soon"
			}
		}), checks: []string{"ciba/answer"}},
		{name: "an auth_req_id can be guessed", after: object("/bc-authorize", func(members map[string]any) {
			if members["auth_req_id"] != nil {
				members["auth_req_id"] = "17"
			}
		}), checks: []string{"ciba/answer"}},
		{name: "one of two hints is taken", before: backchannel(func(values url.Values) { values.Del("login_hint_token") }), checks: []string{"ciba/hints-two"}},
		{name: "somebody is found for every hint", before: backchannel(func(values url.Values) {
			if values.Get("request") == "" {
				values.Set("login_hint", stranger())
			}
		}), checks: []string{"ciba/hint-missing", "ciba/hint-nobody"}},
		{name: "openid is added", before: backchannel(func(values url.Values) {
			if values.Get("request") == "" {
				values.Set("scope", "openid")
			}
		}), checks: []string{"ciba/scope-missing"}},
		{name: "what stands beside a signed request is dropped", before: backchannel(func(values url.Values) {
			if values.Get("request") != "" {
				values.Del("login_hint")
				values.Del("scope")
			}
		}), checks: []string{"ciba/signed-beside"}},
		{name: "a message that cannot be shown is left out", before: backchannel(func(values url.Values) { values.Del("binding_message") }), checks: []string{"ciba/message-unfit"}},
		{name: "a wish for no time is none", before: backchannel(func(values url.Values) { values.Del("requested_expiry") }), checks: []string{"ciba/expiry-none"}},
		{name: "the metadata names no grant type and a way that there is not", after: object("/.well-known/openid-configuration", func(members map[string]any) {
			members["backchannel_token_delivery_modes_supported"] = []string{"pigeon"}
			list, _ := members["grant_types_supported"].([]any)
			members["grant_types_supported"] = slices.DeleteFunc(list, func(one any) bool { return one == grantCIBA })
		}), checks: []string{"ciba/discovery"}},
	}
}
