// Package limit bounds how much strangers may ask for: a bucket of tokens per address, client or whatever else is counted.
//
// It owns the buckets and their memory. It must not know what is counted or who is told.
package limit

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Error says that too much was asked for and when to try again.
type Error struct{ RetryAfter time.Duration }

// Error names the time to wait.
func (e *Error) Error() string {
	return fmt.Sprintf("limit: too many; try again in %s", e.RetryAfter)
}

const (
	// maxBuckets bounds the memory of a Limiter; when it is full, the buckets of those that are quiet are dropped.
	maxBuckets = 100_000
	bucketIdle = 2 * time.Minute
)

// Limiter keeps a bucket of tokens for each key. A bucket holds one minute's worth and fills evenly. The methods may be called
// concurrently.
type Limiter[K comparable] struct {
	perMinute int
	now       func() time.Time

	mu      sync.Mutex
	buckets map[K]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

// New returns a Limiter that lets perMinute tokens pass for each key. Now is the clock.
func New[K comparable](perMinute int, now func() time.Time) *Limiter[K] {
	return &Limiter[K]{perMinute: perMinute, now: now, buckets: make(map[K]*bucket)}
}

// Allow takes one token from the key's bucket, or returns an *Error when it is empty.
func (l *Limiter[K]) Allow(key K) error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket(key, now).AllowN(now, 1) {
		return nil
	}
	return l.tooMany()
}

// Check returns an *Error when the key's bucket is empty. It takes nothing: what the request costs is charged when that is known.
func (l *Limiter[K]) Check(key K) error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[key]; b != nil && b.TokensAt(now) < 1 {
		return l.tooMany()
	}
	return nil
}

// Charge takes n tokens from the key's bucket, or what is left of them.
func (l *Limiter[K]) Charge(key K, n int) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.bucket(key, now); !b.AllowN(now, n) {
		b.AllowN(now, int(b.TokensAt(now)))
	}
}

// bucket returns the key's bucket. The caller holds mu.
func (l *Limiter[K]) bucket(key K, now time.Time) *bucket {
	b := l.buckets[key]
	if b == nil {
		l.makeRoom(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)}
		l.buckets[key] = b
	}
	b.used = now
	return b
}

func (l *Limiter[K]) tooMany() error {
	return &Error{RetryAfter: max(time.Second, time.Duration(float64(time.Minute)/float64(l.perMinute))).Round(time.Second)}
}

// makeRoom drops idle buckets, which are full again, and when none is idle all of them: letting a flood through for a
// moment is better than shutting everybody out.
func (l *Limiter[K]) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for key, b := range l.buckets {
		if now.Sub(b.used) > bucketIdle {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// Network returns what addresses are counted by: an IPv4 address, or the /64 of an IPv6 one, which one household has. A text
// that is no address gets the zero Prefix.
func Network(ip string) netip.Prefix {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 32
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
