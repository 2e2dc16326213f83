package bolt

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestEvidenceThatWasChanged shows in lists beside what was not, and is none that can be read.
func TestEvidenceThatWasChanged(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, id := range []string{"a", "b", "c"} {
		record := storage.EvidenceRecord{ID: id, ClientID: "app", Kind: storage.KindSign, Created: now, Kept: now.Add(time.Hour), Line: []byte("line of " + id)}.Summed()
		if err := storagetest.PutEvidence(t.Context(), s, record); err != nil {
			t.Fatal(err)
		}
	}
	err := s.update(t.Context(), func(t *tx) error {
		return t.put(evidenceBucket, []byte("b"), append([]byte(nil), t.get(evidenceBucket, []byte("a"))...))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"", "app"} {
		all, err := s.FindEvidence(t.Context(), storage.EvidenceQuery{ClientID: client}, now, 10)
		if err != nil || len(all) != 3 || all[0].Unreadable || !all[1].Unreadable || all[2].Unreadable || all[1].ID != "b" || all[1].ClientID != "app" || !all[1].Created.Equal(now) {
			t.Errorf("found %+v, %v", all, err)
		}
	}
	if _, err := s.Evidence(t.Context(), "b", now); !errors.Is(err, storage.ErrUnreadable) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.EraseEvidence(t.Context(), "b", storage.Erasure{At: now, By: "x"}); !errors.Is(err, storage.ErrUnreadable) {
		t.Errorf("erased: %v", err)
	}
}
