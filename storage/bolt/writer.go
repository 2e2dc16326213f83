package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// maxBatch is how many steps share one transaction at most. It bounds how long the first of them waits.
const maxBatch = 256

// step is one atomic change, waiting for its turn.
type step struct {
	// run reads, applies a rule and writes. It may be run again after a rollback, so it starts from nothing each time. A refusal
	// (see refused) comes before the first write.
	run func(*tx) error
	// later does the same in memory alone, where it can, of a step that need not be on disk when it returns. Nil for any other.
	later func() (done bool, err error)
	// patient says that a person waits for it, alone or by way of an app that exchanges a code, who does not notice some more milliseconds; a
	// program would.
	patient bool
	claimed atomic.Bool // by the writer, which then owes an answer, or by the caller, who has given up
	err     error
	done    chan struct{}
}

// update makes run part of the next transaction and returns its error once that is on disk. See the package comment for
// what becomes of ctx.
func (s *Store) update(ctx context.Context, run func(*tx) error) error {
	return s.await(ctx, &step{run: run, done: make(chan struct{})})
}

// updatePatiently does the same for a step that may wait somewhat longer for others.
func (s *Store) updatePatiently(ctx context.Context, run func(*tx) error) error {
	return s.await(ctx, &step{run: run, done: make(chan struct{}), patient: true})
}

// await hands the step to the writer and returns its error.
func (s *Store) await(ctx context.Context, st *step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enqueue(ctx, st); err != nil {
		return err
	}
	select {
	case <-st.done:
	case <-ctx.Done():
		if st.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-st.done
	}
	return st.err
}

func (s *Store) enqueue(ctx context.Context, st *step) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.queue <- st:
	case <-ctx.Done():
		return ctx.Err()
	}
	if st.urgent() || len(s.queue) >= maxBatch {
		select {
		case s.hurry <- struct{}{}:
		default: // the writer has been told
		}
	}
	return nil
}

// write is the writer goroutine: the only one that ever changes the file. It ends when the queue is closed and empty.
func (s *Store) write() {
	defer close(s.done)
	batch := make([]*step, 0, maxBatch)
	var pace pace
	for {
		first, open := s.next()
		if first == nil {
			if len(s.unsaved) > 0 {
				s.saving = true
				s.commit(nil)
			}
			if open {
				continue
			}
			return
		}
		batch = append(batch[:0], first)
		if pace.busy(time.Now()) {
			batch = s.gather(batch)
		} else {
			// Those whom the last commit has answered get a chance to come back, so that they share the next one.
			runtime.Gosched()
			batch = s.fill(batch)
		}
		batch = slices.DeleteFunc(batch, (*step).givenUp)
		pace.count(len(batch))
		if rest := s.serveLater(batch); len(rest) > 0 {
			s.commit(rest)
		}
		for _, st := range batch {
			close(st.done)
		}
		clear(batch)
	}
}

// saveEvery is how long what need not be on disk at once stays in memory at most, unless the login's next step brings it along.
const saveEvery = 5 * time.Second

// next waits for a step. It returns nil when there is something to save, and when the queue is closed and empty.
func (s *Store) next() (first *step, open bool) {
	if len(s.unsaved) == 0 || s.broken.Load() {
		first, open = <-s.queue
		return first, open
	}
	due := time.NewTimer(time.Until(s.saveAt))
	defer due.Stop()
	select {
	case first, open = <-s.queue:
		return first, open
	case <-due.C:
		s.saveAt = time.Now().Add(time.Second) // if there is no room, it is tried again
		return nil, true
	}
}

// serveLater does in memory what can be done there, unless a step of the batch has to be on disk anyway, and returns the others.
func (s *Store) serveLater(batch []*step) (rest []*step) {
	for _, st := range batch {
		if st.later == nil {
			return batch
		}
	}
	for _, st := range batch {
		if done, err := st.later(); done {
			st.err = err
		} else {
			rest = append(rest, st)
		}
	}
	return rest
}

// save writes the logins that are newer in memory, when it is time to.
func (s *Store) save(t *tx) error {
	if !s.saving {
		return nil
	}
	for _, login := range s.unsaved {
		if err := s.putLogin(t, pendingRow(login), login); err != nil {
			return err
		}
	}
	return nil
}

// pace tells whether so many steps come that it pays to let some gather: a commit costs about the same for one as for
// thirty, and under load most of a server's work would be commits of one.
type pace struct {
	began         time.Time // of the window that is being counted
	steps, before int       // in this window and in the one before
}

const (
	paceWindow = 100 * time.Millisecond
	// busySteps in a window make it busy: 300 a second.
	busySteps = 30
	// linger is how long a step then waits for company, and patience how long the first of a batch does if all of them are patient. A hundred
	// logins a second make a third as many commits for it.
	linger   = 5 * time.Millisecond
	patience = 6 * linger
)

