package postgres

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// pulseEvery is how often this process tells that it is alive and looks what the others have done.
	pulseEvery = time.Second
	// saveEvery is how often what is newer in memory is stored.
	saveEvery = 250 * time.Millisecond
	// newsEvery is how long what others shall hear of is gathered.
	newsEvery = 50 * time.Millisecond
	// silence is after how long without a pulse a process no longer counts.
	silence = 5 * time.Second
	// channel is where processes notify each other: who it is, and the logins that it has changed, each with its revision. Where clients have
	// changed, allClients stands in place of a login's ID.
	channel    = "brygga"
	allClients = "*"
	// countEvery is how often pending orders are counted anew.
	countEvery = 15 * time.Second
)

// followed are those who want to hear of changes of one login.
type followed struct{ changed map[*func()]struct{} }

// Follow calls changed when another process may have changed the login; see storage.Logins.
func (s *Store) Follow(id string, changed func()) (stop func()) {
	s.followMu.Lock()
	defer s.followMu.Unlock()
	of := s.followed[id]
	if of == nil {
		of = &followed{map[*func()]struct{}{}}
		s.followed[id] = of
	}
	key := &changed
	of.changed[key] = struct{}{}
	return func() {
		s.followMu.Lock()
		defer s.followMu.Unlock()
		delete(of.changed, key)
		if len(of.changed) == 0 && s.followed[id] == of {
			delete(s.followed, id)
		}
	}
}

// wake tells those who follow the login that it may have changed.
func (s *Store) wake(id string) {
	s.followMu.Lock()
	defer s.followMu.Unlock()
	if of := s.followed[id]; of != nil {
		for changed := range of.changed {
			(*changed)()
		}
	}
}

// changed has the login read again before it is shown or changed, if an older revision is held than that one, and wakes who follows it.
func (s *Store) changed(id string, revision uint64) {
	if h := s.logins.find(id); h != nil && h.stored < revision {
		h.checked.Store(outdated)
	}
	s.wake(id)
}

// unknown stands for a revision that nothing is known of.
const unknown = math.MaxUint64

// run does what is to be done from time to time, until ctx is done.
func (s *Store) run(ctx context.Context) {
	pulse, save, count := time.NewTicker(pulseEvery), time.NewTicker(saveEvery), time.NewTicker(countEvery)
	defer pulse.Stop()
	defer save.Stop()
	defer count.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), pulseEvery*5)
			defer cancel()
			s.saveLate(last)
			return
		case <-pulse.C:
			if err := s.pulse(ctx); err != nil && ctx.Err() == nil {
				s.alone.Store(false)
				s.log.WarnContext(ctx, "database not reached", "err", err)
			}
		case <-save.C:
			if !s.alone.Load() { // else nobody would see it there, and the login's next step brings it along
				s.saveLate(ctx)
			}
		case <-count.C:
			if err := s.recount(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "pending orders not counted", "err", err)
			}
		}
	}
}

// pulse is the one round trip a second by which processes know of each other.
func (s *Store) pulse(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	ids := s.lookedAt()
	sent, asked := s.clock(), sinceBegan()
	var now time.Time
	var others int64
	var changes int64
	found := make(map[string]uint64, len(ids))
	batch := new(pgx.Batch)
	batch.Queue(`INSERT INTO nodes (name, heard) VALUES ($1, clock_timestamp()) ON CONFLICT (name) DO UPDATE SET heard = GREATEST(nodes.heard, excluded.heard)`, s.node)
	batch.Queue(`SELECT clock_timestamp(), (SELECT count(*) FROM nodes WHERE name <> $1 AND heard > clock_timestamp() - $2::float8 * INTERVAL '1 second'), (SELECT count FROM client_changes)`,
		s.node, silence.Seconds()).QueryRow(func(row pgx.Row) error { return row.Scan(&now, &others, &changes) })
	batch.Queue(`SELECT id, revision FROM logins WHERE id = ANY ($1)`, ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id string
			var revision int64
			if err := rows.Scan(&id, &revision); err != nil {
				return err
			}
			found[id] = uint64(revision)
		}
		return rows.Err()
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	// The database read its clock between sending and now, so half the time that has passed is the best guess.
	s.offset.Store(int64(now.Sub(sent) - s.clock().Sub(sent)/2))
	s.alone.Store(others == 0)
	s.nodes.Store(others + 1)
	if last := s.pulsed.Swap(sinceBegan()); last != 0 && time.Duration(sinceBegan()-last) > silence/2 {
		s.steadyFrom.Store(sinceBegan())
	}
	if s.changes.Swap(changes) != changes {
		s.clients.Clear()
	}
	for _, id := range ids {
		h := s.logins.find(id)
		if h != nil && h.stored == found[id] {
			h.checked.Store(asked)
		} else {
			s.changed(id, unknown)
		}
	}
	return nil
}

// lookedAt returns the logins that somebody follows, and those that were shown since the call before.
func (s *Store) lookedAt() []string {
	ids := s.shown.take()
	s.followMu.Lock()
	defer s.followMu.Unlock()
	for id := range s.followed {
		ids[id] = struct{}{}
	}
	return slices.Collect(maps.Keys(ids))
}

// leave tells the others that this process is gone, so that they take its orders over at once.
func (s *Store) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	defer cancel()
	if _, err := s.pool.Exec(ctx, `DELETE FROM nodes WHERE name = $1`, s.node); err != nil {
		s.log.WarnContext(ctx, "the other processes could not be told of the end of this one", "err", err)
	}
}
