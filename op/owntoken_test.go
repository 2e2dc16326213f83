package op

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

const machineSecret = "the secret of a machine, long enough"

// withMachine returns a provider with an API, and a client that may do two things there.
func withMachine(t *testing.T, change func(*storage.Client), options ...func(*Options)) *harness {
	h := newHarness(t, func(o *Options) {
		o.APIScopes, o.Store = []string{"clients:read", "keys:read", "keys:write"}, storage.Enabled(o.Store.(storage.Store))
		for _, more := range options {
			more(o)
		}
	})
	c := storage.Client{
		ID: "machine", Name: "Machine", AuthMethod: storage.AuthMethodSecret, APIScopes: []string{"clients:read", "keys:read", "gone:read"},
		Secrets: []storage.ClientSecret{{Hash: secret.New(machineSecret).Hash()}}, IDTokenAlg: storage.ES256,
	}
	if change != nil {
		change(&c)
	}
	if err := h.store.CreateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return h
}

// ownToken asks for a token as the machine.
func (h *harness) ownToken(more ...string) *httptest.ResponseRecorder {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {machineSecret}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return h.post("/token", form)
}

func (h *harness) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.do(r)
}

func tokenIn(t *testing.T, w *httptest.ResponseRecorder) secret.String {
	t.Helper()
	var answer struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int64  `json:"expires_in"`
		RefreshToken string `json:"refresh_token"`
		IDToken      string `json:"id_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if answer.AccessToken == "" || answer.ExpiresIn != 600 || answer.RefreshToken != "" || answer.IDToken != "" {
		t.Errorf("answer %s", w.Body)
	}
	return secret.New(answer.AccessToken)
}

// wantsNone holds that the token is good for the API no more.
func (h *harness) wantsNone(t *testing.T, token secret.String, why string) {
	t.Helper()
	if _, _, err := h.APIClient(t.Context(), token); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a token works for the API %s: %v", why, err)
	}
}

func TestOwnToken(t *testing.T) {
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		t.Run(format, func(t *testing.T) {
			h := withMachine(t, func(c *storage.Client) { c.AccessTokenFormat = format })
			token := tokenIn(t, h.ownToken())
			client, scopes, err := h.APIClient(t.Context(), token)
			if err != nil || client.ID != "machine" || strings.Join(scopes, " ") != "clients:read keys:read" {
				t.Errorf("%v, scopes %v", err, scopes)
			}
			some := tokenIn(t, h.ownToken("scope", "keys:read", "resource", issuer+"/api/v1"))
			if _, scopes, err := h.APIClient(t.Context(), some); err != nil || strings.Join(scopes, " ") != "keys:read" {
				t.Errorf("%v, scopes %v", err, scopes)
			}
			if w := h.post("/userinfo", url.Values{"access_token": {token.Reveal()}}); w.Code != 401 {
				t.Errorf("userinfo answers %d %s", w.Code, w.Body)
			}
			introspected := h.post("/introspect", url.Values{"token": {token.Reveal()}, "client_id": {"machine"}, "client_secret": {machineSecret}}).Body.String()
			if !strings.Contains(introspected, `"active":true`) || !strings.Contains(introspected, `"sub":"machine"`) || strings.Contains(introspected, "auth_time") {
				t.Errorf("introspection: %s", introspected)
			}
			h.post("/revoke", url.Values{"token": {token.Reveal()}, "client_id": {"machine"}, "client_secret": {machineSecret}})
			h.wantsNone(t, token, "that was revoked")
			h.set(h.now().Add(600 * time.Second))
			h.wantsNone(t, some, "that has ended")
		})
	}
}

func TestOwnTokenIsRefused(t *testing.T) {
	h := withMachine(t, nil)
	for name, asked := range map[string][3]string{
		"a scope that it has not":       {"scope", "keys:write", "invalid_scope"},
		"a scope that there is no more": {"scope", "clients:read gone:read", "invalid_scope"},
		"openid":                        {"scope", "openid", "invalid_scope"},
		"for something else":            {"resource", "https://api.example.se/", "invalid_target"},
		"a wrong secret":                {"client_secret", "another secret that is long enough", "invalid_client"},
	} {
		if w := h.ownToken(asked[0], asked[1]); !strings.Contains(w.Body.String(), asked[2]) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	without := withMachine(t, func(c *storage.Client) { c.APIScopes = nil })
	if w := without.ownToken(); !strings.Contains(w.Body.String(), "unauthorized_client") {
		t.Errorf("a client of no scopes: %d %s", w.Code, w.Body)
	}
	public := withMachine(t, func(c *storage.Client) { c.AuthMethod, c.Secrets = storage.AuthMethodNone, nil })
	if w := public.post("/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}}); !strings.Contains(w.Body.String(), "unauthorized_client") {
		t.Errorf("a public client: %d %s", w.Code, w.Body)
	}
}

// TestTokensOfOthersAreNone: a token of a person's login is good for nothing at the API, nor is one of a client that was disabled or lost its scopes.
func TestTokensOfOthersAreNone(t *testing.T) {
	h := withMachine(t, nil)
	login := decode(t, h.do(exchange(h.code(params("web", callback)))))
	h.wantsNone(t, secret.New(login.AccessToken), "of a login")
	h.wantsNone(t, secret.New("nothing"), "that is none")

	token := tokenIn(t, h.ownToken())
	change := func(edit func(*storage.Client)) {
		c, err := h.store.Client(t.Context(), "machine")
		if err != nil {
			t.Fatal(err)
		}
		next := *c
		edit(&next)
		if err := h.store.UpdateClient(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	change(func(c *storage.Client) { c.APIScopes = []string{"keys:read"} })
	if _, scopes, err := h.APIClient(t.Context(), token); err != nil || strings.Join(scopes, " ") != "keys:read" {
		t.Errorf("a scope that was taken away is still there: %v %v", scopes, err)
	}
	change(func(c *storage.Client) { c.Disabled = true })
	h.wantsNone(t, token, "of a disabled client")
	change(func(c *storage.Client) { c.Disabled = false })
	h.wantsNone(t, token, "from before the client was disabled")
}

func TestResourceMetadata(t *testing.T) {
	h := withMachine(t, nil)
	w := h.do(httptest.NewRequest(http.MethodGet, issuer+"/.well-known/oauth-protected-resource/api/v1", nil))
	want := `{"resource":"https://login.example.se/api/v1","authorization_servers":["https://login.example.se"],"scopes_supported":["clients:read","keys:read","keys:write"],` +
		`"bearer_methods_supported":["header"],"resource_name":"Brygga management API"}`
	if strings.TrimSpace(w.Body.String()) != want || w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if d := h.do(httptest.NewRequest(http.MethodGet, issuer+"/.well-known/openid-configuration", nil)); !strings.Contains(d.Body.String(), `"client_credentials"`) {
		t.Errorf("discovery: %s", d.Body)
	}
}
