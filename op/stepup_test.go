package op

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"brygga/storage"
)

// The levels of stepHouse with demands of their own. Nobody of it may have byCard.
const (
	passport = "https://login.example.se/acr/passport"
	byCard   = "https://login.example.se/acr/card"
)

// stepHouse has clients that share a session: one may ask for a login with a passport, plain for none.
func stepHouse(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, func(o *Options) {
		o.Methods = append(o.Methods, Method{Name: "tag"})
		o.ACRValues = []string{level3, level2}
		o.ACRPolicies = map[string]storage.Policy{passport: {MRTD: "yes", PinCode: "yes"}, byCard: {CertificatePolicies: []string{"1.2.752.78.1.2"}}}
	})
	for id, change := range map[string]func(*storage.Client){
		"one": func(c *storage.Client) { c.ACRValues = []string{passport} },
		"other": func(c *storage.Client) {
			c.ACRValues = []string{passport}
			c.Policy.ModerateRisk = storage.ActionRefuse
		},
		"phones": func(c *storage.Client) {
			c.ACRValues = []string{byCard}
			c.Policy.CertificatePolicies = []string{"1.2.752.78.1.5"}
		},
		"teller": func(c *storage.Client) { c.LoginDetails = []string{storage.DetailMRTD} },
		"always": func(c *storage.Client) { c.ACRValues = []string{passport}; c.DefaultACRValues = []string{passport} },
		"plain":  func(*storage.Client) {},
		"tags": func(c *storage.Client) {
			c.ACRValues, c.LoginDetails, c.Methods = []string{passport}, storage.LoginDetails(), []string{"tag"}
		},
	} {
		h.add(id, func(c *storage.Client) { c.SessionGroup = "hr"; change(c) })
	}
	return h
}

func essential(acr ...string) string {
	return `{"id_token":{"acr":{"essential":true,"values":["` + strings.Join(acr, `","`) + `"]}}}`
}

// TestStepUp: which acr a request is for, and what is demanded of its login. A level with demands of its own is for those who are registered
// for it and can meet it; for others it is a level that there is not.
func TestStepUp(t *testing.T) {
	h := stepHouse(t)
	const document = `{"id_token":{"urn:brygga:claim:mrtd":`
	for _, tt := range []struct {
		name, client, values, claims string
		want                         string // the acr, or an error
		mrtd                         bool
	}{
		{"nothing asked", "one", "", "", level3, false},
		{"asked", "one", passport, "", passport, true},
		{"essential", "one", "", essential(passport), passport, true},
		{"preferred", "one", passport + " " + level3, "", passport, true},
		{"not preferred", "one", level3 + " " + passport, "", level3, false},
		{"essential over a wish", "one", level3, essential(passport), passport, true},
		{"by default", "always", "", "", passport, true},
		{"another than the default", "always", level2, "", level2, false},

		{"without leave", "plain", passport, "", level3, false},
		{"without leave, essential", "plain", "", essential(passport), "unmet_authentication_requirements", false},
		{"without leave, one of the essential", "plain", "", essential(passport, level2), level2, false},
		{"another's", "one", byCard, "", level3, false},
		{"against its own policy", "phones", byCard, "", level3, false},
		{"against its own policy, essential", "phones", "", essential(byCard), "unmet_authentication_requirements", false},

		{"a document", "teller", "", document + `{"essential":true,"value":true}}}`, level3, true},
		{"a document, at userinfo", "teller", "", `{"userinfo":{"urn:brygga:claim:mrtd":{"essential":true,"value":true}}}`, level3, true},
		{"a document as a wish", "teller", "", document + `{"value":true}}}`, level3, false},
		{"whether a document", "teller", "", document + `{"essential":true}}}`, level3, false},
		{"no document", "teller", "", document + `{"essential":true,"value":false}}}`, level3, false},
		{"of an eID that takes no notice", "tags", passport, "", level3, false},
		{"of an eID that takes no notice, essential", "tags", "", essential(passport), "unmet_authentication_requirements", false},
		{"a document, of an eID that takes no notice", "tags", "", document + `{"essential":true,"value":true}}}`, "unmet_authentication_requirements", false},
		{"a document without a right", "plain", "", document + `{"essential":true,"value":true}}}`, "unmet_authentication_requirements", false},
	} {
		client, err := h.store.Client(t.Context(), tt.client)
		if err != nil {
			t.Fatal(err)
		}
		request := storage.AuthRequest{Received: h.now()}
		refusal := checkClaims(h.Provider, client, url.Values{"acr_values": {tt.values}, "claims": {tt.claims}}, &request)
		got := request.ACR
		if refusal != nil {
			got = refusal.code
		}
		if got != tt.want || refusal == nil && request.StepUp.MRTD.On() != tt.mrtd {
			t.Errorf("%s: %s, demanding %+v", tt.name, got, request.StepUp)
		}
	}
}

