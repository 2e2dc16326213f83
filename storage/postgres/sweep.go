package postgres

import (
	"context"
	"fmt"
	"time"
)

// expiring are the tables whose rows expire, with their keys and the column that says when.
var expiring = [...]struct{ table, key, column string }{
	{"logins", "id", "expires"},
	{"codes", "hash", "kept"},
	{"grants", "id", "kept"},
	{"access_tokens", "hash", "expires"},
	{"refresh_tokens", "hash", "kept"},
	{"sessions", "id", "ends"},
	{"logout_notices", "id", "expires"},
	{"pushed_requests", "hash", "expires"},
	{"used_once", "key", "expires"},
	{"audit_events", "time, id", "expires"},
	{"throttles", "key", "expires"},
	{"mail", "id", "expires"},
	{"evidence", "id", "kept"},
}

// Sweep removes at most limit expired records; see storage.Store. Of processes that sweep at the same time each finds others.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	for _, of := range expiring {
		if removed >= limit {
			break
		}
		columns, with, pending := of.key, "", "0"
		if of.table == "logins" {
			columns, pending = "id, collector", "count(collector)"
			with = `, request AS (DELETE FROM login_requests WHERE id IN (SELECT id FROM swept)), document AS (DELETE FROM login_documents WHERE id IN (SELECT id FROM swept))`
		}
		err := s.trip(ctx, func(ctx context.Context, db executor) error {
			var n int
			var orders int64
			err := db.QueryRow(ctx, `
				WITH swept AS (
					DELETE FROM `+of.table+` WHERE (`+of.key+`) IN (
						SELECT `+of.key+` FROM `+of.table+` WHERE `+of.column+` <= $1 ORDER BY `+of.column+` LIMIT $2 FOR UPDATE SKIP LOCKED
					) RETURNING `+columns+`
				)`+with+`
				SELECT count(*), `+pending+` FROM swept`, now, limit-removed).Scan(&n, &orders)
			if err == nil {
				removed += n
				s.pending.n.Add(-orders)
			}
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", of.table, err)
		}
	}
	return removed, nil
}
