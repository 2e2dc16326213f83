package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// The address that began a login leads back to it in the browser that used it, and in no other.
func TestLoginIsResumed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	const address = "/authorize?client_id=app&login=AAAAAAAAAAAAAAAAAAAAAA"
	b := h.browser(windowsPC)
	first := b.get(address)
	page := first.header.Get("Location")
	if page != "/login/AAAAAAAAAAAAAAAAAAAAAA" {
		t.Fatalf("%d %v %s", first.status, first.header, first.body)
	}
	for range 2 {
		if again := b.get(address); again.status != http.StatusSeeOther || again.header.Get("Location") != page {
			t.Errorf("loaded again: %d %v", again.status, again.header)
		}
	}
	if shown := b.get(page); shown.status != http.StatusOK {
		t.Errorf("the page: %d", shown.status)
	}
	stranger := h.browser(windowsPC)
	stranger.get("/authorize?client_id=app") // it has a login of its own
	if other := stranger.get(address); strings.HasPrefix(other.header.Get("Location"), page) {
		t.Errorf("another browser: %d %v", other.status, other.header)
	}
	if client := b.get(strings.Replace(address, "client_id=app", "client_id=other", 1)); client.header.Get("Location") == page {
		t.Errorf("another client: %d %v", client.status, client.header)
	}
}
