package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// The names of what is kept of the installation and of migrations.
const (
	installedStore     = "store"     // a random name of the database as a store
	installedMigration = "migration" // how far it has come that is being filled from another store: a storage.Migration in JSON
	installedMoved     = "moved"     // the last migration that was done, in the same form
)

// What a process that fills a database, or reads it out, for a migration is called in Options.Node. There is one of either at most that gets
// anywhere, as it has the file of the other store; one that was killed need not be waited for.
const (
	FillingNode = "a migration into it"
	ReadingNode = "a migration out of it"
)

// idle is how long ago a process must have been heard of to count as gone when somebody wants the database alone.
const idle = 10 * time.Second

var _ storage.Target = (*Store)(nil)

// Origin names the database; see storage.Source. The name is made when it is first asked for.
func (s *Store) Origin(ctx context.Context) (origin string, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		if _, err := db.Exec(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, installedStore, []byte(storage.NewID())); err != nil {
			return err
		}
		name, err := installed(ctx, db, installedStore)
		origin = "database " + string(name)
		return err
	})
	return origin, err
}

// InUse returns storage.ErrInUse when another process was heard of within the last ten seconds; see storage.Source.
func (s *Store) InUse(ctx context.Context) error {
	return s.trip(ctx, s.inUse)
}

func (s *Store) inUse(ctx context.Context, db executor) error {
	var name string
	var ago float64
	err := db.QueryRow(ctx, `
		SELECT name, extract(epoch FROM clock_timestamp() - heard)::float8 FROM nodes
		WHERE name <> $1 AND heard > clock_timestamp() - $2::float8 * INTERVAL '1 second' ORDER BY heard DESC LIMIT 1`, s.node, idle.Seconds()).Scan(&name, &ago)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s, heard of %.0f s ago", storage.ErrInUse, name, max(0, ago))
}

