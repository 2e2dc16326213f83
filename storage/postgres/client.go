package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

func decodeClient(text []byte) (*storage.Client, error) {
	client := new(storage.Client)
	if err := json.Unmarshal(text, client); err != nil {
		return nil, fmt.Errorf("decode client: %w", err)
	}
	return client, nil
}

// Client returns the client with that ID, from memory if it was asked for lately, or storage.ErrNotFound. What another process has changed
// is known after a pulse.
func (s *Store) Client(ctx context.Context, id string) (client *storage.Client, err error) {
	client, known, mark := s.clients.Look(id)
	if known {
		return client, nil
	}
	var text []byte
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		err := db.QueryRow(ctx, `SELECT body FROM clients WHERE id = $1`, id).Scan(&text)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if client, err = decodeClient(text); err != nil {
		return nil, err
	}
	s.clients.Fill(id, client, len(text)+clientOverhead, mark)
	return client, nil
}

// Clients returns at most limit clients whose IDs follow after, in their order; see storage.Clients.
func (s *Store) Clients(ctx context.Context, after string, limit int) (clients []*storage.Client, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT body FROM clients WHERE id > $1 ORDER BY id LIMIT $2`, after, max(limit, 0))
		if err != nil {
			return err
		}
		clients, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*storage.Client, error) {
			var text []byte
			if err := row.Scan(&text); err != nil {
				return nil, err
			}
			return decodeClient(text)
		})
		return err
	})
	if err != nil || len(clients) == 0 {
		return nil, err
	}
	return clients, nil
}

// OriginRegistered reports whether a client has the web origin; see storage.Clients.
func (s *Store) OriginRegistered(ctx context.Context, origin string) (registered bool, err error) {
	if !utf8.ValidString(origin) || strings.ContainsRune(origin, 0) {
		return false, nil // no text of the database is so
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM client_origins WHERE origin = $1)`, origin).Scan(&registered)
	})
	return registered, err
}

// changeClient runs a statement whose part called step changes the client, puts its origins in the place of those that it had, stores the
// events and counts the change. It returns errStale when step does nothing.
func (s *Store) changeClient(ctx context.Context, step string, client *storage.Client, origins []string, events []storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	text, err := json.Marshal(client)
	if err != nil {
		return fmt.Errorf("encode client: %w", err)
	}
	if origins == nil {
		origins = []string{}
	}
	written := make([]byte, 16)
	rand.Read(written)
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		arguments := pgx.NamedArgs{"id": client.ID, "revision": int64(client.Revision), "body": text, "origins": origins, "written": written}
		return done(db.QueryRow(ctx, `
			WITH step AS (`+step+` RETURNING true), old AS (
				DELETE FROM client_origins WHERE client_id = @id AND NOT origin = ANY (@origins::text[]) AND EXISTS (SELECT 1 FROM step)
			), told AS (`+toldNamed+`), counted AS (
				UPDATE client_changes SET count = count + 1 WHERE EXISTS (SELECT 1 FROM step)
			), fresh AS (
				INSERT INTO client_origins (origin, client_id) SELECT o, @id FROM step, unnest(@origins::text[]) AS o ON CONFLICT DO NOTHING
			)
			SELECT COALESCE((SELECT true FROM step), (SELECT written = @written FROM clients WHERE id = @id), false)`, told.name(arguments)))
	})
	if err == nil {
		s.clients.Remove(client.ID)
		s.news.tell(allClients, 0)
	}
	return err
}

// CreateClient stores a new client with revision 1, or returns storage.ErrExists.
func (s *Store) CreateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	if client.ID == "" {
		return errors.New("create client: ID is empty")
	}
	client.Revision = 1
	err := s.changeClient(ctx, `INSERT INTO clients (id, generation, revision, written, body) VALUES (@id, nextval('client_generations'), @revision, @written, @body) ON CONFLICT (id) DO NOTHING`,
		&client, client.WebOrigins(), events)
	if errors.Is(err, errStale) {
		return storage.ErrExists
	}
	return err
}

// UpdateClient replaces the client, or returns storage.ErrNotFound or storage.ErrConflict.
func (s *Store) UpdateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	client.Revision++
	err := s.changeClient(ctx, `UPDATE clients SET revision = @revision, written = @written, body = @body WHERE id = @id AND revision = @revision - 1`, &client, client.WebOrigins(), events)
	if !errors.Is(err, errStale) {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		var there bool
		if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM clients WHERE id = $1)`, client.ID).Scan(&there); err != nil {
			return err
		}
		if there {
			return storage.ErrConflict
		}
		return storage.ErrNotFound
	})
}

// RemoveClient removes the client, whose generation then is no client's any more, or returns storage.ErrNotFound.
func (s *Store) RemoveClient(ctx context.Context, id string, _ time.Time, events ...storage.AuditEvent) error {
	err := s.changeClient(ctx, `DELETE FROM clients WHERE id = @id`, &storage.Client{ID: id}, nil, events)
	if errors.Is(err, errStale) {
		return storage.ErrNotFound
	}
	return err
}
