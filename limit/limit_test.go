package limit

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func TestAllow(t *testing.T) {
	c := newClock()
	l := New[string](6, c.now)
	for range 6 {
		if err := l.Allow("a"); err != nil {
			t.Fatal(err)
		}
	}
	var limit *Error
	if err := l.Allow("a"); !errors.As(err, &limit) || limit.RetryAfter != 10*time.Second {
		t.Errorf("a seventh: %v", err)
	}
	if err := l.Allow("b"); err != nil {
		t.Errorf("another key: %v", err)
	}
	c.at = c.at.Add(9 * time.Second)
	if l.Allow("a") == nil {
		t.Error("a token came too early")
	}
	c.at = c.at.Add(time.Second)
	if err := l.Allow("a"); err != nil {
		t.Errorf("after the time that it named: %v", err)
	}
}

func TestRetryAfterIsASecondAtLeast(t *testing.T) {
	l := New[string](6000, newClock().now)
	l.Charge("a", 6000)
	var limit *Error
	if err := l.Allow("a"); !errors.As(err, &limit) || limit.RetryAfter != time.Second {
		t.Errorf("%v", err)
	}
}

func TestCheckTakesNothing(t *testing.T) {
	l := New[string](1, newClock().now)
	for range 5 {
		if err := l.Check("a"); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.buckets) != 0 {
		t.Error("looking makes buckets")
	}
	l.Charge("a", 1)
	if l.Check("a") == nil {
		t.Error("an empty bucket is not seen")
	}
}

func TestChargeTakesWhatIsLeft(t *testing.T) {
	c := newClock()
	l := New[string](10, c.now)
	l.Charge("a", 7)
	l.Charge("a", 7)
	if l.Check("a") == nil {
		t.Error("the bucket should be empty")
	}
	c.at = c.at.Add(6 * time.Second)
	if err := l.Allow("a"); err != nil {
		t.Errorf("the bucket is below empty: %v", err)
	}
	l.Charge("b", 1000)
	if l.Check("b") == nil {
		t.Error("more than the bucket holds should empty it")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	l := New[int](1, c.now)
	for i := range 5 * maxBuckets {
		l.Charge(i, 1)
	}
	if n := len(l.buckets) + len(l.older); n > 2*maxBuckets || n < maxBuckets {
		t.Errorf("%d buckets", n)
	}
	if l.Check(5*maxBuckets-1) == nil || l.Check(4*maxBuckets) == nil || l.Check(0) != nil {
		t.Error("the oldest buckets should go and the others stay")
	}
}

// TestBucketsGoWithTime: what is full again is forgotten, and nothing before.
func TestBucketsGoWithTime(t *testing.T) {
	c := newClock()
	l := New[int](1, c.now)
	c.at = c.at.Add(time.Minute - time.Second)
	for i := range 1000 {
		l.Charge(i, 1)
	}
	c.at = c.at.Add(time.Minute - time.Second)
	if l.Check(7) == nil {
		t.Error("a bucket went before it was full")
	}
	c.at = c.at.Add(2 * time.Second)
	l.Charge(-1, 1)
	c.at = c.at.Add(time.Minute)
	l.Charge(-2, 1)
	if n := len(l.buckets) + len(l.older); n != 2 || l.Check(7) != nil || l.Check(-2) == nil {
		t.Errorf("%d buckets, want the two of the last minute", n)
	}
	c.at = c.at.Add(time.Hour)
	if l.Check(-2) != nil || len(l.buckets)+len(l.older) != 0 {
		t.Error("after an hour something is left")
	}
}

// TestKeysAreNotKept: the key may be anything that a stranger sends.
func TestKeysAreNotKept(t *testing.T) {
	live := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	l := New[string](1, newClock().now)
	before := live()
	for i := range 1000 {
		l.Charge(strconv.Itoa(i)+strings.Repeat("x", 10_000), 1)
	}
	if grown := live() - before; grown > 1<<20 {
		t.Errorf("1000 keys of 10 kB keep %d bytes", grown)
	}
	runtime.KeepAlive(l)
}

func TestSeveralAtOnce(t *testing.T) {
	c := newClock()
	l := New[string](60, c.now)
	var limit *Error
	if l.AllowN("a", 50) != nil || l.CheckN("a", 10) != nil || l.CheckN("a", 11) == nil {
		t.Error("50 of 60 should leave 10")
	}
	if err := l.AllowN("a", 30); !errors.As(err, &limit) || limit.RetryAfter != 20*time.Second {
		t.Errorf("20 more than there are: %v", err)
	}
	if l.AllowN("a", 10) != nil {
		t.Error("what was refused was taken")
	}
	c.at = c.at.Add(-time.Hour)
	if l.Allow("a") == nil {
		t.Error("a clock that goes back fills the bucket")
	}
	if err := l.AllowN("b", 61); !errors.As(err, &limit) || limit.RetryAfter > time.Minute {
		t.Errorf("more than a bucket holds: %v", err)
	}
}

func TestConcurrentCallsShareABucket(t *testing.T) {
	l := New[string](50, newClock().now)
	var passed atomic.Int32
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 20 {
				if l.Allow("a") == nil {
					passed.Add(1)
				}
			}
		})
	}
	work.Wait()
	if passed.Load() != 50 {
		t.Errorf("%d passed", passed.Load())
	}
}
