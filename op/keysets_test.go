package op

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// remote returns key sets whose clients publish their keys at the returned site.
func remote(t *testing.T, keys ...jose.JSONWebKey) (*harness, *jwksSite, *storage.Client) {
	h := newHarness(t, nil)
	site := &jwksSite{body: jwks(keys...), header: http.Header{}}
	h.keySets.outbound = site
	return h, site, &storage.Client{ID: "remote", AuthMethod: storage.AuthMethodPrivateKey, JWKSURI: "https://client.example/jwks"}
}

func TestKeysAreFetchedOnce(t *testing.T) {
	h, site, client := remote(t, jwk("P-256", "a", ""))
	for range 5 {
		if keys, err := h.clientKeys(t.Context(), client, "a"); err != nil || len(keys) != 1 {
			t.Fatalf("%v %v", keys, err)
		}
	}
	if n := site.called(); n != 1 {
		t.Errorf("%d fetches", n)
	}
	moved := *client
	moved.JWKSURI += "/new"
	if _, err := h.clientKeys(t.Context(), &moved, ""); err != nil || site.called() != 2 {
		t.Errorf("another address: %d fetches, %v", site.called(), err)
	}
	if _, err := h.clientKeys(t.Context(), &storage.Client{ID: "none"}, ""); !errors.Is(err, errNoKeys) {
		t.Errorf("a client without keys: %v", err)
	}
}

