package op

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"brygga/storage"
)

// countingStore counts what it is asked.
type countingStore struct {
	Store
	clients, origins int
	fails            error
}

func (s *countingStore) Client(ctx context.Context, id string) (*storage.Client, error) {
	s.clients++
	return s.Store.Client(ctx, id)
}

func (s *countingStore) OriginRegistered(ctx context.Context, origin string) (bool, error) {
	s.origins++
	if s.fails != nil {
		return false, s.fails
	}
	return s.Store.OriginRegistered(ctx, origin)
}

const spa = "https://spa.example.se"

// corsHarness has a public client whose origin is spa, and counts how often the store is asked for one.
func corsHarness(t *testing.T) (*harness, *countingStore) {
	store := new(countingStore)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	h.addClients(storage.Client{
		ID: "spa", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{spa + "/callback"}, IDTokenAlg: storage.ES256,
		SubjectType: storage.SubjectPairwise,
	})
	return h, store
}

func fromOrigin(method, path, origin string) *http.Request {
	r := httptest.NewRequest(method, issuer+path, strings.NewReader("x=y"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	if method == http.MethodOptions {
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	}
	return r
}

func TestCORSByRegisteredOrigin(t *testing.T) {
	h, _ := corsHarness(t)
	for _, path := range []string{"/token", "/userinfo", "/par", "/revoke"} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			for origin, want := range map[string]string{
				spa: spa, "": "", "null": "", "https://evil.example": "", spa + ".evil.example": "", "http://spa.example.se": "", spa + ":444": "",
				strings.ToUpper(spa): "", spa + "/": "", "https://app.example.se": "", "https://" + strings.Repeat("a", maxOrigin): "",
			} {
				w := h.do(fromOrigin(method, path, origin))
				got := w.Header()
				if got.Get("Access-Control-Allow-Origin") != want || got.Get("Vary") != "Origin" || got.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s from %.60q: %v", method, path, origin, got)
				}
				allowsHeaders := strings.Contains(got.Get("Access-Control-Allow-Headers"), "Authorization")
				if method == http.MethodOptions && (w.Code != http.StatusNoContent || allowsHeaders != (want != "")) {
					t.Errorf("preflight of %s from %.60q: %d %v", path, origin, w.Code, got)
				}
			}
		}
	}
}

func TestPublicDocumentsAreForEveryOrigin(t *testing.T) {
	h, store := corsHarness(t)
	for _, path := range []string{pathDiscovery, pathMetadata, pathJWKS} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodHead} {
			w := h.do(fromOrigin(method, path, "https://evil.example"))
			if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Vary") != "" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %v", method, path, w.Header())
			}
		}
	}
	if store.origins != 0 {
		t.Error("the store was asked for an origin that does not matter")
	}
}

