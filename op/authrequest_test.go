package op

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// TestACR: essential values must be had, all others are wishes, and claims come before acr_values before the client's default
// (OIDC Core §5.5.1.1).
func TestACR(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.ACRValues = []string{level3, level2} })
	h.add("plain", nil)
	h.add("low", func(c *storage.Client) { c.DefaultACRValues = []string{"x", level2} })
	acr := func(how string) string { return `{"id_token":{"acr":` + how + `}}` }
	for _, tc := range []struct{ name, client, claims, values, want string }{
		{"nothing", "plain", "", "", level3},
		{"default", "low", "", "", level2},
		{"voluntary", "plain", "", level2, level2},
		{"voluntary, in order", "plain", "", "x " + level2 + " " + level3, level2},
		{"voluntary over default", "low", "", level3, level3},
		{"voluntary, unknown", "plain", "", "x y", level3},
		{"claims over acr_values", "plain", acr(`{"value":"` + level2 + `"}`), level3, level2},
		{"claims without a value", "plain", acr(`null`), level2, level2},
		{"claims, any, essential", "plain", acr(`{"essential":true}`), "", level3},
		{"claims, unknown", "plain", acr(`{"value":"x"}`), level2, level3},
		{"essential", "plain", acr(`{"essential":true,"value":"` + level2 + `"}`), "", level2},
		{"one of the essential", "plain", acr(`{"essential":true,"values":["x","` + level2 + `"]}`), "", level2},
		{"essential, unknown", "plain", acr(`{"essential":true,"value":"x"}`), level3, "unmet_authentication_requirements"},
		{"essential, all unknown", "low", acr(`{"essential":true,"values":["x","y"]}`), "", "unmet_authentication_requirements"},
		{"a number", "plain", acr(`{"value":3}`), "", "invalid_request"},
		{"empty", "plain", acr(`{"essential":true,"value":""}`), "", "invalid_request"},
		{"at userinfo", "plain", `{"userinfo":{"acr":{"essential":true,"value":"x"}}}`, "", level3},
	} {
		values := params(tc.client, callback, "claims", tc.claims, "acr_values", tc.values)
		got, _ := h.browser().outcome(values)
		if wantsError := !strings.HasPrefix(tc.want, "http"); wantsError || got != "login" {
			if got != tc.want {
				t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
			}
			continue
		}
		b := h.browser()
		if got := payload(t, b.redeem(tc.client, b.logIn(values, person)).IDToken)["acr"]; got != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, got, tc.want)
		}
	}
}

// TestClaimsParameter reads what may stand in it (OIDC Core §5.5).
func TestClaimsParameter(t *testing.T) {
	many := strings.Repeat(`"a":null,`, 101)
	for i := range 101 {
		many = strings.Replace(many, `"a"`, `"a`+string(rune('b'+i%20))+string(rune('b'+i/20))+`"`, 1)
	}
	for text, want := range map[string]string{
		"":                                "",
		"{}":                              "",
		`{"id_token":null,"userinfo":{}}`: "",
		"{\n\t\"id_token\": {\"name\": null, \"birthdate\": {\"essential\": true}}\n}": "birthdate name |",
		`{"userinfo":{"given_name":{"value":"Kim"},"x":{"strange":[1,{}]}}}`:           "| given_name x",
		`{"verified_claims":{"x":1},"id_token":{"a":{"values":[1,true,{"b":null}]}}}`:  "a |",
		`null`:                                  "refused",
		`"x"`:                                   "refused",
		`[]`:                                    "refused",
		`{"id_token":[]}`:                       "refused",
		`{"id_token":{"name":true}}`:            "refused",
		`{"id_token":{"name":{"values":"x"}}}`:  "refused",
		`{"id_token":{"name":{"essential":1}}}`: "refused",
		`{"id_token":{"":null}}`:                "refused",
		`{"id_token":{"a\u0000":null}}`:         "refused",
		`{"id_token":{}} {}`:                    "refused",
		`{"id_token":{` + strings.TrimSuffix(many, ",") + `}}`:              "refused",
		`{"id_token":{"` + strings.Repeat("a", maxClaimName+1) + `":null}}`: "refused",
	} {
		got := "refused"
		if claims, ok := parseClaims(text); ok {
			got = ""
			if all := append(append(names(claims.IDToken), "|"), names(claims.UserInfo)...); len(all) > 1 {
				got = strings.Join(all, " ")
			}
		}
		if got != want {
			t.Errorf("%.80s: %q, want %q", text, got, want)
		}
	}
}

