package login_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

func TestResultChecks_T11_T16_T10(t *testing.T) {
	incomplete, risky, elsewhere := tolvan(), tolvan(), tolvan()
	incomplete.PersonalNumber = secret.String{}
	risky.Risk = "high"
	elsewhere.DeviceIP = "198.51.100.9"
	nobody, unjudged := tolvan(), tolvan()
	nobody.Name = secret.String{}
	unjudged.Risk = ""
	for _, test := range []struct {
		name     string
		starter  storage.Starter
		noReturn bool
		required string
		identity storage.Identity
		want     string
	}{
		{"believed", other, false, "", tolvan(), ""},
		{"required person", other, false, "191212121212", tolvan(), ""},
		{"another person", other, false, "197001011234", tolvan(), login.ReasonOtherPerson},
		{"no personal number", other, false, "", incomplete, login.ReasonIncomplete},
		{"no name", other, false, "", nobody, login.ReasonIncomplete},
		{"high risk", other, false, "", risky, login.ReasonRisk},
		{"other device elsewhere", other, false, "", elsewhere, ""},
		{"this device elsewhere, return binds", this, false, "", elsewhere, ""},
		{"this device, no way back, same address, low risk", this, true, "", tolvan(), ""},
		{"this device, no way back, elsewhere", this, true, "", elsewhere, login.ReasonOtherAddress},
		{"this device, no way back, risk not judged", this, true, "", unjudged, login.ReasonRisk},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.noReturn = test.noReturn
				h.service.set(1, complete(test.identity), nil)
				l, err := h.Create(t.Context(), storage.AuthRequest{
					ClientID: "app", RequiredPersonalNumber: secret.New(test.required),
				}, secret.New("binding"), "192.0.2.1")
				if err != nil {
					t.Fatal(err)
				}
				if l, err = h.Start(t.Context(), l.ID, test.starter); err != nil {
					t.Fatal(err)
				}
				l = h.after(3*time.Second, l)
				refused := h.events(audit.ResultRefused)
				if test.want == "" {
					h.wantState(l, storage.LoginComplete, "")
				} else if h.wantState(l, storage.LoginFailed, test.want); len(refused) != 1 || l.Identity != nil {
					t.Errorf("refused with %d events and identity %v", len(refused), l.Identity)
				}
			})
		})
	}
}

func TestCancelWinsOverResult_U08_RowA18(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		asked, answer := make(chan struct{}), make(chan struct{})
		h.service.setFunc(1, func() (eid.Progress, error) {
			close(asked)
			<-answer
			return complete(tolvan()), nil
		})
		l := h.started(other)
		<-asked
		l, err := h.Cancel(t.Context(), l.ID, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		close(answer)
		l = h.after(5*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		if !h.service.wasCancelled(1) || len(h.events(audit.LoginEnded)) != 1 {
			t.Error("the order was not cancelled at the service, or not audited")
		}
		if _, err = h.Cancel(t.Context(), l.ID, ""); err != nil || len(h.events(audit.LoginEnded)) != 1 {
			t.Errorf("cancelling twice: %v", err)
		}
	})
}

func TestCancelWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		h.service.hold = make(chan time.Time)
		l := h.begin()
		done := make(chan error)
		go func() {
			_, err := h.Start(t.Context(), l.ID, other)
			done <- err
		}()
		synctest.Wait()
		if l, _ = h.Login(t.Context(), l.ID); !h.Starting(l) {
			t.Error("the login does not show that an order is being made")
		}
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrBusy) {
			t.Errorf("a double click: %v, want ErrBusy", err)
		}
		if _, err := h.Cancel(t.Context(), l.ID, ""); err != nil {
			t.Fatal(err)
		}
		close(h.service.hold)
		if err := <-done; !errors.Is(err, storage.ErrConflict) {
			t.Errorf("Start returns %v after a cancel, want ErrConflict", err)
		}
		l = h.after(5*time.Second, l)
		h.wantState(l, storage.LoginFailed, login.ReasonCancelled)
		if !h.service.wasCancelled(1) || len(h.service.collected(1)) != 0 {
			t.Error("the unwanted order lives on")
		}
	})
}

