package conformance

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fault is one way in which a provider may be broken, and the checks that must notice.
type fault struct {
	name   string
	before func(*liar, *http.Request) *http.Response
	after  func(*liar, *http.Request, *http.Response)
	// logout changes the logout tokens that clients get.
	logout func(l *liar, head, claims map[string]any)
	checks []string
}

// TestBrokenProvider breaks the provider in one way after the other and holds that the checks named fail then, though they pass when
// nothing is broken.
func TestBrokenProvider(t *testing.T) {
	t.Parallel()
	honest := provider(t)
	all := faults()
	outcomes := make([][]Result, len(all))
	queue := make(chan int)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for i := range queue {
				outcomes[i] = breakProvider(t, honest, all[i])
			}
		})
	}
	for i := range all {
		queue <- i
	}
	close(queue)
	group.Wait()
	good := make(map[string]Result)
	for _, r := range results(t) {
		good[r.Name()] = r
	}
	caught := 0
	for i, f := range all {
		t.Run(f.name, func(t *testing.T) {
			if len(outcomes[i]) != len(f.checks) {
				t.Fatalf("%d of %d checks ran", len(outcomes[i]), len(f.checks))
			}
			for _, r := range outcomes[i] {
				switch {
				case good[r.Name()].Verdict != Pass:
					t.Errorf("%s does not pass when nothing is broken", r.Name())
				case r.Verdict != Fail || strings.HasPrefix(r.Reason, "the check itself broke"):
					t.Errorf("%s: %s; it must fail when the provider is broken so: %s", r.Name(), r.Verdict, r.Reason)
				default:
					caught++
				}
			}
		})
	}
	if caught < 20 && !t.Failed() {
		t.Errorf("%d checks were shown to fail, want 20 or more", caught)
	}
}

// breakProvider runs the checks of a fault against the provider that has it.
func breakProvider(t *testing.T, honest *Runner, f fault) []Result {
	l := newLiar(t, honest.cfg, f)
	cfg := *honest.cfg
	cfg.Short = nil
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	runner, err := Open(ctx, &cfg, Options{Transport: l, Listener: honest})
	if err != nil {
		t.Errorf("%s: %v", f.name, err)
		return nil
	}
	if f.logout != nil {
		runner.testOnlyAlter = func(token string) string {
			head, _ := peek(token, 0)
			claims, err := peek(token, 1)
			if err != nil {
				return token
			}
			f.logout(l, head, claims)
			kind, _ := head["typ"].(string)
			signed, _ := signWith(l.key, "ES256", kind, claims)
			return signed
		}
	}
	var chosen []Suite
	for _, suite := range Suites(&cfg) {
		some := Suite{Name: suite.Name}
		for _, check := range suite.Checks {
			if slices.Contains(f.checks, suite.Name+"/"+check.ID) {
				some.Checks = append(some.Checks, check)
			}
		}
		chosen = append(chosen, some)
	}
	return runner.Run(ctx, chosen, 3)
}

