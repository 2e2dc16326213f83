package limit

import (
	"errors"
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
	for i := range maxBuckets {
		l.Charge(i, 1)
	}
	c.at = c.at.Add(bucketIdle)
	l.Charge(7, 1)
	c.at = c.at.Add(time.Second)
	l.Charge(-1, 1)
	if len(l.buckets) != 2 || l.Check(7) == nil {
		t.Errorf("%d buckets: the idle ones should go and the others stay", len(l.buckets))
	}
	for i := range maxBuckets {
		l.Charge(i, 1)
	}
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
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

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "invalid Prefix", "nonsense": "invalid Prefix", "192.0.2.1:80": "invalid Prefix",
	} {
		if got := Network(ip).String(); got != want {
			t.Errorf("%q: %s, want %s", ip, got, want)
		}
	}
	if Network("2001:db8::1") != Network("2001:db8::2") || Network("2001:db8::1") == Network("2001:db8:0:1::1") {
		t.Error("a network is a /64")
	}
}
