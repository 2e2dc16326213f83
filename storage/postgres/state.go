package postgres

import (
	"sync/atomic"
	"time"
)

// State is what there is to know of a store and its database. Counts are those since the store was opened.
type State struct {
	// Connections are open, Busy of them in use, and at most Max may be. Waited is how often a statement found none free, WaitedFor how long
	// all of them waited.
	Connections, Busy, Max int
	Waited                 int64
	WaitedFor              time.Duration
	// Nodes is how many processes share the database, this one included.
	Nodes int
	// Offset is how far the database's clock is ahead of ours, PulseAge how long ago we told the others that we live.
	Offset, PulseAge time.Duration
	// NewsLag is how long our last news took to come back to us, or how long we have been waiting for them if that is longer. It is zero as
	// long as nobody else is there to be told.
	NewsLag time.Duration
	// Retries is how often a statement was sent again, by the reason.
	Retries map[RetryReason]uint64
	// Overtaken is how often a write was refused, as another process had written the login first: the step was made anew on what that one
	// had left, or was refused by it.
	Overtaken uint64
	// TakenOver is how many orders of silent processes this one has taken over.
	TakenOver uint64
	// SavedLate is how many logins were written for their hint codes alone, as no step came that would have brought those along.
	SavedLate uint64
}

// RetryReason is why a statement is sent again.
type RetryReason string

// The reasons.
const (
	RetryConflict   RetryReason = "conflict"   // two transactions were in each other's way
	RetryConnection RetryReason = "connection" // it was lost, or the server stops or starts
	RetryStandby    RetryReason = "standby"    // the server takes no writes: the roles of the hosts have changed
	RetryFull       RetryReason = "full"       // the server has no connection free
)

// RetryReasons are all reasons.
var RetryReasons = [...]RetryReason{RetryConflict, RetryConnection, RetryStandby, RetryFull}

// counts are those of State.
type counts struct {
	retries                         [len(RetryReasons)]atomic.Uint64
	overtaken, takenOver, savedLate atomic.Uint64
}

// retried counts a statement that is sent again.
func (c *counts) retried(reason RetryReason) {
	for i, of := range RetryReasons {
		if of == reason {
			c.retries[i].Add(1)
		}
	}
}

// State returns what is known without asking the database.
func (s *Store) State() State {
	stat := s.pool.Stat()
	state := State{
		Connections: int(stat.TotalConns()), Busy: int(stat.AcquiredConns()), Max: int(stat.MaxConns()),
		Waited: stat.EmptyAcquireCount(), WaitedFor: stat.EmptyAcquireWaitTime(),
		Nodes: int(s.nodes.Load()), Offset: s.Offset(), PulseAge: time.Duration(sinceBegan() - s.pulsed.Load()), NewsLag: s.news.echo.lag(),
		Overtaken: s.counts.overtaken.Load(), TakenOver: s.counts.takenOver.Load(), SavedLate: s.counts.savedLate.Load(),
		Retries: make(map[RetryReason]uint64, len(RetryReasons)),
	}
	for i, reason := range RetryReasons {
		state.Retries[reason] = s.counts.retries[i].Load()
	}
	return state
}

// echo is the way of our own news back to us: a listener hears what it has told as well.
type echo struct {
	// told is when the news were told that have not come back, since began; zero for none. last is how long those took that have.
	told, last atomic.Int64
}

// tell notes that news are told now, unless others are awaited.
func (e *echo) tell() { e.told.CompareAndSwap(0, max(1, sinceBegan())) }

// hear notes that they have come back.
func (e *echo) hear() {
	if told := e.told.Swap(0); told != 0 {
		e.last.Store(sinceBegan() - told)
	}
}

// forget notes that they will not come back, as nobody listened or they were not sent.
func (e *echo) forget() { e.told.Store(0) }

// waiting returns for how long news have been awaited, zero when none are.
func (e *echo) waiting() time.Duration {
	if told := e.told.Load(); told != 0 {
		return time.Duration(sinceBegan() - told)
	}
	return 0
}

// lag returns how long news take: as the last did, or longer.
func (e *echo) lag() time.Duration { return max(time.Duration(e.last.Load()), e.waiting()) }
