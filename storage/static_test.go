package storage_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

func openBolt(t *testing.T) storage.Store {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestStaticClientsAreReplaced(t *testing.T) {
	store := storage.WithStaticClients(openBolt(t), []storage.Client{{ID: "a", Origins: []string{"https://a.example"}}})
	store.Replace([]storage.Client{{ID: "b", Origins: []string{"https://b.example"}}})
	if _, err := store.Client(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the client that was taken away: %v", err)
	}
	if b, err := store.Client(t.Context(), "b"); err != nil || !b.Static {
		t.Errorf("the new client: %+v, %v", b, err)
	}
	if a, err := store.OriginRegistered(t.Context(), "https://a.example"); err != nil || a {
		t.Errorf("the old origin: %t, %v", a, err)
	}
	if page, err := store.Clients(t.Context(), "", 10); err != nil || len(page) != 1 || page[0].ID != "b" {
		t.Errorf("all clients: %v, %v", page, err)
	}
}

func TestStaticClients(t *testing.T) {
	ctx, stored := t.Context(), openBolt(t)
	for _, id := range []string{"a", "hidden", "z"} {
		if err := stored.CreateClient(ctx, storage.Client{ID: id, Name: "stored"}); err != nil {
			t.Fatal(err)
		}
	}
	store := storage.WithStaticClients(stored, []storage.Client{{ID: "hidden", Name: "static"}, {ID: "m", Name: "static"}})

	for id, want := range map[string]*storage.Client{
		"a":      {ID: "a", Name: "stored", Revision: 1},
		"hidden": {ID: "hidden", Name: "static", Static: true},
		"m":      {ID: "m", Name: "static", Static: true},
	} {
		got, err := store.Client(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("client %s (-want +got):\n%s", id, diff)
		}
	}
	for _, test := range []struct {
		name string
		do   func(context.Context) error
		want error
	}{
		{"an unknown client", func(ctx context.Context) error { _, err := store.Client(ctx, "x"); return err }, storage.ErrNotFound},
		{"create static", func(ctx context.Context) error { return store.CreateClient(ctx, storage.Client{ID: "m"}) }, storage.ErrExists},
		{"create stored", func(ctx context.Context) error { return store.CreateClient(ctx, storage.Client{ID: "a"}) }, storage.ErrExists},
		{"create new", func(ctx context.Context) error { return store.CreateClient(ctx, storage.Client{ID: "n"}) }, nil},
		{"update static", func(ctx context.Context) error {
			return store.UpdateClient(ctx, storage.Client{ID: "hidden", Revision: 1})
		}, storage.ErrStatic},
		{"update stored", func(ctx context.Context) error { return store.UpdateClient(ctx, storage.Client{ID: "a", Revision: 1}) }, nil},
		{"remove static", func(ctx context.Context) error { return store.RemoveClient(ctx, "hidden", t0) }, storage.ErrStatic},
		{"remove stored", func(ctx context.Context) error { return store.RemoveClient(ctx, "z", t0) }, nil},
	} {
		if err := test.do(ctx); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	if hidden, err := stored.Client(ctx, "hidden"); err != nil || hidden.Name != "stored" || hidden.Revision != 1 {
		t.Errorf("the hidden client was touched: %+v, %v", hidden, err)
	}
}

// TestStaticClientsInPages goes through static and stored clients in pages of every size, static ones before, between, behind
// and in place of stored ones.
func TestStaticClientsInPages(t *testing.T) {
	ctx, stored := t.Context(), openBolt(t)
	for _, id := range []string{"b", "c", "e", "f", "g", "h"} {
		if err := stored.CreateClient(ctx, storage.Client{ID: id, Name: "stored"}); err != nil {
			t.Fatal(err)
		}
	}
	var static []storage.Client
	for _, id := range []string{"z", "a", "c", "d", "f", "g", "y"} {
		static = append(static, storage.Client{ID: id, Name: "static"})
	}
	store := storage.WithStaticClients(stored, static)
	want := []string{"a static", "b stored", "c static", "d static", "e stored", "f static", "g static", "h stored", "y static", "z static"}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for after, more := "", true; more; {
			page, err := store.Clients(ctx, after, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("a page of %d: %d clients, %v", limit, len(page), err)
			}
			for _, c := range page {
				got = append(got, c.ID+" "+c.Name)
				after = c.ID
			}
			more = len(page) == limit
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for _, limit := range []int{0, -1} {
		if page, err := store.Clients(ctx, "", limit); err != nil || len(page) != 0 {
			t.Errorf("a page of %d: %d clients, %v", limit, len(page), err)
		}
	}
}

func TestStaticOrigins(t *testing.T) {
	stored := openBolt(t)
	if err := stored.CreateClient(t.Context(), storage.Client{ID: "a", Origins: []string{"https://a.example"}}); err != nil {
		t.Fatal(err)
	}
	store := storage.WithStaticClients(stored, []storage.Client{{ID: "m", Origins: []string{"https://m.example"}}})
	for origin, want := range map[string]bool{"https://a.example": true, "https://m.example": true, "https://x.example": false, "": false} {
		if got, err := store.OriginRegistered(t.Context(), origin); err != nil || got != want {
			t.Errorf("%q: registered %t, %v, want %t", origin, got, err, want)
		}
	}
}

// TestStaticClientsAreIndependent changes the caller's slice afterwards.
func TestStaticClientsAreIndependent(t *testing.T) {
	clients := []storage.Client{{ID: "a", Name: "before"}}
	store := storage.WithStaticClients(openBolt(t), clients)
	clients[0].Name = "after"
	if got, err := store.Client(t.Context(), "a"); err != nil || got.Name != "before" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A client that is disabled cannot be found, and is changed and listed as any other.
func TestEnabled(t *testing.T) {
	stored := openBolt(t)
	for _, c := range []storage.Client{{ID: "on"}, {ID: "off", Disabled: true}} {
		if err := stored.CreateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	store := storage.Enabled(stored)
	if c, err := store.Client(t.Context(), "on"); err != nil || c.ID != "on" {
		t.Errorf("the one: %v, %v", c, err)
	}
	for _, id := range []string{"off", "nobody"} {
		if c, err := store.Client(t.Context(), id); c != nil || !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: %v, %v", id, c, err)
		}
	}
	if page, err := store.Clients(t.Context(), "", 10); err != nil || len(page) != 2 {
		t.Errorf("all: %v, %v", page, err)
	}
}
