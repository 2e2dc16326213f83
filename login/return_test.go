package login_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// nonceOf returns the nonce in the nth order's return URL.
func (h *house) nonceOf(n int) secret.String {
	_, nonce, _ := strings.Cut(h.service.request(n).ReturnURL.Reveal(), "?n=")
	return secret.New(nonce)
}

func TestReturn_T01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		h.service.set(1, complete(tolvan()), nil)
		l = h.after(3*time.Second, l)
		h.wantState(l, storage.LoginComplete, "")
		if l.Answerable() {
			t.Fatal("a login for this device can be answered before the person is back")
		}
		l, err := h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1")
		if err != nil || !l.Answerable() {
			t.Fatalf("after the return: %v, answerable %v", err, l.Answerable())
		}
		if l, err = h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1"); err != nil || !l.Answerable() {
			t.Errorf("a reload of the return page: %v", err)
		}
	})
}

func TestReturnBeforeResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		l, err := h.Return(t.Context(), l.ID, h.nonceOf(1), "192.0.2.1")
		if err != nil || l.Answerable() {
			t.Fatalf("coming back before the result: %v, answerable %v", err, l.Answerable())
		}
		h.service.set(1, complete(tolvan()), nil)
		if l = h.after(3*time.Second, l); !l.Answerable() {
			t.Error("the return before the result does not count")
		}
	})
}

func TestReturnRefused_T02(t *testing.T) {
	for _, test := range []struct {
		name  string
		nonce func(h *house) secret.String
	}{
		{"guessed", func(*house) secret.String { return secret.New("guess") }},
		{"empty", func(*house) secret.String { return secret.String{} }},
		{"of another login", func(h *house) secret.String { return h.nonceOf(2) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				l := h.started(this)
				h.started(this)
				h.service.set(1, complete(tolvan()), nil)
				l = h.after(3*time.Second, l)
				l, err := h.Return(t.Context(), l.ID, test.nonce(h), "203.0.113.5")
				if !errors.Is(err, login.ErrReturnRefused) {
					t.Fatalf("error is %v, want ErrReturnRefused", err)
				}
				h.wantState(l, storage.LoginFailed, login.ReasonReturn)
				if l.Identity != nil || l.Answerable() || len(h.events(audit.ReturnRefused)) != 1 {
					t.Error("the login keeps its identity, or nothing was audited")
				}
				if l, err = h.Return(t.Context(), l.ID, h.nonceOf(1), "203.0.113.5"); err != nil || l.Answerable() {
					t.Errorf("the right nonce afterwards: %v, answerable %v", err, l.Answerable())
				}
			})
		})
	}
}

func TestReturnOfReplacedOrderRefused_T02(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		l := h.started(this)
		if _, err := h.Start(t.Context(), l.ID, this); err != nil {
			t.Fatal(err)
		}
		h.service.set(2, complete(tolvan()), nil)
		l = h.after(3*time.Second, l)
		if _, err := h.Return(t.Context(), l.ID, h.nonceOf(1), ""); !errors.Is(err, login.ErrReturnRefused) {
			t.Errorf("the replaced order's nonce: %v, want ErrReturnRefused", err)
		}
	})
}
