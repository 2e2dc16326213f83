package bolt

import (
	"bytes"
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

// generation returns the generation of the client as stored, 0 when it is not in the store.
func (t *tx) generation(clientID string) uint64 {
	row := t.get(clientsBucket, []byte(clientID))
	if len(row) < generationSize {
		return 0
	}
	return binary.BigEndian.Uint64(row)
}

// clientRow is a client as stored, with its generation.
type clientRow struct {
	client     *storage.Client
	generation uint64
}

// Client returns the client with that ID, from memory if it was asked for lately, or storage.ErrNotFound.
func (s *Store) Client(_ context.Context, id string) (*storage.Client, error) {
	known, found, mark := s.clients.Look(id)
	if found {
		return known.client, nil
	}
	size := 0
	err := s.view(func(t *tx) (err error) {
		row := t.get(clientsBucket, []byte(id))
		if row == nil {
			return storage.ErrNotFound
		}
		size = len(row)
		if known.client, err = decodeClient(row); err == nil {
			known.generation = binary.BigEndian.Uint64(row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.clients.Fill(id, known, size+clientOverhead, mark)
	return known.client, nil
}

// Clients returns at most limit clients whose IDs follow after, in their order; see storage.Clients.
func (s *Store) Clients(_ context.Context, after string, limit int) (clients []*storage.Client, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(clientsBucket).Cursor()
		id, row := cursor.Seek([]byte(after))
		if string(id) == after {
			id, row = cursor.Next()
		}
		for ; id != nil && len(clients) < limit; id, row = cursor.Next() {
			text, err := plain(clientsBucket, id, row)
			if err != nil {
				return err
			}
			client, err := decodeClient(text)
			if err != nil {
				return err
			}
			clients = append(clients, client)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return clients, nil
}

// OriginRegistered reports whether a client has the web origin; see storage.Clients.
func (s *Store) OriginRegistered(_ context.Context, origin string) (registered bool, err error) {
	err = s.view(func(t *tx) error {
		prefix := memberKey(origin, "")
		key, _ := t.bucket(originsBucket).Cursor().Seek(prefix)
		registered = bytes.HasPrefix(key, prefix)
		return nil
	})
	return registered, err
}

// moveOrigins brings the client's rows in the index of origins from what before has to what after has; either may be nil. It writes
// those that are there, too: an earlier version may have named an origin otherwise.
func moveOrigins(t *tx, before, after *storage.Client) error {
	var old, now []string
	if before != nil {
		old = before.WebOrigins()
	}
	if after != nil {
		now = after.WebOrigins()
	}
	for _, origin := range old {
		if !slices.Contains(now, origin) {
			if err := t.remove(originsBucket, memberKey(origin, before.ID)); err != nil {
				return err
			}
		}
	}
	for _, origin := range now {
		if err := t.put(originsBucket, memberKey(origin, after.ID), nil); err != nil {
			return err
		}
	}
	return nil
}

// renewClients writes the clients, and the index of their origins, anew: an earlier version had no such index, named an origin otherwise, or
// wrote no checksums.
func renewClients(t *tx) error {
	t.buckets[originsBucket] = nil
	if err := t.btx.DeleteBucket(bucketNames[originsBucket]); err != nil {
		return err
	}
	if _, err := t.btx.CreateBucket(bucketNames[originsBucket]); err != nil {
		return err
	}
	rows := map[string][]byte{}
	if err := t.bucket(clientsBucket).ForEach(func(id, row []byte) error {
		text, err := plain(clientsBucket, id, row)
		rows[string(id)] = bytes.Clone(text)
		return err
	}); err != nil {
		return err
	}
	for id, row := range rows {
		client, err := decodeClient(row)
		if err != nil {
			return err
		}
		if err := errors.Join(t.put(clientsBucket, []byte(id), row), moveOrigins(t, nil, client)); err != nil {
			return err
		}
	}
	return nil
}

// CreateClient stores a new client with revision 1, or returns storage.ErrExists.
func (s *Store) CreateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	if client.ID == "" {
		return errors.New("create client: ID is empty")
	}
	return s.changeClient(ctx, events, func(t *tx) (clientChange, error) { return createClient(t, client) })
}

// UpdateClient replaces the client, or returns storage.ErrNotFound or storage.ErrConflict.
func (s *Store) UpdateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	return s.changeClient(ctx, events, func(t *tx) (clientChange, error) {
		change, err := storedClient(t, client.ID)
		if err == nil && change.before.Revision != client.Revision {
			err = storage.ErrConflict
		}
		client := client // that of the caller stays as it is for a second run
		client.Revision++
		change.after = &client
		return change, err
	})
}

// RemoveClient removes the client, which revokes its grants (see generationSize), or returns storage.ErrNotFound.
func (s *Store) RemoveClient(ctx context.Context, id string, _ time.Time, events ...storage.AuditEvent) error {
	return s.changeClient(ctx, events, func(t *tx) (clientChange, error) { return storedClient(t, id) })
}

// ChangeClients changes clients together; see storage.Clients.
func (s *Store) ChangeClients(ctx context.Context, steps []storage.ClientStep, _ time.Time, events ...storage.AuditEvent) error {
	ordered, err := storage.OrderedClientSteps(steps)
	if err != nil {
		return err
	}
	return s.updateAnd(ctx, events, func(t *tx) error {
		changes := make([]clientChange, len(ordered))
		for i, step := range ordered { // all are looked at before any is written, as the transaction is shared
			if changes[i], err = clientStep(t, step); err != nil {
				return &storage.ClientStepError{ID: step.Client.ID, Err: err}
			}
		}
		for _, change := range changes {
			if err := s.putChange(t, change); err != nil {
				return err
			}
		}
		return nil
	})
}

// clientChange is what becomes of a client: before is nil for a new one, after for one that is removed.
type clientChange struct {
	before, after *storage.Client
	generation    uint64 // of before
}

func createClient(t *tx, client storage.Client) (clientChange, error) {
	if t.get(clientsBucket, []byte(client.ID)) != nil {
		return clientChange{}, storage.ErrExists
	}
	client.Revision = 1
	return clientChange{after: &client}, nil
}

// storedClient returns the removal of the client.
func storedClient(t *tx, id string) (clientChange, error) {
	row := t.get(clientsBucket, []byte(id))
	if row == nil {
		return clientChange{before: new(storage.Client)}, storage.ErrNotFound
	}
	stored, err := decodeClient(row)
	return clientChange{before: stored, generation: binary.BigEndian.Uint64(row)}, err
}

func clientStep(t *tx, step storage.ClientStep) (clientChange, error) {
	if step.Client.Revision == 0 && !step.Remove {
		return createClient(t, step.Client)
	}
	change, err := storedClient(t, step.Client.ID)
	switch {
	case err != nil:
		return change, err
	case change.before.Revision != step.Client.Revision:
		return change, storage.ErrConflict
	case !step.Remove:
		after := step.Client
		after.Revision++
		change.after = &after
	}
	return change, nil
}

func (s *Store) changeClient(ctx context.Context, events []storage.AuditEvent, look func(*tx) (clientChange, error)) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		change, err := look(t)
		if err != nil {
			return err
		}
		return s.putChange(t, change)
	})
}

// putChange writes the change. A client that is new or disabled gets a generation that nothing was granted to.
func (s *Store) putChange(t *tx, c clientChange) error {
	ends := c.after == nil || c.after.Disabled
	if ends && c.before != nil {
		if err := s.dropPushed(t, c.before.ID); err != nil {
			return err
		}
	}
	if c.after == nil {
		id := c.before.ID
		t.after = append(t.after, func() { s.clients.Remove(id) })
		return errors.Join(t.remove(clientsBucket, []byte(id)), moveOrigins(t, c.before, nil))
	}
	if ends || c.before == nil {
		generation, err := t.bucket(clientsBucket).NextSequence()
		if err != nil {
			return err
		}
		c.generation = generation
	}
	return s.putClient(t, c.generation, c.before, c.after)
}

// putClient writes the client in place of the stored one, nil for none.
func (s *Store) putClient(t *tx, generation uint64, stored, client *storage.Client) error {
	text, err := json.Marshal(client)
	if err != nil {
		return fmt.Errorf("encode client: %w", err)
	}
	row := append(binary.BigEndian.AppendUint64(make([]byte, 0, generationSize+len(text)), generation), text...)
	own, err := decodeClient(row) // shares nothing with the caller
	if err != nil {
		return err
	}
	t.after = append(t.after, func() { s.clients.Remove(own.ID) })
	return errors.Join(t.put(clientsBucket, []byte(client.ID), row), moveOrigins(t, stored, own))
}
