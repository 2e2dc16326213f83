package storage_test

import (
	"testing"

	"brygga/storage"
)

// TestSucceeds: what happened before a client was made was another's, but for one of the configuration file, which is made anew at each start.
func TestSucceeds(t *testing.T) {
	stored, static := storage.Client{ID: "app", Created: t0}, storage.Client{ID: "app", Created: t0, Static: true}
	if stored.Succeeds(t0) || !stored.Succeeds(t0.Add(-1)) || static.Succeeds(t0.Add(-1)) {
		t.Error("a client is taken for another's successor, or not for one's")
	}
	key := storage.APIKey{ClientID: "app", Created: t0.Add(-1)}
	if key.Of(&stored) || !key.Of(&static) {
		t.Error("a key works for a successor, or not after a start")
	}
}
