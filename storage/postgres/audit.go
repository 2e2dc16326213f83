package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// events are audit events as stored, column by column.
type events struct {
	times, expires         []time.Time
	ids, references, texts []string
}

// eventRows returns the rows of the events, or storage.ErrExists when two are the same.
func eventRows(all []storage.AuditEvent) (*events, error) {
	rows := &events{
		times: []time.Time{}, expires: []time.Time{}, ids: []string{}, references: []string{}, texts: []string{},
	}
	if storage.Twice(all) {
		return nil, storage.ErrExists
	}
	for _, event := range all {
		text, err := storage.AuditText(&event)
		if err != nil {
			return nil, err
		}
		rows.times, rows.expires = append(rows.times, event.Time), append(rows.expires, up(event.Expires))
		rows.ids, rows.references, rows.texts = append(rows.ids, event.ID), append(rows.references, string(event.Reference)), append(rows.texts, string(text))
	}
	return rows, nil
}

// arguments returns the columns.
func (e *events) arguments() []any { return []any{e.times, e.ids, e.references, e.expires, e.texts} }

// toldNamed is the part of a statement that stores the events for each row of the part called step.
const toldNamed = `
	INSERT INTO audit_events (time, id, reference, expires, body)
	SELECT e.time, e.id, e.reference, e.expires, e.body::jsonb FROM step,
		unnest(@event_times::timestamptz[], @event_ids::text[], @event_references::text[], @event_expires::timestamptz[], @event_texts::text[]) AS e (time, id, reference, expires, body)`

// name adds the arguments of toldNamed.
func (e *events) name(arguments pgx.NamedArgs) pgx.NamedArgs {
	arguments["event_times"], arguments["event_ids"], arguments["event_references"] = e.times, e.ids, e.references
	arguments["event_expires"], arguments["event_texts"] = e.expires, e.texts
	return arguments
}

// store stores the events.
func (e *events) store(ctx context.Context, db executor) error {
	if len(e.ids) == 0 {
		return nil
	}
	_, err := db.Exec(ctx, storeEvents, e.name(pgx.NamedArgs{}))
	return err
}

const storeEvents = `WITH step AS (SELECT true)` + toldNamed

// queue queues what stores the events.
func (e *events) queue(batch *pgx.Batch) {
	if len(e.ids) > 0 {
		batch.Queue(storeEvents, e.name(pgx.NamedArgs{}))
	}
}

// AppendAudit stores the events, all or none; see storage.AuditLog.
func (s *Store) AppendAudit(ctx context.Context, all ...storage.AuditEvent) error {
	rows, err := eventRows(all)
	if err != nil || len(all) == 0 {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error { return rows.store(ctx, db) })
}

// AuditEvents returns at most limit events in the order of their time, from inclusive, to exclusive.
func (s *Store) AuditEvents(ctx context.Context, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	return s.auditEvents(ctx, `SELECT body FROM audit_events WHERE time >= $1 AND time < $2 ORDER BY time, id LIMIT $3`, from, to, max(limit, 0))
}

// AuditEventsOf returns at most limit events of the reference in the order of their time, from inclusive, to exclusive.
func (s *Store) AuditEventsOf(ctx context.Context, reference storage.Reference, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	return s.auditEvents(ctx, `SELECT body FROM audit_events WHERE reference = $4 AND reference <> '' AND time >= $1 AND time < $2 ORDER BY time, id LIMIT $3`,
		from, to, max(limit, 0), string(reference))
}

func (s *Store) auditEvents(ctx context.Context, query string, arguments ...any) (found []storage.AuditEvent, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, query, arguments...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (event storage.AuditEvent, err error) {
			var text []byte
			if err := row.Scan(&text); err != nil {
				return event, err
			}
			return storage.ParseAuditText(text)
		})
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, nil
}
