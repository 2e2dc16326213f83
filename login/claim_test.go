package login_test

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestSlowStartEndsWithItsClaim: an order is given up before its claim dies, whatever the time-outs of the service's calls; the one
// it should have replaced is collected on as it was made until then.
func TestSlowStartEndsWithItsClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.takes(time.Minute)
		done := make(chan *storage.Login)
		go func() {
			l, err := h.Start(t.Context(), l.ID, this)
			if err != nil {
				t.Error(err)
			}
			done <- l
		}()
		l = h.after(login.MakeTime-time.Second, l)
		if !h.Starting(l) || l.State != storage.LoginPending || !h.Launch(l).URL.IsZero() || h.Frame(l).IsZero() {
			t.Errorf("the login is %s while the next order is made, with the link %q", l.State, h.Launch(l).URL.Reveal())
		}
		l = <-done
		h.wantState(l, storage.LoginFailed, login.ReasonUnavailable)
		if made := l.Claim.ID != "" || l.Starter().Device != storage.DeviceThis; made || h.Starting(l) || !h.wasCancelledSoon(1) {
			t.Error("the claim lives on, or the order before does")
		}
	})
}

// TestOrderOfADeadClaimIsNotPut: a store that takes its time to note the claim leaves none for the order.
func TestOrderOfADeadClaimIsNotPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.Store = slowBegin{o.Store, login.MakeTime} })
		defer h.close()
		l, err := h.Start(t.Context(), h.begin().ID, this)
		if err != nil {
			t.Fatal(err)
		}
		h.wantState(l, storage.LoginFailed, login.ReasonUnavailable)
		if n := h.service.orders(); n != 0 {
			t.Errorf("%d orders were made for a claim that has no time left", n)
		}
	})
}

// slowBegin is a store that takes its time to note a claim.
type slowBegin struct {
	storage.Store
	time.Duration
}

func (s slowBegin) BeginOrder(ctx context.Context, id string, claim storage.Claim, tell ...storage.Tell) (*storage.Login, error) {
	l, err := s.Store.BeginOrder(ctx, id, claim, tell...)
	time.Sleep(s.Duration)
	return l, err
}

// wasCancelledSoon reports whether the nth order is cancelled when all that goes on has been done.
func (h *house) wasCancelledSoon(n int) bool {
	synctest.Wait()
	return h.service.wasCancelled(n)
}

// TestClickDuringRenewal: a click while the code is being renewed is not lost. What the renewal brings then is cancelled.
func TestClickDuringRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.takes(3 * time.Second)
		l = h.after(29*time.Second, l)
		if l.Claim.Replaces == "" {
			t.Fatal("the order is not being renewed")
		}
		l, err := h.Start(t.Context(), l.ID, this)
		if err != nil {
			t.Fatal(err)
		}
		if l = h.after(time.Second, l); l.Order.Starter.Device != storage.DeviceThis || h.Launch(l).URL.Reveal() != "app:auto3" {
			t.Errorf("the current order is %s for the %s device", l.Order.Ref.Reveal(), l.Order.Starter.Device)
		}
		if !h.service.wasCancelled(1) || !h.service.wasCancelled(2) || h.service.wasCancelled(3) {
			t.Error("an order that is not wanted lives on")
		}
	})
}

// TestWishThatDies: when whoever took the claim of a renewal over is gone, the order from before is collected and renewed on.
func TestWishThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.takes(3 * time.Second)
		l = h.after(29*time.Second, l)
		wish := storage.Claim{ID: "of a process that dies", Starter: this, WindowEnds: time.Now().Add(time.Minute), At: time.Now()}
		if _, err := h.store.BeginOrder(t.Context(), l.ID, wish); err != nil {
			t.Fatal(err)
		}
		l = h.after(storage.ClaimLife+10*time.Second, l)
		if l.State != storage.LoginPending || l.Order.Starter.Device != storage.DeviceOther || h.Frame(l).IsZero() || h.service.orders() != 3 {
			t.Errorf("login is %s after %d orders, and the code is shown: %v", l.State, h.service.orders(), !h.Frame(l).IsZero())
		}
	})
}

// TestOldOrderIsCollectedWhileAWishWaits: a wish that takes a renewal over has no order yet. Whoever has read the code of the order from
// before is logged in by it as soon as they approve.
func TestOldOrderIsCollectedWhileAWishWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.takes(3 * time.Second)
		h.service.set(1, pending("outstandingTransaction"), nil)
		l = h.after(29*time.Second, l)
		wish := storage.Claim{ID: "of another process", Starter: other, WindowEnds: time.Now().Add(time.Minute), At: time.Now()}
		if _, err := h.store.BeginOrder(t.Context(), l.ID, wish); err != nil {
			t.Fatal(err)
		}
		l = h.after(4*time.Second, l) // the renewal is made, and not wanted
		h.service.set(1, complete(tolvan()), nil)
		before := len(h.service.collected(1))
		if l = h.after(3*time.Second, l); len(h.service.collected(1)) == before {
			t.Error("the order that counts is not collected")
		}
		h.wantState(l, storage.LoginComplete, "")
	})
}

