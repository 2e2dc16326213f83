package op

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

// What a Swedish client asks for at the authorization endpoint is what it gets at the others.
func TestFromRequestToRelease(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) {
		c.Profile, c.Scopes, c.Resources = storage.ProfileSwedish, []string{infoScope, numberScope, "offline_access"}, []string{issuer, api}
		c.UserinfoAlg, c.AccessTokenFormat = "ES256", storage.AccessTokenJWT
	})
	const claims = `{"id_token":{"given_name":{"essential":true},"` + claimURI + `deviceIp":null,"email":null},"userinfo":{"txn":null}}`
	request := params("web", callback, "scope", "openid offline_access "+infoScope+" "+numberScope, "claims", claims)
	request["resource"] = []string{issuer, api}
	answer := h.tokensOf(request)
	number := claimURI + "personalIdentityNumber"
	always := "acr amr at_hash aud auth_time azp exp iat iss nonce sid sub txn"
	if got, want := claimNames(payload(t, answer.IDToken)), sorted(always+" given_name "+claimURI+"deviceIp "+number); got != want {
		t.Errorf("ID token\n got %s\nwant %s", got, want)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
	w := h.do(r)
	if got, want := claimNames(payload(t, w.Body.String())), sorted("aud iss sub txn birthdate family_name given_name name "+number); got != want {
		t.Errorf("userinfo: %d\n got %s\nwant %s", w.Code, got, want)
	}
	next := h.ok(refreshing(answer.RefreshToken, "scope", "openid", "resource", api))
	if got, want := claimNames(payload(t, next.IDToken)), sorted(strings.Replace(always, "nonce ", "", 1)+" given_name "+claimURI+"deviceIp"); got != want {
		t.Errorf("refreshed ID token\n got %s\nwant %s", got, want)
	}
	if aud := payload(t, next.AccessToken)["aud"]; aud != api {
		t.Errorf("aud %v", aud)
	}
	if w := h.do(asWeb("/revoke", url.Values{"token": {next.AccessToken}})); w.Code != http.StatusOK {
		t.Errorf("revoke: %d %s", w.Code, w.Body)
	}
	h.refused("the family is gone", refreshing(next.RefreshToken), 400, "invalid_grant")
}
