package bankid

import (
	"context"
	"sync"
	"time"
)

// slots hands out the connections to BankID, of which there are only so many. Collects repeat themselves and can wait; whatever a
// person or an app waits for goes before them, so that a start takes as long with ten thousand orders pending as with none. Calls of
// one kind are served in the order in which they came.
type slots struct {
	mu   sync.Mutex
	size int
	// busy are the calls under way, urgent those of them that are urgent.
	busy, urgent int
	first, later []chan struct{} // who waits: urgent calls, and collects
	// collectTime is about how long a collect takes that has a connection; 0 before there was one.
	collectTime time.Duration
}

// acquire waits for a connection until the deadline, or returns the context's error.
func (s *slots) acquire(ctx context.Context, deadline time.Time, urgent bool) error {
	s.mu.Lock()
	if s.free(urgent) {
		s.take(urgent)
		s.mu.Unlock()
		return nil
	}
	queue, turn := s.queue(urgent), make(chan struct{})
	*queue = append(*queue, turn)
	s.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, waiting := range *queue {
		if waiting == turn {
			*queue = append((*queue)[:i:i], (*queue)[i+1:]...)
			return ctx.Err()
		}
	}
	s.give(urgent) // its turn came at the same moment
	return ctx.Err()
}

// release gives the connection back, to whoever is next.
func (s *slots) release(urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give(urgent)
}

// give ends a call and begins those that may follow. The caller holds mu, as for all below.
func (s *slots) give(urgent bool) {
	s.busy--
	if urgent {
		s.urgent--
	}
	for _, next := range [...]bool{true, false} {
		for queue := s.queue(next); len(*queue) > 0 && s.free(next); *queue = (*queue)[1:] {
			s.take(next)
			close((*queue)[0])
		}
	}
}

// free reports whether a call of that kind may begin. Urgent calls leave half of the connections to collects that wait: people who
// have approved wait for those.
func (s *slots) free(urgent bool) bool {
	if !urgent {
		return s.busy < s.size && len(s.first) == 0 || s.busy < s.size && s.urgent >= s.share()
	}
	return s.busy < s.size && (len(s.later) == 0 || s.urgent < s.share())
}

// share is how many connections urgent calls may have while collects wait.
func (s *slots) share() int { return (s.size + 1) / 2 }

func (s *slots) take(urgent bool) {
	s.busy++
	if urgent {
		s.urgent++
	}
}

func (s *slots) queue(urgent bool) *[]chan struct{} {
	if urgent {
		return &s.first
	}
	return &s.later
}

// collected notes how long a collect took that had a connection.
func (s *slots) collected(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.collectTime == 0 {
		s.collectTime = max(d, 1)
	}
	s.collectTime = max(1, s.collectTime+(d-s.collectTime)/16)
}

// Capacity returns how many orders can be collected once in each interval, by how long collects have taken lately; four of five
// connections' time, as starts need some too. It is 0 before anything was collected.
func (a *API) Capacity(interval time.Duration) int {
	a.slots.mu.Lock()
	defer a.slots.mu.Unlock()
	if a.slots.collectTime == 0 {
		return 0
	}
	return max(1, int(float64(a.slots.size)*float64(interval)/float64(a.slots.collectTime)*4/5))
}
