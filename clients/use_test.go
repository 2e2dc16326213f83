package clients_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"brygga/clients"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

type notesStore = storage.Notes

// countedNotes counts what is written.
type countedNotes struct {
	notesStore
	writes int
}

func (n *countedNotes) WriteNotes(ctx context.Context, change storage.NoteChange) error {
	n.writes++
	return n.notesStore.WriteNotes(ctx, change)
}

// TestUses: which secret was used when is known at once, to other processes within the hour, and costs one write an hour however often it is used.
func TestUses(t *testing.T) {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	notes := &countedNotes{notesStore: store}
	at := time.Date(2031, 5, 17, 9, 30, 0, 0, time.UTC)
	now := func() time.Time { return at }
	u, other := clients.NewUses(notes, now), clients.NewUses(notes, now)
	c := &storage.Client{ID: "app", Secrets: []storage.ClientSecret{{Created: at.Add(-time.Hour)}, {Created: at.Add(-2 * time.Hour)}}}
	last := func(u *clients.Uses, of *storage.Client) [2]time.Time {
		t.Helper()
		all, err := u.Last(t.Context(), of)
		if err != nil || len(all) != 2 {
			t.Fatalf("%v, %v", all, err)
		}
		return [2]time.Time{all[0], all[1]}
	}
	flush := func(u *clients.Uses) {
		t.Helper()
		if err := u.Store(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := last(u, c); got != [2]time.Time{} {
		t.Errorf("before any use: %v", got)
	}
	began := at
	for range 50 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { u.Used(c, c.Secrets[1].Created) })
		}
		all.Wait()
		flush(u)
		at = at.Add(time.Minute)
	}
	if got := last(u, c); got != [2]time.Time{{}, at.Add(-time.Minute)} || notes.writes != 1 {
		t.Errorf("this process: %v after %d writes, want one", got, notes.writes)
	}
	if got := last(other, c); got != [2]time.Time{{}, began} {
		t.Errorf("another process: %v, want %v", got, began)
	}
	other.Used(c, c.Secrets[0].Created)
	at = at.Add(clients.UseInterval)
	u.Used(c, c.Secrets[1].Created)
	flush(u)
	flush(other)
	if got := last(clients.NewUses(notes, now), c); got != [2]time.Time{at.Add(-clients.UseInterval), at} || notes.writes != 3 {
		t.Errorf("after an hour: %v after %d writes", got, notes.writes)
	}
	if got := last(u, &storage.Client{ID: "another", Secrets: c.Secrets}); got != [2]time.Time{} {
		t.Errorf("another client: %v", got)
	}
	u.Used(&storage.Client{ID: "static", Static: true, Secrets: c.Secrets}, at)
	flush(u)
	if notes.writes != 3 {
		t.Error("the use of a client of the configuration file is stored")
	}
}