func TestKeysAreKeptAsLongAsTheySay(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": keyLife, "max-age=300": 5 * time.Minute, "public, max-age=\"300\"": 5 * time.Minute, "max-age=1": minKeyLife,
		"max-age=999999": maxKeyLife, "no-store": minKeyLife, "max-age=900, no-cache": minKeyLife, "max-age=x": keyLife, "max-age=-1": keyLife,
		"max-age=99999999999999999999": keyLife, "Max-Age=600": 10 * time.Minute,
	} {
		if got := freshness(http.Header{"Cache-Control": {header}}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	h, site, client := remote(t, jwk("P-256", "a", ""))
	site.header.Set("Cache-Control", "max-age=300")
	for _, step := range []struct {
		after time.Duration
		calls int
	}{{0, 1}, {299 * time.Second, 1}, {2 * time.Second, 2}, {299 * time.Second, 2}} {
		h.move(step.after)
		if _, err := h.clientKeys(t.Context(), client, ""); err != nil || site.called() != step.calls {
			t.Errorf("after %s: %d fetches, want %d; %v", step.after, site.called(), step.calls, err)
		}
	}
}

func TestUnknownKeyIDsFetchOnceAMinute(t *testing.T) {
	h, site, client := remote(t, jwk("P-256", "a", ""))
	for range 5 {
		h.clientKeys(t.Context(), client, "b")
	}
	if n := site.called(); n != 1 {
		t.Errorf("%d fetches at first", n)
	}
	h.move(keyRetry)
	site.set(func(s *jwksSite) { s.body = jwks(jwk("P-256", "a", ""), jwk("P-384", "b", "")) })
	for range 5 {
		if keys, err := h.clientKeys(t.Context(), client, "b"); err != nil || !hasKey(keys, "b") {
			t.Errorf("%v %v", keys, err)
		}
	}
	for range 5 {
		h.clientKeys(t.Context(), client, "c")
	}
	if n := site.called(); n != 2 {
		t.Errorf("%d fetches in all", n)
	}
}

func TestKeysOutliveAFailureForAWhile(t *testing.T) {
	h, site, client := remote(t, jwk("P-256", "a", ""))
	h.clientKeys(t.Context(), client, "")
	site.set(func(s *jwksSite) { s.fails = true })
	h.move(keyLife)
	for range 5 {
		if keys, err := h.clientKeys(t.Context(), client, ""); err != nil || len(keys) != 1 {
			t.Errorf("the keys are gone: %v", err)
		}
	}
	if n := site.called(); n != 2 {
		t.Errorf("%d fetches, want one for the keys and one that failed", n)
	}
	h.move(staleKeyLife)
	for range 5 {
		if _, err := h.clientKeys(t.Context(), client, ""); !errors.Is(err, errNoKeys) {
			t.Errorf("stale keys are used for ever: %v", err)
		}
	}
	if n := site.called(); n != 3 {
		t.Errorf("%d fetches: failures are not remembered", n)
	}
	site.set(func(s *jwksSite) { s.fails = false })
	h.move(keyRetry)
	if _, err := h.clientKeys(t.Context(), client, ""); err != nil {
		t.Error(err)
	}
}

func TestConcurrentFetchesAreOne(t *testing.T) {
	h, site, client := remote(t, jwk("P-256", "a", ""))
	site.gate = make(chan struct{})
	canceled, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	first := make(chan error, 1)
	work.Go(func() {
		_, err := h.clientKeys(canceled, client, "")
		first <- err
	})
	for site.called() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.clientKeys(canceledContext(t), client, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up waits: %v", err)
	}
	for range 8 {
		work.Go(func() {
			if keys, err := h.clientKeys(t.Context(), client, "a"); err != nil || len(keys) != 1 {
				t.Errorf("%v %v", keys, err)
			}
		})
	}
	cancel() // the fetch serves the others too
	close(site.gate)
	work.Wait()
	if err := <-first; err != nil || site.called() != 1 {
		t.Errorf("%d fetches, %v", site.called(), err)
	}
}

func canceledContext(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// While the keys are fetched again, those at hand serve.
func TestNobodyWaitsForARefresh(t *testing.T) {
	h, site, client := remote(t, jwk("P-256", "a", ""))
	h.clientKeys(t.Context(), client, "")
	h.move(keyLife)
	gate := make(chan struct{})
	site.set(func(s *jwksSite) { s.gate = gate })
	var work sync.WaitGroup
	work.Go(func() { h.clientKeys(t.Context(), client, "") })
	for site.called() == 1 {
		time.Sleep(time.Millisecond)
	}
	if keys, err := h.clientKeys(t.Context(), client, "a"); err != nil || len(keys) != 1 {
		t.Errorf("%v %v", keys, err)
	}
	close(gate)
	work.Wait()
}

func TestKeySetsAreBounded(t *testing.T) {
	h := newHarness(t, nil)
	inline := jwks(jwk("P-256", "a", ""))
	for i := range 30_000 {
		client := storage.Client{ID: string(rune('a'+i%26)) + time.Duration(i).String(), JWKS: inline}
		if i > 3 {
			h.keySets.mu.Lock()
			h.keySets.set(client.ID, "x")
			h.keySets.mu.Unlock()
		} else if _, err := h.clientKeys(t.Context(), &client, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.keySets.sets.Len(); n > maxKeyBytes>>10 || n < 10_000 {
		t.Errorf("%d key sets", n)
	}
	large := jwks(jwk("P-256", strings.Repeat("x", maxJWKS-1<<10), ""))
	for i := range 300 {
		client := storage.Client{ID: fmt.Sprint("large", i), JWKS: large}
		if _, err := h.clientKeys(t.Context(), &client, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.keySets.sets.Len(); n > maxKeyBytes/(keyFactor*len(large)) {
		t.Errorf("%d large key sets", n)
	}
}

func TestInlineKeysFollowTheRegistration(t *testing.T) {
	h := newHarness(t, nil)
	client := storage.Client{ID: "x", JWKS: jwks(jwk("P-256", "a", ""))}
	changed := storage.Client{ID: "x", JWKS: jwks(jwk("P-384", "b", ""))}
	for range 2 {
		if keys, err := h.clientKeys(t.Context(), &client, "a"); err != nil || !hasKey(keys, "a") {
			t.Errorf("%v %v", keys, err)
		}
		if keys, err := h.clientKeys(t.Context(), &changed, "b"); err != nil || !hasKey(keys, "b") || hasKey(keys, "a") {
			t.Errorf("%v %v", keys, err)
		}
	}
}
