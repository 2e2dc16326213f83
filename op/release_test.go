package op

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

const (
	infoScope   = "https://id.oidc.se/scope/naturalPersonInfo"
	numberScope = "https://id.oidc.se/scope/naturalPersonNumber"
	claimURI    = "https://id.oidc.se/claim/"
)

var evidence = &storage.Evidence{
	Certificate: []byte("certificate"), OCSP: []byte("ocsp"), ValidFrom: time.Unix(1700000000, 0), ValidTo: time.Unix(1800000000, 0),
}

// Every row is one rule of who gets which claims where. What always stands in an ID token, and sub, is left out of the lists.
func TestRelease(t *testing.T) {
	h := newHarness(t, nil)
	standard := func(scopes ...string) storage.Client { return storage.Client{Scopes: scopes} }
	entitled := func(scopes ...string) storage.Client { return storage.Client{Scopes: scopes, PersonalNumber: true} }
	swedish := func(scopes ...string) storage.Client {
		return storage.Client{Scopes: scopes, Profile: storage.ProfileSwedish}
	}
	sweden := func(scopes ...string) storage.Client {
		return storage.Client{Scopes: scopes, Profile: storage.ProfileSwedenConnect, PersonalNumber: true}
	}
	const ours, profile = "givenName name personalNumber surname", "birthdate family_name given_name name"
	const identity, coordination = claimURI + "personalIdentityNumber", claimURI + "coordinationNumber"
	all := strings.Fields(ours + " " + profile + " " + identity + " " + coordination + " " + claimURI + "userCertificate")
	ofLogin := []string{
		claimURI + "deviceIp", claimURI + "authnProvider", claimURI + "authnEvidence", claimURI + "credentialValidFrom", claimURI + "credentialValidTo",
	}
	for _, test := range []struct {
		name              string
		client            storage.Client
		scopes            string
		idToken, userinfo []string // asked for by name
		wantID, wantInfo  string
	}{
		{"standard, nothing", standard(), "", nil, nil, "", ""},
		{"standard, number", entitled(), "", nil, nil, ours, ours},
		{"standard, profile", standard("profile"), "profile", nil, nil, profile, profile},
		{"standard, both", entitled("profile"), "profile", nil, nil, ours + " " + profile, ours + " " + profile},
		{"standard, scope without registration", standard(), "profile " + infoScope, nil, nil, "", ""},
		{"standard, claims where they are asked for", entitled("profile"), "", []string{"family_name"}, []string{"birthdate"}, ours + " family_name", ours + " birthdate"},
		{"standard, all claims without a right", standard(), "", all, all, "", ""},
		{"standard, all claims with names", standard("profile"), "", all, all, profile + " givenName surname", profile + " givenName surname"},
		{"standard, all claims with the number", entitled(), "", []string{identity, claimURI + "userCertificate"}, nil, ours + " " + identity + " " + claimURI + "userCertificate", ours},
		{"standard, Swedish scopes", entitled(infoScope, numberScope), infoScope + " " + numberScope, nil, nil, ours + " " + identity, ours + " " + profile + " " + identity},
		{"standard, no number by a Swedish scope", standard(infoScope, numberScope), infoScope + " " + numberScope, nil, nil, "", profile},
		{"standard, no number by a Swedish claim", standard(infoScope, numberScope), "", []string{identity, coordination, "personalNumber"}, []string{identity, claimURI + "userCertificate"}, "", ""},
		{"unknown claims", entitled("profile"), "", []string{"email", ""}, []string{"middle_name", "phone_number"}, ours, ours},

		{"swedish, nothing", swedish(infoScope, numberScope), "", nil, nil, "", ""},
		{"swedish, nothing, whatever the right to our claims", sweden(infoScope, numberScope), "", nil, nil, "", ""},
		{"swedish, info", swedish(infoScope, numberScope), infoScope, nil, nil, "", profile},
		{"swedish, number", swedish(infoScope, numberScope), numberScope, nil, nil, identity, identity},
		{"swedish, both", sweden(infoScope, numberScope), numberScope + " " + infoScope, nil, nil, identity, profile + " " + identity},
		{"swedish, profile", swedish("profile"), "profile", nil, nil, "", profile},
		{"swedish, a name in the ID token", swedish(infoScope), "", []string{"given_name"}, nil, "given_name", ""},
		{"swedish, a name in both", swedish(infoScope), infoScope, []string{"given_name"}, nil, "given_name", profile},
		{"swedish, claims at userinfo", swedish(infoScope, numberScope), "", nil, []string{"name", identity}, "", "name " + identity},
		{"swedish, the number without its scope", sweden(infoScope), numberScope, []string{identity, coordination, "personalNumber"}, []string{identity, claimURI + "userCertificate"}, "", ""},
		{"swedish, names without their scope", sweden(numberScope), infoScope, []string{"name", "birthdate"}, []string{"given_name", claimURI + "userCertificate"}, "", ""},
		{"swedish, the certificate", swedish(infoScope, numberScope), "", []string{claimURI + "userCertificate"}, nil, claimURI + "userCertificate", ""},
		{"swedish, of the login", swedish(), "", ofLogin, nil, claimURI + "authnProvider " + claimURI + "deviceIp", ""},
		{"swedish, of the login with names", swedish(infoScope), "", ofLogin, nil,
			claimURI + "authnProvider " + claimURI + "credentialValidFrom " + claimURI + "credentialValidTo " + claimURI + "deviceIp", ""},
		{"swedish, of the login with the number", swedish(numberScope), "", ofLogin, nil, strings.Join(ofLogin, " "), ""},
		{"of the login, at userinfo", swedish(), "", nil, []string{"acr", "amr", "auth_time", "txn"}, "", "acr amr auth_time txn"},
	} {
		client := test.client
		client.ID, client.IDTokenAlg = "web", storage.ES256
		grant := &storage.Grant{
			Identity: person, Claims: storage.ClaimsRequest{IDToken: test.idToken, UserInfo: test.userinfo}, ACR: "level", AMR: []string{"mfa"},
			AuthTime: time.Unix(1, 0), TransactionID: "login",
		}
		grant.Identity.Evidence = evidence
		scopes := append([]string{"openid"}, strings.Fields(test.scopes)...)
		token, err := h.idToken(t.Context(), &issue{client: &client, grant: grant, scopes: scopes, now: h.now()}, "access token")
		if err != nil {
			t.Fatal(err)
		}
		inToken := payload(t, token)
		for _, name := range strings.Fields("iss sub aud exp iat auth_time acr amr azp sid txn at_hash") {
			if _, has := inToken[name]; !has {
				t.Errorf("%s: no %s in the ID token", test.name, name)
			}
			delete(inToken, name)
		}
		if got := claimNames(inToken); got != sorted(test.wantID) {
			t.Errorf("%s: ID token\n got %s\nwant %s", test.name, got, sorted(test.wantID))
		}
		text, err := json.Marshal(h.userClaims(&client, grant, scopes))
		if err != nil {
			t.Fatal(err)
		}
		var atUserinfo map[string]any
		if err := json.Unmarshal(text, &atUserinfo); err != nil {
			t.Fatal(err)
		}
		delete(atUserinfo, "sub")
		if got := claimNames(atUserinfo); got != sorted(test.wantInfo) {
			t.Errorf("%s: userinfo\n got %s\nwant %s", test.name, got, sorted(test.wantInfo))
		}
	}
}