// faults are all of them.
func faults() []fault {
	replayCode, keepCode := replayed("code")
	replayRefresh, keepRefresh := replayed("refresh_token")
	openPush, keepPush := pushedOpen()
	return slices.Concat(faultsOfSignatures(), faultsOfCIBA(), faultsOfBackEnds(), faultsOfCards(), faultsOfRequests(), faultsOfTokens(), faultsOfDocuments(), []fault{
		{name: "codes work again and again", before: replayCode, after: keepCode, checks: []string{"basic/code-reuse", "basic/code-reuse-revokes", "formpost/code-reuse", "swedish/code-reuse"}},
		{name: "refresh tokens work again and again", before: replayRefresh, after: keepRefresh, checks: []string{"oauth/refresh-replay"}},
		{name: "pushed requests are anybody's, again and again", before: openPush, after: keepPush, checks: []string{"oauth/par-once", "oauth/par-foreign"}},
		{name: "revocation does nothing", before: func(_ *liar, r *http.Request) *http.Response {
			if asks(r, "/revoke") {
				return answer(r, http.StatusOK, "")
			}
			return nil
		}, checks: []string{"oauth/revoke-access-token", "oauth/revoke-refresh-token", "oauth/revoke-unauthenticated", "oauth/introspect-revoked"}},
		{name: "every token is active", before: func(_ *liar, r *http.Request) *http.Response {
			if asks(r, "/introspect") {
				return answer(r, http.StatusOK, `{"active":true}`)
			}
			return nil
		}, checks: []string{"oauth/introspect-unknown", "oauth/introspect-of-another", "oauth/introspect-unauthenticated"}},
		{name: "logout leads anywhere", after: func(_ *liar, r *http.Request, a *http.Response) {
			if uri := r.URL.Query().Get("post_logout_redirect_uri"); asks(r, "/logout") && uri != "" && a.Header.Get("Location") == "" {
				a.StatusCode = http.StatusFound
				a.Header.Set("Location", uri)
			}
		}, checks: []string{"rp-logout/bad-redirect", "rp-logout/query-added", "rp-logout/no-hint", "rp-logout/redirect-of-another-client", "rp-logout/modified-hint"}},
		{name: "logout needs no proof and no answer", before: func(l *liar, r *http.Request) *http.Response {
			if asks(r, "/logout") {
				return answer(r, http.StatusOK, "<html><body>Logged out</body></html>")
			}
			return nil
		}, checks: []string{"rp-logout/logout", "rp-logout/no-redirect", "rp-logout/no-params", "rp-logout/all-clients", "rp-logout/client-id-and-hint"}},
		{name: "logout tokens look like ID tokens", after: idToken(func(map[string]any) {}), logout: func(_ *liar, head, claims map[string]any) {
			head["typ"], claims["nonce"] = "JWT", "n"
			delete(claims, "events")
		}, checks: []string{"backchannel-logout/typ", "backchannel-logout/no-nonce", "backchannel-logout/events"}},
		{name: "logout tokens are for anybody, for ever", after: idToken(func(map[string]any) {}), logout: func(_ *liar, _, claims map[string]any) {
			claims["aud"], claims["iss"], claims["exp"], claims["sid"] = "everybody", "https://stranger.example.se", 4e9, "another"
		}, checks: []string{"backchannel-logout/aud", "backchannel-logout/iss", "backchannel-logout/exp", "backchannel-logout/sid"}},
		{name: "logout tokens are not signed", logout: func(l *liar, _, claims map[string]any) { claims["forged"] = true }, checks: []string{"backchannel-logout/logout"}},
	})
}