// TestStepUpAndSessions: a session serves what its login has met and nothing more, and the answer names no level that the login has not.
func TestStepUpAndSessions(t *testing.T) {
	h := stepHouse(t)
	document := []string{"claims", `{"id_token":{"urn:brygga:claim:mrtd":{"essential":true,"value":true}}}`}
	for _, tt := range []struct {
		name, first string
		with        []string // what the first login was asked for with
		then        string
		pairs       []string
		want        string // the acr of an answer from the session, or login
	}{
		{"a step up", "one", nil, "one", []string{"acr_values", passport}, "login"},
		{"a step up, essential", "one", nil, "one", []string{"claims", essential(passport)}, "login"},
		{"a step up, with a lesser one as well", "one", nil, "one", []string{"acr_values", passport + " " + level3}, "login"},
		{"a step up, with a lesser one as well, essential", "one", nil, "one", []string{"claims", essential(passport, level3)}, "login"},
		{"a lesser one rather", "one", nil, "one", []string{"acr_values", level3 + " " + passport}, level3},
		{"by default", "one", nil, "always", nil, "login"},
		{"a document", "plain", nil, "teller", document, "login"},

		{"again", "one", []string{"acr_values", passport}, "one", []string{"acr_values", passport}, passport},
		{"again, essential", "one", []string{"acr_values", passport}, "one", []string{"claims", essential(passport)}, passport},
		{"by default, again", "one", []string{"acr_values", passport}, "always", nil, passport},
		{"less", "one", []string{"acr_values", passport}, "one", nil, level3},
		{"less, of one that may not have more", "one", []string{"acr_values", passport}, "plain", nil, level3},
		{"less, by a wish that it cannot have", "one", []string{"acr_values", passport}, "plain", []string{"acr_values", passport}, level3},
		{"less, by name", "one", []string{"acr_values", passport}, "plain", []string{"acr_values", level3}, level3},
		{"another level", "one", []string{"acr_values", passport}, "one", []string{"acr_values", level2}, "login"},
		{"another policy", "one", []string{"acr_values", passport}, "other", []string{"acr_values", passport}, "login"},
		{"more than the level", "one", []string{"acr_values", passport}, "one", []string{"acr_values", passport, "max_age", "0"}, "login"},
		{"a document, by who may have the level", "teller", document, "one", []string{"acr_values", passport}, "login"},
		{"a document again", "teller", document, "teller", document, level3},
	} {
		b := h.browser()
		b.logIn(params(tt.first, callback, tt.with...), person)
		got, code := b.outcome(params(tt.then, callback, tt.pairs...))
		if got == "code" {
			got, _ = payload(t, b.redeem(tt.then, code).IDToken)["acr"].(string)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if none, _ := b.outcome(params(tt.then, callback, append(slices.Clone(tt.pairs), "prompt", "none")...)); (none == "code") != (tt.want != "login") {
			t.Errorf("%s, prompt=none: %s", tt.name, none)
		}
	}
}

// TestStepUpAndLevelsOfMethods: a session that was stepped up answers a request for no level with one that its eID gives, as a login by that does.
func TestStepUpAndLevelsOfMethods(t *testing.T) {
	h := stepHouse(t)
	h.o.Methods = []Method{{Name: "bankid", Demands: true, ACRValues: []string{level2, passport}}, {Name: "tag", ACRValues: []string{level3}}}
	for _, pairs := range [][]string{nil, {"acr_values", level3}} {
		b := h.browser()
		b.logIn(params("one", callback, "acr_values", passport), person)
		got, code := b.outcome(params("plain", callback, pairs...))
		if got != "code" {
			t.Fatalf("%v: %s", pairs, got)
		}
		if acr := payload(t, b.redeem("plain", code).IDToken)["acr"]; acr != level2 {
			t.Errorf("%v is answered with %v", pairs, acr)
		}
	}
}

// TestStepUpOfBefore: a session for a level whose demands have grown, or that there is no more, serves nobody who asks for it.
func TestStepUpOfBefore(t *testing.T) {
	for name, then := range map[string]map[string]storage.Policy{
		"grown": {passport: {MRTD: "yes", PinCode: "yes", HighRisk: storage.ActionRefuse, ModerateRisk: storage.ActionRefuse}}, "gone": nil,
	} {
		h := stepHouse(t)
		b := h.browser()
		b.logIn(params("one", callback, "acr_values", passport), person)
		h.o.ACRPolicies = then
		for _, pairs := range [][]string{{"acr_values", passport}, nil} {
			if got, _ := b.outcome(params("one", callback, pairs...)); got != "login" {
				t.Errorf("%s, %v: %s", name, pairs, got)
			}
		}
	}
}

// TestStepUpByAnotherMethod: a login that was made by an eID which takes no notice of demands does not have the level that was asked for, however it
// came to be made.
func TestStepUpByAnotherMethod(t *testing.T) {
	h := stepHouse(t)
	for method, want := range map[string]string{"bankid": passport, "tag": level3, "gone": level3} {
		if got := h.acrOf(&storage.AuthRequest{ACR: passport}, &storage.Identity{Method: method}); got != want {
			t.Errorf("%s gives %s", method, got)
		}
	}
}

// TestStepUpAndRefresh: a refresh tells of the login that there was, whatever it asks for.
func TestStepUpAndRefresh(t *testing.T) {
	h := stepHouse(t)
	h.change("web", func(c *storage.Client) {
		c.Scopes, c.ACRValues = append(c.Scopes, "offline_access"), []string{passport}
	})
	first := h.tokensOf(params("web", callback, "scope", "openid offline_access"))
	again := h.ok(refreshing(first.RefreshToken, "acr_values", passport, "claims", essential(passport)))
	if acr := payload(t, again.IDToken)["acr"]; acr != level3 {
		t.Errorf("refreshed to %v", acr)
	}
}

// TestStepUpIsOffered: discovery has the levels that there are, and one cannot be both free and dear.
func TestStepUpIsOffered(t *testing.T) {
	h := stepHouse(t)
	if got := h.acrValues(); !slices.Equal(got, []string{level3, level2, byCard, passport}) {
		t.Errorf("offered are %v", got)
	}
	o := h.options
	o.ACRPolicies = maps.Clone(o.ACRPolicies)
	o.ACRPolicies[level2] = storage.Policy{MRTD: "yes"}
	if _, err := New(o); err == nil {
		t.Error("a level stands both with demands and without")
	}
}