func TestStartAgainReplaces_U02_U14(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		l, err := h.Start(t.Context(), l.ID, this)
		if err != nil {
			t.Fatal(err)
		}
		l = h.after(3*time.Second, l)
		if !h.service.wasCancelled(1) || l.Order.Ref.Reveal() != "order2" || len(h.service.collected(1)) > 0 {
			t.Errorf("first order cancelled %v, current %s", h.service.wasCancelled(1), l.Order.Ref.Reveal())
		}
		if !h.Frame(l).IsZero() || h.Launch(l).URL.Reveal() != "app:auto2" {
			t.Error("an order for this device has no launch link, or a QR frame")
		}
		h.service.refuse = &eid.Fault{Reason: login.ReasonMaintenance, Wait: 5 * time.Minute, Err: errors.New("503")}
		if l, err = h.Start(t.Context(), l.ID, other); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.wantState(l, storage.LoginFailed, login.ReasonMaintenance)
		if wait := time.Until(l.Failure.Retry); wait <= 4*time.Minute || wait > 5*time.Minute {
			t.Errorf("the person may try again after %s, and the service said five minutes", wait)
		}
		if !h.service.wasCancelled(2) {
			t.Error("the order before a failed start lives on")
		}
	})
}

func TestLimits_T13_RowA23(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.MaxOrders = 3
			o.Limits = login.Limits{LoginsPerAddress: 20, OrdersPerAddress: 6, PendingOrders: 7}
		})
		defer h.close()
		var limit *login.LimitError
		l := h.begin()
		for range 3 {
			if _, err := h.Start(t.Context(), l.ID, other); err != nil {
				t.Fatal(err)
			}
		}
		last, err := h.Start(t.Context(), l.ID, other)
		if err != nil {
			t.Fatal(err)
		}
		h.wantState(last, storage.LoginFailed, login.ReasonTooMany)
		for range 2 {
			h.started(other)
		}
		if _, err := h.Start(t.Context(), h.begin().ID, other); !errors.As(err, &limit) || limit.RetryAfter <= 0 {
			t.Errorf("a seventh order within the minute: %v, want a *LimitError", err)
		}
		elsewhere := other
		elsewhere.IP = "2001:db8::1"
		for range 3 {
			if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); !errors.As(err, &limit) {
			t.Errorf("a fourth order of one network, where two more may be pending: %v, want a *LimitError", err)
		}
		elsewhere.IP = "2001:db8:1::1"
		if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); err != nil {
			t.Errorf("an order of another network: %v", err)
		}
		if _, err := h.Start(t.Context(), h.begin().ID, elsewhere); !errors.As(err, &limit) {
			t.Errorf("a seventh pending order: %v, want a *LimitError", err)
		}
		for range 15 {
			if _, err = h.Create(t.Context(), storage.AuthRequest{ClientID: "app"}, secret.New("b"), "192.0.2.1"); err != nil {
				break
			}
		}
		if !errors.As(err, &limit) {
			t.Errorf("many logins from one address: %v, want a *LimitError", err)
		}
	})
}

func TestUnknownAndFinishedLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		if _, err := h.Start(t.Context(), "unknown", other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Start of an unknown login: %v", err)
		}
		l := h.begin()
		if _, err := h.store.RefuseLogin(t.Context(), l.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("Start of an answered login: %v", err)
		}
		l = h.begin()
		time.Sleep(login.DefaultLife)
		if _, err := h.Start(t.Context(), l.ID, other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Start of an expired login: %v", err)
		}
		if h.service.orders() != 0 {
			t.Error("orders were made")
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.begin()
		changed, stop := watch(h.Engine, l.ID)
		select {
		case <-changed:
			t.Error("a change was told before there was one")
		default:
		}
		if _, err := h.Start(t.Context(), l.ID, other); err != nil {
			t.Fatal(err)
		}
		<-changed
		stop()
		h.service.set(1, pending("userSign"), nil)
		h.after(3*time.Second, l)
		select {
		case <-changed:
			t.Error("a change was told after the end of the watch")
		default:
		}
	})
}