// faultsOfRequests break how requests are judged.
func faultsOfRequests() []fault {
	return []fault{
		{name: "redirect URIs match loosely", before: func(l *liar, r *http.Request) *http.Response {
			return request(func(values url.Values) {
				for _, client := range l.cfg.Clients {
					if client.ID == values.Get("client_id") && !slices.Contains(client.RedirectURIs, values.Get("redirect_uri")) {
						values.Set("redirect_uri", client.RedirectURIs[0])
					}
				}
			})(l, r)
		}, checks: []string{"basic/redirect-unregistered", "basic/redirect-slash", "basic/redirect-port", "basic/redirect-missing", "basic/redirect-of-another-client", "swedish/redirect-slash"}},
		{name: "repeated parameters are taken", before: request(func(values url.Values) {
			for name := range values {
				values.Set(name, values.Get(name))
			}
		}), checks: []string{"basic/repeated-scope", "basic/repeated-client", "basic/repeated-state"}},
		{name: "plain PKCE is taken", before: request(func(values url.Values) {
			if challenge := values.Get("code_challenge"); challenge != "" && values.Get("code_challenge_method") != "S256" {
				values.Set("code_challenge_method", "S256")
			}
		}), checks: []string{"oauth/pkce-plain", "oauth/pkce-no-method", "swedish/pkce-plain"}},
		{name: "PKCE is left out", before: request(func(values url.Values) {
			if values.Get("client_id") != "conformance-public" {
				values.Del("code_challenge")
				values.Del("code_challenge_method")
			}
		}), checks: []string{"oauth/pkce-no-verifier", "oauth/pkce-method-alone"}},
		{name: "other response types are taken", before: request(func(values url.Values) { values.Set("response_type", "code") }),
			checks: []string{"basic/response-type-token", "basic/response-type-missing", "swedish/response-type"}},
		{name: "prompt is ignored", before: request(func(values url.Values) { values.Del("prompt") }),
			checks: []string{"basic/prompt-none-not-logged-in", "basic/prompt-login", "basic/prompt-none-and-login", "swedish/prompt-none", "swedish/prompt-login"}},
		{name: "max_age is ignored", before: request(func(values url.Values) { values.Del("max_age") }), checks: []string{"basic/max-age-1", "basic/max-age-0", "basic/max-age-negative"}},
		{name: "claims are ignored", before: request(func(values url.Values) { values.Del("claims") }),
			checks: []string{"basic/acr-essential-unmet", "basic/step-up", "basic/step-up-session", "basic/step-up-without-leave", "basic/claims-malformed", "basic/claims-sub-of-another", "swedish/acr-essential-unmet", "swedish/claims-and-scope"}},
		{name: "id_token_hint is ignored", before: request(func(values url.Values) { values.Del("id_token_hint") }),
			checks: []string{"basic/id-token-hint-of-another", "basic/id-token-hint-enforced", "basic/id-token-hint-forged"}},
		{name: "state is not demanded", before: request(func(values url.Values) {
			if values.Get("state") == "" {
				values.Set("state", "made-up")
			}
		}), checks: []string{"swedish/state", "basic/state-absent"}},
		{name: "request objects are believed", before: request(func(values url.Values) {
			claims, err := peek(values.Get("request"), 1)
			if err != nil {
				return
			}
			values.Del("request")
			for _, name := range []string{"redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method"} {
				if value, ok := claims[name].(string); ok {
					values.Set(name, value)
				}
			}
		}), checks: []string{"swedish/object-aud-other", "swedish/object-aud-missing", "swedish/object-iss-missing"}},
		{name: "any secret is right", before: func(l *liar, r *http.Request) *http.Response {
			if id, _, ok := r.BasicAuth(); ok {
				for _, client := range l.cfg.Clients {
					if client.ID == id {
						r.SetBasicAuth(id, client.Secret)
					}
				}
			}
			return nil
		}, checks: []string{"basic/client-secret-wrong", "basic/code-spared"}},
		{name: "tokens come by GET too", before: func(_ *liar, r *http.Request) *http.Response {
			if asks(r, "/token") && r.Method != http.MethodPost && r.Method != http.MethodOptions {
				return answer(r, http.StatusOK, `{"access_token":"x","token_type":"Bearer"}`)
			}
			return nil
		}, checks: []string{"oauth/token-method"}},
		{name: "an odd aud breaks the server", before: func(_ *liar, r *http.Request) *http.Response {
			for _, raw := range []string{form(r).Get("client_assertion"), r.URL.Query().Get("request"), r.URL.Query().Get("id_token_hint")} {
				if claims, err := peek(raw, 1); err == nil && claims["aud"] != nil && !isText(claims["aud"]) {
					return answer(r, http.StatusInternalServerError, `{"error":"server_error"}`)
				}
			}
			return nil
		}, checks: []string{"oauth/assertion-aud-number", "oauth/object-aud-number", "oauth/hint-aud-number"}},
	}
}

func isText(value any) bool { _, ok := value.(string); return ok }