// holds reports whether the database has any record.
func holds(ctx context.Context, db executor) (any bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM client_origins) OR EXISTS (SELECT 1 FROM login_requests) OR EXISTS (SELECT 1 FROM logins)
			OR EXISTS (SELECT 1 FROM grants) OR EXISTS (SELECT 1 FROM codes) OR EXISTS (SELECT 1 FROM access_tokens) OR EXISTS (SELECT 1 FROM refresh_tokens)
			OR EXISTS (SELECT 1 FROM sessions) OR EXISTS (SELECT 1 FROM logout_notices) OR EXISTS (SELECT 1 FROM pushed_requests) OR EXISTS (SELECT 1 FROM used_once)
			OR EXISTS (SELECT 1 FROM signing_keys) OR EXISTS (SELECT 1 FROM secrets) OR EXISTS (SELECT 1 FROM audit_events)
			OR EXISTS (SELECT 1 FROM operators) OR EXISTS (SELECT 1 FROM operator_handles) OR EXISTS (SELECT 1 FROM throttles) OR EXISTS (SELECT 1 FROM mail)
			OR EXISTS (SELECT 1 FROM audit_tiles) OR EXISTS (SELECT 1 FROM audit_tree) OR EXISTS (SELECT 1 FROM api_keys) OR EXISTS (SELECT 1 FROM notes)
			OR EXISTS (SELECT 1 FROM login_documents) OR EXISTS (SELECT 1 FROM evidence)
			OR EXISTS (SELECT 1 FROM installation WHERE name = $1)`, installedForgotten).Scan(&any)
	return any, err
}

// BeginMigration notes the migration that the database goes on with; see storage.Target. The row that is locked is that which every process
// locks when it starts: none starts between the look and the note.
func (s *Store) BeginMigration(ctx context.Context, source string, now time.Time) (m storage.Migration, err error) {
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		if _, err := lockedKeys(ctx, db); err != nil {
			return err
		}
		if err := s.inUse(ctx, db); err != nil {
			return err
		}
		stored, err := migration(ctx, db)
		if err != nil {
			return err
		}
		some, err := holds(ctx, db)
		if err != nil {
			return err
		}
		last, err := lastGeneration(ctx, db) // of clients that were removed: their grants must not come back to life
		if err != nil {
			return err
		}
		if m, err = stored.Begin(some || last > 0, source, now); err != nil {
			return err
		}
		if m.Done {
			return nil
		}
		return putMigration(ctx, db, m)
	})
	return m, err
}

// migration returns how far an unfinished migration has come, else the last one that was done, nil when there is none.
func migration(ctx context.Context, db executor) (*storage.Migration, error) {
	text, err := installed(ctx, db, installedMigration)
	done := err == nil && text == nil
	if done {
		text, err = installed(ctx, db, installedMoved)
	}
	if err != nil || text == nil {
		return nil, err
	}
	m := &storage.Migration{Done: done}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("decode migration: %w", err)
	}
	return m, nil
}

func putMigration(ctx context.Context, db executor, m storage.Migration) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, installedMigration, text)
	return err
}

// EndMigration notes that all is there; see storage.Target.
func (s *Store) EndMigration(ctx context.Context) error {
	return s.transact(ctx, func(ctx context.Context, db executor) error {
		text, err := installed(ctx, db, installedMigration)
		if err != nil || text == nil {
			return err
		}
		if _, err := db.Exec(ctx, `DELETE FROM installation WHERE name = $1`, installedMoved); err != nil {
			return err
		}
		_, err = db.Exec(ctx, `UPDATE installation SET name = $2 WHERE name = $1`, installedMigration, installedMoved)
		return err
	})
}

// Import stores entries; see storage.Target. Where the outcome of a transaction is lost, what it has noted tells whether it was done.
func (s *Store) Import(ctx context.Context, entries []storage.Entry, reached storage.Migration) error {
	err := s.transact(ctx, func(ctx context.Context, db executor) error {
		stored, err := migration(ctx, db)
		if err != nil || stored != nil && stored.After.Kind == reached.After.Kind && bytes.Equal(stored.After.Key, reached.After.Key) {
			return err
		}
		batch, err := s.queueEntries(entries)
		if err != nil {
			return err
		}
		if err := db.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return putMigration(ctx, db, reached)
	})
	if errors.Is(err, storage.ErrNotFound) {
		return errors.New("storage/postgres: a record has a text that no PostgreSQL can keep, with a byte of zero or one that is no UTF-8")
	}
	return err
}

// queueEntries queues all entries. What most of a large store is, audit events and notes, goes in one statement each, which takes the database a
// fraction of what as many statements do.
func (s *Store) queueEntries(entries []storage.Entry) (*pgx.Batch, error) {
	batch := new(pgx.Batch)
	var told []storage.AuditEvent
	var notes []storage.Note
	for _, e := range entries {
		switch r := e.Record.(type) {
		case *storage.AuditEvent:
			told = append(told, *r)
		case *storage.Note:
			notes = append(notes, *r)
		default:
			if err := s.queueEntry(batch, e); err != nil {
				return nil, fmt.Errorf("store %s: %w", storage.EntryName(e.Kind, e.Key), err)
			}
		}
	}
	rows, err := eventRows(told)
	if err != nil {
		return nil, err
	}
	rows.queue(batch)
	queueNotes(batch, notes)
	return batch, nil
}

func (s *Store) queueEntry(batch *pgx.Batch, e storage.Entry) error {
	switch r := e.Record.(type) {
	case []storage.SigningKey:
		body, err := s.codec.EncodeSigningKeys(r)
		batch.Queue(`INSERT INTO signing_keys (revision, body) VALUES ($1, $2)`, int64(e.Number), body)
		return err
	case []byte:
		batch.Queue(`INSERT INTO secrets (name, body) VALUES ($1, $2)`, string(e.Key), s.codec.EncodeSecret(string(e.Key), r))
		return nil
	case *storage.Client:
		return queueClient(batch, r, e.Number)
	case *storage.Login:
		return s.queueLogin(batch, r)
	case *storage.Grant:
		return s.queueGrant(batch, r, e)
	case *storage.Code:
		batch.Queue(`INSERT INTO codes (hash, grant_id, client_id, redirect_uri, challenge, resources, expires, spent, kept) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.Key, r.GrantID, r.ClientID, r.Redirect, r.Challenge, r.Resources, r.Expires, timeOrNull(r.Spent), e.Kept)
		return nil
	case *storage.AccessToken:
		batch.Queue(`INSERT INTO access_tokens (hash, grant_id, issued, expires, scopes, resources) VALUES ($1, $2, $3, $4, $5, $6)`,
			e.Key, r.GrantID, timeOrNull(r.Issued), r.Expires, r.Scopes, r.Resources)
		return nil
	case *storage.RefreshToken:
		batch.Queue(`INSERT INTO refresh_tokens (hash, grant_id, generation, expires, spent, next, kept) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			e.Key, r.GrantID, r.Generation, r.Expires, timeOrNull(r.Spent), e.Next, e.Kept)
		return nil
	case *storage.Session:
		body, err := s.codec.EncodeSession(r)
		batch.Queue(`INSERT INTO sessions (id, cookie, revision, ends, expires, body) VALUES ($1, $2, 1, $3, $4, $5)`, r.ID, r.CookieHash[:], e.Kept, up(r.Expires), body)
		return err
	case *storage.Notice:
		body, err := s.codec.EncodeNotice(r)
		batch.Queue(`INSERT INTO logout_notices (id, due, attempts, expires, body) VALUES ($1, $2, $3, $4, $5)`, r.ID, r.Due, r.Attempts, e.Kept, body)
		return err
	case *storage.PushedRequest:
		body, err := s.codec.EncodePushedRequest(r)
		batch.Queue(`INSERT INTO pushed_requests (hash, client_id, expires, body) VALUES ($1, $2, $3, $4)`, e.Key, r.ClientID, e.Kept, body)
		return err
	case *storage.AuditTile:
		batch.Queue(`INSERT INTO audit_tiles (key, body) VALUES ($1, $2)`, e.Key, storage.EncodeAuditTile(r))
		return nil
	case *storage.AuditTree:
		batch.Queue(`INSERT INTO audit_tree (size, checkpoint) VALUES ($1, $2)`, r.Size, r.Checkpoint)
		return nil
	case *storage.Operator:
		body, err := s.codec.EncodeOperator(r)
		batch.Queue(`INSERT INTO operators (id, body) VALUES ($1, $2)`, r.ID, body)
		queueHandles(batch, r)
		return err
	case *storage.Throttle:
		body, err := json.Marshal(r)
		batch.Queue(`INSERT INTO throttles (key, expires, body) VALUES ($1, $2, $3)`, e.Key, e.Kept, body)
		return err
	case *storage.APIKey:
		text, err := json.Marshal(r)
		batch.Queue(`INSERT INTO api_keys (id, revision, written, body) VALUES ($1, $2, '', $3)`, r.ID, int64(r.Revision), text)
		return err
	case *storage.Mail:
		return s.queueMail(batch, r)
	case *storage.Document:
		body, err := s.codec.EncodeDocument(r)
		batch.Queue(`INSERT INTO login_documents (id, expires, body) VALUES ($1, $2, $3)`, r.Login, e.Kept, body)
		return err
	case *storage.EvidenceRecord:
		body, err := s.codec.EncodeEvidence(r)
		batch.Queue(`INSERT INTO evidence (id, client_id, created, kept, body) VALUES ($1, $2, $3, $4, $5)`, r.ID, r.ClientID, r.Created, e.Kept, body)
		return err
	}
	return queueBare(batch, e)
}

// queueBare queues what has no record.
func queueBare(batch *pgx.Batch, e storage.Entry) error {
	switch e.Kind {
	case storage.GenerationsEntry:
		batch.Queue(`SELECT setval('client_generations', $1)`, int64(e.Number))
	case storage.ForgottenEntry:
		batch.Queue(`INSERT INTO installation (name, value) VALUES ($1, $2)`, installedForgotten, binary.BigEndian.AppendUint64(nil, uint64(e.Kept.UnixMicro())))
	case storage.UsedEntry:
		batch.Queue(`INSERT INTO used_once (key, expires) VALUES ($1, $2)`, e.Key, e.Kept)
	default:
		return fmt.Errorf("no store has a %s of this form", e.Kind)
	}
	return nil
}

func queueClient(batch *pgx.Batch, client *storage.Client, generation uint64) error {
	text, err := json.Marshal(client)
	if err != nil {
		return err
	}
	written := make([]byte, 16)
	rand.Read(written)
	batch.Queue(`INSERT INTO clients (id, generation, revision, written, body) VALUES ($1, $2, $3, $4, $5)`, client.ID, int64(generation), int64(client.Revision), written, text)
	for _, origin := range client.WebOrigins() {
		batch.Queue(`INSERT INTO client_origins (origin, client_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, origin, client.ID)
	}
	return nil
}

