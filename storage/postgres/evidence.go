package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// stepCompletion is a storage.StepCompletion in one statement. The record is looked for first: a row that is there already makes the statement fail.
func (s *Store) stepCompletion(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, record *storage.EvidenceRecord, tell ...storage.Tell) (*storage.Login, error) {
	body, err := s.codec.EncodeEvidence(record)
	if err != nil {
		return nil, err
	}
	const further = `, evidence AS (INSERT INTO evidence (id, client_id, created, kept, body) SELECT $11, $12, $13::timestamptz, $14::timestamptz, $15 FROM step)`
	return s.stepAnd(ctx, id, now, rule, further, []any{record.ID, record.ClientID, record.Created, record.Kept, body}, tell...)
}

// Evidence returns the record with that ID, or storage.ErrNotFound.
func (s *Store) Evidence(ctx context.Context, id string, now time.Time) (*storage.EvidenceRecord, error) {
	body, err := s.sealedRow(ctx, `SELECT body FROM evidence WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	record, err := s.codec.DecodeEvidence(id, body)
	if err != nil {
		return nil, err
	}
	if err := storage.Unexpired(record.Kept, now); err != nil {
		return nil, err
	}
	return record, nil
}

// FindEvidence returns the records that are wanted; see storage.Evidences.
func (s *Store) FindEvidence(ctx context.Context, q storage.EvidenceQuery, now time.Time, limit int) (all []*storage.EvidenceRecord, err error) {
	before := q.End()
	if !storable(q.ClientID) || !storable(before.ID) {
		return nil, nil
	}
	query := `SELECT id, client_id, created, kept, body FROM evidence WHERE created >= @from AND kept > @now`
	if before != (storage.EvidencePosition{}) {
		query += ` AND (created, id) < (@created::timestamptz, @id)`
	}
	if q.ClientID != "" {
		query += ` AND client_id = @client`
	}
	arguments := pgx.NamedArgs{"from": q.From, "now": now, "created": before.Created, "id": before.ID, "client": q.ClientID, "limit": max(limit, 0)}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, query+` ORDER BY created DESC, id DESC LIMIT @limit`, arguments)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, s.evidenceHead)
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// evidenceHead returns the record of a row as lists have it.
func (s *Store) evidenceHead(row pgx.CollectableRow) (*storage.EvidenceRecord, error) {
	var body []byte
	head := &storage.EvidenceRecord{Unreadable: true}
	if err := row.Scan(&head.ID, &head.ClientID, &head.Created, &head.Kept, &body); err != nil {
		return nil, err
	}
	if record, err := s.codec.DecodeEvidence(head.ID, body); err == nil {
		return record.Head(), nil
	}
	head.Created, head.Kept = head.Created.UTC(), head.Kept.UTC()
	return head, nil
}

// AttestEvidence stores what has come to the record since; see storage.Evidences.
func (s *Store) AttestEvidence(ctx context.Context, id string, a storage.Attestation, now time.Time) error {
	_, err := s.changeEvidence(ctx, id, now, func(e *storage.EvidenceRecord) error { return e.Attest(a) })
	return err
}

// EraseEvidence takes out of the record what is in it; see storage.Evidences.
func (s *Store) EraseEvidence(ctx context.Context, id string, erasure storage.Erasure, events ...storage.AuditEvent) (*storage.EvidenceRecord, error) {
	return s.changeEvidence(ctx, id, erasure.At, func(e *storage.EvidenceRecord) error { return e.Erase(erasure) }, events...)
}

// changeEvidence changes a record by a rule, in one step with the events, and returns it as it is then.
func (s *Store) changeEvidence(ctx context.Context, id string, now time.Time, rule func(*storage.EvidenceRecord) error, events ...storage.AuditEvent) (*storage.EvidenceRecord, error) {
	told, err := eventRows(events)
	if err != nil {
		return nil, err
	}
	for {
		before, err := s.sealedRow(ctx, `SELECT body FROM evidence WHERE id = $1`, id)
		if err != nil {
			return nil, err
		}
		record, err := s.codec.DecodeEvidence(id, before)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(storage.Unexpired(record.Kept, now), rule(record)); err != nil {
			return nil, err
		}
		changed, err := s.codec.EncodeEvidence(record) // no other row is the same, so that it is known again when the answer was lost
		if err != nil {
			return nil, err
		}
		err = s.trip(ctx, func(ctx context.Context, db executor) error {
			arguments := pgx.NamedArgs{"id": id, "before": before, "body": changed}
			return done(db.QueryRow(ctx, `
				WITH step AS (UPDATE evidence SET body = @body WHERE id = @id AND body = @before RETURNING true), told AS (`+toldNamed+`)
				SELECT COALESCE((SELECT true FROM step), (SELECT body = @body FROM evidence WHERE id = @id), false)`, told.name(arguments)))
		})
		if !errors.Is(err, errStale) { // else it was sealed anew, changed or erased meanwhile
			if err != nil {
				return nil, err
			}
			return record, nil
		}
	}
}

func (s *Store) evidenceEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var body []byte
	if err := row.Scan(&id, &body); err != nil {
		return storage.Entry{}, err
	}
	record, err := s.codec.DecodeEvidence(id, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.EvidenceEntryOf(record), nil
}
