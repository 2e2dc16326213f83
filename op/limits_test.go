package op

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// unlimited is for fuzzing, where limits would hide what is behind them.
func unlimited(o *Options) {
	o.Limits = Limits{RequestsPerAddress: 1 << 30, RequestsPerClient: 1 << 30}
}

func from(address string, r *http.Request) *http.Request {
	r.RemoteAddr = address
	return r
}

const here, there = "192.0.2.1:1111", "[2001:db8::1]:2222"

func wantTooMany(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" ||
		!strings.Contains(w.Body.String(), errTooMany) {
		t.Errorf("%s: %d %v %s", what, w.Code, w.Header(), w.Body)
	}
}

func TestRequestsPerAddress(t *testing.T) {
	for name, request := range map[string]func() *http.Request{
		"token, public client": func() *http.Request {
			r := exchange("x", "client_id", "app")
			r.Header.Del("Authorization")
			return r
		},
		"token, no form":   func() *http.Request { return httptest.NewRequest(http.MethodPost, issuer+"/token", nil) },
		"token, malformed": func() *http.Request { return exchange("x", "client_secret", "y") },
		"userinfo":         func() *http.Request { return httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil) },
		"par":              func() *http.Request { return httptest.NewRequest(http.MethodPost, issuer+"/par", nil) },
		"introspect":       func() *http.Request { return httptest.NewRequest(http.MethodPost, issuer+"/introspect", nil) },
		"revoke":           func() *http.Request { return httptest.NewRequest(http.MethodPost, issuer+"/revoke", nil) },
		"authorize":        func() *http.Request { return httptest.NewRequest(http.MethodGet, issuer+"/authorize", nil) },
		"logout":           func() *http.Request { return httptest.NewRequest(http.MethodGet, issuer+"/logout", nil) },
	} {
		h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 3 })
		for i := range 3 {
			if w := h.do(from(here, request())); w.Code == http.StatusTooManyRequests {
				t.Errorf("%s: request %d is too many", name, i+1)
			}
		}
		w := h.do(from(here, request()))
		wantTooMany(t, name, w)
		if isPage := strings.HasPrefix(w.Body.String(), "page: "); isPage != (name == "authorize" || name == "logout") {
			t.Errorf("%s: %s", name, w.Body)
		}
		if w := h.do(from(there, request())); w.Code == http.StatusTooManyRequests {
			t.Errorf("%s: another address is limited", name)
		}
		h.move(20 * time.Second)
		if w := h.do(from(here, request())); w.Code == http.StatusTooManyRequests {
			t.Errorf("%s: the limit never ends", name)
		}
	}
}

// A whole /64 is one address: whoever has one has all.
func TestIPv6NetworksAreOneAddress(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 3 })
	for i := range 3 {
		h.do(from(fmt.Sprintf("[2001:db8::%d]:1", i+1), httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)))
	}
	wantTooMany(t, "a neighbour", h.do(from("[2001:db8::9]:1", httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil))))
}

// A broker sends the requests of all its users from one address: what it proves is counted for the client.
func TestRequestsPerClient(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits = Limits{RequestsPerAddress: 2, RequestsPerClient: 5} })
	for range 5 {
		if w := h.do(from(here, exchange("x"))); w.Code != http.StatusBadRequest {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	wantTooMany(t, "the same address", h.do(from(here, exchange("x"))))
	wantTooMany(t, "another address", h.do(from(there, exchange("x"))))
	post := exchange("x", "client_id", "post", "client_secret", "post-secret")
	post.Header.Del("Authorization")
	if w := h.do(from(here, post)); w.Code != http.StatusBadRequest {
		t.Errorf("another client: %d %s", w.Code, w.Body)
	}
}

// A token's requests count for its client, and a client's visitors for neither that nor its own requests.
func TestUserinfoAndVisitsPerClient(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits = Limits{RequestsPerAddress: 1000, RequestsPerClient: 5} })
	answer := h.tokensOf(params("web", callback)) // a visit and a token request
	for range 4 {
		if status, claims := h.userinfo(answer.AccessToken); status != http.StatusOK {
			t.Fatalf("%d %v", status, claims)
		}
	}
	r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
	wantTooMany(t, "userinfo", h.do(r))
	h.begin(params("web", callback)) // with the one before as many as are left
	w := h.get("/authorize", params("web", callback))
	wantTooMany(t, "authorize", w)
	if !strings.HasPrefix(w.Body.String(), "page: ") {
		t.Errorf("no page: %s", w.Body)
	}
	h.begin(params("post", callback, "scope", "openid"))
}