// faultsOfTokens break replies and tokens.
func faultsOfTokens() []fault {
	return []fault{
		{name: "iss is left out", after: reply(func(values url.Values) { values.Del("iss") }), checks: []string{"basic/iss-in-reply", "basic/iss-in-error", "basic/code-flow"}},
		{name: "iss is another's", after: reply(func(values url.Values) { values.Set("iss", "https://stranger.example.se") }), checks: []string{"basic/iss-in-reply"}},
		{name: "state is changed", after: reply(func(values url.Values) { values.Set("state", strings.ToUpper(values.Get("state"))) }), checks: []string{"basic/state-echo", "basic/state-in-error", "basic/state-absent"}},
		{name: "errors come with a code", after: reply(func(values url.Values) { values.Set("code", "x") }), checks: []string{"basic/prompt-none-not-logged-in", "basic/cancelled"}},
		{name: "error_description holds anything", after: reply(func(values url.Values) {
			if values.Has("error") {
				values.Set("error_description", "bad \"thing\"\n")
			}
		}), checks: []string{"oauth/authorize-description", "basic/max-age-negative"}},
		{name: "a POST is redirected with 307", after: func(_ *liar, r *http.Request, a *http.Response) {
			if r.Method == http.MethodPost && a.StatusCode == http.StatusSeeOther {
				a.StatusCode = http.StatusTemporaryRedirect
			}
		}, checks: []string{"basic/post-redirect", "oauth/redirect-status"}},
		{name: "the audience is somebody else", after: idToken(func(claims map[string]any) { claims["aud"] = "somebody" }), checks: []string{"basic/code-flow", "basic/id-token-audience"}},
		{name: "the nonce is another", after: idToken(func(claims map[string]any) { claims["nonce"] = "n" }), checks: []string{"basic/nonce-echo", "basic/no-nonce"}},
		{name: "the issuer is another", after: idToken(func(claims map[string]any) { claims["iss"] = "https://stranger.example.se" }), checks: []string{"basic/code-flow"}},
		{name: "ID tokens are old", after: idToken(func(claims map[string]any) { claims["exp"], claims["iat"] = 1e9, 1e9-60 }), checks: []string{"basic/code-flow"}},
		{name: "ID tokens live an hour", after: idToken(func(claims map[string]any) { claims["exp"] = float64(time.Now().Add(time.Hour).Unix()) }), checks: []string{"swedish/life"}},
		{name: "at_hash is of another token", after: idToken(func(claims map[string]any) { claims["at_hash"] = leftHash("ES256", "another") }), checks: []string{"basic/id-token-at-hash"}},
		{name: "auth_time is left out", after: idToken(func(claims map[string]any) { delete(claims, "auth_time") }), checks: []string{"swedish/auth-time", "basic/max-age-10000", "basic/auth-time"}},
		{name: "names are told unasked", after: idToken(func(claims map[string]any) { claims["given_name"] = "Bo" }), checks: []string{"swedish/nothing-unasked", "swedish/info-scope-not-in-id-token"}},
		{name: "acr is made up", after: idToken(func(claims map[string]any) { claims["acr"] = "0" }), checks: []string{"basic/id-token-acr", "basic/step-up", "basic/step-up-kept", "basic/acr-values", "swedish/acr-always"}},
		{name: "sub is new each time", after: idToken(func(claims map[string]any) { claims["sub"] = random() }), checks: []string{"basic/sub-stable", "basic/userinfo-get", "basic/sub-sector"}},
		{name: "sub is the same for all", after: idToken(func(claims map[string]any) { claims["sub"] = "1" }), checks: []string{"basic/sub-distinct", "basic/sub-pairwise"}},
		{name: "ID tokens are not signed", after: object("/token", func(members map[string]any) {
			if raw, ok := members["id_token"].(string); ok {
				claims, _ := peek(raw, 1)
				members["id_token"] = unsecured(claims)
			}
		}), checks: []string{"basic/id-token-es256", "swedish/id-token-signed"}},
		{name: "ID tokens are signed with a key that is not published", after: func(l *liar, r *http.Request, a *http.Response) {
			object("/token", func(members map[string]any) {
				raw, _ := members["id_token"].(string)
				if claims, err := peek(raw, 1); err == nil {
					members["id_token"], _ = signWith(l.key, "ES256", "JWT", claims)
				}
			})(l, r, a)
		}, checks: []string{"basic/code-flow"}},
		{name: "userinfo believes any token", after: func(_ *liar, r *http.Request, a *http.Response) {
			if asks(r, "/userinfo") && a.StatusCode >= 400 {
				a.StatusCode = http.StatusOK
				setBody(a, []byte(`{"sub":"x"}`))
			}
		}, checks: []string{"basic/userinfo-no-token", "basic/userinfo-bad-token", "basic/userinfo-id-token", "basic/userinfo-token-in-query", "swedish/userinfo-unauthenticated"}},
		{name: "userinfo is not signed", after: func(_ *liar, r *http.Request, a *http.Response) {
			if asks(r, "/userinfo") && a.Header.Get("Content-Type") == "application/jwt" {
				claims, _ := peek(string(body(a)), 1)
				text, _ := json.Marshal(claims)
				a.Header.Set("Content-Type", "application/json")
				setBody(a, text)
			}
		}, checks: []string{"basic/userinfo-signed", "swedish/userinfo-signed", "swedenconnect/userinfo-signed"}},
	}
}