// TestRequiredSubject: the subject of a hint or of claims is the only one that is answered with (OIDC Core §3.1.2.1, §5.5.1).
func TestRequiredSubject(t *testing.T) {
	h := newHarness(t, nil)
	h.add("one", nil)
	h.add("two", nil)
	b := h.browser()
	tokens := b.redeem("one", b.logIn(params("one", callback), person))
	subject := payload(t, tokens.IDToken)["sub"].(string)
	elsewhere := newHarness(t, func(o *Options) { o.Issuer = "https://else.example.se" })
	foreign := elsewhere.tokensOf(params("web", callback)).IDToken
	nobodys, err := ring.Sign(t.Context(), storage.ES256, "JWT", []byte(`{"iss":"`+issuer+`","aud":"one"}`))
	if err != nil {
		t.Fatal(err)
	}
	sub := func(value string) string { return `{"id_token":{"sub":{"value":"` + value + `"}}}` }
	h.move(24 * time.Hour) // the hint has expired
	for _, tc := range []struct {
		name, client string
		pairs        []string
		want         string // who may answer: person, anybody, or an error
	}{
		{"hint", "one", []string{"id_token_hint", tokens.IDToken}, "person"},
		{"hint, encrypted to us", "one", []string{"id_token_hint", h.sealed("EC", tokens.IDToken)}, "person"},
		{"claims", "one", []string{"claims", sub(subject)}, "person"},
		{"claims at userinfo", "one", []string{"claims", `{"userinfo":{"sub":{"values":["` + subject + `"]}}}`}, "person"},
		{"both", "one", []string{"id_token_hint", tokens.IDToken, "claims", sub(subject)}, "person"},
		{"any subject", "one", []string{"claims", `{"id_token":{"sub":{"essential":true}}}`}, "anybody"},
		{"two of them", "one", []string{"id_token_hint", tokens.IDToken, "claims", sub("x")}, "invalid_request"},
		{"one of two", "one", []string{"claims", `{"id_token":{"sub":{"values":["a","b"]}}}`}, "invalid_request"},
		{"a number", "one", []string{"claims", `{"id_token":{"sub":{"value":1}}}`}, "invalid_request"},
		{"another client's hint", "two", []string{"id_token_hint", tokens.IDToken}, "invalid_request"},
		{"another provider's hint", "web", []string{"id_token_hint", foreign}, "invalid_request"},
		{"a hint of nobody", "one", []string{"id_token_hint", nobodys}, "invalid_request"},
		{"no token", "one", []string{"id_token_hint", "x.y.z"}, "invalid_request"},
		{"a hint changed", "one", []string{"id_token_hint", tokens.IDToken[:len(tokens.IDToken)-8] + "AAAAAAAA"}, "invalid_request"},
		{"an encrypted nothing", "one", []string{"id_token_hint", "a.b.c.d.e"}, "invalid_request"},
	} {
		values := params(tc.client, callback, tc.pairs...)
		got, _ := h.browser().outcome(values)
		if wantsError := tc.want != "person" && tc.want != "anybody"; wantsError || got != "login" {
			if got != tc.want {
				t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
			}
			continue
		}
		if code := h.browser().logIn(values, person); code == "" {
			t.Errorf("%s: the person got no code", tc.name)
		}
		if code := h.browser().logIn(values, other); (code != "") != (tc.want == "anybody") {
			t.Errorf("%s: another person got the code %q", tc.name, code)
		}
	}
	login := h.complete(h.begin(params("one", callback, "id_token_hint", tokens.IDToken)), other)
	_, answer := redirected(t, h.answer(login))
	if answer.Get("error") != "login_required" || answer.Get("state") == "" || answer.Get("iss") != issuer {
		t.Errorf("%v", answer)
	}
	if !strings.Contains(h.logs.String(), "SEC_200004") {
		t.Errorf("a wrong person is not in the audit log: %s", h.logs)
	}
}

