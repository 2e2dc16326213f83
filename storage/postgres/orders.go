package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// recount counts the pending orders, and forgets processes that have not been heard of for a day.
func (s *Store) recount(ctx context.Context) error {
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		var n int64
		err := db.QueryRow(ctx, `
			WITH gone AS (DELETE FROM nodes WHERE heard < clock_timestamp() - interval '1 day')
			SELECT count(*) FROM logins WHERE collector IS NOT NULL`).Scan(&n)
		if err == nil {
			s.pending.n.Store(n)
		}
		return err
	})
}

// countPending counts the login's order from what it was to what it is.
func (s *Store) countPending(before, after *storage.Login) {
	was, is := before != nil && collectorOf(before) != nil, collectorOf(after) != nil
	switch {
	case is && !was:
		s.pending.n.Add(1)
	case was && !is:
		s.pending.n.Add(-1)
	}
}

// PendingOrders returns how many logins have a pending order, from memory: as counted lately, and what this process has done since.
func (s *Store) PendingOrders(context.Context) (int, error) {
	return int(max(0, s.pending.n.Load())), nil
}

// Heartbeat says that the collector is alive; see storage.Logins. The pulse says so of this process.
func (s *Store) Heartbeat(ctx context.Context, collector string, now time.Time) error {
	if collector == s.node && time.Duration(sinceBegan()-s.pulsed.Load()) < 2*pulseEvery {
		return nil
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		_, err := db.Exec(ctx, `INSERT INTO nodes (name, heard) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET heard = GREATEST(nodes.heard, excluded.heard)`, collector, now)
		return err
	})
}

// AdoptOrders hands orders of silent collectors over; see storage.Logins. When this process has been silent itself, because it was stopped or the
// database was gone, the others get time to be heard first.
func (s *Store) AdoptOrders(ctx context.Context, collector string, deadline, now time.Time, limit int) (adopted []*storage.Login, err error) {
	if steady := s.steadyFrom.Load(); limit <= 0 || steady != 0 && time.Duration(sinceBegan()-steady) < silence {
		return nil, nil
	}
	var orphans []string
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `
			SELECT l.id FROM logins l WHERE l.collector IS NOT NULL AND l.expires > $2
				AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.name = l.collector AND n.heard >= $1) ORDER BY l.id LIMIT $3`, deadline, now, limit)
		if err != nil {
			return err
		}
		orphans, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range orphans {
		login, err := s.adopt(ctx, id, collector, deadline, now)
		switch {
		case err == nil:
			s.counts.takenOver.Add(1)
			adopted = append(adopted, login)
		case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		case errors.Is(err, storage.ErrUnavailable) || ctx.Err() != nil:
			return adopted, err
		default: // it shall not keep the others from being adopted
			s.log.ErrorContext(ctx, "pending login cannot be read", "login", id, "err", err)
		}
	}
	return adopted, nil
}

// adopt hands one order over, if its collector is silent still.
func (s *Store) adopt(ctx context.Context, id, collector string, deadline, now time.Time) (*storage.Login, error) {
	s.changed(id, unknown) // what is held may be from long ago
	var before *string
	rule := func(l *storage.Login) error {
		if before = collectorOf(l); before == nil {
			return storage.ErrConflict
		}
		return l.AdoptOrder(collector)
	}
	return s.stepWith(ctx, id, now, rule, func(ctx context.Context, w *loginWrite) error {
		err := s.trip(ctx, func(ctx context.Context, db executor) error {
			return done(db.QueryRow(ctx, `
				WITH step AS (
					UPDATE logins SET revision = $3, collector = $4, body = $5 WHERE id = $1 AND revision = $2
						AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.name = $6 AND n.heard >= $7) RETURNING true
				)
				SELECT COALESCE((SELECT true FROM step), (SELECT body = $5 FROM logins WHERE id = $1), false)`, append(w.arguments(), *before, deadline)...))
		})
		if errors.Is(err, errStale) {
			s.counts.overtaken.Add(1)
			return storage.ErrConflict // found another collector, or its own again: the next round looks anew
		}
		return err
	})
}
