package bolt_test

import (
	"os"
	"path/filepath"
	"testing"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(t *testing.T, sealer storage.Sealer) storagetest.Instance {
		path := filepath.Join(t.TempDir(), "data", "brygga.db")
		store, err := bolt.Open(path, sealer, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return storagetest.Instance{
			Store: store,
			Reopen: func(sealer storage.Sealer) (storage.Store, error) {
				store.Close() // is closed already after a failed Reopen
				reopened, err := bolt.Open(path, sealer, bolt.Options{})
				if err != nil {
					return nil, err
				}
				store = reopened
				return store, nil
			},
			Raw: func() []byte {
				raw, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			},
		}
	})
}
