package login_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

func TestCollectsWithoutBrowser_U05_U06_RowA24(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.TransactionID = func(loginID, clientID string) string { return "txn of " + loginID + " for " + clientID }
		})
		defer h.close()
		l := h.started(other)
		l = h.after(5*time.Second, l)
		if times := h.service.collected(1); len(times) != 2 || times[1].Sub(times[0]) != 2*time.Second {
			t.Errorf("collected at %v within 5 s, want every 2 s", times)
		}
		h.service.set(1, pending("userSign"), nil)
		if l = h.after(2*time.Second, l); l.Order.HintCode != "userSign" {
			t.Errorf("hint code is %q", l.Order.HintCode)
		}
		h.service.set(1, complete(tolvan()), nil)
		l = h.after(2*time.Second, l)
		h.wantState(l, storage.LoginComplete, "")
		if !l.Identity.PersonalNumber.Equal(secret.New("191212121212")) {
			t.Error("the identity is another person's")
		}
		collects := len(h.service.collected(1))
		h.after(time.Minute, l)
		if n := len(h.service.collected(1)); n != collects {
			t.Errorf("collected %d times after the end", n-collects)
		}
		done := h.events(audit.LoginStarted, audit.LoginCompleted)
		if len(done) != 2 || done[1].Fields["SOURCE_USER_NAME"] != h.audit.Pseudonym(secret.New("191212121212")) ||
			done[1].Fields["CUSTOMER_IDENTIFIER"] != "tag" || done[1].Fields["IDENTIFIER"] != l.ID || done[1].Fields["TXN"] != "txn of "+l.ID+" for app" {
			t.Errorf("audit events are %+v", done)
		}
	})
}

func TestRenewsWithinWindow_U07_RowA7_U19_A05(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l = h.after(27*time.Second, l)
		if frame := h.Frame(l).Reveal(); frame != "qr1.27" {
			t.Errorf("frame is %q after 27 s", frame)
		}
		l = h.after(2*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if h.service.orders() != 2 || l.Order.Ref.Reveal() != "order2" || h.service.wasCancelled(1) {
			t.Fatalf("%d orders, current %v, first cancelled %v", h.service.orders(), l.Order.Ref.Reveal(), h.service.wasCancelled(1))
		}
		if frame := h.Frame(l).Reveal(); frame != "qr2.1" {
			t.Errorf("frame is %q a second after renewal", frame)
		}
		l = h.after(4*time.Minute+40*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonExpired)
		orders := h.service.orders()
		if orders < 10 || orders > 12 || !h.service.wasCancelled(orders) {
			t.Errorf("%d orders in five minutes, last cancelled %v", orders, h.service.wasCancelled(orders))
		}
		h.after(5*time.Minute, l)
		if h.service.orders() != orders {
			t.Error("orders were made after the window")
		}
		if ended := h.events(audit.LoginEnded); len(ended) != 1 || ended[0].Fields["MESSAGE"] != login.ReasonExpired {
			t.Errorf("audit events are %+v", ended)
		}
		if len(h.events(audit.LoginStarted)) != 1 {
			t.Error("a renewal counts as another login")
		}
	})
}

func TestRenewsInTimeWhenAnswersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.setFunc(1, func() (eid.Progress, error) {
			time.Sleep(150 * time.Millisecond)
			return pending("outstandingTransaction"), nil
		})
		l := h.started(other)
		h.after(28*time.Second+500*time.Millisecond, l)
		times := h.service.collected(1)
		for i := 1; i < len(times); i++ {
			if times[i].Sub(times[i-1]) < time.Second {
				t.Errorf("collects %s apart", times[i].Sub(times[i-1]))
			}
		}
		if h.service.orders() != 2 || h.service.wasCancelled(1) {
			t.Errorf("%d orders after 28.5 s, the first cancelled: %v", h.service.orders(), h.service.wasCancelled(1))
		}
		h.after(4*time.Second, l)
		if !h.service.wasCancelled(1) {
			t.Error("an order that nobody has lives on")
		}
	})
}

func TestStartFailedRenewsSilently_U07(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.set(1, failed("startFailed"), nil)
		l = h.after(3*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if l.Order.Ref.Reveal() != "order2" || h.service.wasCancelled(1) {
			t.Errorf("current order is %s, dead one cancelled %v", l.Order.Ref.Reveal(), h.service.wasCancelled(1))
		}
	})
}

func TestNeverRenewsOncePickedUp_U04_RowA7(t *testing.T) {
	for _, hint := range []string{"started", "userSign", "userMrtd", "someNewHint"} {
		t.Run(hint, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.started(other)
				h.service.set(1, pending(hint), nil)
				l = h.after(2*time.Minute, l)
				h.wantState(l, storage.LoginPending, "")
				if h.service.orders() != 1 || h.service.wasCancelled(1) {
					t.Errorf("%d orders, first cancelled %v", h.service.orders(), h.service.wasCancelled(1))
				}
				if !h.Frame(l).IsZero() {
					t.Error("a QR frame is shown for an order that an app has")
				}
				h.service.set(1, failed("expiredTransaction"), nil)
				h.wantState(h.after(3*time.Second, l), storage.LoginFailed, "expiredTransaction")
			})
		})
	}
}

