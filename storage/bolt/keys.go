package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"brygga/storage"
)

var keySet = []byte("set")

// revisionSize is the length of the revision before the sealed set of keys.
const revisionSize = 8

// renewKeys writes the set anew: an earlier version wrote no checksum.
func renewKeys(t *tx) error {
	row := t.get(keysBucket, keySet)
	if row == nil {
		return t.damaged
	}
	return t.put(keysBucket, keySet, bytes.Clone(row))
}

// SigningKeys returns all keys, oldest first, and the revision of the set; see storage.SigningKeys.
func (s *Store) SigningKeys(context.Context) (keys []storage.SigningKey, revision uint64, err error) {
	err = s.view(func(t *tx) (err error) {
		row := t.get(keysBucket, keySet)
		if row == nil {
			return nil
		}
		if len(row) < revisionSize {
			return errors.New("decode signing keys: row is too short")
		}
		keys, err = s.codec.DecodeSigningKeys(row[revisionSize:])
		revision = binary.BigEndian.Uint64(row)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return keys, revision, nil
}

// ReplaceSigningKeys replaces the set, or returns storage.ErrConflict.
func (s *Store) ReplaceSigningKeys(ctx context.Context, keys []storage.SigningKey, revision uint64, events ...storage.AuditEvent) error {
	sealed, err := s.codec.EncodeSigningKeys(keys)
	if err != nil {
		return err
	}
	row := binary.BigEndian.AppendUint64(make([]byte, 0, revisionSize+len(sealed)), revision+1)
	row = append(row, sealed...)
	return s.updateAnd(ctx, events, func(t *tx) error {
		var stored uint64
		if old := t.get(keysBucket, keySet); len(old) >= revisionSize {
			stored = binary.BigEndian.Uint64(old)
		}
		if stored != revision {
			return storage.ErrConflict
		}
		return t.put(keysBucket, keySet, row)
	})
}

// SecretOrCreate returns the secret of that name, storing the proposed one first if there is none; see storage.Secrets.
func (s *Store) SecretOrCreate(ctx context.Context, name string, proposed []byte) ([]byte, error) {
	if name == "" {
		return nil, errors.New("installation secret: name is empty")
	}
	var value []byte
	read := func(t *tx) (err error) {
		sealed := t.get(secretsBucket, []byte(name))
		if sealed == nil {
			return storage.ErrNotFound
		}
		value, err = s.codec.DecodeSecret(name, sealed)
		return err
	}
	if err := s.view(read); !errors.Is(err, storage.ErrNotFound) {
		return value, err
	}
	sealed := s.codec.EncodeSecret(name, proposed)
	err := s.update(ctx, func(t *tx) error {
		if err := read(t); !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		value = bytes.Clone(proposed)
		return t.put(secretsBucket, []byte(name), sealed)
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// ReplaceSecret puts another value in the place of before; see storage.Secrets.
func (s *Store) ReplaceSecret(ctx context.Context, name string, before, after []byte) error {
	fresh := s.codec.EncodeSecret(name, after)
	return s.update(ctx, func(t *tx) error {
		sealed := t.get(secretsBucket, []byte(name))
		if sealed == nil {
			return storage.ErrNotFound
		}
		value, err := s.codec.DecodeSecret(name, sealed)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(value, before):
			return storage.ErrConflict
		case after == nil:
			return t.remove(secretsBucket, []byte(name))
		}
		return t.put(secretsBucket, []byte(name), fresh)
	})
}

// SecretNames returns the names of the secrets that begin with prefix, in order; see storage.Secrets.
func (s *Store) SecretNames(_ context.Context, prefix string) (names []string, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(secretsBucket).Cursor()
		for key, _ := cursor.Seek([]byte(prefix)); bytes.HasPrefix(key, []byte(prefix)) && key != nil; key, _ = cursor.Next() {
			names = append(names, string(key))
		}
		return nil
	})
	return names, err
}
