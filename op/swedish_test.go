package op

import (
	"testing"

	"brygga/storage"
)

// The rules that bind clients of the profile, and those alone (Swedish OpenID Connect Profile 1.0).
func TestSwedishRules(t *testing.T) {
	h := newHarness(t, nil)
	h.add("plain", nil)
	h.add("swedish", func(c *storage.Client) { c.Profile = storage.ProfileSwedish })
	h.add("connect", func(c *storage.Client) { c.Profile = storage.ProfileSwedenConnect })
	for _, tc := range []struct {
		name  string
		pairs []string
		want  string // of a client of the profile; others get a login
	}{
		{"in order", nil, "login"},
		{"no state", []string{"state", ""}, "invalid_request"},
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "login"},
		{"BankID", []string{paramAuthnProvider, issuer + "/authn/bankid"}, "login"},
	} {
		for _, client := range []string{"swedish", "connect"} {
			if got, _ := h.browser().outcome(params(client, callback, tc.pairs...)); got != tc.want {
				t.Errorf("%s of %s: %s, want %s", tc.name, client, got, tc.want)
			}
		}
		if got, _ := h.browser().outcome(params("plain", callback, tc.pairs...)); got != "login" {
			t.Errorf("%s of a client without profile: %s", tc.name, got)
		}
	}
	for _, client := range []string{"plain", "swedish", "connect"} {
		if got, _ := h.browser().outcome(params(client, callback, paramAuthnProvider, issuer+"/authn/other")); got != "invalid_request" {
			t.Errorf("another provider, for %s: %s", client, got)
		}
		required := h.begin(params(client, callback, "login_hint", number)).Request.RequiredPersonalNumber
		if required.IsZero() == (client == "plain") {
			t.Errorf("login_hint names a person for %s: %t", client, !required.IsZero())
		}
		claims := `{"id_token":{"https://id.oidc.se/claim/coordinationNumber":{"essential":true,"value":"190101811237"}}}`
		if got, _ := h.browser().outcome(params(client, callback, "claims", claims)); got != "invalid_request" {
			t.Errorf("a coordination number that is none: %s", got)
		}
	}
}
