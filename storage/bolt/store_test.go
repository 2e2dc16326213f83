package bolt_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// afterSuite is later than anything that the suite does.
var afterSuite = time.Date(2031, 5, 18, 12, 0, 0, 0, time.UTC)

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T, sealer storage.Sealer) storagetest.Instance {
		path := filepath.Join(t.TempDir(), "data", "brygga.db")
		store, err := bolt.Open(path, sealer, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			store.Close()
			if _, err := bolt.CheckRecords(path, sealer, afterSuite, func(fault bolt.Fault) { t.Errorf("the test has left a fault: %s", fault) }); err != nil {
				t.Error(err)
			}
		})
		return storagetest.Instance{
			Store: store,
			Reopen: func(next storage.Sealer) (storage.Store, error) {
				store.Close() // is closed already after a failed Reopen
				reopened, err := bolt.Open(path, next, bolt.Options{})
				if err != nil {
					return nil, err
				}
				store, sealer = reopened, next
				return store, nil
			},
			Restored: func(now time.Time) (storage.Store, error) {
				store.Close()
				accepted, err := bolt.Open(path, sealer, bolt.Options{Accept: true, Now: func() time.Time { return now }})
				if err != nil {
					return nil, err
				}
				store = accepted
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
