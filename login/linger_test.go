package login_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// renewal returns a login whose first order, for that starter, was renewed 0.3 s ago.
func (h *house) renewal(starter storage.Starter) *storage.Login {
	h.t.Helper()
	l := h.after(28*time.Second+300*time.Millisecond, h.started(starter))
	if h.service.orders() != 2 || l.Order.Ref.Reveal() != "order2" || h.service.wasCancelled(1) {
		h.t.Fatalf("%d orders, current %s, the first cancelled: %v", h.service.orders(), l.Order.Ref.Reveal(), h.service.wasCancelled(1))
	}
	return l
}

// TestCodeFromBeforeTheRenewal_U07: who scans the code as it is being replaced logs in with it.
func TestCodeFromBeforeTheRenewal_U07(t *testing.T) {
	gone := &eid.Fault{Reason: login.ReasonForeignResult, Err: errors.New("another order's")}
	down := &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("down")}
	for _, test := range []struct {
		name string
		// first and then are what collecting the old order brings, two seconds after the renewal and afterwards.
		first, then func() (eid.Progress, error)
		state       storage.LoginState
		reason      string
	}{
		{"held and then completed", brings(pending("userSign"), nil), brings(complete(tolvan()), nil), storage.LoginComplete, ""},
		{"an unknown step", brings(pending("brandNew"), nil), brings(complete(tolvan()), nil), storage.LoginComplete, ""},
		{"completed at once", brings(complete(tolvan()), nil), nil, storage.LoginComplete, ""},
		{"scanned at the last moment", brings(pending("outstandingTransaction"), nil), brings(complete(tolvan()), nil), storage.LoginComplete, ""},
		{"held while the service was away", brings(eid.Progress{}, down), brings(complete(tolvan()), nil), storage.LoginComplete, ""},
		{"cancelled in the app", brings(failed("userCancel"), nil), nil, storage.LoginFailed, "userCancel"},
		{"a result that cannot be used", brings(eid.Progress{}, gone), nil, storage.LoginFailed, login.ReasonForeignResult},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.renewal(other)
				h.service.setFunc(1, test.first)
				l = h.after(2*time.Second, l)
				if test.then != nil {
					h.service.setFunc(1, test.then)
					l = h.after(2*time.Second, l)
				}
				h.wantState(l, test.state, test.reason)
				if !h.service.wasCancelled(2) || h.service.wasCancelled(1) || h.service.orders() != 2 || !strings.Contains(l.Course, " takenBack@3") {
					t.Errorf("of %d orders the old one is cancelled: %v, the new one: %v; course %s",
						h.service.orders(), h.service.wasCancelled(1), h.service.wasCancelled(2), l.Course)
				}
				collects := len(h.service.collected(1)) + len(h.service.collected(2))
				h.after(time.Minute, l)
				if n := len(h.service.collected(1)) + len(h.service.collected(2)); n != collects {
					t.Errorf("collected %d times after the end", n-collects)
				}
			})
		})
	}
}

func brings(progress eid.Progress, err error) func() (eid.Progress, error) {
	return func() (eid.Progress, error) { return progress, err }
}

// TestTakenBackIsTheOrder: it is shown and collected like any that an app has, and never renewed again.
func TestTakenBackIsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.renewal(other)
		h.service.set(1, pending("started"), nil)
		l = h.after(90*time.Second, l)
		if h.wantState(l, storage.LoginPending, ""); l.Order.Ref.Reveal() != "order1" || l.Order.HintCode != "started" || !h.Frame(l).IsZero() || h.service.orders() != 2 {
			t.Errorf("%s is at %q after %d orders, and a code is shown: %v", l.Order.Ref.Reveal(), l.Order.HintCode, h.service.orders(), !h.Frame(l).IsZero())
		}
		if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if !h.wasCancelledSoon(1) {
			t.Error("a cancel leaves the order at the service")
		}
	})
}

// slowTakeBack is a store whose answer to TakeBack takes its time, once what it says is done.
type slowTakeBack struct {
	storage.Store
	time.Duration
}

func (s slowTakeBack) TakeBack(ctx context.Context, id, orderID string, now time.Time) (*storage.Login, error) {
	l, err := s.Store.TakeBack(ctx, id, orderID, now)
	time.Sleep(s.Duration)
	return l, err
}

// TestCollectorOfTheNewOrderEndsFirst: while the store takes the old order back, the collector of the new one finds its order gone and ends.
// That is no reason to collect the old one at once: nobody may ask for an order twice within a second (BankID: collect).
func TestCollectorOfTheNewOrderEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.Store = slowTakeBack{o.Store, 500 * time.Millisecond} })
		defer h.close()
		l := h.renewal(other)
		h.service.set(1, pending("started"), nil)
		h.service.setFunc(2, func() (eid.Progress, error) {
			time.Sleep(300 * time.Millisecond)
			return pending("outstandingTransaction"), nil
		})
		if l = h.after(3*time.Second, l); l.Order.Ref.Reveal() != "order1" || len(h.service.collected(2)) == 0 {
			t.Fatalf("%s is current, and the new order was collected %d times", l.Order.Ref.Reveal(), len(h.service.collected(2)))
		}
		before := len(h.service.collected(1))
		h.after(6*time.Second, l)
		if n := len(h.service.collected(1)) - before; n != 3 {
			t.Errorf("collected %d times in six seconds", n)
		}
	})
}