// A backend asks for all its users from one address.
func TestUserinfoDoesNotCountForTheAddress(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 5 })
	answer := h.tokensOf(params("web", callback))
	for range 10 {
		if status, claims := h.userinfo(answer.AccessToken); status != http.StatusOK {
			t.Fatalf("%d %v", status, claims)
		}
	}
}

// Nobody can use up what a client may ask without its secret.
func TestStrangersSpendTheirOwnLimit(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerClient = 5 })
	for range 20 {
		r := exchange("x")
		r.SetBasicAuth("web", "wrong")
		if w := h.do(from(there, r)); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if w := h.do(from(here, exchange("x"))); w.Code != http.StatusBadRequest {
		t.Errorf("the client is limited by others: %d %s", w.Code, w.Body)
	}
}

// TestWrongSecretsLockNobodyOut: strangers share an address, or a network, with the client's own back end.
func TestWrongSecretsLockNobodyOut(t *testing.T) {
	for name, addresses := range map[string][2]string{
		"one address": {here, here}, "one network": {"[2001:db8::1]:1", "[2001:db8::2]:1"},
	} {
		h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 20 * failureCost })
		answer := h.tokensOf(params("web", callback))
		guess := func() *httptest.ResponseRecorder {
			r := exchange("x")
			r.SetBasicAuth("web", storage.NewToken())
			return h.do(from(addresses[0], r))
		}
		for range 3 * failuresPerMinute {
			guess()
		}
		wantTooMany(t, name+", one guess more", guess())
		for _, endpoint := range []string{"/token", "/introspect", "/revoke", "/par"} {
			r := formRequest(endpoint, params("web", callback, "token", "x", "grant_type", "authorization_code", "code", "x"))
			r.SetBasicAuth("web", webSecret)
			if w := h.do(from(addresses[1], r)); w.Code == http.StatusTooManyRequests || w.Code == http.StatusUnauthorized {
				t.Errorf("%s, %s with the right secret: %d %s", name, endpoint, w.Code, w.Body)
			}
		}
		r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
		if w := h.do(from(addresses[1], r)); w.Code != http.StatusOK {
			t.Errorf("%s, a good access token: %d %s", name, w.Code, w.Body)
		}
		r.Header.Set("Authorization", "Bearer "+storage.NewToken())
		wantTooMany(t, name+", another access token", h.do(from(addresses[1], r)))
		public := exchange("x", "client_id", "app")
		public.Header.Del("Authorization")
		wantTooMany(t, name+", a public client", h.do(from(addresses[1], public)))
		wantTooMany(t, name+", no form", h.do(from(addresses[1], httptest.NewRequest(http.MethodPost, issuer+"/token", nil))))
	}
}

// TestWrongAssertionsLockNobodyOut: the key of the client still proves it, from the address of those who guess and beside it.
func TestWrongAssertionsLockNobodyOut(t *testing.T) {
	h := assertionHarness(t, "P-256")
	attack := func() *httptest.ResponseRecorder { return h.do(from(here, asserted("/token", unproven("P-256")))) }
	for range failuresPerMinute {
		if w := attack(); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	for range 2 * 6000 / failureCost {
		attack()
	}
	wantTooMany(t, "one more", attack())
	for _, address := range []string{here, "192.0.2.77:1"} {
		if !h.proves(from(address, asserted("/token", signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("P-256"))))) {
			t.Errorf("the client's own key does not prove it from %s", address)
		}
	}
}

