package bolt

import (
	"bytes"
	"context"
	"errors"
	"time"

	"brygga/storage"
)

// AppendAudit stores the events, all or none; see storage.AuditLog.
func (s *Store) AppendAudit(ctx context.Context, events ...storage.AuditEvent) error {
	if len(events) == 0 {
		return nil
	}
	return s.updateAnd(ctx, events, func(*tx) error { return nil })
}

// updateAnd makes run part of the next transaction and stores the events with what it has written: all or nothing.
func (s *Store) updateAnd(ctx context.Context, events []storage.AuditEvent, run func(*tx) error) error {
	rows, err := auditRows(events)
	if err != nil {
		return err
	}
	return s.update(ctx, func(t *tx) error {
		if err := t.newAudit(rows); err != nil {
			return err
		}
		if err := run(t); err != nil {
			return err
		}
		return t.putAudit(rows)
	})
}

// auditRow is an event as stored.
type auditRow struct {
	key, text []byte
	expires   time.Time
}

// auditRows returns the rows of the events, or storage.ErrExists when two are the same.
func auditRows(events []storage.AuditEvent) ([]auditRow, error) {
	if storage.Twice(events) {
		return nil, storage.ErrExists
	}
	rows := make([]auditRow, len(events))
	for i, event := range events {
		text, err := storage.AuditText(&event)
		if err != nil {
			return nil, err
		}
		rows[i] = auditRow{append(appendMicros(make([]byte, 0, 8+len(event.ID)), event.Time), event.ID...), text, event.Expires}
	}
	return rows, nil
}

// newAudit returns storage.ErrExists when one of the events is stored.
func (t *tx) newAudit(rows []auditRow) error {
	for _, r := range rows {
		if t.get(auditBucket, r.key) != nil {
			return storage.ErrExists
		}
	}
	return nil
}

func (t *tx) putAudit(rows []auditRow) error {
	for _, r := range rows {
		if err := errors.Join(t.put(auditBucket, r.key, r.text), t.putExpiry(r.expires, auditKind, r.key, nil)); err != nil {
			return err
		}
	}
	return nil
}

// AuditEvents returns at most limit events in the order of their time, from inclusive, to exclusive.
func (s *Store) AuditEvents(_ context.Context, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	return s.auditEvents(from, to, limit, func([]byte) bool { return true }, func(storage.AuditEvent) bool { return true })
}

// AuditEventsOf returns at most limit events of the reference in the order of their time, from inclusive, to exclusive.
func (s *Store) AuditEventsOf(_ context.Context, reference storage.Reference, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	// Hardly any event of that time is the one that is looked for, and finding a text costs far less than decoding it.
	return s.auditEvents(from, to, limit,
		func(text []byte) bool { return bytes.Contains(text, []byte(reference)) },
		func(event storage.AuditEvent) bool { return event.Reference == reference })
}

// auditEvents returns at most limit events of that time for which both may and is report true: the text and the event.
func (s *Store) auditEvents(from, to time.Time, limit int, may func([]byte) bool, is func(storage.AuditEvent) bool) (events []storage.AuditEvent, err error) {
	err = s.view(func(t *tx) error {
		end := appendUp(nil, to)
		cursor := t.bucket(auditBucket).Cursor()
		for key, text := cursor.Seek(appendMicros(nil, from)); key != nil && len(events) < limit; key, text = cursor.Next() {
			if bytes.Compare(key, end) > 0 {
				return nil
			}
			text, err := plain(auditBucket, key, text)
			if err != nil {
				return err
			}
			if !may(text) {
				continue
			}
			event, err := storage.ParseAuditText(text)
			if err != nil {
				return err
			}
			if !event.Time.Before(from) && event.Time.Before(to) && is(event) {
				events = append(events, event)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}
