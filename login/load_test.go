package login_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// observed counts what an engine tells of, from all its goroutines.
type observed struct {
	mu     sync.Mutex
	counts map[string]int
}

func (o *observed) note(seen login.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts == nil {
		o.counts = make(map[string]int)
	}
	o.counts[seen.Event+" "+seen.Reason]++
}

func (o *observed) of(what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[what]
}

// TestLateWorkRefusesStarts: those who see a page already must not suffer from those who come.
func TestLateWorkRefusesStarts(t *testing.T) {
	for name, test := range map[string]struct {
		frames, late int
		by           time.Duration
		refused      bool
	}{
		"all in time":          {1000, 0, time.Second, false},
		"a tenth late":         {900, 100, time.Second, false},
		"more than a tenth":    {890, 110, 250 * time.Millisecond, true},
		"more, but hardly":     {500, 500, 249 * time.Millisecond, false},
		"too few to tell":      {0, 199, time.Minute, false},
		"few, and all of them": {0, 200, time.Minute, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			seen := new(observed)
			h := newHouse(t, func(o *login.Options) { o.Observe = seen.note })
			defer h.close()
			for range test.frames {
				h.Behind(login.WorkFrame, 5*time.Millisecond)
			}
			for range test.late {
				h.Behind(login.WorkFrame, test.by)
			}
			l := h.begin()
			_, err := h.Start(t.Context(), l.ID, other)
			overload, refused := errors.AsType[*login.OverloadError](err)
			if refused != test.refused || refused && (overload.RetryAfter <= 0 || overload.Cause != login.OverloadLate) || err != nil && !refused {
				t.Errorf("%s: %v", name, err)
			}
			if refused != (h.service.orders() == 0) || refused != (seen.of("overloaded late") == 1) || refused && seen.of("late frame") != test.late {
				t.Errorf("%s: %d orders, %v", name, h.service.orders(), seen.counts)
			}
			time.Sleep(20 * time.Second)
			if _, err := h.Start(t.Context(), l.ID, other); err != nil {
				t.Errorf("%s, twenty seconds later: %v", name, err)
			}
		})
	}
}

// TestCollectsAreWatched: each collect of an order tells whether it was in time.
func TestCollectsAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.started(other)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if all, late := h.Work(); all != 4 || late != 0 {
			t.Errorf("%d pieces of work in nine seconds of an order, %d late", all, late)
		}
	})
}

// capableService can collect so many orders in time.
type capableService struct {
	*service
	most int
}

func (s capableService) Capacity(interval time.Duration) int {
	if interval != login.BankIDCollectEvery {
		return -1
	}
	return s.most
}

// TestNoMoreOrdersThanCanBeCollected holds the number of orders to what the connections to the service carry.
func TestNoMoreOrdersThanCanBeCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(observed)
		h := newHouse(t, func(o *login.Options) {
			o.Observe, o.Methods = seen.note, []eid.Method{capableService{o.Methods[0].(*service), 3}}
		})
		defer h.close()
		var pending []*storage.Login
		for range 3 {
			pending = append(pending, h.started(other))
		}
		l := h.begin()
		overload, refused := errors.AsType[*login.OverloadError](second(h.Start(t.Context(), l.ID, other)))
		if !refused || overload.Cause != login.OverloadCollects || seen.of("overloaded collects") != 1 {
			t.Errorf("a fourth order where three can be collected: %v", overload)
		}
		if _, err := h.Start(t.Context(), pending[0].ID, this); err != nil {
			t.Errorf("another order for who has one: %v", err)
		}
		if _, err := h.Cancel(t.Context(), pending[0].ID, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := h.Start(t.Context(), l.ID, other); err != nil {
			t.Errorf("when one has ended: %v", err)
		}
	})
}

// TestShortMemoryRefusesStarts: nobody gets an order while there is no memory for it, and who has one may have another in its place.
func TestShortMemoryRefusesStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(observed)
		short := false
		h := newHouse(t, func(o *login.Options) { o.Observe, o.MemoryShort = seen.note, func() bool { return short } })
		defer h.close()
		has, l := h.started(other), h.begin()
		short = true
		overload, refused := errors.AsType[*login.OverloadError](second(h.Start(t.Context(), l.ID, other)))
		if !refused || overload.Cause != login.OverloadMemory || seen.of("overloaded memory") != 1 || h.service.orders() != 1 {
			t.Errorf("an order without memory for it: %v, %d orders", overload, h.service.orders())
		}
		if _, err := h.Start(t.Context(), has.ID, this); err != nil {
			t.Errorf("another order for who has one: %v", err)
		}
		short = false
		if _, err := h.Start(t.Context(), l.ID, other); err != nil {
			t.Errorf("when there is memory again: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }
