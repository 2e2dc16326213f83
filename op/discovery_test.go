package op

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"brygga/keys"
	"brygga/storage/bolt"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The whole document, so that every change of it is seen. Whether what it names works is for the tests of each.
func TestDiscovery(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.ServiceDocumentation = "https://docs.example.se/login" })
	const golden = "testdata/discovery.json"
	for _, path := range []string{pathDiscovery, pathMetadata} {
		w := h.do(httptest.NewRequest(http.MethodGet, issuer+path, nil))
		var got bytes.Buffer
		if err := json.Indent(&got, w.Body.Bytes(), "", "\t"); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s:\n%s", path, golden, &got)
		}
	}
}

// TestDiscoveryOffersWhatThereAreKeysFor: who reads that it may encrypt finds the key for it.
func TestDiscoveryOffersWhatThereAreKeysFor(t *testing.T) {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "keys.db"), newSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	fresh, err := keys.New(t.Context(), keys.Options{
		Store: store, Needed: []string{"RSA-OAEP"}, Used: func(context.Context, []string) ([]string, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fresh.Close)
	h := newHarness(t, func(o *Options) { o.Keys = fresh })
	offered := func() string {
		var d struct {
			Alg []string `json:"request_object_encryption_alg_values_supported"`
			Enc []string `json:"request_object_encryption_enc_values_supported"`
		}
		if err := json.Unmarshal(h.do(httptest.NewRequest(http.MethodGet, issuer+pathDiscovery, nil)).Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(d.Alg, len(d.Enc))
	}
	if got := offered(); got != "[RSA-OAEP] 4" {
		t.Errorf("at a first start that makes keys still: %s", got)
	}
	if _, err := fresh.Provide(t.Context(), "ECDH-ES"); err != nil {
		t.Fatal(err)
	}
	if got := offered(); got != "[RSA-OAEP ECDH-ES] 4" {
		t.Errorf("with a key for ECDH-ES: %s", got)
	}
	if err := fresh.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if got := offered(); got != "[] 0" {
		t.Errorf("without keys: %s", got)
	}
}

// What the Swedish OpenID Connect Profile and Sweden Connect demand of the document.
func TestDiscoveryHoldsTheProfile(t *testing.T) {
	h := newHarness(t, nil)
	var d map[string]any
	document, err := h.discoveryNow(t.Context())
	if err := errors.Join(err, json.Unmarshal(document.JSON, &d)); err != nil {
		t.Fatal(err)
	}
	mandatory := []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	for name, want := range map[string][]string{
		"scopes_supported": {"openid"}, "response_types_supported": {"code"}, "subject_types_supported": {"public", "pairwise"},
		"token_endpoint_auth_methods_supported": {"private_key_jwt"}, "code_challenge_methods_supported": {"S256"}, "ui_locales_supported": {"sv", "en"},
		"token_endpoint_auth_signing_alg_values_supported": mandatory, "id_token_signing_alg_values_supported": mandatory,
		"userinfo_signing_alg_values_supported": mandatory, "request_object_signing_alg_values_supported": mandatory,
		"request_object_encryption_alg_values_supported": {"RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"},
		"request_object_encryption_enc_values_supported": {"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"},
		"acr_values_supported":                           {DefaultACR}, "claims_supported": {"sub", "acr", "auth_time", "txn"},
	} {
		for _, value := range want {
			if list, _ := d[name].([]any); !slices.Contains(list, any(value)) {
				t.Errorf("%s lacks %s", name, value)
			}
		}
		if list, _ := d[name].([]any); slices.Contains(list, any("plain")) || slices.ContainsFunc(list, func(v any) bool { return v == "none" || v == "HS256" }) &&
			name != "token_endpoint_auth_methods_supported" {
			t.Errorf("%s: %v", name, list)
		}
	}
	for name, want := range map[string]bool{
		"claims_parameter_supported": true, "request_parameter_supported": true, "request_uri_parameter_supported": false,
		"require_pushed_authorization_requests": false,
	} {
		if got, ok := d[name].(bool); !ok || got != want {
			t.Errorf("%s: %v", name, d[name])
		}
	}
	if _, there := d["service_documentation"]; there {
		t.Error("service_documentation leads nowhere")
	}
}

func TestAnnouncedAlgorithmsAreTaken(t *testing.T) {
	for i, alg := range signingAlgs {
		if string(clientAlgs[i]) != alg {
			t.Errorf("announced %v, taken %v", signingAlgs, clientAlgs)
		}
	}
	if len(signingAlgs) != len(clientAlgs) || len(signingAlgs) < 8 {
		t.Errorf("announced %v, taken %v", signingAlgs, clientAlgs)
	}
}

func TestDocuments(t *testing.T) {
	h := newHarness(t, nil)
	for _, path := range []string{pathDiscovery, pathJWKS} {
		w := h.do(httptest.NewRequest(http.MethodGet, issuer+path, nil))
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=600" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: a length of %q for %d bytes goes out in chunks", path, got, w.Body.Len())
		}
		r := httptest.NewRequest(http.MethodGet, issuer+path, nil)
		r.Header.Set("If-None-Match", w.Header().Get("Etag"))
		if again := h.do(r); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s: %d for a known ETag", path, again.Code)
		}
		if w := h.do(httptest.NewRequest(http.MethodDelete, issuer+path, nil)); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("DELETE %s: %d", path, w.Code)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if w := h.do(httptest.NewRequest(http.MethodGet, issuer+path, nil).WithContext(ctx)); w.Code != http.StatusOK {
			t.Errorf("%s waits although everything is there: %d", path, w.Code)
		}
	}
}
