package login

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound how fast logins and orders may be begun. An order costs money, so each of them is checked before one is
// made. Zero fields mean the default.
type Limits struct {
	// LoginsPerAddress and OrdersPerAddress are per minute and network address (IPv4 address, IPv6 /64). They must leave room
	// for a whole office behind one address. Defaults 600 and 300.
	LoginsPerAddress, OrdersPerAddress int
	// OrdersPerClient is per minute and client. Default 6000.
	OrdersPerClient int
	// PendingOrders is how many orders may be pending at once, in all. Default 50000.
	PendingOrders int
}

// LimitError says that too much was begun and when to try again.
type LimitError struct{ RetryAfter time.Duration }

// Error names the time to wait.
func (e *LimitError) Error() string {
	return fmt.Sprintf("login: too many; try again in %s", e.RetryAfter)
}

const (
	// maxBuckets bounds the memory of a limiter; when it is full, the buckets of quiet addresses are dropped.
	maxBuckets = 100_000
	bucketIdle = 2 * time.Minute
)

// limiter keeps one token bucket per address and client. A bucket holds one minute's worth.
type limiter struct {
	Limits
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	setDefault(&l.LoginsPerAddress, 600)
	setDefault(&l.OrdersPerAddress, 300)
	setDefault(&l.OrdersPerClient, 6000)
	setDefault(&l.PendingOrders, 50_000)
	return &limiter{Limits: l, now: now, buckets: make(map[string]*bucket)}
}

func (l *limiter) allowLogin(ip string) error {
	return l.take("login "+network(ip), l.LoginsPerAddress)
}

func (l *limiter) allowOrder(ip, clientID string, pending int) error {
	if pending >= l.PendingOrders {
		return &LimitError{RetryAfter: 10 * time.Second}
	}
	if err := l.take("order "+network(ip), l.OrdersPerAddress); err != nil {
		return err
	}
	return l.take("client "+clientID, l.OrdersPerClient)
}

// take takes one token from the bucket of that name, or returns a *LimitError.
func (l *limiter) take(name string, perMinute int) error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[name]
	if b == nil {
		l.makeRoom(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)}
		l.buckets[name] = b
	}
	b.used = now
	if b.AllowN(now, 1) {
		return nil
	}
	return &LimitError{RetryAfter: max(time.Second, time.Duration(float64(time.Minute)/float64(perMinute))).Round(time.Second)}
}

// makeRoom drops idle buckets, which are full again, and when none is idle all of them: letting a flood through for a
// moment is better than shutting everybody out.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for name, b := range l.buckets {
		if now.Sub(b.used) > bucketIdle {
			delete(l.buckets, name)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// network returns what addresses are counted by: an IPv4 address, or the /64 of an IPv6 one.
func network(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	address = address.Unmap()
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.WithZone("").Prefix(64)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}
