package op

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
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

// basicFrom returns a token request with that Authorization header.
func basicFrom(header string) *http.Request {
	r := exchange("x")
	r.Header.Set("Authorization", header)
	return r
}

func basic64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// An empty secret is none (RFC 6749 §2.3.1): a public client that sends one does nothing wrong, and a confidential one proves nothing.
func TestEmptySecretIsNone(t *testing.T) {
	h := newHarness(t, nil)
	for range failuresPerMinute + 1 {
		if !h.proves(from(here, basicFrom("Basic "+basic64("app:")))) {
			t.Fatal("a public client with an empty secret is refused")
		}
	}
	for path, want := range map[string]bool{"/introspect": false, "/revoke": true, "/par": true, "/token": true} {
		for _, named := range []string{"", "app", "web"} {
			r := formRequest(path, with(url.Values{"client_secret": {""}}, "client_id", named))
			r.SetBasicAuth("app", "")
			if client, refusal := h.pass(from(there, r)); (refusal == nil && client.ID == "app") != (want && named != "web") {
				t.Errorf("%s, client_id %q: %v", path, named, refusal)
			}
		}
	}
	for _, client := range []string{"web", "post", "nobody"} {
		if h.proves(from(there, basicFrom("Basic "+basic64(client+":")))) || h.proves(from(there, basicFrom("Basic "+basic64(client)))) {
			t.Errorf("%s proves itself without a secret", client)
		}
	}
	if h.proves(from(there, basicFrom("Basic "+basic64("app:x")))) {
		t.Error("a public client may have no secret")
	}
	if events := h.refusedClients(); slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, here[:9]) }) {
		t.Errorf("an empty secret is recorded: %v", events)
	}
}

// refusedClients returns address, client and cause of each failed authentication in the audit log.
func (h *harness) refusedClients() (all []string) {
	events, err := h.store.AuditEvents(h.t.Context(), time.Time{}, time.Now().Add(24*time.Hour), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == string(audit.ClientRefused) {
			all = append(all, e.Fields["SOURCE_ADDRESS"]+" "+e.Fields["CLIENT_ID"]+" "+e.Fields["MESSAGE"])
		}
	}
	return all
}

func TestBasicCredentialsAsTheyAreWritten(t *testing.T) {
	h := newHarness(t, nil)
	good := basic64("web:" + webSecret)
	if !strings.HasSuffix(good, "=") {
		good = basic64("%77eb:" + webSecret)
	}
	for header, want := range map[string]bool{
		"Basic " + good: true, "basic " + good: true, "BASIC   " + good: true, "Basic " + strings.TrimRight(good, "="): true,
		"Basic": false, "Basic ": false, "Basic" + good: false, "Bearer " + good: false, "Basic " + good + " x": false, "Basic\t" + good: false,
		"Basic " + good[:len(good)-8]: false, "Basic !": false, "Basic " + basic64(":"+webSecret): false,
	} {
		if h.proves(basicFrom(header)) != want {
			t.Errorf("%q: want %t", header, want)
		}
	}
}

// Who has the secret is told that only its place is wrong, and locks nobody out by it. Others learn nothing.
func TestSecretInTheWrongPlace(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.RequestsPerAddress = 2 * failureCost })
	inForm := func(id, secret string) *http.Request {
		r := exchange("x", "client_id", id, "client_secret", secret)
		r.Header.Del("Authorization")
		return r
	}
	for range 2 * failuresPerMinute {
		for want, request := range map[string]*http.Request{
			"the client is registered for client_secret_basic, and its secret was sent in the form":                inForm("web", webSecret),
			"the client is registered for client_secret_post, and its secret was sent in the Authorization header": basicFrom("Basic " + basic64("post:post-secret")),
		} {
			if w := h.do(from(here, request)); w.Code != http.StatusUnauthorized || decode(t, w).Description != want || decode(t, w).Error != "invalid_client" {
				t.Fatalf("%d %s, want %s", w.Code, w.Body, want)
			}
		}
	}
	if !h.proves(from(here, inForm("post", "post-secret"))) || len(h.refusedClients()) != 0 {
		t.Errorf("the right place after wrong ones: %v", h.refusedClients())
	}
	h.addClients(keyClient("P-256", jwk("P-256", "k1", "sig")))
	h.change("P-256", func(c *storage.Client) { c.Secrets = secrets(webSecret) })
	for name, request := range map[string]*http.Request{
		"wrong secret in the form": inForm("web", "wrong"), "wrong secret in the header": basicFrom("Basic " + basic64("post:wrong")),
		"a secret for a public client": inForm("app", "x"), "the secret of before": inForm("P-256", webSecret), "nobody": inForm("nobody", "x"),
	} {
		h.move(time.Hour)
		if w := h.do(from(there, request)); w.Code != http.StatusUnauthorized || decode(t, w).Description != "client authentication failed" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// The log of the operator has the cause that a stranger must not learn.
func TestCausesOfRefusedClientsAreLogged(t *testing.T) {
	for cause, request := range map[string]*http.Request{
		"wrong secret":   basicFrom("Basic " + basic64("web:wrong")),
		"unknown client": basicFrom("Basic " + basic64("nobody:x")),
		"another method than the registered one: none instead of client_secret_basic": basicFrom("Basic " + basic64("web:")),
	} {
		h := newHarness(t, nil)
		w := h.do(request)
		if line := fmt.Sprintf("cause=%q", cause); !strings.Contains(h.logs.String(), line) || strings.Contains(w.Body.String(), cause) {
			t.Errorf("%s: %s; answer %s", cause, h.logs, w.Body)
		}
	}
}
