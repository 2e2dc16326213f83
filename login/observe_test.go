package login_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/login"
	"brygga/storage"
)

// TestObservations: each event tells the device of its order, and a login that ends how long it took since the press, renewals
// included.
func TestObservations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []login.Observation
		h := newHouse(t, func(o *login.Options) {
			o.Observe = func(seen login.Observation) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, seen)
			}
		})
		defer h.close()
		h.service.set(2, complete(tolvan()), nil)
		h.wantState(h.after(40*time.Second, h.started(other)), storage.LoginComplete, "")
		l := h.started(this)
		time.Sleep(3 * time.Second)
		if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		want := []login.Observation{
			{Event: login.OrderStarted, Device: storage.DeviceOther}, {Event: login.OrderRenewed, Device: storage.DeviceOther},
			{Event: login.LoginCompleted, Device: storage.DeviceOther, Took: 30 * time.Second},
			{Event: login.OrderStarted, Device: storage.DeviceThis}, {Event: login.LoginEnded, Device: storage.DeviceThis, Reason: login.ReasonCancelled, Took: 3 * time.Second},
		}
		var seen []login.Observation
		for _, o := range got {
			if o.Event != login.OrderHint {
				seen = append(seen, o)
			}
		}
		if len(seen) != len(want) {
			t.Fatalf("observed %+v\nwant %+v", seen, want)
		}
		for i := range want {
			if took := seen[i].Took.Round(time.Second); seen[i].Event != want[i].Event || seen[i].Device != want[i].Device ||
				seen[i].Reason != want[i].Reason || (took-want[i].Took).Abs() > 2*time.Second {
				t.Errorf("observed %+v, want %+v", seen[i], want[i])
			}
		}
	})
}

// TestLimitsAreObserved: what was refused is told by the limit that it met.
func TestLimitsAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		h := newHouse(t, func(o *login.Options) {
			o.Limits = login.Limits{OrdersPerAddress: 1}
			o.Observe = func(seen login.Observation) {
				if seen.Event == login.LimitReached {
					got = append(got, seen.Reason)
				}
			}
		})
		defer h.close()
		h.started(other)
		l := h.begin()
		if _, err := h.Start(t.Context(), l.ID, other); err == nil {
			t.Fatal("a second order was made")
		}
		if len(got) != 1 || got[0] != "orders" {
			t.Errorf("observed %q", got)
		}
	})
}

// TestEndings: what people do ends a login, all else fails it.
func TestEndings(t *testing.T) {
	for reason, want := range map[string]string{
		"userCancel": login.LoginEnded, "startFailed": login.LoginEnded, login.ReasonCancelled: login.LoginEnded, login.ReasonExpired: login.LoginEnded,
		"certificateErr": login.LoginFailed, login.ReasonUnavailable: login.LoginFailed, "unheardOf": login.LoginFailed,
	} {
		if got := login.EndingOf(login.BankIDTraits().Words, reason); got != want {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
}
