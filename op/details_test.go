package op

import (
	"encoding/json"
	"testing"

	"brygga/storage"
)

// TestLoginDetails: a client gets what it is registered for of what the service says of a login, where its profile has it, and for what
// the service has not said no claim stands in.
func TestLoginDetails(t *testing.T) {
	h := newHarness(t, nil)
	const risk, mrtd, issued = "urn:brygga:claim:risk", "urn:brygga:claim:mrtd", "urn:brygga:claim:issueDate"
	all := []string{risk, mrtd, issued}
	told := person
	told.Risk, told.MRTD, told.IssueDate = "moderate", true, "2024-02-03"
	untold := person
	untold.IssueDate = ""
	for _, tt := range []struct {
		name             string
		profile          string
		registered       []string
		identity         storage.Identity
		asked            []string
		wantID, wantInfo string
	}{
		{"without a right", "", nil, told, all, "", ""},
		{"one", "", []string{"risk"}, told, all, risk, risk},
		{"without being asked", "", storage.LoginDetails(), told, nil, sorted(risk + " " + mrtd + " " + issued), sorted(risk + " " + mrtd + " " + issued)},
		{"a word of a newer version", "", []string{"mood", "issue_date"}, told, all, issued, issued},
		{"what nobody said", "", storage.LoginDetails(), untold, all, "", ""},
		{"swedish, not asked", storage.ProfileSwedish, storage.LoginDetails(), told, nil, "", ""},
		{"swedish, asked in the ID token", storage.ProfileSwedish, storage.LoginDetails(), told, []string{mrtd, risk}, sorted(mrtd + " " + risk), ""},
		{"swedish, without a right", storage.ProfileSwedenConnect, nil, told, all, "", ""},
	} {
		client := &storage.Client{Profile: tt.profile, LoginDetails: tt.registered}
		grant := &storage.Grant{Identity: tt.identity, Claims: storage.ClaimsRequest{IDToken: tt.asked}}
		inToken, atUserinfo := claimsFor(client, grant, []string{"openid"})
		for i, want := range []string{tt.wantID, tt.wantInfo} {
			text, err := json.Marshal(h.claimsOf(client, grant, []claimSet{inToken, atUserinfo}[i]))
			var got map[string]any
			if err != nil || json.Unmarshal(text, &got) != nil {
				t.Fatal(err)
			}
			if claimNames(got) != want {
				t.Errorf("%s: %s, want %s", tt.name, claimNames(got), want)
			}
			for name, value := range got {
				if want := map[string]any{risk: "moderate", mrtd: true, issued: "2024-02-03"}[name]; value != want {
					t.Errorf("%s: %s is %v", tt.name, name, value)
				}
			}
		}
	}
}

// TestLoginDetailsStayWithTheClient: no API that reads an access token, by introspection or out of the token itself, learns of them.
func TestLoginDetailsStayWithTheClient(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) {
		c.LoginDetails, c.AccessTokenFormat = storage.LoginDetails(), storage.AccessTokenJWT
	})
	answer := h.tokensOf(params("web", callback))
	if payload(t, answer.IDToken)["urn:brygga:claim:issueDate"] != person.IssueDate {
		t.Fatalf("the ID token has %v", payload(t, answer.IDToken))
	}
	for place, claims := range map[string]map[string]any{
		"introspection":    h.introspected(asWeb, answer.AccessToken, ""),
		"the access token": payload(t, answer.AccessToken),
	} {
		for _, name := range detailClaims.names() {
			if _, has := claims[name]; has {
				t.Errorf("%s has %s", place, name)
			}
		}
	}
}
