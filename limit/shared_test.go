package limit

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func ipv4(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255) }

// TestNobodySpendsABudgetForAll: greedy networks, however many, leave as much as each of them has had.
func TestNobodySpendsABudgetForAll(t *testing.T) {
	for _, greedy := range []int{1, 10, 1000} {
		c := newClock()
		s := NewShared[string](60_000, time.Minute, c.now)
		spent := 0
		for second := range 90 {
			for range 2000 / greedy {
				for i := range greedy {
					if s.Allow("app", ipv4(i)) == nil {
						spent++
					}
				}
			}
			for i := range 5 {
				if err := s.Allow("app", fmt.Sprintf("192.0.2.%d", (5*second+i)%250)); err != nil {
					t.Fatalf("%d greedy networks, second %d: an honest visitor is refused", greedy, second)
				}
			}
			c.at = c.at.Add(time.Second)
		}
		if most := 3 * 60_000; spent > most || spent < most/5 {
			t.Errorf("%d greedy networks got %d in 90 seconds, of 60 000 a minute", greedy, spent)
		}
	}
}

func TestOneSubscriberHasOneShare(t *testing.T) {
	s := NewShared[string](60, time.Minute, newClock().now)
	for i := range 1000 {
		s.Allow("app", fmt.Sprintf("2001:db8:0:%x::1", i))
	}
	for i := range 15 {
		if err := s.Allow("app", fmt.Sprintf("2001:db8:1:%x::1", i)); err != nil {
			t.Errorf("visitor %d of another /48: %v", i, err)
		}
	}
	if s.Allow("app", "2001:db8:0:ffff::1") == nil {
		t.Error("the first /48 has had its share")
	}
	if err := s.Allow("other", "2001:db8::1"); err != nil {
		t.Errorf("another app: %v", err)
	}
}

func TestBudgetIsNeverExceeded(t *testing.T) {
	s := NewShared[string](100, time.Minute, newClock().now)
	passed := 0
	for i := range 10_000 {
		if s.Allow("app", ipv4(i)) == nil {
			passed++
		}
	}
	var limit *Error
	if err := s.Allow("app", "192.0.2.1"); passed != 99 || !errors.As(err, &limit) || limit.RetryAfter != 10*time.Second {
		t.Errorf("%d passed, then %v", passed, err)
	}
}

func TestSpentIsForgotten(t *testing.T) {
	c := newClock()
	s := NewShared[string](100, time.Minute, c.now)
	if s.CheckN("app", "a", 51) == nil || s.AllowN("app", "192.0.2.1", 50) != nil || s.Allow("app", "192.0.2.1") == nil {
		t.Error("one network alone may have half")
	}
	c.at = c.at.Add(41589 * time.Millisecond) // a minute × ln 2
	if s.CheckN("app", "192.0.2.1", 25) != nil || s.CheckN("app", "192.0.2.1", 26) == nil {
		t.Error("half should be forgotten")
	}
	c.at = c.at.Add(-time.Hour)
	if s.CheckN("app", "192.0.2.1", 26) == nil {
		t.Error("a clock that goes back forgets what was spent")
	}
	c.at = c.at.Add(2 * time.Hour)
	if s.CheckN("app", "192.0.2.1", 50) != nil {
		t.Error("after an hour all should be forgotten")
	}
}

func TestSharesAreBounded(t *testing.T) {
	c := newClock()
	s := NewShared[int](1, time.Minute, c.now)
	for i := range 3 * maxShares {
		s.Allow(i, "192.0.2.1")
	}
	if n := len(s.spent); n > maxShares+sharedCounts {
		t.Errorf("%d counts", n)
	}
	c.at = c.at.Add(forgotten * time.Minute)
	s.Allow(-1, "192.0.2.1")
	c.at = c.at.Add(forgotten * time.Minute)
	if s.Allow(-1, "192.0.2.1"); len(s.spent)+len(s.older) > 4 {
		t.Errorf("%d counts after eight minutes", len(s.spent)+len(s.older))
	}
}
