package clients_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

func TestAlgorithms(t *testing.T) {
	tests := []struct {
		name   string
		client storage.Client
		want   string
	}{
		{"signs one way", storage.Client{IDTokenAlg: "ES256", UserinfoAlg: "ES256"}, "[ES256]"},
		{"signs two ways", storage.Client{IDTokenAlg: "ES256", UserinfoAlg: "RS512"}, "[ES256 RS512]"},
		{"tokens encrypted to its own key", storage.Client{IDTokenAlg: "ES256", IDTokenEncryption: storage.Encryption{Alg: "RSA-OAEP"}}, "[ES256]"},
		{"encrypts to us", storage.Client{IDTokenAlg: "ES256", RequestObjectEncryptionAlg: "ECDH-ES+A128KW"}, "[ES256 ECDH-ES+A128KW]"},
		{"Swedish", storage.Client{Profile: storage.ProfileSwedish, IDTokenAlg: "RS256"}, "[RS256 RSA-OAEP]"},
		{"Sweden Connect", storage.Client{Profile: storage.ProfileSwedenConnect, IDTokenAlg: "RS256", RequestObjectEncryptionAlg: "ECDH-ES"}, "[RS256 ECDH-ES RSA-OAEP RSA-OAEP-256]"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(clients.Algorithms(&tt.client)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestUsedAlgorithms goes over more clients than one page has; the last one alone, which is disabled, needs ES512.
func TestUsedAlgorithms(t *testing.T) {
	var all []storage.Client
	for i := range 1100 {
		all = append(all, storage.Client{ID: fmt.Sprintf("c%04d", i), IDTokenAlg: storage.ES256})
	}
	all[1099].IDTokenAlg, all[1099].Disabled = storage.ES512, true
	all[3].Profile = storage.ProfileSwedish
	h := newHarness(t, all...)
	used, err := clients.UsedAlgorithms(t.Context(), h.store, []string{"EdDSA", "ES512", "RSA-OAEP"})
	if slices.Sort(used); err != nil || fmt.Sprint(used) != "[ES512 RSA-OAEP]" {
		t.Errorf("used %v, %v", used, err)
	}
	if used, err := clients.UsedAlgorithms(t.Context(), h.store, nil); err != nil || len(used) > 0 {
		t.Errorf("of none: %v, %v", used, err)
	}
}

// TestKeysStandWhenTheClientDoes: keys that nobody used are retired between the first look and the client's storing.
func TestKeysStandWhenTheClientDoes(t *testing.T) {
	h := newHarness(t)
	h.made = []string{storage.EdDSA, storage.RS256}
	h.store = &retiring{h.store, func() { h.made = nil }}
	h.options.Store = h.store
	r, err := clients.NewRegistry(h.options)
	if err != nil {
		t.Fatal(err)
	}
	added, err := r.Add(t.Context(), "anna", "app", func(c *storage.Client) error {
		c.IDTokenAlg = storage.EdDSA
		return web(c)
	})
	if err != nil || fmt.Sprint(h.made) != "[EdDSA]" || added.Published != nil {
		t.Errorf("keys %v, %v", h.made, err)
	}
	updated, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.IDTokenAlg = storage.ES384; return nil })
	if err != nil || fmt.Sprint(updated.Published) != "[ES384]" {
		t.Errorf("an algorithm without keys until now: %+v, %v", updated, err)
	}
}

// retiring is a store during whose use something happens to the keys.
type retiring struct {
	storage.Store
	then func()
}

func (r *retiring) CreateClient(ctx context.Context, c storage.Client, events ...storage.AuditEvent) error {
	r.then()
	return r.Store.CreateClient(ctx, c, events...)
}
