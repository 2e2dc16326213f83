package login_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestNothingToOpenOncePickedUp_U04 looks at once, as the service itself shows no code that is old.
func TestNothingToOpenOncePickedUp_U04(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		if h.Frame(l).IsZero() {
			t.Fatal("no QR frame for an order that waits")
		}
		h.service.set(1, pending("userSign"), nil)
		if l = h.after(3*time.Second, l); !h.Frame(l).IsZero() {
			t.Error("a QR frame is shown for an order that an app has")
		}
		l = h.started(this)
		if h.Launch(l).URL.IsZero() {
			t.Fatal("no launch link for an order that waits")
		}
		h.service.set(2, pending("userSign"), nil)
		if l = h.after(3*time.Second, l); !h.Launch(l).URL.IsZero() {
			t.Error("a launch link is shown for an order that an app has")
		}
	})
}

// TestResultWithoutEvidence is of a client that wants proof from a service that has none.
func TestResultWithoutEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app", Evidence: true}, secret.New("binding"), "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		h.service.set(1, complete(tolvan()), nil)
		if l, err = h.Start(t.Context(), l.ID, other); err != nil {
			t.Fatal(err)
		}
		h.wantState(h.after(3*time.Second, l), storage.LoginComplete, "")
	})
}

// TestPatienceWithService stands on the edges of how long an order that cannot be collected is waited for.
func TestPatienceWithService(t *testing.T) {
	down := &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("503")}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(other)
		h.service.set(1, eid.Progress{}, down)
		if l = h.after(50*time.Second, l); l.State != storage.LoginPending {
			t.Errorf("an order that waits for its app is %s after 50 s", l.State)
		}
		if l = h.after(70*time.Second, l); l.State != storage.LoginFailed {
			t.Errorf("an order that no app can have any more is %s after two minutes", l.State)
		}
		l = h.started(other)
		h.service.set(2, pending("userSign"), nil)
		l = h.after(3*time.Second, l)
		h.service.set(2, eid.Progress{}, &eid.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")})
		h.wantState(h.after(40*time.Second, l), storage.LoginFailed, login.ReasonLost)
	})
}
