package op

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

const (
	orgScope  = storage.ScopeNaturalPersonOrgID
	ourPrefix = "urn:brygga:claim:"
)

// employee is somebody with a card that has no personal number.
func employee() storage.Identity {
	return storage.Identity{
		Method: "card", Name: secret.New("Kim Prov"), GivenName: secret.New("Kim"), Surname: secret.New("Prov"), Email: secret.New("kim@region.example"), Issuer: "Region CA",
		Keys: []storage.PersonKey{
			personKey(storage.KeyHSAID, "SE2321000016-KIM1"), {Name: storage.KeyEmployeeNumber, Issuer: "Region CA", Value: secret.New("1001")},
			personKey(storage.KeyPrincipalName, "kim@region.example"),
		},
		Work:     &storage.Work{Organization: "Region Prov", OrganizationNumber: "2321000016", Unit: "Ward 7", Title: "Nurse"},
		DeviceIP: "192.0.2.17", DeviceName: "iOS", DeviceVersion: "17.5",
	}
}

// atWork is what a client knows of the employee, by short names.
func atWork(claims map[string]any) string {
	var names []string
	for name := range claims {
		short := strings.TrimPrefix(strings.TrimPrefix(name, claimURI), ourPrefix)
		if short != name || slices.Contains([]string{"name", "email", "email_verified"}, name) {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestWorkClaims: what a card says of somebody at work goes where its scope or the claims parameter says, to who has a right to it.
func TestWorkClaims(t *testing.T) {
	const (
		keys   = "employeeNumber hsaId"
		scoped = keys + " name orgAffiliation orgName orgNumber title userPrincipalName"
	)
	asked := []string{claimURI + "orgUnit", claimURI + "orgNumber", ourPrefix + "hsaId", ourPrefix + "deviceName", ourPrefix + "deviceVersion"}
	for _, tt := range []struct {
		name           string
		change         func(*storage.Client)
		scopes, asked  []string
		inToken, atUse string
	}{
		{"nothing asked", func(c *storage.Client) { c.PersonalNumber = true }, nil, nil, "name", "name"},
		{"by the scope", func(c *storage.Client) { c.PersonalNumber, c.Scopes = true, []string{orgScope} }, []string{orgScope}, nil, scoped, scoped},
		{"without the number", func(c *storage.Client) { c.Scopes = []string{orgScope} }, []string{orgScope}, nil, scoped, scoped},
		{"by name", func(c *storage.Client) { c.PersonalNumber = true }, nil, asked, "deviceName deviceVersion hsaId name orgNumber orgUnit", "name"},
		{"by name, without a right", func(*storage.Client) {}, nil, asked, "deviceName deviceVersion", ""},
		{"by the scope, without a right", func(*storage.Client) {}, []string{orgScope}, nil, "", ""},
		{"Swedish", func(c *storage.Client) { c.Profile, c.Scopes = storage.ProfileSwedish, []string{orgScope} }, []string{orgScope}, nil, "orgAffiliation", scoped},
		{"Swedish, by name", func(c *storage.Client) { c.Profile, c.Scopes = storage.ProfileSwedish, []string{orgScope} }, nil, asked, "deviceName deviceVersion hsaId orgNumber orgUnit", ""},
		{"Swedish, by the number's scope", func(c *storage.Client) {
			c.Profile, c.Scopes, c.PersonalNumber = storage.ProfileSwedish, []string{numberScope, infoScope}, true
		}, []string{numberScope, infoScope, orgScope}, asked, "deviceName deviceVersion", "name"},
		{"the address in the certificate", func(c *storage.Client) { c.Claims = map[string]string{"email": storage.SourceCertificate} }, []string{"email"}, nil, "email", "email"},
		{"a stand-in", func(c *storage.Client) { c.Claims = map[string]string{"email": "sub@a.example"} }, []string{"email"}, nil, "email email_verified", "email email_verified"},
		{"no address", func(*storage.Client) {}, []string{"email"}, []string{"email", "email_verified"}, "", ""},
	} {
		h := newHarness(t, nil)
		h.add("work", func(c *storage.Client) {
			c.PersonalNumber, c.Scopes, c.Policy.PersonKeys = false, nil, []string{storage.KeyPersonalNumber, storage.KeyHSAID}
			tt.change(c)
		})
		client, err := h.store.Client(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		kim := employee()
		grant := &storage.Grant{Identity: kim, Subject: h.Subject(client, &kim), Scopes: tt.scopes, Claims: storage.ClaimsRequest{IDToken: tt.asked}}
		inToken, atUse := claimsFor(client, grant, tt.scopes)
		if got := atWork(jsonOf(t, h.claimsOf(client, grant, inToken))); got != tt.inToken {
			t.Errorf("%s: in the ID token %q, want %q", tt.name, got, tt.inToken)
		}
		if got := atWork(jsonOf(t, h.claimsOf(client, grant, atUse))); got != tt.atUse {
			t.Errorf("%s: at userinfo %q, want %q", tt.name, got, tt.atUse)
		}
	}
}

// TestWorkClaimsOfALogin goes the whole way with somebody who has no personal number: the claims of an app that knows people by an HSA-ID.
func TestWorkClaimsOfALogin(t *testing.T) {
	h := newHarness(t, nil)
	h.add("work", func(c *storage.Client) {
		c.Scopes, c.Policy.PersonKeys = []string{orgScope, "profile"}, []string{storage.KeyPersonalNumber, storage.KeyHSAID}
	})
	b := h.browser()
	answer := b.redeem("work", b.logIn(params("work", callback, "scope", "openid profile "+orgScope), employee()))
	claims := payload(t, answer.IDToken)
	for name, want := range map[string]any{
		claimURI + "orgName": "Region Prov", claimURI + "orgNumber": "2321000016", claimURI + "orgAffiliation": "1001@2321000016", ourPrefix + "hsaId": "SE2321000016-KIM1",
		ourPrefix + "userPrincipalName": "kim@region.example", ourPrefix + "employeeNumber": "1001", ourPrefix + "title": "Nurse", "name": "Kim Prov",
		"given_name": "Kim", "personalNumber": nil, "birthdate": nil, claimURI + "personalIdentityNumber": nil, "email": nil, "email_verified": nil,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if status, info := h.userinfo(answer.AccessToken); status != 200 || info["sub"] != claims["sub"] || info[ourPrefix+"hsaId"] != "SE2321000016-KIM1" {
		t.Errorf("userinfo is %d %v", status, info)
	}
}

// TestAffiliation: what somebody is known by within an organization needs both halves.
func TestAffiliation(t *testing.T) {
	kim := employee()
	if got := affiliation(&kim, "2321000016"); got != "1001@2321000016" {
		t.Errorf("by the employer's number: %q", got)
	}
	kim.Keys = kim.Keys[:1]
	if got := affiliation(&kim, "2321000016"); got != "SE2321000016-KIM1@2321000016" {
		t.Errorf("by the HSA-ID: %q", got)
	}
	if affiliation(&kim, "") != "" || affiliation(&person, "2321000016") != "" {
		t.Error("half is enough")
	}
}

// TestCertificatesNameAll: a certificate, and the answer about it, go to who has a right to all that stands in it.
func TestCertificatesNameAll(t *testing.T) {
	h := newHarness(t, nil)
	certificate, answer := claimURI+"userCertificate", claimURI+"authnEvidence"
	both := employee()
	both.PersonalNumber = person.PersonalNumber
	for _, tt := range []struct {
		name   string
		scopes []string
		of     storage.Identity
		want   bool
	}{
		{"a person's, with number and name", []string{numberScope, infoScope}, person, true},
		{"a person's, with work and name", []string{orgScope, infoScope}, person, false},
		{"staff's, with number and name", []string{numberScope, infoScope}, employee(), false},
		{"staff's, with work and name", []string{orgScope, infoScope}, employee(), true},
		{"staff's with a number, without that right", []string{orgScope, infoScope}, both, false},
		{"staff's with a number", []string{orgScope, numberScope, infoScope}, both, true},
	} {
		client := &storage.Client{Profile: storage.ProfileSwedish, Scopes: tt.scopes}
		grant := &storage.Grant{Identity: tt.of, Claims: storage.ClaimsRequest{IDToken: []string{certificate, answer, claimURI + "authnProvider"}}}
		grant.Identity.Evidence = evidence
		inToken, _ := claimsFor(client, grant, nil)
		claims := jsonOf(t, h.claimsOf(client, grant, inToken))
		if (claims[certificate] != nil) != tt.want || (claims[answer] != nil) != tt.want || claims[claimURI+"authnProvider"] == nil {
			t.Errorf("%s: %v", tt.name, claims)
		}
	}
}

// jsonOf returns what is written of v.
func jsonOf(t *testing.T, v any) (members map[string]any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		t.Fatal(err)
	}
	return members
}
