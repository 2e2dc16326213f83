package login_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestRenewalsCount: after one click and no further request, an order is renewed until the window closes. Each renewal costs what an
// order costs, for the address and for the client.
func TestRenewalsCount(t *testing.T) {
	for name, test := range map[string]struct {
		limits login.Limits
		want   int // orders within a minute of six clicks
	}{
		"address": {login.Limits{OrdersPerAddress: 7}, 14}, // the bucket, and what comes into it in a minute
		"client":  {login.Limits{OrdersPerClient: 16}, 14}, // as many as are left, when some are forgotten
		"none":    {login.Limits{}, 18},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, func(o *login.Options) { o.Limits = test.limits })
			defer h.close()
			for range 6 {
				h.started(other)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := h.service.orders(); got > test.want || got < 8 {
				t.Errorf("%s: %d orders of six clicks in a minute, want at most %d", name, got, test.want)
			}
		})
	}
}

// TestRefusedRenewalEndsTheRound: the person may try again, and the old order does not live on.
func TestRefusedRenewalEndsTheRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.Limits.OrdersPerAddress = 1 })
		defer h.close()
		l := h.started(other)
		h.wantState(h.after(login.BankIDRenewAfter+time.Second, l), storage.LoginFailed, login.ReasonExpired)
		if !h.service.wasCancelled(1) || h.service.orders() != 1 {
			t.Error("the order lives on, or was renewed")
		}
		time.Sleep(time.Minute)
		if _, err := h.Start(t.Context(), l.ID, other); err != nil {
			t.Errorf("trying again: %v", err)
		}
	})
}

// TestNobodySpendsTheOrdersOfAClient: forty networks of one subscriber, and ten addresses, ask for all that they can get. Honest people
// come in all the same.
func TestNobodySpendsTheOrdersOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.Limits = login.Limits{OrdersPerAddress: 3, OrdersPerClient: 60, LoginsPerAddress: 1 << 20}
			o.Window = time.Second // an honest person's order is not renewed here
		})
		defer h.close()
		click := func(ip string) error {
			starter := other
			starter.IP = ip
			_, err := h.Start(t.Context(), h.begin().ID, starter)
			return err
		}
		for i := range 120 {
			click(fmt.Sprintf("2001:db8:0:%x::1", i%40))
			click(fmt.Sprintf("198.51.100.%d", i%10))
		}
		for i := range 3 {
			if err := click(fmt.Sprintf("192.0.2.%d", 100+i)); err != nil {
				t.Errorf("honest person %d: %v", i, err)
			}
		}
	})
}

// TestStoredBytesAreBounded: a login takes room in the store for half an hour, a large one more.
func TestStoredBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.Limits = login.Limits{LoginsPerAddress: 1 << 20, StoredPerAddress: 128 << 10, Stored: 512 << 10}
		})
		defer h.close()
		begin := func(ip string, state int) error {
			_, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app", State: strings.Repeat("s", state)}, secret.New("b"), ip)
			return err
		}
		fill := func(ip string, state int) (n int) {
			for begin(ip, state) == nil {
				n++
			}
			return n
		}
		if large, small := fill("192.0.2.1", 15<<10), fill("192.0.2.2", 0); large < 7 || large > 8 || small < 100 || small > 128 {
			t.Errorf("%d large logins and %d small ones in 128 KiB each", large, small)
		}
		for i := range 60 {
			fill(fmt.Sprintf("203.0.113.%d", i), 15<<10)
		}
		if err := begin("198.51.100.7", 0); err != nil {
			t.Errorf("an honest person after the flood: %v", err)
		}
		var limit *login.LimitError
		if err := begin("192.0.2.1", 0); !errors.As(err, &limit) || limit.RetryAfter < time.Second {
			t.Errorf("one more: %v, want a *LimitError", err)
		}
		time.Sleep(login.DefaultLife)
		if err := begin("192.0.2.1", 0); err != nil {
			t.Errorf("when the logins are over: %v", err)
		}
	})
}
