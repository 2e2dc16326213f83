package op

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// subjectA and subjectB differ in the case of letters alone.
const (
	subjectA = "-Ab4kZzZ0mM1nN2bB3vV4cC5xX6zZ7lL8kK9jJ0hHgg"
	subjectB = "-ab4kZzZ0mM1nN2bB3vV4cC5xX6zZ7lL8kK9jJ0hHgg"
)

// grantOf returns a grant of a person, for which the claims were asked for by name at both places.
func grantOf(subject string, asked ...string) *storage.Grant {
	return &storage.Grant{
		Identity: person, Subject: subject, Claims: storage.ClaimsRequest{IDToken: asked, UserInfo: asked}, ACR: "level", AMR: []string{"mfa"},
		AuthTime: time.Unix(1, 0), TransactionID: "login",
	}
}

// TestGivenClaims: an app gets the claims that an operator gave it, and none for the asking.
func TestGivenClaims(t *testing.T) {
	h := newHarness(t, nil)
	given := func(claims map[string]string, groups map[string]string) storage.Client {
		return storage.Client{Claims: claims, Groups: groups}
	}
	as := func(c storage.Client, profile string, scopes ...string) storage.Client {
		c.Profile, c.Scopes = profile, scopes
		return c
	}
	username := func(source string) map[string]string { return map[string]string{"preferred_username": source} }
	mail := map[string]string{"email": "sub@people.example.se"}
	staff := map[string]string{"staff": storage.GroupOfAll, "admins": subjectB + " " + subjectA, "owners": subjectB}
	everything := []string{"preferred_username", "email", "email_verified", "groups", "personalNumber", "name"}
	numbered := given(username("personalNumber"), nil)
	numbered.PersonalNumber = true
	for _, tt := range []struct {
		name             string
		client           storage.Client
		scopes           string
		asked            []string
		wantID, wantInfo string
	}{
		{"nothing", given(nil, nil), "email profile", everything, "", ""},
		{"all", given(map[string]string{"preferred_username": "sub", "email": "sub@people.example.se"}, staff), "", nil,
			"email email_verified groups preferred_username", "email email_verified groups preferred_username"},
		{"a name for the app alone", given(username("sub"), nil), "", everything, "preferred_username", "preferred_username"},
		{"an address", given(mail, nil), "email", nil, "email email_verified", "email email_verified"},
		{"groups that the person is not in", given(nil, map[string]string{"owners": subjectB}), "", nil, "", ""},
		{"the number, with a right to it", numbered, "", nil, "givenName name personalNumber preferred_username surname", "givenName name personalNumber preferred_username surname"},
		{"the number, without a right", given(username("personalNumber"), nil), "", everything, "", ""},
		{"the name, without a right", given(username("name"), nil), "", everything, "", ""},
		{"the number, with a right to names", as(given(username("personalNumber"), nil), "", "profile"), "", nil, "", ""},
		{"the name, with a scope for it", as(given(username("name"), nil), "", "profile"), "", nil, "preferred_username", "preferred_username"},
		{"a source that is none", given(username("birthdate"), nil), "", everything, "", ""},

		{"Swedish, nothing asked", as(given(mail, staff), storage.ProfileSwedish), "", nil, "", ""},
		{"Swedish, by scope", as(given(mail, staff), storage.ProfileSwedish), "email", nil, "", "email email_verified"},
		{"Swedish, by claims", as(given(mail, staff), storage.ProfileSwedish), "", []string{"email", "groups"}, "email groups", "email groups"},
		{"Swedish, a name by scope", as(given(username("sub"), nil), storage.ProfileSwedish, "profile"), "profile", nil, "",
			"birthdate family_name given_name name preferred_username"},
		{"Swedish, the number without its scope", as(numbered, storage.ProfileSwedish, infoScope), "", everything, "name", "name"},
		{"Swedish, the name without its scope", as(given(username("name"), nil), storage.ProfileSwedish, numberScope), "", everything, "personalNumber", "personalNumber"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := tt.client
			client.ID, client.IDTokenAlg = "web", storage.ES256
			grant, scopes := grantOf(subjectA, tt.asked...), append([]string{"openid"}, strings.Fields(tt.scopes)...)
			token, err := h.idToken(t.Context(), &issue{client: &client, grant: grant, scopes: scopes, now: h.now()}, "access token")
			if err != nil {
				t.Fatal(err)
			}
			inToken := payload(t, token)
			for _, name := range strings.Fields("iss sub aud exp iat auth_time acr amr azp sid txn at_hash") {
				delete(inToken, name)
			}
			if got := claimNames(inToken); got != tt.wantID {
				t.Errorf("ID token\n got %s\nwant %s", got, tt.wantID)
			}
			var atUserinfo map[string]any
			text, err := json.Marshal(h.userClaims(&client, grant, scopes))
			if err != nil || json.Unmarshal(text, &atUserinfo) != nil {
				t.Fatal(err)
			}
			delete(atUserinfo, "sub")
			if got := claimNames(atUserinfo); got != tt.wantInfo {
				t.Errorf("userinfo\n got %s\nwant %s", got, tt.wantInfo)
			}
			if inToken["email_verified"] == true || atUserinfo["email_verified"] == true {
				t.Error("an address that nobody has is verified")
			}
		})
	}
}

