package op

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

const api, otherAPI = "https://api.example.se", "https://other.example.se"

func withResources(resources ...string) func(*storage.AuthRequest) {
	return func(r *storage.AuthRequest) { r.Resources = resources }
}

func TestJWTAccessToken(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) { c.AccessTokenFormat = storage.AccessTokenJWT })
	answer := h.grantTokens([]string{"openid", "profile"}, nil)
	if _, err := ring.Verify(answer.AccessToken, "at+jwt"); err != nil {
		t.Fatal(err)
	}
	if got := header(t, answer.AccessToken); got.Alg != "ES256" || got.Typ != "at+jwt" || got.Kid == "" {
		t.Errorf("header %+v", got)
	}
	claims, inToken := payload(t, answer.AccessToken), payload(t, answer.IDToken)
	for name, want := range map[string]any{
		"iss": issuer, "sub": inToken["sub"], "aud": issuer, "client_id": "web", "scope": "openid profile", "auth_time": inToken["auth_time"],
		"acr": DefaultACR, "iat": inToken["iat"], "exp": inToken["iat"].(float64) + 600,
	} {
		if claims[name] != want {
			t.Errorf("%s: %v, want %v", name, claims[name], want)
		}
	}
	// Who sees the token learns nothing of the person.
	if got := claimNames(claims); got != "acr aud auth_time client_id exp iat iss jti scope sub" {
		t.Errorf("claims %s", got)
	}
	if answer.ExpiresIn != 600 || !sameHalf(s256(answer.AccessToken), inToken["at_hash"].(string)) {
		t.Errorf("%+v, at_hash %v", answer, inToken["at_hash"])
	}
	if status, claims := h.userinfo(answer.AccessToken); status != http.StatusOK || claims["personalNumber"] != number {
		t.Errorf("userinfo: %d %v", status, claims)
	}
	h.move(DefaultAccessTokenLife)
	if status, _ := h.userinfo(answer.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("expired: %d", status)
	}
}

