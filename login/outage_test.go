package login_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/login"
	"brygga/storage"
)

// outage is a store that several processes share and that is out of reach for all of them at the same time.
type outage struct {
	storage.Store
	out *atomic.Bool
}

func (o outage) reach() error {
	if o.out.Load() {
		return fmt.Errorf("fail-over: %w", storage.ErrUnavailable)
	}
	return nil
}

func (o outage) Heartbeat(ctx context.Context, collector string, now time.Time) error {
	if err := o.reach(); err != nil {
		return err
	}
	return o.Store.Heartbeat(ctx, collector, now)
}

func (o outage) AdoptOrders(ctx context.Context, collector string, deadline, now time.Time, limit int) ([]*storage.Login, error) {
	if err := o.reach(); err != nil {
		return nil, err
	}
	return o.Store.AdoptOrders(ctx, collector, deadline, now, limit)
}

func (o outage) CompleteLogin(ctx context.Context, id, order string, r storage.Result, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	if err := o.reach(); err != nil {
		return nil, err
	}
	return o.Store.CompleteLogin(ctx, id, order, r, now, tell...)
}

// A result that came in while the database was failing over is stored when it is back, however long that took: the service gives it once.
func TestResultsOutliveAnOutage(t *testing.T) {
	for _, lasted := range []time.Duration{20 * time.Second, 2 * time.Minute} {
		t.Run(lasted.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := new(atomic.Bool)
				h := newHouse(t, func(o *login.Options) { o.Store = outage{o.Store, out} })
				defer h.close()
				l := h.started(other)
				out.Store(true)
				h.service.set(1, complete(tolvan()), nil)
				time.Sleep(lasted)
				out.Store(false)
				h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")
				if n := len(h.service.collected(1)); n != 1 {
					t.Errorf("collected %d times, but the result is given once", n)
				}
			})
		})
	}
}

// When a database comes back, every process has been silent. None takes that for the others' death: they go on, and BankID would be asked twice
// as often as it allows.
func TestNobodyIsDeadAfterAnOutage(t *testing.T) {
	for name, rest := range map[string]time.Duration{"the holder sees it first": 250 * time.Millisecond, "the other sees it first": 750 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := new(atomic.Bool)
				h := newHouse(t, func(o *login.Options) { o.Store, o.Collector = outage{o.Store, out}, "holder" })
				defer h.close()
				time.Sleep(500 * time.Millisecond) // so that the two look in turns
				second := runHouse(t, h.store, h.service, func(o *login.Options) { o.Store, o.Collector = outage{o.Store, out}, "other" })
				defer second.stop()

				l := h.started(other)
				h.service.set(1, pending("userSign"), nil)
				time.Sleep(time.Second)
				out.Store(true)
				time.Sleep(20*time.Second + rest)
				out.Store(false)
				if l = h.after(10*time.Second, l); l.Order.Collector != "holder" {
					t.Errorf("the order was taken over by %s", l.Order.Collector)
				}
			})
		})
	}
}

// Who has died while the store was out of reach is missed a little later.
func TestTheDeadAreMissedAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(atomic.Bool)
		shared := func(o *login.Options) { o.Store = outage{o.Store, out} }
		store := openStore(t, filepath.Join(t.TempDir(), "store"))
		if err := store.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
			t.Fatal(err)
		}
		h := runHouse(t, store, newService(), shared)
		defer h.close()
		first := runHouse(t, store, h.service, shared)
		l := first.started(other)
		time.Sleep(time.Second)
		out.Store(true)
		first.stop()
		time.Sleep(20 * time.Second)
		out.Store(false)
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(10*time.Second, l), storage.LoginComplete, "")
	})
}

// A process that is told to stop does not wait for the store for ever, whatever it holds.
func TestStoppingDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(atomic.Bool)
		h := newHouse(t, func(o *login.Options) { o.Store = outage{o.Store, out} })
		h.started(other)
		out.Store(true)
		h.service.set(1, complete(tolvan()), nil)
		time.Sleep(time.Minute)
		told := time.Now()
		h.close()
		if took := time.Since(told); took > 20*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}
