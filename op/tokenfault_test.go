package op

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

func (m *marked) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.RefreshToken, *storage.Grant, error) {
	if err := m.fault("RefreshToken"); err != nil {
		return nil, nil, err
	}
	return m.Store.RefreshToken(ctx, hash, now)
}

func (m *marked) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (*storage.Rotated, error) {
	if err := m.fault("RotateRefreshToken"); err != nil {
		return nil, err
	}
	return m.Store.RotateRefreshToken(ctx, rotation)
}

// Faults of the store reach nobody but the log, and change nothing.
func TestTokenFaultsStayInside(t *testing.T) {
	store := new(marked)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	h.offline("web")
	used := h.grantTokens(offlineScopes, nil)
	live := h.ok(refreshing(used.RefreshToken))
	other := h.grantTokens(offlineScopes, nil)
	for _, test := range []struct {
		method, endpoint string
		request          func() *http.Request
	}{
		{"RefreshToken", "token", func() *http.Request { return refreshing(live.RefreshToken, "scope", "openid") }},
		{"RotateRefreshToken", "token", func() *http.Request { return refreshing(live.RefreshToken) }},
		{"RevokeGrant", "token", func() *http.Request { return refreshing(used.RefreshToken) }},
		{"AccessToken", "introspect", func() *http.Request { return asWeb("/introspect", url.Values{"token": {live.AccessToken}}) }},
		{"RefreshToken", "introspect", func() *http.Request { return asWeb("/introspect", url.Values{"token": {live.RefreshToken}}) }},
		{"AccessToken", "revoke", func() *http.Request { return asWeb("/revoke", url.Values{"token": {live.AccessToken}}) }},
		{"RevokeGrant", "revoke", func() *http.Request { return asWeb("/revoke", url.Values{"token": {other.RefreshToken}}) }},
	} {
		store.fails = test.method
		for _, store.panics = range []bool{false, true} {
			h.logs.Reset()
			h.observed = nil
			w := h.do(test.request())
			if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), mark) || decode(t, w).Error != "server_error" {
				t.Errorf("%s at %s: %d %s", test.method, test.endpoint, w.Code, w.Body)
			}
			if !slices.Contains(h.observed, test.endpoint+" server_error") {
				t.Errorf("%s at %s: observed %v", test.method, test.endpoint, h.observed)
			}
			if strings.Contains(h.logs.String(), mark) == store.panics { // the text of a panic may be anything
				t.Errorf("%s at %s: log %s", test.method, test.endpoint, h.logs)
			}
		}
	}
	store.fails = ""
	h.ok(refreshing(live.RefreshToken))
	h.ok(refreshing(other.RefreshToken))
}

func TestTokenLogsHoldNoSecrets(t *testing.T) {
	h := newOfflineHarness(t)
	h.change("web", func(c *storage.Client) { c.AccessTokenFormat = storage.AccessTokenJWT })
	first := h.grantTokens(offlineScopes, nil)
	second := h.ok(refreshing(first.RefreshToken))
	h.do(refreshing(second.RefreshToken, "scope", "marked-scope"))
	h.do(refreshing(second.RefreshToken, "resource", "https://marked.example.se"))
	h.introspected(asWeb, second.AccessToken, "")
	h.introspected(asPost, second.RefreshToken, "")
	h.do(refreshing(first.RefreshToken))
	h.do(asWeb("/revoke", url.Values{"token": {second.RefreshToken}}))
	if !strings.Contains(h.logs.String(), "SEC_200008") || !strings.Contains(h.logs.String(), "request refused") {
		t.Fatalf("the log is empty: %s", h.logs)
	}
	for name, text := range map[string]string{
		"personal number": number, "name": "Åsa", "refresh token": first.RefreshToken, "the next": second.RefreshToken, "access token": second.AccessToken,
		"jti": payload(t, second.AccessToken)["jti"].(string), "ID token": second.IDToken, "scope": "marked-scope", "resource": "marked.example.se",
	} {
		if strings.Contains(h.logs.String(), text) {
			t.Errorf("%s in the log: %s", name, h.logs)
		}
	}
}

// FuzzTokenForms sends forms of an authenticated client that hold no token of anybody's.
func FuzzTokenForms(f *testing.F) {
	h := newOfflineHarness(f)
	h.change("web", func(c *storage.Client) { c.AccessTokenFormat = storage.AccessTokenJWT })
	answer := h.grantTokens(offlineScopes, withResources(api))
	head, rest, _ := strings.Cut(answer.AccessToken, ".")
	for _, token := range []string{
		answer.AccessToken[1:], answer.RefreshToken[1:], answer.IDToken, head + "." + answer.IDToken[len(head)+1:], head + ".." + rest, ".", "\x00\xff", "",
		payload(f, answer.AccessToken)["jti"].(string), "eyJhbGciOiJub25lIn0.eyJhdWQiOlsxXX0.", strings.Repeat("A", 43),
	} {
		for _, path := range []string{"/token", "/introspect", "/revoke"} {
			f.Add(path, token, "refresh_token", "openid profile", api)
			f.Add(path, token, "\x00", " \u00a0openid openid", "https://other.example.se#x")
		}
	}
	n := 0
	f.Fuzz(func(t *testing.T, path, token, hint, scope, resource string) {
		if path != "/introspect" && path != "/revoke" {
			path = "/token"
		}
		if n++; n%1000 == 0 {
			h.move(time.Minute) // the limits are not what is tried here
		}
		values := url.Values{"token": {token}, "refresh_token": {token}, "token_type_hint": {hint}, "scope": {scope}, "resource": {resource, resource}}
		if path == "/token" {
			values.Set("grant_type", "refresh_token")
		}
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, asWeb(path, values))
		switch body := w.Body.String(); {
		case w.Code == http.StatusBadRequest && decode(t, w).Error != "" && decode(t, w).AccessToken == "":
		case w.Code != http.StatusOK || path == "/token":
			t.Errorf("%s: %d %s", path, w.Code, body)
		case path == "/introspect" && body != `{"active":false}`+"\n", path == "/revoke" && body != "":
			t.Errorf("%s: %s", path, body)
		}
	})
}
