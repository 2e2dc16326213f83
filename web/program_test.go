package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// TestProgramHasNoPage: a login by telephone, or of another program, belongs to the program that asked for it. A browser that knows the login's ID and the value that it is
// bound to can neither see, restart, cancel nor answer it.
func TestProgramHasNoPage(t *testing.T) {
	h := newHouse(t, shared, nil)
	b := h.browser(inApp)
	page := b.begin("app")
	own := h.login(page)
	var binding secret.String
	at, err := url.Parse(h.url)
	must(t, err)
	for _, cookie := range b.http.Jar.Cookies(at) {
		if own.BoundTo(secret.New(cookie.Value)) {
			binding = secret.New(cookie.Value)
		}
	}
	if binding.IsZero() {
		t.Fatal("the browser has no cookie that its own login is bound to")
	}
	l, err := h.engine.Call(t.Context(), storage.AuthRequest{
		ClientID: "app", RequiredPersonalNumber: secret.New(h.peer.person(t)),
		Program: &storage.Program{Owner: "program", Expires: h.now().Add(time.Minute)}, Call: &storage.Call{Initiator: storage.CallByUser},
	}, binding, storage.Starter{IP: "192.0.2.1"})
	must(t, err)
	for range 500 {
		if now, err := h.engine.Login(t.Context(), l.ID); err == nil && now.State == storage.LoginPending {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.noPage(b, l)
	shown, err := h.engine.Order(t.Context(), "", storage.AuthRequest{
		ClientID: "app", Program: &storage.Program{Owner: "program", Expires: h.now().Add(time.Minute)},
	}, storage.Starter{IP: "192.0.2.1"})
	must(t, err)
	h.noPage(b, shown)
}

// noPage looks for pages of a login of a program.
func (h *house) noPage(b *browser, l *storage.Login) {
	t := h.t
	t.Helper()
	path := "/login/" + l.ID
	for _, below := range []string{"", "/status", "/events"} {
		if got, want := b.get(path+below).status, b.get("/login/AAAAAAAAAAAAAAAAAAAAAA"+below).status; got != want || got == http.StatusOK {
			t.Errorf("GET %s of a program = %d, of no login = %d", below, got, want)
		}
	}
	b.header = http.Header{"Origin": {h.url}}
	for _, below := range []string{"/start", "/cancel", "/leave", "/done"} {
		if got, want := b.post(path+below).status, b.post("/login/AAAAAAAAAAAAAAAAAAAAAA"+below).status; got != want {
			t.Errorf("POST %s of a program = %d, of no login = %d", below, got, want)
		}
	}
	if now, err := h.engine.Login(t.Context(), l.ID); err != nil || now.State != storage.LoginPending || now.Orders != 1 {
		t.Errorf("the login went on as %+v, %v", now, err)
	}
}