// RFC 8707 §2.
func TestResourcesOfRequests(t *testing.T) {
	h := newHarness(t, nil)
	h.add("api", func(c *storage.Client) {
		c.Resources = []string{"https://api.example/a", "https://api.example/b", "urn:example:api", "https://api.example/#f", "/relative"}
	})
	values := params("api", callback)
	values["resource"] = []string{"https://api.example/b", "https://api.example/a", "https://api.example/b", ""}
	if got := h.begin(values).Request.Resources; !slices.Equal(got, []string{"https://api.example/b", "https://api.example/a"}) {
		t.Errorf("%v", got)
	}
	if got := h.begin(params("api", callback, "resource", "urn:example:api")).Request.Resources; len(got) != 1 {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"https://api.example/#f", "/relative", "https://api.example/c", "https://api.example/a/", "https://api.example/a\n", "%zz"} {
		if got, _ := h.browser().outcome(params("api", callback, "resource", bad)); got != "invalid_target" {
			t.Errorf("%q: %s", bad, got)
		}
	}
	values["resource"] = slices.Repeat([]string{"https://api.example/a"}, maxResources+1)
	if got, _ := h.browser().outcome(values); got != "invalid_target" {
		t.Errorf("too many: %s", got)
	}
	if got, _ := h.browser().outcome(params("web", callback, "resource", "https://api.example/a")); got != "invalid_target" {
		t.Errorf("a client without resources: %s", got)
	}
}

// What a client's registration fills in, and what is accepted and changes nothing.
func TestDefaultsOfClients(t *testing.T) {
	h := newHarness(t, nil)
	age := int64(600)
	h.add("set", func(c *storage.Client) {
		c.DefaultMaxAge, c.DefaultLocale, c.Scopes = &age, "en", []string{"offline_access", scopeNaturalPersonInfo, scopeNaturalPersonNumber}
	})
	request := h.begin(params("set", callback)).Request
	if *request.MaxAge != 600 || !slices.Equal(request.UILocales, []string{"en"}) {
		t.Errorf("%+v", request)
	}
	request = h.begin(params("set", callback, "max_age", "5", "ui_locales", "sv fi")).Request
	if *request.MaxAge != 5 || !slices.Equal(request.UILocales, []string{"sv", "fi"}) {
		t.Errorf("%+v", request)
	}
	all := "openid profile offline_access email sign " + scopeNaturalPersonInfo + " " + scopeNaturalPersonNumber
	if got := h.begin(params("set", callback, "scope", all)).Request.Scopes; !slices.Equal(got, []string{"openid", "offline_access", scopeNaturalPersonInfo, scopeNaturalPersonNumber}) {
		t.Errorf("%v", got)
	}
	if got := h.begin(params("web", callback, "scope", all)).Request.Scopes; !slices.Equal(got, []string{"openid", "profile"}) {
		t.Errorf("%v", got)
	}
	for _, pairs := range [][]string{
		{"display", "page"}, {"display", "popup"}, {"display", "touch"}, {"display", "wap"}, {"claims_locales", "sv en"}, {"login_hint", "kim@example.se"},
		{"prompt", "consent"}, {"prompt", "select_account"}, {"https://id.oidc.se/param/originalClientId", "x"}, {"audience", "x"},
	} {
		if got, _ := h.browser().outcome(params("web", callback, pairs...)); got != "login" {
			t.Errorf("%v: %s", pairs, got)
		}
	}
}

// TestGrantOfLogin: what the request settled stands in the grant that the token endpoint works from.
func TestGrantOfLogin(t *testing.T) {
	h := newHarness(t, nil)
	client := h.add("all", func(c *storage.Client) {
		c.Scopes, c.Resources, c.BackchannelLogoutURI = []string{"offline_access"}, []string{"https://api.example"}, "https://app.example.se/out"
	})
	login := h.complete(h.begin(params("all", callback, "scope", "openid offline_access", "resource", "https://api.example",
		"claims", `{"id_token":{"name":null},"userinfo":{"birthdate":null}}`)), person)
	answer, code := h.answerTo(client, login.Request, event{identity: login.Identity, at: login.Completed, login: "t"}, h.now())
	g := answer.Grant
	if !g.Offline || !g.Backchannel || !slices.Equal(g.Resources, []string{"https://api.example"}) || !slices.Equal(answer.Code.Resources, g.Resources) ||
		!slices.Equal(g.Claims.IDToken, []string{"name"}) || !slices.Equal(g.Claims.UserInfo, []string{"birthdate"}) || g.Session != "" ||
		g.Expires.Sub(g.Created) != DefaultRefreshLife || g.ACR != DefaultACR || g.TransactionID != h.TransactionID("t", "all") || len(code) != storage.TokenLength {
		t.Errorf("%+v", g)
	}
	web, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	answer, _ = h.answerTo(web, &storage.AuthRequest{Scopes: []string{"openid"}, ACR: level2}, event{identity: &person, acr: level2}, h.now())
	if g = answer.Grant; g.Offline || g.Backchannel || g.Expires.Sub(g.Created) != DefaultCodeLife+DefaultAccessTokenLife || g.ACR != level2 {
		t.Errorf("%+v", g)
	}
}