// unproven returns an assertion of the client's that nobody has signed.
func unproven(clientID string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte(`{"iss":"`+clientID+`","sub":"`+clientID+`"}`)) + "." + encode(make([]byte, 64))
}

// TestNobodySpendsTheVisitsOfAClient: twelve addresses, and many networks of one subscriber, ask for all that they can get.
func TestNobodySpendsTheVisitsOfAClient(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits = Limits{RequestsPerAddress: 6, RequestsPerClient: 60} })
	publicToken := func() *http.Request {
		r := exchange("x", "client_id", "app")
		r.Header.Del("Authorization")
		return r
	}
	visit := func() *http.Request {
		return httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+params("web", callback).Encode(), nil)
	}
	for name, request := range map[string]func() *http.Request{"visits": visit, "requests of a public client": publicToken} {
		for i := range 400 {
			h.do(from(fmt.Sprintf("198.51.100.%d:1", i%12), request()))
			h.do(from(fmt.Sprintf("[2001:db8:0:%x::1]:1", i), request()))
		}
		for i := range 3 {
			if w := h.do(from(fmt.Sprintf("192.0.2.%d:1", 100+i), request())); w.Code == http.StatusTooManyRequests {
				t.Errorf("%s: honest visitor %d: %d %s", name, i, w.Code, w.Body)
			}
		}
		h.move(time.Hour)
	}
}

// TestWideNetworks: a flood from the /64s of one subscriber meets a limit.
func TestWideNetworks(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 3 })
	refused := 0
	for i := range 100 {
		if h.do(from(fmt.Sprintf("[2001:db8:0:%x::1]:1", i), httptest.NewRequest(http.MethodGet, issuer+"/logout", nil))).Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 40 {
		t.Errorf("%d of 100 requests from 100 networks of one /48 were refused", refused)
	}
}

// TestWhatStrangersStoreIsBounded: a request that is kept until the browser comes again counts as a login, and a large one for more.
func TestWhatStrangersStoreIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		limits Limits
		most   int
	}{
		"number": {Limits{LoginsPerAddress: 5}, 5},
		"bytes":  {Limits{StoredPerAddress: 20 << 10}, 3},
		"shares": {Limits{Stored: 40 << 10}, 4},
	} {
		for _, endpoint := range []string{"/authorize", "/par"} {
			if endpoint == "/par" && name == "number" {
				continue
			}
			h := newHarness(t, func(o *Options) { o.Limits = test.limits })
			h.addClients(storage.Client{
				ID: "sso", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{callback}, SessionGroup: "g", IDTokenAlg: storage.ES256,
			})
			stored := func(address string) int {
				for i := range 50 {
					w := h.do(from(address, formRequest(endpoint, params("sso", callback, "scope", "openid", "state", strings.Repeat("s", 4096)))))
					if w.Code == http.StatusTooManyRequests {
						return i
					}
					if w.Code >= 400 {
						t.Fatalf("%s: %d %s", endpoint, w.Code, w.Body)
					}
				}
				return 50
			}
			if n := stored(here); n > test.most || n == 0 {
				t.Errorf("%s, %s: %d requests were stored, want at most %d", endpoint, name, n, test.most)
			}
			if n := stored("192.0.2.77:1"); n == 0 {
				t.Errorf("%s, %s: another address is refused", endpoint, name)
			}
		}
	}
}

// TestDecryptionCostsMore: what must be decrypted counts for what that costs.
func TestDecryptionCostsMore(t *testing.T) {
	const jwe = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"
	for name, request := range map[string]func() *http.Request{
		"request": func() *http.Request {
			return httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+params("web", callback, "request", jwe).Encode(), nil)
		},
		"hint": func() *http.Request {
			return httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+params("web", callback, "id_token_hint", jwe).Encode(), nil)
		},
		"hint of a logout": func() *http.Request {
			return httptest.NewRequest(http.MethodGet, issuer+"/logout?id_token_hint="+jwe, nil)
		},
		"pushed": func() *http.Request {
			return formRequest("/par", params("app", "http://127.0.0.1/callback", "request", jwe))
		},
	} {
		h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 4 * decryptionCost })
		for i := range 3 {
			if w := h.do(from(here, request())); w.Code == http.StatusTooManyRequests {
				t.Errorf("%s: request %d is refused", name, i+1)
			}
		}
		wantTooMany(t, name, h.do(from(here, request())))
	}
}