func TestGivenValues(t *testing.T) {
	client := &storage.Client{
		PersonalNumber: true, Claims: map[string]string{"preferred_username": "sub", "email": "sub@people.example.se"},
		Groups: map[string]string{"staff": storage.GroupOfAll, "admins": subjectB + " " + subjectA, "owners": subjectB},
	}
	got := givenTo(client, grantOf(subjectA), operatorClaims)
	if got.Username != subjectA || !slices.Equal(got.Groups, []string{"admins", "staff"}) || got.EmailVerified == nil || *got.EmailVerified {
		t.Errorf("given %+v", got)
	}
	// What apps do with addresses: small letters, a length, no odd sign at the beginning, one for each person.
	other := givenTo(client, grantOf(subjectB), operatorClaims)
	local, domain, _ := strings.Cut(got.Email, "@")
	if strings.ToLower(got.Email) != got.Email || len(local) != 52 || strings.Trim(local, "abcdefghijklmnopqrstuvwxyz234567") != "" || domain != "people.example.se" || other.Email == got.Email {
		t.Errorf("addresses %s and %s", got.Email, other.Email)
	}
	if again := givenTo(client, grantOf(subjectA), operatorClaims); again.Email != got.Email {
		t.Errorf("the address changes: %s, then %s", got.Email, again.Email)
	}
	for source, want := range map[string]string{"name": person.Name.Reveal(), "personalNumber": person.PersonalNumber.Reveal()} {
		client.Claims = map[string]string{"preferred_username": source}
		if got := givenTo(client, grantOf(subjectA), operatorClaims).Username; got != want {
			t.Errorf("from %s: %q", source, got)
		}
	}
	if got := standIn("no subject", "sub@people.example.se"); got != "" {
		t.Errorf("the address of nobody is %s", got)
	}
}

// TestGivenClaimsAtLogin goes through the front door, with a right that is taken away while the access token lives.
func TestGivenClaimsAtLogin(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) {
		c.PersonalNumber, c.Claims = true, map[string]string{"preferred_username": "personalNumber", "email": "sub@app.invalid"}
		c.Scopes = nil
	})
	answer := h.tokensOf(params("web", callback, "scope", "openid profile email"))
	if answer.Scope != "openid email" {
		t.Errorf("granted %q", answer.Scope)
	}
	_, atUserinfo := h.userinfo(answer.AccessToken)
	for where, claims := range map[string]map[string]any{"ID token": payload(t, answer.IDToken), "userinfo": atUserinfo} {
		mail, _ := claims["email"].(string)
		if claims["preferred_username"] != person.PersonalNumber.Reveal() || claims["email_verified"] != false || !strings.HasSuffix(mail, "@app.invalid") {
			t.Errorf("%s: %v", where, claims)
		}
	}
	h.change("web", func(c *storage.Client) { c.PersonalNumber = false })
	if _, claims := h.userinfo(answer.AccessToken); claims["preferred_username"] != nil || claims["email"] == nil {
		t.Errorf("the number is given without a right: %v", claims)
	}
}
