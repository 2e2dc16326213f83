package postgres

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"brygga/cache"
	"brygga/storage"
)

// held is a login as this process knows it.
type held struct {
	// login is what readers see. It is never changed.
	login *storage.Login
	// stored is the revision in the database; the login is later when late holds steps that are not there yet.
	stored uint64
	late   []func(*storage.Login) error
	// checked is a time at which the database had that revision, in nanoseconds since the epoch of began, or outdated.
	checked atomic.Int64
}

// outdated stands in the place of a time when another process is known to have changed the login.
const outdated = math.MinInt64 / 2

// fresh reports whether no other process is known to have changed the login since.
func (h *held) fresh() bool { return h != nil && h.checked.Load() != outdated }

var began = time.Now()

func sinceBegan() int64 { return int64(time.Since(began)) }

// memory holds the logins that went through this process lately, and which of them are newer here than in the database.
type memory struct {
	*cache.Cache[*held]

	mu    sync.Mutex
	dirty map[string]*held
}

func newMemory() memory {
	return memory{Cache: cache.New[*held](maxLoginBytes), dirty: map[string]*held{}}
}

// find returns what is held of the login, or nil.
func (m *memory) find(id string) *held {
	m.mu.Lock()
	h := m.dirty[id]
	m.mu.Unlock()
	if h == nil {
		h, _ = m.Get(id)
	}
	return h
}

// keep holds the login as it was in the database at the time checked, with the late steps that are not there.
func (m *memory) keep(login *storage.Login, stored uint64, late []func(*storage.Login) error, checked int64) *held {
	h := &held{login: login, stored: stored, late: late}
	h.checked.Store(checked)
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, ok := m.Get(login.ID); ok && before.stored > stored {
		return before // somebody has read it later
	}
	if len(late) > 0 {
		m.dirty[login.ID] = h
	} else {
		delete(m.dirty, login.ID)
	}
	m.Put(login.ID, h, loginOverhead+login.Request.Size()) // an answered one too: its page asks once more
	return h
}

// forget lets go of the login.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.dirty, id)
	m.Remove(id)
}

// unsaved returns the IDs of logins that are newer here than in the database.
func (m *memory) unsaved() (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.dirty {
		ids = append(ids, id)
	}
	return ids
}

// shown gathers the logins that were read since the last pulse: the next one asks whether they have changed, in place of a read for each.
type shown struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

func (s *shown) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]struct{}{}
	}
	s.ids[id] = struct{}{}
}

// take returns what was gathered, for the caller to change.
func (s *shown) take() map[string]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.ids
	if s.ids = nil; ids == nil {
		ids = map[string]struct{}{}
	}
	return ids
}

// turns lets the steps of one login come one after the other in this process.
type turns struct {
	mu   sync.Mutex
	busy map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one token while nobody is at it
	waiting int
}

// try returns nil when somebody is at the ID, and otherwise what take does.
func (t *turns) try(id string) (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[id] != nil {
		return nil
	}
	if t.busy == nil {
		t.busy = map[string]*turn{}
	}
	of := &turn{free: make(chan struct{}, 1), waiting: 1}
	t.busy[id] = of
	return func() {
		of.free <- struct{}{}
		t.leave(id, of)
	}
}

// leave forgets the turn when nobody waits for it.
func (t *turns) leave(id string, of *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if of.waiting--; of.waiting == 0 {
		delete(t.busy, id)
	}
}

// take waits for the turn at the ID. Who gets no error calls done.
func (t *turns) take(ctx context.Context, id string) (done func(), err error) {
	t.mu.Lock()
	if t.busy == nil {
		t.busy = map[string]*turn{}
	}
	of := t.busy[id]
	if of == nil {
		of = &turn{free: make(chan struct{}, 1)}
		of.free <- struct{}{}
		t.busy[id] = of
	}
	of.waiting++
	t.mu.Unlock()
	select {
	case <-of.free:
		return func() {
			of.free <- struct{}{}
			t.leave(id, of)
		}, nil
	case <-ctx.Done():
		t.leave(id, of)
		return nil, ctx.Err()
	}
}

// counter is a number that is counted anew from time to time, with what has been added since.
type counter struct{ n atomic.Int64 }
