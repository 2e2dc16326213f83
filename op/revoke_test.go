package op

import (
	"net/http"
	"net/url"
	"testing"

	"brygga/storage"
)

func revoking(token, hint string) url.Values {
	return with(url.Values{"token": {token}}, "token_type_hint", hint)
}

func TestRevoke(t *testing.T) {
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		h := newOfflineHarness(t)
		h.change("web", func(c *storage.Client) { c.AccessTokenFormat = format })
		for name, test := range map[string]struct {
			hint string
			pick func(first, second tokens) string
		}{
			"access token":           {"access_token", func(_, second tokens) string { return second.AccessToken }},
			"access token before it": {"", func(first, _ tokens) string { return first.AccessToken }},
			"refresh token":          {"refresh_token", func(_, second tokens) string { return second.RefreshToken }},
			"spent refresh token":    {"access_token", func(first, _ tokens) string { return first.RefreshToken }},
			"wrong hint":             {"refresh_token", func(_, second tokens) string { return second.AccessToken }},
			"unknown hint":           {"saml2", func(_, second tokens) string { return second.RefreshToken }},
		} {
			first := h.grantTokens(offlineScopes, nil)
			other, second := h.grantTokens(offlineScopes, nil), h.ok(refreshing(first.RefreshToken))
			w := h.do(asWeb("/revoke", revoking(test.pick(first, second), test.hint)))
			if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			for _, token := range []string{first.AccessToken, second.AccessToken} {
				if status, _ := h.userinfo(token); status != http.StatusUnauthorized {
					t.Errorf("%s: an access token of the family lives on", name)
				}
			}
			h.refused(name+": refresh", refreshing(second.RefreshToken), 400, "invalid_grant")
			if status, _ := h.userinfo(other.AccessToken); status != http.StatusOK {
				t.Errorf("%s: another family ended, too: %d", name, status)
			}
		}
	}
}

// Who asks to revoke a token that is not its own, or that does not exist, is told the same and changes nothing.
func TestRevokeLeavesOthersAlone(t *testing.T) {
	h := newOfflineHarness(t)
	answer := h.grantTokens(offlineScopes, nil)
	public := func(path string, values url.Values) *http.Request {
		return formRequest(path, with(values, "client_id", "app"))
	}
	for name, request := range map[string]*http.Request{
		"unknown":                              asWeb("/revoke", revoking(storage.NewToken(), "")),
		"an ID token":                          asWeb("/revoke", revoking(answer.IDToken, "")),
		"odd bytes":                            asWeb("/revoke", revoking("\x00\xff.", "")),
		"another client's access token":        asPost("/revoke", revoking(answer.AccessToken, "")),
		"another client's refresh token":       asPost("/revoke", revoking(answer.RefreshToken, "refresh_token")),
		"another client's, by a public client": public("/revoke", revoking(answer.RefreshToken, "")),
	} {
		if w := h.do(request); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	wrong := asWeb("/revoke", revoking(answer.AccessToken, ""))
	wrong.SetBasicAuth("web", "wrong")
	h.refused("a wrong secret", wrong, 401, "invalid_client")
	h.refused("no token", asWeb("/revoke", url.Values{}), 400, "invalid_request")
	if status, _ := h.userinfo(answer.AccessToken); status != http.StatusOK {
		t.Errorf("the token was revoked: %d", status)
	}
	h.ok(refreshing(answer.RefreshToken))
}

func TestPublicClientRevokesItsOwn(t *testing.T) {
	h := newHarness(t, nil)
	h.offline("app")
	request := exchange(h.codeFor(person, offlineScopes, func(r *storage.AuthRequest) {
		r.ClientID, r.RedirectURI = "app", "http://127.0.0.1:4711/callback"
	}), "client_id", "app", "redirect_uri", "http://127.0.0.1:4711/callback")
	request.Header.Del("Authorization")
	answer := h.ok(request)
	if answer.RefreshToken == "" {
		t.Fatal("no refresh token")
	}
	if w := h.do(formRequest("/revoke", with(revoking(answer.RefreshToken, ""), "client_id", "app"))); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if status, _ := h.userinfo(answer.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the token lives on: %d", status)
	}
}
