package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

// withFetcher is withMachine for a client that may fetch its evidence, of which there is "good" and "erased", and "altered" that cannot be read.
func withFetcher(t *testing.T, change func(*storage.Client)) *harness {
	return withMachine(t, func(c *storage.Client) {
		c.APIScopes, c.FetchEvidence = nil, true
		if change != nil {
			change(c)
		}
	}, func(o *Options) {
		o.EvidenceOf = func(_ context.Context, client *storage.Client, txn, address string) ([]byte, error) {
			switch {
			case client.ID != "machine" || address == "":
				t.Errorf("asked for %q, from %q", client.ID, address)
			case txn == "good":
				return []byte("head\nrecord\n"), nil
			case txn == "erased":
				return nil, ErrErased
			case txn == "altered":
				return nil, errors.New("marked text of the store")
			}
			return nil, storage.ErrNotFound
		}
	})
}

// fetch asks for evidence with the token, none when it is empty.
func (h *harness) fetch(token secret.String, txn string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, issuer+"/evidence/"+txn, nil)
	if !token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return h.do(r)
}

// TestFetchEvidence: a client gets its own with a token of its own, and the same answer for what is another's as for what is nobody's.
func TestFetchEvidence(t *testing.T) {
	for _, format := range []string{storage.AccessTokenOpaque, storage.AccessTokenJWT} {
		h := withFetcher(t, func(c *storage.Client) { c.AccessTokenFormat = format })
		for _, token := range []secret.String{tokenIn(t, h.ownToken()), tokenIn(t, h.ownToken("scope", "evidence", "resource", issuer+"/evidence"))} {
			w := h.fetch(token, "good")
			if w.Code != 200 || w.Body.String() != "head\nrecord\n" || w.Header().Get("Content-Type") != "application/jsonl" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v %s", format, w.Code, w.Header(), w.Body)
			}
			for txn, status := range map[string]int{"unknown": 404, "erased": 410, "altered": 500} {
				w := h.fetch(token, txn)
				if w.Code != status || strings.Contains(w.Body.String(), "marked") || w.Header().Get("WWW-Authenticate") != "" {
					t.Errorf("%s: %s is answered with %d %v %s", format, txn, w.Code, w.Header(), w.Body)
				}
			}
			h.wantsNone(t, token, "although it is for evidence")
		}
	}
}

// TestFetchEvidenceIsRefused to every token but one for it, of a client that still may.
func TestFetchEvidenceIsRefused(t *testing.T) {
	h := withFetcher(t, func(c *storage.Client) { c.APIScopes = []string{"keys:read"} })
	api, login := tokenIn(t, h.ownToken("scope", "keys:read")), secret.New(decode(t, h.do(exchange(h.code(params("web", callback))))).AccessToken)
	for name, token := range map[string]secret.String{"none": {}, "garbage": secret.New("garbage"), "one for the management API": api, "one of a login": login} {
		if w := h.fetch(token, "good"); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := h.do(httptest.NewRequest(http.MethodGet, issuer+"/evidence/good?access_token=x", nil)); w.Code != 400 && w.Code != 401 {
		t.Errorf("in the URL: %d", w.Code)
	}
	for name, more := range map[string][]string{
		"two APIs at once": {"scope", "evidence keys:read"}, "another's resource": {"scope", "evidence", "resource", issuer + "/api/v1"}, "a scope of logins": {"scope", "openid"},
	} {
		if w := h.ownToken(more...); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	token := tokenIn(t, h.ownToken("scope", "evidence"))
	c, err := h.store.Client(t.Context(), "machine")
	if err != nil {
		t.Fatal(err)
	}
	changed := *c
	changed.FetchEvidence = false
	if err := h.store.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if w := h.fetch(token, "good"); w.Code != 403 || !strings.Contains(w.Body.String(), "insufficient_scope") {
		t.Errorf("a client that may no longer: %d %s", w.Code, w.Body)
	}
	if w := h.ownToken("scope", "evidence"); w.Code != 400 {
		t.Errorf("a token for a client that may no longer: %d %s", w.Code, w.Body)
	}
}

// TestEvidenceIsDescribed as a protected resource.
func TestEvidenceIsDescribed(t *testing.T) {
	h := withFetcher(t, nil)
	w := h.do(httptest.NewRequest(http.MethodGet, issuer+"/.well-known/oauth-protected-resource/evidence", nil))
	var described struct {
		Resource string
		Scopes   []string `json:"scopes_supported"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &described); err != nil || described.Resource != issuer+"/evidence" || len(described.Scopes) != 1 || described.Scopes[0] != "evidence" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
