package postgres

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// SigningKeys returns all keys, oldest first, and the revision of the set; see storage.SigningKeys.
func (s *Store) SigningKeys(ctx context.Context) (keys []storage.SigningKey, revision uint64, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		keys, revision = nil, 0
		var stored int64
		var body []byte
		err := db.QueryRow(ctx, `SELECT revision, body FROM signing_keys`).Scan(&stored, &body)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		revision = uint64(stored)
		keys, err = s.codec.DecodeSigningKeys(body)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return keys, revision, nil
}

// ReplaceSigningKeys replaces the set, or returns storage.ErrConflict.
func (s *Store) ReplaceSigningKeys(ctx context.Context, keys []storage.SigningKey, revision uint64, events ...storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	sealed, err := s.codec.EncodeSigningKeys(keys)
	if err != nil {
		return err
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return done(db.QueryRow(ctx, `
			WITH step AS (
				INSERT INTO signing_keys (revision, body) SELECT 1, @body::bytea WHERE @revision = 0::bigint OR EXISTS (SELECT 1 FROM signing_keys)
				ON CONFLICT (one) DO UPDATE SET revision = signing_keys.revision + 1, body = excluded.body WHERE signing_keys.revision = @revision
				RETURNING true
			), told AS (`+toldNamed+`)
			SELECT COALESCE((SELECT true FROM step), (SELECT body = @body FROM signing_keys), false)`, told.name(pgx.NamedArgs{"body": sealed, "revision": int64(revision)})))
	})
	if errors.Is(err, errStale) {
		return storage.ErrConflict
	}
	return err
}

// SecretOrCreate returns the secret of that name, storing the proposed one first if there is none; see storage.Secrets.
func (s *Store) SecretOrCreate(ctx context.Context, name string, proposed []byte) (value []byte, err error) {
	if name == "" {
		return nil, errors.New("installation secret: name is empty")
	}
	sealed := s.codec.EncodeSecret(name, proposed)
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var stored []byte
		err := db.QueryRow(ctx, `
			WITH fresh AS (INSERT INTO secrets (name, body) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING body)
			SELECT COALESCE((SELECT body FROM fresh), (SELECT body FROM secrets WHERE name = $1))`, name, sealed).Scan(&stored)
		if err == nil && stored == nil { // another process was first, after this statement had begun
			err = db.QueryRow(ctx, `SELECT body FROM secrets WHERE name = $1`, name).Scan(&stored)
		}
		if err != nil {
			return err
		}
		value, err = s.codec.DecodeSecret(name, stored)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// ReplaceSecret puts another value in the place of before; see storage.Secrets.
func (s *Store) ReplaceSecret(ctx context.Context, name string, before, after []byte) error {
	fresh := s.codec.EncodeSecret(name, after)
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		var stored []byte
		err := db.QueryRow(ctx, `SELECT body FROM secrets WHERE name = $1 FOR UPDATE`, name).Scan(&stored)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil || bytes.Equal(stored, fresh) {
			return err
		}
		value, err := s.codec.DecodeSecret(name, stored)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(value, before):
			return storage.ErrConflict
		case after == nil:
			_, err = db.Exec(ctx, `DELETE FROM secrets WHERE name = $1`, name)
			return err
		}
		_, err = db.Exec(ctx, `UPDATE secrets SET body = $2 WHERE name = $1`, name, fresh)
		return err
	})
}

// SecretNames returns the names of the secrets that begin with prefix, in order; see storage.Secrets.
func (s *Store) SecretNames(ctx context.Context, prefix string) (names []string, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT name FROM secrets WHERE starts_with(name, $1) ORDER BY name COLLATE "C"`, prefix)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names, err
}
