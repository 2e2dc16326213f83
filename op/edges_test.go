package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// edge is the smallest step of stored times.
const edge = time.Microsecond

// Whatever ends is good until the moment that it ends, and not at it.
func TestEndsToTheMoment(t *testing.T) {
	type ending struct {
		name string
		life time.Duration
		// begin makes what ends, and returns a function that reports whether it still stands.
		begin func(h *harness) func() bool
	}
	served := func(h *harness, r *http.Request) bool { return h.do(r).Code == http.StatusOK }
	session := func(pairs ...string) func(h *harness) func() bool {
		return func(h *harness) func() bool {
			b := h.browser()
			b.logIn(params("one", callback), person)
			return func() bool {
				outcome, _ := b.outcome(params("two", callback, pairs...))
				return outcome == "code"
			}
		}
	}
	for _, e := range []ending{
		{"code", DefaultCodeLife, func(h *harness) func() bool {
			code := h.code(params("web", callback))
			return func() bool { return served(h, exchange(code)) }
		}},
		{"access token at userinfo", DefaultAccessTokenLife, func(h *harness) func() bool {
			token := h.grantTokens(offlineScopes, nil).AccessToken
			return func() bool { status, _ := h.userinfo(token); return status == http.StatusOK }
		}},
		{"access token at introspection", DefaultAccessTokenLife, func(h *harness) func() bool {
			token := h.grantTokens(offlineScopes, nil).AccessToken
			return func() bool { return h.introspected(asWeb, token, "")["active"] == true }
		}},
		{"refresh token unused", DefaultRefreshIdle, func(h *harness) func() bool {
			token := h.grantTokens(offlineScopes, nil).RefreshToken
			return func() bool { return served(h, refreshing(token)) }
		}},
		{"refresh token at introspection", DefaultRefreshIdle, func(h *harness) func() bool {
			token := h.grantTokens(offlineScopes, nil).RefreshToken
			return func() bool { return h.introspected(asWeb, token, "")["active"] == true }
		}},
		{"offline grant", DefaultRefreshLife, func(h *harness) func() bool {
			token := h.grantTokens(offlineScopes, nil).RefreshToken
			return func() bool { return served(h, refreshing(token)) }
		}},
		{"pushed request", pushedLife, func(h *harness) func() bool {
			values := h.pushed("web", params("web", callback))
			return func() bool { outcome, _ := h.browser().outcome(values); return outcome == "login" }
		}},
		{"session unused", DefaultSessionIdle, session()},
		{"session for max_age", 10 * time.Minute, session("max_age", "600")},
		{"assertion", time.Minute, func(h *harness) func() bool {
			h.addClients(keyClient("key", jwk("P-256", "k1", "sig")))
			assertion := signJWS(h.t, "ES256", "P-256", "k1", h.assertionClaims("key"))
			return func() bool { // the code is unknown, which only who is proven learns
				return decode(h.t, h.do(asserted("/token", assertion))).Error == "invalid_grant"
			}
		}},
		{"request object", objectSkew + time.Minute, func(h *harness) func() bool {
			h.add("jar", withKeys(nil))
			key, _ := objectKeys()
			object := signed(h.t, key, "", members("jar", map[string]any{"iat": nil, "exp": h.now().Add(time.Minute).Unix()}))
			return func() bool { outcome, _ := h.browser().outcome(beside("jar", object)); return outcome == "login" }
		}},
		{"request object by its age", objectLife + edge, func(h *harness) func() bool {
			h.add("jar", withKeys(nil))
			key, _ := objectKeys()
			object := signed(h.t, key, "", members("jar", map[string]any{"iat": h.now().Unix()}))
			return func() bool { outcome, _ := h.browser().outcome(beside("jar", object)); return outcome == "login" }
		}},
	} {
		for _, after := range []struct {
			by   time.Duration
			want bool
		}{{e.life - edge, true}, {e.life, false}} {
			h := sessionHouse(t)
			h.offline("web")
			h.o.RefreshIdle = map[bool]time.Duration{true: DefaultRefreshLife, false: DefaultRefreshIdle}[e.name == "offline grant"]
			began := h.now()
			stands := e.begin(h)
			h.set(began.Add(after.by))
			if got := stands(); got != after.want {
				t.Errorf("%s, %s after it began: stands %t", e.name, after.by, got)
			}
		}
	}
}

// A session ends an hour after its login to the moment, however much it is used.
func TestSessionLifeToTheMoment(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback), person)
	began := b.now()
	for _, after := range []struct {
		by   time.Duration
		want string
	}{{29 * time.Minute, "code"}, {58 * time.Minute, "code"}, {time.Hour - edge, "code"}, {time.Hour, "login"}} {
		b.set(began.Add(after.by))
		if got, _ := b.outcome(params("two", callback)); got != after.want {
			t.Errorf("after %s: %s, want %s", after.by, got, after.want)
		}
	}
}

// What a client is ahead of us with its clock, or asks for too far ahead, ends at a second, too.
func TestAssertionEdges(t *testing.T) {
	h := newHarness(t, nil)
	h.addClients(keyClient("key", jwk("P-256", "k1", "sig")))
	for _, tc := range []struct {
		claim string
		by    time.Duration
		want  bool
	}{
		{"exp", 0, false}, {"exp", time.Second, true},
		{"exp", maxAssertionLife + clockSkew, true}, {"exp", maxAssertionLife + clockSkew + time.Second, false},
		{"nbf", clockSkew, true}, {"nbf", clockSkew + time.Second, false},
		{"iat", clockSkew, true}, {"iat", clockSkew + time.Second, false},
	} {
		assertion := signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("key", tc.claim, h.now().Add(tc.by).Unix()))
		if got := decode(t, h.do(asserted("/token", assertion))).Error == "invalid_grant"; got != tc.want {
			t.Errorf("%s %s from now: taken %t", tc.claim, tc.by, got)
		}
	}
}

