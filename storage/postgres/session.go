package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// Session returns the session of that cookie, or storage.ErrNotFound.
func (s *Store) Session(ctx context.Context, cookieHash [32]byte, now time.Time) (session *storage.Session, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var id string
		var body []byte
		err := db.QueryRow(ctx, `SELECT id, body FROM sessions WHERE cookie = $1`, cookieHash[:]).Scan(&id, &body)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		if session, err = s.codec.DecodeSession(id, body); err == nil && !session.Live(now) {
			err = storage.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// EndSession ends the session of that ID; see storage.Sessions.
func (s *Store) EndSession(ctx context.Context, id string, now time.Time, tell ...storage.TellEnd) (storage.Ended, error) {
	return s.end(ctx, tell, func(ctx context.Context, db executor, ended *storage.Ended) error {
		return s.endSession(ctx, db, id, now, ended)
	})
}

// EndSessionID ends what the sid names; see storage.Sessions.
func (s *Store) EndSessionID(ctx context.Context, sid string, now time.Time, tell ...storage.TellEnd) (storage.Ended, error) {
	return s.end(ctx, tell, func(ctx context.Context, db executor, ended *storage.Ended) error {
		if sid == "" {
			return nil
		}
		rows, err := db.Query(ctx, `SELECT DISTINCT session FROM grants WHERE sid = $1 AND session IS NOT NULL ORDER BY session`, sid)
		if err != nil {
			return err
		}
		sessions, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, id := range sessions {
			if err := s.endSession(ctx, db, id, now, ended); err != nil {
				return err
			}
		}
		return s.endGrants(ctx, db, `g.sid = $1 AND g.session IS NULL AND g.expires > $2`, sid, now, ended)
	})
}

// end ends sessions in one transaction, and stores what is told of it.
func (s *Store) end(ctx context.Context, tell []storage.TellEnd, do func(context.Context, executor, *storage.Ended) error) (ended storage.Ended, err error) {
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		ended = storage.Ended{}
		if err := do(ctx, db, &ended); err != nil {
			return err
		}
		told, err := eventRows(storage.EventsOfEnd(ended, tell))
		if err != nil {
			return err
		}
		return told.store(ctx, db)
	})
	if err != nil {
		return storage.Ended{}, err
	}
	return ended, nil
}

// endSession removes the session, if there is one of that ID, and ends its grants. It adds to ended what that brought about.
func (s *Store) endSession(ctx context.Context, db executor, id string, now time.Time, ended *storage.Ended) error {
	var body []byte
	err := db.QueryRow(ctx, `DELETE FROM sessions WHERE id = $1 RETURNING body`, id).Scan(&body)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if err == nil {
		session, err := s.codec.DecodeSession(id, body)
		if err != nil {
			return err
		}
		if session.Live(now) {
			ended.Session, ended.Group = session.ID, session.Group
		}
	}
	return s.endGrants(ctx, db, `g.session = $1 AND (g.expires > $2 OR g.kept > $2)`, id, now, ended)
}

// endGrants revokes the grants for which the condition holds but the offline ones, and leaves a notice for each client and sid that is to be
// told. Nothing leads to the grants any more, so that they end once. In the condition $1 is name and $2 is now.
func (s *Store) endGrants(ctx context.Context, db executor, condition, name string, now time.Time, ended *storage.Ended) error {
	rows, err := db.Query(ctx, `
		WITH ending AS (
			SELECT g.id, g.revoked IS NULL AND g.expires > $2 AND NOT g.is_offline AS ends FROM grants g
			WHERE `+condition+` AND (g.generation = 0 OR g.generation = (SELECT c.generation FROM clients c WHERE c.id = g.client_id)) ORDER BY g.id FOR UPDATE OF g
		)
		UPDATE grants g SET sid = NULL, session = NULL, revoked = CASE WHEN e.ends THEN $2 ELSE g.revoked END
		FROM ending e WHERE g.id = e.id RETURNING g.id, g.body, e.ends`, name, now)
	if err != nil {
		return err
	}
	var notices storage.Notices
	batch := new(pgx.Batch)
	for rows.Next() {
		var id string
		var body []byte
		var ends bool
		if err := rows.Scan(&id, &body, &ends); err != nil {
			rows.Close()
			return err
		}
		grant, err := s.codec.DecodeGrant(id, body)
		if err != nil {
			rows.Close()
			return err
		}
		if ends {
			ended.Grants++
		}
		if notice := notices.Of(grant, now); notice != nil {
			sealed, err := s.codec.EncodeNotice(notice)
			if err != nil {
				rows.Close()
				return err
			}
			batch.Queue(`INSERT INTO logout_notices (id, due, attempts, expires, body) VALUES ($1, $2, $3, $4, $5)`, notice.ID, up(notice.Due), notice.Attempts, up(notice.Expires), sealed)
			ended.Notices++
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if batch.Len() == 0 {
		return nil
	}
	return db.SendBatch(ctx, batch).Close()
}

// WaitingNotices counts the notices; see storage.Sessions.
func (s *Store) WaitingNotices(ctx context.Context) (n int, due time.Time, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var first *time.Time
		err := db.QueryRow(ctx, `SELECT count(*), min(due) FROM logout_notices`).Scan(&n, &first)
		if first != nil {
			due = first.UTC()
		}
		return err
	})
	return n, due, err
}

// ClaimNotices returns notices that are due, put off; see storage.Sessions.
func (s *Store) ClaimNotices(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) (claimed []storage.Notice, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		claimed = nil
		rows, err := db.Query(ctx, `
			SELECT id, due, attempts, body FROM logout_notices WHERE due <= $1 AND expires > $1 ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED`, now, limit)
		if err != nil {
			return err
		}
		batch := new(pgx.Batch)
		for rows.Next() {
			var id string
			var due time.Time
			var attempts int
			var body []byte
			if err := rows.Scan(&id, &due, &attempts, &body); err != nil {
				rows.Close()
				return err
			}
			notice, err := s.codec.DecodeNotice(id, body)
			if err != nil {
				rows.Close()
				return err
			}
			notice.Attempts = attempts
			next := notice.Claimed(now, retry)
			batch.Queue(`UPDATE logout_notices SET due = $2, attempts = $3 WHERE id = $1`, id, up(next.Due), next.Attempts)
			claimed = append(claimed, next)
		}
		if err := rows.Err(); err != nil || len(claimed) == 0 {
			return err
		}
		return db.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// DropNotice removes the notice; see storage.Sessions.
func (s *Store) DropNotice(ctx context.Context, id string, events ...storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		_, err := db.Exec(ctx, `WITH step AS (SELECT true), dropped AS (DELETE FROM logout_notices WHERE id = @id) `+toldNamed, told.name(pgx.NamedArgs{"id": id}))
		return err
	})
}
