package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// Before client and redirect URI are proven nothing may be redirected (RFC 6749 §4.1.2.1): each of these shows a page.
func TestAuthorizeShowsErrors_RowA19(t *testing.T) {
	h := newHarness(t, nil)
	tests := map[string]url.Values{
		"no parameters":           {},
		"no client":               params("web", callback, "client_id", ""),
		"unknown client":          params("nobody", callback),
		"two clients":             {"client_id": {"web", "web"}, "redirect_uri": {callback}},
		"client with a NUL":       params("web\x00", callback),
		"no redirect URI":         params("web", callback, "redirect_uri", ""),
		"two redirect URIs":       {"client_id": {"web"}, "redirect_uri": {callback, callback}},
		"trailing slash":          params("web", callback+"/"),
		"another path":            params("web", "https://app.example.se/"),
		"longer path":             params("web", callback+"/../x"),
		"another query":           params("web", callback+"?x=1"),
		"upper-case host":         params("web", "https://APP.example.se/callback"),
		"port spelled out":        params("web", "https://app.example.se:443/callback"),
		"http":                    params("web", "http://app.example.se/callback"),
		"fragment":                params("web", callback+"#x"),
		"user info":               params("web", "https://app.example.se@evil.example/callback"),
		"another host":            params("web", "https://evil.example/callback"),
		"another client's":        params("web", "http://127.0.0.1/callback"),
		"decoded twice":           params("web", "https://app.example.se/cb x"),
		"script":                  params("web", "javascript:alert(1)"),
		"any port, not native":    params("web", "http://127.0.0.1:1234/callback"),
		"loopback, other host":    params("app", "http://localhost:1234/callback"),
		"loopback, https":         params("app", "https://127.0.0.1:1234/callback"),
		"loopback, other path":    params("app", "http://127.0.0.1:1234/callback2"),
		"loopback, added query":   params("app", "http://127.0.0.1:1234/callback?x=1"),
		"loopback, lost query":    params("app", "http://[::1]:1234/callback"),
		"loopback as a user":      params("app", "http://127.0.0.1:80@evil.example/callback"),
		"loopback as a subdomain": params("app", "http://127.0.0.1.evil.example/callback"),
		"loopback, bad port":      params("app", "http://127.0.0.1:99999/callback"),
		"loopback, no port":       params("app", "http://127.0.0.1:/callback"),
		"loopback, backslash":     params("app", "http://127.0.0.1:80\\@evil.example/callback"),
		"loopback, fragment":      params("app", "http://127.0.0.1:80/callback#x"),
	}
	for name, values := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+values.Encode(), nil)
			if method == http.MethodPost {
				r = formRequest("/authorize", values)
			}
			w := h.do(r)
			if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" || !strings.HasPrefix(w.Body.String(), "page: ") {
				t.Errorf("%s by %s: %d %s %s", name, method, w.Code, w.Header().Get("Location"), w.Body)
			}
			if strings.Contains(w.Body.String(), "evil") {
				t.Errorf("%s: the page repeats what the request brought: %s", name, w.Body)
			}
		}
	}
}

// TestErrorPageLeadsBack: a page about a request that names a client leads back to that client, whatever else is wrong; one that names
// none, or one that there is not, leads nowhere.
func TestErrorPageLeadsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for path, want := range map[string]string{
		"/authorize?client_id=web": "(back to web)",
		"/authorize?client_id=web&redirect_uri=https%3A%2F%2Fevil.example": "(back to web)",
		"/authorize?client_id=nobody":                                      "",
		"/authorize":                                                       "",
	} {
		w := h.do(httptest.NewRequest(http.MethodGet, issuer+path, nil))
		if body := w.Body.String(); w.Code != http.StatusBadRequest || !strings.HasPrefix(body, "page: ") || strings.Contains(body, "(back to") != (want != "") || !strings.Contains(body, want) {
			t.Errorf("%s = %d: %s, want %q", path, w.Code, body, want)
		}
	}
}