func (s *Store) queueLogin(batch *pgx.Batch, login *storage.Login) error {
	request, err := s.codec.EncodeRequest(login)
	if err != nil {
		return err
	}
	state, err := s.codec.EncodeLogin(login)
	if err != nil {
		return err
	}
	batch.Queue(`INSERT INTO login_requests (id, expires, body) VALUES ($1, $2, $3)`, login.ID, up(login.Expires), request)
	batch.Queue(`INSERT INTO logins (id, revision, expires, collector, body) VALUES ($1, $2, $3, $4, $5)`, login.ID, int64(login.Revision), up(login.Expires), collectorOf(login), state)
	return nil
}

// queueGrant queues a grant. Its revocation stands in a column and in what is sealed.
func (s *Store) queueGrant(batch *pgx.Batch, grant *storage.Grant, e storage.Entry) error {
	body, err := s.codec.EncodeGrant(grant)
	if err != nil {
		return err
	}
	var sid, session *string
	if e.Led {
		sid, session = orNull(grant.SessionID), orNull(grant.Session)
	}
	batch.Queue(`INSERT INTO grants (id, client_id, generation, sid, session, is_offline, expires, kept, revoked, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		grant.ID, grant.ClientID, int64(e.Number), sid, session, grant.Offline, up(grant.Expires), e.Kept, timeOrNull(grant.Revoked), body)
	return nil
}
