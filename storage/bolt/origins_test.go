package bolt

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestOriginsUnderAnotherNameAreFound: an earlier version wrote the origin of https://SPA.Example.se:443/cb into the index as it stands
// there, where no browser's is found. A change of the client mends that.
func TestOriginsUnderAnotherNameAreFound(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const origin = "https://spa.example.se"
	c := storage.Client{ID: "spa", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://SPA.Example.se:443/cb"}}
	err = errors.Join(s.CreateClient(t.Context(), c), s.update(t.Context(), func(x *tx) error {
		return errors.Join(x.remove(originsBucket, memberKey(origin, c.ID)), x.put(originsBucket, memberKey("https://SPA.Example.se:443", c.ID), nil))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if registered, err := s.OriginRegistered(t.Context(), origin); err != nil || registered {
		t.Fatalf("before: %t, %v", registered, err)
	}
	stored, err := s.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	changed := *stored
	changed.Name = "Changed"
	if err := s.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if registered, err := s.OriginRegistered(t.Context(), origin); err != nil || !registered {
		t.Errorf("after a change: %t, %v", registered, err)
	}
}

// TestUpgradeRenamesOrigins: a file of an earlier format has its index of origins made anew.
func TestUpgradeRenamesOrigins(t *testing.T) {
	s := openTest(t, Options{})
	const origin = "https://spa.example.se"
	c := storage.Client{ID: "spa", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://SPA.Example.se:443/cb"}}
	err := errors.Join(s.CreateClient(t.Context(), c), s.update(t.Context(), func(x *tx) error {
		return errors.Join(x.remove(originsBucket, memberKey(origin, c.ID)), x.put(originsBucket, memberKey("https://SPA.Example.se:443", c.ID), nil),
			x.put(metaBucket, metaFormat, []byte("4")))
	}), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Open(s.path, storagetest.FixedSealer("test"), Options{}); err != nil {
		t.Fatal(err)
	}
	if registered, err := s.OriginRegistered(t.Context(), origin); err != nil || !registered {
		t.Errorf("after the upgrade: %t, %v", registered, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if faults, _ := checked(t, s.path, time.Now()); len(faults) > 0 {
		t.Errorf("the upgrade has left faults: %v", faults)
	}
}
