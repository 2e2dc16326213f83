package postgres

import (
	"context"
	"time"

	"brygga/storage"
)

// Holdings counts what the client holds; see storage.Clients.
func (s *Store) Holdings(ctx context.Context, id string, now time.Time, most int) (held storage.Holdings, err error) {
	if !storable(id) {
		return held, nil
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `
			SELECT count(*), count(*) FILTER (WHERE is_offline),
				(SELECT count(*) FROM (SELECT 1 FROM pushed_requests WHERE client_id = $1 AND expires > $2 LIMIT $3) AS p)
			FROM (SELECT g.is_offline FROM grants g WHERE g.client_id = $1 AND `+liveGrant("$2")+` LIMIT $3) AS g`, id, now, max(most, 0)).
			Scan(&held.Grants, &held.Offline, &held.Pushed)
	})
	return held, err
}
