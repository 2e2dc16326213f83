package op

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"brygga/storage"
)

// twoIssuers is twoMethods in which the second eID has certificates of two issuers: hard ones of both levels, and soft ones of the lower.
func twoIssuers(t *testing.T) *harness {
	return twoMethods(t, func(o *Options) {
		o.Methods[1].ACRValues = []string{level3, level2}
		o.Methods[1].Issuers = []MethodIssuer{
			{Name: "hard", AMR: []string{"sc", "pin", "mfa"}},
			{Name: "soft", Provider: "https://soft.example/", ACRValues: []string{level2}, AMR: []string{"hwk", "pin"}},
		}
	})
}

// by is somebody with a certificate of that issuer.
func by(issuer string) storage.Identity {
	i := tagHolder
	i.Issuer = issuer
	return i
}

// TestLevelsOfIssuers: what a login is worth hangs on whose certificate it was. One that cannot meet what the app must have is refused with the app's error,
// and where the app has wished for more it is told what it got.
func TestLevelsOfIssuers(t *testing.T) {
	for _, tt := range []struct {
		name, issuer string
		pairs        []string
		want, acr    string
		amr          []any
	}{
		{"hard, nothing asked", "hard", nil, "", level3, []any{"sc", "pin", "mfa"}},
		{"soft, nothing asked", "soft", nil, "", level2, []any{"hwk", "pin"}},
		{"another's", "else", nil, "", level3, []any{"hwk", "pin"}},
		{"hard, as it must", "hard", []string{"claims", essential(level3)}, "", level3, []any{"sc", "pin", "mfa"}},
		{"soft, as it must", "soft", []string{"claims", essential(level2)}, "", level2, []any{"hwk", "pin"}},
		{"soft, must be hard", "soft", []string{"claims", essential(level3)}, "unmet_authentication_requirements", "", nil},
		{"soft, a wish", "soft", []string{"acr_values", level3}, "", level2, []any{"hwk", "pin"}},
		{"soft, by its name", "soft", []string{paramAuthnProvider, "https://soft.example/"}, "", level2, []any{"hwk", "pin"}},
		{"hard, by the other's name", "hard", []string{paramAuthnProvider, "https://soft.example/"}, "unmet_authentication_requirements", "", nil},
		{"hard, by the name of both", "hard", []string{paramAuthnProvider, "https://tag.example/"}, "", level3, []any{"sc", "pin", "mfa"}},
	} {
		h := twoIssuers(t)
		b := h.browser()
		_, values := redirected(t, h.answer(h.complete(h.begin(params("tag", callback, tt.pairs...)), by(tt.issuer))))
		if got := values.Get("error"); got != tt.want || values.Has("code") != (tt.want == "") {
			t.Errorf("%s: %v", tt.name, values)
			continue
		}
		if tt.want != "" {
			continue
		}
		claims := payload(t, b.redeem("tag", values.Get("code")).IDToken)
		if claims["acr"] != tt.acr || !reflect.DeepEqual(claims["amr"], any(tt.amr)) {
			t.Errorf("%s: acr %v, amr %v", tt.name, claims["acr"], claims["amr"])
		}
	}
}

// TestSessionsOfIssuers: a session is worth what its certificate was.
func TestSessionsOfIssuers(t *testing.T) {
	for _, tt := range []struct {
		issuer string
		pairs  []string
		want   string
	}{
		{"soft", nil, "code"}, {"soft", []string{"claims", essential(level3)}, "login"}, {"soft", []string{"claims", essential(level2)}, "code"},
		{"hard", []string{"claims", essential(level3)}, "code"}, {"hard", []string{paramAuthnProvider, "https://soft.example/"}, "login"},
		{"soft", []string{paramAuthnProvider, "https://soft.example/"}, "code"},
	} {
		b := twoIssuers(t).browser()
		b.logIn(params("tag", callback), by(tt.issuer))
		if got, _ := b.outcome(params("tag", callback, tt.pairs...)); got != tt.want {
			t.Errorf("a session by a %s certificate, for %v: %s, want %s", tt.issuer, tt.pairs, got, tt.want)
		}
	}
}

// TestProvidersAreAnnounced: discovery names each eID and issuer with its levels and means.
func TestProvidersAreAnnounced(t *testing.T) {
	h := twoIssuers(t)
	var document struct {
		ACRValues []string        `json:"acr_values_supported"`
		Providers []authnProvider `json:"urn:brygga:disco:authnProviders"`
	}
	if err := json.Unmarshal(h.newDiscovery(nil).JSON, &document); err != nil {
		t.Fatal(err)
	}
	want := []authnProvider{
		{issuer + "/authn/bankid", []string{level3}, []string{"bankid", "mfa"}},
		{"https://tag.example/", []string{level3, level2}, []string{"hwk", "pin"}},
		{"https://tag.example/", []string{level3, level2}, []string{"sc", "pin", "mfa"}},
		{"https://soft.example/", []string{level2}, []string{"hwk", "pin"}},
	}
	if !reflect.DeepEqual(document.Providers, want) || !slices.Contains(document.ACRValues, level2) {
		t.Errorf("announced are %+v, %v", document.Providers, document.ACRValues)
	}
	if got := h.personOf(new(by("soft")), claimAuthnProvider).AuthnProvider; got != "https://soft.example/" {
		t.Errorf("authnProvider is %q", got)
	}
}