// What is no access token, although we signed it or it names one.
func TestOnlyAccessTokensAreAccessTokens(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) { c.AccessTokenFormat = storage.AccessTokenJWT })
	answer := h.grantTokens([]string{"openid"}, nil)
	jti := payload(t, answer.AccessToken)["jti"].(string)
	signed := func(typ, claims string) string {
		token, err := ring.Sign(t.Context(), "ES256", typ, []byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := `{"iss":"` + issuer + `","jti":"` + jti + `"}`
	if status, _ := h.userinfo(signed("at+jwt", good)); status != http.StatusOK {
		t.Fatalf("the token that the others are made from: %d", status)
	}
	head, rest, _ := strings.Cut(answer.AccessToken, ".")
	body, signature, _ := strings.Cut(rest, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	for name, token := range map[string]string{
		"its jti":             jti,
		"its jti, as hashed":  "at+jwt " + jti,
		"the ID token":        answer.IDToken,
		"of another type":     signed("JWT", good),
		"of no type":          signed("", good),
		"of another issuer":   signed("at+jwt", `{"iss":"https://other.example.se","jti":"`+jti+`"}`),
		"of no issuer":        signed("at+jwt", `{"jti":"`+jti+`"}`),
		"without a jti":       signed("at+jwt", `{"iss":"`+issuer+`"}`),
		"with an unknown jti": signed("at+jwt", `{"iss":"`+issuer+`","jti":"`+storage.NewToken()+`"}`),
		"jti a number":        signed("at+jwt", `{"iss":"`+issuer+`","jti":1}`),
		"not JSON":            signed("at+jwt", jti),
		"signature cut":       head + "." + body + ".",
		"signature of others": head + "." + body + "." + answer.IDToken[strings.LastIndex(answer.IDToken, ".")+1:],
		"body changed":        head + "." + base64.RawURLEncoding.EncodeToString([]byte(good)) + "." + signature,
		"unsigned":            unsigned + "." + body + ".",
		"dots":                "..",
	} {
		if status, claims := h.userinfo(token); status != http.StatusUnauthorized || claims["error"] != "invalid_token" {
			t.Errorf("%s: userinfo %d %v", name, status, claims)
		}
		if got := h.introspected(asWeb, token, ""); got["active"] != false {
			t.Errorf("%s: introspection %v", name, got)
		}
	}
}

// Sweden Connect wants tokens that tell nothing.
func TestSwedenConnectTokensAreOpaque(t *testing.T) {
	h := newHarness(t, nil)
	h.change("web", func(c *storage.Client) {
		c.AccessTokenFormat, c.Profile = storage.AccessTokenJWT, storage.ProfileSwedenConnect
	})
	token := h.grantTokens([]string{"openid"}, nil).AccessToken
	if status, _ := h.userinfo(token); status != http.StatusOK || len(token) != storage.TokenLength || strings.Contains(token, ".") {
		t.Errorf("%d %q", status, token)
	}
}

func TestResources(t *testing.T) {
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		h := newOfflineHarness(t)
		h.change("web", func(c *storage.Client) { c.AccessTokenFormat = format })
		audience := func(token string) string {
			switch aud := h.introspected(asWeb, token, "")["aud"].(type) {
			case string:
				return aud
			case []any:
				text, _ := json.Marshal(aud)
				return string(text)
			}
			return ""
		}
		usable := func(token string) bool {
			status, body := h.userinfo(token)
			if status != http.StatusOK && body["error"] != "invalid_token" {
				t.Errorf("%d %v", status, body)
			}
			return status == http.StatusOK
		}
		two := `["` + api + `","` + otherAPI + `"]`
		for name, test := range map[string]struct {
			granted, asked []string
			want           string // "" for invalid_target
			usable         bool
		}{
			"none":                     {nil, nil, issuer, true},
			"all that were granted":    {[]string{api, otherAPI}, nil, two, false},
			"one of them":              {[]string{api, otherAPI}, []string{otherAPI}, otherAPI, false},
			"both, one twice":          {[]string{api, otherAPI}, []string{otherAPI, api, api}, two, false},
			"with us":                  {[]string{api, issuer}, nil, `["` + api + `","` + issuer + `"]`, true},
			"us of both":               {[]string{api, issuer}, []string{issuer}, issuer, true},
			"one that was not granted": {[]string{api}, []string{api, otherAPI}, "", false},
			"an empty one":             {[]string{api}, []string{""}, "", false},
			"one where none was":       {nil, []string{api}, "", false},
		} {
			values := url.Values{
				"grant_type": {"authorization_code"}, "code": {h.codeFor(person, offlineScopes, withResources(test.granted...))},
				"redirect_uri": {callback}, "code_verifier": {verifier}, "resource": test.asked,
			}
			if test.want == "" {
				h.refused(name, asWeb("/token", values), 400, "invalid_target")
				values.Del("resource")
				h.ok(asWeb("/token", values)) // the code is not spent
				continue
			}
			answer := h.ok(asWeb("/token", values))
			if got := audience(answer.AccessToken); got != test.want || usable(answer.AccessToken) != test.usable {
				t.Errorf("%s %s: audience %s", format, name, got)
			}
			if format == storage.AccessTokenJWT {
				text, _ := json.Marshal(payload(t, answer.AccessToken)["aud"])
				if strings.Trim(string(text), `"`) != test.want {
					t.Errorf("%s: aud %s", name, text)
				}
			}
			// A refresh may ask for what was granted, however the code's token was narrowed.
			if slices.Contains(test.granted, api) {
				next := h.ok(refreshing(answer.RefreshToken, "resource", api))
				if got := audience(next.AccessToken); got != api || usable(next.AccessToken) {
					t.Errorf("%s %s: refreshed for %s", format, name, got)
				}
			}
		}
	}
}

func TestResourcesAtRefresh(t *testing.T) {
	h := newOfflineHarness(t)
	token := h.grantTokens(offlineScopes, withResources(api)).RefreshToken
	h.refused("another resource", refreshing(token, "resource", otherAPI), 400, "invalid_target")
	h.move(time.Minute)
	h.ok(refreshing(token)) // unspent
}
