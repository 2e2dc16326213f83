package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestEvidenceThatWasChanged shows in lists beside what was not, and is none that can be read.
func TestEvidenceThatWasChanged(t *testing.T) {
	dsn, ctx := pgtest.Database(t), t.Context()
	s, err := postgres.Open(ctx, dsn, storagetest.NewSealer(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, id := range []string{"a", "b", "c"} {
		record := storage.EvidenceRecord{ID: id, ClientID: "app", Kind: storage.KindSign, Created: now, Kept: now.Add(time.Hour), Line: []byte("line of " + id)}.Summed()
		if err := storagetest.PutEvidence(ctx, s, record); err != nil {
			t.Fatal(err)
		}
	}
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, `UPDATE evidence SET body = (SELECT body FROM evidence WHERE id = 'a') WHERE id = 'b'`); err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"", "app"} {
		all, err := s.FindEvidence(ctx, storage.EvidenceQuery{ClientID: client}, now, 10)
		if err != nil || len(all) != 3 || all[0].Unreadable || !all[1].Unreadable || all[2].Unreadable || all[1].ID != "b" || all[1].ClientID != "app" || !all[1].Created.Equal(now) {
			t.Errorf("found %+v, %v", all, err)
		}
	}
	if _, err := s.Evidence(ctx, "b", now); !errors.Is(err, storage.ErrUnreadable) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.EraseEvidence(ctx, "b", storage.Erasure{At: now, By: "x"}); !errors.Is(err, storage.ErrUnreadable) {
		t.Errorf("erased: %v", err)
	}
}
