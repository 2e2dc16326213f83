package bolt

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"brygga/storage"
)

// A client row starts with the client's generation: a number that no other client ever had, one of the same ID that was
// removed included. Each grant carries the generation its client had. So removing a client withdraws all its grants in a
// single write. Clients that are not in the store (package storage keeps them in the configuration) have generation 0.
const generationSize = 8

// clientCache holds all clients as committed. It is replaced, never changed.
type clientCache struct {
	byID   map[string]*storage.Client
	sorted []*storage.Client
}

func decodeClient(row []byte) (*storage.Client, error) {
	if len(row) < generationSize {
		return nil, errors.New("decode client: row is too short")
	}
	var client storage.Client
	if err := json.Unmarshal(row[generationSize:], &client); err != nil {
		return nil, fmt.Errorf("decode client: %w", err)
	}
	return &client, nil
}

// loadClients fills the cache.
func (s *Store) loadClients(t *tx) error {
	cache := &clientCache{byID: map[string]*storage.Client{}}
	err := t.bucket(clientsBucket).ForEach(func(_, row []byte) error {
		client, err := decodeClient(row)
		if err == nil {
			cache.byID[client.ID] = client
			cache.sorted = append(cache.sorted, client) // bbolt goes by byte order, as cmp.Compare does
		}
		return err
	})
	s.clients.Store(cache)
	return err
}

// cacheClient makes client the cached one of that ID, or removes it when client is nil. Only the writer calls it.
func (s *Store) cacheClient(id string, client *storage.Client) {
	old := s.clients.Load()
	cache := &clientCache{byID: make(map[string]*storage.Client, len(old.byID)+1)}
	for _, c := range old.sorted {
		if c.ID != id {
			cache.byID[c.ID] = c
			cache.sorted = append(cache.sorted, c)
		}
	}
	if client != nil {
		cache.byID[id] = client
		at, _ := slices.BinarySearchFunc(cache.sorted, id, func(c *storage.Client, id string) int { return cmp.Compare(c.ID, id) })
		cache.sorted = slices.Insert(cache.sorted, at, client)
	}
	s.clients.Store(cache)
}

// generation returns the generation of the client as stored, 0 when it is not in the store.
func (t *tx) generation(clientID string) uint64 {
	row := t.get(clientsBucket, []byte(clientID))
	if len(row) < generationSize {
		return 0
	}
	return binary.BigEndian.Uint64(row)
}

// Client returns the client with that ID from memory, or storage.ErrNotFound.
func (s *Store) Client(_ context.Context, id string) (*storage.Client, error) {
	if client := s.clients.Load().byID[id]; client != nil {
		return client, nil
	}
	return nil, storage.ErrNotFound
}

// Clients returns all clients from memory, ordered by ID. The slice is the caller's.
func (s *Store) Clients(context.Context) ([]*storage.Client, error) {
	return slices.Clone(s.clients.Load().sorted), nil
}

// CreateClient stores a new client with revision 1, or returns storage.ErrExists.
func (s *Store) CreateClient(ctx context.Context, client storage.Client) error {
	if client.ID == "" {
		return errors.New("create client: ID is empty")
	}
	client.Revision = 1
	return s.update(ctx, func(t *tx) error {
		if t.get(clientsBucket, []byte(client.ID)) != nil {
			return storage.ErrExists
		}
		generation, err := t.bucket(clientsBucket).NextSequence()
		if err != nil {
			return err
		}
		return s.putClient(t, generation, &client)
	})
}

// UpdateClient replaces the client, or returns storage.ErrNotFound or storage.ErrConflict.
func (s *Store) UpdateClient(ctx context.Context, client storage.Client) error {
	return s.update(ctx, func(t *tx) error {
		row := t.get(clientsBucket, []byte(client.ID))
		if row == nil {
			return storage.ErrNotFound
		}
		stored, err := decodeClient(row)
		if err != nil {
			return err
		}
		if stored.Revision != client.Revision {
			return storage.ErrConflict
		}
		next := client // client itself stays as it is for a second run
		next.Revision++
		return s.putClient(t, binary.BigEndian.Uint64(row), &next)
	})
}

func (s *Store) putClient(t *tx, generation uint64, client *storage.Client) error {
	text, err := json.Marshal(client)
	if err != nil {
		return fmt.Errorf("encode client: %w", err)
	}
	row := append(binary.BigEndian.AppendUint64(make([]byte, 0, generationSize+len(text)), generation), text...)
	own, err := decodeClient(row) // shares nothing with the caller
	if err != nil {
		return err
	}
	t.after = append(t.after, func() { s.cacheClient(own.ID, own) })
	return t.put(clientsBucket, []byte(client.ID), row)
}

// RemoveClient removes the client, which revokes its grants (see generationSize), or returns storage.ErrNotFound.
func (s *Store) RemoveClient(ctx context.Context, id string, _ time.Time) error {
	return s.update(ctx, func(t *tx) error {
		if t.get(clientsBucket, []byte(id)) == nil {
			return storage.ErrNotFound
		}
		t.after = append(t.after, func() { s.cacheClient(id, nil) })
		return t.remove(clientsBucket, []byte(id))
	})
}