// sorted returns the names in order, each once.
func sorted(names string) string {
	all := strings.Fields(names)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

func TestClaimValues(t *testing.T) {
	h := newHarness(t, nil)
	identity := person
	identity.Evidence = evidence
	all := ^claimSet(0)
	coordinated := identity
	coordinated.PersonalNumber = secret.New("189001619806")
	uncertain := identity
	uncertain.PersonalNumber = secret.New("191500722390") // the register does not know the month
	for _, test := range []struct {
		identity                      storage.Identity
		number, coordination, birtday string
	}{{identity, number, "", "1890-01-01"}, {coordinated, "", "189001619806", "1890-01-01"}, {uncertain, "", "191500722390", "1915"}, {storage.Identity{Evidence: evidence}, "", "", ""}} {
		c := h.personOf(&test.identity, all)
		if c.IdentityNumber != test.number || c.CoordinationNumber != test.coordination || c.Birthdate != test.birtday {
			t.Errorf("%+v", c)
		}
		if c.PersonalNumber != test.number+test.coordination {
			t.Errorf("personalNumber %q", c.PersonalNumber)
		}
		encode := base64.StdEncoding.EncodeToString
		if c.UserCertificate != encode(evidence.Certificate) || c.AuthnEvidence != encode(evidence.OCSP) || c.ValidFrom != 1700000000 ||
			c.ValidTo != 1800000000 {
			t.Errorf("%+v", c)
		}
	}
	c := h.personOf(&identity, all)
	if c.AuthnProvider != issuer+"/authn/bankid" || c.DeviceIP != "192.0.2.1" || c.Name != "Åsa Öberg" || c.GivenName != "Åsa" || c.FamilyName != "Öberg" {
		t.Errorf("%+v", c)
	}
	identity.GivenName, identity.Name = secret.String{}, identity.Surname // people who have one name
	if text, err := json.Marshal(h.personOf(&identity, all)); err != nil || strings.Contains(string(text), "iven") || !strings.Contains(string(text), `"family_name":"Öberg"`) {
		t.Errorf("a person with one name: %s, %v", text, err)
	}
	if c := h.personOf(&person, all); c.UserCertificate != "" || c.ValidTo != 0 {
		t.Errorf("evidence that nobody gave: %+v", c)
	}
}

// Names of claims stand in two places, which must not come apart.
func TestEveryClaimIsNamed(t *testing.T) {
	h := newHarness(t, nil)
	identity := employee()
	identity.PersonalNumber, identity.Evidence = person.PersonalNumber, evidence
	for _, name := range claimSet(allNumbers | nameClaims | loginClaims | evidenceClaims | workClaims).names() {
		number := identity
		if name == claimURI+"coordinationNumber" {
			number.PersonalNumber = secret.New("189001619806")
		}
		client := &storage.Client{PersonalNumber: true}
		grant := &storage.Grant{Identity: number, AuthTime: time.Unix(1, 0), ACR: "level", AMR: []string{"mfa"}, TransactionID: "login"}
		grant.Claims.UserInfo = []string{name}
		text, err := json.Marshal(h.userClaims(client, grant, nil))
		if err != nil || !strings.Contains(string(text), `"`+name+`":`) {
			t.Errorf("%s cannot be had: %s", name, text)
		}
		if !slices.Contains((&Provider{}).claimsSupported(), name) {
			t.Errorf("%s is not offered", name)
		}
	}
}

// A right that is taken from a client is gone at once.
func TestRightsAreThoseOfNow(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) {
		c.Profile, c.Scopes = storage.ProfileSwedish, []string{infoScope, numberScope}
	})
	answer := h.grantTokens([]string{"openid", infoScope, numberScope}, nil)
	if _, claims := h.userinfo(answer.AccessToken); claims[claimURI+"personalIdentityNumber"] != number || claims["name"] == nil {
		t.Errorf("%v", claims)
	}
	h.change("web", func(c *storage.Client) { c.Scopes = nil })
	if status, claims := h.userinfo(answer.AccessToken); status != http.StatusOK || claimNames(claims) != "sub" {
		t.Errorf("%d %v", status, claims)
	}
}

