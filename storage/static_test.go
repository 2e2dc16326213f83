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

func TestNoStaticClientsChangeNothing(t *testing.T) {
	store := openBolt(t)
	if storage.WithStaticClients(store, nil) != store {
		t.Error("the store was wrapped for nothing")
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
	list, err := store.Clients(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, c.ID+" "+c.Name)
	}
	if diff := cmp.Diff([]string{"a stored", "hidden static", "m static", "z stored"}, got); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
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

// TestStaticClientsAreIndependent changes the caller's slice afterwards.
func TestStaticClientsAreIndependent(t *testing.T) {
	clients := []storage.Client{{ID: "a", Name: "before"}}
	store := storage.WithStaticClients(openBolt(t), clients)
	clients[0].Name = "after"
	if got, err := store.Client(t.Context(), "a"); err != nil || got.Name != "before" {
		t.Errorf("got %+v, %v", got, err)
	}
}
