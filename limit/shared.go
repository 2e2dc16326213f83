package limit

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"
)

// maxShares bounds the memory of a Shared, in counts that are fresh and as many older ones; keys beyond share sharedCounts counts.
const (
	maxShares    = 100_000
	sharedCounts = 1 << 10
	// forgotten is after how many periods nothing that counts is left: a fiftieth.
	forgotten = 4
)

// Subscriber returns the network that has a share of its own: what one subscriber may have at most, an IPv4 address or the /48 of an
// IPv6 one (RIPE-690).
func Subscriber(ip string) netip.Prefix { return network(ip, 48) }

// Shared is a budget for each key that strangers spend together. So that nobody spends it for all, a network may have spent at most as
// much of it as is left: of many that want all they can get, each gets the same, and there is always that much left for one that
// comes anew. What was spent is forgotten by and by, two thirds of it in the course of a period. The methods may be called
// concurrently.
type Shared[K comparable] struct {
	budget float64
	period time.Duration
	now    func() time.Time
	seed   maphash.Seed

	mu sync.Mutex
	// spent has what was spent, by the hashes of keys and shares, of those that were touched since turned; older has it of those
	// before.
	spent, older map[uint64]bucket
	turned       time.Time
}

// share is what is counted: a network's part of a key's budget, or the whole, with no network.
type share[K comparable] struct {
	key     K
	whole   bool
	network netip.Prefix
}

// NewShared returns a Shared of that budget for each key and period. Now is the clock.
func NewShared[K comparable](budget int, period time.Duration, now func() time.Time) *Shared[K] {
	return &Shared[K]{budget: float64(budget), period: period, now: now, seed: maphash.MakeSeed(), spent: make(map[uint64]bucket), turned: now()}
}

// Allow spends one of the key's budget for the address, or returns an *Error when its network has had its share.
func (s *Shared[K]) Allow(key K, ip string) error { return s.AllowN(key, ip, 1) }

// AllowN spends n of the key's budget for the address, or nothing and returns an *Error when that is more than its network's share.
func (s *Shared[K]) AllowN(key K, ip string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.turn()
	whole, own := s.hashes(key, ip)
	inAll, byOwn := s.sum(whole, now), s.sum(own, now)
	if err := s.short(inAll, byOwn, n); err != nil {
		return err
	}
	s.spent[whole] = bucket{inAll + float64(n), now.UnixNano()}
	s.spent[own] = bucket{byOwn + float64(n), now.UnixNano()}
	return nil
}

// CheckN returns an *Error when n is more than the share of the address's network. It spends nothing.
func (s *Shared[K]) CheckN(key K, ip string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.turn()
	whole, own := s.hashes(key, ip)
	return s.short(s.sum(whole, now), s.sum(own, now), n)
}

// hashes returns those of the key's whole budget and of the share that the address has in it. The caller holds mu, as for all below.
func (s *Shared[K]) hashes(key K, ip string) (whole, own uint64) {
	return s.hash(share[K]{key: key, whole: true}), s.hash(share[K]{key: key, network: Subscriber(ip)})
}

func (s *Shared[K]) hash(what share[K]) uint64 {
	hash := maphash.Comparable(s.seed, what)
	if _, ok := s.spent[hash]; !ok && len(s.spent) >= maxShares {
		hash %= sharedCounts
	}
	return hash
}

// short returns an *Error when n more would make the share larger than what is left of the whole then.
func (s *Shared[K]) short(inAll, byOwn float64, n int) error {
	const rounding = 1e-6
	if left := s.budget - inAll - float64(n); byOwn+float64(n) <= left+rounding {
		return nil
	}
	return &Error{RetryAfter: max(time.Second, s.period/6).Round(time.Second)}
}

// sum returns what was spent and is not forgotten.
func (s *Shared[K]) sum(hash uint64, now time.Time) float64 {
	b, ok := s.spent[hash]
	if !ok {
		b = s.older[hash]
	}
	passed := max(0, now.UnixNano()-b.at)
	return b.missing * math.Exp(-float64(passed)/float64(s.period))
}

// turn drops what was touched last so long ago that hardly anything of it counts, and returns the time.
func (s *Shared[K]) turn() time.Time {
	now := s.now()
	passed, life := now.Sub(s.turned), forgotten*s.period
	if passed >= 0 && passed < life {
		return now
	}
	if s.older = s.spent; passed >= 2*life {
		s.older = nil
	}
	s.spent, s.turned = make(map[uint64]bucket), now
	return now
}
