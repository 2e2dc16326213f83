package op

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// pass sends a request through the guard and authenticates it.
func (h *harness) pass(r *http.Request) (client *storage.Client, refusal *oauthError) {
	h.guardForm(func(_ http.ResponseWriter, r *http.Request) { client, refusal = h.authenticate(r) })(httptest.NewRecorder(), r)
	return client, refusal
}

func TestPublicClientsMayNotIntrospect(t *testing.T) {
	h := newHarness(t, nil)
	for path, want := range map[string]bool{"/introspect": false, "/revoke": true, "/par": true, "/token": true} {
		client, refusal := h.pass(formRequest(path, with(url.Values{}, "client_id", "app")))
		if (refusal == nil && client.ID == "app") != want {
			t.Errorf("%s: %v", path, refusal)
		}
		if !want && refusal.code != string(oidc.InvalidClient) {
			t.Errorf("%s: %v", path, refusal)
		}
	}
	r := formRequest("/introspect", nil)
	r.SetBasicAuth("web", webSecret)
	if client, refusal := h.pass(r); refusal != nil || client.ID != "web" {
		t.Errorf("a confidential client: %v", refusal)
	}
}

// RFC 6749 §2.3.1 wants header credentials form-encoded; many clients send them as they are.
func TestSecretsInTheHeaderMayBeEncodedOrNot(t *testing.T) {
	h := newHarness(t, nil)
	const odd = "a+b%2F c:d"
	h.addClients(storage.Client{
		ID: "odd", AuthMethod: storage.AuthMethodBasic, Secrets: secrets(odd), RedirectURIs: []string{callback}, IDTokenAlg: storage.ES256,
	})
	for presented, want := range map[string]bool{odd: true, "a%2Bb%252F+c%3Ad": true, "a b/ c:d": false, "a%zz": false, "": false} {
		r := exchange("no such code")
		r.SetBasicAuth("odd", presented)
		if h.proves(r) != want {
			t.Errorf("%q: want %t", presented, want)
		}
	}
}

func (m *marked) UseOnce(ctx context.Context, key [32]byte, expires, now time.Time) error {
	if err := m.fault("UseOnce"); err != nil {
		return err
	}
	return m.Store.UseOnce(ctx, key, expires, now)
}

// A fault of ours is neither a proof nor the client's failure, and its text stays inside.
func TestFaultsOfAuthentication(t *testing.T) {
	for _, method := range []string{"Client", "UseOnce"} {
		store := new(marked)
		h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
		h.addClients(keyClient("P-256", jwk("P-256", "", "")))
		store.fails = method
		w := h.do(asserted("/token", signJWS(t, "ES256", "P-256", "", h.assertionClaims("P-256"))))
		if answer := decode(t, w); w.Code != http.StatusInternalServerError || answer.Error != "server_error" || answer.Description != internalError {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
		if !strings.Contains(h.logs.String(), mark) {
			t.Errorf("%s: the cause is not logged", method)
		}
	}
}

// Failures are counted by client_id, so that texts of strangers must not fill the memory.
func TestLongClientIDsAreForgotten(t *testing.T) {
	for length, want := range map[int]bool{maxClientID: true, maxClientID + 1: false} {
		r := formRequest("/token", url.Values{"client_id": {strings.Repeat("x", length)}})
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		if c, err := readCredentials(r); (err == nil) != want || (c.clientID != "") != want {
			t.Errorf("%d bytes: %.10q, %v", length, c.clientID, err)
		}
	}
}