// Pages and endpoints for servers are read by no script, whatever its origin.
func TestNoCORSElsewhere(t *testing.T) {
	h, _ := corsHarness(t)
	for _, path := range []string{"/authorize", "/logout", "/logout/confirm"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
			w := h.do(fromOrigin(method, path, spa))
			if w.Header().Get("Access-Control-Allow-Origin") != "" || (method == http.MethodOptions) != (w.Code == http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
	}
	for _, method := range []string{http.MethodOptions, http.MethodPost} {
		w := h.do(fromOrigin(method, "/introspect", spa))
		if w.Header().Get("Access-Control-Allow-Origin") != "" || (method == http.MethodOptions) != (w.Code == http.StatusMethodNotAllowed) {
			t.Errorf("%s /introspect: %d %v", method, w.Code, w.Header())
		}
	}
}

// TestShellsOfApps: pages that an app of the device brings along have origins of their own schemes.
func TestShellsOfApps(t *testing.T) {
	h := newHarness(t, nil)
	h.addClients(storage.Client{ID: "shell", AuthMethod: storage.AuthMethodNone, Origins: []string{"capacitor://localhost"}, RedirectURIs: []string{"https://SPA.Example.se:443/cb"}},
		storage.Client{ID: "capitals", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://SPA.Example.se:443/cb"}})
	for origin, want := range map[string]bool{"capacitor://localhost": true, "https://spa.example.se": true, "ionic://localhost": false, "null": false, "capacitor://": false} {
		if got := h.do(fromOrigin(http.MethodOptions, "/token", origin)).Header().Get("Access-Control-Allow-Origin"); (got == origin) != want {
			t.Errorf("%s: %q", origin, got)
		}
	}
}

func TestOriginsAreRemembered(t *testing.T) {
	h, store := corsHarness(t)
	const late = "https://late.example.se"
	for range 5 {
		h.do(fromOrigin(http.MethodPost, "/token", spa))
		h.do(fromOrigin(http.MethodPost, "/token", late))
		h.do(fromOrigin(http.MethodPost, "/token", ""))
		h.do(fromOrigin(http.MethodPost, "/token", "null"))
	}
	if store.origins != 2 {
		t.Errorf("the store was asked %d times for two origins", store.origins)
	}
	h.addClients(storage.Client{ID: "late", AuthMethod: storage.AuthMethodBasic, Secrets: secrets("s"), Origins: []string{late}, RedirectURIs: []string{callback}})
	h.move(originLife)
	if w := h.do(fromOrigin(http.MethodPost, "/token", late)); w.Header().Get("Access-Control-Allow-Origin") != late {
		t.Error("a new origin is refused for ever")
	}
	for i := range 10_000 {
		h.do(fromOrigin(http.MethodOptions, "/token", fmt.Sprint("https://", i)))
	}
	if n := h.scripts.Len(); n > maxOriginBytes/100 || n < 1000 {
		t.Errorf("%d origins are remembered", n)
	}
}

func TestOriginIsRefusedWhenTheStoreFails(t *testing.T) {
	h, store := corsHarness(t)
	store.fails = errors.New(mark)
	w := h.do(fromOrigin(http.MethodPost, "/token", spa))
	if w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != "" || strings.Contains(w.Body.String(), mark) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	store.fails = nil
	if w := h.do(fromOrigin(http.MethodPost, "/token", spa)); w.Header().Get("Access-Control-Allow-Origin") != spa {
		t.Error("a failure is remembered")
	}
}

// Scripts that are instrumented send headers which nobody here asked for. No answer may allow credentials with that.
func TestPreflightsAllowEveryHeader(t *testing.T) {
	h, _ := corsHarness(t)
	for _, path := range []string{"/token", "/userinfo", "/par", "/revoke", pathDiscovery, pathJWKS} {
		for _, asked := range []string{"", "x-requested-with", "authorization,traceparent,x-requested-with", "baggage, sentry-trace"} {
			r := fromOrigin(http.MethodOptions, path, spa)
			r.Header.Set("Access-Control-Request-Headers", asked)
			got := h.do(r).Header()
			allowed := strings.Split(strings.ReplaceAll(got.Get("Access-Control-Allow-Headers"), " ", ""), ",")
			for _, name := range append(strings.Split(strings.ReplaceAll(asked, " ", ""), ","), "*", "Authorization", "Content-Type") {
				if name != "" && !slices.Contains(allowed, name) {
					t.Errorf("%s does not allow %s: %v", path, name, allowed)
				}
			}
			if got.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s allows credentials", path)
			}
		}
	}
	for _, asked := range []string{"a\tb", "x(y)", "é", "a;b", strings.Repeat("x", maxHeaderNames+1)} {
		r := fromOrigin(http.MethodOptions, "/token", spa)
		r.Header.Set("Access-Control-Request-Headers", asked)
		if got := h.do(r).Header().Get("Access-Control-Allow-Headers"); got != "Authorization, Content-Type, *" {
			t.Errorf("%.20q is repeated: %.60q", asked, got)
		}
	}
	r := fromOrigin(http.MethodOptions, "/token", "https://evil.example")
	r.Header.Set("Access-Control-Request-Headers", "traceparent")
	if got := h.do(r).Header(); got.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("another origin: %v", got)
	}
}
