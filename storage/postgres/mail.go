package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

func (s *Store) queueMail(batch *pgx.Batch, m *storage.Mail) error {
	body, err := s.codec.EncodeMail(m)
	batch.Queue(`INSERT INTO mail (id, due, attempts, expires, body) VALUES ($1, $2, $3, $4, $5)`, m.ID, up(m.Due), m.Attempts, up(m.Expires), body)
	return err
}

// ClaimMail returns messages that are due, put off; see storage.Operators.
func (s *Store) ClaimMail(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) (claimed []storage.Mail, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		claimed = nil
		rows, err := db.Query(ctx, `SELECT id, due, attempts, body FROM mail WHERE due <= $1 AND expires > $1 ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED`, now, limit)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*storage.Mail, error) { return s.scanMail(row) })
		if err != nil || len(due) == 0 {
			return err
		}
		batch := new(pgx.Batch)
		for _, m := range due {
			m.Attempts++
			m.Due = now.Add(retry(m.Attempts))
			batch.Queue(`UPDATE mail SET due = $2, attempts = $3 WHERE id = $1`, m.ID, up(m.Due), m.Attempts)
			claimed = append(claimed, *m)
		}
		return db.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// scanMail reads id, due, attempts and body.
func (s *Store) scanMail(row interface{ Scan(...any) error }) (*storage.Mail, error) {
	var id string
	var due time.Time
	var attempts int
	var body []byte
	if err := row.Scan(&id, &due, &attempts, &body); err != nil {
		return nil, err
	}
	m, err := s.codec.DecodeMail(id, body)
	if err != nil {
		return nil, err
	}
	m.Due, m.Attempts = due.UTC(), attempts
	return m, nil
}

// DropMail removes the message; see storage.Operators.
func (s *Store) DropMail(ctx context.Context, id string, events ...storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		_, err := db.Exec(ctx, `WITH step AS (SELECT true), dropped AS (DELETE FROM mail WHERE id = @id) `+toldNamed, told.name(pgx.NamedArgs{"id": id}))
		return err
	})
}

// PendingMail returns how many messages wait.
func (s *Store) PendingMail(ctx context.Context) (n int, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `SELECT count(*) FROM mail`).Scan(&n)
	})
	return n, err
}

func (s *Store) mailEntry(row pgx.Rows) (storage.Entry, error) {
	m, err := s.scanMail(row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.MailEntryOf(m), nil
}