// TestOrderKeepsWhatWasDemanded: what comes of the order, a session too, stands for that and for nothing the client demands later.
func TestOrderKeepsWhatWasDemanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.Policy = storage.Policy{MRTD: "yes", MinimumAge: 13, AddressCheck: "off"} })
		defer h.close()
		policy := storage.Policy{PinCode: "yes", MinimumAge: 18, VisibleText: map[string]string{"sv": "Hej"}, VisibleFormat: "plaintext"}
		if err := h.store.CreateClient(t.Context(), storage.Client{ID: "strict", Policy: policy}); err != nil {
			t.Fatal(err)
		}
		l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "strict"}, secret.New("binding"), "192.0.2.1")
		if err == nil {
			l, err = h.Start(t.Context(), l.ID, other)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := storage.Policy{
			PinCode: "yes", MRTD: "yes", MinimumAge: 18, ModerateRisk: "audit", HighRisk: "refuse", Return: "strict", AddressCheck: "off",
		}
		if !reflect.DeepEqual(l.Order.Policy, want) {
			t.Errorf("the order keeps %+v, want %+v", l.Order.Policy, want)
		}
	})
}

// TestResultKeepsWhatItHasMet: between a start and its result the client asks for another policy. What the app was asked for is what
// stood when the order was made, and what is looked at in the result is what stands when it comes: a session that stood for more
// would let somebody pass whom nobody has looked at.
func TestResultKeepsWhatItHasMet(t *testing.T) {
	all := storage.Policy{
		PinCode: "yes", MRTD: "yes", CardReader: "class1", CertificatePolicies: []string{"1.2.3.4.25"}, ModerateRisk: "refuse", HighRisk: "refuse",
		Return: "balanced", AddressCheck: "refuse", MinimumAge: 18,
	}
	none := storage.Policy{PinCode: "no", MRTD: "no", ModerateRisk: "accept", HighRisk: "audit", Return: "strict", AddressCheck: "off", MinimumAge: 1}
	asked, judged := all, none
	asked.ModerateRisk, asked.HighRisk, asked.Return, asked.AddressCheck, asked.MinimumAge = "accept", "audit", "strict", "off", 1
	judged.ModerateRisk, judged.HighRisk, judged.Return, judged.AddressCheck, judged.MinimumAge = "refuse", "refuse", "balanced", "refuse", 18
	for name, tt := range map[string]struct{ made, then, want storage.Policy }{
		"laxer": {all, none, asked}, "stricter": {none, all, judged}, "the same": {all, all, all},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l, err := h.Start(t.Context(), h.asking(tt.made).ID, other)
				if err != nil {
					t.Fatal(err)
				}
				h.asking(tt.then)
				identity := tolvan()
				identity.MRTD = tt.made.MRTD.On()
				h.service.set(1, complete(identity), nil)
				l = h.after(3*time.Second, l)
				h.wantState(l, storage.LoginComplete, "")
				if !reflect.DeepEqual(l.Order.Policy, tt.want) {
					t.Errorf("it has met %+v, want %+v", l.Order.Policy, tt.want)
				}
			})
		})
	}
}

// late is a store whose answers to the first PutOrder and the first CancelOrder take their time, once what they say is done.
type late struct {
	storage.Store
	put, cancelled atomic.Bool
}

func (s *late) PutOrder(ctx context.Context, id, claim string, order storage.Order) (*storage.Login, error) {
	l, err := s.Store.PutOrder(ctx, id, claim, order)
	if !s.put.Swap(true) {
		time.Sleep(2500 * time.Millisecond)
	}
	return l, err
}

func (s *late) CancelOrder(ctx context.Context, id string, failure storage.Failure, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	l, err := s.Store.CancelOrder(ctx, id, failure, now, tell...)
	if !s.cancelled.Swap(true) {
		time.Sleep(2500 * time.Millisecond)
	}
	return l, err
}

// TestNewestOrderIsCollected: two tabs press at once, and whoever was first hears of it last. The order that is there is collected, and
// lives at the service: nobody else would look for its result.
func TestNewestOrderIsCollected(t *testing.T) {
	for name, first := range map[string]func(context.Context, *house, *storage.Login) error{
		"after a start": func(ctx context.Context, h *house, l *storage.Login) error {
			_, err := h.Start(ctx, l.ID, this)
			return err
		},
		"after a cancel": func(ctx context.Context, h *house, l *storage.Login) error {
			if _, err := h.Start(ctx, l.ID, this); err != nil {
				return err
			}
			_, err := h.Cancel(ctx, l.ID, "192.0.2.1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) { o.Store = &late{Store: o.Store} })
				defer h.close()
				l := h.begin()
				done := make(chan error)
				go func() { done <- first(t.Context(), h, l) }()
				time.Sleep(time.Second)
				if name == "after a cancel" {
					time.Sleep(2500 * time.Millisecond)
				}
				if _, err := h.Start(t.Context(), l.ID, other); err != nil {
					t.Fatal(err)
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				h.service.set(2, complete(tolvan()), nil)
				h.wantState(h.after(5*time.Second, l), storage.LoginComplete, "")
				if h.wasCancelledSoon(2) || !h.service.wasCancelled(1) {
					t.Errorf("the order before is cancelled: %v, the new one: %v", h.service.wasCancelled(1), h.service.wasCancelled(2))
				}
			})
		})
	}
}
