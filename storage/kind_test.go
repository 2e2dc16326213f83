package storage_test

import (
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestOrderBeforeKinds reads orders as a version stored them that knew no kinds and no phases: one that an app may have is not shown or renewed, and
// the next collect says where it stands.
func TestOrderBeforeKinds(t *testing.T) {
	sealer := storagetest.FixedSealer("one")
	codec := storage.NewCodec(sealer)
	request, err := codec.EncodeRequest(&storage.Login{Request: new(storage.AuthRequest), ID: "l1"})
	if err != nil {
		t.Fatal(err)
	}
	for hint, awaits := range map[string]bool{"": true, "outstandingTransaction": false, "userSign": false} {
		state := sealer.Seal(string(storage.SealedLogin)+"l1", []byte(`{"state":"pending","rev":3,"order":{"id":"o1","method":"bankid","ref":"r","started":"2026-01-02T03:04:05Z","hint":"`+hint+`","starter":{}}}`))
		login, err := codec.DecodeLogin("l1", request, state)
		if err != nil {
			t.Fatal(err)
		}
		if o := login.Order; o.Kind != storage.KindIdentify || o.AwaitsApp() != awaits || o.HintCode != hint {
			t.Errorf("at %q it is %q in phase %d", hint, o.Kind, o.Phase)
		}
		if err := login.RecordHint("o1", storage.PhaseWaiting, hint, time.Now()); err != nil || !login.Order.AwaitsApp() {
			t.Errorf("after a collect at %q it does not wait for an app: %v", hint, err)
		}
	}
}