// faultsOfDocuments break metadata, keys, headers and pages.
func faultsOfDocuments() []fault {
	const discovery = "/.well-known/openid-configuration"
	return []fault{
		{name: "Cache-Control is left out", after: everyHeader(func(_ *http.Request, h http.Header) { h.Del("Cache-Control") }),
			checks: []string{"basic/token-headers", "basic/userinfo-json", "formpost/not-cached", "oauth/page-not-cached", "config/document-cache", "swedish/token-not-cached"}},
		{name: "WWW-Authenticate is left out", after: everyHeader(func(_ *http.Request, h http.Header) { h.Del("WWW-Authenticate") }),
			checks: []string{"basic/client-secret-wrong", "basic/userinfo-no-token", "basic/userinfo-bad-token"}},
		{name: "every origin may read everything", after: everyHeader(func(r *http.Request, h http.Header) {
			h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			h.Set("Access-Control-Allow-Credentials", "true")
		}), checks: []string{"oauth/cors-authorize", "oauth/cors-token-stranger", "oauth/cors-introspect", "config/document-cors"}},
		{name: "pages can be framed", after: everyHeader(func(_ *http.Request, h http.Header) {
			h.Del("Content-Security-Policy")
			h.Del("X-Frame-Options")
		}), checks: []string{"formpost/framing", "oauth/page-unframed", "oauth/page-no-third-party"}},
		{name: "pages do not escape", after: func(_ *liar, r *http.Request, a *http.Response) {
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				setBody(a, []byte(html.UnescapeString(string(body(a)))+r.URL.Query().Get("client_id")))
			}
		}, checks: []string{"formpost/escaped", "basic/error-not-html"}},
		{name: "cookies are for scripts", after: everyHeader(func(_ *http.Request, h http.Header) {
			for i, cookie := range h["Set-Cookie"] {
				h["Set-Cookie"][i] = strings.ReplaceAll(cookie, "; HttpOnly", "")
			}
		}), checks: []string{"oauth/cookies"}},
		{name: "the metadata is careless", after: object(discovery, func(members map[string]any) {
			members["issuer"] = members["issuer"].(string) + "/"
			members["code_challenge_methods_supported"] = []string{"S256", "plain"}
			members["id_token_signing_alg_values_supported"] = []string{"ES256", "none"}
			members["response_types_supported"] = []string{"id_token"}
			members["subject_types_supported"] = []string{"pairwise", "secret"}
			delete(members, "acr_values_supported")
			delete(members, "grant_types_supported")
			delete(members, "userinfo_endpoint")
		}), checks: []string{
			"config/issuer", "config/pkce", "config/rs256", "config/no-none", "config/response-types", "config/subject-types", "config/grant-types", "config/recommended",
			"config/oauth-metadata", "swedish/discovery-pkce", "swedish/discovery-acr", "swedish/discovery-subjects", "swedish/discovery-endpoints", "swedenconnect/algs-id-token",
		}},
		{name: "the metadata promises what is not there", after: object(discovery, func(members map[string]any) {
			members["claims_parameter_supported"], members["token_endpoint_auth_methods_supported"] = "yes", []string{"none"}
			delete(members, "https://id.oidc.se/disco/userMessageSupported")
			delete(members, "service_documentation")
			members["ui_locales_supported"] = []string{"sv"}
		}), checks: []string{
			"config/types", "config/auth-methods", "config/claims-parameter", "swedish/discovery-claims-parameter", "swedish/discovery-message",
			"swedenconnect/service-documentation", "swedenconnect/ui-locales",
		}},
		{name: "the keys are careless", after: object("/jwks.json", func(members map[string]any) {
			for _, key := range members["keys"].([]any) {
				key.(map[string]any)["kid"], key.(map[string]any)["d"] = "1", "AAAA"
				delete(key.(map[string]any), "use")
			}
		}), checks: []string{"config/jwks-public", "config/jwks-kid", "config/jwks-use"}},
	}
}