func TestAuthorizeShowsUnreadableRequests(t *testing.T) {
	h := newHarness(t, nil)
	good := params("web", callback)
	noForm := httptest.NewRequest(http.MethodPost, issuer+"/authorize", strings.NewReader(good.Encode()))
	multipart := formRequest("/authorize", good)
	multipart.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	inQuery := httptest.NewRequest(http.MethodPost, issuer+"/authorize?"+good.Encode(), strings.NewReader(""))
	inQuery.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, test := range map[string]struct {
		request *http.Request
		status  int
	}{
		"bad encoding":        {httptest.NewRequest(http.MethodGet, issuer+"/authorize?client_id=%zz", nil), 400},
		"semicolons":          {httptest.NewRequest(http.MethodGet, issuer+"/authorize?client_id=web;redirect_uri="+callback, nil), 400},
		"POST without a type": {noForm, 400},
		"POST of a multipart": {multipart, 400},
		"POST with the query": {inQuery, 400},
		"POST too large":      {formRequest("/authorize", params("web", callback, "claims", strings.Repeat("x", maxSigning))), 400},
		"DELETE":              {httptest.NewRequest(http.MethodDelete, issuer+"/authorize?"+good.Encode(), nil), 405},
		"HEAD":                {httptest.NewRequest(http.MethodHead, issuer+"/authorize?"+good.Encode(), nil), 405},
	} {
		w := h.do(test.request)
		if w.Code != test.status || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("Location"))
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: a script may read the answer", name)
		}
	}
}

