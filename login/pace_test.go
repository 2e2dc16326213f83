package login_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// TestCollectsBackOff: the longer the service is out of reach, the seldomer it is asked, down to once in ten seconds; when it
// answers again, once in two.
func TestCollectsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.set(1, pending("userSign"), nil)
		l := h.after(2500*time.Millisecond, h.started(other))
		h.service.set(1, eid.Progress{}, &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("no route")})
		l = h.after(40*time.Second, l)
		h.service.set(1, pending("userSign"), nil)
		h.after(12*time.Second, l)
		want := []time.Duration{2, 4, 8, 10, 10, 10, 2, 2, 2, 2, 2, 2, 2}
		times := h.service.collected(1)
		if len(times) > len(want) {
			t.Fatalf("%d collects", len(times))
		}
		for i := 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]) / time.Second; gap != want[i-1] {
				t.Errorf("collect %d comes %d s after the one before, want %d", i+1, gap, want[i-1])
			}
		}
		if len(times) < 8 {
			t.Errorf("%d collects, too few to tell", len(times))
		}
	})
}

// TestCollectsKeepTheirDistance: a collect that is to find the order due for renewal does not come within a second of the end of the
// one before, however long that took.
func TestCollectsKeepTheirDistance(t *testing.T) {
	const takes = 260 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.setFunc(1, func() (eid.Progress, error) {
			time.Sleep(takes)
			return pending("outstandingTransaction"), nil
		})
		h.after(30*time.Second, h.started(other))
		if h.service.orders() != 2 {
			t.Errorf("%d orders, want one and its renewal", h.service.orders())
		}
		times := h.service.collected(1)
		for i := 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap < time.Second+takes {
				t.Errorf("collect %d comes %s after the one before began", i+1, gap)
			}
		}
	})
}

// TestNothingIsCollectedAfterTheEnd: an order that comes in while the process ends is stored, and left to the next one.
func TestNothingIsCollectedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		h.service.hold = make(chan time.Time)
		l := h.begin()
		made := make(chan error)
		go func() {
			_, err := h.Start(t.Context(), l.ID, other)
			made <- err
		}()
		synctest.Wait()
		h.stop()
		close(h.service.hold)
		if err := <-made; err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if n := len(h.service.collected(1)); n != 0 {
			t.Errorf("collected %d times by a process that has ended", n)
			h.service.set(1, failed("userCancel"), nil) // so that it comes to an end
			time.Sleep(5 * time.Second)
		}
		next := runHouse(t, h.store, h.service, nil)
		defer next.close()
		next.after(25*time.Second, l) // until the first one counts as gone
		if n := len(h.service.collected(1)); n == 0 {
			t.Error("nobody collects the order")
		}
	})
}

// TestCollectsKeepTheirPace: how long the service takes to answer does not make collects rarer, as long as there is time between them.
func TestCollectsKeepTheirPace(t *testing.T) {
	for takes, want := range map[time.Duration]time.Duration{
		0: 2 * time.Second, 300 * time.Millisecond: 2 * time.Second, time.Second: 2 * time.Second, 1500 * time.Millisecond: 2500 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, nil)
			defer h.close()
			h.service.setFunc(1, func() (eid.Progress, error) {
				time.Sleep(takes)
				return pending("userSign"), nil
			})
			h.after(30*time.Second, h.started(other))
			times := h.service.collected(1)
			if len(times) < 10 {
				t.Errorf("%d collects", len(times))
			}
			for i := 1; i < len(times); i++ {
				if gap := times[i].Sub(times[i-1]); gap != want {
					t.Errorf("where an answer takes %s, collect %d comes %s after the one before, want %s", takes, i+1, gap, want)
				}
			}
		})
	}
}

// TestCollectsAreSpreadAfterAStart: a process that takes over what another has left does not ask for all of it at the same moment.
func TestCollectsAreSpreadAfterAStart(t *testing.T) {
	const orders = 40
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		var l *storage.Login
		for range orders {
			l = h.started(other)
		}
		h.stop()
		next := runHouse(t, h.store, h.service, nil)
		defer next.close()
		began := time.Now()
		next.after(10*time.Second, l)
		firsts, quarters := 0, make(map[time.Duration]int)
		for i := range orders {
			times := h.service.collected(i + 1)
			if len(times) == 0 {
				continue
			}
			firsts++
			quarters[times[0].Sub(began)/(500*time.Millisecond)]++
		}
		if firsts != orders || len(quarters) < 3 {
			t.Errorf("%d of %d orders are collected, in half seconds %v", firsts, orders, quarters)
		}
	})
}
