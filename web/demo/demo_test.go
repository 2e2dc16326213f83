package demo_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/web/demo"
)

// provider is as much of an OpenID Provider as the demo app needs, and may be made to lie.
type provider struct {
	*httptest.Server
	key       *ecdsa.PrivateKey
	signer    *ecdsa.PrivateKey
	spoil     func(claims map[string]any)
	form      url.Values // of the last call of the token endpoint
	nonce     string
	loggedOut url.Values
	userInfo  string // what the userinfo endpoint answers
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, signer: key, spoil: func(map[string]any) {}, userInfo: `{"sub":"subject","surname":"<i>Öberg"}`}
	mux := http.NewServeMux()
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
			"end_session_endpoint": p.URL + "/logout", "userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p.form = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": p.idToken(t)})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, p.userInfo)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p.loggedOut = r.PostForm
		to := r.PostForm.Get("post_logout_redirect_uri")
		if state := r.PostForm.Get("state"); state != "" {
			to += "?state=" + state
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
	return p
}

func (p *provider) idToken(t *testing.T) string {
	claims := map[string]any{
		"iss": p.URL, "aud": "app", "sub": "subject", "nonce": p.nonce, "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
		"givenName": "Åsa<script>", "personalNumber": "198502039822", "https://id.oidc.se/claim/deviceIp": "192.0.2.1",
	}
	p.spoil(claims)
	text, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.signer, KeyID: "1"}}, nil)
	if err != nil {
		t.Error(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Error(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return compact
}

// browser visits the demo app and keeps its cookies.
type browser struct {
	t      *testing.T
	app    string
	client *http.Client
}

func newBrowser(t *testing.T, p *provider) *browser {
	t.Helper()
	var handler http.Handler
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(app.Close)
	var err error
	if handler, err = demo.New(demo.Options{Issuer: p.URL, ClientID: "app", ClientSecret: "app-secret", BaseURL: app.URL}); err != nil {
		t.Fatal(err)
	}
	return (&browser{t: t, app: app.URL}).fresh()
}

// fresh returns another browser at the same app.
func (b *browser) fresh() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &browser{b.t, b.app, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/authorize" {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

func (b *browser) get(path string) (int, string, *http.Response) {
	b.t.Helper()
	response, err := b.client.Get(b.app + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, string(body), response
}

// begin starts a login and returns what the provider was asked.
func (b *browser) begin(p *provider, query string) url.Values {
	b.t.Helper()
	status, body, response := b.get("/login" + query)
	location, err := response.Location()
	if err != nil {
		b.t.Fatalf("login = %d: %s", status, body)
	}
	p.nonce = location.Query().Get("nonce")
	return location.Query()
}

func TestLogin(t *testing.T) {
	p := newProvider(t)
	b := newBrowser(t, p)
	if status, body, _ := b.get("/"); status != 200 || !strings.Contains(body, "Log in with BankID") {
		t.Fatalf("home = %d: %s", status, body)
	}
	asked := b.begin(p, "?language=sv&profile=1")
	for name, want := range map[string]string{
		"client_id": "app", "redirect_uri": b.app + "/callback", "response_type": "code", "code_challenge_method": "S256", "ui_locales": "sv", "scope": "openid profile",
	} {
		if asked.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, asked.Get(name), want)
		}
	}
	status, body, response := b.get("/callback?code=c&state=" + asked.Get("state") + "&iss=" + url.QueryEscape(p.URL))
	if status != 200 || response.Request.URL.Path != "/" || !strings.Contains(body, `data-claim="personalNumber">198502039822<`) {
		t.Fatalf("after the login = %d at %s: %s", status, response.Request.URL, body)
	}
	if strings.Contains(body, "Åsa<script>") || !strings.Contains(body, "Hello, Åsa&lt;script&gt;") {
		t.Error("claims are not escaped")
	}
	if p.form.Get("code") != "c" || len(p.form.Get("code_verifier")) < 43 {
		t.Errorf("the token endpoint got %v", p.form)
	}
	if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
	if _, other, _ := b.fresh().get("/"); strings.Contains(other, "198502039822") {
		t.Error("another browser sees the claims")
	}
	logOut(t, b, p)
}

func logOut(t *testing.T, b *browser, p *provider) {
	t.Helper()
	response, err := b.client.PostForm(b.app+"/logout", url.Values{"id_token_hint": {"hint"}, "post_logout_redirect_uri": {b.app + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if p.loggedOut.Get("id_token_hint") != "hint" || response.Request.URL.RawQuery != "" {
		t.Errorf("the provider got %v by way of %s", p.loggedOut, response.Request.URL)
	}
	if _, body, _ := b.get("/"); !strings.Contains(body, "Log in with BankID") {
		t.Errorf("still logged in: %s", body)
	}
}

func TestRefused(t *testing.T) {
	otherKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		answer func(p *provider, asked url.Values) // changes what the provider answers
		other  bool                                // the answer comes to another browser
		want   string
	}{
		{"wrong state", func(_ *provider, asked url.Values) { asked.Set("state", "x") }, false, "was not started here"},
		{"no state", func(_ *provider, asked url.Values) { asked.Del("state") }, false, "was not started here"},
		{"other browser", func(*provider, url.Values) {}, true, "was not started here"},
		{"other issuer", func(_ *provider, asked url.Values) { asked.Set("iss", "https://evil.example") }, false, "came from somebody else"},
		{"no issuer", func(_ *provider, asked url.Values) { asked.Del("iss") }, false, "came from somebody else"},
		{"wrong nonce", func(p *provider, _ url.Values) { p.nonce = "other" }, false, "could not be verified"},
		{"userinfo of somebody else", func(p *provider, _ url.Values) { p.userInfo = `{"sub":"other"}` }, false, "could not be verified"},
		{"no nonce", func(p *provider, _ url.Values) { p.spoil = func(c map[string]any) { delete(c, "nonce") } }, false, "could not be verified"},
		{"other audience", func(p *provider, _ url.Values) { p.spoil = func(c map[string]any) { c["aud"] = "other" } }, false, "could not be verified"},
		{"expired", func(p *provider, _ url.Values) { p.spoil = func(c map[string]any) { c["exp"] = 1 } }, false, "could not be verified"},
		{"wrong key", func(p *provider, _ url.Values) { p.signer = otherKey }, false, "could not be verified"},
		{"cancelled", func(_ *provider, asked url.Values) {
			asked.Set("error", "access_denied")
			asked.Set("error_description", "<b>the person cancelled</b>")
		}, false, "You cancelled the login"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t)
			b := newBrowser(t, p)
			asked := b.begin(p, "")
			answer := url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {p.URL}}
			tt.answer(p, answer)
			if tt.other {
				b = b.fresh()
			}
			_, body, _ := b.get("/callback?" + answer.Encode())
			if !strings.Contains(body, tt.want) || !strings.Contains(body, "Try again") || strings.Contains(body, "<b>") {
				t.Errorf("want %q and a way on, got: %s", tt.want, body)
			}
			if _, home, _ := b.get("/"); strings.Contains(home, "198502039822") {
				t.Error("logged in all the same")
			}
		})
	}
}

// TestAnswerTwice: the answer to a login works once, as its cookie is gone afterwards.
func TestAnswerTwice(t *testing.T) {
	p := newProvider(t)
	b := newBrowser(t, p)
	asked := b.begin(p, "")
	answer := "/callback?code=c&state=" + asked.Get("state") + "&iss=" + url.QueryEscape(p.URL)
	b.get(answer)
	if _, body, _ := b.get(answer); !strings.Contains(body, "was not started here") {
		t.Errorf("second answer: %s", body)
	}
}

// TestProviderDown: the app starts before its provider and finds it when it is there.
func TestProviderDown(t *testing.T) {
	p := newProvider(t)
	up := false
	inner := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	})
	b := newBrowser(t, p)
	if status, body, _ := b.get("/login"); status != http.StatusBadGateway || !strings.Contains(body, "cannot be reached") {
		t.Errorf("login = %d: %s", status, body)
	}
	up = true
	b.begin(p, "")
}

func TestOptions(t *testing.T) {
	for _, o := range []demo.Options{{}, {Issuer: "https://a.example/", ClientID: "x", BaseURL: "https://b.example"}, {Issuer: "https://a.example", BaseURL: "https://b.example"}} {
		if _, err := demo.New(o); err == nil {
			t.Errorf("New(%+v) succeeded", o)
		}
	}
}
