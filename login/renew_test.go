package login

import (
	"testing"
	"time"

	"brygga/storage"
)

// TestLateWorkRenewsSooner: a process that gets to its work late renews before the order is dead, and no sooner than it must.
func TestLateWorkRenewsSooner(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ late, age, pause time.Duration }{
		{0, 25800 * time.Millisecond, 2200 * time.Millisecond},
		{500 * time.Millisecond, 25800 * time.Millisecond, 1700 * time.Millisecond},
		{time.Minute, 23800 * time.Millisecond, 2200 * time.Millisecond},
		{time.Minute, 10 * time.Second, 2 * time.Second},
	} {
		e := &Engine{Options: Options{Now: func() time.Time { return now }}}
		l := &storage.Login{Request: new(storage.AuthRequest), Order: &storage.Order{Started: now.Add(-test.age), HintCode: "outstandingTransaction"}}
		c := &collector{Engine: e, method: &method{Traits: BankIDTraits()}, login: l, late: test.late}
		if got := c.pause(l, 0); got != test.pause {
			t.Errorf("late by %s, an order of %s is looked at again after %s, want %s", test.late, test.age, got, test.pause)
		}
		if age := c.renewAge(); age < BankIDRenewAfter-BankIDCollectEvery || test.late == 0 && age != BankIDRenewAfter {
			t.Errorf("late by %s, orders are renewed at the age of %s", test.late, age)
		}
	}
}
