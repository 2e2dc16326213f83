package login_test

import (
	"testing"
	"testing/synctest"

	"brygga/login"
)

// TestReturnURLOnlyForThisDevice_U17: only an order that the app is opened with here has a way back; a scanned one has none, nor
// a nonce to wait for.
func TestReturnURLOnlyForThisDevice_U17(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		defer h.close()
		scanned := h.started(other)
		if url := h.service.request(1).ReturnURL; !url.IsZero() || scanned.Order.ReturnNonceHash != [32]byte{} {
			t.Error("an order for another device has a return URL or a nonce")
		}
		opened := h.started(this)
		if url := h.service.request(2).ReturnURL; url.IsZero() || len(url.Reveal()) > 512 || opened.Order.ReturnNonceHash == [32]byte{} {
			t.Error("an order for this device has no return URL of at most 512 characters, or no nonce")
		}
	})
}

// TestServiceIsToldOfTheBrowser_U16: every order, a renewed one too, carries the browser's words and the domain of the page.
func TestServiceIsToldOfTheBrowser_U16(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) { o.ReferringDomain = "id.example" })
		defer h.close()
		starter := other
		starter.UserAgent, starter.DeviceIdentifier = "Mozilla/5.0 (made up)", "device"
		l, err := h.Start(t.Context(), h.begin().ID, starter)
		if err != nil {
			t.Fatal(err)
		}
		h.service.set(1, failed("startFailed"), nil)
		h.after(3e9, l)
		if h.service.orders() != 2 {
			t.Fatalf("%d orders, want one and its renewal", h.service.orders())
		}
		for n := 1; n <= 2; n++ {
			r := h.service.request(n)
			if r.ReferringDomain != "id.example" || r.Starter.UserAgent != starter.UserAgent || r.Starter.DeviceIdentifier != "device" {
				t.Errorf("order %d was asked for with %q, %q and %q", n, r.ReferringDomain, r.Starter.UserAgent, r.Starter.DeviceIdentifier)
			}
		}
	})
}
