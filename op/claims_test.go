package op

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"brygga/personnummer"
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
		{"hint in another spelling", number[2:8] + "+" + number[8:], "", number},
		{"hint with a space", number + " ", "", number},
		{"hint with a wrong digit", number[:11] + string('0'+(number[11]-'0'+1)%10), "", "refused"},
		{"hint of ten digits with a wrong one", number[2:11] + string('0'+(number[11]-'0'+1)%10), "", "refused"},
		{"hint of a telephone", "08-123 456 78", "", ""},
		{"value in another spelling", "", wanting("id_token", "personalNumber", `{"value":"`+number[:8]+"-"+number[8:]+`"}`), number},
		{"value in another spelling than the hint", number[:6] + " " + number[6:], wanting("id_token", "personalNumber", `{"value":"`+number+`"}`), number},
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
			request := storage.AuthRequest{Received: p.now()}
			refusal := checkClaims(p, &storage.Client{PersonalNumber: true}, url.Values{"login_hint": {tt.hint}, "claims": {tt.claims}}, &request)
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

// A client learns whether somebody is the person that it names only where it may learn who it is: with a session and with a login,
// what a client without the right to the number gets is the same for the right number and for every other one.
func TestWhetherIsWhat(t *testing.T) {
	h := newHarness(t, nil)
	in := func(change func(*storage.Client)) func(*storage.Client) {
		return func(c *storage.Client) {
			c.SessionGroup, c.SubjectType = "g", storage.SubjectPairwise
			change(c)
		}
	}
	h.add("entitled", in(func(*storage.Client) {}))
	h.add("none", in(func(c *storage.Client) { c.PersonalNumber, c.Scopes = false, nil }))
	h.add("names", in(func(c *storage.Client) { c.PersonalNumber = false }))
	h.add("swedish", in(func(c *storage.Client) {
		c.Profile, c.Scopes = storage.ProfileSwedish, []string{scopeNaturalPersonInfo}
	}))
	h.add("swedish-number", in(func(c *storage.Client) {
		c.Profile, c.Scopes = storage.ProfileSwedish, []string{scopeNaturalPersonNumber}
	}))
	value := func(part, name, value string) []string {
		return []string{"claims", `{"` + part + `":{"` + name + `":{"essential":true,"value":"` + value + `"}}}`}
	}
	type demand struct {
		name  string
		pairs func(identity storage.Identity) []string
		told  string // the clients that are told, "" for none
	}
	demands := []demand{{"login_hint", func(i storage.Identity) []string { return []string{"login_hint", i.PersonalNumber.Reveal()} }, "entitled"}}
	for _, part := range []string{"id_token", "userinfo"} {
		for _, name := range numberClaims {
			demands = append(demands, demand{part + " " + name, func(i storage.Identity) []string { return value(part, name, i.PersonalNumber.Reveal()) }, "entitled swedish-number"},
				demand{part + " values of " + name, func(i storage.Identity) []string {
					return []string{"claims", `{"` + part + `":{"` + name + `":{"values":["` + i.PersonalNumber.Reveal() + `"]}}}`}
				}, "entitled swedish-number"})
		}
		demands = append(demands,
			demand{part + " name", func(i storage.Identity) []string { return value(part, "name", i.Name.Reveal()) }, ""},
			demand{part + " given_name", func(i storage.Identity) []string { return value(part, "given_name", i.GivenName.Reveal()) }, ""},
			demand{part + " birthdate", func(i storage.Identity) []string { return value(part, "birthdate", birthdate(i)) }, ""},
			demand{part + " userCertificate", func(i storage.Identity) []string {
				return value(part, "https://id.oidc.se/claim/userCertificate", i.Name.Reveal())
			}, ""})
	}
	demands = append(demands, demand{"another client's sub", func(i storage.Identity) []string {
		return value("id_token", "sub", h.subject(&storage.Client{ID: "x", Sector: "x", SubjectType: storage.SubjectPairwise}, i.PersonalNumber))
	}, ""})
	b := h.browser()
	b.logIn(params("entitled", callback), person)
	for _, d := range demands {
		for _, client := range strings.Fields("entitled none names swedish swedish-number") {
			right, wrong := d.pairs(person), d.pairs(other)
			told := slices.Contains(strings.Fields(d.told), client)
			silent := []string{"prompt", "none"}
			rightSession, _ := b.outcome(params(client, callback, append(silent, right...)...))
			wrongSession, _ := b.outcome(params(client, callback, append(silent, wrong...)...))
			if (rightSession != wrongSession) != told {
				t.Errorf("%s, session, %s: %s for the right one, %s for another", client, d.name, rightSession, wrongSession)
			}
			rightLogin, wrongLogin := h.loggedIn(client, right), h.loggedIn(client, wrong)
			if (rightLogin != wrongLogin) != told {
				t.Errorf("%s, login, %s: %s for the right one, %s for another", client, d.name, rightLogin, wrongLogin)
			}
		}
	}
}

// loggedIn lets person log in for a request with the pairs, and returns what comes of it: an error, "code", or whose login it must be.
func (h *harness) loggedIn(client string, pairs []string) string {
	h.t.Helper()
	b := h.browser()
	outcome, _ := b.outcome(params(client, callback, pairs...))
	if outcome != "login" {
		return outcome
	}
	login := h.begin(params(client, callback, pairs...))
	if required := login.Request.RequiredPersonalNumber; !required.IsZero() {
		return "login of " + required.Reveal()
	}
	return outcomeText(h.t, h.answer(h.complete(login, person)))
}

// birthdate returns the person's date of birth as the claim has it.
func birthdate(i storage.Identity) string {
	born, _ := personnummer.Born(i.PersonalNumber)
	return born.String()
}

func outcomeText(t testing.TB, w *httptest.ResponseRecorder) string {
	outcome, _ := outcomeOf(t, w)
	return outcome
}

// TestHintForNaming: a login_hint is kept for the field in which a person is named, where a client may have people named, and binds nobody.
func TestHintForNaming(t *testing.T) {
	const hsaID = "SE2321000016-KIM1"
	may := storage.Client{PersonalNumber: true, TypedIdentifiers: true}
	for name, c := range map[string]struct {
		hint   string
		change func(*storage.Client)
		want   string
	}{
		"an HSA-ID":                            {hsaID, func(*storage.Client) {}, hsaID},
		"no right to have people named":        {hsaID, func(c *storage.Client) { c.TypedIdentifiers = false }, ""},
		"a number of who is required":          {number, func(*storage.Client) {}, ""},
		"a number that the client is not told": {number, func(c *storage.Client) { c.PersonalNumber = false }, number},
		"the Swedish profile":                  {hsaID, func(c *storage.Client) { c.Profile = storage.ProfileSwedish }, ""},
		"too long":                             {strings.Repeat("x", 201), func(*storage.Client) {}, ""},
	} {
		client := may
		c.change(&client)
		p := newHarness(t, nil).Provider
		request := storage.AuthRequest{Received: p.now()}
		if refusal := checkClaims(p, &client, url.Values{"login_hint": {c.hint}}, &request); refusal != nil || request.LoginHint.Reveal() != c.want {
			t.Errorf("%s: kept is %q, %v", name, request.LoginHint.Reveal(), refusal)
		}
	}
}
