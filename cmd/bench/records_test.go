package main

import (
	"path/filepath"
	"testing"

	"brygga/keys"
	"brygga/storage/bolt"
)

// TestFill: a store that was filled is one that a server opens, and has all that its numbers promise.
func TestFill(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	const n = 25
	r, err := fill(t.Context(), data, n)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.ParseMasterKey(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keys.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	store, err := bolt.Open(filepath.Join(data, "brygga.db"), sealer, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i := range n {
		if live, err := store.CodeLive(t.Context(), r.hash('c', i), r.now); err != nil || !live {
			t.Errorf("code %d: %t, %v", i, live, err)
		}
		if _, grant, err := store.AccessToken(t.Context(), r.hash('t', i), r.now); err != nil || grant.ID != r.grant(i).ID {
			t.Errorf("access token %d: %v", i, err)
		}
		if token, _, err := store.RefreshToken(t.Context(), r.hash('r', i), r.now); err != nil || token.Generation != 1 {
			t.Errorf("refresh token %d: %v", i, err)
		}
		if session, err := store.Session(t.Context(), r.hash('s', i), r.now); err != nil || session.Group != "bench" {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if clients, err := store.Clients(t.Context(), "", 2*n); err != nil || len(clients) != n {
		t.Errorf("%d clients, %v", len(clients), err)
	}
}