// What a client gets that has asked for nothing in particular.
func TestDefaults(t *testing.T) {
	h := newHarness(t, nil)
	h.offline("web")
	plain := h.tokensOf(params("web", callback))
	if len(plain.AccessToken) != storage.TokenLength || plain.ExpiresIn != 600 || plain.TokenType != "Bearer" || plain.RefreshToken != "" || plain.Scope != "openid profile" {
		t.Errorf("%+v", plain)
	}
	if got := header(t, plain.IDToken); got.Alg != "ES256" || got.Typ != "JWT" {
		t.Errorf("the ID token has %+v", got)
	}
	claims := payload(t, plain.IDToken)
	if claims["exp"].(float64)-claims["iat"].(float64) != 300 || claims["aud"] != "web" || claims["acr"] != DefaultACR {
		t.Errorf("%v", claims)
	}
	if info := h.introspected(asWeb, plain.AccessToken, ""); info["aud"] != issuer || info["exp"].(float64)-info["iat"].(float64) != 600 {
		t.Errorf("introspected as %v", info)
	}
	for _, client := range testClients() {
		if wantsJWT(&client) {
			t.Errorf("%s gets JWTs", client.ID)
		}
	}
	request := h.begin(params("web", callback)).Request
	if request.MaxAge != nil || len(request.Resources) != 0 || request.ResponseMode != modeQuery || !request.RequiredPersonalNumber.IsZero() ||
		request.RequiredSubject != "" || request.UserMessage != nil || request.Evidence || request.ACR != DefaultACR {
		t.Errorf("%+v", request)
	}
}

// A token keeps its audience when it is refreshed, whole or narrowed, as a JWT and in introspection.
func TestAudienceAfterRefresh(t *testing.T) {
	all := []string{"https://api.example/a", "https://api.example/b"}
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		h := newOfflineHarness(t)
		h.change("web", func(c *storage.Client) { c.Resources, c.AccessTokenFormat = all, format })
		first := h.grantTokens(offlineScopes, func(r *storage.AuthRequest) { r.Resources = all })
		whole := h.ok(refreshing(first.RefreshToken))
		narrow := h.ok(refreshing(whole.RefreshToken, "resource", all[1]))
		again := h.ok(refreshing(narrow.RefreshToken))
		for name, tc := range map[string]struct {
			token string
			want  []string
		}{"first": {first.AccessToken, all}, "refreshed": {whole.AccessToken, all}, "narrowed": {narrow.AccessToken, all[1:]}, "whole again": {again.AccessToken, all}} {
			seen := []map[string]any{h.introspected(asWeb, tc.token, "")}
			if format == storage.AccessTokenJWT {
				seen = append(seen, payload(t, tc.token))
			}
			for _, claims := range seen {
				if got := audienceOf(claims["aud"]); !slices.Equal(got, tc.want) {
					t.Errorf("%s, %s: %v", format, name, got)
				}
			}
		}
	}
}

func audienceOf(aud any) (all []string) {
	if one, ok := aud.(string); ok {
		return []string{one}
	}
	list, _ := aud.([]any)
	for _, a := range list {
		all = append(all, a.(string))
	}
	return all
}

// Every parameter may have as many bytes as its limit says, and not one more.
func TestParameterLengths(t *testing.T) {
	h := newHarness(t, nil)
	client, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range authorizeLimits {
		values := url.Values{}
		for extra, want := range map[int]bool{0: true, 1: false} {
			text := make([]byte, limit.max+extra)
			for i := range text {
				text[i] = '1'
			}
			values.Set(limit.name, string(text))
			refusal := checkForm(values)
			if got := refusal == nil; got != want {
				t.Errorf("%s of %d bytes: %v", limit.name, len(text), refusal)
			}
		}
	}
	for text, want := range map[string]bool{"0": true, "4294967295": true, "-1": false, "+1": false, "1.0": false, "01": true, " 1": false} {
		request, refusal := h.checkRequest(client, params("web", callback, "max_age", text))
		if (refusal == nil) != want {
			t.Errorf("max_age %q: %v", text, refusal)
		} else if n, _ := strconv.ParseInt(text, 10, 64); want && *request.MaxAge != n {
			t.Errorf("max_age %q became %d", text, *request.MaxAge)
		}
	}
}

// TestSemicolonsAreData: one that stands unescaped in a query or a form parts nothing (WHATWG URL §5.1).
func TestSemicolonsAreData(t *testing.T) {
	h := newHarness(t, nil)
	raw := strings.Replace(params("web", callback, "state", "SEMICOLON").Encode(), "SEMICOLON", "a;b=c", 1)
	for name, r := range map[string]*http.Request{
		"query": httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+raw, nil),
		"form":  httptest.NewRequest(http.MethodPost, issuer+"/authorize", strings.NewReader(raw)),
	} {
		if r.Method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		id, ok := strings.CutPrefix(h.do(r).Header().Get("Location"), "/login/")
		login, err := h.store.Login(t.Context(), id, h.now())
		if !ok || err != nil || login.Request.State != "a;b=c" {
			t.Errorf("%s: %+v, %v", name, login, err)
		}
	}
	r := httptest.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader("grant_type=authorization_code&code=x&redirect_uri=a;b&client_id=app&code_verifier="+verifier))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer := decode(t, h.do(r)); answer.Error != "invalid_grant" {
		t.Errorf("token: %+v", answer)
	}
	if w := h.do(httptest.NewRequest(http.MethodGet, issuer+"/logout?state=a;b", nil)); w.Code != http.StatusOK {
		t.Errorf("logout: %d", w.Code)
	}
}
