package login_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/login"
	"brygga/storage"
)

// TestUnseenIsNotRenewed: a click and then nothing costs one order. Its death is waited for and then nothing is asked any more, until
// the window closes.
func TestUnseenIsNotRenewed(t *testing.T) {
	for _, device := range []storage.Starter{other, this} {
		t.Run(device.Device, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.begin()
				h.look(l, false)
				l, err := h.Start(t.Context(), l.ID, device)
				if err != nil {
					t.Fatal(err)
				}
				l = h.after(40*time.Second, l)
				h.wantState(l, storage.LoginPending, "")
				asked := len(h.service.collected(1))
				l = h.after(4*time.Minute, l)
				h.wantState(l, storage.LoginPending, "")
				if n := h.service.orders(); n != 1 || !h.Frame(l).IsZero() {
					t.Errorf("%d orders, and a code is shown: %v", n, !h.Frame(l).IsZero())
				}
				if n := len(h.service.collected(1)); n != asked {
					t.Errorf("the dead order is collected %d times more", n-asked)
				}
				h.wantState(h.after(time.Minute, l), storage.LoginFailed, login.ReasonExpired)
			})
		})
	}
}

// TestOneLookLastsHalfAMinute: the page that the click led to is not looked at for ever.
func TestOneLookLastsHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.Seen(t.Context(), l)
		h.look(l, false)
		if h.after(4*time.Minute, l); h.service.orders() != 2 {
			t.Errorf("%d orders, want one and the renewal within half a minute", h.service.orders())
		}
	})
}

// TestWhoComesBackGetsAFreshOrder: at once, and only one; from then on it is renewed as before.
func TestWhoComesBackGetsAFreshOrder(t *testing.T) {
	for name, away := range map[string]time.Duration{"before the order is dead": 29500 * time.Millisecond, "long after": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.begin()
				h.look(l, false)
				l, err := h.Start(t.Context(), l.ID, other)
				if err != nil {
					t.Fatal(err)
				}
				l = h.after(away, l)
				h.look(l, true)
				l = h.after(4*time.Second, l)
				if h.service.orders() != 2 || h.Frame(l).IsZero() {
					t.Fatalf("%d orders, and a code is shown: %v", h.service.orders(), !h.Frame(l).IsZero())
				}
				if h.after(29*time.Second, l); h.service.orders() != 3 {
					t.Errorf("%d orders after another half minute of looking", h.service.orders())
				}
			})
		})
	}
}

// TestUnseenOrderInAnAppGoesOn: a phone whose browser sleeps while the app is in front loses nothing.
func TestUnseenOrderInAnAppGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.set(1, pending("userSign"), nil)
		l := h.started(this)
		h.look(l, false)
		l = h.after(2*time.Minute, l)
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")
	})
}

// counted is a store that counts how often it is told of a look.
type counted struct {
	storage.Store
	told int
}

func (c *counted) RecordSeen(ctx context.Context, id string, now time.Time) (*storage.Login, error) {
	c.told++
	return c.Store.RecordSeen(ctx, id, now)
}

// TestSeenByAnotherProcess: the page may be open at another process than the one that collects. That tells the store, now and then.
func TestSeenByAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		store := &counted{Store: h.store}
		second := runHouse(t, store, h.service, nil)
		defer second.stop()
		l := h.started(other)
		h.look(l, false)
		second.look(l, true)
		h.after(4*time.Minute, l)
		if n := h.service.orders(); n != 9 {
			t.Errorf("%d orders in four minutes of looking, want 9", n)
		}
		if store.told > 25 {
			t.Errorf("the store was told %d times in 240 s", store.told)
		}
		second.look(l, false)
		if before := h.service.orders(); h.after(50*time.Second, l) != nil && h.service.orders() > before+1 {
			t.Error("it is renewed although nobody looks any more")
		}
	})
}

// TestDisabledClientCostsNothing: an order of a client that has been disabled is not begun, not renewed and not completed.
func TestDisabledClientCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		waits, approved, open := h.started(other), h.started(other), h.begin()
		client, err := h.store.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		client.Disabled = true
		if err := h.store.UpdateClient(t.Context(), *client); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Start(t.Context(), open.ID, other); !errors.Is(err, login.ErrDisabled) {
			t.Errorf("a start brings %v, want %v", err, login.ErrDisabled)
		}
		h.service.set(2, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, approved), storage.LoginFailed, login.ReasonLost)
		h.wantState(h.after(time.Minute, waits), storage.LoginFailed, login.ReasonExpired)
		if n := h.service.orders(); n != 2 || !h.wasCancelledSoon(1) {
			t.Errorf("%d orders were made, and the first is cancelled: %v", n, h.service.wasCancelled(1))
		}
	})
}
