package op

import (
	"strings"
	"testing"

	"brygga/personnummer"
	"brygga/storage"
)

func FuzzClaimsParameter(f *testing.F) {
	h := newHarness(f, nil)
	for _, seed := range []string{
		`{"id_token":{"acr":{"essential":true,"values":["` + DefaultACR + `"]},"name":null}}`, `{"userinfo":{"sub":{"value":"x"}}}`,
		`{"id_token":{"personalNumber":{"value":"` + number + `"}},"userinfo":null}`, `{"id_token":{"personalNumber":{"values":[1,"2"]}}}`, `null`, `[]`, `{`,
	} {
		f.Add(seed, number)
	}
	client := &storage.Client{ID: "web"}
	f.Fuzz(func(t *testing.T, text, hint string) {
		var request storage.AuthRequest
		values := params("web", callback, "claims", text, "login_hint", hint)
		if refusal := checkClaims(h.Provider, client, values, &request); refusal != nil {
			if refusal.code != "invalid_request" && refusal.code != "unmet_authentication_requirements" {
				t.Errorf("%v", refusal)
			}
			return
		}
		if required := request.RequiredPersonalNumber; !required.IsZero() && !personnummer.Valid(required.Reveal()) {
			t.Error("a person is required who has no number")
		}
		if len(request.Claims.IDToken) > maxClaims || len(request.Claims.UserInfo) > maxClaims || request.ACR != DefaultACR {
			t.Errorf("%+v", request)
		}
	})
}

// FuzzRequestObject lets the fuzzer write what stands inside an object that is signed as it should be, and objects as a whole.
func FuzzRequestObject(f *testing.F) {
	h := newHarness(f, unlimited)
	h.add("jar", withKeys(func(c *storage.Client) { c.UnsignedRequestObjects = true }))
	key, _ := objectKeys()
	object := signed(f, key, "", members("jar", nil))
	for _, seed := range []string{
		object, unsigned(f, `{"alg":"none"}`, members("jar", nil)), h.sealed("EC", object), "e30.e30.", "a.b.c.d.e", "", "{}",
	} {
		f.Add(seed, true)
	}
	for _, seed := range []string{
		`"aud":["` + issuer + `",1]`, `"exp":1e999`, `"claims":{"id_token":{}}`, `"max_age":-1`, `"resource":["https://x.example"]`, `"request":"x"`,
		`"redirect_uri":"https://evil.example/"`, `"iat":null,"nbf":0`, `"state":{"a":1}`,
	} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		token := text
		if !whole {
			inner := strings.TrimSuffix(string(mustJSON(members("jar", nil))), "}") + "," + text + "}"
			token = unsigned(t, `{"alg":"none"}`, nil)
			token = strings.Split(token, ".")[0] + "." + base64URL(inner) + "."
		}
		w := h.get("/authorize", beside("jar", token))
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if location := w.Header().Get("Location"); location != "" && !strings.HasPrefix(location, "/login/") && !strings.HasPrefix(location, callback+"?") {
			t.Errorf("%s leads to %s", text, location)
		}
	})
}
