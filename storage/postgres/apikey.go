package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// APIKey returns the key with that ID, or storage.ErrNotFound.
func (s *Store) APIKey(ctx context.Context, id string) (*storage.APIKey, error) {
	if !storable(id) {
		return nil, storage.ErrNotFound
	}
	var text []byte
	err := s.trip(ctx, func(ctx context.Context, db executor) error {
		err := db.QueryRow(ctx, `SELECT body FROM api_keys WHERE id = $1`, id).Scan(&text)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return storage.DecodeAPIKey(text)
}

// APIKeys returns at most limit keys whose IDs follow after, in their order; see storage.APIKeys.
func (s *Store) APIKeys(ctx context.Context, after string, limit int) (all []*storage.APIKey, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT body FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2`, after, max(limit, 0))
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*storage.APIKey, error) {
			var text []byte
			if err := row.Scan(&text); err != nil {
				return nil, err
			}
			return storage.DecodeAPIKey(text)
		})
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// PutAPIKey stores or replaces a key; see storage.APIKeys.
func (s *Store) PutAPIKey(ctx context.Context, key storage.APIKey, events ...storage.AuditEvent) error {
	if key.ID == "" {
		return errors.New("put API key: ID is empty")
	}
	step, stale := `UPDATE api_keys SET revision = @revision, written = @written, body = @body WHERE id = @id AND revision = @revision - 1`, storage.ErrConflict
	if key.Revision == 0 {
		step, stale = `INSERT INTO api_keys (id, revision, written, body) VALUES (@id, @revision, @written, @body) ON CONFLICT (id) DO NOTHING`, storage.ErrExists
	}
	key.Revision++
	text, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("encode API key: %w", err)
	}
	return s.changeAPIKey(ctx, step, pgx.NamedArgs{"id": key.ID, "revision": int64(key.Revision), "body": text}, stale, events)
}

// RemoveAPIKey removes the key, or returns storage.ErrNotFound.
func (s *Store) RemoveAPIKey(ctx context.Context, id string, events ...storage.AuditEvent) error {
	if !storable(id) {
		return storage.ErrNotFound
	}
	return s.changeAPIKey(ctx, `DELETE FROM api_keys WHERE id = @id`, pgx.NamedArgs{"id": id}, storage.ErrNotFound, events)
}

// changeAPIKey runs the part of a statement called step and stores the events. It returns stale when step does nothing though the key is there.
func (s *Store) changeAPIKey(ctx context.Context, step string, arguments pgx.NamedArgs, stale error, events []storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	written := make([]byte, 16) // names the write, so that one whose outcome was lost is known again
	rand.Read(written)
	arguments["written"] = written
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		err := done(db.QueryRow(ctx, `
			WITH step AS (`+step+` RETURNING true), told AS (`+toldNamed+`)
			SELECT COALESCE((SELECT true FROM step), (SELECT written = @written FROM api_keys WHERE id = @id), false)`, told.name(arguments)))
		if !errors.Is(err, errStale) {
			return err
		}
		var there bool
		if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = $1)`, arguments["id"]).Scan(&there); err != nil {
			return err
		}
		if !there {
			return storage.ErrNotFound
		}
		return stale
	})
}

// endAPIKeys ends of every key what would come back to life in a restored database.
func endAPIKeys(ctx context.Context, db executor) error {
	rows, err := db.Query(ctx, `SELECT body FROM api_keys FOR UPDATE`)
	if err != nil {
		return err
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return err
	}
	for _, text := range texts {
		key, err := storage.DecodeAPIKey(text)
		if err != nil {
			return err
		}
		key.Restored()
		if text, err = json.Marshal(key); err != nil {
			return fmt.Errorf("encode API key: %w", err)
		}
		if _, err := db.Exec(ctx, `UPDATE api_keys SET revision = $2, written = '', body = $3 WHERE id = $1`, key.ID, int64(key.Revision), text); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) apiKeyEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var text []byte
	if err := row.Scan(&id, &text); err != nil {
		return storage.Entry{}, err
	}
	key, err := storage.DecodeAPIKey(text)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.APIKeyEntryOf(key), nil
}

// checkAPIKeys looks whether every key can be read and is the one that its row says.
func (s *Store) checkAPIKeys(ctx context.Context, report func(storage.Fault)) error {
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT id, body FROM api_keys ORDER BY id`)
		if err != nil {
			return err
		}
		var id string
		var text []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
			if key, err := storage.DecodeAPIKey(text); err != nil || key.ID != id {
				report(storage.Fault{Kind: "api_keys", Key: storage.KeyHash([]byte(id)), Problem: "cannot be read, or is another's"})
			}
			return nil
		})
		return err
	})
}
