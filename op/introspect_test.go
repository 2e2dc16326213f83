package op

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"brygga/storage"
)

// introspected returns what a client learns of a token.
func (h *harness) introspected(as func(string, url.Values) *http.Request, token, hint string) (claims map[string]any) {
	h.t.Helper()
	w := h.do(as("/introspect", with(url.Values{"token": {token}}, "token_type_hint", hint)))
	if err := json.Unmarshal(w.Body.Bytes(), &claims); err != nil || w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" ||
		w.Header().Get("Content-Type") != "application/json" {
		h.t.Fatalf("introspect: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if claims["active"] == false && len(claims) != 1 {
		h.t.Errorf("a token that is not active tells %v", claims)
	}
	return claims
}

func TestIntrospect(t *testing.T) {
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		h := newOfflineHarness(t)
		h.change("web", func(c *storage.Client) { c.AccessTokenFormat = format })
		answer := h.grantTokens(offlineScopes, nil)
		inToken := payload(t, answer.IDToken)
		for _, hint := range []string{"", "access_token", "refresh_token", "saml2"} {
			claims := h.introspected(asWeb, answer.AccessToken, hint)
			for name, want := range map[string]any{
				"active": true, "iss": issuer, "sub": inToken["sub"], "aud": issuer, "client_id": "web", "token_type": "Bearer",
				"scope": "openid profile offline_access", "iat": inToken["iat"], "exp": inToken["iat"].(float64) + 600,
				"auth_time": inToken["auth_time"], "acr": DefaultACR,
			} {
				if claims[name] != want {
					t.Errorf("%s: %v, want %v", name, claims[name], want)
				}
			}
			if got := claimNames(claims); got != "acr active aud auth_time client_id exp iat iss scope sub token_type" {
				t.Errorf("claims %s", got)
			}
			claims = h.introspected(asWeb, answer.RefreshToken, hint)
			if claims["active"] != true || claims["exp"] != inToken["iat"].(float64)+7200 ||
				claimNames(claims) != "acr active auth_time client_id exp iss scope sub" {
				t.Errorf("refresh token, hint %q: %v", hint, claims)
			}
		}
		h.move(DefaultAccessTokenLife)
		if got := h.introspected(asWeb, answer.AccessToken, ""); got["active"] != false {
			t.Errorf("expired: %v", got)
		}
		second := h.ok(refreshing(answer.RefreshToken, "scope", "openid"))
		if got := h.introspected(asWeb, second.AccessToken, ""); got["scope"] != "openid" {
			t.Errorf("narrowed: %v", got)
		}
		if got := h.introspected(asWeb, answer.RefreshToken, ""); got["active"] != false {
			t.Errorf("spent: %v", got)
		}
		h.move(DefaultRefreshIdle)
		if got := h.introspected(asWeb, second.RefreshToken, ""); got["active"] != false {
			t.Errorf("unused for too long: %v", got)
		}
	}
}

// A client learns of its own tokens, and of those that are meant for what it is or is registered for.
func TestIntrospectionIsForThoseConcerned(t *testing.T) {
	h := newOfflineHarness(t)
	forUs, forAPI := h.grantTokens(offlineScopes, nil), h.grantTokens(offlineScopes, withResources(api))
	forPost, forBoth := h.grantTokens(offlineScopes, withResources("post")), h.grantTokens(offlineScopes, withResources(issuer))
	active := func(what, token string, want bool) {
		t.Helper()
		if got := h.introspected(asPost, token, "")["active"]; got != want {
			t.Errorf("%s: active %v", what, got)
		}
	}
	active("another client's", forUs.AccessToken, false)
	active("another client's refresh token", forUs.RefreshToken, false)
	active("for an API that is not the client's", forAPI.AccessToken, false)
	active("for the client itself", forPost.AccessToken, true)
	active("a refresh token is for nobody else", forPost.RefreshToken, false)
	h.change("post", func(c *storage.Client) { c.Resources = []string{otherAPI, api, issuer} })
	active("for the client's API", forAPI.AccessToken, true)
	active("a refresh token of the API", forAPI.RefreshToken, false)
	active("for us alone", forUs.AccessToken, false)
	active("for us alone, by name", forBoth.AccessToken, false)

	public := formRequest("/introspect", url.Values{"token": {forUs.AccessToken}, "client_id": {"app"}})
	h.refused("a public client", public, 401, "invalid_client")
	h.refused("nobody", formRequest("/introspect", url.Values{"token": {forUs.AccessToken}}), 401, "invalid_client")
	wrong := asWeb("/introspect", url.Values{"token": {forUs.AccessToken}})
	wrong.SetBasicAuth("web", "wrong")
	h.refused("a wrong secret", wrong, 401, "invalid_client")
	h.refused("no token", asWeb("/introspect", url.Values{}), 400, "invalid_request")
}

func TestIntrospectUnknown(t *testing.T) {
	h := newOfflineHarness(t)
	token := h.grantTokens(offlineScopes, nil).AccessToken
	for _, text := range []string{storage.NewToken(), token + "A", token[1:], "x", "\x00\xff", "..", token + "." + token} {
		if got := h.introspected(asWeb, text, ""); got["active"] != false {
			t.Errorf("%q: %v", text, got)
		}
	}
	if err := h.store.RemoveClient(t.Context(), "web", h.now()); err != nil {
		t.Fatal(err)
	}
	h.change("post", func(c *storage.Client) { c.Resources = []string{api} })
	if got := h.introspected(asPost, token, ""); got["active"] != false {
		t.Errorf("a removed client's: %v", got)
	}
}

func TestIntrospectTellsWhenTheGrantEnds(t *testing.T) {
	h := newOfflineHarness(t)
	answer := h.grantTokens(offlineScopes, nil)
	ends := payload(t, answer.IDToken)["iat"].(float64) + DefaultRefreshLife.Seconds()
	for range 12 {
		h.move(2*time.Hour - time.Minute)
		answer = h.ok(refreshing(answer.RefreshToken))
	}
	h.move(8 * time.Minute)
	answer = h.ok(refreshing(answer.RefreshToken))
	for _, token := range []string{answer.AccessToken, answer.RefreshToken} {
		if got := h.introspected(asWeb, token, "")["exp"]; got != ends {
			t.Errorf("exp %v, the grant ends at %v", got, ends)
		}
	}
}

// TestTokensOfDisabledClients: off is off at once, for those who ask about its tokens too, and on again does not bring them back.
func TestTokensOfDisabledClients(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Store = storage.Enabled(o.Store.(storage.Store)) })
	h.offline("web")
	answer := h.grantTokens(offlineScopes, withResources("post", issuer))
	for i, disabled := range []bool{false, true, false} {
		h.change("web", func(c *storage.Client) { c.Disabled = disabled })
		works := i == 0
		if got := h.introspected(asPost, answer.AccessToken, "")["active"]; got != works {
			t.Errorf("%d, disabled %v: active %v", i, disabled, got)
		}
		if status, claims := h.userinfo(answer.AccessToken); (status == http.StatusOK) != works {
			t.Errorf("%d, disabled %v: userinfo %d %v", i, disabled, status, claims)
		}
	}
}
