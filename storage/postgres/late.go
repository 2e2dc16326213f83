package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// lateBatch is how many logins are brought into the database in one round trip.
const lateBatch = 100

// saveLate brings what is newer in memory into the database. A crash may lose it, so the database need not wait for its disk.
func (s *Store) saveLate(ctx context.Context) {
	ids := s.logins.unsaved()
	slices.Sort(ids) // so that two processes do not wait for each other's rows
	for batch := range slices.Chunk(ids, lateBatch) {
		if err := s.saveBatch(ctx, batch); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "hint codes not stored yet", "logins", len(batch), "err", err)
			return
		}
	}
}

// saveBatch saves those of the logins that no step is at: a step brings along what is late.
func (s *Store) saveBatch(ctx context.Context, ids []string) error {
	var ours []string
	for _, id := range ids {
		if leave := s.turns.try(id); leave != nil {
			defer leave()
			ours = append(ours, id)
		}
	}
	for {
		all, err := s.lateWrites(ours)
		if err != nil || len(all) == 0 {
			return err
		}
		stale := make([]bool, len(all))
		sent := sinceBegan()
		if err := s.trip(ctx, func(ctx context.Context, db executor) error { return writeLate(ctx, db, all, stale) }); err != nil {
			return err
		}
		for i, w := range all {
			if !stale[i] {
				s.counts.savedLate.Add(1)
				s.logins.saved(w.login, sent)
				s.news.tell(w.login.ID, w.login.Revision)
				continue
			}
			s.counts.overtaken.Add(1)
			if _, err := s.readLogin(ctx, w.login.ID); err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
		}
	}
}

// lateWrites returns what is to be written of those of the logins that are newer here than in the database.
func (s *Store) lateWrites(ids []string) (all []*loginWrite, err error) {
	for _, id := range ids {
		h := s.logins.find(id)
		if h == nil || len(h.late) == 0 {
			continue
		}
		state, err := s.codec.EncodeLogin(h.login)
		if err != nil {
			return nil, err
		}
		all = append(all, &loginWrite{login: h.login, known: h.stored, state: state})
	}
	return all, nil
}

// writeLate writes all of them in one transaction and one round trip, and notes which others were quicker with.
func writeLate(ctx context.Context, db executor, all []*loginWrite, stale []bool) error {
	batch := new(pgx.Batch)
	batch.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
	for i, w := range all {
		batch.Queue(`
			WITH step AS (
				UPDATE logins SET revision = $3, collector = $4, body = $5 WHERE id = $1 AND revision = $2 RETURNING true
			)
			SELECT COALESCE((SELECT true FROM step), (SELECT body = $5 FROM logins WHERE id = $1), false)`, w.arguments()...).QueryRow(func(row pgx.Row) error {
			err := done(row)
			if stale[i] = errors.Is(err, errStale); stale[i] {
				return nil
			}
			return err
		})
	}
	return db.SendBatch(ctx, batch).Close()
}
