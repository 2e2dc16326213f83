package op

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brygga/audit"
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
	for range 4 {
		h.begin(params("web", callback))
	}
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

func TestGuessingSecretsIsSlow(t *testing.T) {
	store := new(countingStore)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	guess := func(id, address string) *httptest.ResponseRecorder {
		r := exchange("x")
		r.SetBasicAuth(id, random())
		return h.do(from(address, r))
	}
	for range failuresPerMinute {
		if w := guess("web", here); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	asked := store.clients
	wantTooMany(t, "one guess more", guess("web", here))
	wantTooMany(t, "the right one after wrong ones", h.do(from(here, exchange("x"))))
	if store.clients != asked {
		t.Error("refused guesses are looked at")
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
