package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"brygga/storage"
)

// UseInterval is how often it is stored that a secret is in use. What other processes have seen is known to that.
const UseInterval = time.Hour

// useNote begins the keys of the notes on secrets: behind it stands the client's ID. The others are those of packages logins and notice.
const useNote = 'u'

// Uses remembers when each secret of a client was used last. Its methods may be called concurrently.
type Uses struct {
	store storage.Notes
	now   func() time.Time

	mu   sync.Mutex
	seen map[usedSecret]use
}

// usedSecret names a secret: those of a client are made one after the other.
type usedSecret struct {
	client string
	made   int64 // microseconds
}

type use struct{ last, stored time.Time }

// NewUses returns a memory that is kept in store.
func NewUses(store storage.Notes, now func() time.Time) *Uses {
	return &Uses{store: store, now: now, seen: map[usedSecret]use{}}
}

// Used remembers that a client has proven itself by its secret that was made at that time. It stores nothing.
func (u *Uses) Used(c *storage.Client, made time.Time) {
	if c.Static {
		return
	}
	key := usedSecret{c.ID, made.UnixMicro()}
	u.mu.Lock()
	defer u.mu.Unlock()
	was := u.seen[key]
	was.last = u.now().UTC().Truncate(time.Second)
	u.seen[key] = was
}

// Store stores what was used and was not stored within UseInterval. Of processes that do so for the same client at once one is late, and comes again.
func (u *Uses) Store(ctx context.Context) (err error) {
	for client, made := range u.due() {
		if failed := u.storeOne(ctx, client, made); failed != nil && !errors.Is(failed, storage.ErrConflict) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// due returns by client the secrets whose use is to be stored, with when that was.
func (u *Uses) due() map[string]map[int64]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := map[string]map[int64]time.Time{}
	for key, is := range u.seen {
		if is.last.Sub(is.stored) < UseInterval {
			continue
		}
		if due[key.client] == nil {
			due[key.client] = map[int64]time.Time{}
		}
		due[key.client][key.made] = is.last
	}
	return due
}

func (u *Uses) storeOne(ctx context.Context, client string, made map[int64]time.Time) error {
	known, stored, err := u.stored(ctx, client)
	if err != nil {
		return err
	}
	for key, last := range made {
		if last.After(known[key]) {
			known[key] = last
		}
	}
	after, err := json.Marshal(known)
	if err != nil {
		return err
	}
	if !bytes.Equal(after, stored) {
		if err := u.store.WriteNotes(ctx, storage.NoteChange{Turn: noteOf(client), Before: stored, After: after}); err != nil {
			return fmt.Errorf("store the use of secrets: %w", err)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, last := range made {
		is := u.seen[usedSecret{client, key}]
		is.stored = last
		u.seen[usedSecret{client, key}] = is
	}
	return nil
}

func noteOf(client string) []byte { return append([]byte{useNote}, client...) }

// stored returns what is stored of a client, by when its secrets were made, and how it is written.
func (u *Uses) stored(ctx context.Context, client string) (known map[int64]time.Time, written []byte, err error) {
	known = map[int64]time.Time{}
	notes, err := u.store.NotesAt(ctx, noteOf(client))
	if err != nil || len(notes) == 0 {
		return known, nil, err
	}
	if err := json.Unmarshal(notes[0].Value, &known); err != nil {
		return nil, nil, fmt.Errorf("read the use of secrets: %w", err)
	}
	return known, notes[0].Value, nil
}

// Last returns for each secret of a client when it was used last, zero for never: to the second in this process, and to UseInterval in others.
func (u *Uses) Last(ctx context.Context, c *storage.Client) ([]time.Time, error) {
	known, _, err := u.stored(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]time.Time, len(c.Secrets))
	for i, s := range c.Secrets {
		key := s.Created.UnixMicro()
		if all[i] = known[key]; u.seen[usedSecret{c.ID, key}].last.After(all[i]) {
			all[i] = u.seen[usedSecret{c.ID, key}].last
		}
	}
	return all, nil
}