func TestSwedishIDTokenLife(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.IDTokenLife = time.Hour })
	life := func() float64 {
		claims := payload(t, h.grantTokens([]string{"openid"}, nil).IDToken)
		return claims["exp"].(float64) - claims["iat"].(float64)
	}
	if got := life(); got != 3600 {
		t.Errorf("standard: %v s", got)
	}
	for _, profile := range []string{storage.ProfileSwedish, storage.ProfileSwedenConnect} {
		h.change("web", func(c *storage.Client) { c.Profile = profile })
		if got := life(); got != 300 {
			t.Errorf("%s: %v s", profile, got)
		}
	}
}

// The table of claims has each once, by the names that the structs write, and each is for those who have one right.
func TestClaimsTable(t *testing.T) {
	var all claimSet
	seen := map[string]bool{}
	for _, claim := range releasable {
		if claim.bit == 0 || claim.bit&(claim.bit-1) != 0 || all&claim.bit != 0 || seen[claim.name] {
			t.Errorf("%s has bits %b, beside %b", claim.name, claim.bit, all)
		}
		all, seen[claim.name] = all|claim.bit, true
		groups := 0
		for _, group := range []claimSet{allNumbers, nameClaims, loginClaims, validClaims, claimUserCertificate, claimAuthnEvidence, operatorClaims, detailClaims, workClaims} {
			if claim.bit&group != 0 {
				groups++
			}
		}
		if groups != 1 {
			t.Errorf("%s is in %d groups", claim.name, groups)
		}
		if got := claimsNamed([]string{claim.name}); got != claim.bit {
			t.Errorf("%s names %b", claim.name, got)
		}
	}
	if all != claimDeviceVersion<<1-1 {
		t.Errorf("the table has %b", all)
	}
	written := map[string]bool{}
	for _, structure := range []reflect.Type{reflect.TypeFor[personClaims](), reflect.TypeFor[workplace](), reflect.TypeFor[givenByOperator](), reflect.TypeFor[userClaims]()} {
		for i := range structure.NumField() {
			if name, _, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ","); name != "" {
				written[name] = true
			}
		}
	}
	for _, protocol := range []string{"iss", "sub", "aud"} {
		delete(written, protocol)
	}
	if !maps.Equal(written, seen) {
		t.Errorf("written are %v, in the table %v", written, seen)
	}
}
