package postgres

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"brygga/storage"
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
			return storage.ErrConflict // found another collector, or its own again: the next round looks anew
		}
		return err
	})
}

// news gathers what other processes shall hear of.
type news struct {
	mu     sync.Mutex
	ids    map[string]uint64 // with the revision
	soon   chan struct{}
	silent func() bool // when nobody would hear it
}

// tell has the others told that the login has that revision.
func (n *news) tell(id string, revision uint64) {
	if n.silent() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids[id] = max(n.ids[id], revision)
	select {
	case n.soon <- struct{}{}:
	default:
	}
}

// maxPayload is how long a notification may be, in bytes (PostgreSQL: NOTIFY).
const maxPayload = 7900

// payloads returns what there is to tell, as payloads: each says who tells it, and what has changed.
func (n *news) payloads(node string) (payloads []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := node
	for id, revision := range n.ids {
		word := " " + id
		if id != allClients {
			word += ":" + strconv.FormatUint(revision, 10)
		}
		if len(text)+len(word) > maxPayload {
			payloads = append(payloads, text)
			text = node
		}
		text += word
	}
	clear(n.ids)
	if text != node {
		payloads = append(payloads, text)
	}
	return payloads
}

// notify sends the news, until ctx is done. A database that has no notifications leaves the others to their pulse.
func (s *Store) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.news.soon:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(newsEvery):
		}
		for _, payload := range s.news.payloads(s.node) {
			_, err := s.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, payload)
			if hasNone(err) {
				return
			}
		}
	}
}

// hasNone reports whether the database does not know what it was asked for.
func hasNone(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42883" || pg.Code == "0A000" || pg.Code == "42601")
}

// listen hears the news of the others, until ctx is done.
func (s *Store) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.hear(ctx)
		if hasNone(err) {
			s.log.InfoContext(ctx, "the database has no notifications: other processes are heard of once a second")
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pulseEvery):
		}
	}
}

func (s *Store) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if from, words, _ := strings.Cut(n.Payload, " "); from != s.node {
			for word := range strings.FieldsSeq(words) {
				s.told(word)
			}
		}
	}
}

// told takes one word of another process's news.
func (s *Store) told(word string) {
	if word == allClients {
		s.clients.Clear()
		return
	}
	id, number, _ := strings.Cut(word, ":")
	revision, err := strconv.ParseUint(number, 10, 64)
	if err != nil { // a version before told no revisions
		revision = unknown
	}
	s.changed(id, revision)
}
