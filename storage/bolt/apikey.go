package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"brygga/storage"
)

// APIKey returns the key with that ID, or storage.ErrNotFound.
func (s *Store) APIKey(_ context.Context, id string) (key *storage.APIKey, err error) {
	err = s.view(func(t *tx) error {
		key, err = t.apiKey(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}

func (t *tx) apiKey(id string) (*storage.APIKey, error) {
	row := t.get(apiKeysBucket, []byte(id))
	if row == nil {
		return nil, storage.ErrNotFound
	}
	return storage.DecodeAPIKey(row)
}

// APIKeys returns at most limit keys whose IDs follow after, in their order; see storage.APIKeys.
func (s *Store) APIKeys(_ context.Context, after string, limit int) (all []*storage.APIKey, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(apiKeysBucket).Cursor()
		for id, row := cursor.Seek([]byte(after)); id != nil && len(all) < limit; id, row = cursor.Next() {
			if string(id) == after {
				continue
			}
			text, err := plain(apiKeysBucket, id, row)
			if err != nil {
				return err
			}
			key, err := storage.DecodeAPIKey(text)
			if err != nil {
				return err
			}
			all = append(all, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// PutAPIKey stores or replaces a key; see storage.APIKeys.
func (s *Store) PutAPIKey(ctx context.Context, key storage.APIKey, events ...storage.AuditEvent) error {
	if key.ID == "" {
		return errors.New("put API key: ID is empty")
	}
	return s.updateAnd(ctx, events, func(t *tx) error {
		stored, err := t.apiKey(key.ID)
		switch {
		case errors.Is(err, storage.ErrNotFound) && key.Revision == 0:
		case err != nil:
			return err
		case key.Revision == 0:
			return storage.ErrExists
		case stored.Revision != key.Revision:
			return storage.ErrConflict
		}
		next := key // key itself stays as it is for a second run
		next.Revision++
		return t.putAPIKey(&next)
	})
}

func (t *tx) putAPIKey(key *storage.APIKey) error {
	text, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("encode API key: %w", err)
	}
	return t.put(apiKeysBucket, []byte(key.ID), text)
}

// RemoveAPIKey removes the key, or returns storage.ErrNotFound.
func (s *Store) RemoveAPIKey(ctx context.Context, id string, events ...storage.AuditEvent) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		if _, err := t.apiKey(id); err != nil {
			return err
		}
		return t.remove(apiKeysBucket, []byte(id))
	})
}

// endAPIKeys ends of every key what would come back to life in a restored store.
func endAPIKeys(t *tx) error {
	var all []*storage.APIKey
	cursor := t.bucket(apiKeysBucket).Cursor()
	for id, _ := cursor.First(); id != nil; id, _ = cursor.Next() {
		key, err := t.apiKey(string(id))
		if err != nil {
			return err
		}
		all = append(all, key)
	}
	for _, key := range all {
		key.Restored()
		if err := t.putAPIKey(key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) apiKeyEntry(_ *tx, _, row []byte) (storage.Entry, error) {
	key, err := storage.DecodeAPIKey(row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.APIKeyEntryOf(key), nil
}

func (c *checker) apiKeyRow(id, row []byte) error {
	key, err := storage.DecodeAPIKey(row)
	switch {
	case err != nil:
		return errUnread
	case key.ID != string(id):
		return errOther
	}
	return nil
}