func (p *pace) busy(now time.Time) bool {
	if passed := now.Sub(p.began); passed >= paceWindow {
		p.before = p.steps
		if passed >= 2*paceWindow {
			p.before = 0
		}
		p.began, p.steps = now, 0
	}
	return p.before >= busySteps
}

func (p *pace) count(steps int) { p.steps += steps }

// gather lets steps gather around the first: for patience, or for linger from the moment on at which one is there that is not patient. It
// sleeps until then: a waking of the process costs more than most steps do.
func (s *Store) gather(batch []*step) []*step {
	began := time.Now()
	select {
	case <-s.hurry: // of a step that is in the queue still, or in a batch of before
	default:
	}
	if batch = s.fill(batch); len(batch) == maxBatch {
		return batch
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	if !slices.ContainsFunc(batch, (*step).urgent) {
		select {
		case <-timer.C:
			return s.fill(batch)
		case <-s.hurry:
			batch = s.fill(batch)
		}
	}
	if len(batch) < maxBatch {
		timer.Reset(min(linger, patience-time.Since(began)))
		<-timer.C
	}
	return s.fill(batch)
}

// fill appends to batch what waits in the queue.
func (s *Store) fill(batch []*step) []*step {
	for len(batch) < maxBatch {
		select {
		case st, open := <-s.queue:
			if !open {
				return batch
			}
			batch = append(batch, st)
		default:
			return batch
		}
	}
	return batch
}

// urgent reports whether the step is not patient.
func (st *step) urgent() bool { return !st.patient }

// givenUp claims the step for the writer, or reports that its caller has given up.
func (st *step) givenUp() bool { return !st.claimed.CompareAndSwap(false, true) }

// commit runs the steps in one transaction, which also saves what is newer in memory when it is time to, and sets their errors. When one of them fails in an unforeseen way, nothing of
// the transaction stays and each step gets a transaction of its own.
func (s *Store) commit(batch []*step) {
	if len(batch) == 0 && len(s.unsaved) == 0 {
		return
	}
	began := time.Now()
	err := s.transact(batch)
	s.observe(time.Since(began))
	if err == nil {
		return
	}
	var fault *faultError
	if len(batch) > 1 && errors.As(err, &fault) {
		s.log.Error("step failed, its transaction is run again step by step", "steps", len(batch), "err", err)
		for i := range batch {
			s.commit(batch[i : i+1])
		}
		return
	}
	for _, st := range batch {
		st.err = err
	}
	if errors.Is(err, storage.ErrUnavailable) {
		s.failures.Add(uint64(len(batch)))
	}
}

// transact runs the batch in one transaction. It returns nil when that was committed: the outcome of each step stands at it.
// After a *faultError it may be tried again; after any other error the disk is to blame.
func (s *Store) transact(batch []*step) (err error) {
	if s.broken.Load() {
		return ErrBroken
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	s.makeRoom(btx.Size())
	t := &tx{btx: btx}
	if err := s.guard(s.save, t); err != nil {
		return errors.Join(err, s.rollback(btx))
	}
	for _, st := range batch {
		before := t.writes
		st.err = s.guard(st.run, t)
		if st.err != nil && (t.writes != before || !refused(st.err)) {
			return &faultError{errors.Join(st.err, s.rollback(btx))}
		}
	}
	if t.writes == 0 {
		return btx.Rollback() // nothing to wait for
	}
	if err := s.commitKept(t); err != nil {
		if noRoom(err) {
			s.full.Store(true)
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		s.broken.Store(true)
		return fmt.Errorf("commit transaction: %w: %w", ErrBroken, err)
	}
	for id := range t.logins {
		delete(s.unsaved, id)
	}
	s.saving = false
	s.pending.Add(t.pendingDelta)
	s.logins.update(t.logins, loginOver)
	s.grants.update(t.grants, grantOver)
	s.tokens.update(t.tokens, tokenOver)
	for _, after := range t.after {
		after()
	}
	return nil
}

// faultError is a step's error that is none of its refusals: a fault of ours, or of the file.
type faultError struct{ error }

func (e *faultError) Unwrap() error { return e.error }

// refused reports whether err is an answer of package storage's rules, which a step gives before it has written anything.
func refused(err error) bool {
	var code *storage.CodeReusedError
	var token *storage.TokenReusedError
	return errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrBusy) ||
		errors.Is(err, storage.ErrMismatch) || errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrTarget) ||
		errors.Is(err, storage.ErrLastOwner) || errors.Is(err, storage.ErrLastWayIn) || errors.Is(err, storage.ErrStepUp) || errors.Is(err, storage.ErrForbidden) ||
		errors.Is(err, storage.ErrRole) || errors.As(err, &code) || errors.As(err, &token)
}

// begin starts a reading transaction on the last committed state.
func (s *Store) begin() (*bbolt.Tx, error) {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	return s.db.Begin(false)
}

// view runs read on the last committed state. It never waits for a writer.
func (s *Store) view(read func(*tx) error) error {
	btx, err := s.begin()
	if err != nil {
		return err
	}
	defer btx.Rollback()
	return s.guard(read, &tx{btx: btx})
}