// TestNobodyHasTheOldCode: the order from before the renewal ends as it would have, a little later.
func TestNobodyHasTheOldCode(t *testing.T) {
	for name, answer := range map[string]func() (eid.Progress, error){
		"lives": brings(pending("outstandingTransaction"), nil), "dead": nil, "expired": brings(failed("expiredTransaction"), nil),
		"unknown to the service": brings(eid.Progress{}, &eid.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.renewal(other)
				h.service.setFunc(1, answer)
				before := len(h.service.collected(1))
				l = h.after(10*time.Second, l)
				looks := map[string]int{"lives": 2}[name] + map[bool]int{true: 1}[name != "lives"]
				if n := len(h.service.collected(1)) - before; n != looks || h.service.wasCancelled(1) != (name == "lives") {
					t.Errorf("looked %d times, want %d, and it is cancelled: %v", n, looks, h.service.wasCancelled(1))
				}
				h.wantState(l, storage.LoginPending, "")
				if l.Order.Ref.Reveal() != "order2" || h.service.wasCancelled(2) || h.Frame(l).IsZero() {
					t.Error("the new order is not what it was")
				}
				h.service.set(2, complete(tolvan()), nil)
				h.wantState(h.after(2*time.Second, l), storage.LoginComplete, "")
			})
		})
	}
}

// TestOldCodeComesTooLate: what a person has asked for, or the app that has the new order, is not undone by the old one.
func TestOldCodeComesTooLate(t *testing.T) {
	for name, test := range map[string]struct {
		then  func(*testing.T, *house, *storage.Login)
		state storage.LoginState
		ref   string
	}{
		"the page cancels": {func(t *testing.T, h *house, l *storage.Login) {
			if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			if !h.wasCancelledSoon(1) || !h.service.wasCancelled(2) {
				t.Error("an order lives on after the cancel")
			}
		}, storage.LoginFailed, ""},
		"the page starts another": {func(t *testing.T, h *house, l *storage.Login) {
			if _, err := h.Start(t.Context(), l.ID, this); err != nil {
				t.Fatal(err)
			}
			if !h.wasCancelledSoon(1) || !h.service.wasCancelled(2) {
				t.Error("an order lives on after the start")
			}
		}, storage.LoginPending, "order3"},
		"another is being started": {func(t *testing.T, h *house, l *storage.Login) {
			h.service.takes(5 * time.Second)
			go h.Start(t.Context(), l.ID, this)
		}, storage.LoginPending, "order3"},
		"an app has the new one": {func(t *testing.T, h *house, l *storage.Login) {
			if _, err := h.store.RecordHint(t.Context(), l.ID, l.Order.ID, storage.PhaseWorking, "userSign", time.Now()); err != nil {
				t.Fatal(err)
			}
			h.service.set(2, pending("userSign"), nil)
		}, storage.LoginPending, "order2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.renewal(other)
				h.service.set(1, pending("userSign"), nil)
				test.then(t, h, l)
				l = h.after(8*time.Second, l)
				if l.State != test.state || l.Order.Ref.Reveal() != test.ref || !h.service.wasCancelled(1) {
					t.Errorf("login is %s with %s, and the old order is cancelled: %v", l.State, l.Order.Ref.Reveal(), h.service.wasCancelled(1))
				}
			})
		})
	}
}

// TestReturnWithTheOldOrder: an app that was opened as its link was being replaced brings the person back before we know that it was. The
// return counts for the order that it came with.
func TestReturnWithTheOldOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.renewal(this)
		_, nonce, _ := strings.Cut(h.service.request(1).ReturnURL.Reveal(), "?n=")
		for range 2 { // a reload
			got, err := h.Return(t.Context(), l.ID, secret.New(nonce), "192.0.2.1")
			if err != nil {
				t.Fatal(err)
			}
			h.wantState(got, storage.LoginPending, "")
		}
		h.service.set(1, complete(tolvan()), nil)
		if l = h.after(2*time.Second, l); !l.Answerable() {
			t.Errorf("login is %s, back at %v", l.State, l.Returned)
		}
	})
}

// TestOldOrderAtTheEndOfTheProcess: the process waits for nothing but the collect under way, and loses nothing of what that brings.
func TestOldOrderAtTheEndOfTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		l := h.renewal(other)
		h.stop()
		if n := len(h.service.collected(1)); n != 14 {
			t.Errorf("collected %d times by the end, want 14", n)
		}
		next := runHouse(t, h.store, h.service, nil)
		next.service.set(2, complete(tolvan()), nil)
		next.wantState(next.after(25*time.Second, l), storage.LoginComplete, "")
		next.close()
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.renewal(other)
		h.service.setFunc(1, func() (eid.Progress, error) {
			time.Sleep(time.Second)
			return complete(tolvan()), nil
		})
		time.Sleep(2 * time.Second)
		h.stop()
		h.wantState(h.after(0, l), storage.LoginComplete, "")
	})
}