func TestServiceFaults(t *testing.T) {
	gone := &eid.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")}
	down := &eid.Fault{Reason: login.ReasonMaintenance, Passing: true, Err: errors.New("503")}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.set(1, pending("userSign"), nil)
		l = h.after(3*time.Second, l)
		h.service.set(1, eid.Progress{}, down)
		l = h.after(time.Minute, l)
		h.wantState(l, storage.LoginPending, "")
		h.service.set(1, pending("userSign"), nil)
		l = h.after(10*time.Second, l)
		before := len(h.service.collected(1))
		l = h.after(20*time.Second, l)
		if n := len(h.service.collected(1)) - before; n != 10 {
			t.Errorf("collected %d times in 20 s after the service came back, want 10", n)
		}
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")

		l = h.started(other)
		h.service.set(2, eid.Progress{}, errors.New("connection reset"))
		h.wantState(h.after(20*time.Second, l), storage.LoginPending, "")
		h.wantState(h.after(7*time.Minute, l), storage.LoginFailed, login.ReasonUnavailable)

		l = h.started(other)
		h.service.set(h.service.orders(), eid.Progress{}, gone)
		h.wantState(h.after(3*time.Second, l), storage.LoginFailed, login.ReasonLost)
	})
}

func TestRenewalFaultKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l = h.after(20*time.Second, l)
		h.service.mu.Lock()
		h.service.refuse = &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("down")}
		h.service.mu.Unlock()
		l = h.after(15*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		h.service.mu.Lock()
		h.service.refuse = nil
		h.service.mu.Unlock()
		l = h.after(15*time.Second, l)
		h.wantState(l, storage.LoginPending, "")
		if l.Order.Ref.Reveal() != "order2" {
			t.Errorf("current order is %s after the service came back", l.Order.Ref.Reveal())
		}
		h.service.mu.Lock()
		h.service.refuse = &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("down")}
		h.service.mu.Unlock()
		h.wantState(h.after(90*time.Second, l), storage.LoginFailed, login.ReasonUnavailable)
	})
}

func TestGoesOnAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store")
		store := openStore(t, path)
		if err := store.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
			t.Fatal(err)
		}
		h := runHouse(t, store, newService(), nil)
		l := h.started(other)
		l = h.after(3*time.Second, l)
		h.close()

		h = runHouse(t, openStore(t, path), h.service, nil)
		defer h.close()
		synctest.Wait()
		if frame := h.Frame(l).Reveal(); frame != "qr1.3" {
			t.Errorf("frame is %q after the restart, want that of second 3", frame)
		}
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")
	})
}

// brokenStore fails to complete logins a number of times.
type brokenStore struct {
	storage.Store
	mu    sync.Mutex
	times int
}

func (b *brokenStore) CompleteLogin(ctx context.Context, id, order string, r storage.Result, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.times--; b.times >= 0 {
		return nil, errors.New("disk full")
	}
	return b.Store.CompleteLogin(ctx, id, order, r, now, tell...)
}

func TestResultSurvivesStoreFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.Store = &brokenStore{Store: o.Store, times: 3}
			o.EvidenceKept = func(*storage.Client, storage.Kind) time.Duration { return time.Hour }
		})
		defer h.close()
		l := h.started(other)
		result := complete(tolvan())
		result.Record = func(eid.About) ([]byte, error) { return []byte("signature"), nil }
		h.service.set(1, result, nil)
		h.wantState(h.after(20*time.Second, l), storage.LoginComplete, "")
		if kept, err := h.store.FindEvidence(t.Context(), storage.EvidenceQuery{ClientID: "app"}, time.Now(), 10); err != nil || len(kept) != 1 {
			t.Errorf("%d records of evidence were kept, %v", len(kept), err)
		}
		if n := len(h.service.collected(1)); n != 1 {
			t.Errorf("collected %d times, but the result is given once", n)
		}
	})
}

// TestHintsSayNoLess_U11: what an app is known to do stays on the page until something else is known: an unknown hint code replaces
// only the wait for an app, and nothing leads back to that.
func TestHintsSayNoLess_U11(t *testing.T) {
	for _, test := range []struct {
		name        string
		hints, want []string
	}{
		{"an unknown one in between", []string{"userSign", "brandNew", "userSign", "other", "userFace"}, []string{"userSign", "userSign", "userSign", "userSign", "userFace"}},
		{"an unknown one first", []string{"outstandingTransaction", "brandNew", "other", "userSign"}, []string{"outstandingTransaction", "brandNew", "other", "userSign"}},
		{"back to the wait", []string{"started", "outstandingTransaction", "noClient", "", "userSign"}, []string{"started", "started", "started", "started", "userSign"}},
		{"an unknown one that was none", []string{"brandNew", "outstandingTransaction"}, []string{"brandNew", "outstandingTransaction"}},
		{"known steps in any order", []string{"userMrtd", "userSign", "processing", "userMrtd"}, []string{"userMrtd", "userSign", "processing", "userMrtd"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.started(other)
				time.Sleep(time.Second) // half way between two collects
				for i, hint := range test.hints {
					h.service.set(1, pending(hint), nil)
					if l = h.after(2*time.Second, l); l.Order.HintCode != test.want[i] {
						t.Errorf("after %v the order is at %q, want %q", test.hints[:i+1], l.Order.HintCode, test.want[i])
					}
				}
			})
		})
	}
}

// TestPickedUpIsNeverRenewed_U07: also when BankID says that nobody has the order, once an app has had it.
func TestPickedUpIsNeverRenewed_U07(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.set(1, pending("started"), nil)
		l := h.after(3*time.Second, h.started(other))
		h.service.set(1, pending("outstandingTransaction"), nil)
		if h.after(time.Minute, l); h.service.orders() != 1 || !h.Frame(l).IsZero() {
			t.Errorf("%d orders, and the code is shown: %v", h.service.orders(), !h.Frame(l).IsZero())
		}
	})
}
