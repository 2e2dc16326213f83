package op

import (
	"net/http"
	"reflect"
	"slices"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

// tagHolder has logged in by a second eID.
var tagHolder = storage.Identity{Method: "tag", PersonalNumber: secret.New(number), Name: secret.New("Åsa Öberg")}

// twoMethods is a provider with a second eID, of another level and with words of its own. Clients: one has the first alone, the others as they are
// called.
func twoMethods(t *testing.T, change func(*Options)) *harness {
	h := newHarness(t, func(o *Options) {
		o.ACRValues = []string{level3, level2}
		o.Methods = []Method{
			{Name: "bankid", ACRValues: []string{level3}},
			{Name: "tag", Provider: "https://tag.example/", ACRValues: []string{level2}, AMR: []string{"hwk", "pin"}},
		}
		o.Offered = func(_ *http.Request, client *storage.Client, request *storage.AuthRequest) []string {
			names := client.Methods
			if len(names) == 0 {
				names = []string{"bankid"}
			}
			return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return request.Method != "" && request.Method != name })
		}
		if change != nil {
			change(o)
		}
	})
	for id, methods := range map[string][]string{"first": nil, "tag": {"tag"}, "both": {"tag", "bankid"}} {
		h.add(id, func(c *storage.Client) { c.Methods, c.SessionGroup = methods, "group" })
	}
	return h
}

// TestWhatIsToldOfAMethod: level, means and provider are those of the eID that was used, and not those that were asked for.
func TestWhatIsToldOfAMethod(t *testing.T) {
	h := twoMethods(t, nil)
	bankIDs, tags := []any{"bankid", "mfa"}, []any{"hwk", "pin"}
	for _, tt := range []struct {
		name, client string
		pairs        []string
		by           storage.Identity
		acr          string
		amr          []any
		provider     string
	}{
		{"the first", "first", nil, person, level3, bankIDs, issuer + "/authn/bankid"},
		{"the second", "tag", nil, tagHolder, level2, tags, "https://tag.example/"},
		{"the first of both", "both", nil, person, level3, bankIDs, issuer + "/authn/bankid"},
		{"the second of both", "both", nil, tagHolder, level2, tags, "https://tag.example/"},
		{"a wish that was not met", "both", []string{"acr_values", level3}, tagHolder, level2, tags, "https://tag.example/"},
		{"a wish that nobody meets", "tag", []string{"acr_values", level3}, tagHolder, level2, tags, "https://tag.example/"},
	} {
		b := h.browser()
		claims := payload(t, b.redeem(tt.client, b.logIn(params(tt.client, callback, tt.pairs...), tt.by)).IDToken)
		if got := claims["acr"]; got != tt.acr {
			t.Errorf("%s: acr %v", tt.name, got)
		}
		if !reflect.DeepEqual(claims["amr"], any(tt.amr)) {
			t.Errorf("%s: amr %v", tt.name, claims["amr"])
		}
		if got := claims["https://id.oidc.se/claim/authnProvider"]; got != nil && got != tt.provider {
			t.Errorf("%s: authnProvider %v", tt.name, got)
		}
		if got := h.provider(h.method(tt.by.Method)); got != tt.provider {
			t.Errorf("%s: provider %s", tt.name, got)
		}
	}
}

// TestAuthnProviderOfTheClient: who names a provider gets that one or none, and none that is not the client's.
func TestAuthnProviderOfTheClient(t *testing.T) {
	h := twoMethods(t, nil)
	for _, tt := range []struct{ client, provider, want, method string }{
		{"first", issuer + "/authn/bankid", "login", "bankid"},
		{"first", "https://tag.example/", "invalid_request", ""},
		{"tag", issuer + "/authn/bankid", "invalid_request", ""},
		{"both", "https://tag.example/", "login", "tag"},
		{"both", issuer + "/authn/bankid", "login", "bankid"},
		{"both", issuer + "/authn/tag", "invalid_request", ""},
	} {
		values := params(tt.client, callback, paramAuthnProvider, tt.provider)
		if got, _ := h.browser().outcome(values); got != tt.want {
			t.Errorf("%s asks for %s: %s", tt.client, tt.provider, got)
		} else if got == "login" {
			if method := h.begin(values).Request.Method; method != tt.method {
				t.Errorf("%s asks for %s and gets %q", tt.client, tt.provider, method)
			}
		}
	}
}

// TestLevelOfTheClientsMethods: a level that none of the client's eIDs gives does not exist for it.
func TestLevelOfTheClientsMethods(t *testing.T) {
	h := twoMethods(t, nil)
	for _, tt := range []struct{ client, acr, want string }{
		{"first", level3, "login"}, {"first", level2, "unmet_authentication_requirements"},
		{"tag", level2, "login"}, {"tag", level3, "unmet_authentication_requirements"},
		{"both", level2, "login"}, {"both", level3, "login"},
	} {
		if got, _ := h.browser().outcome(params(tt.client, callback, "claims", essential(tt.acr))); got != tt.want {
			t.Errorf("%s must have %s: %s", tt.client, tt.acr, got)
		}
		if got, _ := h.browser().outcome(params(tt.client, callback, "acr_values", tt.acr)); got != "login" {
			t.Errorf("%s wishes for %s: %s", tt.client, tt.acr, got)
		}
	}
}

// TestNoMethodIsAnError: a request for which no eID is offered ends at its client, in a browser and without one.
func TestNoMethodIsAnError(t *testing.T) {
	h := twoMethods(t, func(o *Options) {
		o.Offered = func(r *http.Request, _ *storage.Client, _ *storage.AuthRequest) []string { return nil }
	})
	if got, _ := h.browser().outcome(params("both", callback)); got != "unmet_authentication_requirements" {
		t.Errorf("a login: %s", got)
	}
	h.addCaller("call", nil)
	if got := decode(t, h.do(h.names())); got.Error != "unmet_authentication_requirements" {
		t.Errorf("a login by telephone: %+v", got)
	}
}

// TestSessionOfAnotherMethod: a session serves those alone who could log in by its eID now.
func TestSessionOfAnotherMethod(t *testing.T) {
	h := twoMethods(t, nil)
	for _, tt := range []struct {
		by     storage.Identity
		client string
		pairs  []string
		want   string
	}{
		{tagHolder, "tag", nil, "code"}, {tagHolder, "both", nil, "code"}, {tagHolder, "first", nil, "login"},
		{tagHolder, "both", []string{paramAuthnProvider, issuer + "/authn/bankid"}, "login"},
		{person, "tag", nil, "login"}, {person, "first", nil, "code"},
	} {
		b := h.browser()
		b.logIn(params("both", callback), tt.by)
		if got, _ := b.outcome(params(tt.client, callback, tt.pairs...)); got != tt.want {
			t.Errorf("a session by %s, for %s: %s, want %s", tt.by.Method, tt.client, got, tt.want)
		}
	}
}
