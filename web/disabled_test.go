package web_test

import (
	"net/http"
	"testing"

	"brygga/storage"
)

// TestDisabledClientsPage: a page that was open when its client was disabled starts nothing, which would cost an order whose answer is
// refused. It says so, and goes on when the client is enabled again.
func TestDisabledClientsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	path := b.begin("app")
	enable := func(yes bool) {
		t.Helper()
		client, err := h.store.Client(t.Context(), "app")
		must(t, err)
		client.Disabled = !yes
		must(t, h.store.UpdateClient(t.Context(), *client))
	}
	enable(false)
	for name, answer := range map[string]page{
		"start": b.post(path+"/start", "device", "other"), "page": b.get(path), "return": b.get(path + "/return?n=x"), "done": b.post(path + "/done"),
	} {
		if answer.status != http.StatusForbidden || !answer.has("unauthorized_client", "https://app.example/") {
			t.Errorf("%s = %d", name, answer.status)
		}
	}
	if answer := b.get(path + "/status"); answer.status != http.StatusForbidden {
		t.Errorf("status = %d", answer.status)
	}
	if answer := h.browser(windowsPC).get(path); answer.status != http.StatusNotFound {
		t.Errorf("another browser gets %d", answer.status)
	}
	if l := h.login(path); l.State != storage.LoginOpen || l.Claim.ID != "" || l.Orders != 0 {
		t.Errorf("the login is %s after %d orders", l.State, l.Orders)
	}
	enable(true)
	b.post(path+"/start", "device", "other")
	b.await(path, "qr-wait")
}