func TestGuessesAreRefused(t *testing.T) {
	h := newHarness(t, nil)
	guess := func(id, address string) *httptest.ResponseRecorder {
		r := exchange("x")
		r.SetBasicAuth(id, storage.NewToken())
		return h.do(from(address, r))
	}
	for range failuresPerMinute {
		if w := guess("web", here); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	wantTooMany(t, "one guess more", guess("web", here))
	if w := h.do(from(here, exchange("x"))); w.Code != http.StatusBadRequest {
		t.Errorf("the right one after wrong ones: %d %s", w.Code, w.Body)
	}
	if w := h.do(from(there, exchange("x"))); w.Code != http.StatusBadRequest {
		t.Errorf("the client elsewhere: %d %s", w.Code, w.Body)
	}
	if w := guess("post", here); w.Code != http.StatusUnauthorized {
		t.Errorf("another client: %d %s", w.Code, w.Body)
	}
}

// Whoever tries many clients is stopped by the address: a failure costs as much as several requests.
func TestFailuresCostMore(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 3 * failureCost })
	for i := range 3 {
		r := exchange("x")
		r.SetBasicAuth(fmt.Sprint("nobody-", i), "x")
		if w := h.do(from(here, r)); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	wantTooMany(t, "the address", h.do(from(here, httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil))))
}

func TestFailuresAreRecordedWithinBounds(t *testing.T) {
	h := newHarness(t, nil)
	fail := func(id, address string) {
		r := exchange("x")
		r.SetBasicAuth(id, "guess-4711")
		h.do(from(address, r))
	}
	for range 5 {
		fail("web", here)
	}
	fail("nobody", here)
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 1000)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	first, second := events[0].Fields, events[1].Fields
	if events[0].Type != string(audit.ClientRefused) || first["CLIENT_ID"] != "web" || first["SOURCE_ADDRESS"] != "192.0.2.1" ||
		first["CUSTOMER_IDENTIFIER"] != "tag-7" || first["MESSAGE"] != "wrong secret" {
		t.Errorf("%+v", events[0])
	}
	if second["CLIENT_ID"] != "" || second["MESSAGE"] != "unknown client" {
		t.Errorf("%+v", events[1])
	}
	if strings.Contains(fmt.Sprint(events)+h.logs.String(), "guess-4711") {
		t.Error("a secret is recorded")
	}
	for i := range 2 * failureEvents {
		fail("web", fmt.Sprintf("198.51.100.%d:1", i))
	}
	if events, err = h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 1000); err != nil || len(events) > failureEvents+2 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// TestFaultsCountForNobody: when the store fails, whoever calls on must not be locked out once it works again.
func TestFaultsCountForNobody(t *testing.T) {
	store := new(marked)
	h := newHarness(t, func(o *Options) {
		store.Store, o.Store = o.Store, store
		o.Limits.RequestsPerAddress = 5
	})
	bearer := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+storage.NewToken())
		return r
	}
	for _, test := range []struct {
		fails   string
		request func() *http.Request
		status  int
	}{
		{"Client", func() *http.Request { return exchange("x") }, http.StatusBadRequest},
		{"AccessToken", bearer, http.StatusUnauthorized},
	} {
		store.fails = test.fails
		for range 20 {
			if w := h.do(from(here, test.request())); w.Code != http.StatusInternalServerError {
				t.Fatalf("%s fails: %d %s", test.fails, w.Code, w.Body)
			}
		}
		store.fails = ""
		if w := h.do(from(here, bearer())); w.Code != http.StatusUnauthorized {
			t.Errorf("after %s has failed, another request: %d %s", test.fails, w.Code, w.Body)
		}
		if w := h.do(from(here, test.request())); w.Code != test.status {
			t.Errorf("after %s has failed: %d %s", test.fails, w.Code, w.Body)
		}
	}
}
