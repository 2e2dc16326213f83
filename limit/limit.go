// Package limit bounds how much strangers may ask for: a bucket of tokens per address, client or whatever else is counted.
//
// It owns the buckets and their memory. It must not know what is counted or who is told.
package limit

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// Error says that too much was asked for and when to try again.
type Error struct{ RetryAfter time.Duration }

// Error names the time to wait.
func (e *Error) Error() string {
	return fmt.Sprintf("limit: too many; try again in %s", e.RetryAfter)
}

// maxBuckets bounds the memory of a Limiter: it holds twice as many buckets at most, some 8 MB.
const maxBuckets = 100_000

// Limiter keeps a bucket of tokens for each key. A bucket holds one period's worth and fills evenly. The methods may be called
// concurrently. Keys are known by a hash of fixed size, so that none stays in memory; two that share one share a bucket.
type Limiter[K comparable] struct {
	size float64
	// period is how long an empty bucket takes to fill: then it is as if it had never been there.
	period time.Duration
	now    func() time.Time
	seed   maphash.Seed

	mu sync.Mutex
	// buckets are those that were touched since turned, older those of the period before. All else is full again.
	buckets, older map[uint64]bucket
	turned         time.Time
}

// bucket is how many tokens were missing, and when, in nanoseconds since 1970. It has no pointer, so the garbage collector need
// not look through the buckets.
type bucket struct {
	missing float64
	at      int64
}

// New returns a Limiter that lets perMinute tokens pass for each key. Now is the clock.
func New[K comparable](perMinute int, now func() time.Time) *Limiter[K] {
	return NewOver[K](perMinute, time.Minute, now)
}

// NewOver returns a Limiter that lets size tokens pass for each key in a period.
func NewOver[K comparable](size int, period time.Duration, now func() time.Time) *Limiter[K] {
	return &Limiter[K]{size: float64(size), period: period, now: now, seed: maphash.MakeSeed(), buckets: make(map[uint64]bucket), turned: now()}
}

// Allow takes one token from the key's bucket, or returns an *Error when it is empty.
func (l *Limiter[K]) Allow(key K) error { return l.AllowN(key, 1) }

// AllowN takes n tokens from the key's bucket, or none and returns an *Error when it has fewer. More than a bucket can hold are
// never there.
func (l *Limiter[K]) AllowN(key K, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	hash, missing, now := l.look(key)
	if err := l.short(missing, n); err != nil {
		return err
	}
	l.buckets[hash] = bucket{missing + float64(n), now.UnixNano()}
	return nil
}

// Check returns an *Error when the key's bucket is empty. It takes nothing: what the request costs is charged when that is known.
func (l *Limiter[K]) Check(key K) error { return l.CheckN(key, 1) }

// CheckN returns an *Error when the key's bucket has fewer than n tokens. It takes nothing.
func (l *Limiter[K]) CheckN(key K, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, missing, _ := l.look(key)
	return l.short(missing, n)
}

// Charge takes n tokens from the key's bucket, or what is left of them, and returns how many it took, rounded up.
func (l *Limiter[K]) Charge(key K, n int) (taken int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hash, missing, now := l.look(key)
	after := min(missing+float64(n), l.size)
	l.buckets[hash] = bucket{after, now.UnixNano()}
	return int(math.Ceil(after - missing))
}

// look returns the hash of the key, how many tokens are missing from its bucket, and the time. The caller holds mu.
func (l *Limiter[K]) look(key K) (hash uint64, missing float64, now time.Time) {
	now = l.now()
	l.turn(now)
	hash = maphash.Comparable(l.seed, key)
	b, ok := l.buckets[hash]
	if !ok {
		b = l.older[hash]
	}
	passed := time.Duration(max(0, now.UnixNano()-b.at))
	return hash, max(0, b.missing-float64(passed)/float64(l.period)*l.size), now
}

// short returns an *Error with the time until n tokens are there, nil when they are.
func (l *Limiter[K]) short(missing float64, n int) error {
	const rounding = 1e-6
	over := missing + float64(n) - l.size
	if over <= rounding {
		return nil
	}
	wait := min(over/l.size, 1) * l.period.Seconds()
	return &Error{RetryAfter: max(time.Second, time.Duration(math.Ceil(wait-rounding))*time.Second)}
}

// turn forgets the buckets that were touched last a period ago or earlier: they are full again. Nothing is ever looked through.
// When more keys come in a period than there is room for, buckets go that are not full yet: letting a flood through for a moment
// is better than shutting everybody out.
func (l *Limiter[K]) turn(now time.Time) {
	passed := now.Sub(l.turned)
	if passed < l.period && passed >= 0 && len(l.buckets) < maxBuckets {
		return
	}
	if l.older = l.buckets; passed >= 2*l.period {
		l.older = nil
	}
	l.buckets, l.turned = make(map[uint64]bucket), now
}
