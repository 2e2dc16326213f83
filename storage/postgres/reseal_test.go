package postgres_test

import (
	"errors"
	"testing"

	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestResealWaitsForOtherProcesses: while another process seals with the key of before, nobody forgets it.
func TestResealWaitsForOtherProcesses(t *testing.T) {
	dsn := pgtest.Database(t)
	before, next := storagetest.NewSealer(), storagetest.NewSealer()
	open := func(sealer storage.Sealer) *postgres.Store {
		t.Helper()
		store, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	old := open(storagetest.Replacing(before, next)) // knows both, as it must while processes are restarted one by one
	fresh := open(storagetest.Replacing(next, before))
	if _, err := old.SecretOrCreate(t.Context(), "subject", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Reseal(t.Context(), 100); !errors.Is(err, storage.ErrSealsOtherwise) {
		t.Fatalf("got %v, want ErrSealsOtherwise", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	for done := false; !done; {
		now, err := fresh.Reseal(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		done = now.Done
	}
	if _, err := postgres.Open(t.Context(), dsn, before, postgres.Options{}); !errors.Is(err, storage.ErrWrongKey) {
		t.Errorf("the key of before: got %v, want ErrWrongKey", err)
	}
	if value, err := open(next).SecretOrCreate(t.Context(), "subject", []byte("another")); string(value) != "value" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
}
