package op

import (
	"net/url"
	"testing"

	"brygga/storage"
)

// TestRequiredPerson_T11 asks for a person in every way there is, and looks who may then log in.
func TestRequiredPerson_T11(t *testing.T) {
	const other = "198502039822"
	wanting := func(section, name, how string) string { return `{"` + section + `":{"` + name + `":` + how + `}}` }
	tests := []struct {
		name, hint, claims string
		want               string // a number, or "refused"
	}{
		{"nobody", "", "", ""},
		{"hint", number, "", number},
		{"hint that is no number", "kim@example.se", "", ""},
		{"value", "", wanting("id_token", "personalNumber", `{"essential":true,"value":"`+number+`"}`), number},
		{"value at userinfo", "", wanting("userinfo", "personalNumber", `{"value":"`+number+`"}`), number},
		{"value in the Swedish profile", "", wanting("id_token", "https://id.oidc.se/claim/personalIdentityNumber", `{"value":"`+number+`"}`), number},
		{"one of one", "", wanting("id_token", "personalNumber", `{"values":["`+number+`"]}`), number},
		{"the same as the hint", number, wanting("id_token", "personalNumber", `{"value":"`+number+`"}`), number},
		{"any value", "", wanting("id_token", "personalNumber", `null`), ""},
		{"any value, essential", "", wanting("id_token", "personalNumber", `{"essential":true}`), ""},
		{"any value and a hint", number, wanting("id_token", "personalNumber", `null`), number},
		{"another claim", "", wanting("id_token", "name", `{"value":"Kim"}`), ""},
		{"any subject", "", wanting("id_token", "sub", `null`), ""},

		{"another than the hint", other, wanting("id_token", "personalNumber", `{"value":"`+number+`"}`), "refused"},
		{"two persons", "", `{"id_token":{"personalNumber":{"value":"` + number + `"}},"userinfo":{"personalNumber":{"value":"` + other + `"}}}`, "refused"},
		{"one of two", "", wanting("id_token", "personalNumber", `{"values":["`+number+`","`+other+`"]}`), "refused"},
		{"value and values", "", wanting("id_token", "personalNumber", `{"value":"`+number+`","values":["`+other+`"]}`), "refused"},
		{"no number", "", wanting("id_token", "personalNumber", `{"value":"199002304567"}`), "refused"},
		{"not text", "", wanting("id_token", "personalNumber", `{"value":`+number+`}`), "refused"},
		{"empty", "", wanting("id_token", "personalNumber", `{"value":""}`), "refused"},
		{"not JSON", "", `{`, "refused"},
		{"not an object", "", `[]`, "refused"},
		{"claim is text", "", wanting("id_token", "personalNumber", `"`+number+`"`), "refused"},
	}
	p := newHarness(t, nil).Provider
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var request storage.AuthRequest
			refusal := checkClaims(p, &storage.Client{}, url.Values{"login_hint": {tt.hint}, "claims": {tt.claims}}, &request)
			got := request.RequiredPersonalNumber.Reveal()
			if refusal != nil {
				got = "refused"
				if refusal.code != "invalid_request" {
					t.Errorf("refused as %s", refusal.code)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
