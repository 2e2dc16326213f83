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
	if !storable(origin) {
		return false, nil
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM client_origins WHERE origin = $1)`, origin).Scan(&registered)
	})
	return registered, err
}

// storable reports whether a text of the database can be so.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// clientStatement changes a client by the part of a statement called step, which names what is written; see changeClient.
type clientStatement struct {
	step    string
	client  *storage.Client
	origins []string
	text    []byte
	written []byte
	missing error // when step does nothing and there is no such client
	stale   error // when it does nothing and there is one
}

func statementOf(step storage.ClientStep) (*clientStatement, error) {
	c := step.Client
	of := &clientStatement{client: &c, origins: []string{}, written: make([]byte, 16), missing: storage.ErrNotFound, stale: storage.ErrConflict}
	rand.Read(of.written)
	switch {
	case step.Remove:
		of.step = `DELETE FROM clients WHERE id = @id AND (revision = @revision OR @revision = 0)`
		return of, nil
	case c.Revision == 0:
		of.step = `INSERT INTO clients (id, generation, revision, written, body) VALUES (@id, nextval('client_generations'), @revision, @written, @body) ON CONFLICT (id) DO NOTHING`
		of.stale = storage.ErrExists
	default:
		of.step = `UPDATE clients SET revision = @revision, written = @written, body = @body` + disables(c.Disabled) + ` WHERE id = @id AND revision = @revision - 1`
	}
	c.Revision++
	if origins := c.WebOrigins(); origins != nil {
		of.origins = origins
	}
	text, err := json.Marshal(&c)
	if err != nil {
		return nil, fmt.Errorf("encode client: %w", err)
	}
	of.text = text
	return of, nil
}

// disables is the part of an update that gives a disabled client a generation that nothing was granted to.
func disables(disabled bool) string {
	if !disabled {
		return ""
	}
	return `, generation = nextval('client_generations')`
}

// run runs the step, puts the client's origins in the place of those that it had, removes what it has pushed if it may do nothing any more, stores
// the events and counts the change.
func (c *clientStatement) run(ctx context.Context, db executor, told *events) error {
	ends := c.text == nil || c.client.Disabled
	arguments := pgx.NamedArgs{"id": c.client.ID, "revision": int64(c.client.Revision), "body": c.text, "origins": c.origins, "written": c.written, "ends": ends}
	err := done(db.QueryRow(ctx, `
		WITH step AS (`+c.step+` RETURNING true), old AS (
			DELETE FROM client_origins WHERE client_id = @id AND NOT origin = ANY (@origins::text[]) AND EXISTS (SELECT 1 FROM step)
		), pushed AS (
			DELETE FROM pushed_requests WHERE client_id = @id AND @ends AND EXISTS (SELECT 1 FROM step)
		), told AS (`+toldNamed+`), counted AS (
			UPDATE client_changes SET count = count + 1 WHERE EXISTS (SELECT 1 FROM step)
		), fresh AS (
			INSERT INTO client_origins (origin, client_id) SELECT o, @id FROM step, unnest(@origins::text[]) AS o ON CONFLICT DO NOTHING
		)
		SELECT COALESCE((SELECT true FROM step), (SELECT written = @written FROM clients WHERE id = @id), false)`, told.name(arguments)))
	if !errors.Is(err, errStale) {
		return err
	}
	var there bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM clients WHERE id = $1)`, c.client.ID).Scan(&there); err != nil {
		return err
	}
	if there {
		return c.stale
	}
	return c.missing
}

func (s *Store) changeClient(ctx context.Context, step storage.ClientStep, events []storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	of, err := statementOf(step)
	if err != nil {
		return err
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error { return of.run(ctx, db, told) })
	if err == nil {
		s.clients.Remove(step.Client.ID)
		s.news.tell(allClients, 0)
	}
	return err
}

// CreateClient stores a new client with revision 1, or returns storage.ErrExists.
func (s *Store) CreateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	if client.ID == "" {
		return errors.New("create client: ID is empty")
	}
	client.Revision = 0
	return s.changeClient(ctx, storage.ClientStep{Client: client}, events)
}

// UpdateClient replaces the client, or returns storage.ErrNotFound or storage.ErrConflict.
func (s *Store) UpdateClient(ctx context.Context, client storage.Client, events ...storage.AuditEvent) error {
	if client.Revision == 0 { // which no stored client has
		if _, err := s.Client(ctx, client.ID); err != nil {
			return err
		}
		return storage.ErrConflict
	}
	return s.changeClient(ctx, storage.ClientStep{Client: client}, events)
}

// RemoveClient removes the client, whose generation then is no client's any more, or returns storage.ErrNotFound.
func (s *Store) RemoveClient(ctx context.Context, id string, _ time.Time, events ...storage.AuditEvent) error {
	return s.changeClient(ctx, storage.ClientStep{Client: storage.Client{ID: id}, Remove: true}, events)
}

// ChangeClients changes clients together; see storage.Clients.
func (s *Store) ChangeClients(ctx context.Context, steps []storage.ClientStep, _ time.Time, events ...storage.AuditEvent) error {
	ordered, err := storage.OrderedClientSteps(steps)
	if err != nil {
		return err
	}
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	all := make([]*clientStatement, len(ordered))
	for i, step := range ordered {
		if step.Remove && step.Client.Revision == 0 { // which no stored client has
			return &storage.ClientStepError{ID: step.Client.ID, Err: storage.ErrConflict}
		}
		if all[i], err = statementOf(step); err != nil {
			return err
		}
	}
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		for i, of := range all {
			with := told
			if i > 0 {
				with, _ = eventRows(nil)
			}
			if err := of.run(ctx, db, with); err != nil {
				return &storage.ClientStepError{ID: of.client.ID, Err: err}
			}
		}
		return nil
	})
	if err == nil {
		for _, of := range all {
			s.clients.Remove(of.client.ID)
		}
		s.news.tell(allClients, 0)
	}
	return err
}