// Once the redirect URI is proven every error goes there, with its code, the state and iss (OIDC Core §3.1.2.6, RFC 9207 §2).
func TestAuthorizeRedirectsErrors_RowA19_RowA22(t *testing.T) {
	h := newHarness(t, nil)
	long := strings.Repeat("x", 70000)
	tests := []struct {
		name   string
		values url.Values
		want   string
	}{
		{"no response type", params("web", callback, "response_type", ""), "invalid_request"},
		{"implicit flow", params("web", callback, "response_type", "id_token"), "unsupported_response_type"},
		{"token", params("web", callback, "response_type", "token"), "unsupported_response_type"},
		{"hybrid flow", params("web", callback, "response_type", "code id_token"), "unsupported_response_type"},
		{"fragment mode", params("web", callback, "response_mode", "fragment"), "invalid_request"},
		{"unknown mode", params("web", callback, "response_mode", "web_message"), "invalid_request"},
		{"no scope", params("web", callback, "scope", ""), "invalid_scope"},
		{"no openid", params("web", callback, "scope", "profile"), "invalid_scope"},
		{"openid misspelt", params("web", callback, "scope", "OpenID"), "invalid_scope"},
		{"plain", params("web", callback, "code_challenge_method", "plain"), "invalid_request"},
		{"no method, which means plain", params("web", callback, "code_challenge_method", ""), "invalid_request"},
		{"method in lower case", params("web", callback, "code_challenge_method", "s256"), "invalid_request"},
		{"method without challenge", params("web", callback, "code_challenge", ""), "invalid_request"},
		{"challenge of 42", params("web", callback, "code_challenge", challenge43[:42]), "invalid_request"},
		{"challenge of 129", params("web", callback, "code_challenge", strings.Repeat("a", 129)), "invalid_request"},
		{"challenge with a plus", params("web", callback, "code_challenge", challenge43[:42]+"+"), "invalid_request"},
		{"no PKCE, public", params("app", "http://127.0.0.1/callback", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"no PKCE, but demanded", params("post", callback, "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"prompt none", params("web", callback, "prompt", "none"), "login_required"},
		{"prompt none with a bad hint", params("web", callback, "prompt", "none", "id_token_hint", "e30.e30.x"), "invalid_request"},
		{"prompt none and login", params("web", callback, "prompt", "none login"), "invalid_request"},
		{"max_age negative", params("web", callback, "max_age", "-1"), "invalid_request"},
		{"max_age a word", params("web", callback, "max_age", "soon"), "invalid_request"},
		{"max_age hexadecimal", params("web", callback, "max_age", "0xf"), "invalid_request"},
		{"max_age beyond all sense", params("web", callback, "max_age", strings.Repeat("9", 33)), "invalid_request"},
		{"request object", params("web", callback, "request", "e30.e30."), "invalid_request_object"},
		{"request_uri", params("web", callback, "request_uri", "https://app.example.se/r"), "request_uri_not_supported"},
		{"registration", params("web", callback, "registration", "{}"), "registration_not_supported"},
		{"nonce too long", params("web", callback, "nonce", strings.Repeat("n", 1025)), "invalid_request"},
		{"nonce not UTF-8", params("web", callback, "nonce", "\xff"), "invalid_request"},
		{"nonce with a NUL", params("web", callback, "nonce", "a\x00b"), "invalid_request"},
		{"login_hint that looks like a number", params("web", callback, "login_hint", "19121212-1213"), "invalid_request"},
	}
	for _, name := range []string{"response_type", "response_mode", "scope", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "ui_locales", "login_hint", "acr_values", "request", "claims"} {
		values := params("web", callback)
		values[name] = []string{"code", "code"}
		tests = append(tests, struct {
			name   string
			values url.Values
			want   string
		}{"two of " + name, values, "invalid_request"})
	}
	for _, test := range tests {
		for _, post := range []bool{false, true} {
			w := h.get("/authorize", test.values)
			want := http.StatusFound
			if post {
				w, want = h.do(formRequest("/authorize", test.values)), http.StatusSeeOther
			}
			base, answer := redirected(t, w)
			if w.Code != want || base != test.values.Get("redirect_uri") {
				t.Errorf("%s: %d to %s", test.name, w.Code, base)
			}
			if answer.Get("error") != test.want || answer.Get("state") != "st å&te" || answer.Get("iss") != issuer || answer.Has("code") {
				t.Errorf("%s: %v, want %s", test.name, answer, test.want)
			}
			if d := answer.Get("error_description"); d == "" || d != ascii(d) {
				t.Errorf("%s: description %q", test.name, d)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: may be cached", test.name)
			}
		}
	}
	if w := h.get("/authorize", params("web", callback, "state", long)); w.Code != http.StatusBadRequest {
		t.Errorf("a URL of %d bytes: %d", len(long), w.Code)
	}
	if _, answer := redirected(t, h.get("/authorize", params("web", callback, "state", long[:4097]))); answer.Get("error") != "invalid_request" {
		t.Errorf("a state of 4097 bytes: %v", answer)
	}
}

func TestAuthorizeErrorsByForm(t *testing.T) {
	h := newHarness(t, nil)
	w := h.get("/authorize", params("web", callback, "response_mode", "form_post", "prompt", "none"))
	action, query, _ := strings.Cut(strings.TrimPrefix(w.Body.String(), "form: "), "?")
	values, _ := url.ParseQuery(query)
	if action != callback || values.Get("error") != "login_required" || values.Get("state") != "st å&te" || values.Get("iss") != issuer {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAuthorizeBeginsLogin_RowA15_RowA22(t *testing.T) {
	h := newHarness(t, nil)
	login := h.begin(params("web", callback, "prompt", "login strange", "max_age", "0", "acr_values", "a b", "ui_locales", "sv en",
		"scope", "openid email profile openid", "login_hint", number, "claims", "{}", "unknown", "x"))
	request := login.Request
	if request.ClientID != "web" || request.RedirectURI != callback || request.ResponseMode != "query" || request.State != "st å&te" ||
		request.Nonce != "n-1" || request.CodeChallenge != challenge43 || request.MaxAge == nil || *request.MaxAge != 0 ||
		!slices.Equal(request.Scopes, []string{"openid", "profile"}) || !slices.Equal(request.Prompt, []string{"login", "strange"}) ||
		!slices.Equal(request.ACRValues, []string{"a", "b"}) || !slices.Equal(request.UILocales, []string{"sv", "en"}) ||
		request.RequiredPersonalNumber.Reveal() != number || request.Received.IsZero() {
		t.Errorf("%+v", request)
	}
	if got := h.begin(params("post", callback)).Request.Scopes; !slices.Equal(got, []string{"openid"}) {
		t.Errorf("a client got a scope that it may not ask for: %v", got)
	}
	plain := h.begin(params("web", callback, "code_challenge", "", "code_challenge_method", "", "login_hint", "Åsa"))
	if plain.Request.CodeChallenge != "" || !plain.Request.RequiredPersonalNumber.IsZero() {
		t.Errorf("%+v", plain.Request)
	}
	post := h.do(formRequest("/authorize", params("web", callback)))
	if post.Code != http.StatusSeeOther || !strings.HasPrefix(post.Header().Get("Location"), "/login/") {
		t.Errorf("POST: %d %s", post.Code, post.Body)
	}
}

// TestLongWishesAreIgnored: what is only a wish ends no login (OIDC Core §3.1.2.1).
func TestLongWishesAreIgnored(t *testing.T) {
	h := newHarness(t, nil)
	for _, name := range wishes {
		for _, length := range []int{256, 257, 5000} {
			request := h.begin(params("web", callback, name, strings.Repeat("n", length))).Request
			if length > maxWish && len(request.UILocales) > 0 {
				t.Errorf("%s of %d bytes: %q", name, length, request.UILocales)
			}
		}
	}
	for text, want := range map[string]int64{"4294967295": 1<<32 - 1, "4294967296": 1<<32 - 1, "99999999999999999999999": 1<<32 - 1, "0000000000000001": 1} {
		if got := h.begin(params("web", callback, "max_age", text)).Request.MaxAge; got == nil || *got != want {
			t.Errorf("max_age %s: %v", text, got)
		}
	}
}

func TestNewRefusesOptions(t *testing.T) {
	h := newHarness(t, nil)
	for name, change := range map[string]func(*Options){
		"no store":          func(o *Options) { o.Store = nil },
		"no keys":           func(o *Options) { o.Keys = nil },
		"no audit":          func(o *Options) { o.Audit = nil },
		"no pages":          func(o *Options) { o.Pages = nil },
		"short subject key": func(o *Options) { o.SubjectKey = o.SubjectKey[:31] },
		"long code life":    func(o *Options) { o.CodeLife = DefaultCodeLife * 11 },
		"negative life":     func(o *Options) { o.IDTokenLife = -1 },
		"long session":      func(o *Options) { o.SessionLife = DefaultSessionLife + 1 },
		"negative session":  func(o *Options) { o.SessionIdle = -1 },
		"negative access":   func(o *Options) { o.AccessTokenLife = -1 },
		"negative refresh":  func(o *Options) { o.RefreshLife = -1 },
		"negative idle":     func(o *Options) { o.RefreshIdle = -1 },
		"negative code":     func(o *Options) { o.CodeLife = -1 },
		"negative whole":    func(o *Options) { o.SessionLife = -1 },
		"negative limit":    func(o *Options) { o.Limits.RequestsPerAddress = -1 },
		"negative client's": func(o *Options) { o.Limits.RequestsPerClient = -1 },
		"negative logins":   func(o *Options) { o.Limits.LoginsPerAddress = -1 },
		"negative bytes":    func(o *Options) { o.Limits.StoredPerAddress = -1 },
		"negative in all":   func(o *Options) { o.Limits.Stored = -1 },
		"code life beyond":  func(o *Options) { o.CodeLife = 10*time.Minute + 1 },
		"issuer, no URL":    func(o *Options) { o.Issuer = "https://login.example.se:x" },
		"issuer, no host":   func(o *Options) { o.Issuer = "https://" },
		"issuer, query":     func(o *Options) { o.Issuer = issuer + "?a=b" },
		"issuer, anchor":    func(o *Options) { o.Issuer = issuer + "#a" },
		"issuer, opaque":    func(o *Options) { o.Issuer = "https:login.example.se" },
		"issuer, ftp":       func(o *Options) { o.Issuer, o.InsecureHTTPIssuer = "ftp://login.example.se", true },
		"issuer, near":      func(o *Options) { o.Issuer = "http://localhost.example.se" },
		"empty acr":         func(o *Options) { o.ACRValues = []string{"a", ""} },
		"no issuer":         func(o *Options) { o.Issuer = "" },
		"http issuer":       func(o *Options) { o.Issuer = "http://login.example.se" },
		"issuer with path":  func(o *Options) { o.Issuer = issuer + "/" },
		"issuer with query": func(o *Options) { o.Issuer = issuer + "?" },
		"issuer with user":  func(o *Options) { o.Issuer = "https://a@login.example.se" },
		"issuer, fragment":  func(o *Options) { o.Issuer = issuer + "#" },
		"issuer, no scheme": func(o *Options) { o.Issuer = "login.example.se" },
	} {
		o := h.o
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, good := range []string{"http://localhost:8080", "http://login.localhost:8080", "http://127.0.0.1:8080", "http://[::1]:1", "https://x.se:8443"} {
		o := h.o
		o.Issuer = good
		if _, err := New(o); err != nil {
			t.Error(err)
		}
	}
	edges := h.o
	edges.SubjectKey, edges.CodeLife, edges.SessionLife = edges.SubjectKey[:32], 10*time.Minute, DefaultSessionLife
	if _, err := New(edges); err != nil {
		t.Error(err)
	}
	o := h.o
	o.Issuer, o.InsecureHTTPIssuer = "http://login.example.se", true
	if _, err := New(o); err != nil {
		t.Error(err)
	}
}

func FuzzAuthorize(f *testing.F) {
	h := newHarness(f, unlimited)
	for _, values := range []url.Values{
		params("web", callback), params("app", "http://127.0.0.1:81/callback"), params("web", callback, "prompt", "none"),
		params("web", callback, "response_mode", "form_post", "max_age", "-1"), params("nobody", callback), {},
		params("web", callback, "request", "e30.e30."), {"client_id": {"web"}, "request_uri": {pushedPrefix + "x"}}, params("web", callback, "resource", "x"),
		params("web", callback, "claims", `{"id_token":{"acr":{"essential":true,"value":"x"}}}`, "id_token_hint", "a.b.c", paramUserMessage, "{}"),
	} {
		f.Add(values.Encode(), true)
		f.Add(values.Encode(), false)
	}
	f.Add("client_id=web&redirect_uri=%zz", false)
	f.Add("client_id=web;redirect_uri=x", true)
	allowed := make(map[string]*storage.Client)
	for _, c := range testClients() {
		allowed[c.ID] = &c
	}
	f.Fuzz(func(t *testing.T, query string, post bool) {
		r := httptest.NewRequest(http.MethodGet, issuer+"/authorize", nil)
		r.URL.RawQuery = query
		if post {
			r = httptest.NewRequest(http.MethodPost, issuer+"/authorize", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := h.do(r)
		location := w.Header().Get("Location")
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if location == "" || strings.HasPrefix(location, "/login/") {
			return
		}
		values, _ := url.ParseQuery(query)
		c, uri := allowed[values.Get("client_id")], values.Get("redirect_uri")
		if c == nil || !matchURI(c.RedirectURIs, uri, c.Native) || !strings.HasPrefix(location, uri) || !strings.Contains(location, "iss=") {
			t.Errorf("%s leads to %s", query, location)
		}
	})
}
